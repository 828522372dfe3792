//! What every scenario stands on.
//!
//! ```text
//! scenario (script) ─ run ─┬─ cluster: the one API server; place: what is seen of a namespace
//!                          └─ world: namespace, simulator, operator ── boundary: faults, calls, violations
//!                                    operator ─┬─ client_layer ─ boundary ─ API server
//!                                              └─ proxy ──────── boundary ─ simulator
//! enumeration: every (call, fault) of every scenario, and random pairs ─ rules ─ report
//!              cover: which of them come first
//! ```

pub mod boundary;
mod client_layer;
pub mod cluster;
mod cover;
pub mod draw;
pub mod enumeration;
pub mod fault;
pub mod log;
mod place;
pub mod planted;
mod proxy;
mod report;
mod resources;
mod routes;
mod rules;
pub mod run;
pub mod settings;
mod trace;
mod webhook;
pub mod world;
