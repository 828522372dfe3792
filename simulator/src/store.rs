//! What exists in the simulated AWS, per account and region.
//!
//! Records have the names and the spelling of the API, so that the state on disk, in tests and in out-of-band changes
//! reads like its responses.

#![expect(clippy::struct_field_names, reason = "the names are those of the API")]

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Tags by key.
pub type Tags = BTreeMap<String, String>;

/// Everything, in all accounts.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct World {
    /// Regions by account and name.
    pub accounts: BTreeMap<String, BTreeMap<String, Region>>,
    /// Temporary credentials by access key id.
    pub credentials: BTreeMap<String, TemporaryCredentials>,
    /// What came in through webhooks.
    pub incidents: Vec<Incident>,
}

/// One region of one account.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Region {
    /// Agent spaces by id.
    pub agent_spaces: BTreeMap<String, AgentSpace>,
    /// Registered services by id.
    pub services: BTreeMap<String, Service>,
    /// Private connections by name.
    pub private_connections: BTreeMap<String, Connection>,
    /// Registrations waiting for a person, by the token in their URL.
    pub pending_registrations: BTreeMap<String, PendingRegistration>,
    /// Client tokens that were used.
    pub client_tokens: BTreeMap<String, UsedToken>,
    /// When the last association of a service went away.
    pub disassociated: BTreeMap<String, Timestamp>,
    /// When a role was first named.
    pub roles: BTreeMap<String, Timestamp>,
    /// Number of the newest resource; gives lists their order.
    pub sequence: u64,
}

/// An agent space and everything in it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentSpace {
    pub agent_space_id: String,
    pub sequence: u64,
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    pub locale: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kms_key_arn: Option<String>,
    pub preferences: BTreeMap<String, bool>,
    #[serde(default = "standalone")]
    pub aws_source_mode: String,
    pub tags: Tags,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// Enabled flows of the operator app by name: `iam`, `idc`, `idp`.
    #[serde(default)]
    pub operator_app: BTreeMap<String, AuthFlow>,
    #[serde(default)]
    pub associations: BTreeMap<String, Association>,
    #[serde(default)]
    pub assets: BTreeMap<String, Asset>,
    #[serde(default)]
    pub triggers: BTreeMap<String, Trigger>,
}

/// One way to sign in to the operator app.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthFlow {
    /// What the API returns, except timestamps.
    pub details: Map<String, Value>,
    /// Never returned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<String>,
    pub created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Timestamp>,
}

/// A registered service.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Service {
    pub service_id: String,
    pub sequence: u64,
    pub service_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub accessible_resources: Vec<Value>,
    /// The part of the registration that can be read back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub additional_service_details: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kms_key_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private_connection_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_url_private_connection_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exchange_url_private_connection_name: Option<String>,
    pub tags: Tags,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// `api` or `console`.
    pub origin: String,
    /// The input of the registration, secrets included: tests check here what reached AWS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registration: Option<Value>,
}

impl Service {
    /// The private connections that it goes through.
    pub fn connections(&self) -> impl Iterator<Item = &String> {
        [
            &self.private_connection_name,
            &self.target_url_private_connection_name,
            &self.exchange_url_private_connection_name,
        ]
        .into_iter()
        .flatten()
    }
}

/// A registration that a person must finish.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PendingRegistration {
    pub service: Service,
    pub expires_at: Timestamp,
}

/// A service connected to a space.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Association {
    pub association_id: String,
    pub agent_space_id: String,
    pub sequence: u64,
    pub service_id: String,
    pub configuration: Value,
    /// The accounts of the organization that it is for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub organization: Option<Organization>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<Value>,
    pub status: String,
    /// When a `pending-confirmation` is over.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub settles_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook: Option<Webhook>,
}

/// The accounts that an association with an AWS Organization is for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Organization {
    pub accounts: Vec<String>,
    /// The account that the space is in, which nothing can be deployed to.
    pub management_account: String,
}

/// The webhook of an association.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Webhook {
    pub webhook_id: String,
    pub webhook_type: String,
    /// Signing secret or bearer token.
    pub secret: String,
}

