//! Adoption: what someone retained, what is in a shared space, and what nobody in the cluster owns.

use serde_json::{Value, json};

use crate::harness::{Handle, text};
use crate::world::{World, attack, not_ready};

const NETWORK: &str = "vpcId: vpc-0123456789abcdef0, subnetIds: [subnet-0123456789abcdef0]";

/// Who may not adopt is told so by one of these.
const REFUSED: &[&str] = &["ReferenceNotAllowed", "Conflict", "AlreadyExists"];

/// What is retained: kind, name and spec.
fn kept() -> Vec<(&'static str, &'static str, String)> {
    let mcp = "{mcpserver: {name: kept, endpoint: 'https://kept.example.com/mcp', authorizationConfig:
        {bearerToken: {tokenName: t, tokenValue: {secretKeyRef: {name: token, key: token}}}}}}";
    vec![
        ("AgentSpace", "hist", "name: History".to_owned()),
        (
            "PrivateConnection",
            "keepme",
            format!("mode: {{serviceManaged: {{hostAddress: 10.1.2.9, {NETWORK}}}}}"),
        ),
        ("ServiceRegistration", "keepreg", format!("name: Kept, service: {mcp}")),
    ]
}

fn yaml(kind: &str, name: &str, more: &str, spec: &str) -> String {
    format!("{{kind: {kind}, metadata: {{name: {name}}}, spec: {{{more}, {spec}}}}}")
}

/// Has the victim make and give up everything that is kept; gives the ids.
async fn retain(w: &World<'_>) -> Vec<String> {
    for person in [&w.victim, &w.mallory] {
        person.secret("token", &[("token", "one")]).await;
    }
    let mut ids = Vec::new();
    for (kind, name, spec) in kept() {
        let object = w.victim.apply(&yaml(kind, name, "deletionPolicy: Retain", &spec)).await;
        ids.push(text(&object.ready().await, "/status/id").to_owned());
    }
    for (kind, name, _) in kept() {
        w.victim.delete(kind, name).await.gone().await;
    }
    ids
}

async fn are_refused(made: &[Handle]) {
    for object in made {
        not_ready(object, REFUSED).await;
        assert_eq!(object.id().await, "", "{object}");
    }
    for object in made {
        object.delete_and_wait().await;
    }
}

#[test]
fn what_another_namespace_retained_can_not_be_adopted_by_name_or_id() {
    attack(async |w| {
        let ids = retain(w).await;
        let protected = w.protect();
        // By the natural key, also under the same name, and by id, which counts as the wish to adopt.
        for policy in ["adoptionPolicy: Adopt", "adoptionPolicy: Refuse", "managementPolicy: Observe"] {
            let mut made = Vec::new();
            for (kind, name, spec) in kept() {
                made.push(w.mallory.apply(&yaml(kind, name, policy, &spec)).await);
            }
            are_refused(&made).await;
            protected.assert_untouched(w.t);
        }
        let mut made = Vec::new();
        for ((kind, name, spec), id) in kept().iter().zip(&ids) {
            made.push(
                w.mallory
                    .apply(&yaml(kind, &format!("{name}-id"), &format!("externalId: '{id}'"), spec))
                    .await,
            );
        }
        are_refused(&made).await;
        protected.assert_untouched(w.t);
    });
}

#[test]
fn what_a_namespace_retained_it_takes_back_under_the_same_name() {
    attack(async |w| {
        let ids = retain(w).await;
        for ((kind, name, spec), id) in kept().iter().zip(&ids) {
            let object = w.victim.apply(&yaml(kind, name, "adoptionPolicy: Adopt", spec)).await;
            assert_eq!(text(&object.ready().await, "/status/id"), id, "{object}");
        }
    });
}

/// A resource that was made by hand, for each kind that can be adopted: kind, spec, what to call.
fn by_hand() -> Vec<(&'static str, String, &'static str, Value)> {
    let mode = json!({"serviceManaged": {"hostAddress": "10.1.2.9", "vpcId": "vpc-0123456789abcdef0", "subnetIds": ["subnet-0123456789abcdef0"]}});
    vec![
        (
            "AgentSpace",
            "name: Terraform space".to_owned(),
            "CreateAgentSpace",
            json!({"name": "Terraform space", "tags": {"team": "payments"}}),
        ),
        (
            "PrivateConnection",
            format!("name: byhand, mode: {{serviceManaged: {{hostAddress: 10.1.2.9, {NETWORK}}}}}"),
            "CreatePrivateConnection",
            json!({"name": "byhand", "mode": mode, "tags": {"team": "payments"}}),
        ),
        (
            "ServiceRegistration",
            "service: {eventChannel: {type: webhook}}".to_owned(),
            "RegisterService",
            json!({"service": "eventChannel", "serviceDetails": {"eventChannel": {"type": "webhook"}}, "tags": {"team": "payments"}}),
        ),
    ]
}

async fn make_by_hand(w: &World<'_>) {
    for (.., operation, input) in by_hand() {
        w.by_hand(operation, input).await;
    }
}

