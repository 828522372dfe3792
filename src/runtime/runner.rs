//! Runs the passes over the objects of one kind, and the burials of those that vanished: from what asks for them to
//! their end.
//!
//! Replaces kube-runtime's controller, whose queue is first come, first served over all namespaces. [`Queue`] decides
//! which object is next.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::{FutureExt, Stream, StreamExt};
use kube::ResourceExt;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tracing::error;

use crate::api::common::Object;
use crate::fairness::turns::Priority;
use crate::reconcile::cache::{Cache, Glance};
use crate::reconcile::conclusion::Action;
use crate::reconcile::context::Context;
use crate::reconcile::state::conditions;
use crate::reconcile::state::subject::Subject;

use super::graves::{Deceased, Graves};
use super::queue::{Queue, Task};

/// What is to be done with an object.
#[derive(Debug)]
pub enum Work<T> {
    /// A pass over it as it is now.
    Pass(Arc<T>),
    /// It vanished with its finalizer on it: what it had is deleted.
    Burial {
        /// As it was last seen.
        object: Arc<T>,
        /// Counted from 1 to [`orphan::ATTEMPTS`](crate::reconcile::orphan::ATTEMPTS).
        attempt: u32,
    },
}

/// What triggers passes over the objects of a kind.
pub struct Asking<N, T> {
    /// Objects that were changed, or are new.
    pub changed: N,
    /// Objects that are gone and may have left something in AWS.
    pub vanished: mpsc::UnboundedReceiver<Arc<T>>,
    /// Objects that the hub wakes.
    pub woken: mpsc::UnboundedReceiver<Subject>,
}

/// Runs passes and burials until `shutdown`; those under way then are finished, and no other pass begins. A burial that
/// waits has a last try, because no later start knows of it.
///
/// `work` handles an object. Work that panics doesn't affect the rest.
pub async fn run<T, F>(
    cx: Arc<Context>,
    cache: Cache<T>,
    places: u16,
    asking: Asking<impl Stream<Item = Subject>, T>,
    shutdown: impl Future<Output = ()>,
    work: impl Fn(Work<T>, Arc<Context>) -> F,
) where
    T: Object,
    F: Future<Output = Action> + Send + 'static,
{
    let Asking { changed, mut vanished, mut woken } = asking;
    let mut runner = Runner { cx, cache, queue: Queue::new(places), graves: Graves::default() };
    let mut underway = JoinSet::new();
    let mut may_begin = false;
    let cx = Arc::clone(&runner.cx);
    // Boxed, because a pass is large and the map of tasks shouldn't be.
    let begin = |errand, todo| guarded(errand, Box::pin(work(todo, Arc::clone(&cx))));
    let filled = cx.stores.all_filled();
    tokio::pin!(changed, shutdown, filled);
    loop {
        while may_begin && let Some((errand, todo)) = runner.next() {
            underway.spawn(begin(errand, todo));
        }
        let time = runner.queue.next_time().filter(|_| may_begin);
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            () = &mut filled, if !may_begin => {
                may_begin = true;
                cx.hub.open();
            }
            Some(ended) = underway.join_next() => runner.ended(ended),
            () = sleep_until(time.unwrap_or_else(Instant::now)), if time.is_some() => runner.due(),
            Some(object) = vanished.recv() => runner.vanished(object),
            Some(subject) = woken.recv() => runner.news(&subject),
            subject = changed.next() => match subject {
                Some(subject) => runner.news(&subject),
                None => break,
            },
        }
    }
    while let Ok(object) = vanished.try_recv() {
        runner.vanished(object);
    }
    // Before the caches are filled, nobody knows what namesakes have taken up.
    let graves = if may_begin { runner.graves } else { Graves::default() };
    finish(graves, underway, usize::from(places.max(1)), begin).await;
}

/// Waits for what is under way, and gives each burial that waits its last try.
async fn finish<T, F>(
    mut graves: Graves<T>,
    mut underway: JoinSet<(Errand, Option<Action>)>,
    places: usize,
    begin: impl Fn(Errand, Work<T>) -> F,
) where
    F: Future<Output = (Errand, Option<Action>)> + Send + 'static,
{
    loop {
        while underway.len() < places
            && let Some((deceased, object, attempt)) = graves.start_last()
        {
            underway.spawn(begin(Errand::Burial(Box::new(deceased)), Work::Burial { object, attempt }));
        }
        match underway.join_next().await {
            Some(Ok((Errand::Burial(deceased), action))) => {
                graves.ended(&deceased, action.is_none_or(|action| action.after().is_some()));
            }
            Some(_) => {}
            None => break,
        }
    }
}

/// What takes a place: a pass over the object of that name, or the burial of one that had it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Errand {
    Pass(Subject),
    /// Boxed: nearly all are passes, and the queue has one for each object.
    Burial(Box<Deceased>),
}

impl Errand {
    fn subject(&self) -> &Subject {
        match self {
            Self::Pass(subject) => subject,
            Self::Burial(deceased) => &deceased.0,
        }
    }
}

impl Task for Errand {
    fn namespace(&self) -> &str {
        &self.subject().namespace
    }
}

/// How an errand ended; without an action if it panicked.
async fn guarded(errand: Errand, work: impl Future<Output = Action>) -> (Errand, Option<Action>) {
    let action = AssertUnwindSafe(work).catch_unwind().await.ok();
    (errand, action)
}

