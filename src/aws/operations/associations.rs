//! Associations of services with an agent space, and their webhooks.

use secrecy::SecretString;
use serde_json::Value;

use crate::aws::Timestamp;
use crate::aws::client::operation::{operation, output, paged};

use super::Empty;

operation! {
    /// `AssociateService`. It has no client token, and the webhook's secret is shown only in its response: check with
    /// `ListAssociations` before repeating it.
    AssociateService -> AssociateServiceOutput,
    Binding::post(Control, "/v1/agentspaces/{agentSpaceId}/associations"),
    { agent_space_id: String, service_id: String, configuration: Value, capabilities: Option<Value> }
}

operation! {
    /// `GetAssociation`: without its webhook.
    GetAssociation -> GetAssociationOutput,
    Binding::get(Control, "/v1/agentspaces/{agentSpaceId}/associations/{associationId}"),
    { agent_space_id: String, association_id: String }
}

operation! {
    /// `ListAssociations`; the filter is a comma-separated list of service types.
    ListAssociations -> ListAssociationsOutput,
    Binding::ask(Control, "/v1/agentspaces/{agentSpaceId}/associations/list")
        .query(&["maxResults", "nextToken", "filterServiceTypes"]),
    {
        agent_space_id: String,
        max_results: Option<i32>,
        next_token: Option<String>,
        filter_service_types: Option<String>,
    }
}
paged!(ListAssociations, associations: Association);

operation! {
    /// `UpdateAssociation`: replaces the configuration; absent capabilities stay unchanged.
    UpdateAssociation -> UpdateAssociationOutput,
    Binding::patch(Control, "/v1/agentspaces/{agentSpaceId}/associations/{associationId}"),
    {
        agent_space_id: String,
        association_id: String,
        configuration: Value,
        capabilities: Option<Value>,
    }
}

operation! {
    /// `DisassociateService`.
    DisassociateService -> Empty,
    Binding::delete(Control, "/v1/agentspaces/{agentSpaceId}/associations/{associationId}"),
    { agent_space_id: String, association_id: String }
}

operation! {
    /// `ListWebhooks`: address, id and type, never the secret. All at once.
    ListWebhooks -> ListWebhooksOutput,
    Binding::ask(Control, "/v1/agentspaces/{agentSpaceId}/associations/{associationId}/webhooks/list"),
    { agent_space_id: String, association_id: String }
}

operation! {
    /// `ValidateAwsAssociations`: checks the space's AWS associations again; the result is their status.
    ValidateAwsAssociations -> Empty,
    Binding::prompt(Control, "/v1/agentspaces/{agentSpaceId}/associations/validate"),
    { agent_space_id: String }
}

output! {
    /// An association. `configuration` and `capabilities` are in wire form.
    #[derive(PartialEq, serde::Serialize)]
    Association {
        association_id: String = required,
        agent_space_id: String,
        service_id: String,
        status: Option<String>,
        configuration: Value = hidden,
        capabilities: Option<Value> = hidden,
        updated_at: Timestamp,
    }
}

output! {
    /// A webhook with its secret: `webhook_secret` or `api_key`, by `webhook_type`.
    GenericWebhook {
        webhook_id: Option<String>,
        webhook_url: Option<String>,
        webhook_type: Option<String>,
        webhook_secret: Option<SecretString> = hidden,
        api_key: Option<SecretString> = hidden,
    }
}

output! {
    /// A webhook as `ListWebhooks` shows it.
    Webhook { webhook_id: String = required, webhook_url: String, webhook_type: Option<String> }
}

output! {
    /// The response of `AssociateService`: a webhook for the types that have one.
    AssociateServiceOutput { association: Association = required, webhook: Option<GenericWebhook> }
}

output! {
    /// The response of `GetAssociation`.
    GetAssociationOutput { association: Association = required }
}

output! {
    /// The response of `ListAssociations`.
    ListAssociationsOutput { associations: Vec<Association>, next_token: Option<String> }
}

output! {
    /// The response of `UpdateAssociation`.
    UpdateAssociationOutput { association: Association = required, webhook: Option<GenericWebhook> }
}

output! {
    /// The response of `ListWebhooks`.
    ListWebhooksOutput { webhooks: Vec<Webhook> }
}
