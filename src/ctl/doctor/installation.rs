//! The cluster, and the operator in it: version, Deployment, lease, and whether it looks at objects.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::jiff::Timestamp;
use kube::api::ListParams;
use kube::{Api, ResourceExt};
use serde_json::Value;

use crate::ctl::cluster::{Cluster, failed};
use crate::ctl::status_command::standing::{Health, Standing};
use crate::operator::LEASE;
use crate::reconcile::graph::references::ACCOUNT;
use crate::runtime::lease::lease_of;
use crate::{text, version};

use super::checkup::Check;

/// The oldest minor version of Kubernetes that is supported: the chart's `kubeVersion`.
const OLDEST: (u32, u32) = (1, 29);
/// What every Deployment of the chart is found by.
const PART: &str = "app.kubernetes.io/part-of=devops-agent-operator";
const VERSION_LABEL: &str = "app.kubernetes.io/version";
/// After so many seconds, the operator has looked at an object, or doesn't.
const PATIENCE: i64 = 60;
/// So many objects are named.
const NAMED: usize = 3;
const SEE_LOG: &str =
    "see its log: kubectl logs -l app.kubernetes.io/part-of=devops-agent-operator --all-containers -n";

/// A Deployment of the operator.
#[derive(Clone, Debug, Default)]
pub struct Installed {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The service account of its pods.
    pub service_account: String,
    /// The namespaces that it watches; none means all.
    pub watches: Vec<String>,
    /// Whether it uses AWSAccounts.
    pub accounts: bool,
    /// Its lease, if it takes part in an election.
    pub lease: Option<String>,
    /// Its version, by the chart's label.
    pub version: String,
    /// How many pods it should have.
    pub wanted: i32,
    /// How many are available.
    pub available: i32,
}

/// The version of the API server.
pub fn cluster_version(git_version: &str) -> Check {
    const NAME: &str = "cluster version";
    let bare = git_version.trim_start_matches('v');
    let mut parts = bare.split('.').map(|part| part.parse::<u32>().ok());
    let (oldest_major, oldest_minor) = OLDEST;
    match (parts.next().flatten(), parts.next().flatten()) {
        (Some(major), Some(minor)) if (major, minor) >= OLDEST => Check::ok(NAME, git_version),
        (Some(_), Some(_)) => Check::failed(
            NAME,
            format!(
                "{git_version} is older than {oldest_major}.{oldest_minor}, the oldest that is supported"
            ),
            "upgrade the cluster",
        ),
        _ => Check::unknown(NAME, format!("{git_version:?} can't be read"), ""),
    }
}

/// The operator's Deployments; an error is a check that says so.
pub async fn find(cluster: &Cluster, namespace: Option<&str>) -> Result<Vec<Installed>, Check> {
    let api: Api<Deployment> = match namespace {
        Some(namespace) => Api::namespaced(cluster.client.clone(), namespace),
        None => Api::all(cluster.client.clone()),
    };
    let found = api.list(&ListParams::default().labels(PART)).await;
    let found = found.map_err(failed("listing the Deployments of the operator"));
    let found = found.map_err(|error| {
        let mut check = Check::unreadable("operator", &error);
        if error.is_forbidden() && namespace.is_none() {
            "name its namespace with --operator-namespace, if you may list the Deployments there"
                .clone_into(&mut check.what_to_do);
        }
        check
    })?;
    Ok(found.items.iter().map(Installed::of).collect())
}

