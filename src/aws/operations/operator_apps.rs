//! The operator app of an agent space.

use crate::aws::client::operation::{operation, output};

operation! {
    /// `EnableOperatorApp`. It has no client token: check with `GetOperatorApp` before repeating it.
    EnableOperatorApp -> OperatorApp,
    Binding::post(Control, "/v1/agentspaces/{agentSpaceId}/operator"),
    {
        agent_space_id: String,
        auth_flow: String,
        operator_app_role_arn: String,
        idc_instance_arn: Option<String>,
        issuer_url: Option<String>,
        idp_client_id: Option<String>,
        idp_client_secret: Option<String>,
        provider: Option<String>,
    }
}

operation! {
    /// `GetOperatorApp`: which sign-in flows are enabled.
    GetOperatorApp -> OperatorApp,
    Binding::get(Control, "/v2/agentspaces/{agentSpaceId}/operator"),
    { agent_space_id: String }
}

operation! {
    /// `UpdateOperatorAppIdpConfig`: a new client secret for the identity provider.
    UpdateOperatorAppIdpConfig -> OperatorApp,
    Binding::patch(Control, "/v1/agentspaces/{agentSpaceId}/operator/idp"),
    { agent_space_id: String, idp_client_secret: Option<String> }
}

operation! {
    /// `DisableOperatorApp`: one sign-in flow, or the only one when none is named.
    DisableOperatorApp -> super::Empty,
    Binding::delete(Control, "/v1/agentspaces/{agentSpaceId}/operator")
        .headers(&[("authFlow", "x-amzn-app-auth-flow")]),
    { agent_space_id: String, auth_flow: Option<String> }
}

output! {
    /// The operator app: each flow is present if it is enabled, and several can be.
    OperatorApp {
        operator_app_url: Option<String>,
        iam: Option<IamFlow>,
        idc: Option<IdcFlow>,
        idp: Option<IdpFlow>,
    }
}

output! {
    /// Sign-in with IAM.
    IamFlow { operator_app_role_arn: String }
}

output! {
    /// Sign-in with IAM Identity Center.
    IdcFlow {
        operator_app_role_arn: String,
        idc_instance_arn: String,
        idc_application_arn: Option<String>,
    }
}

output! {
    /// Sign-in with an identity provider; the response calls `clientId` what the request calls `idpClientId`.
    IdpFlow { operator_app_role_arn: String, issuer_url: String, client_id: String = hidden, provider: String }
}
