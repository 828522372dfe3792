//! What can go wrong at a call, and at which.

use std::fmt;
use std::str::FromStr;

use super::boundary::{Call, Side};

/// What goes wrong at one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fault {
    /// The operator dies before the call is made.
    CrashBefore,
    /// The call takes effect; the operator dies before it gets the response.
    CrashAfter,
    /// The call takes effect; the connection breaks before the response arrives.
    Lost,
    /// The call has no effect, and there is no response until the client gives up.
    Timeout,
    /// The call takes effect a while after the client has given up waiting.
    Late,
    /// The connection breaks before the call takes effect.
    Reset,
    /// 429, without effect.
    Throttled,
    /// 500, without effect.
    Broken,
    /// 500, and still it has taken effect.
    BrokenAfter,
    /// 409, without effect: Kubernetes only.
    Conflict,
    /// The call works; for a while watch events do not come through.
    Stale,
    /// The call works; the next list shows the state before it: AWS only.
    StaleList,
    /// The call works; the next few lists show the state before it: AWS only.
    StaleLists,
    /// The list is read, but its response only arrives after the next write to AWS: AWS only.
    Held,
    /// The list is read, but its response only arrives after the next few writes to AWS: AWS only.
    HeldLong,
}

use Fault::{
    Broken, BrokenAfter, Conflict, CrashAfter, CrashBefore, Held, HeldLong, Late, Lost, Reset, Stale,
    StaleList, StaleLists, Throttled, Timeout,
};

const NAMES: &[(Fault, &str)] = &[
    (CrashBefore, "crash-before"),
    (CrashAfter, "crash-after"),
    (Lost, "answer-lost"),
    (Timeout, "time-out"),
    (Late, "late"),
    (Reset, "reset"),
    (Throttled, "429"),
    (Broken, "500"),
    (BrokenAfter, "500-after"),
    (Conflict, "409"),
    (Stale, "stale-watch"),
    (StaleList, "stale-list"),
    (StaleLists, "stale-lists"),
    (Held, "held"),
    (HeldLong, "held-long"),
];

impl Fault {
    /// All that can hit a call like this.
    pub fn of(call: &Call) -> impl Iterator<Item = Self> {
        Self::all().filter(move |fault| fault.can_hit(call))
    }

    /// A read has no effect that could be lost.
    fn can_hit(self, call: &Call) -> bool {
        let is_aws = call.side == Side::Aws;
        match self {
            CrashBefore | Timeout | Reset | Throttled | Broken => true,
            CrashAfter | Lost | Late | BrokenAfter | Stale => call.mutating,
            Conflict => call.mutating && !is_aws,
            StaleList | StaleLists => call.mutating && is_aws,
            Held | HeldLong => is_aws && call.name.starts_with("List"),
        }
    }

    /// Every fault, in the order of the tables.
    pub fn all() -> impl Iterator<Item = Self> {
        NAMES.iter().map(|(fault, _)| *fault)
    }

    /// Whether the operator dies of it.
    pub fn kills(self) -> bool {
        matches!(self, CrashBefore | CrashAfter)
    }

    /// Whether the call takes effect and its response arrives.
    pub fn answers(self) -> bool {
        matches!(self, Stale | StaleList | StaleLists | Held | HeldLong)
    }

    /// For how many lists the state before the call is shown.
    pub fn stale_lists(self) -> usize {
        match self {
            StaleList => 1,
            StaleLists => 4,
            _ => 0,
        }
    }

    /// How many writes to AWS a list waits for before its response arrives.
    pub fn writes_awaited(self) -> usize {
        match self {
            Held => 1,
            HeldLong => 3,
            _ => 0,
        }
    }

    /// Whether the caller gets no response to a call that may have taken effect.
    pub fn loses_answer(self) -> bool {
        matches!(self, Lost | Timeout | Late | Broken | BrokenAfter | Reset)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = NAMES.iter().find(|(fault, _)| fault == self).map_or("?", |(_, name)| name);
        f.pad(name)
    }
}

/// A fault at a call: the `nth` of its name after the scenario has armed the boundary.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Injection {
    pub call: String,
    pub nth: usize,
    pub fault: Fault,
}

impl fmt::Display for Injection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}:{}", self.call, self.nth, self.fault)
    }
}

impl FromStr for Injection {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("'{text}' is not of the form CALL#NTH:FAULT");
        let (call, fault) = text.rsplit_once(':').ok_or_else(bad)?;
        let (call, nth) = call.rsplit_once('#').ok_or_else(bad)?;
        let fault = NAMES.iter().find(|(_, name)| *name == fault).ok_or_else(bad)?.0;
        Ok(Self { call: call.to_owned(), nth: nth.parse().map_err(|_| bad())?, fault })
    }
}
