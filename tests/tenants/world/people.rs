//! A person, or a pipeline, with the rights of a tenant in one namespace.

use k8s_openapi::api::core::v1::ServiceAccount;
use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use kube::core::DynamicObject;
use kube::{Api, Client};
use serde_json::{Map, Value, json};

use super::roles;
use crate::harness::{Handle, Test, cluster, resource, text, wait_until};

/// Name of every tenant's service account.
const ACCOUNT: &str = "tenant";

/// Someone who may do in one namespace what a tenant may, and nothing elsewhere.
pub struct Person<'a> {
    t: &'a Test,
    pub namespace: String,
    client: Client,
}

impl<'a> Person<'a> {
    pub(super) async fn new(t: &'a Test, namespace: &str) -> Self {
        let admin = &t.client;
        let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": ACCOUNT}});
        let binding = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": ACCOUNT},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": roles::NAME},
            "subjects": [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": namespace}],
        });
        cluster::apply(&Api::<ServiceAccount>::namespaced(admin.clone(), namespace), &account).await;
        cluster::apply(&Api::<RoleBinding>::namespaced(admin.clone(), namespace), &binding).await;
        let client = cluster::as_service_account(namespace, ACCOUNT).await;
        let person = Self { t, namespace: namespace.to_owned(), client };
        person.wait_for_rights().await;
        person
    }

    /// The API server takes a moment to see a new binding.
    async fn wait_for_rights(&self) {
        let api = self.api("AgentSpace", &self.namespace);
        wait_until("the rights are there", async || api.list(&ListParams::default()).await.ok()).await;
    }

    /// The API of a kind in a namespace, with this person's rights.
    pub fn api(&self, kind: &str, namespace: &str) -> Api<DynamicObject> {
        resource(kind).api(&self.client, Some(namespace))
    }

    /// An object of this person, as everyone sees it.
    pub fn handle(&self, kind: &str, name: &str) -> Handle {
        self.t.handle_in(&self.namespace, kind, name)
    }

    /// Applies every document of `yaml` with this person's rights, and gives the last. API version, namespace and
    /// `accountRef` are filled in where they are left out; `accountRef: null` leaves it out.
    pub async fn apply(&self, yaml: &str) -> Handle {
        match self.try_apply(yaml).await {
            Ok(handle) => handle,
            Err(error) => panic!("refused: {error}\n{yaml}"),
        }
    }

    /// As [`Person::apply`]; the error is what the API server says.
    pub async fn try_apply(&self, yaml: &str) -> Result<Handle, kube::Error> {
        let documents: Vec<Value> =
            serde_saphyr::from_multiple(yaml).unwrap_or_else(|error| panic!("{error}\n{yaml}"));
        let mut last = None;
        for document in documents {
            let object = self.complete(&document);
            let namespace = text(&object, "/metadata/namespace");
            let (kind, name) = (text(&object, "/kind"), text(&object, "/metadata/name"));
            let params = PatchParams::apply(ACCOUNT).force().validation_strict();
            self.api(kind, namespace).patch(name, &params, &Patch::Apply(&object)).await?;
            last = Some(self.t.handle_in(namespace, kind, name));
        }
        Ok(last.expect("the YAML has a document"))
    }

    fn complete(&self, document: &Value) -> Value {
        let mut object = self.t.object(&document.to_string());
        let given = document["metadata"]["namespace"].is_string();
        if !given && object["metadata"]["namespace"].is_string() {
            object["metadata"]["namespace"] = json!(self.namespace);
        }
        object
    }

    /// Changes an object of this person by a JSON merge patch.
    pub async fn patch(&self, kind: &str, name: &str, patch: Value) {
        let api = self.api(kind, &self.namespace);
        let params = PatchParams::default().validation_strict();
        api.patch(name, &params, &Patch::Merge(patch))
            .await
            .unwrap_or_else(|error| panic!("{kind} {name}: {error}"));
    }

    /// Pauses an object of this person.
    pub async fn pause(&self, kind: &str, name: &str) {
        self.patch(kind, name, json!({"metadata": {"annotations": {"devopsagent.dev/paused": "true"}}}))
            .await;
    }

    /// Lets other namespaces use an object of this person.
    pub async fn allow(&self, kind: &str, name: &str, other: &Person<'_>) {
        let allowed = json!({"from": "Names", "names": [other.namespace]});
        self.patch(kind, name, json!({"spec": {"allowedNamespaces": allowed}})).await;
    }

    /// Takes the leave back.
    pub async fn withdraw(&self, kind: &str, name: &str) {
        self.patch(kind, name, json!({"spec": {"allowedNamespaces": null}})).await;
    }

    /// Deletes an object of this person.
    pub async fn delete(&self, kind: &str, name: &str) -> Handle {
        let api = self.api(kind, &self.namespace);
        api.delete(name, &DeleteParams::background()).await.expect("own objects can be deleted");
        self.handle(kind, name)
    }

    /// Makes a Secret, or changes what is in it.
    pub async fn secret(&self, name: &str, data: &[(&str, &str)]) {
        let data: Map<String, Value> =
            data.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect();
        let secret = json!({"kind": "Secret", "metadata": {"name": name}, "stringData": data});
        self.apply(&secret.to_string()).await;
    }
}
