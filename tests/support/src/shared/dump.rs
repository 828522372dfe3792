//! What a failed test leaves on the screen.

use std::collections::BTreeMap;
use std::fmt::Write;

use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::api::events::v1::Event;
use kube::api::ListParams;
use kube::{Api, ResourceExt};
use serde_json::Value;

use super::Test;
use crate::object::json_of;

const LONGEST_LOG: usize = 400;

impl Test {
    /// Prints the objects, their Events, the operator's log and the API calls of this test.
    pub(super) async fn dump(&self) {
        let mut out = String::new();
        let _ = writeln!(out, "──── namespace {}, AWS account {}", self.namespace, self.account);
        self.dump_objects(&mut out).await;
        for namespace in self.namespaces() {
            self.dump_namespace(&mut out, &namespace).await;
        }
        self.dump_log(&mut out);
        self.dump_calls(&mut out);
        eprintln!("{out}");
    }

    async fn dump_objects(&self, out: &mut String) {
        let account = self.handle("AWSAccount", &self.namespace).find().await;
        let objects = self.objects().await;
        for object in account.into_iter().chain(objects.iter().map(json_of)) {
            let yaml = serde_saphyr::to_string(&object).unwrap_or_else(|error| error.to_string());
            let _ = writeln!(out, "---\n{}", yaml.trim_end());
        }
    }

    async fn dump_namespace(&self, out: &mut String, namespace: &str) {
        let secrets = Api::<Secret>::namespaced(self.client.clone(), namespace);
        for secret in secrets.list(&ListParams::default()).await.map(|list| list.items).unwrap_or_default() {
            let keys: Vec<String> = secret.data.iter().flat_map(BTreeMap::keys).cloned().collect();
            let _ = writeln!(out, "Secret {namespace}/{} with {}", secret.name_any(), keys.join(", "));
        }
        let events = Api::<Event>::namespaced(self.client.clone(), namespace);
        let mut events = events.list(&ListParams::default()).await.map(|list| list.items).unwrap_or_default();
        events.sort_by_key(|event| event.event_time.as_ref().map(|time| time.0));
        let _ = writeln!(out, "──── Events in {namespace}");
        for event in events {
            let about = event.regarding.unwrap_or_default();
            let _ = writeln!(
                out,
                "{} {} {}: {}",
                about.kind.unwrap_or_default(),
                about.name.unwrap_or_default(),
                event.reason.unwrap_or_default(),
                event.note.unwrap_or_default()
            );
        }
    }

    fn dump_log(&self, out: &mut String) {
        let operator = &self.shared.operator;
        let _ = writeln!(out, "──── the operator's log (all of it: {})", operator.log_path().display());
        let lines = operator.log_lines(&[&self.namespace]);
        for line in lines.iter().skip(lines.len().saturating_sub(LONGEST_LOG)) {
            let _ = writeln!(out, "{line}");
        }
    }

    fn dump_calls(&self, out: &mut String) {
        let _ = writeln!(out, "──── API calls");
        for call in self.calls() {
            let resource = Value::Object(call.resource.clone());
            let _ = write!(out, "{} {} {} {resource}", call.sequence, call.operation, call.status);
            for more in [&call.error, &call.message, &call.fault].into_iter().flatten() {
                let _ = write!(out, " {more}");
            }
            let request = call.request.map(|request| request.to_string()).unwrap_or_default();
            let _ = writeln!(out, " {request}");
        }
    }
}
