//! Runs a kind: one watch fills the cache, tells the hub, and starts passes.

use std::collections::HashSet;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, future};
use kube::api::Api;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, watcher};
use kube::{Resource, ResourceExt};
use tokio::sync::mpsc;
use tracing::{Instrument, debug, error, error_span, warn};

use crate::api::common::Object;
use crate::aws::client::trail;
use crate::kinds;
use crate::kubernetes::delivery::Watched;
use crate::kubernetes::reach::{self, Watch};
use crate::kubernetes::stored;
use crate::kubernetes::watch_client::Extent;
use crate::reconcile::cache::Cache;
use crate::reconcile::conclusion::Action;
use crate::reconcile::context::Context;
use crate::reconcile::graph::kept;
use crate::reconcile::kind::Kind;
use crate::reconcile::pass::Pass;
use crate::reconcile::state::finalizer;
use crate::reconcile::state::subject::Subject;
use crate::reconcile::{backoff, orphan};

use super::follower::{self, Follower};
use super::readable::{Listing, Reader};
use super::runner::{self, Asking, Work};

/// Runs the controller of `K` until `shutdown`. Passes in progress are completed.
pub async fn run<K: Kind>(
    cx: Arc<Context>,
    concurrency: u16,
    shutdown: impl Future<Output = ()> + Send + Sync + 'static,
) {
    let kind = K::Object::kind_name();
    let cache = Cache::default();
    cx.stores.add(cache.clone());
    cx.metrics.controller_runs(kind, concurrency);
    let woken = cx.hub.queue(kind);
    let listing = Arc::new(Listing::default());
    let (readable, write_events) = Reader::new(&cx, &listing);
    let (vanishing, vanished) = mpsc::unbounded_channel();
    let follower = Follower::<K> { cx: Arc::clone(&cx), cache: cache.clone(), listing, vanishing };
    let changed = watch::<K::Object>(&cx, cache.clone(), Arc::new(readable))
        // Errors of a watch are reported where it is created.
        .filter_map(move |event| future::ready(event.ok().and_then(|event| follower.follow(event))));
    let asking = Asking { changed, vanished, woken };
    let runner = runner::run(cx, cache, concurrency, asking, shutdown, work::<K>);
    // The writing of Events ends with the watch, which ends before the passes in progress.
    let events = async {
        write_events.await;
        future::pending::<()>().await;
    };
    future::select(pin!(runner), pin!(events)).await;
}

/// The watch of a kind. Objects that can't be read are reported and skipped; the others aren't affected.
fn watch<T: Object>(cx: &Arc<Context>, cache: Cache<T>, reader: Arc<Reader>) -> Watch<T> {
    if !T::NAMESPACED || cx.reach.is_everywhere() {
        return watch_at(cx, None, reader);
    }
    let watches = cx
        .reach
        .namespaces
        .iter()
        .map(|namespace| (namespace.clone(), watch_at(cx, Some(namespace), Arc::clone(&reader))));
    let others = move |namespace: &str, names: &HashSet<String>| {
        let mut others = cache.subjects();
        others.retain(|known| known.namespace == namespace && !names.contains(&known.name));
        others.iter().filter_map(|gone| cache.get(gone)).map(Arc::unwrap_or_clone).collect()
    };
    reach::merged(watches.collect(), others).boxed()
}

fn watch_at<T: Object>(cx: &Arc<Context>, namespace: Option<&str>, reader: Arc<Reader>) -> Watch<T> {
    let watched = Watched::new(T::kind_name(), namespace.unwrap_or_default());
    let api = stored::api::<T>(cx.watch_client(watched.clone(), Extent::Whole), namespace);
    let failing = Arc::clone(cx);
    watcher(api, watcher::Config::default())
        .backoff(backoff::Watch::default())
        .inspect_err(move |error| watch_failed::<T>(&failing, &watched, error))
        .try_filter_map(move |event| future::ready(Ok(reader.readable(event))))
        .boxed()
}

/// Reports a missing CRD once, and any other error on each attempt.
fn watch_failed<T: Object>(cx: &Context, watched: &Watched, error: &watcher::Error) {
    let kind = T::kind_name();
    cx.metrics.watch_failed(kind);
    cx.delivery.failed(watched, error.to_string());
    match cx.stores.watch_failed(kind, kinds::count(&cx.reach), error) {
        (false, true) => {
            let crd = format!("{}.{}", T::plural(&()), T::group(&()));
            error!(kind, crd, "the CRD is not installed; objects of the kind will be reconciled once it is");
            follower::retain::<T>(cx, &HashSet::new());
        }
        (true, true) => debug!(kind, "the CRD is still not installed"),
        _ => warn!(kind, %error, "the watch failed and will be restarted"),
    }
}

