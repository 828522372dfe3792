//! Associations: what connects a service to a space, and the webhook that comes with it.

use serde_json::Value;

use crate::catalog;
use crate::context::{Answer, Context, Object, iso};
use crate::error::ApiError;
use crate::input::Input;
use crate::paging::{Row, page};
use crate::random;
use crate::store::{Association, Webhook};
use crate::switches::{AssociateExisting, AssociationIdentity, GenericWebhook, WebhookOnUpdate};

mod configuration;
pub mod organization;

pub fn associate(cx: &mut Context<'_>, input: &Input) -> Answer {
    cx.space(input)?;
    let (key, _) = input.union("configuration")?;
    let key = key.to_owned();
    let service_id = input.text("serviceId");
    configuration::check_service(cx, service_id, &key)?;
    configuration::check(cx, input)?;
    let service_id = organization::service_id(cx.switches, &key, service_id);
    let wanted = read_configuration(input);
    match existing(cx, input, service_id, &wanted)? {
        None => create(cx, input, service_id, wanted),
        Some(id) => over_existing(cx, input, &id, wanted),
    }
}

pub fn get(cx: &mut Context<'_>, input: &Input) -> Answer {
    Ok(Object::new().with("association", show(find(cx, input)?)).build())
}

pub fn list(cx: &mut Context<'_>, input: &Input) -> Answer {
    let types: Option<Vec<&str>> =
        input.optional("filterServiceTypes").map(|list| list.split(',').map(str::trim).collect());
    let space = cx.listed_space(input)?;
    let wanted = |association: &&Association| {
        let Some(types) = &types else { return true };
        let kind = service_type(cx, association);
        types.contains(&kind) || types.contains(&key_of(&association.configuration))
    };
    let all = space.into_iter().flat_map(|space| space.associations.values());
    let rows = all.filter(wanted).map(|association| Row {
        sequence: association.sequence,
        id: &association.association_id,
        item: association,
    });
    page(cx, input, ("associations", &format!("associations {}", input.text("agentSpaceId"))), rows, show)
}

/// The configuration is replaced as a whole; capabilities stay when absent.
pub fn update(cx: &mut Context<'_>, input: &Input) -> Answer {
    let association = find(cx, input)?;
    let (id, service_id) = (association.association_id.clone(), association.service_id.clone());
    let old = key_of(&association.configuration).to_owned();
    let (key, _) = input.union("configuration")?;
    if key != old {
        let message = format!("The association is of type {old}, which can't be changed to {key}");
        return Err(ApiError::validation("/configuration", message));
    }
    configuration::check(cx, input)?;
    let wanted = read_configuration(input);
    if existing(cx, input, &service_id, &wanted)?.is_some_and(|other| other != id) {
        return Err(ApiError::conflict("Another association of the space has this configuration"));
    }
    replace(cx, input, &id, wanted, false);
    let policy = cx.switches.update_returns_webhook;
    let association = find(cx, input)?;
    let webhook = association.webhook.as_ref().filter(|_| policy != WebhookOnUpdate::Never);
    let webhook = webhook.map(|webhook| show_webhook(cx, webhook, policy == WebhookOnUpdate::WithSecret));
    Ok(Object::new().with("association", show(association)).maybe("webhook", webhook).build())
}

pub fn disassociate(cx: &mut Context<'_>, input: &Input) -> Answer {
    let now = cx.now;
    let id = input.text("associationId");
    match cx.space_mut(input)?.associations.remove(id) {
        None => cx.missing("Association", id),
        Some(association) => {
            cx.region.disassociated.insert(association.service_id, now);
            Ok(Object::new().build())
        }
    }
}

pub fn list_webhooks(cx: &mut Context<'_>, input: &Input) -> Answer {
    let association = find(cx, input)?;
    let webhooks: Vec<Value> =
        association.webhook.iter().map(|webhook| show_webhook(cx, webhook, false)).collect();
    Ok(Object::new().with("webhooks", webhooks).build())
}