impl Installed {
    fn of(deployment: &Deployment) -> Self {
        let spec = deployment.spec.as_ref();
        let pod = spec.and_then(|spec| spec.template.spec.as_ref());
        let containers = pod.map(|pod| pod.containers.as_slice()).unwrap_or_default();
        let arguments =
            containers.iter().find(|container| container.name == "operator").or(containers.first());
        let arguments = arguments.and_then(|container| container.args.as_deref()).unwrap_or_default();
        let value = |flag: &str| {
            arguments.iter().rev().find_map(|argument| argument.strip_prefix(flag)?.strip_prefix('='))
        };
        let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
        let shard = value("--shard").and_then(|shard| shard.parse().ok()).unwrap_or_default();
        let status = deployment.status.as_ref();
        Self {
            namespace: deployment.namespace().unwrap_or_default(),
            name: deployment.name_any(),
            service_account: pod
                .and_then(|pod| pod.service_account_name.clone())
                .unwrap_or_else(|| "default".to_owned()),
            watches: value("--watch-namespace")
                .map(|names| names.split(',').map(str::to_owned).collect())
                .unwrap_or_default(),
            accounts: !has("--without-accounts"),
            lease: has("--leader-election").then(|| lease_of(value("--lease-name").unwrap_or(LEASE), shard)),
            version: deployment.labels().get(VERSION_LABEL).cloned().unwrap_or_default(),
            wanted: spec.and_then(|spec| spec.replicas).unwrap_or(1),
            available: status.and_then(|status| status.available_replicas).unwrap_or_default(),
        }
    }

    fn shown(&self) -> String {
        format!("Deployment {}/{}", self.namespace, self.name)
    }

    /// Whether its pods run.
    pub fn runs(&self) -> Check {
        const NAME: &str = "operator";
        let Self { available, wanted, .. } = self;
        let message = format!("{}: {available} of {wanted} pods are available", self.shown());
        match (*available, *wanted) {
            (_, 0) => Check::failed(NAME, message, "scale it up"),
            (..=0, _) => {
                let describe = format!("kubectl describe pods -l {PART} -n {}", self.namespace);
                Check::failed(NAME, message, &format!("see why: {describe}"))
            }
            _ => Check::ok(NAME, message),
        }
    }

    /// Whether it is of the version of this program.
    pub fn is_of_version(&self) -> Check {
        const NAME: &str = "operator version";
        if self.version == version::VERSION {
            return Check::ok(NAME, format!("{}: {}, as this program", self.shown(), self.version));
        }
        let theirs = if self.version.is_empty() { "unknown" } else { &self.version };
        let message = format!("{}: {theirs}; this program is {}", self.shown(), version::VERSION);
        Check::unknown(
            NAME,
            message,
            "use the plugin of the operator's version: it knows the same fields and rules",
        )
    }

    /// Whether one of its pods leads.
    pub async fn leads(&self, cluster: &Cluster) -> Check {
        const NAME: &str = "lease";
        let Some(name) = &self.lease else {
            return Check::skipped(NAME, format!("{} works without leader election", self.shown()));
        };
        let api: Api<Lease> = Api::namespaced(cluster.client.clone(), &self.namespace);
        let doing = format!("reading the Lease {}/{name}", self.namespace);
        match api.get_opt(name).await.map_err(failed(&doing)) {
            Ok(lease) => leading(&self.namespace, name, lease.as_ref(), Timestamp::now()),
            Err(error) => Check::unreadable(NAME, &error),
        }
    }
}

/// Whether somebody holds the lease. Nobody's clock is trusted to the second.
fn leading(namespace: &str, name: &str, lease: Option<&Lease>, now: Timestamp) -> Check {
    const NAME: &str = "lease";
    let see_log = format!("{SEE_LOG} {namespace}");
    let Some(lease) = lease else {
        return Check::failed(
            NAME,
            format!("there is no Lease {namespace}/{name}: no pod has led yet"),
            &see_log,
        );
    };
    let spec = lease.spec.clone().unwrap_or_default();
    let Some(holder) = spec.holder_identity.filter(|holder| !holder.is_empty()) else {
        return Check::failed(NAME, format!("nobody holds the Lease {namespace}/{name}"), &see_log);
    };
    let duration = i64::from(spec.lease_duration_seconds.unwrap_or_default());
    let age = spec.renew_time.map(|renewed| now.duration_since(renewed.0).as_secs());
    match age {
        Some(age) if age <= duration + PATIENCE => {
            Check::ok(NAME, format!("{namespace}/{name} is held by {holder}"))
        }
        _ => {
            let message = format!("{holder} doesn't renew the Lease {namespace}/{name} any more");
            Check::failed(NAME, message, &see_log)
        }
    }
}

