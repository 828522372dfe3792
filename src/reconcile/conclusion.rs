//! From the result of a pass to conditions and to the time of the next pass. Pure.

use std::time::Duration;

use crate::api::common::CommonStatus;
use crate::metrics::Outcome;

use super::backoff::{self, Timing};
use super::kind::{ExtraCondition, Waiting};
use super::state::conditions::{self, Reason};
use super::state::error::{Class, Error};

/// How a pass without an error ended.
#[derive(Debug)]
pub enum Ending {
    /// AWS matches the object.
    Settled,
    /// AWS differs from the object and isn't corrected. In what, and why.
    Left(String),
    /// A step was taken; the next pass follows at once.
    Again,
    /// A remote was adopted; the next pass follows at once.
    Adopted {
        /// Its id.
        id: String,
    },
    /// The remote matches and waits for something.
    Waiting(Waiting),
    /// A person must act.
    Stalled {
        /// The reason.
        reason: Reason,
        /// The message: what exactly, and what to do.
        message: String,
    },
    /// A change waits for approval.
    Held {
        /// Whether there is a remote, which stays as it is.
        exists: bool,
        /// The message: what would be changed, and how to approve it.
        message: String,
    },
    /// The object is paused.
    Paused,
}

/// When the next pass is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Always after the same time.
    Even,
    /// With increasing delays, up to this one.
    Slowing(Longest),
}

/// Maximum of increasing delays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Longest {
    /// Of retries.
    Retry,
    /// Of checks of something that AWS or a person is about to finish.
    Poll,
    /// Of waiting for a person to sign in.
    Person,
    /// Between two passes over an object that is up to date.
    Resync,
}

/// When an object is reconciled again, if nothing happens before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Action(Option<Duration>);

impl Action {
    /// After this time.
    pub const fn requeue(after: Duration) -> Self {
        Self(Some(after))
    }

    /// When there is news about it.
    pub const fn await_change() -> Self {
        Self(None)
    }

    /// The time until then, unless only news counts.
    pub const fn after(self) -> Option<Duration> {
        self.0
    }
}

/// The result of a pass.
#[derive(Debug)]
pub struct Verdict {
    /// What happened, for Events and the log.
    pub ending: Result<Ending, Error>,
    /// Class of the error, if there was one.
    pub class: Option<Class>,
    /// When the next pass is due.
    pub pace: Pace,
}

/// Sets the conditions that follow from `result`, and returns when the next pass is due.
pub fn of(
    result: Result<Ending, Error>,
    generation: Option<i64>,
    handled: Option<String>,
    status: &mut CommonStatus,
) -> Verdict {
    let was_ready = conditions::is_settled(status, generation);
    let class = result.as_ref().err().map(|error| error.classify().0);
    if matches!(result, Ok(Ending::Paused)) {
        // Nothing was checked: status still describes the earlier spec.
        status.observed_generation.get_or_insert(-1);
    } else {
        status.observed_generation = generation;
    }
    if class != Some(Class::Retry) && !matches!(result, Ok(Ending::Again | Ending::Adopted { .. })) {
        status.last_handled_reconcile_at = handled;
    }
    let mut write = Writer { generation, status };
    let pace = match &result {
        Ok(Ending::Settled) => {
            write.both(true, Reason::Available, "");
            write.neither();
            Pace::Even
        }
        Ok(Ending::Left(message)) => {
            write.ready(true, Reason::Available, "");
            write.synced(false, Reason::Drifted, message);
            write.neither();
            Pace::Even
        }
        Ok(Ending::Again | Ending::Adopted { .. }) => {
            if !was_ready {
                write.ready(false, Reason::Progressing, "the resource is being updated to match the spec");
                // What held it up before no longer does.
                write.synced(true, Reason::Progressing, "");
                write.reconciling(Reason::Progressing, "");
            }
            Pace::Even
        }
        Ok(Ending::Waiting(waiting)) => {
            write.ready(false, waiting.reason, &waiting.message);
            write.synced(true, Reason::Available, "");
            write.reconciling(waiting.reason, &waiting.message);
            match waiting.reason {
                Reason::AuthorizationRequired => Pace::Slowing(Longest::Person),
                _ if waiting.poll => Pace::Slowing(Longest::Poll),
                _ => Pace::Even,
            }
        }
        Ok(Ending::Stalled { reason, message }) => {
            write.both(false, *reason, message);
            write.stalled(*reason, message);
            Pace::Slowing(Longest::Resync)
        }
        Ok(Ending::Held { exists, message }) => {
            let reason = if *exists { Reason::Available } else { Reason::ApprovalRequired };
            write.ready(*exists, reason, if *exists { "" } else { message });
            write.synced(false, Reason::ApprovalRequired, message);
            write.neither();
            Pace::Even
        }
        Ok(Ending::Paused) => {
            let message = "remove the annotation devopsagent.dev/paused to continue";
            write.synced(false, Reason::Paused, message);
            write.neither();
            Pace::Even
        }
        Err(error) => write.error(error, was_ready),
    };
    Verdict { ending: result, class, pace }
}

