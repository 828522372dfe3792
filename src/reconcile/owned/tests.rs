use proptest::prelude::*;
use serde_json::{Map, json};

use crate::api::standards::Standards;
use crate::reconcile::state::drift::compare_set;

use super::*;

fn fields_of(document: &Value) -> Fields {
    leaves(document)
}

fn pointers(document: &Value) -> Vec<String> {
    leaves(document).into_iter().collect()
}

fn dropped_from(before: &Value, after: &Value) -> Vec<String> {
    dropped(&pointers(before), &leaves(after)).cloned().collect()
}

#[test]
fn what_is_set_is_named_by_pointers() {
    let spec = json!({
        "description": "a", "list": [{ "x": 1 }], "none": null, "empty": {}, "off": false,
        "a": { "b/c~d": { "e": 1 } }, "token": { "secretKeyRef": { "name": "s", "key": "k" } },
    });
    assert_eq!(pointers(&spec), ["/a/b~1c~0d/e", "/description", "/list", "/off", "/token"]);
    assert_eq!(path("/a/b~1c~0d/e"), "a.b/c~d.e");
}

#[test]
fn a_field_is_dropped_if_nothing_of_it_is_set() {
    let before = json!({ "a": { "b": 1, "c": [1] }, "ab": 1 });
    assert_eq!(dropped_from(&before, &before), Vec::<String>::new());
    assert_eq!(dropped_from(&before, &json!({ "ab": 2 })), ["/a/b", "/a/c"]);
    assert_eq!(dropped_from(&before, &json!({ "a": {}, "abc": 1 })), ["/a/b", "/a/c", "/ab"]);
    assert_eq!(dropped_from(&before, &json!({ "a": [], "ab": { "x": 1 } })), Vec::<String>::new());
}

#[test]
fn each_field_goes_back_in_its_way() {
    let recorded: Vec<String> =
        ["/at", "/clear", "/compared", "/gone", "/new", "/null", "/other", "/stays", "/to"]
            .map(str::to_owned)
            .to_vec();
    let observed = json!({
        "at": 0, "clear": 1, "compared": 1, "new": 1, "null": null, "other": 1, "stays": 1, "to": 1,
    });
    let reset = |pointer: &str| match pointer {
        "/at" | "/to" => Some(Reset::To(json!(0))),
        "/clear" | "/gone" | "/null" => Some(Reset::Clear),
        "/compared" => Some(Reset::Compared),
        "/new" => Some(Reset::Replace),
        "/stays" => Some(Reset::Stays("AWS can't")),
        _ => None,
    };
    let found = changes(&recorded, &Fields::new(), &observed, reset);
    let found: Vec<_> =
        found.iter().map(|change| (change.path.as_str(), change.desired.clone(), change.remedy)).collect();
    assert_eq!(
        found,
        [
            ("clear", None, Remedy::InPlace),
            ("new", None, Remedy::Replace),
            ("stays", None, Remedy::Stays("AWS can't")),
            ("to", Some(json!(0)), Remedy::InPlace),
        ]
    );
}

#[test]
fn what_waits_is_not_disturbed_and_a_failure_is_not_hidden() {
    let change = |remedy| vec![Change::hidden("a").fixed_by(remedy)];
    let waits = State::InTransition("busy".into());
    assert_eq!(with_dropped(waits.clone(), change(Remedy::InPlace)), waits);
    let failed = State::Failed("broken".into());
    assert_eq!(with_dropped(failed.clone(), change(Remedy::Stays("no"))), failed);
    assert!(matches!(with_dropped(failed, change(Remedy::InPlace)), State::Drifted(_)));
    assert_eq!(with_dropped(State::Matching, Vec::new()), State::Matching);
}

#[test]
fn an_update_owns_what_it_may_set() {
    let fields = leaves(&json!({ "name": "a", "names": 1, "configuration": { "x": { "y": 1, "z": 1 } } }));
    let touched = |paths: &[&str]| -> Vec<String> {
        touched(&fields, &paths.iter().map(|path| Change::hidden(*path)).collect()).into_iter().collect()
    };
    assert_eq!(touched(&["tags[a]", "status.previousId"]), Vec::<String>::new());
    assert_eq!(
        touched(&["name", "configuration.x.y"]),
        ["/configuration/x/y", "/configuration/x/z", "/name"]
    );
}

