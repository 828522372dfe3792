//! The Secret that the operator writes for an object: a webhook's address and secret.
//!
//! It belongs to the object by its annotations, not by an owner reference: Kubernetes deletes what refers to a UID that
//! no longer exists, as a restored Secret does. The object's finalizer deletes it instead.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{DeleteParams, Patch, PatchParams, Preconditions};
use kube::{Api, Client};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tracing::info;

use crate::api::association::KEYS;
use crate::aws::client::trail;
use crate::echo::{self, Seen};
use crate::kubernetes::input_object::{self, InputObject};
use crate::kubernetes::stored::{self, Stored};
use crate::reconcile::context::Context;
use crate::reconcile::kind::OutputSecret;
use crate::reconcile::state::conditions::Reason;
use crate::reconcile::state::error::Error;
use crate::reconcile::state::ownership::Identity;
use crate::reconcile::state::status::FIELD_MANAGER;

/// Label that marks the Secrets written by the operator.
pub const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "devops-agent-operator");
/// Annotation that says which object a Secret was written for. It survives a backup and a change of UID.
const WRITTEN_FOR: &str = "devopsagent.dev/written-for";
/// Annotation with the UID of that object. Without it, the Secret was left to whoever has the remote.
const WRITTEN_BY: &str = "devopsagent.dev/written-by";
/// Annotation that names the remote of a Secret.
pub const ABOUT: &str = "devopsagent.dev/association-id";
/// The same, as a key of the Secret; those of version 0.1 have no annotation.
const ABOUT_KEY: &str = "associationId";
/// Kind of the owner references that version 0.1 made.
const OWNER_KIND: &str = "Association";

/// The operator writes nothing longer, so it isn't kept in memory.
const LONGEST: usize = 64 * 1024;

/// A Secret that the operator writes, as it was found.
#[derive(Debug)]
pub enum OwnSecret {
    /// There is none.
    Missing,
    /// There is one that someone else created.
    Foreign,
    /// Ours, or one from a backup.
    Ours(Held),
}

/// What is in a Secret of ours.
#[derive(Debug, Default)]
pub struct Held {
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
    /// Its data, as far as it may be the operator's: short texts.
    pub data: BTreeMap<String, SecretString>,
    /// UID of the object that it belongs to.
    pub uid: Option<String>,
    /// Whether it has an owner reference, as version 0.1 set it.
    pub is_owned: bool,
}

impl Held {
    fn of(secret: &InputObject) -> Self {
        let small = |(_, bytes): &(String, Vec<u8>)| bytes.len() <= LONGEST;
        let text = |(key, bytes)| Some((key, String::from_utf8(bytes).ok()?.into()));
        let annotations = secret.texts("annotations");
        let owner = owners(secret).into_iter().find(is_ours);
        let by_reference = owner.as_ref().and_then(|owner| owner["uid"].as_str().map(str::to_owned));
        Self {
            labels: secret.texts("labels"),
            uid: annotations.get(WRITTEN_BY).cloned().or(by_reference),
            annotations,
            data: secret.all().into_iter().filter(small).filter_map(text).collect(),
            is_owned: owner.is_some(),
        }
    }

    /// The value of a key.
    pub fn value(&self, key: &str) -> Option<&str> {
        self.data.get(key).map(ExposeSecret::expose_secret)
    }

    /// The values that may contain what AWS showed once: all except those documented not to be secret.
    pub fn guarded(&self) -> impl Iterator<Item = &SecretString> {
        let is_plain = |key: &str| KEYS.contains(&key) && !["secret", "token"].contains(&key);
        self.data.iter().filter(move |(key, _)| !is_plain(key)).map(|(_, value)| value)
    }

    /// Its remote, if it names one.
    pub fn about(&self) -> Option<&str> {
        self.annotations.get(ABOUT).map(String::as_str).or_else(|| self.value(ABOUT_KEY))
    }

