//! Randomness for backoff and client tokens: nothing here has to withstand an attacker.

use std::hash::{BuildHasher, RandomState};

/// A random number. Every `RandomState` has its own keys, seeded by the operating system.
fn bits() -> u64 {
    RandomState::new().hash_one(())
}

/// A number in `0.0..1.0`.
#[allow(clippy::cast_precision_loss, reason = "32 bits fit")]
pub(crate) fn fraction() -> f64 {
    (bits() >> 32) as f64 / 4_294_967_296.0
}

/// 32 unique hexadecimal digits.
pub(crate) fn token() -> String {
    format!("{:016x}{:016x}", bits(), bits())
}
