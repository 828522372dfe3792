//! From the scripts in `argocd/scripts/` to what Argo CD reads: a folder for each kind in the layout of its own
//! customizations, and the same as settings for the ConfigMap `argocd-cm`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::Wanted;
use crate::error::{Doing, Error};

const GROUP: &str = "devopsagent.dev";
const NOTE: &str = "-- Generated from argocd/scripts/ by `cargo xtask generate`.\n";
/// The one that only associations have.
const ROTATE: &str = "rotate-webhook";
/// The one for what is in AWS, which an AWSAccount has nothing of.
const APPROVE: &str = "approve";

/// The scripts that everything is generated from.
struct Scripts {
    health: String,
    discovery: String,
    /// By the name of the action.
    actions: BTreeMap<String, String>,
}

/// The generated files under `argocd/`, and those that should no longer be there. `crds` tells the kinds.
pub fn wanted(root: &Path, crds: &str) -> Result<Wanted, Error> {
    let scripts = Scripts::read(&root.join("argocd/scripts"))?;
    let group = root.join("argocd/resource_customizations").join(GROUP);
    let mut wanted = Wanted::new();
    for file in files(&group)?.into_iter().filter(|file| is_generated(file)) {
        wanted.insert(file, None);
    }
    for kind in kinds(crds) {
        let folder = group.join(kind);
        wanted.insert(folder.join("health.lua"), Some(noted(&scripts.health)));
        wanted.insert(folder.join("actions/discovery.lua"), Some(noted(&scripts.discovery)));
        for (action, script) in scripts.of(kind) {
            let file = folder.join("actions").join(action).join("action.lua");
            wanted.insert(file, Some(noted(script)));
        }
    }
    wanted.insert(root.join("argocd/argocd-cm.yaml"), Some(config_map(&scripts, crds)));
    Ok(wanted)
}

impl Scripts {
    fn read(folder: &Path) -> Result<Self, Error> {
        let mut actions = BTreeMap::new();
        for file in files(&folder.join("actions"))? {
            let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            actions.insert(name, read(&file)?);
        }
        let discovery = actions.remove("discovery").unwrap_or_default();
        Ok(Self { health: read(&folder.join("health.lua"))?, discovery, actions })
    }

    /// The actions of a kind.
    fn of(&self, kind: &str) -> impl Iterator<Item = (&String, &String)> {
        let lacks = move |action: &str| match action {
            ROTATE => kind != "Association",
            APPROVE => kind == "AWSAccount",
            _ => false,
        };
        self.actions.iter().filter(move |(name, _)| !lacks(name.as_str()))
    }
}

/// The settings of all kinds, to be merged into Argo CD's ConfigMap.
fn config_map(scripts: &Scripts, crds: &str) -> String {
    let mut text = String::from(
        "# Health and actions of devopsagent.dev for Argo CD. Generated from argocd/scripts/ by `cargo xtask generate`.\n\
         #\n\
         # kubectl patch configmap argocd-cm -n argocd --patch-file argocd-cm.yaml\n\
         apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: argocd-cm\n  namespace: argocd\n  labels:\n    \
         app.kubernetes.io/name: argocd-cm\n    app.kubernetes.io/part-of: argocd\ndata:\n",
    );
    for kind in kinds(crds) {
        let health = indented(&scripts.health, 4);
        let discovery = indented(&scripts.discovery, 6);
        text.extend([
            format!("  resource.customizations.health.{GROUP}_{kind}: |\n{health}"),
            format!("  resource.customizations.actions.{GROUP}_{kind}: |\n    discovery.lua: |\n{discovery}"),
            "    definitions:\n".to_owned(),
        ]);
        text.extend(scripts.of(kind).map(|(action, script)| {
            format!("    - name: {action}\n      action.lua: |\n{}", indented(script, 8))
        }));
    }
    text
}

fn indented(text: &str, depth: usize) -> String {
    let indent = |line: &str| match line {
        "" => "\n".to_owned(),
        line => format!("{}{line}\n", " ".repeat(depth)),
    };
    text.lines().map(indent).collect()
}

fn noted(script: &str) -> String {
    format!("{NOTE}{script}")
}

/// The kinds of a stream of CRDs, read from the indentation as the plurals are.
fn kinds(crds: &str) -> impl Iterator<Item = &str> {
    crds.lines().filter_map(|line| line.strip_prefix("    kind: "))
}

/// Scripts are generated; the running operator writes the test data, and the tests of the scripts write their tables.
fn is_generated(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "lua")
}

/// All files below a folder, which may not be there.
fn files(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut files = Vec::new();
    if !folder.is_dir() {
        return Ok(files);
    }
    let doing = || format!("reading {}", folder.display());
    for entry in fs::read_dir(folder).doing(doing)? {
        let path = entry.doing(doing)?.path();
        if path.is_dir() {
            files.extend(self::files(&path)?);
        } else {
            files.push(path);
        }
    }
    Ok(files)
}

fn read(file: &Path) -> Result<String, Error> {
    fs::read_to_string(file).doing(|| format!("reading {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CRDS: &str =
        "---\nspec:\n  names:\n    kind: Association\n---\nspec:\n  names:\n    kind: Trigger\n";

    fn scripts() -> Scripts {
        let actions = [("pause", "return 1\n"), (ROTATE, "return 2\n")];
        let actions = actions.map(|(name, script)| (name.to_owned(), script.to_owned())).into();
        Scripts { health: "a\n\nb\n".to_owned(), discovery: "c\n".to_owned(), actions }
    }

    #[test]
    fn only_associations_can_rotate_a_webhook() {
        let text = config_map(&scripts(), CRDS);
        assert_eq!(text.matches("- name: pause").count(), 2);
        assert_eq!(text.matches("- name: rotate-webhook").count(), 1);
        assert!(text.find("rotate-webhook") < text.find("_Trigger"), "{text}");
    }

    #[test]
    fn a_script_is_a_block_of_text() {
        let text = config_map(&scripts(), CRDS);
        let health = "  resource.customizations.health.devopsagent.dev_Trigger: |\n    a\n\n    b\n";
        assert!(text.contains(health), "{text}");
        assert!(
            text.contains("    discovery.lua: |\n      c\n    definitions:\n    - name: pause\n"),
            "{text}"
        );
    }

    #[test]
    fn what_the_tests_write_is_left_to_them() {
        for (file, generated) in [
            ("Asset/health.lua", true),
            ("Asset/testdata/new.yaml", false),
            ("Asset/health_test.yaml", false),
            ("Asset/actions/testdata/paused.yaml", false),
            ("Asset/actions/pause/action.lua", true),
        ] {
            assert_eq!(is_generated(Path::new(file)), generated, "{file}");
        }
    }
}