    /// Its remote, if that is none of `known` and the object `identity` didn't write it: then it may be the only copy
    /// of what AWS showed once.
    pub fn about_another<'a>(&'a self, identity: &Identity, known: &BTreeSet<String>) -> Option<&'a str> {
        let about = self.about()?;
        let ours = known.contains(about) || self.uid.as_deref() == Some(&identity.uid);
        (!ours).then_some(about)
    }

    /// The labels and annotations that mark it as that of the object `identity`.
    fn marks(identity: &Identity) -> [(&'static str, String); 2] {
        [(WRITTEN_FOR, identity.name.clone()), (WRITTEN_BY, identity.uid.clone())]
    }

    /// Whether everything about it says that it belongs to the object `identity`.
    pub fn is_marked(&self, identity: &Identity) -> bool {
        let marked =
            Self::marks(identity).iter().all(|(name, value)| self.annotations.get(*name) == Some(value));
        marked && !self.is_owned
    }
}

/// Whose Secret it is, seen from the object `identity`, whose remote may be one of `known`.
pub fn recognise(secret: &InputObject, identity: &Identity, known: &BTreeSet<String>) -> OwnSecret {
    if secret.label(MANAGED_BY.0) != Some(MANAGED_BY.1) {
        return OwnSecret::Foreign;
    }
    let held = Held::of(secret);
    let ours = match held.annotations.get(WRITTEN_FOR) {
        Some(object) => *object == identity.name,
        None => held.about().is_some_and(|about| known.contains(about)),
    };
    if ours { OwnSecret::Ours(held) } else { OwnSecret::Foreign }
}

/// The Secret `name` of the object `identity`.
pub async fn read(
    client: &Client,
    identity: &Identity,
    name: &str,
    known: &BTreeSet<String>,
) -> Result<OwnSecret, Error> {
    let found = input_object::secret(client, &identity.namespace, name).await;
    let found = found.map_err(Error::kubernetes(format!("reading the Secret {name}")))?;
    Ok(found.map_or(OwnSecret::Missing, |secret| recognise(&secret, identity, known)))
}

/// Writes the Secret. One that isn't ours, or may be the only copy of another remote's secret, is never overwritten.
pub async fn write(cx: &Context, identity: &Identity, output: &OutputSecret) -> Result<(), Error> {
    writable(&read(&cx.client, identity, &output.name, &output.replaces).await?, identity, output)?;
    let api = secrets(&cx.client, identity);
    let params = PatchParams::apply(FIELD_MANAGER).force();
    let written = api.patch(&output.name, &params, &Patch::Apply(&secret(identity, output))).await;
    let written = written.map_err(|error| failed(error, output))?;
    if let Some(rest) = rest(&written, output) {
        let params = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
        api.patch(&output.name, &params, &Patch::Merge(&rest))
            .await
            .map_err(|error| failed(error, output))?;
    }
    info!(secret = output.name, request_id = trail::request_id(), "wrote the webhook Secret");
    if output.is_news {
        cx.metrics.webhook_secret_issued();
    }
    Ok(())
}

/// The error of a write. Nothing is lost if the Secret was written before: it quotes the API server.
fn failed(error: kube::Error, output: &OutputSecret) -> Error {
    // An admission webhook may quote what it rejects.
    let seen = Seen::default();
    for value in output.sensitive() {
        seen.add(value.expose_secret().as_bytes());
    }
    let error = echo::without(error, &seen);
    match &error {
        kube::Error::Api(status) if is_refusal(status.code) && !output.is_news => Error::Refused {
            reason: Reason::SecretRefused,
            message: format!("the webhook's Secret {} can't be written: {}", output.name, status.message),
        },
        _ => Error::kubernetes(format!("writing the Secret {}", output.name))(error),
    }
}

