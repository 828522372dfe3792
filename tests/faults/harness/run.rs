//! One run of a scenario: its script's access to the cluster and AWS, and what it expects.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{ResourceQuota, Secret};
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use kube::core::DynamicObject;
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use super::place::{Place, version};
use super::resources::resource;
use super::world::World;

/// Maximum wait for anything, however it was disturbed.
pub const LIMIT: Duration = Duration::from_secs(30);
/// Annotation that asks for a pass at once.
const RECONCILE: &str = "devopsagent.dev/reconcile-requested-at";
/// In every secret that a scenario puts in: it may be found nowhere else.
pub const MARKER: &str = "mk7Qz";

/// The quota that keeps Secrets from being made.
const QUOTA: &str = "no-secrets";

static REQUESTS: AtomicU64 = AtomicU64::new(0);

/// Why a script did not come to its end.
pub type Failed = String;
pub type Outcome<T = ()> = Result<T, Failed>;

/// What a script expects in addition to what holds for every scenario.
#[derive(Clone, Default)]
pub struct Expectations {
    /// Remotes at the end of the script, by kind of the simulator's list; all others are zero.
    pub remotes: BTreeMap<&'static str, usize>,
    /// Where there may be more of them for a while.
    pub peak: BTreeMap<&'static str, usize>,
    /// Remotes after every object was deleted.
    pub left: BTreeMap<&'static str, usize>,
    /// How many webhook secrets are issued in an undisturbed run.
    pub webhooks: usize,
    /// Ids of what others created, which the objects adopt: no mutating call may name any other that the script
    /// created.
    pub adopted: BTreeSet<String>,
    /// Objects (by name) that end with `Ready=False` for this reason.
    pub unready: BTreeMap<&'static str, &'static str>,
    /// Associations (by name) without a webhook Secret, though their configuration would have one.
    pub without_secret: BTreeSet<&'static str>,
}

/// The hands of a script.
pub struct Run {
    pub world: Arc<World>,
    /// What a random walk is drawn by.
    pub seed: u64,
    /// Steps of it that are left out.
    pub skipped: BTreeSet<usize>,
    expectations: Mutex<Expectations>,
    /// Ids of what was created behind the operator's back.
    others: Mutex<BTreeSet<String>>,
}

impl Run {
    pub fn new(world: Arc<World>, seed: u64, skipped: BTreeSet<usize>) -> Self {
        Self { world, seed, skipped, expectations: Mutex::default(), others: Mutex::default() }
    }

    pub fn expectations(&self) -> Expectations {
        self.expectations.lock().expect("nobody panics with it in hand").clone()
    }

    /// Says what is expected.
    pub fn expect(&self, say: impl FnOnce(&mut Expectations)) {
        say(&mut self.expectations.lock().expect("nobody panics with it in hand"));
    }

    /// From here on faults hit.
    pub fn arm(&self) {
        self.world.boundary.arm();
    }

    /// Applies every document of `yaml`. API version and namespace are filled in.
    pub async fn apply(&self, yaml: &str) -> Outcome {
        let documents: Vec<Value> =
            serde_saphyr::from_multiple(yaml).map_err(|error| format!("{error}\n{yaml}"))?;
        for mut document in documents {
            let kind = resource(document["kind"].as_str().unwrap_or_default());
            document["apiVersion"] = json!(kind.api_version);
            if kind.namespaced {
                document["metadata"]["namespace"] = json!(self.world.namespace());
            }
            self.apply_one(kind.kind, &document).await?;
        }
        Ok(())
    }

    async fn apply_one(&self, kind: &'static str, object: &Value) -> Outcome {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let api = resource(kind).api(&self.world.cluster.client, self.world.namespace());
        let params = PatchParams::apply("faults").force();
        let applied = api.patch(name, &params, &Patch::Apply(object)).await;
        let applied = applied.map_err(|error| format!("{kind} {name} is refused: {error}"))?;
        self.caught_up(kind, &applied).await
    }

    /// Makes the run's AWSAccount, or changes it. It has the name of the namespace.
    pub async fn account(&self, spec: Value) -> Outcome {
        let metadata = json!({"name": self.world.namespace()});
        let api_version = resource("AWSAccount").api_version;
        let account =
            json!({"apiVersion": api_version, "kind": "AWSAccount", "metadata": metadata, "spec": spec});
        self.apply_one("AWSAccount", &account).await
    }

