//! What one test has to itself: namespaces, an account in a simulated AWS, and hands in the cluster.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use devops_agent_simulator::Running;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{ListParams, Patch, PatchParams};
use kube::core::DynamicObject;
use kube::{Api, Client, ResourceExt};
use serde_json::{Value, json};

use crate::aws::OWN_ACCOUNT;
use crate::cluster::{self, LABEL, MANAGER};
use crate::object::{Handle, json_of, text};
use crate::operator::{Built, Launch, Operator};
use crate::resource::{namespaced_kinds, resource};
use crate::{crds, yaml};

/// What one test has to itself.
#[must_use]
pub struct World {
    /// An administrator's client.
    pub client: Client,
    /// A client for everything else that speaks HTTP.
    pub http: reqwest::Client,
    /// The simulated AWS.
    pub simulator: Arc<Running>,
    /// The test's namespace.
    pub namespace: String,
    /// The number of its AWS account.
    pub account: String,
    /// Name of the `AWSAccount` that objects refer to, unless they say otherwise.
    account_name: Option<String>,
    built: Built,
    /// Calls with a higher number may be this test's.
    pub(crate) first_call: u64,
    others: Mutex<Vec<String>>,
}

impl World {
    /// Makes a namespace, whose objects are in AWS by the operator's own credentials.
    pub async fn new(client: &Client, simulator: &Arc<Running>, built: &Built, namespace: &str) -> Self {
        cluster::make_namespace(client, namespace, &json!({ LABEL: "true" })).await;
        Self {
            client: client.clone(),
            http: cluster::http(),
            simulator: Arc::clone(simulator),
            namespace: namespace.to_owned(),
            account: OWN_ACCOUNT.to_owned(),
            account_name: None,
            built: built.clone(),
            first_call: simulator.newest_call(),
            others: Mutex::default(),
        }
    }

    /// The same with an `AWSAccount` that is named like the namespace, for this account.
    pub fn with_account(mut self, number: &str) -> Self {
        number.clone_into(&mut self.account);
        self.account_name = Some(self.namespace.clone());
        self
    }

    /// Installs the CRDs of the operator.
    pub async fn install_crds(&self) {
        crds::install(&self.client, &self.built.crds()).await;
    }

    /// Starts an operator for the test's namespace.
    pub fn operator(&self, arguments: &[&str]) -> Operator {
        self.launch(&self.namespace).args(arguments.iter().copied()).start()
    }

