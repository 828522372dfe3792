//! Agent spaces.

use std::collections::BTreeMap;

use crate::aws::client::operation::{operation, output, paged};
use crate::aws::{Flags, Timestamp};

use super::Empty;

operation! {
    /// `CreateAgentSpace`. Names may repeat; the same client token returns the same response for eight hours.
    CreateAgentSpace -> CreateAgentSpaceOutput,
    Binding::post(Control, "/v1/agentspaces").token("clientToken"),
    {
        name: String,
        description: Option<String>,
        locale: Option<String>,
        kms_key_arn: Option<String>,
        client_token: Option<String>,
        tags: BTreeMap<String, String>,
        preferences: Option<BTreeMap<String, bool>>,
        aws_source_mode: Option<String>,
    }
}

operation! {
    /// `GetAgentSpace`: the only operation that returns a space together with its tags.
    GetAgentSpace -> GetAgentSpaceOutput,
    Binding::get(Control, "/v1/agentspaces/{agentSpaceId}").query(&["includedData"]),
    { agent_space_id: String, included_data: Option<String> }
}

operation! {
    /// `ListAgentSpaces`: every space of the account and region, without tags.
    ListAgentSpaces -> ListAgentSpacesOutput,
    Binding::ask(Control, "/v1/agentspaces/list").query(&["maxResults", "nextToken", "includedData"]),
    { max_results: Option<i32>, next_token: Option<String>, included_data: Option<String> }
}
paged!(ListAgentSpaces, agent_spaces: AgentSpace);

operation! {
    /// `UpdateAgentSpace`: absent members stay unchanged; `preferences` replaces the whole map.
    UpdateAgentSpace -> UpdateAgentSpaceOutput,
    Binding::patch(Control, "/v1/agentspaces/{agentSpaceId}"),
    {
        agent_space_id: String,
        name: Option<String>,
        description: Option<String>,
        locale: Option<String>,
        preferences: Option<BTreeMap<String, bool>>,
        aws_source_mode: Option<String>,
    }
}

operation! {
    /// `DeleteAgentSpace`.
    DeleteAgentSpace -> Empty,
    Binding::delete(Control, "/v1/agentspaces/{agentSpaceId}"),
    { agent_space_id: String }
}

output! {
    /// An agent space, as the service describes it.
    #[derive(PartialEq, serde::Serialize)]
    AgentSpace {
        agent_space_id: String = required,
        name: String,
        description: Option<String> = hidden,
        locale: Option<String>,
        kms_key_arn: Option<String>,
        preferences: Flags,
        aws_source_mode: Option<String>,
        updated_at: Timestamp,
    }
}

output! {
    /// The response of `CreateAgentSpace`.
    CreateAgentSpaceOutput { agent_space: AgentSpace = required, tags: BTreeMap<String, String> }
}

output! {
    /// The response of `GetAgentSpace`.
    GetAgentSpaceOutput { agent_space: AgentSpace = required, tags: BTreeMap<String, String> }
}

output! {
    /// The response of `ListAgentSpaces`.
    ListAgentSpacesOutput { agent_spaces: Vec<AgentSpace>, next_token: Option<String> }
}

output! {
    /// The response of `UpdateAgentSpace`.
    UpdateAgentSpaceOutput { agent_space: AgentSpace = required }
}
