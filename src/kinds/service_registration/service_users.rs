//! Who uses a registered service: associations of this cluster with and without its owner's consent, and others in AWS.

use crate::api::Association;
use crate::api::common::{Object, Status};
use crate::kinds::{agent_space, association};
use crate::reconcile::graph::marks::Mark;
use crate::reconcile::inputs::Inputs;
use crate::reconcile::kind::{Scope, Stranger, Waiting};
use crate::reconcile::state::annotations;
use crate::reconcile::state::conditions::{self, Reason};
use crate::reconcile::state::subject::Subject;
use crate::text;

/// Maximum agent spaces searched for associations that keep a service from being deleted.
const SEARCHED: usize = 100;
/// Maximum associations named in a message.
const SHOWN: usize = 5;

/// The associations of this cluster that use some services.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Uses {
    /// With consent: service id, and the association as messages name it.
    users: Vec<(String, String)>,
    /// Without consent: service id, and what to delete.
    strangers: Vec<(String, Stranger)>,
    /// Whether some of the users are in other namespaces.
    from_elsewhere: bool,
}

impl Uses {
    /// Who uses the services `ids`, which belong to `owner`.
    pub fn of(inputs: &Inputs<'_>, owner: &Subject, ids: &[String]) -> Self {
        let mut uses = Self::default();
        if ids.is_empty() {
            return uses;
        }
        let mut associations: Vec<_> =
            ids.iter().flat_map(|id| inputs.marked::<Association>(Mark::uses(id), |_| true)).collect();
        associations.sort_by_key(|association| association.metadata.uid.clone());
        associations.dedup_by_key(|association| association.metadata.uid.clone());
        for association in associations {
            let (status, object) = (association.status(), Subject::of(&*association));
            let pairs = [
                (&status.service_id, &status.common().id),
                (&status.previous_service_id, &status.previous_id),
            ];
            for (service, id) in pairs {
                let Some(service) = service.as_ref().filter(|service| ids.contains(service)) else {
                    continue;
                };
                if inputs.permits(owner, &object.namespace) {
                    let paused = paused(&association);
                    uses.from_elsewhere |= object.namespace != owner.namespace;
                    uses.users
                        .push((service.clone(), format!("{}/{}{paused}", object.namespace, object.name)));
                } else if let (Some(id), Some(space_id)) = (id, &status.agent_space_id) {
                    let stranger =
                        Stranger { object: object.clone(), space_id: space_id.clone(), id: id.clone() };
                    uses.strangers.push((service.clone(), stranger));
                }
            }
        }
        uses.users.sort();
        uses
    }

    /// Whether nobody uses the service with consent.
    pub fn is_free(&self, id: &str) -> bool {
        !self.users.iter().any(|(service, _)| service == id)
    }

    /// What uses the service without consent.
    pub fn strangers(&self, id: &str) -> Vec<Stranger> {
        let of_it = self.strangers.iter().filter(|(service, _)| service == id);
        of_it.map(|(_, stranger)| stranger.clone()).collect()
    }

    /// What to wait for before the services `ids` can be deleted.
    pub fn waiting_for(&self, ids: &[String]) -> Waiting {
        let names = self.users.iter().filter(|(id, _)| ids.contains(id)).map(|(_, name)| name.as_str());
        let shown = text::some_of(names, SHOWN);
        let way_out = if self.from_elsewhere {
            "; to continue without those in other namespaces, withdraw their consent (spec.allowedNamespaces)"
        } else {
            ""
        };
        Waiting {
            reason: Reason::Progressing,
            message: format!(
                "the registration is being replaced; the associations {shown} move over first{way_out}"
            ),
            poll: false,
        }
    }
}

/// Says that the association is paused, and since when.
fn paused(association: &Association) -> String {
    if !annotations::is_paused(association) {
        return String::new();
    }
    let status = association.status();
    let synced = conditions::get(&status.common().conditions, "Synced");
    let since = synced.filter(|synced| synced.reason == Reason::Paused.as_str());
    since.map_or_else(
        || " (paused)".to_owned(),
        |synced| format!(" (paused since {})", synced.last_transition_time.0),
    )
}

/// The associations in AWS that still use a service that AWS won't delete, as part of a message; empty if they can't be
/// found.
pub async fn in_aws(scope: &Scope, service: &str) -> String {
    let Ok(spaces) = agent_space::list(scope).await else { return String::new() };
    let mut found = Vec::new();
    for space in spaces.into_iter().take(SEARCHED) {
        let id = space.agent_space_id;
        let mut scope = scope.clone();
        scope.enter(id.clone());
        let listed = association::list(&scope).await.unwrap_or_default();
        let using = listed.into_iter().filter(|association| association.service_id == service);
        found.extend(
            using.map(|association| format!("{} in the agent space {id}", association.association_id)),
        );
        if found.len() >= SHOWN {
            break;
        }
    }
    found.truncate(SHOWN);
    if found.is_empty() {
        String::new()
    } else {
        format!(", which the associations {} use", found.join(", "))
    }
}
