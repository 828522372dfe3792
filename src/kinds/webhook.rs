//! The webhook of an association: its secret is shown once, so it is captured, kept, and re-issued when lost.

use std::collections::BTreeMap;

use kube::ResourceExt;
use secrecy::SecretString;

use crate::api::association::{OnLoss, WebhookStatus};
use crate::api::common::{AdoptionPolicy, ManagementPolicy, Object};
use crate::api::{Association, AssociationStatus};
use crate::aws::operations::{GenericWebhook, Webhook};
use crate::engine::conditions::Reason;
use crate::engine::drift::{Change, Remedy};
use crate::engine::error::Error;
use crate::engine::inputs::{Inputs, OwnSecret};
use crate::engine::kind::{ExtraCondition, OutputSecret, Scope, Updated};
use crate::engine::output_secret;
use crate::engine::references::webhook_secret;
use secrecy::ExposeSecret;

/// Path of the Secret's name in drift.
pub const SECRET_NAME: &str = "webhook.secretName";
/// Configurations whose associations have no webhook.
const WITHOUT: &[&str] = &[
    "aws",
    "sourceAws",
    "sourceAwsOrg",
    "github",
    "azure",
    "azuredevops",
    "msteams",
    "releaseManagement",
    "remoteagent",
    "remoteagentsigv4",
];

/// How the webhook is to be handed out, and what of that is there.
pub struct DesiredWebhook {
    secret_name: String,
    rotation: Option<String>,
    on_loss: OnLoss,
    /// The Secret as it was found.
    secret: OwnSecret,
    /// The contents of the Secret that the webhook was written to before its name changed.
    elsewhere: Option<BTreeMap<String, SecretString>>,
    /// The association is taken over: others may use its webhook.
    adopted: bool,
}

/// Reads the Secret that the webhook is, or will be, written to.
pub async fn resolve(object: &Association, inputs: &Inputs<'_>) -> Result<DesiredWebhook, Error> {
    let spec = object.spec.webhook.clone().unwrap_or_default();
    let secret_name =
        spec.secret_name.map_or_else(|| webhook_secret(&object.name_any()), |name| name.to_string());
    let policies = object.policies();
    // What is only observed has nothing secret to hand out.
    let needs_none = WITHOUT.contains(&object.spec.configuration.key())
        || policies.management_policy == ManagementPolicy::Observe;
    let secret = if needs_none { OwnSecret::Missing } else { inputs.own_secret(&secret_name).await? };
    if secret == OwnSecret::Foreign && !inputs.is_deleting() {
        return Err(output_secret::not_ours(&secret_name));
    }
    let written = object.status().webhook.and_then(|webhook| webhook.secret_name);
    let elsewhere = match written {
        Some(old) if old != secret_name && secret == OwnSecret::Missing => {
            inputs.own_secret_data(&old).await?
        }
        _ => None,
    };
    Ok(DesiredWebhook {
        secret_name,
        rotation: spec.rotation,
        on_loss: spec.on_loss,
        secret,
        elsewhere,
        adopted: policies.external_id.is_some() || policies.adoption_policy == AdoptionPolicy::Adopt,
    })
}

/// Name of the Secret for the webhook that an association of this configuration may come with.
pub fn secret_to_come<'a>(key: &str, desired: &'a DesiredWebhook) -> Option<&'a str> {
    (!WITHOUT.contains(&key)).then_some(desired.secret_name.as_str())
}

/// Whether AWS has to be asked which webhook there is: none is recorded as captured.
pub fn must_look(key: &str, status: &AssociationStatus) -> bool {
    status.webhook.is_none() && !WITHOUT.contains(&key)
}

/// Where the webhook differs from what is wanted of it.
pub fn compare(
    desired: &DesiredWebhook,
    webhooks: Option<&[Webhook]>,
    status: &AssociationStatus,
) -> Vec<Change> {
    let replace = |path: &str| vec![Change::hidden(path).mended_by(Remedy::Replace)];
    match &status.webhook {
        Some(written) if written.rotation != desired.rotation && desired.rotation.is_some() => {
            replace("webhook.rotation")
        }
        Some(_) if desired.elsewhere.is_some() => vec![Change::hidden(SECRET_NAME)],
        Some(written) => {
            let lost = !holds(&desired.secret, written.id.as_deref());
            if lost && desired.on_loss == OnLoss::Reissue { replace("webhook.secret") } else { Vec::new() }
        }
        None => {
            let uncaptured = webhooks
                .unwrap_or_default()
                .first()
                .is_some_and(|webhook| !holds(&desired.secret, Some(&webhook.webhook_id)));
            // The webhook of an association that was taken over may be in use: only a rotation replaces it. That
            // of one that we made ourselves is in nobody's hands.
            let wanted = !desired.adopted || desired.rotation.is_some() || status.answer_lost == Some(true);
            if uncaptured && wanted { replace("webhook.secret") } else { Vec::new() }
        }
    }
}

