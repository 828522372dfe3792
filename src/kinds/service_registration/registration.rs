//! What is registered: the request, with secrets and connections in place, and which services it describes.

use kube::ResourceExt;
use serde_json::json;

use crate::api::common::{Object, ObjectRef};
use crate::api::scalars::PrivateConnectionName;
use crate::api::{PrivateConnection, ServiceRegistration, catalog};
use crate::aws::operations::{RegisterService, RegisteredService};
use crate::document;
use crate::reconcile::inputs::Inputs;
use crate::reconcile::kind::{Replaced, Scope};
use crate::reconcile::state::conditions::Reason;
use crate::reconcile::state::error::Error;
use crate::reconcile::state::finalizer;
use crate::reconcile::state::fingerprint::Print;
use crate::reconcile::state::subject::Subject;
use crate::reconcile::tagging::TagMap;

use super::candidates::Seeker;
use super::service_users::Uses;
use super::{ServiceRegistrations, details, observed_details};

/// A registration with its secrets.
pub struct Registration {
    /// What is sent.
    pub request: RegisterService,
    /// Of what is sent.
    pub fingerprint: Print,
    /// The private connections that the spec names by their AWS name, with the fields.
    pub named: Vec<(&'static str, String)>,
    /// Who uses the current registration, and those to be removed.
    pub uses: Uses,
    /// What is known of the object.
    pub seeker: Seeker,
}

/// The registration with secrets and connections resolved.
pub async fn resolve(
    object: &ServiceRegistration,
    inputs: &Inputs<'_>,
    scope: &Scope,
) -> Result<Registration, Error> {
    let spec = &object.spec;
    let service = serde_json::to_value(&spec.service).unwrap_or_default();
    let service = inputs.substituted(service, "spec.service").await?;
    let (service_type, details) = document::variant(&service)
        .ok_or_else(|| Error::terminal(Reason::Invalid, "spec.service: exactly one type must be set"))?;
    let connection = |reference: &Option<ObjectRef>, name: &Option<PrivateConnectionName>, field: &str| {
        connection_name(inputs, reference.as_ref(), name.as_ref(), field)
    };
    let by_name = [
        ("spec.privateConnectionName", &spec.private_connection_name),
        ("spec.targetUrlPrivateConnectionName", &spec.target_url_private_connection_name),
        ("spec.exchangeUrlPrivateConnectionName", &spec.exchange_url_private_connection_name),
    ];
    let named =
        by_name.into_iter().filter_map(|(field, name)| Some((field, name.as_ref()?.to_string()))).collect();
    let request = RegisterService {
        service: service_type.to_owned(),
        service_details: json!({ service_type: details }),
        kms_key_arn: spec.kms_key_arn.as_ref().map(ToString::to_string),
        private_connection_name: connection(
            &spec.private_connection_ref,
            &spec.private_connection_name,
            "spec.privateConnectionRef",
        )?,
        target_url_private_connection_name: connection(
            &spec.target_url_private_connection_ref,
            &spec.target_url_private_connection_name,
            "spec.targetUrlPrivateConnectionRef",
        )?,
        exchange_url_private_connection_name: connection(
            &spec.exchange_url_private_connection_ref,
            &spec.exchange_url_private_connection_name,
            "spec.exchangeUrlPrivateConnectionRef",
        )?,
        name: spec.name.as_ref().map(|name| name.0.clone()),
        tags: inputs.tags(scope, &spec.tags)?,
    };
    let untagged = RegisterService { tags: TagMap::new(), ..request.clone() };
    let fingerprint = scope.fingerprints.of(&serde_json::to_value(&untagged).unwrap_or_default());
    let status = object.status();
    let mut ids = ServiceRegistrations::aside(&status);
    ids.extend(status.common.id);
    let uses = Uses::of(inputs, &Subject::of(object), &ids);
    let made = object.creation_timestamp().map(|time| time.0);
    let seeker = Seeker { made, held: finalizer::is_on(object) };
    Ok(Registration { request, fingerprint, named, uses, seeker })
}

fn connection_name(
    inputs: &Inputs<'_>,
    reference: Option<&ObjectRef>,
    name: Option<&PrivateConnectionName>,
    field: &str,
) -> Result<Option<String>, Error> {
    let Some(reference) = reference else { return Ok(name.map(ToString::to_string)) };
    let connection = inputs.object::<PrivateConnection>(reference, field)?;
    inputs.ready_id_of(&*connection, field).map(Some)
}

/// Whether a service is what the registration describes. `None` if AWS returns nothing to tell.
pub fn describes_the_same(registration: &Registration, service: &RegisteredService) -> Option<bool> {
    let request = &registration.request;
    if request.name.is_some() && !is_one_an_account(&request.service) {
        return Some(request.name == service.name);
    }
    let details = &request.service_details[&request.service];
    let identity = details::identity(&request.service, details)?;
    Some(details::agrees(&request.service, &identity, observed_details(service)))
}

/// Whether an account can have a single registration of this type: the old one has to go first.
pub fn is_one_an_account(service_type: &str) -> bool {
    catalog::service(service_type).is_one_an_account
}
