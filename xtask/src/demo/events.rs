//! The Events of objects.

use serde_json::Value;

use super::objects::Object;
use crate::error::Error;
use crate::kubectl::Kubectl;

/// The Events of an object, oldest first.
pub fn of(kubectl: &Kubectl, object: &Object) -> Result<Vec<Value>, Error> {
    let kind = format!(
        "--field-selector=involvedObject.kind={},involvedObject.name={}",
        object.kind(),
        object.name()
    );
    let list = kubectl.json(&["get", "events", "-A", &kind])?;
    let of_namespace = |event: &&Value| {
        event["involvedObject"]["namespace"].as_str().unwrap_or_default() == object.namespace()
    };
    let mut events: Vec<Value> =
        list["items"].as_array().into_iter().flatten().filter(of_namespace).cloned().collect();
    events.sort_by(|one, other| time(one).cmp(time(other)));
    Ok(events)
}

fn time(event: &Value) -> &str {
    let times = ["/series/lastObservedTime", "/lastTimestamp", "/eventTime", "/metadata/creationTimestamp"];
    times.iter().find_map(|pointer| event.pointer(pointer).and_then(Value::as_str)).unwrap_or_default()
}

/// An Event in one line.
pub fn line(event: &Value) -> String {
    let text = |name: &str| event[name].as_str().unwrap_or_default();
    format!("{} {}: {}", text("type"), text("reason"), text("message"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_has_the_time_of_its_last_sighting() {
        let event = json!({
            "eventTime": "2026-01-01T00:00:00.000000Z", "lastTimestamp": null,
            "series": {"lastObservedTime": "2026-01-01T00:05:00.000000Z"},
        });
        assert_eq!(time(&event), "2026-01-01T00:05:00.000000Z");
    }

    #[test]
    fn an_event_is_shown_with_type_reason_and_message() {
        let event = json!({"type": "Normal", "reason": "Created", "message": "it is there"});
        assert_eq!(line(&event), "Normal Created: it is there");
    }
}
