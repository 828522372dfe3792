//! What the operator's service account may do against what it did: the API server notes every call.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;

use serde_json::Value;

use super::report::Outcome;
use crate::cluster::Cluster;
use crate::error::{Doing, Error};
use crate::progress::say;

/// A call, as far as rules are about it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Call {
    verb: String,
    group: String,
    /// With its subresource: `assets/status`.
    resource: String,
    namespace: String,
    name: String,
    allowed: bool,
}

/// A verb that a role gives on a resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Grant {
    role: String,
    /// Where; empty for everywhere.
    namespace: String,
    verb: String,
    group: String,
    resource: String,
    names: Vec<String>,
}

/// Fails on a call that was refused, and on a permission that no call used. `namespace` is the operator's.
pub fn check(cluster: &Cluster, namespace: &str) -> Result<Outcome, Error> {
    let path = cluster.audit_log();
    let log = fs::read_to_string(&path).doing(|| format!("reading {}", path.display()))?;
    let user = format!("system:serviceaccount:{namespace}:");
    let calls: BTreeSet<Call> = log.lines().flat_map(|line| calls(line, &user)).collect();
    let kubectl = cluster.kubectl();
    let roles = kubectl.json(&["get", "clusterroles,roles", "--all-namespaces"])?;
    let bindings = kubectl.json(&["get", "clusterrolebindings,rolebindings", "--all-namespaces"])?;
    let grants = grants(items(&roles), items(&bindings), namespace);
    let complaints = complaints(&calls, &grants);
    if calls.is_empty() || grants.is_empty() {
        return Err(Error::Other(format!(
            "no call and no rule of a service account in {namespace} is known"
        )));
    }
    if !complaints.is_empty() {
        return Err(Error::Other(format!(
            "the rules of the chart (src/generate/rbac.rs) are not what the operator needs:\n  {}",
            complaints.join("\n  ")
        )));
    }
    say(&format!("{} permissions, all of them used; no call refused.", grants.len()));
    Ok(Outcome::Passed)
}

fn items(list: &Value) -> &[Value] {
    list["items"].as_array().map_or(&[], Vec::as_slice)
}

