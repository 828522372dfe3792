//! The pod of the operator.

use super::*;

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
