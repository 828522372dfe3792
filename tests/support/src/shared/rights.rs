//! The operator's own service account, with only the rules of the chart, restricted to its own Secrets.

use std::path::{Path, PathBuf};
use std::process::Command;

use k8s_openapi::api::admissionregistration::v1::{
    ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding,
};
use k8s_openapi::api::core::v1::ServiceAccount as Account;
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding};
use kube::{Api, Client};
use serde_json::{Value, json};

use crate::cluster::{apply, make_namespace, token, write_kubeconfig};
use crate::object::text;
use crate::project;

/// As whom the operator runs.
pub struct ServiceAccount {
    /// The operator's namespace.
    pub namespace: String,
    /// A kubeconfig with a token of the service account.
    pub kubeconfig: PathBuf,
    /// Its token.
    pub token: String,
    /// The arguments in the chart's Deployment that set what is watched, and who reads metrics.
    pub arguments: Vec<String>,
    /// The namespaces that are watched, if not all of them.
    pub pool: Vec<String>,
}

impl ServiceAccount {
    /// Installs the rules as the chart renders them. `None` without helm: then the operator is an administrator.
    ///
    /// `DEVOPS_AGENT_E2E_NAMESPACES` is the number of namespaces that the operator watches; none means all.
    pub async fn make(client: &Client, folder: &Path) -> Option<Self> {
        let helm = std::env::var_os("DEVOPS_AGENT_HELM_BIN")?;
        let count: usize = std::env::var("DEVOPS_AGENT_E2E_NAMESPACES")
            .ok()
            .and_then(|count| count.parse().ok())
            .unwrap_or(0);
        let namespace = if count == 0 { "e2e-cluster-scope" } else { "e2e-namespace-scope" }.to_owned();
        let pool: Vec<String> = {
            let run = std::process::id();
            (0..count).map(|number| format!("e2e-watched-{run}-{number}")).collect()
        };
        for name in pool.iter().chain([&namespace]) {
            make_namespace(client, name, &json!({})).await;
        }
        let mut deployment = Value::Null;
        for object in rendered(Path::new(&helm), &namespace, &pool) {
            if object["kind"] == "Deployment" {
                deployment = object;
            } else {
                install(client, &object).await;
            }
        }
        let name = deployment["spec"]["template"]["spec"]["serviceAccountName"].as_str().unwrap_or_default();
        let token = token(client, &namespace, name).await;
        let kubeconfig = folder.join(format!("{namespace}.kubeconfig.json"));
        write_kubeconfig(&kubeconfig, Some(&token));
        let arguments = deployment["spec"]["template"]["spec"]["containers"][0]["args"].as_array();
        let arguments = arguments.into_iter().flatten().filter_map(Value::as_str);
        let ours = |text: &&str| text.starts_with("--watch-namespace") || *text == "--metrics-auth";
        let arguments = arguments.filter(ours).map(str::to_owned).collect();
        Some(Self { namespace, kubeconfig, token, arguments, pool })
    }
}

/// The chart's service account, rules, admission policy and Deployment.
fn rendered(helm: &Path, namespace: &str, pool: &[String]) -> Vec<Value> {
    let chart = project().join("charts/devops-agent-operator");
    let output = Command::new(helm)
        .args(["template", "e2e"])
        .arg(chart)
        .args(["--namespace", namespace, "--no-hooks", "--set", "crds.enabled=false,replicaCount=2"])
        .args(["--set-json", &format!("watchNamespaces={}", json!(pool))])
        .output()
        .expect("helm can be started");
    assert!(output.status.success(), "helm template: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("YAML is text");
    serde_saphyr::from_multiple(&text).expect("helm renders YAML")
}

async fn install(client: &Client, object: &Value) {
    let all = || client.clone();
    let namespace = text(object, "/metadata/namespace");
    match text(object, "/kind") {
        "ServiceAccount" => apply(&Api::<Account>::namespaced(all(), namespace), object).await,
        "Role" => apply(&Api::<Role>::namespaced(all(), namespace), object).await,
        "RoleBinding" => apply(&Api::<RoleBinding>::namespaced(all(), namespace), object).await,
        "ClusterRole" => apply(&Api::<ClusterRole>::all(all()), object).await,
        "ValidatingAdmissionPolicy" => apply(&Api::<ValidatingAdmissionPolicy>::all(all()), object).await,
        "ValidatingAdmissionPolicyBinding" => {
            apply(&Api::<ValidatingAdmissionPolicyBinding>::all(all()), object).await;
        }
        "ClusterRoleBinding" => apply(&Api::<ClusterRoleBinding>::all(all()), object).await,
        _ => {}
    }
}
