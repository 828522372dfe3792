//! ServiceRegistration: a registration can't be changed, so a change replaces it; nor can its secrets be
//! read, so they are compared by fingerprint. Services registered elsewhere are in [`super::existing_service`].

use kube::{Api, Client, ResourceExt};
use serde_json::{Value, json};

use crate::api::common::{Fingerprint, ManagementPolicy, Object, ObjectRef, Policies};
use crate::api::scalars::PrivateConnectionName;
use crate::api::service_registration::Existing;
use crate::api::standards::Standards;
use crate::api::{PrivateConnection, ServiceRegistration, ServiceRegistrationStatus};
use crate::aws::operations::{self, DeregisterService, GetService, ListServices, RegisterService};
use crate::document;
use crate::reconcile::inputs::Inputs;
use crate::reconcile::kind::{
    Created, ExtraCondition, Kind, Reached, Remote, Replacement, Resolved, Scope, State, Stranger, Updated,
    Waiting,
};
use crate::reconcile::owned::Reset;
use crate::reconcile::state::conditions::Reason;
use crate::reconcile::state::drift::{Change, Drift, Remedy};
use crate::reconcile::state::error::{Doing, Error};
use crate::reconcile::state::finalizer;
use crate::reconcile::state::fingerprint::Print;
use crate::reconcile::state::ownership::Owner;
use crate::reconcile::state::subject::Subject;
use crate::reconcile::tagging::{self, TagMap};

use super::candidates::{self, Listed, Seeker};
use super::service_users::{self, Uses};
use super::{existing_service, not_found_is_none, private_connection, registered_details, space_users};

/// Path of the leftover of a replacement in drift.
const PREVIOUS: &str = "status.previousId";
/// This many registrations may wait to be deregistered; then the next change waits, too.
const MOST_LEAVING: usize = 8;
/// The only type limited to one registration per account: the old one must be deleted first.
const EVENT_CHANNEL: &str = "eventChannel";

/// The kind.
pub struct ServiceRegistrations;

/// The desired state, or what to find.
pub enum Desired {
    /// Register this.
    Service(Box<Registration>),
    /// Find that.
    Existing(Existing),
}

/// A registration with its secrets.
pub struct Registration {
    request: RegisterService,
    fingerprint: Print,
    /// The private connections that the spec names by their AWS name, with the fields.
    named: Vec<(&'static str, String)>,
    /// Who uses the current registration, and those to be removed.
    uses: Uses,
    seeker: Seeker,
}

/// What AWS has.
pub struct Observed {
    pub(super) service: operations::RegisteredService,
    tags: TagMap,
}

impl Remote for Observed {
    fn id(&self) -> &str {
        &self.service.service_id
    }

    fn tags(&self) -> Option<&TagMap> {
        Some(&self.tags)
    }
}

impl Kind for ServiceRegistrations {
    type Object = ServiceRegistration;
    type Desired = Desired;
    type Remote = Observed;

    const NOUN: &'static str = "registered service";
    const ARN_TYPE: &'static str = "service";
    const CREATE: Option<&'static str> = Some("RegisterService");

    fn api(client: Client, namespace: &str) -> Api<ServiceRegistration> {
        Api::namespaced(client, namespace)
    }

    /// What already exists is only observed.
    fn policies(object: &ServiceRegistration) -> Policies {
        let policies = object.policies();
        match &object.spec.existing {
            None => policies,
            Some(existing) => Policies {
                management_policy: ManagementPolicy::Observe,
                external_id: existing_service::id(existing).or(policies.external_id),
                ..policies
            },
        }
    }

    async fn resolve(object: &ServiceRegistration, inputs: &Inputs<'_>) -> Result<Resolved<Self>, Error> {
        let spec = &object.spec;
        let scope = inputs.account_scope(spec.account_ref.as_ref()).await?;
        let desired = match (&spec.service, &spec.existing) {
            (Some(_), _) => Desired::Service(Box::new(registration(object, inputs, &scope).await?)),
            (None, Some(existing)) => Desired::Existing(existing.clone()),
            (None, None) => {
                let message = "spec: one of service and existing must be set";
                return Err(Error::terminal(Reason::Invalid, message));
            }
        };
        Ok(Resolved { desired, scope })
    }

