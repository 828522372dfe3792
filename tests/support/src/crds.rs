//! Installs CRDs.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::runtime::conditions::is_crd_established;
use kube::runtime::wait::await_condition;
use kube::{Api, Client};
use serde_json::Value;

use crate::cluster;
use crate::object::text;
use crate::wait::limit;

/// Applies every CRD and waits until all are served.
pub async fn install(client: &Client, crds: &[Value]) {
    let api = Api::<CustomResourceDefinition>::all(client.clone());
    for crd in crds {
        cluster::apply(&api, crd).await;
    }
    for crd in crds {
        let established = await_condition(api.clone(), text(crd, "/metadata/name"), is_crd_established());
        tokio::time::timeout(limit(), established)
            .await
            .expect("a CRD is soon served")
            .expect("its watch works");
    }
}
