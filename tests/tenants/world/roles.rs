//! What a tenant may do: the chart's rules for people who may edit, and the part of Kubernetes' own role `edit` that matters
//! here.

use k8s_openapi::api::rbac::v1::ClusterRole;
use kube::{Api, Client};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::harness::cluster;

/// Name of the role, which is bound in a tenant's namespace only.
pub const NAME: &str = "devops-agent-operator-tenant";

/// Makes the role, once for all tests.
pub async fn install(client: &Client) {
    static INSTALLED: OnceCell<()> = OnceCell::const_new();
    INSTALLED
        .get_or_init(|| async {
            let rules: Vec<Value> =
                ["view", "edit"].into_iter().flat_map(of_the_chart).chain(of_kubernetes()).collect();
            let role = json!({
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": NAME}, "rules": rules,
            });
            cluster::apply(&Api::<ClusterRole>::all(client.clone()), &role).await;
        })
        .await;
}

/// The rules that the chart renders under a name: helm is not needed to read them.
fn of_the_chart(name: &str) -> Vec<Value> {
    let templates = devops_agent_operator::generate::rbac::templates();
    let start = format!("{{{{- define \"devops-agent-operator.rules.{name}\" -}}}}");
    let (_, rules) = templates.split_once(&start).expect("the chart has these rules");
    let (rules, _) = rules.split_once("{{- end }}").expect("they end");
    serde_saphyr::from_str(rules).expect("the rules are YAML")
}

fn of_kubernetes() -> [Value; 2] {
    let all = ["get", "list", "watch", "create", "update", "patch", "delete"];
    [
        json!({"apiGroups": [""], "resources": ["configmaps", "secrets"], "verbs": all}),
        json!({"apiGroups": ["", "events.k8s.io"], "resources": ["events"], "verbs": all}),
    ]
}
