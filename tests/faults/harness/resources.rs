//! The kinds that the harness looks at.

use kube::core::{ApiResource, DynamicObject};
use kube::{Api, Client};

/// Group and version of the operator's kinds.
const OURS: &str = "devopsagent.dev/v1alpha1";

/// A kind that the harness looks at.
#[derive(Clone, Copy, Debug)]
pub struct Resource {
    pub kind: &'static str,
    pub plural: &'static str,
    pub api_version: &'static str,
    pub namespaced: bool,
}

/// Every kind that scenarios apply or the operator watches; the operator's in the order in which they depend on each
/// other.
pub const RESOURCES: &[Resource] = &[
    ours("AgentSpace", "agentspaces"),
    ours("PrivateConnection", "privateconnections"),
    ours("ServiceRegistration", "serviceregistrations"),
    ours("Association", "associations"),
    ours("Asset", "assets"),
    ours("Trigger", "triggers"),
    Resource { kind: "AWSAccount", plural: "awsaccounts", api_version: OURS, namespaced: false },
    Resource { kind: "Secret", plural: "secrets", api_version: "v1", namespaced: true },
    Resource { kind: "ConfigMap", plural: "configmaps", api_version: "v1", namespaced: true },
    Resource { kind: "Namespace", plural: "namespaces", api_version: "v1", namespaced: false },
];

const fn ours(kind: &'static str, plural: &'static str) -> Resource {
    Resource { kind, plural, api_version: OURS, namespaced: true }
}

/// The resource of a kind, or of its plural.
pub fn resource(kind: &str) -> Resource {
    let found = RESOURCES.iter().find(|resource| resource.kind == kind || resource.plural == kind);
    *found.unwrap_or_else(|| panic!("the harness does not know the kind {kind}"))
}

impl Resource {
    /// Whether it is one of the operator's.
    pub fn is_ours(self) -> bool {
        self.api_version == OURS
    }

    /// As kube wants it described.
    pub fn described(self) -> ApiResource {
        let (group, version) = self.api_version.rsplit_once('/').unwrap_or(("", self.api_version));
        ApiResource {
            group: group.to_owned(),
            version: version.to_owned(),
            api_version: self.api_version.to_owned(),
            kind: self.kind.to_owned(),
            plural: self.plural.to_owned(),
        }
    }

    pub fn api(self, client: &Client, namespace: &str) -> Api<DynamicObject> {
        if self.namespaced {
            Api::namespaced_with(client.clone(), namespace, &self.described())
        } else {
            Api::all_with(client.clone(), &self.described())
        }
    }

    /// Whether it lies in no namespace, and still each run has its own, by the name of its namespace.
    pub fn is_account(self) -> bool {
        self.kind == "AWSAccount"
    }

    /// The place where an object is seen.
    pub fn place(self, namespace: Option<String>, name: &str) -> String {
        if self.is_account() { name.to_owned() } else { namespace.unwrap_or_default() }
    }
}
