//! What a pass is about to do to AWS, as data: for the plan, and for the approval that some changes wait for. Pure.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::api::change::{ApprovedChange, ChangeAction, FieldChange, PendingChange};
use crate::api::common::Fingerprint;
use crate::document;

use super::owned;
use super::state::drift::{Change, Drift, Remedy};
use super::state::fingerprint::{self, ObjectFingerprints};

/// Maximum fields and disruptions that status lists.
const MOST_CHANGES: usize = 32;
const MOST_DISRUPTIONS: usize = 16;
/// Maximum fields that an approval remembers.
const MOST_PARTS: usize = 128;
/// Maximum characters of a value.
const LONGEST: usize = 256;
/// Hexadecimal digits of a change's hash.
const DIGITS: usize = 16;

/// A change of AWS that is about to be made.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    /// What it does.
    pub action: ChangeAction,
    /// Id of the resource; none for one that is created.
    pub id: Option<String>,
    /// The fields that differ.
    pub drift: Drift,
    /// What stops working, or gets another address or id.
    pub disrupts: Vec<String>,
}

/// Policies, which say nothing about the resource itself.
const POLICIES: &[&str] = &[
    "/managementPolicy",
    "/deletionPolicy",
    "/adoptionPolicy",
    "/changePolicy",
    "/externalId",
    "/allowedNamespaces",
];