    /// From here on no Secret can be made.
    pub async fn allow_no_secret(&self) -> Outcome {
        const SECRETS: &str = "count/secrets";
        let failed = |error: kube::Error| format!("the quota can't be made: {error}");
        let api = self.quotas();
        let limits = json!({"hard": {SECRETS: "0"}, "used": {SECRETS: "0"}});
        let quota = json!({"metadata": {"name": QUOTA}, "spec": {"hard": {SECRETS: "0"}}});
        let quota = serde_json::from_value(quota).map_err(|error| error.to_string())?;
        api.create(&PostParams::default(), &quota).await.map_err(failed)?;
        // Nothing counts here: what is used has to be said.
        let status = Patch::Merge(json!({ "status": limits }));
        api.patch_status(QUOTA, &PatchParams::default(), &status).await.map_err(failed)?;
        self.until_a_secret_is(false).await
    }

    /// From here on Secrets can be made again.
    pub async fn allow_secrets(&self) -> Outcome {
        let deleted = self.quotas().delete(QUOTA, &DeleteParams::default()).await;
        deleted.map_err(|error| format!("the quota can't be deleted: {error}"))?;
        self.until_a_secret_is(true).await
    }

    fn quotas(&self) -> Api<ResourceQuota> {
        Api::namespaced(self.world.cluster.client.clone(), self.world.namespace())
    }

    /// The API server takes a moment to see a quota: tries it dry.
    async fn until_a_secret_is(&self, accepted: bool) -> Outcome {
        const TICK: Duration = Duration::from_millis(20);
        let api = Api::<Secret>::namespaced(self.world.cluster.client.clone(), self.world.namespace());
        let params = PostParams { dry_run: true, ..PostParams::default() };
        let mut secret = Secret::default();
        secret.metadata.name = Some("try".to_owned());
        let tries = async {
            while api.create(&params, &secret).await.is_ok() != accepted {
                tokio::time::sleep(TICK).await;
            }
        };
        let in_time = tokio::time::timeout(LIMIT, tries).await;
        in_time.map_err(|_| format!("within {LIMIT:?} the quota was not seen"))
    }

    /// Waits until the harness sees what it has written.
    async fn caught_up(&self, kind: &str, written: &DynamicObject) -> Outcome {
        let wanted = written.resource_version().and_then(|text| text.parse().ok()).unwrap_or_default();
        let uid = written.uid();
        let name = written.name_any();
        self.until(format!("the harness sees {kind} {name}"), || {
            let Some(seen) = self.find(kind, &name) else {
                return written.metadata.deletion_timestamp.is_some();
            };
            seen["metadata"]["uid"].as_str() != uid.as_deref() || version(&seen) >= wanted
        })
        .await
    }