/// Whether the Secret is ours and holds the webhook `id`.
fn holds(secret: &OwnSecret, id: Option<&str>) -> bool {
    matches!(secret, OwnSecret::Ours { id: held } if held.as_deref() == id)
}

/// Accepts a Secret that names the association's webhook: status was lost, the Secret was not.
pub fn describe(desired: &DesiredWebhook, webhooks: Option<&[Webhook]>, status: &mut AssociationStatus) {
    let current =
        webhooks.unwrap_or_default().iter().find(|webhook| holds(&desired.secret, Some(&webhook.webhook_id)));
    let lost = match &status.webhook {
        Some(written) => desired.elsewhere.is_none() && !holds(&desired.secret, written.id.as_deref()),
        None => current.is_none() && webhooks.is_some_and(|webhooks| !webhooks.is_empty()),
    };
    status.webhook_lost = lost.then_some(true);
    if let (None, Some(webhook)) = (&status.webhook, current) {
        status.webhook = Some(WebhookStatus {
            id: Some(webhook.webhook_id.clone()),
            url: Some(webhook.webhook_url.clone()),
            webhook_type: webhook.webhook_type.clone(),
            secret_name: Some(desired.secret_name.clone()),
            rotation: desired.rotation.clone(),
        });
    }
}

/// The Secret for a webhook that AWS just issued; none if it shows no secret.
pub fn secret(
    scope: &Scope,
    desired: &DesiredWebhook,
    association: &str,
    webhook: GenericWebhook,
) -> Option<OutputSecret> {
    let plain = |value: Option<String>| value.map(SecretString::from);
    let auth_version = if webhook.api_key.is_some() { "bearer_v2" } else { "hmac_v1" };
    let has_auth_version = matches!(webhook.webhook_type.as_deref(), Some("hmac" | "apikey") | None);
    if webhook.webhook_secret.is_none() && webhook.api_key.is_none() {
        return None;
    }
    let entries = [
        ("url", plain(webhook.webhook_url)),
        ("id", plain(webhook.webhook_id)),
        ("type", plain(webhook.webhook_type)),
        ("secret", webhook.webhook_secret),
        ("token", webhook.api_key),
        ("authVersion", has_auth_version.then(|| auth_version.to_owned().into())),
        ("agentSpaceId", plain(Some(scope.space_id.clone()))),
        ("associationId", plain(Some(association.to_owned()))),
        ("region", plain(Some(scope.aws.region().to_owned()))),
    ];
    let data = entries.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect();
    Some(OutputSecret { name: desired.secret_name.clone(), data })
}

/// The same contents under the Secret's new name; AWS has no part in it.
pub fn moved(desired: &DesiredWebhook) -> Updated {
    let secret =
        desired.elsewhere.clone().map(|data| OutputSecret { name: desired.secret_name.clone(), data });
    Updated { changed: vec![SECRET_NAME.to_owned()], secret }
}

/// Records which webhook was written where.
pub fn record(desired: &DesiredWebhook, status: &mut AssociationStatus, secret: &OutputSecret) {
    let value = |key: &str| secret.data.get(key).map(|value| value.expose_secret().to_owned());
    status.webhook = Some(WebhookStatus {
        id: value("id"),
        url: value("url"),
        webhook_type: value("type"),
        secret_name: Some(secret.name.clone()),
        rotation: desired.rotation.clone(),
    });
    status.answer_lost = None;
}

/// Whether the webhook's Secret can be used.
pub fn condition(object: &Association, status: &AssociationStatus) -> Option<ExtraCondition> {
    let condition =
        |status, reason, message| ExtraCondition { kind: "WebhookReady", status, reason, message };
    let observed = object.policies().management_policy == ManagementPolicy::Observe;
    if observed || WITHOUT.contains(&object.spec.configuration.key()) || status.common.id.is_none() {
        return None;
    }
    let lost = status.webhook_lost == Some(true);
    let Some(webhook) = &status.webhook else {
        if !lost {
            return None;
        }
        let message = "the webhook's secret is not known, since AWS shows it once; set spec.webhook.rotation to \
                       issue a new webhook (what uses the present one then needs the new address and secret)";
        return Some(condition(false, Reason::WebhookSecretLost, message.to_owned()));
    };
    let name = webhook.secret_name.as_deref().unwrap_or_default();
    if lost {
        let message = format!(
            "the Secret {name} is gone, and AWS shows a webhook's secret once; restore the Secret from a backup, or \
             set spec.webhook.rotation to issue a new webhook"
        );
        return Some(condition(false, Reason::WebhookSecretLost, message));
    }
    Some(condition(true, Reason::Available, format!("the webhook is in the Secret {name}")))
}
