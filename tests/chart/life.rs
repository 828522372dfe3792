//! The life of a release: installed, used, tested, upgraded, uninstalled, and installed again.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use devops_agent_test_support::fixtures::{CHANNEL, EVENTS};
use devops_agent_test_support::resource::resource;
use devops_agent_test_support::{Handle, text, yaml};
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::api::rbac::v1::ClusterRole;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::ListParams;
use kube::{Api, Client};
use serde_json::{Value, json};

use super::cluster::{self, Cluster, block_on, wait_until};
use super::helm::{self, NAMESPACE, RELEASE};
use super::kubelet;

/// The label of the Secrets that the operator writes.
const OWN_LABEL: &str = "app.kubernetes.io/managed-by=devops-agent-operator";

fn object(cluster: &Cluster, namespace: &str, kind: &str, name: &str) -> Handle {
    Handle::new(&cluster.client, resource(kind), namespace, name)
}

fn space(cluster: &Cluster, namespace: &str, name: &str) -> Handle {
    object(cluster, namespace, "AgentSpace", name)
}

/// Applies an object in a namespace, as its users do.
async fn apply(cluster: &Cluster, namespace: &str, yaml: &str) -> Handle {
    let applied = yaml::objects(yaml, namespace, None).remove(0);
    let handle = object(cluster, namespace, text(&applied, "/kind"), text(&applied, "/metadata/name"));
    handle.applied_by("shop", &applied).await;
    handle
}

pub async fn make_namespace(cluster: &Cluster, name: &str, labels: Value) {
    devops_agent_test_support::cluster::make_namespace(&cluster.client, name, &labels).await;
}

async fn make_space(cluster: &Cluster, namespace: &str, name: &str) -> Handle {
    let yaml = format!("{{kind: AgentSpace, metadata: {{name: {name}}}, spec: {{name: {name}}}}}");
    apply(cluster, namespace, &yaml).await
}

fn is_going(object: &Value) -> bool {
    object["metadata"]["deletionTimestamp"].is_string()
}

fn has_finalizers(object: &Value) -> bool {
    object["metadata"]["finalizers"].as_array().is_some_and(|all| !all.is_empty())
}

/// How many agent spaces there are in the simulated AWS.
fn remotes(cluster: &Cluster) -> usize {
    let state = cluster.aws.state(false);
    let accounts = state["accounts"].as_object().into_iter().flat_map(|accounts| accounts.values());
    let regions =
        accounts.flat_map(|account| account.as_object().into_iter().flat_map(|regions| regions.values()));
    regions.map(|region| region["agentSpaces"].as_object().map_or(0, serde_json::Map::len)).sum()
}

/// What a user would set to make the operator use the simulator.
pub fn values(cluster: &Cluster) -> Value {
    let variable = |name: &str, value: &str| json!({"name": name, "value": value});
    json!({
        "aws": {"region": "us-east-1", "endpoint_url": cluster.aws.url()},
        "extraEnv": [
            variable("AWS_ACCESS_KEY_ID", "simulator"),
            variable("AWS_SECRET_ACCESS_KEY", "simulator"),
            variable("AWS_EC2_METADATA_DISABLED", "true"),
            variable("NO_PROXY", "127.0.0.1"),
        ],
    })
}

pub fn helm(command: &str, chart: &Path, values: &Value) -> String {
    let [flag, set] = helm::set(values);
    let chart = chart.display().to_string();
    helm::run(&[command, RELEASE, &chart, "-n", NAMESPACE, "--wait", "--timeout", "90s", &flag, &set])
}

pub fn uninstall() {
    helm::run(&["uninstall", RELEASE, "-n", NAMESPACE, "--wait", "--timeout", "60s"]);
}

