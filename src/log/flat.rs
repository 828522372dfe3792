//! One JSON object per line, with everything at the top level: `kind`, `namespace`, `name` and `pass` of the pass as
//! well as the line's own fields, and `target` if a library logged it. The library's own format puts the span's name
//! and the object's under the same key.

use std::fmt::{Debug, Write};

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{JsonFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

use super::shown;

/// The format.
pub struct Flat;

/// How the fields of spans must be formatted for it.
pub fn fields() -> JsonFields {
    JsonFields::new()
}

impl<S> FormatEvent<S, JsonFields> for Flat
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> std::fmt::Result {
        let mut fields = Fields::default();
        for span in context.event_scope().into_iter().flat_map(tracing_subscriber::registry::Scope::from_root)
        {
            let extensions = span.extensions();
            let formatted = extensions.get::<FormattedFields<JsonFields>>();
            let parsed: Option<Map<String, Value>> =
                formatted.and_then(|formatted| serde_json::from_str(&formatted.fields).ok());
            fields.0.extend(parsed.unwrap_or_default().into_iter().map(|(name, value)| (name, plain(value))));
        }
        event.record(&mut fields);
        let message = fields.0.remove("message").unwrap_or_default();
        let time = jiff::Timestamp::now();
        let level = event.metadata().level().as_str().to_lowercase();
        write!(writer, r#"{{"timestamp":"{time:.6}","level":"{level}","message":{message}"#)?;
        let target = event.metadata().target();
        if !target.starts_with(env!("CARGO_CRATE_NAME")) {
            write!(writer, r#","target":"{target}""#)?;
        }
        for (name, value) in fields.0 {
            write!(writer, ",{}:{value}", Value::from(name))?;
        }
        writer.write_str("}\n")
    }
}

/// A value of a span, whose fields the library formats.
fn plain(value: Value) -> Value {
    match value {
        Value::String(text) => shown(&text).into(),
        other => other,
    }
}

/// The fields of an event.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().trim_start_matches("r#").to_owned(), plain(value.into()));
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let mut text = String::new();
        // Writing to a String does not fail.
        let _ = write!(text, "{value:?}");
        self.put(field, text);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }
}

/// What was logged, for tests.
#[cfg(test)]
#[derive(Clone, Default)]
pub struct Buffer(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

#[cfg(test)]
impl Buffer {
    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

#[cfg(test)]
impl std::io::Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tracing::{info, info_span};
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[test]
    fn a_line_has_the_object_the_pass_and_what_happened_side_by_side() {
        let buffer = Buffer::default();
        let written = buffer.clone();
        let layer = tracing_subscriber::fmt::layer()
            .with_writer(move || written.clone())
            .fmt_fields(fields())
            .event_format(Flat);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            let span = info_span!(
                "pass",
                kind = "Asset",
                namespace = None::<String>,
                name = "a\u{202E}b",
                pass = "1f"
            );
            span.in_scope(|| info!(id = 7, drift = %"x \"y\"", none = None::<&str>, "updated\nit\u{1b}[2J"));
        });
        let text = buffer.text();
        let line: Value = serde_json::from_str(text.strip_suffix('\n').unwrap()).unwrap();
        assert_eq!(text.lines().count(), 1);
        assert!(line["timestamp"].as_str().is_some_and(|time| time.ends_with('Z')), "{text}");
        let rest: Vec<_> = line.as_object().unwrap().iter().filter(|(key, _)| *key != "timestamp").collect();
        let rest = serde_json::to_string(&rest).unwrap();
        assert_eq!(
            rest,
            r#"[["drift","x \"y\""],["id",7],["kind","Asset"],["level","info"],["message","updated it�[2J"],["name","a�b"],["pass","1f"]]"#
        );
    }
}
