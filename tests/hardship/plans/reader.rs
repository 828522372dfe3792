//! Who makes plans: a service account that may only read, and only in the namespaces of the test, as the
//! world's operator does.

use std::path::PathBuf;

use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use kube::api::{Patch, PatchParams};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use serde_json::{Value, json};

use crate::fixtures::json_of;
use crate::harness::World;

/// Its kubeconfig, and what it may not find out.
pub struct Reader {
    pub kubeconfig: PathBuf,
    pub cluster: String,
}

impl Reader {
    /// Gives it its rights.
    pub async fn of(world: &World) -> Self {
        for namespace in world.namespaces() {
            allow(world, &namespace).await;
        }
        let system = Api::<Namespace>::all(world.client.clone()).get("kube-system").await;
        let cluster = system.expect("namespaces can be read").metadata.uid.expect("they have a UID");
        let known = std::env::var("KUBECONFIG").expect("KUBECONFIG names a cluster");
        let mut config: Value = json_of(&std::fs::read_to_string(known).expect("it can be read"));
        config["users"][0]["user"]["as"] = json!(format!("system:serviceaccount:{}:reader", world.namespace));
        let kubeconfig = world.file("reader.kubeconfig");
        std::fs::write(&kubeconfig, config.to_string()).expect("a file can be written");
        Self { kubeconfig, cluster }
    }
}

/// Allows it to read in a namespace.
async fn allow(world: &World, namespace: &str) {
    let reads = ["get", "list", "watch"];
    let role = json!({"kind": "Role", "metadata": {"name": "reader"}, "rules": [
        {"apiGroups": ["devopsagent.dev"], "resources": ["*"], "verbs": reads},
        {"apiGroups": [""], "resources": ["secrets", "configmaps"], "verbs": reads},
    ]});
    let user = json!({"kind": "ServiceAccount", "name": "reader", "namespace": world.namespace});
    let binding = json!({"kind": "RoleBinding", "metadata": {"name": "reader"}, "subjects": [user],
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"}});
    for mut object in [role, binding] {
        object["apiVersion"] = json!("rbac.authorization.k8s.io/v1");
        let kind = GroupVersionKind::gvk(
            "rbac.authorization.k8s.io",
            "v1",
            object["kind"].as_str().expect("it has a kind"),
        );
        let api = Api::<DynamicObject>::namespaced_with(
            world.client.clone(),
            namespace,
            &ApiResource::from_gvk(&kind),
        );
        let params = PatchParams::apply("tests");
        api.patch("reader", &params, &Patch::Apply(&object)).await.expect("rights can be given");
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.kubeconfig);
    }
}