    /// Creates a Secret, or changes its contents. Every value gets the marker.
    pub async fn secret(&self, name: &str, data: &[(&str, &str)]) -> Outcome {
        let data: BTreeMap<&str, ByteString> =
            data.iter().map(|(key, value)| (*key, ByteString(marked(value).into_bytes()))).collect();
        let metadata = json!({"name": name, "namespace": self.world.namespace()});
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data});
        self.apply_one("Secret", &secret).await
    }

    /// Puts an object back as a backup has it: without what the API server made of it.
    pub async fn restore(&self, kind: &'static str, object: &Value) -> Outcome {
        let mut restored = object.clone();
        restored["metadata"]["namespace"] = json!(self.world.namespace());
        for made in ["uid", "resourceVersion", "creationTimestamp", "ownerReferences", "managedFields"] {
            restored["metadata"].as_object_mut().map(|metadata| metadata.remove(made));
        }
        self.apply_one(kind, &restored).await
    }

    /// An object, if it is there.
    pub fn find(&self, kind: &str, name: &str) -> Option<Arc<Value>> {
        self.world.place().find(resource(kind), name)
    }

    /// A text in an object; empty if there is none.
    pub fn text(&self, kind: &str, name: &str, pointer: &str) -> String {
        let object = self.find(kind, name);
        let text = object.as_ref().and_then(|object| object.pointer(pointer)).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    }

    /// The id of an object's remote.
    pub fn id(&self, kind: &str, name: &str) -> String {
        self.text(kind, name, "/status/id")
    }

    /// Changes an object by a JSON merge patch.
    pub async fn patch(&self, kind: &str, name: &str, patch: Value) -> Outcome {
        let api = resource(kind).api(&self.world.cluster.client, self.world.namespace());
        let patched = api.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await;
        let patched = patched.map_err(|error| format!("{kind} {name} is refused: {error}"))?;
        self.caught_up(kind, &patched).await
    }

    /// Loses the status of an object, as a restored backup does.
    pub async fn lose_status(&self, kind: &str, name: &str) -> Outcome {
        let members = self.find(kind, name).and_then(|object| object["status"].as_object().cloned());
        let nothing: Value =
            members.unwrap_or_default().into_iter().map(|(member, _)| (member, Value::Null)).collect();
        self.patch_status(kind, name, json!({ "status": nothing })).await
    }

    /// Changes the status of an object by a JSON merge patch, as someone who may.
    pub async fn patch_status(&self, kind: &str, name: &str, patch: Value) -> Outcome {
        let api = resource(kind).api(&self.world.cluster.client, self.world.namespace());
        let patched = api.patch_status(name, &PatchParams::default(), &Patch::Merge(patch)).await;
        let patched = patched.map_err(|error| format!("the status of {kind} {name}: {error}"))?;
        self.caught_up(kind, &patched).await
    }

    /// Asks for the deletion of an object.
    pub async fn delete(&self, kind: &str, name: &str) -> Outcome {
        let api = resource(kind).api(&self.world.cluster.client, self.world.namespace());
        match api.delete(name, &DeleteParams::background()).await {
            Ok(answer) => match answer.left() {
                Some(going) => self.caught_up(kind, &going).await,
                None => self.gone(kind, name).await,
            },
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
            Err(error) => Err(format!("{kind} {name} can't be deleted: {error}")),
        }
    }

    /// An object goes without waiting for its finalizer, which the API server allows where its deletion began before the
    /// finalizer was there: the operator never sees that it is being deleted.
    pub async fn vanish(&self, kind: &str, name: &str) -> Outcome {
        let (kind, namespace) = (resource(kind), self.world.namespace());
        self.world.place().hide(kind, name);
        let api = kind.api(&self.world.cluster.client, namespace);
        let failed = |error| format!("{name} can't be deleted: {error}");
        api.delete(name, &DeleteParams::background()).await.map_err(failed)?;
        let none = Patch::Merge(json!({"metadata": {"finalizers": null}}));
        api.patch(name, &PatchParams::default(), &none).await.map_err(failed)?;
        self.gone(kind.kind, name).await
    }

    /// Waits until an object is gone.
    pub async fn gone(&self, kind: &str, name: &str) -> Outcome {
        self.until(format!("{kind} {name} is gone"), || self.find(kind, name).is_none()).await
    }

    /// Waits until an object is Ready at its current generation and nothing is in progress.
    pub async fn ready(&self, kind: &str, name: &str) -> Outcome {
        self.until(format!("{kind} {name} is Ready"), || {
            self.find(kind, name).is_some_and(|it| is_settled(&it))
        })
        .await
    }

    /// Waits until the condition Ready is False for this reason.
    pub async fn unready(&self, kind: &str, name: &str, reason: &str) -> Outcome {
        self.until(format!("{kind} {name} is not Ready because of {reason}"), || {
            self.find(kind, name).is_some_and(|it| is_unready(&it, reason))
        })
        .await
    }

    /// Requests a pass over an object; returns the request.
    pub async fn request(&self, kind: &str, name: &str) -> Outcome<String> {
        let request = format!("request-{}", REQUESTS.fetch_add(1, Ordering::Relaxed));
        self.patch(kind, name, json!({"metadata": {"annotations": {RECONCILE: request}}})).await?;
        Ok(request)
    }

    /// Asks for a pass, and waits until it was made.
    pub async fn reconcile(&self, kind: &str, name: &str) -> Outcome {
        let request = self.request(kind, name).await?;
        self.handled(kind, name, &request).await
    }

    pub async fn handled(&self, kind: &str, name: &str, request: &str) -> Outcome {
        self.until(format!("the requested pass over {kind} {name} is made"), || {
            self.find(kind, name).is_some_and(|it| it["status"]["lastHandledReconcileAt"] == request)
        })
        .await
    }

    /// Waits until something holds; checks again on every change.
    pub async fn until(&self, what: impl Display, mut holds: impl FnMut() -> bool) -> Outcome {
        let held = self.world.place().until(LIMIT, || holds().then_some(())).await;
        held.ok_or_else(|| format!("within {LIMIT:?} this did not happen: {what}"))
    }

    /// Waits a few seconds for something that may never hold.
    pub async fn for_a_while(&self, mut holds: impl FnMut() -> bool) {
        const WHILE: Duration = Duration::from_secs(3);
        self.world.place().until(WHILE, || holds().then_some(())).await;
    }

    /// Whether an object is Ready at its current generation and nothing is in progress.
    pub fn is_ready(&self, kind: &str, name: &str) -> bool {
        self.find(kind, name).is_some_and(|it| is_settled(&it))
    }

    /// Does something in AWS behind the operator's back. What it creates is someone else's.
    pub fn invoke(&self, operation: &str, input: Value) -> Outcome<Value> {
        let before: BTreeSet<String> = self.world.ids().into_iter().collect();
        let answer = self.world.simulator.invoke(operation, input);
        let made = self.world.ids().into_iter().filter(|id| !before.contains(id));
        self.others.lock().expect("nobody panics with it in hand").extend(made);
        answer.map_err(|error| format!("{operation}: {}", error.message))
    }

    /// The ids of what was created behind the operator's back and must not be adopted.
    pub fn protected(&self) -> BTreeSet<String> {
        let others = self.others.lock().expect("nobody panics with it in hand").clone();
        &others - &self.expectations().adopted
    }

    /// Changes a remote behind the operator's back.
    pub fn mutate(&self, kind: &str, id: &str, set: Value) -> Outcome {
        self.world.simulator.mutate(kind, id, set).map_err(|error| format!("{kind} {id}: {}", error.message))
    }

    /// Removes a remote behind the operator's back.
    pub fn remove(&self, kind: &str, id: &str) -> Outcome {
        self.world.simulator.remove(kind, id).map_err(|error| format!("{kind} {id}: {}", error.message))
    }

    /// All objects of our kinds: kind and name.
    pub fn objects(&self) -> Vec<(&'static str, String)> {
        let all = self.world.place().all();
        let ours = all.iter().filter_map(|object| {
            let kind = resource(object["kind"].as_str().unwrap_or_default());
            kind.is_ours()
                .then(|| (kind.kind, object["metadata"]["name"].as_str().unwrap_or_default().to_owned()))
        });
        ours.collect()
    }

    /// The operator ends, and with it the cluster and all that is in it; AWS knows nothing of that.
    pub async fn lose_cluster(&self) -> Outcome {
        self.world.stop();
        self.clear().await
    }

    /// Removes everything in the namespaces, regardless of finalizers.
    pub async fn clear(&self) -> Outcome {
        for namespace in &self.world.namespaces {
            self.clear_place(namespace, &self.world.cluster.place(namespace)).await?;
        }
        Ok(())
    }

    async fn clear_place(&self, namespace: &str, place: &Place) -> Outcome {
        const AGAIN: Duration = Duration::from_secs(2);
        const ATTEMPTS: usize = 15;
        let is_empty = || {
            place.all().iter().all(|object| object["metadata"]["name"] == "kube-root-ca.crt").then_some(())
        };
        for _ in 0..ATTEMPTS {
            self.sweep(namespace, place).await;
            // What the operator had sent before it ended may arrive after an object was looked at.
            if place.until(AGAIN, is_empty).await.is_some() {
                return Ok(());
            }
        }
        Err(format!("the namespace {namespace} is not empty after {ATTEMPTS} attempts"))
    }

    /// Deletes what is seen of a namespace now, without its finalizers.
    async fn sweep(&self, namespace: &str, place: &Place) {
        let mine = |object: &Value| {
            object["metadata"]["name"] != "kube-root-ca.crt"
                && object["metadata"]["deletionTimestamp"].is_null()
        };
        for object in place.all() {
            let kind = resource(object["kind"].as_str().unwrap_or_default());
            let name = object["metadata"]["name"].as_str().unwrap_or_default();
            let api = kind.api(&self.world.cluster.client, namespace);
            if kind.is_ours() && !object["metadata"]["finalizers"].is_null() {
                let none = Patch::Merge(json!({"metadata": {"finalizers": null}}));
                let _ = api.patch(name, &PatchParams::default(), &none).await;
            }
            if mine(&object) {
                let _ = api.delete(name, &DeleteParams::background()).await;
            }
        }
    }
}

/// A value of an input Secret, recognisable wherever it turns up.
pub fn marked(value: &str) -> String {
    format!("{MARKER}-{value}")
}

/// A condition of an object.
pub fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    object.pointer("/status/conditions")?.as_array()?.iter().find(|condition| condition["type"] == kind)
}

fn is_observed(object: &Value) -> bool {
    object.pointer("/status/observedGeneration") == object.pointer("/metadata/generation")
}

/// Ready at its current generation, and nothing in progress.
pub fn is_settled(object: &Value) -> bool {
    is_observed(object)
        && condition(object, "Ready").is_some_and(|ready| ready["status"] == "True")
        && condition(object, "Reconciling").is_none()
}

/// Not Ready at its current generation, for this reason.
pub fn is_unready(object: &Value, reason: &str) -> bool {
    is_observed(object)
        && condition(object, "Ready")
            .is_some_and(|ready| ready["status"] == "False" && ready["reason"] == reason)
}
