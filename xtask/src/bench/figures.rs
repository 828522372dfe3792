//! The figures of a run: one table with the name, unit and meaning of each.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// How a figure is printed, and whether it may grow with the number of objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Of the whole run.
    Seconds,
    /// Of the whole run.
    Count,
    /// How many times as much.
    Times,
    /// Of a second.
    PerSecond,
    /// Of a minute.
    PerMinute,
    /// Of the whole run.
    Megabytes,
    /// A number for each object.
    CountEach,
    /// Milliseconds for each object.
    MillisecondsEach,
    /// Kilobytes for each object.
    KilobytesEach,
}

impl Unit {
    /// It is a cost of each object, which must not grow with their number.
    pub fn is_for_each_object(self) -> bool {
        matches!(self, Self::CountEach | Self::MillisecondsEach | Self::KilobytesEach)
    }

    /// A value as people read it.
    pub fn show(self, value: f64) -> String {
        match self {
            Self::Seconds => format!("{} s", digits(value)),
            Self::Megabytes => format!("{} MB", digits(value)),
            Self::MillisecondsEach => format!("{} ms", digits(value)),
            Self::KilobytesEach => format!("{} KB", digits(value)),
            Self::Times => format!("× {}", digits(value)),
            Self::Count => grouped(value),
            Self::PerSecond | Self::PerMinute | Self::CountEach => digits(value),
        }
    }
}

/// Three digits that count; whole numbers from 100 on.
pub fn digits(value: f64) -> String {
    let size = value.abs();
    if size >= 100.0 {
        grouped(value)
    } else if size >= 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}

