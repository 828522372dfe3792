//! Whose turn it is, and how fast.

pub mod bucket;
pub mod turns;
