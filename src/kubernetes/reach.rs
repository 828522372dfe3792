//! What an operator watches: all namespaces or a few of them, with or without AWSAccounts.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use futures::{Stream, StreamExt, stream};
use kube::ResourceExt;
use kube::runtime::watcher::{self, Event};

use crate::api::common::Object;

/// What an operator watches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// The namespaces whose objects it watches; all of them if none are given.
    pub namespaces: BTreeSet<String>,
    /// Whether it watches AWSAccounts, which are cluster-scoped.
    pub accounts: bool,
}

impl Default for Reach {
    fn default() -> Self {
        Self { namespaces: BTreeSet::new(), accounts: true }
    }
}

impl Reach {
    /// Whether objects of every namespace are watched.
    pub fn is_everywhere(&self) -> bool {
        self.namespaces.is_empty()
    }

    /// Whether objects of this namespace are watched. Cluster-scoped ones have the namespace "".
    pub fn covers(&self, namespace: &str) -> bool {
        namespace.is_empty() || self.is_everywhere() || self.namespaces.contains(namespace)
    }

    /// Where to watch: the whole cluster, or each namespace. No more is requested than may be read.
    pub fn places(&self) -> Vec<Option<String>> {
        if self.is_everywhere() { vec![None] } else { self.namespaces.iter().cloned().map(Some).collect() }
    }
}

/// A watch of one namespace, or of the whole cluster.
pub type Watch<T> = stream::BoxStream<'static, watcher::Result<Event<T>>>;

/// Combines several watches: the list is complete when each of them has its own.
///
/// A cache treats every new list as complete. So the first lists are combined into one, and later lists of single
/// namespaces become changes; `others` says which objects of a namespace are known besides those of these names: they have
/// vanished in the meantime.
pub fn merged<T: Object>(
    watches: Vec<(String, Watch<T>)>,
    others: impl Fn(&str, &HashSet<String>) -> Vec<T> + Send,
) -> impl Stream<Item = watcher::Result<Event<T>>> + Send {
    let mut merging = Merging::new(watches.iter().map(|(namespace, _)| namespace.clone()), others);
    let tagged = watches
        .into_iter()
        .map(|(namespace, watch)| watch.map(move |event| (namespace.clone(), event)).boxed());
    // Nothing more is taken until the results of the last event have gone through the cache.
    stream::select_all(tagged).flat_map(move |(namespace, event)| {
        stream::iter(match event {
            Ok(event) => merging.next(&namespace, event).into_iter().map(Ok).collect(),
            Err(error) => vec![Err(error)],
        })
    })
}

struct Merging<T: Object, O> {
    others: O,
    /// The namespaces whose first list is not complete.
    missing: HashSet<String>,
    /// What the first lists have so far.
    first: BTreeMap<(String, String), T>,
    /// What each list that is in progress has so far.
    listed: BTreeMap<String, HashSet<String>>,
}

impl<T: Object, O: Fn(&str, &HashSet<String>) -> Vec<T>> Merging<T, O> {
    fn new(namespaces: impl Iterator<Item = String>, others: O) -> Self {
        Self { others, missing: namespaces.collect(), first: BTreeMap::new(), listed: BTreeMap::new() }
    }

    fn next(&mut self, namespace: &str, event: Event<T>) -> Vec<Event<T>> {
        if self.missing.is_empty() { self.later(namespace, event) } else { self.at_first(namespace, event) }
    }

    fn at_first(&mut self, namespace: &str, event: Event<T>) -> Vec<Event<T>> {
        let key = |object: &T| (object.namespace().unwrap_or_default(), object.name_any());
        match event {
            Event::Init => self.first.retain(|(of, _), _| of != namespace),
            Event::InitApply(object) | Event::Apply(object) => {
                self.first.insert(key(&object), object);
            }
            Event::Delete(object) => {
                self.first.remove(&key(&object));
            }
            Event::InitDone => {
                self.missing.remove(namespace);
                if self.missing.is_empty() {
                    let objects = std::mem::take(&mut self.first).into_values().map(Event::InitApply);
                    return std::iter::once(Event::Init).chain(objects).chain([Event::InitDone]).collect();
                }
            }
        }
        Vec::new()
    }

