//! Whether every status must have the operator's seal: only once all those that version 0.1 wrote have one.

use std::sync::atomic::{AtomicBool, Ordering};

/// Whether a status without a seal is trusted.
#[derive(Debug)]
pub struct Seals(AtomicBool);

impl Seals {
    /// Seals are `required`, or not yet.
    pub fn new(required: bool) -> Self {
        Self(AtomicBool::new(required))
    }

    /// Whether a status without a seal is someone else's.
    pub fn are_required(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    /// From now on they are.
    pub fn require(&self) {
        self.0.store(true, Ordering::Release);
    }
}
