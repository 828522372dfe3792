//! One test: its namespaces, its AWS account, and its access to the cluster.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use kube::core::DynamicObject;
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use super::object::{Handle, dynamic, json_of, text};
use super::shared::Shared;
use super::yaml::{self, namespaced_kinds, resource};

/// Marks what tests make in the cluster.
pub const LABEL: &str = "devops-agent-operator-e2e";

static NEXT: AtomicU64 = AtomicU64::new(0);

/// What one test has to itself.
pub struct Test {
    pub shared: &'static Shared,
    /// The test's namespace, and the name of its AWSAccount.
    pub namespace: String,
    /// The number of its AWS account.
    pub account: String,
    /// Calls with a higher number may be this test's.
    pub(super) first_call: u64,
    others: Mutex<Vec<String>>,
}

impl Test {
    pub(super) async fn new(shared: &'static Shared) -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        // What an earlier run left in the cluster must not affect this run's accounts.
        let account = format!("{:012}", u128::from(number) * 1_000_000_000 + now % 1_000_000_000);
        let first_call = shared.simulator.call_log(0).last().map_or(0, |call| call.sequence);
        // Names of one length: where a headline is cut must not depend on the number.
        let namespace =
            shared.namespace().unwrap_or_else(|| format!("e2e-{number:04}-{:07x}", now % 0x1000_0000));
        let test = Self { shared, namespace, account, first_call, others: Mutex::default() };
        test.make_namespace(&test.namespace, &json!({})).await;
        test.apply(&test.account_yaml()).await.ready().await;
        test
    }

    /// The test's AWSAccount as YAML.
    pub fn account_yaml(&self) -> String {
        let (name, account) = (&self.namespace, &self.account);
        format!(
            "kind: AWSAccount\nmetadata: {{name: {name}, labels: {{{LABEL}: \"true\"}}}}\nspec:\n  \
             assumeRole: {{roleArn: \"arn:aws:iam::{account}:role/test\"}}\n  requestsPerSecond: 1000\n"
        )
    }

