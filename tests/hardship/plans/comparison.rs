//! A plan, and the calls that follow.

use std::collections::BTreeSet;

use devops_agent_test_support::plugin;
use serde_json::Value;

use crate::harness::{World, text};

use super::calls::{Made, Name, name};
use super::reader::Reader;

/// The operations that create, change and delete what an object of a kind has.
fn operations(kind: &str) -> [&'static str; 3] {
    match kind {
        "AgentSpace" => ["CreateAgentSpace", "UpdateAgentSpace", "DeleteAgentSpace"],
        "ServiceRegistration" => ["RegisterService", "(a service can't be updated)", "DeregisterService"],
        "Association" => ["AssociateService", "UpdateAssociation", "DisassociateService"],
        "PrivateConnection" => {
            ["CreatePrivateConnection", "(a connection can't be updated)", "DeletePrivateConnection"]
        }
        "Asset" => ["CreateAsset", "UpdateAsset", "DeleteAsset"],
        "Trigger" => ["CreateTrigger", "UpdateTrigger", "DeleteTrigger"],
        other => panic!("{other} has nothing in AWS"),
    }
}

/// The operations that an entry of a plan names: all those that have to be called, and those that may be.
#[derive(Debug, Default)]
struct Named {
    needed: BTreeSet<&'static str>,
    allowed: BTreeSet<&'static str>,
}

impl Named {
    fn by(entry: &Value) -> Self {
        let mut named = Self::default();
        if entry["approval"] == "required" {
            return named;
        }
        let action = text(entry, "/action");
        let [create, update, delete] = match action {
            "create" | "update" | "replace" | "delete" | "handOver" => operations(text(entry, "/kind")),
            _ => return named,
        };
        let changes = || entry["changes"].as_array().into_iter().flatten();
        // What replaces it exists already: the spec names it, or it was made before the operator died.
        let exists = changes().any(|change| text(change, "/path") == "/externalId");
        let mut changing: BTreeSet<&str> = changes().filter_map(|change| changing(entry, change)).collect();
        match action {
            "create" => named.needed.extend([create]),
            "delete" => named.needed.extend([delete]),
            "replace" => {
                if exists {
                    // Its webhook may have to be issued again.
                    changing.insert(create);
                } else {
                    named.needed.insert(create);
                }
                named.needed.extend(entry["heldBy"].is_null().then_some(delete));
                // A field that can be set in place is set before, or with the new resource. Which fields, no pass can say
                // before what it refers to is there.
                changing.extend((!entry["after"].is_null()).then_some(update));
                named.allowed = changing;
            }
            _ => named.needed = changing,
        }
        named
    }

    fn allows(&self, operation: &str) -> bool {
        self.needed.contains(operation) || self.allowed.contains(operation)
    }
}

/// The operation that changes a field in place.
fn changing(entry: &Value, change: &Value) -> Option<&'static str> {
    let [_, update, delete] = operations(text(entry, "/kind"));
    let path = text(change, "/path");
    let is_removed = change.get("new").is_none() && change.get("old").is_some();
    let is_added = change.get("old").is_none() && change.get("new").is_some();
    Some(match path.split('/').nth(1).unwrap_or_default() {
        "tags" if is_removed => "UntagResource",
        "tags" => "TagResource",
        // What an earlier change has replaced is still to be deleted.
        "status" => delete,
        // Only the Secret in the cluster is written.
        "webhook" => return None,
        "content" if is_removed => "DeleteAssetFile",
        "content" if is_added => "CreateAssetFile",
        "content" => "UpdateAssetFile",
        _ => update,
    })
}

/// What the plugin has printed.
pub struct Plan(Value);

impl Plan {
    /// Makes the plan for the world's namespaces, with the rights of this reader.
    pub async fn made(world: &World, reader: &Reader) -> Self {
        let program = env!("CARGO_BIN_EXE_kubectl-devopsagent");
        let kubeconfig = reader.kubeconfig.to_str().expect("it is text");
        let watched = world.namespaces().join(",");
        let arguments = [
            ["plan", "-o=json"],
            ["--operator-namespace", &world.namespace],
            ["--cluster-id", reader.cluster.as_str()],
            ["--watch-namespace", &watched],
            ["-A", "--exit-code"],
        ];
        let (aws, environment) = (world.simulator.url(), [("KUBECONFIG", kubeconfig)]);
        let ended = plugin::run(program, &aws, &environment, arguments.as_flattened()).await;
        let plan = serde_json::from_str(&ended.out);
        let plan = Self(plan.unwrap_or_else(|error| panic!("{error}: {ended:?}")));
        let changes = plan.0["summary"]["changes"] != 0;
        let refused = plan.entries().iter().any(|entry| entry["action"] == "refused");
        assert_eq!(ended.code, Some(if refused { 1 } else { 2 * i32::from(changes) }), "{ended:?}");
        plan
    }

    fn entries(&self) -> &[Value] {
        self.0["objects"].as_array().map_or(&[], Vec::as_slice)
    }

    /// Fails unless these calls are what was planned: each operation on each object, and no other.
    ///
    /// Forgiven is, besides what [`Made`] says, that AWS refused a call: the plan can't know what only a write would show.
    /// It has named the call, and what was to follow it on the same object isn't demanded then. And while a read is denied,
    /// what is to be created after something else isn't demanded: nobody has tried to read there.
    /// Nor is it demanded that what was replaced is deleted, if an operator died before: it may have done that, and only the
    /// status still names it.
    pub fn compare(&self, made: &Made, is_denied: bool, has_died: bool, told: &str) {
        let mut faults = Vec::new();
        for entry in self.entries() {
            let (name, named) = (name(entry), Named::by(entry));
            let called = made.of(&name);
            let refused = called.iter().any(|operation| made.outcomes(&name, operation).refused > 0);
            let unread = is_denied && !entry["after"].is_null();
            let [create, _, delete] = operations(&name.0);
            let gone = |operation: &str| has_died && entry["action"] == "update" && operation == delete;
            let missing = named.needed.iter().filter(|operation| !called.contains(**operation));
            let missing = missing.filter(|operation| !gone(operation));
            faults.extend(
                missing
                    .filter(|_| !refused && !unread)
                    .map(|operation| fault("named, not made", &name, operation)),
            );
            let more = called.iter().filter(|operation| !named.allows(operation));
            faults.extend(more.map(|operation| fault("made, not named", &name, operation)));
            let made_here = made.outcomes(&name, create);
            // An association whose answer is lost is made again: nobody knows the secret of its webhook.
            let again = if name.0 == "Association" { made_here.lost } else { 0 };
            if made_here.done > 1 + again {
                faults.push(fault("made more than once", &name, create));
            }
        }
        let known: BTreeSet<Name> = self.entries().iter().map(name).collect();
        let unknown = made.0.iter().filter(|(name, _)| !known.contains(*name));
        faults.extend(unknown.map(|(name, made)| format!("not in the plan: {name:?}: {made:?}")));
        let shown: Vec<&Value> =
            self.entries().iter().filter(|entry| entry["action"] != "unchanged").collect();
        assert!(faults.is_empty(), "{told}\n{faults:#?}\n{made:#?}\n{shown:#?}");
    }
}

fn fault(what: &str, name: &Name, operation: &str) -> String {
    format!("{what}: {operation} of {name:?}")
}