/// Checks with a dry run that the Secret could be written, before obtaining or giving up what AWS shows only once. That
/// covers quotas, admission policies, an immutable Secret and a name that is too long.
pub async fn rehearse(cx: &Context, identity: &Identity, output: &OutputSecret) -> Result<(), Error> {
    let name = &output.name;
    writable(&read(&cx.client, identity, name, &output.replaces).await?, identity, output)?;
    let params = PatchParams::apply(FIELD_MANAGER).force().dry_run();
    match secrets(&cx.client, identity).patch(name, &params, &Patch::Apply(&secret(identity, output))).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if is_refusal(status.code) => Err(Error::Refused {
            reason: Reason::SecretRefused,
            message: format!(
                "the webhook's Secret {name} can't be written, so nothing was changed in AWS: {}",
                status.message
            ),
        }),
        Err(error) => {
            Err(Error::kubernetes(format!("checking whether the Secret {name} can be written"))(error))
        }
    }
}

fn is_refusal(code: u16) -> bool {
    matches!(code, 400..=499) && code != 429 && code != 409
}

/// Whether the Secret may be overwritten.
fn writable(found: &OwnSecret, identity: &Identity, output: &OutputSecret) -> Result<(), Error> {
    match found {
        OwnSecret::Missing => Ok(()),
        OwnSecret::Foreign => Err(not_ours(&output.name, identity)),
        OwnSecret::Ours(held) => match held.about_another(identity, &output.replaces) {
            Some(about) => Err(anothers(&output.name, about)),
            None => Ok(()),
        },
    }
}

fn secrets(client: &Client, identity: &Identity) -> Api<Stored> {
    stored::api::<Secret>(client.clone(), Some(&identity.namespace))
}

fn secret(identity: &Identity, output: &OutputSecret) -> Secret {
    let data = output
        .data
        .iter()
        .map(|(key, value)| (key.clone(), ByteString(value.expose_secret().as_bytes().to_vec())))
        .collect();
    let mut labels = output.labels.clone();
    labels.insert(MANAGED_BY.0.to_owned(), MANAGED_BY.1.to_owned());
    let mut annotations = output.annotations.clone();
    annotations.extend(Held::marks(identity).map(|(name, value)| (name.to_owned(), value)));
    Secret {
        metadata: ObjectMeta {
            name: Some(output.name.clone()),
            namespace: Some(identity.namespace.clone()),
            labels: Some(labels),
            annotations: Some(annotations),
            ..ObjectMeta::default()
        },
        type_: Some("Opaque".to_owned()),
        data: Some(data),
        ..Secret::default()
    }
}

/// What still must be removed after an apply because others have written it too: a restore, for example, or kubectl.
fn rest(written: &Stored, output: &OutputSecret) -> Option<Value> {
    let written = InputObject::secret(written.clone());
    let nulls = |present: BTreeSet<String>, stale: &BTreeSet<String>| {
        let gone = stale.intersection(&present).map(|name| (name.clone(), Value::Null));
        Value::Object(gone.collect())
    };
    let present = |member| written.texts(member).into_keys().collect();
    let data = nulls(written.keys(), &output.stale.keys);
    let labels = nulls(present("labels"), &output.stale.labels);
    let annotations = nulls(present("annotations"), &output.stale.annotations);
    let mut patch = json!({"data": data, "metadata": {"labels": labels, "annotations": annotations}});
    let owners = owners(&written);
    let owned = owners.iter().any(is_ours);
    if owned {
        patch["metadata"]["ownerReferences"] = without_ours(owners);
    }
    let nothing = |value: &Value| value.as_object().is_some_and(serde_json::Map::is_empty);
    let needless = !owned && nothing(&data) && nothing(&labels) && nothing(&annotations);
    (!needless).then_some(patch)
}

fn owners(secret: &InputObject) -> Vec<Value> {
    secret
        .metadata("ownerReferences")
        .and_then(|text| serde_json::from_str(text.get()).ok())
        .unwrap_or_default()
}

fn is_ours(owner: &Value) -> bool {
    let group = owner["apiVersion"].as_str().is_some_and(|version| version.starts_with("devopsagent.dev/"));
    group && owner["kind"] == OWNER_KIND
}

