//! What an object says of itself, and what is known of its resource. Nothing here knows of a pass.

pub mod annotations;
pub mod conditions;
pub mod drift;
pub mod error;
pub mod existence;
pub mod finalizer;
pub mod fingerprint;
pub mod ownership;
pub mod status;
pub mod subject;
pub mod summary;
mod words;
