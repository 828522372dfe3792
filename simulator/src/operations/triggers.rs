//! Triggers, which run a custom agent on a schedule.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Value, json};

use crate::context::{Answer, Context, Object};
use crate::error::ApiError;
use crate::input::{Input, epoch};
use crate::paging::{Row, page};
use crate::random;
use crate::store::Trigger;

const TYPE: &str = "TIME_BASED";
const STATUSES: [&str; 2] = ["Active", "Inactive"];
const ACTION_TYPE: &str = "create:task";
const SCHEDULE: &str =
    r"^(rate\([1-9][0-9]* (minute|minutes|hour|hours|day|days)\)|cron\(([^ ()]+ ){5}[^ ()]+\))$";
static EXPRESSION: LazyLock<Result<Regex, regex::Error>> = LazyLock::new(|| Regex::new(SCHEDULE));

pub fn create(cx: &mut Context<'_>, input: &Input) -> Answer {
    cx.data_space(input)?;
    if input.text("type") != TYPE {
        return Err(ApiError::validation("/type", format!("The only type is {TYPE}")));
    }
    let status = input.optional("status").unwrap_or(STATUSES[0]);
    check_status(status)?;
    let condition = condition(input)?;
    check_action(cx, input)?;
    let trigger = Trigger {
        trigger_id: random::uuid(),
        agent_space_id: input.text("agentSpaceId").to_owned(),
        sequence: cx.region.next(),
        kind: TYPE.to_owned(),
        condition,
        action: input.get("action").cloned().unwrap_or_default(),
        status: status.to_owned(),
        created_at: cx.now,
        updated_at: cx.now,
    };
    let answer = Object::new().with("trigger", show(&trigger)).build();
    cx.space_mut(input)?.triggers.insert(trigger.trigger_id.clone(), trigger);
    Ok(answer)
}

pub fn get(cx: &mut Context<'_>, input: &Input) -> Answer {
    let id = input.text("triggerId");
    let space = cx.data_space(input)?;
    let trigger = space.triggers.get(id).ok_or_else(|| ApiError::not_found("Trigger", id))?;
    Ok(Object::new().with("trigger", show(trigger)).build())
}

pub fn list(cx: &mut Context<'_>, input: &Input) -> Answer {
    cx.data_space(input)?;
    let status = input.optional("status");
    let space = cx.listed_space(input)?;
    let rows = space
        .into_iter()
        .flat_map(|space| space.triggers.values())
        .filter(|trigger| status.is_none_or(|status| trigger.status == status))
        .map(|trigger| Row { sequence: trigger.sequence, id: &trigger.trigger_id, item: trigger });
    page(cx, input, ("items", &format!("triggers {}", input.text("agentSpaceId"))), rows, show)
}

pub fn update(cx: &mut Context<'_>, input: &Input) -> Answer {
    cx.data_space(input)?;
    let (id, now) = (input.text("triggerId"), cx.now);
    if let Some(status) = input.optional("status") {
        check_status(status)?;
    }
    let triggers = &mut cx.space_mut(input)?.triggers;
    let trigger = triggers.get_mut(id).ok_or_else(|| ApiError::not_found("Trigger", id))?;
    if let Some(status) = input.owned("status") {
        trigger.status = status;
        trigger.updated_at = now;
    }
    Ok(Object::new().with("trigger", show(trigger)).build())
}

pub fn delete(cx: &mut Context<'_>, input: &Input) -> Answer {
    cx.data_space(input)?;
    let id = input.text("triggerId");
    match cx.space_mut(input)?.triggers.remove(id) {
        Some(_) => Ok(Object::new().build()),
        None => cx.missing("Trigger", id),
    }
}

/// The asset that an action runs: `{"actionType": …, "task": {"agent": "custom:<asset id>"}}`.
pub fn agent_of(action: &Value) -> Option<&str> {
    action.pointer("/task/agent")?.as_str()?.strip_prefix("custom:")
}

fn check_status(status: &str) -> Result<(), ApiError> {
    if STATUSES.contains(&status) {
        return Ok(());
    }
    Err(ApiError::validation("/status", format!("The status must be one of {}", STATUSES.join(", "))))
}

