use serde_json::{Value, json};

use crate::reconcile::state::finalizer::FINALIZER;

use super::*;

fn space() -> Subject {
    Subject::new("AgentSpace", "ns", "space")
}

fn association(status: &Value) -> (Subject, Profile) {
    let subject = Subject::new("Association", "ns", "assoc");
    let object = json!({ "spec": { "agentSpaceRef": { "name": "space" } }, "status": status });
    let profile = Profile::of(&subject, &object);
    (subject, profile)
}

fn space_profile(metadata: &Value, status: &Value) -> Profile {
    Profile::of(&space(), &json!({ "metadata": metadata, "spec": {}, "status": status }))
}

#[test]
fn a_dependent_is_woken_when_what_it_refers_to_becomes_ready() {
    let hub = Hub::default();
    let mut queue = hub.queue("Association");
    let (subject, profile) = association(&json!({}));
    hub.applied(&subject, profile);
    hub.applied(&space(), space_profile(&json!({}), &json!({ "id": "as-1" })));
    assert_eq!(queue.try_recv().unwrap(), subject);
    hub.applied(&space(), space_profile(&json!({}), &json!({ "id": "as-1", "operatorAppUrl": "https://x" })));
    assert!(queue.try_recv().is_err(), "what others do not see wakes nobody");
}

#[test]
fn a_secret_wakes_only_those_that_refer_to_it_and_only_on_a_change() {
    let hub = Hub::default();
    let mut queue = hub.queue("ServiceRegistration");
    let registration = Subject::new("ServiceRegistration", "ns", "r");
    let object = json!({ "spec": { "service": { "gitlab": {
        "tokenValue": { "secretKeyRef": { "name": "token", "key": "t" } } } } } });
    hub.applied(&registration, Profile::of(&registration, &object));
    hub.touched(&Subject::new("Secret", "ns", "other"), Some("1"));
    assert!(queue.try_recv().is_err());
    for (version, woken) in [(Some("1"), true), (Some("1"), false), (Some("2"), true), (None, true)] {
        hub.touched(&Subject::new("Secret", "ns", "token"), version);
        assert_eq!(queue.try_recv().is_ok(), woken, "{version:?}");
    }
}

#[test]
fn only_dependents_with_a_remote_keep_an_object_from_going() {
    let hub = Hub::default();
    let (subject, profile) = association(&json!({}));
    hub.applied(&subject, profile);
    assert!(hub.users(&space()).is_empty());
    let (_, profile) = association(&json!({ "intent": { "operation": "AssociateService" } }));
    hub.applied(&subject, profile);
    assert_eq!(hub.users(&space()), [subject]);
}

#[test]
fn an_object_whose_status_was_lost_may_have_a_remote_until_somebody_looked() {
    let hub = Hub::default();
    let (subject, _) = association(&json!({}));
    let of = |status: Value| {
        let object = json!({
            "metadata": { "finalizers": [FINALIZER] },
            "spec": { "agentSpaceRef": { "name": "space" } },
            "status": status,
        });
        hub.applied(&subject, Profile::of(&subject, &object));
        hub.users(&space())
    };
    assert_eq!(of(json!({ "observedGeneration": 1 })).len(), 1);
    assert!(of(json!({ "observedGeneration": 1, "account": "" })).is_empty());
}

#[test]
fn a_parent_that_is_being_deleted_is_woken_when_its_last_child_is_gone() {
    let hub = Hub::default();
    let mut queue = hub.queue("AgentSpace");
    let (subject, profile) = association(&json!({ "id": "a-1" }));
    hub.applied(&subject, profile);
    hub.applied(&space(), space_profile(&json!({ "deletionTimestamp": "now" }), &json!({ "id": "as-1" })));
    hub.retain("Association", &HashSet::new());
    assert_eq!(queue.try_recv().unwrap(), space());
    assert!(hub.users(&space()).is_empty());
}

