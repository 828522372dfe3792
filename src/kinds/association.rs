//! Association: a service in a space. Its webhook is in [`self::webhook`], its configuration and capabilities in
//! [`self::configurations`].

mod configurations;
mod deployment;
pub mod imported_association;
mod referents;
pub mod space_associations;
mod webhook;

use std::time::Duration;

use kube::{Api, Client};
use serde_json::{Value, json};

use crate::api::catalog::{self, ServiceOf};
use crate::api::common::{Fingerprint, Object};
use crate::api::{Association, AssociationStatus};
use crate::aws;
use crate::aws::operations::{
    self, AssociateService, DisassociateService, ListAssociations, ListWebhooks, UpdateAssociation,
    ValidateAwsAssociations, Webhook,
};
use crate::document;
use crate::reconcile::inputs::Inputs;
use crate::reconcile::kind::{
    Completed, Created, ExtraCondition, Issuing, OutputSecret, Reached, Reconciled, Remote, Replaced,
    Replacement, Resolved, Scope, Secrets, State, Updated, Waiting,
};
use crate::reconcile::owned::Reset;
use crate::reconcile::remote::picture::Picture;
use crate::reconcile::state::conditions::Reason;
use crate::reconcile::state::drift::{Change, Drift, Remedy};
use crate::reconcile::state::error::{Doing, Error};
use crate::reconcile::state::fingerprint;
use crate::reconcile::tagging::TagMap;

use self::configurations::{key, natural};
use self::space_associations::SpaceAssociations;
use self::webhook::DesiredWebhook;
use super::{not_found_is_none, private_connection};

/// Path of the leftover of a replacement in drift.
const PREVIOUS: &str = "status.previousId";
/// Path of the service in drift.
const SERVICE: &str = "serviceRef";

/// The kind.
pub struct Associations;

/// The desired state.
pub struct Desired {
    service_id: String,
    /// Which configuration.
    key: &'static str,
    /// The configuration in wire form, with its key.
    configuration: Value,
    capabilities: Option<Value>,
    /// The private connections that the spec names by their AWS name, with the fields.
    private_connections: Vec<(String, String)>,
    pub(super) webhook: DesiredWebhook,
    /// The registration must be replaced and waits for its associations to go.
    released: bool,
}

/// What AWS has.
pub struct Observed {
    association: operations::Association,
    /// The webhooks; read only while it isn't known whose secret was captured.
    pub(super) webhooks: Option<Vec<Webhook>>,
}

impl Remote for Observed {
    fn id(&self) -> &str {
        &self.association.association_id
    }

    fn tags(&self) -> Option<&TagMap> {
        None
    }
}

impl Reconciled for Associations {
    type Object = Association;
    type Desired = Desired;
    type Remote = Observed;

    const NOUN: &'static str = "association";
    const CREATE: Option<&'static str> = Some("AssociateService");

    fn api(client: Client, namespace: &str) -> Api<Association> {
        Api::namespaced(client, namespace)
    }

    async fn resolve(object: &Association, inputs: &Inputs<'_>) -> Result<Resolved<Self>, Error> {
        let spec = &object.spec;
        let scope = inputs.space_scope(&spec.agent_space_ref).await?;
        let (service_id, released) = referents::service(object, inputs)?;
        if released && object.status().common.id.is_none() && !inputs.is_deleting() {
            return Err(being_replaced());
        }
        let desired = Desired {
            service_id,
            key: spec.configuration.key(),
            configuration: referents::configuration(&spec.configuration, inputs)?,
            capabilities: spec.capabilities.as_ref().and_then(|wanted| serde_json::to_value(wanted).ok()),
            private_connections: referents::named_connections(&spec.configuration),
            webhook: webhook::resolve(object, &scope, inputs).await?,
            released,
        };
        Ok(Resolved { desired, scope })
    }

    fn recorded_space(status: &AssociationStatus) -> Option<String> {
        status.agent_space_id.clone()
    }

    fn place(scope: &Scope, status: &mut AssociationStatus) {
        status.agent_space_id = Some(scope.space_id.clone());
    }

    async fn read(
        scope: &Scope,
        id: &str,
        desired: Option<&Desired>,
        status: &AssociationStatus,
    ) -> Result<Option<Observed>, Error> {
        let found = scope.sight.one::<SpaceAssociations>(id).await;
        let found = found.doing(|| format!("reading the association {id}"))?;
        let Some((association, ())) = found else { return Ok(None) };
        let unknown = desired.is_some_and(|desired| webhook::must_look(&desired.webhook, status));
        let webhooks = if unknown { Some(list_webhooks(scope, id).await?) } else { None };
        Ok(Some(Observed { association, webhooks }))
    }

