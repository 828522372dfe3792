use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Item {
    id: Id,
    content: u8,
    updated_at: Option<i64>,
}

impl Listed for Item {
    fn id(&self) -> &Id {
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
    Item { id: "a".into(), content, updated_at }
}

const ME: Viewer = 1;
const OTHER: Viewer = 2;

fn list(mirror: &mut Mirror<Item>, began: Moment, items: impl IntoIterator<Item = Item>) -> Vec<News> {
    list_of(ME, mirror, began, items)
}

fn list_of(
    viewer: Viewer,
    mirror: &mut Mirror<Item>,
    began: Moment,
    items: impl IntoIterator<Item = Item>,
) -> Vec<News> {
    mirror.begin(viewer, began);
    mirror.page(viewer, items);
    mirror.end(viewer)
}

/// What everything is, that a search finds.
fn found(mirror: &Mirror<Item>, viewer: Viewer, since: Moment) -> Option<Vec<Certainty>> {
    Some(mirror.all(viewer, since)?.map(|(_, certainty)| certainty).collect())
}

#[test]
fn a_list_that_began_before_a_write_changes_nothing_of_what_was_written() {
    let mut mirror = Mirror::default();
    list(&mut mirror, 1, [item(1, None)]);
    mirror.begin(ME, 2);
    mirror.wrote(ME, item(2, None), 3);
    mirror.page(ME, [item(1, None)]);
    assert!(mirror.end(ME).is_empty());
    assert_eq!(mirror.by_id(ME, "a", 0), Look::Known { item: item(2, None), as_of: 3, seen: 3 });
}

#[test]
fn a_list_that_lags_behind_a_write_is_not_believed() {
    for (dated, look) in
        [(true, Look::Known { item: item(2, Some(3)), as_of: 3, seen: 3 }), (false, Look::Ask)]
    {
        let at = |moment| dated.then_some(moment);
        let mut mirror = Mirror::default();
        mirror.wrote(ME, item(2, at(3)), 3);
        list(&mut mirror, 4, [item(1, at(1))]);
        assert_eq!(mirror.by_id(ME, "a", 0), look);
        mirror.confirmed(ME, "a", Some(item(2, at(3))), 5);
        assert_eq!(mirror.by_id(ME, "a", 5), Look::Known { item: item(2, at(3)), as_of: 5, seen: 5 });
    }
}

#[test]
fn what_was_deleted_is_not_revived_by_a_list_that_lags() {
    let mut mirror = Mirror::default();
    list(&mut mirror, 1, [item(1, None)]);
    mirror.deleted("a", 2);
    list(&mut mirror, 3, [item(1, None)]);
    assert_eq!(mirror.by_id(ME, "a", 0), Look::Ask);
    assert_eq!(
        mirror.all(ME, 3).unwrap().collect::<Vec<_>>(),
        [(&item(1, None), Certainty::Doubt)],
        "it is in doubt"
    );
    mirror.confirmed(ME, "a", None, 3);
    assert_eq!(mirror.all(ME, 3).unwrap().count(), 0);
    // Somebody made it again.
    mirror.confirmed(ME, "a", Some(item(1, None)), 4);
    assert!(matches!(mirror.by_id(ME, "a", 4), Look::Known { .. }));
}

#[test]
fn what_a_list_lacks_is_only_in_doubt() {
    let mut mirror = Mirror::default();
    list(&mut mirror, 1, [item(1, None)]);
    assert_eq!(list(&mut mirror, 2, []), [News::Missing("a".to_owned())]);
    assert_eq!(mirror.by_id(ME, "a", 0), Look::Ask);
    assert_eq!(mirror.all(ME, 2).unwrap().collect::<Vec<_>>(), [(&item(1, None), Certainty::Doubt)]);
    assert!(list(&mut mirror, 3, []).is_empty(), "that was said before");
    list(&mut mirror, 4, [item(1, None)]);
    assert!(matches!(mirror.by_id(ME, "a", 4), Look::Known { .. }), "it had moved between pages");
    list(&mut mirror, 5, []);
    mirror.prune(4);
    assert_eq!(mirror.all(ME, 5).unwrap().count(), 1, "it was seen a moment ago");
    mirror.prune(5);
    assert_eq!(mirror.all(ME, 5).unwrap().count(), 0);
}

#[test]
fn a_list_that_breaks_off_ends_no_search_and_removes_nothing() {
    let mut mirror = Mirror::default();
    list(&mut mirror, 1, [item(1, Some(1))]);
    mirror.begin(ME, 2);
    mirror.page(ME, [Item { id: "b".into(), content: 1, updated_at: None }]);
    assert_eq!(mirror.fail(ME), [News::Appeared("b".to_owned())]);
    assert!(matches!(mirror.by_id(ME, "a", 1), Look::Known { .. }));
    assert!(mirror.all(ME, 2).is_none() && mirror.all(ME, 1).is_some());
}

#[test]
fn what_another_was_shown_is_known_once_it_was_read_with_own_eyes() {
    let mut mirror = Mirror::default();
    list_of(OTHER, &mut mirror, 1, [item(1, Some(1))]);
    assert_eq!(mirror.by_id(ME, "a", 0), Look::Ask);
    mirror.confirmed(ME, "a", Some(item(1, Some(1))), 2);
    let known = |seen, as_of| Look::Known { item: item(1, Some(1)), as_of, seen };
    assert_eq!(mirror.by_id(ME, "a", 0), known(2, 2));
    assert_eq!(mirror.read_since(OTHER, "a", 2), None, "a read of mine is none of theirs");
    // That it is still the same, anybody tells.
    assert!(list_of(OTHER, &mut mirror, 3, [item(1, Some(1))]).is_empty());
    assert_eq!(mirror.by_id(ME, "a", 3), known(2, 3));
    // What is new, I haven't seen yet.
    let changed = [News::Changed("a".to_owned())];
    assert_eq!(list_of(OTHER, &mut mirror, 4, [item(2, Some(4))]), changed);
    assert_eq!(mirror.by_id(ME, "a", 0), Look::Ask);
    assert!(matches!(mirror.by_id(OTHER, "a", 4), Look::Known { .. }));
    mirror.wrote(OTHER, item(3, Some(5)), 5);
    mirror.confirmed(ME, "a", Some(item(2, Some(4))), 4);
    assert_eq!(mirror.by_id(ME, "a", 0), Look::Ask, "I was shown what was there before the write");
    // With other credentials nothing of it counts.
    mirror.confirmed(ME, "a", Some(item(3, Some(5))), 6);
    mirror.forget(ME);
    assert_eq!(mirror.by_id(ME, "a", 0), Look::Ask);
    assert!(matches!(mirror.by_id(OTHER, "a", 5), Look::Known { .. }), "nobody else is disturbed");
    mirror.forget(OTHER);
    assert!(mirror.is_empty());
    list_of(OTHER, &mut mirror, 7, [item(1, Some(1))]);
    assert_eq!(mirror.by_id(OTHER, "a", 0), Look::Ask, "a list may lag behind what was written");
}

#[test]
fn only_ones_own_list_says_that_there_is_none() {
    let mut mirror = Mirror::default();
    list_of(OTHER, &mut mirror, 1, []);
    assert_eq!(found(&mirror, ME, 1), None);
    list(&mut mirror, 2, [item(1, None)]);
    assert_eq!(found(&mirror, ME, 2), Some(vec![Certainty::Sure]));
    // Another sees less.
    assert!(list_of(OTHER, &mut mirror, 3, []).is_empty());
    assert!(matches!(mirror.by_id(ME, "a", 2), Look::Known { .. }));
    mirror.confirmed(OTHER, "a", None, 4);
    assert_eq!(mirror.by_id(ME, "a", 0), Look::Ask, "it may be gone");
    assert_eq!(found(&mirror, ME, 2), Some(vec![Certainty::Doubt]), "or not");
    mirror.confirmed(ME, "a", Some(item(1, None)), 5);
    mirror.prune(100);
    assert_eq!(found(&mirror, ME, 2), Some(vec![Certainty::Sure]), "my last list has it");
    // Another sees more.
    let more = Item { id: "b".into(), content: 1, updated_at: None };
    list_of(OTHER, &mut mirror, 6, [more]);
    let mut all = found(&mirror, ME, 2).unwrap();
    all.sort_by_key(|certainty| *certainty as u8);
    assert_eq!(all, [Certainty::Sure, Certainty::Hearsay]);
}

/// What happens to one collection, of which every resource is `a`. There are two who look.
#[derive(Clone, Debug)]
enum Step {
    /// Somebody else changes or deletes it.
    Other(Option<u8>),
    /// The operator changes it, and is answered or not.
    Write(Viewer, u8, bool),
    Delete,
    /// A list shows what was so many steps before it began, or leaves the resource out.
    List {
        viewer: Viewer,
        lag: usize,
        leaves_out: bool,
        fails: bool,
    },
    /// A list begins, and its page comes in later.
    Begin(Viewer),
    Page {
        viewer: Viewer,
        lag: usize,
    },
    End(Viewer),
    /// A read is sent, and AWS answers it; the answer comes in later.
    Read(Viewer),
    Answer(Viewer),
    /// From now on, AWS shows it to this one, or acts as if there were none.
    Permit(Viewer, bool),
    /// Other credentials.
    Forget(Viewer),
    Prune,
}

/// A list lags behind by no more steps.
const LONGEST_LAG: usize = 6;

fn step() -> impl Strategy<Value = Step> {
    let content = 0..4_u8;
    let viewer = || prop_oneof![Just(ME), Just(OTHER)];
    let lag = 0..LONGEST_LAG;
    prop_oneof![
        2 => proptest::option::weighted(0.8, content.clone()).prop_map(Step::Other),
        3 => (viewer(), content, any::<bool>()).prop_map(|(viewer, content, answered)| Step::Write(viewer, content, answered)),
        1 => Just(Step::Delete),
        5 => (viewer(), lag.clone(), proptest::bool::weighted(0.2), proptest::bool::weighted(0.2))
            .prop_map(|(viewer, lag, leaves_out, fails)| Step::List { viewer, lag, leaves_out, fails }),
        1 => viewer().prop_map(Step::Begin),
        2 => (viewer(), lag).prop_map(|(viewer, lag)| Step::Page { viewer, lag }),
        1 => viewer().prop_map(Step::End),
        2 => viewer().prop_map(Step::Read),
        2 => viewer().prop_map(Step::Answer),
        1 => (viewer(), any::<bool>()).prop_map(|(viewer, permitted)| Step::Permit(viewer, permitted)),
        1 => viewer().prop_map(Step::Forget),
        1 => Just(Step::Prune),
    ]
}

/// One of those who look.
#[derive(Default)]
struct Looking {
    /// What a read whose answer hasn't come in has found, and when it was sent.
    sent: Option<(Moment, Option<Item>)>,
    /// The list under way: when it began, and whether it has shown the resource.
    list: Option<(Moment, bool)>,
    /// What AWS has shown to these credentials.
    shown: Vec<Item>,
    /// When the last complete list began, and whether it showed the resource.
    complete: Option<(Moment, bool)>,
    forbidden: bool,
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
    looking: HashMap<Viewer, Looking>,
}

impl World {
    fn new(dated: bool) -> Self {
        Self {
            mirror: Mirror::default(),
            dated,
            now: 0,
            history: vec![None],
            told: 0,
            looking: HashMap::from([ME, OTHER].map(|viewer| (viewer, Looking::default()))),
        }
    }