fn check_action(cx: &Context<'_>, input: &Input) -> Result<(), ApiError> {
    if !cx.switches.action_needs_agent {
        return Ok(());
    }
    let action = input.get("action").unwrap_or(&Value::Null);
    if action["actionType"] != ACTION_TYPE {
        return Err(ApiError::validation(
            "/action/actionType",
            format!("The only action type is {ACTION_TYPE}"),
        ));
    }
    let assets = &cx.space(input)?.assets;
    let agent = agent_of(action).and_then(|id| assets.get(id));
    if agent.is_some_and(|asset| asset.asset_type == "custom_agent") {
        return Ok(());
    }
    let message = "The action must name a custom_agent asset of the space as custom:<assetId>";
    Err(ApiError::validation("/action/task/agent", message))
}

/// The condition as it is returned: a `spec` gains the expression that it means.
fn condition(input: &Input) -> Result<Value, ApiError> {
    const PATH: &str = "/condition/schedule";
    let schedule = input.get("condition").and_then(|condition| condition.get("schedule"));
    let schedule = schedule.unwrap_or(&Value::Null);
    match (schedule["expression"].as_str(), schedule.get("spec").filter(|spec| !spec.is_null())) {
        (Some(expression), None) => {
            check_expression(expression, &format!("{PATH}/expression"))?;
            Ok(json!({"schedule": {"expression": expression}}))
        }
        (None, Some(spec)) => {
            let expression = derive(spec);
            check_expression(&expression, &format!("{PATH}/spec/cron/expression"))?;
            Ok(json!({"schedule": {"expression": expression, "spec": spec}}))
        }
        _ => Err(ApiError::validation(PATH, "Exactly one of expression and spec must be given")),
    }
}

fn check_expression(expression: &str, path: &str) -> Result<(), ApiError> {
    let regex = EXPRESSION.as_ref().map_err(|error| ApiError::internal(error.to_string()))?;
    if regex.is_match(expression) {
        return Ok(());
    }
    Err(ApiError::validation(path, "The schedule must be rate(…) or cron(…) with six fields"))
}

fn derive(spec: &Value) -> String {
    if let Some(expression) = spec.pointer("/cron/expression").and_then(Value::as_str) {
        return expression.to_owned();
    }
    let range = &spec["timeRange"];
    let start = range["startAfter"].as_str().unwrap_or("00:00");
    let (hour, minute) = start.split_once(':').unwrap_or((start, "0"));
    let number = |text: &str| text.parse::<u8>().unwrap_or_default();
    let recurrence = &range["recurrence"];
    let days = if let Some(day) = recurrence["monthly"]["dayOfMonth"].as_i64() {
        format!("{day} * ?")
    } else if let Some(day) = recurrence["weekly"]["dayOfWeek"].as_str() {
        format!("? * {}", day.get(..3).unwrap_or(day))
    } else {
        "* * ?".to_owned()
    };
    format!("cron({} {} {days} *)", number(minute), number(hour))
}

fn show(trigger: &Trigger) -> Value {
    Object::new()
        .with("triggerId", trigger.trigger_id.as_str())
        .with("agentSpaceId", trigger.agent_space_id.as_str())
        .with("type", trigger.kind.as_str())
        .with("condition", trigger.condition.clone())
        .with("action", trigger.action.clone())
        .with("status", trigger.status.as_str())
        .with("createdAt", epoch(trigger.created_at))
        .with("updatedAt", epoch(trigger.updated_at))
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_range_becomes_a_cron_expression() {
        let spec = |recurrence: Value| json!({"timeRange": {"startAfter": "22:05", "startBefore": "01:00", "recurrence": recurrence}});
        assert_eq!(derive(&spec(json!({"daily": {}}))), "cron(5 22 * * ? *)");
        assert_eq!(derive(&spec(json!({"weekly": {"dayOfWeek": "MONDAY"}}))), "cron(5 22 ? * MON *)");
        assert_eq!(derive(&spec(json!({"monthly": {"dayOfMonth": 31}}))), "cron(5 22 31 * ? *)");
    }

    #[test]
    fn an_expression_is_a_rate_or_a_cron() {
        for good in ["rate(1 day)", "rate(15 minutes)", "cron(0 9 ? * MON *)"] {
            assert!(check_expression(good, "").is_ok(), "{good}");
        }
        for bad in ["rate(0 days)", "rate(x)", "cron(0 9 * * *)", "daily", "cron(0 9 ? * MON *) "] {
            assert!(check_expression(bad, "").is_err(), "{bad}");
        }
    }
}
