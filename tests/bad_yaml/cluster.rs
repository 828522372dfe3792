//! The API server that KUBECONFIG names, with the CRDs and a namespace of the test's own.

use std::collections::BTreeMap;

use devops_agent_test_support::{cluster, crds};
use k8s_openapi::api::core::v1::Namespace;
use kube::Client;
use kube::api::{
    Api, ApiResource, DeleteParams, DynamicObject, GroupVersionKind, Patch, PatchParams, ValidationDirective,
};
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
    /// Connects, installs the CRDs, and makes a namespace.
    pub async fn prepare(definitions: &[Value]) -> Self {
        let client = cluster::client().await;
        crds::install(&client, definitions).await;
        let mut kinds = BTreeMap::new();
        for crd in definitions {
            let names = &crd["spec"]["names"];
            let kind = names["kind"].as_str().unwrap_or_default();
            let plural = names["plural"].as_str().unwrap_or_default();
            let kind_of = GroupVersionKind::gvk("devopsagent.dev", "v1alpha1", kind);
            let resource = ApiResource::from_gvk_with_plural(&kind_of, plural);
            kinds.insert(kind.to_owned(), (resource, crd["spec"]["scope"] == "Namespaced"));
        }
        let namespace = format!("bad-yaml-{}", std::process::id());
        cluster::make_namespace(&client, &namespace, &json!({})).await;
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
