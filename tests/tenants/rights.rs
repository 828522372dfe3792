//! What the API server refuses a tenant: status, other namespaces, accounts.

use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use serde_json::{Value, json};

use crate::fixtures::SPACE;
use crate::world::attack;

/// The kinds of ours that a tenant may write.
const KINDS: [&str; 6] =
    ["AgentSpace", "ServiceRegistration", "PrivateConnection", "Association", "Asset", "Trigger"];

/// Fails unless the API server says that this is forbidden.
fn forbidden<T>(answer: Result<T, kube::Error>, what: &str) {
    match answer {
        Err(kube::Error::Api(status)) if status.code == 403 => {}
        Err(error) => panic!("{what}: refused, but not for lack of rights: {error}"),
        Ok(_) => panic!("{what}: not refused"),
    }
}

#[test]
fn a_tenant_can_not_write_the_status_of_any_kind() {
    attack(async |w| {
        let status = Patch::Merge(json!({"status": {"id": "11111111-2222-4333-8444-555555555555"}}));
        for kind in KINDS {
            // The right is checked before it is looked for the object.
            let api = w.mallory.api(kind, &w.mallory.namespace);
            forbidden(api.patch_status("any", &PatchParams::default(), &status).await, kind);
        }
        // With the object itself a status is accepted and dropped.
        let space: Value = serde_saphyr::from_str(SPACE).unwrap();
        let mut forged = space;
        forged["metadata"]["annotations"] = json!({"devopsagent.dev/paused": "true"});
        let space = w.mallory.apply(&forged.to_string()).await;
        w.mallory.patch("AgentSpace", "space", json!({"status": {"id": "forged"}})).await;
        assert_eq!(space.id().await, "");
    });
}

#[test]
fn a_tenant_can_not_reach_into_other_namespaces_or_accounts() {
    attack(async |w| {
        w.victim.apply(SPACE).await.ready().await;
        w.victim.secret("credentials", &[("token", "glpat-victim")]).await;
        let change = Patch::Merge(json!({"metadata": {"labels": {"seen": "by-mallory"}}}));
        for kind in KINDS.iter().chain(&["Secret", "ConfigMap"]) {
            let api = w.mallory.api(kind, &w.victim.namespace);
            forbidden(api.list(&ListParams::default()).await, kind);
            forbidden(api.get("space").await, kind);
            forbidden(api.patch("space", &PatchParams::default(), &change).await, kind);
            forbidden(api.delete("space", &DeleteParams::default()).await, kind);
        }
        let accounts = w.mallory.api("AWSAccount", "");
        forbidden(accounts.patch(&w.t.namespace, &PatchParams::default(), &change).await, "AWSAccount");
        forbidden(w.mallory.try_apply(&w.t.account_yaml()).await, "AWSAccount");
        let namespaces = w.mallory.api("Namespace", "");
        forbidden(
            namespaces.patch(&w.mallory.namespace, &PatchParams::default(), &change).await,
            "a label on the own namespace, which consent may ask for",
        );
    });
}
