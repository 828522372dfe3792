//! Which calls came in: counts forever, and the newest of them in detail.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};

/// One call, without anything secret.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Call {
    /// Number of the call, from 1.
    pub sequence: u64,
    /// When it came.
    pub time: Timestamp,
    /// Name of the operation, or method and path if there is no such operation.
    pub operation: String,
    /// The operation can change something.
    pub mutating: bool,
    /// Account of the caller; empty when unknown.
    pub account: String,
    /// Region of the call.
    pub region: String,
    /// ARN of the caller.
    pub principal: String,
    /// Status of the response; 0 if there was none.
    pub status: u16,
    /// Code of an error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Its message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// As in the response's header.
    pub request_id: String,
    /// Ids and names of what the call was about.
    pub resource: Map<String, Value>,
    /// The request of a mutating call, sensitive members masked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<Value>,
    /// The injected fault that hit it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

/// All calls.
#[derive(Debug)]
pub struct Calls {
    kept: usize,
    newest: u64,
    counts: BTreeMap<String, u64>,
    errors: BTreeMap<String, u64>,
    mutating: u64,
    log: VecDeque<Call>,
}

impl Calls {
    /// No calls yet; details of this many will be kept.
    pub fn keeping(kept: usize) -> Self {
        let (counts, errors) = (BTreeMap::new(), BTreeMap::new());
        Self { kept: kept.max(1), newest: 0, counts, errors, mutating: 0, log: VecDeque::new() }
    }

    /// Number of the newest call; 0 before the first.
    pub fn newest(&self) -> u64 {
        self.newest
    }

    /// Notes a call.
    pub fn record(&mut self, mut call: Call) {
        self.newest += 1;
        call.sequence = self.newest;
        *self.counts.entry(call.operation.clone()).or_default() += 1;
        self.mutating += u64::from(call.mutating);
        if let Some(error) = &call.error {
            *self.errors.entry(error.clone()).or_default() += 1;
        }
        if self.log.len() == self.kept {
            self.log.pop_front();
        }
        self.log.push_back(call);
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Self::keeping(self.kept);
    }

    /// How often an operation was called.
    pub fn count(&self, operation: &str) -> u64 {
        self.counts.get(operation).copied().unwrap_or_default()
    }

    /// Counts per operation and error.
    pub fn summary(&self) -> Value {
        json!({
            "total": self.counts.values().sum::<u64>(),
            "mutating": self.mutating,
            "operations": self.counts,
            "errors": self.errors,
        })
    }

    /// The calls after a number, oldest first.
    pub fn since(&self, sequence: u64) -> impl Iterator<Item = &Call> {
        self.log.iter().filter(move |call| call.sequence > sequence)
    }
}
