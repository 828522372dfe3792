//! All that runs during a measurement.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::api_server::{ApiServer, THREADS};
use super::aws_calls::Calls;
use super::kubernetes_writes::Writes;
use super::parallel;
use super::process_usage::Usage;
use super::settings::Settings;
use super::shape::{Kind, Object, objects};
use crate::cluster::{Binaries, Cluster};
use crate::error::Error;
use crate::folder::Folder;
use crate::operator::{self, Setup, Started};
use crate::progress::Step;
use crate::session::Session;
use crate::simulator::Simulator;

/// The namespace of the operator's own Secret.
const NAMESPACE: &str = "devops-agent-bench";
/// Nothing is compared with AWS only because time has passed.
pub const NEVER: Duration = Duration::from_hours(24);

/// The programs that are measured.
#[derive(Debug, Clone)]
pub struct Programs {
    pub operator: PathBuf,
    pub simulator: PathBuf,
}

/// A cluster with the CRDs, a simulated AWS, and the operator between them if it is running.
#[derive(Debug)]
pub struct Environment<'a> {
    // Fields are dropped in this order: the operator before what it talks to.
    operator: Option<Started>,
    pub simulator: Simulator,
    pub api: ApiServer,
    cluster: Cluster<'a>,
    program: PathBuf,
    folder: Folder<'a>,
    session: &'a Session,
    pub settings: Settings,
    /// What the operator looks after.
    pub objects: Vec<Object>,
}

impl<'a> Environment<'a> {
    /// Starts everything but the operator.
    pub fn start(session: &'a Session, programs: &Programs, settings: Settings) -> Result<Self, Error> {
        let step = Step::start("Starting the control plane and the simulator");
        let folder = session.folder("bench")?;
        let cluster = Cluster::start(session, &Binaries::for_cluster(session, false)?)?;
        let kubectl = cluster.kubectl();
        kubectl.run(&["apply", "--server-side", "-f", "crds/"])?;
        kubectl.run(&["wait", "--for=condition=Established", "-f", "crds/", "--timeout=60s"])?;
        let simulator = start_simulator(session, &programs.simulator, folder.path(), &settings)?;
        let api = ApiServer::new(cluster.access());
        api.create_namespace(NAMESPACE)?;
        step.done();
        Ok(Self {
            operator: None,
            simulator,
            api,
            cluster,
            program: programs.operator.clone(),
            folder,
            session,
            objects: objects(settings.shape, settings.objects, "bench"),
            settings,
        })
    }

    /// Creates the namespaces of these objects.
    pub fn create_namespaces(&self, objects: &[Object]) -> Result<(), Error> {
        parallel::each(&namespaces(objects), THREADS, |name| self.api.create_namespace(name))
    }

    /// Starts the operator, which compares everything with AWS once in `period`. Answers before it is ready.
    pub fn start_operator(&mut self, period: Duration) -> Result<(), Error> {
        let setting = |name: &str, value: String| (name.to_owned(), value);
        let mut settings = vec![
            setting("RESYNC_PERIOD", format!("{}s", period.as_secs().max(1))),
            setting("CONCURRENCY", self.settings.concurrency.to_string()),
            setting("REQUESTS_PER_SECOND", self.settings.requests_per_second.to_string()),
        ];
        settings.extend(self.settings.operator.iter().cloned());
        let setup = Setup {
            program: &self.program,
            kubeconfig: self.cluster.kubeconfig(),
            namespace: NAMESPACE,
            simulator: &self.simulator,
            folder: &self.folder,
            settings,
        };
        self.operator = Some(operator::start(self.session, &setup)?);
        Ok(())
    }

    /// Waits until the operator is ready.
    pub fn wait_until_ready(&mut self) -> Result<(), Error> {
        self.running()?.wait_until_ready()
    }

    /// Ends the operator.
    pub fn stop_operator(&mut self) {
        self.operator = None;
    }

    fn running(&mut self) -> Result<&mut Started, Error> {
        self.operator.as_mut().ok_or_else(|| Error::Other("the operator isn't running".to_owned()))
    }

    /// Fails when something has stopped that should run.
    pub fn check(&mut self) -> Result<(), Error> {
        self.cluster.check()?;
        self.simulator.check()?;
        self.operator.as_mut().map_or(Ok(()), |operator| operator.service.check())
    }

    /// What the operator's process has used so far.
    pub fn usage(&mut self) -> Result<Usage, Error> {
        Usage::of(self.running()?.service.id())
    }

    /// The end of the operator's log.
    pub fn log_tail(&self) -> String {
        self.operator.as_ref().map(|operator| operator.service.log_tail(20)).unwrap_or_default()
    }

    /// The calls to AWS so far.
    pub fn calls(&self) -> Result<Calls, Error> {
        Ok(Calls::read(&self.simulator.calls()?))
    }

    /// The writes to Kubernetes so far.
    pub fn writes(&self) -> Result<Writes, Error> {
        Ok(Writes::read(&self.api.metrics()?))
    }

    /// Up to so many of the agent spaces, from all over the list.
    pub fn some_spaces(&self, most: usize) -> Vec<Object> {
        let spaces: Vec<&Object> =
            self.objects.iter().filter(|object| object.kind == Kind::AgentSpace).collect();
        let step = spaces.len().div_ceil(most.max(1)).max(1);
        spaces.into_iter().rev().step_by(step).cloned().collect()
    }
}

/// The namespaces of these objects.
pub fn namespaces(objects: &[Object]) -> Vec<String> {
    let names: BTreeSet<&str> = objects.iter().map(|object| object.namespace.as_str()).collect();
    names.into_iter().map(str::to_owned).collect()
}

/// Its state is kept in no file: it would be written again with every change.
fn start_simulator(
    session: &Session,
    program: &Path,
    folder: &Path,
    settings: &Settings,
) -> Result<Simulator, Error> {
    let options = [
        "--switch".to_owned(),
        format!("latencyMs={}", settings.latency.as_millis()),
        "--switch".to_owned(),
        format!("requestsPerSecond={}", settings.rate_limit),
    ];
    Simulator::start_with(session, program, folder, &options)
}