/// Without a Deployment.
pub fn not_found(namespace: Option<&str>) -> Check {
    let place = namespace.map_or_else(String::new, |namespace| format!(" in the namespace {namespace}"));
    Check::unknown(
        "operator",
        format!("there is no Deployment of the chart{place}: it isn't installed, or runs elsewhere"),
        "install the chart; if it runs elsewhere: devops-agent-operator check",
    )
}

/// Whether the operator has looked at every object.
pub fn looked_at(objects: &[Value], now: Timestamp) -> Check {
    const NAME: &str = "objects";
    let is_old = |since: &str| {
        since.parse::<Timestamp>().is_ok_and(|since| now.duration_since(since).as_secs() > PATIENCE)
    };
    let waits = |object: &&Value| {
        let standing = Standing::of(object);
        standing.health == Health::Progressing
            && standing.reason.is_empty()
            && standing.since.as_deref().is_some_and(is_old)
    };
    let waiting: Vec<String> = objects.iter().filter(waits).map(shown).collect();
    if objects.is_empty() {
        return Check::skipped(NAME, "there are none");
    }
    if waiting.is_empty() {
        return Check::ok(NAME, format!("the operator has looked at all {}", objects.len()));
    }
    let names = text::some_of(waiting.iter().map(String::as_str), NAMED);
    let what = "is the operator running, leading, and watching the namespace? See its log: kubectl logs -l \
                app.kubernetes.io/part-of=devops-agent-operator -A";
    Check::failed(NAME, format!("the operator hasn't looked at {names} for more than a minute"), what)
}

/// Whether the operator can use the AWSAccounts, or just this one.
pub fn accounts(objects: &[Value], only: Option<&str>) -> Vec<Check> {
    let is_asked = |object: &&Value| only.is_none_or(|name| object["metadata"]["name"] == name);
    let accounts = objects.iter().filter(|object| object["kind"] == ACCOUNT).filter(is_asked);
    accounts
        .map(|account| {
            let standing = Standing::of(account);
            let message = format!("{}: {}", shown(account), standing.told());
            match standing.health {
                Health::Healthy => {
                    Check::ok("AWSAccount", format!("{}: the operator can use it", shown(account)))
                }
                Health::Degraded => Check::failed(
                    "AWSAccount",
                    message,
                    &crate::ctl::status_command::meaning(&standing.reason),
                ),
                _ => Check::unknown("AWSAccount", message, ""),
            }
        })
        .collect()
}

