//! The figures as Markdown tables.

use std::collections::BTreeSet;

use serde_json::Value;

use super::baseline::Baseline;
use super::figures::{ALL, Figure, digits, grouped};
use super::fit::{self, Fit};
use super::run_result::RunResult;

/// A table with a column for each run and, with several sizes, one for what becomes of a cost with more objects.
pub fn markdown(runs: &[RunResult], baseline: Option<&Baseline>) -> String {
    let fits = fit::all(runs);
    let mut rows = vec![header(runs, !fits.is_empty())];
    rows.push(vec!["---".to_owned(); rows[0].len()]);
    let measured = ALL.iter().filter(|figure| runs.iter().any(|run| run.figures.get(figure).is_some()));
    rows.extend(measured.map(|figure| row(figure, runs, &fits, baseline)));
    lines(&rows)
}

/// The API calls of each phase for an object, by operation; nothing if none were counted.
pub fn calls(runs: &[RunResult]) -> String {
    let names: BTreeSet<(&str, &str)> = runs.iter().flat_map(counted).map(|(name, _)| name).collect();
    if names.is_empty() {
        return String::new();
    }
    let mut rows = vec![header(runs, false), vec!["---".to_owned(); runs.len() + 1]];
    rows.extend(names.iter().map(|name| {
        let mut cells = vec![format!("{}: `{}`", name.0, name.1)];
        cells.extend(runs.iter().map(|run| {
            let count = counted(run).find(|(other, _)| other == name).map_or(0.0, |(_, count)| count);
            digits(count / size(run))
        }));
        cells
    }));
    lines(&rows)
}

/// Calls by phase and operation.
fn counted(run: &RunResult) -> impl Iterator<Item = ((&str, &str), f64)> {
    run.counts
        .iter()
        .filter_map(|(name, counts)| Some((name.strip_suffix(".calls")?, counts.as_object()?)))
        .flat_map(|(phase, counts)| {
            let one = move |(operation, count)| {
                ((phase, String::as_str(operation)), Value::as_f64(count).unwrap_or_default())
            };
            counts.iter().map(one)
        })
}

#[expect(clippy::cast_precision_loss)]
fn size(run: &RunResult) -> f64 {
    run.objects as f64
}

fn lines(rows: &[Vec<String>]) -> String {
    let lines: Vec<String> = rows.iter().map(|cells| format!("| {} |", cells.join(" | "))).collect();
    lines.join("\n") + "\n"
}

fn header(runs: &[RunResult], fitted: bool) -> Vec<String> {
    let mut cells = vec![String::new()];
    cells.extend(runs.iter().map(|run| format!("{}, {}", grouped(size(run)), run.shape)));
    cells.extend(fitted.then(|| "with more objects".to_owned()));
    cells
}

fn row(figure: &Figure, runs: &[RunResult], fits: &[Fit], baseline: Option<&Baseline>) -> Vec<String> {
    let mut cells = vec![figure.about.to_owned()];
    cells.extend(runs.iter().map(|run| {
        let Some(value) = run.figures.get(figure) else { return String::new() };
        let ratio = baseline.and_then(|baseline| baseline.ratio(run, figure));
        let ratio = ratio.map(|ratio| format!(" (× {})", digits(ratio))).unwrap_or_default();
        format!("{}{ratio}", figure.unit.show(value))
    }));
    if !fits.is_empty() {
        let fit = fits.iter().find(|fit| fit.figure == figure);
        cells.push(fit.map(verdict).unwrap_or_default());
    }
    cells
}

fn verdict(fit: &Fit) -> String {
    let word = if fit.grows() { "grows" } else { "doesn't grow" };
    format!("{word} (N^{:.2})", fit.exponent)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::figures::{CREATE_CALLS, CREATE_CPU, READY};
    use super::*;

    fn run(objects: usize, ready: f64, cpu: f64) -> RunResult {
        let mut run = RunResult { objects, shape: "mix".to_owned(), ..RunResult::default() };
        run.figures.set(READY, ready);
        run.figures.set(CREATE_CPU, cpu);
        run
    }

    #[test]
    fn each_run_is_a_column_and_each_figure_that_was_measured_a_row() {
        let mut large = run(10_000, 338.0, 17.5);
        large.figures.set(CREATE_CALLS, 3.3);
        let text = markdown(&[run(500, 8.1, 3.5), large], None);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "|  | 500, mix | 10,000, mix | with more objects |");
        assert_eq!(lines[2], "| Until all objects are Ready | 8.10 s | 338 s |  |");
        assert_eq!(lines[3], "| API calls for a created object |  | 3.30 |  |");
        assert_eq!(lines[4], "| CPU for a created object | 3.50 ms | 17.5 ms | grows (N^0.54) |");
        assert_eq!(lines.len(), 5);
    }

    #[test]
    fn calls_are_counted_for_an_object_by_phase_and_operation() {
        let mut run = run(50, 1.0, 2.0);
        assert_eq!(calls(&[run.clone()]), "");
        run.counts.insert("create.calls".to_owned(), json!({"CreateAsset": 25, "ListAssets": 50}));
        run.counts.insert("create.kubernetes_writes".to_owned(), json!({"status": 7}));
        let text = calls(&[run]);
        let lines: Vec<&str> = text.lines().skip(2).collect();
        assert_eq!(lines, ["| create: `CreateAsset` | 0.50 |", "| create: `ListAssets` | 1.00 |"]);
    }

    #[test]
    fn a_single_run_has_no_fit() {
        let text = markdown(&[run(50, 1.0, 2.0)], None);
        assert!(text.starts_with("|  | 50, mix |\n| --- | --- |\n"), "{text}");
    }
}
