//! A namespace, a simulated AWS and operators for one test.

use std::fs::{self, File};
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use devops_agent_simulator::{Options, Running, Simulator};
use serde_json::Value;

/// What has not happened by then does not happen.
pub const LIMIT: Duration = Duration::from_mins(1);

static COUNT: AtomicU32 = AtomicU32::new(0);

/// What one test has to itself.
pub struct World {
    pub namespace: String,
    pub simulator: Running,
    pub http: reqwest::Client,
}

impl World {
    pub async fn new() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let namespace = format!("process-{}-{number}", std::process::id());
        let simulator = Simulator::start(Options::on_free_port()).await.expect("the simulator starts");
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build().unwrap();
        install_crds();
        kubectl(&["create", "namespace", &namespace], "");
        let world = Self { namespace, simulator, http };
        world.apply(&format!(
            "{{kind: AWSAccount, metadata: {{name: {}}}, spec: {{region: us-east-1, requestsPerSecond: 1000}}}}",
            world.namespace
        ));
        world
    }

    /// Applies YAML; `ACCOUNT` in it is the name of the test's AWSAccount.
    pub fn apply(&self, yaml: &str) {
        let yaml = yaml.replace("ACCOUNT", &self.namespace);
        let documents: Vec<Value> = serde_saphyr::from_multiple(&yaml).expect("tests write YAML");
        for mut document in documents {
            document["apiVersion"] = "devopsagent.dev/v1alpha1".into();
            self.kubectl(&["apply", "-f", "-"], &document.to_string());
        }
    }

    /// Runs kubectl in the test's namespace.
    pub fn kubectl(&self, arguments: &[&str], input: &str) -> String {
        kubectl(&[&["-n", &self.namespace], arguments].concat(), input)
    }

    /// Asks the control interface of the simulated AWS.
    pub async fn control(&self, path: &str, body: &Value) {
        let url = format!("{}/_simulator/{path}", self.simulator.url());
        let answer = self.http.post(url).body(body.to_string()).send().await.expect("the simulator answers");
        assert!(answer.status().is_success(), "{path} {body}: {}", answer.text().await.unwrap());
    }

    /// Starts an operator with these arguments in addition to those of the test.
    pub fn operator(&self, arguments: &[&str]) -> Operator<'_> {
        let [admin, metrics, loglevel] = free_addresses();
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        fs::create_dir_all(folder).unwrap();
        let log = folder.join(format!("process-operator.log.{number}"));
        let mut command = Command::new(binary());
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("AWS_")) {
            command.env_remove(name);
        }
        command.args(["run", "--namespace", &self.namespace, "--watch-namespace", &self.namespace]);
        command.args(["--admin-address", &admin.to_string(), "--metrics-address", &metrics.to_string()]);
        command.args(["--loglevel-address", &loglevel.to_string()]);
        command.args(arguments).envs([
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "simulator"),
            ("AWS_SECRET_ACCESS_KEY", "simulator"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("AWS_CONFIG_FILE", "/dev/null"),
            ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
            ("NO_PROXY", "127.0.0.1"),
        ]);
        command.env("AWS_ENDPOINT_URL", self.simulator.url());
        let output = File::create(&log).unwrap();
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(output).spawn().unwrap();
        Operator { world: self, child, admin, metrics, loglevel, log }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // Nobody is left to look after the objects.
        let kinds = "agentspaces,assets,associations,privateconnections,serviceregistrations,triggers";
        for object in self.kubectl(&["get", kinds, "-o", "name"], "").lines() {
            let patch = r#"{"metadata": {"finalizers": null}}"#;
            self.kubectl(&["patch", object, "--type=merge", "-p", patch], "");
        }
        let account = format!("awsaccount/{}", self.namespace);
        kubectl(&["patch", &account, "--type=merge", "-p", r#"{"metadata": {"finalizers": null}}"#], "");
        kubectl(&["delete", &account, "--wait=false"], "");
        kubectl(&["delete", "namespace", &self.namespace, "--wait=false"], "");
    }
}

