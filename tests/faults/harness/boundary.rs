//! Everything that the operator of one run sends to Kubernetes and AWS goes through here: it is recorded, counted by
//! name, and hit by the faults of the run.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::Mutex;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::fault::{Fault, Injection};

/// For how long a stale cache hears nothing.
const STALE: Duration = Duration::from_millis(500);

/// Whom a call is made to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Kubernetes,
    Aws,
}

/// A call as it was seen.
#[derive(Clone, Debug)]
pub struct Call {
    pub name: String,
    /// The ordinal among calls of this name since the boundary was armed; 0 before that.
    pub nth: usize,
    pub side: Side,
    pub mutating: bool,
    pub incarnation: u64,
    pub fault: Option<Fault>,
    pub at: Duration,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let armed = if self.nth == 0 { String::new() } else { format!("#{}", self.nth) };
        write!(f, "{:>7.3} s  [{}] {}{armed}", self.at.as_secs_f64(), self.incarnation, self.name)?;
        if let Some(fault) = self.fault {
            write!(f, "  <== {fault}")?;
        }
        Ok(())
    }
}

/// The boundary of one run.
pub struct Boundary {
    started: Instant,
    state: Mutex<State>,
    /// The newest incarnation of the operator that has crashed.
    crashed: watch::Sender<u64>,
    /// Writes that nobody waits for any longer, and that haven't arrived yet.
    late: watch::Sender<usize>,
    /// How many writes AWS has executed.
    writes: watch::Sender<usize>,
}

#[derive(Default)]
struct State {
    armed: bool,
    /// The running operator; calls of older ones have no effect.
    incarnation: u64,
    plan: Vec<Injection>,
    fired: Vec<Injection>,
    counts: HashMap<String, usize>,
    /// Calls of any name since the boundary was armed.
    armed_calls: usize,
    calls: Vec<Call>,
    stale_until: Option<Instant>,
    /// Bodies of writes to Kubernetes other than Secrets.
    written: Vec<String>,
    /// The webhook secrets that were in AWS's responses.
    issued: BTreeSet<String>,
    /// Webhooks that AWS was asked for and whose Secret is not written yet.
    unwritten: usize,
    /// The associations whose webhooks the running operator knows, and that have no Secret yet.
    told: BTreeSet<String>,
    /// This many of them were in progress when an operator died.
    died_with: usize,
    /// The maximum number of remotes at one time, by kind.
    peak: BTreeMap<String, usize>,
    violations: Vec<String>,
    /// The machine was so slow that clients may have timed out on their own.
    overloaded: bool,
}

impl Boundary {
    pub fn new(plan: Vec<Injection>) -> Self {
        let state = State { plan, ..State::default() };
        Self {
            started: Instant::now(),
            state: Mutex::new(state),
            crashed: watch::Sender::new(0),
            late: watch::Sender::new(0),
            writes: watch::Sender::new(0),
        }
    }

    /// Kills the operator that lives.
    pub fn kill(&self) {
        let died = self.state(|state| {
            state.incarnation += 1;
            state.told.clear();
            state.incarnation - 1
        });
        self.crashed.send_replace(died);
    }

    /// Injects one more fault; of the call `*` the `nth` is counted from now.
    pub fn inject(&self, mut injection: Injection) {
        self.state(|state| {
            injection.nth += state.armed_calls;
            state.plan.push(injection);
        });
    }

    /// Writes something between the calls.
    pub fn note(&self, text: &str) {
        let (name, at) = (format!("--- {text}"), self.started.elapsed());
        let call =
            Call { name, nth: 0, side: Side::Kubernetes, mutating: false, incarnation: 0, fault: None, at };
        self.state(|state| state.calls.push(call));
    }

    /// A new operator starts; gives its number.
    pub fn begin(&self) -> u64 {
        self.state(|state| {
            state.incarnation += 1;
            state.incarnation
        })
    }

    /// From now on faults hit.
    pub fn arm(&self) {
        self.state(|state| state.armed = true);
    }

    /// From now on no fault hits.
    pub fn disarm(&self) {
        self.state(|state| state.armed = false);
    }

    /// Records a call; returns the fault that hits it. A dead operator calls nobody.
    pub async fn enter(&self, incarnation: u64, side: Side, name: &str, mutating: bool) -> Option<Fault> {
        let entered = self.state(|state| {
            if state.incarnation != incarnation {
                return None;
            }
            state.unwritten += usize::from(name == "AssociateService");
            let mut nth = 0;
            if state.armed {
                let count = state.counts.entry(name.to_owned()).or_default();
                *count += 1;
                nth = *count;
                state.armed_calls += 1;
            }
            let (armed, any) = (state.armed, state.armed_calls);
            let is_due = |due: &Injection| {
                (due.nth == nth && due.call == name) || (armed && due.call == "*" && due.nth == any)
            };
            let due = state.plan.iter().position(is_due);
            let fault = due.map(|index| {
                let injection = state.plan.remove(index);
                let fault = injection.fault;
                state.fired.push(injection);
                fault
            });
            if fault == Some(Fault::Stale) {
                state.stale_until = Some(Instant::now() + STALE);
            }
            let at = self.started.elapsed();
            state.calls.push(Call { name: name.to_owned(), nth, side, mutating, incarnation, fault, at });
            Some(fault)
        });
        match entered {
            Some(Some(Fault::CrashBefore)) => self.crash(incarnation).await,
            Some(fault) => fault,
            None => std::future::pending().await,
        }
    }

