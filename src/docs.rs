//! Tables of the documentation that are made from the code.

use std::fmt::Write;

use clap::ValueEnum;

use crate::engine::conditions::Reason;
use crate::{kinds, metrics, rbac};

/// A generated table.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Table {
    /// Kinds with their short names.
    Kinds,
    /// Reasons of conditions, with what to do.
    Reasons,
    /// Metrics, with their labels.
    Metrics,
    /// The rules of the chart's roles, as templates.
    ChartRules,
}

/// The table as Markdown.
pub fn table(table: Table) -> String {
    match table {
        Table::Kinds => kinds_table(),
        Table::Reasons => reasons_table(),
        Table::Metrics => metrics_table(),
        Table::ChartRules => rbac::templates(),
    }
}

fn kinds_table() -> String {
    let mut text = String::from("| kind | short name | what it stands for |\n| --- | --- | --- |\n");
    for crd in kinds::crds().unwrap_or_default() {
        let names = &crd["spec"]["names"];
        let description =
            crd.pointer("/spec/versions/0/schema/openAPIV3Schema/description").and_then(|text| text.as_str());
        let word = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let _ = writeln!(
            text,
            "| {} | `{}` | {} |",
            word(&names["kind"]),
            word(&names["shortNames"][0]),
            description.unwrap_or_default()
        );
    }
    text
}

fn reasons_table() -> String {
    let mut text = String::from("| reason | what it means, and what to do |\n| --- | --- |\n");
    for (reason, meaning) in Reason::TABLE {
        let _ = writeln!(text, "| `{reason}` | {} |", meaning.trim());
    }
    text
}

fn metrics_table() -> String {
    let mut text = String::from("| metric | type | labels | what it means |\n| --- | --- | --- | --- |\n");
    for row in metrics::table::TABLE {
        let labels: Vec<String> = row.labels.iter().map(|label| format!("`{label}`")).collect();
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {} |",
            row.name,
            row.kind.as_str(),
            labels.join(", "),
            row.help.trim()
        );
    }
    text
}
