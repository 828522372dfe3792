//! Programs that are run to their end.

use std::io::{self, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::error::{Doing, Error};
use crate::forward::Forward;
use crate::interrupt;
use crate::session::Session;

/// How a program ended and what it wrote.
#[derive(Debug)]
pub struct Output {
    /// Its exit status.
    pub status: ExitStatus,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
}

impl Output {
    /// Standard output of a program that succeeded; otherwise an error with what it said.
    pub fn require_success(self, doing: &str) -> Result<String, Error> {
        if self.status.success() {
            return Ok(self.stdout);
        }
        let output = format!("{}{}", self.stdout, self.stderr).trim_end().to_owned();
        Err(Error::Command { doing: doing.to_owned(), status: self.status.to_string(), output })
    }
}

impl Session {
    /// Starts a program in the guarded group, with nothing to read.
    pub fn spawn(&self, command: &mut Command) -> Result<Child, Error> {
        interrupt::check()?;
        self.guard().adopt(command);
        command
            .stdin(Stdio::null())
            .spawn()
            .doing(|| format!("starting {}", command.get_program().to_string_lossy()))
    }

    /// Runs a program to its end and keeps what it writes.
    pub fn capture(&self, command: &mut Command) -> Result<Output, Error> {
        let mut child = self.spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped()))?;
        let stdout = read_in_background(child.stdout.take());
        let stderr = read_in_background(child.stderr.take());
        let status = wait(&mut child)?;
        Ok(Output { status, stdout: join(stdout), stderr: join(stderr) })
    }

    /// Runs a program to its end and keeps what it writes to standard output; the user sees the rest.
    pub fn capture_stdout(&self, command: &mut Command) -> Result<Output, Error> {
        let mut child = self.spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped()))?;
        let stdout = read_in_background(child.stdout.take());
        let stderr = Forward::start(child.stderr.take(), io::stderr());
        let status = wait(&mut child)?;
        stderr.finish();
        Ok(Output { status, stdout: join(stdout), stderr: String::new() })
    }

    /// Runs a program to its end and lets the user see what it writes.
    pub fn stream(&self, command: &mut Command) -> Result<ExitStatus, Error> {
        let mut child = self.spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped()))?;
        let stdout = Forward::start(child.stdout.take(), io::stdout());
        let stderr = Forward::start(child.stderr.take(), io::stderr());
        let status = wait(&mut child)?;
        stdout.finish();
        stderr.finish();
        Ok(status)
    }
}

fn read_in_background(source: Option<impl Read + Send + 'static>) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut source) = source {
            let _ = source.read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

fn join(reader: thread::JoinHandle<String>) -> String {
    reader.join().unwrap_or_default()
}

/// Waits for the end of a program; ends it when the user interrupts.
pub fn wait(child: &mut Child) -> Result<ExitStatus, Error> {
    loop {
        if let Some(status) = child.try_wait().doing(|| "waiting for a program".to_owned())? {
            return Ok(status);
        }
        if let Err(interrupted) = interrupt::sleep(Duration::from_millis(20)) {
            stop(child, Duration::from_secs(2));
            return Err(interrupted);
        }
    }
}

/// Ends a program: asks it first, and kills it after a while.
pub fn stop(child: &mut Child, patience: Duration) {
    let _ = kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGTERM);
    let end = Instant::now() + patience;
    while Instant::now() < end {
        if !matches!(child.try_wait(), Ok(None)) {
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
    let _ = child.kill();
    let _ = child.wait();
}