/// A whole number with commas between thousands.
pub fn grouped(value: f64) -> String {
    let plain = format!("{value:.0}");
    let (sign, plain) = plain.strip_prefix('-').map_or(("", plain.as_str()), |plain| ("-", plain));
    let mut text = String::new();
    for (index, digit) in plain.chars().enumerate() {
        if index > 0 && (plain.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    format!("{sign}{text}")
}

/// A figure, whatever its value.
#[derive(Debug, PartialEq, Eq)]
pub struct Figure {
    /// Its name in JSON.
    pub key: &'static str,
    /// What it is.
    pub about: &'static str,
    /// How it is printed.
    pub unit: Unit,
}

macro_rules! figures {
    ($($constant:ident $key:literal $unit:ident $about:literal;)+) => {
        $(
            #[doc = $about]
            pub const $constant: &Figure = &Figure { key: $key, about: $about, unit: Unit::$unit };
        )+

        /// Every figure, in the order of tables.
        pub const ALL: &[&Figure] = &[$($constant),+];
    };
}

figures! {
    READY "create.ready_seconds" Seconds "Until all objects are Ready";
    APPLIED "create.applied_seconds" Seconds "Until the last of them is applied";
    FLOOR "floor.seconds" Seconds "Floor: one create, one write to the object and one to its status, for each object, by a client that does nothing else";
    READY_TO_FLOOR "create.ready_to_floor" Times "Until Ready, compared with the floor";
    WRITES_FLOOR "create.writes_floor_seconds" Seconds "The same API server alone with as many writes as the operator made";
    FLOOR_CREATES "floor.creates_per_second" PerSecond "API server alone: creates a second";
    FLOOR_METADATA "floor.metadata_writes_per_second" PerSecond "API server alone: writes to objects a second";
    FLOOR_STATUS "floor.status_writes_per_second" PerSecond "API server alone: writes to status a second";
    CREATE_CALLS "create.calls_per_object" CountEach "API calls for a created object";
    CREATE_WRITES "create.kubernetes_writes_per_object" CountEach "Kubernetes writes for a created object";
    CREATE_METADATA "create.metadata_writes_per_object" CountEach "– to the object (finalizer)";
    CREATE_STATUS "create.status_writes_per_object" CountEach "– to its status";
    CREATE_EVENTS "create.event_writes_per_object" CountEach "– Events";
    CREATE_SECRETS "create.secret_writes_per_object" CountEach "– Secrets";
    CREATE_CPU "create.cpu_ms_per_object" MillisecondsEach "CPU for a created object";
    EMPTY_MEMORY "memory.empty_mb" Megabytes "Memory before the first object";
    PEAK_MEMORY "memory.peak_mb" Megabytes "Memory at its peak while creating";
    RESTING_MEMORY "memory.resting_mb" Megabytes "Memory once all is Ready";
    OBJECT_MEMORY "memory.kb_per_object" KilobytesEach "Memory for an object";
    RESTART_IN_SYNC "restart.in_sync_seconds" Seconds "Restart: until everything has been compared with AWS";
    RESTART_CALLS "restart.calls_per_object" CountEach "Restart: API calls for an object";
    RESTART_WRITES "restart.kubernetes_writes" Count "Restart: Kubernetes writes";
    RESTART_CPU "restart.cpu_ms_per_object" MillisecondsEach "Restart: CPU for an object";
    RESTART_MEMORY "restart.resting_mb" Megabytes "Restart: memory once all has been compared";
    EDIT_READY "edit.ready_seconds" Seconds "An edit while everything is compared with AWS: until Ready (median)";
    EDIT_SLOWEST "edit.slowest_seconds" Seconds "– the slowest";
    EDIT_COUNT "edit.edits" Count "– edits measured";
    EDIT_CALLS "edit.calls_meanwhile" Count "– API calls made meanwhile";
    STORM_REFUSED "storm.refused_calls" Count "Storm of 429 for 10 s, with edits waiting: calls refused";
    STORM_RECOVERY "storm.recovery_seconds" Seconds "– from its end until all edits are Ready";
    REST_PERIOD "rest.period_seconds" Seconds "At rest: everything is compared with AWS once in";
    REST_CALLS "rest.calls_per_check" Count "– API calls in that time";
    REST_CALLS_EACH "rest.calls_per_object_and_check" CountEach "– API calls for an object in that time";
    REST_CALLS_MINUTE "rest.calls_per_minute" PerMinute "– API calls a minute";
    REST_CHANGING "rest.changing_calls" Count "– calls that change AWS";
    REST_WRITES "rest.kubernetes_writes" Count "– Kubernetes writes";
    REST_CPU "rest.cpu_ms_per_object_and_check" MillisecondsEach "– CPU for an object in that time";
    REST_CPU_MINUTE "rest.cpu_seconds_per_minute" Seconds "– CPU in a minute";
    DRIFT "rest.drift_corrected_seconds" Seconds "– from a change in AWS to its correction (median)";
    DRIFT_SLOWEST "rest.drift_slowest_seconds" Seconds "– the slowest";
    DELETE_GONE "delete.gone_seconds" Seconds "Deletion of all objects: until the last is gone";
    DELETE_CALLS "delete.calls_per_object" CountEach "– API calls for an object";
    DELETE_WRITES "delete.kubernetes_writes_per_object" CountEach "– Kubernetes writes for an object";
    DELETE_CPU "delete.cpu_ms_per_object" MillisecondsEach "– CPU for an object";
}

/// The figure of this name.
pub fn named(key: &str) -> Option<&'static Figure> {
    ALL.iter().find(|figure| figure.key == key).copied()
}

/// Figures with their values.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Figures(BTreeMap<&'static str, f64>);

impl Figures {
    /// Takes note of a value.
    pub fn set(&mut self, figure: &'static Figure, value: f64) {
        self.0.insert(figure.key, value);
    }

    /// A value, if it was measured.
    pub fn get(&self, figure: &Figure) -> Option<f64> {
        self.0.get(figure.key).copied()
    }

    /// All values by name.
    pub fn json(&self) -> Value {
        Value::Object(self.0.iter().map(|(key, value)| ((*key).to_owned(), rounded(*value))).collect())
    }

    /// Reads what [`Figures::json`] wrote; figures that are not known any more are left out.
    pub fn read(values: &Map<String, Value>) -> Self {
        let known = values.iter().filter_map(|(key, value)| Some((named(key)?.key, value.as_f64()?)));
        Self(known.collect())
    }
}

/// Four decimals are more than any of these measurements can tell.
fn rounded(value: f64) -> Value {
    ((value * 10_000.0).round() / 10_000.0).into()
}

/// A count as a figure. No count here is so large that a float would lose any of it.
#[expect(clippy::cast_precision_loss)]
pub fn float(count: u64) -> f64 {
    count as f64
}

/// The middle of these values, or the mean of the two in the middle; none if there are none.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let upper = *sorted.get(middle)?;
    if sorted.len().is_multiple_of(2) { Some(f64::midpoint(sorted[middle - 1], upper)) } else { Some(upper) }
}

/// The largest of these values; none if there are none.
pub fn largest(values: &[f64]) -> Option<f64> {
    values.iter().copied().max_by(f64::total_cmp)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_figure_has_a_name_of_its_own() {
        let names: BTreeSet<&str> = ALL.iter().map(|figure| figure.key).collect();
        assert_eq!(names.len(), ALL.len());
    }

    #[test]
    fn numbers_are_shown_with_the_digits_that_count() {
        let shown = [0.0, 0.123, 9.876, 12.34, 123.4, 1234.5, 10_000.0, -46_432.0].map(digits);
        assert_eq!(shown, ["0.00", "0.12", "9.88", "12.3", "123", "1,234", "10,000", "-46,432"]);
        assert_eq!(Unit::Seconds.show(8.1), "8.10 s");
        assert_eq!(Unit::Count.show(604.0), "604");
    }

    #[test]
    fn figures_survive_being_written_and_read() {
        let mut figures = Figures::default();
        figures.set(READY, 8.125);
        figures.set(CREATE_CALLS, 3.3);
        let Value::Object(mut written) = figures.json() else { panic!("no object") };
        written.insert("figure.of_long_ago".to_owned(), 1.into());
        assert_eq!(Figures::read(&written), figures);
        assert_eq!(figures.get(FLOOR), None);
    }

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(largest(&[1.0, 3.0, 2.0]), Some(3.0));
    }
}