    fn later(&mut self, namespace: &str, event: Event<T>) -> Vec<Event<T>> {
        match event {
            Event::Init => {
                self.listed.insert(namespace.to_owned(), HashSet::new());
                Vec::new()
            }
            Event::InitApply(object) => {
                let listed = self.listed.entry(namespace.to_owned()).or_default();
                listed.insert(object.name_any());
                vec![Event::Apply(object)]
            }
            Event::InitDone => {
                let listed = self.listed.remove(namespace).unwrap_or_default();
                (self.others)(namespace, &listed).into_iter().map(Event::Delete).collect()
            }
            Event::Apply(_) | Event::Delete(_) => vec![event],
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::StreamExt;
    use kube::runtime::WatchStreamExt;
    use kube::runtime::reflector;
    use serde_json::json;

    use super::*;
    use crate::api::Trigger;

    fn trigger(namespace: &str, name: &str) -> Trigger {
        serde_json::from_value(json!({
            "apiVersion": "devopsagent.dev/v1alpha1",
            "kind": "Trigger",
            "metadata": {"namespace": namespace, "name": name},
            "spec": {
                "agentSpaceRef": {"name": "space"},
                "schedule": {"expression": "rate(1 day)"},
            },
        }))
        .unwrap()
    }

    /// What the cache holds after each event that came out.
    async fn caches(watches: [(&str, Vec<Event<Trigger>>); 2]) -> Vec<Vec<String>> {
        let (cache, writer) = reflector::store::<Trigger>();
        let watches = watches
            .map(|(namespace, events)| (namespace.to_owned(), stream::iter(events).map(Ok).boxed()))
            .into();
        let names = |cache: &reflector::Store<Trigger>| {
            let mut names: Vec<String> = cache.state().iter().map(|object| object.name_any()).collect();
            names.sort();
            names
        };
        let known = cache.clone();
        let others = move |namespace: &str, names: &HashSet<String>| {
            let mut others = known.state();
            others.retain(|object| {
                object.namespace().as_deref() == Some(namespace) && !names.contains(&object.name_any())
            });
            others.into_iter().map(|object| (*object).clone()).collect()
        };
        merged(watches, others).reflect(writer).map(|_| names(&cache)).collect().await
    }

    #[tokio::test]
    async fn the_first_list_is_complete_when_every_namespace_has_its_own() {
        let one = vec![Event::Init, Event::InitApply(trigger("a", "one")), Event::InitDone];
        let two = vec![
            Event::Init,
            Event::InitApply(trigger("b", "gone")),
            Event::Delete(trigger("b", "gone")),
            Event::InitApply(trigger("b", "two")),
            Event::InitDone,
        ];
        let caches = caches([("a", one), ("b", two)]).await;
        assert_eq!(caches.last().unwrap(), &["one", "two"]);
        assert!(caches[..caches.len() - 1].iter().all(Vec::is_empty), "{caches:?}");
    }

    #[tokio::test]
    async fn a_later_list_of_one_namespace_leaves_the_others_alone() {
        let first =
            |namespace, name| [Event::Init, Event::InitApply(trigger(namespace, name)), Event::InitDone];
        let again = [
            Event::Init,
            Event::InitApply(trigger("b", "new")),
            Event::InitDone,
            Event::Apply(trigger("b", "newer")),
        ];
        let two = first("b", "old").into_iter().chain(again).collect();
        let caches = caches([("a", first("a", "one").into()), ("b", two)]).await;
        assert_eq!(caches.last().unwrap(), &["new", "newer", "one"]);
    }

    #[test]
    fn without_a_list_every_namespace_is_covered_and_cluster_scoped_objects_always_are() {
        let some = Reach { namespaces: ["a".to_owned()].into(), accounts: true };
        assert!(Reach::default().covers("b") && some.covers("a") && some.covers(""));
        assert!(!some.covers("b"));
    }
}