/// Changes what the test's account says of adoption.
async fn rule(w: &World<'_>, adoption: Value) {
    let account = w.t.handle("AWSAccount", &w.t.namespace);
    account.patch(json!({"spec": {"adoption": adoption}})).await;
    account.ready().await;
}

#[test]
fn what_nobody_owns_can_be_adopted_by_all_as_long_as_the_account_says_nothing() {
    attack(async |w| {
        make_by_hand(w).await;
        for (kind, spec, ..) in by_hand() {
            w.mallory.apply(&yaml(kind, "found", "adoptionPolicy: Adopt", &spec)).await.ready().await;
        }
    });
}

#[test]
fn what_nobody_owns_is_adopted_and_observed_only_by_those_whom_the_account_lists() {
    attack(async |w| {
        make_by_hand(w).await;
        let names = json!({"from": "Names", "names": [w.victim.namespace]});
        let rules = json!([{"name": "payments", "namespaces": names, "resourceTags": {"team": "payments"}}]);
        rule(w, json!({"unowned": "Listed", "rules": rules})).await;
        let protected = w.protect();
        for policy in ["adoptionPolicy: Adopt", "managementPolicy: Observe"] {
            let mut made = Vec::new();
            for (kind, spec, ..) in by_hand() {
                made.push(w.mallory.apply(&yaml(kind, "thief", policy, &spec)).await);
            }
            are_refused(&made).await;
        }
        let borrowed = "{kind: ServiceRegistration, metadata: {name: b}, spec: {existing: {match: {serviceType: eventChannel}}}}";
        are_refused(&[w.mallory.apply(borrowed).await]).await;
        protected.assert_untouched(w.t);
        for (kind, spec, ..) in by_hand() {
            w.victim.apply(&yaml(kind, "found", "adoptionPolicy: Adopt", &spec)).await.ready().await;
        }
    });
}

#[test]
fn a_rule_with_tags_opens_only_what_carries_all_of_them() {
    attack(async |w| {
        make_by_hand(w).await;
        let names = json!({"from": "Names", "names": [w.mallory.namespace]});
        let tags = json!({"team": "payments", "stage": "test"});
        let rules = json!([{"name": "test-only", "namespaces": names, "resourceTags": tags}]);
        rule(w, json!({"unowned": "Listed", "rules": rules})).await;
        let protected = w.protect();
        let mut made = Vec::new();
        for (kind, spec, ..) in by_hand() {
            made.push(w.mallory.apply(&yaml(kind, "thief", "adoptionPolicy: Adopt", &spec)).await);
        }
        are_refused(&made).await;
        protected.assert_untouched(w.t);
    });
}

#[test]
fn what_is_in_a_shared_space_is_not_taken_by_who_may_use_the_space() {
    attack(async |w| {
        let space =
            w.platform.apply("{kind: AgentSpace, metadata: {name: shared}, spec: {name: Shared}}").await;
        let id = text(&space.ready().await, "/status/id").to_owned();
        w.platform.allow("AgentSpace", "shared", &w.mallory).await;
        let skill = |text: &str, space: &str| {
            format!(
                "agentSpaceRef: {space}, assetType: skill, metadata: {{name: NAME, description: d, agent_types: [GENERIC]}},
                 content: {{files: [{{path: SKILL.md, text: {text}}}]}}"
            )
        };
        // One that the platform's object made, one that it retained, one that was made by hand.
        let own = skill("good", "{name: shared}");
        for name in ["ours", "retained"] {
            let yaml = yaml("Asset", name, "deletionPolicy: Retain", &own.replace("NAME", name));
            w.platform.apply(&yaml).await.ready().await;
        }
        w.platform.delete("Asset", "retained").await.gone().await;
        let metadata = json!({"name": "by-hand", "description": "d", "agent_types": ["GENERIC"]});
        let content = json!({"file": {"path": "SKILL.md", "body": {"text": "good"}}});
        w.by_hand(
            "CreateAsset",
            json!({"agentSpaceId": id, "assetType": "skill", "metadata": metadata, "content": content}),
        )
        .await;
        let before = w.t.remotes("asset");
        let reference = format!("{{name: shared, namespace: {}}}", w.platform.namespace);
        let spec = skill("overwritten by evil", &reference);
        for policy in ["adoptionPolicy: Refuse", "adoptionPolicy: Adopt"] {
            let mut made = Vec::new();
            for name in ["ours", "retained", "by-hand"] {
                made.push(w.mallory.apply(&yaml("Asset", name, policy, &spec.replace("NAME", name))).await);
            }
            are_refused(&made).await;
            assert_eq!(w.t.remotes("asset"), before, "{policy}");
        }
        // By id, too.
        let mut made = Vec::new();
        for asset in &before {
            let id = text(asset, "/assetId");
            let name = text(asset, "/metadata/name");
            let more = format!("externalId: '{id}'");
            made.push(
                w.mallory
                    .apply(&yaml("Asset", &format!("{name}-id"), &more, &spec.replace("NAME", name)))
                    .await,
            );
        }
        are_refused(&made).await;
        assert_eq!(w.t.remotes("asset"), before);
    });
}
