//! What the admission policy keeps the operator's service account from.

mod approvals;

use k8s_openapi::api::core::v1::Secret;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::{Value, json};

use super::cluster::{self, block_on, wait_until};
use super::helm::{self, NAMESPACE, RELEASE};
use super::life;

const LABEL: &str = "app.kubernetes.io/managed-by";
const OURS: &str = "devops-agent-operator";
const TOKEN: &str = "kubernetes.io/service-account-token";

fn secret(name: &str, kind: &str, labels: &Value) -> Secret {
    let annotations =
        if kind == TOKEN { json!({"kubernetes.io/service-account.name": "default"}) } else { json!({}) };
    let value = json!({
        "apiVersion": "v1", "kind": "Secret", "type": kind, "stringData": {"a": "b"},
        "metadata": {"name": name, "labels": labels, "annotations": annotations},
    });
    serde_json::from_value(value).expect("it is a Secret")
}

fn secrets(client: &Client, namespace: &str) -> Api<Secret> {
    Api::namespaced(client.clone(), namespace)
}

/// The policy's objection. A rejection by anything else, and a success, fail the test.
fn refusal(result: Result<Secret, kube::Error>) -> String {
    let error = result.expect_err("the policy refuses it").to_string();
    assert!(error.contains("ValidatingAdmissionPolicy") && error.contains("-secrets"), "{error}");
    error
}

/// Creates it for a test; what is there is replaced.
async fn made_by_somebody(api: &Api<Secret>, secret: &Secret) {
    let name = secret.metadata.name.as_deref().unwrap_or_default();
    let _ = api.delete(name, &DeleteParams::default()).await;
    api.create(&PostParams::default(), secret).await.expect("others write what they like");
}

async fn apply(api: &Api<Secret>, secret: &Secret) -> Result<Secret, kube::Error> {
    let params = PatchParams::apply(OURS).force();
    let name = secret.metadata.name.clone().unwrap_or_default();
    api.patch(&name, &params, &Patch::Apply(secret)).await
}

async fn merge(api: &Api<Secret>, name: &str, patch: Value) -> Result<Secret, kube::Error> {
    api.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await
}

#[test]
fn the_operator_writes_secrets_of_its_own_and_no_others() {
    let cluster = cluster::alone();
    for name in [NAMESPACE, "shop"] {
        block_on(life::make_namespace(&cluster, name, json!({})));
    }
    let mut values = life::values(&cluster);
    values["replicaCount"] = json!(0);
    life::helm("install", &helm::chart(), &values);
    block_on(async {
        let operator = cluster::as_service_account(NAMESPACE, RELEASE).await;
        let (theirs, ours) = (secrets(&cluster.client, "shop"), secrets(&operator, "shop"));
        let (nothing, label) = (json!({}), json!({LABEL: OURS}));
        let dry = PostParams { dry_run: true, ..PostParams::default() };
        wait_until("the policy is in force", async || {
            ours.create(&dry, &secret("probe", TOKEN, &label)).await.is_err().then_some(())
        })
        .await;
        news(&ours, &nothing, &label).await;
        takeovers(&theirs, &ours, &nothing, &label).await;
        deletions(&theirs, &ours, &nothing, &label).await;
        own_writes(&theirs, &ours, &label).await;

        // The key of fingerprints, in its own namespace.
        let own = secrets(&operator, NAMESPACE);
        let key = secret("devops-agent-operator-fingerprint-key", "Opaque", &label);
        let theirs = secrets(&cluster.client, NAMESPACE);
        let name = key.metadata.name.as_deref().unwrap_or_default();
        // An operator that ran here before has left its own.
        let _ = theirs.delete(name, &DeleteParams::default()).await;
        own.create(&dry, &key).await.expect("the key can be made");
        // One that someone restored without its label still belongs to the operator.
        made_by_somebody(&theirs, &secret(name, "Opaque", &nothing)).await;
        let note = json!({"metadata": {"annotations": {"a": "b"}}});
        merge(&own, name, note.clone()).await.expect("the key can be written on");
        theirs.delete(name, &DeleteParams::default()).await.expect("it is deleted");
        made_by_somebody(&secrets(&cluster.client, "shop"), &secret(name, "Opaque", &nothing)).await;
        refusal(merge(&ours, name, note).await);
        refusal(own.create(&dry, &secret("x", TOKEN, &label)).await);
        approvals::are_for_those_who_may_approve(&cluster).await;
    });
    life::uninstall();
}

