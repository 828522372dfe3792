//! The operator's objects, as far as the demo looks at them.

use serde_json::Value;

use crate::error::Error;
use crate::kubectl::Kubectl;

/// One object.
#[derive(Debug, Clone)]
pub struct Object(Value);

impl Object {
    /// Its kind.
    pub fn kind(&self) -> &str {
        self.text("/kind")
    }

    /// Its namespace; empty for one that has none.
    pub fn namespace(&self) -> &str {
        self.text("/metadata/namespace")
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.text("/metadata/name")
    }

    /// Its name for kubectl: `agentspace.devopsagent.dev/payments`.
    pub fn resource(&self) -> String {
        let group = self.text("/apiVersion").split('/').next().unwrap_or_default();
        format!("{}.{group}/{}", self.kind().to_lowercase(), self.name())
    }

    /// Its name for people.
    pub fn title(&self) -> String {
        match self.namespace() {
            "" => format!("{} {}", self.kind(), self.name()),
            namespace => format!("{} {namespace}/{}", self.kind(), self.name()),
        }
    }

    /// A text in it; empty when there is none.
    pub fn text(&self, pointer: &str) -> &str {
        self.0.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// Its conditions.
    pub fn conditions(&self) -> impl Iterator<Item = &Value> {
        self.0.pointer("/status/conditions").and_then(Value::as_array).into_iter().flatten()
    }

    /// The operator has seen its current spec, and everything matches it.
    pub fn is_ready(&self) -> bool {
        let generation = self.0.pointer("/metadata/generation");
        let observed = self.0.pointer("/status/observedGeneration");
        generation.is_some()
            && generation == observed
            && self.conditions().any(|one| one["type"] == "Ready" && one["status"] == "True")
    }

    /// The reason of its Ready condition.
    pub fn reason(&self) -> &str {
        self.conditions()
            .find(|one| one["type"] == "Ready")
            .and_then(|one| one["reason"].as_str())
            .unwrap_or("not seen by the operator")
    }
}

/// All objects of all kinds and namespaces.
pub fn all(kubectl: &Kubectl) -> Result<Vec<Object>, Error> {
    let list = kubectl.json(&["get", "devopsagent", "-A"])?;
    Ok(list["items"].as_array().into_iter().flatten().cloned().map(Object).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(status: &Value) -> Object {
        Object(json!({
            "apiVersion": "devopsagent.dev/v1alpha1", "kind": "AgentSpace",
            "metadata": {"namespace": "payments", "name": "checkout", "generation": 2}, "status": status,
        }))
    }

    #[test]
    fn ready_for_an_older_generation_is_not_ready() {
        let conditions = json!([{"type": "Ready", "status": "True", "reason": "Succeeded"}]);
        assert!(object(&json!({"observedGeneration": 2, "conditions": conditions})).is_ready());
        assert!(!object(&json!({"observedGeneration": 1, "conditions": conditions})).is_ready());
    }

    #[test]
    fn an_object_that_the_operator_has_not_seen_says_so() {
        let object = object(&json!({"observedGeneration": -1}));
        assert!(!object.is_ready());
        assert_eq!(object.reason(), "not seen by the operator");
    }

    #[test]
    fn kubectl_is_told_kind_group_and_name() {
        assert_eq!(object(&json!({})).resource(), "agentspace.devopsagent.dev/checkout");
        assert_eq!(object(&json!({})).title(), "AgentSpace payments/checkout");
    }
}
