//! The receiving end of the webhooks that the simulator issues.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::signature::{hex, hmac, same};
use crate::simulation::{Inner, Simulation};
use crate::store::{Incident, Webhook};
use crate::wire::{Reply, Request};

/// Path under which webhooks are called.
pub const PREFIX: &str = "/webhook/";

/// Takes an incident: 200 when its signature or token is right, 403 otherwise.
pub fn serve(simulation: &Simulation, request: &Request) -> Reply {
    let now = Simulation::now();
    let id = request.path.rsplit('/').next().unwrap_or_default();
    let mut inner = simulation.lock();
    let Some((webhook, mut incident)) = find(&mut inner, id, now) else {
        tracing::info!(webhook = id, status = 403, "incident for an unknown webhook");
        return refuse("Unknown webhook");
    };
    let tolerance = inner.switches.webhook_tolerance_ms;
    if let Err(reason) = check(request, &webhook, now, tolerance) {
        tracing::info!(webhook = id, status = 403, reason, "incident");
        return refuse(reason);
    }
    let Ok(body) = serde_json::from_slice::<Value>(&request.body) else {
        return Reply::json(StatusCode::BAD_REQUEST, &json!({"message": "The body is not JSON"}));
    };
    let key = |body: &Value| (body["incidentId"].clone(), body["timestamp"].clone());
    incident.duplicate = !body["incidentId"].is_null()
        && inner
            .world
            .incidents
            .iter()
            .any(|old| old.webhook_id == webhook.webhook_id && key(&old.body) == key(&body));
    incident.body = body;
    tracing::info!(webhook = id, status = 200, duplicate = incident.duplicate, "incident");
    inner.world.incidents.push(incident);
    simulation.changed.notify_one();
    Reply::json(StatusCode::OK, &json!({"message": "Webhook received"}))
}

fn refuse(reason: &str) -> Reply {
    Reply::json(StatusCode::FORBIDDEN, &json!({ "message": reason }))
}

/// The webhook of this id, and an incident that names where it belongs.
fn find(inner: &mut Inner, id: &str, now: Timestamp) -> Option<(Webhook, Incident)> {
    for (account, region_name, region) in inner.world.regions_mut() {
        let mut associations = region.agent_spaces.values().flat_map(|space| space.associations.values());
        let found = associations.find_map(|association| {
            let webhook = association.webhook.as_ref().filter(|webhook| webhook.webhook_id == id)?;
            let incident = Incident {
                received_at: now,
                account: account.to_owned(),
                region: region_name.to_owned(),
                agent_space_id: association.agent_space_id.clone(),
                association_id: association.association_id.clone(),
                webhook_id: id.to_owned(),
                webhook_type: webhook.webhook_type.clone(),
                duplicate: false,
                body: Value::Null,
            };
            Some((webhook.clone(), incident))
        });
        if found.is_some() {
            return found;
        }
    }
    None
}

fn check(
    request: &Request,
    webhook: &Webhook,
    now: Timestamp,
    tolerance_ms: u64,
) -> Result<(), &'static str> {
    let secret = webhook.secret.as_bytes();
    let header = |name: &str| request.header(name).unwrap_or_default();
    let good = match webhook.webhook_type.as_str() {
        "hmac" => {
            let stamp = header("x-amzn-event-timestamp");
            check_age(stamp, now, tolerance_ms)?;
            let message = [stamp.as_bytes(), b":", &request.body].concat();
            let expected = BASE64_STANDARD.encode(hmac(secret, &message));
            same(expected.as_bytes(), header("x-amzn-event-signature").as_bytes())
        }
        "apikey" => {
            let token = header("authorization").strip_prefix("Bearer ").unwrap_or_default();
            same(secret, token.as_bytes())
        }
        "gitlab" => same(secret, header("x-gitlab-token").as_bytes()),
        _ => {
            let expected = format!("v1={}", hex(&hmac(secret, &request.body)));
            let mut signatures = header("x-pagerduty-signature").split(',').map(str::trim);
            signatures.any(|signature| same(expected.as_bytes(), signature.as_bytes()))
        }
    };
    if good { Ok(()) } else { Err("The signature or token is wrong") }
}

fn check_age(stamp: &str, now: Timestamp, tolerance_ms: u64) -> Result<(), &'static str> {
    let at: Timestamp = stamp.parse().map_err(|_| "x-amzn-event-timestamp is not an ISO-8601 time")?;
    let off = at.duration_until(now).abs().as_millis();
    if tolerance_ms > 0 && off > i128::from(tolerance_ms) {
        return Err("x-amzn-event-timestamp is too old");
    }
    Ok(())
}
