//! A client of the API server that does little but wait for it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::Response;
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Body, http};

use super::shape::{Kind, Object};
use crate::cluster::Access;
use crate::error::{Doing, Error};

/// Connections that are kept: as many as threads write at once.
pub const THREADS: usize = 16;
const TIMEOUT: Duration = Duration::from_mins(1);
const GROUP: &str = "devopsagent.dev/v1alpha1";
const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io";
const APPLY: &str = "application/apply-patch+yaml";
const MERGE: &str = "application/merge-patch+json";

/// The client; its copies share connections.
#[derive(Clone)]
pub struct ApiServer {
    url: String,
    authorization: String,
    agent: Agent,
}

impl fmt::Debug for ApiServer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ApiServer").field("url", &self.url).finish_non_exhaustive()
    }
}

impl ApiServer {
    /// A client of the API server that is reached so.
    pub fn new(access: &Access) -> Self {
        let authority = parse_pem(access.authority.as_bytes()).filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        });
        let authority: Vec<_> = authority.collect();
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::new_with_certs(&authority))
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .build();
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .max_redirects(0)
            .max_idle_connections(2 * THREADS)
            .max_idle_connections_per_host(2 * THREADS)
            .timeout_global(Some(TIMEOUT))
            .tls_config(tls)
            .build()
            .new_agent();
        Self { url: access.url.clone(), authorization: format!("Bearer {}", access.token), agent }
    }

    /// Creates a namespace, with a service account as the API server makes it.
    pub fn create_namespace(&self, name: &str) -> Result<(), Error> {
        let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        self.post("/api/v1/namespaces", &body)
    }

    /// Creates an object.
    pub fn create(&self, object: &Object) -> Result<(), Error> {
        let body = json!({
            "apiVersion": GROUP, "kind": object.kind.name(),
            "metadata": {"namespace": object.namespace, "name": object.name}, "spec": object.spec,
        });
        self.post(&collection(object.kind, Some(&object.namespace)), &body)
    }

    /// Applies a part of an object, or of its status, as the operator applies.
    pub fn apply(&self, object: &Object, subresource: &str, part: Value) -> Result<(), Error> {
        let mut body = part;
        body["apiVersion"] = GROUP.into();
        body["kind"] = object.kind.name().into();
        body["metadata"]["name"] = object.name.as_str().into();
        let path = format!("{}{subresource}?fieldManager=bench&force=true", path(object));
        self.patch(&path, APPLY, &body)
    }

    /// Changes an object by a merge patch.
    pub fn merge(&self, object: &Object, part: &Value) -> Result<(), Error> {
        self.patch(&path(object), MERGE, part)
    }

    /// An object as it is.
    pub fn get(&self, object: &Object) -> Result<Value, Error> {
        let path = path(object);
        let doing = format!("GET {path}");
        let text = self.text(&path, "application/json")?;
        serde_json::from_str(&text).doing(|| doing)
    }

    /// All objects of a kind as `kubectl get` shows them, and without anything else of them.
    pub fn table(&self, kind: Kind) -> Result<Value, Error> {
        let path = format!("{}?includeObject=None&resourceVersion=0", collection(kind, None));
        let text = self.text(&path, TABLE)?;
        serde_json::from_str(&text).doing(|| format!("GET {path}"))
    }

    /// Deletes all objects of a kind in a namespace.
    pub fn delete_all(&self, kind: Kind, namespace: &str) -> Result<(), Error> {
        let path = collection(kind, Some(namespace));
        let request = self.agent.delete(format!("{}{path}", self.url));
        let answer = request.header("authorization", &self.authorization).call();
        finished(&format!("DELETE {path}"), answer)
    }

    /// What the API server counts.
    pub fn metrics(&self) -> Result<String, Error> {
        self.text("/metrics", "text/plain")
    }

    fn text(&self, path: &str, accept: &str) -> Result<String, Error> {
        let request = self.agent.get(format!("{}{path}", self.url)).header("accept", accept);
        let answer = request.header("authorization", &self.authorization).call();
        let mut answer = succeeded(&format!("GET {path}"), answer)?;
        read(&format!("GET {path}"), &mut answer)
    }

    fn post(&self, path: &str, body: &Value) -> Result<(), Error> {
        let request = self.agent.post(format!("{}{path}", self.url));
        let request = request.header("authorization", &self.authorization);
        let answer = request.content_type("application/json").send(body.to_string());
        finished(&format!("POST {path}"), answer)
    }

    fn patch(&self, path: &str, content_type: &str, body: &Value) -> Result<(), Error> {
        let request = self.agent.patch(format!("{}{path}", self.url));
        let request = request.header("authorization", &self.authorization);
        let answer = request.content_type(content_type).send(body.to_string());
        finished(&format!("PATCH {path}"), answer)
    }
}

fn collection(kind: Kind, namespace: Option<&str>) -> String {
    let namespace = namespace.map(|name| format!("namespaces/{name}/")).unwrap_or_default();
    format!("/apis/{GROUP}/{namespace}{}", kind.plural())
}

fn path(object: &Object) -> String {
    format!("{}/{}", collection(object.kind, Some(&object.namespace)), object.name)
}

type Answer = Result<Response<Body>, ureq::Error>;

/// The answer is read, so that its connection can be used again.
fn finished(doing: &str, answer: Answer) -> Result<(), Error> {
    let mut answer = succeeded(doing, answer)?;
    read(doing, &mut answer).map(drop)
}

fn succeeded(doing: &str, answer: Answer) -> Result<Response<Body>, Error> {
    let mut answer = answer.map_err(|source| failed(doing, source))?;
    if answer.status().is_success() {
        return Ok(answer);
    }
    let status: http::StatusCode = answer.status();
    Err(Error::Other(format!("{doing}: answered with status {status}: {}", read(doing, &mut answer)?)))
}

fn read(doing: &str, answer: &mut Response<Body>) -> Result<String, Error> {
    let body = answer.body_mut().with_config().limit(1 << 30);
    body.read_to_string().map_err(|source| failed(doing, source))
}

fn failed(doing: &str, source: ureq::Error) -> Error {
    Error::Http { doing: doing.to_owned(), source: Box::new(source) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_the_kubernetes_api() {
        let object = Object {
            kind: Kind::AgentSpace,
            namespace: "team".to_owned(),
            name: "one".to_owned(),
            spec: Value::Null,
        };
        assert_eq!(path(&object), "/apis/devopsagent.dev/v1alpha1/namespaces/team/agentspaces/one");
        assert_eq!(collection(Kind::Asset, None), "/apis/devopsagent.dev/v1alpha1/assets");
    }
}
