//! The pages about backups and uninstalling, followed to the end: a cluster is lost and rebuilt, and then everything is
//! removed in each of the ways that the pages have.

use std::collections::{BTreeMap, BTreeSet};

use devops_agent_simulator::Running;
use serde_json::Value;

use super::cluster;
use super::documentation::{FOLLOWED, aws};
use super::reader::{Reader, blocks};

const UNINSTALL: &str = FOLLOWED[0];
const BACKUP: &str = FOLLOWED[1];
const QUICKSTART: &str = "docs/src/quickstart.md";
const WEBHOOKS: &str = "docs/src/connect/webhooks.md";
/// Pages whose YAML the team has in Git: spaces, registrations, associations with webhooks, a Secret, assets, triggers.
const OWN: [&str; 4] =
    [QUICKSTART, "docs/src/connect/pagerduty.md", "docs/src/use/skills.md", "docs/src/use/schedules.md"];

const READY: &str = "kubectl wait --for=condition=Ready devopsagent --all --timeout=90s\n";
const ROLLED_OUT: &str =
    "kubectl rollout status deployment/devops-agent-operator -n devops-agent-operator --timeout=90s\n";
const OBJECTS: &str = "kubectl get devopsagent -A -o name";

struct Story {
    reader: Reader,
    aws: Running,
}

impl Story {
    /// What the simulated AWS has, secrets included. Whatever is written there changes it; only the tag with the UID of
    /// the object is left out, which is another's in a new cluster.
    fn remotes(&self) -> Value {
        let mut remotes = self.aws.state(true)["accounts"].take();
        without(&mut remotes, "devopsagent.dev/uid");
        remotes
    }

