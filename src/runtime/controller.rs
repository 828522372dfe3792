//! Runs a kind: one watch fills the cache, tells the hub, and starts passes.

use std::collections::HashSet;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, future};
use kube::api::Api;
use kube::runtime::predicates;
use kube::runtime::reflector::{self, ObjectRef, Store};
use kube::runtime::watcher::{self, Event, watcher};
use kube::runtime::{Predicate, PredicateConfig, WatchStreamExt};
use kube::{Resource, ResourceExt};
use tokio::sync::{Notify, mpsc};
use tracing::{Instrument, debug, error, error_span, info, warn};

use crate::api::common::{Object, Status};
use crate::aws::client::trail;
use crate::fairness::turns::Priority;
use crate::kinds;
use crate::kubernetes::delivery::Watched;
use crate::kubernetes::reach::{self, Watch};
use crate::kubernetes::stored;
use crate::kubernetes::watch_client::Extent;
use crate::reconcile::conclusion::Action;
use crate::reconcile::context::Context;
use crate::reconcile::graph::profile::Profile;
use crate::reconcile::graph::{kept, references};
use crate::reconcile::kind::Kind;
use crate::reconcile::pass::Pass;
use crate::reconcile::state::subject::Subject;
use crate::reconcile::state::{annotations, conditions, finalizer};
use crate::reconcile::{backoff, orphan};

use super::readable::{Listing, Reader};
use super::runner::{self, Asking, Work};

/// Runs the controller of `K` until `shutdown`. Passes in progress are completed.
pub async fn run<K: Kind>(
    cx: Arc<Context>,
    concurrency: u16,
    shutdown: impl Future<Output = ()> + Send + Sync + 'static,
) {
    let kind = K::Object::kind_name();
    let (reader, writer) = reflector::store::<K::Object>();
    cx.stores.add(reader.clone());
    cx.metrics.controller_runs(kind, concurrency);
    let woken = cx.hub.queue(kind);
    let changes = predicates::generation.combine(predicates::finalizers).combine(predicates::annotations);
    let hub = Arc::clone(&cx);
    let listing = Arc::new(Listing::default());
    let listed = Arc::new(Notify::new());
    let whole = Arc::clone(&listed);
    let (readable, write_events) = Reader::new(&cx, &listing);
    let (vanishing, vanished) = mpsc::unbounded_channel();
    let objects = watch::<K::Object>(&cx, reader.clone(), Arc::new(readable))
        .reflect(writer)
        .inspect_ok(move |event| {
            tell_hub::<K>(&hub, event, &listing);
            if let Event::Delete(object) = event
                && is_orphaning::<K>(&hub, object)
            {
                // Received until the runner ends, and with it the process.
                let _ = vanishing.send(Arc::new(object.clone()));
            }
            if matches!(event, Event::InitDone) {
                whole.notify_one();
            }
        })
        .applied_objects()
        .predicate_filter(changes, PredicateConfig::default())
        // Errors of a watch are reported where it is created.
        .filter_map(|object| future::ready(object.ok().map(|object| Subject::of(&object))));
    let asking = Asking { changed: objects, vanished, woken, listed };
    let runner = runner::run(cx, reader, concurrency, asking, shutdown, priority::<K::Object>, work::<K>);
    // The writing of Events ends with the watch, which ends before the passes in progress.
    let events = async {
        write_events.await;
        future::pending::<()>().await;
    };
    future::select(pin!(runner), pin!(events)).await;
}

/// The watch of a kind. Objects that can't be read are reported and skipped; the others aren't affected.
fn watch<T: Object>(cx: &Arc<Context>, cache: Store<T>, reader: Arc<Reader>) -> Watch<T> {
    if !T::NAMESPACED || cx.reach.is_everywhere() {
        return watch_at(cx, None, reader);
    }
    let watches = cx
        .reach
        .namespaces
        .iter()
        .map(|namespace| (namespace.clone(), watch_at(cx, Some(namespace), Arc::clone(&reader))));
    reach::merged(watches.collect(), cache).boxed()
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
            cx.hub.retain(kind, &HashSet::new());
            cx.kept.retain(kind, &HashSet::new());
        }
        (true, true) => debug!(kind, "the CRD is still not installed"),
        _ => warn!(kind, %error, "the watch failed and will be restarted"),
    }
}