/// New Secrets.
async fn news(ours: &Api<Secret>, nothing: &Value, label: &Value) {
    for kind in [TOKEN, "bootstrap.kubernetes.io/token", "kubernetes.io/dockerconfigjson", "mine/own"] {
        let mut secret = secret("new", kind, label);
        if kind.ends_with("dockerconfigjson") {
            secret.string_data = serde_json::from_value(json!({".dockerconfigjson": "{}"})).unwrap();
        }
        let created = refusal(ours.create(&PostParams::default(), &secret).await);
        assert!(created.contains("Opaque"), "{created}");
        assert!(refusal(apply(ours, &secret).await).contains("Opaque"));
    }
    for labels in [nothing.clone(), json!({LABEL: "Helm"})] {
        let created = refusal(ours.create(&PostParams::default(), &secret("new", "Opaque", &labels)).await);
        assert!(created.contains("label"), "{created}");
        refusal(apply(ours, &secret("new", "Opaque", &labels)).await);
    }
}

/// Secrets of others.
async fn takeovers(theirs: &Api<Secret>, ours: &Api<Secret>, none: &Value, label: &Value) {
    made_by_somebody(theirs, &secret("foreign", "Opaque", none)).await;
    let taken = refusal(apply(ours, &secret("foreign", "Opaque", label)).await);
    assert!(taken.contains("before"), "{taken}");
    refusal(merge(ours, "foreign", json!({"stringData": {"a": "c"}})).await);
    refusal(merge(ours, "foreign", json!({"metadata": {"labels": label}, "stringData": {"a": "c"}})).await);
    made_by_somebody(theirs, &secret("token", TOKEN, label)).await;
    let taken = refusal(merge(ours, "token", json!({"metadata": {"annotations": {"a": "b"}}})).await);
    assert!(taken.contains("Opaque"), "{taken}");
}

/// Deletions: of Secrets that the operator has written, and of no others.
async fn deletions(theirs: &Api<Secret>, ours: &Api<Secret>, none: &Value, label: &Value) {
    let delete = async |name: &str| ours.delete(name, &DeleteParams::default()).await;
    for (name, kind, labels) in [("foreign", "Opaque", none), ("token", TOKEN, label)] {
        made_by_somebody(theirs, &secret(name, kind, labels)).await;
        let kept = delete(name).await.expect_err("the policy refuses it").to_string();
        assert!(kept.contains("ValidatingAdmissionPolicy") && kept.contains("deletes"), "{kept}");
    }
    made_by_somebody(theirs, &secret("moved", "Opaque", label)).await;
    delete("moved").await.expect("its own can be deleted");
}

/// What the operator does all day.
async fn own_writes(theirs: &Api<Secret>, ours: &Api<Secret>, label: &Value) {
    let _ = theirs.delete("own", &DeleteParams::default()).await;
    let own = secret("own", "Opaque", label);
    apply(ours, &own).await.expect("it is made");
    apply(ours, &own).await.expect("it is written again");
    merge(ours, "own", json!({"metadata": {"annotations": null}})).await.expect("it is let go");
    refusal(merge(ours, "own", json!({"metadata": {"labels": {LABEL: null}}})).await);
    merge(theirs, "own", json!({"metadata": {"labels": {LABEL: null}}})).await.expect("its owner takes it");
    refusal(merge(ours, "own", json!({"stringData": {"a": "c"}})).await);
}
