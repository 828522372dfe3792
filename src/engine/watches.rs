//! Watches of what is not ours: Secrets and ConfigMaps by metadata, namespaces by their labels.
//!
//! Nothing is kept of an object but the version of those that one of ours refers to.

use std::sync::Arc;

use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Secret};
use kube::api::{Api, PartialObjectMeta};
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Resource, ResourceExt};
use serde::de::DeserializeOwned;
use tracing::warn;

use super::context::Context;
use super::hub::Subject;

/// Watches everything that specs may refer to. Ends only with the task that runs it.
pub async fn run(cx: Arc<Context>) {
    futures::join!(
        each::<Secret>(&cx, cx.watched(), |cx, meta, gone| touched(cx, "Secret", meta, gone)),
        each::<ConfigMap>(&cx, cx.watched(), |cx, meta, gone| touched(cx, "ConfigMap", meta, gone)),
        each::<Namespace>(&cx, watcher::Config::default(), namespace),
    );
}

async fn each<T>(cx: &Context, watched: watcher::Config, tell: impl Fn(&Context, &PartialObjectMeta<T>, bool))
where
    T: Resource<DynamicType = ()> + Clone + std::fmt::Debug + DeserializeOwned + Send + 'static,
{
    watcher(Api::<PartialObjectMeta<T>>::all(cx.client.clone()), watched)
        .default_backoff()
        .inspect_err(|error| warn!(kind = %T::kind(&()), %error, "the watch failed; it is started again"))
        .for_each(|event| {
            match event {
                Ok(Event::Apply(meta) | Event::InitApply(meta)) => tell(cx, &meta, false),
                Ok(Event::Delete(meta)) => tell(cx, &meta, true),
                Ok(Event::Init | Event::InitDone) | Err(_) => {}
            }
            std::future::ready(())
        })
        .await;
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
