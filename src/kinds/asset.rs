//! Asset: metadata, and content that is read back when its version or the spec changed, and once in a slow cycle. The
//! content itself is in [`self::content`].

pub mod archive;
pub mod content;
pub mod imported_asset;
mod metadata;
pub mod space_assets;

use std::time::Duration;

use kube::{Api, Client};
use serde_json::{Map, Value, json};

use crate::api::asset::Content;
use crate::api::common::Fingerprint;
use crate::api::{Asset, AssetStatus};
use crate::aws::operations::{self, CreateAsset, DeleteAsset, GetAgentSpace};
use crate::aws::{self, ErrorCode};
use crate::reconcile::inputs::Inputs;
use crate::reconcile::kind::{
    Completed, Created, Issuing, Reconciled, Remote, Replaced, Resolved, Scope, State, Updated,
};
use crate::reconcile::owned::Reset;
use crate::reconcile::remote::picture::Picture;
use crate::reconcile::state::conditions::Reason;
use crate::reconcile::state::drift::{Change, Drift, Remedy};
use crate::reconcile::state::error::{Doing, Error};
use crate::reconcile::state::fingerprint;
use crate::reconcile::tagging::TagMap;

use self::archive::Sums;
use self::content::DesiredContent;
use self::space_assets::SpaceAssets;
use super::not_found_is_none;

/// The kind.
pub struct Assets;

/// The desired state.
pub struct Desired {
    asset_type: String,
    metadata: Value,
    pub(super) content: DesiredContent,
}

/// What AWS has.
pub struct Observed {
    asset: operations::Asset,
    /// The files; read only if the version or the spec has changed since they were last compared, or that was long ago.
    files: Option<Sums>,
}

impl Remote for Observed {
    fn id(&self) -> &str {
        &self.asset.asset_id
    }

    fn tags(&self) -> Option<&TagMap> {
        None
    }
}

impl Reconciled for Assets {
    type Object = Asset;
    type Desired = Desired;
    type Remote = Observed;

    const NOUN: &'static str = "asset";
    const CREATE: Option<&'static str> = Some("CreateAsset");

    fn api(client: Client, namespace: &str) -> Api<Asset> {
        Api::namespaced(client, namespace)
    }

    async fn resolve(object: &Asset, inputs: &Inputs<'_>) -> Result<Resolved<Self>, Error> {
        let spec = &object.spec;
        let scope = inputs.space_scope(&spec.agent_space_ref).await?;
        let content = content::resolve(&spec.content, inputs, &scope).await?;
        let mut metadata =
            serde_json::to_value(&spec.metadata).ok().filter(Value::is_object).unwrap_or_else(|| json!({}));
        if let Some(reference) = &spec.memory_store_ref {
            let store = inputs.object::<Asset>(reference, "spec.memoryStoreRef")?;
            metadata["memory_store_id"] = inputs.id_of(&*store, "spec.memoryStoreRef")?.into();
        }
        // What AWS reads from the front matter of SKILL.md, it ignores in the metadata.
        metadata::without_front_matter(spec, &mut metadata);
        Ok(Resolved { desired: Desired { asset_type: spec.asset_type.0.clone(), metadata, content }, scope })
    }

    fn holds(object: &Asset) -> usize {
        content::most_bytes(&object.spec.content)
    }

    fn recorded_space(status: &AssetStatus) -> Option<String> {
        status.agent_space_id.clone()
    }

    fn place(scope: &Scope, status: &mut AssetStatus) {
        status.agent_space_id = Some(scope.space_id.clone());
    }

    async fn read(
        scope: &Scope,
        id: &str,
        desired: Option<&Desired>,
        status: &AssetStatus,
    ) -> Result<Option<Observed>, Error> {
        let answer = scope.sight.one::<SpaceAssets>(id).await;
        if is_denied(&answer) && space_is_gone(scope).await? {
            return Ok(None);
        }
        match answer.doing(|| format!("reading the asset {id}"))? {
            Some((asset, ())) => observed(scope, asset, desired, status).await.map(Some),
            None => Ok(None),
        }
    }

