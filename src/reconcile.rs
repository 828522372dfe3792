//! What is the same for every kind: from an object and what AWS has to one step, and back to status.
//!
//! Read [`pass`] first: it is the whole lifecycle. [`decide`], [`drift`](state::drift) and [`conclusion`] are pure; [`kind`] says
//! what a kind adds.

pub mod act;
pub mod approval;
pub mod backoff;
pub mod breaker;
pub mod cache;
pub mod claim;
pub mod cleanup;
pub mod compact;
pub mod conclusion;
pub mod context;
pub mod decide;
pub mod delivered;
mod departure;
pub mod events;
pub mod fence;
pub mod graph;
pub mod inputs;
pub mod kind;
pub mod lookup;
pub mod memory;
pub mod memory_budget;
pub mod observe;
pub mod orphan;
pub mod owned;
pub mod owning;
pub mod pass;
pub mod proposal;
pub mod recorder;
pub mod remote;
pub mod shard;
pub mod state;
pub mod stores;
pub mod tagging;
