//! The API server that KUBECONFIG names, with the CRDs and a namespace of the test's own.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{
    Api, ApiResource, DeleteParams, DynamicObject, GroupVersionKind, Patch, PatchParams, ValidationDirective,
};
use kube::runtime::wait::{await_condition, conditions};
use kube::{Client, ResourceExt};
use serde_json::{Value, json};

/// What the API server says of an object.
#[derive(Debug)]
pub struct Refusal {
    pub message: String,
    /// The fields that it names, each with what is wrong there.
    pub causes: Vec<(String, String)>,
}

impl Refusal {
    /// Whether the refusal is about `field`, and says `words` of it.
    pub fn is_about(&self, field: &str, words: &str) -> bool {
        if self.causes.is_empty() {
            // What can't even be merged is rejected with only a message.
            return self.message.contains(field) && self.message.contains(words);
        }
        let entry = format!("{field}[");
        self.causes
            .iter()
            .any(|(at, message)| (at == field || at.starts_with(&entry)) && message.contains(words))
    }
}

/// A cluster to try YAML on.
pub struct Cluster {
    client: Client,
    namespace: String,
    kinds: BTreeMap<String, (ApiResource, bool)>,
}

impl Cluster {
    /// Connects, installs missing CRDs, and creates a namespace.
    pub async fn prepare(crds: &[Value]) -> Self {
        let client = Client::try_default().await.expect("KUBECONFIG names a cluster");
        let mut kinds = BTreeMap::new();
        for crd in crds {
            install(&client, crd).await;
            let names = &crd["spec"]["names"];
            let kind = names["kind"].as_str().unwrap_or_default();
            let plural = names["plural"].as_str().unwrap_or_default();
            let kind_of = GroupVersionKind::gvk("devopsagent.dev", "v1alpha1", kind);
            let resource = ApiResource::from_gvk_with_plural(&kind_of, plural);
            kinds.insert(kind.to_owned(), (resource, crd["spec"]["scope"] == "Namespaced"));
        }
        let namespace = format!("bad-yaml-{}", std::process::id());
        let namespaces: Api<Namespace> = Api::all(client.clone());
        let object = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": namespace } });
        namespaces
            .patch(&namespace, &PatchParams::apply("bad-yaml"), &Patch::Apply(object))
            .await
            .expect("a namespace can be made");
        Self { client, namespace, kinds }
    }

    fn api(&self, object: &Value) -> Api<DynamicObject> {
        let kind = object["kind"].as_str().unwrap_or_default();
        let (resource, namespaced) = self.kinds.get(kind).expect("the kind has a CRD");
        if *namespaced {
            Api::namespaced_with(self.client.clone(), &self.namespace, resource)
        } else {
            Api::all_with(self.client.clone(), resource)
        }
    }

    async fn apply(&self, object: &Value, dry_run: bool) -> Result<(), Refusal> {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let params = PatchParams {
            dry_run,
            force: true,
            field_manager: Some("bad-yaml".to_owned()),
            field_validation: Some(ValidationDirective::Strict),
        };
        answer(self.api(object).patch(name, &params, &Patch::Apply(object)).await)
    }

    /// Makes an object, so that it can be changed.
    pub async fn make(&self, object: &Value) -> Result<(), Refusal> {
        self.apply(object, false).await
    }

    /// The API server's response if an object were applied.
    pub async fn ask_to_apply(&self, object: &Value) -> Result<(), Refusal> {
        self.apply(object, true).await
    }

    /// The API server's response if an object were created.
    pub async fn ask_to_create(&self, object: &Value) -> Result<(), Refusal> {
        let url = format!("{}?dryRun=All&fieldValidation=Strict", self.api(object).resource_url());
        let request = http::Request::post(url)
            .header(http::header::CONTENT_TYPE, "application/json")
            .body(object.to_string().into_bytes())
            .expect("the request can be made");
        answer(self.client.request::<Value>(request).await)
    }

    /// Takes away what the test made.
    pub async fn clean_up(&self, made: &BTreeMap<String, Value>) {
        for object in made.values() {
            let name = object["metadata"]["name"].as_str().unwrap_or_default();
            // An object that was never created is gone as well.
            let _ = self.api(object).delete(name, &DeleteParams::default()).await;
        }
        let namespaces: Api<Namespace> = Api::all(self.client.clone());
        let _ = namespaces.delete(&self.namespace, &DeleteParams::default()).await;
    }
}

fn answer<T>(result: Result<T, kube::Error>) -> Result<(), Refusal> {
    match result {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) => {
            let causes = status.details.iter().flat_map(|details| &details.causes);
            let causes = causes.map(|cause| (cause.field.clone(), cause.message.clone())).collect();
            Err(Refusal { message: status.message.clone(), causes })
        }
        Err(error) => panic!("the API server can't be asked: {error}"),
    }
}

async fn install(client: &Client, crd: &Value) {
    let api: Api<CustomResourceDefinition> = Api::all(client.clone());
    let crd: CustomResourceDefinition = serde_json::from_value(crd.clone()).expect("it is a CRD");
    let name = crd.name_any();
    if api.get_opt(&name).await.expect("CRDs can be read").is_none() {
        let params = PatchParams::apply("bad-yaml").force();
        api.patch(&name, &params, &Patch::Apply(crd)).await.expect("the API server takes the CRD");
    }
    let established = await_condition(api, &name, conditions::is_crd_established());
    tokio::time::timeout(Duration::from_secs(30), established)
        .await
        .expect("the CRD is served within half a minute")
        .expect("CRDs can be watched");
}
