//! What stands in an imported object for a value that AWS never returns.
//!
//! A credential stays in AWS when its resource is adopted: nothing is sent as long as nothing differs, and what isn't
//! known can't differ. So a placeholder has no fingerprint, and the client refuses to send one.

use serde_json::Value;

/// Stands for a text. It fits every credential, name and address that AWS demands.
pub const TEXT: &str = "replace-me-devopsagent";
/// The same as an address.
pub const URL: &str = "https://replace-me-devopsagent.invalid";
/// Stands for a subnet.
pub const SUBNET: &str = "subnet-00000000000000000";
/// Stands for an account of Dynatrace.
pub const DYNATRACE_ACCOUNT: &str = "urn:dtaccount:00000000-0000-0000-0000-000000000000";

/// Every placeholder, in the order in which they are tried where a value is unknown.
pub const ALL: [&str; 4] = [TEXT, URL, SUBNET, DYNATRACE_ACCOUNT];

/// Whether a text has a placeholder in it.
pub fn is_in(text: &str) -> bool {
    ALL.iter().any(|placeholder| text.contains(placeholder))
}

/// Whether a value has a placeholder in it, at any depth.
pub fn is_in_value(value: &Value) -> bool {
    match value {
        Value::String(text) => is_in(text),
        Value::Array(items) => items.iter().any(is_in_value),
        Value::Object(members) => members.values().any(is_in_value),
        _ => false,
    }
}
