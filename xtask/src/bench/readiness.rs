//! What objects say of themselves.

use serde_json::Value;

/// How many rows of a table say that their object is Ready.
pub fn ready_rows(table: &Value) -> usize {
    let columns = table["columnDefinitions"].as_array().into_iter().flatten();
    let Some(column) = columns.map(|column| &column["name"]).position(|name| name == "Ready") else {
        return 0;
    };
    rows(table).filter(|row| row["cells"][column] == "True").count()
}

/// How many rows a table has.
pub fn number_of_rows(table: &Value) -> usize {
    rows(table).count()
}

fn rows(table: &Value) -> impl Iterator<Item = &Value> {
    table["rows"].as_array().into_iter().flatten()
}

/// The operator has seen the present spec of an object, and everything is as that says.
pub fn is_ready(object: &Value) -> bool {
    let generation = &object["metadata"]["generation"];
    let mut conditions = object["status"]["conditions"].as_array().into_iter().flatten();
    generation.is_u64()
        && *generation == object["status"]["observedGeneration"]
        && conditions.any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn ready_rows_are_told_by_the_column() {
        let table = json!({
            "columnDefinitions": [{"name": "Name"}, {"name": "Ready"}, {"name": "Synced"}],
            "rows": [{"cells": ["a", "True", "True"]}, {"cells": ["b", "False", "True"]}, {"cells": ["c", null, null]}],
        });
        assert_eq!((ready_rows(&table), number_of_rows(&table)), (1, 3));
        assert_eq!(ready_rows(&json!({"rows": [{"cells": ["True"]}]})), 0);
    }

    #[test]
    fn ready_for_an_older_spec_is_not_ready() {
        let object = |generation: u64, status: &str| {
            json!({
                "metadata": {"generation": generation},
                "status": {"observedGeneration": 2, "conditions": [{"type": "Ready", "status": status}]},
            })
        };
        assert!(is_ready(&object(2, "True")));
        assert!(!is_ready(&object(3, "True")) && !is_ready(&object(2, "False")) && !is_ready(&json!({})));
    }
}
