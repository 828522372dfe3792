//! Services that are already registered: found, never changed.

use serde_json::Value;

use crate::api::service_registration::{Existing, ServiceMatch};
use crate::api::standards::Standards;
use crate::api::{ServiceRegistrationStatus, catalog};
use crate::aws::operations::RegisteredService;
use crate::reconcile::kind::{Reconciled, Scope};
use crate::reconcile::state::conditions::Reason;
use crate::reconcile::state::error::Error;

use super::{Observed, ServiceRegistrations, list, observed_details};

/// The id, if the spec names it.
pub fn id(existing: &Existing) -> Option<String> {
    match existing {
        Existing::ServiceId(id) => Some(id.to_string()),
        Existing::Match(_) => None,
    }
}

/// Whether `service` is the one that the spec describes: after an edit, that may not be the recorded one.
pub fn is_meant(existing: &Existing, service: &RegisteredService) -> bool {
    match existing {
        Existing::ServiceId(id) => **id == *service.service_id,
        Existing::Match(wanted) => {
            wanted.service_type.as_str() == service.service_type && fits(wanted, service)
        }
    }
}

/// Finds the service. Several that match are an error that names them.
pub async fn search(
    scope: &Scope,
    existing: &Existing,
    status: &ServiceRegistrationStatus,
) -> Result<Vec<Observed>, Error> {
    let Existing::Match(wanted) = existing else { return Ok(Vec::new()) };
    let listed = list(scope, wanted.service_type.as_str()).await?;
    let fitting: Vec<RegisteredService> =
        listed.into_iter().filter(|service| fits(wanted, service)).collect();
    match fitting.as_slice() {
        [] => Ok(Vec::new()),
        [only] => {
            let found = ServiceRegistrations::read(scope, &only.service_id, None, status).await?;
            Ok(found.into_iter().collect())
        }
        several => {
            let ids: Vec<&str> = several.iter().map(|service| service.service_id.as_str()).collect();
            Err(Error::terminal(
                Reason::Conflict,
                format!(
                    "spec.existing.match matches {} services ({}); make it more specific, or set spec.existing.serviceId \
                     to select one",
                    ids.len(),
                    ids.join(", ")
                ),
            ))
        }
    }
}

/// Whether every member set in the match agrees.
fn fits(wanted: &ServiceMatch, service: &RegisteredService) -> bool {
    let details = observed_details(service);
    let properties = serde_json::to_value(wanted).unwrap_or_default();
    let agrees = |(field, member): &(&str, &str)| {
        let standards = Standards::of("ServiceRegistration", "existing.match").member(field);
        let observed = details.get(member).and_then(Value::as_str);
        let wanted = properties.get(field).and_then(Value::as_str);
        wanted.is_none_or(|wanted| observed.is_some_and(|observed| standards.same(wanted, observed)))
    };
    (wanted.name.is_none() || wanted.name == service.name)
        && catalog::service(&service.service_type).matched_by.iter().all(agrees)
}
