//! Applying the examples.

use std::fs;

use super::environment::Environment;
use super::{manifests, step};
use crate::error::{Doing, Error};

/// The folder that the demo applies all of.
pub const EXAMPLES: &str = "examples/";

/// Applies all examples, namespaces first. Refuses to touch an object that is there already.
pub fn examples(environment: &mut Environment) -> Result<(), Error> {
    let step = step("Applying the examples");
    let present =
        environment.kubectl.run(&["get", "-R", "-f", EXAMPLES, "--ignore-not-found", "-o", "name"])?;
    if !present.trim().is_empty() {
        return Err(Error::Other(format!(
            "the cluster has objects of the examples' names; the demo would change and delete them:\n{present}"
        )));
    }
    environment.applied = true;
    let namespaces = environment.folder.file("namespaces.yaml");
    let text = namespaces_of_examples(environment)?;
    if !text.is_empty() {
        fs::write(&namespaces, text).doing(|| format!("writing {}", namespaces.display()))?;
        environment.kubectl.run(&["apply", "--server-side", "-f", &namespaces.display().to_string()])?;
    }
    let applied = environment.kubectl.run(&["apply", "--server-side", "-R", "-f", EXAMPLES])?;
    step.detail(format!("{} objects", applied.lines().count()));
    step.done();
    environment.check()
}

fn namespaces_of_examples(environment: &Environment) -> Result<String, Error> {
    let mut namespaces = Vec::new();
    for path in manifests::files(&environment.kubectl.session.root().join(EXAMPLES))? {
        let text = fs::read_to_string(&path).doing(|| format!("reading {}", path.display()))?;
        namespaces
            .extend(manifests::documents(&text).filter(|one| manifests::kind(one) == Some("Namespace")));
    }
    Ok(namespaces.join("---\n"))
}