    async fn search(
        scope: &Scope,
        desired: &Desired,
        status: &AssociationStatus,
    ) -> Result<Vec<Observed>, Error> {
        let mut found = Vec::new();
        let wanted = Self::sought(desired);
        let fits = |association: &operations::Association| {
            let key = Some(key_of(association));
            (key == wanted || fingerprint::is_sought(&status.common, key.as_ref()))
                && status.previous_id.as_deref() != Some(&association.association_id)
        };
        let keys = wanted.as_slice();
        let keys = status.common.intent.is_none().then_some(keys);
        let fitting = scope.sight.fitting::<SpaceAssociations>(keys, fits).await;
        let fitting = not_found_is_none(fitting, || {
            format!("listing the associations of the agent space {}", scope.space_id)
        })?;
        for association in fitting.unwrap_or_default() {
            let unknown = webhook::must_look(&desired.webhook, status);
            let webhooks =
                if unknown { Some(list_webhooks(scope, &association.association_id).await?) } else { None };
            found.push(Observed { association, webhooks });
        }
        Ok(found)
    }

    async fn refresh<P>(picture: &Picture, pace: P)
    where
        P: Fn(&aws::Client, usize) -> Duration + Send + Sync,
    {
        picture.round::<SpaceAssociations>(pace).await;
    }

    fn uncertain(scope: &Scope, id: &str) {
        scope.sight.uncertain::<SpaceAssociations>(id);
    }

    fn compare(desired: &Desired, remote: &Observed, status: &AssociationStatus) -> State {
        let association = &remote.association;
        let mut changes = Vec::new();
        let is_assumed = matches!(catalog::configuration(desired.key).service, ServiceOf::Assumed(_));
        let is_other = association.service_id != desired.service_id && !is_assumed;
        if desired.released || is_other {
            let (observed, wanted) = (association.service_id.as_str(), desired.service_id.as_str());
            changes.push(
                Change::new(SERVICE, Some(observed.into()), Some(wanted.into())).fixed_by(Remedy::Replace),
            );
        }
        changes.extend(configurations::compare(
            desired.key,
            &desired.configuration,
            &association.configuration,
        ));
        changes.extend(configurations::compare_capabilities(
            desired.capabilities.as_ref(),
            association.capabilities.as_ref(),
        ));
        changes.extend(webhook::compare(
            &desired.webhook,
            &association.association_id,
            remote.webhooks.as_deref(),
            status,
        ));
        if status.previous_id.is_some() {
            changes.push(Change::hidden(PREVIOUS));
        }
        if !changes.is_empty() {
            return State::Drifted(Drift(changes));
        }
        if let Some(role) = refused_role(&association.configuration) {
            return State::Failed(format!(
                "AWS reports that {role} is invalid; check that the role exists and trusts AWS DevOps Agent"
            ));
        }
        match association.status.as_deref() {
            Some("invalid") => State::Failed(
                "AWS reports that the association is invalid; check its role, credentials and settings"
                    .to_owned(),
            ),
            Some("pending-confirmation") if deployment::is_of(desired.key) => deployment::waiting(),
            Some("pending-confirmation") => State::Waiting(Waiting {
                reason: Reason::InTransition,
                message: "AWS is waiting for the association to be confirmed".to_owned(),
                poll: true,
            }),
            _ => deployment::state(&association.configuration).unwrap_or(State::Matching),
        }
    }

    fn settings(object: &Association) -> Value {
        configurations::of(&object.spec)
    }

    fn observed(remote: &Observed) -> Value {
        let association = &remote.association;
        json!({ "configuration": association.configuration, "capabilities": association.capabilities })
    }

    /// An update replaces the whole of either.
    fn reset(pointer: &str, _: &AssociationStatus) -> Option<Reset> {
        matches!(pointer.split('/').nth(1)?, "configuration" | "capabilities").then_some(Reset::Clear)
    }

