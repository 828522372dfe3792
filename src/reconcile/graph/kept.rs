//! What the watch caches keep of our objects: small ones whole, and of large ones what others need to know.
//!
//! A cache would otherwise keep every file of every asset. The pass over a large object reads it when its turn comes.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use crate::api::common::Object;
use crate::kubernetes::stored::{Stored, Unreadable};
use crate::reconcile::state::fingerprint::sha256;
use crate::reconcile::state::subject::Subject;

use super::profile::Profile;

/// An object whose text is longer isn't kept whole.
pub const KEPT_WHOLE: usize = 16 << 10;
/// Maximum references of an object: an asset with 500 files has one for each.
const MOST_REFERENCES: usize = 600;
/// Without a memory limit, a process is assumed to have this much.
const USUAL_LIMIT: usize = 1 << 30;
/// The fractions of the memory limit that the objects of all namespaces, and those of one namespace, may use.
const PART_OF_ALL: usize = 4;
/// See [`PART_OF_ALL`].
const PART_OF_ONE: usize = 16;
/// What an object takes in the caches in addition to its text.
const OVERHEAD: usize = 2048;
/// What a reference takes in the hub.
const REFERENCE: usize = 350;

/// What is kept of each object.
pub struct Kept {
    all: usize,
    one: usize,
    objects: Mutex<Objects>,
}

#[derive(Default)]
struct Objects {
    entries: HashMap<Subject, Entry>,
    by_namespace: HashMap<String, usize>,
    total: usize,
}

struct Entry {
    weight: usize,
    profile: Known,
}

/// What the hub has to know of an object.
enum Known {
    /// The hub hasn't been told of it yet.
    New(Box<Profile>),
    /// The hub knows it, and finds it in the object when it has to.
    Told,
    /// It can't be found in the object, which isn't kept whole.
    Slim(Box<Profile>),
}

/// The length of an object's text, if `object` isn't all of it. The object itself says so: what is known otherwise may
/// be newer or older.
pub fn slim_bytes<T: Object>(object: &T) -> Option<usize> {
    object.meta().self_link.as_deref()?.strip_prefix(SLIM)?.parse().ok()
}

/// Written to `selfLink`, which no API server has set for years, and which isn't read from what one sends.
const SLIM: &str = "slim:";

impl Default for Kept {
    fn default() -> Self {
        let limit = memory_limit().unwrap_or(USUAL_LIMIT);
        Self::within(limit / PART_OF_ALL, limit / PART_OF_ONE)
    }
}

impl Kept {
    fn within(all: usize, one: usize) -> Self {
        Self { all, one, objects: Mutex::default() }
    }

    /// The object as the cache keeps it.
    pub fn keep<T: Object>(&self, object: &Stored) -> Result<T, (Unreadable, Value)> {
        let (whole, value) = object.parse::<T>()?;
        let subject = Subject::of(&whole);
        let bytes = object.needed_bytes();
        let profile = Profile::of(&subject, &value);
        let consent = serde_json::to_string(&value["spec"]["allowedNamespaces"]).map_or(0, |text| text.len());
        if consent > KEPT_WHOLE || profile.references.len() > MOST_REFERENCES {
            return Err((Unreadable::TooLarge { bytes }, value));
        }
        let mut weight = OVERHEAD + REFERENCE * profile.references.len() + consent;
        let (kept, profile) = if bytes <= KEPT_WHOLE {
            weight += 2 * bytes;
            (whole, Known::New(Box::new(profile)))
        } else {
            let Some(kept) = slimmed::<T>(&value, bytes) else {
                return Err((Unreadable::TooLarge { bytes }, value));
            };
            weight += 2 * KEPT_WHOLE.min(bytes / 4);
            (kept, Known::Slim(Box::new(profile)))
        };
        if self.set(&subject, Entry { weight, profile }) {
            Ok(kept)
        } else {
            let most = self.one.min(self.all);
            Err((Unreadable::NoRoom { most }, value))
        }
    }

    /// The object is gone, or can't be read.
    pub fn forget(&self, subject: &Subject) {
        self.lock().remove(subject);
    }

    /// After a fresh list of `kind`: forgets the objects that are no longer there.
    pub fn retain(&self, kind: &str, present: &HashSet<Subject>) {
        let mut objects = self.lock();
        let known = objects.entries.keys();
        let gone: Vec<Subject> =
            known.filter(|known| known.kind == kind && !present.contains(known)).cloned().collect();
        for subject in &gone {
            objects.remove(subject);
        }
    }

