//! Whose turn it is: three priorities, and within each the namespaces one after the other.
//!
//! What a person just changed goes first, then what isn't settled yet, then periodic checks. But each of the lower two gets
//! a share of the turns while it waits: none can be starved. Within a priority, the namespace with the least in progress goes first, and among those the one whose last
//! turn was longest ago; within a namespace, it is first come, first served. Nothing is kept for a namespace for which
//! nobody is waiting.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::{Index, IndexMut};
use std::sync::Arc;

/// Who is waiting: a person, another object, or a timer. In the order of their turns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// A person changed something, or asked for something, and is waiting for the result.
    #[default]
    Edit,
    /// An object that isn't settled, but that nobody has just changed: a retry, or what waited for another object.
    Pending,
    /// A check that the operator makes now and then.
    Periodic,
}

impl Priority {
    /// All of them, in the order of their turns.
    pub const ALL: [Self; 3] = [Self::Edit, Self::Pending, Self::Periodic];

    /// Its value as a label in metrics.
    pub fn label(self) -> &'static str {
        match self {
            Self::Edit => "edit",
            Self::Pending => "pending",
            Self::Periodic => "periodic",
        }
    }
}

/// What of each priority there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ByPriority<T>([T; Priority::ALL.len()]);

impl<T> Index<Priority> for ByPriority<T> {
    type Output = T;

    fn index(&self, priority: Priority) -> &T {
        let [edit, pending, periodic] = &self.0;
        match priority {
            Priority::Edit => edit,
            Priority::Pending => pending,
            Priority::Periodic => periodic,
        }
    }
}

impl<T> IndexMut<Priority> for ByPriority<T> {
    fn index_mut(&mut self, priority: Priority) -> &mut T {
        let [edit, pending, periodic] = &mut self.0;
        match priority {
            Priority::Edit => edit,
            Priority::Pending => pending,
            Priority::Periodic => periodic,
        }
    }
}

/// What the lower priorities get of the turns that others want as well: one in so many. Together
/// they must leave some for edits.
#[derive(Clone, Copy, Debug)]
pub struct Shares {
    /// What isn't settled.
    pub pending: u32,
    /// Periodic checks.
    pub periodic: u32,
}

/// A place in the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    priority: Priority,
    namespace: Arc<str>,
    number: u64,
}

/// Those who wait for a turn.
#[derive(Debug)]
pub struct Turns<T> {
    lines: ByPriority<Line<T>>,
    shares: Shares,
    /// Turns that others had in a row while the priority waited.
    passed_over: ByPriority<u32>,
    next: u64,
}

impl<T> Turns<T> {
    /// An empty queue, in which the lower priorities have these shares.
    pub fn new(shares: Shares) -> Self {
        Self {
            lines: ByPriority([Line::default(), Line::default(), Line::default()]),
            shares,
            passed_over: ByPriority::default(),
            next: 0,
        }
    }

    /// Someone starts waiting. `load` says how much the namespace has in progress.
    pub fn wait(&mut self, priority: Priority, namespace: &Arc<str>, load: usize, waiting: T) -> Ticket {
        let number = self.number();
        self.lines[priority].push(namespace, load, number, number, waiting);
        Ticket { priority, namespace: Arc::clone(namespace), number }
    }

    /// Someone stops waiting. `None` if they had their turn.
    pub fn leave(&mut self, ticket: &Ticket) -> Option<T> {
        self.lines[ticket.priority].remove(&ticket.namespace, ticket.number)
    }

    /// Whoever waits in a lower priority now waits in this one, since the same time. Others stay where they are.
    pub fn hurry(&mut self, ticket: &mut Ticket, priority: Priority, load: usize) {
        if priority < ticket.priority
            && let Some(waiting) = self.lines[ticket.priority].remove(&ticket.namespace, ticket.number)
        {
            let since = self.number();
            self.lines[priority].push(&ticket.namespace, load, since, ticket.number, waiting);
            ticket.priority = priority;
        }
    }

    /// The priorities in the order in which they may go now: those whose share is due, then the rest.
    pub fn preferred(&self) -> [Priority; Priority::ALL.len()] {
        let mut order = Priority::ALL;
        // Of two shares that are due, that of the lower priority goes first: it comes less often.
        order.sort_by_key(|priority| {
            let place = *priority as i8;
            if self.is_due(*priority) { -place } else { place }
        });
        order
    }

    fn is_due(&self, priority: Priority) -> bool {
        let share = match priority {
            Priority::Edit => return false,
            Priority::Pending => self.shares.pending,
            Priority::Periodic => self.shares.periodic,
        };
        !self.lines[priority].is_empty() && self.passed_over[priority] + 1 >= share
    }