    async fn create(
        scope: &Scope,
        desired: &Desired,
        status: &AssociationStatus,
    ) -> Result<Created<Observed>, Error> {
        // Status may be newer than the object that was resolved.
        if desired.released {
            return Err(being_replaced());
        }
        let request = AssociateService {
            agent_space_id: scope.space_id.clone(),
            service_id: desired.service_id.clone(),
            configuration: desired.configuration.clone(),
            capabilities: desired.capabilities.clone(),
        };
        let answer = scope.aws.call(&request).await;
        let answer =
            answer.doing(|| format!("associating the service {} with the space", desired.service_id))?;
        scope.sight.wrote::<SpaceAssociations>(&answer.association, ());
        let id = answer.association.association_id.clone();
        // What came with a webhook whose secret isn't shown is looked at more closely.
        let whole = answer.webhook.is_none();
        let secret =
            answer.webhook.and_then(|webhook| webhook::secret(&desired.webhook, &id, status, webhook));
        let left = (whole || secret.is_some())
            .then(|| Observed { association: answer.association, webhooks: whole.then(Vec::new) });
        Ok(Created { id: Some(id), secret, left, ..Created::default() })
    }

    async fn update(
        scope: &Scope,
        desired: &Desired,
        remote: &Observed,
        drift: &Drift,
        status: &mut AssociationStatus,
    ) -> Result<Updated<Observed>, Error> {
        let id = remote.id();
        if drift.touches("configuration") || drift.touches("capabilities") {
            let request = UpdateAssociation {
                agent_space_id: scope.space_id.clone(),
                association_id: id.to_owned(),
                configuration: configurations::configuration(
                    &desired.configuration,
                    &remote.association.configuration,
                    drift,
                ),
                capabilities: configurations::capabilities(
                    desired.capabilities.as_ref(),
                    remote.association.capabilities.as_ref(),
                    drift,
                ),
            };
            let answer = scope.aws.call(&request).await.doing(|| format!("updating the association {id}"))?;
            scope.sight.wrote::<SpaceAssociations>(&answer.association, ());
            let changed = ["configuration", "capabilities"]
                .iter()
                .flat_map(|path| drift.under(path))
                .map(|change| change.path.clone())
                .collect();
            let whole = answer.webhook.is_none();
            let secret =
                answer.webhook.and_then(|webhook| webhook::secret(&desired.webhook, id, status, webhook));
            let left = whole
                .then(|| Observed { association: answer.association, webhooks: remote.webhooks.clone() });
            return Ok(Updated { changed, secret, left, ..Updated::default() });
        }
        if drift.touches("webhook") {
            return Ok(webhook::rewrite(&desired.webhook, id, status));
        }
        if let Some(previous) = status.previous_id.clone() {
            Self::remove(scope, &previous).await?;
            status.previous_id = None;
            status.previous_service_id = None;
        }
        Ok(Updated::of(vec![PREVIOUS.to_owned()]))
    }

    fn undisclosed(desired: &Desired) -> Option<Fingerprint> {
        Some(desired.webhook.undisclosed(&desired.configuration))
    }

    fn conceals(object: &Association, pointer: &str) -> bool {
        configurations::conceals(object.spec.configuration.key(), pointer)
    }

    /// AWS checks the roles of AWS accounts on request; the next pass reads their status.
    async fn recheck(scope: &Scope, remote: &Observed) -> Result<(), Error> {
        let configuration = document::variant(&remote.association.configuration);
        if !configuration.is_some_and(|(key, _)| catalog::configuration(key).is_validated) {
            return Ok(());
        }
        let request = ValidateAwsAssociations { agent_space_id: scope.space_id.clone() };
        let answer = scope.aws.call(&request).await;
        answer.doing(|| format!("having the AWS accounts of the space {} checked again", scope.space_id))?;
        Ok(())
    }

    async fn delete(scope: &Scope, id: &str) -> Result<(), Error> {
        let request =
            DisassociateService { agent_space_id: scope.space_id.clone(), association_id: id.to_owned() };
        let done = scope.aws.call(&request).await;
        not_found_is_none(done, || format!("deleting the association {id}")).map(|_| ())
    }

    fn describe(desired: &Desired, remote: &Observed, status: &mut AssociationStatus) {
        status.service_id = Some(remote.association.service_id.clone());
        status.configuration_type = Some(desired.key.to_owned());
        let id = &remote.association.association_id;
        webhook::describe(&desired.webhook, id, remote.webhooks.as_deref(), status);
        deployment::describe(&remote.association.configuration, status);
    }

    fn natural_key(object: &Association) -> Option<String> {
        let spec = &object.spec;
        let space = super::place_of(&spec.agent_space_ref, object);
        let service = spec.service_ref.as_ref().map(|service| super::place_of(service, object));
        let configuration = serde_json::to_value(&spec.configuration).unwrap_or_default();
        Some(json!([space, service, natural(&configuration)]).to_string())
    }

