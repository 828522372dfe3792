//! What AWS has, as the operator sees it: one mirror for each collection of an account, filled by lists, single reads and
//! the answers to our own writes.
//!
//! A pass that only looks reads mirrors and costs no call; one that is about to write reads the single resource first.

pub mod collection;
pub mod eyes;
pub mod mirror;
pub mod moments;
pub mod packed;
pub mod picture;
pub mod sight;
pub mod slot;
