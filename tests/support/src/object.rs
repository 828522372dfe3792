//! An object in the cluster, as a test sees it: its JSON, and waiting for it.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::StreamExt;
use k8s_openapi::api::events::v1::Event;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use kube::core::DynamicObject;
use kube::runtime::watcher::watch_object;
use kube::{Api, Client, ResourceExt};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::resource::Resource;
use crate::wait::{limit, wait_until};

/// Annotation that asks for a pass at once.
pub const RECONCILE: &str = "devopsagent.dev/reconcile-requested-at";

static REQUESTS: AtomicU64 = AtomicU64::new(0);

/// The text at a JSON pointer; empty if there is none.
pub fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// One object, which may not be there.
#[derive(Clone)]
pub struct Handle {
    pub(crate) api: Api<DynamicObject>,
    client: Client,
    kind: &'static str,
    namespace: String,
    /// Its name.
    pub name: String,
}

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}", self.kind, self.namespace, self.name)
    }
}

impl Handle {
    /// The object of this kind and name.
    pub fn new(client: &Client, resource: &'static Resource, namespace: &str, name: &str) -> Self {
        Self {
            api: resource.api(client, Some(namespace)),
            client: client.clone(),
            kind: resource.kind,
            namespace: if resource.namespaced { namespace.to_owned() } else { String::new() },
            name: name.to_owned(),
        }
    }

    /// The object as JSON, or `None` if there is none.
    pub async fn find(&self) -> Option<Value> {
        self.api.get_opt(&self.name).await.expect("objects can be read").map(|object| json_of(&object))
    }

    /// The object as JSON.
    pub async fn get(&self) -> Value {
        self.find().await.unwrap_or_else(|| panic!("{self} is not there"))
    }

    /// Watches until `done` returns true, and returns the object as it is then.
    pub async fn wait(&self, what: &str, done: impl Fn(&Value) -> bool) -> Value {
        self.wait_within(limit(), what, done).await
    }

    /// As [`Handle::wait`], with a limit of its own.
    pub async fn wait_within(&self, limit: Duration, what: &str, done: impl Fn(&Value) -> bool) -> Value {
        let found = self.watch(limit, |object| object.filter(|object| done(object)).cloned()).await;
        found.unwrap_or_else(|| panic!("{self}: within {limit:?} this did not happen: {what}"))
    }

    /// Waits until the object is gone.
    pub async fn gone(&self) {
        self.gone_within(limit()).await;
    }

    /// As [`Handle::gone`], with a limit of its own.
    pub async fn gone_within(&self, limit: Duration) {
        let gone = self.watch(limit, |object| object.is_none().then_some(())).await;
        assert!(gone.is_some(), "{self}: within {limit:?} it did not go away");
    }

    async fn watch<T>(&self, limit: Duration, look: impl Fn(Option<&Value>) -> Option<T>) -> Option<T> {
        let events = watch_object(self.api.clone(), &self.name);
        let mut events = std::pin::pin!(events);
        let search = async {
            while let Some(event) = events.next().await {
                let Ok(object) = event else { continue };
                let object = object.as_ref().map(json_of);
                if let Some(found) = look(object.as_ref()) {
                    return Some(found);
                }
            }
            None
        };
        timeout(limit, search).await.ok().flatten()
    }

    /// Waits until the object is Ready at its current generation.
    pub async fn ready(&self) -> Value {
        self.wait("it is Ready", is_ready).await
    }

    /// Waits until the condition has this status and reason, and returns its message.
    pub async fn condition(&self, kind: &str, status: &str, reason: &str) -> String {
        self.condition_within(limit(), kind, status, reason).await
    }

    /// Like [`Handle::condition`], with its own limit.
    pub async fn condition_within(&self, limit: Duration, kind: &str, status: &str, reason: &str) -> String {
        let what = format!("{kind} is {status} because of {reason}");
        let holds = |object: &Value| {
            is_observed(object)
                && condition(object, kind).is_some_and(|c| c["status"] == status && c["reason"] == reason)
        };
        let object = self.wait_within(limit, &what, holds).await;
        condition(&object, kind).map(|condition| text(condition, "/message").to_owned()).unwrap_or_default()
    }

    /// Requests a pass, and waits until it has been made.
    pub async fn reconcile(&self) -> Value {
        let request = self.request().await;
        self.wait("the requested pass is made", |object| {
            object.pointer("/status/lastHandledReconcileAt") == Some(&json!(request))
        })
        .await
    }

    /// Requests a pass; returns the value of the annotation.
    pub async fn request(&self) -> String {
        let request = format!("request-{}", REQUESTS.fetch_add(1, Ordering::Relaxed));
        self.patch(json!({"metadata": {"annotations": {RECONCILE: request}}})).await;
        request
    }

