//! Values that are rejected: a misspelt one must not be silently ignored.

use serde_json::{Map, Value, json};

use super::helm;

/// Free-form: what Kubernetes, or another chart, defines.
const FREE: &[&str] = &[
    "global",
    "affinity",
    "defaultAccount.spec",
    "dnsConfig",
    "lifecycle",
    "podSpecExtra",
    "metrics.podMonitor.endpoint",
    "metrics.serviceMonitor.endpoint",
    "metrics.tls.config",
    "podSecurityContext",
    "resources.limits",
    "resources.requests",
    "securityContext",
    "updateStrategy",
];

#[test]
fn the_schema_refuses_a_misspelt_value_at_every_level() {
    let text = std::fs::read_to_string(helm::chart().join("values.schema.json")).unwrap();
    let schema: Value = serde_json::from_str(&text).unwrap();
    let mut loose = Vec::new();
    walk(&schema, "", &mut loose);
    loose.sort();
    let mut expected = FREE.to_vec();
    expected.sort_unstable();
    assert_eq!(loose, expected);
}

/// Collects the objects that take members of any name and any type.
fn walk(schema: &Value, path: &str, loose: &mut Vec<String>) {
    let types = schema["type"].to_string();
    let takes_any = schema["additionalProperties"].is_null() || schema["additionalProperties"] == true;
    if types.contains("object") && takes_any && !path.is_empty() {
        loose.push(path.to_owned());
    }
    for (name, member) in schema["properties"].as_object().unwrap_or(&Map::new()) {
        walk(member, &if path.is_empty() { name.clone() } else { format!("{path}.{name}") }, loose);
    }
}

#[test]
fn helm_says_which_value_is_wrong() {
    let rows = [
        (json!({"replicas": 2}), "replicas"),
        (json!({"global": {}, "nmaeOverride": "x"}), "nmaeOverride"),
        (json!({"crds": {"install": true}}), "install"),
        (json!({"metrics": {"serviceMonitor": {"enable": true}}}), "enable"),
        (json!({"metrics": {"service": {"portt": 1}}}), "portt"),
        (json!({"reconcile": {"resourceResyncPeriods": {"Associations": "1h"}}}), "Associations"),
        (json!({"reconcile": {"defaultResyncPeriod": "ten minutes"}}), "defaultResyncPeriod"),
        (json!({"reconcile": {"refreshPeriod": "often"}}), "refreshPeriod"),
        (json!({"log": {"format": "xml"}}), "format"),
        (json!({"image": {"digest": "latest"}}), "digest"),
        (json!({"watchNamespaces": "a,b"}), "watchNamespaces"),
        (json!({"watchNamespaces": ["A B"]}), "watchNamespaces"),
        (json!({"leaderElection": {"enabled": "yes"}}), "leaderElection"),
        (json!({"podDisruptionBudget": {"enabled": true, "minAvailable": "half"}}), "minAvailable"),
        (json!({"networkPolicy": {"egress": {"ports": ["https"]}}}), "ports"),
        (json!({"resources": {"request": {}}}), "request"),
        (json!({"metrics": {"auth": {"enabled": "maybe"}}}), "metrics/auth/enabled"),
        (json!({"metrics": {"auth": {"readers": [{"kind": "Pod", "name": "x"}]}}}), "readers"),
        (json!({"admissionPolicy": {"enabled": "yes"}}), "admissionPolicy/enabled"),
        (json!({"metrics": {"serviceMonitor": {"renderMode": "never"}}}), "renderMode"),
        (json!({"accounts": {"create": [{"spec": {}}]}}), "accounts/create"),
        (json!({"proxy": {"https": "proxy:3128"}}), "proxy/https"),
        (json!({"openshift": {"enabled": "yes"}}), "openshift/enabled"),
        (json!({"leaderElection": {"leaseName": "A B"}}), "leaseName"),
        (json!({"global": {"imagePullSecrets": [1]}}), "imagePullSecrets"),
        (json!({"shards": 0}), "shards"),
        (json!({"shards": 65}), "shards"),
    ];
    for (values, word) in rows {
        let refusal = helm::refusal(&values).unwrap_or_else(|| panic!("{values} is accepted"));
        assert!(refusal.contains(word), "{values}: {refusal}");
    }
}

#[test]
fn values_that_contradict_each_other_are_refused() {
    for values in [
        json!({"replicaCount": 2, "leaderElection": {"enabled": false}}),
        json!({"shards": 2, "leaderElection": {"enabled": false}}),
        json!({"defaultAccount": {"create": true}, "accounts": {"enabled": false}}),
        json!({"accounts": {"enabled": false, "required": true}}),
        json!({"accounts": {"enabled": false, "create": [{"name": "a"}]}}),
        json!({"accounts": {"create": [{"name": "a"}, {"name": "a"}]}}),
        json!({"accounts": {"create": [{"name": "default"}]}, "defaultAccount": {"create": true}}),
        json!({"caBundle": {"configMapName": "a", "secretName": "b"}}),
        json!({"podDisruptionBudget": {"enabled": true, "minAvailable": 1, "maxUnavailable": 1}}),
        json!({"metrics": {"enabled": false, "podMonitor": {"enabled": true, "renderMode": "alwaysRender"}}}),
        json!({"metrics": {
            "service": {"enabled": false}, "serviceMonitor": {"enabled": true, "renderMode": "alwaysRender"}}}),
    ] {
        assert!(helm::refusal(&values).is_some(), "{values} is accepted");
    }
}

#[test]
fn a_default_set_to_null_is_gone() {
    // OpenShift gives the user's number itself.
    let objects = helm::objects(&json!({"podSecurityContext": {"runAsUser": null, "fsGroup": null}}));
    let deployment = objects.iter().find(|object| object["kind"] == "Deployment").unwrap();
    let context = &deployment["spec"]["template"]["spec"]["securityContext"];
    assert!(context["runAsUser"].is_null() && context["runAsNonRoot"] == true);
}
