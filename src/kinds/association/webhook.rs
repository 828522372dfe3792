//! The webhook of an association: its secret is shown only once, so it is captured, kept, and reissued when lost.

mod contents;
mod messages;
mod template;

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt;
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::api::association::{OnLoss, SecretTemplate, WebhookPolicy, WebhookStatus};
use crate::api::catalog::{self, WebhookRow};
use crate::api::common::{AdoptionPolicy, Fingerprint, ManagementPolicy, Object};
use crate::api::{Association, AssociationStatus};
use crate::aws::operations::{GenericWebhook, Webhook};
use crate::reconcile::graph::references::webhook_secret;
use crate::reconcile::inputs::Inputs;
use crate::reconcile::inputs::output_secret::{self, Held, OwnSecret};
use crate::reconcile::kind::{OutputSecret, Scope, Secrets, Shown, Updated};
use crate::reconcile::state::conditions::Reason;
use crate::reconcile::state::drift::{Change, Remedy};
use crate::reconcile::state::error::Error;
use crate::reconcile::state::fingerprint::ObjectFingerprints;
use crate::reconcile::state::ownership::Identity;

pub use messages::{CONDITION, condition, is_needless};

use contents::{Place, Writer};

/// Path of the Secret's name in drift.
const SECRET_NAME: &str = "webhook.secretName";
/// Path of its contents.
const CONTENTS: &str = "webhook.secret";
/// How the webhook is delivered, and what exists of that.
pub struct DesiredWebhook {
    secret_name: String,
    rotation: Option<String>,
    on_loss: OnLoss,
    template: SecretTemplate,
    /// There is none, or it isn't wanted.
    is_needless: bool,
    /// The Secret as it was found.
    secret: OwnSecret,
    /// The Secret that the webhook was written to before its name changed.
    elsewhere: Option<Held>,
    /// The association was adopted: others may use its webhook.
    adopted: bool,
    identity: Identity,
    /// Where the association is, still without its id.
    place: Place,
    fingerprints: ObjectFingerprints,
}

/// Reads the Secret that the webhook is, or will be, written to.
pub async fn resolve(
    object: &Association,
    scope: &Scope,
    inputs: &Inputs<'_>,
) -> Result<DesiredWebhook, Error> {
    let spec = object.spec.webhook.clone().unwrap_or_default();
    let (status, key) = (object.status(), object.spec.configuration.key());
    let secret_name = secret_name(object);
    let policies = object.policies();
    let is_needless = comes_with(key).is_none() || spec.policy == WebhookPolicy::Ignore;
    // What is only observed has no secret to deliver.
    let needs_none = is_needless || policies.management_policy == ManagementPolicy::Observe;
    let template = spec.secret_template.unwrap_or_default();
    if !needs_none && !inputs.is_deleting() {
        check_template(&template, key, &status)?;
    }
    let known = about(&status);
    let secret =
        if needs_none { OwnSecret::Missing } else { inputs.own_secret(&secret_name, &known).await? };
    if matches!(secret, OwnSecret::Foreign) && !inputs.is_deleting() {
        return Err(output_secret::not_ours(&secret_name, inputs.identity()));
    }
    let elsewhere = match status.webhook.as_ref().and_then(|webhook| webhook.secret_name.as_deref()) {
        Some(old) if old != secret_name && !needs_none => match inputs.own_secret(old, &known).await? {
            OwnSecret::Ours(held) => Some(held),
            OwnSecret::Missing | OwnSecret::Foreign => None,
        },
        _ => None,
    };
    Ok(DesiredWebhook {
        secret_name,
        rotation: spec.rotation,
        on_loss: spec.on_loss,
        template,
        is_needless,
        secret,
        elsewhere,
        adopted: policies.external_id.is_some() || policies.adoption_policy == AdoptionPolicy::Adopt,
        identity: inputs.identity().clone(),
        place: Place {
            space_id: scope.space_id.clone(),
            association_id: String::new(),
            region: scope.aws.region().to_owned(),
        },
        fingerprints: scope.fingerprints.clone(),
    })
}

/// The webhook that an association of this configuration comes with.
fn comes_with(key: &str) -> Option<&'static WebhookRow> {
    catalog::configuration(key).webhook.as_ref()
}

fn secret_name(object: &Association) -> String {
    let named = object.spec.webhook.as_ref().and_then(|webhook| webhook.secret_name.clone());
    named.map_or_else(|| webhook_secret(&object.name_any()), |name| name.to_string())
}

/// Ids of the associations whose Secret the object may write to: those that it has, and had.
fn about(status: &AssociationStatus) -> BTreeSet<String> {
    let ids = [&status.common.id, &status.common.lost_id, &status.previous_id];
    ids.into_iter().flatten().cloned().collect()
}

