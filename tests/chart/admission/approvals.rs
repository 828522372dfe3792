//! Who may approve changes, apart from who may edit.

use devops_agent_operator::api::AgentSpace;
use k8s_openapi::api::rbac::v1::{ClusterRole, RoleBinding};
use kube::api::{ListParams, Patch, PatchParams, PostParams};
use kube::{Api, Client, ResourceExt};
use serde_json::{Value, json};

use super::super::cluster::{Cluster, as_service_account, wait_until};

const NAMESPACE: &str = "shop";

/// The chart's role for editors or for administrators, given to a service account.
async fn grant(client: &Client, role: &str) {
    let roles = Api::<ClusterRole>::all(client.clone()).list(&ListParams::default()).await.unwrap();
    let ours = roles.items.iter().map(ResourceExt::name_any);
    let all: Vec<String> = ours
        .filter(|name| name.contains("devops-agent-operator") && name.ends_with(&format!("-{role}")))
        .collect();
    let [name] = all.as_slice() else { panic!("one role {role}: {all:?}") };
    // Administrators have the editors' rights too, as with the cluster's own role.
    for (binding, user) in [(role.to_owned(), role), (format!("{role}-admin"), "admin")] {
        let binding = json!({
            "metadata": {"name": format!("{binding}-{NAMESPACE}")},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": user, "namespace": NAMESPACE}],
        });
        let api = Api::<RoleBinding>::namespaced(client.clone(), NAMESPACE);
        let made = api.create(&PostParams::default(), &serde_json::from_value(binding).unwrap()).await;
        // An earlier run has left it.
        assert!(made.is_ok() || made.is_err_and(|error| error.to_string().contains("already exists")));
    }
}

async fn patch(api: &Api<AgentSpace>, patch: Value) -> Result<AgentSpace, kube::Error> {
    api.patch("space", &PatchParams::default(), &Patch::Merge(patch)).await
}

/// Whether only the policy refuses it, because of the verb.
fn is_refused(result: &Result<AgentSpace, kube::Error>) -> bool {
    result.as_ref().is_err_and(|error| {
        let error = error.to_string();
        error.contains("-approvals") && error.contains("the verb approve")
    })
}

pub(super) async fn are_for_those_who_may_approve(cluster: &Cluster) {
    for role in ["edit", "admin"] {
        grant(&cluster.client, role).await;
    }
    let spaces = async |user: &str| {
        Api::<AgentSpace>::namespaced(as_service_account(NAMESPACE, user).await, NAMESPACE)
    };
    let (editor, administrator) = (spaces("edit").await, spaces("admin").await);
    let space = |policy: &str, annotations: Value| {
        let object = json!({
            "apiVersion": "devopsagent.dev/v1alpha1", "kind": "AgentSpace",
            "metadata": {"name": "space", "annotations": annotations}, "spec": {"changePolicy": policy},
        });
        serde_json::from_value::<AgentSpace>(object).unwrap()
    };
    let approval = |hash: &str| json!({"devopsagent.dev/approve": hash});
    let dry = PostParams { dry_run: true, ..PostParams::default() };
    wait_until("the policy is in force", async || {
        let made = editor.create(&dry, &space("OnApproval", approval("sha256:1"))).await;
        is_refused(&made).then_some(())
    })
    .await;
    editor.create(&PostParams::default(), &space("OnApproval", json!({}))).await.expect("editors edit");
    let note = |annotations: Value| json!({"metadata": {"annotations": annotations}});
    let with = |policy: &str| json!({"spec": {"changePolicy": policy}});
    patch(&editor, note(json!({"team": "sre"}))).await.expect("other annotations are free");
    patch(&editor, json!({"spec": {"locale": "de-DE"}})).await.expect("editors edit");
    assert!(is_refused(&patch(&editor, note(approval("sha256:1"))).await));
    for weaker in ["Automatic", "OnApprovalIfDisruptive"] {
        assert!(is_refused(&patch(&editor, with(weaker)).await), "{weaker}");
    }
    patch(&administrator, note(approval("sha256:1"))).await.expect("administrators approve");
    // What was approved may stay, and be withdrawn.
    patch(&editor, json!({"spec": {"locale": "en-US"}})).await.expect("the approval stays as it is");
    assert!(is_refused(&patch(&editor, note(approval("sha256:2"))).await));
    patch(&editor, note(json!({"devopsagent.dev/approve": null}))).await.expect("an approval is withdrawn");
    patch(&administrator, with("OnApprovalIfDisruptive")).await.expect("administrators loosen it");
    patch(&editor, with("OnApproval")).await.expect("everyone may tighten it");
    editor.delete("space", &kube::api::DeleteParams::default()).await.expect("nothing keeps it");
}
