//! From scenarios to runs: the undisturbed one first, then one for each fault at each of its calls.

use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use devops_agent_simulator::Switches;
use futures::future::BoxFuture;
use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use kube::api::{DeleteParams, PostParams};
use tokio::task::JoinSet;

use super::boundary::Call;
use super::cluster::Cluster;
use super::cover::{Cover, Point};
use super::draw::Draw;
use super::fault::{Fault, Injection};
use super::planted::Planted;
use super::report::Report;
use super::run::{Outcome, Run};
use super::settings::Settings;
use super::trace::trace;
use super::world::{Life, World};
use super::{log, rules};

/// No run takes longer, unless it hangs.
const LONGEST: Duration = Duration::from_mins(5);

/// How often a run is repeated because the machine was too slow.
const ATTEMPTS: u32 = 3;

/// How often other faults are chosen for calls that weren't made when a fault waited for them.
const CHOICES: u32 = 3;

/// A script over one or several objects.
#[derive(Clone, Copy)]
pub struct Scenario {
    pub name: &'static str,
    pub script: for<'a> fn(&'a Run) -> BoxFuture<'a, Outcome>,
    /// Whether it runs under every reading of what the service does not say.
    pub readings: bool,
    pub home: Home,
}

/// Where a scenario takes place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Home {
    /// In a namespace that other runs were in before.
    Shared,
    /// In a namespace that goes with it.
    Own,
    /// In two namespaces.
    Two,
    /// In a namespace in which the operator has its own Secret too, and has never run before.
    FirstStart,
}

impl Scenario {
    /// The same, under every reading of what the service does not say.
    pub fn under_readings(self) -> Self {
        Self { readings: true, ..self }
    }

    /// The same, somewhere else.
    pub fn at(self, home: Home) -> Self {
        Self { home, ..self }
    }

    fn namespaces(&self) -> usize {
        if self.home == Home::Two { 2 } else { 1 }
    }
}

/// A reading of what the service does not say.
#[derive(Clone, Copy)]
pub struct Reading {
    pub name: &'static str,
    pub set: fn(&mut Switches),
    /// How often everything is listed, if more often than usual.
    pub refresh: Option<Duration>,
    /// How far the caches of our kinds are behind, while Secrets are seen at once.
    pub watch_lag: Option<Duration>,
}

/// One run.
#[derive(Clone)]
pub struct Job {
    pub scenario: Scenario,
    pub reading: Option<Reading>,
    pub faults: Vec<Injection>,
    /// How often the machine was too slow for it.
    pub attempt: u32,
    /// What a random walk is drawn by.
    pub seed: u64,
    /// Steps of it that are left out.
    pub skipped: BTreeSet<usize>,
    /// A bug that is planted.
    pub planted: Option<Planted>,
}

impl Job {
    fn new(scenario: Scenario) -> Self {
        Self {
            scenario,
            reading: None,
            faults: Vec::new(),
            attempt: 0,
            seed: 0,
            skipped: BTreeSet::new(),
            planted: None,
        }
    }

    /// What a table calls it.
    pub fn place(&self) -> String {
        match self.reading {
            Some(reading) => format!("{}@{}", self.scenario.name, reading.name),
            None => self.scenario.name.to_owned(),
        }
    }

    /// What its single fault is to the cover.
    pub fn point(&self) -> Point {
        let Injection { call, fault, .. } = &self.faults[0];
        Point { scenario: self.place(), call: call.clone(), fault: fault.to_string() }
    }

    /// What replays it.
    pub fn id(&self) -> String {
        let faults: Vec<String> = self.faults.iter().map(ToString::to_string).collect();
        if self.seed != 0 {
            let skipped: Vec<String> = self.skipped.iter().map(ToString::to_string).collect();
            return format!("{}~{}~{}", self.place(), self.seed, skipped.join(","));
        }
        if faults.is_empty() { self.place() } else { format!("{}:{}", self.place(), faults.join("+")) }
    }
}

