//! What is read from the watch caches on demand: nothing has to be removed when an object is deleted.
//!
//! Every shard counts all objects, so that a query needn't know how many shards there are; only its own are series of their
//! own.

use std::collections::BTreeMap;

use kube::ResourceExt;
use prometheus_client::encoding::DescriptorEncoder;

use crate::api::PrivateConnection;
use crate::api::common::{Object, Status};
use crate::kinds::{self, Visitor};
use crate::metrics::table;
use crate::metrics::vector::gauges;
use crate::reconcile::cache::{ALWAYS, Cache, Extent, Label, Problems, Standing};
use crate::reconcile::context::Context;
use crate::reconcile::kind::Kind;
use crate::reconcile::shard::Shard;
use crate::reconcile::state::subject::Subject;

/// Reads the objects of all kinds.
struct Reader<'a> {
    cx: &'a Context,
    objects: Objects,
}

impl Visitor for Reader<'_> {
    fn visit<K: Kind>(&mut self) {
        if let Some(cache) = self.cx.cache::<K::Object>() {
            self.objects.add(&cache);
        }
    }
}

/// The metrics of objects.
#[derive(Default)]
struct Objects {
    /// Whose objects have series of their own; nobody's if they are only counted.
    named: Option<Shard>,
    conditions: Vec<([String; 5], f64)>,
    counts: BTreeMap<[String; 4], f64>,
    pending: BTreeMap<[String; 2], f64>,
    problems: Vec<([String; 5], f64)>,
    problems_since: Vec<([String; 5], f64)>,
}

impl Objects {
    fn add<T: Object>(&mut self, cache: &Cache<T>) {
        for (standing, count) in cache.standings() {
            self.count(T::kind_name(), &standing, count);
        }
        cache.with_problems(|problems| self.count_problems(T::kind_name(), problems));
        if let Some(shard) = self.named {
            for object in cache.all().filter(|object| shard.has(&Subject::of(&**object))) {
                self.add_one(&*object);
            }
        }
    }

    fn add_one<T: Object>(&mut self, object: &T) {
        let status = object.status();
        for condition in &status.common().conditions {
            for status in ["True", "False"] {
                let labels = [
                    T::kind_name().to_owned(),
                    object.namespace().unwrap_or_default(),
                    object.name_any(),
                    condition.type_.clone(),
                    status.to_owned(),
                ];
                self.conditions.push((labels, f64::from(u8::from(condition.status == status))));
            }
        }
    }

    fn count(&mut self, kind: &str, standing: &Standing, count: usize) {
        let count = number(count);
        if let Some(pending) = &standing.pending {
            *self.pending.entry([kind.to_owned(), format!("{pending:?}")]).or_default() += count;
        }
        for (type_, (status, reason)) in ALWAYS.iter().zip(&standing.conditions) {
            let labels = [kind, type_, status, reason].map(str::to_owned);
            *self.counts.entry(labels).or_default() += count;
        }
    }

    fn count_problems(&mut self, kind: &str, problems: &Problems) {
        let named = self.named;
        let counts = problems.counts(|subject| match named {
            None => Some(""),
            Some(shard) => shard.has(subject).then_some(&subject.name),
        });
        for (Label { namespace, name, nature, reason }, Extent { count, since }) in counts {
            let labels = [kind, namespace, name, nature.as_str(), reason].map(str::to_owned);
            self.problems.push((labels.clone(), number(count)));
            #[expect(clippy::cast_precision_loss, reason = "52 bits of seconds are enough")]
            self.problems_since.push((labels, since as f64));
        }
    }

    fn encode(self, encoder: &mut DescriptorEncoder) -> std::fmt::Result {
        gauges(encoder, table::RESOURCES, self.counts)?;
        gauges(encoder, table::PROBLEMS, self.problems)?;
        gauges(encoder, table::PROBLEMS_SINCE, self.problems_since)?;
        gauges(encoder, table::RESOURCE_CONDITION, self.conditions)?;
        gauges(encoder, table::PENDING_CHANGES, self.pending)
    }
}

#[expect(clippy::cast_precision_loss, reason = "there are not that many objects")]
fn number(count: usize) -> f64 {
    count as f64
}

pub(super) fn encode(encoder: &mut DescriptorEncoder, cx: &Context, by_object: bool) -> std::fmt::Result {
    let named = by_object.then_some(cx.shard);
    let mut reader = Reader { cx, objects: Objects { named, ..Objects::default() } };
    kinds::each(&mut reader);
    reader.objects.encode(encoder)?;
    gauges(encoder, table::CERTIFICATE_EXPIRY, certificates(cx))?;
    let filled = cx.stores.states().into_iter();
    gauges(
        encoder,
        table::CACHE_FILLED,
        filled.map(|(kind, state)| ([kind.to_owned()], f64::from(u8::from(state.filled)))),
    )
}

