//! Watches of what is not ours: Secrets and ConfigMaps by metadata, namespaces by their labels.
//!
//! Nothing is kept of an object but the version of those that one of ours refers to.

use std::sync::Arc;

use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Secret};
use kube::api::{Api, PartialObjectMeta};
use kube::core::NamespaceResourceScope;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Resource, ResourceExt};
use serde::de::DeserializeOwned;
use tracing::{debug, warn};

use super::context::Context;
use super::hub::Subject;

/// Watches everything that specs may refer to. Ends only with the task that runs it.
pub async fn run(cx: Arc<Context>) {
    futures::join!(inputs::<Secret>(&cx, "Secret"), inputs::<ConfigMap>(&cx, "ConfigMap"), async {
        if cx.reach.is_everywhere() { namespaces(&cx).await } else { look_at_labels(&cx).await }
    },);
}

async fn inputs<T>(cx: &Context, kind: &'static str)
where
    T: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    T: Clone + std::fmt::Debug + DeserializeOwned + Send + 'static,
{
    let apis = cx.reach.apis::<PartialObjectMeta<T>>(&cx.client).into_iter();
    let watches =
        apis.map(|(namespace, api)| each(cx, api, namespace, |meta, gone| touched(cx, kind, meta, gone)));
    futures::future::join_all(watches).await;
}

async fn namespaces(cx: &Context) {
    let api = Api::<PartialObjectMeta<Namespace>>::all(cx.client.clone());
    each(cx, api, String::new(), |meta, gone| namespace(cx, meta, gone)).await;
}

async fn each<T>(
    cx: &Context,
    api: Api<PartialObjectMeta<T>>,
    namespace: String,
    tell: impl Fn(&PartialObjectMeta<T>, bool),
) where
    T: Resource<DynamicType = ()> + Clone + std::fmt::Debug + DeserializeOwned + Send + 'static,
{
    watcher(api, watcher::Config::default())
        .backoff(super::backoff::Watch::default())
        .inspect_err(|error| {
            warn!(kind = %T::kind(&()), namespace, %error, "the watch failed; it is started again");
            cx.metrics.watch_failed(&T::kind(&()));
        })
        .for_each(|event| {
            match event {
                Ok(Event::Apply(meta) | Event::InitApply(meta)) => tell(&meta, false),
                Ok(Event::Delete(meta)) => tell(&meta, true),
                Ok(Event::Init | Event::InitDone) | Err(_) => {}
            }
            std::future::ready(())
        })
        .await;
}

/// Reads the labels of the namespaces that are looked after, where not all are: a Role can permit that, while to
/// watch namespaces takes a `ClusterRole`. One whose labels can't be read has none.
pub async fn labels(cx: &Context) {
    let api = Api::<Namespace>::all(cx.client.clone());
    for name in &cx.reach.namespaces {
        match api.get_metadata_opt(name).await {
            Ok(Some(meta)) => namespace(cx, &meta, false),
            Ok(None) => cx.hub.namespace(name, None, false),
            Err(error) => debug!(namespace = name, %error, "the labels of the namespace can't be read"),
        }
    }
}

async fn look_at_labels(cx: &Context) {
    loop {
        tokio::time::sleep(cx.timing.dependency).await;
        labels(cx).await;
    }
}

fn touched<T: Resource<DynamicType = ()>>(
    cx: &Context,
    kind: &'static str,
    meta: &PartialObjectMeta<T>,
    gone: bool,
) {
    let subject = Subject::new(kind, meta.namespace().unwrap_or_default(), meta.name_any());
    cx.hub.touched(&subject, meta.meta().resource_version.as_deref().filter(|_| !gone));
}

fn namespace(cx: &Context, meta: &PartialObjectMeta<Namespace>, gone: bool) {
    let going = meta.meta().deletion_timestamp.is_some();
    cx.hub.namespace(&meta.name_any(), (!gone).then(|| meta.labels()), going);
}
