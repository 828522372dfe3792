use serde_json::{Value, json};

use crate::api::{AWSAccount, AgentSpace, Trigger};

use super::*;

fn trigger(name: &str, version: u32, spec: &Value, status: &Value) -> Trigger {
    serde_json::from_value(json!({
        "metadata": {"namespace": "team", "name": name, "uid": name, "resourceVersion": version.to_string(), "generation": spec},
        "spec": {"agentSpaceRef": {"name": "space"}, "schedule": {"expression": "rate(1 day)"}},
        "status": status,
    }))
    .unwrap()
}

fn ready(status: &str, reason: &str) -> Value {
    let condition = |type_| json!({"type": type_, "status": status, "reason": reason, "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"});
    json!({"observedGeneration": 1, "conditions": [condition("Ready"), condition("Synced")]})
}

#[test]
fn an_object_comes_out_as_it_went_in() {
    let cache = Cache::default();
    let object = trigger("a", 1, &json!(1), &ready("True", "Available"));
    let subject = Subject::of(&object);
    assert!(cache.put(&subject, &object), "it is new");
    let found = cache.get(&subject).unwrap();
    assert_eq!(serde_json::to_value(&*found).unwrap(), serde_json::to_value(&object).unwrap());
    assert!(cache.get(&Subject::new("Trigger", "team", "b")).is_none());
    let account: AWSAccount = serde_json::from_value(json!({"metadata": {"name": "a"}, "spec": {}})).unwrap();
    let (accounts, subject) = (Cache::default(), Subject::of(&account));
    accounts.put(&subject, &account);
    assert!(
        Arc::ptr_eq(&accounts.get(&subject).unwrap(), &accounts.get(&subject).unwrap()),
        "it is kept parsed"
    );
}

#[test]
fn only_what_is_not_status_is_a_change() {
    let cache = Cache::default();
    let before = trigger("a", 1, &json!(1), &json!(null));
    let subject = Subject::of(&before);
    cache.put(&subject, &before);
    let waiting = cache.glance(&subject).unwrap();
    assert!(waiting.is_asked_for && !waiting.is_settled);
    assert!(!cache.put(&subject, &trigger("a", 2, &json!(1), &ready("True", "Available"))));
    let settled = cache.glance(&subject).unwrap();
    assert!(!settled.is_asked_for && settled.is_settled);
    let before = Arc::new(before);
    assert_eq!(
        cache.now(&subject, Arc::clone(&before)).unwrap().metadata.resource_version.as_deref(),
        Some("2")
    );
    assert!(cache.put(&subject, &trigger("a", 3, &json!(2), &ready("True", "Available"))), "an edit");
    assert!(cache.glance(&subject).unwrap().is_asked_for);
    let mut annotated = trigger("a", 4, &json!(2), &ready("True", "Available"));
    annotated.metadata.annotations = Some([("devopsagent.dev/paused".to_owned(), "true".to_owned())].into());
    assert!(cache.put(&subject, &annotated));
    let mut recreated = annotated.clone();
    recreated.metadata.uid = Some("another".to_owned());
    assert!(cache.put(&subject, &recreated), "another object of the same name");
    cache.remove(&subject);
    assert!(cache.now(&subject, before).is_none());
}

#[test]
fn standings_are_counted_as_objects_come_change_and_go() {
    let cache = Cache::default();
    let counts = |cache: &Cache<Trigger>| {
        let mut counts: Vec<(String, usize)> = cache
            .standings()
            .into_iter()
            .map(|(standing, count)| (standing.conditions[0].1.clone(), count))
            .collect();
        counts.sort();
        counts
    };
    let put = |name: &str, status: &Value| {
        let object = trigger(name, 1, &json!(1), status);
        cache.put(&Subject::of(&object), &object);
    };
    put("a", &json!(null));
    put("b", &ready("True", "Available"));
    put("c", &ready("True", "Available"));
    assert_eq!(counts(&cache), [("Available".to_owned(), 2), ("Unknown".to_owned(), 1)]);
    put("b", &ready("False", "Conflict"));
    cache.remove(&Subject::new("Trigger", "team", "a"));
    assert_eq!(counts(&cache), [("Available".to_owned(), 1), ("Conflict".to_owned(), 1)]);
    cache.retain(&HashSet::from([Subject::new("Trigger", "team", "b")]));
    assert_eq!(counts(&cache), [("Conflict".to_owned(), 1)]);
    let problems = || cache.with_problems(|problems| problems.counts(|_| Some("")).len());
    assert_eq!(problems(), 1);
    put("b", &ready("True", "Available"));
    assert_eq!(problems(), 0);
    put("b", &ready("False", "Conflict"));
    cache.retain(&HashSet::new());
    assert_eq!(problems(), 0);
    assert_eq!(cache.all().count(), 0);
}

#[test]
fn a_space_is_unpacked_with_all_that_it_has() {
    let space: AgentSpace = serde_json::from_value(json!({
        "metadata": {"namespace": "team", "name": "a", "labels": {"l": "v"}, "finalizers": ["f"], "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {"accountRef": {"name": "prod"}, "tags": {"k": "v"}, "deletionPolicy": "Retain"},
        "status": {"id": "as-1", "account": "prod", "tagKeys": ["k"], "intent": {"operation": "CreateAgentSpace"}},
    }))
    .unwrap();
    let (cache, subject) = (Cache::default(), Subject::of(&space));
    cache.put(&subject, &space);
    let found: Arc<AgentSpace> = cache.get(&subject).unwrap();
    assert_eq!(serde_json::to_value(&*found).unwrap(), serde_json::to_value(&space).unwrap());
    assert_eq!(found.status, space.status);
}