fn tell_hub<K: Kind>(cx: &Context, event: &Event<K::Object>, listing: &Listing) {
    let applied = |object: &K::Object| {
        let subject = Subject::of(object);
        let profile = cx.kept.profile(&subject).unwrap_or_else(|| {
            let value = serde_json::to_value(object).unwrap_or_default();
            Profile::of(&subject, &value)
        });
        let uid = object.uid().unwrap_or_default();
        if object.status().common().id.is_some() {
            cx.arrivals.forget(&uid);
        } else {
            cx.arrivals.seen(&uid, object.meta().generation);
        }
        cx.hub.applied(&subject, profile.describing(K::natural_key(object).as_deref()));
        if cx.written.is_overwritten(object) {
            info!(object = %subject, "its status differs from what was last written; checking again");
            cx.hub.wake(&subject);
        }
    };
    match event {
        Event::Init => listing.begin(),
        Event::InitApply(object) => {
            listing.add(Subject::of(object));
            applied(object);
        }
        Event::InitDone => {
            let kind = K::Object::kind_name();
            let present = listing.end();
            cx.hub.retain(kind, &present);
            cx.kept.retain(kind, &present);
            forget_accounts(cx, kind);
            cx.metrics.unreadable(kind, listing.unreadable());
            if cx.stores.fill(kind, kinds::count(&cx.reach)) {
                info!(kind, "the CRD is installed now");
            }
        }
        Event::Apply(object) => applied(object),
        Event::Delete(object) => {
            cx.forget(&object.uid().unwrap_or_default());
            cx.hub.deleted(&Subject::of(object));
            forget_accounts(cx, K::Object::kind_name());
            cx.kept.forget(&Subject::of(object));
        }
    }
}

/// Whether an object of this shard may have left something in AWS: it went without waiting for its finalizer. One that
/// waited was being deleted.
fn is_orphaning<K: Kind>(cx: &Context, object: &K::Object) -> bool {
    K::HAS_REMOTE
        && cx.shard.has(&Subject::of(object))
        && finalizer::is_on(object)
        && object.meta().deletion_timestamp.is_none()
}

/// When an AWSAccount is gone, its client, budget and credentials are dropped.
fn forget_accounts(cx: &Context, kind: &str) {
    if kind == references::ACCOUNT {
        cx.accounts.forget_gone(cx);
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

/// Who is waiting for the object.
fn priority<T: Object>(object: &T, cx: &Context) -> Priority {
    let status = object.status();
    let common = status.common();
    let is_new = conditions::is_new(common, object.meta().generation);
    let is_asked_for = is_new || annotations::is_requested(object, common);
    conditions::urgency(is_asked_for, is_settled(object) && !cx.hub.is_woken(&Subject::of(object)))
}

/// Whether nothing is left to do: the object is up to date, isn't paused and wasn't.
fn is_settled<T: Object>(object: &T) -> bool {
    let status = object.status();
    let common = status.common();
    object.meta().deletion_timestamp.is_none()
        && conditions::is_settled(common, object.meta().generation)
        && conditions::is_true(&common.conditions, "Synced")
        && !annotations::is_requested(object, common)
        && !annotations::is_paused(object)
}

async fn one_pass<K: Kind>(object: Arc<K::Object>, cx: Arc<Context>) -> Result<Action, kube::Error> {
    if !cx.fence.is_open() {
        // The process is about to end; the next leader continues.
        return Ok(Action::requeue(cx.timing.poll));
    }
    let uid = object.uid().unwrap_or_default();
    cx.written.expect(&uid);
    let Some(object) = cx.store::<K::Object>().and_then(|store| store.get(&ObjectRef::from_obj(&*object)))
    else {
        cx.written.forget(&uid);
        return Ok(Action::await_change());
    };
    let namespace = object.namespace().unwrap_or_default();
    let api = K::api(cx.client.clone(), &namespace);
    if !cx.kept.has(&Subject::of(&*object)) {
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
