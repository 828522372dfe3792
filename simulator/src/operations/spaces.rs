//! Agent spaces.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::context::{Answer, Context, Object, iso};
use crate::error::ApiError;
use crate::input::Input;
use crate::paging::{Row, page};
use crate::random;
use crate::store::AgentSpace;
use crate::switches::SpaceDeletion;

use super::associations::organization;

const DEFAULT_LOCALE: &str = "en-US";
const DEFAULT_SOURCE_MODE: &str = "standalone";
const ELEVATED: &str = "elevatedActionsEnabled";

pub fn create(cx: &mut Context<'_>, input: &Input) -> Answer {
    let space = AgentSpace {
        agent_space_id: random::uuid(),
        sequence: cx.region.next(),
        name: input.text("name").to_owned(),
        description: input.owned("description"),
        locale: input.owned("locale").unwrap_or_else(|| DEFAULT_LOCALE.to_owned()),
        kms_key_arn: input.owned("kmsKeyArn"),
        preferences: preferences(input)?,
        aws_source_mode: input.owned("awsSourceMode").unwrap_or_else(|| DEFAULT_SOURCE_MODE.to_owned()),
        tags: super::tags::new_tags(input)?,
        created_at: cx.now,
        updated_at: cx.now,
        operator_app: BTreeMap::new(),
        associations: BTreeMap::new(),
        assets: BTreeMap::new(),
        triggers: BTreeMap::new(),
    };
    let answer = Object::new().with("agentSpace", show(&space, true)).map("tags", &space.tags).build();
    cx.region.agent_spaces.insert(space.agent_space_id.clone(), space);
    Ok(answer)
}

pub fn get(cx: &mut Context<'_>, input: &Input) -> Answer {
    let space = cx.space(input)?;
    Ok(Object::new().with("agentSpace", show(space, all_data(input))).map("tags", &space.tags).build())
}

pub fn list(cx: &mut Context<'_>, input: &Input) -> Answer {
    let rows = cx.listed().agent_spaces.values().map(|space| Row {
        sequence: space.sequence,
        id: &space.agent_space_id,
        item: space,
    });
    page(cx, input, ("agentSpaces", "spaces"), rows, |space| show(space, all_data(input)))
}

/// Members that are absent stay; preferences are replaced as a whole, and what is omitted gets its default.
pub fn update(cx: &mut Context<'_>, input: &Input) -> Answer {
    let (now, change) = (cx.now, cx.switches.source_mode_change);
    let space = cx.space_mut(input)?;
    if let Some(mode) = input.optional("awsSourceMode").filter(|mode| *mode != space.aws_source_mode) {
        organization::change_mode(space, mode, change)?;
    }
    if let Some(name) = input.owned("name") {
        space.name = name;
    }
    if let Some(description) = input.owned("description") {
        space.description = Some(description);
    }
    if let Some(locale) = input.owned("locale") {
        space.locale = locale;
    }
    if input.get("preferences").is_some() {
        space.preferences = preferences(input)?;
    }
    space.updated_at = now;
    Ok(Object::new().with("agentSpace", show(space, true)).build())
}

pub fn delete(cx: &mut Context<'_>, input: &Input) -> Answer {
    let id = input.text("agentSpaceId");
    let Some(space) = cx.region.agent_spaces.get(id) else { return cx.missing("Agent space", id) };
    let mut blocked = Vec::new();
    if cx.switches.space_deletion != SpaceDeletion::Cascade {
        blocked.push(("associations", space.associations.len()));
    }
    if cx.switches.space_deletion == SpaceDeletion::BlockedByChildren {
        blocked.extend([("assets", space.assets.len()), ("triggers", space.triggers.len())]);
    }
    let left: Vec<String> = blocked
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(what, count)| format!("{count} {what}"))
        .collect();
    if !left.is_empty() {
        return Err(ApiError::conflict(format!("Agent space {id} still has {}", left.join(", "))));
    }
    if let Some(space) = cx.region.agent_spaces.remove(id) {
        for association in space.associations.values() {
            cx.region.disassociated.insert(association.service_id.clone(), cx.now);
        }
    }
    Ok(Object::new().build())
}

fn preferences(input: &Input) -> Result<BTreeMap<String, bool>, ApiError> {
    let mut preferences: BTreeMap<String, bool> = input.read("preferences")?;
    preferences.entry(ELEVATED.to_owned()).or_insert(false);
    Ok(preferences)
}

fn all_data(input: &Input) -> bool {
    input.optional("includedData") != Some("METADATA_ONLY")
}

fn show(space: &AgentSpace, all_data: bool) -> Value {
    let shown = Object::new()
        .with("agentSpaceId", space.agent_space_id.as_str())
        .with("name", space.name.as_str())
        .with("locale", space.locale.as_str())
        .maybe("kmsKeyArn", space.kms_key_arn.as_deref())
        .with("awsSourceMode", space.aws_source_mode.as_str())
        .with("createdAt", iso(space.created_at))
        .with("updatedAt", iso(space.updated_at));
    if !all_data {
        return shown.build();
    }
    shown.maybe("description", space.description.as_deref()).map("preferences", &space.preferences).build()
}
