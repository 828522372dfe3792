//! The one API server of all runs, and what is in it, seen through one watch a kind.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Patch, PatchParams};
use kube::core::{ApiResource, DynamicObject};
use kube::runtime::WatchStreamExt;
use kube::runtime::conditions::is_crd_established;
use kube::runtime::wait::await_condition;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Client, ResourceExt};
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::Instant;

/// A kind that the harness looks at.
#[derive(Clone, Copy, Debug)]
pub struct Resource {
    pub kind: &'static str,
    pub plural: &'static str,
    /// Whether it is one of the operator's.
    pub ours: bool,
}

/// Every kind that scenarios apply; the operator's in the order in which they depend on each other.
pub const RESOURCES: &[Resource] = &[
    ours("AgentSpace", "agentspaces"),
    ours("PrivateConnection", "privateconnections"),
    ours("ServiceRegistration", "serviceregistrations"),
    ours("Association", "associations"),
    ours("Asset", "assets"),
    ours("Trigger", "triggers"),
    Resource { kind: "Secret", plural: "secrets", ours: false },
    Resource { kind: "ConfigMap", plural: "configmaps", ours: false },
];

const fn ours(kind: &'static str, plural: &'static str) -> Resource {
    Resource { kind, plural, ours: true }
}

/// The resource of a kind, or of its plural.
pub fn resource(kind: &str) -> Resource {
    let found = RESOURCES.iter().find(|resource| resource.kind == kind || resource.plural == kind);
    *found.unwrap_or_else(|| panic!("the harness does not know the kind {kind}"))
}

impl Resource {
    pub fn api_version(self) -> &'static str {
        if self.ours { "devopsagent.dev/v1alpha1" } else { "v1" }
    }

    fn described(self) -> ApiResource {
        let (group, version) = self.api_version().rsplit_once('/').unwrap_or(("", self.api_version()));
        ApiResource {
            group: group.to_owned(),
            version: version.to_owned(),
            api_version: self.api_version().to_owned(),
            kind: self.kind.to_owned(),
            plural: self.plural.to_owned(),
        }
    }

    pub fn api(self, client: &Client, namespace: &str) -> Api<DynamicObject> {
        Api::namespaced_with(client.clone(), namespace, &self.described())
    }
}

/// Kind, namespace and name.
type Key = (&'static str, String, String);

/// The API server, and what is in it.
pub struct Cluster {
    pub client: Client,
    objects: Mutex<HashMap<Key, Arc<Value>>>,
    changed: watch::Sender<u64>,
}

impl Cluster {
    /// Installs the CRDs and starts to watch.
    pub async fn start() -> Arc<Self> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::try_default().await.expect("KUBECONFIG names a cluster");
        install(&client).await;
        let cluster = Arc::new(Self { client, objects: Mutex::default(), changed: watch::Sender::new(0) });
        for resource in RESOURCES {
            tokio::spawn(Arc::clone(&cluster).keep_watching(*resource));
        }
        cluster
    }

    async fn keep_watching(self: Arc<Self>, resource: Resource) {
        let api = Api::<DynamicObject>::all_with(self.client.clone(), &resource.described());
        let mut events = std::pin::pin!(watcher(api, watcher::Config::default()).default_backoff());
        let mut listed = HashSet::new();
        while let Some(event) = events.next().await {
            match event {
                Ok(Event::Apply(object)) => self.note(resource, object, false),
                Ok(Event::Delete(object)) => self.note(resource, object, true),
                Ok(Event::Init) => listed.clear(),
                Ok(Event::InitApply(object)) => {
                    listed.insert((object.namespace().unwrap_or_default(), object.name_any()));
                    self.note(resource, object, false);
                }
                Ok(Event::InitDone) => {
                    let mut objects = self.objects.lock().expect("nobody panics with the objects in hand");
                    objects.retain(|(kind, namespace, name), _| {
                        *kind != resource.kind || listed.contains(&(namespace.clone(), name.clone()))
                    });
                }
                // It is started again.
                Err(error) => tracing::warn!(%error, "the harness's watch of {} failed", resource.plural),
            }
        }
    }

    fn note(&self, resource: Resource, mut object: DynamicObject, gone: bool) {
        let key = (resource.kind, object.namespace().unwrap_or_default(), object.name_any());
        object.managed_fields_mut().clear();
        let value = serde_json::to_value(&object).expect("objects are JSON");
        let mut objects = self.objects.lock().expect("nobody panics with the objects in hand");
        if gone {
            objects.remove(&key);
        } else {
            objects.insert(key, Arc::new(value));
        }
        drop(objects);
        self.changed.send_modify(|count| *count += 1);
    }

    /// An object, if it is there.
    pub fn find(&self, kind: &str, namespace: &str, name: &str) -> Option<Arc<Value>> {
        let key = (resource(kind).kind, namespace.to_owned(), name.to_owned());
        self.objects.lock().expect("nobody panics with the objects in hand").get(&key).cloned()
    }

    /// Every object in a namespace that the harness looks at.
    pub fn all(&self, namespace: &str) -> Vec<Arc<Value>> {
        let objects = self.objects.lock().expect("nobody panics with the objects in hand");
        let mut found: Vec<_> = objects
            .iter()
            .filter(|((_, place, _), _)| place == namespace)
            .map(|(key, object)| (key.clone(), object))
            .collect();
        found.sort_by(|a, b| a.0.cmp(&b.0));
        found.into_iter().map(|(_, object)| Arc::clone(object)).collect()
    }

    /// Looks again at every change, and every 25 ms since AWS may have changed, until `look` answers.
    pub async fn until<T>(&self, limit: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
        const TICK: Duration = Duration::from_millis(25);
        let end = Instant::now() + limit;
        let mut changed = self.changed.subscribe();
        loop {
            changed.borrow_and_update();
            if let Some(found) = look() {
                return Some(found);
            }
            if Instant::now() >= end {
                return None;
            }
            let _ = tokio::time::timeout(TICK, changed.changed()).await;
        }
    }
}

/// Applies every CRD and waits until all are served.
async fn install(client: &Client) {
    let api = Api::<CustomResourceDefinition>::all(client.clone());
    let params = PatchParams::apply("faults").force();
    let crds = devops_agent_operator::kinds::crds().expect("the CRDs can be written");
    let name = |crd: &Value| crd["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    for crd in &crds {
        api.patch(&name(crd), &params, &Patch::Apply(crd)).await.expect("a CRD is accepted");
    }
    for crd in &crds {
        await_condition(api.clone(), &name(crd), is_crd_established()).await.expect("a CRD is served");
    }
}