    /// The operator dies at this point: nothing that it still has in progress continues.
    pub async fn crash(&self, incarnation: u64) -> ! {
        let died = self.state(|state| {
            let alive = state.incarnation == incarnation;
            if alive {
                state.incarnation += 1;
                state.died_with += std::mem::take(&mut state.unwritten);
                state.told.clear();
            }
            alive
        });
        if died {
            self.crashed.send_replace(incarnation);
        }
        std::future::pending().await
    }

    /// Never returns if the operator has died in the meantime.
    pub async fn alive(&self, incarnation: u64) {
        if self.state(|state| state.incarnation != incarnation) {
            std::future::pending::<()>().await;
        }
    }

    /// Waits until the operator with this number has crashed.
    pub async fn has_crashed(&self, incarnation: u64) {
        let mut crashed = self.crashed.subscribe();
        let _ = crashed.wait_for(|newest| *newest >= incarnation).await;
    }

    /// Lets something come to its end, and says that it is late meanwhile.
    pub async fn late<T>(&self, something: impl Future<Output = T>) -> T {
        self.late.send_modify(|late| *late += 1);
        let done = something.await;
        self.late.send_modify(|late| *late -= 1);
        done
    }

    /// Waits until nothing is late any more.
    pub async fn nothing_is_late(&self) {
        let _ = self.late.subscribe().wait_for(|late| *late == 0).await;
    }

    /// AWS has executed a write.
    pub fn wrote_to_aws(&self) {
        self.writes.send_modify(|writes| *writes += 1);
    }

    /// How many writes AWS has executed.
    pub fn writes_to_aws(&self) -> usize {
        *self.writes.borrow()
    }

    /// Waits until AWS has executed so many writes, or the limit is over.
    pub async fn has_written_to_aws(&self, writes: usize, limit: Duration) {
        let _ = tokio::time::timeout(limit, self.writes.subscribe().wait_for(|done| *done >= writes)).await;
    }

    /// Waits while watch events are held back.
    pub async fn fresh(&self) {
        while let Some(until) = self.state(|state| state.stale_until).filter(|until| *until > Instant::now())
        {
            tokio::time::sleep_until(until).await;
        }
    }

    /// Keeps the body of a write, to look for secrets in it.
    pub fn wrote(&self, body: &[u8]) {
        let text = String::from_utf8_lossy(body).into_owned();
        self.state(|state| state.written.push(text));
    }

    /// The operator has been told of an association with a webhook.
    pub fn told(&self, association: &str) {
        self.state(|state| state.told.insert(association.to_owned()));
    }

    /// Whether it has been told of this one, and has not written its Secret.
    pub fn awaits_secret(&self, association: &str) -> bool {
        self.state(|state| state.told.contains(association))
    }

    /// A webhook's Secret is written.
    pub fn secret_written(&self, association: &str) {
        self.state(|state| {
            state.unwritten = state.unwritten.saturating_sub(1);
            state.told.remove(association);
        });
    }

    /// How many webhooks were in progress to their Secrets when an operator died.
    pub fn died_with(&self) -> usize {
        self.state(|state| state.died_with)
    }

    /// AWS has answered with a webhook's secret.
    pub fn issued(&self, secret: &str) {
        self.state(|state| state.issued.insert(secret.to_owned()));
    }

    /// There are so many remotes now.
    pub fn count(&self, remotes: &BTreeMap<String, usize>) {
        self.state(|state| {
            for (kind, count) in remotes {
                let peak = state.peak.entry(kind.clone()).or_default();
                *peak = (*peak).max(*count);
            }
        });
    }

    /// A rule was broken.
    pub fn violated(&self, what: impl Into<String>) {
        let what = what.into();
        self.state(|state| state.violations.push(what));
    }

    /// A response took so long that the operator may have stopped waiting: a fault that nobody injected.
    pub fn overloaded(&self) {
        self.state(|state| state.overloaded = true);
    }

    pub fn was_overloaded(&self) -> bool {
        self.state(|state| state.overloaded)
    }

    pub fn violations(&self) -> Vec<String> {
        self.state(|state| state.violations.clone())
    }

    pub fn calls(&self) -> Vec<Call> {
        self.state(|state| state.calls.clone())
    }

    /// The call that was made most often, and how often.
    pub fn busiest(&self) -> Option<(String, usize)> {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for call in self.calls() {
            *counts.entry(call.name).or_default() += 1;
        }
        counts.into_iter().max_by_key(|(_, count)| *count)
    }

    pub fn fired(&self) -> Vec<Injection> {
        self.state(|state| state.fired.clone())
    }

    pub fn webhooks_issued(&self) -> usize {
        self.state(|state| state.issued.len())
    }

    pub fn peak(&self) -> BTreeMap<String, usize> {
        self.state(|state| state.peak.clone())
    }

    /// The webhook secrets that were in AWS's responses.
    pub fn issued_secrets(&self) -> Vec<String> {
        self.state(|state| state.issued.iter().cloned().collect())
    }

    /// Writes to Kubernetes other than Secrets that contain one of these texts.
    pub fn find_written(&self, texts: &[String]) -> Option<String> {
        let has_one = |body: &&String| texts.iter().any(|text| body.contains(text));
        self.state(|state| state.written.iter().find(has_one).cloned())
    }

    fn state<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.state.lock().expect("nobody panics with the boundary in hand"))
    }
}