/// The owner references of others, or null to remove the list.
fn without_ours(mut owners: Vec<Value>) -> Value {
    owners.retain(|owner| !is_ours(owner));
    if owners.is_empty() { Value::Null } else { Value::Array(owners) }
}

/// Leaves the Secret to whoever has the remote: its object is deleted, or has another remote from now on.
pub async fn release(client: &Client, identity: &Identity, name: &str) -> Result<(), Error> {
    let doing = || format!("keeping the Secret {name}");
    let secret = input_object::secret(client, &identity.namespace, name).await;
    let Some(secret) = secret.map_err(Error::kubernetes(doing()))? else { return Ok(()) };
    let OwnSecret::Ours(held) = recognise(&secret, identity, &BTreeSet::new()) else { return Ok(()) };
    if held.uid.is_none() && !held.is_owned {
        return Ok(());
    }
    let mut patch = json!({ "metadata": { "annotations": { WRITTEN_BY: null } } });
    if held.is_owned {
        patch["metadata"]["ownerReferences"] = without_ours(owners(&secret));
    }
    secrets(client, identity)
        .patch(name, &PatchParams::default(), &Patch::Merge(&patch))
        .await
        .map_err(Error::kubernetes(doing()))?;
    Ok(())
}

/// Deletes the Secret, if it is ours and about one of the remotes `known`. Returns whether it did.
pub async fn delete(
    cx: &Context,
    identity: &Identity,
    name: &str,
    known: &BTreeSet<String>,
) -> Result<bool, Error> {
    let doing = || format!("deleting the Secret {name}");
    let found = input_object::secret(&cx.client, &identity.namespace, name).await;
    let Some(secret) = found.map_err(Error::kubernetes(doing()))? else { return Ok(false) };
    match recognise(&secret, identity, known) {
        OwnSecret::Ours(held) if held.about_another(identity, known).is_none() => {}
        _ => return Ok(false),
    }
    cx.fence.check()?;
    let preconditions = Preconditions { uid: secret.uid(), resource_version: secret.resource_version() };
    let params = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
    match secrets(&cx.client, identity).delete(name, &params).await {
        Ok(_) => {
            info!(secret = name, "deleted the webhook Secret");
            Ok(true)
        }
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(false),
        Err(kube::Error::Api(status)) if is_refusal(status.code) => Err(Error::Refused {
            reason: Reason::SecretRefused,
            message: format!(
                "the webhook's former Secret {name} can't be deleted; delete it manually: {}",
                status.message
            ),
        }),
        Err(error) => Err(Error::kubernetes(doing())(error)),
    }
}

/// The error for a Secret that someone else created.
pub fn not_ours(name: &str, identity: &Identity) -> Error {
    let (label, value) = MANAGED_BY;
    Error::wait(
        Reason::SecretNotOurs,
        format!(
            "the Secret {name} exists and was not written for this object; name another in spec.webhook.secretName, or \
             delete it. If it belongs to this object and was stripped of its metadata, restore the label {label}: \
             {value} and the annotation {WRITTEN_FOR}: {}",
            identity.name
        ),
    )
}