async fn work<K: Kind>(work: Work<K::Object>, cx: Arc<Context>) -> Action {
    let kind = K::Object::kind_name();
    let _underway = cx.metrics.pass(kind);
    match work {
        Work::Pass(object) => reconcile::<K>(object, cx).await,
        Work::Burial { object, attempt } => {
            let (namespace, name) = (object.namespace(), object.name_any());
            let span = error_span!("orphan", kind, namespace, name, pass = trail::new_id());
            trail::follow(orphan::bury::<K>(&cx, &object, attempt)).instrument(span).await
        }
    }
}

async fn reconcile<K: Kind>(object: Arc<K::Object>, cx: Arc<Context>) -> Action {
    // At the level of errors, so that every log line names its object.
    let span = error_span!(
        "pass",
        kind = K::Object::kind_name(),
        namespace = object.namespace(),
        name = object.name_any(),
        pass = trail::new_id()
    );
    let pass = one_pass::<K>(Arc::clone(&object), Arc::clone(&cx));
    match trail::follow(pass).instrument(span).await {
        Ok(action) => action,
        Err(error) => failed::<K>(&object, &error, &cx),
    }
}

async fn one_pass<K: Kind>(object: Arc<K::Object>, cx: Arc<Context>) -> Result<Action, kube::Error> {
    if !cx.fence.is_open() {
        // The process is about to end; the next leader continues.
        return Ok(Action::requeue(cx.timing.poll));
    }
    let (uid, subject) = (object.uid().unwrap_or_default(), Subject::of(&*object));
    cx.written.expect(&uid);
    let Some(object) = cx.cache::<K::Object>().and_then(|cache| cache.now(&subject, object)) else {
        cx.written.forget(&uid);
        return Ok(Action::await_change());
    };
    let namespace = object.namespace().unwrap_or_default();
    let api = K::api(cx.client.clone(), &namespace);
    if !cx.kept.has(&subject) {
        // It can no longer be read; the cache has an earlier version.
        return Ok(Action::await_change());
    }
    let slim = kept::slim_bytes(&*object);
    let _room = cx.memory.hold(&namespace, K::holds(&object) + 3 * slim.unwrap_or_default()).await;
    let object = match slim {
        None => object,
        Some(_) => match whole(&cx, &api, &object).await? {
            Some(object) => object,
            None => return Ok(Action::await_change()),
        },
    };
    if object.meta().deletion_timestamp.is_none() {
        return Ok(Pass::<K>::new(&cx, &object, api).apply().await);
    }
    if !finalizer::is_on(&*object) || cx.written.is_released(&*object) {
        // It has nothing in AWS; other finalizers keep it, or the cache is behind.
        return Ok(Action::await_change());
    }
    if let Err(later) = Pass::<K>::new(&cx, &object, api.clone()).cleanup().await {
        return Ok(later);
    }
    cx.metrics.finished(&*object);
    finalizer::remove(&cx.written, &api, &*object).await?;
    Ok(Action::await_change())
}

/// The whole of an object that the cache keeps slim. `None` if it is gone, or can't be read, which its watch reports.
async fn whole<T: Object>(cx: &Context, api: &Api<T>, slim: &T) -> Result<Option<Arc<T>>, kube::Error> {
    let _turn = cx.memory.read().await;
    let same = stored::one(api, &slim.name_any(), &slim.uid().unwrap_or_default()).await?;
    Ok(same.and_then(|stored| stored.read().ok()).map(Arc::new))
}

fn failed<K: Kind>(object: &K::Object, error: &kube::Error, cx: &Context) -> Action {
    // A stale cache: the object was changed or is gone, and its watch event is on its way.
    let stale = matches!(error, kube::Error::Api(status) if [404, 409, 422].contains(&status.code));
    if !stale {
        let (kind, name) = (K::Object::kind_name(), object.name_any());
        warn!(kind, name, %error, "reading the object or changing its finalizer failed");
    }
    cx.metrics.failed(K::Object::kind_name());
    let before = cx.failures.count(&object.uid().unwrap_or_default());
    Action::requeue(backoff::retry(&cx.timing, before, backoff::draw()))
}
