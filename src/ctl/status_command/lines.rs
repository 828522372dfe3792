//! The trees as text.

use std::collections::BTreeMap;
use std::fmt::Write;

use k8s_openapi::jiff::Timestamp;

use crate::ctl::output::Paint;
use crate::reconcile::state::subject::Subject;
use crate::text::{self, plain};

use super::causes::Cause;
use super::overview::Picture;
use super::standing::{Health, Standing};

/// So many of the objects that wait for a cause are named.
const NAMED: usize = 10;

/// How text is made.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Its colors.
    pub paint: Paint,
    /// The time, if ages are shown. Without it, times are.
    pub now: Option<Timestamp>,
}

/// The whole text.
pub fn whole(picture: &Picture<'_>, style: Style) -> String {
    let mut lines = Lines { picture, style, children: picture.forest.children(), text: String::new() };
    lines.trees();
    lines.summary();
    lines.causes();
    lines.text
}

struct Lines<'a> {
    picture: &'a Picture<'a>,
    style: Style,
    children: BTreeMap<&'a Subject, Vec<&'a Subject>>,
    text: String,
}

/// What is under a line of a tree.
enum Branch<'a> {
    Object(&'a Subject),
    Uses(&'a Subject),
    UsedBy(&'a Subject),
    Webhook(&'a Subject, &'a Standing),
}

impl<'a> Lines<'a> {
    fn trees(&mut self) {
        let mut is_in_own = false;
        for root in self.picture.roots() {
            let is_rootless = self.picture.is_in_own_account(root);
            if is_rootless && !is_in_own {
                let _ = writeln!(
                    self.text,
                    "{}",
                    self.style.paint.dim("In the account of the operator's own credentials:")
                );
                is_in_own = true;
            }
            self.tree(root);
        }
    }

    /// A tree; not recursive, because nobody knows how deep it is.
    fn tree(&mut self, root: &'a Subject) {
        let mut open = vec![(String::new(), String::new(), Branch::Object(root))];
        while let Some((first, rest, branch)) = open.pop() {
            let line = self.line(&branch);
            let _ = writeln!(self.text, "{first}{line}");
            let Branch::Object(subject) = branch else { continue };
            let mut below = self.below(subject, subject == root);
            let last = below.len().saturating_sub(1);
            for (position, branch) in below.drain(..).enumerate().rev() {
                let (edge, gap) = if position == last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
                open.push((format!("{rest}{edge}"), format!("{rest}{gap}"), branch));
            }
        }
    }

    fn below(&self, subject: &'a Subject, is_root: bool) -> Vec<Branch<'a>> {
        let forest = self.picture.forest;
        let Some(node) = forest.nodes.get(subject) else { return Vec::new() };
        let uses = node.uses.iter().map(Branch::Uses);
        let webhook = node.webhook.iter().map(|(secret, standing)| Branch::Webhook(secret, standing));
        let children = self.children.get(subject).into_iter().flatten().map(|child| Branch::Object(child));
        let is_chosen = is_root && self.picture.chosen.is_some();
        let others = if is_chosen { forest.users(subject) } else { Vec::new() };
        uses.chain(webhook).chain(children).chain(others.into_iter().map(Branch::UsedBy)).collect()
    }

    fn line(&self, branch: &Branch<'_>) -> String {
        let health = |subject: &Subject| {
            let health =
                self.picture.forest.nodes.get(subject).map_or(Health::Unknown, |node| node.standing.health);
            format!("{}: {}", plain(&subject.to_string()), colored(self.style.paint, health))
        };
        match branch {
            Branch::Object(subject) => {
                let standing = self.picture.forest.nodes.get(subject).map(|node| &node.standing);
                standing.map_or_else(String::new, |standing| one(subject, standing, self.style))
            }
            Branch::Uses(subject) => format!("uses {}", health(subject)),
            Branch::UsedBy(subject) => format!("used by {}", health(subject)),
            Branch::Webhook(secret, standing) => {
                format!("webhook in {}", one(secret, standing, self.style))
            }
        }
    }

    fn summary(&mut self) {
        if !self.picture.forest.nodes.is_empty() {
            let _ = writeln!(self.text, "\n{}", self.picture.summary().shown());
        }
    }

    fn causes(&mut self) {
        let (waits, fixes): (Vec<&Cause>, Vec<&Cause>) =
            self.picture.causes.iter().partition(|cause| cause.is_in_progress());
        for (title, causes) in [("What to fix, first things first:", fixes), ("In progress:", waits)] {
            if causes.is_empty() {
                continue;
            }
            let _ = writeln!(self.text, "\n{title}");
            for (position, cause) in causes.into_iter().enumerate() {
                self.cause(position + 1, cause);
            }
        }
    }

    fn cause(&mut self, number: usize, cause: &Cause) {
        let _ = writeln!(self.text, "{number}. {}", one(&cause.subject, &cause.standing, self.style));
        if !cause.way_out.is_empty() {
            let _ = writeln!(self.text, "   What to do: {}", cause.way_out);
        }
        let nodes = &self.picture.forest.nodes;
        let blocked = cause.blocks.iter().map(|subject| {
            let since = nodes.get(subject).and_then(|node| node.standing.since.as_deref());
            let since = since.map_or_else(String::new, |since| format!(" ({})", self.style.age(since)));
            format!("{}{since}", plain(&subject.to_string()))
        });
        let blocked: Vec<String> = blocked.collect();
        if !blocked.is_empty() {
            let names = text::some_of(blocked.iter().map(String::as_str), NAMED);
            let _ = writeln!(self.text, "   Holds up: {names}");
        }
    }
}

/// An object in a line.
pub fn one(subject: &Subject, standing: &Standing, style: Style) -> String {
    let mut line = format!("{}: {}", plain(&subject.to_string()), colored(style.paint, standing.health));
    if standing.health == Health::Healthy && standing.reason == "Available" {
        return line;
    }
    if let Some(since) = &standing.since {
        let _ = write!(line, " {}", style.age(since));
    }
    let told = standing.told();
    if !told.is_empty() {
        let _ = write!(line, ": {}", plain(&told));
    }
    line
}

fn colored(paint: Paint, health: Health) -> String {
    let word = health.as_str();
    match health {
        Health::Healthy => paint.good(word),
        Health::Progressing | Health::Suspended | Health::Unknown => paint.warn(word),
        Health::Degraded | Health::Missing => paint.bad(word),
    }
}

impl Style {
    /// How long something lasts, in the one unit that matters; else since when.
    fn age(self, since: &str) -> String {
        let known = self.now.zip(since.parse::<Timestamp>().ok());
        let Some((now, since)) = known else { return format!("since {}", plain(since)) };
        let seconds = now.duration_since(since).as_secs().max(0);
        let (number, unit) = match seconds {
            ..120 => (seconds, 's'),
            120..7_200 => (seconds / 60, 'm'),
            7_200..172_800 => (seconds / 3_600, 'h'),
            _ => (seconds / 86_400, 'd'),
        };
        format!("for {number}{unit}")
    }
}
