//! The table of all metrics: names, types, labels and meanings. Docs, dashboard and alerts are checked against it.

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

/// A row of the table.
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
    /// Reconciles by result: `success` (nothing left to do, or deleted), `requeue` (a step was taken, the
    /// next reconcile follows at once), `requeue_after` (waiting for something that is expected), `error`.
    Counter RECONCILES "controller_runtime_reconcile_total" ["controller", "result"];
    /// Reconciles that ended in an error.
    Counter RECONCILE_ERRORS "controller_runtime_reconcile_errors_total" ["controller"];
    /// Reconciles that ended in an error that only a person can fix.
    Counter TERMINAL_ERRORS "controller_runtime_terminal_reconcile_errors_total" ["controller"];
    /// Duration of reconciles.
    Histogram RECONCILE_TIME "controller_runtime_reconcile_time_seconds" ["controller"];
    /// Reconciles in progress.
    Gauge ACTIVE_WORKERS "controller_runtime_active_workers" ["controller"];
    /// Maximum concurrent reconciles; up to as many again may run for namespaces that have none in progress.
    Gauge MAX_CONCURRENT "controller_runtime_max_concurrent_reconciles" ["controller"];
    /// Processing time of a queue item: the same as a reconcile.
    Histogram WORK_TIME "workqueue_work_duration_seconds" ["name", "controller"];
    /// Total time that the reconciles in progress have been running.
    Gauge UNFINISHED_WORK "workqueue_unfinished_work_seconds" ["name", "controller"];
    /// Time that the longest reconcile in progress has been running.
    Gauge LONGEST_WORK "workqueue_longest_running_processor_seconds" ["name", "controller"];
    /// Requests to the Kubernetes API by HTTP status; `error` if there was no response.
    Counter KUBERNETES_REQUESTS "rest_client_requests_total" ["code", "method", "host"];
    /// Whether this replica is the leader; only with leader election.
    Gauge LEADER "leader_election_master_status" ["name"];

    /// Objects by status and reason of their conditions `Ready` and `Synced`.
    Gauge RESOURCES "devopsagent_resources" ["kind", "type", "status", "reason"];
    /// Objects with a problem: `Stalled`, `NotReady` (and not stalled), `NotSynced` (but ready),
    /// `WebhookSecretLost` or `AuthorizationPending`, by the reason of the condition that says so. `name` is empty
    /// and the objects of a namespace are counted together, except with `--metrics-by-object`.
    Gauge PROBLEMS "devopsagent_resource_problems" ["kind", "namespace", "name", "problem", "reason"];
    /// Since when the first of these objects has had the problem, in seconds since 1970; its reason may be newer.
    Gauge PROBLEMS_SINCE "devopsagent_resource_problems_since_timestamp_seconds"
        ["kind", "namespace", "name", "problem", "reason"];
    /// Whether the condition of the object has this status: 1 for its current status, 0 for the other. Only with
    /// `--metrics-by-object`.
    Gauge RESOURCE_CONDITION "devopsagent_resource_condition" ["kind", "namespace", "name", "type", "status"];
    /// Changes that wait for approval, or that `--dry-run` holds back: `Create`, `Update`, `Replace` or `Delete`.
    Gauge PENDING_CHANGES "devopsagent_pending_changes" ["kind", "action"];
    /// Time from an object's creation until it is first `Ready`. Objects that existed when the operator
    /// started aren't counted.
    Histogram FIRST_READY "devopsagent_time_to_first_ready_seconds" ["kind"];
    /// Changes that the operator made in AWS: `create`, `update`, `replace`, `delete` or `adopt`.
    Counter CHANGES "devopsagent_changes_total" ["kind", "change"];
    /// Writes that corrected a difference not caused by an edit of the object: drift in AWS, or a new value
    /// in a Secret.
    Counter DRIFT_CORRECTIONS "devopsagent_drift_corrections_total" ["kind"];
    /// Webhook Secrets written.
    Counter WEBHOOK_SECRETS "devopsagent_webhook_secrets_issued_total" [];
    /// When the certificate of a private connection expires, according to AWS, in seconds since 1970.
    Gauge CERTIFICATE_EXPIRY "devopsagent_private_connection_certificate_expiry_timestamp_seconds"
        ["namespace", "name"];

    /// Events dropped because their namespace caused too many, by type. They are in the log at level `debug`.
    Counter EVENTS_DROPPED "devopsagent_events_dropped_total" ["type"];

    /// Requests to AWS DevOps Agent by operation and HTTP status; if there was no response: `timeout`,
    /// `connection` or `error`. Retries are counted.
    Counter API_REQUESTS "devopsagent_api_requests_total" ["operation", "code"];
    /// Requests that AWS refused or failed, by the name that the API gives to the error; `Other` for names
    /// that its model does not have; `timeout`, `connection` or `error` if there was no response.
    Counter API_ERRORS "devopsagent_api_errors_total" ["operation", "error"];
    /// Duration of requests until the response was read.
    Histogram API_TIME "devopsagent_api_request_duration_seconds" ["operation"];
    /// Requests per second that an account may make now: less than the limit while AWS throttles. `account`
    /// is the name of the AWSAccount, or `(operator)` for the operator's own credentials. Several AWSAccounts
    /// of one account and region have one budget, and so the same values.
    Gauge BUDGET_RATE "devopsagent_api_budget_requests_per_second" ["account"];
    /// Maximum requests per second that an account may make: the smallest of all that share the budget.
    Gauge BUDGET_LIMIT "devopsagent_api_budget_limit_requests_per_second" ["account"];
    /// Requests that an account may make at once.
    Gauge BUDGET_TOKENS "devopsagent_api_budget_tokens" ["account"];
    /// Requests granted by the budget: `edit` for objects that a person just changed, `pending` for those that
    /// aren't settled otherwise (retries, what waited for another object), `periodic` for all others.
    Counter BUDGET_REQUESTS "devopsagent_api_budget_requests_total" ["account", "priority"];
    /// Time that requests waited for the budget.
    Counter BUDGET_WAIT "devopsagent_api_budget_wait_seconds_total" ["account", "priority"];
    /// Requests that AWS throttled.
    Counter BUDGET_THROTTLES "devopsagent_api_budget_throttles_total" ["account"];

    /// Whether the watch cache of a kind has been filled: 1 or 0. Nothing is reconciled until all are filled, except
    /// that a missing CRD holds up only its own kind.
    Gauge CACHE_FILLED "devopsagent_watch_cache_filled" ["kind"];
    /// Objects of a kind that can't be read. Each has an Event that says why.
    Gauge UNREADABLE "devopsagent_unreadable_objects" ["kind"];
    /// Watches that failed and were restarted.
    Counter WATCH_ERRORS "devopsagent_watch_errors_total" ["kind"];
    /// 1, labeled with the running version.
    Gauge BUILD "devopsagent_build_info" ["version", "revision", "rustc"];

    /// CPU time used by the process.
    Counter PROCESS_CPU "process_cpu_seconds_total" [];
    /// Resident memory of the process.
    Gauge PROCESS_MEMORY "process_resident_memory_bytes" [];
    /// Virtual memory of the process.
    Gauge PROCESS_VIRTUAL_MEMORY "process_virtual_memory_bytes" [];
    /// Open file descriptors.
    Gauge PROCESS_FDS "process_open_fds" [];
    /// Maximum number of open file descriptors.
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