    /// The namespaces waiting in this priority, each with its load, in the order of their turns.
    pub fn namespaces(&self, priority: Priority) -> impl Iterator<Item = (&Arc<str>, usize)> {
        self.lines[priority].order.iter().map(|(load, _, namespace)| (namespace, *load))
    }

    /// The next of a namespace.
    pub fn first(&self, priority: Priority, namespace: &str) -> Option<&T> {
        let queue = self.lines[priority].queues.get(namespace)?;
        queue.waiting.first_key_value().map(|(_, waiting)| waiting)
    }

    /// Gives the next of a namespace its turn.
    pub fn take(&mut self, priority: Priority, namespace: &str) -> Option<T> {
        let since = self.number();
        let taken = self.lines[priority].pop(namespace, since)?;
        for other in Priority::ALL {
            let passed_over = &mut self.passed_over[other];
            let is_waiting = other != priority && !self.lines[other].is_empty();
            *passed_over = if is_waiting { passed_over.saturating_add(1) } else { 0 };
        }
        Some(taken)
    }

    /// The namespace has this much in progress now.
    pub fn load(&mut self, namespace: &str, load: usize) {
        self.lines.0.iter_mut().for_each(|line| line.load(namespace, load));
    }

    /// Whether someone in the namespace is waiting.
    pub fn is_waiting(&self, namespace: &str) -> bool {
        self.lines.0.iter().any(|line| line.queues.contains_key(namespace))
    }

    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.lines.0.iter().all(Line::is_empty)
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

/// Those who wait in one priority.
#[derive(Debug)]
struct Line<T> {
    queues: HashMap<Arc<str>, Queue<T>>,
    /// Load, start of its wait, and name of each namespace in the queues.
    order: BTreeSet<(usize, u64, Arc<str>)>,
}

#[derive(Debug)]
struct Queue<T> {
    load: usize,
    since: u64,
    waiting: BTreeMap<u64, T>,
}

impl<T> Default for Line<T> {
    fn default() -> Self {
        Self { queues: HashMap::new(), order: BTreeSet::new() }
    }
}

impl<T> Line<T> {
    fn is_empty(&self) -> bool {
        self.queues.is_empty()
    }

    fn push(&mut self, namespace: &Arc<str>, load: usize, since: u64, number: u64, waiting: T) {
        let queue = self.queues.entry(Arc::clone(namespace)).or_insert_with(|| {
            self.order.insert((load, since, Arc::clone(namespace)));
            Queue { load, since, waiting: BTreeMap::new() }
        });
        queue.waiting.insert(number, waiting);
    }

    fn remove(&mut self, namespace: &Arc<str>, number: u64) -> Option<T> {
        let queue = self.queues.get_mut(namespace)?;
        let removed = queue.waiting.remove(&number);
        if queue.waiting.is_empty() {
            self.order.remove(&(queue.load, queue.since, Arc::clone(namespace)));
            self.queues.remove(namespace);
        }
        removed
    }

    fn pop(&mut self, namespace: &str, since: u64) -> Option<T> {
        let (name, queue) = self.queues.get_key_value(namespace)?;
        let (name, number) = (Arc::clone(name), *queue.waiting.first_key_value()?.0);
        let taken = self.remove(&name, number);
        if let Some(queue) = self.queues.get_mut(&name) {
            self.order.remove(&(queue.load, queue.since, Arc::clone(&name)));
            queue.since = since;
            self.order.insert((queue.load, since, name));
        }
        taken
    }

