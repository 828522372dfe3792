//! What AWS knows of an asset. The API takes any document; these are the members that its guide names. Words of AWS's
//! own, such as the names of its agents, are suggested and never refused: AWS adds to them without a new model.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::api::scalars::ResourceId;
use crate::api::schema;

/// Metadata of an asset. Fields that are not listed here are passed on as they are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Metadata {
    /// Name by which the agent knows the asset. Skills and custom agents: 1 to 64 lowercase letters, digits
    /// and hyphens. Memory stores: up to 128 characters. Memories: a path such as
    /// `services/checkout/known-issues`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub name: Option<String>,

    /// What the asset is for. The agent selects skills by their description, which has at most 1024
    /// characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub description: Option<String>,

    /// Which agents use a skill or memory store: `GENERIC` alone, for all of them, or any of `CHAT`,
    /// `INCIDENT_TRIAGE`, `INCIDENT_RCA`, `INCIDENT_MITIGATION`, `PREVENTION`, `RELEASE_READINESS_REVIEW`,
    /// `RELEASE_TESTING`, `ON_DEMAND`, `EVALUATION`. AWS may support others; any value is passed on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), transform = schema::set)]
    pub agent_types: Option<Vec<String>>,

    /// Which agent the instructions (`agents_md`) are for: one of the values of `agent_types`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub agent_type: Option<String>,

    /// Whether a skill is active: `ACTIVE` or `INACTIVE`. AWS defaults to `ACTIVE`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,

    /// Type of a skill: `USER` for skills written by people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skill_type: Option<String>,

    /// File name of an attachment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub filename: Option<String>,

    /// File extension of an attachment, for example `pdf`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extension: Option<String>,

    /// Size of an attachment in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub size: Option<i64>,

    /// Names of the tools that a custom agent may use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<Vec<String>>,

    /// Names of the skills that a custom agent has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skills: Option<Vec<String>>,

    /// Names of the memory stores that a custom agent reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_stores: Option<Vec<String>>,

    /// AWS ID of the memory store that holds a memory. Alternatively, set `memoryStoreRef`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_store_id: Option<ResourceId>,

    /// What a test profile tests: `releaseUiTesting` or `releaseApiTesting`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_agent_type: Option<String>,

    /// URL that a test profile tests, for example `https://staging.example.com`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub target_url: Option<String>,

    /// Personas that a test profile tests as: `guest`, `authenticated`, or both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_personas: Option<Vec<String>>,

    /// ARN of the AWS Secrets Manager secret that holds the credentials for a test profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials_secret_arn: Option<String>,

    /// Any other field, passed on as it is.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

/// Members that the metadata of each type of asset must have.
const REQUIRED: &[(&str, &[&str])] = &[
    ("skill", &["agent_types"]),
    ("agents_md", &["agent_type"]),
    ("attachment", &["filename", "extension", "size"]),
    ("custom_agent", &["name"]),
    ("memory_store", &["name", "description", "agent_types"]),
    ("memory", &["name", "description"]),
    ("test_profile", &["test_agent_type", "target_url"]),
    ("feedback", &["agent_types"]),
];

/// What the names of the types that have a rule for it look like.
const NAMES: &[(&str, &str, &str)] = &[
    ("skill", "^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$", "1 to 64 lowercase letters, digits and hyphens"),
    ("custom_agent", "^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$", "1 to 64 lowercase letters, digits and hyphens"),
    ("memory_store", "^.{1,128}$", "1 to 128 characters"),
    (
        "memory",
        "^[a-z0-9]+(-[a-z0-9]+)*(/[a-z0-9]+(-[a-z0-9]+)*)*$",
        "kebab-case segments separated by slashes",
    ),
];

/// The CEL rules on the spec of an asset.
pub fn rules() -> Vec<Value> {
    let mut rules = super::own_rules();
    for (asset_type, members) in REQUIRED {
        for member in *members {
            rules.push(required(&format!("self.assetType != '{asset_type}'"), asset_type, member));
        }
    }
    for member in ["name", "description"] {
        let excused = "self.assetType != 'skill' || has(self.content.zip) || has(self.content.sourceUrl)";
        rules.push(required(excused, "skill", member));
    }
    for (asset_type, pattern, words) in NAMES {
        rules.push(schema::rule(
            ".metadata.name",
            &format!("self.assetType != '{asset_type}' || !has(self.metadata) || !has(self.metadata.name) || self.metadata.name.matches('{pattern}')"),
            &format!("for assetType {asset_type}, metadata.name must be {words}"),
        ));
    }
    rules.push(schema::rule(
        ".metadata.description",
        "self.assetType != 'skill' || !has(self.metadata) || !has(self.metadata.description) || self.metadata.description.size() <= 1024",
        "for assetType skill, metadata.description must have at most 1024 characters",
    ));
    rules.push(schema::rule(
        ".memoryStoreRef",
        "self.assetType != 'memory' || has(self.memoryStoreRef) || (has(self.metadata) && has(self.metadata.memory_store_id))",
        "assetType memory needs memoryStoreRef or metadata.memory_store_id",
    ));
    rules.push(schema::rule(
        ".memoryStoreRef",
        "!has(self.memoryStoreRef) || self.assetType == 'memory'",
        "memoryStoreRef is only valid with assetType memory",
    ));
    rules.push(schema::rule(
        ".memoryStoreRef",
        "!has(self.memoryStoreRef) || !has(self.metadata) || !has(self.metadata.memory_store_id)",
        "memoryStoreRef and metadata.memory_store_id are mutually exclusive",
    ));
    rules
}

/// A rule that a member of the metadata is set, unless `excused` holds.
fn required(excused: &str, asset_type: &str, member: &str) -> Value {
    schema::rule(
        &format!(".metadata.{member}"),
        &format!("{excused} || (has(self.metadata) && has(self.metadata.{member}))"),
        &format!("assetType {asset_type} needs metadata.{member}"),
    )
}
