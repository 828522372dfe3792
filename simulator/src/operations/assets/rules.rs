//! What the types of assets require of their metadata and content. The model only says "a document".

use serde_json::{Map, Value, json};

use crate::error::ApiError;
use crate::store::AssetVersion;

/// A type of asset.
pub struct Type {
    /// Its name in the API.
    pub name: &'static str,
    /// What it is for.
    pub description: &'static str,
    required: &'static [&'static str],
    natural_key: Option<&'static str>,
}

/// All types that a customer can create.
pub const TYPES: &[Type] = &[
    Type {
        name: "skill",
        description: "Instructions for the agents",
        required: &["name", "description", "agent_types"],
        natural_key: Some("name"),
    },
    Type {
        name: "agents_md",
        description: "What one type of agent always reads",
        required: &["agent_type"],
        natural_key: Some("agent_type"),
    },
    Type {
        name: "attachment",
        description: "A file for a chat or a task",
        required: &["filename", "extension", "size"],
        natural_key: None,
    },
    Type {
        name: "custom_agent",
        description: "An agent with its own instructions, tools and skills",
        required: &["name"],
        natural_key: Some("name"),
    },
    Type {
        name: "memory_store",
        description: "A place for memories",
        required: &["name"],
        natural_key: Some("name"),
    },
    Type {
        name: "memory",
        description: "Something that the agents remember",
        required: &["name", "description", "memory_store_id"],
        natural_key: None,
    },
    Type {
        name: "test_profile",
        description: "How a release is tested",
        required: &["test_agent_type", "target_url"],
        natural_key: None,
    },
    Type {
        name: "feedback",
        description: "What people said about the agents' work",
        required: &["agent_types"],
        natural_key: None,
    },
];

const AGENT_TYPES: [&str; 8] = [
    "GENERIC",
    "CHAT",
    "INCIDENT_TRIAGE",
    "INCIDENT_RCA",
    "INCIDENT_MITIGATION",
    "PREVENTION",
    "RELEASE_READINESS_REVIEW",
    "RELEASE_TESTING",
];
const LONGEST_TEXT: usize = 1_572_864;
const LONGEST_AGENTS_MD: usize = 25 * 1024;

/// The metadata key that tells two assets of a type apart.
pub fn natural_key(kind: &str) -> Option<&'static str> {
    TYPES.iter().find(|known| known.name == kind)?.natural_key
}

/// Adds what the service adds, and drops what it drops.
pub fn complete(kind: &str, metadata: &mut Map<String, Value>) {
    if kind == "skill" {
        metadata.entry("status").or_insert_with(|| json!("ACTIVE"));
        metadata.insert("skill_type".to_owned(), json!("USER"));
    } else {
        metadata.remove("status");
    }
}

/// Are metadata and content what the type requires?
pub fn check(kind: &str, version: &AssetVersion) -> Result<(), ApiError> {
    let metadata = &version.metadata;
    let required = TYPES.iter().find(|known| known.name == kind).map_or(&[][..], |known| known.required);
    if let Some(missing) = required.iter().find(|name| metadata.get(**name).is_none_or(Value::is_null)) {
        return Err(refuse(missing, "Member must not be null"));
    }
    check_name(kind, metadata)?;
    check_agent_types(metadata)?;
    one_of(metadata, "agent_type", &AGENT_TYPES)?;
    one_of(metadata, "test_agent_type", &["releaseUiTesting", "releaseApiTesting"])?;
    if kind == "skill" {
        one_of(metadata, "status", &["ACTIVE", "INACTIVE"])?;
        text_length(metadata, "description", 1024)?;
    }
    check_size(kind, version)
}

fn refuse(name: &str, message: impl Into<String>) -> ApiError {
    ApiError::validation(&format!("/metadata/{name}"), message)
}

fn check_name(kind: &str, metadata: &Map<String, Value>) -> Result<(), ApiError> {
    match kind {
        "skill" | "custom_agent" => {
            text_length(metadata, "name", 64)?;
            if metadata["name"].as_str().is_some_and(kebab) {
                return Ok(());
            }
            Err(refuse(
                "name",
                "The name must consist of lower-case letters, digits and hyphens, and must not begin or end with a hyphen",
            ))
        }
        "memory_store" => text_length(metadata, "name", 128),
        "memory" => {
            text_length(metadata, "name", 255)?;
            if metadata["name"].as_str().is_some_and(|name| name.split('/').all(kebab)) {
                return Ok(());
            }
            Err(refuse(
                "name",
                "The name must be a path whose parts consist of lower-case letters, digits and hyphens",
            ))
        }
        _ => Ok(()),
    }
}

fn kebab(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with('-')
        && !text.ends_with('-')
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

fn text_length(metadata: &Map<String, Value>, name: &str, longest: usize) -> Result<(), ApiError> {
    let Some(value) = metadata.get(name) else { return Ok(()) };
    let length = value.as_str().ok_or_else(|| refuse(name, "Member must be a string"))?.chars().count();
    if (1..=longest).contains(&length) {
        return Ok(());
    }
    Err(refuse(name, format!("Member must have length between 1 and {longest}")))
}

fn one_of(metadata: &Map<String, Value>, name: &str, allowed: &[&str]) -> Result<(), ApiError> {
    match metadata.get(name) {
        Some(value) if value.as_str().is_none_or(|value| !allowed.contains(&value)) => {
            Err(refuse(name, format!("Member must satisfy enum value set: [{}]", allowed.join(", "))))
        }
        _ => Ok(()),
    }
}

fn check_agent_types(metadata: &Map<String, Value>) -> Result<(), ApiError> {
    let Some(value) = metadata.get("agent_types") else { return Ok(()) };
    let bad = || refuse("agent_types", format!("GENERIC alone, or some of [{}]", AGENT_TYPES.join(", ")));
    let types = value.as_array().filter(|types| !types.is_empty()).ok_or_else(bad)?;
    let known = |value: &Value| value.as_str().is_some_and(|name| AGENT_TYPES.contains(&name));
    if types.iter().all(known) && (types.len() == 1 || !types.contains(&json!("GENERIC"))) {
        return Ok(());
    }
    Err(bad())
}

fn check_size(kind: &str, version: &AssetVersion) -> Result<(), ApiError> {
    let longest = if kind == "agents_md" { LONGEST_AGENTS_MD } else { LONGEST_TEXT };
    for (path, file) in &version.files {
        if file.content["text"].as_str().is_some_and(|text| text.len() > longest) {
            let message = format!("{path} is longer than {longest} bytes");
            return Err(ApiError::new("ContentSizeExceededException", message));
        }
    }
    Ok(())
}