    fn load(&mut self, namespace: &str, load: usize) {
        let Some((name, _)) = self.queues.get_key_value(namespace) else { return };
        let name = Arc::clone(name);
        if let Some(queue) = self.queues.get_mut(&name)
            && queue.load != load
        {
            self.order.remove(&(queue.load, queue.since, Arc::clone(&name)));
            queue.load = load;
            self.order.insert((load, queue.since, name));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SHARES: Shares = Shares { pending: 2, periodic: 3 };

    fn name(namespace: &str) -> Arc<str> {
        namespace.into()
    }

    /// Gives everyone their turn, in order.
    fn all(turns: &mut Turns<&'static str>) -> Vec<&'static str> {
        let mut order = Vec::new();
        while let Some((priority, namespace)) = turns
            .preferred()
            .into_iter()
            .find_map(|priority| Some((priority, Arc::clone(turns.namespaces(priority).next()?.0))))
        {
            order.extend(turns.take(priority, &namespace));
        }
        assert!(turns.is_empty() && turns.lines.0.iter().all(|line| line.order.is_empty()));
        order
    }

    #[test]
    fn namespaces_take_turns_however_many_wait_in_one() {
        let mut turns = Turns::new(SHARES);
        for item in ["a1", "a2", "a3", "a4"] {
            turns.wait(Priority::Edit, &name("a"), 0, item);
        }
        turns.wait(Priority::Edit, &name("b"), 0, "b1");
        turns.wait(Priority::Edit, &name("b"), 0, "b2");
        turns.wait(Priority::Edit, &name("c"), 0, "c1");
        assert_eq!(all(&mut turns), ["a1", "b1", "c1", "a2", "b2", "a3", "a4"]);
    }

    #[test]
    fn periodic_checks_get_their_share_of_what_both_want() {
        let mut turns = Turns::new(SHARES);
        for _ in 0..6 {
            turns.wait(Priority::Edit, &name("a"), 0, "edit");
        }
        turns.wait(Priority::Periodic, &name("a"), 0, "a");
        turns.wait(Priority::Periodic, &name("b"), 0, "b");
        turns.wait(Priority::Periodic, &name("b"), 0, "b");
        assert_eq!(all(&mut turns), ["edit", "edit", "a", "edit", "edit", "b", "edit", "edit", "b"]);
    }

    #[test]
    fn what_is_pending_goes_before_checks_and_each_gets_its_share() {
        let mut turns = Turns::new(Shares { pending: 3, periodic: 5 });
        for _ in 0..8 {
            turns.wait(Priority::Periodic, &name("a"), 0, "check");
            turns.wait(Priority::Pending, &name("a"), 0, "retry");
            turns.wait(Priority::Edit, &name("a"), 0, "edit");
        }
        let order = all(&mut turns);
        let expected = ["edit", "edit", "retry", "edit", "check", "retry", "edit", "edit", "retry", "check"];
        assert_eq!(order[..10], expected);
        let last = |word| order.iter().rposition(|item| *item == word);
        assert!(last("edit") < last("retry") && last("retry") < last("check"), "{order:?}");
    }

    proptest! {
        /// Whoever comes and goes: nobody who waits is passed over for longer than the shares allow.
        #[test]
        fn no_priority_starves(
            pending in 2_u32..6,
            periodic in 3_u32..6,
            steps in prop::collection::vec((0..Priority::ALL.len(), 0..4_usize, any::<bool>()), 1..400),
        ) {
            let mut turns = Turns::new(Shares { pending, periodic });
            let mut passed_over = ByPriority::<u32>::default();
            for (priority, namespace, takes) in steps {
                if !takes {
                    turns.wait(Priority::ALL[priority], &name(&namespace.to_string()), 0, "");
                    continue;
                }
                let next = turns.preferred().into_iter().find_map(|priority| {
                    Some((priority, Arc::clone(turns.namespaces(priority).next()?.0)))
                });
                let Some((taken, namespace)) = next else { continue };
                let waiting = Priority::ALL.map(|other| turns.namespaces(other).next().is_some());
                turns.take(taken, &namespace);
                for (other, waited) in Priority::ALL.into_iter().zip(waiting) {
                    passed_over[other] = if waited && other != taken { passed_over[other] + 1 } else { 0 };
                }
                // Two shares that are due at once take their turns one after the other.
                prop_assert!(passed_over[Priority::Edit] <= 3, "{passed_over:?}");
                prop_assert!(passed_over[Priority::Pending] <= pending, "{passed_over:?}");
                prop_assert!(passed_over[Priority::Periodic] < periodic, "{passed_over:?}");
            }
        }
    }

    #[test]
    fn who_has_less_under_way_goes_first() {
        let mut turns = Turns::new(SHARES);
        turns.wait(Priority::Edit, &name("busy"), 2, "busy");
        turns.wait(Priority::Edit, &name("idle"), 0, "idle");
        turns.wait(Priority::Edit, &name("some"), 1, "some");
        turns.load("some", 3);
        assert_eq!(all(&mut turns), ["idle", "busy", "some"]);
    }

    #[test]
    fn a_hurried_one_goes_with_the_edits_and_who_leaves_is_gone() {
        let mut turns = Turns::new(SHARES);
        let mut hurried = turns.wait(Priority::Periodic, &name("a"), 0, "hurried");
        let gone = turns.wait(Priority::Periodic, &name("a"), 0, "gone");
        turns.wait(Priority::Edit, &name("b"), 0, "edit 1");
        turns.wait(Priority::Edit, &name("b"), 0, "edit 2");
        turns.hurry(&mut hurried, Priority::Pending, 0);
        turns.hurry(&mut hurried, Priority::Edit, 0);
        turns.hurry(&mut hurried, Priority::Pending, 0);
        assert_eq!(turns.leave(&gone), Some("gone"));
        assert_eq!(turns.leave(&gone), None);
        assert_eq!(all(&mut turns), ["edit 1", "hurried", "edit 2"]);
        assert_eq!(turns.leave(&hurried), None);
    }
}
