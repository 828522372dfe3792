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
//! | [`api`] | the YAML contract: one file a kind. Data only |
//! | [`aws`] | the signed client: operations, errors, pages, retry, budget, accounts |
//! | [`engine`] | what is the same for every kind: pass, decision, drift, conditions, deletion |
//! | [`kinds`] | what differs: one file a kind, and the one list of kinds |
//! | [`accounts`] | clients of AWS for the AWSAccounts |
//! | [`turns`], [`bucket`] | whose turn it is among namespaces; token buckets |
//! | [`wire`] | from a spec to the body of an API call |
//! | [`cli`], [`docs`], [`iam`] | the command line, the tables of the documentation, the IAM policies |
//! | [`log`] | how the log is written, and what of it |
//! | [`metrics`] | what Prometheus is told; [`metrics::table`] has every metric |
//! | [`rbac`] | what the operator may do in Kubernetes: the rules in the chart |
//! | [`echo`] | whether words of others repeat a part of a secret |
//! | [`text`] | text of others, before it is shown to anybody |
//! | [`check`] | whether a running operator works: `helm test` |
//! | [`operator`] | the start: settings, fingerprint key, controllers, shutdown |

pub mod accounts;
#[allow(
    missing_docs,
    reason = "enum values are documented at the fields that hold them: kubectl explain shows those"
)]
pub mod api;
pub mod aws;
pub mod bucket;
pub mod check;
pub mod cli;
pub mod docs;
pub mod echo;
pub mod engine;
pub mod iam;
pub mod kinds;
pub mod log;
pub mod metrics;
pub mod operator;
pub mod rbac;
pub mod text;
#[cfg(feature = "otlp")]
pub mod traces;
pub mod turns;
pub mod version;
pub mod wire;
