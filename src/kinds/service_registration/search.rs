//! Finds the services that may be an object's own, or in its way.

use std::cmp::Reverse;

use crate::api::{ServiceRegistration, ServiceRegistrationStatus};
use crate::aws::operations::RegisteredService;
use crate::reconcile::kind::{Reconciled, Remote, Replaced, Scope};
use crate::reconcile::state::error::{Doing, Error};
use crate::reconcile::state::ownership::Owner;

use super::account_services::Services;
use super::candidates::{self, Listed};
use super::registration::{Registration, describes_the_same, is_one_an_account};
use super::{Observed, ServiceRegistrations};

/// Services with our tags, and unowned or foreign ones that describe the same thing.
pub async fn own(
    scope: &Scope,
    registration: &Registration,
    status: &ServiceRegistrationStatus,
) -> Result<Vec<Observed>, Error> {
    let mut found = Vec::new();
    for service in list(scope, &registration.request.service).await? {
        if !registration.seeker.must_read(&listed(scope, registration, &service), status) {
            continue;
        }
        let Some(remote) = ServiceRegistrations::read(scope, &service.service_id, None, status).await? else {
            continue;
        };
        let fits = match scope.identity.owner(&remote.tags) {
            Owner::Ours { .. } => !ServiceRegistrations::aside(status).iter().any(|id| id == remote.id()),
            // One of a deleted object can be adopted, one of an existing object blocks this one; but without a name,
            // two objects may well describe the same.
            Owner::Sibling { .. } => {
                is_one_an_account(&registration.request.service)
                    || (registration.request.name.is_some()
                        && describes_the_same(registration, &remote.service) == Some(true))
            }
            _ => describes_the_same(registration, &remote.service) == Some(true),
        };
        if fits {
            found.push(remote);
        }
    }
    // After an interrupted replacement there are two of ours: the younger is the new one.
    found.sort_by_key(|remote| Reverse(remote.service.created_at.0));
    Ok(found)
}

/// What a list says about a service.
fn listed(scope: &Scope, registration: &Registration, service: &RegisteredService) -> Listed {
    Listed {
        same: describes_the_same(registration, service),
        recorded: scope.is_held_by_another::<ServiceRegistration>(&service.service_id),
        exclusive: is_one_an_account(&registration.request.service) || registration.request.name.is_some(),
        created: candidates::created(service),
    }
}

/// Every service of a type in the account.
pub async fn list(scope: &Scope, service_type: &str) -> Result<Vec<RegisteredService>, Error> {
    let key = [service_type.into()];
    let found = scope.sight.fitting::<Services>(Some(&key), |service| service.service_type == service_type);
    found.await.doing(|| format!("looking for the {service_type} service"))
}
