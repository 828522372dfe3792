//! Services: registered once per account and region, and associated with spaces.

use serde_json::{Value, json};

use crate::catalog::ONE_AN_ACCOUNT;
use crate::context::{Answer, Context, Object, iso};
use crate::error::ApiError;
use crate::input::Input;
use crate::paging::{Row, page};
use crate::random;
use crate::store::{PendingRegistration, Region, Service};
use crate::switches::DuplicateService;

mod details;

/// Registering an endpoint with this word in its name fails, as for a target that is down.
const DOWN: &str = "unreachable";

pub fn register(cx: &mut Context<'_>, input: &Input) -> Answer {
    let kind = input.text("service").to_owned();
    let (key, registration) = input.union("serviceDetails")?;
    if key != kind {
        return Err(ApiError::validation(
            "/serviceDetails",
            format!("A {kind} service expects the details {kind}, not {key}"),
        ));
    }
    check_connections(cx, input)?;
    check_endpoint(registration)?;
    check_unique(cx, &kind, input, registration)?;
    cx.check_roles(registration)?;
    let service = build(cx, input, &kind, registration)?;
    let answer = Object::new().maybe("kmsKeyArn", service.kms_key_arn.as_deref()).map("tags", &service.tags);
    if details::interactive(registration) {
        let url = wait_for_person(cx, service);
        return Ok(answer.with("additionalStep", json!({"oauth": {"authorizationUrl": url}})).build());
    }
    let answer = answer.with("serviceId", service.service_id.as_str()).build();
    cx.region.services.insert(service.service_id.clone(), service);
    Ok(answer)
}

pub fn get(cx: &mut Context<'_>, input: &Input) -> Answer {
    let id = input.text("serviceId");
    let service = cx.region.services.get(id).ok_or_else(|| ApiError::not_found("Service", id))?;
    Ok(Object::new().with("service", show(service)).map("tags", &service.tags).build())
}

pub fn list(cx: &mut Context<'_>, input: &Input) -> Answer {
    let wanted = input.optional("filterServiceType");
    let rows = cx
        .listed()
        .services
        .values()
        .filter(|service| wanted.is_none_or(|wanted| service.service_type == wanted))
        .map(|service| Row { sequence: service.sequence, id: &service.service_id, item: service });
    page(cx, input, ("services", "services"), rows, show)
}

pub fn deregister(cx: &mut Context<'_>, input: &Input) -> Answer {
    let id = input.text("serviceId");
    if !cx.region.services.contains_key(id) {
        return cx.missing("Service", id);
    }
    let refusal = cx.switches.deregister_in_use;
    let users: Vec<&str> = cx
        .region
        .agent_spaces
        .values()
        .flat_map(|space| space.associations.values())
        .filter(|association| association.service_id == id)
        .map(|association| association.agent_space_id.as_str())
        .collect();
    if !users.is_empty() {
        return Err(
            refusal.error(format!("Service {id} is associated with agent spaces {}", users.join(", ")))
        );
    }
    if let Some(at) = cx.region.disassociated.get(id) {
        let age = at.duration_until(cx.now).as_millis();
        if age < i128::from(cx.switches.deregister_cooldown_ms) {
            return Err(refusal.error(format!("Service {id} still has associations that are being removed")));
        }
    }
    cx.region.services.remove(id);
    cx.region.disassociated.remove(id);
    Ok(Object::new().build())
}

/// What opening an authorization URL does. Returns the id of the service, or `None` for a URL that isn't valid.
pub fn complete_registration(region: &mut Region, token: &str) -> Option<String> {
    let mut service = region.pending_registrations.remove(token)?.service;
    service.sequence = region.next();
    let id = service.service_id.clone();
    region.services.insert(id.clone(), service);
    Some(id)
}

fn wait_for_person(cx: &mut Context<'_>, service: Service) -> String {
    let token = random::uuid();
    let expires_at = cx.after(cx.switches.authorization_lifetime_ms);
    cx.region.pending_registrations.insert(token.clone(), PendingRegistration { service, expires_at });
    format!("{}/_simulator/authorize/{token}", cx.base_url)
}

