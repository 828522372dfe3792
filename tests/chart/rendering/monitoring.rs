//! Metrics and who reads them.

use serde_json::json;

use super::*;

#[test]
fn metrics_are_protected_where_the_operator_has_rights_in_the_cluster_or_where_it_is_asked_for() {
    let protected = |values: &Value| {
        let reviews = helm::text(values).contains("- tokenreviews");
        assert_eq!(arguments(values).contains(&"--metrics-auth".to_owned()), reviews, "{values}");
        reviews
    };
    let auth = |enabled: Value| json!({"metrics": {"auth": {"enabled": enabled}}});
    assert!(protected(&json!({})) && protected(&auth(json!(true))) && !protected(&auth(json!(false))));
    assert!(!protected(&json!({"metrics": {"enabled": false, "auth": {"enabled": true}}})));
    let mut scoped = json!({"watchNamespaces": ["a"], "accounts": {"enabled": false}, "clusterId": "x"});
    assert!(!protected(&scoped));
    scoped["metrics"] = auth(json!(true))["metrics"].clone();
    assert!(protected(&scoped));
    assert!(!arguments(&json!({"rbac": {"create": false}})).contains(&"--metrics-auth".to_owned()));
}

#[test]
fn the_monitors_authenticate_by_themselves() {
    let mode = "alwaysRender";
    let both = json!({
        "serviceMonitor": {"enabled": true, "renderMode": mode},
        "podMonitor": {"enabled": true, "namespace": "mon", "renderMode": mode},
    });
    let objects = helm::objects(&json!({"metrics": both}));
    let endpoint = only(&objects, "ServiceMonitor")["spec"]["endpoints"][0].clone();
    assert_eq!(endpoint["scheme"], "https");
    assert_eq!(endpoint["tlsConfig"], json!({"insecureSkipVerify": true}));
    assert_eq!(endpoint["bearerTokenFile"], "/var/run/secrets/kubernetes.io/serviceaccount/token");
    let endpoint = only(&objects, "PodMonitor")["spec"]["podMetricsEndpoints"][0].clone();
    assert_eq!(endpoint["scheme"], "https");
    let secret = only(&objects, "Secret");
    assert_eq!(endpoint["authorization"]["credentials"]["name"], secret["metadata"]["name"]);
    assert_eq!(
        (&secret["type"], &secret["metadata"]["namespace"]),
        (&json!("kubernetes.io/service-account-token"), &json!("mon"))
    );
    let account = &secret["metadata"]["annotations"]["kubernetes.io/service-account.name"];
    let bindings = of(&objects, "ClusterRoleBinding");
    let reader = bindings.iter().find(|binding| binding["subjects"][0]["name"] == *account).unwrap();
    let roles = of(&objects, "ClusterRole");
    let role = roles.iter().find(|role| role["metadata"]["name"] == reader["roleRef"]["name"]).unwrap();
    assert_eq!(role["rules"], json!([{"nonResourceURLs": ["/metrics"], "verbs": ["get"]}]));

    let mut plain = both.clone();
    plain["auth"] = json!({"enabled": false});
    let objects = helm::objects(&json!({"metrics": plain}));
    let endpoint = only(&objects, "ServiceMonitor")["spec"]["endpoints"][0].clone();
    assert_eq!(endpoint, json!({"port": "metrics", "path": "/metrics", "honorLabels": true}));
    assert!(of(&objects, "Secret").is_empty());

    let mut other = both;
    other["serviceMonitor"]["endpoint"] = json!({"bearerTokenFile": null, "scheme": "http"});
    other["tls"] = json!({"secretName": "cert", "config": {"serverName": "x"}});
    let objects = helm::objects(&json!({"metrics": other}));
    let endpoint = only(&objects, "ServiceMonitor")["spec"]["endpoints"][0].clone();
    assert!(endpoint["bearerTokenFile"].is_null() && endpoint["scheme"] == "http");
    assert_eq!(endpoint["tlsConfig"]["serverName"], "x");
}

#[test]
fn a_certificate_for_metrics_is_mounted() {
    let values = json!({"metrics": {"auth": {"enabled": false}, "tls": {"secretName": "cert"}}});
    let spec = pod(&values)["spec"].clone();
    assert_eq!(spec["volumes"][0]["secret"]["secretName"], "cert");
    let folder = spec["containers"][0]["volumeMounts"][0]["mountPath"].as_str().unwrap().to_owned();
    let arguments = arguments(&values);
    assert!(arguments.contains(&format!("--metrics-certificate={folder}/tls.crt")));
    assert!(arguments.contains(&format!("--metrics-key={folder}/tls.key")));
}

#[test]
fn monitors_are_rendered_as_their_mode_says() {
    let kinds = [
        ("ServiceMonitor", "serviceMonitor"),
        ("PodMonitor", "podMonitor"),
        ("PrometheusRule", "prometheusRule"),
    ];
    for (kind, value) in kinds {
        let has = |mode: Option<&str>, arguments: &[&str]| {
            let mut monitor = json!({"enabled": true});
            if let Some(mode) = mode {
                monitor["renderMode"] = json!(mode);
            }
            !of(&helm::objects_with(&json!({"metrics": {value: monitor}}), arguments), kind).is_empty()
        };
        let group = ["--api-versions", "monitoring.coreos.com/v1"];
        let served = format!("v1/Pod,monitoring.coreos.com/v1/{kind}");
        let another = ["--api-versions", "v1/Pod,monitoring.coreos.com/v1,monitoring.coreos.com/v1/Probe"];
        for mode in [None, Some("skipIfMissing")] {
            assert!(!has(mode, &[]) && has(mode, &group) && !has(mode, &another), "{kind} {mode:?}");
            assert!(has(mode, &["--api-versions", &served]), "{kind} {mode:?}");
        }
        assert!(has(Some("alwaysRender"), &[]) && has(Some("failIfMissing"), &group), "{kind}");
        let refusal =
            helm::refusal(&json!({"metrics": {value: {"enabled": true, "renderMode": "failIfMissing"}}}));
        assert!(refusal.unwrap().contains(&format!("metrics.{value}: the cluster has no kind {kind}")));
    }
}