/// How a run went.
pub struct Ran {
    pub job: Job,
    pub outcome: Outcome,
    pub calls: Vec<Call>,
    pub fired: Vec<Injection>,
    pub overloaded: bool,
    /// Most calls of one name.
    pub busiest: usize,
    pub took: Duration,
    /// What tells why it failed.
    pub trace: String,
}

/// Runs everything that the settings ask for.
pub async fn run_all(
    settings: &Settings,
    scenarios: &[Scenario],
    readings: &[Reading],
    walk: Scenario,
) -> Report {
    let cluster = Cluster::start().await;
    let end = settings.limit.map(|limit| Instant::now() + limit);
    let mut report = Report::new();
    if let Some(only) = settings.only.as_ref().filter(|only| !only.faults.is_empty()) {
        let reading = readings.iter().find(|reading| Some(reading.name) == only.reading.as_deref()).copied();
        let found = scenarios.iter().find(|scenario| scenario.name == only.scenario);
        let scenario = *found.unwrap_or_else(|| panic!("there is no scenario {}", only.scenario));
        let job = Job { reading, faults: only.faults.clone(), ..Job::new(scenario) };
        replay(&cluster, &job, &mut report).await;
        return report;
    }
    let undisturbed = undisturbed(settings, scenarios, readings);
    let recorded = execute(&cluster, undisturbed, settings.parallel, &mut report).await;
    let mut single: Vec<Job> = recorded.iter().flat_map(|ran| single_faults(settings, ran)).collect();
    // In any order, so that what fails everywhere is seen early.
    Draw(settings.seed).shuffle(&mut single);
    eprintln!("{} undisturbed runs, {} faults to inject", recorded.len(), single.len());
    let pairs = pairs(settings, &recorded);
    execute(&cluster, pairs, settings.parallel, &mut report).await;
    walks(&cluster, settings, walk, &mut report).await;
    // The most, and the only ones whose number a limit may cut, come last.
    inject(&cluster, single, settings.parallel, end, &mut report).await;
    report
}

/// Injects single faults: first those that try every call and every kind of fault of every scenario, then the others.
async fn inject(
    cluster: &Arc<Cluster>,
    mut single: Vec<Job>,
    parallel: usize,
    end: Option<Instant>,
    report: &mut Report,
) {
    report.cover = Cover::of(single.iter().map(Job::point));
    for _ in 0..CHOICES {
        let first = report.cover.take(&mut single, Job::point);
        execute_until(cluster, first, parallel, end, report).await;
    }
    execute_until(cluster, single, parallel, end, report).await;
}

/// Replays a run. Calls for several objects have no fixed order: it is repeated until every fault has hit.
async fn replay(cluster: &Arc<Cluster>, job: &Job, report: &mut Report) {
    const MOST: usize = 30;
    for _ in 0..MOST {
        let mut namespaces = Vec::new();
        make_namespaces(cluster, job.scenario, &mut namespaces).await;
        let ran = run_one(cluster, &namespaces, job.clone()).await;
        report.add(&ran);
        if ran.fired.len() == job.faults.len() || ran.outcome.is_err() {
            return;
        }
    }
    report.not_replayed(&job.id(), MOST);
}

/// Plants one bug after the other, and runs its scenario with one fault after the other until a rule is broken. Returns
/// whether all are caught.
pub async fn self_check(
    settings: &Settings,
    scenarios: &[Scenario],
    readings: &[Reading],
    walk: Scenario,
) -> bool {
    let cluster = Cluster::start().await;
    let (mut planted, mut caught) = (0, 0);
    for bug in Planted::all() {
        let (name, reading) = bug.place().split_once('@').unwrap_or((bug.place(), ""));
        let scenario = scenarios.iter().find(|scenario| scenario.name == name);
        let reading = readings.iter().find(|known| known.name == reading).copied();
        let job = Job { planted: Some(bug), reading, ..Job::new(*scenario.expect("the scenario exists")) };
        let by = catch(&cluster, job, settings.parallel).await;
        planted += 1;
        caught += usize::from(by.is_some());
        println!("{bug:24} {}", by.unwrap_or_else(|| "NOT CAUGHT".to_owned()));
    }
    let by = catch_by_walking(&cluster, settings, walk).await;
    planted += 1;
    caught += usize::from(by.is_some());
    println!("{:24} {}", "no-lookup, by a walk", by.unwrap_or_else(|| "NOT CAUGHT".to_owned()));
    println!("{planted} bugs planted, {caught} caught");
    planted == caught
}

