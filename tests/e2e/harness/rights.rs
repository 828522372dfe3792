//! The operator's own service account, with only the rules of the chart, restricted to its own Secrets.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use k8s_openapi::api::admissionregistration::v1::{
    ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding,
};
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{Namespace, ServiceAccount as Account};
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding};
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::{Value, json};

use super::shared::Shared;

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
    pub async fn make(client: &Client) -> Option<Self> {
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
            apply::<Namespace>(
                &Api::all(client.clone()),
                &json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}),
            )
            .await;
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
        let kubeconfig = kubeconfig(&namespace, &token);
        let arguments = deployment["spec"]["template"]["spec"]["containers"][0]["args"].as_array();
        let arguments = arguments.into_iter().flatten().filter_map(Value::as_str);
        let ours = |text: &&str| text.starts_with("--watch-namespace") || *text == "--metrics-auth";
        let arguments = arguments.filter(ours).map(str::to_owned).collect();
        Some(Self { namespace, kubeconfig, token, arguments, pool })
    }
}

impl Shared {
    /// The next namespace that the operator watches, if it doesn't watch all.
    pub fn namespace(&self) -> Option<String> {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        if self.pool.is_empty() {
            return None;
        }
        let next = self.pool.get(NEXT.fetch_add(1, Ordering::Relaxed));
        Some(next.expect("DEVOPS_AGENT_E2E_NAMESPACES is large enough for these tests").clone())
    }
}

/// The chart's service account, rules, admission policy and Deployment.
fn rendered(helm: &Path, namespace: &str, pool: &[String]) -> Vec<Value> {
    let chart = Path::new(env!("CARGO_MANIFEST_DIR")).join("charts/devops-agent-operator");
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
    let namespace = object["metadata"]["namespace"].as_str().unwrap_or_default();
    match object["kind"].as_str() {
        Some("ServiceAccount") => apply::<Account>(&Api::namespaced(all(), namespace), object).await,
        Some("Role") => apply::<Role>(&Api::namespaced(all(), namespace), object).await,
        Some("RoleBinding") => apply::<RoleBinding>(&Api::namespaced(all(), namespace), object).await,
        Some("ClusterRole") => apply::<ClusterRole>(&Api::all(all()), object).await,
        Some("ValidatingAdmissionPolicy") => {
            apply::<ValidatingAdmissionPolicy>(&Api::all(all()), object).await;
        }
        Some("ValidatingAdmissionPolicyBinding") => {
            apply::<ValidatingAdmissionPolicyBinding>(&Api::all(all()), object).await;
        }
        Some("ClusterRoleBinding") => apply::<ClusterRoleBinding>(&Api::all(all()), object).await,
        _ => {}
    }
}

async fn apply<T>(api: &Api<T>, object: &Value)
where
    T: Clone + std::fmt::Debug + serde::de::DeserializeOwned,
{
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    let params = PatchParams::apply("e2e").force();
    api.patch(name, &params, &Patch::Apply(object)).await.expect("the object is accepted");
}

async fn token(client: &Client, namespace: &str, name: &str) -> String {
    let api = Api::<Account>::namespaced(client.clone(), namespace);
    let request = TokenRequest {
        spec: TokenRequestSpec { expiration_seconds: Some(7200), ..TokenRequestSpec::default() },
        ..TokenRequest::default()
    };
    let answer = api.create_token_request(name, &PostParams::default(), &request).await;
    answer.expect("a token is given").status.expect("the answer has a status").token
}

/// A kubeconfig like that of the tests, with a token of the service account instead.
fn kubeconfig(namespace: &str, token: &str) -> PathBuf {
    let ours = std::env::var("KUBECONFIG").expect("KUBECONFIG names a cluster");
    let text = std::fs::read_to_string(ours).expect("the kubeconfig can be read");
    let mut config: Value = serde_saphyr::from_str(&text).expect("the kubeconfig is YAML");
    config["users"][0]["user"] = json!({ "token": token });
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{namespace}.kubeconfig.json"));
    std::fs::write(&path, config.to_string()).expect("a kubeconfig can be written");
    path
}