/// An operator that runs.
pub struct Operator<'a> {
    world: &'a World,
    child: Child,
    pub admin: SocketAddr,
    pub metrics: SocketAddr,
    loglevel: SocketAddr,
    log: PathBuf,
}

impl Operator<'_> {
    /// Asks the server of the probes.
    pub async fn get(&self, path: &str) -> Option<(u16, String)> {
        self.ask(self.world.http.get(format!("http://{}{path}", self.admin))).await
    }

    /// Changes the log level, or tells it without another one.
    pub async fn log_level(&self, wanted: Option<&'static str>) -> Option<(u16, String)> {
        let url = format!("http://{}/loglevel", self.loglevel);
        let http = &self.world.http;
        self.ask(wanted.map_or_else(|| http.get(&url), |level| http.put(&url).body(level))).await
    }

    /// The metrics, once they are served.
    pub async fn metrics(&self) -> String {
        let url = format!("http://{}/metrics", self.metrics);
        self.ask(self.world.http.get(url)).await.map(|(_, text)| text).unwrap_or_default()
    }

    async fn ask(&self, request: reqwest::RequestBuilder) -> Option<(u16, String)> {
        let answer = request.send().await.ok()?;
        Some((answer.status().as_u16(), answer.text().await.ok()?))
    }

    /// Waits until the probe says that it is ready.
    pub async fn ready(&self) -> &Self {
        self.until("it is ready", async || {
            (self.get("/readyz").await? == (200, "ok".to_owned())).then_some(())
        })
        .await;
        self
    }

    /// Waits until `look` finds what it looks for.
    pub async fn until<T>(&self, what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
        let end = Instant::now() + LIMIT;
        loop {
            if let Some(found) = look().await {
                return found;
            }
            assert!(Instant::now() < end, "within {LIMIT:?} this did not happen: {what}\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Everything that it has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Its memory in bytes, and how many files it has open.
    pub fn occupies(&self) -> (u64, usize) {
        let folder = PathBuf::from(format!("/proc/{}", self.child.id()));
        let status = fs::read_to_string(folder.join("status")).expect("the process runs");
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it has memory");
        let kilobytes: u64 = resident.trim().trim_end_matches(" kB").parse().expect("it is a number");
        (kilobytes * 1024, fs::read_dir(folder.join("fd")).expect("the process runs").count())
    }

    /// Asks it to end, as Kubernetes does.
    pub fn terminate(&self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    }

    /// Waits until it has ended.
    pub async fn ended(&mut self) -> ExitStatus {
        let end = Instant::now() + LIMIT;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < end, "it did not end:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Operator<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Applies the CRDs that the operator prints, and waits until they are served.
pub fn install_crds() {
    let output = Command::new(binary()).arg("crds").output().expect("the operator can be started");
    let crds = String::from_utf8(output.stdout).unwrap();
    kubectl(&["apply", "--server-side", "--force-conflicts", "-f", "-"], &crds);
    kubectl(&["wait", "--for=condition=Established", "--timeout=30s", "-f", "-"], &crds);
}

/// Runs kubectl, and gives what it prints.
pub fn kubectl(arguments: &[&str], input: &str) -> String {
    let program = std::env::var_os("DEVOPS_AGENT_KUBECTL_BIN").unwrap_or_else(|| "kubectl".into());
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("kubectl can be started");
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() || std::thread::panicking(), "kubectl {arguments:?} failed");
    String::from_utf8(output.stdout).unwrap()
}

fn binary() -> PathBuf {
    let given = std::env::var_os("DEVOPS_AGENT_OPERATOR_BIN");
    given.map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_devops-agent-operator")), PathBuf::from)
}

fn free_addresses<const N: usize>() -> [SocketAddr; N] {
    let listeners = [(); N].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free"));
    listeners.map(|listener| listener.local_addr().expect("a listener has an address"))
}
