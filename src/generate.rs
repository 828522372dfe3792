//! What the program prints from its own tables: documentation, IAM policies, roles.

pub mod docs;
pub mod iam;
pub mod rbac;
