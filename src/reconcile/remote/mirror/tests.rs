use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Item {
    id: String,
    content: u8,
    updated_at: Option<i64>,
}

impl Listed for Item {
    fn id(&self) -> &str {
        &self.id
    }

    fn updated_at(&self) -> Option<i64> {
        self.updated_at
    }

    fn keys(&self) -> &[u64] {
        const KEYS: [u64; 256] = {
            let mut keys = [0; 256];
            let mut key = 0;
            while key < 256 {
                keys[key] = key as u64;
                key += 1;
            }
            keys
        };
        std::slice::from_ref(&KEYS[usize::from(self.content)])
    }
}

fn item(content: u8, updated_at: Option<i64>) -> Item {
    Item { id: "a".to_owned(), content, updated_at }
}

fn list(mirror: &mut Mirror<Item>, began: Moment, items: impl IntoIterator<Item = Item>) -> Vec<News> {
    mirror.begin(began);
    mirror.page(items);
    mirror.end()
}

#[test]
fn a_list_that_began_before_a_write_changes_nothing_of_what_was_written() {
    let mut mirror = Mirror::default();
    list(&mut mirror, 1, [item(1, None)]);
    mirror.begin(2);
    mirror.wrote(item(2, None), 3);
    mirror.page([item(1, None)]);
    assert!(mirror.end().is_empty());
    assert_eq!(mirror.by_id("a", 0), Look::Known { item: item(2, None), as_of: 3 });
}

#[test]
fn a_list_that_lags_behind_a_write_is_not_believed() {
    for (dated, look) in [(true, Look::Known { item: item(2, Some(3)), as_of: 3 }), (false, Look::Ask)] {
        let at = |moment| dated.then_some(moment);
        let mut mirror = Mirror::default();
        mirror.wrote(item(2, at(3)), 3);
        list(&mut mirror, 4, [item(1, at(1))]);
        assert_eq!(mirror.by_id("a", 0), look);
        mirror.confirmed("a", Some(item(2, at(3))), 5);
        assert_eq!(mirror.by_id("a", 5), Look::Known { item: item(2, at(3)), as_of: 5 });
    }
}

#[test]
fn what_was_deleted_is_not_revived_by_a_list_that_lags() {
    let mut mirror = Mirror::default();
    list(&mut mirror, 1, [item(1, None)]);
    mirror.deleted("a", 2);
    list(&mut mirror, 3, [item(1, None)]);
    assert_eq!(mirror.by_id("a", 0), Look::Ask);
    assert_eq!(mirror.all(3).unwrap().collect::<Vec<_>>(), [(&item(1, None), true)], "it is in doubt");
    mirror.confirmed("a", None, 3);
    assert_eq!(mirror.all(3).unwrap().count(), 0);
    // Somebody made it again.
    mirror.confirmed("a", Some(item(1, None)), 4);
    assert!(matches!(mirror.by_id("a", 4), Look::Known { .. }));
}

#[test]
fn what_a_list_lacks_is_only_in_doubt() {
    let mut mirror = Mirror::default();
    list(&mut mirror, 1, [item(1, None)]);
    assert_eq!(list(&mut mirror, 2, []), [News::Missing("a".to_owned())]);
    assert_eq!(mirror.by_id("a", 0), Look::Ask);
    assert_eq!(mirror.all(2).unwrap().collect::<Vec<_>>(), [(&item(1, None), true)]);
    assert!(list(&mut mirror, 3, []).is_empty(), "that was said before");
    list(&mut mirror, 4, [item(1, None)]);
    assert!(matches!(mirror.by_id("a", 4), Look::Known { .. }), "it had moved between pages");
    list(&mut mirror, 5, []);
    mirror.prune(4);
    assert_eq!(mirror.all(5).unwrap().count(), 1, "it was seen a moment ago");
    mirror.prune(5);
    assert_eq!(mirror.all(5).unwrap().count(), 0);
}

#[test]
fn a_list_that_breaks_off_ends_no_search_and_removes_nothing() {
    let mut mirror = Mirror::default();
    list(&mut mirror, 1, [item(1, Some(1))]);
    mirror.begin(2);
    mirror.page([Item { id: "b".to_owned(), content: 1, updated_at: None }]);
    assert_eq!(mirror.fail(), [News::Appeared("b".to_owned())]);
    assert!(matches!(mirror.by_id("a", 1), Look::Known { .. }));
    assert!(mirror.all(2).is_none() && mirror.all(1).is_some());
}

