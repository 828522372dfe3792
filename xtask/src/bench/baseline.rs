//! An earlier measurement, to compare with.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::figures::Figure;
use super::run_result::RunResult;
use crate::error::{Doing, Error};

/// The runs of an earlier measurement.
#[derive(Debug, Default)]
pub struct Baseline(Vec<RunResult>);

impl Baseline {
    /// Reads the file that `--json` wrote.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = fs::read_to_string(path).doing(|| format!("reading {}", path.display()))?;
        let value = serde_json::from_str(&text).doing(|| format!("reading {}", path.display()))?;
        Self::parse(&value)
            .ok_or_else(|| Error::Other(format!("{} is no file of `cargo xtask bench`", path.display())))
    }

    fn parse(value: &Value) -> Option<Self> {
        value["runs"].as_array()?.iter().map(RunResult::read).collect::<Option<_>>().map(Self)
    }

    /// A figure of `run` compared with the same of as many objects of the same shape; none where either is missing or was
    /// nothing.
    pub fn ratio(&self, run: &RunResult, figure: &Figure) -> Option<f64> {
        let earlier = self.0.iter().find(|one| one.objects == run.objects && one.shape == run.shape)?;
        let before = earlier.figures.get(figure).filter(|before| *before > 0.0)?;
        Some(run.figures.get(figure)? / before)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::figures::{CREATE_CALLS, READY, REST_WRITES};
    use super::*;

    fn run(objects: usize, ready: f64) -> RunResult {
        let mut run = RunResult { objects, shape: "mix".to_owned(), ..RunResult::default() };
        run.figures.set(READY, ready);
        run.figures.set(REST_WRITES, 0.0);
        run
    }

    #[test]
    fn figures_are_compared_with_those_of_as_many_objects_of_the_same_shape() {
        let file = json!({"runs": [run(500, 8.0).json(), run(2000, 40.0).json()]});
        let baseline = Baseline::parse(&file).unwrap();
        assert_eq!(baseline.ratio(&run(2000, 10.0), READY), Some(0.25));
        assert_eq!(baseline.ratio(&run(500, 12.0), READY), Some(1.5));
        assert_eq!(baseline.ratio(&run(50, 12.0), READY), None);
        let other = RunResult { shape: "spaces".to_owned(), ..run(500, 8.0) };
        assert_eq!(baseline.ratio(&other, READY), None);
    }

    #[test]
    fn nothing_is_compared_with_what_was_not_measured_or_was_nothing() {
        let baseline = Baseline::parse(&json!({"runs": [run(500, 8.0).json()]})).unwrap();
        assert_eq!(baseline.ratio(&run(500, 8.0), CREATE_CALLS), None);
        assert_eq!(baseline.ratio(&run(500, 8.0), REST_WRITES), None);
        assert!(Baseline::parse(&json!({"figures": []})).is_none());
    }
}
