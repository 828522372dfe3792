//! Private connections, which take their time.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::context::{Answer, Context, Object, iso};
use crate::error::ApiError;
use crate::input::Input;
use crate::random;
use crate::store::Connection;
use crate::switches::{ConnectionExists, Refusal};

/// A host with this word in its name is never reached: the connection fails.
const UNREACHABLE: &str = "unreachable";
const CERTIFICATE_DAYS: i64 = 365;

pub fn create(cx: &mut Context<'_>, input: &Input) -> Answer {
    let name = input.text("name");
    if let Some(existing) = cx.region.private_connections.get(name) {
        return taken(cx, input, existing);
    }
    let (kind, mode) = input.union("mode")?;
    let connection = Connection {
        name: name.to_owned(),
        sequence: cx.region.next(),
        kind: if kind == "serviceManaged" { "SERVICE_MANAGED" } else { "SELF_MANAGED" }.to_owned(),
        status: "CREATE_IN_PROGRESS".to_owned(),
        host_address: text(mode, "hostAddress"),
        vpc_id: text(mode, "vpcId"),
        resource_gateway_id: (kind == "serviceManaged").then(|| lattice(cx, "resourcegateway/rgw-")),
        resource_configuration_id: Some(resource_configuration(cx, mode)),
        dns_resolution: (kind == "serviceManaged")
            .then(|| text(mode, "dnsResolution").unwrap_or_else(|| "PUBLIC".to_owned())),
        failure_message: None,
        certificate_expiry_time: mode.get("certificate").map(|_| expiry(cx.now)),
        tags: super::tags::new_tags(input)?,
        mode: json!({ kind: mode }),
        settles_at: Some(cx.after(cx.switches.settle_ms)),
    };
    let answer = show(&connection).map("tags", &connection.tags).build();
    cx.region.private_connections.insert(name.to_owned(), connection);
    Ok(answer)
}

