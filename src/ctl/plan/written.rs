//! A plan as people and programs read it.

use std::collections::BTreeMap;
use std::fmt::Write;

use clap::ValueEnum;
use serde::Serialize;

use crate::api::change::FieldChange;
use crate::ctl::Error;
use crate::ctl::output::{Paint, Versioned};
use crate::text;

use super::outlook::{Approval, Entry, Fate};

/// How to print it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For a comment on a pull request.
    Markdown,
    /// For programs.
    Json,
    /// For programs, and for people who like it.
    Yaml,
}

/// How many objects have which fate, and whether anything changes.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    changes: usize,
    #[serde(flatten)]
    counts: BTreeMap<Fate, usize>,
}

#[derive(Serialize)]
struct Plan<'a> {
    objects: &'a [Entry],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    notes: &'a [String],
}

/// The plan as text.
pub fn plan(entries: &[Entry], notes: &[String], format: Format, paint: Paint) -> Result<String, Error> {
    let mut counts = BTreeMap::new();
    for entry in entries {
        *counts.entry(entry.action).or_insert(0) += 1;
    }
    let changes = entries.iter().filter(|entry| entry.action.is_change()).count();
    let summary = Summary { changes, counts };
    let whole = Plan { objects: entries, notes };
    match format {
        Format::Text => Ok(as_text(entries, notes, &summary, paint)),
        Format::Markdown => Ok(as_markdown(entries, notes, &summary)),
        Format::Json => Versioned::new("Plan", &summary, &whole).json(),
        Format::Yaml => Versioned::new("Plan", &summary, &whole).yaml(),
    }
}

fn sentence(summary: &Summary) -> String {
    let counted = Fate::ALL.iter().filter_map(|fate| {
        let count = summary.counts.get(fate)?;
        Some(format!("{count} {}", fate.counted()))
    });
    let counted: Vec<String> = counted.collect();
    match (counted.is_empty(), summary.changes) {
        (true, _) => "No objects.".to_owned(),
        (false, 0) => format!("Nothing to do in AWS: {}.", counted.join(", ")),
        (false, _) => format!("Plan: {}.", counted.join(", ")),
    }
}

fn as_text(entries: &[Entry], notes: &[String], summary: &Summary, paint: Paint) -> String {
    let mut out = String::new();
    for entry in entries.iter().filter(|entry| entry.action != Fate::Unchanged) {
        let word = action(entry);
        let word = match entry.action {
            Fate::Delete | Fate::Replace | Fate::Refused => paint.bad(&word),
            Fate::Create | Fate::Adopt => paint.good(&word),
            _ => paint.warn(&word),
        };
        let id = entry.id.as_ref().map(|id| paint.dim(&format!(" ({id})"))).unwrap_or_default();
        let _ = writeln!(out, "{}: {word}{id}", entry.shown());
        for detail in details(entry) {
            let _ = writeln!(out, "    {}", text::plain(&detail));
        }
        for change in &entry.changes {
            let _ = writeln!(out, "    {}", text::plain(&field(change)));
        }
        if let Some(more) = entry.truncated {
            let _ = writeln!(out, "    … and {more} more");
        }
        out.push('\n');
    }
    let _ = writeln!(out, "{}", sentence(summary));
    for note in notes {
        let _ = writeln!(out, "Note: {}", text::plain(note));
    }
    out
}

fn action(entry: &Entry) -> String {
    let adopts = entry.adopts && entry.action != Fate::Adopt;
    let heir = entry.heir.as_ref().map(|heir| format!(" to {heir}")).unwrap_or_default();
    format!("{}{}{heir}", if adopts { "adopt, then " } else { "" }, entry.action.word())
}

/// Everything that is to be known besides the fields.
fn details(entry: &Entry) -> Vec<String> {
    let mut details = Vec::new();
    if !entry.message.is_empty() {
        details.push(format!("{}: {}", entry.reason, entry.message));
    }
    if !entry.after.is_empty() {
        details.push(format!("after {}", entry.after.join(", ")));
    }
    if !entry.disrupts.is_empty() {
        details.push(format!("affects {}", entry.disrupts.join(", ")));
    }
    if !entry.held_by.is_empty() {
        details.push(format!("the old one is kept as long as it is used by {}", entry.held_by.join(", ")));
    }
    let hash = entry.hash.as_deref().unwrap_or_default();
    match entry.approval {
        Some(Approval::Required) => details.push(format!("waits for approval: {hash}")),
        Some(Approval::Given) => details.push(format!("approved: {hash}")),
        None => {}
    }
    details
}

/// A field, as a line.
fn field(change: &FieldChange) -> String {
    let FieldChange { path, old, new, sensitive } = change;
    match (sensitive, old, new) {
        (true, ..) => format!("~ {path}: (hidden)"),
        (false, None, None) => format!("+ {path}: (known once it is applied)"),
        (false, None, Some(new)) => format!("+ {path}: {new}"),
        (false, Some(old), None) => format!("- {path}: {old}"),
        (false, Some(old), Some(new)) => format!("~ {path}: {old} → {new}"),
    }
}

fn as_markdown(entries: &[Entry], notes: &[String], summary: &Summary) -> String {
    let mut out = format!("### AWS DevOps Agent: plan\n\n{}\n", sentence(summary));
    for entry in entries.iter().filter(|entry| entry.action != Fate::Unchanged) {
        let mark = match entry.action {
            Fate::Delete | Fate::Replace => "⚠️ ",
            Fate::Refused | Fate::Blocked => "⛔ ",
            _ => "",
        };
        let _ = write!(out, "\n{mark}**{}**: {}\n", escaped(&entry.shown()), action(entry));
        let details = details(entry);
        for detail in &details {
            let _ = writeln!(out, "\n> {}", escaped(detail));
        }
        if !entry.changes.is_empty() {
            let fence = fence_for(&entry.changes);
            let _ = write!(out, "\n{fence}diff\n");
            for change in &entry.changes {
                let _ = writeln!(out, "{}", diff(change));
            }
            if let Some(more) = entry.truncated {
                let _ = writeln!(out, "# … and {more} more");
            }
            let _ = writeln!(out, "{fence}");
        }
    }
    for note in notes {
        let _ = writeln!(out, "\n> Note: {}", escaped(note));
    }
    out
}

/// A field as lines of a diff, which are colored.
fn diff(change: &FieldChange) -> String {
    let path = text::plain(&change.path).into_owned();
    let side = |sign: char, value: &Option<String>| {
        value.as_ref().map(|value| format!("{sign} {path}: {}", text::plain(value)))
    };
    if change.sensitive {
        return format!("! {path}: (hidden)");
    }
    if change.old.is_none() && change.new.is_none() {
        return format!("+ {path}: (known once it is applied)");
    }
    [side('-', &change.old), side('+', &change.new)].into_iter().flatten().collect::<Vec<_>>().join("\n")
}

/// A fence that none of the values ends.
fn fence_for(changes: &[FieldChange]) -> String {
    let values = changes.iter().flat_map(|change| [&change.old, &change.new]).flatten();
    let longest = values.map(|value| longest_run(value)).max().unwrap_or_default();
    "`".repeat(longest.max(2) + 1)
}

fn longest_run(value: &str) -> usize {
    value.split(|letter| letter != '`').map(str::len).max().unwrap_or_default()
}

/// Text in which nothing is Markdown.
fn escaped(value: &str) -> String {
    let mut out = String::new();
    for letter in text::plain(value).chars() {
        if matches!(letter, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '~' | '@') {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}
