//! AgentSpace: the agent space itself. Its operator app is in [`self::operator_app`].

pub mod imported_space;
pub mod operator_app;
pub mod spaces;

use std::collections::BTreeMap;

use std::time::Duration;

use kube::{Api, Client, ResourceExt};
use serde_json::{Value, json};

use crate::api::agent_space::{AwsSourceMode, Preferences};
use crate::api::common::Fingerprint;
use crate::api::standards::Standards;
use crate::api::{AgentSpace, AgentSpaceStatus};
use crate::aws;
use crate::aws::operations::{
    self, CreateAgentSpace, DeleteAgentSpace, ListAgentSpaces, OperatorApp, UpdateAgentSpace,
};
use crate::reconcile::inputs::Inputs;
use crate::reconcile::kind::{
    Completed, Created, Issuing, Reconciled, Remote, Replaced, Resolved, Scope, State, Stranger, Updated,
};
use crate::reconcile::owned::Reset;
use crate::reconcile::remote::picture::Picture;
use crate::reconcile::state::drift::{Change, Drift, Remedy};
use crate::reconcile::state::error::{Doing, Error};
use crate::reconcile::state::existence::Existence;
use crate::reconcile::state::ownership::Owner;
use crate::reconcile::state::subject::Subject;
use crate::reconcile::state::{finalizer, fingerprint};
use crate::reconcile::tagging::{self, TagMap};

use self::operator_app::DesiredApp;
use self::spaces::Spaces;
use super::{not_found_is_none, space_users};

/// The kind.
pub struct AgentSpaces;

/// The desired state.
pub struct Desired {
    name: String,
    keeps_name: bool,
    description: Option<String>,
    locale: Option<String>,
    kms_key_arn: Option<String>,
    preferences: BTreeMap<String, bool>,
    aws_source_mode: Option<AwsSourceMode>,
    tags: TagMap,
    pub(super) app: Option<DesiredApp>,
    /// Whether the object has, or had, something in AWS.
    held: bool,
}

/// What AWS has.
pub struct Observed {
    space: operations::AgentSpace,
    tags: TagMap,
    /// Read only if the spec or an earlier one mentions it.
    pub(super) app: Option<OperatorApp>,
}

impl Remote for Observed {
    fn id(&self) -> &str {
        &self.space.agent_space_id
    }

    fn tags(&self) -> Option<&TagMap> {
        Some(&self.tags)
    }
}

impl Reconciled for AgentSpaces {
    type Object = AgentSpace;
    type Desired = Desired;
    type Remote = Observed;

    const NOUN: &'static str = "agent space";
    const ARN_TYPE: &'static str = "agentspace";
    const CREATE: Option<&'static str> = Some("CreateAgentSpace");

    fn api(client: Client, namespace: &str) -> Api<AgentSpace> {
        Api::namespaced(client, namespace)
    }

    async fn resolve(object: &AgentSpace, inputs: &Inputs<'_>) -> Result<Resolved<Self>, Error> {
        let spec = &object.spec;
        let scope = inputs.account_scope(spec.account_ref.as_ref()).await?;
        let app = match &spec.operator_app {
            Some(app) => Some(operator_app::resolve(app, inputs, &scope).await?),
            None => None,
        };
        let desired = Desired {
            name: spec.name.as_ref().map_or_else(|| object.name_any(), ToString::to_string),
            // What is adopted keeps its name until the spec gives it one.
            keeps_name: keeps_name(object),
            description: spec.description.as_ref().map(|text| text.0.clone()),
            locale: spec.locale.as_ref().map(ToString::to_string),
            kms_key_arn: spec.kms_key_arn.as_ref().map(ToString::to_string),
            preferences: spec.preferences.iter().filter_map(preferences).collect(),
            aws_source_mode: spec.aws_source_mode,
            tags: inputs.tags(&scope, &spec.tags)?,
            app,
            held: finalizer::is_on(object),
        };
        Ok(Resolved { desired, scope })
    }

