//! Where a registration differs in what can't be changed, and what has to go before another one can be made.

use serde_json::Value;

use crate::api::ServiceRegistrationStatus;
use crate::api::standards::Standards;
use crate::aws::operations::RegisteredService;
use crate::reconcile::state::drift::{Change, Remedy};

use super::registration::{Registration, is_one_an_account};
use super::{details, observed_details};

/// Where the registration differs in what can't be changed.
pub fn compare(
    registration: &Registration,
    service: &RegisteredService,
    status: &ServiceRegistrationStatus,
) -> Vec<Change> {
    let request = &registration.request;
    let details = &request.service_details[&request.service];
    let observed = observed_details(service);
    let expected = details::expected(&request.service, details);
    let mut changes: Vec<Change> = details::differing(&request.service, &expected, observed)
        .into_iter()
        .map(|key| {
            let path = format!("service.{}.{key}", request.service);
            let change = Change::new(path, observed.get(&key).cloned(), expected.get(&key).cloned());
            if details::is_sensitive(&request.service, &key) { change.sensitive() } else { change }
        })
        .collect();
    let text = |value: &Option<String>| value.as_ref().map(|value| Value::from(value.as_str()));
    let pairs = [
        ("name", &service.name, &request.name),
        ("kmsKeyArn", &service.kms_key_arn, &request.kms_key_arn),
        ("privateConnectionRef", &service.private_connection_name, &request.private_connection_name),
    ];
    for (path, observed, wanted) in pairs {
        let standards = Standards::of("ServiceRegistration", path);
        if let (Some(old), Some(new)) = (observed, wanted)
            && !standards.same(old, new)
        {
            changes.push(Change::new(path, text(observed), text(wanted)));
        }
    }
    if changes.is_empty() && registration.fingerprint.changed(status.common.fingerprint.as_ref()) {
        changes.push(Change::hidden("service"));
    }
    changes.into_iter().map(|change| change.fixed_by(Remedy::Replace)).collect()
}

/// Whether the old registration must be removed before there can be a new one.
pub fn must_break_first(service: &RegisteredService, status: &ServiceRegistrationStatus) -> bool {
    is_one_an_account(&service.service_type) || status.released == Some(true)
}