pub fn describe(cx: &mut Context<'_>, input: &Input) -> Answer {
    let connection = find(cx, input)?;
    Ok(show(connection).map("tags", &connection.tags).build())
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of every handler")]
pub fn list(cx: &mut Context<'_>, _: &Input) -> Answer {
    let mut all: Vec<&Connection> = cx.listed().private_connections.values().collect();
    all.sort_by_key(|connection| connection.sequence);
    let shown: Vec<Value> = all.into_iter().map(|connection| show(connection).build()).collect();
    Ok(Object::new().with("privateConnections", shown).build())
}

pub fn update_certificate(cx: &mut Context<'_>, input: &Input) -> Answer {
    let now = cx.now;
    let connection = find(cx, input)?;
    if !["ACTIVE", "CREATE_IN_PROGRESS"].contains(&connection.status.as_str()) {
        return Err(ApiError::conflict(format!(
            "Private connection {} is {}",
            connection.name, connection.status
        )));
    }
    let name = connection.name.clone();
    let certificate = input.get("certificate").cloned().unwrap_or_default();
    let Some(connection) = cx.region.private_connections.get_mut(&name) else {
        return Err(ApiError::not_found("Private connection", &name));
    };
    if let Some(mode) = connection.mode.as_object_mut().and_then(|mode| mode.values_mut().next()) {
        mode["certificate"] = certificate;
    }
    connection.certificate_expiry_time = Some(expiry(now));
    Ok(show(connection).build())
}

pub fn delete(cx: &mut Context<'_>, input: &Input) -> Answer {
    let name = input.text("name");
    if !cx.region.private_connections.contains_key(name) {
        return Err(ApiError::not_found("Private connection", name));
    }
    if let Some(user) = user(cx, name) {
        return Err(cx
            .switches
            .connection_in_use
            .error(format!("Private connection {name} is used by {user}")));
    }
    let gone_at = cx.after(cx.switches.settle_ms);
    if let Some(connection) = cx.region.private_connections.get_mut(name)
        && connection.status != "DELETE_IN_PROGRESS"
    {
        "DELETE_IN_PROGRESS".clone_into(&mut connection.status);
        connection.settles_at = Some(gone_at);
    }
    Ok(Object::new().with("name", name).with("status", "DELETE_IN_PROGRESS").build())
}

/// The end of `CREATE_IN_PROGRESS`.
pub fn complete(connection: &mut Connection) {
    if connection.status != "CREATE_IN_PROGRESS" {
        return;
    }
    let host = connection.host_address.as_deref().unwrap_or_default();
    if host.contains(UNREACHABLE) {
        connection.failure_message = Some(format!("The host {host} can't be reached from the VPC"));
        "CREATE_FAILED".clone_into(&mut connection.status);
    } else {
        "ACTIVE".clone_into(&mut connection.status);
    }
}

fn find<'a>(cx: &'a Context<'_>, input: &Input) -> Result<&'a Connection, ApiError> {
    let name = input.text("name");
    cx.region.private_connections.get(name).ok_or_else(|| ApiError::not_found("Private connection", name))
}

fn taken(cx: &Context<'_>, input: &Input, existing: &Connection) -> Answer {
    let message = format!("Private connection {} already exists", existing.name);
    let refusal = match cx.switches.connection_exists {
        ConnectionExists::Existing if input.get("mode") == Some(&existing.mode) => {
            return Ok(show(existing).map("tags", &existing.tags).build());
        }
        ConnectionExists::Existing | ConnectionExists::Conflict => Refusal::Conflict,
        ConnectionExists::Validation => Refusal::Validation,
        ConnectionExists::InvalidParameter => Refusal::InvalidParameter,
    };
    Err(refusal.error(message))
}

/// Who uses a connection: a service, or a release management association.
fn user(cx: &Context<'_>, name: &str) -> Option<String> {
    let pending = cx.region.pending_registrations.values().map(|pending| &pending.service);
    let service = cx
        .region
        .services
        .values()
        .chain(pending)
        .find(|service| service.connections().any(|connection| connection == name));
    if let Some(service) = service {
        return Some(format!("service {}", service.service_id));
    }
    let mut associations = cx.region.agent_spaces.values().flat_map(|space| space.associations.values());
    let through = |configuration: &Value| {
        let path = "/releaseManagement/networkAccess/privateAccess/privateConnectionName";
        configuration.pointer(path).and_then(Value::as_str) == Some(name)
    };
    associations
        .find(|association| through(&association.configuration))
        .map(|association| format!("association {}", association.association_id))
}

fn text(mode: &Value, name: &str) -> Option<String> {
    mode.get(name).and_then(Value::as_str).map(str::to_owned)
}

fn lattice(cx: &Context<'_>, resource: &str) -> String {
    let id = random::resource_suffix();
    format!("arn:aws:vpc-lattice:{}:{}:{resource}{id}", cx.region_name, cx.account)
}

/// May be given as `rcfg-…`, and is always returned as an ARN.
fn resource_configuration(cx: &Context<'_>, mode: &Value) -> String {
    match mode.get("resourceConfigurationId").and_then(Value::as_str) {
        None => lattice(cx, "resourceconfiguration/rcfg-"),
        Some(arn) if arn.starts_with("arn:") => arn.to_owned(),
        Some(id) => {
            format!("arn:aws:vpc-lattice:{}:{}:resourceconfiguration/{id}", cx.region_name, cx.account)
        }
    }
}

fn expiry(now: Timestamp) -> Timestamp {
    now.checked_add(SignedDuration::from_hours(24 * CERTIFICATE_DAYS)).unwrap_or(Timestamp::MAX)
}

fn show(connection: &Connection) -> Object {
    Object::new()
        .with("name", connection.name.as_str())
        .with("type", connection.kind.as_str())
        .with("status", connection.status.as_str())
        .maybe("hostAddress", connection.host_address.as_deref())
        .maybe("vpcId", connection.vpc_id.as_deref())
        .maybe("resourceGatewayId", connection.resource_gateway_id.as_deref())
        .maybe("resourceConfigurationId", connection.resource_configuration_id.as_deref())
        .maybe("dnsResolution", connection.dns_resolution.as_deref())
        .maybe("failureMessage", connection.failure_message.as_deref())
        .maybe("certificateExpiryTime", connection.certificate_expiry_time.map(iso))
}
