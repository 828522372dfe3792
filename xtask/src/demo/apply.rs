//! Applying the examples.

use std::fs;
use std::path::PathBuf;

use super::environment::Environment;
use super::{manifests, step};
use crate::error::{Doing, Error};
use crate::walk;

const EXAMPLES: &str = "examples";
/// Examples for programs that the demo doesn't have: `cargo xtask test` checks them.
const FOR_OTHERS: [&str; 2] = ["argocd", "flux"];

/// Applies all examples, namespaces first. Refuses to touch existing objects.
pub fn examples(environment: &mut Environment) -> Result<(), Error> {
    let step = step("Applying the examples");
    let present = kubectl(environment, &["get", "--ignore-not-found", "-o", "name"])?;
    if !present.trim().is_empty() {
        return Err(Error::Other(format!(
            "the cluster already has objects with the examples' names, which the demo would change and delete:\n{present}"
        )));
    }
    environment.applied = true;
    let namespaces = environment.folder.file("namespaces.yaml");
    let text = namespaces_of_examples(environment)?;
    if !text.is_empty() {
        fs::write(&namespaces, text).doing(|| format!("writing {}", namespaces.display()))?;
        environment.kubectl.run(&["apply", "--server-side", "-f", &namespaces.display().to_string()])?;
    }
    let applied = kubectl(environment, &["apply", "--server-side"])?;
    step.detail(format!("{} objects", applied.lines().count()));
    step.done();
    environment.check()
}

/// The files that the demo applies.
fn files(environment: &Environment) -> Result<Vec<PathBuf>, Error> {
    let root = environment.kubectl.session.root().join(EXAMPLES);
    let mut files = walk::files(&root, &["yaml", "yml"])?;
    files.retain(|file| !FOR_OTHERS.iter().any(|folder| file.starts_with(root.join(folder))));
    Ok(files)
}

/// Runs kubectl on all of these files.
pub fn kubectl(environment: &Environment, arguments: &[&str]) -> Result<String, Error> {
    let mut all: Vec<String> = arguments.iter().map(ToString::to_string).collect();
    for file in files(environment)? {
        all.extend(["-f".to_owned(), file.display().to_string()]);
    }
    let output = environment.kubectl.attempt(all)?;
    output.require_success(&format!("kubectl {} on the examples", arguments.join(" ")))
}

fn namespaces_of_examples(environment: &Environment) -> Result<String, Error> {
    let mut namespaces = Vec::new();
    for path in files(environment)? {
        let text = fs::read_to_string(&path).doing(|| format!("reading {}", path.display()))?;
        namespaces
            .extend(manifests::documents(&text).filter(|one| manifests::kind(one) == Some("Namespace")));
    }
    Ok(namespaces.join("---\n"))
}