/// A private connection.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Connection {
    pub name: String,
    pub sequence: u64,
    #[serde(rename = "type")]
    pub kind: String,
    pub status: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub host_address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub vpc_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub resource_gateway_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub resource_configuration_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub dns_resolution: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub failure_message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub certificate_expiry_time: Option<Timestamp>,
    pub tags: Tags,
    /// The input, certificate included.
    pub mode: Value,
    /// When the current transition is over.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub settles_at: Option<Timestamp>,
}

/// An asset with all its versions.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Asset {
    pub asset_id: String,
    pub sequence: u64,
    pub asset_type: String,
    pub created_at: Timestamp,
    /// The newest version.
    #[serde(flatten)]
    pub current: AssetVersion,
    /// The versions before it, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub history: Vec<AssetVersion>,
}

/// An asset as it was at some version.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AssetVersion {
    pub version: i32,
    pub updated_at: Timestamp,
    pub metadata: Map<String, Value>,
    pub files: BTreeMap<String, AssetFile>,
}

/// A file of an asset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AssetFile {
    /// `{"text": …}` or `{"bytes": base64}`.
    pub content: Value,
    #[serde(skip_serializing_if = "Map::is_empty", default)]
    pub metadata: Map<String, Value>,
    /// Version of the asset in which the file last changed.
    pub version: i32,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A trigger.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Trigger {
    pub trigger_id: String,
    pub agent_space_id: String,
    pub sequence: u64,
    #[serde(rename = "type")]
    pub kind: String,
    pub condition: Value,
    pub action: Value,
    pub status: String,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A client token and the response to it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UsedToken {
    pub input_digest: String,
    pub answer: Value,
    pub expires_at: Timestamp,
}

/// What `AssumeRole` issued.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TemporaryCredentials {
    pub account: String,
    pub principal: String,
    pub secret_access_key: String,
    pub session_token: String,
    pub expires_at: Timestamp,
}

/// A call that came in through a webhook.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Incident {
    pub received_at: Timestamp,
    pub account: String,
    pub region: String,
    pub agent_space_id: String,
    pub association_id: String,
    pub webhook_id: String,
    pub webhook_type: String,
    /// The same incident with the same time had come before.
    pub duplicate: bool,
    pub body: Value,
}

impl World {
    /// The region of an account, with what its console registered, created on first touch.
    pub fn region(&mut self, account: &str, region: &str, now: Timestamp) -> &mut Region {
        self.accounts
            .entry(account.to_owned())
            .or_default()
            .entry(region.to_owned())
            .or_insert_with(|| crate::seed::region(now))
    }

    /// All regions with their account and name.
    pub fn regions_mut(&mut self) -> impl Iterator<Item = (&str, &str, &mut Region)> {
        self.accounts.iter_mut().flat_map(|(account, regions)| {
            regions.iter_mut().map(move |(name, region)| (account.as_str(), name.as_str(), region))
        })
    }
}

fn standalone() -> String {
    "standalone".to_owned()
}

impl Region {
    /// The number of the next resource.
    pub fn next(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    /// Lets time pass: transitions whose time has come are completed.
    pub fn settle(&mut self, now: Timestamp) {
        let due = |at: Option<Timestamp>| at.is_some_and(|at| at <= now);
        self.private_connections.retain(|_, connection| {
            !(connection.status == "DELETE_IN_PROGRESS" && due(connection.settles_at))
        });
        for connection in
            self.private_connections.values_mut().filter(|connection| due(connection.settles_at))
        {
            connection.settles_at = None;
            crate::operations::connections::complete(connection);
        }
        for association in self.agent_spaces.values_mut().flat_map(|space| space.associations.values_mut()) {
            if due(association.settles_at) {
                association.settles_at = None;
                crate::operations::associations::refresh_status(association);
            }
            crate::operations::associations::organization::look(association, now);
        }
        self.pending_registrations.retain(|_, pending| pending.expires_at > now);
    }
}
