//! The simulator as a program.

use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use devops_agent_simulator::{Options, Simulator, Switches};
use serde_json::{Map, Value};
use tracing_subscriber::EnvFilter;

/// AWS DevOps Agent, simulated: the whole control-plane API on a local port.
///
/// Signatures are checked against the key pair; the region is the one that a request is signed for, and every
/// account and region has its own state. Unsigned requests under /_simulator/ read and change the state, inject
/// faults and turn switches: see the README. When ready, one line on stdout says "listening on http://…"; logs
/// go to stderr (the variable `RUST_LOG` sets how much).
#[derive(Debug, Parser)]
#[command(version, max_term_width = 110)]
struct Arguments {
    /// Where to listen; port 0 picks a free one
    #[arg(long, default_value = "127.0.0.1:4580", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// Access key id that signs requests
    #[arg(long, default_value = "simulator", value_name = "ID")]
    access_key_id: String,
    /// Secret access key that signs requests
    #[arg(long, default_value = "simulator", value_name = "SECRET", hide_env_values = true)]
    secret_access_key: String,
    /// Account that the key pair belongs to
    #[arg(long, default_value = "123456789012", value_name = "ID", value_parser = account_id)]
    account_id: String,
    /// Keep the state in this file over restarts; it is written on every change, webhook secrets included
    #[arg(long, value_name = "PATH")]
    state_file: Option<PathBuf>,
    /// Base of the webhook and authorization URLs that are given out [default: where it listens]
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// Milliseconds that a private connection takes to come up or to be deleted [default: 1500]
    #[arg(long, value_name = "MS")]
    settle_ms: Option<u64>,
    /// How far a client's clock may be off, in seconds
    #[arg(long, default_value_t = 900, value_name = "SECONDS")]
    clock_tolerance: u64,

    /// How far the service's clock is ahead of this machine's, in seconds; negative for behind
    #[arg(long, default_value_t = 0, allow_negative_numbers = true)]
    clock_offset: i64,
    /// Turn a switch, such as associateExisting=new-id; can be repeated. An unknown name or value lists what
    /// there is
    #[arg(long = "switch", value_name = "NAME=VALUE")]
    switches: Vec<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .init();
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("devops-agent-simulator: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> io::Result<()> {
    let switches =
        switches(&arguments).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    let stop = stop_signal()?;
    let running = Simulator::start(Options {
        listen: arguments.listen,
        access_key_id: arguments.access_key_id,
        secret_access_key: arguments.secret_access_key,
        account_id: arguments.account_id,
        state_file: arguments.state_file,
        public_url: arguments.public_url,
        clock_tolerance: std::time::Duration::from_secs(arguments.clock_tolerance),
        clock_offset: jiff::SignedDuration::from_secs(arguments.clock_offset),
        switches,
        ..Options::default()
    })
    .await?;
    println!("listening on {}", running.url());
    io::stdout().flush()?;
    stop.await;
    running.stop().await
}

fn switches(arguments: &Arguments) -> Result<Switches, String> {
    let mut changes = Map::new();
    for switch in &arguments.switches {
        let (name, text) =
            switch.split_once('=').ok_or_else(|| format!("--switch {switch}: expected NAME=VALUE"))?;
        let value = serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()));
        changes.insert(name.to_owned(), value);
    }
    if let Some(settle) = arguments.settle_ms {
        changes.insert("settleMs".to_owned(), settle.into());
    }
    Switches::default().with(&changes)
}

fn account_id(text: &str) -> Result<String, String> {
    if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(text.to_owned());
    }
    Err("an account id has 12 digits".to_owned())
}

/// Listens for the signals that ask the program to end; the future is ready once one has come.
///
/// It listens from the call on: who reads where the program listens may end it at once.
#[cfg(unix)]
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}