/// The chart as an earlier version with a different CRD.
fn earlier_chart() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("earlier-chart");
    let _ = fs::remove_dir_all(&folder);
    copy(&helm::chart(), &folder);
    let edit = |file: &str, from: &str, to: &str| {
        let path = folder.join(file);
        let text = fs::read_to_string(&path).expect("the file is there");
        assert!(text.contains(from), "{file} has {from}");
        fs::write(path, text.replacen(from, to, 1)).expect("the file can be written");
    };
    edit("Chart.yaml", &format!("\nversion: {}", env!("CARGO_PKG_VERSION")), "\nversion: 0.0.9");
    edit("templates/crds/triggers.yaml", "      name: Schedule\n", "      name: When\n");
    folder
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder can be made");
    for entry in fs::read_dir(from).expect("the folder is there") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("it has a name"));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).expect("the file can be copied");
        }
    }
}

/// The names of a CRD's columns.
async fn columns(cluster: &Cluster) -> String {
    let crds = Api::<CustomResourceDefinition>::all(cluster.client.clone());
    let crd = crds.get("triggers.devopsagent.dev").await.expect("the CRD is there");
    serde_json::to_string(&crd.spec.versions[0].additional_printer_columns).expect("columns are JSON")
}

#[test]
fn a_release_is_installed_tested_upgraded_and_uninstalled_and_aws_keeps_everything() {
    let cluster = cluster::alone();
    block_on(make_namespace(
        &cluster,
        NAMESPACE,
        json!({"pod-security.kubernetes.io/enforce": "restricted"}),
    ));
    block_on(make_namespace(&cluster, "shop", json!({})));
    let mut values = values(&cluster);
    values["defaultAccount"] = json!({"create": true, "spec": {"region": "us-east-1"}});
    let reader = json!({"kind": "ServiceAccount", "name": "default", "namespace": "shop"});
    // There is no Prometheus operator in this cluster, which doesn't prevent a release.
    values["metrics"] = json!({
        "auth": {"readers": [reader]},
        "serviceMonitor": {"enabled": true}, "podMonitor": {"enabled": true}, "prometheusRule": {"enabled": true},
    });
    values["accounts"] = json!({"create": [{"name": "second", "spec": {"region": "us-west-2"}}]});
    values["extraArgs"] = json!(["--log-level=debug", "--concurrency=2"]);

    let started = Instant::now();
    let said = helm("install", &earlier_chart(), &values);
    assert!(said.contains("helm test"), "{said}");
    let [checkout, payments] = ["checkout", "payments"].map(|name| space(&cluster, "shop", name));
    block_on(async {
        make_space(&cluster, "shop", "checkout").await.ready().await;
        println!("from helm install to the first Ready object: {:.1?}", started.elapsed());
        for account in ["default", "second"] {
            object(&cluster, "", "AWSAccount", account).ready().await;
        }
        assert!(columns(&cluster).await.contains("\"When\""));
        roles_are_aggregated(&cluster.client).await;
        webhook_secret_is_written(&cluster).await;
        assert_eq!(read_metrics("https", None).await, 401);
        let reader = cluster::token(&cluster.client, "shop", "default").await;
        wait_until("the reader reads metrics", async || {
            (read_metrics("https", Some(&reader)).await == 200).then_some(())
        })
        .await;
        let other = cluster::token(&cluster.client, NAMESPACE, "default").await;
        assert_eq!(read_metrics("https", Some(&other)).await, 403);
    });
    helm::run(&["test", RELEASE, "-n", NAMESPACE, "--timeout", "90s"]);

    // The account that was a hook of the first release is an object of the second.
    values["replicaCount"] = json!(2);
    values["defaultAccount"]["spec"]["tags"] = json!({"managed-by": "helm"});
    helm("upgrade", &helm::chart(), &values);
    block_on(async {
        assert!(columns(&cluster).await.contains("\"Schedule\""), "an upgrade reaches the CRDs");
        let account = object(&cluster, "", "AWSAccount", "default").get().await;
        assert_eq!(account["spec"]["tags"]["managed-by"], "helm");
        assert!(!is_going(&account));
        make_space(&cluster, "shop", "payments").await.ready().await;
    });
    assert_eq!(remotes(&cluster), 2);

    uninstall();
    block_on(async {
        for space in [&checkout, &payments] {
            assert!(!is_going(&space.get().await), "{space} stays");
        }
        // No operator is running to finish a deletion: nothing in AWS is deleted by accident.
        payments.delete().await;
        assert!(has_finalizers(&payments.get().await));
    });
    assert_eq!(remotes(&cluster), 2);

    // The remedy: install it again, and let it finish.
    helm("install", &helm::chart(), &values);
    block_on(async {
        payments.gone().await;
        checkout.delete_and_wait().await;
    });
    assert_eq!(remotes(&cluster), 0);
    uninstall();
}

