//! What the chart renders, value by value.

mod monitoring;
mod pods;

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
