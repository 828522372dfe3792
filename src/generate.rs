//! What the program prints from its own tables: documentation, IAM policies, JSON Schemas, roles.

pub mod docs;
pub mod iam;
pub mod json_schema;
pub mod rbac;