/// The error for a Secret with the webhook of another association.
pub fn anothers(name: &str, about: &str) -> Error {
    Error::wait(
        Reason::SecretNotOurs,
        format!(
            "the Secret {name} holds the webhook of another association, {about}, and may be the only copy of its secret; \
             name another in spec.webhook.secretName, or delete the Secret if nobody needs that webhook. To continue with \
             that association, set spec.externalId to {about}"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const LABEL: &str = r#""labels":{"app.kubernetes.io/managed-by":"devops-agent-operator"}"#;

    fn identity() -> Identity {
        Identity { name: "events".into(), uid: "u-2".into(), ..Identity::sample("Association") }
    }

    fn known(ids: &[&str]) -> BTreeSet<String> {
        ids.iter().map(|id| (*id).to_owned()).collect()
    }

    fn found(metadata: &str, ids: &[&str]) -> OwnSecret {
        let text =
            format!(r#"{{"metadata":{{{metadata}}},"data":{{"associationId":"YS0x","secret":"cw=="}}}}"#);
        recognise(&InputObject::of_secret(&text), &identity(), &known(ids))
    }

    fn held(metadata: &str) -> Held {
        match found(metadata, &["a-1"]) {
            OwnSecret::Ours(held) => held,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_secret_is_ours_by_its_label_and_what_it_was_written_for() {
        let written_for = |name: &str| format!(r#"{LABEL},"annotations":{{"{WRITTEN_FOR}":"{name}"}}"#);
        assert!(matches!(found(&written_for("events"), &[]), OwnSecret::Ours(_)));
        assert!(matches!(found(&written_for("others"), &["a-1"]), OwnSecret::Foreign));
        assert!(matches!(found(LABEL, &["a-1"]), OwnSecret::Ours(_)), "its association says whose it is");
        assert!(matches!(found(LABEL, &["a-2"]), OwnSecret::Foreign));
        assert!(matches!(found(r#""labels":{}"#, &["a-1"]), OwnSecret::Foreign));
    }

    #[test]
    fn what_aws_shows_once_is_guarded_under_whatever_key_and_what_is_documented_is_not() {
        let data = r#""region":"dQ==","secret":"cw==","token":"dA==","AUTH":"YQ==""#;
        let text = format!(
            r#"{{"metadata":{{{LABEL},"annotations":{{"{WRITTEN_FOR}":"events"}}}},"data":{{{data}}}}}"#
        );
        let OwnSecret::Ours(held) = recognise(&InputObject::of_secret(&text), &identity(), &known(&[]))
        else {
            panic!("it is ours")
        };
        assert_eq!(held.guarded().map(ExposeSecret::expose_secret).collect::<Vec<_>>(), ["a", "s", "t"]);
    }

    #[test]
    fn the_only_copy_of_another_association_is_told_from_an_old_one_of_our_own() {
        let about_another = |metadata: &str, ids: &[&str]| {
            held(metadata).about_another(&identity(), &known(ids)).map(str::to_owned)
        };
        let by = |uid: &str| {
            format!(r#"{LABEL},"annotations":{{"{WRITTEN_FOR}":"events","{WRITTEN_BY}":"{uid}"}}"#)
        };
        assert_eq!(about_another(&by("u-1"), &["a-2"]).as_deref(), Some("a-1"));
        assert_eq!(about_another(&by("u-1"), &["a-1"]), None, "a restored one");
        assert_eq!(about_another(&by("u-2"), &["a-2"]), None, "written by this object");
        let referring = |uid: &str| {
            format!(
                r#"{LABEL},"ownerReferences":[{{"apiVersion":"devopsagent.dev/v1alpha1","kind":"Association","uid":"{uid}"}}]"#
            )
        };
        assert_eq!(about_another(&referring("u-2"), &["a-2"]), None, "written by version 0.1");
        assert_eq!(about_another(&referring("u-1"), &["a-2"]).as_deref(), Some("a-1"));
    }

    #[test]
    fn a_secret_of_version_0_1_is_not_marked_yet_and_loses_our_owner_reference_alone() {
        let ours = json!({"apiVersion": "devopsagent.dev/v1alpha1", "kind": "Association", "uid": "u-2"});
        let theirs = json!({"apiVersion": "v1", "kind": "ConfigMap", "uid": "x"});
        let held = held(&format!(r#"{LABEL},"ownerReferences":[{ours}]"#));
        assert!(held.is_owned && !held.is_marked(&identity()));
        assert_eq!(without_ours(vec![ours.clone(), theirs.clone()]), json!([theirs]));
        assert_eq!(without_ours(vec![ours]), Value::Null);
    }
}