/// The shortest part of the first random walk that shows a bug.
async fn catch_by_walking(cluster: &Arc<Cluster>, settings: &Settings, walk: Scenario) -> Option<String> {
    const MOST: u64 = 200;
    let seeds: Vec<u64> = (1..=MOST).map(|index| settings.seed * 10_000 + index).collect();
    for some in seeds.chunks(settings.parallel) {
        let one = |seed: &u64| Job { seed: *seed, planted: Some(Planted::NoLookup), ..Job::new(walk) };
        let jobs = some.iter().map(one).collect();
        let ran = execute(cluster, jobs, settings.parallel, &mut Report::silent()).await;
        if let Some(failed) = ran.iter().find(|ran| ran.outcome.is_err()) {
            let short = shorten(cluster, failed.job.clone()).await;
            return Some(format!("caught by {}, cut down to {short}", failed.job.id()));
        }
    }
    None
}

/// The first run that shows the bug, and the rule that it breaks.
async fn catch(cluster: &Arc<Cluster>, job: Job, parallel: usize) -> Option<String> {
    let shown = |ran: &[Ran]| {
        let broken = ran.iter().find_map(|ran| Some((ran.job.id(), ran.outcome.as_ref().err()?)));
        broken.map(|(id, why)| format!("caught by {id}: {}", why.lines().next().unwrap_or_default()))
    };
    let undisturbed = execute(cluster, vec![job], 1, &mut Report::silent()).await;
    if let Some(shown) = shown(&undisturbed) {
        return Some(shown);
    }
    let faults = injections(&undisturbed[0]);
    for some in faults.chunks(parallel) {
        let one = |fault: &Injection| Job { faults: vec![fault.clone()], ..undisturbed[0].job.clone() };
        let ran = execute(cluster, some.iter().map(one).collect(), parallel, &mut Report::silent()).await;
        if let Some(shown) = shown(&ran) {
            return Some(shown);
        }
    }
    None
}

/// Random walks; one that fails is reduced to the steps it needs.
async fn walks(cluster: &Arc<Cluster>, settings: &Settings, walk: Scenario, report: &mut Report) {
    let one = |seed: u64| Job { seed, ..Job::new(walk) };
    let jobs = match &settings.only {
        None => (0..settings.walks).map(|index| one(settings.seed * 10_000 + index)).collect(),
        Some(only) if only.scenario == walk.name && only.seed != 0 => {
            vec![Job { skipped: only.skipped.clone(), ..one(only.seed) }]
        }
        Some(_) => Vec::new(),
    };
    let ran = execute(cluster, jobs, settings.parallel, report).await;
    for failed in ran.iter().filter(|ran| ran.outcome.is_err() && settings.only.is_none()).take(3) {
        eprintln!("the shortest walk that fails: {}", shorten(cluster, failed.job.clone()).await);
    }
}

/// Leaves out one step after the other, as long as the walk still fails.
async fn shorten(cluster: &Arc<Cluster>, mut job: Job) -> String {
    const STEPS: usize = 10;
    for step in 0..STEPS {
        let mut shorter = job.clone();
        shorter.skipped.insert(step);
        let namespace = make_namespace(cluster).await;
        if run_one(cluster, &[namespace], shorter.clone()).await.outcome.is_err() {
            job = shorter;
        }
    }
    job.id()
}

