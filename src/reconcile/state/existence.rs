//! What is known about whether an object has a remote.

use crate::api::common::CommonStatus;

/// What status says about whether there is a remote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existence {
    /// There is one, or may be one whose create got no response.
    Recorded,
    /// It was searched for, and there is none.
    Absent,
    /// Nobody has searched.
    Unknown,
}

impl Existence {
    /// From whether status names a remote or a create, and whether it says that AWS was asked.
    pub fn of(recorded: bool, asked: bool) -> Self {
        match (recorded, asked) {
            (true, _) => Self::Recorded,
            (false, true) => Self::Absent,
            (false, false) => Self::Unknown,
        }
    }

    /// Reads it from status alone. The account is recorded when AWS has been asked.
    pub fn recorded_in(common: &CommonStatus) -> Self {
        Self::of(common.id.is_some() || common.intent.is_some(), common.account.is_some())
    }

    /// Whether there is, or may be, a remote. Without the finalizer there never was one, whatever happened to status.
    pub fn is_possible(self, held: bool) -> bool {
        match self {
            Self::Recorded => true,
            Self::Absent => false,
            Self::Unknown => held,
        }
    }
}
