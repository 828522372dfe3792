//! The Secret that the operator writes for an object: a webhook's address and secret.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::api::{Patch, PatchParams};
use kube::{Client, ResourceExt};
use secrecy::{ExposeSecret, SecretString};
use tracing::info;

use crate::api::common::Object;
use crate::aws::trail;
use crate::echo::{self, Seen};

use super::conditions::Reason;
use super::context::Context;
use super::error::Error;
use super::input_object::{self, InputObject};
use super::inputs::OwnSecret;
use super::kind::OutputSecret;
use super::ownership::Identity;
use super::status::FIELD_MANAGER;
use super::stored;

/// Label that marks the Secrets which the operator writes.
pub const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "devops-agent-operator");
/// Annotation that says which object a Secret was written for. It outlives a backup and a change of UID.
const WRITTEN_FOR: &str = "devopsagent.dev/written-for";

/// Whose Secret it is, seen from the object `identity`.
pub fn recognise(secret: &InputObject, identity: &Identity) -> OwnSecret {
    let ours = secret.annotation(WRITTEN_FOR).is_some_and(|object| object == identity.name)
        && secret.label(MANAGED_BY.0).is_some_and(|value| value == MANAGED_BY.1);
    if !ours {
        return OwnSecret::Foreign;
    }
    OwnSecret::Ours { id: secret.get("id").and_then(|id| String::from_utf8(id).ok()) }
}

/// Writes the Secret, owned by `object`. What is not ours is never overwritten.
pub async fn write<T: Object>(
    cx: &Context,
    object: &T,
    identity: &Identity,
    output: &OutputSecret,
) -> Result<(), Error> {
    let api = stored::api::<Secret>(cx.client.clone(), Some(&identity.namespace));
    let doing = || format!("writing the Secret {}", output.name);
    let existing = input_object::secret(&cx.client, &identity.namespace, &output.name).await;
    let existing = existing.map_err(Error::kubernetes(doing()))?;
    if existing.as_ref().is_some_and(|secret| recognise(secret, identity) == OwnSecret::Foreign) {
        return Err(not_ours(&output.name));
    }
    let secret = secret(object, identity, output);
    let params = PatchParams::apply(FIELD_MANAGER).force();
    let written = api.patch(&output.name, &params, &Patch::Apply(&secret)).await;
    written.map_err(|error| {
        // An admission webhook may quote what it refuses.
        let seen = Seen::default();
        output.data.values().for_each(|value| seen.add(value.expose_secret().as_bytes()));
        Error::kubernetes(doing())(echo::without(error, &seen))
    })?;
    info!(secret = output.name, request_id = trail::request_id(), "wrote the webhook Secret");
    cx.metrics.webhook_secret_issued();
    Ok(())
}

/// Whether the Secret could be written: asked of the API server by a dry run, before that is obtained, or given up, which
/// AWS shows once. Quotas, admission policies, a Secret that is immutable and a name that is too long all answer.
pub async fn rehearse<T: Object>(
    cx: &Context,
    object: &T,
    identity: &Identity,
    name: &str,
) -> Result<(), Error> {
    let stand_in = |key: &str| (key.to_owned(), SecretString::from("to be issued"));
    let output =
        OutputSecret { name: name.to_owned(), data: ["url", "id", "type", "secret"].map(stand_in).into() };
    let api = stored::api::<Secret>(cx.client.clone(), Some(&identity.namespace));
    let params = PatchParams::apply(FIELD_MANAGER).force().dry_run();
    let secret = secret(object, identity, &output);
    match api.patch(name, &params, &Patch::Apply(&secret)).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if matches!(status.code, 400..=499) && status.code != 429 => {
            Err(Error::Refused {
                reason: Reason::SecretRefused,
                message: format!(
                    "the webhook's Secret {name} can't be written, so nothing was changed in AWS: {}",
                    status.message
                ),
            })
        }
        Err(error) => {
            Err(Error::kubernetes(format!("trying whether the Secret {name} can be written"))(error))
        }
    }
}

fn secret<T: Object>(object: &T, identity: &Identity, output: &OutputSecret) -> Secret {
    let data = output
        .data
        .iter()
        .map(|(key, value)| (key.clone(), ByteString(value.expose_secret().as_bytes().to_vec())))
        .collect();
    Secret {
        metadata: ObjectMeta {
            name: Some(output.name.clone()),
            namespace: Some(identity.namespace.clone()),
            labels: Some(BTreeMap::from([(MANAGED_BY.0.to_owned(), MANAGED_BY.1.to_owned())])),
            annotations: Some(BTreeMap::from([(WRITTEN_FOR.to_owned(), identity.name.clone())])),
            owner_references: Some(vec![owner_reference(object)]),
            ..ObjectMeta::default()
        },
        type_: Some("Opaque".to_owned()),
        data: Some(data),
        ..Secret::default()
    }
}

/// Lets go of the Secret, so that it outlives its object: for a remote that is retained.
pub async fn release(client: &Client, identity: &Identity, name: &str) -> Result<(), Error> {
    let api = stored::api::<Secret>(client.clone(), Some(&identity.namespace));
    let doing = || format!("keeping the Secret {name}");
    let secret = input_object::secret(client, &identity.namespace, name).await;
    let Some(secret) = secret.map_err(Error::kubernetes(doing()))? else { return Ok(()) };
    if recognise(&secret, identity) == OwnSecret::Foreign || !secret.is_owned() {
        return Ok(());
    }
    let patch = serde_json::json!({ "metadata": { "ownerReferences": null } });
    api.patch(name, &PatchParams::default(), &Patch::Merge(&patch))
        .await
        .map_err(Error::kubernetes(doing()))?;
    Ok(())
}

/// The error for a Secret that somebody else made.
pub fn not_ours(name: &str) -> Error {
    Error::wait(
        Reason::SecretNotOurs,
        format!(
            "the Secret {name} exists and was not written for this object; name another in \
             spec.webhook.secretName, or delete it"
        ),
    )
}

fn owner_reference<T: Object>(object: &T) -> OwnerReference {
    OwnerReference {
        api_version: T::api_version(&()).into_owned(),
        kind: T::kind_name().to_owned(),
        name: object.name_any(),
        uid: object.uid().unwrap_or_default(),
        controller: Some(true),
        block_owner_deletion: None,
    }
}
