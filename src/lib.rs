//! A Kubernetes operator for AWS DevOps Agent.
//!
//! ```text
//! YAML → API server (schema, CEL) → watch cache
//!   → references and secrets resolved
//!   → observe remote → decide (pure) → at most one mutating call
//!   → webhook Secret → status → Event on a transition → next pass
//! ```
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`api`] | the YAML contract: one file or folder per kind. Data only |
//! | [`aws`] | the signed client, and the operations |
//! | [`kubernetes`] | reading objects from the API server, individually |
//! | [`reconcile`] | what all kinds have in common: pass, decision, drift, conditions, deletion |
//! | [`kinds`] | what differs from kind to kind, and the list of kinds |
//! | [`runtime`] | what starts passes: watches, queues, the leader's lease |
//! | [`operator`] | the process: settings, controllers, servers, shutdown |
//! | [`metrics`] | the metrics; [`metrics::table`] lists them all |
//! | [`generate`] | what is generated from the program's own tables: documentation, IAM policies, JSON Schemas, roles |
//! | [`ctl`] | `kubectl devopsagent`: what users run on their own machine |
//! | [`cli`] | the command line |
//! | [`fairness`] | fairness between namespaces; token buckets |
//! | [`document`] | unions, pointers, and references to Secrets replaced by their values |
//! | [`echo`] | checks whether text from elsewhere repeats part of a secret |
//! | [`text`], [`log`] | makes text from elsewhere safe to show; how the log is written |
//!
//! Imports go downwards in this order: `api`, `aws`, `kubernetes`, `reconcile`, `kinds`, `runtime`, `operator`, `generate`,
//! `ctl`, `cli`. `tests/layout.rs` checks that.

#[allow(
    missing_docs,
    reason = "enum values are documented at the fields that hold them: kubectl explain shows those"
)]
pub mod api;
pub mod aws;
pub mod cli;
pub mod ctl;
pub mod document;
pub mod echo;
pub mod fairness;
pub mod generate;
pub mod kinds;
pub mod kubernetes;
pub mod log;
pub mod metrics;
pub mod operator;
pub mod reconcile;
pub mod runtime;
pub mod text;
#[cfg(feature = "otlp")]
pub mod traces;
pub mod version;