fn word(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The calls in a line of the audit log: an apply that made its object used the right to create, too.
fn calls(line: &str, user: &str) -> Vec<Call> {
    let Ok(entry) = serde_json::from_str::<Value>(line) else { return Vec::new() };
    let target = &entry["objectRef"];
    let decision = &entry["annotations"]["authorization.k8s.io/decision"];
    // A call that was cut off has no decision.
    if !word(&entry["user"]["username"]).starts_with(user) || target.is_null() || decision.is_null() {
        return Vec::new();
    }
    let resource = match target["subresource"].as_str() {
        Some(subresource) => format!("{}/{subresource}", word(&target["resource"])),
        None => word(&target["resource"]),
    };
    let call = Call {
        verb: word(&entry["verb"]),
        group: word(&target["apiGroup"]),
        resource,
        namespace: word(&target["namespace"]),
        name: word(&target["name"]),
        allowed: decision == "allow",
    };
    let made = call.verb == "patch" && entry["responseStatus"]["code"] == 201;
    let create = Call { verb: "create".to_owned(), ..call.clone() };
    std::iter::once(call).chain(made.then_some(create)).collect()
}

/// What the service accounts of a namespace may do.
fn grants(roles: &[Value], bindings: &[Value], namespace: &str) -> BTreeSet<Grant> {
    let mut grants = BTreeSet::new();
    for binding in bindings {
        let ours = binding["subjects"].as_array().is_some_and(|subjects| {
            subjects.iter().any(|one| one["kind"] == "ServiceAccount" && one["namespace"] == namespace)
        });
        let of_this = |role: &&Value| {
            let place = &binding["metadata"]["namespace"];
            role["kind"] == binding["roleRef"]["kind"]
                && role["metadata"]["name"] == binding["roleRef"]["name"]
                && (role["kind"] == "ClusterRole" || role["metadata"]["namespace"] == *place)
        };
        for role in roles.iter().filter(of_this).filter(|_| ours) {
            for rule in role["rules"].as_array().into_iter().flatten() {
                grants.extend(of_rule(role, &word(&binding["metadata"]["namespace"]), rule));
            }
        }
    }
    grants
}

fn of_rule(giver: &Value, namespace: &str, rule: &Value) -> Vec<Grant> {
    let words = |name: &str| rule[name].as_array().into_iter().flatten().map(word).collect::<Vec<_>>();
    let (names, giver) = (words("resourceNames"), word(&giver["metadata"]["name"]));
    let mut grants = Vec::new();
    for group in words("apiGroups") {
        for resource in words("resources") {
            grants.extend(words("verbs").into_iter().map(|verb| Grant {
                role: giver.clone(),
                namespace: namespace.to_owned(),
                verb,
                group: group.clone(),
                resource: resource.clone(),
                names: names.clone(),
            }));
        }
    }
    grants
}

/// What was refused, and what was never used. The same role in several namespaces counts as one.
fn complaints(calls: &BTreeSet<Call>, grants: &BTreeSet<Grant>) -> Vec<String> {
    let refused = calls.iter().filter(|call| !call.allowed).map(|call| format!("refused: {call}"));
    let used: BTreeSet<String> = grants
        .iter()
        .filter(|grant| calls.iter().any(|call| call.allowed && covers(grant, call)))
        .map(ToString::to_string)
        .collect();
    let all: BTreeSet<String> = grants.iter().map(ToString::to_string).collect();
    let unused = all.difference(&used).map(|grant| format!("never used: {grant}"));
    refused.chain(unused).collect::<BTreeSet<_>>().into_iter().collect()
}

fn covers(grant: &Grant, call: &Call) -> bool {
    grant.verb == call.verb
        && grant.group == call.group
        && grant.resource == call.resource
        && (grant.namespace.is_empty() || grant.namespace == call.namespace)
        && (grant.names.is_empty() || grant.names.contains(&call.name))
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({})", self.verb, self.resource, self.group)?;
        if self.namespace.is_empty() {
            write!(f, " in the cluster")
        } else {
            write!(f, " in {}", self.namespace)
        }
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} ({}) {} by {}",
            self.verb,
            self.resource,
            self.group,
            self.names.join(" "),
            self.role
        )
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const USER: &str = "system:serviceaccount:ops:";

    fn line(verb: &str, resource: &str, decision: &str, code: u16) -> String {
        json!({
            "user": {"username": format!("{USER}operator")},
            "verb": verb,
            "objectRef": {"resource": resource, "namespace": "a", "name": "x"},
            "responseStatus": {"code": code},
            "annotations": {"authorization.k8s.io/decision": decision},
        })
        .to_string()
    }

    fn granted(verbs: &[&str]) -> BTreeSet<Grant> {
        let role = |namespace: &str| {
            json!({"kind": "Role", "metadata": {"name": "r", "namespace": namespace},
                   "rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": verbs}]})
        };
        let binding = |namespace: &str| {
            json!({"kind": "RoleBinding", "metadata": {"namespace": namespace},
                   "roleRef": {"kind": "Role", "name": "r"},
                   "subjects": [{"kind": "ServiceAccount", "namespace": "ops", "name": "operator"}]})
        };
        grants(&[role("a"), role("b")], &[binding("a"), binding("b")], "ops")
    }

    fn seen(lines: &[String]) -> BTreeSet<Call> {
        lines.iter().flat_map(|line| calls(line, USER)).collect()
    }

    #[test]
    fn a_permission_is_used_when_it_is_used_in_one_namespace() {
        assert_eq!(granted(&["get"]).len(), 2);
        assert!(complaints(&seen(&[line("get", "secrets", "allow", 404)]), &granted(&["get"])).is_empty());
    }

    #[test]
    fn what_is_refused_and_what_is_never_used_is_told() {
        let calls = seen(&[line("list", "secrets", "forbid", 403)]);
        let expected = ["never used: get secrets ()  by r", "refused: list secrets () in a"];
        assert_eq!(complaints(&calls, &granted(&["get"])), expected);
    }

    #[test]
    fn an_apply_that_makes_its_object_uses_the_right_to_create() {
        let calls = seen(&[line("patch", "secrets", "allow", 201)]);
        assert!(complaints(&calls, &granted(&["create", "patch"])).is_empty());
        let calls = seen(&[line("patch", "secrets", "allow", 200)]);
        assert_eq!(complaints(&calls, &granted(&["create", "patch"])).len(), 1);
    }

    #[test]
    fn calls_of_others_do_not_count() {
        assert!(calls(&line("get", "secrets", "allow", 200), "system:serviceaccount:other:").is_empty());
    }
}
