//! An operator that only says what it would do: its passes write to a replica of the cluster, which follows the real one,
//! and every change of AWS is held back.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use futures::StreamExt;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Secret};
use kube::api::ApiResource;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Client, Resource, ResourceExt};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tracing::warn;

use crate::api::common::Object;
use crate::kinds::{self, Visitor};
use crate::kubernetes::delivery::Watched;
use crate::kubernetes::list_pages::ListTurns;
use crate::kubernetes::reach::Reach;
use crate::kubernetes::replica::{Collection, Replica, STUB};
use crate::kubernetes::stored::{self, Stored};
use crate::kubernetes::watch_client::{Extent, watching};
use crate::reconcile::backoff;
use crate::reconcile::kind::Kind;

/// A replica that has what the cluster of `client` has, and follows it as long as the tasks run. Events go to the cluster.
pub async fn replica(client: &Client, reach: &Reach) -> (Replica, JoinSet<()>) {
    let replica = Replica::new(Some(client.clone())).telling(client.clone());
    let (listing, mut listed) = mpsc::channel(1);
    let mut follow = Follow { replica: replica.clone(), client, reach, listing, tasks: JoinSet::new() };
    kinds::each(&mut follow);
    follow.metadata::<Secret>("secrets");
    follow.metadata::<ConfigMap>("configmaps");
    if reach.is_everywhere() {
        follow.metadata::<Namespace>("namespaces");
    }
    let Follow { listing, tasks, .. } = follow;
    drop(listing);
    // Each copy gives up its sender when its first list is complete.
    let _ = listed.recv().await;
    (replica, tasks)
}

struct Follow<'a> {
    replica: Replica,
    client: &'a Client,
    reach: &'a Reach,
    listing: mpsc::Sender<()>,
    tasks: JoinSet<()>,
}

impl Visitor for Follow<'_> {
    fn visit<K: Kind>(&mut self) {
        if !kinds::within::<K>(self.reach) {
            return;
        }
        let of = ApiResource::erase::<K::Object>(&());
        let collection = Collection::new(&of.group, &of.version, &of.plural);
        let places = if K::Object::NAMESPACED { self.reach.places() } else { vec![None] };
        self.follow::<K::Object>(&collection, K::Object::kind_name(), Extent::Whole, places);
    }
}

impl Follow<'_> {
    /// Follows the metadata of a kind: what it contains is read when it is needed.
    fn metadata<T: Resource<DynamicType = ()>>(&mut self, plural: &'static str) {
        let places = if plural == "namespaces" { vec![None] } else { self.reach.places() };
        self.follow::<T>(&Collection::core(plural), STUB, Extent::Metadata, places);
    }

    fn follow<T: Resource<DynamicType = ()>>(
        &mut self,
        collection: &Collection,
        kind: &'static str,
        extent: Extent,
        places: Vec<Option<String>>,
    ) {
        for place in places {
            let watched = Watched::new(kind, place.clone().unwrap_or_default());
            let client = watching(self.client, &ListTurns::default(), &Arc::default(), watched, extent);
            let api = stored::api::<T>(client, place.as_deref());
            let state = State { listing: Some(self.listing.clone()), ..State::default() };
            let (replica, collection) = (self.replica.clone(), collection.clone());
            let copy = Copy { replica, collection, kind, state: Mutex::new(state) };
            self.tasks.spawn(async move {
                let events = watcher(api, watcher::Config::default()).backoff(backoff::Watch::default());
                run(events, |event| copy.take(event)).await;
            });
        }
    }
}

async fn run(
    events: impl futures::Stream<Item = watcher::Result<Event<Stored>>>,
    mut take: impl FnMut(Event<Stored>),
) {
    events
        .for_each(|event| {
            match event {
                Ok(event) => take(event),
                Err(error) => warn!(%error, "the watch failed and will be restarted"),
            }
            std::future::ready(())
        })
        .await;
}

/// Namespace and name.
type Place = (String, String);

/// Copies the objects of a collection.
struct Copy {
    replica: Replica,
    collection: Collection,
    kind: &'static str,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The statuses that the cluster had last: a new one was written by the operator that acts.
    statuses: HashMap<Place, Value>,
    /// What a list that isn't complete yet has shown.
    listed: Option<HashSet<Place>>,
    /// Until the first list is complete.
    listing: Option<mpsc::Sender<()>>,
}

impl Copy {
    fn take(&self, event: Event<Stored>) {
        match event {
            Event::Apply(object) | Event::InitApply(object) => self.put(&object),
            Event::Delete(object) => self.forget(&place_of(&object)),
            Event::Init => self.begin(),
            Event::InitDone => self.end(),
        }
    }

    fn put(&self, stored: &Stored) {
        let place = place_of(stored);
        // What is nested too deeply is left out: nothing is said about it.
        let Ok(mut object) = serde_json::from_str::<Value>(stored.text().get()) else {
            warn!(kind = self.kind, namespace = place.0, name = place.1, "the object can't be read");
            return;
        };
        let Collection { group, version, .. } = &self.collection;
        object["kind"] = json!(self.kind);
        object["apiVersion"] =
            json!(if group.is_empty() { version.clone() } else { format!("{group}/{version}") });
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(listed) = &mut state.listed {
            listed.insert(place.clone());
        }
        let status = object["status"].clone();
        let is_news = state.statuses.insert(place.clone(), status.clone()) != Some(status);
        if !is_news
            && let Some(known) = self.replica.object(&self.collection, &place.0, &place.1)
            && known["metadata"]["uid"] == object["metadata"]["uid"]
        {
            object["status"].clone_from(&known["status"]);
        }
        self.replica.put(&self.collection, object);
    }

    fn forget(&self, place: &Place) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).statuses.remove(place);
        self.replica.remove(&self.collection, &place.0, &place.1);
    }

    fn begin(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).listed = Some(HashSet::new());
    }

    /// What a complete list doesn't have is gone.
    fn end(&self) {
        let gone: Vec<Place> = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            let listed = state.listed.take().unwrap_or_default();
            state.listing = None;
            state.statuses.keys().filter(|place| !listed.contains(place)).cloned().collect()
        };
        for place in &gone {
            self.forget(place);
        }
    }
}

fn place_of(object: &Stored) -> Place {
    (object.namespace().unwrap_or_default(), object.name_any())
}
