//! Trigger: only its status can change; another schedule or action needs a new trigger.

pub mod imported_trigger;
pub mod space_triggers;

use std::time::Duration;

use kube::{Api, Client};
use serde_json::{Value, json};

use crate::api::trigger::Schedule;
use crate::api::{Asset, Trigger, TriggerStatus};
use crate::aws;
use crate::aws::operations::{self, CreateTrigger, DeleteTrigger, UpdateTrigger};
use crate::reconcile::inputs::Inputs;
use crate::reconcile::kind::{
    Completed, Created, Issuing, Reconciled, Remote, Replaced, Resolved, Scope, State, Updated,
};
use crate::reconcile::owned::Reset;
use crate::reconcile::remote::picture::Picture;
use crate::reconcile::state::drift::{self, Change, Drift, Remedy};
use crate::reconcile::state::error::{Doing, Error};
use crate::reconcile::state::fingerprint;
use crate::reconcile::tagging::TagMap;

use self::space_triggers::SpaceTriggers;
use super::not_found_is_none;

/// The kind.
pub struct Triggers;

/// The desired state.
pub struct Desired {
    trigger_type: String,
    condition: Value,
    action: Value,
    status: &'static str,
}

/// What AWS has.
pub struct Observed(operations::Trigger);

impl Remote for Observed {
    fn id(&self) -> &str {
        &self.0.trigger_id
    }

    fn tags(&self) -> Option<&TagMap> {
        None
    }
}

impl Reconciled for Triggers {
    type Object = Trigger;
    type Desired = Desired;
    type Remote = Observed;

    const NOUN: &'static str = "trigger";
    const CREATE: Option<&'static str> = Some("CreateTrigger");

    fn api(client: Client, namespace: &str) -> Api<Trigger> {
        Api::namespaced(client, namespace)
    }

    async fn resolve(object: &Trigger, inputs: &Inputs<'_>) -> Result<Resolved<Self>, Error> {
        let spec = &object.spec;
        let scope = inputs.space_scope(&spec.agent_space_ref).await?;
        let action = match (&spec.action, &spec.asset_ref) {
            (Some(action), _) => Value::Object(action.clone()),
            (None, Some(reference)) => {
                let asset = inputs.object::<Asset>(reference, "spec.assetRef")?;
                let id = inputs.id_of(&*asset, "spec.assetRef")?;
                task(&id)
            }
            (None, None) => Value::Null,
        };
        let desired = Desired {
            trigger_type: spec.trigger_type.to_string(),
            condition: json!({ "schedule": condition(&spec.schedule) }),
            action,
            status: if spec.suspend { "Inactive" } else { "Active" },
        };
        Ok(Resolved { desired, scope })
    }

    fn recorded_space(status: &TriggerStatus) -> Option<String> {
        status.agent_space_id.clone()
    }

    async fn read(
        scope: &Scope,
        id: &str,
        _: Option<&Desired>,
        _: &TriggerStatus,
    ) -> Result<Option<Observed>, Error> {
        let found =
            scope.sight.one::<SpaceTriggers>(id).await.doing(|| format!("reading the trigger {id}"))?;
        Ok(found.map(|(trigger, ())| Observed(trigger)))
    }

