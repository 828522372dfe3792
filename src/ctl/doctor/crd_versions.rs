//! Whether the CRDs in a cluster are those of this program.

use std::collections::BTreeSet;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Api;
use serde_json::Value;

use crate::ctl::Error;
use crate::ctl::cluster::{Cluster, failed};
use crate::kinds;
use crate::text;

use super::checkup::Check;

const NAME: &str = "CRDs";
/// How they are installed.
const INSTALL: &str =
    "upgrade the chart's release, or: devops-agent-operator crds | kubectl apply --server-side -f -";
/// So many fields are named.
const NAMED: usize = 3;

/// How the CRDs in a cluster differ from those of this program.
#[derive(Debug, Default, PartialEq, Eq)]
struct Difference {
    missing: BTreeSet<String>,
    /// What only this program knows.
    ours: BTreeSet<String>,
    /// What only the cluster has.
    theirs: BTreeSet<String>,
    /// What both have, and isn't the same.
    changed: BTreeSet<String>,
    /// Versions in which objects are stored, and which this program doesn't have.
    stored: BTreeSet<String>,
}

/// Compares them.
pub async fn check(cluster: &Cluster) -> Result<Check, Error> {
    let api: Api<CustomResourceDefinition> = Api::all(cluster.client.clone());
    let mut installed = Vec::new();
    let wanted = kinds::crds().map_err(Error::Schema)?;
    for crd in &wanted {
        let name = crd["metadata"]["name"].as_str().unwrap_or_default();
        let found = match api.get_opt(name).await.map_err(failed(&format!("reading the CRD {name}"))) {
            Ok(found) => found,
            Err(error) => return Ok(Check::unreadable(NAME, &error)),
        };
        installed.extend(found.map(|found| serde_json::to_value(found).map_err(Error::Schema)).transpose()?);
    }
    Ok(verdict(wanted.len(), &Difference::of(&wanted, &installed)))
}

fn verdict(count: usize, found: &Difference) -> Check {
    let named = |names: &BTreeSet<String>| text::some_of(names.iter().map(String::as_str), NAMED);
    if !found.missing.is_empty() {
        let message =
            format!("not installed: {}", text::some_of(found.missing.iter().map(String::as_str), count));
        return Check::failed(NAME, message, INSTALL);
    }
    if !found.stored.is_empty() {
        let message = format!(
            "objects are stored in versions that this program doesn't know: {}",
            named(&found.stored)
        );
        return Check::failed(NAME, message, "use the version of the program that fits the cluster");
    }
    if !found.theirs.is_empty() && found.ours.is_empty() {
        let message = format!("newer than this program, which doesn't know {}", named(&found.theirs));
        return Check::unknown(NAME, message, "use the plugin of the operator's version");
    }
    if !found.ours.is_empty() {
        let message = format!("older than this program: {} is missing", named(&found.ours));
        return Check::failed(NAME, message, INSTALL);
    }
    if !found.changed.is_empty() {
        let message = format!("of another version than this program: {} differs", named(&found.changed));
        return Check::failed(NAME, message, INSTALL);
    }
    Check::ok(NAME, format!("all {count} are installed, as this program knows them"))
}

impl Difference {
    fn of(wanted: &[Value], installed: &[Value]) -> Self {
        let mut found = Self::default();
        for crd in wanted {
            let name = crd["metadata"]["name"].as_str().unwrap_or_default();
            let Some(theirs) = installed.iter().find(|theirs| theirs["metadata"]["name"] == name) else {
                found.missing.insert(name.to_owned());
                continue;
            };
            let kind = crd["spec"]["names"]["kind"].as_str().unwrap_or_default();
            let (ours, theirs_by) = (versions(crd), versions(theirs));
            for (version, schema) in &ours {
                match theirs_by.iter().find(|(name, _)| name == version) {
                    Some((_, other)) => found.walk(kind, schema, other),
                    None => drop(found.ours.insert(format!("{kind} {version}"))),
                }
            }
            let known = |version: &str| ours.iter().any(|(name, _)| *name == version);
            let others = theirs_by.iter().filter(|(version, _)| !known(version));
            found.theirs.extend(others.map(|(version, _)| format!("{kind} {version}")));
            let stored = theirs["status"]["storedVersions"].as_array().into_iter().flatten();
            let stored = stored.filter_map(Value::as_str).filter(|version| !known(version));
            found.stored.extend(stored.map(|version| format!("{kind} {version}")));
        }
        found
    }

