//! Which objects of a kind are reconciled, when, and in which order.
//!
//! A kind has a number of slots for passes. Waiting objects take turns by namespace ([`crate::fairness::turns`]); a
//! namespace with no pass in progress doesn't have to wait for others' passes to end: as many slots again are kept for
//! those, one each. An object that keeps causing news gets one pass per second. Pure: knows neither objects nor passes.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::sync::Arc;

use tokio::time::Instant;

use crate::fairness::bucket::{Buckets, Size};
use crate::fairness::turns::{Priority, Shares, Ticket, Turns};
use crate::reconcile::state::subject::Subject;

/// Of the slots that several priorities wait for, the lower ones get one in so many.
const SHARES: Shares = Shares { pending: 3, periodic: 4 };
/// How many times news about an object start a pass at once, and then per second: nobody edits that fast by hand.
const NEWS: Size = Size { burst: 20.0, rate: 1.0 };

/// Something that takes a place.
pub trait Task: Clone + Ord + Hash {
    /// The namespace that it takes the place for.
    fn namespace(&self) -> &str;
}

impl Task for Subject {
    fn namespace(&self) -> &str {
        &self.namespace
    }
}

/// The queue of one kind.
#[derive(Debug)]
pub struct Queue<T> {
    places: usize,
    /// Slots that only edits get.
    kept: usize,
    waiting: Turns<T>,
    /// Objects that are waiting, in progress, or scheduled.
    objects: HashMap<T, Stage>,
    /// The times of scheduled ones.
    times: BTreeSet<(Instant, T)>,
    /// Passes in progress, by namespace.
    loads: HashMap<Arc<str>, usize>,
    busy: usize,
    /// Of them, those that nobody has just changed something for.
    not_edits: usize,
    news: Buckets<T>,
}

/// Where an object is.
#[derive(Debug)]
enum Stage {
    /// It is scheduled.
    Later { at: Instant, paced: bool },
    /// It is waiting for a slot.
    Waiting(Ticket),
    /// A pass is in progress, and there may have been news since it began.
    Underway { priority: Priority, news: bool },
}

impl<T: Task> Queue<T> {
    /// An empty queue for this many concurrent passes. At most three in four are used for what isn't an edit, so
    /// that edits don't wait for slow retries and checks; a single slot serves all.
    pub fn new(places: u16) -> Self {
        let places = usize::from(places.max(1));
        Self {
            places,
            kept: places.div_ceil(4).min(places - 1),
            waiting: Turns::new(SHARES),
            objects: HashMap::new(),
            times: BTreeSet::new(),
            loads: HashMap::new(),
            busy: 0,
            not_edits: 0,
            news: Buckets::new(NEWS),
        }
    }

    /// There is news about an object: reconcile it, at once unless there is news about it all the time.
    pub fn news(&mut self, subject: &T, priority: Priority, now: Instant) {
        let load = self.load(subject.namespace());
        match self.objects.get_mut(subject) {
            Some(Stage::Underway { news, .. }) => *news = true,
            Some(Stage::Waiting(ticket)) => self.waiting.hurry(ticket, priority, load),
            Some(Stage::Later { paced: true, .. }) => {}
            Some(Stage::Later { .. }) | None => self.after_news(subject, priority, now),
        }
    }

    /// The objects whose time has come. They are in no state until they are put in line.
    pub fn due(&mut self, now: Instant) -> Vec<T> {
        let mut due = Vec::new();
        while self.times.first().is_some_and(|(at, _)| *at <= now) {
            let Some((_, subject)) = self.times.pop_first() else { break };
            self.objects.remove(&subject);
            due.push(subject);
        }
        due
    }

    /// When the next object's time comes.
    pub fn next_time(&self) -> Option<Instant> {
        self.times.first().map(|(at, _)| *at)
    }