    /// The same name, as it is already in memory.
    pub fn known(&self, subject: Subject) -> Subject {
        self.lock().entries.get_key_value(&subject).map_or(subject, |(known, _)| known.clone())
    }

    /// Whether the object can be read as it is now.
    pub fn has(&self, subject: &Subject) -> bool {
        self.lock().entries.contains_key(subject)
    }

    /// What the hub has to know of an object, unless that was asked for before and can be found in the object.
    pub fn profile(&self, subject: &Subject) -> Option<Profile> {
        let mut objects = self.lock();
        let known = &mut objects.entries.get_mut(subject)?.profile;
        match known {
            Known::Slim(profile) => Some(Profile::clone(profile)),
            Known::Told => None,
            Known::New(_) => match std::mem::replace(known, Known::Told) {
                Known::New(profile) => Some(*profile),
                Known::Slim(_) | Known::Told => None,
            },
        }
    }

    fn set(&self, subject: &Subject, entry: Entry) -> bool {
        let mut objects = self.lock();
        objects.remove(subject);
        let of_namespace = objects.by_namespace.get(&subject.namespace).copied().unwrap_or_default();
        // Cluster-scoped objects belong to whoever runs the cluster.
        let fits = subject.namespace.is_empty() || of_namespace + entry.weight <= self.one;
        if !fits || objects.total + entry.weight > self.all {
            return false;
        }
        objects.total += entry.weight;
        objects.by_namespace.insert(subject.namespace.clone(), of_namespace + entry.weight);
        objects.entries.insert(subject.clone(), entry);
        true
    }

    fn lock(&self) -> MutexGuard<'_, Objects> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Objects {
    fn remove(&mut self, subject: &Subject) {
        let Some(entry) = self.entries.remove(subject) else { return };
        self.total -= entry.weight;
        if let Some(sum) = self.by_namespace.get_mut(&subject.namespace) {
            *sum -= entry.weight;
            if *sum == 0 {
                self.by_namespace.remove(&subject.namespace);
            }
        }
    }
}

/// A copy without long texts and long lists; `None` if it is still too long.
fn slimmed<T: Object>(object: &Value, bytes: usize) -> Option<T> {
    /// Bytes of a text, items of a list, members of an object; the mildest sufficient limit is used.
    const CUTS: [(usize, usize, usize); 3] = [(512, 64, 64), (128, 16, 32), (64, 4, 16)];
    CUTS.into_iter().find_map(|(text, items, members)| {
        let mut copy = object.clone();
        copy["metadata"]["selfLink"] = format!("{SLIM}{bytes}").into();
        cut(&mut copy["spec"], text, items, members);
        let length = serde_json::to_string(&copy["spec"]).ok()?.len();
        if length > KEPT_WHOLE { None } else { T::deserialize(copy).ok() }
    })
}

fn cut(value: &mut Value, longest: usize, items: usize, members: usize) {
    match value {
        // Different texts must stay different: natural keys are made from them.
        Value::String(text) if text.len() > longest => {
            let sum = sha256(text);
            *text = format!("{}…{sum}", &text[..text.floor_char_boundary(longest / 4)]);
        }
        Value::Array(array) => {
            array.truncate(items);
            for item in array.iter_mut() {
                cut(item, longest, items, members);
            }
        }
        Value::Object(object) => {
            let names: Vec<String> = object.keys().skip(members).cloned().collect();
            for name in names {
                object.remove(&name);
            }
            object.values_mut().for_each(|member| cut(member, longest, items, members));
        }
        _ => {}
    }
}

/// The limit of the process's cgroup, of version 2 or 1.
fn memory_limit() -> Option<usize> {
    let own = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let paths = own.lines().filter_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, path) = (parts.next()?, parts.next()?);
        match controllers {
            "" => Some(("/sys/fs/cgroup", path, "memory.max")),
            "memory" => Some(("/sys/fs/cgroup/memory", path, "memory.limit_in_bytes")),
            _ => None,
        }
    });
    let limit = |file: String| std::fs::read_to_string(file).ok()?.trim().parse::<usize>().ok();
    // In a container, the path may be that of the host, and the file is at the top.
    let limits = paths.filter_map(|(top, path, file)| {
        limit(format!("{top}{path}/{file}")).or_else(|| limit(format!("{top}/{file}")))
    });
    // Version 1 says "none" with a number near the largest.
    limits.filter(|limit| *limit < 1 << 40).min()
}

#[cfg(test)]
mod tests {
    use kube::ResourceExt;
    use serde_json::json;