    /// Compares two schemas. Recursion ends with the schema, whose depth is our own.
    fn walk(&mut self, path: &str, ours: &Value, theirs: &Value) {
        let (Value::Object(own), Value::Object(other)) = (ours, theirs) else {
            if !is_same(ours, theirs) {
                self.changed.insert(path.to_owned());
            }
            return;
        };
        for (key, value) in own {
            let at = below(path, key);
            match other.get(key) {
                Some(other) => self.walk(&at, value, other),
                None => drop(self.ours.insert(at)),
            }
        }
        let only_theirs = other.keys().filter(|key| !own.contains_key(*key));
        self.theirs.extend(only_theirs.map(|key| below(path, key)));
    }
}

/// Numbers lose their form on the way through the API server.
fn is_same(one: &Value, other: &Value) -> bool {
    match (one.as_f64(), other.as_f64(), one.as_array(), other.as_array()) {
        (Some(one), Some(other), ..) => one.to_bits() == other.to_bits(),
        (.., Some(one), Some(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_same(one, other))
        }
        _ => one == other,
    }
}

/// The path of a field, without what is only the schema's form.
fn below(path: &str, key: &str) -> String {
    match key {
        "properties" => path.to_owned(),
        "items" => format!("{path}[]"),
        key => format!("{path}.{key}"),
    }
}

fn versions(crd: &Value) -> Vec<(&str, &Value)> {
    let versions = crd["spec"]["versions"].as_array().into_iter().flatten();
    versions
        .filter_map(|version| Some((version["name"].as_str()?, version.pointer("/schema/openAPIV3Schema")?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ctl::doctor::checkup::Verdict;

    fn judged(change: impl FnOnce(&mut Vec<Value>)) -> Check {
        let wanted = kinds::crds().unwrap();
        let mut installed = wanted.clone();
        change(&mut installed);
        verdict(wanted.len(), &Difference::of(&wanted, &installed))
    }

    fn fields(crds: &mut [Value]) -> &mut serde_json::Map<String, Value> {
        crds[0].pointer_mut(SPEC).unwrap().as_object_mut().unwrap()
    }

    const SPEC: &str = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties";

    #[test]
    fn the_same_are_ok_and_one_that_is_missing_is_not() {
        assert_eq!(judged(|_| {}).verdict, Verdict::Ok);
        let missing = judged(|crds| drop(crds.remove(0)));
        assert_eq!(missing.verdict, Verdict::Failed);
        assert!(missing.message.contains("agentspaces.devopsagent.dev"), "{missing:?}");
        assert!(missing.what_to_do.contains("devops-agent-operator crds"), "{missing:?}");
    }

    #[test]
    fn older_ones_fail_newer_ones_cannot_be_judged_and_fields_are_named() {
        let older = judged(|crds| drop(fields(crds).remove("description")));
        assert_eq!(older.verdict, Verdict::Failed);
        assert!(
            older.message.contains("older") && older.message.contains("AgentSpace.spec.description"),
            "{older:?}"
        );
        let newer = judged(|crds| drop(fields(crds).insert("later".to_owned(), json!({"type": "string"}))));
        assert_eq!(newer.verdict, Verdict::Unknown);
        assert!(
            newer.message.contains("newer") && newer.message.contains("AgentSpace.spec.later"),
            "{newer:?}"
        );
        let other = judged(|crds| fields(crds)["description"]["maxLength"] = json!(1));
        assert_eq!(other.verdict, Verdict::Failed);
        assert!(other.message.contains("AgentSpace.spec.description.maxLength differs"), "{other:?}");
    }

    #[test]
    fn a_stored_version_that_nobody_knows_fails() {
        let stored = judged(|crds| crds[0]["status"] = json!({"storedVersions": ["v1alpha1", "v1beta9"]}));
        assert_eq!(stored.verdict, Verdict::Failed);
        assert!(stored.message.contains("AgentSpace v1beta9"), "{stored:?}");
    }
}