    /// An operator for one namespace.
    pub fn launch(&self, namespace: &str) -> Launch<'_> {
        let arguments = ["--namespace", namespace, "--watch-namespace", namespace];
        Launch::new(&self.built, &self.simulator.url()).args(arguments)
    }

    /// An operator for all namespaces: only for a test without others beside it.
    pub fn launch_everywhere(&self) -> Launch<'_> {
        Launch::new(&self.built, &self.simulator.url()).args(["--namespace", &self.namespace])
    }

    /// A file of the test's own.
    pub fn file(&self, name: &str) -> std::path::PathBuf {
        self.built.folder.join(format!("{}-{name}", self.namespace))
    }

    /// Makes another namespace for this test, with labels.
    pub async fn other_namespace(&self, labels: Value) -> String {
        let name = {
            let others = self.others.lock().expect("nobody panicked here");
            format!("{}-{}", self.namespace, others.len() + 1)
        };
        self.add_namespace(name, labels).await
    }

    /// The same, under this name.
    pub async fn add_namespace(&self, name: String, mut labels: Value) -> String {
        labels[LABEL] = json!("true");
        self.others.lock().expect("nobody panicked here").push(name.clone());
        cluster::make_namespace(&self.client, &name, &labels).await;
        name
    }

    /// All namespaces of the test.
    pub fn namespaces(&self) -> Vec<String> {
        let others = self.others.lock().expect("nobody panicked here");
        [&self.namespace].into_iter().chain(others.iter()).cloned().collect()
    }

    /// Applies every document of `yaml`, as `kubectl apply --server-side` does, and gives the last. API version,
    /// namespace and `accountRef` are filled in where they are omitted.
    pub async fn apply(&self, yaml: &str) -> Handle {
        self.apply_in(&self.namespace, yaml).await
    }

    /// As [`World::apply`], in another namespace.
    pub async fn apply_in(&self, namespace: &str, yaml: &str) -> Handle {
        let applied = self.try_apply_in(namespace, yaml).await;
        applied.unwrap_or_else(|error| panic!("refused: {error}\n{yaml}"))
    }

    /// Like [`World::apply`]; returns the API server's error.
    pub async fn try_apply(&self, yaml: &str) -> Result<Handle, kube::Error> {
        self.try_apply_in(&self.namespace, yaml).await
    }

    async fn try_apply_in(&self, namespace: &str, yaml: &str) -> Result<Handle, kube::Error> {
        let mut last = None;
        for object in self.complete(namespace, yaml) {
            self.store(&object).await?;
            last = Some(self.handle_of(&object));
        }
        Ok(last.expect("the YAML has a document"))
    }

    fn complete(&self, namespace: &str, yaml: &str) -> Vec<Value> {
        yaml::objects(yaml, namespace, self.account_name.as_deref())
    }

    /// Applies the only document of `yaml`, and returns the object as the API server has stored it.
    pub async fn created(&self, yaml: &str) -> Value {
        json_of(&self.store(&self.object(yaml)).await.expect("the object is accepted"))
    }

    /// The only document of `yaml`, with everything that may be omitted.
    pub fn object(&self, yaml: &str) -> Value {
        self.complete(&self.namespace, yaml).remove(0)
    }

    async fn store(&self, object: &Value) -> Result<DynamicObject, kube::Error> {
        let handle = self.handle_of(object);
        let params = PatchParams::apply(MANAGER).force().validation_strict();
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
        Handle::new(&self.client, resource(kind), namespace, name)
    }

    /// Every object of a kind, in all namespaces.
    pub async fn everywhere(&self, kind: &str) -> Vec<Handle> {
        let api = resource(kind).api(&self.client, None);
        let objects = api.list(&ListParams::default()).await.expect("objects can be listed");
        let handle = |object: DynamicObject| {
            self.handle_in(&object.namespace().unwrap_or_default(), kind, &object.name_any())
        };
        objects.into_iter().map(handle).collect()
    }

    /// Makes a Secret, or changes what is in it.
    pub async fn secret(&self, name: &str, data: &[(&str, &str)]) -> Handle {
        self.secret_in(&self.namespace, name, data).await
    }

    /// As [`World::secret`], in another namespace.
    pub async fn secret_in(&self, namespace: &str, name: &str, data: &[(&str, &str)]) -> Handle {
        let data: BTreeMap<&str, ByteString> =
            data.iter().map(|(key, value)| (*key, ByteString(value.as_bytes().to_vec()))).collect();
        let secret = json!({"kind": "Secret", "metadata": {"name": name}, "data": data});
        self.apply_in(namespace, &secret.to_string()).await
    }

    /// The contents of a Secret, or `None` if there is none.
    pub async fn secret_data(&self, name: &str) -> Option<BTreeMap<String, String>> {
        let api = Api::<Secret>::namespaced(self.client.clone(), &self.namespace);
        let secret = api.get_opt(name).await.expect("Secrets can be read")?;
        let text = |bytes: ByteString| String::from_utf8(bytes.0).expect("the values are text");
        Some(secret.data.unwrap_or_default().into_iter().map(|(key, value)| (key, text(value))).collect())
    }

    /// Every object of the test of the operator's kinds that have a namespace.
    pub async fn objects(&self) -> Vec<DynamicObject> {
        let mut all = Vec::new();
        for namespace in self.namespaces() {
            for resource in namespaced_kinds() {
                let api = resource.api(&self.client, Some(&namespace));
                // A kind that is not installed has no objects.
                all.extend(api.list(&ListParams::default()).await.map(|list| list.items).unwrap_or_default());
            }
        }
        all
    }

    /// The resource version of every object and Secret of the test, by kind and name.
    pub async fn versions(&self) -> BTreeMap<String, String> {
        let secrets = resource("Secret").api(&self.client, Some(&self.namespace));
        let secrets = secrets.list(&ListParams::default()).await.expect("Secrets can be listed").items;
        let version = |object: &DynamicObject| {
            let kind = object.types.as_ref().map_or("", |types| types.kind.as_str());
            let name = format!("{kind} {}/{}", object.namespace().unwrap_or_default(), object.name_any());
            (name, object.resource_version().unwrap_or_default())
        };
        self.objects().await.iter().chain(&secrets).map(version).collect()
    }
}
