//! Starting etcd, the API server and the controller manager, and ending them.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::address::Addresses;
use super::binaries::Binaries;
use super::tools::Tool;
use super::{credentials, kubeconfig};
use crate::error::{Doing, Error};
use crate::folder::Folder;
use crate::kubectl::Kubectl;
use crate::poll;
use crate::service::Service;
use crate::session::Session;

/// How long the API server may take until it is ready. It takes 4 s on two idle cores.
const READY_WITHIN: Duration = Duration::from_mins(1);
/// Name of the log of what service accounts do.
const AUDIT_LOG: &str = "audit.log";
/// Who did what, without contents, and for service accounts alone.
const AUDIT_POLICY: &str = r#"apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
  userGroups: ["system:serviceaccounts"]
- level: None
"#;
/// Beside the kubeconfig: the number of the API server's process.
const API_SERVER_PID: &str = "kube-apiserver.pid";
/// An API server that is killed is started again, as a kubelet would; one that ends by itself is not.
const STARTED_AGAIN: &str = r#"pid=$1; shift
trap 'kill "$child" 2>/dev/null; wait "$child"; exit 0' TERM
while :; do
    "$@" & child=$!
    echo "$child" >"$pid"
    wait "$child"; status=$?
    [ "$status" = 137 ] || exit "$status"
done"#;
/// Another program can take a port between our finding it free and its use.
const ATTEMPTS: u32 = 3;

/// How the administrator reaches an API server.
#[derive(Clone)]
pub struct Access {
    /// Its URL.
    pub url: String,
    /// The certificates that it is known by, in PEM.
    pub authority: String,
    /// The administrator's token.
    pub token: String,
}

impl fmt::Debug for Access {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Access").field("url", &self.url).finish_non_exhaustive()
    }
}

/// A running cluster; it ends, and its data go, when this is dropped.
#[derive(Debug)]
pub struct Cluster<'a> {
    // Fields are dropped in this order: clients before their server, the folder last.
    controller_manager: Service,
    api_server: Service,
    etcd: Service,
    kubectl: Kubectl<'a>,
    access: Access,
    binaries: Binaries,
    folder: Folder<'a>,
}

impl<'a> Cluster<'a> {
    /// Starts a cluster and returns when its API server is ready.
    pub fn start(session: &'a Session, binaries: &Binaries) -> Result<Self, Error> {
        let mut attempt = 1;
        loop {
            match Self::try_start(session, binaries) {
                Err(Error::Died { log, .. })
                    if attempt < ATTEMPTS && log.contains("address already in use") =>
                {
                    attempt += 1;
                }
                result => return result,
            }
        }
    }

    fn try_start(session: &'a Session, binaries: &Binaries) -> Result<Self, Error> {
        let folder = session.folder("cluster")?;
        let addresses = Addresses::free()?;
        let token = write_credentials(&folder)?;
        write(&folder.file("audit-policy.yaml"), AUDIT_POLICY)?;
        // The API server waits for etcd by itself, so that both can start at once.
        let mut etcd = etcd(session, binaries, &folder, &addresses)?;
        let mut api_server = api_server(session, binaries, &folder, &addresses)?;
        let mut check = || etcd.check().and_then(|()| api_server.check());
        let authority = wait_for_certificate(&folder, &mut check)?;
        let config = folder.file("kubeconfig");
        write(&config, &kubeconfig::text(&addresses.api(), &authority, &token))?;
        let kubectl = Kubectl {
            session,
            program: binaries.kubectl(),
            kubeconfig: Some(config.clone()),
            cache: folder.file("kubectl"),
        };
        wait_until_ready(&kubectl, &mut check)?;
        let controller_manager = controller_manager(session, binaries, &folder, &config)?;
        let access = Access { url: addresses.api(), authority, token };
        Ok(Self { controller_manager, api_server, etcd, kubectl, access, binaries: binaries.clone(), folder })
    }

    /// kubectl for this cluster.
    pub fn kubectl(&self) -> &Kubectl<'a> {
        &self.kubectl
    }

    /// How its API server is reached.
    pub fn access(&self) -> &Access {
        &self.access
    }

    /// The programs that it is made of, and those that were found with them.
    pub fn binaries(&self) -> &Binaries {
        &self.binaries
    }

    /// The administrator's kubeconfig.
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.file("kubeconfig")
    }

    /// Where the API server notes what service accounts do, a JSON object a line.
    pub fn audit_log(&self) -> PathBuf {
        self.folder.file(AUDIT_LOG)
    }

    /// Where the logs of its parts are.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Fails when one of its parts has stopped.
    pub fn check(&mut self) -> Result<(), Error> {
        self.etcd.check()?;
        self.api_server.check()?;
        self.controller_manager.check()
    }
}

fn write(path: &Path, text: &str) -> Result<(), Error> {
    fs::write(path, text).doing(|| format!("writing {}", path.display()))
}

