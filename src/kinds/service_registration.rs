//! ServiceRegistration: a registration can't be changed, so a change replaces it; nor can its secrets be
//! read, so they are compared by fingerprint. Services registered elsewhere are in [`self::existing`].

pub mod account_services;
mod candidates;
mod details;
mod differences;
mod existing;
pub mod imported_service;
mod registration;
mod search;
mod service_users;

use std::time::Duration;

use kube::{Api, Client};
use serde_json::{Value, json};

use crate::api::common::{Fingerprint, ManagementPolicy, Object, ObjectRef, Policies};
use crate::api::scalars::PrivateConnectionName;
use crate::api::service_registration::Existing;
use crate::api::{ServiceRegistration, ServiceRegistrationStatus};
use crate::aws;
use crate::aws::operations::{self, DeregisterService};
use crate::reconcile::inputs::Inputs;
use crate::reconcile::kind::{
    Completed, Created, ExtraCondition, Issuing, Reached, Reconciled, Remote, Replaced, Replacement,
    Resolved, Scope, State, Stranger, Updated, Waiting,
};
use crate::reconcile::owned::Reset;
use crate::reconcile::remote::picture::Picture;
use crate::reconcile::state::conditions::Reason;
use crate::reconcile::state::drift::{Change, Drift};
use crate::reconcile::state::error::{Doing, Error};
use crate::reconcile::state::ownership::Owner;
use crate::reconcile::state::subject::Subject;
use crate::reconcile::tagging::{self, TagMap};

use self::account_services::Services;
use self::service_users::Uses;
use super::{not_found_is_none, private_connection, space_users};

pub(super) use search::list;

use registration::Registration;

/// Path of the leftover of a replacement in drift.
const PREVIOUS: &str = "status.previousId";
/// This many registrations may wait to be deregistered; then the next change waits, too.
const MOST_LEAVING: usize = 8;

/// The kind.
pub struct ServiceRegistrations;

/// The desired state, or what to find.
pub enum Desired {
    /// Register this.
    Service(Box<Registration>),
    /// Find that.
    Existing(Existing),
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

impl Reconciled for ServiceRegistrations {
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
                external_id: existing::id(existing).or(policies.external_id),
                ..policies
            },
        }
    }

    async fn resolve(object: &ServiceRegistration, inputs: &Inputs<'_>) -> Result<Resolved<Self>, Error> {
        let spec = &object.spec;
        let scope = inputs.account_scope(spec.account_ref.as_ref()).await?;
        let desired = match (&spec.service, &spec.existing) {
            (Some(_), _) => Desired::Service(Box::new(registration::resolve(object, inputs, &scope).await?)),
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
        let found = scope.sight.one::<Services>(id).await.doing(|| format!("reading the service {id}"))?;
        let meant = |service: &operations::RegisteredService| match desired {
            Some(Desired::Existing(existing)) => existing::is_meant(existing, service),
            _ => true,
        };
        let found = found.filter(|(service, _)| meant(service));
        Ok(found.map(|(service, tags)| Observed { service, tags }))
    }

    async fn search(
        scope: &Scope,
        desired: &Desired,
        status: &ServiceRegistrationStatus,
    ) -> Result<Vec<Observed>, Error> {
        match desired {
            Desired::Existing(existing) => existing::search(scope, existing, status).await,
            Desired::Service(registration) => search::own(scope, registration, status).await,
        }
    }

    async fn refresh<P>(picture: &Picture, pace: P)
    where
        P: Fn(&aws::Client, usize) -> Duration + Send + Sync,
    {
        picture.round::<Services>(pace).await;
    }

    fn uncertain(scope: &Scope, id: &str) {
        scope.sight.uncertain::<Services>(id);
    }

    fn compare(desired: &Desired, remote: &Observed, status: &ServiceRegistrationStatus) -> State {
        let Desired::Service(registration) = desired else { return State::Matching };
        if Self::awaits_person(desired, status) {
            return State::Waiting(awaiting_authorization());
        }
        let leaving = Self::aside(status);
        let mut changes = differences::compare(registration, &remote.service, status);
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
    ) -> Result<Created<Observed>, Error> {
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
            ..Created::default()
        })
    }

    async fn update(
        scope: &Scope,
        desired: &Desired,
        remote: &Observed,
        drift: &Drift,
        status: &mut ServiceRegistrationStatus,
    ) -> Result<Updated<Observed>, Error> {
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

    fn conceals(_: &ServiceRegistration, pointer: &str) -> bool {
        details::conceals(pointer)
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
        let replaced = !differences::compare(registration, &remote.service, status).is_empty();
        status.released =
            (replaced && differences::must_break_first(&remote.service, status)).then_some(true);
        let tags = &registration.request.tags;
        status.common.tag_keys = tagging::remembered(tags, &remote.tags, &status.common.tag_keys);
        let recorded = status.common.fingerprint.take();
        status.common.fingerprint = registration.fingerprint.baseline(recorded);
    }

    fn natural_key(object: &ServiceRegistration) -> Option<String> {
        let service = object.spec.service.as_ref()?;
        let row = service.row();
        let key = match &object.spec.name {
            _ if row.is_one_an_account => row.service_type.to_owned(),
            Some(name) => format!("{}/{}", row.service_type, name.0),
            None => return None,
        };
        let account = super::account_of(object.spec.account_ref.as_ref());
        Some(format!("{account}/{key}"))
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

impl Replaced for ServiceRegistrations {
    fn replacement(
        desired: &Desired,
        remote: &Observed,
        _: &Drift,
        status: &ServiceRegistrationStatus,
    ) -> Replacement {
        match desired {
            Desired::Service(registration) if differences::must_break_first(&remote.service, status) => {
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
            Desired::Service(registration) => {
                registration::describes_the_same(registration, &remote.service) == Some(true)
            }
            Desired::Existing(_) => false,
        };
        status.released = same.then_some(true);
        same
    }

    fn set_aside(status: &mut ServiceRegistrationStatus, old: String) {
        status.leftover_ids.extend(status.previous_id.replace(old));
    }

    fn aside(status: &ServiceRegistrationStatus) -> Vec<String> {
        status.leftover_ids.iter().chain(&status.previous_id).cloned().collect()
    }
}

impl Completed for ServiceRegistrations {
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
}

impl Issuing for ServiceRegistrations {}

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
        ServiceRegistrations::remove(scope, id).await?;
    }
    status.leftover_ids.retain(|leftover| leftover != id);
    if status.previous_id.as_deref() == Some(id) {
        status.previous_id = None;
    }
    Ok(())
}

/// The details that AWS returns, out of their union.
pub(super) fn observed_details(service: &operations::RegisteredService) -> &Value {
    const NOTHING: &Value = &Value::Null;
    let union = service.additional_service_details.as_ref().unwrap_or(NOTHING);
    union.get(&service.service_type).unwrap_or(NOTHING)
}

fn awaiting_authorization() -> Waiting {
    Waiting {
        reason: Reason::AuthorizationRequired,
        message: "a person must open status.authorizationUrl to complete the registration".to_owned(),
        poll: true,
    }
}
