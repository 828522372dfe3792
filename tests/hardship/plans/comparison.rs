//! A plan, and the calls that follow.

use std::collections::{BTreeMap, BTreeSet};

use devops_agent_simulator::Call;
use devops_agent_test_support::plugin;
use serde_json::Value;

use crate::harness::{World, text};

use super::reader::Reader;

/// An object: its kind and name.
type Name = (String, String);

/// The objects by the ids that their statuses have named.
#[derive(Default)]
pub struct Ids(BTreeMap<(String, String), BTreeSet<Name>>);

impl Ids {
    /// Adds the ids that statuses name now.
    pub async fn add(&mut self, world: &World) {
        for object in world.objects().await {
            let object = devops_agent_test_support::json_of(&object);
            let (kind, name) = (text(&object, "/kind"), text(&object, "/metadata/name"));
            for member in ["/status/id", "/status/previousId", "/status/lostId"] {
                let id = text(&object, member);
                if !id.is_empty() {
                    let objects = self.0.entry((kind.to_owned(), id.to_owned())).or_default();
                    objects.insert((kind.to_owned(), name.to_owned()));
                }
            }
        }
    }

    /// The objects that a call was about.
    fn of(&self, call: &Call) -> BTreeSet<Name> {
        let (kind, id) = about(call);
        let arn = call.resource.get("resourceArn").and_then(Value::as_str);
        let fits = |(of, known): &(String, String)| match arn {
            Some(arn) => arn.ends_with(&format!("/{known}")),
            None => of == kind && *known == id,
        };
        self.0.iter().filter(|(key, _)| fits(key)).flat_map(|(_, names)| names.clone()).collect()
    }
}

/// Kind and id of what a call was about; the id is empty if AWS hasn't said it.
fn about(call: &Call) -> (&'static str, String) {
    let (kind, member) = match call.operation.as_str() {
        operation if operation.contains("Associat") || operation == "DisassociateService" => {
            ("Association", "associationId")
        }
        operation if operation.contains("PrivateConnection") => ("PrivateConnection", "name"),
        operation if operation.contains("Asset") => ("Asset", "assetId"),
        operation if operation.contains("Trigger") => ("Trigger", "triggerId"),
        operation if operation.ends_with("Service") => ("ServiceRegistration", "serviceId"),
        _ => ("AgentSpace", "agentSpaceId"),
    };
    let id = call.resource.get(member).and_then(Value::as_str).unwrap_or_default();
    (kind, id.to_owned())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Verb {
    Create,
    Update,
    Delete,
}

fn verb(call: &Call) -> Verb {
    match call.operation.as_str() {
        "CreateAssetFile" | "DeleteAssetFile" => Verb::Update,
        "RegisterService" | "AssociateService" => Verb::Create,
        "DeregisterService" | "DisassociateService" => Verb::Delete,
        operation if operation.starts_with("Create") => Verb::Create,
        operation if operation.starts_with("Delete") => Verb::Delete,
        _ => Verb::Update,
    }
}

/// What the plugin has printed.
pub struct Plan(Value);

impl Plan {
    /// Makes the plan for the world's namespace, with the rights of this reader.
    pub async fn made(world: &World, reader: &Reader) -> Self {
        let program = env!("CARGO_BIN_EXE_kubectl-devopsagent");
        let namespace = world.namespace.as_str();
        let kubeconfig = reader.kubeconfig.to_str().expect("it is text");
        let arguments = [
            ["plan", "-o=json"],
            ["--operator-namespace", namespace],
            ["--cluster-id", reader.cluster.as_str()],
            ["-n", namespace],
        ];
        let (aws, environment) = (world.simulator.url(), [("KUBECONFIG", kubeconfig)]);
        let ended = plugin::run(program, &aws, &environment, arguments.as_flattened()).await;
        let plan = serde_json::from_str(&ended.out);
        let plan: Value = plan.unwrap_or_else(|error| panic!("{error}: {ended:?}"));
        let refused = plan["objects"].as_array().into_iter().flatten().any(|it| it["action"] == "refused");
        assert_eq!(ended.code, Some(i32::from(refused)), "{ended:?}");
        Self(plan)
    }

    /// Fails unless these calls are what was planned.
    pub fn compare(&self, ids: &Ids, calls: &[Call], told: &str) {
        let entries = self.0["objects"].as_array().expect("a plan has objects");
        // What AWS refuses changes nothing there.
        let mutating: Vec<&Call> = calls.iter().filter(|call| call.mutating && call.status < 400).collect();
        let mut made: BTreeMap<Name, BTreeSet<Verb>> = BTreeMap::new();
        let mut faults = Vec::new();
        for call in &mutating {
            let verb = verb(call);
            let about = ids.of(call);
            let kind = self::about(call).0;
            // Of a resource that never got into a status, only the kind is known.
            let fits = |entry: &&Value| {
                let name = (text(entry, "/kind").to_owned(), text(entry, "/name").to_owned());
                (about.contains(&name) || (about.is_empty() && kind == name.0))
                    && allowed(entry).contains(&verb)
            };
            match entries.iter().find(fits) {
                Some(entry) => {
                    let name = (text(entry, "/kind").to_owned(), text(entry, "/name").to_owned());
                    made.entry(name).or_default().insert(verb);
                }
                None => faults.push(format!("not named: {} of {about:?}: {call:?}", call.operation)),
            }
        }
        for entry in entries {
            let name = (text(entry, "/kind").to_owned(), text(entry, "/name").to_owned());
            let Some(wanted) = needed(entry) else { continue };
            if !made.get(&name).is_some_and(|verbs| verbs.contains(&wanted)) {
                faults.push(format!("not made: {} of {name:?}", text(entry, "/action")));
            }
        }
        let calls: Vec<String> = mutating
            .iter()
            .map(|call| format!("{} {:?} {}", call.operation, call.resource, call.status))
            .collect();
        assert!(faults.is_empty(), "{told}\n{faults:#?}\n{calls:#?}\n{:#}", self.0);
    }
}

fn action(entry: &Value) -> &str {
    if entry["approval"] == "required" { "waits" } else { text(entry, "/action") }
}

/// The calls that an entry names.
fn allowed(entry: &Value) -> &'static [Verb] {
    match action(entry) {
        "create" => &[Verb::Create, Verb::Update],
        "update" if leaves_something(entry) => &[Verb::Update, Verb::Delete],
        "update" => &[Verb::Update],
        "replace" => &[Verb::Create, Verb::Update, Verb::Delete],
        "delete" => &[Verb::Delete],
        _ => &[],
    }
}

/// The call that an entry can't do without.
fn needed(entry: &Value) -> Option<Verb> {
    match action(entry) {
        "create" | "replace" => Some(Verb::Create),
        "update" if leaves_something(entry) => Some(Verb::Delete),
        "update" => Some(Verb::Update),
        "delete" => Some(Verb::Delete),
        _ => None,
    }
}

/// Whether what an earlier change has replaced is still to be deleted.
fn leaves_something(entry: &Value) -> bool {
    let changes = entry["changes"].as_array().into_iter().flatten();
    changes.into_iter().any(|change| change["path"] == "/status/previousId")
}
