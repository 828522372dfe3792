//! Ways to the API server that KUBECONFIG names.

use std::fmt::Debug;
use std::path::Path;
use std::time::Duration;

use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{Namespace, ServiceAccount};
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client, Config};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::object::text;

/// The field manager of what tests apply.
pub const MANAGER: &str = "tests";
/// Marks what a test makes outside of its namespaces, and these.
pub const LABEL: &str = "devops-agent-operator-e2e";
/// How long a token is valid: longer than all tests take.
const VALID_SECONDS: i64 = 7200;

/// An administrator's client.
pub async fn client() -> Client {
    // The first to install a provider wins, and there is only this one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::try_default().await.expect("KUBECONFIG names a cluster")
}

/// A client with the rights of a service account.
pub async fn as_service_account(namespace: &str, name: &str) -> Client {
    let mut config = Config::infer().await.expect("KUBECONFIG names a cluster");
    config.auth_info.impersonate = Some(format!("system:serviceaccount:{namespace}:{name}"));
    Client::try_from(config).expect("a client can be made")
}

/// An HTTP client that goes through no proxy.
pub fn http() -> reqwest::Client {
    // It has TLS, and so needs a provider.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10));
    // Operators sign their own certificates.
    builder.tls_danger_accept_invalid_certs(true).build().expect("an HTTP client can be made")
}

/// A token of a service account.
pub async fn token(client: &Client, namespace: &str, account: &str) -> String {
    let api = Api::<ServiceAccount>::namespaced(client.clone(), namespace);
    let request = TokenRequest {
        spec: TokenRequestSpec { expiration_seconds: Some(VALID_SECONDS), ..TokenRequestSpec::default() },
        ..TokenRequest::default()
    };
    let answer = api.create_token_request(account, &PostParams::default(), &request).await;
    answer.expect("a token is given").status.expect("the answer has a status").token
}

/// Writes a kubeconfig like that of the tests, with this token instead, or with none: then the API server knows nobody.
pub fn write_kubeconfig(path: &Path, token: Option<&str>) {
    let ours = std::env::var("KUBECONFIG").expect("KUBECONFIG names a cluster");
    let text = std::fs::read_to_string(ours).expect("the kubeconfig can be read");
    let mut config: Value = serde_saphyr::from_str(&text).expect("the kubeconfig is YAML");
    config["users"][0]["user"] = token.map_or_else(|| json!({}), |token| json!({ "token": token }));
    std::fs::write(path, config.to_string()).expect("a kubeconfig can be written");
}

/// Applies an object by server-side apply.
pub async fn apply<K>(api: &Api<K>, object: &Value)
where
    K: Clone + Debug + DeserializeOwned,
{
    let params = PatchParams::apply(MANAGER).force().validation_strict();
    let applied = api.patch(text(object, "/metadata/name"), &params, &Patch::Apply(object)).await;
    applied.unwrap_or_else(|error| panic!("refused: {error}\n{object:#}"));
}

/// Makes a namespace with labels.
pub async fn make_namespace(client: &Client, name: &str, labels: &Value) {
    let object =
        json!({"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": name, "labels": labels}});
    apply(&Api::<Namespace>::all(client.clone()), &object).await;
}
