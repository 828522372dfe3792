//! What `kubectl devopsagent` prints, in the pages about it: `<!-- generated:ctl validate -f examples -->` is replaced by the
//! command and its output, as a session.

use std::path::Path;
use std::process::Command;

use crate::error::Error;
use crate::session::Session;

const CTL: &str = "ctl ";

/// Whether a generated part is the output of a command.
pub fn is_typed(name: &str) -> bool {
    name.starts_with(CTL)
}

/// The session: the command, and what it prints in the project's folder. One that ends with an error is shown too, with
/// its exit code.
pub fn shown(session: &Session, operator: &Path, name: &str) -> Result<String, Error> {
    let arguments = name.strip_prefix(CTL).unwrap_or_default();
    // Cargo puts them side by side.
    let mut command = Command::new(operator.with_file_name("kubectl-devopsagent"));
    command.args(arguments.split(' ')).current_dir(session.root()).env_remove("KUBECONFIG");
    let output = session.capture(&mut command)?;
    let typed = format!("kubectl devopsagent {arguments}");
    let code = match output.status.code() {
        Some(0) => String::new(),
        Some(code) => format!("$ echo $?\n{code}\n"),
        None => return Err(Error::Other(format!("`{typed}` was ended by a signal"))),
    };
    let printed = [output.stdout, output.stderr].concat();
    let lines: Vec<&str> = printed.trim_end().lines().map(str::trim_end).collect();
    Ok(format!("```console,no-run=generated\n$ {typed}\n{}\n{code}```\n", lines.join("\n")))
}
