//! The operator as a process.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::atomic::{AtomicU64, Ordering};

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::cell::Cell;
use crate::guard::{self, Guarded};
use crate::wait::wait_until;
use crate::{aws, cluster, ports};

/// Name of a log, before the numbers of the test program's process and of the operator.
const LOG: &str = "operator.log.";
/// So many lines of the log are shown when a test fails.
const SHOWN: usize = 60;

static NEXT: AtomicU64 = AtomicU64::new(0);

/// What cargo tells only the test program: where the operator is, and a folder for files.
#[derive(Clone, Debug)]
pub struct Built {
    /// The operator.
    pub program: PathBuf,
    /// A folder for logs and other files.
    pub folder: PathBuf,
}

/// The [`Built`] of the calling test program.
#[macro_export]
macro_rules! built {
    () => {
        $crate::Built::new(env!("CARGO_BIN_EXE_devops-agent-operator"), env!("CARGO_TARGET_TMPDIR"))
    };
}

impl Built {
    /// This operator, unless `DEVOPS_AGENT_OPERATOR_BIN` names another, and this folder.
    pub fn new(program: &str, folder: &str) -> Self {
        let program = std::env::var_os("DEVOPS_AGENT_OPERATOR_BIN").unwrap_or_else(|| program.into());
        fs::create_dir_all(folder).expect("a folder can be made");
        Self { program: program.into(), folder: folder.into() }
    }

    /// The CRDs as the operator prints them.
    pub fn crds(&self) -> Vec<Value> {
        let output = Command::new(&self.program).arg("crds").output().expect("the operator can be started");
        let text = String::from_utf8(output.stdout).expect("CRDs are text");
        serde_saphyr::from_multiple(&text).expect("CRDs are YAML")
    }
}

/// An operator that is about to be started.
#[must_use]
pub struct Launch<'a> {
    built: &'a Built,
    aws: String,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    cell: Option<&'a Cell>,
}

impl<'a> Launch<'a> {
    /// An operator for the AWS at this address.
    pub fn new(built: &'a Built, aws: &str) -> Self {
        let (arguments, environment) = (Vec::new(), Vec::new());
        Self { built, aws: aws.to_owned(), arguments, environment, cell: None }
    }

    /// With further arguments. Of a flag that is given twice the last counts.
    pub fn args<S: Into<String>>(mut self, arguments: impl IntoIterator<Item = S>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// With a variable in its environment.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With a limit of its memory.
    pub fn within(mut self, cell: &'a Cell) -> Self {
        self.cell = Some(cell);
        self
    }

    /// Starts it. It isn't ready yet.
    pub fn start(self) -> Operator {
        let [admin, metrics, loglevel] = [(); 3].map(|()| ports::free_address());
        remove_old_logs(&self.built.folder);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let log = self.built.folder.join(format!("{LOG}{}.{number}", std::process::id()));
        let folder = self.cell.and_then(Cell::folder);
        let mut command = guard::command(&self.built.program, &log, folder, Signal::SIGKILL);
        command.arg("run");
        let addresses =
            [("--admin-address", admin), ("--metrics-address", metrics), ("--loglevel-address", loglevel)];
        for (flag, address) in addresses {
            command.args([flag, &address.to_string()]);
        }
        command.args(&self.arguments);
        set_environment(&mut command, &self.aws);
        command.envs(self.environment);
        let process = Guarded::start(&mut command);
        Operator { process, admin, metrics, loglevel, log, http: cluster::http() }
    }
}

/// Only the simulator's settings apply, whatever the user's are.
pub(crate) fn set_environment(command: &mut Command, aws: &str) {
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("AWS_")) {
        command.env_remove(name);
    }
    command.envs([
        ("AWS_REGION", aws::REGION),
        ("AWS_ACCESS_KEY_ID", "simulator"),
        ("AWS_SECRET_ACCESS_KEY", "simulator"),
        ("AWS_ENDPOINT_URL", aws),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_CONFIG_FILE", "/dev/null"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
        ("NO_PROXY", "127.0.0.1"),
        ("RUST_BACKTRACE", "full"),
    ]);
}

