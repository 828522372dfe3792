//! The shell of the documentation: all blocks of all pages, in the book's order, by one reader in one cluster, whose
//! AWS account isn't the one of the pages.
//!
//! A block that can't run here is marked `sh,no-run=WORD`; `tests/docs/shell.rs` has the words. Everything else runs.

use std::fs;

use devops_agent_simulator::{Options, Running, Simulator};
use serde_json::{Value, json};

use super::cluster::{self, block_on};
use super::console_to_git::GUIDE;
use super::docs::shell::is_run;
use super::docs::summary;
use super::helm::{self, NAMESPACE, RELEASE};
use super::reader::{ACCOUNTS, Reader, SAMPLES, blocks};
use super::relay;

/// Pages outside the book, before and after it.
const FIRST: &str = "README.md";
const LAST: &str = "examples/README.md";
const WEBHOOKS: &str = "docs/src/connect/webhooks.md";
const QUICKSTART: &str = "docs/src/quickstart.md";
/// Uninstalls everything, and is followed to the end by [`super::rebuild`], as is the page about backups.
pub const FOLLOWED: [&str; 2] = ["docs/src/operate/upgrade.md", "docs/src/operate/backup.md"];

/// An AWS in which the account is the reader's.
pub fn aws() -> Running {
    let mut options = Options::on_free_port();
    ACCOUNTS[0].clone_into(&mut options.account_id);
    options.switches.settle_ms = 400;
    options.switches.deployment_ms = 400;
    block_on(async { Simulator::start(options).await.expect("the simulator starts") })
}

/// What the reader puts in place of the words in capitals.
fn filled_in(text: &str) -> String {
    let name = if text.contains("pconn") {
        "gitlab-internal"
    } else if text.contains("svcreg") {
        "event-channel"
    } else {
        "checkout-incidents"
    };
    text.split_inclusive(|c: char| !c.is_alphanumeric() && c != '_' && c != '$')
        .map(|word| {
            let end = word.trim_end_matches(|c: char| !c.is_alphanumeric() && c != '_' && c != '$');
            let own = match end {
                "KIND" => "assoc",
                "NAME" => name,
                "NAMESPACE" => "devops-agent-quickstart",
                _ => return word.to_owned(),
            };
            word.replacen(end, own, 1)
        })
        .collect()
}

fn has_samples(text: &str) -> bool {
    SAMPLES.iter().any(|account| text.contains(account))
}

#[test]
fn shell_of_all_pages_is_one_journey() {
    let _cluster = cluster::alone();
    let aws = aws();
    let reader = Reader::new("journey", &aws);
    reader.run("forget", "forget");
    let book = summary().into_iter().filter(|page| !FOLLOWED.contains(&page.as_str()) && page != GUIDE);
    let pages = [FIRST.to_owned()].into_iter().chain(book).chain([LAST.to_owned()]);
    let pages: Vec<String> = pages.filter(|page| blocks(page).iter().any(is_run)).collect();
    assert!(pages.len() > 30, "{pages:?}");
    let mut failures = Vec::new();
    for page in &pages {
        let edit = |text: &str| {
            // Whoever follows several pages has a release already.
            let text = text
                .replace("helm install ", "helm uninstall $RELEASE --ignore-not-found --wait\nhelm install ");
            if page.contains("/runbooks/") { filled_in(&text) } else { text }
        };
        let said = match reader.read(page, &format!("before {page}"), edit) {
            Ok(said) => said,
            Err(why) => {
                println!("{why}");
                failures.push(why);
                continue;
            }
        };
        println!("{page}:\n{said}");
        if page == WEBHOOKS {
            assert!(said.lines().any(|line| line.ends_with("200")), "the incident is accepted: {said}");
            relay::forwards_every_alert(&reader, &aws);
        }
        if page == QUICKSTART {
            // Its last step is for those who stop there.
            reader
                .follow(QUICKSTART, |block| block.language() == "yaml" || block.text.contains("space.yaml"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    accounts_are_the_readers(&reader, &aws);
    reader.run("forget", "forget");
    helm::run(&["uninstall", RELEASE, "-n", NAMESPACE, "--ignore-not-found", "--wait", "--timeout", "60s"]);
}

/// Nothing that the reader made or asked for names the accounts of the pages.
fn accounts_are_the_readers(reader: &Reader, aws: &Running) {
    let asked = reader.asked_of_aws();
    assert!(asked.contains(ACCOUNTS[0]) && asked.contains(ACCOUNTS[1]), "{asked}");
    assert!(!has_samples(&asked), "{asked}");
    for entry in fs::read_dir(reader.work()).expect("the folder is there") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|kind| kind == "json") {
            let text = fs::read_to_string(&path).expect("the file can be read");
            assert!(!has_samples(&text), "{}:\n{text}", path.display());
        }
    }
    let state: Value = aws.state(false);
    let elsewhere: Vec<&String> = state["accounts"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(account, _)| account)
        .filter(|account| SAMPLES.contains(&account.as_str()))
        .collect();
    assert_eq!(json!(elsewhere), json!([]));
}

#[test]
fn words_in_capitals_are_filled_in() {
    assert_eq!(
        filled_in("kubectl get KIND NAME -n NAMESPACE -o wide\n"),
        "kubectl get assoc checkout-incidents -n devops-agent-quickstart -o wide\n"
    );
    assert_eq!(filled_in("get pconn NAME | jq '.NAMES'"), "get pconn gitlab-internal | jq '.NAMES'");
}