/// Every field that a spec asks for, as the changes that make a new resource.
pub fn asked_for(spec: &Value, conceals: impl Fn(&str) -> bool) -> Drift {
    let is_policy = |path: &str| {
        POLICIES.iter().any(|policy| {
            path.strip_prefix(policy).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    };
    let field = |pointer: String| {
        let steps = pointer.split('/').skip(1).map(document::member);
        let path = steps.map(|step| if step.contains('.') { format!("[{step}]") } else { step });
        let change = Change::new(path.collect::<Vec<_>>().join("."), None, spec.pointer(&pointer).cloned());
        if conceals(&pointer) { change.sensitive() } else { change }
    };
    owned::leaves(spec).into_iter().filter(|path| !is_policy(path)).map(field).collect()
}

/// A field, as status shows it.
pub fn shown(change: &Change) -> FieldChange {
    let value = |value: &Option<Value>| {
        value.as_ref().filter(|_| !change.sensitive).map(|value| cut(&value.to_string()))
    };
    FieldChange {
        path: pointer(&change.path),
        old: value(&change.observed),
        new: value(&change.desired),
        sensitive: change.sensitive,
    }
}

/// Tells changes apart whose values must not be shown.
pub struct Marks<'a> {
    /// Makes fingerprints of values.
    pub fingerprints: &'a ObjectFingerprints,
    /// Of all that the spec asks for and that must not be shown.
    pub undisclosed: Option<Fingerprint>,
}

impl Proposal {
    /// A change without fields: nothing but the action.
    pub fn new(action: ChangeAction, id: Option<String>) -> Self {
        Self { action, id, drift: Drift::default(), disrupts: Vec::new() }
    }

    /// The correction of `drift`; none if nothing in AWS would change, or only what is left from an earlier change.
    pub fn correcting(drift: &Drift, id: &str) -> Option<Self> {
        let is_change = |change: &&Change| {
            !change.local
                && !change.path.starts_with("status.")
                && matches!(change.remedy, Remedy::InPlace | Remedy::Replace)
        };
        let drift: Drift = drift.0.iter().filter(is_change).cloned().collect();
        if drift.is_empty() {
            return None;
        }
        let replaces = drift.fixed_by(Remedy::Replace).next().is_some();
        let action = if replaces { ChangeAction::Replace } else { ChangeAction::Update };
        Some(Self { drift, ..Self::new(action, Some(id.to_owned())) })
    }

    /// The correction of all of `drift`, with what only the cluster or earlier changes are about.
    pub fn correcting_all(drift: &Drift, id: &str) -> Option<Self> {
        let change = Self::correcting(drift, id);
        let is_made = |change: &&Change| matches!(change.remedy, Remedy::InPlace | Remedy::Replace);
        let drift: Drift = drift.0.iter().filter(is_made).cloned().collect();
        let action = change.map_or(ChangeAction::Update, |change| change.action);
        (!drift.is_empty()).then(|| Self { drift, ..Self::new(action, Some(id.to_owned())) })
    }

    /// Identifies the change. It doesn't depend on commits, times or generations, and hidden values count. The change
    /// that was `done` last has another hash when it comes again.
    pub fn hash(&self, marks: &Marks<'_>, done: Option<&str>) -> String {
        let mut parts: Vec<Value> = self.drift.0.iter().map(|change| marks.identity_of(change)).collect();
        parts.sort_by_key(Value::to_string);
        // Of a new resource, everything counts that is sent; of an old one, only what changes.
        let hides = self.drift.0.iter().any(|change| change.sensitive);
        let whole = matches!(self.action, ChangeAction::Create | ChangeAction::Replace);
        let undisclosed = marks.undisclosed.as_ref().filter(|_| hides || whole);
        let document = json!([self.action, self.id, parts, undisclosed]);
        let hash = shortened(&fingerprint::digest(&document));
        match done {
            Some(done) if done == hash => shortened(&fingerprint::digest(&json!([document, done]))),
            _ => hash,
        }
    }

    /// As status shows it.
    pub fn pending(&self, hash: String) -> PendingChange {
        let more = self.drift.0.len().saturating_sub(MOST_CHANGES);
        PendingChange {
            hash,
            action: self.action,
            disrupts: self.disrupts.iter().take(MOST_DISRUPTIONS).map(|text| cut(text)).collect(),
            changes: self.drift.0.iter().take(MOST_CHANGES).map(shown).collect(),
            truncated: i32::try_from(more).ok().filter(|more| *more > 0),
        }
    }

    /// What is remembered when it is approved under this hash. `desired` identifies all that the spec asks for.
    pub fn approved(&self, hash: String, desired: String, marks: &Marks<'_>) -> ApprovedChange {
        let parts = self.drift.0.iter().take(MOST_PARTS).map(|change| marks.part(change)).collect();
        ApprovedChange { hash, action: self.action, desired, parts, done: false }
    }

    /// Whether it is what is left of an approved change: nothing that the approval didn't cover.
    pub fn is_covered(&self, approved: &ApprovedChange, desired: &str, marks: &Marks<'_>) -> bool {
        use ChangeAction::{Create, Delete, Replace, Update};
        match (approved.action, self.action) {
            _ if approved.done => false,
            // Once there is a new one, the rest of the spec follows.
            (Create | Replace, Create | Update) => approved.desired == desired,
            (Update, Update) | (Replace, Replace) => {
                let known: BTreeSet<&String> = approved.parts.iter().collect();
                self.drift.0.iter().all(|change| known.contains(&marks.part(change)))
            }
            (Delete, _) | (_, Delete) | (Create | Update, Replace) | (Update, Create) => false,
        }
    }

    /// In one sentence.
    pub fn told(&self, noun: &str) -> String {
        let id = self.id.as_ref().map(|id| format!(" {id}")).unwrap_or_default();
        let verb = self.action.verb();
        let fields = match self.action {
            ChangeAction::Create => String::new(),
            _ if self.drift.is_empty() => String::new(),
            _ => format!(": {}", self.drift),
        };
        let disrupts = if self.disrupts.is_empty() {
            String::new()
        } else {
            format!("; this affects {}", self.disrupts.join(", "))
        };
        format!("{verb} the {noun}{id}{fields}{disrupts}")
    }
}

impl Marks<'_> {
    /// Everything that distinguishes the change of a field from another.
    fn identity_of(&self, change: &Change) -> Value {
        let [observed, desired] =
            [&change.observed, &change.desired].map(|value| value.as_ref().map(in_any_order));
        let values = json!([change.path, observed, desired]);
        if !change.sensitive {
            return values;
        }
        let hidden = change.observed.is_some() || change.desired.is_some();
        let print = hidden.then(|| self.fingerprints.of(&values).record());
        json!([change.path, print])
    }

    fn part(&self, change: &Change) -> String {
        let mut identity = json!([self.identity_of(change)]);
        if change.sensitive
            && let Some(parts) = identity.as_array_mut()
        {
            parts.push(json!(self.undisclosed));
        }
        fingerprint::digest(&identity).chars().take(DIGITS).collect()
    }

    /// Identifies all that the spec asks for.
    pub fn desired(&self, spec: &Value) -> String {
        fingerprint::digest(&json!([spec, self.undisclosed])).chars().take(DIGITS).collect()
    }
}