/// Removes the logs of test programs that have ended.
fn remove_old_logs(folder: &Path) {
    for file in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = file.file_name();
        let numbers = name.to_str().and_then(|name| name.strip_prefix(LOG));
        let process = numbers.and_then(|numbers| numbers.split('.').next());
        if process.is_some_and(|process| !Path::new("/proc").join(process).exists()) {
            let _ = fs::remove_file(file.path());
        }
    }
}

/// An operator that was started. It ends when this is dropped.
pub struct Operator {
    process: Guarded,
    /// Where it answers probes.
    pub admin: SocketAddr,
    /// Where it serves metrics.
    pub metrics: SocketAddr,
    loglevel: SocketAddr,
    log: PathBuf,
    http: reqwest::Client,
}

impl Operator {
    /// Asks the server of the probes.
    pub async fn get(&self, path: &str) -> Option<(u16, String)> {
        ask(self.http.get(format!("http://{}{path}", self.admin))).await
    }

    /// Changes the log level, or only asks for it.
    pub async fn log_level(&self, wanted: Option<&'static str>) -> Option<(u16, String)> {
        let url = format!("http://{}/loglevel", self.loglevel);
        ask(wanted.map_or_else(|| self.http.get(&url), |level| self.http.put(&url).body(level))).await
    }

    /// The metrics; empty until they are served.
    pub async fn metrics(&self) -> String {
        let answer = ask(self.http.get(format!("http://{}/metrics", self.metrics))).await;
        answer.map(|(_, text)| text).unwrap_or_default()
    }

    /// What a reader with this token, or with none, gets where metrics are served over TLS.
    pub async fn metrics_for(&self, token: Option<&str>) -> (u16, String) {
        let request = self.http.get(format!("https://{}/metrics", self.metrics));
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        ask(request).await.expect("metrics are served over TLS")
    }

    /// Waits until it is ready.
    pub async fn ready(&self) {
        wait_until("the operator is ready", async || {
            self.get("/readyz").await.filter(|(status, _)| *status == 200)
        })
        .await;
    }

    /// Where it writes its log.
    pub fn log_path(&self) -> &Path {
        &self.log
    }

    /// Everything in the log.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// The lines of the log that contain any of `words`.
    pub fn log_lines(&self, words: &[&str]) -> Vec<String> {
        let has_one = |line: &&str| words.iter().any(|word| line.contains(word));
        self.log().lines().filter(has_one).map(str::to_owned).collect()
    }

    /// Waits until `part` is in the log.
    pub async fn says(&self, part: &str) {
        wait_until(format!("the log has: {part}"), async || self.log().contains(part).then_some(())).await;
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    /// Asks it to end, as Kubernetes does.
    pub fn terminate(&self) {
        self.signal(Signal::SIGTERM);
    }

    /// Whether it has ended.
    pub fn has_ended(&self) -> bool {
        self.process.status().is_some()
    }

    /// Waits until it has ended.
    pub async fn ended(&self) -> ExitStatus {
        wait_until("the operator ends", async || self.process.status()).await
    }

    /// The memory that it has in use, in KiB.
    pub fn memory(&self) -> u64 {
        self.status("VmRSS:")
    }

    /// Its peak memory, in KiB.
    pub fn most_memory(&self) -> u64 {
        self.status("VmHWM:")
    }

    /// How many files it has open.
    pub fn open_files(&self) -> usize {
        fs::read_dir(self.proc("fd")).expect("the process is there").count()
    }

    fn status(&self, name: &str) -> u64 {
        let status = fs::read_to_string(self.proc("status")).expect("the process is there");
        let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("it has memory");
        line.trim().trim_end_matches("kB").trim().parse().expect("it is a number")
    }

    fn proc(&self, file: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{file}", self.process.pid()))
    }
}

async fn ask(request: reqwest::RequestBuilder) -> Option<(u16, String)> {
    let answer = request.send().await.ok()?;
    Some((answer.status().as_u16(), answer.text().await.ok()?))
}

impl Drop for Operator {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            let shown = lines[lines.len().saturating_sub(SHOWN)..].join("\n");
            eprintln!("──── the end of an operator's log (all of it: {})\n{shown}", self.log.display());
        } else {
            let _ = fs::remove_file(&self.log);
        }
    }
}
