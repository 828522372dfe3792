//! What is the same for every kind: from a watch event to AWS and back to status.
//!
//! Read [`pass`] first: it is the whole lifecycle. [`decide`], [`drift`] and [`conclusion`] are pure;
//! [`kind`] says what a kind adds; [`controller`] starts passes.

pub mod annotations;
pub mod backoff;
pub mod breaker;
pub mod claim;
pub mod cleanup;
pub mod conclusion;
pub mod conditions;
pub mod consent;
pub mod context;
pub mod controller;
pub mod decide;
pub mod delivery;
pub mod drift;
pub mod error;
pub mod events;
pub mod existence;
pub mod fence;
pub mod finalizer;
pub mod fingerprint;
pub mod hub;
pub mod input_object;
pub mod inputs;
pub mod kept;
pub mod kind;
pub mod lanes;
pub mod lookup;
pub mod memory;
pub mod memory_budget;
pub mod orphan;
pub mod output_secret;
pub mod ownership;
pub mod pages;
pub mod pass;
pub mod reach;
pub mod readable;
pub mod references;
pub mod status;
pub mod stored;
pub mod tagging;
pub mod watch_client;
pub mod watches;