    async fn read(
        scope: &Scope,
        id: &str,
        desired: Option<&Desired>,
        _: &ServiceRegistrationStatus,
    ) -> Result<Option<Observed>, Error> {
        let request = GetService { service_id: id.to_owned() };
        let found =
            not_found_is_none(scope.aws.call(&request).await, || format!("reading the service {id}"))?;
        let meant = |service: &operations::RegisteredService| match desired {
            Some(Desired::Existing(existing)) => existing_service::is_meant(existing, service),
            _ => true,
        };
        let found = found.filter(|found| meant(&found.service));
        Ok(found.map(|found| Observed { service: found.service, tags: found.tags }))
    }

    async fn search(
        scope: &Scope,
        desired: &Desired,
        status: &ServiceRegistrationStatus,
    ) -> Result<Vec<Observed>, Error> {
        match desired {
            Desired::Existing(existing) => existing_service::search(scope, existing, status).await,
            Desired::Service(registration) => search_own(scope, registration, status).await,
        }
    }

    fn compare(desired: &Desired, remote: &Observed, status: &ServiceRegistrationStatus) -> State {
        let Desired::Service(registration) = desired else { return State::Matching };
        if Self::awaits_person(desired, status) {
            return State::Waiting(awaiting_authorization());
        }
        let leaving = Self::aside(status);
        let mut changes = compare_settings(registration, &remote.service, status);
        if leaving.len() >= MOST_LEAVING {
            changes.clear();
        }
        // A new secret doesn't wait until the last association has released the old one.
        if changes.is_empty() && leaving.iter().any(|id| registration.uses.is_free(id)) {
            changes.push(Change::hidden(PREVIOUS));
        }
        changes.extend(tagging::compare(&registration.request.tags, &remote.tags, &status.common.tag_keys));
        match changes.is_empty() {
            false => State::Drifted(Drift(changes)),
            true if leaving.is_empty() => State::Matching,
            true => State::Waiting(registration.uses.waiting_for(&leaving)),
        }
    }

    fn settings(object: &ServiceRegistration) -> Value {
        let spec = &object.spec;
        let connection = |reference: &Option<ObjectRef>, name: &Option<PrivateConnectionName>| {
            (reference.is_some() || name.is_some()).then_some("")
        };
        json!({
            "name": spec.name,
            "kmsKeyArn": spec.kms_key_arn,
            "service": spec.service,
            "privateConnectionName": connection(&spec.private_connection_ref, &spec.private_connection_name),
            "targetUrlPrivateConnectionName":
                connection(&spec.target_url_private_connection_ref, &spec.target_url_private_connection_name),
            "exchangeUrlPrivateConnectionName":
                connection(&spec.exchange_url_private_connection_ref, &spec.exchange_url_private_connection_name),
        })
    }

    fn observed(remote: &Observed) -> Value {
        let service = &remote.service;
        json!({
            "name": service.name,
            "kmsKeyArn": service.kms_key_arn,
            "service": { &service.service_type: observed_details(service) },
            "privateConnectionName": service.private_connection_name,
        })
    }

    /// Changes in what AWS doesn't return are noticed by the fingerprint.
    fn reset(pointer: &str, _: &ServiceRegistrationStatus) -> Option<Reset> {
        match pointer.split('/').nth(1)? {
            "name"
            | "kmsKeyArn"
            | "service"
            | "privateConnectionName"
            | "targetUrlPrivateConnectionName"
            | "exchangeUrlPrivateConnectionName" => Some(Reset::Replace),
            _ => None,
        }
    }

    async fn create(
        scope: &Scope,
        desired: &Desired,
        _: &ServiceRegistrationStatus,
    ) -> Result<Created, Error> {
        let Desired::Service(registration) = desired else { return Ok(Created::default()) };
        let request = &registration.request;
        let answer = scope.aws.call(request).await;
        let answer = answer.doing(|| format!("registering the {} service", request.service))?;
        Ok(Created {
            authorization_url: answer
                .authorization_url()
                .map(str::to_owned)
                .filter(|_| answer.service_id.is_none()),
            id: answer.service_id,
            fingerprint: Some(registration.fingerprint.record()),
            tag_keys: tagging::keys(&request.tags),
            secret: None,
        })
    }

    async fn update(
        scope: &Scope,
        desired: &Desired,
        remote: &Observed,
        drift: &Drift,
        status: &mut ServiceRegistrationStatus,
    ) -> Result<Updated, Error> {
        if let (true, Desired::Service(registration)) = (drift.touches(PREVIOUS), desired) {
            let leaving = Self::aside(status);
            if let Some(id) = leaving.iter().find(|id| registration.uses.is_free(id)) {
                leave(scope, id, &registration.uses.strangers(id), status).await?;
            }
            return Ok(Updated::of(vec![PREVIOUS.to_owned()]));
        }
        let changed = tagging::correct::<Self>(scope, remote.id(), drift).await?;
        Ok(Updated::of(changed))
    }