    fn of(&mut self, viewer: Viewer) -> &mut Looking {
        self.looking.get_mut(&viewer).unwrap()
    }

    fn truth(&self) -> Option<Item> {
        self.history.last().cloned().flatten()
    }

    /// The present state, as AWS shows it to this one.
    fn truth_for(&mut self, viewer: Viewer) -> Option<Item> {
        self.truth().filter(|_| !self.of(viewer).forbidden)
    }

    fn tick(&mut self, state: Option<Item>) -> Moment {
        self.now += 1;
        self.history.push(state);
        self.now
    }

    fn made(&self, content: u8) -> Item {
        item(content, self.dated.then(|| i64::try_from(self.now + 1).unwrap()))
    }

    fn begin(&mut self, viewer: Viewer) {
        let state = self.truth();
        let began = self.tick(state);
        self.of(viewer).list = Some((began, false));
        self.mirror.begin(viewer, began);
    }

    fn page(&mut self, viewer: Viewer, lag: usize, leaves_out: bool) {
        let at = usize::try_from(self.now).unwrap().saturating_sub(lag);
        let state = self.history[at].clone();
        let looking = self.of(viewer);
        let Some((_, has_shown)) = &mut looking.list else { return };
        let shown = state.filter(|_| !leaves_out && !looking.forbidden);
        *has_shown |= shown.is_some();
        looking.shown.extend(shown.clone());
        self.mirror.page(viewer, shown);
    }

