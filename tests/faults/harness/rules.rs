//! The rules that hold whatever happens, checked against the whole state of the simulator and of the API server.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::boundary::{Call, Side};
use super::fault::Fault;
use super::log;
use super::resources::{RESOURCES, resource};
use super::run::{MARKER, Outcome, Run, condition, is_settled, is_unready};
use super::webhook;
use super::world::World;

/// Most calls of one name in a run.
const MOST_CALLS: usize = 120;

/// Everything that must hold after the script: the objects settle, nothing is duplicated, nothing more is written,
/// every webhook works, everything can be deleted, and no secret has leaked.
pub async fn check(run: &Run, first_line: u64) -> Outcome {
    run.world.boundary.nothing_is_late().await;
    settled(run).await?;
    // What is left to do is done by the first of two requested passes; the second finds nothing.
    request_all(run).await?;
    settled(run).await?;
    remotes(run)?;
    webhooks(run).await?;
    quiet(run).await?;
    let secrets = secrets(run);
    delete_all(run).await?;
    hygiene(run, first_line, &secrets)?;
    protected(run)?;
    busy(run)?;
    let broken = run.world.boundary.violations();
    if broken.is_empty() { Ok(()) } else { Err(broken.join("; ")) }
}

/// Rule 7: given quiet time every object is Ready, or says why not.
async fn settled(run: &Run) -> Outcome {
    let expectations = run.expectations();
    let unsettled = |object: &Value| {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        match expectations.unready.get(name) {
            Some(reason) => !is_unready(object, reason),
            None => !is_settled(object),
        }
    };
    let all = || objects(run).into_iter().filter(|object| unsettled(object)).collect::<Vec<_>>();
    let done = run.until("every object has settled", || all().is_empty()).await;
    done.map_err(|why| {
        let list: Vec<String> = all().iter().map(|object| describe(object)).collect();
        format!("rule 7: {why}: {}", list.join(", "))
    })
}

fn objects(run: &Run) -> Vec<Arc<Value>> {
    let named = run.objects();
    named.iter().filter_map(|(kind, name)| run.find(kind, name)).collect()
}

fn describe(object: &Value) -> String {
    let (kind, name) = (&object["kind"], &object["metadata"]["name"]);
    let ready = condition(object, "Ready");
    let word = |member: &str| ready.map_or("", |ready| ready[member].as_str().unwrap_or_default());
    format!(
        "{} {} (Ready={} {} {})",
        kind.as_str().unwrap_or_default(),
        name.as_str().unwrap_or_default(),
        word("status"),
        word("reason"),
        word("message")
    )
}

async fn request_all(run: &Run) -> Outcome {
    let mut requests = Vec::new();
    for (kind, name) in run.objects() {
        let request = run.request(kind, &name).await?;
        requests.push((kind, name, request));
    }
    for (kind, name, request) in requests {
        run.handled(kind, &name, &request).await.map_err(|why| format!("rule 7: {why}"))?;
    }
    Ok(())
}

/// Rule 1: as many remotes as expected, and never more.
fn remotes(run: &Run) -> Outcome {
    let expectations = run.expectations();
    let now = run.world.remotes();
    same(&now, &expectations.remotes).map_err(|why| format!("rule 1: at the end {why}"))?;
    for (kind, most) in run.world.boundary.peak() {
        let wanted = |map: &BTreeMap<&str, usize>| map.get(kind.as_str()).copied();
        let allowed = wanted(&expectations.peak).or(wanted(&expectations.remotes)).unwrap_or_default();
        if most > allowed {
            return Err(format!("rule 1: for a while there were {most} {kind}, and {allowed} are allowed"));
        }
    }
    Ok(())
}

fn same(now: &BTreeMap<String, usize>, wanted: &BTreeMap<&str, usize>) -> Outcome {
    for (kind, count) in now {
        let wanted = wanted.get(kind.as_str()).copied().unwrap_or_default();
        if *count != wanted {
            return Err(format!("there are {count} {kind} instead of {wanted}"));
        }
    }
    Ok(())
}

