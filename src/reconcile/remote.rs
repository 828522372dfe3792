//! What AWS has, as the operator sees it: one mirror for each collection.

pub mod mirror;
