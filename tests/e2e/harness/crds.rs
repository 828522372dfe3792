//! Installs the CRDs that the operator prints, and removes what an earlier run has left in the cluster.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use kube::runtime::conditions::is_crd_established;
use kube::runtime::wait::await_condition;
use kube::{Api, Client, ResourceExt};
use serde_json::Value;

use super::object::dynamic;
use super::test::LABEL;
use super::yaml::resource;
use super::{LIMIT, operator};

/// Applies every CRD and waits until all are served.
pub async fn install(client: &Client) {
    let api = Api::<CustomResourceDefinition>::all(client.clone());
    let params = PatchParams::apply("e2e").force().validation_strict();
    let crds = operator::crds();
    for crd in &crds {
        api.patch(name(crd), &params, &Patch::Apply(crd)).await.expect("a CRD is accepted");
    }
    for crd in &crds {
        let established = await_condition(api.clone(), name(crd), is_crd_established());
        tokio::time::timeout(LIMIT, established)
            .await
            .expect("a CRD is soon served")
            .expect("its watch works");
    }
}

fn name(crd: &Value) -> &str {
    crd["metadata"]["name"].as_str().unwrap_or_default()
}

/// Requests the deletion of what earlier runs left; the operator of this run completes it.
pub async fn clear(client: &Client) {
    for kind in ["Namespace", "AWSAccount"] {
        let api = dynamic(client, resource(kind), None);
        let left = api.list(&ListParams::default().labels(LABEL)).await.expect("a list is given");
        for object in left {
            let _ = api.delete(&object.name_any(), &DeleteParams::background()).await;
        }
    }
}
