//! Triggers.

use serde_json::Value;

use crate::aws::Timestamp;
use crate::aws::client::operation::{operation, output, paged};

use super::Empty;

operation! {
    /// `CreateTrigger`.
    CreateTrigger -> TriggerOutput,
    Binding::post(Data, "/trigger/agent-space/{agentSpaceId}/triggers").token("clientToken"),
    {
        agent_space_id: String,
        r#type: String,
        condition: Value,
        action: Value,
        status: Option<String>,
        client_token: Option<String>,
    }
}

operation! {
    /// `GetTrigger`.
    GetTrigger -> TriggerOutput,
    Binding::get(Data, "/trigger/agent-space/{agentSpaceId}/triggers/{triggerId}"),
    { agent_space_id: String, trigger_id: String }
}

operation! {
    /// `ListTriggers`.
    ListTriggers -> ListTriggersOutput,
    Binding::get(Data, "/trigger/agent-space/{agentSpaceId}/triggers")
        .query(&["status", "nextToken", "maxResults"]),
    {
        agent_space_id: String,
        status: Option<String>,
        next_token: Option<String>,
        max_results: Option<i32>,
    }
}
paged!(ListTriggers, items: Trigger);

operation! {
    /// `UpdateTrigger`: only its status can change.
    UpdateTrigger -> TriggerOutput,
    Binding::patch(Data, "/trigger/agent-space/{agentSpaceId}/triggers/{triggerId}").token("clientToken"),
    {
        agent_space_id: String,
        trigger_id: String,
        status: Option<String>,
        client_token: Option<String>,
    }
}

operation! {
    /// `DeleteTrigger`.
    DeleteTrigger -> Empty,
    Binding::delete(Data, "/trigger/agent-space/{agentSpaceId}/triggers/{triggerId}"),
    { agent_space_id: String, trigger_id: String }
}

output! {
    /// A trigger. `condition` and `action` are in wire form; a condition with `spec` has a derived `expression`.
    #[derive(PartialEq, serde::Serialize)]
    Trigger {
        trigger_id: String = required,
        agent_space_id: String,
        r#type: String,
        condition: Value = hidden,
        action: Value = hidden,
        status: String,
        updated_at: Timestamp,
    }
}

output! {
    /// The response of `CreateTrigger`, `GetTrigger` and `UpdateTrigger`.
    TriggerOutput { trigger: Trigger = required }
}

output! {
    /// The response of `ListTriggers`.
    ListTriggersOutput { items: Vec<Trigger>, next_token: Option<String> }
}