    /// Changes the object by a JSON merge patch.
    pub async fn patch(&self, patch: Value) {
        self.try_patch(patch).await.unwrap_or_else(|error| panic!("{self}: refused: {error}"));
    }

    /// Like [`Handle::patch`]; returns the object as it is stored then.
    pub async fn patched(&self, patch: Value) -> Value {
        let params = PatchParams::default().validation_strict();
        let stored = self.api.patch(&self.name, &params, &Patch::Merge(patch)).await;
        json_of(&stored.unwrap_or_else(|error| panic!("{self}: refused: {error}")))
    }

    /// Applies the object by server-side apply as `manager`, without force; returns it as it is stored then, with its
    /// managed fields.
    pub async fn applied_by(&self, manager: &str, object: &Value) -> Value {
        let params = PatchParams::apply(manager).validation_strict();
        let stored = self.api.patch(&self.name, &params, &Patch::Apply(object)).await;
        let stored = stored.unwrap_or_else(|error| panic!("{self}: refused: {error}"));
        serde_json::to_value(&stored).expect("objects are JSON")
    }

    /// The object with its managed fields.
    pub async fn with_managers(&self) -> Value {
        let stored = self.api.get(&self.name).await.expect("objects can be read");
        serde_json::to_value(&stored).expect("objects are JSON")
    }

    /// Like [`Handle::patch`]; returns the API server's error.
    pub async fn try_patch(&self, patch: Value) -> Result<(), kube::Error> {
        let params = PatchParams::default().validation_strict();
        self.api.patch(&self.name, &params, &Patch::Merge(patch)).await.map(|_| ())
    }

    /// Changes the status by a JSON merge patch, as a restored backup or a careless person would.
    pub async fn patch_status(&self, status: Value) {
        let patch = Patch::Merge(json!({ "status": status }));
        self.api
            .patch_status(&self.name, &PatchParams::default(), &patch)
            .await
            .expect("status can be changed");
    }

    /// Removes the status: a restored backup has none.
    pub async fn lose_status(&self) {
        let status = self.get().await["status"].clone();
        let nothing: Value =
            status.as_object().into_iter().flatten().map(|(key, _)| (key.clone(), Value::Null)).collect();
        self.patch_status(nothing).await;
    }

    /// Deletes the object; finalizers may keep it for a while.
    pub async fn delete(&self) {
        self.api.delete(&self.name, &DeleteParams::background()).await.expect("objects can be deleted");
    }

    /// Deletes the object and waits until it is gone.
    pub async fn delete_and_wait(&self) {
        self.delete().await;
        self.gone().await;
    }

    /// The id of the remote in status; empty if there is none.
    pub async fn id(&self) -> String {
        text(&self.get().await, "/status/id").to_owned()
    }

    /// Waits for an Event with this reason, and returns its note.
    pub async fn event(&self, reason: &str) -> String {
        self.event_with(reason, "").await
    }

    /// Waits for an Event with this reason and `part` in its note, and returns the note.
    pub async fn event_with(&self, reason: &str, part: &str) -> String {
        wait_until(format!("{self}: an Event {reason} with '{part}'"), async || {
            let events = self.events().await;
            events
                .into_iter()
                .find(|(word, note)| word == reason && note.contains(part))
                .map(|(_, note)| note)
        })
        .await
    }

    /// The Events about the object, oldest first: reason and note.
    pub async fn events(&self) -> Vec<(String, String)> {
        // Events about cluster-scoped objects are kept in the namespace `default`.
        let namespace = if self.namespace.is_empty() { "default" } else { &self.namespace };
        let api = Api::<Event>::namespaced(self.client.clone(), namespace);
        let mut events = api.list(&ListParams::default()).await.expect("Events can be listed").items;
        events.retain(|event| {
            let about = event.regarding.clone().unwrap_or_default();
            about.kind.as_deref() == Some(self.kind) && about.name.as_deref() == Some(&self.name)
        });
        events.sort_by_key(|event| event.event_time.as_ref().map(|time| time.0));
        let note = |event: Event| (event.reason.unwrap_or_default(), event.note.unwrap_or_default());
        events.into_iter().map(note).collect()
    }
}

/// The object as JSON, without irrelevant parts.
pub fn json_of(object: &DynamicObject) -> Value {
    let mut object = object.clone();
    object.managed_fields_mut().clear();
    serde_json::to_value(&object).expect("objects are JSON")
}

/// A condition of an object.
pub fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    object.pointer("/status/conditions")?.as_array()?.iter().find(|condition| condition["type"] == kind)
}

fn is_observed(object: &Value) -> bool {
    object.pointer("/status/observedGeneration") == object.pointer("/metadata/generation")
}

fn is_ready(object: &Value) -> bool {
    is_observed(object)
        && condition(object, "Ready").is_some_and(|ready| {
            ready["status"] == "True"
                && Some(&ready["observedGeneration"]) == object.pointer("/metadata/generation")
        })
}
