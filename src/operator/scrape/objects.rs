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
use crate::reconcile::cache::{ALWAYS, Cache, Standing};
use crate::reconcile::context::Context;
use crate::reconcile::kind::Kind;
use crate::reconcile::state::subject::Subject;

/// The metrics of the objects of all kinds.
struct Objects<'a> {
    cx: &'a Context,
    conditions: Vec<([String; 5], f64)>,
    counts: BTreeMap<[String; 4], f64>,
    pending: BTreeMap<[String; 2], f64>,
}

impl Visitor for Objects<'_> {
    fn visit<K: Kind>(&mut self) {
        let Some(cache) = self.cx.cache::<K::Object>() else { return };
        for (standing, count) in cache.standings() {
            self.count(K::Object::kind_name(), &standing, count);
        }
        for object in cache.all() {
            self.add_one(&*object);
        }
    }
}

impl Objects<'_> {
    fn add_one<T: Object>(&mut self, object: &T) {
        let kind = T::kind_name();
        let status = object.status();
        let all = &status.common().conditions;
        let is_ours = self.cx.shard.has(&Subject::of(object));
        for condition in all.iter().filter(|_| is_ours) {
            for status in ["True", "False"] {
                let labels = [
                    kind.to_owned(),
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
        #[expect(clippy::cast_precision_loss, reason = "there are not that many objects")]
        let count = count as f64;
        if let Some(pending) = &standing.pending {
            *self.pending.entry([kind.to_owned(), format!("{pending:?}")]).or_default() += count;
        }
        for (type_, (status, reason)) in ALWAYS.iter().zip(&standing.conditions) {
            let labels = [kind, type_, status, reason].map(str::to_owned);
            *self.counts.entry(labels).or_default() += count;
        }
    }
}

pub(super) fn encode(encoder: &mut DescriptorEncoder, cx: &Context) -> std::fmt::Result {
    let mut objects =
        Objects { cx, conditions: Vec::new(), counts: BTreeMap::new(), pending: BTreeMap::new() };
    kinds::each(&mut objects);
    gauges(encoder, table::RESOURCES, objects.counts)?;
    gauges(encoder, table::PENDING_CHANGES, objects.pending)?;
    gauges(encoder, table::RESOURCE_CONDITION, objects.conditions)?;
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
        #[allow(clippy::cast_precision_loss, reason = "52 bits of seconds are enough")]
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