/// Rule 2: the webhook in every Secret works, and none was issued twice without need.
async fn webhooks(run: &Run) -> Outcome {
    let expectations = run.expectations();
    for object in objects(run) {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let recorded = object.pointer("/status/webhook/secretName").and_then(Value::as_str);
        let has_one =
            run.world.region()["agentSpaces"].as_object().into_iter().flatten().any(|(_, space)| {
                let id = object["status"]["id"].as_str().unwrap_or_default();
                !space["associations"][id]["webhook"].is_null()
            });
        if object["kind"] != "Association" || !has_one || expectations.without_secret.contains(name) {
            continue;
        }
        let secret =
            recorded.ok_or_else(|| format!("rule 2: Association {name} has no webhook in its status"))?;
        let data =
            run.find("Secret", secret).ok_or_else(|| format!("rule 2: there is no Secret {secret}"))?;
        let status =
            webhook::post(&data).await.map_err(|why| format!("rule 2: the Secret {secret}: {why}"))?;
        if status != 200 {
            return Err(format!("rule 2: a call with the Secret {secret} is answered with {status}"));
        }
    }
    let boundary = &run.world.boundary;
    let lost = boundary.calls().iter().filter(|call| loses_webhook(call)).count() + boundary.died_with();
    let needed = expectations.webhooks + lost;
    let issued = boundary.webhooks_issued();
    if issued > needed {
        return Err(format!("rule 2: {issued} webhooks were issued, and {needed} are enough"));
    }
    Ok(())
}

/// Whether a fault may have cost the answer with a webhook's secret.
fn loses_webhook(call: &Call) -> bool {
    call.name == "AssociateService" && call.fault.is_some_and(Fault::loses_answer)
}

/// Rule 4: a pass over what does not differ writes nothing to AWS, and to status only the echo of the request. A pass
/// over an object that was deleted meanwhile may still be in progress; its writes are refused, and it is over when it
/// is looked for again.
async fn quiet(run: &Run) -> Outcome {
    match quiet_once(run).await? {
        Some(write) if is_about_nothing(run, &write) => match quiet_once(run).await? {
            Some(write) => Err(format!("rule 4: a pass without a difference made {write}")),
            None => Ok(()),
        },
        Some(write) => Err(format!("rule 4: a pass without a difference made {write}")),
        None => Ok(()),
    }
}

/// Whether a call is about an object that doesn't exist.
fn is_about_nothing(run: &Run, write: &str) -> bool {
    let target = write.split_whitespace().last().unwrap_or_default();
    let mut parts = target.split('/');
    let (plural, name) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let known = RESOURCES.iter().find(|known| known.plural == plural);
    known.is_some_and(|known| run.world.place().find(*known, name).is_none())
}

/// A write to Kubernetes that was one too many, as a count and the call.
async fn quiet_once(run: &Run) -> Outcome<Option<String>> {
    let before: Vec<(String, Value)> =
        objects(run).iter().map(|object| (describe(object), status(object))).collect();
    let calls = run.world.boundary.calls().len();
    request_all(run).await?;
    let after: Vec<(String, Value)> =
        objects(run).iter().map(|object| (describe(object), status(object))).collect();
    if before != after {
        return Err(format!(
            "rule 4: a pass without a difference changed a status: {before:?} became {after:?}"
        ));
    }
    let since = run.world.boundary.calls().split_off(calls);
    if let Some(call) = since.iter().find(|call| call.side == Side::Aws && call.mutating) {
        return Err(format!("rule 4: a pass without a difference called {}", call.name));
    }
    let mut writes: BTreeMap<&str, usize> = BTreeMap::new();
    // The Event of the previous pass may still be on its way: it is published after status.
    let counted =
        |call: &&Call| call.side == Side::Kubernetes && call.mutating && !call.name.ends_with(" events");
    for call in since.iter().filter(counted) {
        *writes.entry(&call.name).or_default() += 1;
    }
    let one_too_many = writes.iter().find(|(name, count)| !name.ends_with("/status") || **count > 1);
    Ok(one_too_many.map(|(name, count)| format!("{count} × {name}")))
}

/// The status without the echo.
fn status(object: &Value) -> Value {
    let mut status = object["status"].clone();
    status["lastHandledReconcileAt"].take();
    status
}

