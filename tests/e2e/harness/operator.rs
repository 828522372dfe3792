//! The operator as a child process.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::rights::ServiceAccount;

const START: Duration = Duration::from_secs(20);
/// Starts a program and ends it when standard input closes: when this process is gone, for whatever reason.
const GUARD: &str = r#""$@" </dev/null & child=$!; cat >/dev/null; kill -KILL "$child""#;

/// Name of a log, before the number of the process that the tests run in.
const LOG: &str = "e2e-operator.log.";

/// The running operator.
pub struct Operator {
    admin: SocketAddr,
    log: PathBuf,
    /// A shell that ends the operator when its standard input closes.
    guard: Mutex<Child>,
}

impl Operator {
    /// Starts the operator against the AWS at `aws`, and waits until it is ready.
    pub async fn start(aws: &str, http: &reqwest::Client, account: Option<&ServiceAccount>) -> Self {
        let (admin, metrics) = (free_address(), free_address());
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        fs::create_dir_all(folder).expect("the folder for logs can be made");
        remove_old_logs(folder);
        let log = folder.join(format!("{LOG}{}", std::process::id()));
        let output = File::create(&log).expect("the operator's log can be made");
        let mut command = Command::new("/bin/sh");
        command.args(["-c", GUARD, "guard"]).arg(binary());
        command.args(["run", "--log-level", "debug", "--concurrency", "32"]);
        command.args([
            "--admin-address",
            &admin.to_string(),
            "--loglevel-address",
            "0",
            "--metrics-address",
            &metrics.to_string(),
            "--log-format",
            "text",
        ]);
        if let Some(account) = account {
            command
                .args(["--leader-election", "--lease-name", "e2e-devops-agent-operator"])
                .args(&account.arguments);
            command.env("KUBECONFIG", &account.kubeconfig).env("POD_NAMESPACE", &account.namespace);
        }
        set_environment(&mut command, aws);
        command
            .stdin(Stdio::piped())
            .stdout(output.try_clone().expect("a file can be shared"))
            .stderr(output);
        let guard = Mutex::new(command.spawn().expect("a shell can be started"));
        let operator = Self { admin, log, guard };
        operator.wait_ready(http).await;
        if let Some(account) =
            account.filter(|account| account.arguments.iter().any(|one| one == "--metrics-auth"))
        {
            metrics_are_refused(metrics, &account.token).await;
        }
        operator
    }

    async fn wait_ready(&self, http: &reqwest::Client) {
        let url = format!("http://{}/readyz", self.admin);
        let end = Instant::now() + START;
        loop {
            if http.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) {
                return;
            }
            assert!(
                Instant::now() < end,
                "within {START:?} the operator is not ready:\n{}",
                self.whole_log()
            );
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Where the operator writes its log.
    pub fn log_path(&self) -> &Path {
        &self.log
    }

    /// The lines of the log that contain any of `words`.
    pub fn log_lines(&self, words: &[&str]) -> Vec<String> {
        let log = fs::read(&self.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        log.lines().filter(|line| words.iter().any(|word| line.contains(word))).map(str::to_owned).collect()
    }

    /// Everything in the log.
    pub fn whole_log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }
}

/// The operator asks the API server who reads metrics: it needs the permission for both requests.
async fn metrics_are_refused(address: SocketAddr, token: &str) {
    let client = reqwest::Client::builder().no_proxy().tls_danger_accept_invalid_certs(true);
    let client = client.timeout(START).build().expect("a client can be made");
    let answer = client.get(format!("https://{address}/metrics")).bearer_auth(token).send().await;
    let status = answer.expect("metrics are served over TLS").status().as_u16();
    assert_eq!(status, 403, "the operator's own service account may not read metrics");
}

impl Drop for Operator {
    fn drop(&mut self) {
        if let Ok(guard) = self.guard.get_mut() {
            drop(guard.stdin.take());
            let _ = guard.wait();
        }
    }
}

/// Removes the logs of runs that have ended.
fn remove_old_logs(folder: &Path) {
    for file in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = file.file_name();
        let process = name.to_str().and_then(|name| name.strip_prefix(LOG));
        if process.is_some_and(|process| !Path::new("/proc").join(process).exists()) {
            let _ = fs::remove_file(file.path());
        }
    }
}

/// The CRDs as the operator prints them.
pub fn crds() -> Vec<Value> {
    let output = Command::new(binary()).arg("crds").output().expect("the operator can be started");
    let text = String::from_utf8(output.stdout).expect("CRDs are text");
    serde_saphyr::from_multiple(&text).expect("CRDs are YAML")
}

fn binary() -> PathBuf {
    let given = std::env::var_os("DEVOPS_AGENT_OPERATOR_BIN");
    given.map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_devops-agent-operator")), PathBuf::from)
}

/// Only the simulator's settings apply, whatever the user's are.
fn set_environment(command: &mut Command, aws: &str) {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("AWS_") {
            command.env_remove(name);
        }
    }
    command.envs([
        ("AWS_REGION", super::aws::REGION),
        ("AWS_ACCESS_KEY_ID", "simulator"),
        ("AWS_SECRET_ACCESS_KEY", "simulator"),
        ("AWS_ENDPOINT_URL", aws),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_CONFIG_FILE", "/dev/null"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
        ("NO_PROXY", "127.0.0.1"),
    ]);
}

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    listener.local_addr().expect("a listener has an address")
}
