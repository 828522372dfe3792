//! Whose turn it is: two priorities, and within each the namespaces one after the other.
//!
//! What someone is waiting for goes first, but periodic checks get a share of the turns that both want: neither can be
//! starved. Within a priority, the namespace with the least in progress goes first, and among those the one whose last
//! turn was longest ago; within a namespace, it is first come, first served. Nothing is kept for a namespace for which
//! nobody is waiting.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// Who is waiting: a person, or a timer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Priority {
    /// Someone changed something and is waiting for the result.
    #[default]
    Edit,
    /// A check that the operator makes now and then.
    Periodic,
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
    edits: Line<T>,
    periodic: Line<T>,
    /// Of the turns that both priorities want, one in this many is a periodic one.
    share: u32,
    /// Turns that edits had in a row while periodic checks waited.
    in_a_row: u32,
    next: u64,
}

impl<T> Turns<T> {
    /// An empty queue. Of the turns that both priorities want, one in `share` is a periodic one.
    pub fn new(share: u32) -> Self {
        Self { edits: Line::default(), periodic: Line::default(), share, in_a_row: 0, next: 0 }
    }

    /// Someone starts waiting. `load` says how much the namespace has in progress.
    pub fn wait(&mut self, priority: Priority, namespace: &Arc<str>, load: usize, waiting: T) -> Ticket {
        let number = self.number();
        self.line_mut(priority).push(namespace, load, number, number, waiting);
        Ticket { priority, namespace: Arc::clone(namespace), number }
    }

    /// Someone stops waiting. `None` if they had their turn.
    pub fn leave(&mut self, ticket: &Ticket) -> Option<T> {
        self.line_mut(ticket.priority).remove(&ticket.namespace, ticket.number)
    }

    /// Whoever waits for a periodic check now waits as for an edit, since the same time. Others stay where they are.
    pub fn hurry(&mut self, ticket: &mut Ticket, load: usize) {
        if ticket.priority == Priority::Periodic
            && let Some(waiting) = self.periodic.remove(&ticket.namespace, ticket.number)
        {
            let since = self.number();
            self.edits.push(&ticket.namespace, load, since, ticket.number, waiting);
            ticket.priority = Priority::Edit;
        }
    }

    /// The priorities in the order in which they may go now.
    pub fn preferred(&self) -> [Priority; 2] {
        if !self.periodic.is_empty() && self.in_a_row + 1 >= self.share {
            [Priority::Periodic, Priority::Edit]
        } else {
            [Priority::Edit, Priority::Periodic]
        }
    }

    /// The namespaces waiting in this priority, each with its load, in the order of their turns.
    pub fn namespaces(&self, priority: Priority) -> impl Iterator<Item = (&Arc<str>, usize)> {
        self.line(priority).order.iter().map(|(load, _, namespace)| (namespace, *load))
    }

    /// Gives the next of a namespace its turn.
    pub fn take(&mut self, priority: Priority, namespace: &str) -> Option<T> {
        let since = self.number();
        let taken = self.line_mut(priority).pop(namespace, since)?;
        self.in_a_row = match priority {
            Priority::Edit if !self.periodic.is_empty() => self.in_a_row.saturating_add(1),
            _ => 0,
        };
        Some(taken)
    }

    /// The namespace has this much in progress now.
    pub fn load(&mut self, namespace: &str, load: usize) {
        self.edits.load(namespace, load);
        self.periodic.load(namespace, load);
    }

    /// Whether someone in the namespace is waiting.
    pub fn is_waiting(&self, namespace: &str) -> bool {
        self.edits.queues.contains_key(namespace) || self.periodic.queues.contains_key(namespace)
    }

    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.edits.is_empty() && self.periodic.is_empty()
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn line(&self, priority: Priority) -> &Line<T> {
        match priority {
            Priority::Edit => &self.edits,
            Priority::Periodic => &self.periodic,
        }
    }

    fn line_mut(&mut self, priority: Priority) -> &mut Line<T> {
        match priority {
            Priority::Edit => &mut self.edits,
            Priority::Periodic => &mut self.periodic,
        }
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
    use super::*;

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
        assert!(turns.is_empty() && turns.edits.order.is_empty() && turns.periodic.order.is_empty());
        order
    }

    #[test]
    fn namespaces_take_turns_however_many_wait_in_one() {
        let mut turns = Turns::new(5);
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
        let mut turns = Turns::new(3);
        for _ in 0..6 {
            turns.wait(Priority::Edit, &name("a"), 0, "edit");
        }
        turns.wait(Priority::Periodic, &name("a"), 0, "a");
        turns.wait(Priority::Periodic, &name("b"), 0, "b");
        turns.wait(Priority::Periodic, &name("b"), 0, "b");
        assert_eq!(all(&mut turns), ["edit", "edit", "a", "edit", "edit", "b", "edit", "edit", "b"]);
    }

    #[test]
    fn who_has_less_under_way_goes_first() {
        let mut turns = Turns::new(5);
        turns.wait(Priority::Edit, &name("busy"), 2, "busy");
        turns.wait(Priority::Edit, &name("idle"), 0, "idle");
        turns.wait(Priority::Edit, &name("some"), 1, "some");
        turns.load("some", 3);
        assert_eq!(all(&mut turns), ["idle", "busy", "some"]);
    }

    #[test]
    fn a_hurried_one_goes_with_the_edits_and_who_leaves_is_gone() {
        let mut turns = Turns::new(5);
        let mut hurried = turns.wait(Priority::Periodic, &name("a"), 0, "hurried");
        let gone = turns.wait(Priority::Periodic, &name("a"), 0, "gone");
        turns.wait(Priority::Edit, &name("b"), 0, "edit 1");
        turns.wait(Priority::Edit, &name("b"), 0, "edit 2");
        turns.hurry(&mut hurried, 0);
        assert_eq!(turns.leave(&gone), Some("gone"));
        assert_eq!(turns.leave(&gone), None);
        assert_eq!(all(&mut turns), ["edit 1", "hurried", "edit 2"]);
        assert_eq!(turns.leave(&hurried), None);
    }
}
