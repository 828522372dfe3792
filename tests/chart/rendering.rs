//! What the chart renders, value by value.

use serde_json::{Value, json};

use super::helm::{self, NAMESPACE, RELEASE};

/// The objects of a kind.
pub fn of<'a>(objects: &'a [Value], kind: &str) -> Vec<&'a Value> {
    objects.iter().filter(|object| object["kind"] == kind).collect()
}

fn only(objects: &[Value], kind: &str) -> Value {
    let found = of(objects, kind);
    assert_eq!(found.len(), 1, "there should be one {kind}");
    found[0].clone()
}

fn pod(values: &Value) -> Value {
    only(&helm::objects(values), "Deployment")["spec"]["template"].clone()
}

fn container(values: &Value) -> Value {
    pod(values)["spec"]["containers"][0].clone()
}

fn arguments(values: &Value) -> Vec<String> {
    let container = container(values);
    let arguments = container["args"].as_array().expect("the container has arguments");
    arguments.iter().map(|argument| argument.as_str().unwrap_or_default().to_owned()).collect()
}

fn names(objects: &[&Value]) -> Vec<String> {
    objects
        .iter()
        .map(|object| {
            let metadata = &object["metadata"];
            let name = metadata["name"].as_str().unwrap_or_default();
            match metadata["namespace"].as_str() {
                Some(namespace) => format!("{namespace}/{name}"),
                None => name.to_owned(),
            }
        })
        .collect()
}

#[test]
fn lint_has_nothing_to_say_with_the_defaults_and_with_everything() {
    let chart = helm::chart().display().to_string();
    helm::run(&["lint", "--strict", &chart]);
    let [flag, set] = helm::set(&everything());
    helm::run(&["lint", "--strict", &chart, &flag, &set]);
}

#[test]
fn crds_stay_by_default_and_can_be_left_out() {
    let crds = helm::objects(&json!({}));
    let crds = of(&crds, "CustomResourceDefinition");
    assert_eq!(crds.len(), std::fs::read_dir(helm::project().join("crds")).unwrap().count());
    for crd in crds {
        let annotations = &crd["metadata"]["annotations"];
        assert_eq!(annotations["helm.sh/resource-policy"], "keep");
        assert_eq!(annotations["argocd.argoproj.io/sync-options"], "ServerSideApply=true,Prune=false");
    }
    let loose = helm::objects(&json!({"crds": {"keep": false, "annotations": {"a": "b"}}}));
    for crd in of(&loose, "CustomResourceDefinition") {
        assert!(crd["metadata"]["annotations"]["helm.sh/resource-policy"].is_null());
        assert_eq!(crd["metadata"]["annotations"]["a"], "b");
        assert_eq!(crd["metadata"]["annotations"]["argocd.argoproj.io/sync-options"], "ServerSideApply=true");
    }
    let options = "Prune=true, Replace=true";
    let merged = json!({"crds": {"annotations": {"argocd.argoproj.io/sync-options": options}}});
    for crd in of(&helm::objects(&merged), "CustomResourceDefinition") {
        let options = &crd["metadata"]["annotations"]["argocd.argoproj.io/sync-options"];
        assert_eq!(options, "Prune=true,Replace=true,ServerSideApply=true");
    }
    assert!(of(&helm::objects(&json!({"crds": {"enabled": false}})), "CustomResourceDefinition").is_empty());
}

#[test]
fn the_crds_in_the_chart_are_those_of_the_operator() {
    let rendered = helm::objects(&json!({}));
    for entry in std::fs::read_dir(helm::project().join("crds")).unwrap() {
        let path = entry.unwrap().path();
        let crd: Value = serde_saphyr::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let ours = rendered.iter().find(|object| object["metadata"]["name"] == crd["metadata"]["name"]);
        assert_eq!(ours.unwrap()["spec"], crd["spec"], "{}", path.display());
        let options = &crd["metadata"]["annotations"]["argocd.argoproj.io/sync-options"];
        assert_eq!(&ours.unwrap()["metadata"]["annotations"]["argocd.argoproj.io/sync-options"], options);
    }
}

