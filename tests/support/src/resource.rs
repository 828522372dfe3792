//! The kinds that tests apply.

use kube::core::{ApiResource, DynamicObject};
use kube::{Api, Client};

/// Group and version of the operator's kinds.
const OURS: &str = "devopsagent.dev/v1alpha1";

/// What a kind needs to be reached.
pub struct Resource {
    /// Its name.
    pub kind: &'static str,
    /// Group and version.
    pub api_version: &'static str,
    /// Its name in addresses.
    pub plural: &'static str,
    /// Whether its objects are in namespaces.
    pub namespaced: bool,
    /// Whether its spec names an `AWSAccount`.
    pub has_account: bool,
}

const fn ours(kind: &'static str, plural: &'static str, namespaced: bool, has_account: bool) -> Resource {
    Resource { kind, api_version: OURS, plural, namespaced, has_account }
}

const fn core(kind: &'static str, plural: &'static str, namespaced: bool) -> Resource {
    Resource { kind, api_version: "v1", plural, namespaced, has_account: false }
}

/// Every kind that tests apply.
pub const RESOURCES: &[Resource] = &[
    ours("AWSAccount", "awsaccounts", false, false),
    ours("AgentSpace", "agentspaces", true, true),
    ours("ServiceRegistration", "serviceregistrations", true, true),
    ours("PrivateConnection", "privateconnections", true, true),
    ours("Association", "associations", true, false),
    ours("Asset", "assets", true, false),
    ours("Trigger", "triggers", true, false),
    core("Secret", "secrets", true),
    core("ConfigMap", "configmaps", true),
    core("ResourceQuota", "resourcequotas", true),
    core("Namespace", "namespaces", false),
];

/// The operator's kinds that have a namespace.
pub fn namespaced_kinds() -> impl Iterator<Item = &'static Resource> {
    RESOURCES.iter().filter(|resource| resource.api_version == OURS && resource.namespaced)
}

/// What the kind of this name needs.
pub fn resource(kind: &str) -> &'static Resource {
    let found = RESOURCES.iter().find(|resource| resource.kind == kind);
    found.unwrap_or_else(|| panic!("tests don't know the kind {kind}"))
}

impl Resource {
    /// The API of the kind, in a namespace where it has one.
    pub fn api(&self, client: &Client, namespace: Option<&str>) -> Api<DynamicObject> {
        let (group, version) = self.api_version.rsplit_once('/').unwrap_or(("", self.api_version));
        let kind = ApiResource {
            group: group.to_owned(),
            version: version.to_owned(),
            api_version: self.api_version.to_owned(),
            kind: self.kind.to_owned(),
            plural: self.plural.to_owned(),
        };
        match namespace {
            Some(namespace) if self.namespaced => Api::namespaced_with(client.clone(), namespace, &kind),
            _ => Api::all_with(client.clone(), &kind),
        }
    }
}
