//! The one table of metrics: names, types, labels and meanings. Docs, dashboard and alerts are checked against it.

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts by size.
    Histogram,
}

impl Type {
    /// The word in the exposition format.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// A metric with `N` labels.
#[derive(Clone, Copy, Debug)]
pub struct Metric<const N: usize> {
    /// The name as it is exposed; a histogram's without `_bucket`, `_sum` and `_count`.
    pub name: &'static str,
    /// Names of its labels.
    pub labels: [&'static str; N],
    /// What it means.
    pub help: &'static str,
}

/// A line of the table.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The name as it is exposed.
    pub name: &'static str,
    /// What it is.
    pub kind: Type,
    /// Names of its labels.
    pub labels: &'static [&'static str],
    /// What it means.
    pub help: &'static str,
}

macro_rules! metrics {
    ($($(#[doc = $doc:literal])+ $kind:ident $constant:ident $name:literal [$($label:literal),*];)+) => {
        $(
            $(#[doc = $doc])+
            pub const $constant: Metric<{ let labels: &[&str] = &[$($label),*]; labels.len() }> =
                Metric { name: $name, labels: [$($label),*], help: concat!($($doc),+) };
        )+

        /// Every metric, in the order of the documentation.
        pub const TABLE: &[Row] = &[$(Row {
            name: $name,
            kind: Type::$kind,
            labels: &$constant.labels,
            help: $constant.help,
        }),+];
    };
}

metrics! {
    /// Passes by how they ended: `success` (as it should be, or deleted), `requeue` (a step was taken, the next pass
    /// follows at once), `requeue_after` (waits for something that is expected), `error`.
    Counter RECONCILES "controller_runtime_reconcile_total" ["controller", "result"];
    /// Passes that ended in an error.
    Counter RECONCILE_ERRORS "controller_runtime_reconcile_errors_total" ["controller"];
    /// Passes that ended in an error which only a person can mend.
    Counter TERMINAL_ERRORS "controller_runtime_terminal_reconcile_errors_total" ["controller"];
    /// How long passes took.
    Histogram RECONCILE_TIME "controller_runtime_reconcile_time_seconds" ["controller"];
    /// Passes under way.
    Gauge ACTIVE_WORKERS "controller_runtime_active_workers" ["controller"];
    /// Passes that may be under way at a time; up to as many again of namespaces that have no other under way.
    Gauge MAX_CONCURRENT "controller_runtime_max_concurrent_reconciles" ["controller"];
    /// How long the work on an item of the queue took: the same as a pass.
    Histogram WORK_TIME "workqueue_work_duration_seconds" ["name", "controller"];
    /// How long the passes under way have been so, in all.
    Gauge UNFINISHED_WORK "workqueue_unfinished_work_seconds" ["name", "controller"];
    /// How long the oldest pass under way has been so.
    Gauge LONGEST_WORK "workqueue_longest_running_processor_seconds" ["name", "controller"];
    /// Requests to the Kubernetes API by HTTP status; `error` where there was no answer.
    Counter KUBERNETES_REQUESTS "rest_client_requests_total" ["code", "method", "host"];
    /// Whether this replica leads; only with leader election.
    Gauge LEADER "leader_election_master_status" ["name"];

    /// Objects by the state of their conditions `Ready` and `Synced`, and its reason.
    Gauge RESOURCES "devopsagent_resources" ["kind", "type", "status", "reason"];
    /// Whether the condition of the object has this status: 1 for the one that it has, 0 for the other.
    Gauge RESOURCE_CONDITION "devopsagent_resource_condition" ["kind", "namespace", "name", "type", "status"];
    /// From an object's creation to its first `Ready`. Objects that were there when the operator started do not count.
    Histogram FIRST_READY "devopsagent_time_to_first_ready_seconds" ["kind"];
    /// Changes that the operator made in AWS: `create`, `update`, `replace`, `delete` or `adopt`.
    Counter CHANGES "devopsagent_changes_total" ["kind", "change"];
    /// Writes that put right what differed without an edit of the object: drift in AWS, or a new value in a Secret.
    Counter DRIFT_CORRECTIONS "devopsagent_drift_corrections_total" ["kind"];
    /// Webhook Secrets written.
    Counter WEBHOOK_SECRETS "devopsagent_webhook_secrets_issued_total" [];
    /// When the certificate of a private connection expires, as AWS says, in seconds since 1970.
    Gauge CERTIFICATE_EXPIRY "devopsagent_private_connection_certificate_expiry_timestamp_seconds"
        ["namespace", "name"];

    /// Events that were left out, by type: their namespace has caused too many. The log at `debug` has them.
    Counter EVENTS_DROPPED "devopsagent_events_dropped_total" ["type"];

    /// Requests to AWS DevOps Agent by operation and HTTP status; where there was no answer: `timeout`, `connection`
    /// or `error`. A repeat counts again.
    Counter API_REQUESTS "devopsagent_api_requests_total" ["operation", "code"];
    /// Requests that AWS refused or failed, by the name that the API gives to the error; `Other` for names that its
    /// model does not have; `timeout`, `connection` or `error` where there was no answer.
    Counter API_ERRORS "devopsagent_api_errors_total" ["operation", "error"];
    /// How long requests took until the answer was read.
    Histogram API_TIME "devopsagent_api_request_duration_seconds" ["operation"];
    /// Requests a second that an account may take now: less than the limit while AWS throttles. `account` is the name
    /// of the AWSAccount, or `(operator)` for the operator's own credentials.
    Gauge BUDGET_RATE "devopsagent_api_budget_requests_per_second" ["account"];
    /// Requests a second that an account may take at most.
    Gauge BUDGET_LIMIT "devopsagent_api_budget_limit_requests_per_second" ["account"];
    /// Requests that an account may take at once.
    Gauge BUDGET_TOKENS "devopsagent_api_budget_tokens" ["account"];
    /// Turns that were given: `edit` for objects that somebody waits for, `periodic` for the others.
    Counter BUDGET_REQUESTS "devopsagent_api_budget_requests_total" ["account", "priority"];
    /// Time that requests waited for their turn.
    Counter BUDGET_WAIT "devopsagent_api_budget_wait_seconds_total" ["account", "priority"];
    /// Requests that AWS throttled.
    Counter BUDGET_THROTTLES "devopsagent_api_budget_throttles_total" ["account"];

    /// Whether the watch cache of a kind has been filled: 1 or 0. Nothing is reconciled before all are.
    Gauge CACHE_FILLED "devopsagent_watch_cache_filled" ["kind"];
    /// Objects of a kind that can't be read. Each has an Event that says why.
    Gauge UNREADABLE "devopsagent_unreadable_objects" ["kind"];
    /// Watches that failed and were started again.
    Counter WATCH_ERRORS "devopsagent_watch_errors_total" ["kind"];
    /// 1, with the version that runs.
    Gauge BUILD "devopsagent_build_info" ["version", "revision", "rustc"];

    /// Time that the process has spent on the CPU.
    Counter PROCESS_CPU "process_cpu_seconds_total" [];
    /// Memory that the process occupies.
    Gauge PROCESS_MEMORY "process_resident_memory_bytes" [];
    /// Memory that the process may address.
    Gauge PROCESS_VIRTUAL_MEMORY "process_virtual_memory_bytes" [];
    /// File descriptors that are open.
    Gauge PROCESS_FDS "process_open_fds" [];
    /// File descriptors that may be open.
    Gauge PROCESS_MAX_FDS "process_max_fds" [];
    /// When the process started, in seconds since 1970.
    Gauge PROCESS_START "process_start_time_seconds" [];
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_metric_is_named_once_and_as_its_type_asks() {
        let mut names = BTreeSet::new();
        for row in TABLE {
            assert!(names.insert(row.name), "{} is there twice", row.name);
            assert_eq!(row.kind == Type::Counter, row.name.ends_with("_total"), "{}", row.name);
            assert!(row.help.trim().ends_with('.'), "{}: {}", row.name, row.help);
        }
    }
}