/// Writes the key pair and the list of tokens, and returns the administrator's token.
fn write_credentials(folder: &Folder) -> Result<String, Error> {
    let keys = credentials::key_pair()?;
    write(&folder.file("service-account.key"), &keys.private)?;
    write(&folder.file("service-account.pub"), &keys.public)?;
    let token = credentials::token()?;
    write(&folder.file("tokens.csv"), &format!("{token},admin,admin,system:masters\n"))?;
    Ok(token)
}

fn etcd(
    session: &Session,
    binaries: &Binaries,
    folder: &Folder,
    addresses: &Addresses,
) -> Result<Service, Error> {
    let Addresses { etcd, etcd_peer, .. } = addresses;
    let mut command = Command::new(binaries.path(Tool::Etcd));
    command.env("GOGC", "400");
    command.args(["--unsafe-no-fsync", "--log-level=warn"]);
    command.arg(format!("--data-dir={}", folder.file("etcd").display()));
    command.arg(format!("--listen-client-urls={etcd}")).arg(format!("--advertise-client-urls={etcd}"));
    command.arg(format!("--listen-peer-urls={etcd_peer}"));
    command.arg(format!("--initial-advertise-peer-urls={etcd_peer}"));
    command.arg(format!("--initial-cluster=default={etcd_peer}"));
    Service::start(session, "etcd", &mut command, folder.file("etcd.log"))
}

fn api_server(
    session: &Session,
    binaries: &Binaries,
    folder: &Folder,
    addresses: &Addresses,
) -> Result<Service, Error> {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", STARTED_AGAIN, "kube-apiserver"]).arg(folder.file(API_SERVER_PID));
    command.arg(binaries.path(Tool::ApiServer));
    // Memory is there, and collecting garbage takes a quarter of its time otherwise.
    command.env("GOGC", "800");
    command.args([
        "--bind-address=127.0.0.1",
        "--external-hostname=127.0.0.1",
        "--authorization-mode=RBAC",
        // Pods would need a token from the controller manager, and no pod ever runs here.
        "--disable-admission-plugins=ServiceAccount",
        "--service-account-issuer=https://kubernetes.default.svc",
        "--service-cluster-ip-range=10.0.0.0/24",
        // There is one API server, and the address of a Service is useless without nodes.
        "--endpoint-reconciler-type=none",
        // Its clients are tests: none of them is to be held back, and none measures it.
        "--enable-priority-and-fairness=false",
        "--max-requests-inflight=0",
        "--max-mutating-requests-inflight=0",
        "--profiling=false",
    ]);
    command.arg(format!("--audit-policy-file={}", folder.file("audit-policy.yaml").display()));
    command.arg(format!("--audit-log-path={}", folder.file(AUDIT_LOG).display()));
    command.arg(format!("--etcd-servers={}", addresses.etcd));
    command.arg(format!("--secure-port={}", addresses.api_port));
    command.arg(format!("--cert-dir={}", folder.file("certificates").display()));
    command.arg(format!("--token-auth-file={}", folder.file("tokens.csv").display()));
    command.arg(format!("--service-account-key-file={}", folder.file("service-account.pub").display()));
    command
        .arg(format!("--service-account-signing-key-file={}", folder.file("service-account.key").display()));
    Service::start(session, "kube-apiserver", &mut command, folder.file("kube-apiserver.log"))
}

fn controller_manager(
    session: &Session,
    binaries: &Binaries,
    folder: &Folder,
    kubeconfig: &Path,
) -> Result<Service, Error> {
    let mut command = Command::new(binaries.path(Tool::ControllerManager));
    command.args([
        // The workloads' controllers make pods, which nothing here runs unless a test does.
        "--controllers=garbage-collector-controller,namespace-controller,serviceaccount-controller,\
         clusterrole-aggregation-controller,deployment-controller,replicaset-controller",
        "--leader-elect=false",
        "--secure-port=0",
        "--kube-api-qps=200",
        "--kube-api-burst=400",
        "--concurrent-namespace-syncs=50",
    ]);
    command.arg(format!("--kubeconfig={}", kubeconfig.display()));
    Service::start(
        session,
        "kube-controller-manager",
        &mut command,
        folder.file("kube-controller-manager.log"),
    )
}

/// The API server signs its own certificate when it starts. It writes the key after the certificate, so that the
/// certificate is complete when there is a key.
fn wait_for_certificate(
    folder: &Folder,
    check: &mut impl FnMut() -> Result<(), Error>,
) -> Result<String, Error> {
    let certificates = folder.file("certificates");
    poll::until("kube-apiserver's certificate", READY_WITHIN, Duration::from_millis(20), || {
        check()?;
        let has_key = fs::metadata(certificates.join("apiserver.key")).is_ok_and(|file| file.len() > 0);
        Ok(has_key.then(|| fs::read_to_string(certificates.join("apiserver.crt")).ok()).flatten())
    })
}

fn wait_until_ready(kubectl: &Kubectl, check: &mut impl FnMut() -> Result<(), Error>) -> Result<(), Error> {
    poll::until("readiness of kube-apiserver", READY_WITHIN, Duration::from_millis(100), || {
        check()?;
        Ok(kubectl.attempt(["get", "--raw", "/readyz"])?.status.success().then_some(()))
    })
}
