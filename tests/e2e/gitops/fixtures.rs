//! The fixtures of a kind, in `argocd/resource_customizations/devopsagent.dev/<Kind>/testdata/<state>.yaml`: compared with
//! what the running operator produces, or written from it when `DEVOPS_AGENT_WRITE_FIXTURES` is 1.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::normal::Normal;
use crate::harness::Test;

/// The fixtures of one kind that a test produces.
pub struct Fixtures {
    folder: PathBuf,
    normal: Normal,
    produced: BTreeMap<String, String>,
}

impl Fixtures {
    pub fn new(t: &Test, kind: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("argocd/resource_customizations/devopsagent.dev")
            .join(kind)
            .join("testdata");
        Self { folder, normal: Normal::new(t), produced: BTreeMap::new() }
    }

    /// Keeps the object as the fixture of a state.
    pub fn keep(&mut self, state: &str, object: Value) {
        let text = serde_saphyr::to_string(&self.normal.form(object)).expect("JSON can be written as YAML");
        self.produced.insert(format!("{state}.yaml"), text);
    }

    /// Compares all that was kept with what is stored, or stores it.
    pub fn finish(self) {
        if std::env::var("DEVOPS_AGENT_WRITE_FIXTURES").is_ok_and(|value| value == "1") {
            fs::create_dir_all(&self.folder).expect("the folder can be made");
            for (name, text) in &self.produced {
                fs::write(self.folder.join(name), text).expect("a fixture can be written");
            }
            return;
        }
        for (name, produced) in &self.produced {
            let file = self.folder.join(name);
            let stored = fs::read_to_string(&file).unwrap_or_default();
            assert_eq!(
                *produced,
                stored,
                "{} is not what the operator writes today; `cargo xtask fixtures` rewrites it",
                file.display()
            );
        }
    }
}