    /// The webhooks' Secrets: what is in them.
    fn secrets(&self) -> BTreeMap<String, Value> {
        let list = self.reader.run(
            "secrets",
            "kubectl get secrets -n devops-agent-quickstart -l app.kubernetes.io/managed-by=devops-agent-operator -o json",
        );
        let list: Value = serde_json::from_str(&list).expect("kubectl prints JSON");
        let secrets = list["items"].as_array().into_iter().flatten();
        let name = |secret: &Value| secret["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        secrets.map(|secret| (name(secret), secret["data"].clone())).collect()
    }

    /// Sends an incident as the page says; it has to be accepted.
    fn an_incident_arrives(&self) {
        let said = self.reader.follow(WEBHOOKS, |block| block.text.contains("openssl"));
        assert!(said.trim_end().ends_with("200"), "the incident is accepted: {said}");
    }

    /// Installs the operator with the id that the page about backups has chosen.
    fn install(&self) {
        let text = "helm upgrade --install devops-agent-operator \
            oci://ghcr.io/devops-agent-operator/charts/devops-agent-operator --namespace devops-agent-operator \
            --create-namespace --set aws.region=us-east-1 --set clusterId=production-eu-1\n";
        self.reader.run("install", &format!("{text}{ROLLED_OUT}"));
    }

    /// Applies everything that the team has in Git.
    fn apply(&self) {
        for page in OWN {
            self.reader.follow(page, |block| block.language() == "yaml");
        }
        self.reader.run("apply", "kubectl apply -f space.yaml");
    }

    fn objects(&self) -> String {
        self.reader.run("objects", OBJECTS)
    }

    /// Does the block of the page that has these words.
    fn follow(&self, page: &str, words: &str) -> String {
        let found = blocks(page).into_iter().filter(|block| block.text.contains(words)).count();
        assert_eq!(found, 1, "{page} has one block with '{words}'");
        self.reader.follow(page, |block| block.text.contains(words))
    }

    /// A reader with an AWS of their own.
    fn begin() -> Self {
        let aws = aws();
        let reader = Reader::new("rebuild", &aws);
        reader.run("forget", "forget\nkubectl delete namespace devops-agent-quickstart --ignore-not-found");
        Self { reader, aws }
    }
}

/// Removes a member wherever it is.
fn without(value: &mut Value, name: &str) {
    match value {
        Value::Object(members) => {
            members.remove(name);
            members.values_mut().for_each(|member| without(member, name));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| without(item, name)),
        _ => {}
    }
}

/// Where two values differ, as JSON pointers.
fn differences(before: &Value, after: &Value, at: &str, found: &mut Vec<String>) {
    match (before, after) {
        (Value::Object(one), Value::Object(other)) => {
            let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
            for name in names {
                differences(&before[name], &after[name], &format!("{at}/{name}"), found);
            }
        }
        _ if before != after => found.push(at.to_owned()),
        _ => {}
    }
}

/// All that was in the cluster is gone, and no operator saw it go.
const LOST: &str = "\
forget
kubectl delete crd $(kubectl get crd -o name | command grep devopsagent.dev | cut -d/ -f2)
kubectl delete namespace devops-agent-quickstart devops-agent-operator
";

#[test]
fn documentation_of_backup_and_uninstall_is_followed_to_the_end() {
    let _cluster = cluster::alone();
    let story = Story::begin();
    story.install();
    story.follow(BACKUP, "--reset-then-reuse-values --set clusterId");
    story.reader.run("namespace", ROLLED_OUT);
    story.follow(QUICKSTART, "kubectl create namespace");
    story.apply();
    story.reader.run("ready", READY);
    story.an_incident_arrives();
    let (remotes, secrets) = (story.remotes(), story.secrets());
    assert!(secrets.len() > 1, "{secrets:?}");
    let unchanged = |when: &str| {
        let mut found = Vec::new();
        differences(&remotes, &story.remotes(), "", &mut found);
        assert!(found.is_empty(), "{when}: these were made, changed or deleted in AWS: {found:#?}");
        assert_eq!(story.secrets(), secrets, "{when}: the webhooks' Secrets are the same");
    };

    // The cluster is lost, and rebuilt.
    story.follow(BACKUP, "> secrets.json");
    story.follow(BACKUP, "--replicas=0");
    story.reader.run("lost", LOST);
    story.follow(BACKUP, "replicaCount=0");
    story.follow(BACKUP, "kubectl apply --server-side -f secrets.json");
    story.apply();
    story.follow(BACKUP, "--replicas=1");
    unchanged("after the rebuild");
    story.an_incident_arrives();
    let said = story.follow(BACKUP, "WebhookAddressChanged");
    assert!(!said.contains("WebhookAddressChanged"), "no webhook was issued again: {said}");

    uninstalled(&story, unchanged);
}

fn uninstalled(story: &Story, unchanged: impl Fn(&str)) {
    let everything = story.objects();

    // The operator only: everything stays, and the next one goes on.
    let keep = |block: &super::docs::markdown::Block| block.text.starts_with("helm uninstall");
    story.reader.follow(UNINSTALL, keep);
    assert_eq!(story.objects(), everything);
    story.install();
    story.reader.run("ready", READY);
    unchanged("after the operator was installed again");

    // The objects too, but not what is in AWS.
    story.follow(UNINSTALL, "Retain");
    assert_eq!(story.objects(), "");
    unchanged("after the objects were deleted with Retain");
    story.apply();
    story.reader.run("ready", READY);
    unchanged("after they were applied again");

    // Objects that were left without an operator.
    story.reader.follow(UNINSTALL, keep);
    story.reader.run("deleted", "kubectl delete devopsagent --all --all-namespaces --wait=false");
    assert_eq!(story.objects(), everything, "their finalizers hold them");
    story.follow(UNINSTALL, "\"finalizers\":null");
    assert_eq!(story.objects(), "");
    unchanged("after the finalizers were removed");

    // Everything, what is in AWS included.
    story.install();
    story.apply();
    story.reader.run("ready", READY);
    unchanged("after they were applied once more");
    story.follow(UNINSTALL, "kubectl delete crd");
    let left = "kubectl get crd -o name | grep devopsagent.dev\n\
        kubectl get secrets -A -o name -l app.kubernetes.io/managed-by=devops-agent-operator\n\
        kubectl get namespaces -o json | jq -r '.items[] | select(.metadata.deletionTimestamp) | .metadata.name'\n\
        kubectl get namespaces -o name | grep devops-agent-operator\n";
    assert_eq!(story.reader.run("left", left), "", "nothing is left in the cluster");
    let remotes = story.remotes();
    for region in
        remotes.as_object().into_iter().flatten().filter_map(|(_, account)| account.as_object()).flatten()
    {
        for kind in ["agentSpaces", "services", "privateConnections"] {
            let left: Vec<&Value> =
                region.1[kind].as_object().into_iter().flatten().map(|(_, one)| one).collect();
            assert!(left.iter().all(|one| one["origin"] == "console"), "{kind} is left in AWS: {left:?}");
        }
    }
}
