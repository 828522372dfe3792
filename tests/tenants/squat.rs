//! Squatting: what can't or won't create claims no name, and costs nobody a Ready.

use serde_json::json;

use crate::world::{World, attack, not_ready, ready_soon};

const PAUSED: &str = "annotations: {devopsagent.dev/paused: 'true'}";
const NETWORK: &str = "vpcId: vpc-0123456789abcdef0, subnetIds: [subnet-0123456789abcdef0]";

/// What both describe: kind and spec, with the same natural key.
fn rivals() -> Vec<(&'static str, &'static str, String)> {
    let mcp = "{mcpserver: {name: orders, endpoint: 'https://orders.example.com/mcp', authorizationConfig:
        {bearerToken: {tokenName: t, tokenValue: {secretKeyRef: {name: token, key: token}}}}}}";
    vec![
        ("AgentSpace", "orders", "name: Orders".to_owned()),
        (
            "PrivateConnection",
            "orders-db",
            format!("mode: {{serviceManaged: {{hostAddress: 10.9.9.9, {NETWORK}}}}}"),
        ),
        ("ServiceRegistration", "channel", "service: {eventChannel: {type: webhook}}".to_owned()),
        ("ServiceRegistration", "orders", format!("name: Orders, service: {mcp}")),
    ]
}

fn yaml(kind: &str, name: &str, annotations: &str, spec: &str) -> String {
    format!("{{kind: {kind}, metadata: {{name: {name}, {annotations}}}, spec: {{{spec}}}}}")
}

async fn tokens(w: &World<'_>) {
    for person in [&w.mallory, &w.victim] {
        person.secret("token", &[("token", "one")]).await;
    }
}

#[test]
fn what_is_paused_from_birth_squats_on_no_name() {
    attack(async |w| {
        tokens(w).await;
        for (kind, name, spec) in rivals() {
            let squatter = w.mallory.apply(&yaml(kind, name, PAUSED, &spec)).await;
            squatter.wait("it is paused", |object| object["status"]["conditions"].is_array()).await;
        }
        for (kind, name, spec) in rivals() {
            ready_soon(&w.victim.apply(&yaml(kind, name, "", &spec)).await).await;
        }
        // Who was first and wakes too late has to say so, and changes nothing.
        let protected = w.protect();
        for (kind, name, _) in rivals() {
            w.mallory
                .patch(kind, name, json!({"metadata": {"annotations": {"devopsagent.dev/paused": null}}}))
                .await;
            not_ready(&w.mallory.handle(kind, name), &["Conflict", "ReferenceNotAllowed"]).await;
        }
        protected.assert_untouched(w.t);
    });
}

#[test]
fn what_only_observes_squats_on_no_name() {
    attack(async |w| {
        tokens(w).await;
        for (kind, name, spec) in rivals() {
            let spec = format!("managementPolicy: Observe, {spec}");
            let squatter = w.mallory.apply(&yaml(kind, name, "", &spec)).await;
            not_ready(&squatter, &["NotFound"]).await;
        }
        for (kind, name, spec) in rivals() {
            ready_soon(&w.victim.apply(&yaml(kind, name, "", &spec)).await).await;
        }
    });
}

#[test]
fn what_lacks_consent_squats_on_no_name() {
    attack(async |w| {
        tokens(w).await;
        let closed = format!("{}-closed", w.t.namespace);
        let account =
            w.t.account_yaml().replace(&format!("name: {}", w.t.namespace), &format!("name: {closed}"));
        let account =
            format!("{account}  allowedNamespaces: {{from: Names, names: [{}]}}\n", w.victim.namespace);
        w.t.apply(&account).await.ready().await;
        for (kind, name, spec) in rivals() {
            let spec = format!("accountRef: {{name: {closed}}}, {spec}");
            let squatter = w.mallory.apply(&yaml(kind, name, "", &spec)).await;
            not_ready(&squatter, &["ReferenceNotAllowed"]).await;
        }
        for (kind, name, spec) in rivals() {
            let spec = format!("accountRef: {{name: {closed}}}, {spec}");
            ready_soon(&w.victim.apply(&yaml(kind, name, "", &spec)).await).await;
        }
        for (kind, name, _) in rivals() {
            w.victim.delete(kind, name).await.gone().await;
        }
        w.t.handle("AWSAccount", &closed).delete_and_wait().await;
    });
}

#[test]
fn a_child_in_a_shared_space_squats_on_no_name_either() {
    attack(async |w| {
        w.platform
            .apply("{kind: AgentSpace, metadata: {name: shared}, spec: {name: Shared}}")
            .await
            .ready()
            .await;
        let both = json!({"from": "Names", "names": [w.mallory.namespace, w.victim.namespace]});
        w.platform.patch("AgentSpace", "shared", json!({"spec": {"allowedNamespaces": both}})).await;
        let space = format!("agentSpaceRef: {{name: shared, namespace: {}}}", w.platform.namespace);
        let skill = format!(
            "{space}, assetType: skill, metadata: {{name: runbook, description: d, agent_types: [GENERIC]}},
             content: {{files: [{{path: SKILL.md, text: t}}]}}"
        );
        let role = format!(
            "{space}, configuration: {{sourceAws: {{accountId: '210987654321', assumableRoleArn: 'arn:aws:iam::210987654321:role/Agent'}}}}"
        );
        let children = [("Asset", "runbook", skill), ("Association", "role", role)];
        for (kind, name, spec) in &children {
            w.mallory.apply(&yaml(kind, name, PAUSED, spec)).await;
            let observing = format!("managementPolicy: Observe, {spec}");
            w.mallory.apply(&yaml(kind, &format!("{name}-observing"), "", &observing)).await;
        }
        for (kind, name, spec) in &children {
            ready_soon(&w.victim.apply(&yaml(kind, name, "", spec)).await).await;
        }
    });
}
