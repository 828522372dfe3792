//! The operator's own code on a replica of the cluster, with files on top of it: what it would do to AWS is held back
//! and described in the statuses that it writes there.

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kube::Client;
use kube::api::{Api, DynamicObject, ListParams};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::aws::PlainHttp;
use crate::aws::client::fleet::ClientFactory;
use crate::ctl::Error;
use crate::ctl::cluster::{Cluster, KindOf, failed, kinds_of_ours};
use crate::ctl::manifests::Manifest;
use crate::ctl::progress;
use crate::kubernetes::reach::Reach;
use crate::kubernetes::replica::{Collection, Replica};
use crate::metrics::Metrics;
use crate::operator::{self, Connections, MetricsProtection, Operator};
use crate::reconcile::backoff::Timing;
use crate::reconcile::inputs::accounts::OwnAccount;
use crate::reconcile::shard::Shard;
use crate::reconcile::state::annotations::{PAUSED, RECONCILE_REQUESTED};

use super::concluded::{AGAIN, is_concluded, is_contested, is_passing};
use super::focus;
use super::relations::subject_of;

/// Between two looks at whether the operator has come to an end.
const PACE: Duration = Duration::from_millis(50);
/// The operator rests when nothing was written for so long.
const REST: Duration = Duration::from_millis(400);
/// What it retries by itself is waited for this long.
const PATIENCE: Duration = Duration::from_secs(20);
/// The version of the operator's kinds.
const VERSION: &str = "v1alpha1";

/// What a preview is made of.
pub struct Settings {
    /// Makes AWS clients that only read.
    pub aws: ClientFactory,
    /// The cluster, if there is one.
    pub cluster: Option<Cluster>,
    /// Where the operator runs in it.
    pub operator_namespace: String,
    /// Id of the cluster in owner tags, if it isn't the cluster's own.
    pub cluster_id: Option<String>,
    /// The namespace that it is about, unless it is about files, or about all of them.
    pub namespace: Option<String>,
    /// The namespaces that the operator watches, if not all of them.
    pub watched: BTreeSet<String>,
    /// How long it may take.
    pub limit: Duration,
}

/// The cluster's id if nobody knows it.
pub const UNKNOWN_CLUSTER: &str = "(unknown)";

/// An object before and after the preview.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// Its kind.
    pub kind: String,
    /// As it was when the preview began: in the cluster, with what the files say.
    pub before: Value,
    /// With the status that the operator gave it; none if it has removed it.
    pub after: Option<Value>,
    /// The file that it comes from.
    pub file: Option<String>,
    /// The change that waits in the cluster itself.
    pub waiting: Option<String>,
}

/// What the preview has shown.
pub struct Shown {
    /// All objects, in the order of kinds and names.
    pub objects: Vec<Seen>,
    /// Whether the values of Secrets could be compared with what was sent before.
    pub comparable: bool,
    /// What couldn't be read.
    pub notes: Vec<String>,
}

/// A file's object as the API server would keep it.
pub struct Applied<'a> {
    /// Where it is from.
    pub manifest: &'a Manifest,
    /// The object, with its defaults.
    pub object: Value,
}

