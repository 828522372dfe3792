//! Registered services.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::aws::Timestamp;
use crate::aws::client::operation::{operation, output, paged};

use super::Empty;

operation! {
    /// `RegisterService`. It has no client token: check with `ListServices` before repeating it.
    RegisterService -> RegisterServiceOutput,
    Binding::post(Control, "/v1/register/{service}"),
    {
        service: String,
        service_details: Value,
        kms_key_arn: Option<String>,
        private_connection_name: Option<String>,
        target_url_private_connection_name: Option<String>,
        exchange_url_private_connection_name: Option<String>,
        name: Option<String>,
        tags: BTreeMap<String, String>,
    }
}

operation! {
    /// `GetService`: a service with its tags.
    GetService -> GetServiceOutput,
    Binding::get(Control, "/v1/services/{serviceId}"),
    { service_id: String }
}

operation! {
    /// `ListServices`: every service of the account and region, without tags.
    ListServices -> ListServicesOutput,
    Binding::ask(Control, "/v1/services/list").query(&["maxResults", "nextToken", "filterServiceType"]),
    { max_results: Option<i32>, next_token: Option<String>, filter_service_type: Option<String> }
}
paged!(ListServices, services: RegisteredService);

operation! {
    /// `DeregisterService`: refused while an association uses the service.
    DeregisterService -> Empty,
    Binding::delete(Control, "/v1/services/{serviceId}"),
    { service_id: String }
}

output! {
    /// The response of `RegisterService`. There is no id until a person has opened the authorization URL.
    RegisterServiceOutput {
        service_id: Option<String>,
        additional_step: Option<AdditionalStep> = hidden,
        kms_key_arn: Option<String>,
        tags: BTreeMap<String, String>,
    }
}

impl RegisterServiceOutput {
    /// What a person must open before the registration is complete.
    pub fn authorization_url(&self) -> Option<&str> {
        self.additional_step.as_ref()?.oauth.as_ref().map(|step| step.authorization_url.as_str())
    }
}

output! {
    /// What is left to do after `RegisterService`.
    AdditionalStep { oauth: Option<OAuthStep> = hidden }
}

output! {
    /// A consent that a person gives in a browser.
    OAuthStep { authorization_url: String = hidden }
}

output! {
    /// The response of `GetService`.
    GetServiceOutput { service: RegisteredService = required, tags: BTreeMap<String, String> }
}

output! {
    /// The response of `ListServices`.
    ListServicesOutput { services: Vec<RegisteredService>, next_token: Option<String> }
}

output! {
    /// A registered service. `additional_service_details` is the union in wire form, for the types that have one.
    #[derive(PartialEq, serde::Serialize)]
    RegisteredService {
        service_id: String = required,
        service_type: String = required,
        created_at: Timestamp,
        updated_at: Timestamp,
        name: Option<String>,
        kms_key_arn: Option<String>,
        private_connection_name: Option<String>,
        additional_service_details: Option<Value> = hidden,
        accessible_resources: Vec<Value> = hidden,
    }
}