fn certificates(cx: &Context) -> Vec<([String; 2], f64)> {
    let expiry = |connection: &PrivateConnection| {
        let time: jiff::Timestamp =
            connection.status.as_ref()?.certificate_expiry_time.as_ref()?.parse().ok()?;
        let labels = [connection.namespace().unwrap_or_default(), connection.name_any()];
        #[expect(clippy::cast_precision_loss, reason = "52 bits of seconds are enough")]
        Some((labels, time.as_second() as f64))
    };
    let connections = cx.cache::<PrivateConnection>();
    connections
        .iter()
        .flat_map(Cache::all)
        .filter(|connection| cx.shard.has(&Subject::of(&**connection)))
        .filter_map(|connection| expiry(&connection))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::api::Trigger;
    use crate::metrics::{Metrics, Source};

    use super::*;

    #[derive(Debug)]
    struct Triggers(Cache<Trigger>, Option<Shard>);

    impl Source for Triggers {
        fn encode(&self, encoder: &mut DescriptorEncoder) -> std::fmt::Result {
            let mut objects = Objects { named: self.1, ..Objects::default() };
            objects.add(&self.0);
            objects.encode(encoder)
        }
    }

    /// The series of these objects, told by object or not.
    fn series(cache: &Cache<Trigger>, named: Option<Shard>) -> Vec<String> {
        let metrics = Metrics::new();
        metrics.expose(Triggers(cache.clone(), named));
        let text = metrics.text();
        text.lines().filter(|line| line.starts_with("devopsagent_resource")).map(str::to_owned).collect()
    }

    fn trigger(conditions: &Value) -> Trigger {
        serde_json::from_value(json!({
            "metadata": {"uid": "u"},
            "spec": {"agentSpaceRef": {"name": "space"}, "schedule": {"expression": "rate(1 day)"}},
            "status": {"conditions": conditions},
        }))
        .unwrap()
    }

    /// This many objects in 200 namespaces, of which every 5,000th is stalled.
    fn cache_of(objects: usize) -> Cache<Trigger> {
        let condition = |type_, status, reason| {
            let time = "1970-01-01T00:01:00Z";
            json!({"type": type_, "status": status, "reason": reason, "message": "", "lastTransitionTime": time})
        };
        let well = trigger(&json!([
            condition("Ready", "True", "Available"),
            condition("Synced", "True", "Available")
        ]));
        let stalled = trigger(&json!([
            condition("Ready", "False", "Invalid"),
            condition("Synced", "False", "Invalid"),
            condition("Stalled", "True", "Invalid"),
        ]));
        let cache = Cache::default();
        for number in 0..objects {
            let mut object = if number % 5000 == 7 { stalled.clone() } else { well.clone() };
            object.metadata.namespace = Some(format!("team-{}", number % 200));
            object.metadata.name = Some(format!("trigger-{number}"));
            cache.put(&Subject::of(&object), &object);
        }
        cache
    }

    #[test]
    fn ten_thousand_objects_are_few_series() {
        assert_eq!(
            series(&cache_of(10_000), None),
            [
                r#"devopsagent_resources{kind="Trigger",type="Ready",status="False",reason="Invalid"} 2.0"#,
                r#"devopsagent_resources{kind="Trigger",type="Ready",status="True",reason="Available"} 9998.0"#,
                r#"devopsagent_resources{kind="Trigger",type="Synced",status="False",reason="Invalid"} 2.0"#,
                r#"devopsagent_resources{kind="Trigger",type="Synced",status="True",reason="Available"} 9998.0"#,
                r#"devopsagent_resource_problems{kind="Trigger",namespace="team-7",name="",problem="Stalled",reason="Invalid"} 2.0"#,
                r#"devopsagent_resource_problems_since_timestamp_seconds{kind="Trigger",namespace="team-7",name="",problem="Stalled",reason="Invalid"} 60.0"#,
            ]
        );
    }

    #[test]
    fn each_object_has_series_of_its_own_in_one_shard_if_that_is_asked_for() {
        let cache = cache_of(100);
        let each = series(&cache, Some(Shard::default()));
        assert_eq!(each.len(), 4 + 2 + 99 * 4 + 6);
        for series in [
            r#"devopsagent_resource_problems{kind="Trigger",namespace="team-7",name="trigger-7",problem="Stalled",reason="Invalid"} 1.0"#,
            r#"devopsagent_resource_condition{kind="Trigger",namespace="team-8",name="trigger-8",type="Ready",status="True"} 1.0"#,
            r#"devopsagent_resource_condition{kind="Trigger",namespace="team-8",name="trigger-8",type="Ready",status="False"} 0.0"#,
        ] {
            assert!(each.iter().any(|line| line == series), "{series}:\n{each:?}");
        }
        let shares = [0, 1].map(|index| series(&cache, Shard::new(index, 2).ok()).len() - 4);
        assert!(shares.iter().all(|share| *share > 0) && shares.iter().sum::<usize>() == each.len() - 4);
    }
}