fn undisturbed(settings: &Settings, scenarios: &[Scenario], readings: &[Reading]) -> Vec<Job> {
    let chosen = |job: &Job| {
        settings.only.as_ref().is_none_or(|only| {
            (only.scenario == "*" || only.scenario.split(',').any(|name| name == job.scenario.name))
                && only.reading.as_deref() == job.reading.map(|reading| reading.name)
        })
    };
    // A reading that is asked for by name is tried with any scenario.
    let named = settings.only.as_ref().is_some_and(|only| only.reading.is_some());
    let usual = scenarios.iter().map(|scenario| Job::new(*scenario));
    let others = readings.iter().flat_map(|reading| {
        let scenarios = scenarios.iter().filter(|scenario| scenario.readings || named);
        scenarios.map(|scenario| Job { reading: Some(*reading), ..Job::new(*scenario) })
    });
    usual.chain(others).filter(chosen).collect()
}

/// One run for each fault at each call of an undisturbed run.
fn single_faults(settings: &Settings, ran: &Ran) -> Vec<Job> {
    let every = match ran.job.reading {
        None => settings.sample,
        Some(_) if settings.only.is_some() => 1,
        Some(_) => settings.readings_sample,
    };
    if ran.outcome.is_err() || every == 0 {
        return Vec::new();
    }
    let all = injections(ran).into_iter().map(|fault| Job { faults: vec![fault], ..ran.job.clone() });
    // Another seed takes others of them.
    let first = usize::try_from(settings.seed).unwrap_or_default() % every;
    all.skip(first).step_by(every).collect()
}

fn injections(ran: &Ran) -> Vec<Injection> {
    let armed = ran.calls.iter().filter(|call| call.nth > 0);
    armed
        .flat_map(|call| {
            Fault::of(call).map(|fault| Injection { call: call.name.clone(), nth: call.nth, fault })
        })
        .collect()
}

/// Runs with two faults, drawn by the seed.
fn pairs(settings: &Settings, recorded: &[Ran]) -> Vec<Job> {
    let pools: Vec<(&Job, Vec<Injection>)> = recorded
        .iter()
        .filter(|ran| ran.outcome.is_ok() && ran.job.reading.is_none())
        .map(|ran| (&ran.job, injections(ran)))
        .filter(|(_, pool)| pool.len() > 1)
        .collect();
    if pools.is_empty() || settings.only.is_some() {
        return Vec::new();
    }
    let mut draw = Draw(settings.seed);
    let mut one = || {
        let (job, pool) = &pools[draw.below(pools.len())];
        let first = pool[draw.below(pool.len())].clone();
        let mut second = pool[draw.below(pool.len())].clone();
        // What was disturbed once is repeated: half of the time it is the repeat that is hit.
        if draw.below(2) == 0 {
            second.call.clone_from(&first.call);
            second.nth = first.nth + 1;
        }
        Job { faults: vec![first, second], ..(*job).clone() }
    };
    (0..settings.pairs).map(|_| one()).collect()
}

async fn execute(cluster: &Arc<Cluster>, jobs: Vec<Job>, parallel: usize, report: &mut Report) -> Vec<Ran> {
    execute_until(cluster, jobs, parallel, None, report).await
}

