//! Which single faults come first, so that a shortened run has still tried every call and every kind of fault.

use std::collections::BTreeSet;
use std::fmt;

/// A single fault as the cover sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// The scenario, with its reading if it isn't the usual one.
    pub scenario: String,
    /// The name of the call that is hit.
    pub call: String,
    /// The kind of fault.
    pub fault: String,
}

/// What must be tried once in a scenario.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Call(String, String),
    Fault(String, String),
}

impl Point {
    fn parts(&self) -> [Part; 2] {
        [
            Part::Call(self.scenario.clone(), self.call.clone()),
            Part::Fault(self.scenario.clone(), self.fault.clone()),
        ]
    }
}

/// Every call and every kind of fault of every scenario, and which of them were tried.
#[derive(Clone, Debug, Default)]
pub struct Cover {
    wanted: BTreeSet<Part>,
    reached: BTreeSet<Part>,
}

impl Cover {
    /// The cover of all these faults.
    pub fn of(points: impl IntoIterator<Item = Point>) -> Self {
        let wanted = points.into_iter().flat_map(|point| point.parts()).collect();
        Self { wanted, reached: BTreeSet::new() }
    }

    /// A fault has hit its call.
    pub fn reach(&mut self, point: &Point) {
        self.reached.extend(point.parts().into_iter().filter(|part| self.wanted.contains(part)));
    }

    /// Takes out of the candidates a few that reach all that is missing, as far as they can. Among equals the first is
    /// taken: another order of the candidates gives another choice.
    pub fn take<T>(&self, candidates: &mut Vec<T>, point: impl Fn(&T) -> Point) -> Vec<T> {
        let mut missing: BTreeSet<Part> = self.wanted.difference(&self.reached).cloned().collect();
        let mut taken = Vec::new();
        // Those that reach two parts at once go first: the fewer runs.
        for gain in [2, 1] {
            taken.extend(candidates.extract_if(.., |candidate| {
                let parts = point(candidate).parts();
                let gains = parts.iter().filter(|part| missing.contains(part)).count() >= gain;
                if gains {
                    for part in parts {
                        missing.remove(&part);
                    }
                }
                gains
            }));
        }
        taken
    }

    /// Whether there was nothing to try.
    pub fn is_empty(&self) -> bool {
        self.wanted.is_empty()
    }

    /// What was not tried, as `SCENARIO: CALL` or `SCENARIO: FAULT`.
    pub fn missing(&self) -> impl Iterator<Item = String> {
        self.wanted.difference(&self.reached).map(|part| match part {
            Part::Call(scenario, what) | Part::Fault(scenario, what) => format!("{scenario}: {what}"),
        })
    }
}

impl fmt::Display for Cover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cover {} of {}", self.reached.len(), self.wanted.len())
    }
}

#[cfg(test)]
#[allow(
    dead_code,
    unused_imports,
    reason = "the enumeration has no test harness; the target `cover` runs these"
)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::draw::Draw;
    use super::*;

    const READ: [&str; 5] = ["crash-before", "time-out", "reset", "429", "500"];
    const WRITE: [&str; 3] = ["crash-after", "answer-lost", "late"];

    fn point(scenario: &str, call: &str, fault: &str) -> Point {
        Point { scenario: scenario.to_owned(), call: call.to_owned(), fault: fault.to_owned() }
    }

    /// Each call twice, as a scenario has it: every fault at both.
    fn scenario(name: &str, reads: usize, writes: usize) -> Vec<Point> {
        let reads = (0..reads).flat_map(|read| READ.map(|fault| point(name, &format!("Get{read}"), fault)));
        let writes = (0..writes).flat_map(|write| {
            let faults = READ.into_iter().chain(WRITE);
            faults.map(move |fault| point(name, &format!("Put{write}"), fault))
        });
        let once: Vec<Point> = reads.chain(writes).collect();
        once.iter().chain(&once).cloned().collect()
    }

    fn drawn(seed: u64, mut points: Vec<Point>) -> (Cover, Vec<Point>, Vec<Point>) {
        Draw(seed).shuffle(&mut points);
        let mut cover = Cover::of(points.iter().cloned());
        let taken = cover.take(&mut points, Point::clone);
        for point in &taken {
            cover.reach(point);
        }
        (cover, taken, points)
    }

    #[test]
    fn every_call_and_every_fault_of_every_scenario_is_taken() {
        for seed in 0..50 {
            let all: Vec<Point> = [scenario("a", 12, 4), scenario("b", 1, 1), scenario("c", 3, 0)].concat();
            let (cover, taken, rest) = drawn(seed, all.clone());
            assert_eq!(cover.missing().collect::<Vec<_>>(), [""; 0], "seed {seed}");
            assert_eq!(taken.len() + rest.len(), all.len(), "nothing is lost or doubled");
            let mut found: BTreeMap<(&str, &str), usize> = BTreeMap::new();
            for point in &taken {
                *found.entry((&point.scenario, &point.call)).or_default() += 1;
                *found.entry((&point.scenario, &point.fault)).or_default() += 1;
            }
            for point in &all {
                assert!(found.contains_key(&(point.scenario.as_str(), point.call.as_str())), "{point:?}");
                assert!(found.contains_key(&(point.scenario.as_str(), point.fault.as_str())), "{point:?}");
            }
        }
    }

    #[test]
    fn the_cover_is_small() {
        for seed in 0..50 {
            let (_, taken, _) = drawn(seed, scenario("a", 12, 4));
            // 16 calls and 8 kinds of fault: 16 would do, and no choice needs more than one run for each part.
            assert!(taken.len() <= 16 + 3, "{} faults taken with seed {seed}", taken.len());
        }
    }

    #[test]
    fn another_seed_takes_others_and_the_same_seed_the_same() {
        let taken = |seed| drawn(seed, scenario("a", 12, 4)).1;
        assert_eq!(taken(1), taken(1));
        assert_ne!(taken(1), taken(2));
    }

    #[test]
    fn what_did_not_hit_is_tried_with_another_fault() {
        let mut points = scenario("a", 2, 1);
        let mut cover = Cover::of(points.iter().cloned());
        let taken = cover.take(&mut points, Point::clone);
        // The first one never comes to its call.
        taken[1..].iter().for_each(|point| cover.reach(point));
        assert!(cover.missing().count() > 0);
        let again = cover.take(&mut points, Point::clone);
        for point in &again {
            cover.reach(point);
        }
        assert_eq!(cover.missing().count(), 0);
        assert!(again.len() <= 2);
        assert!(cover.take(&mut points, Point::clone).is_empty(), "all is reached");
    }

    #[test]
    fn what_is_missing_is_named_and_counted() {
        let mut cover = Cover::of([point("a", "Get", "429"), point("a", "Put", "429")]);
        cover.reach(&point("a", "Get", "429"));
        // A call that no recorded run has made is not part of the cover.
        cover.reach(&point("a", "List", "429"));
        assert!(Cover::default().is_empty() && !cover.is_empty());
        assert_eq!(cover.to_string(), "cover 2 of 3");
        assert_eq!(cover.missing().collect::<Vec<_>>(), ["a: Put"]);
    }
}
