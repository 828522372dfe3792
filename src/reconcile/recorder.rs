//! Writes Events: as many as are useful to readers, whatever a namespace does.
//!
//! Each namespace may cause a burst and then a number per second; Events about problems, or about what can't be undone,
//! are dropped last. Repeats within some minutes become a series, as with Kubernetes' own recorders.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::Event as Stored;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::api::{Patch, PatchParams, PostParams};
use kube::runtime::events::{Event, EventType, Reporter};
use kube::{Api, Client};
use serde_json::json;
use tokio::time::Instant;
use tracing::debug;

use crate::fairness::bucket::{Buckets, Size};
use crate::metrics::Metrics;

/// Events of one namespace.
const BUDGET: Size = Size { burst: 150.0, rate: 5.0 };
/// Of these, this many are reserved for problems and what can't be undone.
const FOR_TROUBLE: f64 = 50.0;
/// And this many for what can't be undone.
const FOR_GOOD: f64 = 25.0;
/// What isn't seen again for this long isn't a series.
const SERIES: Duration = Duration::from_mins(6);
/// This many are remembered.
const MOST_SERIES: usize = 2000;
/// Reasons of Events about what can't be undone, or is shown only once. An update overwrites what someone may have
/// written in AWS, and its Event is the only record of that.
const LASTING: &[&str] = &[
    "DeletedExternalResource",
    "DeletedSecret",
    "ReplacedExternalResource",
    "RetainedExternalResource",
    "UpdatedExternalResource",
    "WebhookAddressChanged",
    "WebhookSecretLost",
    "WroteSecret",
];

/// Writes Events.
pub struct Recorder {
    client: Client,
    reporter: Reporter,
    metrics: Arc<Metrics>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    budgets: Buckets<String>,
    series: Series,
}

/// What makes two Events the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    about: (Option<String>, Option<String>, Option<String>, Option<String>),
    warning: bool,
    reason: String,
    action: String,
    /// The note is part of it: another id is another event.
    note: Option<String>,
}

/// Events that were written in the last minutes.
#[derive(Debug, Default)]
struct Series {
    /// Name of the Event, how often it was seen, and when last.
    seen: HashMap<Key, (String, i32, Instant)>,
    order: VecDeque<Key>,
}

impl Recorder {
    /// Writes Events as `reporter`, and counts in `metrics` those that aren't written.
    pub fn new(client: Client, reporter: Reporter, metrics: Arc<Metrics>) -> Self {
        let state = State { budgets: Buckets::new(BUDGET), series: Series::default() };
        Self { client, reporter, metrics, state: Mutex::new(state) }
    }

    /// Writes an Event, together with earlier ones that say the same of the same object.
    pub async fn publish(&self, event: &Event, about: &ObjectReference) -> Result<(), kube::Error> {
        if !self.admits(event, about) {
            return Ok(());
        }
        let key = Key::of(event, about);
        let known = self.state().series.again(&key, Instant::now());
        if let Some((name, count)) = known {
            let series = json!({"series": {"count": count, "lastObservedTime": MicroTime(Timestamp::now())}});
            match self.api(about).patch(&name, &PatchParams::default(), &Patch::Merge(&series)).await {
                // Events don't live forever.
                Err(kube::Error::Api(status)) if status.code == 404 => {}
                other => return other.map(drop),
            }
        }
        let name = self.write(event, about).await?;
        self.state().series.began(key, name, Instant::now());
        Ok(())
    }

    /// Writes an Event that isn't merged with others.
    pub async fn publish_alone(&self, event: &Event, about: &ObjectReference) -> Result<(), kube::Error> {
        if self.admits(event, about) {
            self.write(event, about).await?;
        }
        Ok(())
    }

    /// Whether the namespace may cause another Event now.
    fn admits(&self, event: &Event, about: &ObjectReference) -> bool {
        let namespace = about.namespace.as_deref().unwrap_or_default();
        let admitted = self.state().budgets.take(namespace, floor(event), Instant::now());
        if !admitted {
            let note = event.note.as_deref().unwrap_or_default();
            debug!(reason = event.reason, name = about.name, "too many Events; omitted: {note}");
            self.metrics.event_dropped(word(event.type_));
        }
        admitted
    }

    async fn write(&self, event: &Event, about: &ObjectReference) -> Result<String, kube::Error> {
        let now = Timestamp::now();
        let controller = &self.reporter.controller;
        let name = name_of(about.name.as_ref().unwrap_or(controller), now.as_nanosecond());
        let stored = Stored {
            action: Some(event.action.clone()),
            reason: Some(event.reason.clone()),
            event_time: Some(MicroTime(now)),
            regarding: Some(about.clone()),
            related: event.secondary.clone(),
            note: event.note.clone(),
            metadata: ObjectMeta {
                namespace: about.namespace.clone(),
                name: Some(name.clone()),
                ..ObjectMeta::default()
            },
            reporting_controller: Some(controller.clone()),
            reporting_instance: Some(self.reporter.instance.as_ref().unwrap_or(controller).clone()),
            type_: Some(word(event.type_).to_owned()),
            ..Stored::default()
        };
        self.api(about).create(&PostParams::default(), &stored).await?;
        Ok(name)
    }