/// AWS returns lists of scalars in any order.
fn in_any_order(value: &Value) -> Value {
    match value {
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(in_any_order).collect();
            items.sort_by_key(Value::to_string);
            Value::Array(items)
        }
        Value::Object(members) => {
            members.iter().map(|(key, value)| (key.clone(), in_any_order(value))).collect()
        }
        value => value.clone(),
    }
}

fn shortened(digest: &str) -> String {
    format!("sha256:{}", digest.chars().take(DIGITS).collect::<String>())
}

/// A field's path as a JSON pointer: `tags[team]` is `/tags/team`.
fn pointer(path: &str) -> String {
    let (mut pointer, mut name, mut inside) = (String::new(), String::new(), 0_u32);
    let mut end = |name: &mut String| {
        if !name.is_empty() {
            pointer.push('/');
            pointer.push_str(&document::step(name));
            name.clear();
        }
    };
    for letter in path.chars() {
        match letter {
            '[' if inside == 0 => {
                end(&mut name);
                inside = 1;
            }
            ']' if inside == 1 => {
                end(&mut name);
                inside = 0;
            }
            '.' if inside == 0 => end(&mut name),
            letter => name.push(letter),
        }
    }
    end(&mut name);
    pointer
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        None => text.to_owned(),
        Some(_) => text.chars().take(LONGEST - 1).chain(['…']).collect(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::reconcile::state::fingerprint::Fingerprinter;
    use crate::reconcile::state::ownership::Identity;

    fn fingerprints() -> ObjectFingerprints {
        Fingerprinter::new("k1", vec![7; 32]).for_object(&Identity::sample("Association"))
    }

    fn marks<'a>(fingerprints: &'a ObjectFingerprints, undisclosed: &str) -> Marks<'a> {
        Marks { fingerprints, undisclosed: Some(fingerprints.of(&Value::from(undisclosed)).record()) }
    }

    fn change(path: &str, new: impl Into<Value>) -> Change {
        Change::new(path, Some("old".into()), Some(new.into()))
    }

    fn update(changes: Vec<Change>) -> Proposal {
        Proposal::correcting(&Drift(changes), "a-1").expect("something changes")
    }

    #[test]
    fn what_is_local_left_over_or_stays_is_no_change_of_aws() {
        let drift = Drift(vec![
            Change::hidden("webhook.contents.url").local(),
            Change::hidden("status.previousId"),
            change("locale", "en").fixed_by(Remedy::Stays("set it")),
        ]);
        assert_eq!(Proposal::correcting(&drift, "a-1"), None);
        let with = |remedy| {
            let mut drift = drift.clone();
            drift.0.push(change("name", "x").fixed_by(remedy));
            Proposal::correcting(&drift, "a-1")
                .map(|proposal| (proposal.action, proposal.drift.paths().join(",")))
        };
        assert_eq!(with(Remedy::InPlace), Some((ChangeAction::Update, "name".into())));
        assert_eq!(with(Remedy::Replace), Some((ChangeAction::Replace, "name".into())));
    }

    #[test]
    fn an_approved_change_goes_on_step_by_step_and_no_further() {
        let prints = fingerprints();
        let marks = marks(&prints, "s");
        let (a, b) = (change("a", 1), change("b", 2));
        let whole = update(vec![a.clone(), b.clone()]);
        let mut approved = whole.approved("h".into(), "spec".into(), &marks);
        let goes_on = |proposal: &Proposal, approved: &ApprovedChange, desired: &str| {
            proposal.is_covered(approved, desired, &marks)
        };
        assert!(goes_on(&whole, &approved, "spec"));
        assert!(goes_on(&update(vec![b.clone()]), &approved, "another"), "what is left of it");
        assert!(!goes_on(&update(vec![b.clone(), change("c", 3)]), &approved, "spec"), "more than that");
        assert!(!goes_on(&update(vec![change("a", 9)]), &approved, "spec"), "the spec moved");
        let moved = Change { observed: Some("moved".into()), ..a.clone() };
        assert!(!goes_on(&update(vec![moved]), &approved, "spec"), "the remote moved");
        let replace = update(vec![a.fixed_by(Remedy::Replace)]);
        assert!(!goes_on(&replace, &approved, "spec"), "a replacement is another change");
        assert!(!goes_on(&Proposal::new(ChangeAction::Create, None), &approved, "spec"));
        approved.done = true;
        assert!(!goes_on(&whole, &approved, "spec"), "once");
        // After a replacement, whatever leads to the approved spec belongs to it.
        let replaced = replace.approved("h".into(), "spec".into(), &marks);
        for (proposal, desired, covered) in [
            (&replace, "spec", true),
            (&Proposal::new(ChangeAction::Create, None), "spec", true),
            (&Proposal::new(ChangeAction::Create, None), "another", false),
            (&update(vec![b.clone()]), "spec", true),
            (&update(vec![b]), "another", false),
            (&update(vec![change("z", 1).fixed_by(Remedy::Replace)]), "spec", false),
            (&Proposal::new(ChangeAction::Delete, Some("a-1".into())), "spec", false),
        ] {
            assert_eq!(goes_on(proposal, &replaced, desired), covered, "{proposal:?} {desired}");
        }
    }

    #[test]
    fn hidden_values_count_and_are_never_shown() {
        let prints = fingerprints();
        let (one, other) = (marks(&prints, "secret-1"), marks(&prints, "secret-2"));
        let hidden = update(vec![Change::hidden("service.token")]);
        assert_ne!(hidden.hash(&one, None), hidden.hash(&other, None));
        let valued = |new: &str| update(vec![change("service.email", new).sensitive()]);
        let (first, second) = (valued("secret-1"), valued("secret-2"));
        assert_ne!(first.hash(&one, None), second.hash(&one, None));
        let shown = format!("{:?} {} {first:?}", first.pending("h".into()), first.told("service"));
        assert!(!shown.contains("secret-1") && shown.contains("/service/email"), "{shown}");
        // What isn't hidden doesn't depend on it.
        let open = update(vec![change("name", "x")]);
        assert_eq!(open.hash(&one, None), open.hash(&other, None));
        let made = Proposal::new(ChangeAction::Create, None);
        assert_ne!(made.hash(&one, None), made.hash(&other, None));
    }

    #[test]
    fn what_was_done_has_another_hash_when_it_comes_again() {
        let prints = fingerprints();
        let marks = marks(&prints, "s");
        let proposal = update(vec![change("name", "x")]);
        let first = proposal.hash(&marks, None);
        let second = proposal.hash(&marks, Some(&first));
        assert_ne!(first, second);
        assert_eq!(proposal.hash(&marks, Some("sha256:another")), first);
        assert!(first.len() == 7 + DIGITS && first.starts_with("sha256:"), "{first}");
    }

    #[test]
    fn status_has_room_for_so_much() {
        let many = (0..40).map(|index| change(&format!("tags[{index}]"), "x".repeat(300))).collect();
        let mut proposal = update(many);
        proposal.disrupts = vec!["d".repeat(300); 20];
        let pending = proposal.pending("h".into());
        assert_eq!((pending.changes.len(), pending.truncated, pending.disrupts.len()), (32, Some(8), 16));
        let longest =
            pending.changes.iter().filter_map(|change| change.new.as_ref()).map(|new| new.chars().count());
        assert_eq!(longest.max(), Some(LONGEST));
    }

    #[test]
    fn paths_become_pointers() {
        for (path, expected) in [
            ("name", "/name"),
            ("configuration.gitlab.projectPath", "/configuration/gitlab/projectPath"),
            ("tags[devopsagent.dev/cluster]", "/tags/devopsagent.dev~1cluster"),
            ("content[SKILL.md]", "/content/SKILL.md"),
        ] {
            assert_eq!(pointer(path), expected);
        }
    }

    proptest! {
        #[test]
        fn the_order_in_which_differences_are_found_does_not_matter(
            mut paths in prop::collection::btree_set("[a-d]{1,3}", 1..6),
            mut list in prop::collection::vec(0..9_i32, 0..5),
        ) {
            let prints = fingerprints();
            let marks = marks(&prints, "s");
            let of = |paths: Vec<String>, list: &[i32]| {
                update(paths.into_iter().map(|path| change(&path, list.to_vec())).collect()).hash(&marks, None)
            };
            let forwards: Vec<String> = paths.iter().cloned().collect();
            let mut backwards = forwards.clone();
            backwards.reverse();
            let first = of(forwards, &list);
            list.reverse();
            prop_assert_eq!(&first, &of(backwards, &list));
            paths.insert("zzzz".to_owned());
            prop_assert_ne!(first, of(paths.into_iter().collect(), &list));
        }
    }
}
