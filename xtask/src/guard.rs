//! A process that outlives xtask for a moment, to end what xtask has started.
//!
//! Every child joins the guard's process group. The guard waits for the end of its standard input, which comes when
//! xtask is gone, however it went (SIGKILL too), and then ends the group and removes the temporary folders. Nothing
//! outside that group is ever signalled.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::io::{self, BufRead, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use nix::sys::signal::{SigSet, Signal, kill};
use nix::unistd::Pid;

use crate::error::{Doing, Error};

/// The line with which xtask says that it has cleaned up by itself.
const DONE: &str = "done";
const KEEP: &str = "keep ";
const REMOVE: &str = "remove ";
/// How long programs get between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_millis(700);

/// The guard as xtask sees it.
#[derive(Debug)]
pub struct Guard {
    process: Child,
    pipe: Mutex<Option<ChildStdin>>,
}

impl Guard {
    /// Starts the guard: this very program, as the leader of a group of its own.
    pub fn start() -> Result<Self, Error> {
        let program = env::current_exe().doing(|| "finding xtask's own program file".to_owned())?;
        let mut process = Command::new(program)
            .arg("guard")
            .stdin(Stdio::piped())
            .process_group(0)
            .spawn()
            .doing(|| "starting the guard process".to_owned())?;
        let pipe = Mutex::new(process.stdin.take());
        Ok(Self { process, pipe })
    }

    /// Puts a program that is about to be started into the guarded group.
    pub fn adopt(&self, command: &mut Command) {
        command.process_group(self.process.id().cast_signed());
    }

    /// Has a folder removed if xtask can't do it any more.
    pub fn will_remove(&self, folder: &Path) {
        self.tell(REMOVE, folder);
    }

    /// The folder is gone, or is to stay.
    pub fn will_keep(&self, folder: &Path) {
        self.tell(KEEP, folder);
    }

    fn tell(&self, word: &str, folder: &Path) {
        if let Ok(mut pipe) = self.pipe.lock()
            && let Some(pipe) = pipe.as_mut()
        {
            // A guard that is gone can't be told anything; xtask still cleans up by itself.
            let _ = writeln!(pipe, "{word}{}", folder.display());
        }
    }
}

impl Drop for Guard {
    /// Whatever is still running in the group (a compiler under a cargo that was stopped) ends here.
    fn drop(&mut self) {
        if let Ok(mut pipe) = self.pipe.lock()
            && let Some(mut pipe) = pipe.take()
        {
            let _ = writeln!(pipe, "{DONE}");
        }
        let _ = self.process.wait();
    }
}

/// The guard process itself.
pub fn run() -> Result<(), Error> {
    SigSet::all().thread_block().map_err(io::Error::from).doing(|| "blocking signals".to_owned())?;
    let mut folders = BTreeSet::new();
    let mut orderly = false;
    for line in io::stdin().lock().lines().map_while(Result::ok) {
        if let Some(folder) = line.strip_prefix(REMOVE) {
            folders.insert(PathBuf::from(folder));
        } else if let Some(folder) = line.strip_prefix(KEEP) {
            folders.remove(Path::new(folder));
        }
        orderly = line == DONE;
    }
    if !orderly {
        signal_own_group(Signal::SIGTERM);
        thread::sleep(GRACE);
    }
    for folder in folders {
        let _ = fs::remove_dir_all(folder);
    }
    signal_own_group(Signal::SIGKILL);
    Ok(())
}

/// Process id 0 means the group of the caller.
fn signal_own_group(signal: Signal) {
    let _ = kill(Pid::from_raw(0), signal);
}