    async fn read(
        scope: &Scope,
        id: &str,
        desired: Option<&Desired>,
        status: &AgentSpaceStatus,
    ) -> Result<Option<Observed>, Error> {
        let found = scope.sight.one::<Spaces>(id).await.doing(|| format!("reading the agent space {id}"))?;
        let Some((space, tags)) = found else { return Ok(None) };
        let wanted =
            desired.is_some_and(|desired| desired.app.is_some() || !status.operator_app_flows.is_empty());
        let app = if wanted { Some(operator_app::seen(scope, id).await?) } else { None };
        Ok(Some(Observed { space, tags, app }))
    }

    async fn search(
        scope: &Scope,
        desired: &Desired,
        status: &AgentSpaceStatus,
    ) -> Result<Vec<Observed>, Error> {
        let mut found = Vec::new();
        // Tags are only returned for a single space. One that is ours has our name, or the one it was created with; if
        // status and perhaps the name were lost, only the tags tell.
        let lost = desired.held && Existence::recorded_in(&status.common) == Existence::Unknown;
        let is_named = |space: &operations::AgentSpace| {
            let name = Value::from(space.name.as_str());
            space.name == desired.name || fingerprint::is_sought(&status.common, Some(&name))
        };
        let named = [Value::from(desired.name.as_str())];
        let keys = (!lost && status.common.intent.is_none()).then_some(&named[..]);
        let possible = scope.sight.fitting::<Spaces>(keys, |space| lost || is_named(space)).await;
        let possible = possible.doing(|| "listing the agent spaces".to_owned())?;
        let is_held =
            |space: &operations::AgentSpace| scope.is_held_by_another::<AgentSpace>(&space.agent_space_id);
        let (held, free): (Vec<_>, Vec<_>) = possible.into_iter().partition(is_held);
        // Of those with its name that other objects have, one blocks it as much as all of them.
        for space in free.iter().chain(held.iter().find(|space| is_named(space))) {
            let read = Self::read(scope, &space.agent_space_id, Some(desired), status).await?;
            let owner = read.as_ref().map(|space| scope.identity.owner(&space.tags));
            let is_ours = matches!(owner, Some(Owner::Ours { .. }));
            found.extend(read.filter(|_| is_ours || is_named(space)));
            if owner == Some(Owner::Ours { current: true }) {
                break;
            }
        }
        Ok(found)
    }

    fn sought(desired: &Desired) -> Option<Value> {
        Some(Value::from(desired.name.as_str()))
    }

    async fn refresh<P>(picture: &Picture, pace: P)
    where
        P: Fn(&aws::Client, usize) -> Duration + Send + Sync,
    {
        picture.round::<Spaces>(pace).await;
    }

    fn uncertain(scope: &Scope, id: &str) {
        scope.sight.uncertain::<Spaces>(id);
    }

    fn compare(desired: &Desired, remote: &Observed, status: &AgentSpaceStatus) -> State {
        let mut changes = compare_attributes(desired, &remote.space);
        changes.extend(tagging::compare(&desired.tags, &remote.tags, &status.common.tag_keys));
        if let Some(app) = &remote.app {
            changes.extend(operator_app::compare(desired.app.as_ref(), app, status));
        }
        if changes.is_empty() { State::Matching } else { State::Drifted(Drift(changes)) }
    }

    fn settings(object: &AgentSpace) -> Value {
        serde_json::to_value(&object.spec).unwrap_or_default()
    }

    fn observed(remote: &Observed) -> Value {
        let space = &remote.space;
        json!({
            "description": space.description,
            "locale": space.locale,
            "kmsKeyArn": space.kms_key_arn,
            "preferences": space.preferences.0,
            "awsSourceMode": space.aws_source_mode,
        })
    }

    fn reset(pointer: &str, _: &AgentSpaceStatus) -> Option<Reset> {
        match pointer {
            // Without a name in the spec, it is the object's.
            "/name" => Some(Reset::Compared),
            "/description" => Some(Reset::Stays(
                "AWS can't clear it; set spec.description again, or delete and recreate the object",
            )),
            "/locale" => Some(Reset::Stays(
                "AWS can't clear it; set spec.locale to the desired language, or delete and recreate the object",
            )),
            "/kmsKeyArn" => Some(Reset::Stays(
                "AWS can't change it; set spec.kmsKeyArn again, or delete and recreate the object",
            )),
            "/preferences/elevatedActionsEnabled" => Some(Reset::To(false.into())),
            "/awsSourceMode" => Some(Reset::To(AwsSourceMode::default().as_str().into())),
            _ => None,
        }
    }

