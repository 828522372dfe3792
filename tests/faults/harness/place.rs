//! What the harness sees of one namespace, and the watch events of it, which all operators in it are served from.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::{Stream, stream};
use hyper::body::Bytes;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::Instant;

use super::resources::Resource;

/// So many events are kept for those that begin to watch. Between their list and their watch there are a few.
const KEPT: usize = 2000;

/// A namespace; the one without a name has cluster-scoped objects.
#[derive(Default)]
pub struct Place {
    seen: Mutex<Seen>,
    changed: watch::Sender<u64>,
}

#[derive(Default)]
struct Seen {
    /// By kind and name.
    objects: BTreeMap<(&'static str, String), Arc<Value>>,
    /// Objects of which nothing is shown any more until they are gone.
    hidden: BTreeSet<(&'static str, String)>,
    events: VecDeque<Event>,
    /// How many events there were before the first one that is kept.
    dropped: usize,
}

struct Event {
    kind: &'static str,
    version: u64,
    /// As it is sent to those that watch.
    line: Bytes,
}

/// How far someone has watched.
struct Position {
    next: usize,
    /// What came up to here was listed.
    listed: u64,
}

/// The resource version of an object. Those of one cluster can be compared.
pub fn version(object: &Value) -> u64 {
    let text = object["metadata"]["resourceVersion"].as_str();
    text.and_then(|text| text.parse().ok()).unwrap_or_default()
}

impl Place {
    /// An object has come or changed.
    pub fn applied(&self, resource: Resource, name: &str, object: Value) {
        self.change(|seen| {
            if seen.hidden.contains(&(resource.kind, name.to_owned())) {
                return;
            }
            let object = Arc::new(object);
            let before = seen.objects.insert((resource.kind, name.to_owned()), Arc::clone(&object));
            let kind_of_event = if before.is_some() { "MODIFIED" } else { "ADDED" };
            seen.push(resource, kind_of_event, &object);
        });
    }

    /// An object is gone.
    pub fn deleted(&self, resource: Resource, name: &str, last: &Value) {
        let key = (resource.kind, name.to_owned());
        self.change(|seen| {
            if let Some(before) = seen.objects.remove(&key) {
                let mut last = Cow::Borrowed(last);
                if seen.hidden.remove(&key) {
                    let version = last["metadata"]["resourceVersion"].clone();
                    last = Cow::Owned((*before).clone());
                    last.to_mut()["metadata"]["resourceVersion"] = version;
                }
                seen.push(resource, "DELETED", &last);
            }
        });
    }

    /// The next that is seen of an object is that it is gone, as it is now: as if its deletion had begun before.
    pub fn hide(&self, resource: Resource, name: &str) {
        self.change(|seen| {
            seen.hidden.insert((resource.kind, name.to_owned()));
        });
    }

    /// A new list has what `is_listed` says, by name; all else is gone.
    pub fn listed(&self, resource: Resource, is_listed: impl Fn(&str) -> bool) {
        let gone: Vec<(String, Arc<Value>)> = self.see(|seen| {
            let objects = seen.objects.iter();
            let missing = objects.filter(|((kind, name), _)| *kind == resource.kind && !is_listed(name));
            missing.map(|((_, name), object)| (name.clone(), Arc::clone(object))).collect()
        });
        for (name, last) in gone {
            self.deleted(resource, &name, &last);
        }
    }

    /// An object, if it is there.
    pub fn find(&self, resource: Resource, name: &str) -> Option<Arc<Value>> {
        self.see(|seen| seen.objects.get(&(resource.kind, name.to_owned())).cloned())
    }

    /// Every object.
    pub fn all(&self) -> Vec<Arc<Value>> {
        self.see(|seen| seen.objects.values().cloned().collect())
    }

    /// Looks again at every change, and every 25 ms since AWS may have changed, until `look` answers. Where the machine
    /// has no time for this, the limit waits too.
    pub async fn until<T>(&self, limit: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
        const TICK: Duration = Duration::from_millis(25);
        let mut left = limit;
        let mut changed = self.changed.subscribe();
        loop {
            let began = Instant::now();
            changed.borrow_and_update();
            if let Some(found) = look() {
                return Some(found);
            }
            if left.is_zero() {
                return None;
            }
            let _ = tokio::time::timeout(TICK, changed.changed()).await;
            left = left.saturating_sub(began.elapsed().min(TICK * 2));
        }
    }

    /// The events of a kind after the version that a list had, line by line, as the API server sends them.
    pub fn watch(self: Arc<Self>, resource: Resource, listed: u64) -> impl Stream<Item = Bytes> + Send {
        let changed = self.changed.subscribe();
        let start = (self, changed, Position { next: 0, listed });
        stream::unfold(start, move |(place, mut changed, mut position)| async move {
            loop {
                changed.borrow_and_update();
                if let Some(line) = place.see(|seen| seen.next(resource.kind, &mut position)) {
                    return Some((line, (place, changed, position)));
                }
                changed.changed().await.ok()?;
            }
        })
    }

    fn change(&self, change: impl FnOnce(&mut Seen)) {
        change(&mut self.seen.lock().expect("nobody panics with what is seen in hand"));
        self.changed.send_modify(|count| *count += 1);
    }

    fn see<T>(&self, look: impl FnOnce(&Seen) -> T) -> T {
        look(&self.seen.lock().expect("nobody panics with what is seen in hand"))
    }
}

impl Seen {
    fn push(&mut self, resource: Resource, kind_of_event: &str, object: &Value) {
        let shown = if resource.is_ours() {
            object.clone()
        } else {
            // Of what is not its own, the operator asks for the metadata only.
            json!({"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata", "metadata": object["metadata"]})
        };
        // As the API server does it: what kind of event comes first, since the object isn't buffered to find out.
        let line = Bytes::from(format!("{{\"type\":\"{kind_of_event}\",\"object\":{shown}}}\n"));
        self.events.push_back(Event { kind: resource.kind, version: version(object), line });
        if self.events.len() > KEPT {
            self.events.pop_front();
            self.dropped += 1;
        }
    }

    fn next(&self, kind: &str, position: &mut Position) -> Option<Bytes> {
        let from = position.next.saturating_sub(self.dropped);
        let later = self.events.iter().enumerate().skip(from);
        let found =
            later.into_iter().find(|(_, event)| event.kind == kind && event.version > position.listed);
        position.next = self.dropped + found.map_or(self.events.len(), |(index, _)| index + 1);
        found.map(|(_, event)| event.line.clone())
    }
}
