//! How AWS signs in to a registered service. Credentials are always in Secrets.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use crate::api::common::SecretValue;
use crate::api::scalars::{
    ApiKeyHeader, ClientId, ClientName, CredentialName, CustomHeaderName, Digits, HttpsUrl, LegacyRoleArn,
    NewRelicAccountId, NewRelicEntityGuid, OAuthScope, ReturnToEndpoint, RoleArn, SigV4Region, SigV4Service,
    TokenHeader,
};
use crate::api::schema;
use crate::api::union::union;

use super::service_types::NewRelicRegion;

union! {
    /// Authentication to Dynatrace, ServiceNow or PagerDuty (`PagerDutyAuthorizationConfig` and its like).
    pub enum OAuthClientAuthorization {
        /// OAuth client credentials.
        "oAuthClientCredentials" => OAuthClientCredentials(OAuthClient),
    }
}

union! {
    /// Authentication to Datadog (`DatadogAuthorizationConfig`).
    pub enum DatadogAuthorization {
        /// Discovers from the server how to sign in; a person signs in at `status.authorizationUrl`.
        "authorizationDiscovery" => AuthorizationDiscovery(AuthorizationDiscovery),
    }
}

union! {
    /// Authentication to an MCP server (`MCPServerAuthorizationConfig`): exactly one way.
    pub enum McpAuthorization {
        /// OAuth client credentials.
        "oAuthClientCredentials" => OAuthClientCredentials(OAuthClientCredentials),
        /// OAuth on behalf of a person, who signs in once at `status.authorizationUrl`.
        "oAuth3LO" => OAuth3Lo(OAuth3Lo),
        /// An API key in a header.
        "apiKey" => ApiKey(ApiKey),
        /// A bearer token.
        "bearerToken" => BearerToken(BearerToken),
        /// Custom headers.
        "customHeaders" => CustomHeaders(CustomHeaders),
        /// Discovers from the server how to sign in; a person signs in at `status.authorizationUrl`.
        "authorizationDiscovery" => AuthorizationDiscovery(AuthorizationDiscovery),
    }
}

union! {
    /// Authentication to a remote agent (`RemoteAgentAuthorizationConfig`): exactly one way.
    pub enum RemoteAgentAuthorization {
        /// An API key in a header.
        "apiKey" => ApiKey(ApiKey),
        /// OAuth client credentials.
        "oAuthClientCredentials" => OAuthClientCredentials(OAuthClientCredentials),
        /// A bearer token.
        "bearerToken" => BearerToken(BearerToken),
    }
}

union! {
    /// Authentication to New Relic (`NewRelicServiceAuthorizationConfig`).
    pub enum NewRelicAuthorization {
        /// A user key of New Relic.
        "apiKey" => ApiKey(NewRelicApiKey),
    }
}

/// An OAuth client whose token endpoint AWS knows (`PagerDutyOAuthClientCredentialsConfig` and its like).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OAuthClient {
    /// Display name of the client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_name: Option<ClientName>,

    /// ID of the client.
    pub client_id: ClientId,

    /// Additional parameters of the token request, by name; each value is kept in a Secret.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub exchange_parameters: BTreeMap<String, SecretValue>,

    /// Client secret: 1 to 512 characters without whitespace.
    pub client_secret: SecretValue,
}

/// An OAuth client of any token endpoint (`MCPServerOAuthClientCredentialsConfig`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OAuthClientCredentials {
    /// Display name of the client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_name: Option<ClientName>,

    /// ID of the client.
    pub client_id: ClientId,

    /// Additional parameters of the token request, by name; each value is kept in a Secret.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub exchange_parameters: BTreeMap<String, SecretValue>,

    /// Client secret: 1 to 512 characters without whitespace.
    pub client_secret: SecretValue,

    /// URL of the token endpoint, for example `https://login.example.com/oauth/token`.
    pub exchange_url: HttpsUrl,

    /// Scopes to request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 100))]
    pub scopes: Option<Vec<OAuthScope>>,
}

/// OAuth on behalf of a person (`MCPServerOAuth3LOConfig`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OAuth3Lo {
    /// Display name of the client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_name: Option<ClientName>,

    /// ID of the client.
    pub client_id: ClientId,

    /// Additional parameters of the token request, by name; each value is kept in a Secret.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub exchange_parameters: BTreeMap<String, SecretValue>,

    /// Page to return to after signing in, in the AWS console or a space's web app.
    pub return_to_endpoint: ReturnToEndpoint,

    /// URL where the person signs in, for example `https://login.example.com/oauth/authorize`.
    pub authorization_url: HttpsUrl,

    /// URL of the token endpoint, for example `https://login.example.com/oauth/token`.
    pub exchange_url: HttpsUrl,

    /// Client secret, for a confidential client: up to 512 characters without whitespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<SecretValue>,

    /// Whether the server supports a code challenge (PKCE).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub support_code_challenge: Option<bool>,

    /// Scopes to request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 100))]
    pub scopes: Option<Vec<OAuthScope>>,
}

