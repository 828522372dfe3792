//! What a release is made by, as far as it can be checked without making one: workflows, Dockerfile, versions.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::report::Outcome;
use crate::error::{Doing, Error};
use crate::progress::Step;
use crate::session::Session;
use crate::{cache, lock, versions};

/// Where the Go module is that pins the linter.
const MODULE: &str = "xtask/linters";
const ACTIONLINT: &str = "github.com/rhysd/actionlint/cmd/actionlint";
const WORKFLOWS: &str = ".github/workflows";

/// The workflows are well formed and what they use is pinned, the image is built with the same Rust, and all versions
/// agree.
pub fn check(session: &Session) -> Result<Outcome, Error> {
    versions::check(session.root(), None)?;
    let mut complaints = Vec::new();
    let mut rust = Vec::new();
    for path in workflows(session.root())? {
        let text = fs::read_to_string(&path).doing(|| format!("reading {}", path.display()))?;
        complaints.extend(unpinned(&text).into_iter().map(|line| {
            format!("{}: not pinned by commit hash with the version in a comment: {line}", path.display())
        }));
        rust.extend(after(&text, "RUST_VERSION: ").map(str::to_owned));
    }
    let dockerfile =
        fs::read_to_string(session.root().join("Dockerfile")).doing(|| "reading Dockerfile".to_owned())?;
    rust.extend(
        after(&dockerfile, "FROM rust:").filter_map(|image| Some(image.split_once('-')?.0.to_owned())),
    );
    complaints.extend(
        without_digest(&dockerfile)
            .into_iter()
            .map(|line| format!("Dockerfile: the base image is not pinned by digest: {line}")),
    );
    if rust.iter().any(|version| version != &rust[0]) {
        complaints.push(format!(
            "the workflows and the Dockerfile use several versions of Rust: {}",
            rust.join(", ")
        ));
    }
    if !complaints.is_empty() {
        return Err(Error::Other(complaints.join("\n")));
    }
    lint(session)
}

fn workflows(root: &Path) -> Result<Vec<PathBuf>, Error> {
    let folder = fs::read_dir(root.join(WORKFLOWS)).doing(|| format!("reading {WORKFLOWS}"))?;
    let mut files: Vec<PathBuf> = folder.filter_map(|file| file.ok().map(|file| file.path())).collect();
    files.sort();
    Ok(files)
}

/// The lines that use an action by a name that its owner can move.
fn unpinned(workflow: &str) -> Vec<&str> {
    let uses = workflow
        .lines()
        .map(|line| line.trim_start().trim_start_matches("- "))
        .filter(|line| line.starts_with("uses:"));
    uses.filter(|line| !line.contains("uses: ./")).filter(|line| !is_pinned(line)).collect()
}

fn is_pinned(uses: &str) -> bool {
    let Some((_, version)) = uses.split_once('@') else { return false };
    let Some((hash, comment)) = version.split_once(" # v") else { return false };
    hash.len() == 40
        && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
        && comment.starts_with(|first: char| first.is_ascii_digit())
}

/// The lines that build on an image by a name that its owner can move.
fn without_digest(dockerfile: &str) -> Vec<&str> {
    let mut stages = Vec::new();
    let mut moving = Vec::new();
    for line in dockerfile.lines() {
        let mut words = line.split_whitespace();
        if words.next() != Some("FROM") {
            continue;
        }
        let image = words.find(|word| !word.starts_with("--")).unwrap_or_default();
        let digest = image.split_once("@sha256:").map(|(_, digest)| digest);
        let pinned = digest
            .is_some_and(|digest| digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()));
        if !pinned && !stages.contains(&image) {
            moving.push(line);
        }
        stages.extend(words.nth(1));
    }
    moving
}

/// What stands after `prefix` in the lines that begin with it.
fn after<'a>(text: &'a str, prefix: &'a str) -> impl Iterator<Item = &'a str> {
    text.lines().filter_map(move |line| line.trim_start().strip_prefix(prefix))
}

fn lint(session: &Session) -> Result<Outcome, Error> {
    // Shell scripts and Python in workflows would be checked by programs that not everyone has.
    let mut command = Command::new(actionlint(session)?);
    command.args(["-shellcheck=", "-pyflakes="]).current_dir(session.root());
    if session.stream(&mut command)?.success() {
        return Ok(Outcome::Passed);
    }
    Err(Error::Other(format!("failed: actionlint on {WORKFLOWS}")))
}

