//! The guide from the console to Git, followed by a reader whose AWS account is full of things.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use devops_agent_simulator::{Options, Running, Simulator};
use serde_json::Value;

use super::cluster::{self, block_on};
use super::helm;
use super::reader::{ACCOUNTS, Reader, SAMPLES, blocks};

pub const GUIDE: &str = "docs/src/use/console-to-git.md";
/// A simulated account full of things: the one that the page of `import` shows.
const ACCOUNT: &str = "tests/ctl/account.json";
/// What the guide promises. A reader also reads; the commands have a tenth of it.
const PROMISED: Duration = Duration::from_mins(10);

/// An AWS that has what the file has, in the reader's account.
fn full(folder: &std::path::Path) -> Running {
    let text = std::fs::read_to_string(helm::project().join(ACCOUNT)).expect("the account is there");
    let state = folder.join("account.json");
    std::fs::write(&state, text.replace(SAMPLES[0], ACCOUNTS[0])).expect("it can be written");
    let mut options = Options::on_free_port();
    ACCOUNTS[0].clone_into(&mut options.account_id);
    options.switches.settle_ms = 400;
    options.state_file = Some(state);
    block_on(async { Simulator::start(options).await.expect("the simulator starts") })
}

/// What AWS has, without tags.
fn untagged(aws: &Running) -> Value {
    let mut state = aws.state(true)["accounts"].take();
    without_tags(&mut state);
    state
}

fn without_tags(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|name, _| name != "tags");
            members.values_mut().for_each(without_tags);
        }
        Value::Array(items) => items.iter_mut().for_each(without_tags),
        _ => {}
    }
}

#[test]
fn from_the_console_to_git_in_ten_minutes() {
    let _cluster = cluster::alone();
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("console-to-git");
    std::fs::create_dir_all(&folder).expect("a folder can be made");
    let aws = full(&folder);
    let reader = Reader::new("console-to-git", &aws);
    reader.run("forget", "forget");
    reader.run(
        "install",
        "helm install $RELEASE oci://ghcr.io/devops-agent-operator/charts/devops-agent-operator \
         --create-namespace --set aws.region=us-east-1 --set aws.requestsPerSecond=200\n\
         kubectl rollout status deployment/devops-agent-operator -n devops-agent-operator --timeout=90s",
    );
    let (before, begin) = (untagged(&aws), Instant::now());
    let mut said = String::new();
    for block in blocks(GUIDE).iter().filter(|block| block.language() == "sh") {
        said.push_str(&reader.follow(GUIDE, |one| one.line == block.line));
    }
    assert!(begin.elapsed() < PROMISED / 10, "{:?}", begin.elapsed());
    assert_eq!(untagged(&aws), before, "nothing has changed but tags");
    assert_eq!(said.matches("Nothing to do in AWS").count(), 2, "{said}");
    assert!(
        said.contains("to update") && !said.contains("to create") && !said.contains("to replace"),
        "{said}"
    );
    let changed: BTreeSet<&str> =
        said.lines().map(str::trim).filter(|line| line.starts_with(['+', '~', '-'])).collect();
    assert!(changed.iter().all(|line| line.starts_with("+ /tags/devopsagent.dev~1")), "{changed:?}");
    reader.run("forget", "forget\nkubectl delete namespace agents --ignore-not-found");
    helm::run(&[
        "uninstall",
        helm::RELEASE,
        "-n",
        helm::NAMESPACE,
        "--ignore-not-found",
        "--wait",
        "--timeout",
        "60s",
    ]);
}