/// An API key in a header (`MCPServerAPIKeyConfig`, `RemoteAgentAPIKeyConfig`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApiKey {
    /// Display name of the key.
    pub api_key_name: CredentialName,

    /// The key: printable ASCII without leading or trailing spaces.
    pub api_key_value: SecretValue,

    /// Header that carries the key, for example `X-API-Key`.
    pub api_key_header: ApiKeyHeader,
}

/// A bearer token (`MCPServerBearerTokenConfig`, `RemoteAgentBearerTokenConfig`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BearerToken {
    /// Display name of the token.
    pub token_name: CredentialName,

    /// The token, without whitespace.
    pub token_value: SecretValue,

    /// Header that carries the token. If omitted, AWS uses `Authorization`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_header: Option<TokenHeader>,
}

/// Custom headers (`MCPServerCustomHeadersConfig`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CustomHeaders {
    /// One to three headers by name. Each value is kept in a Secret: printable ASCII, at most 4096
    /// characters, without leading or trailing spaces.
    #[schemars(schema_with = "one_to_three_headers")]
    pub headers: BTreeMap<CustomHeaderName, SecretValue>,
}

fn one_to_three_headers(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = headers(generator, 3);
    schema.insert("minProperties".into(), 1.into());
    schema
}

/// How to sign in is discovered from the server (`MCPServerAuthorizationDiscoveryConfig`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuthorizationDiscovery {
    /// Page to return to after signing in, in the AWS console or a space's web app.
    pub return_to_endpoint: ReturnToEndpoint,
}

/// A user key of New Relic (`NewRelicApiKeyConfig`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewRelicApiKey {
    /// The user key; it starts with `NRAK-`.
    pub api_key: SecretValue,

    /// New Relic account ID, for example `"1234567"`.
    pub account_id: NewRelicAccountId,

    /// Region of the account.
    pub region: NewRelicRegion,

    /// IDs of the applications that the agent looks at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application_ids: Option<Vec<Digits>>,

    /// GUIDs of the entities that the agent looks at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entity_guids: Option<Vec<NewRelicEntityGuid>>,

    /// IDs of the alert policies that the agent looks at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alert_policy_ids: Option<Vec<Digits>>,
}

/// Requests to an MCP server, signed with AWS Signature Version 4 (`MCPServerSigV4AuthorizationConfig`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    schema::rule(".roleArn", "!has(self.roleArn) || !has(self.mcpRoleArn) || self.roleArn == self.mcpRoleArn", "roleArn is the old name of mcpRoleArn: set only mcpRoleArn"),
]))]
pub struct SigV4Authorization {
    /// Region to sign requests for, for example `us-east-1`, or `*` for any.
    pub region: SigV4Region,

    /// Service name to sign requests for, for example `execute-api`.
    pub service: SigV4Service,

    /// Deprecated: use `mcpRoleArn`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<LegacyRoleArn>,

    /// IAM role whose credentials sign the requests. If omitted, the role of the space's association with the
    /// monitored AWS account is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mcp_role_arn: Option<RoleArn>,

    /// Up to ten additional headers by name; each value is kept in a Secret.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "up_to_ten_headers")]
    pub custom_headers: BTreeMap<CustomHeaderName, SecretValue>,
}

fn up_to_ten_headers(generator: &mut SchemaGenerator) -> Schema {
    headers(generator, 10)
}

/// Headers by name; HTTP takes names that differ only in case for the same.
fn headers(generator: &mut SchemaGenerator, max: usize) -> Schema {
    let mut schema = schema::map_of::<CustomHeaderName, SecretValue>(generator, max);
    schema::add_rule(
        &mut schema,
        schema::rule_here(
            "self.all(one, self.exists_one(other, one.lowerAscii() == other.lowerAscii()))",
            "two header names that differ only in case are the same header",
        ),
    );
    schema
}

/// Requests to a remote agent, signed with AWS Signature Version 4 (`RemoteAgentSigV4AuthorizationConfig`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SigV4RoleAuthorization {
    /// Region to sign requests for, for example `us-east-1`, or `*` for any.
    pub region: SigV4Region,

    /// Service name to sign requests for, for example `execute-api`.
    pub service: SigV4Service,

    /// IAM role whose credentials sign the requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<RoleArn>,
}
