//! As much of a kubelet as the chart needs: it runs pods with the operator's image as processes.
//!
//! A process gets what the container would: arguments, environment, and a token of the pod's service account if the pod
//! mounts one. Its probes are called as the pod specifies. A process has no image, user, file system or network of its
//! own: for a network each gets free ports.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use devops_agent_test_support::cluster::write_kubeconfig;
use devops_agent_test_support::guard::{self, Guarded};
use devops_agent_test_support::ports;
use k8s_openapi::api::core::v1::{Container, Pod, Secret, ServiceAccount};
use kube::api::{ListParams, Patch, PatchParams};
use kube::{Api, Client, ResourceExt};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::{cluster, helm};

const IMAGE: &str = "ghcr.io/devops-agent-operator/devops-agent-operator";

/// Where the pod that became ready last serves metrics.
static METRICS: Mutex<Option<SocketAddr>> = Mutex::new(None);

/// Where the pod that became ready last serves metrics.
pub fn metrics_address() -> SocketAddr {
    METRICS.lock().unwrap_or_else(PoisonError::into_inner).expect("a pod was ready")
}

struct Process {
    namespace: String,
    name: String,
    /// The operator, which is asked to end when the pod is gone.
    operator: Guarded,
    probes: u16,
    /// What its probes ask for.
    paths: Vec<String>,
    metrics: SocketAddr,
    /// Whether the pod is over when its process is.
    once: bool,
    reported: &'static str,
}

/// Runs pods until the end of the tests.
pub async fn run(client: Client) {
    let mut processes: BTreeMap<String, Process> = BTreeMap::new();
    loop {
        let pods = Api::<Pod>::all(client.clone()).list(&ListParams::default()).await;
        let pods: Vec<Pod> =
            pods.map(|list| list.items).unwrap_or_default().into_iter().filter(is_ours).collect();
        let uids: Vec<String> = pods.iter().filter_map(ResourceExt::uid).collect();
        for (_, gone) in processes.extract_if(.., |uid, _| !uids.contains(uid)) {
            // That waits for the operator.
            std::thread::spawn(move || drop(gone));
        }
        for pod in &pods {
            let uid = pod.uid().unwrap_or_default();
            if !processes.contains_key(&uid) && !is_over(pod) {
                processes.insert(uid, start(&client, pod).await);
            }
        }
        for process in processes.values_mut() {
            report(&client, process).await;
        }
        sleep(Duration::from_millis(100)).await;
    }
}

fn container(pod: &Pod) -> Option<&Container> {
    pod.spec.as_ref().and_then(|spec| spec.containers.first())
}

fn is_ours(pod: &Pod) -> bool {
    container(pod)
        .and_then(|container| container.image.as_deref())
        .is_some_and(|image| image.starts_with(IMAGE))
}

fn is_over(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    matches!(phase, Some("Succeeded" | "Failed"))
}

async fn start(client: &Client, pod: &Pod) -> Process {
    let (namespace, name) = (pod.namespace().unwrap_or_default(), pod.name_any());
    let account = pod.spec.as_ref().and_then(|spec| spec.service_account_name.clone()).unwrap_or_default();
    let container = container(pod).expect("the pod has a container");
    refuse_root(pod, container);
    let (probes, metrics) = (ports::free(), ports::free());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pods");
    std::fs::create_dir_all(&folder).expect("a folder can be made");
    let log = folder.join(format!("{name}.log"));
    let program = helm::program("DEVOPS_AGENT_OPERATOR_BIN");
    let mut command = guard::command(&program, &log, None, Signal::SIGTERM);
    command.args(container.args.iter().flatten()).env_clear();
    command.env("PATH", "/usr/bin:/bin").env("HOSTNAME", &name);
    let token = if mounts_token(client, pod, &namespace, &account).await {
        Some(cluster::token(client, &namespace, &account).await)
    } else {
        None
    };
    let kubeconfig = folder.join(format!("{name}.kubeconfig.json"));
    write_kubeconfig(&kubeconfig, token.as_deref());
    command.env("KUBECONFIG", kubeconfig);
    for (variable, port) in [("ADMIN_ADDRESS", probes), ("METRICS_ADDRESS", metrics)] {
        command.env(variable, format!("[::]:{port}"));
    }
    command.env("LOGLEVEL_ADDRESS", "0");
    command.envs(from_secrets(client, &namespace, container).await);
    for variable in container.env.iter().flatten() {
        let field = variable.value_from.as_ref().and_then(|from| from.field_ref.as_ref());
        let value = match field.map(|field| field.field_path.as_str()) {
            Some("metadata.namespace") => namespace.clone(),
            Some(other) => panic!("this kubelet knows no field {other}"),
            None => variable.value.clone().unwrap_or_default(),
        };
        command.env(&variable.name, value);
    }
    let operator = Guarded::start(&mut command);
    let policy = pod.spec.as_ref().and_then(|spec| spec.restart_policy.as_deref());
    let metrics = SocketAddr::from((Ipv4Addr::LOCALHOST, metrics));
    let (paths, once) = (paths(container), policy == Some("Never"));
    Process { namespace, name, operator, probes, paths, metrics, once, reported: "" }
}

