//! Argo CD's layout of customizations, and its format of tests.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::lua;

/// What stands for the time in expected outputs.
pub const TIME: &str = "2026-01-01T00:00:00Z";
const REQUESTED: &str = "devopsagent.dev/reconcile-requested-at";

/// The folder of one kind.
pub struct Customization {
    pub kind: String,
    pub folder: PathBuf,
}

/// All kinds in `argocd/resource_customizations`.
pub fn customizations() -> Vec<Customization> {
    names(&group()).into_iter().map(|kind| Customization::of(&kind)).collect()
}

/// The fixtures of a kind, by state.
pub fn fixtures(kind: &str) -> BTreeMap<String, Value> {
    let folder = group().join(kind).join("testdata");
    let state = |file: &String| file.trim_end_matches(".yaml").to_owned();
    names(&folder).iter().map(|file| (state(file), yaml(&folder.join(file)))).collect()
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn group() -> PathBuf {
    root().join("argocd/resource_customizations/devopsagent.dev")
}

/// What is in a folder, in order.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

pub fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub fn yaml(path: &Path) -> Value {
    serde_saphyr::from_str(&text(path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

impl Customization {
    pub fn of(kind: &str) -> Self {
        Self { kind: kind.to_owned(), folder: group().join(kind) }
    }

    /// The names of the actions, in order.
    pub fn actions(&self) -> Vec<String> {
        let folder = self.folder.join("actions");
        let is_action = |name: &String| folder.join(name).join("action.lua").is_file();
        names(&folder).into_iter().filter(is_action).collect()
    }

    /// The health that the script tells.
    pub fn health(&self, object: &Value) -> Value {
        self.evaluate("health.lua", object)
    }

    /// The actions that the script offers, in the form of Argo CD's answer, by name.
    pub fn discover(&self, object: &Value) -> Value {
        let Value::Object(found) = self.evaluate("actions/discovery.lua", object) else {
            panic!("{}: actions are a map", self.kind)
        };
        let named = |(name, mut action): (String, Value)| {
            action["name"] = json!(name);
            action
        };
        found.into_iter().map(named).collect()
    }

    /// The object as the action leaves it.
    pub fn run(&self, action: &str, object: &Value) -> Value {
        let mut changed = self.evaluate(&format!("actions/{action}/action.lua"), object);
        // To Lua an empty map and an empty list are the same; Argo CD sets the maps right, too.
        restore_empty(&mut changed, object);
        changed
    }

    fn evaluate(&self, script: &str, object: &Value) -> Value {
        let text = text(&self.folder.join(script));
        lua::evaluate(&text, object).unwrap_or_else(|error| panic!("{} {script}: {error}", self.kind))
    }

    /// The tests of `health_test.yaml`.
    pub fn health_tests(&self) -> Vec<Value> {
        list(&yaml(&self.folder.join("health_test.yaml"))["tests"])
    }

    /// The tests of `action_test.yaml`: of the discovery, and of the actions.
    pub fn action_tests(&self) -> (Vec<Value>, Vec<Value>) {
        let all = yaml(&self.folder.join("actions/action_test.yaml"));
        (list(&all["discoveryTests"]), list(&all["actionTests"]))
    }

    /// An input of `health_test.yaml`.
    pub fn input(&self, path: &str) -> Value {
        yaml(&self.folder.join(path))
    }

    /// An input or output of `action_test.yaml`.
    pub fn action_input(&self, path: &str) -> Value {
        yaml(&self.folder.join("actions").join(path))
    }
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().expect("a list").clone()
}

fn restore_empty(changed: &mut Value, original: &Value) {
    match (changed, original) {
        (changed, Value::Array(items)) if items.is_empty() && *changed == json!({}) => *changed = json!([]),
        (Value::Object(changed), Value::Object(original)) => {
            for (name, member) in changed {
                restore_empty(member, original.get(name).unwrap_or(&Value::Null));
            }
        }
        (Value::Array(changed), Value::Array(original)) => {
            changed.iter_mut().zip(original).for_each(|(changed, original)| restore_empty(changed, original));
        }
        _ => {}
    }
}

/// The object with [`TIME`] where an action has put the time.
pub fn timeless(mut object: Value) -> Value {
    let annotations = object.pointer_mut("/metadata/annotations");
    if let Some(requested) = annotations.and_then(|annotations| annotations.get_mut(REQUESTED)) {
        *requested = json!(TIME);
    }
    if let Some(rotation) = object.pointer_mut("/spec/webhook/rotation") {
        *rotation = json!(TIME);
    }
    object
}

/// The object without annotations: to have none, and to have an empty map of them, is the same.
pub fn forget_annotations(object: &mut Value) {
    object["metadata"].as_object_mut().unwrap().remove("annotations");
}

/// The JSON pointers of all that is in a value.
pub fn pointers(value: &Value) -> Vec<String> {
    let below = |name: &str, member: &Value| {
        let name = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
        let deeper: Vec<String> = pointers(member).iter().map(|rest| format!("{name}{rest}")).collect();
        std::iter::once(name).chain(deeper)
    };
    match value {
        Value::Object(members) => members.iter().flat_map(|(name, member)| below(name, member)).collect(),
        Value::Array(items) => {
            items.iter().enumerate().flat_map(|(index, item)| below(&index.to_string(), item)).collect()
        }
        _ => Vec::new(),
    }
}

/// Removes what the pointer points to.
pub fn remove(value: &mut Value, pointer: &str) {
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer has a slash");
    let name = name.replace("~1", "/").replace("~0", "~");
    match value.pointer_mut(parent) {
        Some(Value::Object(members)) => {
            members.remove(&name);
        }
        Some(Value::Array(items)) => {
            items.remove(name.parse().expect("an index"));
        }
        _ => panic!("nothing is at {pointer}"),
    }
}
