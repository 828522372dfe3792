//! Tables of the documentation that are generated from the code.

use std::fmt::Write;

use clap::{Arg, ValueEnum};

use crate::reconcile::state::conditions::Reason;
use crate::{kinds, metrics};

use super::{iam, rbac};

mod catalog_table;
mod reference;

/// A generated table.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Table {
    /// Kinds with their short names.
    Kinds,
    /// Configurations of associations, and how their services are registered.
    Services,
    /// Reasons of conditions, with what to do.
    Reasons,
    /// Metrics with their labels.
    Metrics,
    /// The rules of the chart's roles, as templates.
    ChartRules,
    /// Flags of the command `run`.
    Flags,
    /// IAM policies, with the actions in them.
    Iam,
    /// Every field of one kind.
    Reference,
}

/// The table as Markdown; `of` is the kind, for tables of one kind. `None` if there is no such kind.
pub fn table(table: Table, of: Option<&str>, command: &clap::Command) -> Option<String> {
    match table {
        Table::Kinds => Some(kinds_table()),
        Table::Services => Some(catalog_table::table()),
        Table::Reasons => Some(reasons_table()),
        Table::Flags => Some(flags_table(command)),
        Table::Iam => Some(iam::table()),
        Table::Reference => reference::page(of?),
        Table::Metrics => Some(metrics_table()),
        Table::ChartRules => Some(rbac::templates()),
    }
}

fn kinds_table() -> String {
    let mut text = String::from("| kind | short name | what it represents |\n| --- | --- | --- |\n");
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

fn flags_table(command: &clap::Command) -> String {
    let mut text = String::from("| flag | variable | default | what it sets |\n| --- | --- | --- | --- |\n");
    let arguments = command.find_subcommand("run").into_iter().flat_map(clap::Command::get_arguments);
    for argument in arguments {
        if let Some(flag) = argument.get_long().filter(|flag| *flag != "help") {
            let _ = writeln!(text, "| `--{flag}` | {} |", flag_cells(argument).join(" | "));
        }
    }
    text
}

/// Variable, default and help of a flag.
fn flag_cells(argument: &Arg) -> [String; 3] {
    let code = |text: String| if text.is_empty() { text } else { format!("`{text}`") };
    let variable = argument.get_env().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let default = argument.get_default_values().iter().map(|value| value.to_string_lossy().into_owned());
    let default = if argument.get_action().takes_values() {
        default.collect::<Vec<_>>().join(", ")
    } else {
        String::new()
    };
    let help = argument.get_long_help().or(argument.get_help()).map(ToString::to_string).unwrap_or_default();
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|");
    [code(variable), code(default), help]
}