/// A placeholder without a value is reported before a webhook is issued for it.
fn check_template(template: &SecretTemplate, key: &str, status: &AssociationStatus) -> Result<(), Error> {
    let known = status.webhook.as_ref().and_then(|webhook| webhook.webhook_type.as_deref());
    let known = known.filter(|_| status.configuration_type.as_deref() == Some(key));
    let own = comes_with(key).and_then(WebhookRow::own_type);
    let Some(kind) = known.or(own) else { return Ok(()) };
    let lacks: &[&str] = match kind {
        "hmac" => &["token"],
        "apikey" => &["secret"],
        kind if own == Some(kind) => &["token", "authVersion"],
        _ => return Ok(()),
    };
    for (name, text) in &template.data {
        if let Some(missing) = template::placeholders(text).find(|name| lacks.contains(name)) {
            let has = template::name_of_secret(Some(kind));
            return Err(Error::wait(
                Reason::InputInvalid,
                format!(
                    "spec.webhook.secretTemplate.data.{name}: $({missing}) is not available for a webhook of type {kind}; \
                     its secret is $({has})",
                    name = name.0
                ),
            ));
        }
    }
    Ok(())
}

/// The Secret for the webhook that an association of this configuration may come with; with placeholders for its
/// contents.
pub fn secret_to_come(
    key: &str,
    desired: &DesiredWebhook,
    status: &AssociationStatus,
) -> Option<OutputSecret> {
    if desired.is_needless {
        return None;
    }
    let kind = comes_with(key).and_then(WebhookRow::own_type).unwrap_or("hmac");
    let to_come = "to be issued";
    let facts = desired.place.facts(Some(to_come), Some(to_come), Some(kind));
    let mut output = desired.output(status, None, facts, to_come.to_owned().into(), true);
    output.annotations.remove(output_secret::ABOUT);
    Some(output)
}

/// Whether AWS must be asked which webhook there is: none is recorded as captured.
pub fn must_look(desired: &DesiredWebhook, status: &AssociationStatus) -> bool {
    status.webhook.is_none() && !desired.is_needless
}

/// What is kept of a webhook, and where.
struct Kept<'a> {
    shown: Shown,
    /// The Secret in question, if the webhook is in that one.
    here: Option<&'a Held>,
}

impl DesiredWebhook {
    /// The Secret in question, if it is ours.
    fn held(&self) -> Option<&Held> {
        match &self.secret {
            OwnSecret::Ours(held) => Some(held),
            OwnSecret::Missing | OwnSecret::Foreign => None,
        }
    }

    fn place(&self, association: &str) -> Place {
        Place { association_id: association.to_owned(), ..self.place.clone() }
    }

    /// The webhook recorded in status, if it is in the Secret or in the one with the former name.
    fn kept(&self, status: &WebhookStatus, association: &str) -> Option<Kept<'_>> {
        let facts = self.place(association).facts_of(status);
        let kept = |held: &Held| contents::kept(held, &self.template, &facts, status, &self.fingerprints);
        let here = self.held().and_then(|held| Some(Kept { shown: kept(held)?, here: Some(held) }));
        here.or_else(|| Some(Kept { shown: kept(self.elsewhere.as_ref()?)?, here: None }))
    }

    /// The webhook in AWS that the Secret names and holds, if status has none.
    fn accepted(
        &self,
        association: &str,
        webhooks: Option<&[Webhook]>,
        status: &AssociationStatus,
    ) -> Option<WebhookStatus> {
        let held = self.held().filter(|_| status.webhook.is_none())?;
        let id = contents::webhook_id(held)?;
        let webhook = webhooks?.iter().find(|webhook| webhook.webhook_id == id)?;
        let accepted = WebhookStatus {
            id: Some(webhook.webhook_id.clone()),
            url: Some(webhook.webhook_url.clone()),
            webhook_type: webhook.webhook_type.clone(),
            secret_name: Some(self.secret_name.clone()),
            rotation: self.rotation.clone(),
            issued_at: contents::issued_at(&held.annotations),
            ..WebhookStatus::default()
        };
        self.kept(&accepted, association).is_some().then_some(accepted)
    }

    /// The Secret to write for a webhook.
    fn output(
        &self,
        status: &AssociationStatus,
        issued_at: Option<&Time>,
        facts: BTreeMap<&'static str, String>,
        secret: SecretString,
        is_news: bool,
    ) -> OutputSecret {
        let mut replaces = about(status);
        replaces.extend(facts.get("associationId").cloned());
        let writer =
            Writer { name: &self.secret_name, template: &self.template, issued_at, replaces: &replaces };
        writer.output(Shown { facts, secret }, self.held(), is_news)
    }

    /// Fingerprint of what isn't shown of the webhook and of the association's configuration.
    pub fn undisclosed(&self, configuration: &Value) -> Fingerprint {
        self.fingerprints.of(&json!([configuration, self.rotation])).record()
    }

    /// The Secret as it should be for a webhook that was written before.
    fn rewritten(&self, status: &AssociationStatus, written: &WebhookStatus, shown: Shown) -> OutputSecret {
        self.output(status, written.issued_at.as_ref(), shown.facts, shown.secret, false)
    }

    /// Where the Secret that holds the webhook differs from what it should be.
    fn differences(&self, held: &Held, wanted: &OutputSecret, written: &WebhookStatus) -> Vec<Change> {
        let mut changes: Vec<Change> = contents::differences(held, wanted)
            .iter()
            .map(|path| Change::hidden(format!("{CONTENTS}.{path}")).local())
            .collect();
        if !held.is_marked(&self.identity) {
            changes.push(Change::hidden(format!("{CONTENTS}.owner")).local());
        }
        if written.template_hash != template::hash(&self.template) {
            changes.push(Change::hidden("webhook.secretTemplate").local());
        }
        changes
    }
}