    /// Puts an object in line that is neither there nor in progress.
    pub fn line_up(&mut self, subject: &T, priority: Priority) {
        if matches!(self.objects.get(subject), Some(Stage::Waiting(_) | Stage::Underway { .. })) {
            return;
        }
        self.unschedule(subject);
        let namespace: Arc<str> = match self.loads.get_key_value(subject.namespace()) {
            Some((known, _)) => Arc::clone(known),
            None => subject.namespace().into(),
        };
        let load = self.load(&namespace);
        let ticket = self.waiting.wait(priority, &namespace, load, subject.clone());
        self.objects.insert(subject.clone(), Stage::Waiting(ticket));
    }

    /// The next object to reconcile, which takes a slot.
    pub fn start_next(&mut self) -> Option<T> {
        for priority in self.waiting.preferred() {
            let first = self.waiting.namespaces(priority).next();
            let Some((namespace, load)) = first.map(|(name, load)| (Arc::clone(name), load)) else {
                continue;
            };
            if !self.has_room(priority, load) {
                continue;
            }
            let Some(subject) = self.waiting.take(priority, &namespace) else { continue };
            self.objects.insert(subject.clone(), Stage::Underway { priority, news: false });
            self.busy += 1;
            self.not_edits += usize::from(priority != Priority::Edit);
            self.set_load(&namespace, load + 1);
            return Some(subject);
        }
        None
    }

    /// A pass has ended: its slot is free. The object is reconciled again at that time, if any, or after news.
    pub fn ended(&mut self, subject: &T, again: Option<Instant>, priority: Priority, now: Instant) {
        let Some(Stage::Underway { priority: had, news }) = self.objects.remove(subject) else { return };
        self.busy -= 1;
        self.not_edits -= usize::from(had != Priority::Edit);
        let namespace: Arc<str> = subject.namespace().into();
        self.set_load(&namespace, self.load(&namespace).saturating_sub(1));
        if news {
            self.after_news(subject, priority, now);
        } else if let Some(at) = again {
            if at <= now {
                self.line_up(subject, priority);
            } else {
                self.schedule(subject, at, false);
            }
        }
    }

    /// Passes in progress.
    pub fn busy(&self) -> usize {
        self.busy
    }

    fn after_news(&mut self, subject: &T, priority: Priority, now: Instant) {
        let wait = self.news.owe(subject, now);
        if wait.is_zero() {
            self.line_up(subject, priority);
        } else {
            self.unschedule(subject);
            self.schedule(subject, now + wait, true);
        }
    }

    fn schedule(&mut self, subject: &T, at: Instant, paced: bool) {
        self.times.insert((at, subject.clone()));
        self.objects.insert(subject.clone(), Stage::Later { at, paced });
    }

    fn unschedule(&mut self, subject: &T) {
        if let Some(Stage::Later { at, .. }) = self.objects.get(subject) {
            self.times.remove(&(*at, subject.clone()));
            self.objects.remove(subject);
        }
    }

    /// Whether there is a slot for a namespace with this many passes in progress.
    fn has_room(&self, priority: Priority, load: usize) -> bool {
        let places = if load == 0 { self.places * 2 } else { self.places };
        self.busy < places && (priority == Priority::Edit || self.not_edits + self.kept < places)
    }

    fn load(&self, namespace: &str) -> usize {
        self.loads.get(namespace).copied().unwrap_or_default()
    }

