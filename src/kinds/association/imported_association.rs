//! An association as a spec: the inverse of what the kind compares. What is peculiar about a configuration is in the
//! catalog.

use serde_json::{Value, json};

use crate::api::catalog::{self, Referred, ServiceOf};
use crate::api::common::Object;
use crate::api::{PrivateConnection, ServiceRegistration};
use crate::aws::operations::Association;
use crate::document;
use crate::kinds::imported::{Described, Names};

use super::configurations;

/// Members by which people know what a configuration is about, the best first.
const KNOWN_BY: &[&str] = &[
    "/repoName",
    "/projectPath",
    "/projectName",
    "/name",
    "/teamName",
    "/workspaceName",
    "/organizationalUnit/organizationalUnitId",
    "/accountId",
    "/subscriptionId",
    "/envId",
    "/instanceId",
];

/// What people call it: the configuration, and what it is about.
pub fn title(association: &Association) -> String {
    let Some((key, settings)) = document::variant(&association.configuration) else {
        return "association".to_owned();
    };
    let about = KNOWN_BY.iter().find_map(|member| settings.pointer(member)?.as_str());
    about.map_or_else(|| key.to_owned(), |about| format!("{key} {about}"))
}

/// Id of the registered service that it needs an object for.
pub fn service(association: &Association) -> Option<&str> {
    let (key, _) = document::variant(&association.configuration)?;
    let id = association.service_id.as_str();
    match catalog::configuration(key).service {
        ServiceOf::Word(_) | ServiceOf::Assumed(_) => None,
        ServiceOf::Either(word, _) if id == word => None,
        ServiceOf::Either(..) | ServiceOf::Registered(_) => Some(id),
    }
}

/// Ids of the remotes of a kind that the configuration names.
pub fn named(association: &Association, to: Referred) -> Vec<&str> {
    let Some((key, settings)) = document::variant(&association.configuration) else { return Vec::new() };
    let references = catalog::configuration(key).references.iter().filter(|reference| reference.to == to);
    references
        .filter_map(|reference| settings.pointer(reference.at)?.get(reference.fills)?.as_str())
        .collect()
}

/// The spec of an object for it.
pub fn describe(association: &Association, space: &Value, names: &Names) -> Described {
    let mut configuration = association.configuration.clone();
    let key = document::variant(&configuration).map_or_else(String::new, |(key, _)| key.to_owned());
    let row = catalog::configuration(&key);
    configurations::remove_output(&mut configuration);
    for reference in row.references {
        let Some(part) = configuration[&key].pointer_mut(reference.at) else { continue };
        let kind = match reference.to {
            Referred::Association => crate::api::Association::kind_name(),
            Referred::PrivateConnection => PrivateConnection::kind_name(),
        };
        let object =
            part.get(reference.fills).and_then(Value::as_str).and_then(|id| names.reference(kind, id));
        if let Some(object) = object {
            document::take(part, reference.fills);
            part[reference.field] = object;
        }
    }
    let service = service(association).and_then(|id| names.reference(ServiceRegistration::kind_name(), id));
    let spec = json!({
        "agentSpaceRef": space,
        "serviceRef": service,
        "configuration": configuration,
        "capabilities": association.capabilities,
        "webhook": row.webhook.map(|_| json!({ "policy": "Ignore" })),
    });
    let webhook = row.webhook.map(|_| {
        "Its webhook stays in use, and AWS doesn't return the webhook's secret. To have a new one, with its URL and secret in \
         a Secret, remove webhook.policy and set webhook.rotation to today's date once the object manages the association: \
         the old URL stops working."
            .to_owned()
    });
    Described::new(spec, &["capabilities"]).noting_if(webhook)
}