/// Where the webhook differs from the spec.
pub fn compare(
    desired: &DesiredWebhook,
    association: &str,
    webhooks: Option<&[Webhook]>,
    status: &AssociationStatus,
) -> Vec<Change> {
    if desired.is_needless {
        return Vec::new();
    }
    let replace = |path: &str| vec![Change::hidden(path).fixed_by(Remedy::Replace)];
    let accepted = desired.accepted(association, webhooks, status);
    let Some(written) = status.webhook.as_ref().or(accepted.as_ref()) else {
        // The webhook of an adopted association may be in use: only a rotation replaces it. That of one that we created
        // ourselves is used by no one.
        let wanted = !desired.adopted || desired.rotation.is_some() || status.answer_lost == Some(true);
        let uncaptured = webhooks.is_some_and(|webhooks| !webhooks.is_empty());
        return if uncaptured && wanted { replace(CONTENTS) } else { Vec::new() };
    };
    if written.rotation != desired.rotation && desired.rotation.is_some() {
        return replace("webhook.rotation");
    }
    match desired.kept(written, association) {
        None if desired.on_loss == OnLoss::Reissue => replace(CONTENTS),
        None => Vec::new(),
        Some(Kept { shown, here }) => {
            let wanted = desired.rewritten(status, written, shown);
            let mut changes =
                here.map(|held| desired.differences(held, &wanted, written)).unwrap_or_default();
            let is_elsewhere = here.is_none() || written.secret_name.as_deref() != Some(&desired.secret_name);
            if is_elsewhere || !obsolete(desired, status).is_empty() {
                changes.push(Change::hidden(SECRET_NAME).local());
            }
            changes
        }
    }
}

/// Secrets that hold the webhook and aren't the desired one.
fn obsolete(desired: &DesiredWebhook, status: &AssociationStatus) -> Vec<String> {
    status.webhook_secrets.iter().filter(|name| **name != desired.secret_name).cloned().collect()
}

/// Accepts a Secret that names the association's webhook: status was lost, the Secret was not.
pub fn describe(
    desired: &DesiredWebhook,
    association: &str,
    webhooks: Option<&[Webhook]>,
    status: &mut AssociationStatus,
) {
    if desired.is_needless {
        status.webhook_lost = None;
        return;
    }
    if let Some(accepted) = desired.accepted(association, webhooks, status) {
        status.webhook = Some(accepted);
        secret_comes(status, &desired.secret_name);
    }
    let lost = match &mut status.webhook {
        Some(written) => match desired.kept(written, association) {
            Some(kept) => {
                let print = contents::print(&desired.fingerprints, &kept.shown);
                written.fingerprint = print.baseline(written.fingerprint.take());
                false
            }
            None => true,
        },
        None => webhooks.is_some_and(|webhooks| !webhooks.is_empty()),
    };
    status.webhook_lost = lost.then_some(true);
}

/// The Secret for a webhook that AWS has just issued; none if it shows no secret, or it isn't wanted.
pub fn secret(
    desired: &DesiredWebhook,
    association: &str,
    status: &AssociationStatus,
    webhook: GenericWebhook,
) -> Option<OutputSecret> {
    let by_token = webhook.api_key.is_some();
    let secret = webhook.api_key.or(webhook.webhook_secret).filter(|_| !desired.is_needless)?;
    let kind = webhook.webhook_type.or_else(|| by_token.then(|| "apikey".to_owned()));
    let (id, url) = (webhook.webhook_id.as_deref(), webhook.webhook_url.as_deref());
    let facts = desired.place(association).facts(id, url, kind.as_deref());
    // An update may show the webhook that there is.
    let same =
        status.webhook.as_ref().filter(|written| written.id.is_some() && written.id == webhook.webhook_id);
    let issued_at = match same {
        Some(written) => written.issued_at.clone(),
        None => Some(Time(Timestamp::now())),
    };
    Some(desired.output(status, issued_at.as_ref(), facts, secret, true))
}

