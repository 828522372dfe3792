//! Strings with the service's own constraints: each is a scalar shape of the API model.
//!
//! The constraint lives in the CRD's schema, so that a bad value fails at `kubectl apply`. In Rust
//! they are plain strings: what is in the cluster has been checked by the API server.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// Declares string types with length bounds and a whole-string pattern.
macro_rules! scalars {
    ($($(#[doc = $doc:literal])+ $name:ident { $($key:literal: $value:expr),+ $(,)? })+) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", $($key: $value),+ })
            }
        }

        impl std::ops::Deref for $name {
            type Target = str;

            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(value: &str) -> Self {
                Self(value.to_owned())
            }
        }
    )+};
}

scalars! {
    /// Name of an agent space (`AgentSpaceName`).
    AgentSpaceName { "minLength": 1, "maxLength": 255, "pattern": r"^(?:[\p{L}\p{N}\p{P}\p{S}\p{Z}]+)$" }
    /// A text of one line (`Description`).
    Description { "minLength": 1, "maxLength": 1000, "pattern": r"^(?:[\p{L}\p{N}\p{P}\p{S}\p{Z}]+)$" }
    /// A language tag such as `en-US` (`Locale`).
    Locale { "minLength": 2, "maxLength": 35, "pattern": r"^(?:[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8})*)$" }
    /// ARN of a KMS key; no alias and no multi-Region key (`KmsKeyArn`).
    KmsKeyArn { "minLength": 20, "pattern": r"^(?:arn:aws[a-zA-Z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12})$" }
    /// ARN of an IAM role (`RoleArn`).
    RoleArn { "minLength": 1, "maxLength": 255, "pattern": r"^(?:arn:(aws|aws-cn|aws-us-gov):iam::\d{12}:role/[a-zA-Z0-9+=,.@_/-]+)$" }
    /// Key of a tag (`TagKey`).
    TagKey { "minLength": 1, "maxLength": 128, "pattern": r"^(?:[\p{L}\p{Z}\p{N}_.:/=+\-@]*)$" }
    /// Value of a tag (`TagValue`).
    TagValue { "minLength": 0, "maxLength": 256, "pattern": r"^(?:[\p{L}\p{Z}\p{N}_.:/=+\-@]*)$" }
    /// Name of a private connection (`PrivateConnectionName`).
    PrivateConnectionName { "minLength": 3, "maxLength": 30, "pattern": r"^(?:[a-z0-9]([a-z0-9-]*[a-z0-9])?)$" }
    /// Name of a Kubernetes object (a DNS subdomain).
    ObjectName { "minLength": 1, "maxLength": 253, "pattern": r"^(?:[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*)$" }
    /// Name of a Kubernetes namespace (a DNS label).
    NamespaceName { "minLength": 1, "maxLength": 63, "pattern": r"^(?:[a-z0-9]([-a-z0-9]*[a-z0-9])?)$" }
    /// Key in a Secret or ConfigMap.
    DataKey { "minLength": 1, "maxLength": 253, "pattern": r"^(?:[-._a-zA-Z0-9]+)$" }
    /// An AWS region such as `eu-central-1`.
    Region { "minLength": 1, "maxLength": 50, "pattern": r"^(?:[a-z]{2,4}(-[a-z]+)+-[0-9]+)$" }
    /// An HTTP(S) URL with which an endpoint of AWS is replaced.
    EndpointUrl { "minLength": 8, "maxLength": 2048, "pattern": r"^(?:https?://[^\s]+)$" }
}