pub fn validate(cx: &mut Context<'_>, input: &Input) -> Answer {
    let change = cx.switches.source_mode_change;
    for association in cx.space_mut(input)?.associations.values_mut() {
        let key = key_of(&association.configuration);
        // Reading it doesn't speed up a deployment.
        let is_deploying = key == organization::KEY && association.settles_at.is_some();
        if catalog::configuration(key).is_validated && !is_deploying {
            association.settles_at = None;
            refresh_status(association);
        }
    }
    organization::mark_misfits(cx.space_mut(input)?, change);
    Ok(Object::new().build())
}

/// Sets the status according to the configuration, as a real check would.
pub fn refresh_status(association: &mut Association) {
    let status = configuration::status(&association.configuration);
    association.status = status.to_owned();
    configuration::set_elevated_status(&mut association.configuration);
    organization::deploy(association);
}

fn find<'a>(cx: &'a Context<'_>, input: &Input) -> Result<&'a Association, ApiError> {
    let id = input.text("associationId");
    cx.space(input)?.associations.get(id).ok_or_else(|| ApiError::not_found("Association", id))
}

fn key_of(configuration: &Value) -> &str {
    let object = configuration.as_object();
    object.and_then(|object| object.keys().next()).map_or("", String::as_str)
}

fn service_type<'a>(cx: &'a Context<'_>, association: &'a Association) -> &'a str {
    cx.region
        .services
        .get(&association.service_id)
        .map_or(&association.service_id, |service| &service.service_type)
}

/// The configuration without absent members and without what only the service sets.
fn read_configuration(input: &Input) -> Value {
    let mut configuration = input.get("configuration").cloned().unwrap_or_default();
    configuration::clean(&mut configuration);
    configuration
}

/// The existing association that the input matches.
fn existing(
    cx: &Context<'_>,
    input: &Input,
    service_id: &str,
    wanted: &Value,
) -> Result<Option<String>, ApiError> {
    let identity = cx.switches.association_identity;
    let key = configuration::natural_key(wanted);
    let same = |association: &&Association| {
        association.service_id == service_id
            && ((organization::is_one_for_the_space(cx.switches, key_of(wanted))
                && key_of(&association.configuration) == organization::KEY)
                || (identity == AssociationIdentity::Service && service_id != "aws")
                || configuration::natural_key(&association.configuration) == key)
    };
    let space = cx.space(input)?;
    Ok(space.associations.values().find(same).map(|association| association.association_id.clone()))
}

fn over_existing(cx: &mut Context<'_>, input: &Input, id: &str, wanted: Value) -> Answer {
    match cx.switches.associate_existing {
        AssociateExisting::Conflict => {
            Err(ApiError::conflict(format!("Association {id} has this configuration")))
        }
        AssociateExisting::Refuse => {
            Err(ApiError::validation("/configuration", format!("Association {id} has this configuration")))
        }
        AssociateExisting::NewId => {
            let service_id = organization::service_id(cx.switches, key_of(&wanted), input.text("serviceId"));
            cx.space_mut(input)?.associations.remove(id);
            create(cx, input, service_id, wanted)
        }
        AssociateExisting::SameId => {
            replace(cx, input, id, wanted, true);
            let with_secret = cx.switches.overwrite_returns_secret;
            let association = cx
                .space(input)?
                .associations
                .get(id)
                .ok_or_else(|| ApiError::not_found("Association", id))?;
            let webhook = association.webhook.as_ref().map(|webhook| show_webhook(cx, webhook, with_secret));
            Ok(Object::new().with("association", show(association)).maybe("webhook", webhook).build())
        }
    }
}

/// How long it takes until the service knows that it works.
fn settle_ms(cx: &Context<'_>, key: &str) -> u64 {
    match key {
        organization::KEY => cx.switches.deployment_ms,
        key if catalog::configuration(key).is_validated => cx.switches.association_settle_ms,
        _ => 0,
    }
}

