//! Compiling the programs with Go into the cache.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;

use super::tools::Tool;
use crate::error::{Doing, Error};
use crate::progress::Step;
use crate::session::Session;
use crate::{lock, process};

/// The version that the Kubernetes programs say they are: the one in go.mod.
pub const VERSION: &str = "v1.36.3";

/// Compiles those programs that the cache has not got. Several xtasks at once do it one after the other, and each
/// program appears in the cache complete or not at all.
pub fn fill(
    session: &Session,
    module: &Path,
    cache: &Path,
    tools: &[Tool],
    alone: bool,
) -> Result<(), Error> {
    if missing(cache, tools).is_empty() {
        return Ok(());
    }
    fs::create_dir_all(cache).doing(|| format!("creating the cache {}", cache.display()))?;
    let _lock = lock::hold(&cache.join("lock"), "compiling the control plane")?;
    let missing = missing(cache, tools);
    if missing.is_empty() {
        return Ok(());
    }
    let work = cache.join("building");
    let result = compile(session, module, cache, &work, &missing, alone);
    let _ = fs::remove_dir_all(&work);
    result
}

fn missing(cache: &Path, tools: &[Tool]) -> Vec<Tool> {
    tools.iter().copied().filter(|tool| !cache.join(tool.file()).is_file()).collect()
}

fn compile(
    session: &Session,
    module: &Path,
    cache: &Path,
    work: &Path,
    tools: &[Tool],
    alone: bool,
) -> Result<(), Error> {
    let source = work.join("module");
    let _ = fs::remove_dir_all(work);
    fs::create_dir_all(&source).doing(|| format!("creating {}", source.display()))?;
    for name in ["go.mod", "go.sum"] {
        fs::copy(module.join(name), source.join(name)).doing(|| format!("copying {name}"))?;
    }
    let names: Vec<&str> = tools.iter().map(|tool| tool.file()).collect();
    let what = format!("Compiling {} (minutes the first time, then cached)", names.join(", "));
    let step = Arc::new(if alone { Step::start(what) } else { Step::start_in_background(what) });
    install(session, &source, &work.join("bin"), tools, &step)?;
    for tool in tools {
        fs::rename(work.join("bin").join(tool.built_file()), cache.join(tool.file()))
            .doing(|| format!("moving {} into the cache", tool.file()))?;
    }
    if let Some(step) = Arc::into_inner(step) {
        step.done();
    }
    Ok(())
}

fn install(
    session: &Session,
    source: &Path,
    target: &Path,
    tools: &[Tool],
    step: &Arc<Step>,
) -> Result<(), Error> {
    let mut command = Command::new("go");
    command.args(["install", "-v", "-trimpath", "-mod=readonly", "-ldflags", &linker_flags()]);
    command.args(tools.iter().map(|tool| tool.package()));
    command.current_dir(source).env("CGO_ENABLED", "0").env("GOBIN", target).env("GOWORK", "off");
    command.env_remove("GOOS").env_remove("GOARCH").stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = session.spawn(&mut command).map_err(|error| match error {
        Error::Io { source, .. } => Error::Other(format!(
            "compiling the control plane needs Go 1.26 or newer on the PATH ({source}); or set KUBEBUILDER_ASSETS to \
             a folder with etcd, kube-apiserver, kube-controller-manager and kubectl"
        )),
        other => other,
    })?;
    let reader = child.stderr.take().map(|pipe| {
        let step = Arc::clone(step);
        thread::spawn(move || follow(pipe, &step))
    });
    let status = process::wait(&mut child)?;
    let complaints = reader.and_then(|reader| reader.join().ok()).unwrap_or_default();
    if status.success() {
        return Ok(());
    }
    let doing = "compiling the control plane with Go".to_owned();
    Err(Error::Command { doing, status: status.to_string(), output: complaints })
}

fn linker_flags() -> String {
    const PACKAGE: &str = "k8s.io/component-base/version";
    let mut numbers = VERSION.trim_start_matches('v').split('.');
    let (major, minor) = (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default());
    format!(
        "-s -w -X {PACKAGE}.gitVersion={VERSION} -X {PACKAGE}.gitMajor={major} -X {PACKAGE}.gitMinor={minor}"
    )
}

/// Turns Go's list of the packages that it compiles into progress; what is not a package's name is a complaint.
fn follow(pipe: impl Read, step: &Step) -> String {
    let mut compiled = 0_u32;
    let mut complaints = String::new();
    for line in BufReader::new(pipe).lines().map_while(Result::ok) {
        if is_package(&line) {
            compiled += 1;
            step.detail(format!("{compiled} packages, now {line}"));
        } else if let Some(module) = line.strip_prefix("go: downloading ") {
            step.detail(format!("downloading {module}"));
        } else {
            complaints.push_str(&line);
            complaints.push('\n');
        }
    }
    complaints
}

fn is_package(line: &str) -> bool {
    !line.is_empty() && !line.contains([' ', ':', '#'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_linker_is_told_the_version_in_three_parts() {
        let flags = linker_flags();
        assert!(flags.starts_with("-s -w "));
        for part in ["gitVersion=v1.36.3", "gitMajor=1 ", "gitMinor=36"] {
            assert!(flags.contains(part), "{flags}");
        }
    }

    #[test]
    fn compilers_complaints_are_told_from_package_names() {
        assert!(is_package("k8s.io/apiserver/pkg/server"));
        assert!(!is_package("# k8s.io/apiserver"));
        assert!(!is_package("main.go:3:4: undefined: x"));
        assert!(!is_package("go: downloading k8s.io/api v0.36.3"));
    }
}