#[test]
fn the_record_is_bounded() {
    let mut status = CommonStatus::default();
    let mut fields: Fields = (0..300).map(|number| format!("/metadata/{number:03}")).collect();
    fields.insert(format!("/{}", "x".repeat(LONGEST)));
    settle(&mut status, &fields, &Drift::default());
    assert_eq!(status.owned_fields.len(), MOST);
    assert_eq!(extend(&mut status, &fields), None, "what has no room is not added again and again");
}

/// A spec or a remote: few names, so that they collide.
fn any_document() -> impl Strategy<Value = Value> {
    let leaf =
        prop_oneof![Just(Value::Null), any::<bool>().prop_map(Value::from), (0..3).prop_map(Value::from)];
    let members = prop::collection::btree_map("[a-d]", leaf, 0..4);
    let part = members.prop_map(|map| Value::Object(map.into_iter().collect::<Map<_, _>>()));
    prop::collection::btree_map("[x-z]", part, 0..4)
        .prop_map(|map| Value::Object(map.into_iter().collect::<Map<_, _>>()))
}

/// As a spec is stored: a null in it sets nothing, and the API server drops it.
fn without_nulls(mut document: Value) -> Value {
    for part in document.as_object_mut().into_iter().flat_map(Map::values_mut) {
        part.as_object_mut().into_iter().for_each(|members| members.retain(|_, value| !value.is_null()));
    }
    document
}

/// Does to `remote` what an update does.
fn apply(remote: &mut Value, drift: &Drift, desired: &Value) {
    for pointer in drift.0.iter().filter_map(|change| change.dropped.as_ref()) {
        let (above, key) = pointer.rsplit_once('/').unwrap_or_default();
        remote.pointer_mut(above).and_then(Value::as_object_mut).map(|members| members.remove(key));
    }
    for pointer in leaves(desired) {
        let (part, key) = pointer[1..].split_once('/').unwrap_or_default();
        if remote[part].is_null() {
            remote[part] = json!({});
        }
        remote[part][key] = desired[part][key].clone();
    }
}

/// A pass as the engine makes it; `lost` says that the response to its write never came.
fn pass(status: &mut CommonStatus, remote: &mut Value, desired: &Value, lost: bool) {
    let fields = fields_of(desired);
    let mut drift = compare_set(Standards::NONE, "", remote, desired);
    drift.extend(changes(&status.owned_fields, &fields, remote, |_| Some(Reset::Clear)));
    let drift = Drift(drift);
    if drift.is_empty() {
        settle(status, &fields, &drift);
        return;
    }
    extend(status, &fields);
    apply(remote, &drift, desired);
    if !lost {
        let changed: Vec<String> = drift.paths().into_iter().map(str::to_owned).collect();
        release(status, &drift, &changed);
    }
}

fn at<'a>(document: &'a Value, pointer: &str) -> Option<&'a Value> {
    document.pointer(pointer).filter(|value| !value.is_null())
}

proptest! {
    #[test]
    fn what_was_set_and_dropped_goes_and_what_was_never_set_stays(
        theirs in any_document(),
        specs in prop::collection::vec((any_document().prop_map(without_nulls), any::<bool>()), 1..6),
    ) {
        let (mut remote, mut status) = (theirs.clone(), CommonStatus::default());
        let mut ever = Fields::new();
        for (spec, lost) in specs {
            // A lost response is followed by a pass with the same or another spec.
            pass(&mut status, &mut remote, &spec, lost);
            if !lost {
                pass(&mut status, &mut remote, &spec, false);
            }
            let set = fields_of(&spec);
            ever.extend(set.iter().cloned());
            for pointer in &set {
                prop_assert_eq!(at(&remote, pointer), at(&spec, pointer));
            }
            for pointer in ever.difference(&set) {
                prop_assert_eq!(at(&remote, pointer), None, "{} was dropped", pointer);
            }
            for pointer in fields_of(&theirs).difference(&ever) {
                prop_assert_eq!(at(&remote, pointer), at(&theirs, pointer), "{} is theirs", pointer);
            }
            if !lost {
                prop_assert_eq!(&status.owned_fields, &set.into_iter().collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn without_a_record_nothing_is_reset(remote in any_document(), spec in any_document()) {
        prop_assert!(changes(&[], &fields_of(&spec), &remote, |_| Some(Reset::Clear)).is_empty());
    }

    #[test]
    fn what_is_set_is_never_dropped(before in any_document(), after in any_document()) {
        for pointer in dropped_from(&before, &after) {
            prop_assert_eq!(at(&after, &pointer), None);
        }
        for pointer in fields_of(&before).iter().filter(|pointer| at(&after, pointer).is_none()) {
            prop_assert!(dropped_from(&before, &after).contains(pointer));
        }
    }
}
