//! An operator as a process that can be killed and frozen.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::wait_until;
use super::world::World;

/// Starts a program, prints its process id, and ends it when standard input closes: when this process is gone, for
/// whatever reason.
const GUARD: &str = r#"if [ -n "$HARDSHIP_CGROUP" ]; then echo $$ >"$HARDSHIP_CGROUP/cgroup.procs"; fi; log=$1; shift; "$@" </dev/null >"$log" 2>&1 & child=$!; echo "$child"; cat >/dev/null; kill -KILL "$child" 2>/dev/null"#;

static NEXT: AtomicU64 = AtomicU64::new(0);

/// One replica of the operator.
pub struct Replica {
    guard: Child,
    pid: Pid,
    admin: SocketAddr,
    metrics: SocketAddr,
    loglevel: SocketAddr,
    log: PathBuf,
}

impl Replica {
    /// Starts a replica for the test's namespace and AWS.
    pub fn start(world: &World, arguments: &[&str]) -> Self {
        Self::start_with(world, arguments, &[])
    }

    /// The same, with more in its environment.
    pub fn start_with(world: &World, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        Self::start_in(world, &world.namespace, arguments, environment)
    }

    /// The same, for another namespace.
    pub fn start_in(
        world: &World,
        namespace: &str,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Self {
        let arguments = [&["--namespace", namespace, "--watch-namespace", namespace], arguments].concat();
        Self::spawn(world, &arguments, environment)
    }

    /// A replica that watches all namespaces: only for a test without others beside it.
    pub fn start_everywhere(world: &World, environment: &[(&str, &str)]) -> Self {
        Self::spawn(world, &["--namespace", &world.namespace], environment)
    }

    fn spawn(world: &World, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let (admin, metrics, loglevel) = (free_address(), free_address(), free_address());
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let log = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("hardship-{}-{number}.log", std::process::id()));
        let mut command = Command::new("/bin/sh");
        command.args(["-c", GUARD, "guard"]).arg(&log).arg(binary());
        command.args([
            "run",
            "--admin-address",
            &admin.to_string(),
            "--loglevel-address",
            &loglevel.to_string(),
            "--metrics-address",
            &metrics.to_string(),
        ]);
        command.args(arguments);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("AWS_")) {
            command.env_remove(name);
        }
        command.envs([
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "simulator"),
            ("AWS_SECRET_ACCESS_KEY", "simulator"),
            ("AWS_ENDPOINT_URL", &world.simulator.url()),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("AWS_CONFIG_FILE", "/dev/null"),
            ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
            ("NO_PROXY", "127.0.0.1"),
            ("RUST_BACKTRACE", "full"),
        ]);
        command.envs(environment.iter().copied());
        let mut guard =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a shell can be started");
        let mut line = String::new();
        let output = guard.stdout.take().expect("its output is a pipe");
        BufReader::new(output).read_line(&mut line).expect("the shell tells the number of the process");
        let pid = Pid::from_raw(line.trim().parse().expect("it is a number"));
        Self { guard, pid, admin, metrics, loglevel, log }
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        kill(self.pid, signal).expect("the process can be signalled");
    }

    /// Whether the process has ended.
    pub fn has_ended(&self) -> bool {
        // Until the shell has waited for it, it is there as a zombie.
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid)).unwrap_or_default();
        stat.rsplit(") ").next().is_none_or(|state| state.is_empty() || state.starts_with(['Z', 'X']))
    }

    /// Waits until the process has ended.
    pub async fn ended(&self) {
        wait_until("the replica ends", async || self.has_ended().then_some(())).await;
    }

    /// What a probe says, or the page of metrics.
    pub async fn probe(&self, world: &World, path: &str) -> Option<(u16, String)> {
        let address = match path {
            "metrics" => self.metrics,
            "loglevel" => self.loglevel,
            _ => self.admin,
        };
        let answer = world.http.get(format!("http://{address}/{path}")).send().await.ok()?;
        Some((answer.status().as_u16(), answer.text().await.ok()?))
    }

    /// Waits until the replica is ready.
    pub async fn ready(&self, world: &World) -> String {
        wait_until("the replica is ready", async || {
            self.probe(world, "readyz").await.filter(|(status, _)| *status == 200).map(|(_, text)| text)
        })
        .await
    }

    /// Everything in the log.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Waits until `part` is in the log.
    pub async fn says(&self, part: &str) {
        wait_until(format!("the log has: {part}"), async || self.log().contains(part).then_some(())).await;
    }

    /// The memory that it has in use, in KiB.
    pub fn memory(&self) -> u64 {
        self.status("VmRSS:")
    }

    /// Its peak memory, in KiB.
    pub fn most_memory(&self) -> u64 {
        self.status("VmHWM:")
    }

    fn status(&self, name: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid)).expect("the process is there");
        let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("it has memory");
        line.trim().trim_end_matches("kB").trim().parse().expect("it is a number")
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        // One that was stopped is ended by this signal all the same.
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
        if std::thread::panicking() {
            eprintln!("──── the log of a replica\n{}", tail(&self.log(), 60));
        }
        let _ = fs::remove_file(&self.log);
    }
}

fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

fn binary() -> PathBuf {
    let given = std::env::var_os("DEVOPS_AGENT_OPERATOR_BIN");
    given.map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_devops-agent-operator")), PathBuf::from)
}

/// Of the ports that no outgoing connection takes meanwhile: those that the system hands out may be taken again before
/// the replica listens.
fn free_address() -> SocketAddr {
    const PORTS: std::ops::Range<u16> = 20_000..30_000;
    static TRIED: AtomicU16 = AtomicU16::new(0);
    // Another run of these tests beside this one begins elsewhere.
    let first = u16::try_from(std::process::id() % 50).unwrap_or_default() * 200;
    let free = (0..PORTS.end - PORTS.start).find_map(|_| {
        let offset = first.wrapping_add(TRIED.fetch_add(1, Ordering::Relaxed)) % (PORTS.end - PORTS.start);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, PORTS.start + offset)).ok()?;
        listener.local_addr().ok()
    });
    free.expect("a port is free")
}
