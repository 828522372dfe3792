//! What one run has measured.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::figures::Figures;

/// Figures and counts of one run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunResult {
    /// How many objects there were.
    pub objects: usize,
    /// What they were.
    pub shape: String,
    /// What was measured.
    pub figures: Figures,
    /// Calls and writes in detail, by phase.
    pub counts: BTreeMap<String, Value>,
}

impl RunResult {
    /// As it is written to a file.
    pub fn json(&self) -> Value {
        json!({
            "objects": self.objects, "shape": self.shape,
            "figures": self.figures.json(), "counts": self.counts,
        })
    }

    /// Reads what [`RunResult::json`] wrote.
    pub fn read(value: &Value) -> Option<Self> {
        let counts = value["counts"].as_object().cloned().unwrap_or_default();
        Some(Self {
            objects: usize::try_from(value["objects"].as_u64()?).ok()?,
            shape: value["shape"].as_str()?.to_owned(),
            figures: Figures::read(value["figures"].as_object().unwrap_or(&Map::new())),
            counts: counts.into_iter().collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::figures::READY;
    use super::*;

    #[test]
    fn a_result_survives_being_written_and_read() {
        let mut result = RunResult { objects: 500, shape: "mix".to_owned(), ..RunResult::default() };
        result.figures.set(READY, 8.1);
        result.counts.insert("create.calls".to_owned(), json!({"CreateAsset": 3}));
        assert_eq!(RunResult::read(&result.json()), Some(result));
        assert_eq!(RunResult::read(&json!({"objects": 1})), None);
    }
}
