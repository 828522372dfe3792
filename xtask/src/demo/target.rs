//! The cluster that the demo uses: its own, or one of the user's.

use std::fs;
use std::path::PathBuf;

use super::environment::Environment;
use super::{operator, remove};
use crate::cluster::{Binaries, Cluster};
use crate::error::{Doing, Error};
use crate::folder::Folder;
use crate::interrupt;
use crate::kubectl::Kubectl;
use crate::progress::say;
use crate::session::Session;

/// Every name of our CRDs ends with this.
const GROUP: &str = ".devopsagent.dev";

/// A cluster, and what the demo may do to it.
#[derive(Debug)]
pub enum Target<'a> {
    /// A cluster that ends with the demo, so nothing in it must be cleaned up.
    Own(Box<Cluster<'a>>),
    /// The user's cluster, from which the demo removes what it has installed.
    Existing(Existing<'a>),
}

/// The user's cluster.
#[derive(Debug)]
pub struct Existing<'a> {
    kubectl: Kubectl<'a>,
    kubeconfig: PathBuf,
    /// The CRDs were there before.
    had_crds: bool,
    // Held for the kubeconfig in it.
    _folder: Folder<'a>,
}

impl<'a> Target<'a> {
    /// Starts a cluster.
    pub fn own(session: &'a Session, binaries: &Binaries) -> Result<Self, Error> {
        Ok(Self::Own(Box::new(Cluster::start(session, binaries)?)))
    }

    /// Takes a context of the user's kubeconfig, unless the operator's CRDs are there already.
    pub fn existing(session: &'a Session, context: &str, force: bool) -> Result<Self, Error> {
        let folder = session.folder("demo-context")?;
        let mut kubectl = Kubectl {
            session,
            program: Binaries::only_kubectl(session)?.kubectl(),
            kubeconfig: None,
            cache: folder.file("kubectl"),
        };
        // A file with this one context: the operator gets no other, and nothing depends on the current one.
        let text = kubectl.run(&["config", "view", "--minify", "--flatten", "--context", context])?;
        let kubeconfig = folder.file("kubeconfig");
        fs::write(&kubeconfig, text).doing(|| format!("writing {}", kubeconfig.display()))?;
        kubectl.kubeconfig = Some(kubeconfig.clone());
        let had_crds = !installed_crds(&kubectl)?.is_empty();
        if had_crds && !force {
            return Err(Error::Other(format!(
                "the cluster of context {context} already has the operator's CRDs, and possibly an operator that \
                 would interfere with the demo. Use --force to continue, or omit --context to let the demo start \
                 its own cluster"
            )));
        }
        Ok(Self::Existing(Existing { kubectl, kubeconfig, had_crds, _folder: folder }))
    }

    /// kubectl for it.
    pub fn kubectl(&self) -> &Kubectl<'a> {
        match self {
            Self::Own(cluster) => cluster.kubectl(),
            Self::Existing(existing) => &existing.kubectl,
        }
    }

    /// The kubeconfig for it.
    pub fn kubeconfig(&self) -> PathBuf {
        match self {
            Self::Own(cluster) => cluster.kubeconfig(),
            Self::Existing(existing) => existing.kubeconfig.clone(),
        }
    }

    /// Fails when it has stopped.
    pub fn check(&mut self) -> Result<(), Error> {
        match self {
            Self::Own(cluster) => cluster.check(),
            Self::Existing(_) => Ok(()),
        }
    }

    /// The cluster outlives the demo.
    pub fn is_the_users(&self) -> bool {
        matches!(self, Self::Existing(_))
    }

    /// Removes what the demo has installed in the user's cluster: the operator's namespace, and the CRDs unless they
    /// were there before. Passes the demo's outcome on.
    pub fn uninstall(&self, outcome: Result<(), Error>) -> Result<(), Error> {
        let Self::Existing(Existing { kubectl, had_crds, .. }) = self else { return outcome };
        interrupt::forgive();
        say("Removing the operator's namespace and CRDs from your cluster.");
        let options = ["--ignore-not-found", "--timeout=60s"];
        let namespace = kubectl.run(&[&["delete", "namespace", operator::NAMESPACE], &options[..]].concat());
        if *had_crds {
            return outcome.and(namespace).map(drop);
        }
        let crds = kubectl.run(&[&["delete", "-f", "crds/"], &options[..]].concat());
        outcome.and(namespace).and(crds).map(drop)
    }
}

/// After a demo that ended early, removes the examples from the user's cluster while the operator is still running.
/// Passes the demo's outcome on.
pub fn tidy(environment: &Environment, outcome: Result<(), Error>) -> Result<(), Error> {
    if outcome.is_err() && environment.in_users_cluster && environment.applied {
        interrupt::forgive();
        say("Removing the examples from your cluster; Ctrl-C leaves them there.");
        if let Err(error) = remove::examples(environment) {
            say(&format!("Not all of them could be removed: {error}"));
        }
    }
    outcome
}

fn installed_crds(kubectl: &Kubectl) -> Result<Vec<String>, Error> {
    let names = kubectl.run(&["get", "crd", "-o", "name"])?;
    Ok(names.lines().filter(|name| name.ends_with(GROUP)).map(str::to_owned).collect())
}
