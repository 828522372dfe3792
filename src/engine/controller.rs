//! Runs a kind: one watch fills the cache, tells the hub, and starts passes.

use std::collections::HashSet;
use std::future::Future;
use std::sync::Arc;

use futures::{Stream, StreamExt, TryStreamExt, stream};
use kube::api::Api;
use kube::runtime::controller::{Action, Config, Controller};
use kube::runtime::finalizer::{Error as FinalizerError, Event as FinalizerEvent, finalizer};
use kube::runtime::predicates;
use kube::runtime::reflector::{self, ObjectRef, Store};
use kube::runtime::watcher::{self, Event, watcher};
use kube::runtime::{Predicate, PredicateConfig, WatchStreamExt};
use kube::{Resource, ResourceExt};
use tracing::{Instrument, error, error_span, warn};

use crate::api::common::Object;
use crate::aws;

use super::backoff;
use super::context::Context;
use super::finalizer::{FINALIZER, is_on};
use super::hub::{Profile, Subject};
use super::inputs::kind_name;
use super::kind::Kind;
use super::pass::Pass;
use super::reach::{self, Watch};
use super::readable::Readable;

/// A cleanup that has not come to its end, and when to go on.
#[derive(Debug, thiserror::Error)]
#[error("the deletion is not finished")]
struct Unfinished(Action);

/// Runs the controller of `K` until `shutdown`. Passes under way are finished.
pub async fn run<K: Kind>(
    cx: Arc<Context>,
    concurrency: u16,
    shutdown: impl Future<Output = ()> + Send + Sync + 'static,
) {
    let kind = kind_name::<K::Object>();
    let (reader, writer) = reflector::store::<K::Object>();
    cx.stores.add(reader.clone());
    cx.metrics.controller_runs(kind, concurrency);
    let woken = queue(&cx, kind).map(|subject| {
        let object = ObjectRef::<K::Object>::new(&subject.name);
        if subject.namespace.is_empty() { object } else { object.within(&subject.namespace) }
    });
    let changes = predicates::generation.combine(predicates::finalizers).combine(predicates::annotations);
    let hub = Arc::clone(&cx);
    let mut listed = HashSet::new();
    let failing = Arc::clone(&cx);
    let applied = watch::<K::Object>(&cx, reader.clone())
        .inspect_err(move |error| watch_failed(&failing, kind, error))
        .reflect(writer)
        .inspect_ok(move |event| tell_hub(&hub, event, &mut listed))
        .applied_objects()
        .predicate_filter(changes, PredicateConfig::default());
    Controller::for_stream(applied, reader)
        .with_config(Config::default().concurrency(concurrency))
        .reconcile_on(woken)
        .graceful_shutdown_on(shutdown)
        .run(reconcile::<K>, failed::<K>, cx)
        .for_each(|result| async {
            if let Err(error) = result {
                log_controller_error(kind, &error);
            }
        })
        .await;
}

fn queue(cx: &Context, kind: &'static str) -> impl Stream<Item = Subject> + Send + use<> {
    stream::unfold(cx.hub.queue(kind), |mut queue| async {
        queue.recv().await.map(|subject| (subject, queue))
    })
}

/// The watch of a kind. Objects that can't be read are reported and left out; the others are unharmed.
fn watch<T: Object>(cx: &Context, cache: Store<T>) -> Watch<T> {
    if !T::NAMESPACED || cx.reach.is_everywhere() {
        return watch_at(Api::all_with(cx.client.clone(), &()));
    }
    let watches = cx.reach.namespaces.iter().map(|namespace| {
        let api = Api::namespaced_with(cx.client.clone(), namespace, &());
        (namespace.clone(), watch_at(api))
    });
    reach::merged(watches.collect(), cache).boxed()
}

fn watch_failed(cx: &Context, kind: &'static str, error: &watcher::Error) {
    warn!(kind, %error, "the watch failed; it is started again");
    cx.stores.watch_failed(kind, error);
    cx.metrics.watch_failed(kind);
}

fn watch_at<T: Object>(api: Api<Readable<T>>) -> Watch<T> {
    watcher(api, watcher::Config::default())
        .default_backoff()
        .try_filter_map(|event| async move { Ok(readable(event)) })
        .boxed()
}

fn readable<T: Object>(event: Event<Readable<T>>) -> Option<Event<T>> {
    match event {
        Event::Apply(object) => object.read().map(Event::Apply),
        Event::InitApply(object) => object.read().map(Event::InitApply),
        Event::Delete(object) => object.read().map(Event::Delete),
        Event::Init => Some(Event::Init),
        Event::InitDone => Some(Event::InitDone),
    }
}