#[test]
fn a_release_for_two_namespaces_needs_no_right_in_the_cluster() {
    let cluster = cluster::alone();
    for name in [NAMESPACE, "team-a", "team-b", "team-c"] {
        block_on(make_namespace(&cluster, name, json!({})));
    }
    let mut values = values(&cluster);
    values["watchNamespaces"] = json!(["team-a", "team-b"]);
    values["accounts"] = json!({"enabled": false});
    values["clusterId"] = json!("the-cluster");
    values["rbac"] = json!({"aggregateToView": false, "aggregateToEdit": false, "aggregateToAdmin": false});
    values["replicaCount"] = json!(2);
    helm("install", &helm::chart(), &values);
    block_on(async {
        for team in ["team-a", "team-b", "team-c"] {
            make_space(&cluster, team, team).await;
        }
        for team in ["team-a", "team-b"] {
            space(&cluster, team, team).ready().await;
        }
        let other = space(&cluster, "team-c", "team-c").get().await;
        assert!(!has_finalizers(&other), "what lies elsewhere is left alone");
        assert_eq!(read_metrics("http", None).await, 200, "nobody's rights can be asked for");
    });
    helm::run(&["test", RELEASE, "-n", NAMESPACE, "--timeout", "90s"]);
    block_on(async {
        for team in ["team-a", "team-b", "team-c"] {
            space(&cluster, team, team).delete_and_wait().await;
        }
    });
    uninstall();
}

/// The HTTP status that a reader of metrics gets.
async fn read_metrics(scheme: &str, token: Option<&str>) -> u16 {
    let request = devops_agent_test_support::cluster::http()
        .get(format!("{scheme}://{}/metrics", kubelet::metrics_address()));
    let request = match token {
        Some(token) => request.bearer_auth(token),
        None => request,
    };
    request.send().await.expect("metrics are served").status().as_u16()
}

/// The operator writes its own Secrets, whatever the admission policy keeps it from.
async fn webhook_secret_is_written(cluster: &Cluster) {
    let services = apply(cluster, "shop", CHANNEL).await;
    services.ready().await;
    let events = apply(cluster, "shop", &EVENTS.replace("{name: space}", "{name: checkout}")).await;
    events.ready().await;
    let secrets = Api::<Secret>::namespaced(cluster.client.clone(), "shop");
    let written = secrets.list(&ListParams::default().labels(OWN_LABEL)).await.unwrap();
    assert!(written.items.iter().any(|secret| secret.type_.as_deref() == Some("Opaque")));
    for object in [events, services] {
        object.delete_and_wait().await;
    }
}

/// Those who may edit a namespace may edit the objects in it: the cluster's own roles have the chart's rules.
async fn roles_are_aggregated(client: &Client) {
    for role in ["view", "edit", "admin"] {
        let api = Api::<ClusterRole>::all(client.clone());
        wait_until(&format!("the role {role} has the rules"), async || {
            let rules = serde_json::to_string(&api.get(role).await.ok()?.rules).ok()?;
            rules.contains("serviceregistrations").then_some(())
        })
        .await;
    }
}
