//! A trigger as a spec: the inverse of what the kind compares.

use serde_json::{Value, json};

use crate::api::Asset;
use crate::api::common::Object;
use crate::aws::operations::Trigger;
use crate::kinds::imported::{Described, Names};

use super::{form, task};

/// The asset that the trigger gives a task, if that is all it does.
pub fn agent(trigger: &Trigger) -> Option<&str> {
    let agent = trigger.action.pointer("/task/agent")?.as_str()?.strip_prefix("custom:")?;
    (trigger.action == task(agent)).then_some(agent)
}

/// The spec of an object for it.
pub fn describe(trigger: &Trigger, space: &Value, names: &Names) -> Described {
    let schedule = trigger.condition.get("schedule").unwrap_or(&Value::Null);
    // With a spec, the expression is derived from it.
    let schedule = match form(schedule) {
        "spec" => schedule["spec"].clone(),
        form => json!({ form: schedule[form] }),
    };
    let asset = agent(trigger).and_then(|id| names.reference(Asset::kind_name(), id));
    let action = asset.is_none().then_some(&trigger.action);
    let spec = json!({
        "agentSpaceRef": space,
        "type": trigger.r#type,
        "schedule": schedule,
        "action": action,
        "assetRef": asset,
        "suspend": (trigger.status != "Active").then_some(true),
    });
    Described::new(spec, &[])
}
