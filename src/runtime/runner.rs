//! Runs the passes over the objects of one kind, from trigger to end.
//!
//! Replaces kube-runtime's controller, whose queue is first come, first served over all namespaces. [`Queue`] decides
//! which object is next.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::{FutureExt, Stream, StreamExt};
use kube::runtime::reflector::{ObjectRef, Store};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tracing::error;

use crate::api::common::Object;
use crate::fairness::turns::Priority;
use crate::reconcile::conclusion::Action;
use crate::reconcile::context::Context;
use crate::reconcile::state::subject::Subject;

use super::queue::Queue;

/// What triggers passes over the objects of a kind.
pub struct Asking<N> {
    /// Objects that were changed, or are new.
    pub changed: N,
    /// Objects that the hub wakes.
    pub woken: mpsc::UnboundedReceiver<Subject>,
    /// Notified whenever a list is complete: its objects are in the cache only then.
    pub listed: Arc<Notify>,
}

/// Runs passes until `shutdown`; those in progress then are completed, and no other begins.
///
/// `priority` says whether someone is waiting for the object in its current state; `pass` reconciles it. A pass that
/// panics doesn't affect the others.
pub async fn run<T, P, F>(
    cx: Arc<Context>,
    store: Store<T>,
    places: u16,
    asking: Asking<impl Stream<Item = Subject>>,
    shutdown: impl Future<Output = ()>,
    priority: P,
    pass: impl Fn(Arc<T>, Arc<Context>) -> F,
) where
    T: Object,
    P: Fn(&T, &Context) -> Priority,
    F: Future<Output = Action> + Send + 'static,
{
    let Asking { changed, mut woken, listed } = asking;
    let mut runner = Runner { cx, store, queue: Queue::new(places), priority, unlisted: Vec::new() };
    let mut passes = JoinSet::new();
    let mut may_begin = false;
    let cx = Arc::clone(&runner.cx);
    let filled = cx.stores.all_filled();
    tokio::pin!(changed, shutdown, filled);
    loop {
        while may_begin && let Some((subject, object)) = runner.next() {
            let looking = pass(object, Arc::clone(&runner.cx));
            // Boxed, because a pass is large and the map of tasks shouldn't be.
            passes.spawn(guarded(subject, Box::pin(looking)));
        }
        let time = runner.queue.next_time().filter(|_| may_begin);
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            () = &mut filled, if !may_begin => {
                may_begin = true;
                cx.hub.open();
            }
            Some(ended) = passes.join_next() => runner.ended(ended),
            () = listed.notified() => runner.listed(),
            () = sleep_until(time.unwrap_or_else(Instant::now)), if time.is_some() => runner.due(),
            Some(subject) = woken.recv() => runner.news(&subject, false),
            subject = changed.next() => match subject {
                Some(subject) => runner.news(&subject, true),
                None => break,
            },
        }
    }
    while passes.join_next().await.is_some() {}
}

/// The outcome of a pass, or none if it panicked.
async fn guarded(subject: Subject, pass: impl Future<Output = Action>) -> (Subject, Option<Action>) {
    let action = AssertUnwindSafe(pass).catch_unwind().await.ok();
    (subject, action)
}

struct Runner<T: Object, P> {
    cx: Arc<Context>,
    store: Store<T>,
    queue: Queue,
    priority: P,
    /// Objects of a list that isn't complete yet.
    unlisted: Vec<Subject>,
}

impl<T: Object, P: Fn(&T, &Context) -> Priority> Runner<T, P> {
    /// The next object that may be reconciled.
    fn next(&mut self) -> Option<(Subject, Arc<T>)> {
        loop {
            let subject = self.queue.start_next()?;
            if let Some(object) = self.object(&subject) {
                return Some((subject, object));
            }
            // It is gone by now.
            self.queue.ended(&subject, None, Priority::Periodic, Instant::now());
        }
    }

    fn news(&mut self, subject: &Subject, is_change: bool) {
        match self.priority(subject) {
            Some(priority) => self.queue.news(subject, priority, Instant::now()),
            None if is_change => self.unlisted.push(subject.clone()),
            None => {}
        }
    }

    fn listed(&mut self) {
        for subject in std::mem::take(&mut self.unlisted) {
            self.news(&subject, false);
        }
    }

    fn due(&mut self) {
        for subject in self.queue.due(Instant::now()) {
            if let Some(priority) = self.priority(&subject) {
                self.queue.line_up(&subject, priority);
            }
        }
    }

    fn ended(&mut self, ended: Result<(Subject, Option<Action>), tokio::task::JoinError>) {
        // Nobody aborts a pass while this runs, and panics are caught.
        let Ok((subject, action)) = ended else { return };
        let now = Instant::now();
        let action = action.unwrap_or_else(|| {
            error!(object = %subject, "the pass panicked, which is a bug; the object is retried later");
            Action::requeue(self.cx.timing.longest_retry)
        });
        let priority = self.priority(&subject).unwrap_or_default();
        self.queue.ended(&subject, action.after().map(|after| now + after), priority, now);
    }

    fn priority(&self, subject: &Subject) -> Option<Priority> {
        let object = self.object(subject)?;
        Some((self.priority)(&object, &self.cx))
    }

    fn object(&self, subject: &Subject) -> Option<Arc<T>> {
        let object = ObjectRef::<T>::new(&subject.name);
        let object = if subject.namespace.is_empty() { object } else { object.within(&subject.namespace) };
        self.store.get(&object)
    }
}