    async fn create(
        scope: &Scope,
        desired: &Desired,
        status: &AgentSpaceStatus,
    ) -> Result<Created<Observed>, Error> {
        let mut request = CreateAgentSpace {
            name: desired.name.clone(),
            description: desired.description.clone(),
            locale: desired.locale.clone(),
            kms_key_arn: desired.kms_key_arn.clone(),
            client_token: None,
            tags: desired.tags.clone(),
            preferences: Some(desired.preferences.clone()).filter(|wanted| !wanted.is_empty()),
            aws_source_mode: mode(desired),
        };
        request.client_token = Some(scope.client_token(status.common.lost_id.as_deref(), &request));
        let created = scope.aws.call(&request).await;
        let created = created.doing(|| format!("creating the agent space '{}'", desired.name))?;
        scope.sight.wrote::<Spaces>(&created.agent_space, created.tags.clone());
        // The operator app isn't part of the response.
        let whole = desired.app.is_none() && status.operator_app_flows.is_empty();
        Ok(Created {
            id: Some(created.agent_space.agent_space_id.clone()),
            tag_keys: tagging::keys(&desired.tags),
            left: whole.then_some(Observed { space: created.agent_space, tags: created.tags, app: None }),
            ..Created::default()
        })
    }

    async fn update(
        scope: &Scope,
        desired: &Desired,
        remote: &Observed,
        drift: &Drift,
        status: &mut AgentSpaceStatus,
    ) -> Result<Updated<Observed>, Error> {
        let id = remote.id();
        if drift.touches("tags") {
            let changed = tagging::correct::<Self>(scope, id, drift).await?;
            return Ok(Updated::of(changed));
        }
        if drift.touches("operatorApp") {
            let changed = operator_app::correct(scope, id, desired.app.as_ref(), drift, status).await?;
            return Ok(Updated::of(changed));
        }
        let only = |path: &str, value: &Option<String>| value.clone().filter(|_| drift.touches(path));
        let request = UpdateAgentSpace {
            agent_space_id: id.to_owned(),
            name: only("name", &Some(desired.name.clone())),
            description: only("description", &desired.description),
            locale: only("locale", &desired.locale),
            preferences: drift.touches("preferences").then(|| changed_preferences(&remote.space, drift)),
            aws_source_mode: changed_mode(drift),
        };
        let answer = scope.aws.call(&request).await.doing(|| format!("updating the agent space {id}"))?;
        scope.sight.wrote::<Spaces>(&answer.agent_space, remote.tags.clone());
        let left = Observed { space: answer.agent_space, tags: remote.tags.clone(), app: remote.app.clone() };
        Ok(Updated::of(drift.paths().into_iter().map(str::to_owned).collect()).leaving(left))
    }

    fn undisclosed(desired: &Desired) -> Option<Fingerprint> {
        desired.app.as_ref().and_then(operator_app::undisclosed)
    }

    async fn delete(scope: &Scope, id: &str) -> Result<(), Error> {
        let request = DeleteAgentSpace { agent_space_id: id.to_owned() };
        not_found_is_none(scope.aws.call(&request).await, || format!("deleting the agent space {id}"))
            .map(|_| ())
    }

    fn strangers(inputs: &Inputs<'_>, subject: &Subject, id: &str) -> Vec<Stranger> {
        space_users::strangers(inputs, subject, id)
    }

    async fn make_way(scope: &Scope, _: &str, strangers: &[Stranger]) -> Result<(), Error> {
        space_users::delete(scope, strangers).await
    }

    fn describe(desired: &Desired, remote: &Observed, status: &mut AgentSpaceStatus) {
        status.common.tag_keys = tagging::remembered(&desired.tags, &remote.tags, &status.common.tag_keys);
        operator_app::describe(desired.app.as_ref(), remote.app.as_ref(), status);
    }

