//! What is run, as the environment says.

use std::collections::BTreeSet;
use std::str::FromStr;
use std::time::Duration;

use super::fault::Injection;

/// What is run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Just this run, or just this scenario.
    pub only: Option<Only>,
    /// Every n-th fault of a scenario under the usual reading of the switches; 0 for none.
    pub sample: usize,
    /// Every n-th fault under each other reading; 0 for none.
    pub readings_sample: usize,
    /// Runs with two faults.
    pub pairs: usize,
    /// Random walks.
    pub walks: u64,
    /// What these are drawn by.
    pub seed: u64,
    /// Runs at a time.
    pub parallel: usize,
    /// After this time, no more single faults are injected.
    pub limit: Option<Duration>,
    /// Plant bugs and check that they are caught, instead of everything else.
    pub self_check: bool,
}

/// `SCENARIO[@READING][:CALL#NTH:FAULT[+CALL#NTH:FAULT]]`, or `walk~SEED~STEPS-LEFT-OUT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Only {
    pub scenario: String,
    pub reading: Option<String>,
    pub faults: Vec<Injection>,
    /// Of a random walk.
    pub seed: u64,
    /// Its steps that are left out.
    pub skipped: BTreeSet<usize>,
}

impl Settings {
    /// Reads the variables that docs/src/design/reliability.md names.
    pub fn read() -> Result<Self, String> {
        let full = variable("FAULTS_FULL")?.unwrap_or(0) == 1;
        let only = std::env::var("FAULTS_ONLY").ok().filter(|text| !text.is_empty());
        let only: Option<Only> = only.map(|text| text.parse()).transpose()?;
        Ok(Self {
            sample: variable("FAULTS_SAMPLE")?.unwrap_or(1),
            readings_sample: variable("FAULTS_READINGS_SAMPLE")?.unwrap_or(usize::from(full)),
            pairs: variable("FAULTS_PAIRS")?.unwrap_or(if full { 1000 } else { 40 }),
            walks: variable("FAULTS_WALKS")?.unwrap_or(if full { 500 } else { 20 }) as u64,
            seed: variable("FAULTS_SEED")?.unwrap_or(1) as u64,
            parallel: variable("FAULTS_PARALLEL")?.unwrap_or(10).max(1),
            limit: variable("FAULTS_MINUTES")?.map(|minutes| Duration::from_mins(minutes as u64)),
            self_check: variable("FAULTS_SELF_CHECK")?.unwrap_or(0) == 1,
            only,
        })
    }
}

fn variable(name: &str) -> Result<Option<usize>, String> {
    match std::env::var(name) {
        Ok(text) if !text.is_empty() => {
            text.parse().map(Some).map_err(|_| format!("{name}={text} is no number"))
        }
        _ => Ok(None),
    }
}

impl FromStr for Only {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some((walk, drawn)) = text.split_once('~') {
            let (seed, skipped) = drawn.split_once('~').unwrap_or((drawn, ""));
            let number = |text: &str| text.parse().map_err(|_| format!("'{text}' in {text} is no number"));
            let skipped =
                skipped.split(',').filter(|step| !step.is_empty()).map(number).collect::<Result<_, _>>()?;
            let seed = seed.parse().map_err(|_| format!("the seed in {text} is no number"))?;
            return Ok(Self { scenario: walk.to_owned(), reading: None, faults: Vec::new(), seed, skipped });
        }
        let (place, faults) =
            text.split_once(':').map_or((text, None), |(place, faults)| (place, Some(faults)));
        let (scenario, reading) = place
            .split_once('@')
            .map_or((place, None), |(scenario, reading)| (scenario, Some(reading.to_owned())));
        let faults = faults
            .into_iter()
            .flat_map(|faults| faults.split('+'))
            .map(str::parse)
            .collect::<Result<_, _>>()?;
        Ok(Self { scenario: scenario.to_owned(), reading, faults, seed: 0, skipped: BTreeSet::new() })
    }
}
