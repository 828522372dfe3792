//! The settings for Argo CD's ConfigMap, as Argo CD reads them.

use serde_json::Value;

use crate::argocd::{root, yaml};
use crate::lua;

/// The data of `argocd/argocd-cm.yaml`.
pub struct Settings(Value);

pub fn settings() -> Settings {
    Settings(yaml(&root().join("argocd/argocd-cm.yaml"))["data"].clone())
}

impl Settings {
    fn setting(&self, part: &str, kind: &str) -> &str {
        let key = format!("resource.customizations.{part}.devopsagent.dev_{kind}");
        self.0[&key].as_str().unwrap_or_else(|| panic!("{key} is not there"))
    }

    /// The health by the script of the setting.
    pub fn health(&self, kind: &str, object: &Value) -> Value {
        lua::evaluate(self.setting("health", kind), object).unwrap_or_else(|error| panic!("{kind}: {error}"))
    }

    /// The names of the actions that are defined, each of which has been discovered in its scripts too.
    pub fn actions(&self, kind: &str) -> Vec<String> {
        let actions: Value = serde_saphyr::from_str(self.setting("actions", kind)).unwrap();
        let object = serde_json::json!({"kind": kind, "metadata": {}, "spec": {}});
        let found = lua::evaluate(actions["discovery.lua"].as_str().unwrap(), &object).unwrap();
        let definitions = actions["definitions"].as_array().unwrap().iter();
        definitions
            .map(|definition| {
                let name = definition["name"].as_str().unwrap().to_owned();
                assert!(found.get(&name).is_some(), "{kind}: {name} is not discovered");
                lua::evaluate(definition["action.lua"].as_str().unwrap(), &object).unwrap();
                name
            })
            .collect()
    }
}