    fn end(&mut self, viewer: Viewer, fails: bool) {
        let looking = self.of(viewer);
        let list = looking.list.take();
        if fails {
            self.mirror.fail(viewer);
        } else {
            looking.complete = list.or(looking.complete);
            self.mirror.end(viewer);
        }
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Other(content) => {
                let state = content.map(|content| self.made(content));
                self.tick(state);
            }
            Step::Write(viewer, content, answered) => {
                let state = self.made(content);
                let now = self.tick(Some(state.clone()));
                if answered {
                    self.of(viewer).shown.push(state.clone());
                    self.mirror.wrote(viewer, state, now);
                } else {
                    self.mirror.uncertain("a", now);
                }
                self.told = now;
            }
            Step::Delete => {
                let now = self.tick(None);
                self.mirror.deleted("a", now);
                self.told = now;
                // Known to be gone, whatever lists showed before.
                for looking in self.looking.values_mut() {
                    looking.complete = looking.complete.map(|(began, _)| (began, false));
                    looking.list = looking.list.map(|(began, _)| (began, false));
                }
            }
            Step::List { viewer, lag, leaves_out, fails } => {
                self.begin(viewer);
                self.page(viewer, lag, leaves_out);
                self.end(viewer, fails);
            }
            Step::Begin(viewer) => self.begin(viewer),
            Step::Page { viewer, lag } => self.page(viewer, lag, false),
            Step::End(viewer) => self.end(viewer, false),
            Step::Read(viewer) => {
                let (state, shown) = (self.truth(), self.truth_for(viewer));
                let sent = self.tick(state);
                self.of(viewer).sent = Some((sent, shown));
            }
            Step::Answer(viewer) => {
                let Some((sent, shown)) = self.of(viewer).sent.take() else { return };
                let looking = self.of(viewer);
                looking.shown.extend(shown.clone());
                if shown.is_none() {
                    looking.complete = looking.complete.map(|(began, _)| (began, false));
                    looking.list = looking.list.map(|(began, _)| (began, false));
                }
                self.mirror.confirmed(viewer, "a", shown, sent);
                self.told = self.told.max(sent);
            }
            Step::Permit(viewer, permitted) => self.of(viewer).forbidden = !permitted,
            Step::Forget(viewer) => {
                self.mirror.forget(viewer);
                *self.of(viewer) = Looking::default();
            }
            Step::Prune => {
                let lag = u64::try_from(LONGEST_LAG).unwrap();
                self.mirror.prune(self.now.saturating_sub(lag));
            }
        }
    }

