//! The log: how it is written, and what is logged, which can be changed while the operator runs.

mod flat;

use std::io::IsTerminal;

use clap::ValueEnum;
use tracing::field::Field;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::{self, Writer};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, reload};

use crate::text;

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people on a terminal; elsewhere, as in a container, one JSON object per line.
    Auto,
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

/// Why the log couldn't be started, or its level changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The filter can't be read.
    #[error(transparent)]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// There is a log already.
    #[error(transparent)]
    Started(#[from] TryInitError),
    /// The log is gone.
    #[error(transparent)]
    Reload(#[from] reload::Error),
}

/// What is logged. Clones share it.
#[derive(Clone, Debug)]
pub struct Level(reload::Handle<EnvFilter, Registry>);

impl Level {
    /// The current filters.
    pub fn get(&self) -> Result<String, Error> {
        Ok(self.0.with_current(ToString::to_string)?)
    }

    /// Sets another level, or other filters.
    pub fn set(&self, level: &str) -> Result<(), Error> {
        Ok(self.0.reload(filter(level)?)?)
    }
}

/// Maximum bytes of a field: libraries can be verbose.
const LONGEST: usize = 16 * 1024;

/// A field as it is written: on one line, without anything that could mislead a terminal or a reader.
fn shown(text: &str) -> String {
    text::plain_within(text, LONGEST)
}

/// The fields of a line for people: the message as it is, others as `name=value`.
fn text_fields() -> impl for<'writer> FormatFields<'writer> + 'static {
    format::debug_fn(|writer: &mut Writer<'_>, field: &Field, value: &dyn std::fmt::Debug| {
        let value = shown(&format!("{value:?}"));
        match field.name().trim_start_matches("r#") {
            "message" => write!(writer, "{value}"),
            name => write!(writer, "{name}={value}"),
        }
    })
    .delimited(" ")
}

/// Something that receives spans and log lines.
pub type BoxedLayer = Box<dyn Layer<Registry> + Send + Sync>;

/// Starts the log, on standard error; `others` receive everything, whatever the level.
pub fn start(format: Format, level: &str, others: Option<BoxedLayer>) -> Result<Level, Error> {
    let (filter, handle) = reload::Layer::new(filter(level)?);
    let terminal = std::io::stderr().is_terminal();
    let text = format == Format::Text || (format == Format::Auto && terminal);
    let layer = fmt::layer().with_writer(std::io::stderr);
    let log: BoxedLayer = if text {
        layer.with_ansi(terminal).with_target(false).fmt_fields(text_fields()).with_filter(filter).boxed()
    } else {
        layer.fmt_fields(flat::fields()).event_format(flat::Flat).with_filter(filter).boxed()
    };
    // A list, not a stack: an absent layer would count as one that wants nothing logged.
    let layers: Vec<BoxedLayer> = [log].into_iter().chain(others).collect();
    tracing_subscriber::registry().with(layers).try_init()?;
    Ok(Level(handle))
}

/// A bare level applies to the operator itself: few need the logs of libraries. What the Kubernetes client logs about a
/// failed request, the operator logs with the object concerned.
fn filter(level: &str) -> Result<EnvFilter, Error> {
    let level = level.trim();
    Ok(if level.contains(['=', ',']) {
        EnvFilter::try_new(level)?
    } else {
        EnvFilter::try_new(format!("warn,kube_client::client=off,devops_agent_operator={level}"))?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_for_people_is_one_line_whatever_others_put_into_it() {
        let buffer = flat::Buffer::default();
        let written = buffer.clone();
        let layer = fmt::layer()
            .with_writer(move || written.clone())
            .with_ansi(false)
            .without_time()
            .with_target(false)
            .fmt_fields(text_fields());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            tracing::info_span!("pass", name = %"a\u{202E}b").in_scope(|| {
                tracing::warn!(error = %"x\u{9b}2J\ny", "no\n WARN Ελλάδα\u{1b}[2J");
            });
        });
        assert_eq!(
            buffer.text(),
            " WARN pass{name=a\u{FFFD}b}: no  WARN Ελλάδα\u{FFFD}[2J error=x\u{FFFD}2J y\n"
        );
    }

    #[test]
    fn a_bare_level_is_meant_for_the_operator_itself() {
        assert_eq!(
            filter("debug").unwrap().to_string(),
            "devops_agent_operator=debug,kube_client::client=off,warn"
        );
        assert_eq!(filter("kube=trace\n").unwrap().to_string(), "kube=trace");
        assert!(filter("kube=loud").is_err() && filter("loud").is_err());
    }
}
