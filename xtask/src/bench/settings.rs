//! How one run is done.

use std::time::Duration;

use serde_json::{Value, json};

use super::phases::Phase;
use super::shape::Shape;

/// No budget of the operator's is the limit unless asked for.
pub const UNLIMITED: u16 = 60_000;
/// At rest so many objects are compared with AWS in a second, unless the period is given.
const CHECKS_PER_SECOND: u32 = 50;
const SHORTEST_PERIOD: Duration = Duration::from_secs(5);

/// The settings of a run.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How many objects there are.
    pub objects: usize,
    /// What they are.
    pub shape: Shape,
    /// The operator's `--concurrency`.
    pub concurrency: u16,
    /// How long AWS takes for each call.
    pub latency: Duration,
    /// How many calls a second AWS lets through; 0 for any number.
    pub rate_limit: u32,
    /// The operator's `--requests-per-second`.
    pub requests_per_second: u16,
    /// The operator's `--resync-period` at rest.
    pub rest_period: Duration,
    /// Further settings of the operator, as environment variables.
    pub operator: Vec<(String, String)>,
    /// What is measured.
    pub phases: Vec<Phase>,
}

impl Settings {
    /// Whether a phase is measured.
    pub fn measures(&self, phase: Phase) -> bool {
        self.phases.contains(&phase)
    }

    /// As long as anything about all objects may take.
    pub fn limit(&self) -> Duration {
        let each = if self.rate_limit == 0 { 0.2 } else { 0.2_f64.max(20.0 / f64::from(self.rate_limit)) };
        #[expect(clippy::cast_precision_loss)]
        let all = each * self.objects as f64;
        Duration::from_mins(2) + Duration::from_secs_f64(all)
    }

    /// What runs of several sizes have in common, as it is written to a file.
    pub fn json(&self) -> Value {
        json!({
            "concurrency": self.concurrency,
            "latencyMs": u64::try_from(self.latency.as_millis()).unwrap_or(u64::MAX),
            "rateLimit": self.rate_limit,
            "requestsPerSecond": self.requests_per_second,
            "operator": self.operator.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>(),
        })
    }

    /// The same for people.
    pub fn describe(&self) -> String {
        let limit =
            |rate: u32| if rate == 0 { "no limit".to_owned() } else { format!("{rate} calls a second") };
        let budget =
            if self.requests_per_second == UNLIMITED { 0 } else { u32::from(self.requests_per_second) };
        let mut text = format!(
            "{} ms for each API call, rate limit of AWS: {}, budget of the operator: {}, concurrency {}",
            self.latency.as_millis(),
            limit(self.rate_limit),
            limit(budget),
            self.concurrency,
        );
        for (name, value) in &self.operator {
            text = format!("{text}, {name}={value}");
        }
        text
    }
}

/// How often so many objects are compared with AWS at rest, unless it is said.
pub fn rest_period(objects: usize) -> Duration {
    let seconds = u32::try_from(objects).unwrap_or(u32::MAX).div_ceil(CHECKS_PER_SECOND);
    Duration::from_secs(seconds.into()).max(SHORTEST_PERIOD)
}

/// Reads a duration such as `20ms`, `90s` or `10m`.
pub fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = text.split_at(text.find(|one: char| !one.is_ascii_digit()).unwrap_or(text.len()));
    let number: u64 = number.parse().map_err(|_| "expected a number and a unit, such as 20ms".to_owned())?;
    match unit {
        "ms" => Ok(Duration::from_millis(number)),
        "s" => Ok(Duration::from_secs(number)),
        "m" => Ok(Duration::from_secs(number * 60)),
        _ => Err("the unit is ms, s or m".to_owned()),
    }
}

/// Reads `NAME=VALUE`.
pub fn variable(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit() {
        assert_eq!(duration("20ms"), Ok(Duration::from_millis(20)));
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("10m"), Ok(Duration::from_mins(10)));
        for bad in ["", "20", "ms", "-1s", "1h30"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_period_at_rest_grows_with_the_objects() {
        assert_eq!(rest_period(50), Duration::from_secs(5));
        assert_eq!(rest_period(501), Duration::from_secs(11));
        assert_eq!(rest_period(10_000), Duration::from_secs(200));
    }

    #[test]
    fn a_setting_has_a_name_and_a_value() {
        assert_eq!(variable("A=b=c"), Ok(("A".to_owned(), "b=c".to_owned())));
        assert!(variable("A").is_err());
    }
}