#[test]
fn an_object_is_woken_by_whose_word_it_depends_on_until_it_is_gone() {
    let hub = Hub::default();
    let mut queue = hub.queue("AgentSpace");
    let spy = Subject::new("AgentSpace", "other", "spy");
    let consent =
        |from: &str| Profile::of(&space(), &json!({ "spec": { "allowedNamespaces": { "from": from } } }));
    hub.depend(&spy, &space());
    hub.applied(&space(), consent("All"));
    assert_eq!(queue.try_recv().unwrap(), spy);
    hub.applied(&space(), consent("Same"));
    assert_eq!(queue.try_recv().unwrap(), spy);
    for number in 0..100 {
        hub.depend(&spy, &Subject::new("AgentSpace", "other", number.to_string()));
    }
    assert!(hub.lock().depends[&spy].len() <= 16);
    hub.depend(&spy, &space());
    hub.deleted(&spy);
    assert!(hub.lock().listeners.is_empty());
    hub.applied(&space(), consent("Same"));
    assert!(queue.try_recv().is_err());
}

#[test]
fn who_waits_to_be_left_is_woken_although_nothing_refers_to_it_any_more() {
    let hub = Hub::default();
    let registration = Subject::new("ServiceRegistration", "ns", "r");
    let replaced = json!({ "spec": {}, "status": { "id": "new", "previousId": "old" } });
    hub.applied(&registration, Profile::of(&registration, &replaced));
    let mut queue = hub.queue("ServiceRegistration");
    let moving = |status: Value| {
        let subject = Subject::new("Association", "ns", "assoc");
        let object = json!({ "spec": { "serviceRef": { "name": "another" } }, "status": status });
        hub.applied(&subject, Profile::of(&subject, &object));
        subject
    };
    moving(json!({ "id": "as-2", "serviceId": "second", "previousId": "as-1", "previousServiceId": "old" }));
    assert!(queue.try_recv().is_err(), "it still uses the old one");
    moving(json!({ "id": "as-2", "serviceId": "second" }));
    assert_eq!(queue.try_recv().unwrap(), registration);
    let gone = moving(json!({ "id": "as-1", "serviceId": "old" }));
    hub.deleted(&gone);
    assert_eq!(queue.try_recv().unwrap(), registration);
    hub.applied(&registration, Profile::of(&registration, &json!({ "spec": {}, "status": { "id": "old" } })));
    moving(json!({ "id": "as-1", "serviceId": "old" }));
    moving(json!({ "id": "as-1", "serviceId": "second" }));
    assert!(queue.try_recv().is_err(), "it doesn't wait for anyone");
}

#[test]
fn a_namespace_has_room_for_so_many_remotes_and_no_more() {
    let hub = Hub::default();
    let space = |name: &str| Subject::new("AgentSpace", "ns", name);
    let made = |name: &str| {
        let object = json!({ "spec": {}, "status": { "id": name, "account": "prod" } });
        hub.applied(&space(name), Profile::of(&space(name), &object));
    };
    let first = hub.reserve(&space("one"), "prod", 2).expect("there is room");
    made("one");
    assert_eq!(hub.reserve(&space("two"), "prod", 1).unwrap_err(), 1, "it counts once");
    drop(first);
    let second = hub.reserve(&space("two"), "prod", 2).expect("there is room");
    assert_eq!(hub.reserve(&space("three"), "prod", 2).unwrap_err(), 2);
    assert!(hub.reserve(&space("three"), "other", 1).is_ok(), "another account");
    assert!(hub.reserve(&Subject::new("AgentSpace", "else", "x"), "prod", 1).is_ok(), "another namespace");
    assert!(hub.reserve(&space("one"), "prod", 2).is_ok(), "it has its remote: a new one takes its place");
    drop(second);
    hub.deleted(&space("one"));
    assert!(hub.reserve(&space("three"), "prod", 1).is_ok());
}

#[test]
fn news_counts_from_when_the_first_lists_are_in_until_a_pass_looks_at_it() {
    let hub = Hub::default();
    let registration = Subject::new("ServiceRegistration", "ns", "r");
    hub.wake(&registration);
    assert!(!hub.is_woken(&registration), "while the first lists come in, all is new");
    hub.open();
    hub.wake(&registration);
    assert!(hub.is_woken(&registration));
    assert!(hub.take_news(&registration) && !hub.is_woken(&registration));
    hub.wake(&registration);
    hub.deleted(&registration);
    assert!(!hub.is_woken(&registration), "what is gone is forgotten");
}
