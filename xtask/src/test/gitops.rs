//! What GitOps tools make of the project: kstatus of the fixtures, and the examples for Argo CD and Flux.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use super::report::Outcome;
use crate::cluster::Cluster;
use crate::error::{Doing, Error};
use crate::progress::{Step, say};
use crate::session::Session;
use crate::{cache, lock, poll};

/// Here each kind has its fixtures in `testdata/`, where Argo CD's own tests look for them.
const FIXTURES: &str = "argocd/resource_customizations/devopsagent.dev";
/// What every state must be to Argo CD and to kstatus.
const STATES: &str = "tests/gitops/states.json";
const PROGRAM: &str = "tests/kstatus";

/// Go modules that have CRDs in them, each with its checksum and the folder of its CRDs.
const CRDS: [(&str, &str, &str); 4] = [
    (
        "github.com/argoproj/argo-cd/v3@v3.5.1",
        "h1:jtwPLEFX9mNj3jSq88ugFcScGnOZVs2DWaXFuZxrRT8=",
        "manifests/crds",
    ),
    (
        "github.com/fluxcd/source-controller@v1.9.0",
        "h1:5msg2yyjVYDULZos+2ve8MZzcSqTpusiXmrOeBhc9yY=",
        "config/crd/bases",
    ),
    (
        "github.com/fluxcd/kustomize-controller@v1.7.3",
        "h1:SzNnGn/4ObAPEHHleM5U7y/AKxKXph3Vj6ZhteeXw8M=",
        "config/crd/bases",
    ),
    (
        "github.com/fluxcd/helm-controller@v1.6.0",
        "h1:jlS5X11SG26gspubB5aLrdVSCm0q0tA4ULsY+vwSkL0=",
        "config/crd/bases",
    ),
];

/// kstatus computes of every fixture what was decided for its state.
pub fn kstatus(session: &Session) -> Result<Outcome, Error> {
    let fixtures = fixtures(session)?;
    let program = program(session)?;
    let output = session.capture(Command::new(program).args(&fixtures).current_dir(session.root()))?;
    let output = output.require_success("kstatus")?;
    let states = session.root().join(STATES);
    let states = fs::read_to_string(&states).doing(|| format!("reading {}", states.display()))?;
    let states: BTreeMap<String, Value> =
        serde_json::from_str(&states).doing(|| format!("reading {STATES}"))?;
    let mut wrong = Vec::new();
    for line in output.lines() {
        let line: Value =
            serde_json::from_str(line).doing(|| format!("reading what kstatus says: {line}"))?;
        let path = line["path"].as_str().unwrap_or_default();
        let state = Path::new(path).file_stem().unwrap_or_default().to_string_lossy();
        let expected = states.get(&*state).map(|state| &state["kstatus"]);
        if expected != Some(&line["status"]) {
            let expected = expected.map_or("a line in the table of states".to_owned(), Value::to_string);
            wrong.push(format!("  {path}: {} ({}), not {expected}", line["status"], line["message"]));
        }
    }
    if output.lines().count() != fixtures.len() || fixtures.is_empty() || !wrong.is_empty() {
        return Err(Error::Other(format!("kstatus disagrees about:\n{}", wrong.join("\n"))));
    }
    say(&format!("{} fixtures.", fixtures.len()));
    Ok(Outcome::Passed)
}

/// The paths of all fixtures, from the root.
fn fixtures(session: &Session) -> Result<Vec<PathBuf>, Error> {
    let folder = session.root().join(FIXTURES);
    let mut found = Vec::new();
    for kind in entries(&folder)? {
        for file in entries(&kind.join("testdata"))? {
            found.push(file.strip_prefix(session.root()).unwrap_or(&file).to_owned());
        }
    }
    Ok(found)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let doing = || format!("reading {}", folder.display());
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).doing(doing)? {
        paths.push(entry.doing(doing)?.path());
    }
    paths.sort();
    Ok(paths)
}