    async fn search(scope: &Scope, desired: &Desired, status: &AssetStatus) -> Result<Vec<Observed>, Error> {
        let wanted = Self::sought(desired);
        let fits = |asset: &operations::Asset| {
            let mut keys = keys(&asset.asset_type, &asset.metadata).into_iter().map(Some);
            asset.asset_type == desired.asset_type
                && keys.any(|key| key == wanted || fingerprint::is_sought(&status.common, key.as_ref()))
        };
        let key = [json!([desired.asset_type, wanted])];
        let keys = status.common.intent.is_none().then_some(&key[..]);
        let fitting = scope.sight.fitting::<SpaceAssets>(keys, fits).await;
        let fitting = not_found_is_none(fitting, || "looking for the asset".to_owned())?;
        let mut found = Vec::new();
        for asset in fitting.unwrap_or_default() {
            found.push(observed(scope, asset, Some(desired), status).await?);
        }
        Ok(found)
    }

    async fn refresh<P>(picture: &Picture, pace: P)
    where
        P: Fn(&aws::Client, usize) -> Duration + Send + Sync,
    {
        picture.round::<SpaceAssets>(pace).await;
    }

    fn uncertain(scope: &Scope, id: &str) {
        scope.sight.uncertain::<SpaceAssets>(id);
    }

    fn compare(desired: &Desired, remote: &Observed, status: &AssetStatus) -> State {
        let mut changes = metadata::compare(&desired.metadata, &remote.asset.metadata);
        if remote.asset.asset_type != desired.asset_type {
            let (observed, wanted) = (remote.asset.asset_type.as_str(), desired.asset_type.as_str());
            changes.push(
                Change::new("assetType", Some(observed.into()), Some(wanted.into()))
                    .fixed_by(Remedy::Impossible),
            );
        }
        if let Some(files) = &remote.files {
            changes.extend(desired.content.compare(files));
        } else if desired.content.fingerprint().changed(status.common.fingerprint.as_ref()) {
            changes.push(Change::hidden(content::WHOLE));
        }
        if changes.is_empty() { State::Matching } else { State::Drifted(Drift(changes)) }
    }

    fn settings(object: &Asset) -> Value {
        metadata::settings(&object.spec)
    }

    fn observed(remote: &Observed) -> Value {
        json!({ "metadata": remote.asset.metadata })
    }

    fn reset(pointer: &str, status: &AssetStatus) -> Option<Reset> {
        metadata::reset(pointer, status)
    }

    async fn create(
        scope: &Scope,
        desired: &Desired,
        status: &AssetStatus,
    ) -> Result<Created<Observed>, Error> {
        let mut request = CreateAsset {
            agent_space_id: scope.space_id.clone(),
            asset_type: desired.asset_type.clone(),
            metadata: Some(desired.metadata.clone()),
            content: desired.content.first()?,
            client_token: None,
        };
        request.client_token = Some(scope.client_token(status.common.lost_id.as_deref(), &request));
        let answer = scope.aws.call(&request).await;
        let created = answer.doing(|| format!("creating the asset of type {}", desired.asset_type))?;
        // What AWS fetches by itself can't be compared, so there is only the fingerprint. Without one, the next pass reads
        // the content: more files are still to come.
        let fingerprint = desired.content.is_fetched().then(|| desired.content.fingerprint().record());
        scope.sight.wrote::<SpaceAssets>(&created.asset, ());
        let id = Some(created.asset.asset_id.clone());
        let left = (desired.content.is_fetched() || desired.content.is_sent_at_once())
            .then(|| Observed { asset: created.asset, files: desired.content.sums() });
        Ok(Created { id, fingerprint, left, ..Created::default() })
    }

    async fn update(
        scope: &Scope,
        desired: &Desired,
        remote: &Observed,
        drift: &Drift,
        status: &mut AssetStatus,
    ) -> Result<Updated<Observed>, Error> {
        let id = remote.id();
        if drift.touches("metadata") {
            let changed = metadata::update(scope, &desired.metadata, id, drift, status).await?;
            return Ok(Updated::of(changed));
        }
        let changed = desired.content.correct(scope, id, drift).await?;
        if desired.content.is_fetched() {
            status.common.fingerprint = Some(desired.content.fingerprint().record());
        }
        Ok(Updated::of(changed))
    }

    fn undisclosed(desired: &Desired) -> Option<Fingerprint> {
        Some(desired.content.fingerprint().record())
    }

    async fn delete(scope: &Scope, id: &str) -> Result<(), Error> {
        let request = DeleteAsset { agent_space_id: scope.space_id.clone(), asset_id: id.to_owned() };
        let answer = scope.aws.call(&request).await;
        if is_denied(&answer) && space_is_gone(scope).await? {
            return Ok(());
        }
        not_found_is_none(answer, || format!("deleting the asset {id}")).map(|_| ())
    }