    async fn search(
        scope: &Scope,
        desired: &Desired,
        status: &TriggerStatus,
    ) -> Result<Vec<Observed>, Error> {
        let same = |trigger: &operations::Trigger| {
            let key = key(&trigger.r#type, &trigger.condition, &trigger.action);
            compare_fixed(desired, trigger).is_empty() || fingerprint::is_sought(&status.common, Some(&key))
        };
        let key = [schedule_key(&desired.trigger_type, &desired.condition)];
        let keys = status.common.intent.is_none().then_some(&key[..]);
        let found = scope.sight.fitting::<SpaceTriggers>(keys, same).await;
        let found = not_found_is_none(found, || "looking for the trigger".to_owned())?;
        Ok(found.unwrap_or_default().into_iter().map(Observed).collect())
    }

    async fn refresh<P>(picture: &Picture, pace: P)
    where
        P: Fn(&aws::Client, usize) -> Duration + Send + Sync,
    {
        picture.round::<SpaceTriggers>(pace).await;
    }

    fn uncertain(scope: &Scope, id: &str) {
        scope.sight.uncertain::<SpaceTriggers>(id);
    }

    fn compare(desired: &Desired, remote: &Observed, _: &TriggerStatus) -> State {
        let mut changes = compare_fixed(desired, &remote.0);
        if remote.0.status != desired.status {
            let (observed, wanted) = (remote.0.status.as_str().into(), desired.status.into());
            changes.push(Change::new("suspend", Some(observed), Some(wanted)));
        }
        if changes.is_empty() { State::Matching } else { State::Drifted(Drift(changes)) }
    }

    fn settings(object: &Trigger) -> Value {
        let spec = &object.spec;
        let action = match (&spec.action, &spec.asset_ref) {
            (None, Some(_)) => task(""),
            (action, _) => json!(action),
        };
        json!({ "schedule": spec.schedule, "action": action, "type": spec.trigger_type, "suspend": spec.suspend })
    }

    fn observed(remote: &Observed) -> Value {
        json!({ "action": remote.0.action })
    }

    fn reset(pointer: &str, _: &TriggerStatus) -> Option<Reset> {
        match pointer.split('/').nth(1)? {
            "action" => Some(Reset::Replace),
            // Always set, by the spec or by their defaults.
            "schedule" | "type" | "suspend" => Some(Reset::Compared),
            _ => None,
        }
    }

    async fn create(
        scope: &Scope,
        desired: &Desired,
        status: &TriggerStatus,
    ) -> Result<Created<Observed>, Error> {
        let mut request = CreateTrigger {
            agent_space_id: scope.space_id.clone(),
            r#type: desired.trigger_type.clone(),
            condition: desired.condition.clone(),
            action: desired.action.clone(),
            status: Some(desired.status.to_owned()),
            client_token: None,
        };
        request.client_token = Some(scope.client_token(status.common.lost_id.as_deref(), &request));
        let created = scope.aws.call(&request).await.doing(|| "creating the trigger".to_owned())?;
        scope.sight.wrote::<SpaceTriggers>(&created.trigger, ());
        Ok(Created {
            id: Some(created.trigger.trigger_id.clone()),
            left: Some(Observed(created.trigger)),
            ..Created::default()
        })
    }

    fn sought(desired: &Desired) -> Option<Value> {
        Some(key(&desired.trigger_type, &desired.condition, &desired.action))
    }

    async fn update(
        scope: &Scope,
        desired: &Desired,
        remote: &Observed,
        _: &Drift,
        _: &mut TriggerStatus,
    ) -> Result<Updated<Observed>, Error> {
        let request = UpdateTrigger {
            agent_space_id: scope.space_id.clone(),
            trigger_id: remote.id().to_owned(),
            status: Some(desired.status.to_owned()),
            client_token: None,
        };
        let answer = scope.aws.call(&request).await;
        let answer = answer.doing(|| format!("setting the trigger {} {}", remote.id(), desired.status))?;
        scope.sight.wrote::<SpaceTriggers>(&answer.trigger, ());
        Ok(Updated::of(vec!["suspend".to_owned()]).leaving(Observed(answer.trigger)))
    }

    async fn delete(scope: &Scope, id: &str) -> Result<(), Error> {
        let request = DeleteTrigger { agent_space_id: scope.space_id.clone(), trigger_id: id.to_owned() };
        not_found_is_none(scope.aws.call(&request).await, || format!("deleting the trigger {id}")).map(|_| ())
    }

    fn describe(_: &Desired, remote: &Observed, status: &mut TriggerStatus) {
        let expression = remote.0.condition.pointer("/schedule/expression");
        status.expression = expression.and_then(Value::as_str).map(str::to_owned);
    }

    fn place(scope: &Scope, status: &mut TriggerStatus) {
        status.agent_space_id = Some(scope.space_id.clone());
    }

    fn natural_key(object: &Trigger) -> Option<String> {
        let spec = &object.spec;
        let space = super::place_of(&spec.agent_space_ref, object);
        let asset = spec.asset_ref.as_ref().map(|asset| super::place_of(asset, object));
        let parts = json!([space, spec.trigger_type, spec.schedule, spec.action, asset]);
        Some(parts.to_string())
    }
}

impl Replaced for Triggers {}
impl Completed for Triggers {}
impl Issuing for Triggers {}

/// The action that gives a custom agent a task.
fn task(agent: &str) -> Value {
    json!({ "actionType": "create:task", "task": { "agent": format!("custom:{agent}") } })
}

/// The schedule as the API nests it.
fn condition(schedule: &Schedule) -> Value {
    match schedule {
        Schedule::Expression(expression) => json!({ "expression": expression }),
        spec => json!({ "spec": spec }),
    }
}

/// What a trigger was created from, as far as the response contains it.
fn key(trigger_type: &str, condition: &Value, action: &Value) -> Value {
    let schedule = condition.get("schedule").unwrap_or(&Value::Null);
    json!([trigger_type, form(schedule), schedule.get(form(schedule)), action])
}

/// What a trigger can be searched by: an action may come back with defaults filled in.
pub fn schedule_key(trigger_type: &str, condition: &Value) -> Value {
    let schedule = condition.get("schedule").unwrap_or(&Value::Null);
    json!([trigger_type, form(schedule), schedule.get(form(schedule))])
}

/// The form of a schedule. Every response has an expression; with a spec, it is derived from that.
fn form(schedule: &Value) -> &'static str {
    if schedule.get("spec").is_some_and(|spec| !spec.is_null()) { "spec" } else { "expression" }
}

/// Where type, schedule or action differ: what an update can't change.
fn compare_fixed(desired: &Desired, trigger: &operations::Trigger) -> Vec<Change> {
    let none = Value::Null;
    let observed = trigger.condition.get("schedule").unwrap_or(&none);
    let wanted = &desired.condition["schedule"];
    let form = form(wanted);
    let schedule = drift::compare("schedule", observed.get(form).unwrap_or(&none), &wanted[form]);
    // An action is an open document, which may come back with defaults filled in.
    let action = drift::compare_open("action", &trigger.action, &desired.action);
    let mut changes: Vec<Change> =
        schedule.into_iter().chain(action).map(|change| change.fixed_by(Remedy::Replace)).collect();
    if trigger.r#type != desired.trigger_type {
        let (observed, wanted) = (trigger.r#type.as_str().into(), desired.trigger_type.as_str().into());
        changes.push(Change::new("type", Some(observed), Some(wanted)).fixed_by(Remedy::Replace));
    }
    changes
}