/// Rules 1 and 3: everything can be deleted, and nothing is left that shouldn't be.
async fn delete_all(run: &Run) -> Outcome {
    for (kind, name) in run.objects() {
        run.delete(kind, &name).await?;
    }
    let gone = run.until("every object is gone", || run.objects().is_empty()).await;
    gone.map_err(|why| {
        let list: Vec<String> = objects(run).iter().map(|object| describe(object)).collect();
        format!("rule 7: {why}: {}", list.join(", "))
    })?;
    let left = run.expectations().left;
    // A private connection goes slowly; its object only goes after it.
    same(&run.world.remotes(), &left).map_err(|why| format!("rule 1: after the deletion {why}"))
}

/// Rule 2, at the moment at which the status of an association is written: a webhook that the operator knows has its
/// Secret before the association's id is final.
pub fn status_is_written(world: &World, body: &[u8]) {
    let written: Value = serde_json::from_slice(body).unwrap_or_default();
    let id = written.pointer("/status/id").and_then(Value::as_str).unwrap_or_default();
    if world.boundary.awaits_secret(id) {
        world
            .boundary
            .violated(format!("rule 2: status names the association {id} before its Secret is written"));
    }
}

/// Rule 3, at the moment at which a finalizer goes: the remote is gone, or it is to be kept. A patch whose own tests
/// fail changes nothing: one that was sent for an object which is gone may arrive when another has its name.
pub fn finalizer_goes(world: &World, plural: &str, name: &str, steps: &[Value]) {
    let Some(object) = world.place().find(resource(plural), name) else { return };
    let holds = |step: &Value| object.pointer(step["path"].as_str().unwrap_or_default()) == step.get("value");
    if !steps.iter().filter(|step| step["op"] == "test").all(holds) {
        return;
    }
    let spec = &object["spec"];
    let kept = spec["deletionPolicy"] == "Retain"
        || spec["managementPolicy"] == "Observe"
        || !spec["existing"].is_null();
    let ids = ["id", "previousId"].map(|member| object["status"][member].as_str().unwrap_or_default());
    let present = world.ids();
    for id in ids.iter().filter(|id| !id.is_empty() && !kept) {
        if present.iter().any(|present| present == id) {
            world.boundary.violated(format!(
                "rule 3: the finalizer of {plural}/{name} goes while its remote {id} exists"
            ));
        }
    }
}

/// Rule 5: no mutating call names what the operator neither created nor adopted.
fn protected(run: &Run) -> Outcome {
    let protected = run.protected();
    for call in run.world.simulator.call_log(0).iter().filter(|call| call.mutating && call.error.is_none()) {
        let named = call.resource.values().filter_map(Value::as_str);
        let parent_only = |id: &str| {
            call.resource.len() > 1 && call.resource.get("agentSpaceId").is_some_and(|space| space == id)
        };
        if let Some(id) = named.into_iter().find(|id| protected.contains(*id) && !parent_only(id)) {
            return Err(format!("rule 5: {} was called on {id}, which is not ours", call.operation));
        }
    }
    Ok(())
}

/// Rule 8: no call is made over and over. Whatever the fault, a run needs a few dozen of one kind; a loop without a
/// delay makes hundreds.
fn busy(run: &Run) -> Outcome {
    match run.world.boundary.busiest() {
        Some((name, count)) if count > MOST_CALLS => {
            Err(format!("rule 8: {name} was called {count} times, and {MOST_CALLS} are enough"))
        }
        _ => Ok(()),
    }
}

/// Every secret that there is or was: those that the scenario put in, and those of webhooks.
fn secrets(run: &Run) -> Vec<String> {
    let region = run.world.region();
    let mut secrets = vec![MARKER.to_owned()];
    secrets.extend(run.world.boundary.issued_secrets());
    for space in region["agentSpaces"].as_object().into_iter().flatten().map(|(_, space)| space) {
        for association in space["associations"].as_object().into_iter().flatten().map(|(_, it)| it) {
            secrets.extend(association["webhook"]["secret"].as_str().map(str::to_owned));
        }
    }
    secrets
}

/// Rule 6: no secret in what was written to Kubernetes except Secrets, nor in the log.
fn hygiene(run: &Run, first_line: u64, secrets: &[String]) -> Outcome {
    if let Some(body) = run.world.boundary.find_written(secrets) {
        return Err(format!("rule 6: a secret was written: {body}"));
    }
    match log::find(first_line, secrets) {
        Some(line) => Err(format!("rule 6: a secret is in the log: {line}")),
        None => Ok(()),
    }
}