/// Sets the conditions that only some kinds have, and removes those that don't apply.
pub fn more(
    conditions: Vec<ExtraCondition>,
    needless: &[&str],
    generation: Option<i64>,
    status: &mut CommonStatus,
) {
    for kind in needless {
        conditions::clear(&mut status.conditions, kind);
    }
    for extra in conditions {
        conditions::set(
            &mut status.conditions,
            generation,
            extra.kind,
            extra.status,
            extra.reason,
            extra.message,
        );
    }
}

impl Verdict {
    /// How metrics count it.
    pub fn outcome(&self) -> Outcome {
        match (&self.ending, self.class) {
            (Ok(Ending::Settled | Ending::Left(_) | Ending::Held { .. } | Ending::Paused), _) => {
                Outcome::Done
            }
            (Ok(Ending::Again | Ending::Adopted { .. }), _) => Outcome::Again,
            (Ok(Ending::Waiting(_)), _) | (Err(_), Some(Class::Wait | Class::Poll)) => Outcome::Later,
            (Ok(Ending::Stalled { .. }), _) | (Err(_), Some(Class::Terminal)) => Outcome::Stalled,
            (Err(_), _) => Outcome::Failed,
        }
    }

    /// When the next pass is due, after `before` failures in a row.
    pub fn next(&self, timing: &Timing, before: u32) -> Action {
        let jitter = backoff::draw();
        let wait = match (&self.ending, self.pace) {
            (Ok(Ending::Again | Ending::Adopted { .. }), _) => Duration::ZERO,
            (Ok(Ending::Paused), _) => return Action::await_change(),
            (Ok(Ending::Settled | Ending::Left(_) | Ending::Held { .. }), _) => {
                backoff::spread(timing.resync, 0.1, jitter)
            }
            (_, Pace::Even) => backoff::spread(timing.dependency, 0.1, jitter),
            (_, Pace::Slowing(longest)) => {
                let longest = match longest {
                    Longest::Retry => timing.longest_retry,
                    Longest::Poll => timing.poll,
                    // It can take minutes until someone comes; then it must be noticed soon.
                    Longest::Person => timing.dependency / 2,
                    Longest::Resync => timing.resync,
                };
                backoff::retry(&Timing { longest_retry: longest, ..*timing }, before, jitter)
            }
        };
        Action::requeue(wait)
    }
}

/// Sets conditions of one status at one generation.
struct Writer<'a> {
    generation: Option<i64>,
    status: &'a mut CommonStatus,
}