/// The variables of `envFrom`. A kubelet doesn't start a container whose Secret isn't there.
async fn from_secrets(client: &Client, namespace: &str, container: &Container) -> Vec<(String, String)> {
    let mut variables = Vec::new();
    for source in container.env_from.iter().flatten().filter_map(|source| source.secret_ref.as_ref()) {
        let secret = Api::<Secret>::namespaced(client.clone(), namespace).get(&source.name).await;
        let data = secret.expect("the Secret of envFrom is there").data.unwrap_or_default();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("variables are text");
        variables.extend(data.into_iter().map(|(name, value)| (name, text(value.0))));
    }
    variables
}

/// Reports the state of a pod to the API server.
async fn report(client: &Client, process: &mut Process) {
    let state = match process.operator.status() {
        Some(status) if process.once && status.success() => "Succeeded",
        Some(_) if process.once => "Failed",
        // A real one would restart a process that has ended, after a while.
        None if is_ready(process) => "Ready",
        _ => "Running",
    };
    if state == process.reported {
        return;
    }
    let ready = state == "Ready";
    let phase = if ready { "Running" } else { state };
    let word = if ready { "True" } else { "False" };
    let conditions: Vec<Value> = ["PodScheduled", "Initialized", "ContainersReady", "Ready"]
        .map(|kind| {
            let status = if kind.ends_with("Ready") { word } else { "True" };
            json!({"type": kind, "status": status, "lastTransitionTime": jiff::Timestamp::now().to_string()})
        })
        .into();
    if ready {
        *METRICS.lock().unwrap_or_else(PoisonError::into_inner) = Some(process.metrics);
    }
    let patch = json!({"status": {"phase": phase, "podIP": "127.0.0.1", "conditions": conditions}});
    let api = Api::<Pod>::namespaced(client.clone(), &process.namespace);
    if api.patch_status(&process.name, &PatchParams::default(), &Patch::Merge(&patch)).await.is_ok() {
        process.reported = state;
    }
}

/// The paths of the container's probes.
fn paths(container: &Container) -> Vec<String> {
    let probes = [&container.startup_probe, &container.liveness_probe, &container.readiness_probe];
    let gets = probes.into_iter().flatten().filter_map(|probe| probe.http_get.as_ref());
    gets.filter_map(|get| get.path.clone()).collect()
}

/// A kubelet doesn't start a container as root if that is forbidden. Without a user id it would use that of the image,
/// which has none.
fn refuse_root(pod: &Pod, container: &Container) {
    let of_pod = pod.spec.as_ref().and_then(|spec| spec.security_context.as_ref());
    let of_container = container.security_context.as_ref();
    let user = of_container.and_then(|own| own.run_as_user).or(of_pod.and_then(|own| own.run_as_user));
    let not_root =
        of_container.and_then(|own| own.run_as_non_root).or(of_pod.and_then(|own| own.run_as_non_root));
    assert!(not_root != Some(true) || user != Some(0), "the pod must not run as root, and would");
}

/// Whether all probes succeed, over IPv4 and, where this machine has it, IPv6: a cluster may have either.
fn is_ready(process: &Process) -> bool {
    let mut addresses = vec![SocketAddr::from((Ipv4Addr::LOCALHOST, process.probes))];
    if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok() {
        addresses.push(SocketAddr::from((Ipv6Addr::LOCALHOST, process.probes)));
    }
    addresses.iter().all(|address| process.paths.iter().all(|path| answers(*address, path)))
}

fn answers(address: SocketAddr, path: &str) -> bool {
    let Ok(mut stream) = TcpStream::connect_timeout(&address, Duration::from_millis(200)) else {
        return false;
    };
    let _ = stream.set_read_timeout(Some(Duration::from_millis(500)));
    let mut answer = [0; 12];
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n").is_ok()
        && stream.read_exact(&mut answer).is_ok()
        && answer.ends_with(b" 200")
}

/// Whether the pod gets a token of its service account, as set by itself or else by the account.
async fn mounts_token(client: &Client, pod: &Pod, namespace: &str, account: &str) -> bool {
    if let Some(says) = pod.spec.as_ref().and_then(|spec| spec.automount_service_account_token) {
        return says;
    }
    let api = Api::<ServiceAccount>::namespaced(client.clone(), namespace);
    let account = api.get(account).await.expect("the service account is there");
    account.automount_service_account_token.unwrap_or(true)
}
