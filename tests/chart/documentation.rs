//! The shell of the documentation: all blocks of all pages, in the book's order, by one reader in one cluster, whose
//! AWS account isn't the one of the pages.
//!
//! A block that can't run here is marked `sh,no-run=WORD`; `tests/docs/shell.rs` has the words. Everything else runs.

use std::fs;

use devops_agent_simulator::{Options, Running, Simulator};
use serde_json::{Value, json};

use super::cluster::{self, block_on};
use super::docs::shell::is_run;
use super::docs::summary;
use super::helm::{self, NAMESPACE, RELEASE};
use super::relay;
use super::reader::{ACCOUNTS, Reader, SAMPLES, blocks};

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

/// The release as the pages' readers have it: the page before may have changed its values.
const INSTALL: &str = "helm upgrade --install devops-agent-operator \
    oci://ghcr.io/devops-agent-operator/charts/devops-agent-operator --namespace devops-agent-operator \
    --create-namespace --set aws.region=us-east-1 --set aws.requestsPerSecond=200\n\
    kubectl rollout status deployment/devops-agent-operator -n devops-agent-operator --timeout=90s\n";

/// What is there before the reader comes to a page.
fn before(page: &str) -> String {
    let has = |what: &str| blocks(page).iter().any(|block| is_run(block) && block.text.contains(what));
    let mut before = String::new();
    if has("helm install ") {
        before.push_str("helm uninstall devops-agent-operator -n devops-agent-operator --ignore-not-found --wait\n");
    } else {
        before.push_str(INSTALL);
    }
    before.push_str(match page {
        QUICKSTART => "forget\nkubectl delete namespace devops-agent-quickstart\n",
        "docs/src/gitops.md" => {
            "kubectl create namespace argocd\nkubectl create configmap argocd-cm -n argocd\n\
             kubectl apply --server-side -f examples/gitops/\n"
        }
        "docs/src/install/scope.md" => "kubectl create namespace checkout\nkubectl create namespace payments\n",
        "docs/src/install/proxy.md" => {
            "openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 2 -subj /CN=ca 2>/dev/null\n"
        }
        "docs/src/use/adopt.md" => {
            "curl -fsS \"$AWS_URL/_simulator/invoke\" -d '{\"operation\": \"CreateAgentSpace\", \
             \"input\": {\"name\": \"Payments\", \"description\": \"Made in the console\"}}'\n"
        }
        _ => "",
    });
    before
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
    let book = summary().into_iter().filter(|page| !FOLLOWED.contains(&page.as_str()));
    let pages = [FIRST.to_owned()].into_iter().chain(book).chain([LAST.to_owned()]);
    let pages: Vec<String> = pages.filter(|page| blocks(page).iter().any(is_run)).collect();
    assert!(pages.len() > 30, "{pages:?}");
    for page in &pages {
        let edit = |text: &str| if page.contains("/runbooks/") { filled_in(text) } else { text.to_owned() };
        let said = reader.read(page, &before(page), edit);
        println!("{page}:\n{said}");
        if page == WEBHOOKS {
            assert!(said.lines().any(|line| line.ends_with("200")), "the incident is accepted: {said}");
            relay::forwards_every_alert(&reader, &aws);
        }
        if page == QUICKSTART {
            // Its last step is for those who stop there.
            reader.follow(QUICKSTART, |block| block.language() == "yaml" || block.text.contains("space.yaml"));
        }
    }
    accounts_are_the_readers(&reader, &aws);
    reader.run("forget", "forget");
    helm::run(&["uninstall", RELEASE, "-n", NAMESPACE, "--wait", "--timeout", "60s"]);
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
