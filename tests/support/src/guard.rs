//! A program that doesn't outlive the test program, however that ends.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Starts a program, tells its number, and ends it when the standard input does: when this process is gone. Ends as the
/// program does.
const GUARD: &str = r#"
log=$1; cell=$2; signal=$3; shift 3
if [ -n "$cell" ]; then echo $$ >"$cell/cgroup.procs"; fi
exec 3<&0
"$@" </dev/null 3<&- >"$log" 2>&1 &
child=$!
echo "$child"
(cat <&3; kill -"$signal" "$child") >/dev/null 2>&1 &
watcher=$!
# Nobody needs to read how the shell calls a program's end.
exec 2>/dev/null
wait "$child"
status=$?
kill "$watcher"
exit "$status"
"#;

/// A program that ends when this is dropped.
pub struct Guarded {
    shell: Mutex<Child>,
    pid: Pid,
}

/// A command, still without arguments, for a program with this log, and in this cgroup if there is one. It is ended by
/// this signal.
pub fn command(program: &Path, log: &Path, cell: Option<&Path>, end: Signal) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", GUARD, "guard"]).arg(log).arg(cell.unwrap_or(Path::new("")));
    command.arg(end.as_str().trim_start_matches("SIG")).arg(program);
    command
}

impl Guarded {
    /// Starts what [`command`] made.
    pub fn start(command: &mut Command) -> Self {
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut shell = piped.spawn().expect("a shell can be started");
        let mut line = String::new();
        let output = shell.stdout.take().expect("its output is a pipe");
        BufReader::new(output).read_line(&mut line).expect("the shell tells the number of the process");
        let pid = Pid::from_raw(line.trim().parse().expect("it is a number"));
        Self { shell: Mutex::new(shell), pid }
    }

    /// The number of the program's process.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Sends a signal to the program.
    pub fn signal(&self, signal: Signal) {
        kill(self.pid, signal).expect("the process can be signalled");
    }

    /// How the program ended, if it has.
    pub fn status(&self) -> Option<ExitStatus> {
        self.shell().try_wait().expect("the shell can be asked")
    }

    fn shell(&self) -> MutexGuard<'_, Child> {
        self.shell.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        let mut shell = self.shell();
        drop(shell.stdin.take());
        let _ = shell.wait();
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::runtime::block_on;
    use crate::wait::wait_until;

    fn shell(name: &str, script: &str, end: Signal) -> (Guarded, PathBuf) {
        let log = std::env::temp_dir().join(format!("guard-{name}-{}.log", std::process::id()));
        let mut command = command(Path::new("/bin/sh"), &log, None, end);
        (Guarded::start(command.args(["-c", script])), log)
    }

    #[test]
    fn it_ends_as_its_program_does() {
        let (guarded, log) = shell("status", "echo said; exit 7", Signal::SIGKILL);
        let status = block_on(wait_until("the program ends", async || guarded.status()));
        assert_eq!(status.code(), Some(7));
        assert_eq!(std::fs::read_to_string(&log).unwrap(), "said\n");
        std::fs::remove_file(log).unwrap();
    }

    #[test]
    fn a_program_that_was_stopped_ends_with_it_all_the_same() {
        let (guarded, log) = shell("stopped", "kill -STOP $$", Signal::SIGKILL);
        let process = PathBuf::from(format!("/proc/{}", guarded.pid()));
        let state =
            async || std::fs::read_to_string(process.join("stat")).ok().filter(|stat| stat.contains(") T "));
        block_on(wait_until("the program is stopped", state));
        assert!(guarded.status().is_none());
        drop(guarded);
        assert!(!process.exists());
        std::fs::remove_file(log).unwrap();
    }

    #[test]
    fn it_asks_its_program_to_end_and_waits_for_it() {
        let script = "trap 'echo asked; exit 0' TERM; echo ready; while :; do sleep 0.01; done";
        let (guarded, log) = shell("asked", script, Signal::SIGTERM);
        let said = || std::fs::read_to_string(&log).unwrap_or_default();
        block_on(wait_until("it is ready", async || (said() == "ready\n").then_some(())));
        drop(guarded);
        assert_eq!(said(), "ready\nasked\n");
        std::fs::remove_file(log).unwrap();
    }
}
