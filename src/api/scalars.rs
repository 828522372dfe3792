//! Strings with the service's own constraints: each is a scalar shape of the API model.
//!
//! The constraint lives in the CRD's schema, so that a bad value fails at `kubectl apply`. In Rust
//! they are plain strings: what is in the cluster has been checked by the API server.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// Declares string types with length bounds and a whole-string pattern.
///
/// The ones that the model marks sensitive are named with `sensitive`: they print as their type's name
/// only, so that a `Debug` print of a spec shows none of them, and have no `Display`.
macro_rules! scalars {
    ($($(#[doc = $doc:literal])+ $name:ident $($sensitive:ident)? { $($key:literal: $value:expr),* $(,)? })+) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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
                json_schema!({ "type": "string", $($key: $value),* })
            }
        }

        impl std::ops::Deref for $name {
            type Target = str;

            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(value: &str) -> Self {
                Self(value.to_owned())
            }
        }

        scalars!(@print $name $($sensitive)?);
    )+};

    (@print $name:ident) => {
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Debug::fmt(&self.0, f)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };

    (@print $name:ident sensitive) => {
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    };
}

scalars! {
    /// Name of an agent space (`AgentSpaceName`).
    AgentSpaceName { "minLength": 1, "maxLength": 255, "pattern": r"^(?:[\p{L}\p{N}\p{P}\p{S}\p{Z}]+)$" }
    /// A text of one line (`Description`).
    Description sensitive { "minLength": 1, "maxLength": 1000, "pattern": r"^(?:[\p{L}\p{N}\p{P}\p{S}\p{Z}]+)$" }
    /// A language tag such as `en-US` (`Locale`).
    Locale { "x-standard": "no-case", "minLength": 2, "maxLength": 35, "pattern": r"^(?:[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8})*)$" }
    /// ARN of a KMS key; no alias and no multi-Region key (`KmsKeyArn`).
    KmsKeyArn { "x-standard": "arn", "minLength": 20, "pattern": r"^(?:arn:aws[a-zA-Z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12})$" }
    /// ARN of an IAM role (`RoleArn`).
    RoleArn { "x-standard": "arn", "minLength": 1, "maxLength": 255, "pattern": r"^(?:arn:(aws|aws-cn|aws-us-gov):iam::\d{12}:role/[a-zA-Z0-9+=,.@_/-]+)$" }
    /// Pattern of ARNs, with `*` and `?` as in IAM policies.
    ArnPattern { "minLength": 1, "maxLength": 255, "pattern": r"^(?:\*|arn:[^\s]+)$" }
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
    /// Key of a label or an annotation, with or without a prefix.
    LabelKey { "minLength": 1, "maxLength": 317, "pattern": r"^(?:([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)$" }
    /// Value of a label.
    LabelValue { "minLength": 0, "maxLength": 63, "pattern": r"^(?:([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?)$" }
    /// Text under a key of a webhook's Secret, with placeholders.
    SecretText { "minLength": 0, "maxLength": 1024 }
    /// An AWS region such as `eu-central-1`.
    Region { "minLength": 1, "maxLength": 50, "pattern": r"^(?:[a-z]{2,4}(-[a-z]+)+-[0-9]+)$" }
    /// An HTTP(S) URL with which an endpoint of AWS is replaced.
    EndpointUrl { "minLength": 8, "maxLength": 2048, "pattern": r"^(?:https?://[^\s]+)$" }
    /// ID of a registered service (`ServiceId`).
    ServiceId { "minLength": 1, "maxLength": 255, "pattern": r"^(?:[a-zA-Z0-9_-]+)$" }
    /// ID of an association (`AssociationId`).
    AssociationId { "minLength": 1, "maxLength": 255, "pattern": r"^(?:[a-zA-Z0-9-]+)$" }
    /// Display name of a registration (`ServiceNameInput`).
    RegistrationName { "minLength": 1, "maxLength": 255, "pattern": r"^(?:[\p{L}\p{N} _-]+)$" }
    /// Name of an MCP server or remote agent (`MCPServerName`, `RemoteAgentName`).
    ServerName { "minLength": 1, "maxLength": 128, "pattern": r"^(?:[a-zA-Z0-9_-]+)$" }
    /// Address of an MCP server or remote agent (`MCPServerEndpoint`, `RemoteAgentEndpoint`).
    ServerEndpoint { "x-standard": "url", "minLength": 1, "maxLength": 2048, "pattern": r"^(?:https://[a-zA-Z0-9.-]+(?::[0-9]+)?(?:/.*)?)$" }
    /// What an MCP server or remote agent is for (`MCPServerDetailsDescriptionString` and its like).
    ServerDescription sensitive { "minLength": 0, "maxLength": 500, "pattern": r"^(?:[\p{L}\p{N}\p{P}\p{S}\p{Z}]+)$" }
    /// An HTTPS URL with an optional port and path.
    HttpsUrl { "x-standard": "url", "pattern": r"^(?:https://[a-zA-Z0-9.-]+(?::[0-9]+)?(?:/.*)?)$" }
    /// Page of the AWS console or of a space's web app to return to after signing in.
    ReturnToEndpoint { "x-standard": "url", "pattern": r"^(?:https://([a-zA-Z0-9.-]*\.(console\.(aws|aws-dev)|awsc-(integ|preprod)\.aws)\.amazon\.com|[a-zA-Z0-9-]+\.aidevops(-beta|-gamma)?\.global\.app\.aws)(/.*)?)$" }
    /// Name of an OAuth client.
    ClientName { "minLength": 1, "maxLength": 100, "pattern": r"^(?:[\p{L}\p{N}\p{Z}._-]+)$" }
    /// ID of an OAuth client (`ClientId`): printable ASCII.
    ClientId sensitive { "minLength": 1, "maxLength": 255, "pattern": r"^(?:[ -~]+)$" }
    /// An OAuth scope (`OAuthScope`).
    OAuthScope { "minLength": 1, "maxLength": 256, "pattern": r"^(?:[!#-\[\]-~]+)$" }
    /// Name by which people know an API key or token.
    CredentialName { "pattern": r"^(?:[a-zA-Z0-9_\s-]+)$" }
    /// HTTP header that an API key travels in.
    ApiKeyHeader { "x-standard": "no-case", "pattern": r"^(?:[a-zA-Z0-9-_]+)$" }
    /// HTTP header that a bearer token travels in.
    TokenHeader { "x-standard": "no-case", "pattern": r"^(?:[a-zA-Z0-9-]+)$" }
    /// Name of a custom HTTP header (`CustomHeaderName`).
    CustomHeaderName { "x-standard": "no-case", "minLength": 1, "maxLength": 256, "pattern": r"^(?:[a-zA-Z0-9-_]+)$" }
    /// Region that requests are signed for, or `*` (`SigV4Region`).
    SigV4Region { "minLength": 1, "maxLength": 50, "pattern": r"^(?:(\*|[a-z]{2,4}(-[a-z]+)+-\d+))$" }
    /// Service name that requests are signed for, such as `execute-api`.
    SigV4Service { "minLength": 1, "maxLength": 100 }
    /// Role of the deprecated form, which knows no pattern.
    LegacyRoleArn { "x-standard": "arn", "minLength": 0, "maxLength": 255 }
    /// URN of a Dynatrace account.
    DynatraceAccountUrn { "x-standard": "no-case", "minLength": 1, "maxLength": 255, "pattern": r"^(?:urn:dtaccount:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$" }
    /// URL of a ServiceNow instance (`ServiceNowInstanceUrl`).
    ServiceNowInstanceUrl { "x-standard": "url", "minLength": 1, "maxLength": 255, "pattern": r"^(?:https://[a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])\.service-now\.com/?)$" }
    /// URL of a GitLab instance, without a path.
    GitLabUrl { "x-standard": "url", "pattern": r"^(?:https://[a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])?(?::[0-9]{1,5})?/?)$" }
    /// A GUID (`Guid`).
    Guid { "x-standard": "no-case", "minLength": 0, "maxLength": 36, "pattern": r"^(?:[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12})$" }
    /// Number of a New Relic account.
    NewRelicAccountId { "minLength": 3, "maxLength": 7, "pattern": r"^(?:[0-9]+)$" }
    /// A number kept as a string.
    Digits { "pattern": r"^(?:[0-9]+)$" }
    /// GUID of a New Relic entity.
    NewRelicEntityGuid { "pattern": r"^(?:[a-zA-Z0-9_.-]+)$" }
    /// Number of an AWS account.
    AwsAccountId { "pattern": r"^(?:\d{12})$" }
    /// ID of an organizational unit, or of the root of an AWS Organization (`OrgUnitId`).
    OrganizationalUnitId { "pattern": r"^(?:(r-[0-9a-z]{4,32}|ou-[0-9a-z]{4,32}-[a-z0-9]{8,32}))$" }
    /// Name of a tool of an MCP server, as in a list of tools (`MCPToolsList`).
    ToolName { "pattern": r"^(?:[a-zA-Z0-9_-]+)$" }
    /// Name of a tool of an MCP server, where it is described (`MCPToolDetail`).
    ToolDetailName { "minLength": 1, "maxLength": 128, "pattern": r"^(?:[a-zA-Z0-9_-]+)$" }
    /// A name for people (`DisplayName`).
    DisplayName { "minLength": 1, "maxLength": 128, "pattern": r"^(?:[\p{L}\p{N}\p{P}\p{S}\p{Z}]+)$" }
    /// ID of a Slack workspace or enterprise.
    SlackWorkspaceId { "pattern": r"^(?:[TE][A-Z0-9]+)$" }
    /// ID of a Slack channel.
    SlackChannelId { "minLength": 8, "maxLength": 16, "pattern": r"^(?:[CGD][A-Z0-9]+)$" }
    /// ID of a Microsoft Teams channel (`MSTeamsChannelId`).
    TeamsChannelId { "minLength": 1, "maxLength": 256 }
    /// An email address (`EmailAddress`).
    EmailAddress sensitive { "x-standard": "email", "pattern": r"^(?:[a-zA-Z0-9._%+\-]+@[a-zA-Z0-9.\-]+\.[a-zA-Z]{2,})$" }
    /// A regular expression that a whole value has to match (`TriggerRegexPattern`).
    FilterPattern { "minLength": 1, "maxLength": 256, "pattern": r"^(?:[^\x00-\x1F\x7F-\x9F]+)$" }
    /// An IP address or DNS name (`IpAddressOrDnsName`).
    HostAddress { "x-standard": "host", "minLength": 3, "maxLength": 255, "pattern": r"^(?:[a-zA-Z0-9.:\-]+)$" }
    /// ID of a VPC (`VpcId`).
    VpcId { "minLength": 5, "maxLength": 50, "pattern": r"^(?:vpc-(([0-9a-z]{8})|([0-9a-z]{17})))$" }
    /// ID of a subnet (`SubnetId`).
    SubnetId { "minLength": 15, "maxLength": 24, "pattern": r"^(?:subnet-(([0-9a-z]{8})|([0-9a-z]{17})))$" }
    /// ID of a security group (`SecurityGroupId`).
    SecurityGroupId { "minLength": 11, "maxLength": 20, "pattern": r"^(?:sg-(([0-9a-z]{8})|([0-9a-z]{17})))$" }
    /// A port, or a range of ports (`PortRange`).
    PortRange { "minLength": 1, "maxLength": 11, "pattern": r"^(?:((\d{1,5}\-\d{1,5})|(\d+)))$" }
    /// ARN or ID of a VPC Lattice resource configuration (`ResourceConfigurationArn`).
    ResourceConfigurationArn { "x-standard": "arn-or-id", "minLength": 20, "maxLength": 2048, "pattern": r"^(?:(arn:[a-z0-9\-]+:vpc-lattice:[a-zA-Z0-9\-]+:\d{12}:resourceconfiguration/rcfg-[0-9a-z]{17}|rcfg-[0-9a-z]{17}))$" }
    /// A certificate chain in PEM form (`CertificateString`).
    CertificateString { "minLength": 1, "maxLength": 32768 }
    /// Kind of an asset (`AssetType`); the set is open.
    AssetType { "minLength": 1, "maxLength": 64 }
    /// Path of a file within an asset (`AssetFilePath`).
    AssetFilePath { "minLength": 1, "maxLength": 512, "pattern": r"^(?:[a-zA-Z0-9_./ ()-]+)$" }
    /// Text of a file (`AssetFileText`).
    AssetFileText { "minLength": 0, "maxLength": 6_291_456 }
    /// Bytes of a file in base64 (`AssetFileBytes`): four characters for every three bytes.
    /// By a pattern, since the API server's CEL takes `format: byte` for the URL-safe alphabet.
    AssetFileBase64 { "maxLength": 8_388_608, "pattern": r"^(?:([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?)$" }
    /// Where an asset is fetched from (`AssetContentUrl`).
    AssetSourceUrl { "minLength": 1, "maxLength": 2048, "pattern": r"^(?:https://.*)$" }
    /// ID of an asset or trigger (`ResourceId`).
    ResourceId { "minLength": 1, "maxLength": 128, "pattern": r"^(?:[a-zA-Z0-9_.-]+)$" }
    /// Kind of a trigger (`TriggerType`); the set is open.
    TriggerType { "minLength": 1, "maxLength": 64 }
    /// A rate or cron expression (`ScheduleExpression`).
    ScheduleExpression { "minLength": 1, "maxLength": 256 }
    /// A time of day in UTC, such as `09:30` (`TimeOfDay`).
    TimeOfDay { "minLength": 5, "maxLength": 5, "pattern": r"^(?:([01]\d|2[0-3]):[0-5]\d)$" }
}

#[cfg(test)]
mod tests {
    use super::{ClientId, ServerName};

    #[test]
    fn what_is_sensitive_is_not_in_a_debug_print() {
        assert_eq!(format!("{:?}", ClientId::from("who")), "ClientId(…)");
        assert_eq!(format!("{:?}", ServerName::from("runbooks")), "\"runbooks\"");
    }
}