#[test]
fn artifact_hub_is_told_of_every_kind() {
    let chart = std::fs::read_to_string(helm::chart().join("Chart.yaml")).unwrap();
    let chart: Value = serde_saphyr::from_str(&chart).unwrap();
    assert_eq!(chart["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(chart["appVersion"], env!("CARGO_PKG_VERSION"));
    let crds = chart["annotations"]["artifacthub.io/crds"].as_str().unwrap();
    let images = chart["annotations"]["artifacthub.io/images"].as_str().unwrap();
    for crd in of(&helm::objects(&json!({})), "CustomResourceDefinition") {
        let line = format!("name: {}\n", crd["metadata"]["name"].as_str().unwrap());
        assert!(crds.contains(&line), "{line}");
    }
    assert!(images.contains(container(&json!({}))["image"].as_str().unwrap()));
}

#[test]
fn a_leader_is_elected_unless_there_can_be_only_one_pod() {
    let alone = json!({"leaderElection": {"enabled": false}});
    let elects = |values: &Value| arguments(values).contains(&"--leader-election".to_owned());
    assert!(elects(&json!({})) && elects(&json!({"replicaCount": 2})) && !elects(&alone));
    let strategy = |values: &Value| only(&helm::objects(values), "Deployment")["spec"]["strategy"].clone();
    assert_eq!(strategy(&alone)["type"], "Recreate", "two pods must not work at the same time");
    assert!(strategy(&json!({})).is_null());
    let lease = |values: &Value| helm::text(values).contains("coordination.k8s.io");
    assert!(lease(&json!({})) && !lease(&alone));
}

#[test]
fn settings_become_arguments() {
    let values = json!({
        "aws": {"region": "eu-central-1", "requestsPerSecond": 5},
        "clusterId": "prod",
        "log": {"format": "text", "level": "debug"},
        "reconcile": {
            "dryRun": true,
            "refreshPeriod": "30s",
            "defaultResyncPeriod": "1h",
            "resourceResyncPeriods": {"Association": "5m", "Trigger": "2h"},
            "defaultMaxConcurrentSyncs": 3,
            "resourceMaxConcurrentSyncs": {"Asset": 16},
        },
        "watchNamespaces": ["a", "b"],
        "accounts": {"enabled": false},
        "probes": {"port": 9000},
        "metrics": {"port": 9001, "byObject": true},
        "terminationGracePeriodSeconds": 60,
        "extraArgs": ["--log-level={{ .Release.Name }}"],
    });
    let expected = [
        "run",
        "--log-format=text",
        "--log-level=debug",
        "--dry-run",
        "--refresh-period=30s",
        "--resync-period=1h",
        "--resync-period-for=Association=5m,Trigger=2h",
        "--concurrency=3",
        "--concurrency-for=Asset=16",
        "--requests-per-second=5",
        "--region=eu-central-1",
        "--cluster-id=prod",
        "--watch-namespace=a,b",
        "--without-accounts",
        "--leader-election",
        "--admin-address=[::]:9000",
        "--metrics-address=[::]:9001",
        "--metrics-by-object",
        "--shutdown-timeout=55s",
        &format!("--log-level={RELEASE}"),
    ];
    assert_eq!(arguments(&values), expected);
    let strict = json!({"accounts": {"required": true}, "aws": {"allowHttpEndpoints": true}});
    let strict = arguments(&strict);
    for flag in ["--require-account", "--allow-http-endpoints"] {
        assert!(strict.iter().any(|argument| argument == flag), "{flag}: {strict:?}");
        assert!(!arguments(&values).iter().any(|argument| argument == flag), "{flag}");
    }
}

#[test]
fn the_image_is_named_by_digest_if_there_is_one_else_by_tag() {
    let image = |values: Value| container(&values)["image"].as_str().unwrap().to_owned();
    assert!(image(json!({})).ends_with(&format!(":{}", env!("CARGO_PKG_VERSION"))));
    assert_eq!(image(json!({"image": {"repository": "r/x", "tag": "t"}})), "r/x:t");
    let digest = format!("sha256:{}", "0".repeat(64));
    assert_eq!(
        image(json!({"image": {"repository": "r/x", "tag": "t", "digest": digest}})),
        format!("r/x@{digest}")
    );
}

#[test]
fn a_service_account_can_be_named_annotated_or_left_out() {
    let values =
        json!({"serviceAccount": {"name": "mine", "annotations": {"eks.amazonaws.com/role-arn": "arn"}}});
    let objects = helm::objects(&values);
    let account = objects
        .iter()
        .find(|object| object["kind"] == "ServiceAccount" && object["metadata"]["name"] == "mine");
    assert_eq!(account.unwrap()["metadata"]["annotations"]["eks.amazonaws.com/role-arn"], "arn");
    assert_eq!(pod(&values)["spec"]["serviceAccountName"], "mine");
    let bindings = objects.iter().filter(|object| {
        object["kind"].as_str().is_some_and(|kind| kind.ends_with("RoleBinding"))
            && object["metadata"]["annotations"]["helm.sh/hook"].is_null()
    });
    for binding in bindings {
        assert_eq!(binding["subjects"][0]["name"], "mine");
    }
    let none = json!({"serviceAccount": {"create": false, "name": "theirs"}});
    assert_eq!(pod(&none)["spec"]["serviceAccountName"], "theirs");
    let hooks_only = helm::objects(&none);
    assert!(
        of(&hooks_only, "ServiceAccount")
            .iter()
            .all(|one| !one["metadata"]["annotations"]["helm.sh/hook"].is_null())
    );
}

#[test]
fn with_namespaces_there_are_roles_in_them_and_no_more_of_the_cluster_than_is_asked_for() {
    let scoped = json!({"watchNamespaces": ["a", "b"], "rbac": {
        "aggregateToView": false, "aggregateToEdit": false, "aggregateToAdmin": false}});
    let objects = helm::objects(&scoped);
    let cluster_roles = of(&objects, "ClusterRole");
    assert_eq!(names(&cluster_roles), ["devops-agent-operator-cluster-scoped"]);
    let text = cluster_roles[0].to_string();
    assert!(text.contains("awsaccounts") && text.contains("kube-system") && !text.contains("secrets"));

    let mut nothing = scoped;
    nothing["accounts"] = json!({"enabled": false});
    nothing["clusterId"] = json!("prod");
    let objects = helm::objects(&nothing);
    assert!(of(&objects, "ClusterRole").is_empty() && of(&objects, "ClusterRoleBinding").is_empty());
    let roles = names(&of(&objects, "Role"));
    assert_eq!(
        roles,
        [
            "a/devops-agent-operator",
            "b/devops-agent-operator",
            "devops-agent-operator/devops-agent-operator-own",
            "a/devops-agent-operator-check"
        ]
    );
}

#[test]
fn without_rbac_there_is_none() {
    let objects = helm::objects(&json!({"rbac": {"create": false}}));
    for kind in ["ClusterRole", "ClusterRoleBinding"] {
        assert!(of(&objects, kind).is_empty(), "{kind}");
    }
    assert!(
        of(&objects, "Role").iter().all(|role| !role["metadata"]["annotations"]["helm.sh/hook"].is_null())
    );
}

#[test]
fn objects_that_are_not_asked_for_are_not_there_and_those_that_are_are() {
    let optional = [
        ("PodDisruptionBudget", json!({"podDisruptionBudget": {"enabled": true}})),
        ("ServiceMonitor", json!({"metrics": {"serviceMonitor": {"enabled": true}}})),
        ("PodMonitor", json!({"metrics": {"podMonitor": {"enabled": true}}})),
        ("PrometheusRule", json!({"metrics": {"prometheusRule": {"enabled": true}}})),
        ("ConfigMap", json!({"metrics": {"dashboard": {"enabled": true}}})),
        ("AWSAccount", json!({"defaultAccount": {"create": true, "spec": {"region": "eu-west-1"}}})),
    ];
    let plain = helm::objects(&json!({}));
    for (kind, values) in optional {
        assert!(of(&plain, kind).is_empty(), "{kind} by default");
        let object =
            only(&helm::objects_with(&values, &["--api-versions", "monitoring.coreos.com/v1"]), kind);
        if kind != "AWSAccount" {
            assert_eq!(object["metadata"]["namespace"], NAMESPACE, "{kind}");
        }
    }
    assert_eq!(of(&plain, "Service").len(), 1);
    assert!(of(&helm::objects(&json!({"metrics": {"service": {"enabled": false}}})), "Service").is_empty());
}

#[test]
fn only_metrics_and_probes_are_reached_and_everything_reaches_out_unless_it_is_restricted() {
    let policy = only(&helm::objects(&json!({})), "NetworkPolicy");
    assert_eq!(policy["spec"]["policyTypes"], json!(["Ingress"]));
    assert!(policy["spec"]["egress"].is_null());
    let ports = |values: &Value| {
        let policy = only(&helm::objects(values), "NetworkPolicy");
        let rules = policy["spec"]["ingress"].as_array().unwrap().clone();
        rules.iter().map(|rule| rule["ports"][0]["port"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ports(&json!({})), ["probes", "metrics"]);
    assert_eq!(ports(&json!({"metrics": {"enabled": false}})), ["probes"]);
    let both =
        only(&helm::objects(&json!({"networkPolicy": {"egress": {"enabled": true}}})), "NetworkPolicy");
    assert_eq!(both["spec"]["policyTypes"], json!(["Ingress", "Egress"]));
    assert_eq!(both["spec"]["egress"][1]["ports"][1]["port"], 6443);
    assert!(of(&helm::objects(&json!({"networkPolicy": {"enabled": false}})), "NetworkPolicy").is_empty());
}

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
fn the_admission_policy_is_there_where_the_api_serves_it_and_has_the_releases_name() {
    let has = |values: &Value, arguments: &[&str]| {
        let objects = helm::objects_with(values, arguments);
        let policies = of(&objects, "ValidatingAdmissionPolicy");
        assert_eq!(policies.len(), of(&objects, "ValidatingAdmissionPolicyBinding").len());
        !policies.is_empty()
    };
    let set = |enabled: Value| json!({"admissionPolicy": {"enabled": enabled}});
    assert!(
        has(&json!({}), &["--kube-version", "1.30.0"]) && !has(&json!({}), &["--kube-version", "1.29.9"])
    );
    let served = "v1/Pod,admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy";
    assert!(has(&json!({}), &["--kube-version", "1.29.0", "--api-versions", served]));
    assert!(!has(&json!({}), &["--kube-version", "1.33.0", "--api-versions", "v1/Pod"]));
    assert!(has(&set(json!(true)), &["--kube-version", "1.29.0"]) && !has(&set(json!(false)), &[]));
    let mut nothing = json!({
        "watchNamespaces": ["a"], "accounts": {"enabled": false}, "clusterId": "x", "crds": {"enabled": false},
        "rbac": {"aggregateToView": false, "aggregateToEdit": false, "aggregateToAdmin": false},
    });
    assert!(!has(&nothing, &[]), "who may install nothing in the cluster can install this release");
    nothing["crds"] = json!({"enabled": true});
    assert!(has(&nothing, &[]));
    let objects = helm::objects(&json!({"fullnameOverride": "second", "serviceAccount": {"name": "mine"}}));
    let policies = of(&objects, "ValidatingAdmissionPolicy");
    let names: Vec<&str> = policies.iter().filter_map(|policy| policy["metadata"]["name"].as_str()).collect();
    assert_eq!(names, ["secrets", "approvals"].map(|of| format!("{NAMESPACE}-second-{of}")));
    let without = json!({"admissionPolicy": {"approvals": false}, "fullnameOverride": "second", "serviceAccount": {"name": "mine"}});
    let objects = helm::objects(&without);
    let policy = only(&objects, "ValidatingAdmissionPolicy");
    let user = policy["spec"]["matchConditions"][0]["expression"].as_str().unwrap();
    assert!(user.ends_with(&format!("'system:serviceaccount:{NAMESPACE}:mine'")), "{user}");
}

#[test]
fn every_object_carries_the_common_labels_and_annotations() {
    let mut values = everything();
    values["commonLabels"] = json!({"team": "sre"});
    values["commonAnnotations"] = json!({"owner": "platform"});
    for object in helm::objects(&values) {
        // What the user wrote whole is the user's.
        if object["metadata"]["name"] == "extra" {
            continue;
        }
        assert_eq!(object["metadata"]["labels"]["team"], "sre", "{}", object["metadata"]);
        assert_eq!(object["metadata"]["annotations"]["owner"], "platform", "{}", object["metadata"]);
    }
    let pod = pod(&values);
    assert_eq!(pod["metadata"]["labels"]["team"], "sre");
    assert_eq!(pod["metadata"]["annotations"]["owner"], "platform");
}

#[test]
fn labels_of_the_pod_can_not_hide_it_from_its_selector() {
    let values = json!({"podLabels": {"app.kubernetes.io/name": "mine", "a": "b"}});
    let deployment = only(&helm::objects(&values), "Deployment");
    let labels = &deployment["spec"]["template"]["metadata"]["labels"];
    for (key, value) in deployment["spec"]["selector"]["matchLabels"].as_object().unwrap() {
        assert_eq!(&labels[key], value);
    }
    assert_eq!(labels["a"], "b");
}

#[test]
fn what_goes_into_the_pod_arrives_there() {
    let values = everything();
    let spec = pod(&values)["spec"].clone();
    for field in [
        "affinity",
        "dnsConfig",
        "hostAliases",
        "imagePullSecrets",
        "initContainers",
        "nodeSelector",
        "priorityClassName",
        "runtimeClassName",
        "schedulerName",
        "tolerations",
        "volumes",
    ] {
        assert!(!spec[field].is_null(), "{field}");
    }
    assert_eq!(spec["hostNetwork"], true);
    assert_eq!(spec["dnsPolicy"], "ClusterFirstWithHostNet");
    let constraint = &spec["topologySpreadConstraints"][0];
    assert_eq!(constraint["labelSelector"]["matchLabels"]["app.kubernetes.io/instance"], RELEASE);
    let container = &spec["containers"][0];
    for field in ["envFrom", "lifecycle", "volumeMounts", "startupProbe", "livenessProbe", "readinessProbe"] {
        assert!(!container[field].is_null(), "{field}");
    }
    assert_eq!(container["env"][1]["name"], "AWS_ENDPOINT_URL");
    let more = container["env"].as_array().unwrap().iter().find(|variable| variable["name"] == "RELEASE");
    assert_eq!(more.unwrap()["value"], RELEASE, "extraEnv goes through tpl");
    assert_eq!(spec["containers"][1]["name"], "sidecar");
}

#[test]
fn a_label_of_ones_own_goes_before_the_charts_and_no_key_is_there_twice() {
    let mut values = everything();
    values["commonLabels"] = json!({"app.kubernetes.io/part-of": "{{ .Release.Name }}-platform", "app.kubernetes.io/name": "hidden"});
    values["commonAnnotations"] =
        json!({"helm.sh/resource-policy": "delete", "kubectl.kubernetes.io/x": "y"});
    // The YAML parser used here rejects duplicate keys.
    for object in helm::objects(&values) {
        if object["metadata"]["name"] == "extra" {
            continue;
        }
        let labels = &object["metadata"]["labels"];
        assert_eq!(
            labels["app.kubernetes.io/part-of"],
            format!("{RELEASE}-platform"),
            "{}",
            object["metadata"]
        );
        assert_ne!(labels["app.kubernetes.io/name"], "hidden", "{}", object["metadata"]);
    }
    let twice: Result<Value, _> = serde_saphyr::from_str("a: 1\na: 2\n");
    assert!(twice.is_err());
}

#[test]
fn numbers_are_names_too() {
    let chart = helm::chart().display().to_string();
    let values =
        json!({"watchNamespaces": ["789"], "serviceAccount": {"name": "12"}, "fullnameOverride": "0123"});
    let [flag, set] = helm::set(&values);
    for more in [&[][..], &[&*flag, &*set][..]] {
        let text = helm::run(&[&["template", "123", &chart, "-n", "456"], more].concat());
        let objects: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
        for object in objects.iter().filter(|object| !object.is_null()) {
            let metadata = &object["metadata"];
            assert!(metadata["name"].is_string(), "{metadata}");
            assert!(metadata["namespace"].is_null() || metadata["namespace"].is_string(), "{metadata}");
            for (name, value) in metadata["labels"].as_object().unwrap() {
                assert!(value.is_string(), "{name}: {value}");
            }
            for subject in object["subjects"].as_array().into_iter().flatten() {
                assert!(subject["name"].is_string() && subject["namespace"].is_string(), "{subject}");
            }
        }
        let service = only(&objects, "Service");
        assert!(
            service["metadata"]["name"].as_str().unwrap().starts_with("metrics-"),
            "a digit can't be first"
        );
    }
}

#[test]
fn the_pod_of_helm_test_gets_a_token_and_is_scheduled_as_the_operator_is() {
    let values = everything();
    let test = only(&helm::objects(&values), "Pod")["spec"].clone();
    assert_eq!(test["automountServiceAccountToken"], true);
    let operator = pod(&values)["spec"].clone();
    for field in
        ["affinity", "imagePullSecrets", "nodeSelector", "priorityClassName", "schedulerName", "tolerations"]
    {
        assert_eq!(test[field], operator[field], "{field}");
    }
}

#[test]
fn on_openshift_the_namespace_gives_the_numbers() {
    let contexts = |values: &Value, arguments: &[&str]| {
        let objects = helm::objects_with(values, arguments);
        let pods = [
            only(&objects, "Deployment")["spec"]["template"]["spec"].clone(),
            only(&objects, "Pod")["spec"].clone(),
        ];
        pods.map(|pod| pod["securityContext"].clone())
    };
    let numbers = ["runAsUser", "runAsGroup", "fsGroup"];
    for context in contexts(&json!({}), &[]) {
        assert!(numbers.iter().all(|number| context[*number] == 65532), "{context}");
    }
    let set = |enabled: Value| json!({"openshift": {"enabled": enabled}});
    for version in ["security.openshift.io/v1", "security.openshift.io/v1/SecurityContextConstraints"] {
        for context in contexts(&json!({}), &["--api-versions", version]) {
            assert!(numbers.iter().all(|number| context[*number].is_null()), "{context}");
            assert_eq!(context["runAsNonRoot"], true);
        }
        assert_eq!(contexts(&set(json!(false)), &["--api-versions", version])[0]["fsGroup"], 65532);
    }
    assert!(contexts(&set(json!(true)), &[])[0]["fsGroup"].is_null());
    let own = json!({"podSecurityContext": {"runAsUser": 1_000_650_000}});
    let context = &contexts(&own, &["--api-versions", "security.openshift.io/v1"])[0];
    assert_eq!(context["runAsUser"], 1_000_650_000, "what the user wants stays");
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

#[test]
fn accounts_come_with_the_release() {
    let values = json!({
        "defaultAccount": {"create": true, "spec": {"region": "eu-west-1"}},
        "accounts": {"create": [
            {"name": "staging", "spec": {"region": "us-west-2"}, "labels": {"a": "b"}, "annotations": {"c": "{{ .Release.Name }}"}},
            {"name": "12"},
        ]},
    });
    let objects = helm::objects(&values);
    let accounts = of(&objects, "AWSAccount");
    assert_eq!(names(&accounts).len(), 3);
    for account in &accounts {
        assert_eq!(account["metadata"]["annotations"]["helm.sh/resource-policy"], "keep");
        assert!(account["spec"].is_object() && account["metadata"]["name"].is_string());
    }
    let staging = accounts.iter().find(|account| account["metadata"]["name"] == "staging").unwrap();
    assert_eq!(staging["spec"]["region"], "us-west-2");
    assert_eq!(staging["metadata"]["labels"]["a"], "b");
    assert_eq!(staging["metadata"]["annotations"]["c"], RELEASE);
}

#[test]
fn a_proxy_and_authorities_reach_the_operator_and_a_restricted_network_lets_them() {
    let values = json!({
        "proxy": {"https": "http://proxy.example.com:3128", "http": "http://proxy.example.com", "exceptions": [".example.com"]},
        "caBundle": {"configMapName": "trust", "key": "bundle.pem"},
        "networkPolicy": {"egress": {"enabled": true, "ports": []}},
    });
    let container = container(&values);
    let variable = |name: &str| {
        let found = container["env"].as_array().unwrap().iter().find(|variable| variable["name"] == name);
        found.map(|variable| variable["value"].as_str().unwrap().to_owned())
    };
    assert_eq!(variable("HTTPS_PROXY").unwrap(), "http://proxy.example.com:3128");
    assert_eq!(variable("HTTP_PROXY").unwrap(), "http://proxy.example.com");
    let exceptions = variable("NO_PROXY").unwrap();
    for exception in [".example.com", "169.254.170.23", "169.254.169.254", "fd00:ec2::23"] {
        assert!(exceptions.split(',').any(|one| one == exception), "{exceptions}");
    }
    let folder = container["volumeMounts"][0]["mountPath"].as_str().unwrap();
    assert_eq!(variable("SSL_CERT_FILE").unwrap(), format!("{folder}/bundle.pem"));
    assert_eq!(variable("SSL_CERT_DIR").unwrap(), "/etc/ssl/certs");
    assert_eq!(pod(&values)["spec"]["volumes"][0]["configMap"]["name"], "trust");
    let only_own = json!({"caBundle": {"secretName": "trust", "additional": false}});
    assert_eq!(pod(&only_own)["spec"]["volumes"][0]["secret"]["secretName"], "trust");
    assert!(!helm::text(&only_own).contains("SSL_CERT_DIR") && !helm::text(&json!({})).contains("NO_PROXY"));
    let policy = only(&helm::objects(&values), "NetworkPolicy");
    let rules = policy["spec"]["egress"].as_array().unwrap();
    let open = rules.iter().find(|rule| rule["to"].is_null() && rule["ports"][0]["port"] != 53).unwrap();
    assert_eq!(open["ports"], json!([{"port": 3128, "protocol": "TCP"}, {"port": 80, "protocol": "TCP"}]));
}

#[test]
fn no_ports_are_none_and_not_all() {
    let policy = only(
        &helm::objects(&json!({"networkPolicy": {"egress": {"enabled": true, "ports": []}}})),
        "NetworkPolicy",
    );
    for rule in policy["spec"]["egress"].as_array().unwrap() {
        assert!(rule["ports"].as_array().is_some_and(|ports| !ports.is_empty()), "{rule}");
    }
}

#[test]
fn a_grace_period_of_null_is_that_of_kubernetes() {
    let values = json!({"terminationGracePeriodSeconds": null});
    assert!(pod(&values)["spec"]["terminationGracePeriodSeconds"].is_null());
    assert!(!arguments(&values).iter().any(|argument| argument.starts_with("--shutdown-timeout")));
}

#[test]
fn further_members_go_before_those_of_the_pod() {
    let values = json!({"podSpecExtra": {"hostPID": false, "nodeSelector": {"a": "{{ .Release.Name }}"}, "enableServiceLinks": true}});
    let spec = pod(&values)["spec"].clone();
    assert_eq!(spec["hostPID"], false);
    assert_eq!(spec["enableServiceLinks"], true);
    assert_eq!(spec["nodeSelector"], json!({"a": RELEASE, "kubernetes.io/os": "linux"}));
    assert_eq!(spec["containers"][0]["name"], "operator");
}

#[test]
fn as_a_part_of_another_chart_it_takes_what_is_global() {
    let folder =
        std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("parent-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("charts")).unwrap();
    let dependency = json!({
        "name": RELEASE, "version": env!("CARGO_PKG_VERSION"), "alias": "devopsagent", "condition": "devopsagent.enabled",
        "repository": format!("file://{}", helm::chart().display()),
    });
    let parent =
        json!({"apiVersion": "v2", "name": "parent", "version": "1.0.0", "dependencies": [dependency]});
    std::fs::write(folder.join("Chart.yaml"), parent.to_string()).unwrap();
    let path = folder.display().to_string();
    helm::run(&["dependency", "build", "--skip-refresh", &path]);
    let render = |enabled: bool| {
        let [flag, set] = helm::set(&json!({
            "devopsagent": {"enabled": enabled, "imagePullSecrets": [{"name": "own"}]},
            "global": {"imageRegistry": "registry.example.com/mirror", "imagePullSecrets": ["theirs", {"name": "own"}], "other": 1},
        }));
        let text = helm::run(&["template", "shop", &path, &flag, &set]);
        let objects: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
        objects.into_iter().filter(|object| !object.is_null()).collect::<Vec<_>>()
    };
    assert!(render(false).is_empty());
    let objects = render(true);
    for pod in [&only(&objects, "Deployment")["spec"]["template"]["spec"], &only(&objects, "Pod")["spec"]] {
        let image = pod["containers"][0]["image"].as_str().unwrap();
        assert!(image.starts_with("registry.example.com/mirror/devops-agent-operator/"), "{image}");
        assert_eq!(pod["imagePullSecrets"], json!([{"name": "own"}, {"name": "theirs"}]));
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn the_notes_say_what_to_do_next() {
    let notes = std::fs::read_to_string(helm::chart().join("templates/NOTES.txt")).unwrap();
    for word in ["helm test", "create-pod-identity-association", "kubectl wait", "Uninstalling"] {
        assert!(notes.contains(word), "{word}");
    }
}

/// Every feature at once.
pub fn everything() -> Value {
    serde_saphyr::from_str(include_str!("everything.yaml")).expect("the values are YAML")
}
