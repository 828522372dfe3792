//! Logging what others can cause as often as they like, without filling the log.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Minimum time between two lines.
const APART: Duration = Duration::from_mins(1);

/// Something that is logged once in a while.
#[derive(Debug, Default)]
pub struct Seldom(Mutex<Option<Instant>>);

impl Seldom {
    /// Whether it may be logged now. The caller must then log it.
    pub fn may_tell(&self) -> bool {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let may = told.is_none_or(|told| told.elapsed() >= APART);
        if may {
            *told = Some(Instant::now());
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn there_is_a_line_a_minute() {
        let seldom = Seldom::default();
        assert!(seldom.may_tell() && !seldom.may_tell());
        tokio::time::advance(APART).await;
        assert!(seldom.may_tell());
    }
}
