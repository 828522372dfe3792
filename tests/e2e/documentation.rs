//! The YAML of the documentation: every block of a page is applied, in the page's order, and what it creates becomes
//! Ready.
//!
//! What a page leaves to the reader is filled in: the namespace, and the space `checkout`, which the quickstart
//! creates. A block that is marked `yaml,reason=NAME` must end with that reason instead; one marked `yaml,ignore` is
//! only read. A block with kinds that the tests don't know, such as a Deployment, is only read too.

#[path = "../docs/markdown.rs"]
mod markdown;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use self::markdown::{Block, pages, root, split};
use crate::harness::{Handle, RESOURCES, Test, condition, run, text};

const GROUP: &str = "devopsagent.dev/";
const SPACE: &str = "{kind: AgentSpace, metadata: {name: checkout}, spec: {name: Checkout}}";
/// Labels of the cluster-scoped objects, by which they are found and removed.
const LABEL: &str = "devops-agent-operator-e2e";

/// A test for each page, and one that checks that no page is forgotten.
macro_rules! pages {
    ($($name:ident: $page:literal,)+) => {
        $(#[test] fn $name() { run(async |t| page(t, $page).await); })+

        /// Applied one after the other, in one namespace: no page contradicts another, and everything is Ready in the
        /// end.
        #[test]
        fn all_pages_are_one_journey() {
            run(async |t| journey(t, &[$($page),+]).await);
        }

        #[test]
        fn every_page_with_yaml_of_ours_is_applied() {
            let tested = BTreeSet::from([$($page.to_owned()),+]);
            let found: BTreeSet<String> = pages().iter().map(|path| path.strip_prefix(root()).unwrap())
                .map(|path| path.display().to_string())
                .chain(["README.md".to_owned()])
                .filter(|page| blocks(page).iter().any(|block| is_applied(block) && block.text.contains(GROUP)))
                .collect();
            assert_eq!(tested, found);
        }
    };
}

pages! {
    readme: "README.md",
    quickstart: "docs/src/quickstart.md",
    accounts: "docs/src/install/accounts.md",
    alertmanager_and_webhooks: "docs/src/connect/webhooks.md",
    aws: "docs/src/connect/aws.md",
    aws_organizations: "docs/src/connect/organizations.md",
    azure: "docs/src/connect/azure.md",
    dynatrace: "docs/src/connect/dynatrace.md",
    editors: "docs/src/ctl/schema.md",
    github: "docs/src/connect/github.md",
    gitlab: "docs/src/connect/gitlab.md",
    mcp: "docs/src/connect/mcp.md",
    observability: "docs/src/connect/observability.md",
    pagerduty: "docs/src/connect/pagerduty.md",
    private_networks: "docs/src/connect/private-networks.md",
    remote_agents: "docs/src/connect/remote-agents.md",
    servicenow: "docs/src/connect/servicenow.md",
    slack: "docs/src/connect/slack.md",
    skills: "docs/src/use/skills.md",
    schedules: "docs/src/use/schedules.md",
    web_app: "docs/src/use/web-app.md",
    adoption: "docs/src/use/adopt.md",
    teams: "docs/src/use/teams.md",
    lifecycle: "docs/src/use/lifecycle.md",
    tenancy: "docs/src/operate/tenancy.md",
}

fn blocks(page: &str) -> Vec<Block> {
    let text = std::fs::read_to_string(root().join(page)).unwrap_or_else(|error| panic!("{page}: {error}"));
    split(&text).0.into_iter().filter(|block| block.language() == "yaml").collect()
}

fn documents(block: &Block) -> Vec<Value> {
    serde_saphyr::from_multiple(&block.text).unwrap_or_else(|error| panic!("{error}\n{}", block.text))
}

/// Whether all objects of a block are complete and of kinds that the tests know.
fn is_applied(block: &Block) -> bool {
    let known = |object: &Value| {
        let found = RESOURCES.iter().find(|resource| object["kind"] == resource.kind);
        found.is_some_and(|resource| object["apiVersion"] == resource.api_version)
            && object["metadata"]["name"].is_string()
    };
    !block.info.contains("ignore") && documents(block).iter().all(known)
}

/// What a reader has made.
struct Journey<'a> {
    names: Names<'a>,
    made: BTreeMap<String, Handle>,
    /// What was applied last, by object.
    said: BTreeMap<String, (String, Value)>,
}

impl<'a> Journey<'a> {
    fn begin(test: &'a Test) -> Self {
        let names = Names { test, namespaces: BTreeMap::new(), accounts: BTreeSet::new() };
        Self { names, made: BTreeMap::new(), said: BTreeMap::new() }
    }

    /// Applies every block of a page.
    async fn read(&mut self, name: &str) {
        let t = self.names.test;
        let blocks: Vec<Block> = blocks(name).into_iter().filter(is_applied).collect();
        prepare(t, name).await;
        for (block, object) in
            blocks.iter().flat_map(|block| documents(block).into_iter().map(move |it| (block, it)))
        {
            let ours = text(&object, "/apiVersion").starts_with(GROUP);
            let Some(object) = self.names.translate(object).await else { continue };
            let handle = t.apply(&object.to_string()).await;
            let key = handle.to_string();
            let said = (name.to_owned(), object["spec"].clone());
            if let Some((before, spec)) = self.said.insert(key.clone(), said)
                && before != name
            {
                let kept = contains(&object["spec"], &spec);
                assert!(
                    kept,
                    "{name} drops or changes what {before} says of {key}: {spec} became {}",
                    object["spec"]
                );
            }
            match block.mark("reason") {
                Some(reason) if ours => {
                    handle.condition("Ready", "False", reason).await;
                    self.made.remove(&key);
                }
                _ if ours => {
                    self.made.insert(key, handle);
                }
                _ => {}
            }
        }
    }

