//! The table of what was injected and survived.

use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use super::cover::Cover;
use super::enumeration::Ran;
use super::fault::Fault;

/// Longer than this is worth a look.
const SLOW: Duration = Duration::from_secs(12);

/// Maximum untried parts of the cover that are named.
const MOST_NAMED: usize = 50;

#[derive(Default)]
struct Row {
    calls: usize,
    injected: usize,
    survived: usize,
    failed: usize,
    unreached: usize,
    busiest: usize,
    longest: Duration,
}

/// What was injected and survived, by scenario and by fault.
pub struct Report {
    started: Instant,
    scenarios: BTreeMap<String, Row>,
    faults: BTreeMap<Fault, (usize, usize)>,
    failures: Vec<(String, String)>,
    slow: Vec<(Duration, String)>,
    left_out: usize,
    silent: bool,
    /// What the single faults have to try at least once.
    pub cover: Cover,
}

impl Report {
    /// One that does not tell of failures: they are expected.
    pub fn silent() -> Self {
        Self { silent: true, ..Self::new() }
    }

    pub fn new() -> Self {
        Self {
            silent: false,
            started: Instant::now(),
            scenarios: BTreeMap::new(),
            faults: BTreeMap::new(),
            failures: Vec::new(),
            slow: Vec::new(),
            left_out: 0,
            cover: Cover::default(),
        }
    }

    /// Counts a run, and reports it at once if it failed.
    pub fn add(&mut self, ran: &Ran) {
        let row = self.scenarios.entry(ran.job.place()).or_default();
        let survived = ran.outcome.is_ok();
        if ran.job.faults.is_empty() {
            row.calls = ran.calls.iter().filter(|call| call.nth > 0).count();
            row.failed += usize::from(!survived);
        } else if ran.fired.is_empty() && survived {
            row.unreached += 1;
        } else {
            row.injected += ran.fired.len();
            row.survived += if survived { ran.fired.len() } else { 0 };
            row.failed += usize::from(!survived);
            for injection in &ran.fired {
                let (injected, lived) = self.faults.entry(injection.fault).or_default();
                *injected += 1;
                *lived += usize::from(survived);
            }
        }
        if ran.job.faults.len() == 1 && ran.fired == ran.job.faults {
            self.cover.reach(&ran.job.point());
        }
        row.longest = row.longest.max(ran.took);
        row.busiest = row.busiest.max(ran.busiest);
        if ran.took > SLOW && survived && ran.job.seed == 0 {
            self.slow.push((ran.took, ran.job.id()));
        }
        if let (Err(why), false) = (&ran.outcome, self.silent) {
            self.fail(ran, why);
        }
    }

    fn fail(&mut self, ran: &Ran, why: &str) {
        let id = ran.job.id();
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("faults");
        let file = folder.join(format!("{}.txt", id.replace(|c: char| !c.is_ascii_alphanumeric(), "-")));
        let _ = fs::create_dir_all(&folder);
        let _ = fs::write(&file, format!("{id}\n{why}\n{}", ran.trace));
        eprintln!(
            "not survived: {id}\n    {why}\n    replay: cargo xtask faults '{id}'\n    trace: {}",
            file.display()
        );
        self.failures.push((id, why.to_owned()));
    }

    /// Not every fault of a replay has hit, in this many runs: that proves nothing, and isn't a success.
    pub fn not_replayed(&mut self, id: &str, runs: usize) {
        let why = format!(
            "in {runs} runs the calls never came in an order in which every fault hits; the trace of the run that failed has its \
             own order"
        );
        eprintln!("not replayed: {id}: {why}");
        self.failures.push((id.to_owned(), why));
    }

    /// There was no time for so many runs.
    pub fn left_out(&mut self, runs: usize) {
        self.left_out += runs;
    }

    /// What failed up to now, for those who wait.
    pub fn so_far(&self) -> String {
        match self.failures.len() {
            0 => String::new(),
            failures => format!(", {failures} not survived"),
        }
    }

    /// Whether everything was survived.
    pub fn passed(&self) -> bool {
        self.failures.is_empty()
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.scenarios.keys().map(String::len).max().unwrap_or_default().max(8);
        writeln!(
            f,
            "{:width$}  calls  injected  survived  failed  not reached  busiest  longest",
            "scenario"
        )?;
        for (name, row) in &self.scenarios {
            let Row { calls, injected, survived, failed, unreached, busiest, longest } = row;
            let longest = longest.as_secs_f64();
            writeln!(
                f,
                "{name:width$}  {calls:5}  {injected:8}  {survived:8}  {failed:6}  {unreached:11}  {busiest:7}  {longest:5.1} s"
            )?;
        }
        writeln!(f, "\n{:width$}  injected  survived", "fault")?;
        for fault in Fault::all() {
            let (injected, survived) = self.faults.get(&fault).copied().unwrap_or_default();
            writeln!(f, "{fault:width$}  {injected:8}  {survived:8}")?;
        }
        for (took, id) in &self.slow {
            writeln!(f, "slow: {:.1} s for {id}", took.as_secs_f64())?;
        }
        for (id, why) in &self.failures {
            writeln!(f, "not survived: {id}: {why}")?;
        }
        let sum = |count: fn(&Row) -> usize| self.scenarios.values().map(count).sum::<usize>();
        writeln!(f, "\n{} scenarios in {:.0} s", self.scenarios.len(), self.started.elapsed().as_secs_f64())?;
        if self.left_out > 0 {
            writeln!(f, "{} faults were left out: the time was up", self.left_out)?;
        }
        for part in self.cover.missing().take(MOST_NAMED) {
            writeln!(f, "not tried: {part}")?;
        }
        write!(
            f,
            "{} faults injected, {} survived, {} failed",
            sum(|row| row.injected),
            sum(|row| row.survived),
            sum(|row| row.failed)
        )?;
        if self.cover.is_empty() { Ok(()) } else { write!(f, ", {}", self.cover) }
    }
}