/// Runs the preview until the operator has nothing left to do.
pub async fn run(settings: Settings, files: &[Applied<'_>]) -> Result<Shown, Error> {
    let base = settings.cluster.as_ref().map(|cluster| cluster.client.clone());
    let mut stage = Stage::new(base.clone())?;
    if let Some(cluster) = &settings.cluster {
        stage.load(cluster, &settings.watched).await?;
    }
    for applied in files {
        stage.apply(applied);
    }
    stage.namespaces();
    stage.focus(settings.namespace.as_deref());
    let comparable = stage.key(base.as_ref(), &settings.operator_namespace).await;
    let before = stage.objects();
    stage.run(settings).await?;
    let objects = stage.seen(before);
    Ok(Shown { objects, comparable, notes: stage.notes })
}

struct Stage {
    replica: Replica,
    kinds: Vec<(KindOf, Collection)>,
    /// File by kind, namespace and name.
    files: HashMap<Key, String>,
    waiting: HashMap<Key, String>,
    notes: Vec<String>,
}

type Key = (String, String, String);

fn key_of(kind: &str, object: &Value) -> Key {
    let text = |member: &str| object["metadata"][member].as_str().unwrap_or_default().to_owned();
    (kind.to_owned(), text("namespace"), text("name"))
}

impl Stage {
    fn new(base: Option<Client>) -> Result<Self, Error> {
        let kinds = kinds_of_ours()?.into_iter().map(|kind| {
            let collection = Collection::new(crate::ctl::manifests::GROUP, VERSION, kind.plural());
            (kind, collection)
        });
        Ok(Self {
            replica: Replica::new(base),
            kinds: kinds.collect(),
            files: HashMap::new(),
            waiting: HashMap::new(),
            notes: Vec::new(),
        })
    }

    /// Copies the cluster's objects. What may not be listed in all namespaces is listed in the given one.
    async fn load(&mut self, cluster: &Cluster, watched: &BTreeSet<String>) -> Result<(), Error> {
        for (kind, collection) in &self.kinds {
            let found = match listed(cluster, kind, watched).await {
                Err(Error::Kubernetes { source, .. })
                    if is_forbidden(&source) && kind.namespaced && watched.is_empty() =>
                {
                    let namespace = &cluster.namespace;
                    self.notes.push(format!(
                        "the objects of {} can be listed in the namespace {namespace} only; references to others can't be \
                         followed",
                        kind.kind
                    ));
                    cluster.list(kind, Some(namespace)).await?
                }
                Err(Error::Kubernetes { source, .. }) if is_forbidden(&source) && !kind.namespaced => {
                    self.notes.push(format!("the objects of {} can't be listed", kind.kind));
                    Vec::new()
                }
                found => found?,
            };
            for object in found {
                let waiting = object.pointer("/status/pendingChange/hash").and_then(Value::as_str);
                if let Some(hash) = waiting {
                    self.waiting.insert(key_of(&kind.kind, &object), hash.to_owned());
                }
                self.replica.put(collection, object);
            }
        }
        let api = Api::<DynamicObject>::all_with(cluster.client.clone(), &namespace_resource());
        match api.list(&ListParams::default()).await {
            Ok(list) => {
                for namespace in list.items {
                    let namespace = serde_json::to_value(namespace).map_err(Error::Schema)?;
                    self.replica.put(&Collection::core("namespaces"), namespace);
                }
            }
            Err(error) if is_forbidden(&error) => {
                self.notes.push("namespaces can't be listed; consent by labels can't be checked".to_owned());
            }
            Err(error) => return Err(failed("listing the namespaces")(error)),
        }
        Ok(())
    }

    /// Puts a file's object on top, as `kubectl apply` would.
    fn apply(&mut self, applied: &Applied<'_>) {
        let manifest = applied.manifest;
        let found = self.kinds.iter().find(|(kind, _)| manifest.is_ours() && kind.kind == manifest.kind);
        let Some((kind, collection)) = found else {
            self.apply_input(manifest);
            return;
        };
        let mut object = applied.object.clone();
        let namespace = if kind.namespaced { manifest.namespace.as_str() } else { "" };
        if kind.namespaced {
            object["metadata"]["namespace"] = json!(namespace);
        }
        if let Some(known) = self.replica.object(collection, namespace, &manifest.name) {
            object = over(known, &object);
        }
        self.files.insert(key_of(&kind.kind, &object), manifest.file.clone());
        self.replica.put(collection, object);
    }

    /// A Secret, a ConfigMap or a namespace.
    fn apply_input(&self, manifest: &Manifest) {
        let collection = match (manifest.group(), manifest.kind.as_str()) {
            ("", "Secret") => Collection::core("secrets"),
            ("", "ConfigMap") => Collection::core("configmaps"),
            ("", "Namespace") => Collection::core("namespaces"),
            _ => return,
        };
        let mut object = manifest.document.value.clone();
        if manifest.kind != "Namespace" {
            object["metadata"]["namespace"] = json!(manifest.namespace);
        }
        let plain = object["stringData"].as_object().cloned().unwrap_or_default();
        for (key, value) in plain {
            object["data"][key] = json!(STANDARD.encode(value.as_str().unwrap_or_default()));
        }
        self.replica.put(&collection, object);
    }

    /// Leaves everything alone that the plan isn't about: only the objects of the files, or of the namespace, what they refer
    /// to, what refers to them, and what has a claim to the same is looked at in AWS. The others still count, as owners of what they have.
    fn focus(&self, namespace: Option<&str>) {
        if self.files.is_empty() && namespace.is_none() {
            return;
        }
        let objects = self.objects();
        let is_meant = |kind: &str, object: &Value| match namespace {
            _ if !self.files.is_empty() => self.files.contains_key(&key_of(kind, object)),
            Some(namespace) => object["metadata"]["namespace"] == namespace,
            None => true,
        };
        let concerned = focus::concerned(&objects, is_meant);
        for (kind, collection) in &self.kinds {
            for mut object in self.replica.objects(collection) {
                if subject_of(&kind.kind, &object).is_some_and(|subject| !concerned.contains(&subject)) {
                    object["metadata"]["annotations"][PAUSED] = json!("true");
                    self.replica.put(collection, object);
                }
            }
        }
    }

    /// Every namespace that has an object exists.
    fn namespaces(&self) {
        let collection = Collection::core("namespaces");
        let objects = self.kinds.iter().flat_map(|(_, kind)| self.replica.objects(kind));
        for object in objects {
            let name = object["metadata"]["namespace"].as_str().unwrap_or_default();
            if !name.is_empty() && self.replica.object(&collection, "", name).is_none() {
                let labels = json!({ "kubernetes.io/metadata.name": name });
                let metadata = json!({ "name": name, "labels": labels });
                self.replica.put(
                    &collection,
                    json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": metadata }),
                );
            }
        }
    }

    /// Whether the key of fingerprints can be read. Without it there is one that nothing was made with.
    async fn key(&self, base: Option<&Client>, namespace: &str) -> bool {
        if let Some(base) = base
            && let Ok(found) = operator::has_key(base, namespace).await
        {
            return found;
        }
        let secret = operator::fresh_key(namespace);
        if let Ok(secret) = serde_json::to_value(secret) {
            self.replica.put(&Collection::core("secrets"), secret);
        }
        false
    }

    fn objects(&self) -> Vec<(String, Value)> {
        let of = |(kind, collection): &(KindOf, Collection)| {
            let objects = self.replica.objects(collection).into_iter();
            objects.map(|object| (kind.kind.clone(), object)).collect::<Vec<_>>()
        };
        self.kinds.iter().flat_map(of).collect()
    }

    async fn run(&self, settings: Settings) -> Result<(), Error> {
        let (metrics, limit) = (Metrics::new(), settings.limit);
        let cluster_id = self.cluster_id(&settings).await?;
        let connections = Connections {
            kubernetes: self.replica.client(&settings.operator_namespace),
            aws: settings.aws,
            own_namespace: settings.operator_namespace,
            metrics: Arc::clone(&metrics),
        };
        let reach = Reach { namespaces: settings.watched, ..Reach::default() };
        let started = Operator::start(&options(cluster_id, reach), connections).await;
        let operator = started.map_err(|error| Error::Preview(error.to_string()))?;
        operator.ready().await;
        let result = self.concluded(&metrics, limit).await;
        operator.stop(Duration::from_secs(1)).await;
        result
    }

    async fn cluster_id(&self, settings: &Settings) -> Result<String, Error> {
        if let Some(id) = &settings.cluster_id {
            return Ok(id.clone());
        }
        let Some(cluster) = &settings.cluster else { return Ok(UNKNOWN_CLUSTER.to_owned()) };
        let api = Api::<DynamicObject>::all_with(cluster.client.clone(), &namespace_resource());
        let found = api.get("kube-system").await.map_err(failed(
            "reading the namespace kube-system, whose UID is the cluster's ID (or set --cluster-id)",
        ))?;
        Ok(found.metadata.uid.unwrap_or_default())
    }

    /// Lets the operator look at every object, and again at those that others are in the way of, as long as that helps: only
    /// then is it known what those others do.
    async fn concluded(&self, metrics: &Metrics, limit: Duration) -> Result<(), Error> {
        let mut before = usize::MAX;
        loop {
            self.settled(metrics, limit).await?;
            let contested = self.contested();
            if contested.is_empty() || contested.len() >= before {
                return Ok(());
            }
            before = contested.len();
            for (collection, mut object) in contested {
                object["metadata"]["annotations"][RECONCILE_REQUESTED] = json!(format!("{AGAIN}{before}"));
                self.replica.put(collection, object);
            }
        }
    }

    /// The objects that can't have what they describe because others have it.
    fn contested(&self) -> Vec<(&Collection, Value)> {
        let of = |(_, collection): &'_ (KindOf, Collection)| self.replica.objects(collection);
        let all = self.kinds.iter().flat_map(|kind| of(kind).into_iter().map(|object| (&kind.1, object)));
        all.filter(|(_, object)| is_contested(object)).collect()
    }

    /// Waits until the operator has looked at every object and writes nothing more.
    async fn settled(&self, metrics: &Metrics, limit: Duration) -> Result<(), Error> {
        let begin = Instant::now();
        let (mut version, mut since) = (None, Instant::now());
        let mut progress = Progress::default();
        let mut shown = progress::Line::default();
        loop {
            tokio::time::sleep(PACE).await;
            let now = Some(self.replica.version());
            if now != version || metrics.underway() > 0 {
                since = Instant::now();
            }
            if now != version {
                version = now;
                progress = self.progress();
            }
            let Progress { objects, left, is_passing } = progress;
            shown.show(&format!("{} of {objects} objects", objects - left));
            let rest = if is_passing { PATIENCE } else { REST };
            if left == 0 && since.elapsed() >= rest {
                return Ok(());
            }
            if begin.elapsed() >= limit {
                return Err(Error::Preview(format!(
                    "{left} of {objects} objects weren't finished within {} s; raise --timeout",
                    limit.as_secs()
                )));
            }
        }
    }

    /// How far the operator has got.
    fn progress(&self) -> Progress {
        let mut progress = Progress::default();
        for (_, collection) in &self.kinds {
            self.replica.visit(collection, |object| {
                progress.objects += 1;
                progress.left += usize::from(!is_concluded(object));
                progress.is_passing |= is_passing(object);
            });
        }
        progress
    }

    fn seen(&self, before: Vec<(String, Value)>) -> Vec<Seen> {
        let seen = before.into_iter().map(|(kind, before)| {
            let key = key_of(&kind, &before);
            let collection =
                self.kinds.iter().find(|(of, _)| of.kind == kind).map(|(_, collection)| collection);
            let after = collection.and_then(|collection| self.replica.object(collection, &key.1, &key.2));
            let (file, waiting) = (self.files.get(&key).cloned(), self.waiting.get(&key).cloned());
            Seen { kind, before, after, file, waiting }
        });
        seen.collect()
    }
}

/// How far the operator has got with the objects.
#[derive(Clone, Copy, Default)]
struct Progress {
    objects: usize,
    /// Those that no pass has concluded.
    left: usize,
    /// Whether one is in trouble that may pass by itself.
    is_passing: bool,
}

/// The objects of a kind, in the watched namespaces or in all.
async fn listed(cluster: &Cluster, kind: &KindOf, watched: &BTreeSet<String>) -> Result<Vec<Value>, Error> {
    if watched.is_empty() || !kind.namespaced {
        return cluster.list(kind, None).await;
    }
    let mut found = Vec::new();
    for namespace in watched {
        found.extend(cluster.list(kind, Some(namespace)).await?);
    }
    Ok(found)
}

/// The known object with what the other says: its whole spec, and its labels and annotations.
fn over(mut known: Value, new: &Value) -> Value {
    if known["spec"] != new["spec"] {
        known["spec"].clone_from(&new["spec"]);
        let generation = known["metadata"]["generation"].as_i64().unwrap_or_default();
        known["metadata"]["generation"] = json!(generation + 1);
    }
    for member in ["labels", "annotations"] {
        for (name, value) in new["metadata"][member].as_object().into_iter().flatten() {
            known["metadata"][member][name].clone_from(value);
        }
    }
    known
}

fn is_forbidden(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 403)
}

fn namespace_resource() -> kube::api::ApiResource {
    kube::api::ApiResource::erase::<k8s_openapi::api::core::v1::Namespace>(&())
}

fn options(cluster_id: String, reach: Reach) -> operator::Options {
    const NEVER: Duration = Duration::from_hours(24);
    operator::Options {
        region: None,
        cluster_id: Some(cluster_id),
        namespace: None,
        reach,
        timing: Timing { resync: NEVER, refresh: NEVER, early: Duration::ZERO, ..Timing::default() },
        resync_periods: HashMap::new(),
        concurrency: 10,
        concurrencies: HashMap::new(),
        requests_per_second: 20.0,
        shard: Shard::default(),
        plain_http: PlainHttp::Loopback,
        own_account: OwnAccount::Used,
        probes: SocketAddr::from(([127, 0, 0, 1], 0)),
        metrics: None,
        metrics_by_object: false,
        metrics_protection: MetricsProtection::default(),
        log_level: None,
        holds_back: true,
        shutdown_timeout: Duration::from_secs(1),
    }
}
