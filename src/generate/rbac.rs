//! What the operator may do in Kubernetes, as one table: the chart's roles are generated from it.
//!
//! `cargo xtask test` runs the operator with only these rules, and fails on a call that they don't allow and on a verb
//! that was never used.

use std::fmt::Write;

use crate::kinds;
use crate::operator::FINGERPRINT_SECRET;

/// The names of the leases depend on values of the chart.
const LEASES: &str = "{{ include \"devops-agent-operator.leaseNames\" . }}";

/// Rules under one name: `define "devops-agent-operator.rules.NAME"` in the chart.
struct Granted {
    name: &'static str,
    /// Why they are needed, and where they are granted.
    why: &'static str,
    rules: Vec<Rule>,
}

struct Rule {
    group: &'static str,
    resources: Vec<String>,
    /// Paths of the API server instead of a group's resources.
    urls: &'static [&'static str],
    /// Names of the objects; all of them if none are named.
    names: &'static [&'static str],
    verbs: &'static [&'static str],
}

impl Rule {
    fn core(resource: &str, verbs: &'static [&'static str]) -> Self {
        Self { group: "", resources: vec![resource.to_owned()], urls: &[], names: &[], verbs }
    }

    fn ours(resources: Vec<String>, verbs: &'static [&'static str]) -> Self {
        Self { group: "devopsagent.dev", resources, urls: &[], names: &[], verbs }
    }

    fn url(urls: &'static [&'static str], verbs: &'static [&'static str]) -> Self {
        Self { group: "", resources: Vec::new(), urls, names: &[], verbs }
    }

    fn of(self, group: &'static str) -> Self {
        Self { group, ..self }
    }

    /// Writes it as an item of a role's rules.
    fn write(&self, text: &mut String) {
        let Self { group, resources, urls, names, verbs } = self;
        if urls.is_empty() {
            let group = if group.is_empty() { "\"\"" } else { group };
            let _ = write!(text, "\n- apiGroups: [{group}]\n  resources:");
            for resource in resources {
                let _ = write!(text, "\n    - {resource}");
            }
        } else {
            let _ = write!(text, "\n- nonResourceURLs: [{}]", urls.join(", "));
        }
        if !names.is_empty() {
            let _ = write!(text, "\n  resourceNames: [{}]", names.join(", "));
        }
        let _ = write!(text, "\n  verbs: [{}]", verbs.join(", "));
    }

    fn accesses(&self) -> Vec<Access> {
        let names: Vec<Option<String>> = match self.names {
            [] => vec![None],
            names => names.iter().map(|name| Some((*name).to_owned())).collect(),
        };
        let mut found = Vec::new();
        for resource in &self.resources {
            for verb in self.verbs {
                found.extend(names.iter().map(|name| Access {
                    group: self.group,
                    resource: resource.clone(),
                    name: name.clone(),
                    verb,
                }));
            }
        }
        found
    }

    fn only(self, names: &'static [&'static str]) -> Self {
        Self { names, ..self }
    }
}

const READ: &[&str] = &["get", "list", "watch"];
const WRITE: &[&str] = &["create", "update", "patch", "delete", "deletecollection"];
/// Server-side apply of an object that doesn't exist yet is a patch that needs the permission to create.
const APPLY: &[&str] = &["create", "patch"];