fn build(cx: &mut Context<'_>, input: &Input, kind: &str, registration: &Value) -> Result<Service, ApiError> {
    let masked = cx.switches.sigv4_headers;
    Ok(Service {
        service_id: random::uuid(),
        sequence: cx.region.next(),
        service_type: kind.to_owned(),
        name: input.owned("name"),
        accessible_resources: Vec::new(),
        additional_service_details: details::readable(kind, registration, masked)
            .map(|value| json!({kind: value})),
        kms_key_arn: input.owned("kmsKeyArn"),
        private_connection_name: input.owned("privateConnectionName"),
        target_url_private_connection_name: input.owned("targetUrlPrivateConnectionName"),
        exchange_url_private_connection_name: input.owned("exchangeUrlPrivateConnectionName"),
        tags: super::tags::new_tags(input)?,
        created_at: cx.now,
        updated_at: cx.now,
        origin: "api".to_owned(),
        registration: input.get("serviceDetails").cloned(),
    })
}

fn check_connections(cx: &Context<'_>, input: &Input) -> Result<(), ApiError> {
    const WHOLE: &str = "privateConnectionName";
    const PARTS: [&str; 2] = ["targetUrlPrivateConnectionName", "exchangeUrlPrivateConnectionName"];
    if input.get(WHOLE).is_some() && PARTS.iter().any(|part| input.get(part).is_some()) {
        return Err(ApiError::validation(
            &format!("/{WHOLE}"),
            format!("{WHOLE} excludes {}", PARTS.join(" and ")),
        ));
    }
    for member in [WHOLE].iter().chain(&PARTS) {
        let Some(name) = input.optional(member) else { continue };
        let status = cx.region.private_connections.get(name).map(|connection| connection.status.as_str());
        match status {
            Some("ACTIVE") => {}
            Some(status) => {
                let message = format!("Private connection {name} is {status}, not ACTIVE");
                return Err(ApiError::validation(&format!("/{member}"), message));
            }
            None => return Err(ApiError::not_found("Private connection", name)),
        }
    }
    Ok(())
}

fn check_endpoint(registration: &Value) -> Result<(), ApiError> {
    let endpoint = details::endpoint(registration).unwrap_or_default();
    if endpoint.contains(DOWN) {
        return Err(ApiError::new("ValidationException", format!("The endpoint {endpoint} did not answer")));
    }
    Ok(())
}

fn check_unique(cx: &Context<'_>, kind: &str, input: &Input, registration: &Value) -> Result<(), ApiError> {
    let mut peers = cx.region.services.values().filter(|service| service.service_type == kind);
    if ONE_AN_ACCOUNT.contains(&kind) {
        return match peers.next() {
            Some(_) => Err(cx
                .switches
                .second_event_channel
                .error("An event channel is already registered for this account")),
            None => Ok(()),
        };
    }
    if cx.switches.duplicate_service == DuplicateService::Allow {
        return Ok(());
    }
    let endpoint = details::endpoint(registration);
    let same = |service: &Service| {
        let theirs =
            service.registration.as_ref().and_then(|value| value.get(kind)).and_then(details::endpoint);
        (service.name.is_some() && service.name.as_deref() == input.optional("name"))
            || (endpoint.is_some() && theirs == endpoint)
    };
    match peers.find(|service| same(service)) {
        Some(service) => Err(ApiError::conflict(format!("Service {} is the same", service.service_id))),
        None => Ok(()),
    }
}

fn show(service: &Service) -> Value {
    Object::new()
        .with("serviceId", service.service_id.as_str())
        .with("serviceType", service.service_type.as_str())
        .maybe("name", service.name.as_deref())
        .with("accessibleResources", service.accessible_resources.clone())
        .maybe("additionalServiceDetails", service.additional_service_details.clone())
        .maybe("kmsKeyArn", service.kms_key_arn.as_deref())
        .maybe("privateConnectionName", service.private_connection_name.as_deref())
        .with("createdAt", iso(service.created_at))
        .with("updatedAt", iso(service.updated_at))
        .build()
}