/// The Secret as it should be, based on its contents or on the one with its former name; AWS isn't involved.
pub fn rewrite(
    desired: &DesiredWebhook,
    association: &str,
    status: &AssociationStatus,
) -> Updated<super::Observed> {
    let kept =
        status.webhook.as_ref().and_then(|written| Some((written, desired.kept(written, association)?)));
    let Some((written, Kept { shown, here })) = kept else { return Updated::default() };
    let output = desired.rewritten(status, written, shown);
    let name = &desired.secret_name;
    let differs = here.map(|held| desired.differences(held, &output, written));
    let note = match (&differs, written.secret_name.as_deref()) {
        (None, from) => {
            Some(format!("moved the webhook from the Secret {} to {name}", from.unwrap_or_default()))
        }
        (Some(changes), _) if !changes.is_empty() => {
            let paths: Vec<&str> = changes.iter().map(|change| change.path.as_str()).map(told).collect();
            Some(format!(
                "rewrote the Secret {name}: these did not have the expected values: {}",
                paths.join(", ")
            ))
        }
        _ => None,
    };
    let right = note.is_none() && written.secret_name.as_ref() == Some(name);
    Updated {
        secret: (!right).then_some(output),
        // The old Secret is deleted once the webhook is known to be in the new one.
        obsolete: if right { obsolete(desired, status) } else { Vec::new() },
        note,
        ..Updated::default()
    }
}

/// What differs, in words for people.
fn told(path: &str) -> &str {
    path.strip_prefix("webhook.secret.").or_else(|| path.strip_prefix("webhook.")).unwrap_or(path)
}

/// Notes that a Secret is about to be written.
pub fn secret_comes(status: &mut AssociationStatus, name: &str) {
    // What version 0.1 wrote is not in the list.
    let before = status.webhook.as_ref().and_then(|webhook| webhook.secret_name.clone());
    let names = status.webhook_secrets.drain(..).chain(before).chain([name.to_owned()]);
    let names: BTreeSet<String> = names.collect();
    status.webhook_secrets = names.into_iter().collect();
}

/// The association is gone; its Secret is still there.
pub fn forget(status: &mut AssociationStatus) {
    status.webhook_lost = None;
    if let Some(name) = status.webhook.take().and_then(|webhook| webhook.secret_name) {
        secret_comes(status, &name);
    }
}

/// The Secrets that were written for the association, or may have been.
pub fn secrets(object: &Association, status: &AssociationStatus) -> Secrets {
    let written = status.webhook.as_ref().and_then(|webhook| webhook.secret_name.clone());
    let mut names: BTreeSet<String> = status.webhook_secrets.iter().cloned().collect();
    let never = names.is_empty() && written.is_none() && object.spec.configuration.row().webhook.is_none();
    if never {
        return Secrets::default();
    }
    let present = written.unwrap_or_else(|| secret_name(object));
    names.insert(present.clone());
    Secrets { present: Some(present), names, about: about(status) }
}

/// Records which webhook was written where; returns what must be entered where, if its address has changed.
pub fn record(
    desired: &DesiredWebhook,
    key: &str,
    status: &mut AssociationStatus,
    secret: &OutputSecret,
) -> Option<String> {
    let value = |name: &str| secret.shown.facts.get(name).cloned();
    let had_one = !about(status).is_empty() && status.answer_lost != Some(true);
    let before = status.webhook.take();
    let same = before.as_ref().is_some_and(|before| before.id == value("id"));
    let print = contents::print(&desired.fingerprints, &secret.shown);
    status.webhook = Some(WebhookStatus {
        id: value("id"),
        url: value("url"),
        webhook_type: value("type"),
        secret_name: Some(secret.name.clone()),
        rotation: desired.rotation.clone(),
        issued_at: contents::issued_at(&secret.annotations),
        template_hash: template::hash(&desired.template),
        fingerprint: Some(print.record()),
    });
    secret_comes(status, &secret.name);
    if secret.is_news {
        status.answer_lost = None;
    }
    (secret.is_news && had_one && !same).then(|| messages::to_be_entered(&desired.template, key, secret))
}

/// Records that a Secret is gone.
pub fn secret_gone(status: &mut AssociationStatus, name: &str) {
    status.webhook_secrets.retain(|known| known != name);
}