    /// Waits until everything is Ready; a person signs in where necessary.
    async fn end(self) {
        let t = self.names.test;
        let registrations =
            self.made.values().filter(|handle| handle.to_string().starts_with("ServiceRegistration"));
        for registration in registrations {
            authorise(t, registration).await;
        }
        for handle in self.made.values() {
            handle.ready().await;
        }
        for account in &self.names.accounts {
            t.handle("AWSAccount", &self.names.account(account)).delete().await;
        }
    }
}

/// Whether `value` says everything that `part` says.
fn contains(value: &Value, part: &Value) -> bool {
    match part {
        Value::Object(members) => members.iter().all(|(key, part)| contains(&value[key], part)),
        part => value == part,
    }
}

async fn page(t: &Test, name: &str) {
    let makes_the_space =
        |object: &Value| object["kind"] == "AgentSpace" && object["metadata"]["name"] == "checkout";
    let applied = blocks(name).into_iter().filter(is_applied);
    if !applied.flat_map(|block| documents(&block)).any(|object| makes_the_space(&object)) {
        t.apply(SPACE).await.ready().await;
    }
    let mut journey = Journey::begin(t);
    journey.read(name).await;
    assert!(!journey.made.is_empty(), "{name} has no YAML to apply");
    journey.end().await;
}

async fn journey(t: &Test, pages: &[&str]) {
    // The README shows a part of the demo, and who sets up a cluster for several teams is someone else.
    const OTHERS: &[&str] = &["README.md", "docs/src/use/teams.md", "docs/src/operate/tenancy.md"];
    let mut journey = Journey::begin(t);
    for page in pages.iter().filter(|page| !OTHERS.contains(page)) {
        journey.read(page).await;
    }
    journey.end().await;
}

/// What is there before the reader begins.
async fn prepare(t: &Test, page: &str) {
    if page.ends_with("adopt.md") {
        t.invoke("CreateAgentSpace", json!({"name": "Payments", "description": "Made in the console"})).await;
    }
    if page.ends_with("teams.md")
        && !t.remotes("service").iter().any(|it| it["serviceType"] == "eventChannel")
    {
        t.invoke(
            "RegisterService",
            json!({"service": "eventChannel", "serviceDetails": {"eventChannel": {"type": "webhook"}}}),
        )
        .await;
    }
}

/// Does what a person has to do, if a registration needs one.
async fn authorise(t: &Test, handle: &Handle) {
    let waits = |object: &Value| {
        condition(object, "Ready").is_some_and(|ready| ready["reason"] == "AuthorizationRequired")
    };
    let is_true = |object: &Value| condition(object, "Ready").is_some_and(|ready| ready["status"] == "True");
    let object =
        handle.wait("it is Ready, or waits for a person", |object| waits(object) || is_true(object)).await;
    if waits(&object) {
        t.open(text(&object, "/status/authorizationUrl")).await;
    }
}

/// Names of the documentation, and what they are in this test: other tests use the same cluster.
struct Names<'a> {
    test: &'a Test,
    namespaces: BTreeMap<String, String>,
    accounts: BTreeSet<String>,
}

impl Names<'_> {
    /// The object with the test's names; `None` for a namespace, which is made here.
    async fn translate(&mut self, mut object: Value) -> Option<Value> {
        let name = text(&object, "/metadata/name").to_owned();
        if object["kind"] == "Namespace" {
            let labels = object["metadata"]["labels"].as_object().cloned().unwrap_or_default();
            let made = self.test.other_namespace(labels.into()).await;
            self.namespaces.insert(name, made);
            return None;
        }
        if let Some(namespace) = object["metadata"]["namespace"].as_str().map(ToOwned::to_owned) {
            if !self.namespaces.contains_key(&namespace) {
                let made = self.test.other_namespace(json!({})).await;
                self.namespaces.insert(namespace.clone(), made);
            }
            object["metadata"]["namespace"] = json!(self.namespaces[&namespace]);
        }
        if object["kind"] == "AWSAccount" {
            object["metadata"]["name"] = json!(self.account(&name));
            object["metadata"]["labels"] = json!({ LABEL: "true" });
            self.accounts.insert(name);
            if let Some(role) = object.pointer_mut("/spec/assumeRole/roleArn") {
                *role = json!(format!("arn:aws:iam::{}:role/test", self.test.account));
            }
        }
        if let Some(spec) = object.get_mut("spec") {
            self.references(spec);
        }
        Some(object)
    }

    fn account(&self, name: &str) -> String {
        format!("{}-{name}", self.test.namespace)
    }

    /// Renames what a spec refers to.
    fn references(&self, value: &mut Value) {
        match value {
            Value::Object(members) => {
                if let Some(name) = members.get("accountRef").and_then(|account| account["name"].as_str())
                    && self.accounts.contains(name)
                {
                    let name = self.account(name);
                    members.insert("accountRef".to_owned(), json!({ "name": name }));
                }
                for (key, member) in members.iter_mut() {
                    match (key.as_str(), &mut *member) {
                        ("namespace", Value::String(name)) => self.rename(name),
                        ("names", Value::Array(names)) => {
                            for name in names {
                                if let Value::String(name) = name {
                                    self.rename(name);
                                }
                            }
                        }
                        _ => self.references(member),
                    }
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.references(item)),
            _ => {}
        }
    }

    fn rename(&self, name: &mut String) {
        if let Some(made) = self.namespaces.get(name) {
            name.clone_from(made);
        }
    }
}