    fn sought(desired: &Desired) -> Option<Value> {
        Some(key(&desired.service_id, &desired.configuration))
    }

    async fn reaches(scope: &Scope, desired: &Desired) -> Result<Vec<Reached>, Error> {
        let mut reached = Vec::new();
        for (field, name) in &desired.private_connections {
            reached.extend(private_connection::reached(scope, field, name).await?);
        }
        Ok(reached)
    }

    fn forget(status: &mut AssociationStatus) {
        webhook::forget(status);
        status.answer_lost = None;
        status.service_id = None;
        status.deployment = None;
    }

    fn needless_conditions(object: &Association) -> &'static [&'static str] {
        if webhook::is_needless(object) { &[webhook::CONDITION] } else { &[] }
    }

    fn more_conditions(object: &Association, status: &AssociationStatus) -> Vec<ExtraCondition> {
        webhook::condition(object, status).into_iter().chain(deployment::condition(status)).collect()
    }
}

impl Replaced for Associations {
    /// A new service gets a new association next to the old one; the same service can't have two.
    fn replacement(desired: &Desired, _: &Observed, drift: &Drift, _: &AssociationStatus) -> Replacement {
        if drift.touches(SERVICE) && !desired.released {
            Replacement::MakeBeforeBreak
        } else {
            Replacement::BreakBeforeMake
        }
    }

    fn set_aside(status: &mut AssociationStatus, old: String) {
        status.previous_id = Some(old);
        status.previous_service_id = status.service_id.take();
    }

    fn aside(status: &AssociationStatus) -> Vec<String> {
        status.previous_id.clone().into_iter().collect()
    }
}

impl Issuing for Associations {
    fn answer_lost(status: &mut AssociationStatus) {
        status.answer_lost = Some(true);
    }

    fn secret_to_come(desired: &Desired, status: &AssociationStatus) -> Option<OutputSecret> {
        webhook::secret_to_come(desired.key, &desired.webhook, status)
    }

    fn secret_comes(status: &mut AssociationStatus, name: &str) {
        webhook::secret_comes(status, name);
    }

    fn secret_written(
        desired: &Desired,
        status: &mut AssociationStatus,
        secret: &OutputSecret,
    ) -> Option<String> {
        webhook::record(&desired.webhook, desired.key, status, secret)
    }

    fn secret_gone(status: &mut AssociationStatus, name: &str) {
        webhook::secret_gone(status, name);
    }

    fn secrets(object: &Association, status: &AssociationStatus) -> Secrets {
        webhook::secrets(object, status)
    }
}

impl Completed for Associations {}

/// What identifies an association in its space.
pub fn key_of(association: &operations::Association) -> Value {
    key(&association.service_id, &association.configuration)
}

/// Every association of a space; none if the space is gone.
pub(super) async fn list(scope: &Scope) -> Result<Vec<operations::Association>, Error> {
    let request = ListAssociations { agent_space_id: scope.space_id.clone(), ..ListAssociations::default() };
    let listed = not_found_is_none(scope.aws.list_all(request).await, || {
        format!("listing the associations of the agent space {}", scope.space_id)
    })?;
    Ok(listed.unwrap_or_default())
}

fn being_replaced() -> Error {
    Error::wait(Reason::DependencyNotReady, "spec.serviceRef: the registration is being replaced")
}

/// The path of a role that AWS says is invalid, in the configuration itself.
fn refused_role(configuration: &Value) -> Option<String> {
    let (key, settings) = document::variant(configuration)?;
    let statuses = catalog::configuration(key).output_only.iter();
    let roles = statuses.filter_map(|member| Some((*member, member.strip_suffix("Status")?)));
    let mut invalid = roles.filter(|(status, _)| settings.pointer(status).is_some_and(|is| is == "invalid"));
    invalid.next().map(|(_, role)| format!("configuration.{key}{}", role.replace('/', ".")))
}

async fn list_webhooks(scope: &Scope, id: &str) -> Result<Vec<Webhook>, Error> {
    let request = ListWebhooks { agent_space_id: scope.space_id.clone(), association_id: id.to_owned() };
    let listed =
        not_found_is_none(scope.aws.call(&request).await, || format!("listing the webhooks of {id}"))?;
    Ok(listed.map(|listed| listed.webhooks).unwrap_or_default())
}