    fn check(&self) -> Result<(), TestCaseError> {
        for (viewer, looking) in &self.looking {
            self.check_known(*viewer, looking)?;
            self.check_absence(*viewer, looking)?;
        }
        Ok(())
    }

    /// What the mirror is sure of was true at or after the moment that the operator was last told of, and AWS has shown it to
    /// whoever asks.
    fn check_known(&self, viewer: Viewer, looking: &Looking) -> Result<(), TestCaseError> {
        let Look::Known { item, as_of, .. } = self.mirror.by_id(viewer, "a", 0) else { return Ok(()) };
        let since = usize::try_from(self.told).unwrap();
        prop_assert!(as_of >= self.told, "it is older than the last answer");
        prop_assert!(
            self.history[since..].contains(&Some(item.clone())),
            "{item:?} was not so since {since}: {:?}",
            self.history
        );
        prop_assert!(looking.shown.contains(&item), "{viewer} was never shown {item:?}");
        Ok(())
    }

    /// A search ends only with a complete list of one's own, and finds what that has shown.
    fn check_absence(&self, viewer: Viewer, looking: &Looking) -> Result<(), TestCaseError> {
        let Some((began, has_shown)) = looking.complete else {
            prop_assert!(self.mirror.all(viewer, 0).is_none());
            return Ok(());
        };
        prop_assert!(self.mirror.all(viewer, began + 1).is_none());
        let found = found(&self.mirror, viewer, began);
        prop_assert!(found.is_some());
        prop_assert!(!has_shown || found != Some(Vec::new()), "{viewer}'s own list showed it");
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn what_is_known_is_never_older_than_the_last_answer_and_was_seen_with_own_eyes(
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