    fn describe(desired: &Desired, remote: &Observed, status: &mut AssetStatus) {
        metadata::describe(&desired.metadata, &remote.asset.metadata, status);
        status.version = Some(remote.asset.version);
        if let Some(files) = &remote.files {
            status.files = i32::try_from(files.len()).ok();
            // Compared and found equal: it needn't be read again until the version or the spec changes.
            let equal = desired.content.compare(files).is_empty();
            status.common.fingerprint = equal.then(|| desired.content.fingerprint().record());
        } else if desired.content.is_fetched() {
            let recorded = status.common.fingerprint.take();
            status.common.fingerprint = desired.content.fingerprint().baseline(recorded);
        }
    }

    fn sought(desired: &Desired) -> Option<Value> {
        if let Some(url) = desired.content.source_url() {
            return Some(from(url));
        }
        let named = desired.content.skill_name().map(|name| json!({ "name": name }));
        Some(named.unwrap_or_else(|| natural(&desired.asset_type, &desired.metadata)))
    }

    fn natural_key(object: &Asset) -> Option<String> {
        let spec = &object.spec;
        let metadata = serde_json::to_value(&spec.metadata).unwrap_or_default();
        let space = super::place_of(&spec.agent_space_ref, object);
        let store = spec.memory_store_ref.as_ref().map(|store| super::place_of(store, object));
        // Objects that don't contain what identifies them can only be told apart by AWS.
        let key = match &spec.content {
            Content::SourceUrl(url) => from(url),
            _ => natural(&spec.asset_type, &metadata),
        };
        let says_something = key.as_object().is_some_and(|key| !key.is_empty());
        says_something.then(|| json!([space, spec.asset_type, key, store]).to_string())
    }
}

impl Replaced for Assets {}
impl Completed for Assets {}
impl Issuing for Assets {}

/// The asset with its files, if they have to be compared.
async fn observed(
    scope: &Scope,
    asset: operations::Asset,
    desired: Option<&Desired>,
    status: &AssetStatus,
) -> Result<Observed, Error> {
    let files = match desired {
        Some(desired) if !desired.content.is_fetched() => {
            let same_version = status.version == Some(asset.version);
            let known = desired.content.fingerprint().is(status.common.fingerprint.as_ref());
            if same_version && known && !scope.sight.is_due::<SpaceAssets>(&asset.asset_id) {
                None
            } else {
                let sent = scope.sight.now();
                let files = content::read(scope, &asset.asset_id).await?;
                scope.sight.inspected::<SpaceAssets>(&asset.asset_id, sent);
                Some(files)
            }
        }
        _ => None,
    };
    Ok(Observed { asset, files })
}

/// Everything that may identify an asset in AWS, which keeps the address that it fetched the content from.
pub fn keys(asset_type: &str, metadata: &Value) -> Vec<Value> {
    let source = metadata.pointer("/source/url").and_then(Value::as_str).map(from);
    [natural(asset_type, metadata)].into_iter().chain(source).collect()
}

/// What identifies an asset whose name is only in its source.
fn from(url: &str) -> Value {
    json!({ "source": url })
}

/// What identifies an asset among those of its type in a space, as far as its metadata says.
fn natural(asset_type: &str, metadata: &Value) -> Value {
    let keys: &[&str] = match asset_type {
        "skill" | "custom_agent" | "memory_store" => &["name"],
        "memory" => &["name", "memory_store_id"],
        "agents_md" => &["agent_type"],
        "attachment" => &["filename"],
        "test_profile" => &["test_agent_type", "target_url", "name"],
        _ => return metadata.clone(),
    };
    let found: Map<String, Value> =
        keys.iter().filter_map(|key| Some(((*key).to_owned(), metadata.get(key)?.clone()))).collect();
    Value::Object(found)
}

fn is_denied<T>(answer: &Result<T, aws::Error>) -> bool {
    answer.as_ref().is_err_and(|error| error.code() == Some(&ErrorCode::AccessDenied))
}

/// The data plane may respond "access denied" for what is in a space that is gone.
async fn space_is_gone(scope: &Scope) -> Result<bool, Error> {
    let request = GetAgentSpace { agent_space_id: scope.space_id.clone(), ..GetAgentSpace::default() };
    let space = not_found_is_none(scope.aws.call(&request).await, || {
        format!("checking whether the agent space {} still exists", scope.space_id)
    })?;
    Ok(space.is_none())
}

/// An asset without a single file can't be created.
pub(super) fn no_files(field: &str) -> Error {
    Error::wait(Reason::InputInvalid, format!("{field}: contains no files; an asset needs at least one"))
}
