//! Trigger: work that the agent starts by itself.

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::common::{CommonStatus, ObjectRef, Policies, object};
use super::scalars::{ScheduleExpression, TimeOfDay, TriggerType};
use super::schema;
use super::union::union;

/// Work that the agent starts on a schedule.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "devopsagent.dev",
    version = "v1alpha1",
    kind = "Trigger",
    plural = "triggers",
    shortname = "trigger",
    category = "devopsagent",
    doc = "Work that the agent starts on a schedule.",
    namespaced,
    status = "TriggerStatus",
    derive = "PartialEq",
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Synced","type":"string","jsonPath":".status.conditions[?(@.type==\"Synced\")].status"}"#,
    printcolumn = r#"{"name":"Reason","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].reason"}"#,
    printcolumn = r#"{"name":"Summary","type":"string","jsonPath":".status.summary"}"#,
    printcolumn = r#"{"name":"Schedule","type":"string","jsonPath":".status.expression"}"#,
    printcolumn = r#"{"name":"Suspended","type":"boolean","jsonPath":".spec.suspend"}"#,
    printcolumn = r#"{"name":"Space","type":"string","jsonPath":".spec.agentSpaceRef.name"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#,
    printcolumn = r#"{"name":"ID","type":"string","jsonPath":".status.id","priority":1}"#,
    printcolumn = r#"{"name":"Type","type":"string","jsonPath":".spec.type","priority":1}"#
)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    schema::immutable("agentSpaceRef", "delete and recreate the object"),
    schema::immutable("type", "delete and recreate the object"),
    schema::exactly_one(&["action", "assetRef"]),
]))]
pub struct TriggerSpec {
    #[serde(flatten)]
    pub policies: Policies,

    /// The AgentSpace that does the work.
    pub agent_space_ref: ObjectRef,

    /// Type of the trigger. AWS supports `TIME_BASED`, which is the default.
    #[serde(default = "time_based", rename = "type")]
    pub trigger_type: TriggerType,

    /// When the work starts: exactly one form. AWS can't change a trigger, so when this changes the operator
    /// replaces it.
    pub schedule: Schedule,

    /// What to do, in the API's format, for example `{actionType: "create:task", task: {agent: "custom:<ID of
    /// a custom_agent asset>"}}`. `assetRef` is easier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::free_object")]
    pub action: Option<Map<String, Value>>,

    /// The Asset of type `custom_agent` that gets a task, instead of `action`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asset_ref: Option<ObjectRef>,

    /// Whether the trigger is suspended. It stays in AWS, inactive.
    #[serde(default)]
    pub suspend: bool,
}

fn time_based() -> TriggerType {
    TriggerType::from("TIME_BASED")
}

union! {
    /// When the work starts: exactly one form. (The API nests `cron` and `timeRange` in `spec`.)
    pub enum Schedule {
        /// An EventBridge rate or cron expression, in UTC: `rate(1 day)` or `cron(0 9 ? * MON *)`.
        "expression" => Expression(ScheduleExpression),
        /// A cron expression.
        "cron" => Cron(CronSchedule),
        /// Once a day, week or month, within a time range.
        "timeRange" => TimeRange(TimeRange),
    }
}

/// A cron expression (`CronSchedule`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CronSchedule {
    /// The expression, for example `cron(0 9 ? * MON *)`, in UTC.
    pub expression: ScheduleExpression,
}

/// A time range in which the work starts (`TimeRangeSchedule`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TimeRange {
    /// The work starts at or after this time of day, in UTC and in quotes, for example `"09:00"`.
    pub start_after: TimeOfDay,

    /// The work starts before this time of day. A time earlier than `startAfter` is on the next day.
    pub start_before: TimeOfDay,

    /// How often the work starts: exactly one.
    pub recurrence: Recurrence,
}

union! {
    /// How often the work starts (`Recurrence`): exactly one.
    pub enum Recurrence {
        /// Every day. Write `daily: {}`.
        "daily" => Daily(Daily),
        /// Every week, on one day.
        "weekly" => Weekly(Weekly),
        /// Every month, on one day.
        "monthly" => Monthly(Monthly),
    }
}

/// Every day (`DailyRecurrence`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Daily {}

/// Every week (`WeeklyRecurrence`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Weekly {
    /// The day, for example `MONDAY`.
    pub day_of_week: DayOfWeek,
}

/// A day of the week (`DayOfWeek`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum DayOfWeek {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

/// Every month (`MonthlyRecurrence`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Monthly {
    /// The day of the month.
    #[schemars(range(min = 1, max = 31))]
    pub day_of_month: i32,
}

/// Observed state of the trigger.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TriggerStatus {
    #[serde(flatten)]
    pub common: CommonStatus,

    /// ID of the agent space.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_space_id: Option<String>,

    /// The schedule as AWS interprets it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expression: Option<String>,
}

object!(Trigger, TriggerStatus);