    /// The namespace of Events about an object: `default` for cluster-scoped ones.
    fn api(&self, about: &ObjectReference) -> Api<Stored> {
        Api::namespaced(self.client.clone(), about.namespace.as_deref().unwrap_or("default"))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The name of an Event about `object`, no longer than names may be.
fn name_of(object: &str, moment: i128) -> String {
    /// As of every object whose name is a DNS subdomain.
    const LONGEST: usize = 253;
    let moment = format!("{moment:x}");
    let kept = &object[..object.floor_char_boundary(LONGEST - moment.len() - 1)];
    // A label can't end with a dot or a dash.
    format!("{}.{moment}", kept.trim_end_matches(['.', '-']))
}

/// This many Events of the namespace are reserved for others.
fn floor(event: &Event) -> f64 {
    match event.type_ {
        _ if LASTING.contains(&event.reason.as_str()) => 0.0,
        EventType::Warning => FOR_GOOD,
        EventType::Normal => FOR_TROUBLE,
    }
}

fn word(kind: EventType) -> &'static str {
    match kind {
        EventType::Normal => "Normal",
        EventType::Warning => "Warning",
    }
}

impl Key {
    fn of(event: &Event, about: &ObjectReference) -> Self {
        let ObjectReference { kind, namespace, name, uid, .. } = about.clone();
        Self {
            about: (kind, namespace, name, uid),
            warning: matches!(event.type_, EventType::Warning),
            reason: event.reason.clone(),
            action: event.action.clone(),
            note: event.note.clone(),
        }
    }
}

impl Series {
    /// The Event was seen again: its name, and how often it was seen, if it was not long ago.
    fn again(&mut self, key: &Key, now: Instant) -> Option<(String, i32)> {
        while let Some(oldest) = self.order.pop_front() {
            match self.seen.get(&oldest) {
                Some((_, _, at)) if now.duration_since(*at) < SERIES => {
                    self.order.push_front(oldest);
                    break;
                }
                _ => self.seen.remove(&oldest),
            };
        }
        let (name, count, at) = self.seen.get_mut(key)?;
        if now.duration_since(*at) >= SERIES {
            return None;
        }
        *count = count.saturating_add(1);
        Some((name.clone(), *count))
    }

    /// The first Event of a possible series was written.
    fn began(&mut self, key: Key, name: String, now: Instant) {
        if self.seen.insert(key.clone(), (name, 1, now)).is_none() {
            self.order.push_back(key);
        }
        if self.order.len() > MOST_SERIES
            && let Some(oldest) = self.order.pop_front()
        {
            self.seen.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(type_: EventType, reason: &str) -> Event {
        Event {
            type_,
            reason: reason.to_owned(),
            note: None,
            action: "Reconcile".to_owned(),
            secondary: None,
        }
    }

    fn key(name: usize) -> Key {
        let about = ObjectReference { name: Some(name.to_string()), ..ObjectReference::default() };
        Key::of(&event(EventType::Normal, "Available"), &about)
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_to_be_dropped_is_what_can_not_be_undone() {
        let (mut budgets, now) = (Buckets::<String>::new(BUDGET), Instant::now());
        let mut admitted = |event: &Event, tries: usize, at: Instant| {
            (0..tries).filter(|_| budgets.take("flood", floor(event), at)).count()
        };
        let normal = event(EventType::Normal, "Available");
        assert_eq!(admitted(&normal, 1000, now), 100);
        assert_eq!(admitted(&event(EventType::Warning, "AWSError"), 1000, now), 25);
        assert_eq!(admitted(&event(EventType::Normal, "DeletedExternalResource"), 20, now), 20);
        assert_eq!(admitted(&event(EventType::Warning, "WebhookSecretLost"), 1000, now), 5);
        assert_eq!(admitted(&normal, 1000, now + Duration::from_secs(10)), 0);
        assert_eq!(admitted(&normal, 1000, now + Duration::from_mins(1)), 100);
        assert!(budgets.take("other", floor(&normal), now), "each namespace has its own");
    }

    #[test]
    fn the_name_of_an_event_is_one_that_the_api_takes() {
        let moment = 1_700_000_000_000_000_000;
        assert_eq!(name_of("space", moment), format!("space.{moment:x}"));
        for object in ["a".repeat(253), format!("{}.{}", "a".repeat(235), "b".repeat(17)), "a-".repeat(126)] {
            let name = name_of(&object, moment);
            assert!(name.len() <= 253 && !name.contains("..") && !name.contains("-."), "{name}");
        }
    }

    #[test]
    fn another_note_is_another_event() {
        let note = |text: &str| Event { note: Some(text.into()), ..event(EventType::Normal, "Deleted") };
        let about = ObjectReference::default();
        assert_ne!(Key::of(&note("deleted a"), &about), Key::of(&note("deleted b"), &about));
        assert_eq!(Key::of(&note("deleted a"), &about), Key::of(&note("deleted a"), &about));
    }

    #[tokio::test(start_paused = true)]
    async fn the_correction_of_a_drift_is_told_however_much_trouble_there_is() {
        let (mut budgets, now) = (Buckets::<String>::new(BUDGET), Instant::now());
        let mut admits = |event: &Event| budgets.take("many", floor(event), now);
        while admits(&event(EventType::Warning, "DependencyNotFound")) {}
        assert!(admits(&event(EventType::Normal, "UpdatedExternalResource")));
    }

    #[tokio::test(start_paused = true)]
    async fn repeats_are_a_series_for_some_minutes() {
        let (mut series, now) = (Series::default(), Instant::now());
        assert_eq!(series.again(&key(1), now), None);
        series.began(key(1), "one".to_owned(), now);
        assert_eq!(series.again(&key(1), now), Some(("one".to_owned(), 2)));
        assert_eq!(series.again(&key(1), now), Some(("one".to_owned(), 3)));
        assert_eq!(series.again(&key(2), now), None);
        assert_eq!(series.again(&key(1), now + SERIES), None);
        assert!(series.seen.is_empty() && series.order.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_remembered_is_bounded() {
        let (mut series, now) = (Series::default(), Instant::now());
        for number in 0..3 * MOST_SERIES {
            series.began(key(number), String::new(), now);
        }
        assert_eq!((series.seen.len(), series.order.len()), (MOST_SERIES, MOST_SERIES));
    }
}