/// The program, compiled once per version of its sources and kept.
fn program(session: &Session) -> Result<PathBuf, Error> {
    let source = session.root().join(PROGRAM);
    let mut inputs = Vec::new();
    for name in ["go.mod", "go.sum", "main.go"] {
        let file = source.join(name);
        inputs.push(fs::read(&file).doing(|| format!("reading {}", file.display()))?);
    }
    let inputs: Vec<&[u8]> = inputs.iter().map(Vec::as_slice).collect();
    let folder = cache::folder()?.join("kstatus").join(cache::key(&inputs));
    let program = folder.join("kstatus");
    if program.is_file() {
        return Ok(program);
    }
    fs::create_dir_all(&folder).doing(|| format!("creating {}", folder.display()))?;
    let _lock = lock::hold(&folder.join("lock"), "compiling kstatus")?;
    let step = Step::start("Compiling kstatus into the user's cache".to_owned());
    let new = folder.join("kstatus.new");
    let mut go = Command::new("go");
    go.args(["build", "-trimpath", "-mod=readonly", "-ldflags=-s -w", "-o"]).arg(&new).arg(".");
    go.current_dir(&source).env("CGO_ENABLED", "0").env("GOWORK", "off");
    session.capture(&mut go)?.require_success("go build")?;
    fs::rename(&new, &program).doing(|| format!("creating {}", program.display()))?;
    step.done();
    Ok(program)
}

/// The examples for Argo CD and Flux are what these tools' own CRDs allow, on a real API server.
pub fn examples(session: &Session, cluster: &Cluster) -> Result<Outcome, Error> {
    let kubectl = cluster.kubectl();
    let mut crds = vec!["apply".to_owned(), "--server-side".to_owned()];
    for (module, sum, folder) in CRDS {
        for file in entries(&download(session, module, sum)?.join(folder))? {
            let text = fs::read_to_string(&file).doing(|| format!("reading {}", file.display()))?;
            if text.lines().any(|line| line == "kind: CustomResourceDefinition") {
                crds.extend(["-f".to_owned(), file.display().to_string()]);
            }
        }
    }
    kubectl.attempt(&crds)?.require_success("kubectl apply of the CRDs of Argo CD and Flux")?;
    wait_until_served(cluster)?;
    for namespace in ["argocd", "flux-system"] {
        kubectl.attempt(["create", "namespace", namespace])?;
    }
    let dry = ["apply", "--server-side", "--dry-run=server", "--validate=strict", "--field-manager=examples"];
    let mut count = 0;
    for folder in ["examples/argocd/", "examples/flux/", "argocd/argocd-cm.yaml"] {
        let output = kubectl.attempt([&dry[..], &["-f", folder]].concat())?;
        let warned = output.stderr.contains("Warning:").then(|| output.stderr.clone());
        count += output.require_success(&format!("kubectl apply -f {folder}"))?.lines().count();
        if let Some(warning) = warned {
            return Err(Error::Other(format!("the API server warns about {folder}:\n{warning}")));
        }
    }
    say(&format!("{count} objects match the CRDs of Argo CD and Flux."));
    Ok(Outcome::Passed)
}

/// Waits until all CRDs are served. It polls, because kubectl gives up on a CRD that has no conditions yet.
fn wait_until_served(cluster: &Cluster) -> Result<(), Error> {
    let wait = ["wait", "--for=condition=Established", "crd", "--all", "--timeout=30s"];
    poll::until("all CRDs are served", Duration::from_mins(1), Duration::from_millis(500), || {
        Ok(cluster.kubectl().attempt(wait)?.status.success().then_some(()))
    })
}

/// The folder of a Go module, which Go downloads if necessary and verifies against the checksum.
fn download(session: &Session, module: &str, sum: &str) -> Result<PathBuf, Error> {
    let folder = session.folder("modules")?;
    let mut go = Command::new("go");
    go.args(["mod", "download", "-json", module]).current_dir(folder.path()).env("GOWORK", "off");
    let answer = session.capture_stdout(&mut go)?.require_success(&format!("go mod download {module}"))?;
    let answer: Value = serde_json::from_str(&answer).doing(|| format!("downloading {module}"))?;
    if answer["Sum"] != sum {
        return Err(Error::Other(format!("{module} has the checksum {}, not {sum}", answer["Sum"])));
    }
    Ok(PathBuf::from(answer["Dir"].as_str().unwrap_or_default()))
}