fn shown(object: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (kind, metadata) = (text(&object["kind"]), &object["metadata"]);
    match metadata["namespace"].as_str() {
        Some(namespace) => format!("{kind} {namespace}/{}", text(&metadata["name"])),
        None => format!("{kind} {}", text(&metadata["name"])),
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::coordination::v1::LeaseSpec;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
    use serde_json::json;

    use super::*;
    use crate::ctl::doctor::checkup::Verdict;

    fn deployment(arguments: &[&str], available: i32) -> Installed {
        let object = json!({
            "metadata": {"name": "operator", "namespace": "ops", "labels": {VERSION_LABEL: version::VERSION}},
            "spec": {"replicas": 2, "selector": {}, "template": {"spec": {
                "serviceAccountName": "operator",
                "containers": [{"name": "sidecar"}, {"name": "operator", "args": arguments}]}}},
            "status": {"availableReplicas": available},
        });
        Installed::of(&serde_json::from_value(object).unwrap())
    }

    #[test]
    fn the_supported_versions_are_those_of_the_chart() {
        let chart = concat!(env!("CARGO_MANIFEST_DIR"), "/charts/devops-agent-operator/Chart.yaml");
        let chart = std::fs::read_to_string(chart).unwrap();
        let (major, minor) = OLDEST;
        assert!(chart.contains(&format!("\nkubeVersion: \">={major}.{minor}.0-0\"\n")));
        for (version, verdict) in [
            ("v1.33.1", Verdict::Ok),
            ("v1.29.0-eks-abc", Verdict::Ok),
            ("v2.0.0", Verdict::Ok),
            ("v1.28.9+k3s1", Verdict::Failed),
            ("unknown", Verdict::Unknown),
        ] {
            assert_eq!(cluster_version(version).verdict, verdict, "{version}");
        }
    }

    #[test]
    fn a_deployment_tells_what_it_watches_and_its_lease() {
        let plain = deployment(&["run"], 1);
        assert!(plain.accounts && plain.watches.is_empty() && plain.lease.is_none());
        let arguments = [
            "run",
            "--leader-election",
            "--watch-namespace=a,b",
            "--without-accounts",
            "--shard=2",
            "--lease-name=x",
        ];
        let sharded = deployment(&arguments, 1);
        assert_eq!(sharded.lease.as_deref(), Some("x-shard-2"));
        assert_eq!((sharded.watches, sharded.accounts), (vec!["a".to_owned(), "b".to_owned()], false));
    }

    #[test]
    fn pods_that_are_not_available_fail_and_another_version_cannot_be_judged() {
        assert_eq!(deployment(&[], 1).runs().verdict, Verdict::Ok);
        let down = deployment(&[], 0).runs();
        assert_eq!(down.verdict, Verdict::Failed);
        assert!(
            down.what_to_do.contains("kubectl describe pods") && down.what_to_do.ends_with("-n ops"),
            "{down:?}"
        );
        assert_eq!(deployment(&[], 1).is_of_version().verdict, Verdict::Ok);
        let other = Installed { version: "9.9.9".to_owned(), ..deployment(&[], 1) };
        assert_eq!(other.is_of_version().verdict, Verdict::Unknown);
    }

    #[test]
    fn a_lease_has_to_be_held_and_renewed() {
        let now: Timestamp = "2026-01-01T00:10:00Z".parse().unwrap();
        let lease = |holder: &str, renewed: &str| Lease {
            spec: Some(LeaseSpec {
                holder_identity: Some(holder.to_owned()),
                lease_duration_seconds: Some(15),
                renew_time: Some(MicroTime(renewed.parse().unwrap())),
                ..LeaseSpec::default()
            }),
            ..Lease::default()
        };
        for (lease, verdict) in [
            (Some(lease("pod_1", "2026-01-01T00:09:50Z")), Verdict::Ok),
            (Some(lease("pod_1", "2026-01-01T00:10:20Z")), Verdict::Ok),
            (Some(lease("pod_1", "2026-01-01T00:08:00Z")), Verdict::Failed),
            (Some(lease("", "2026-01-01T00:09:50Z")), Verdict::Failed),
            (None, Verdict::Failed),
        ] {
            let check = leading("ops", "lease", lease.as_ref(), now);
            assert_eq!(check.verdict, verdict, "{check:?}");
        }
    }

    #[test]
    fn objects_that_nobody_looks_at_are_named() {
        let now: Timestamp = "2026-01-01T00:10:00Z".parse().unwrap();
        let object = |created: &str| json!({"kind": "AgentSpace", "metadata": {"name": "a", "namespace": "team", "creationTimestamp": created}});
        assert_eq!(looked_at(&[], now).verdict, Verdict::Skipped);
        assert_eq!(looked_at(&[object("2026-01-01T00:09:40Z")], now).verdict, Verdict::Ok);
        let left = looked_at(&[object("2026-01-01T00:00:00Z")], now);
        assert!(left.verdict == Verdict::Failed && left.message.contains("AgentSpace team/a"), "{left:?}");
    }

    #[test]
    fn an_account_that_the_operator_cannot_use_fails_with_what_to_do() {
        let account = |status: &str, reason: &str| {
            json!({"kind": ACCOUNT, "metadata": {"name": "prod", "generation": 1}, "status": {"observedGeneration": 1,
                "conditions": [{"type": "Ready", "status": status, "reason": reason, "message": "said so"}]}})
        };
        let checks = accounts(&[account("True", "Available"), account("False", "AccessDenied")], None);
        assert!(accounts(&[account("False", "AccessDenied")], Some("other")).is_empty());
        assert_eq!(checks[0].verdict, Verdict::Ok);
        assert_eq!(checks[1].verdict, Verdict::Failed);
        assert!(checks[1].message.contains("AccessDenied: said so"), "{checks:?}");
        assert!(checks[1].what_to_do.contains("lack a permission"), "{checks:?}");
    }
}
