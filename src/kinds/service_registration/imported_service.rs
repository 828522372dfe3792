//! A registered service as a spec: the inverse of what the kind compares. What AWS returns of each type is in the catalog.

use serde_json::json;

use crate::api::PrivateConnection;
use crate::api::catalog::{RegisteredBy, SERVICES};
use crate::api::common::Object;
use crate::aws::operations::RegisteredService;
use crate::kinds::imported::{self, Described, Names};
use crate::reconcile::tagging::TagMap;

use super::{details, observed_details};

/// What people call it.
pub fn title(service: &RegisteredService) -> String {
    let shown = |member: &str| observed_details(service).get(member)?.as_str().map(str::to_owned);
    let name = service.name.clone().or_else(|| shown("name")).or_else(|| shown("owner"));
    name.unwrap_or_else(|| service.service_type.clone())
}

/// Whether it can be written as what to register: whatever isn't registered through the API can only be found.
fn is_registrable(service_type: &str) -> bool {
    let row = SERVICES.iter().find(|row| row.service_type == service_type);
    row.is_some_and(|row| row.registered_by == RegisteredBy::Yaml)
}

/// The spec of an object for it.
pub fn describe(service: &RegisteredService, tags: &TagMap, names: &Names) -> Described {
    let service_type = &service.service_type;
    if !is_registrable(service_type) {
        let described = Described::new(json!({ "existing": { "serviceId": service.service_id } }), &[]);
        let note = format!(
            "A service of the type {service_type} is registered in the console: the object finds it."
        );
        return Described { is_existing: true, ..described.noting(note) };
    }
    let name = service.private_connection_name.as_deref();
    let connection = name.and_then(|name| names.reference(PrivateConnection::kind_name(), name));
    let spec = json!({
        "name": service.name,
        "kmsKeyArn": service.kms_key_arn,
        "privateConnectionRef": connection,
        "privateConnectionName": name.filter(|_| connection.is_none()),
        "service": { service_type: details::described(service_type, observed_details(service)) },
        "tags": imported::tags(tags),
    });
    let credentials = vec![format!("/service/{service_type}/authorizationConfig")];
    let described = Described { credentials, ..Described::new(spec, &["tags"]) };
    described.noting_if(imported::owner(tags))
}