    fn natural_key(object: &AgentSpace) -> Option<String> {
        let account = super::account_of(object.spec.account_ref.as_ref());
        let name = object.spec.name.as_ref().map_or_else(|| object.name_any(), ToString::to_string);
        Some(format!("{account}/{name}"))
    }
}

impl Replaced for AgentSpaces {}
impl Completed for AgentSpaces {}
impl Issuing for AgentSpaces {}

/// What is adopted keeps its name until the spec gives it one, and gets the object's once the spec no longer gives one.
fn keeps_name(object: &AgentSpace) -> bool {
    let status = object.status.as_ref().map(|status| &status.common);
    let adopted = object.spec.policies.external_id.is_some()
        || status.is_some_and(|common| common.adopted_from.is_some());
    let ours = status.is_some_and(|common| common.owned_fields.iter().any(|field| field == "/name"));
    object.spec.name.is_none() && adopted && !ours
}

/// The preferences that are set, by AWS's names.
fn preferences(wanted: &Preferences) -> Option<(String, bool)> {
    wanted.elevated_actions_enabled.map(|enabled| ("elevatedActionsEnabled".to_owned(), enabled))
}

/// All preferences, for an update that replaces them all: those that differ are changed, the others stay.
fn changed_preferences(space: &operations::AgentSpace, drift: &Drift) -> BTreeMap<String, bool> {
    let mut all = space.preferences.0.clone();
    all.extend(drift.under("preferences").filter_map(|change| {
        let key = change.path.strip_prefix("preferences.")?.to_owned();
        Some((key, change.desired.as_ref()?.as_bool()?))
    }));
    all
}

/// Every agent space of the account.
pub(super) async fn list(scope: &Scope) -> Result<Vec<operations::AgentSpace>, Error> {
    let listed = scope.aws.list_all(ListAgentSpaces::default()).await;
    listed.doing(|| "listing the agent spaces".to_owned())
}

/// The mode that the space must be set to, if it differs.
fn changed_mode(drift: &Drift) -> Option<String> {
    let change = drift.under("awsSourceMode").next()?;
    change.desired.as_ref()?.as_str().map(str::to_owned)
}

fn mode(desired: &Desired) -> Option<String> {
    desired.aws_source_mode.map(|mode| mode.as_str().to_owned())
}

fn compare_attributes(desired: &Desired, space: &operations::AgentSpace) -> Vec<Change> {
    let text = |value: &Option<String>| value.as_ref().map(|value| Value::from(value.as_str()));
    let mut changes = Vec::new();
    let mut check = |path: &str, observed: &Option<String>, wanted: &Option<String>| {
        let standards = Standards::of("AgentSpace", path);
        let same =
            |wanted: &str| observed.as_deref().is_some_and(|observed| standards.same(wanted, observed));
        if wanted.as_deref().is_some_and(|wanted| !same(wanted)) {
            changes.push(Change::new(path, text(observed), text(wanted)));
        }
    };
    check("name", &Some(space.name.clone()), &Some(desired.name.clone()).filter(|_| !desired.keeps_name));
    check("description", &space.description, &desired.description);
    check("locale", &space.locale, &desired.locale);
    check("kmsKeyArn", &space.kms_key_arn, &desired.kms_key_arn);
    for change in &mut changes {
        change.sensitive = change.path == "description";
        if change.path == "kmsKeyArn" {
            change.remedy = Remedy::Impossible;
        }
    }
    // A space without a mode has AWS's default.
    let observed_mode = space.aws_source_mode.as_deref().unwrap_or(AwsSourceMode::default().as_str());
    if let Some(wanted) = mode(desired).filter(|wanted| wanted != observed_mode) {
        changes.push(Change::new("awsSourceMode", Some(observed_mode.into()), Some(wanted.into())));
    }
    for (key, wanted) in &desired.preferences {
        let observed = space.preferences.0.get(key).copied().unwrap_or_default();
        if observed != *wanted {
            let path = format!("preferences.{key}");
            changes.push(Change::new(path, Some(observed.into()), Some((*wanted).into())));
        }
    }
    changes
}
