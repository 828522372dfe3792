//! The CRDs on a real API server.

use std::collections::BTreeSet;

use super::report::Outcome;
use crate::cluster::Cluster;
use crate::error::Error;
use crate::progress::say;

/// All CRDs install without a warning and are served.
pub fn check(cluster: &Cluster) -> Result<Outcome, Error> {
    let kubectl = cluster.kubectl();
    let output = kubectl.attempt(["apply", "--server-side", "-f", "crds/"])?;
    let warnings = warnings(&output.stderr).join("\n");
    let applied = output.require_success("kubectl apply --server-side -f crds/")?;
    if !warnings.is_empty() {
        return Err(Error::Other(format!("the API server warns about the CRDs:\n{warnings}")));
    }
    kubectl.run(&["wait", "--for=condition=Established", "-f", "crds/", "--timeout=30s"])?;
    say(&format!("{} CRDs installed without a warning.", applied.lines().count()));
    Ok(Outcome::Passed)
}

/// One CRD brings the same warning for each of its fields.
fn warnings(stderr: &str) -> Vec<&str> {
    let distinct: BTreeSet<&str> = stderr.lines().filter(|line| line.starts_with("Warning:")).collect();
    distinct.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::warnings;

    #[test]
    fn warnings_are_told_from_other_lines() {
        let stderr = "Warning: unrecognized format \"uint32\"\nok\nWarning: unrecognized format \"uint32\"\n";
        assert_eq!(warnings(stderr), ["Warning: unrecognized format \"uint32\""]);
    }
}
