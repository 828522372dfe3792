//! The objects, and who watches them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures::{Stream, StreamExt};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::broadcast;

use super::Collection;

/// A namespace and a name.
type Place = (String, String);

/// The kind of an object of which only the metadata is known here.
pub const STUB: &str = "PartialObjectMetadata";

/// How the UIDs begin that objects get here.
const MADE_UP: &str = "00000000-0000-4000-8000-";

/// Whether a UID was given to an object here.
pub fn is_made_up(uid: &Value) -> bool {
    uid.as_str().is_some_and(|uid| uid.starts_with(MADE_UP))
}

/// Changes that a watch may be behind. Whoever is further behind lists again.
const BEHIND: usize = 65_536;

/// An object.
#[derive(Clone, Debug)]
pub struct Stored {
    /// All of it.
    pub object: Value,
    version: u64,
}

impl Stored {
    /// Whether only its metadata is known here.
    pub fn is_stub(&self) -> bool {
        self.object["kind"] == STUB
    }

    /// One that isn't stored here yet.
    pub fn new(object: Value) -> Self {
        Self { object, version: 0 }
    }
}

/// A change of an object.
#[derive(Clone, Debug)]
pub struct Event {
    collection: Collection,
    place: Place,
    /// As watches call it.
    pub word: &'static str,
    /// The object since.
    pub object: Value,
}

impl Event {
    /// Whether a watch of this collection, in this namespace or in all, is told.
    pub fn fits(&self, collection: &Collection, namespace: Option<&str>) -> bool {
        self.collection == *collection && namespace.is_none_or(|namespace| namespace == self.place.0)
    }
}

/// Everything that is stored.
pub struct Shelf {
    state: Mutex<State>,
    news: broadcast::Sender<Event>,
}

#[derive(Default)]
struct State {
    version: u64,
    objects: BTreeMap<Collection, BTreeMap<Place, Stored>>,
    gone: BTreeSet<(Collection, Place)>,
}

impl Default for Shelf {
    fn default() -> Self {
        Self { state: Mutex::default(), news: broadcast::channel(BEHIND).0 }
    }
}

impl Shelf {
    /// Stores an object, and returns it as it is stored. One that was being deleted and has no finalizer left is gone.
    pub fn put(&self, collection: &Collection, mut object: Value) -> Value {
        let mut state = self.lock();
        state.version += 1;
        let version = state.version;
        let metadata = &mut object["metadata"];
        metadata["resourceVersion"] = json!(version.to_string());
        if metadata["uid"].is_null() {
            metadata["uid"] = json!(format!("{MADE_UP}{version:012x}"));
        }
        if metadata["creationTimestamp"].is_null() {
            // In seconds, as the API server says it.
            let now = Timestamp::from_second(Timestamp::now().as_second()).unwrap_or_default();
            metadata["creationTimestamp"] = json!(now.to_string());
        }
        if metadata["generation"].is_null() {
            metadata["generation"] = json!(1);
        }
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let place = (text(&metadata["namespace"]), text(&metadata["name"]));
        let kept = metadata["finalizers"].as_array().is_some_and(|finalizers| !finalizers.is_empty());
        let gone = !metadata["deletionTimestamp"].is_null() && !kept;
        let objects = state.objects.entry(collection.clone()).or_default();
        let word = if gone {
            objects.remove(&place);
            state.gone.insert((collection.clone(), place.clone()));
            "DELETED"
        } else {
            let known = objects.insert(place.clone(), Stored { object: object.clone(), version });
            state.gone.remove(&(collection.clone(), place.clone()));
            if known.is_some() { "MODIFIED" } else { "ADDED" }
        };
        // Sent while it is locked, so that events come in order. Nobody may be watching.
        let _ = self.news.send(Event { collection: collection.clone(), place, word, object: object.clone() });
        object
    }

    /// Removes an object at once.
    pub fn remove(&self, collection: &Collection, namespace: &str, name: &str) {
        let mut state = self.lock();
        state.version += 1;
        let (version, place) = (state.version, (namespace.to_owned(), name.to_owned()));
        state.gone.insert((collection.clone(), place.clone()));
        let removed = state.objects.get_mut(collection).and_then(|objects| objects.remove(&place));
        if let Some(mut stored) = removed {
            stored.object["metadata"]["resourceVersion"] = json!(version.to_string());
            let event =
                Event { collection: collection.clone(), place, word: "DELETED", object: stored.object };
            let _ = self.news.send(event);
        }
    }

    /// The object of this name.
    pub fn get(&self, collection: &Collection, namespace: &str, name: &str) -> Option<Stored> {
        let place = (namespace.to_owned(), name.to_owned());
        self.lock().objects.get(collection)?.get(&place).cloned()
    }

    /// Whether the object of this name was deleted here.
    pub fn is_gone(&self, collection: &Collection, namespace: &str, name: &str) -> bool {
        let place = (namespace.to_owned(), name.to_owned());
        self.lock().gone.contains(&(collection.clone(), place))
    }

    /// The objects of a collection, in one namespace or in all, and the version of that.
    pub fn list(&self, collection: &Collection, namespace: Option<&str>) -> (Vec<Stored>, u64) {
        let state = self.lock();
        let all = state.objects.get(collection).into_iter().flatten();
        let fitting = all.filter(|((of, _), _)| namespace.is_none_or(|namespace| namespace == of));
        (fitting.map(|(_, stored)| stored.clone()).collect(), state.version)
    }

    /// What has changed after version `since`, and what changes from now on.
    pub fn watch(
        &self,
        collection: &Collection,
        namespace: Option<&str>,
        since: u64,
    ) -> (Vec<(&'static str, Value)>, impl Stream<Item = Event> + Send + use<>) {
        let state = self.lock();
        let receiver = self.news.subscribe();
        let all = state.objects.get(collection).into_iter().flatten();
        let newer = all.filter(|((of, _), stored)| {
            stored.version > since && namespace.is_none_or(|namespace| namespace == of)
        });
        let mut newer: Vec<&Stored> = newer.map(|(_, stored)| stored).collect();
        newer.sort_by_key(|stored| stored.version);
        let backlog = newer.into_iter().map(|stored| ("MODIFIED", stored.object.clone())).collect();
        let news = futures::stream::unfold(receiver, |mut receiver| async {
            // Whoever lagged behind ends, and lists again.
            receiver.recv().await.ok().map(|event| (event, receiver))
        });
        (backlog, news.boxed())
    }

    /// Shows all objects of a collection. Nothing can be written meanwhile.
    pub fn visit(&self, collection: &Collection, mut see: impl FnMut(&Value)) {
        let state = self.lock();
        for stored in state.objects.get(collection).into_iter().flat_map(BTreeMap::values) {
            see(&stored.object);
        }
    }

    /// How often something was written.
    pub fn version(&self) -> u64 {
        self.lock().version
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