struct Runner<T: Object> {
    cx: Arc<Context>,
    cache: Cache<T>,
    queue: Queue<Errand>,
    graves: Graves<T>,
}

impl<T: Object> Runner<T> {
    /// What may be done next.
    fn next(&mut self) -> Option<(Errand, Work<T>)> {
        loop {
            let errand = self.queue.start_next()?;
            if let Some(todo) = self.work(&errand) {
                return Some((errand, todo));
            }
            // It is gone by now.
            self.queue.ended(&errand, None, Priority::Periodic, Instant::now());
        }
    }

    fn work(&mut self, errand: &Errand) -> Option<Work<T>> {
        match errand {
            Errand::Pass(subject) => self.cache.get(subject).map(Work::Pass),
            Errand::Burial(deceased) => {
                let (object, attempt) = self.graves.start(deceased)?;
                Some(Work::Burial { object, attempt })
            }
        }
    }

    fn vanished(&mut self, object: Arc<T>) {
        let deceased = (Subject::of(&*object), object.uid().unwrap_or_default());
        self.graves.dig(deceased.clone(), object);
        self.queue.line_up(&Errand::Burial(Box::new(deceased)), Priority::Edit);
    }

    fn news(&mut self, subject: &Subject) {
        if self.cx.shard.has(subject)
            && let Some(priority) = self.priority(subject)
        {
            self.queue.news(&Errand::Pass(subject.clone()), priority, Instant::now());
        }
    }

    fn due(&mut self) {
        for errand in self.queue.due(Instant::now()) {
            if let Some(priority) = self.priority_of(&errand) {
                self.queue.line_up(&errand, priority);
            }
        }
    }

    fn ended(&mut self, ended: Result<(Errand, Option<Action>), tokio::task::JoinError>) {
        // Nobody aborts an errand while this runs, and panics are caught.
        let Ok((errand, action)) = ended else { return };
        let now = Instant::now();
        let action = action.unwrap_or_else(|| {
            error!(object = %errand.subject(), "the pass panicked, which is a bug; the object is tried again later");
            Action::requeue(self.cx.timing.longest_retry)
        });
        if let Errand::Burial(deceased) = &errand {
            self.graves.ended(deceased, action.after().is_some());
        }
        let priority = self.priority_of(&errand).unwrap_or_default();
        self.queue.ended(&errand, action.after().map(|after| now + after), priority, now);
    }

    /// How urgent it is, if it is still to be done.
    fn priority_of(&self, errand: &Errand) -> Option<Priority> {
        match errand {
            Errand::Pass(subject) => self.priority(subject),
            Errand::Burial(deceased) => self.graves.has(deceased).then_some(Priority::Edit),
        }
    }

    /// Who is waiting for the object as it is now, if there is one.
    fn priority(&self, subject: &Subject) -> Option<Priority> {
        let Glance { is_asked_for, is_settled, .. } = self.cache.glance(subject)?;
        Some(conditions::urgency(is_asked_for, is_settled && !self.cx.hub.is_woken(subject)))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use crate::reconcile::orphan::ATTEMPTS;

    use super::*;

    fn deceased(name: &str) -> Deceased {
        (Subject::new("Asset", "a", name), format!("uid-{name}"))
    }

    #[tokio::test(start_paused = true)]
    async fn at_the_end_passes_are_awaited_and_each_burial_has_one_more_try_in_its_place() {
        const PLACES: usize = 2;
        let names = ["failed before", "under way", "waits", "waits too"];
        let (busy, most) = (Arc::new(AtomicUsize::new(1)), Arc::new(AtomicUsize::new(0)));
        let tried: Arc<Mutex<Vec<(String, u32)>>> = Arc::default();
        let mut graves = Graves::default();
        for name in names {
            graves.dig(deceased(name), Arc::new(name));
        }
        graves.start(&deceased("failed before"));
        graves.ended(&deceased("failed before"), true);
        graves.start(&deceased("under way"));

        let mut underway = JoinSet::new();
        let passed = Arc::clone(&busy);
        underway.spawn(async move {
            tokio::time::sleep(Duration::from_secs(5)).await;
            passed.fetch_sub(1, Ordering::Relaxed);
            (Errand::Pass(Subject::new("Asset", "a", "alive")), Some(Action::requeue(Duration::ZERO)))
        });
        underway.spawn(async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            // It has to be tried again.
            (Errand::Burial(Box::new(deceased("under way"))), Some(Action::requeue(Duration::from_mins(5))))
        });
        let begin = |errand: Errand, todo: Work<&'static str>| {
            let (busy, most, tried) = (Arc::clone(&busy), Arc::clone(&most), Arc::clone(&tried));
            async move {
                let now = busy.fetch_add(1, Ordering::Relaxed) + 1;
                most.fetch_max(now, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_secs(1)).await;
                busy.fetch_sub(1, Ordering::Relaxed);
                if let Work::Burial { object, attempt } = todo {
                    tried.lock().unwrap().push(((*object).to_owned(), attempt));
                }
                // It panicked; there is no try after the last.
                (errand, None)
            }
        };
        finish(graves, underway, PLACES, begin).await;
        let mut tried = tried.lock().unwrap().clone();
        tried.sort();
        assert_eq!(tried, names.map(|name| (name.to_owned(), ATTEMPTS)));
        assert_eq!(busy.load(Ordering::Relaxed), 0, "all have ended");
        assert_eq!(most.load(Ordering::Relaxed), PLACES);
    }
}