impl Writer<'_> {
    fn set(&mut self, kind: &str, status: bool, reason: Reason, message: &str) {
        conditions::set(&mut self.status.conditions, self.generation, kind, status, reason, message);
    }

    fn ready(&mut self, status: bool, reason: Reason, message: &str) {
        self.set("Ready", status, reason, message);
    }

    fn synced(&mut self, status: bool, reason: Reason, message: &str) {
        self.set("Synced", status, reason, message);
    }

    fn both(&mut self, status: bool, reason: Reason, message: &str) {
        self.ready(status, reason, message);
        self.synced(status, reason, message);
    }

    fn reconciling(&mut self, reason: Reason, message: &str) {
        self.set("Reconciling", true, reason, message);
        conditions::clear(&mut self.status.conditions, "Stalled");
    }

    fn stalled(&mut self, reason: Reason, message: &str) {
        self.set("Stalled", true, reason, message);
        conditions::clear(&mut self.status.conditions, "Reconciling");
    }

    fn neither(&mut self) {
        conditions::clear(&mut self.status.conditions, "Reconciling");
        conditions::clear(&mut self.status.conditions, "Stalled");
    }

    fn error(&mut self, error: &Error, was_ready: bool) -> Pace {
        let (class, reason) = error.classify();
        let message = error.to_string();
        self.synced(false, reason, &message);
        match class {
            Class::Terminal => {
                self.ready(false, reason, &message);
                self.stalled(reason, &message);
                Pace::Slowing(Longest::Resync)
            }
            Class::Wait => {
                self.ready(false, reason, &message);
                self.reconciling(reason, &message);
                Pace::Even
            }
            Class::Poll => {
                self.ready(false, reason, &message);
                self.reconciling(reason, &message);
                Pace::Slowing(Longest::Poll)
            }
            // What worked a moment ago isn't broken just because AWS can't be reached now.
            Class::Retry => {
                if !was_ready {
                    self.ready(false, reason, &message);
                }
                self.reconciling(reason, &message);
                Pace::Slowing(Longest::Retry)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(status: &CommonStatus) -> Vec<String> {
        status.conditions.iter().map(|c| format!("{}={} {}", c.type_, c.status, c.reason)).collect()
    }

    fn conclude(status: &mut CommonStatus, result: Result<Ending, Error>) -> Verdict {
        of(result, Some(1), None, status)
    }

    #[test]
    fn a_settled_object_is_ready_and_synced_and_nothing_else() {
        let mut status = CommonStatus::default();
        conclude(&mut status, Err(Error::terminal(Reason::Invalid, "no")));
        assert_eq!(words(&status), ["Synced=False Invalid", "Ready=False Invalid", "Stalled=True Invalid"]);
        conclude(&mut status, Ok(Ending::Settled));
        assert_eq!(words(&status), ["Synced=True Available", "Ready=True Available"]);
        assert_eq!(status.observed_generation, Some(1));
    }

    #[test]
    fn an_outage_leaves_a_ready_object_ready_and_says_that_it_is_out_of_touch() {
        let mut status = CommonStatus::default();
        conclude(&mut status, Ok(Ending::Settled));
        let outage = Error::Unexpected { doing: "reading".into(), message: "x".into() };
        conclude(&mut status, Err(outage));
        assert_eq!(
            words(&status),
            ["Ready=True Available", "Synced=False Unexpected", "Reconciling=True Unexpected"]
        );
    }

    #[test]
    fn a_paused_object_does_not_count_as_looked_at() {
        let mut status = CommonStatus::default();
        conclude(&mut status, Ok(Ending::Paused));
        assert_eq!(status.observed_generation, Some(-1));
        conclude(&mut status, Ok(Ending::Settled));
        of(Ok(Ending::Paused), Some(2), None, &mut status);
        assert_eq!(status.observed_generation, Some(1));
        assert_eq!(words(&status), ["Synced=False Paused", "Ready=True Available"]);
    }

    #[test]
    fn a_step_forward_clears_away_what_held_the_object_up() {
        let mut status = CommonStatus::default();
        conclude(&mut status, Err(Error::wait(Reason::DependencyNotReady, "no")));
        conclude(&mut status, Ok(Ending::Again));
        assert_eq!(
            words(&status),
            ["Synced=True Progressing", "Ready=False Progressing", "Reconciling=True Progressing"]
        );
    }

    #[test]
    fn a_request_counts_as_handled_only_when_the_pass_came_to_an_end() {
        let mut status = CommonStatus::default();
        of(Ok(Ending::Again), Some(1), Some("now".into()), &mut status);
        assert_eq!(status.last_handled_reconcile_at, None);
        of(Ok(Ending::Settled), Some(1), Some("now".into()), &mut status);
        assert_eq!(status.last_handled_reconcile_at.as_deref(), Some("now"));
    }

    #[test]
    fn a_person_is_waited_for_with_patience() {
        let timing = Timing::default();
        let mut status = CommonStatus::default();
        let waiting = |reason| Waiting { reason, message: String::new(), poll: true };
        let person = conclude(&mut status, Ok(Ending::Waiting(waiting(Reason::AuthorizationRequired))));
        let aws = conclude(&mut status, Ok(Ending::Waiting(waiting(Reason::InTransition))));
        assert_eq!(person.pace, Pace::Slowing(Longest::Person));
        assert_eq!(aws.pace, Pace::Slowing(Longest::Poll));
        assert_ne!(person.next(&timing, 20), aws.next(&timing, 20));
    }

    #[test]
    fn a_step_is_followed_at_once_and_a_settled_object_rests() {
        let timing = Timing::default();
        let mut status = CommonStatus::default();
        assert_eq!(
            conclude(&mut status, Ok(Ending::Again)).next(&timing, 0),
            Action::requeue(Duration::ZERO)
        );
        assert_eq!(conclude(&mut status, Ok(Ending::Paused)).next(&timing, 0), Action::await_change());
    }
}
