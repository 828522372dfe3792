//! Where the programs are: in `KUBEBUILDER_ASSETS`, or in a per-user cache that is filled by compiling them once.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use super::build::{self, VERSION};
use super::tools::Tool;
use crate::cache;
use crate::error::{Doing, Error};
use crate::search::on_path;
use crate::session::Session;

/// The programs that were asked for.
#[derive(Debug, Clone)]
pub struct Binaries {
    paths: BTreeMap<Tool, PathBuf>,
}

impl Binaries {
    /// What a cluster needs. Compiles what is not there yet, which takes minutes the first time; `alone` says that
    /// nothing else writes to the terminal meanwhile.
    pub fn for_cluster(session: &Session, alone: bool) -> Result<Self, Error> {
        Self::find(session, &Tool::CLUSTER, alone)
    }

    /// What the tests need: a cluster's programs, helm and kubeconform.
    pub fn for_tests(session: &Session) -> Result<Self, Error> {
        Self::find(session, &Tool::ALL, false)
    }

    /// All programs.
    pub fn all(session: &Session) -> Result<Self, Error> {
        Self::find(session, &Tool::ALL, true)
    }

    /// Only kubectl, for a cluster that is there already: the user's own, if there is one.
    pub fn only_kubectl(session: &Session) -> Result<Self, Error> {
        match on_path(Tool::Kubectl.file()) {
            Some(path) => Ok(Self { paths: BTreeMap::from([(Tool::Kubectl, path)]) }),
            None => Self::find(session, &[Tool::Kubectl], false),
        }
    }

    fn find(session: &Session, tools: &[Tool], alone: bool) -> Result<Self, Error> {
        let module = session.root().join("xtask/testcluster");
        let cache = cache::folder()?.join("testcluster").join(key(&module)?);
        let assets = env::var_os("KUBEBUILDER_ASSETS").filter(|folder| !folder.is_empty()).map(PathBuf::from);
        let paths: BTreeMap<Tool, PathBuf> =
            tools.iter().map(|&tool| (tool, choose(tool, assets.as_deref(), &cache))).collect();
        let wanted: Vec<Tool> =
            paths.iter().filter(|(_, path)| path.starts_with(&cache)).map(|(&tool, _)| tool).collect();
        build::fill(session, &module, &cache, &wanted, alone)?;
        Ok(Self { paths })
    }

    /// Where a program is. One that was not asked for is looked for on the `PATH`.
    pub fn path(&self, tool: Tool) -> PathBuf {
        self.paths.get(&tool).cloned().unwrap_or_else(|| PathBuf::from(tool.file()))
    }

    /// Where kubectl is.
    pub fn kubectl(&self) -> PathBuf {
        self.path(Tool::Kubectl)
    }
}

/// The user's assets come first, even if they have only some of the programs (envtest's have no
/// kube-controller-manager).
fn choose(tool: Tool, assets: Option<&Path>, cache: &Path) -> PathBuf {
    assets
        .map(|folder| folder.join(tool.file()))
        .filter(|path| path.is_file())
        .unwrap_or_else(|| cache.join(tool.file()))
}

/// Another set of versions gets another folder.
fn key(module: &Path) -> Result<String, Error> {
    let read = |name: &str| {
        let path = module.join(name);
        fs::read(&path).doing(|| format!("reading {}", path.display()))
    };
    Ok(cache::key(&[&read("go.mod")?, &read("go.sum")?, VERSION.as_bytes()]))
}