    use crate::api::{AgentSpace, Asset};

    use super::*;

    fn asset(name: &str, files: &Value, metadata: &Value) -> Stored {
        let object = json!({
            "metadata": {"name": name, "namespace": "team", "uid": name},
            "spec": {
                "agentSpaceRef": {"name": "space"},
                "assetType": "skill",
                "metadata": metadata,
                "content": {"files": files},
            },
        });
        serde_json::from_str(&object.to_string()).expect("it is JSON")
    }

    fn large(name: &str) -> Stored {
        let mut files = vec![json!({"path": "SKILL.md", "text": "x".repeat(1_000_000)})];
        let secret = |number| json!({"path": format!("f{number}"), "secretKeyRef": {"name": format!("s{number}"), "key": "k"}});
        files.extend((0..100).map(secret));
        asset(name, &json!(files), &json!({"name": "n", "list": vec!["y"; 30_000]}))
    }

    fn subject(name: &str) -> Subject {
        Subject::new("Asset", "team", name)
    }

    #[test]
    fn of_a_large_object_little_is_kept_and_all_that_it_refers_to_is_known() {
        let kept = Kept::within(1 << 20, 1 << 20);
        let asset: Asset = kept.keep(&large("a")).map_err(|(why, _)| why.to_string()).expect("it is kept");
        assert!(serde_json::to_string(&asset).expect("it is JSON").len() < KEPT_WHOLE + 1000);
        assert_eq!(asset.name_any(), "a");
        assert!(slim_bytes(&asset).is_some_and(|bytes| bytes > 1_000_000));
        let profile = kept.profile(&subject("a")).expect("it is slim");
        assert_eq!(profile.references.len(), 101);
        let small = self::asset("a", &json!([{"path": "SKILL.md", "text": "x"}]), &json!({"name": "n"}));
        let small: Asset = kept.keep(&small).map_err(|(why, _)| why.to_string()).expect("it is kept");
        assert!(slim_bytes(&small).is_none() && kept.profile(&subject("a")).is_some(), "it is small now");
        assert!(kept.profile(&subject("a")).is_none(), "it is in the object");
        let forged = r#"{"metadata":{"name":"f","namespace":"team","selfLink":"slim:5"},"spec":{}}"#;
        let forged: AgentSpace = serde_json::from_str::<Stored>(forged).expect("it is JSON").read().unwrap();
        assert!(slim_bytes(&forged).is_none(), "nobody else can say so");
    }

    #[test]
    fn texts_that_differ_at_their_end_stay_different() {
        let cut = |end: &str| {
            let mut value = json!(format!("{}{end}", "a".repeat(1000)));
            super::cut(&mut value, 512, 1, 1);
            value.as_str().expect("it is text").to_owned()
        };
        assert_ne!(cut("1"), cut("2"));
        assert!(cut("1").len() < 512);
    }

    #[test]
    fn a_namespace_has_room_for_so_much_and_what_goes_makes_room() {
        let kept = Kept::within(1 << 30, 100 << 10);
        let fitting =
            (0..100).take_while(|number| kept.keep::<Asset>(&large(&number.to_string())).is_ok()).count();
        assert!((1..20).contains(&fitting), "{fitting}");
        let (why, _) = kept.keep::<Asset>(&large("more")).expect_err("there is no room");
        assert!(why.to_string().contains("102400"), "{why}");
        kept.forget(&subject("0"));
        assert!(kept.keep::<Asset>(&large("more")).is_ok());
        let elsewhere = json!({"metadata": {"name": "s", "namespace": "other"}, "spec": {}});
        let elsewhere: Stored = serde_json::from_str(&elsewhere.to_string()).expect("it is JSON");
        assert!(kept.keep::<AgentSpace>(&elsewhere).is_ok());
    }

    #[test]
    fn consent_that_would_fill_the_hub_is_too_large() {
        let values = vec!["v".repeat(60); 1000];
        let expression = json!({"key": "k", "operator": "In", "values": values});
        let spec = json!({"allowedNamespaces": {"from": "Selector", "selector": {"matchExpressions": [expression]}}});
        let space = json!({"metadata": {"name": "s", "namespace": "n"}, "spec": spec}).to_string();
        let space: Stored = serde_json::from_str(&space).expect("it is JSON");
        let (why, _) = Kept::default().keep::<AgentSpace>(&space).expect_err("too large");
        assert!(matches!(why, Unreadable::TooLarge { .. }), "{why}");
    }
}