    async fn make_namespace(&self, name: &str, labels: &Value) {
        let mut object =
            json!({"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": name, "labels": labels}});
        object["metadata"]["labels"][LABEL] = json!("true");
        self.try_apply_one(&object).await.expect("a namespace can be made");
    }

    /// Makes another namespace for this test, with labels.
    pub async fn other_namespace(&self, labels: Value) -> String {
        let name = {
            let mut others = self.others.lock().expect("nobody panicked here");
            let name = self.shared.namespace();
            let name = name.unwrap_or_else(|| format!("{}-{}", self.namespace, others.len() + 1));
            others.push(name.clone());
            name
        };
        self.make_namespace(&name, &labels).await;
        name
    }

    /// All namespaces of the test.
    pub fn namespaces(&self) -> Vec<String> {
        let others = self.others.lock().expect("nobody panicked here");
        [&self.namespace].into_iter().chain(others.iter()).cloned().collect()
    }

    /// Applies every document of `yaml`, as `kubectl apply --server-side` does, and returns the last. API version,
    /// namespace and `accountRef` are filled in if they are omitted.
    pub async fn apply(&self, yaml: &str) -> Handle {
        match self.try_apply(yaml).await {
            Ok(handle) => handle,
            Err(error) => panic!("refused: {error}\n{yaml}"),
        }
    }

    /// Like [`Test::apply`]; returns the API server's error.
    pub async fn try_apply(&self, yaml: &str) -> Result<Handle, kube::Error> {
        let mut last = None;
        for object in yaml::objects(yaml, &self.namespace, &self.namespace) {
            last = Some(self.try_apply_one(&object).await?);
        }
        Ok(last.expect("the YAML has a document"))
    }

    async fn try_apply_one(&self, object: &Value) -> Result<Handle, kube::Error> {
        self.store(object).await?;
        Ok(self.handle_of(object))
    }

    /// Applies the only document of `yaml`, and returns the object as the API server has stored it.
    pub async fn created(&self, yaml: &str) -> Value {
        json_of(&self.store(&self.object(yaml)).await.expect("the object is accepted"))
    }

    /// The only document of `yaml`, with everything that may be omitted.
    pub fn object(&self, yaml: &str) -> Value {
        yaml::objects(yaml, &self.namespace, &self.namespace).remove(0)
    }

    async fn store(&self, object: &Value) -> Result<DynamicObject, kube::Error> {
        let handle = self.handle_of(object);
        let params = PatchParams::apply("e2e").force().validation_strict();
        handle.api.patch(&handle.name, &params, &Patch::Apply(object)).await
    }

    /// The object that `object` describes.
    pub fn handle_of(&self, object: &Value) -> Handle {
        let name = text(object, "/metadata/name");
        self.handle_in(text(object, "/metadata/namespace"), text(object, "/kind"), name)
    }

    /// An object in the test's namespace, or a cluster-scoped one.
    pub fn handle(&self, kind: &str, name: &str) -> Handle {
        self.handle_in(&self.namespace, kind, name)
    }

    /// An object in any namespace.
    pub fn handle_in(&self, namespace: &str, kind: &str, name: &str) -> Handle {
        Handle::new(&self.shared.client, resource(kind), namespace, name)
    }

    /// Makes a Secret, or changes what is in it.
    pub async fn secret(&self, name: &str, data: &[(&str, &str)]) -> Handle {
        self.secret_in(&self.namespace, name, data).await
    }

    /// As [`Test::secret`], in another namespace.
    pub async fn secret_in(&self, namespace: &str, name: &str, data: &[(&str, &str)]) -> Handle {
        let data: BTreeMap<&str, ByteString> =
            data.iter().map(|(key, value)| (*key, ByteString(value.as_bytes().to_vec()))).collect();
        let metadata = json!({"name": name, "namespace": namespace});
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data});
        self.try_apply_one(&secret).await.expect("a Secret can be made")
    }

    /// The contents of a Secret, or `None` if there is none.
    pub async fn secret_data(&self, name: &str) -> Option<BTreeMap<String, String>> {
        let api = Api::<Secret>::namespaced(self.shared.client.clone(), &self.namespace);
        let secret = api.get_opt(name).await.expect("Secrets can be read")?;
        let text = |bytes: ByteString| String::from_utf8(bytes.0).expect("the values are text");
        Some(secret.data.unwrap_or_default().into_iter().map(|(key, value)| (key, text(value))).collect())
    }

    /// Every object of the test of our kinds that have a namespace.
    pub async fn objects(&self) -> Vec<DynamicObject> {
        let mut all = Vec::new();
        for namespace in self.namespaces() {
            for resource in namespaced_kinds() {
                let api = dynamic(&self.shared.client, resource, Some(&namespace));
                // A kind that is not installed has no objects.
                all.extend(api.list(&ListParams::default()).await.map(|list| list.items).unwrap_or_default());
            }
        }
        all
    }

    /// The resource version of every object and Secret of the test, by kind and name.
    pub async fn versions(&self) -> BTreeMap<String, String> {
        let secrets = Api::<Secret>::namespaced(self.shared.client.clone(), &self.namespace);
        let secrets = secrets.list(&ListParams::default()).await.expect("Secrets can be listed").items;
        let version = |name: String, version: Option<String>| (name, version.unwrap_or_default());
        let mut versions: BTreeMap<_, _> = secrets
            .iter()
            .map(|secret| version(format!("Secret {}", secret.name_any()), secret.resource_version()))
            .collect();
        versions.extend(self.objects().await.iter().map(|object| {
            let kind = object.types.as_ref().map_or("", |types| types.kind.as_str());
            let name = format!("{kind} {}/{}", object.namespace().unwrap_or_default(), object.name_any());
            version(name, object.resource_version())
        }));
        versions
    }

    async fn delete_objects(&self) {
        for object in self.objects().await {
            let kind = object.types.as_ref().map_or("", |types| types.kind.as_str());
            let handle = self.handle_in(&object.namespace().unwrap_or_default(), kind, &object.name_any());
            let _ = handle.api.delete(&handle.name, &DeleteParams::background()).await;
        }
    }

    /// Requests the deletion of everything; the operator continues with it while other tests run.
    pub(super) async fn clean_up(&self) {
        let mut names: Vec<_> = self.namespaces().into_iter().map(|name| ("Namespace", name)).collect();
        if !self.shared.pool.is_empty() {
            // Deleting the namespace would delete the operator's Role in it, and the objects would be stuck.
            self.delete_objects().await;
            names.clear();
        }
        for (kind, name) in names.into_iter().chain([("AWSAccount", self.namespace.clone())]) {
            let handle = self.handle(kind, &name);
            let _ = handle.api.delete(&name, &DeleteParams::background()).await;
        }
    }
}