    fn sent(desired: &Desired) -> Option<Fingerprint> {
        match desired {
            Desired::Service(registration) => Some(registration.fingerprint.record()),
            Desired::Existing(_) => None,
        }
    }

    fn replacement(
        desired: &Desired,
        remote: &Observed,
        _: &Drift,
        status: &ServiceRegistrationStatus,
    ) -> Replacement {
        match desired {
            Desired::Service(registration) if must_break_first(&remote.service, status) => {
                let present = [remote.id().to_owned()];
                if registration.uses.is_free(remote.id()) {
                    Replacement::BreakBeforeMake
                } else {
                    Replacement::Wait(registration.uses.waiting_for(&present))
                }
            }
            _ => Replacement::MakeBeforeBreak,
        }
    }

    /// Whether names and addresses may repeat isn't documented. If they may not, the old one blocks the new one if it
    /// describes the same thing.
    fn yields(desired: &Desired, remote: &Observed, status: &mut ServiceRegistrationStatus) -> bool {
        let same = match desired {
            Desired::Service(registration) => describes_the_same(registration, &remote.service) == Some(true),
            Desired::Existing(_) => false,
        };
        status.released = same.then_some(true);
        same
    }

    async fn delete(scope: &Scope, id: &str) -> Result<(), Error> {
        let request = DeregisterService { service_id: id.to_owned() };
        let done = scope.aws.call(&request).await;
        if let Err(error) = &done
            && error.is_conflict()
        {
            let users = service_users::in_aws(scope, id).await;
            return not_found_is_none(done, || format!("deregistering the service {id}{users}")).map(|_| ());
        }
        not_found_is_none(done, || format!("deregistering the service {id}")).map(|_| ())
    }

    async fn reaches(scope: &Scope, desired: &Desired) -> Result<Vec<Reached>, Error> {
        let Desired::Service(registration) = desired else { return Ok(Vec::new()) };
        let mut reached = Vec::new();
        for (field, name) in &registration.named {
            reached.extend(private_connection::reached(scope, field, name).await?);
        }
        Ok(reached)
    }

    fn strangers(inputs: &Inputs<'_>, subject: &Subject, id: &str) -> Vec<Stranger> {
        Uses::of(inputs, subject, &[id.to_owned()]).strangers(id)
    }

    async fn make_way(scope: &Scope, _: &str, strangers: &[Stranger]) -> Result<(), Error> {
        space_users::delete(scope, strangers).await
    }

    fn describe(desired: &Desired, remote: &Observed, status: &mut ServiceRegistrationStatus) {
        status.service_type = Some(remote.service.service_type.clone());
        let Desired::Service(registration) = desired else { return };
        let replaced = compare_settings(registration, &remote.service, status).iter().any(is_replacement);
        status.released = (replaced && must_break_first(&remote.service, status)).then_some(true);
        let tags = &registration.request.tags;
        status.common.tag_keys = tagging::remembered(tags, &remote.tags, &status.common.tag_keys);
        let recorded = status.common.fingerprint.take();
        status.common.fingerprint = Some(registration.fingerprint.baseline(recorded));
    }

    fn natural_key(object: &ServiceRegistration) -> Option<String> {
        let service = object.spec.service.as_ref()?;
        let key = match (service.service_type(), &object.spec.name) {
            (EVENT_CHANNEL, _) => EVENT_CHANNEL.to_owned(),
            (service_type, Some(name)) => format!("{service_type}/{}", name.0),
            _ => return None,
        };
        let account = super::account_of(object.spec.account_ref.as_ref());
        Some(format!("{account}/{key}"))
    }

    fn set_aside(status: &mut ServiceRegistrationStatus, old: String) {
        status.leftover_ids.extend(status.previous_id.replace(old));
    }

    fn aside(status: &ServiceRegistrationStatus) -> Vec<String> {
        status.leftover_ids.iter().chain(&status.previous_id).cloned().collect()
    }

    /// What was sent is what is desired now; after an edit, the registration starts over.
    fn awaits_person(desired: &Desired, status: &ServiceRegistrationStatus) -> bool {
        match desired {
            Desired::Existing(_) => false,
            Desired::Service(registration) => {
                status.authorization_url.is_some()
                    && !registration.fingerprint.changed(status.common.fingerprint.as_ref())
            }
        }
    }

