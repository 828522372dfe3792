//! What has always held and must go on holding: other clusters' resources, and secrets that are never in an object.

use serde_json::{Value, json};

use crate::world::{World, attack, not_ready};

const NETWORK: &str = "vpcId: vpc-0123456789abcdef0, subnetIds: [subnet-0123456789abcdef0]";

/// What another cluster owns: kind, spec, and how it was made.
fn foreign() -> Vec<(&'static str, String, &'static str, Value)> {
    let tags = json!({"devopsagent.dev/cluster": "elsewhere", "devopsagent.dev/namespace": "team", "devopsagent.dev/name": "theirs",
        "devopsagent.dev/uid": "11111111-2222-4333-8444-555555555555"});
    let mode = json!({"serviceManaged": {"hostAddress": "10.1.2.9", "vpcId": "vpc-0123456789abcdef0", "subnetIds": ["subnet-0123456789abcdef0"]}});
    vec![
        (
            "AgentSpace",
            "name: Theirs".to_owned(),
            "CreateAgentSpace",
            json!({"name": "Theirs", "tags": tags}),
        ),
        (
            "PrivateConnection",
            format!("name: theirs, mode: {{serviceManaged: {{hostAddress: 10.1.2.9, {NETWORK}}}}}"),
            "CreatePrivateConnection",
            json!({"name": "theirs", "mode": mode, "tags": tags}),
        ),
        (
            "ServiceRegistration",
            "service: {eventChannel: {type: webhook}}".to_owned(),
            "RegisterService",
            json!({"service": "eventChannel", "serviceDetails": {"eventChannel": {"type": "webhook"}}, "tags": tags}),
        ),
    ]
}

async fn make(w: &World<'_>) {
    for (.., operation, input) in foreign() {
        w.by_hand(operation, input).await;
    }
}

#[test]
fn what_another_cluster_owns_is_never_taken() {
    attack(async |w| {
        make(w).await;
        let protected = w.protect();
        for policy in ["adoptionPolicy: Adopt", "adoptionPolicy: Refuse"] {
            for (kind, spec, ..) in foreign() {
                let yaml =
                    format!("{{kind: {kind}, metadata: {{name: theirs}}, spec: {{{policy}, {spec}}}}}");
                let object = w.mallory.apply(&yaml).await;
                object.condition("Stalled", "True", "Conflict").await;
                object.delete_and_wait().await;
            }
        }
        protected.assert_untouched(w.t);
    });
}

#[test]
fn no_object_takes_a_secret_inline() {
    attack(async |w| {
        let inline = ["'s3cret'", "{value: s3cret}", "{secretKeyRef: {name: a, key: b, namespace: victim}}"];
        let form = "{kind: ServiceRegistration, metadata: {name: inline}, spec: {name: Inline, service: {gitlab: {targetUrl: 'https://x.example.com',
            tokenType: personal, tokenValue: TOKEN}}}}";
        for value in inline {
            let refused = w.mallory.try_apply(&form.replace("TOKEN", value)).await;
            let Err(kube::Error::Api(status)) = refused else { panic!("{value} is accepted") };
            assert!([400, 422, 500].contains(&status.code), "{status:?}");
        }
        assert!(w.mallory.handle("ServiceRegistration", "inline").find().await.is_none());
    });
}

#[test]
fn another_clusters_resources_can_be_hidden_from_all() {
    attack(async |w| {
        make(w).await;
        let account = w.t.handle("AWSAccount", &w.t.namespace);
        account.patch(json!({"spec": {"adoption": {"otherClusters": "None"}}})).await;
        account.ready().await;
        let protected = w.protect();
        let borrowed = "{kind: ServiceRegistration, metadata: {name: b}, spec: {existing: {match: {serviceType: eventChannel}}}}";
        let mut made = vec![w.mallory.apply(borrowed).await];
        for (kind, spec, ..) in foreign() {
            let yaml = format!(
                "{{kind: {kind}, metadata: {{name: spy}}, spec: {{managementPolicy: Observe, {spec}}}}}"
            );
            made.push(w.mallory.apply(&yaml).await);
        }
        for object in &made {
            not_ready(object, &["ReferenceNotAllowed", "Conflict"]).await;
        }
        protected.assert_untouched(w.t);
    });
}
