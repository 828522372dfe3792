//! The reference of a kind: every field of its CRD.

use std::collections::BTreeSet;
use std::fmt::Write;

use serde_json::Value;

use crate::kinds;

/// The reference of the kind of this singular name, as Markdown without a title.
pub fn page(singular: &str) -> Option<String> {
    let all = kinds::crds().ok()?;
    let crd = all.iter().find(|crd| crd["spec"]["names"]["singular"] == singular)?;
    let version = crd.pointer("/spec/versions/0")?;
    let schema = version.pointer("/schema/openAPIV3Schema")?;
    let mut text = head(crd, version);
    for part in ["spec", "status"] {
        let Some(fields) = schema.pointer(&format!("/properties/{part}")) else { continue };
        let mut rows = Rows::default();
        let required = schema["required"].as_array().is_some_and(|names| names.contains(&part.into()));
        rows.field(part, fields, required);
        let _ = write!(
            text,
            "\n## {part}\n\n| field | type | description |\n| --- | --- | --- |\n{}",
            rows.fields
        );
        if !rows.rules.is_empty() {
            let title = format!("Rules of the {part}");
            let _ = write!(
                text,
                "\n### {title}\n\n| on | rule | message if violated |\n| --- | --- | --- |\n{}",
                rows.rules
            );
        }
    }
    Some(text)
}

/// The names of the kind, and what `kubectl get` shows.
fn head(crd: &Value, version: &Value) -> String {
    let names = &crd["spec"]["names"];
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let columns = version["additionalPrinterColumns"].as_array().into_iter().flatten().map(|column| {
        let wide = if column["priority"].as_i64().unwrap_or(0) > 0 { " (`-o wide`)" } else { "" };
        format!("{}{wide}", word(&column["name"]))
    });
    format!(
        "| | |\n| --- | --- |\n| API version | `{}/{}` |\n| kind | `{}` |\n| names for kubectl | `{}`, `{}` |\n| scope | {} |\n| columns | {} |\n",
        word(&crd["spec"]["group"]),
        word(&version["name"]),
        word(&names["kind"]),
        word(&names["plural"]),
        word(&names["shortNames"][0]),
        word(&crd["spec"]["scope"]),
        columns.collect::<Vec<_>>().join(", "),
    )
}

/// The rows of the two tables.
#[derive(Default)]
struct Rows {
    fields: String,
    rules: String,
    seen: BTreeSet<String>,
}

impl Rows {
    fn field(&mut self, path: &str, schema: &Value, required: bool) {
        let kind = type_of(schema);
        let mut described = cell(schema["description"].as_str().unwrap_or_default());
        for remark in constraints(schema) {
            let _ = write!(described, "{}{remark}", if described.is_empty() { "" } else { "<br>" });
        }
        let must = if required { "<br>**required**" } else { "" };
        let _ = writeln!(self.fields, "| `{path}` | {kind}{must} | {described} |");
        for rule in schema["x-kubernetes-validations"].as_array().into_iter().flatten() {
            let (rule, said) = (code(rule["rule"].as_str().unwrap_or_default()), &rule["message"]);
            let row = format!("| `{path}` | {rule} | {} |\n", cell(said.as_str().unwrap_or_default()));
            if self.seen.insert(row.clone()) {
                self.rules.push_str(&row);
            }
        }
        self.below(path, schema);
    }

    fn below(&mut self, path: &str, schema: &Value) {
        let required = schema["required"].as_array();
        for (name, member) in schema["properties"].as_object().into_iter().flatten() {
            let must = required.is_some_and(|names| names.iter().any(|known| known == name.as_str()));
            self.field(&format!("{path}.{name}"), member, must);
        }
        for (key, suffix) in [("items", "[]"), ("additionalProperties", ".*")] {
            let inner = &schema[key];
            if inner.is_object() {
                self.inner(&format!("{path}{suffix}"), inner);
            }
        }
    }

    /// Items of a list or a map: they have their own row only if there is more to say than the type.
    fn inner(&mut self, path: &str, schema: &Value) {
        let says_more = schema["description"].is_string() || constraints(schema).next().is_some();
        if says_more && schema["properties"].is_null() {
            self.field(path, schema, false);
        } else {
            self.below(path, schema);
        }
    }
}

fn type_of(schema: &Value) -> String {
    let named = schema["type"].as_str().unwrap_or("object");
    if schema["x-kubernetes-int-or-string"] == true {
        return "integer or string".to_owned();
    }
    match named {
        "array" => format!("list of {}", type_of(&schema["items"])),
        "object" if schema["additionalProperties"].is_object() => {
            format!("map of {}", type_of(&schema["additionalProperties"]))
        }
        "object" if schema["x-kubernetes-preserve-unknown-fields"] == true => "any object".to_owned(),
        "string" if schema["format"].is_string() => schema["format"].as_str().unwrap_or_default().to_owned(),
        named => named.to_owned(),
    }
}

/// The constraints on a value, one remark for each.
fn constraints(schema: &Value) -> impl Iterator<Item = String> {
    let default = schema.get("default").map(|value| format!("Default: `{}`.", plain(value)));
    let values = schema["enum"].as_array().map(|values| {
        let words: Vec<String> = values.iter().map(|value| format!("`{}`", plain(value))).collect();
        format!("One of {}.", words.join(", "))
    });
    let range = |low: &str, high: &str, what: &str| {
        let (low, high) = (schema[low].as_f64(), schema[high].as_f64());
        let counted = |number: f64| {
            format!("{number}{what}{}", if number > 1.0 && !what.is_empty() { "s" } else { "" })
        };
        match (low, high) {
            (Some(low), Some(high)) if low >= high => Some(format!("Exactly {}.", counted(low))),
            (Some(low), Some(high)) => Some(format!("{low} to {}.", counted(high))),
            (Some(low), None) if low > 0.0 => Some(format!("At least {}.", counted(low))),
            (None, Some(high)) => Some(format!("At most {}.", counted(high))),
            _ => None,
        }
    };
    let pattern = schema["pattern"].as_str().map(|pattern| format!("Pattern: {}", code(pattern)));
    [
        default,
        values,
        range("minLength", "maxLength", " character"),
        range("minItems", "maxItems", " item"),
        range("minProperties", "maxProperties", " member"),
        range("minimum", "maximum", ""),
        pattern,
    ]
    .into_iter()
    .flatten()
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

/// Text in a cell of a table. Anything that looks like HTML would vanish.
fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|").replace('<', "&lt;")
}

/// Code in a cell of a table, fenced by more backticks than it holds.
fn code(text: &str) -> String {
    let fence = if text.contains('`') { "``" } else { "`" };
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|");
    format!("{fence}{text}{fence}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_reference_with_its_fields_and_rules() {
        for crd in kinds::crds().unwrap() {
            let text = page(crd["spec"]["names"]["singular"].as_str().unwrap()).unwrap();
            assert!(text.contains("| `status.conditions` |"), "{text}");
            for line in text.lines().filter(|line| line.starts_with("| `")) {
                let bars = line.replace("\\|", "").matches('|').count();
                assert_eq!(bars, 4, "{line}");
            }
        }
        let space = page("agentspace").unwrap();
        assert!(space.contains("| `spec.operatorApp.iam.roleArn` | string<br>**required** |"), "{space}");
        assert!(space.contains("Default: `Refuse`.<br>One of `Refuse`, `Adopt`."), "{space}");
        assert!(page("nothing").is_none());
    }
}
