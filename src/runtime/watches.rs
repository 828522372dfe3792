//! Watches of what is not ours: Secrets and ConfigMaps by metadata, namespaces by their labels.
//!
//! Only the version is kept, of those that one of our objects refers to.

use std::sync::Arc;

use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Secret};
use kube::core::NamespaceResourceScope;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Resource, ResourceExt};
use tracing::{debug, warn};

use crate::kubernetes::delivery::Watched;
use crate::kubernetes::stored::{self, Stored};
use crate::kubernetes::watch_client::Extent;
use crate::reconcile::context::Context;
use crate::reconcile::state::subject::Subject;

/// Watches everything that specs may refer to. Ends only with the task that runs it.
pub async fn run(cx: Arc<Context>) {
    futures::join!(inputs::<Secret>(&cx, "Secret"), inputs::<ConfigMap>(&cx, "ConfigMap"), async {
        if cx.reach.is_everywhere() { namespaces(&cx).await } else { look_at_labels(&cx).await }
    },);
}

async fn inputs<T: Resource<DynamicType = (), Scope = NamespaceResourceScope>>(
    cx: &Arc<Context>,
    kind: &'static str,
) {
    let watches = cx.reach.places().into_iter().map(|namespace| {
        let watched = Watched::new(kind, namespace.clone().unwrap_or_default());
        each::<T>(cx, watched, namespace, |meta, gone| touched(cx, kind, meta, gone))
    });
    futures::future::join_all(watches).await;
}

async fn namespaces(cx: &Arc<Context>) {
    let watched = Watched::new("Namespace", "");
    each::<Namespace>(cx, watched, None, |meta, gone| namespace(cx, meta, gone)).await;
}

async fn each<T: Resource<DynamicType = ()>>(
    cx: &Arc<Context>,
    watched: Watched,
    namespace: Option<String>,
    tell: impl Fn(&Stored, bool),
) {
    let client = cx.watch_client(watched.clone(), Extent::Metadata);
    watcher(stored::api::<T>(client, namespace.as_deref()), watcher::Config::default())
        .backoff(crate::reconcile::backoff::Watch::default())
        .inspect_err(|error| {
            warn!(kind = watched.kind, namespace, %error, "the watch failed and will be restarted");
            cx.metrics.watch_failed(watched.kind);
            cx.delivery.failed(&watched, error.to_string());
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

/// Reads the labels of the watched namespaces, if not all are watched: a Role can permit that, while watching
/// namespaces needs a `ClusterRole`. One whose labels can't be read has none.
pub async fn labels(cx: &Context) {
    if cx.reach.is_everywhere() {
        return;
    }
    for name in &cx.reach.namespaces {
        match stored::metadata::<Namespace>(&cx.client, None, name).await {
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

fn touched(cx: &Context, kind: &'static str, meta: &Stored, gone: bool) {
    let subject = Subject::new(kind, meta.namespace().unwrap_or_default(), meta.name_any());
    cx.hub.touched(&subject, meta.meta().resource_version.as_deref().filter(|_| !gone));
}

fn namespace(cx: &Context, meta: &Stored, gone: bool) {
    let going = meta.meta().deletion_timestamp.is_some();
    cx.hub.namespace(&meta.name_any(), (!gone).then(|| meta.labels()), going);
}
