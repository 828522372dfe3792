//! Writes to Kubernetes, as the API server counts them (`apiserver_request_total`).

use std::ops::Sub;

use serde_json::{Value, json};

const METRIC: &str = "apiserver_request_total{";
const WRITES: [&str; 4] = ["APPLY", "PATCH", "POST", "PUT"];
const DELETIONS: [&str; 2] = ["DELETE", "DELETECOLLECTION"];
const GROUP: &str = "devopsagent.dev";

/// Writes by what they change. Objects that the benchmark itself creates and deletes are not among them, refused writes
/// are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Writes {
    /// To an object itself: in the operator's case its finalizer.
    pub metadata: u64,
    /// To the status of an object.
    pub status: u64,
    /// Events, new ones and repeats.
    pub events: u64,
    /// Secrets, their deletion too.
    pub secrets: u64,
}

impl Writes {
    /// What a page of metrics says.
    pub fn read(metrics: &str) -> Self {
        let mut writes = Self::default();
        for line in metrics.lines().filter_map(|line| line.strip_prefix(METRIC)) {
            let Some((labels, value)) = line.rsplit_once("} ") else { continue };
            // Counters are printed as floats.
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let count = value.trim().parse().unwrap_or(0.0_f64) as u64;
            if let Some(counter) = writes.counter(labels) {
                *counter += count;
            }
        }
        writes
    }

    fn counter(&mut self, labels: &str) -> Option<&mut u64> {
        let verb = label(labels, "verb");
        let (is_write, is_deletion) = (WRITES.contains(&verb), DELETIONS.contains(&verb));
        let resource = label(labels, "resource");
        match (label(labels, "group"), resource, label(labels, "subresource")) {
            (GROUP, _, "") if is_write && verb != "POST" => Some(&mut self.metadata),
            (GROUP, _, "status") if is_write => Some(&mut self.status),
            (_, "events", _) if is_write => Some(&mut self.events),
            ("", "secrets", _) if is_write || is_deletion => Some(&mut self.secrets),
            _ => None,
        }
    }

    /// All of them.
    pub fn total(self) -> u64 {
        self.metadata + self.status + self.events + self.secrets
    }

    /// By name.
    pub fn json(self) -> Value {
        json!({"metadata": self.metadata, "status": self.status, "events": self.events, "secrets": self.secrets})
    }
}

impl Sub for Writes {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            metadata: self.metadata - before.metadata,
            status: self.status - before.status,
            events: self.events - before.events,
            secrets: self.secrets - before.secrets,
        }
    }
}

/// The value of a label; empty if there is none.
fn label<'a>(labels: &'a str, name: &str) -> &'a str {
    let pairs = labels.split(',').filter_map(|pair| pair.split_once('='));
    let mut values = pairs.filter(|(key, _)| *key == name).map(|(_, value)| value.trim_matches('"'));
    values.next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const METRICS: &str = r#"# TYPE apiserver_request_total counter
apiserver_request_total{code="200",component="apiserver",dry_run="",group="devopsagent.dev",resource="agentspaces",scope="resource",subresource="",verb="APPLY",version="v1alpha1"} 3
apiserver_request_total{code="200",component="apiserver",dry_run="",group="devopsagent.dev",resource="assets",scope="resource",subresource="",verb="PATCH",version="v1alpha1"} 4
apiserver_request_total{code="409",component="apiserver",dry_run="",group="devopsagent.dev",resource="assets",scope="resource",subresource="status",verb="APPLY",version="v1alpha1"} 1.2e+01
apiserver_request_total{code="201",component="apiserver",dry_run="",group="devopsagent.dev",resource="assets",scope="resource",subresource="",verb="POST",version="v1alpha1"} 500
apiserver_request_total{code="200",component="apiserver",dry_run="",group="devopsagent.dev",resource="assets",scope="cluster",subresource="",verb="WATCH",version="v1alpha1"} 70
apiserver_request_total{code="201",component="apiserver",dry_run="",group="events.k8s.io",resource="events",scope="resource",subresource="",verb="POST",version="v1"} 8
apiserver_request_total{code="200",component="apiserver",dry_run="",group="",resource="secrets",scope="resource",subresource="",verb="DELETE",version="v1"} 2
apiserver_request_total{code="200",component="apiserver",dry_run="",group="coordination.k8s.io",resource="leases",scope="resource",subresource="",verb="PUT",version="v1"} 90
apiserver_request_duration_seconds_count{group="devopsagent.dev",subresource="status",verb="APPLY"} 9
"#;

    #[test]
    fn writes_are_told_apart_by_what_they_change() {
        let writes = Writes::read(METRICS);
        assert_eq!(writes, Writes { metadata: 7, status: 12, events: 8, secrets: 2 });
        assert_eq!(writes.total(), 29);
    }

    #[test]
    fn what_was_before_is_taken_off() {
        let before = Writes { metadata: 1, status: 2, events: 3, secrets: 0 };
        assert_eq!(Writes::read(METRICS) - before, Writes { metadata: 6, status: 10, events: 5, secrets: 2 });
    }
}
