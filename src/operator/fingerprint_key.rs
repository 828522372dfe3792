//! The key of fingerprints: random, created once, and kept in a Secret in the operator's namespace.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client};

use crate::kubernetes::input_object::{self, InputObject};
use crate::reconcile::inputs::output_secret::MANAGED_BY;
use crate::reconcile::state::fingerprint::{Fingerprinter, hex};

/// Name of the Secret that holds the key.
pub const NAME: &str = "devops-agent-operator-fingerprint-key";

/// Annotation of the Secret that says that every status has a seal, and must have one. An operator of version 0.1
/// sealed none: after an upgrade it is missing, until all of them have been written again.
const SEALED: &str = "devopsagent.dev/status-sealed";

/// The key, and whether every status must have a seal made with it.
pub struct Loaded {
    /// Makes fingerprints and seals.
    pub fingerprints: Fingerprinter,
    /// Whether every status must have a seal.
    pub sealed: bool,
}

/// Records that from now on every status must have a seal.
pub async fn require_seals(client: &Client, namespace: &str) -> Result<(), kube::Error> {
    let patch = serde_json::json!({ "metadata": { "annotations": { SEALED: "true" } } });
    let api = Api::<Secret>::namespaced(client.clone(), namespace);
    api.patch_metadata(NAME, &PatchParams::default(), &Patch::Merge(&patch)).await.map(drop)
}

/// Reads the key, or creates it. If another process creates it first, that one is used.
pub async fn load(client: &Client, namespace: &str) -> Result<Loaded, kube::Error> {
    if let Some(fingerprints) = stored(client, namespace).await? {
        return Ok(fingerprints);
    }
    let api = Api::<Secret>::namespaced(client.clone(), namespace);
    match api.create(&PostParams::default(), &fresh(namespace)).await {
        Err(kube::Error::Api(status)) if status.code == 409 => {}
        created => drop(created?),
    }
    stored(client, namespace).await?.ok_or_else(|| unreadable(namespace))
}

/// Whether there is a key; an error if that can't be read.
pub async fn is_there(client: &Client, namespace: &str) -> Result<bool, kube::Error> {
    Ok(stored(client, namespace).await?.is_some())
}

async fn stored(client: &Client, namespace: &str) -> Result<Option<Loaded>, kube::Error> {
    Ok(input_object::secret(client, namespace, NAME).await?.as_ref().and_then(read))
}

fn read(secret: &InputObject) -> Option<Loaded> {
    let id = String::from_utf8(secret.get("id")?).ok()?;
    let key = secret.get("key").filter(|key| key.len() >= 32)?;
    Some(Loaded { fingerprints: Fingerprinter::new(id, key), sealed: secret.annotation(SEALED).is_some() })
}

/// A Secret with a new key.
pub fn fresh(namespace: &str) -> Secret {
    let data = BTreeMap::from([
        ("id".to_owned(), ByteString(random_id().into_bytes())),
        ("key".to_owned(), ByteString(random::<32>().to_vec())),
    ]);
    Secret {
        metadata: ObjectMeta {
            name: Some(NAME.to_owned()),
            namespace: Some(namespace.to_owned()),
            labels: Some(BTreeMap::from([(MANAGED_BY.0.to_owned(), MANAGED_BY.1.to_owned())])),
            annotations: Some(BTreeMap::from([(SEALED.to_owned(), "true".to_owned())])),
            ..ObjectMeta::default()
        },
        type_: Some("Opaque".to_owned()),
        data: Some(data),
        ..Secret::default()
    }
}

/// Random bytes from the TLS provider's generator, which is the operating system's.
fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // Fails only if the system has no randomness at all; TLS wouldn't work either.
    let _ = rustls::crypto::ring::default_provider().secure_random.fill(&mut bytes);
    bytes
}

/// A random, unique name.
pub fn random_id() -> String {
    hex(&random::<8>())
}

fn unreadable(namespace: &str) -> kube::Error {
    kube::Error::Service(
        format!(
            "the Secret {namespace}/{NAME} has no usable id and key; delete it to have a new one created"
        )
        .into(),
    )
}
