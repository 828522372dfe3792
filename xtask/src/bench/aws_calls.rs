//! Calls to AWS, as the simulator counts them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// How often the simulator was called, up to some moment or between two.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Calls {
    /// By operation.
    pub operations: BTreeMap<String, u64>,
    /// Those of operations that can change something.
    pub changing: u64,
    /// Those that were throttled.
    pub throttled: u64,
}

impl Calls {
    /// What the simulator says of itself.
    pub fn read(summary: &Value) -> Self {
        let operations = summary["operations"].as_object().into_iter().flatten();
        Self {
            operations: operations.map(|(name, count)| (name.clone(), number(count))).collect(),
            changing: number(&summary["mutating"]),
            throttled: number(&summary["errors"]["ThrottlingException"]),
        }
    }

    /// All of them.
    pub fn total(&self) -> u64 {
        self.operations.values().sum()
    }

    /// How often an operation was called.
    pub fn count(&self, operation: &str) -> u64 {
        self.operations.get(operation).copied().unwrap_or_default()
    }

    /// Those that came after these.
    pub fn since(&self, before: &Self) -> Self {
        let later = self.operations.iter().map(|(name, count)| (name.clone(), count - before.count(name)));
        Self {
            operations: later.filter(|(_, count)| *count > 0).collect(),
            changing: self.changing - before.changing,
            throttled: self.throttled - before.throttled,
        }
    }

    /// By operation.
    pub fn json(&self) -> Value {
        json!(self.operations)
    }
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_between_two_moments_are_the_difference() {
        let before = Calls::read(&json!({"operations": {"Get": 2, "List": 3}, "mutating": 0, "errors": {}}));
        let after = Calls::read(&json!({
            "operations": {"Get": 2, "List": 5, "Create": 1}, "mutating": 1,
            "errors": {"ThrottlingException": 4, "ConflictException": 1},
        }));
        let between = after.since(&before);
        assert_eq!(between.json(), json!({"Create": 1, "List": 2}));
        assert_eq!((between.total(), between.changing, between.throttled), (3, 1, 4));
        assert_eq!(between.count("Get"), 0);
    }
}
