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

#[allow(
    missing_docs,
    reason = "enum values are documented at the fields that hold them: kubectl explain shows those"
)]
pub mod api;
pub mod aws;
pub mod kinds;
