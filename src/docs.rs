//! Tables of the documentation that are made from the code.

use std::fmt::Write;

use clap::ValueEnum;

use crate::engine::conditions::Reason;
use crate::{iam, kinds};

mod reference;

/// A generated table.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Table {
    /// Kinds with their short names.
    Kinds,
    /// Reasons of conditions, with what to do.
    Reasons,
    /// IAM policies, with the actions in them.
    Iam,
    /// Every field of one kind.
    Reference,
}

/// The table as Markdown; `of` is the kind, for those that are of one kind. `None` when there is no such kind.
pub fn table(table: Table, of: Option<&str>) -> Option<String> {
    match table {
        Table::Kinds => Some(kinds_table()),
        Table::Reasons => Some(reasons_table()),
        Table::Iam => Some(iam::table()),
        Table::Reference => reference::page(of?),
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