/// What happens to one collection, of which every resource is `a`.
#[derive(Clone, Debug)]
enum Step {
    /// Somebody else changes or deletes it.
    Other(Option<u8>),
    /// The operator changes it, and is answered or not.
    Write(u8, bool),
    Delete,
    /// A list shows what was so many steps before it began, or leaves the resource out.
    List {
        lag: usize,
        leaves_out: bool,
        fails: bool,
    },
    /// A list begins, and its page comes in later.
    Begin,
    Page {
        lag: usize,
    },
    End,
    /// A read is sent, and AWS answers it; the answer comes in later.
    Read,
    Answer,
}

fn step() -> impl Strategy<Value = Step> {
    let content = 0..4_u8;
    prop_oneof![
        2 => proptest::option::weighted(0.8, content.clone()).prop_map(Step::Other),
        3 => (content, any::<bool>()).prop_map(|(content, answered)| Step::Write(content, answered)),
        1 => Just(Step::Delete),
        4 => (0..6_usize, proptest::bool::weighted(0.2), proptest::bool::weighted(0.2))
            .prop_map(|(lag, leaves_out, fails)| Step::List { lag, leaves_out, fails }),
        1 => Just(Step::Begin),
        2 => (0..6_usize).prop_map(|lag| Step::Page { lag }),
        1 => Just(Step::End),
        2 => Just(Step::Read),
        2 => Just(Step::Answer),
    ]
}

/// AWS, the operator, and what is true.
struct World {
    mirror: Mirror<Item>,
    dated: bool,
    now: Moment,
    /// The state of the resource at each moment.
    history: Vec<Option<Item>>,
    /// The newest moment of which the operator knows by a write, or by the answer to a read.
    told: Moment,
    /// What a read whose answer hasn't come in has found, and when it was sent.
    sent: Option<(Moment, Option<Item>)>,
    /// When the list under way began.
    began: Option<Moment>,
}

impl World {
    fn new(dated: bool) -> Self {
        Self {
            mirror: Mirror::default(),
            dated,
            now: 0,
            history: vec![None],
            told: 0,
            sent: None,
            began: None,
        }
    }

    fn truth(&self) -> Option<Item> {
        self.history.last().cloned().flatten()
    }

    fn tick(&mut self, state: Option<Item>) -> Moment {
        self.now += 1;
        self.history.push(state);
        self.now
    }

    fn made(&self, content: u8) -> Item {
        item(content, self.dated.then(|| i64::try_from(self.now + 1).unwrap()))
    }

    fn shown(&self, at: Moment, lag: usize) -> Option<Item> {
        let at = usize::try_from(at).unwrap().saturating_sub(lag);
        self.history[at].clone()
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Other(content) => {
                let state = content.map(|content| self.made(content));
                self.tick(state);
            }
            Step::Write(content, answered) => {
                let state = self.made(content);
                let now = self.tick(Some(state.clone()));
                if answered {
                    self.mirror.wrote(state, now);
                } else {
                    self.mirror.uncertain("a", now);
                }
                self.told = now;
            }
            Step::Delete => {
                let now = self.tick(None);
                self.mirror.deleted("a", now);
                self.told = now;
            }
            Step::List { lag, leaves_out, fails } => {
                let state = self.truth();
                let began = self.tick(state);
                self.began = None;
                self.mirror.begin(began);
                self.mirror.page(self.shown(began, lag).filter(|_| !leaves_out));
                if fails {
                    self.mirror.fail()
                } else {
                    self.mirror.end()
                };
            }
            Step::Begin => {
                let state = self.truth();
                let began = self.tick(state);
                self.began = Some(began);
                self.mirror.begin(began);
            }
            Step::Page { lag } => {
                if self.began.is_some() {
                    self.mirror.page(self.shown(self.now, lag));
                }
            }
            Step::End => {
                self.began = None;
                self.mirror.end();
            }
            Step::Read => {
                let state = self.truth();
                self.sent = Some((self.tick(state.clone()), state));
            }
            Step::Answer => {
                if let Some((sent, state)) = self.sent.take() {
                    self.mirror.confirmed("a", state, sent);
                    self.told = self.told.max(sent);
                }
            }
        }
    }

    /// What the mirror is sure of was true at or after the moment that the operator was last told of.
    fn check(&self) -> Result<(), TestCaseError> {
        let Look::Known { item, as_of } = self.mirror.by_id("a", 0) else { return Ok(()) };
        let since = usize::try_from(self.told).unwrap();
        prop_assert!(as_of >= self.told, "it is older than the last answer");
        prop_assert!(
            self.history[since..].contains(&Some(item.clone())),
            "{item:?} was not so since {since}: {:?}",
            self.history
        );
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn what_is_known_is_never_older_than_the_last_answer(
        dated in any::<bool>(),
        steps in proptest::collection::vec(step(), 1..40),
    ) {
        let mut world = World::new(dated);
        for step in &steps {
            world.take(step);
            world.check()?;
        }
    }
}
