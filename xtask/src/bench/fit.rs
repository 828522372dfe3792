//! How the cost of an object depends on the number of objects.

use serde_json::{Value, json};

use super::figures::{ALL, Figure};
use super::run_result::RunResult;

/// Above this, cost grows: with ten times the objects, each costs a quarter more.
const GROWS: f64 = 0.1;
/// A cost below this is no more than what the clocks and counters can't tell apart.
const NOTHING: f64 = 0.005;

/// The cost of an object as a power of the number of objects.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// Which cost.
    pub figure: &'static Figure,
    /// The power: 0 where an object costs the same in any number, 1 where it costs twice as much among twice as many.
    pub exponent: f64,
}

impl Fit {
    /// The cost of an object grows with the number of objects.
    pub fn grows(&self) -> bool {
        self.exponent > GROWS
    }
}

/// The fits of all costs that two or more sizes were measured for.
pub fn all(runs: &[RunResult]) -> Vec<Fit> {
    let costs = ALL.iter().filter(|figure| figure.unit.is_for_each_object());
    let fits = costs.filter_map(|figure| {
        let points = runs.iter().filter_map(|run| Some((size(run), run.figures.get(figure)?)));
        let exponent = exponent(&points.filter(|(_, cost)| *cost > NOTHING).collect::<Vec<_>>())?;
        Some(Fit { figure, exponent })
    });
    fits.collect()
}

/// As it is written to a file.
pub fn json(fits: &[Fit]) -> Value {
    let one = |fit: &Fit| {
        let value = json!({"exponent": (fit.exponent * 1000.0).round() / 1000.0, "grows": fit.grows()});
        (fit.figure.key.to_owned(), value)
    };
    Value::Object(fits.iter().map(one).collect())
}

#[expect(clippy::cast_precision_loss)]
fn size(run: &RunResult) -> f64 {
    run.objects as f64
}

/// The slope of the line through the logarithms, by least squares; none unless there are two sizes.
fn exponent(points: &[(f64, f64)]) -> Option<f64> {
    let logs: Vec<(f64, f64)> = points.iter().map(|(size, cost)| (size.ln(), cost.ln())).collect();
    #[expect(clippy::cast_precision_loss)]
    let count = logs.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| logs.iter().map(of).sum::<f64>() / count;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let spread: f64 = logs.iter().map(|point| (point.0 - x).powi(2)).sum();
    let together: f64 = logs.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
    (spread > 0.0).then(|| together / spread)
}

#[cfg(test)]
mod tests {
    use super::super::figures::{CREATE_CALLS, CREATE_CPU, CREATE_SECRETS, READY};
    use super::*;

    fn close(one: f64, other: f64) -> bool {
        (one - other).abs() < 1e-9
    }

    #[test]
    fn a_cost_that_stays_has_no_exponent_and_one_that_grows_has_its_power() {
        let points = |power: f64| [500.0, 2000.0, 10_000.0].map(|size: f64| (size, 3.0 * size.powf(power)));
        for power in [0.0, 0.5, 1.0, -0.3] {
            assert!(close(exponent(&points(power)).unwrap(), power), "{power}");
        }
        assert_eq!(exponent(&[(500.0, 1.0)]), None);
        assert_eq!(exponent(&[(500.0, 1.0), (500.0, 2.0)]), None);
        assert_eq!(exponent(&[]), None);
    }

    #[test]
    fn only_costs_of_an_object_are_fitted() {
        let run = |objects: usize, cpu: f64| {
            let mut run = RunResult { objects, ..RunResult::default() };
            run.figures.set(READY, 10.0 * cpu);
            run.figures.set(CREATE_CPU, cpu);
            run.figures.set(CREATE_CALLS, 3.3);
            run.figures.set(CREATE_SECRETS, 0.0);
            run
        };
        let fits = all(&[run(500, 3.5), run(10_000, 17.5)]);
        let named: Vec<(&str, bool)> = fits.iter().map(|fit| (fit.figure.key, fit.grows())).collect();
        assert_eq!(named, [(CREATE_CALLS.key, false), (CREATE_CPU.key, true)]);
        assert_eq!(json(&fits)[CREATE_CALLS.key], json!({"exponent": 0.0, "grows": false}));
    }
}
