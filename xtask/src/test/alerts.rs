//! The alerts, checked by Prometheus' own tool.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::report::Outcome;
use crate::error::{Doing, Error};
use crate::progress::{Step, say};
use crate::search::on_path;
use crate::session::Session;
use crate::{cache, lock};

const RULES: &str = "charts/devops-agent-operator/files/alerts.yaml";
const TESTS: &str = "tests/alerts";
/// The module that pins the version which is compiled where there is no package.
const MODULE: &str = "xtask/promtool";

/// The rules can be read, and each alert fires when it should and only then.
pub fn check(session: &Session) -> Result<Outcome, Error> {
    let promtool = promtool(session)?;
    let mut tests: Vec<PathBuf> = Vec::new();
    let folder = session.root().join(TESTS);
    let doing = || format!("reading {}", folder.display());
    for entry in fs::read_dir(&folder).doing(doing)? {
        tests.push(entry.doing(doing)?.path());
    }
    tests.sort();
    succeed(session, Command::new(&promtool).args(["check", "rules", RULES]))?;
    succeed(session, Command::new(&promtool).args(["test", "rules"]).args(tests))?;
    Ok(Outcome::Passed)
}

fn succeed(session: &Session, command: &mut Command) -> Result<(), Error> {
    if session.stream(command.current_dir(session.root()))?.success() {
        return Ok(());
    }
    let line: Vec<_> = command.get_args().map(|argument| argument.to_string_lossy()).collect();
    Err(Error::Other(format!("failed: promtool {}", line.join(" "))))
}

/// The user's own promtool; otherwise one in the cache, which comes from Debian's package if there is apt, and is
/// compiled with Go elsewhere.
fn promtool(session: &Session) -> Result<PathBuf, Error> {
    if let Some(installed) = on_path("promtool") {
        return Ok(installed);
    }
    let module = session.root().join(MODULE);
    let read = |name: &str| fs::read(module.join(name)).doing(|| format!("reading {MODULE}/{name}"));
    let folder = cache::folder()?.join("promtool").join(cache::key(&[&read("go.mod")?, &read("go.sum")?]));
    let program = folder.join("promtool");
    if program.is_file() {
        return Ok(program);
    }
    fs::create_dir_all(&folder).doing(|| format!("creating {}", folder.display()))?;
    let _lock = lock::hold(&folder.join("lock"), "getting promtool")?;
    let work = folder.join("work");
    let _ = fs::remove_dir_all(&work);
    fs::create_dir_all(&work).doing(|| format!("creating {}", work.display()))?;
    let made = match unpack(session, &work)? {
        Some(unpacked) => unpacked,
        None => compile(session, &module, &work)?,
    };
    fs::rename(&made, &program).doing(|| format!("moving {} into the cache", made.display()))?;
    let _ = fs::remove_dir_all(&work);
    Ok(program)
}

/// Takes it out of Debian's package, without installing that; none where that does not work.
fn unpack(session: &Session, work: &Path) -> Result<Option<PathBuf>, Error> {
    let step = Step::start("Unpacking promtool from the package prometheus");
    let mut download = Command::new("apt-get");
    download.args(["download", "-q", "prometheus"]).current_dir(work);
    if !ran_well(session, &mut download)? {
        return Ok(None);
    }
    let is_package = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "deb");
    let files = fs::read_dir(work).doing(|| format!("reading {}", work.display()))?;
    let Some(package) = files.flatten().map(|file| file.path()).find(is_package) else { return Ok(None) };
    let target = work.join("package");
    if !ran_well(session, Command::new("dpkg-deb").arg("-x").arg(package).arg(&target))? {
        return Ok(None);
    }
    let program = target.join("usr/bin/promtool");
    // A program for other libraries than those of this machine is useless.
    if !program.is_file() || !ran_well(session, Command::new(&program).arg("--version"))? {
        return Ok(None);
    }
    step.done();
    Ok(Some(program))
}

/// Whether a program is there and succeeds.
fn ran_well(session: &Session, command: &mut Command) -> Result<bool, Error> {
    match session.capture(command) {
        Ok(output) if output.status.success() => Ok(true),
        Err(Error::Interrupted) => Err(Error::Interrupted),
        Ok(output) => {
            say(output.stderr.trim());
            Ok(false)
        }
        Err(error) => {
            say(&error.to_string());
            Ok(false)
        }
    }
}

fn compile(session: &Session, module: &Path, work: &Path) -> Result<PathBuf, Error> {
    let step = Step::start("Compiling promtool (minutes the first time, then cached)");
    let mut command = Command::new("go");
    command.args(["install", "-trimpath", "-mod=readonly", "-ldflags", "-s -w"]);
    command.arg("github.com/prometheus/prometheus/cmd/promtool").current_dir(module);
    command.env("CGO_ENABLED", "0").env("GOBIN", work).env("GOWORK", "off");
    command.env_remove("GOOS").env_remove("GOARCH");
    session.capture(&mut command)?.require_success("compiling promtool with Go")?;
    step.done();
    Ok(work.join("promtool"))
}