    fn set_authorization_url(status: &mut ServiceRegistrationStatus, url: Option<String>) {
        status.authorization_url = url;
    }

    fn more_conditions(_: &ServiceRegistration, status: &ServiceRegistrationStatus) -> Vec<ExtraCondition> {
        let condition =
            |status, reason, message| ExtraCondition { kind: "Authorized", status, reason, message };
        if status.authorization_url.is_some() {
            vec![condition(false, Reason::AuthorizationRequired, awaiting_authorization().message)]
        } else if status.common.id.is_some() {
            vec![condition(true, Reason::Available, String::new())]
        } else {
            Vec::new()
        }
    }
}

/// The registration with secrets and connections resolved.
async fn registration(
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

/// Deregisters `id`, which has been replaced, and forgets it. What now belongs to someone else is only forgotten.
async fn leave(
    scope: &Scope,
    id: &str,
    strangers: &[Stranger],
    status: &mut ServiceRegistrationStatus,
) -> Result<(), Error> {
    let found = ServiceRegistrations::read(scope, id, None, status).await?;
    if found.is_some_and(|found| matches!(scope.identity.owner(&found.tags), Owner::Ours { .. })) {
        space_users::delete(scope, strangers).await?;
        ServiceRegistrations::delete(scope, id).await?;
    }
    status.leftover_ids.retain(|leftover| leftover != id);
    if status.previous_id.as_deref() == Some(id) {
        status.previous_id = None;
    }
    Ok(())
}

/// Services with our tags, and unowned or foreign ones that describe the same thing.
async fn search_own(
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
                registration.request.service == EVENT_CHANNEL
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
    found.sort_by_key(|remote| std::cmp::Reverse(remote.service.created_at.0));
    Ok(found)
}

/// What a list says about a service.
fn listed(scope: &Scope, registration: &Registration, service: &operations::RegisteredService) -> Listed {
    Listed {
        same: describes_the_same(registration, service),
        recorded: scope.is_held_by_another::<ServiceRegistration>(&service.service_id),
        exclusive: registration.request.service == EVENT_CHANNEL || registration.request.name.is_some(),
        created: candidates::created(service),
    }
}

/// Every service of a type in the account.
pub(super) async fn list(
    scope: &Scope,
    service_type: &str,
) -> Result<Vec<operations::RegisteredService>, Error> {
    let request =
        ListServices { filter_service_type: Some(service_type.to_owned()), ..ListServices::default() };
    scope.aws.list_all(request).await.doing(|| format!("looking for the {service_type} service"))
}

/// Whether a service is what the registration describes. `None` if AWS returns nothing to tell.
fn describes_the_same(registration: &Registration, service: &operations::RegisteredService) -> Option<bool> {
    let request = &registration.request;
    if request.name.is_some() && request.service != EVENT_CHANNEL {
        return Some(request.name == service.name);
    }
    let details = &request.service_details[&request.service];
    let identity = registered_details::identity(&request.service, details)?;
    Some(registered_details::agrees(&request.service, &identity, observed_details(service)))
}

/// The details that AWS returns, out of their union.
pub(super) fn observed_details(service: &operations::RegisteredService) -> &Value {
    const NOTHING: &Value = &Value::Null;
    let union = service.additional_service_details.as_ref().unwrap_or(NOTHING);
    union.get(&service.service_type).unwrap_or(NOTHING)
}

/// Where the registration differs in what can't be changed.
fn compare_settings(
    registration: &Registration,
    service: &operations::RegisteredService,
    status: &ServiceRegistrationStatus,
) -> Vec<Change> {
    let request = &registration.request;
    let details = &request.service_details[&request.service];
    let observed = observed_details(service);
    let expected = registered_details::expected(&request.service, details);
    let mut changes: Vec<Change> = registered_details::differing(&request.service, &expected, observed)
        .into_iter()
        .map(|key| {
            let path = format!("service.{}.{key}", request.service);
            let change = Change::new(path, observed.get(&key).cloned(), expected.get(&key).cloned());
            if key == "description" { change.sensitive() } else { change }
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
fn must_break_first(service: &operations::RegisteredService, status: &ServiceRegistrationStatus) -> bool {
    service.service_type == EVENT_CHANNEL || status.released == Some(true)
}

fn is_replacement(change: &Change) -> bool {
    change.remedy == Remedy::Replace
}

fn awaiting_authorization() -> Waiting {
    Waiting {
        reason: Reason::AuthorizationRequired,
        message: "a person must open status.authorizationUrl to complete the registration".to_owned(),
        poll: true,
    }
}