fn tell_hub<T: Object>(cx: &Context, event: &Event<T>, listed: &mut HashSet<Subject>) {
    let subject = |object: &T| {
        Subject::new(kind_name::<T>(), object.namespace().unwrap_or_default(), object.name_any())
    };
    let applied = |object: &T| match serde_json::to_value(object) {
        Ok(value) => {
            let subject = subject(object);
            let profile = Profile::of(&subject, &value);
            cx.hub.applied(&subject, profile);
        }
        Err(error) => error!(%error, name = object.name_any(), "an object can't be indexed"),
    };
    match event {
        Event::Init => listed.clear(),
        Event::InitApply(object) => {
            listed.insert(subject(object));
            applied(object);
        }
        Event::InitDone => {
            cx.hub.retain(kind_name::<T>(), listed);
            cx.stores.fill(kind_name::<T>(), crate::kinds::count(&cx.reach));
        }
        Event::Apply(object) => applied(object),
        Event::Delete(object) => {
            cx.forget(&object.uid().unwrap_or_default());
            cx.hub.deleted(&subject(object));
        }
    }
}

async fn reconcile<K: Kind>(object: Arc<K::Object>, cx: Arc<Context>) -> Result<Action, kube::Error> {
    cx.stores.all_filled().await;
    // At the level of errors, so that every line of the log says which object it is about.
    let span = error_span!(
        "pass",
        kind = kind_name::<K::Object>(),
        namespace = object.namespace(),
        name = object.name_any(),
        pass = aws::trail::new_id()
    );
    let _underway = cx.metrics.pass(kind_name::<K::Object>());
    aws::trail::follow(one_pass::<K>(object, cx)).instrument(span).await
}

async fn one_pass<K: Kind>(object: Arc<K::Object>, cx: Arc<Context>) -> Result<Action, kube::Error> {
    if !cx.fence.is_open() {
        // The process is about to end; a leader among the others goes on.
        return Ok(Action::requeue(cx.timing.poll));
    }
    let api = K::api(cx.client.clone(), &object.namespace().unwrap_or_default());
    if object.meta().deletion_timestamp.is_none() {
        return Ok(Pass::<K>::new(&cx, &object, api).apply().await);
    }
    if !is_on(&*object) {
        // Nothing of it is in AWS; the finalizers of others keep it.
        return Ok(Action::await_change());
    }
    let outcome = finalizer(&api, FINALIZER, object, |event| async {
        match event {
            FinalizerEvent::Apply(_) => Ok(Action::await_change()),
            FinalizerEvent::Cleanup(object) => {
                let cleanup = Pass::<K>::new(&cx, &object, api.clone()).cleanup().await;
                cleanup
                    .inspect(|()| cx.metrics.finished(&*object))
                    .map(|()| Action::await_change())
                    .map_err(Unfinished)
            }
        }
    })
    .await;
    match outcome {
        Ok(action)
        | Err(
            FinalizerError::ApplyFailed(Unfinished(action))
            | FinalizerError::CleanupFailed(Unfinished(action)),
        ) => Ok(action),
        Err(FinalizerError::AddFinalizer(error) | FinalizerError::RemoveFinalizer(error)) => Err(error),
        Err(error) => {
            error!(%error, "the finalizer could not be handled");
            Ok(Action::requeue(cx.timing.dependency))
        }
    }
}

#[allow(clippy::needless_pass_by_value, reason = "the signature is kube-runtime's")]
fn failed<K: Kind>(object: Arc<K::Object>, error: &kube::Error, cx: Arc<Context>) -> Action {
    // A stale cache: the object was changed or is gone, and its watch event is under way.
    let stale = matches!(error, kube::Error::Api(status) if [404, 409, 422].contains(&status.code));
    if !stale {
        warn!(kind = kind_name::<K::Object>(), name = object.name_any(), %error, "the finalizer could not be changed");
    }
    cx.metrics.failed(kind_name::<K::Object>());
    let before = cx.failures.count(&object.uid().unwrap_or_default());
    Action::requeue(backoff::retry(&cx.timing, before, backoff::draw()))
}

fn log_controller_error<E: std::error::Error, Q: std::error::Error>(
    kind: &str,
    error: &kube::runtime::controller::Error<E, Q>,
) {
    use kube::runtime::controller::Error::{ObjectNotFound, ReconcilerFailed};
    match error {
        // Woken or requeued after its deletion: nothing to do.
        ObjectNotFound(_) | ReconcilerFailed(..) => {}
        error => warn!(kind, %error, "the controller met an error"),
    }
}
