//! The one API server of all runs, and what is in it, seen through one watch a kind.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use devops_agent_test_support::{cluster, crds};
use futures::StreamExt;
use kube::core::{DynamicObject, TypeMeta};
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Client, ResourceExt};
use serde_json::Value;

use super::place::Place;
use super::resources::{RESOURCES, Resource};

/// The API server, and what is in it.
pub struct Cluster {
    pub client: Client,
    places: Mutex<HashMap<String, Arc<Place>>>,
}

impl Cluster {
    /// Installs the CRDs and starts to watch.
    pub async fn start() -> Arc<Self> {
        let client = cluster::client().await;
        crds::install(&client, &devops_agent_operator::kinds::crds().expect("the CRDs can be written")).await;
        let cluster = Arc::new(Self { client, places: Mutex::default() });
        for resource in RESOURCES {
            tokio::spawn(Arc::clone(&cluster).keep_watching(*resource));
        }
        cluster
    }

    /// What is seen of a namespace.
    pub fn place(&self, namespace: &str) -> Arc<Place> {
        let mut places = self.places.lock().expect("nobody panics with the places in hand");
        Arc::clone(places.entry(namespace.to_owned()).or_default())
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
                    let name = object.name_any();
                    listed.insert((resource.place(object.namespace(), &name), name));
                    self.note(resource, object, false);
                }
                Ok(Event::InitDone) => {
                    let places = self.places.lock().expect("nobody panics with the places in hand").clone();
                    for (namespace, place) in places {
                        place.listed(resource, |name| listed.contains(&(namespace.clone(), name.to_owned())));
                    }
                }
                // It is started again.
                Err(error) => tracing::warn!(%error, "the harness's watch of {} failed", resource.plural),
            }
        }
    }

    fn note(&self, resource: Resource, mut object: DynamicObject, gone: bool) {
        object.managed_fields_mut().clear();
        // What was listed does not name its type.
        object.types =
            Some(TypeMeta { api_version: resource.api_version.to_owned(), kind: resource.kind.to_owned() });
        let name = object.name_any();
        let place = self.place(&resource.place(object.namespace(), &name));
        let value: Value = serde_json::to_value(&object).expect("objects are JSON");
        if gone {
            place.deleted(resource, &name, &value);
        } else {
            place.applied(resource, &name, value);
        }
    }
}