fn table() -> Vec<Granted> {
    let plurals = plurals(Some("Namespaced"));
    let accounts = plurals_of_cluster();
    // The admission policy for approvals asks for this verb.
    let approved = plurals.clone();
    let statuses =
        |plurals: &[String]| plurals.iter().map(|plural| format!("{plural}/status")).collect::<Vec<_>>();
    vec![
        Granted {
            name: "objects",
            why: "Objects, and what they refer to. Secrets and ConfigMaps are watched by their metadata, and only those \
                  that an object refers to are read; Kubernetes has no permission for metadata alone.",
            rules: vec![
                Rule::ours(plurals.clone(), &["list", "watch", "patch"]),
                Rule::ours(statuses(&plurals), &["patch"]),
                Rule::core("secrets", &["get", "list", "watch", "create", "patch", "delete"]),
                Rule::core("configmaps", READ),
                Rule::core("events", APPLY).of("events.k8s.io"),
            ],
        },
        Granted {
            name: "namespaces",
            why: "The labels of all namespaces: allowedNamespaces may select by them.",
            rules: vec![Rule::core("namespaces", &["list", "watch"])],
        },
        Granted {
            name: "labels",
            why: "The labels of one namespace: a Role in it can grant access to the namespace itself.",
            rules: vec![Rule::core("namespaces", &["get"])],
        },
        Granted {
            name: "accounts",
            why: "AWSAccounts, which are cluster-scoped.",
            rules: vec![
                Rule::ours(accounts.clone(), &["list", "watch", "patch"]),
                Rule::ours(statuses(&accounts), &["patch"]),
            ],
        },
        Granted {
            name: "accountEvents",
            why: "The Events of AWSAccounts, in the namespace default.",
            rules: vec![Rule::core("events", APPLY).of("events.k8s.io")],
        },
        Granted {
            name: "clusterId",
            why: "The UID of kube-system is the cluster's id, unless one is given.",
            rules: vec![Rule::core("namespaces", &["get"]).only(&["kube-system"])],
        },
        Granted {
            name: "own",
            why: "The key of fingerprints, in the operator's namespace. `create` can't be restricted by name.",
            rules: vec![
                Rule::core("secrets", &["get"]).only(&[FINGERPRINT_SECRET]),
                Rule::core("secrets", &["create"]),
            ],
        },
        Granted {
            name: "lease",
            why: "The leases of the leaders, in the operator's namespace.",
            rules: vec![
                Rule::core("leases", &["get", "update"]).of("coordination.k8s.io").only(&[LEASES]),
                // Whoever shares the namespaces with other shards has to know whether they do so in the same way.
                Rule::core("leases", &["create", "list"]).of("coordination.k8s.io"),
            ],
        },
        Granted {
            name: "metricsAuth",
            why: "Checking who a token belongs to and whether they may read metrics.",
            rules: vec![
                Rule::core("tokenreviews", &["create"]).of("authentication.k8s.io"),
                Rule::core("subjectaccessreviews", &["create"]).of("authorization.k8s.io"),
            ],
        },
        Granted {
            name: "metricsReader",
            why: "For clients that read metrics, such as Prometheus.",
            rules: vec![Rule::url(&["/metrics"], &["get"])],
        },
        Granted {
            name: "check",
            why: "What `devops-agent-operator check` does.",
            rules: vec![Rule::ours(vec!["associations".to_owned()], &["create", "get", "delete"])],
        },
        Granted {
            name: "view",
            why: "For people who may view.",
            rules: vec![Rule::ours(everything(), READ)],
        },
        Granted {
            name: "edit",
            why: "For people who may edit what is in a namespace.",
            rules: vec![Rule::ours(plurals, WRITE)],
        },
        Granted {
            name: "admin",
            why: "For people who may do everything in the whole cluster.",
            rules: vec![Rule::ours(accounts, WRITE), Rule::ours(approved, &["approve"])],
        },
    ]
}

/// The table as templates of the chart.
pub fn templates() -> String {
    let mut text =
        String::from("{{- /* Made by `cargo xtask generate` from src/generate/rbac.rs; don't edit. */}}\n");
    for Granted { name, why, rules } in table() {
        let _ = writeln!(text, "\n{{{{- /* {why} */}}}}");
        let _ = write!(text, "{{{{- define \"devops-agent-operator.rules.{name}\" -}}}}");
        for rule in rules {
            rule.write(&mut text);
        }
        text.push_str("\n{{- end }}\n");
    }
    text
}

/// Something that a rule allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// The API group.
    pub group: &'static str,
    /// The resource, maybe with a subresource behind a slash.
    pub resource: String,
    /// Name of the one object; that of a lease depends on the installation.
    pub name: Option<String>,
    /// The verb.
    pub verb: &'static str,
}

/// Everything that the rules of one name allow.
pub fn accesses(name: &str) -> Vec<Access> {
    let granted = table().into_iter().filter(|granted| granted.name == name);
    granted.flat_map(|granted| granted.rules).flat_map(|rule| rule.accesses()).collect()
}

fn everything() -> Vec<String> {
    plurals(None)
}

fn plurals_of_cluster() -> Vec<String> {
    plurals(Some("Cluster"))
}

/// The plurals of the kinds with this scope.
fn plurals(scope: Option<&str>) -> Vec<String> {
    let crds = kinds::crds().unwrap_or_default().into_iter();
    crds.filter(|crd| scope.is_none_or(|scope| crd["spec"]["scope"] == scope))
        .filter_map(|crd| crd["spec"]["names"]["plural"].as_str().map(str::to_owned))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_in_the_rules() {
        assert_eq!(plurals(Some("Namespaced")).len() + plurals(Some("Cluster")).len(), kinds::names().len());
        let text = templates();
        for plural in plurals(None) {
            assert!(text.contains(&format!("\n    - {plural}\n")), "{plural}");
            assert!(text.contains(&format!("\n    - {plural}/status")), "{plural}");
        }
    }

    #[test]
    fn no_rule_says_everything() {
        for Granted { rules, .. } in table() {
            for rule in rules {
                assert!(!rule.verbs.contains(&"*") && !rule.resources.iter().any(|name| name.contains('*')));
            }
        }
    }
}