/// Runs the jobs, `parallel` at a time, and begins none after the end.
async fn execute_until(
    cluster: &Arc<Cluster>,
    jobs: Vec<Job>,
    parallel: usize,
    end: Option<Instant>,
    report: &mut Report,
) -> Vec<Ran> {
    let all = jobs.len();
    let queue = Arc::new(Mutex::new(VecDeque::from(jobs)));
    let (sender, mut done) = tokio::sync::mpsc::unbounded_channel();
    let mut workers = JoinSet::new();
    for _ in 0..parallel {
        let (cluster, queue, sender) = (Arc::clone(cluster), Arc::clone(&queue), sender.clone());
        workers.spawn(async move {
            let mut namespaces = Vec::new();
            while end.is_none_or(|end| Instant::now() < end)
                && let Some(job) = next(&queue)
            {
                let own = job.scenario.home == Home::Own;
                if own {
                    namespaces.clear();
                }
                make_namespaces(&cluster, job.scenario, &mut namespaces).await;
                let shown = &namespaces[..job.scenario.namespaces()];
                let ran = run_one(&cluster, shown, job.clone()).await;
                if ran.overloaded && ran.outcome.is_err() && job.attempt < ATTEMPTS {
                    namespaces.clear();
                    queue
                        .lock()
                        .expect("nobody panics with the queue in hand")
                        .push_back(Job { attempt: job.attempt + 1, ..job });
                    continue;
                }
                // What couldn't be cleaned up must not disturb the next run.
                if own || ran.outcome.is_err() {
                    namespaces.clear();
                }
                let _ = sender.send(ran);
            }
        });
    }
    drop(sender);
    let (mut recorded, mut done_runs) = (Vec::new(), 0);
    while let Some(ran) = done.recv().await {
        report.add(&ran);
        done_runs += 1;
        if done_runs % 200 == 0 {
            eprintln!("{done_runs} of {all} runs are done{}", report.so_far());
        }
        if ran.job.faults.is_empty() || ran.job.planted.is_some() {
            recorded.push(ran);
        }
    }
    while let Some(ended) = workers.join_next().await {
        ended.expect("a worker does not panic");
    }
    report.left_out(queue.lock().expect("nobody panics with the queue in hand").len());
    recorded.sort_by_key(|ran| ran.job.place());
    recorded
}

fn next(queue: &Mutex<VecDeque<Job>>) -> Option<Job> {
    queue.lock().expect("nobody panics with the queue in hand").pop_front()
}

/// Makes as many more namespaces as the scenario takes place in.
async fn make_namespaces(cluster: &Cluster, scenario: Scenario, namespaces: &mut Vec<String>) {
    while namespaces.len() < scenario.namespaces() {
        namespaces.push(make_namespace(cluster).await);
    }
}

async fn make_namespace(cluster: &Cluster) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let name = format!("faults-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let mut namespace = Namespace::default();
    namespace.metadata.name = Some(name.clone());
    let api = Api::<Namespace>::all(cluster.client.clone());
    api.create(&PostParams::default(), &namespace).await.expect("a namespace can be made");
    name
}

async fn run_one(cluster: &Arc<Cluster>, namespaces: &[String], job: Job) -> Ran {
    let started = Instant::now();
    let first_line = log::newest();
    let world = World::new(cluster, namespaces, &job).await;
    if job.scenario.home == Home::FirstStart {
        world.boundary.arm();
    }
    let run = Run::new(Arc::clone(&world), job.seed, job.skipped.clone());
    let life = Life::start(Arc::clone(&world));
    let whole = async {
        (job.scenario.script)(&run).await?;
        world.boundary.disarm();
        rules::check(&run, first_line).await
    };
    let outcome = match tokio::time::timeout(LONGEST, whole).await {
        Ok(outcome) => outcome,
        Err(_) => Err(format!("within {LONGEST:?} it did not end")),
    };
    let trace = if outcome.is_err() { trace(&run, first_line) } else { String::new() };
    drop(life);
    // A dead operator's last calls must not reach into the next run.
    world.boundary.begin();
    let _ = run.clear().await;
    if job.scenario.home == Home::Own {
        let api = Api::<Namespace>::all(cluster.client.clone());
        let _ = api.delete(&namespaces[0], &DeleteParams::background()).await;
    }
    let calls = world.boundary.calls();
    let fired = world.boundary.fired();
    let overloaded = world.boundary.was_overloaded();
    let busiest = world.boundary.busiest().map_or(0, |(_, count)| count);
    Ran { job, outcome, calls, fired, overloaded, busiest, took: started.elapsed(), trace }
}
