//! Everything that runs during the demo.

use std::fs;

use super::operator;
use super::target::Target;
use crate::cargo::Programs;
use crate::error::{Doing, Error};
use crate::folder::Folder;
use crate::kubectl::Kubectl;
use crate::progress::Step;
use crate::service::Service;
use crate::session::Session;
use crate::simulator::Simulator;

/// A cluster with the CRDs, a simulated AWS, and the operator between them.
#[derive(Debug)]
pub struct Environment<'t, 'a> {
    // Fields are dropped in this order: the operator before what it talks to.
    /// The operator.
    pub operator: Service,
    /// The simulated AWS.
    pub simulator: Simulator,
    /// kubectl for the cluster.
    pub kubectl: Kubectl<'a>,
    /// The cluster is the user's.
    pub in_users_cluster: bool,
    /// The examples have been applied, at least in part.
    pub applied: bool,
    target: &'t mut Target<'a>,
    /// For temporary files.
    pub folder: Folder<'a>,
}

impl<'t, 'a> Environment<'t, 'a> {
    /// Starts the simulator, installs the CRDs, and starts the operator.
    pub fn start(
        session: &'a Session,
        programs: &Programs,
        target: &'t mut Target<'a>,
        verbose: bool,
    ) -> Result<Self, Error> {
        let folder = session.folder("demo")?;
        let step = Step::start("Starting the simulator and the operator");
        let simulator = Simulator::start(session, &programs.simulator, folder.path())?;
        let kubectl = target.kubectl().clone();
        step.detail("installing the CRDs");
        kubectl.run(&["apply", "--server-side", "--force-conflicts", "-f", "crds/"])?;
        kubectl.run(&["wait", "--for=condition=Established", "-f", "crds/", "--timeout=60s"])?;
        step.detail("starting the operator");
        let namespace = folder.file("namespace.yaml");
        let text = format!("apiVersion: v1\nkind: Namespace\nmetadata:\n  name: {}\n", operator::NAMESPACE);
        fs::write(&namespace, text).doing(|| format!("writing {}", namespace.display()))?;
        kubectl.run(&["apply", "--server-side", "-f", &namespace.display().to_string()])?;
        let operator = operator::start(session, &programs.operator, target, &simulator, &folder)?;
        step.done();
        if verbose {
            operator.echo_log("operator");
        }
        let in_users_cluster = target.is_the_users();
        Ok(Self { operator, simulator, kubectl, in_users_cluster, applied: false, target, folder })
    }

    /// Fails when something has stopped that should run.
    pub fn check(&mut self) -> Result<(), Error> {
        self.operator.check()?;
        self.simulator.check()?;
        self.target.check()
    }

    /// What to type in another terminal.
    pub fn how_to_reach(&self) -> Vec<String> {
        let path = self.kubectl.program.parent().filter(|folder| folder.is_absolute());
        let mut lines = vec![format!("  export KUBECONFIG={}", self.target.kubeconfig().display())];
        lines.extend(path.map(|folder| format!("  export PATH=\"{}:$PATH\"", folder.display())));
        lines.push("  kubectl get devopsagent -A".to_owned());
        lines.push("  kubectl get events -A --sort-by=.lastTimestamp".to_owned());
        lines.push(format!("  curl -s {}/_simulator/state", self.simulator.url()));
        lines.push(format!("  tail -f {}", self.operator.log().display()));
        lines
    }
}