fn create(cx: &mut Context<'_>, input: &Input, service_id: &str, mut configuration: Value) -> Answer {
    let settle = settle_ms(cx, key_of(&configuration));
    let pending = settle > 0;
    let organization = organization::targets(cx, &mut configuration);
    let webhook = webhook_type(cx, key_of(&configuration)).map(|kind| Webhook {
        webhook_id: random::uuid(),
        webhook_type: kind.to_owned(),
        secret: random::secret(),
    });
    let mut association = Association {
        association_id: random::uuid(),
        agent_space_id: input.text("agentSpaceId").to_owned(),
        sequence: cx.region.next(),
        service_id: service_id.to_owned(),
        configuration,
        organization,
        capabilities: input.get("capabilities").cloned(),
        status: "pending-confirmation".to_owned(),
        settles_at: pending.then(|| cx.after(settle)),
        created_at: cx.now,
        updated_at: cx.now,
        webhook,
    };
    if pending {
        organization::begin(&mut association);
    } else {
        refresh_status(&mut association);
    }
    let webhook = association.webhook.as_ref().map(|webhook| show_webhook(cx, webhook, true));
    let answer = Object::new().with("association", show(&association)).maybe("webhook", webhook).build();
    cx.space_mut(input)?.associations.insert(association.association_id.clone(), association);
    Ok(answer)
}

fn replace(cx: &mut Context<'_>, input: &Input, id: &str, mut configuration: Value, whole: bool) {
    let now = cx.now;
    let organization = organization::targets(cx, &mut configuration);
    let deploying = organization.is_some() && cx.switches.deployment_ms > 0;
    let settles_at = deploying.then(|| cx.after(cx.switches.deployment_ms));
    let Ok(space) = cx.space_mut(input) else { return };
    let Some(association) = space.associations.get_mut(id) else { return };
    association.configuration = configuration;
    association.organization = organization;
    association.updated_at = now;
    if whole || input.get("capabilities").is_some() {
        association.capabilities = input.get("capabilities").cloned();
    }
    if settles_at.is_some() {
        association.settles_at = settles_at;
        "pending-confirmation".clone_into(&mut association.status);
        organization::begin(association);
    } else {
        refresh_status(association);
    }
}

/// Type of the webhook by integration; `None` where an integration has no webhook.
fn webhook_type(cx: &Context<'_>, key: &str) -> Option<&'static str> {
    match (catalog::configuration(key).webhook, cx.switches.generic_webhook) {
        (catalog::Webhook::None, _) => None,
        (catalog::Webhook::Of(kind), _) => Some(kind),
        (catalog::Webhook::Generic, GenericWebhook::Hmac) => Some("hmac"),
        (catalog::Webhook::Generic, GenericWebhook::Apikey) => Some("apikey"),
    }
}

fn show_webhook(cx: &Context<'_>, webhook: &Webhook, with_secret: bool) -> Value {
    let secret = with_secret.then_some(webhook.secret.as_str());
    let member = if webhook.webhook_type == "apikey" { "apiKey" } else { "webhookSecret" };
    Object::new()
        .with("webhookId", webhook.webhook_id.as_str())
        .with("webhookType", webhook.webhook_type.as_str())
        .with("webhookUrl", format!("{}/webhook/generic/{}", cx.base_url, webhook.webhook_id))
        .maybe(member, secret)
        .build()
}

fn show(association: &Association) -> Value {
    Object::new()
        .with("associationId", association.association_id.as_str())
        .with("agentSpaceId", association.agent_space_id.as_str())
        .with("serviceId", association.service_id.as_str())
        .with("configuration", association.configuration.clone())
        .maybe("capabilities", association.capabilities.clone())
        .with("status", association.status.as_str())
        .with("createdAt", iso(association.created_at))
        .with("updatedAt", iso(association.updated_at))
        .build()
}