/// The linter, compiled once and kept.
fn actionlint(session: &Session) -> Result<PathBuf, Error> {
    let module = session.root().join(MODULE);
    let read = |name: &str| fs::read(module.join(name)).doing(|| format!("reading {MODULE}/{name}"));
    let key = cache::key(&[&read("go.mod")?, &read("go.sum")?]);
    let folder = cache::folder()?.join("linters").join(key);
    let program = folder.join("actionlint");
    fs::create_dir_all(&folder).doing(|| format!("creating {}", folder.display()))?;
    let _lock = lock::hold(&folder.join("lock"), "compiling actionlint")?;
    if program.is_file() {
        return Ok(program);
    }
    let step = Step::start("Compiling actionlint into the user's cache");
    let mut command = Command::new("go");
    command.args(["install", "-trimpath", "-mod=readonly", ACTIONLINT]).current_dir(module);
    command.env("CGO_ENABLED", "0").env("GOBIN", folder.join("building")).env("GOWORK", "off");
    command.env_remove("GOOS").env_remove("GOARCH");
    session.capture(&mut command)?.require_success("compiling actionlint with Go")?;
    fs::rename(folder.join("building/actionlint"), &program)
        .doing(|| "moving actionlint into the cache".to_owned())?;
    step.done();
    Ok(program)
}

#[cfg(test)]
mod tests {
    use std::env;

    use ring::digest::{SHA256, digest};

    use super::*;

    #[test]
    fn an_action_is_pinned_by_a_hash_with_its_version_beside_it() {
        let hash = "3d3c42e5aac5ba805825da76410c181273ba90b1";
        assert_eq!(
            unpinned(&format!("  - uses: actions/checkout@{hash} # v7.0.1\n    uses: ./.github/x.yaml\n")),
            [""; 0]
        );
        for bad in
            ["actions/checkout@v7", "actions/checkout", &format!("actions/checkout@{hash}"), "a/b@main # v1"]
        {
            assert_eq!(unpinned(&format!("- uses: {bad}")).len(), 1, "{bad}");
        }
    }

    #[test]
    fn krew_is_given_every_archive_with_its_sum() {
        let folder = env::temp_dir().join(format!("krew-manifest-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        for platform in ["darwin_amd64", "darwin_arm64", "linux_amd64", "linux_arm64"] {
            fs::write(folder.join(format!("kubectl-devopsagent_{platform}.tar.gz")), platform).unwrap();
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../build/krew-manifest.sh");
        let run = |folder: &Path| Command::new("sh").arg(&script).arg("1.2.3").arg(folder).output().unwrap();
        let output = run(&folder);
        fs::remove_dir_all(&folder).unwrap();
        assert!(output.status.success(), "{output:?}");
        let manifest = String::from_utf8(output.stdout).unwrap();
        assert!(manifest.contains("\n  version: v1.2.3\n"), "{manifest}");
        assert_eq!(manifest.matches("- selector:").count(), 4);
        for (os, architecture) in
            ["darwin", "linux"].into_iter().flat_map(|os| [(os, "amd64"), (os, "arm64")])
        {
            let name = format!("{os}_{architecture}");
            let sum = digest(&SHA256, name.as_bytes());
            let sum = sum.as_ref().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
            let platform = format!(
                "          os: {os}\n          arch: {architecture}\n      uri: {}/releases/download/v1.2.3/\
                 kubectl-devopsagent_{name}.tar.gz\n      sha256: {sum}\n",
                env!("CARGO_PKG_REPOSITORY")
            );
            assert!(manifest.contains(&platform), "{platform} isn't in {manifest}");
        }
        assert!(!run(&folder).status.success(), "an archive is missing");
    }

    #[test]
    fn a_base_is_named_by_its_digest_or_is_a_stage() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let text = format!(
            "FROM rust:1-bookworm@{digest} AS tools\nFROM tools AS build\nFROM --platform=x r/y@{digest}\n"
        );
        assert_eq!(without_digest(&text), [""; 0]);
        for bad in ["FROM scratchy", "FROM r/x:nonroot AS build", "FROM r/x@sha256:abc"] {
            assert_eq!(without_digest(bad), [bad]);
        }
    }
}