    fn set_load(&mut self, namespace: &Arc<str>, load: usize) {
        if load == 0 {
            self.loads.remove(namespace);
        } else {
            self.loads.insert(Arc::clone(namespace), load);
        }
        self.waiting.load(namespace, load);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[allow(clippy::needless_pass_by_value, reason = "numbers and words are easier to write")]
    fn object(namespace: &str, name: impl ToString) -> Subject {
        Subject::new("Asset", namespace, name.to_string())
    }

    /// Starts everything that may be started; returns the namespaces in order.
    fn start(queue: &mut Queue<Subject>) -> Vec<Subject> {
        std::iter::from_fn(|| queue.start_next()).collect()
    }

    fn namespaces(subjects: &[Subject]) -> Vec<&str> {
        subjects.iter().map(|subject| subject.namespace.as_str()).collect()
    }

    fn end(queue: &mut Queue<Subject>, subject: &Subject) {
        queue.ended(subject, None, Priority::Edit, Instant::now());
    }

    #[test]
    fn a_namespace_alone_has_every_place() {
        for priority in Priority::ALL {
            for (places, others) in [(1, 1), (2, 1), (4, 3), (8, 6), (9, 6)] {
                let mut queue = Queue::new(places);
                for number in 0..30 {
                    queue.line_up(&object("a", number), priority);
                }
                let expected = if priority == Priority::Edit { usize::from(places) } else { others };
                let started = start(&mut queue);
                assert_eq!(started.len(), expected, "{priority:?}, {places}");
                end(&mut queue, &started[0]);
                assert_eq!(start(&mut queue).len(), 1, "a place is free again when its pass has ended");
            }
        }
    }

    #[test]
    fn periodic_checks_leave_places_for_the_edits_of_their_own_namespace() {
        let mut queue = Queue::new(4);
        for number in 0..30 {
            queue.line_up(&object("a", number), Priority::Periodic);
        }
        assert_eq!(start(&mut queue).len(), 3);
        queue.line_up(&object("a", "edited"), Priority::Edit);
        assert_eq!(start(&mut queue), [object("a", "edited")]);
    }

    #[test]
    fn who_has_nothing_under_way_starts_at_once_and_others_share() {
        let mut queue = Queue::new(4);
        for number in 0..1500 {
            queue.line_up(&object("flood", number), Priority::Edit);
        }
        let slow = start(&mut queue);
        assert_eq!(slow.len(), 4);
        queue.line_up(&object("victim", 1), Priority::Edit);
        queue.line_up(&object("victim", 2), Priority::Edit);
        let first = start(&mut queue);
        assert_eq!(first, [object("victim", 1)], "one beyond the places");
        end(&mut queue, &slow[0]);
        assert_eq!(start(&mut queue), [], "the place beyond is one of the places now");
        end(&mut queue, &first[0]);
        assert_eq!(start(&mut queue), [object("victim", 2)]);
        for other in 0..10 {
            queue.line_up(&object(&other.to_string(), 1), Priority::Edit);
        }
        assert_eq!(start(&mut queue).len() + 4, 8, "there are twice as many places in all");
        assert_eq!(queue.busy(), 8);
    }

    #[test]
    fn slow_passes_of_one_namespace_do_not_collect_all_places() {
        let mut queue = Queue::new(4);
        for number in 0..100 {
            queue.line_up(&object("slow", number), Priority::Edit);
            queue.line_up(&object("fast", number), Priority::Edit);
        }
        let mut slow = Vec::new();
        let mut fast = 0;
        for _ in 0..50 {
            for started in start(&mut queue) {
                if started.namespace == "slow" {
                    slow.push(started);
                } else {
                    fast += 1;
                    end(&mut queue, &started);
                }
            }
        }
        assert!(slow.len() <= 3 && fast >= 50, "{} slow, {fast} fast", slow.len());
    }

    #[test]
    fn endless_edits_leave_every_fourth_place_to_periodic_checks() {
        let mut queue = Queue::new(1);
        for number in 0..100 {
            queue.line_up(&object("a", number), Priority::Edit);
            queue.line_up(&object("a", number + 1000), Priority::Periodic);
        }
        let mut periodic = 0;
        for _ in 0..40 {
            let started = queue.start_next().unwrap();
            periodic += usize::from(started.name.len() == 4);
            end(&mut queue, &started);
        }
        assert_eq!(periodic, 10);
    }

    #[test]
    fn thousands_of_broken_objects_leave_a_place_for_an_edit_and_turns_for_checks() {
        let mut queue = Queue::new(4);
        for number in 0..5000 {
            queue.line_up(&object("broken", number), Priority::Pending);
        }
        let mut underway = start(&mut queue);
        assert_eq!(underway.len(), 3);
        queue.line_up(&object("broken", "edited"), Priority::Edit);
        assert_eq!(start(&mut queue), [object("broken", "edited")], "even in the same namespace");
        for number in 0..10 {
            queue.line_up(&object("broken", format!("check {number}")), Priority::Periodic);
        }
        let mut checks = 0;
        for _ in 0..20 {
            end(&mut queue, &underway.remove(0));
            let started = start(&mut queue);
            checks += started.iter().filter(|subject| subject.name.starts_with("check")).count();
            underway.extend(started);
        }
        assert_eq!(checks, 5, "one in four");
    }

    #[test]
    fn news_of_a_waiting_check_lets_it_go_first() {
        let mut queue = Queue::new(1);
        queue.line_up(&object("a", "under way"), Priority::Edit);
        let started = start(&mut queue);
        queue.line_up(&object("a", "check"), Priority::Periodic);
        queue.line_up(&object("a", "edited"), Priority::Periodic);
        queue.news(&object("a", "edited"), Priority::Edit, Instant::now());
        end(&mut queue, &started[0]);
        assert_eq!(start(&mut queue), [object("a", "edited")]);
    }

    #[tokio::test(start_paused = true)]
    async fn an_object_has_one_pass_at_a_time_and_another_after_news() {
        let (mut queue, now) = (Queue::new(8), Instant::now());
        let subject = object("a", 1);
        queue.news(&subject, Priority::Edit, now);
        queue.news(&subject, Priority::Edit, now);
        assert_eq!(start(&mut queue), std::slice::from_ref(&subject));
        queue.news(&subject, Priority::Edit, now);
        queue.line_up(&subject, Priority::Edit);
        assert_eq!(start(&mut queue), []);
        let later = now + Duration::from_mins(10);
        queue.ended(&subject, Some(later), Priority::Edit, now);
        assert_eq!(start(&mut queue), std::slice::from_ref(&subject), "there was news");
        queue.ended(&subject, Some(later), Priority::Edit, now);
        assert_eq!((start(&mut queue), queue.next_time()), (vec![], Some(later)));
        assert_eq!(queue.due(now), []);
        assert_eq!(queue.due(later), std::slice::from_ref(&subject));
        queue.line_up(&subject, Priority::Periodic);
        assert_eq!(start(&mut queue), std::slice::from_ref(&subject));
        queue.ended(&subject, Some(later), Priority::Edit, later);
        assert_eq!(start(&mut queue), [subject], "the next step follows at once");
    }

    #[tokio::test(start_paused = true)]
    async fn news_without_end_is_slowed_down_for_its_object_alone() {
        let (mut queue, begin) = (Queue::new(8), Instant::now());
        let (loops, other) = (object("a", "loops"), object("a", "other"));
        let mut passes = 0;
        for tick in 0..600_u32 {
            let now = begin + Duration::from_millis(100) * tick;
            queue.news(&loops, Priority::Edit, now);
            for due in queue.due(now) {
                queue.line_up(&due, Priority::Edit);
            }
            for started in start(&mut queue) {
                passes += 1;
                // Edited during the pass too, which asks for the next one at once.
                queue.news(&started, Priority::Edit, now);
                queue.ended(&started, Some(now), Priority::Edit, now);
            }
        }
        assert!((75..=82).contains(&passes), "{passes} passes in a minute");
        let now = begin + Duration::from_mins(1);
        queue.news(&other, Priority::Edit, now);
        assert!(start(&mut queue).contains(&other));
    }

    #[test]
    fn nothing_is_kept_of_what_has_ended() {
        let mut queue = Queue::new(8);
        for number in 0..100 {
            queue.line_up(&object(&number.to_string(), 1), Priority::Edit);
        }
        loop {
            let started = start(&mut queue);
            if started.is_empty() {
                break;
            }
            assert_eq!(namespaces(&started).len(), started.len());
            for subject in &started {
                end(&mut queue, subject);
            }
        }
        assert!(queue.objects.is_empty() && queue.loads.is_empty() && queue.times.is_empty());
        assert_eq!((queue.busy, queue.not_edits, queue.waiting.is_empty()), (0, 0, true));
    }
}
