//! What `kubectl devopsagent` prints, in the pages about it: `<!-- generated:ctl validate -f examples -->` is replaced by the
//! command and its output, as a session. A command about AWS sees a simulated account, always the same.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::error::{Doing, Error};
use crate::session::Session;
use crate::simulator::{ACCESS_KEY, Simulator};

const CTL: &str = "ctl ";
/// The commands about AWS.
const ABOUT_AWS: &[&str] = &["import", "plan"];
/// The account that they see: a state of the simulator.
const ACCOUNT: &str = "tests/ctl/account.json";

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
    let words: Vec<&str> = arguments.split(' ').collect();
    let output = if ABOUT_AWS.contains(&words[0]) && !words.contains(&"--help") {
        let folder = session.folder("pages")?;
        let state = folder.path().join("account.json");
        fs::copy(session.root().join(ACCOUNT), &state).doing(|| format!("copying {ACCOUNT}"))?;
        let options = ["--state-file".to_owned(), state.display().to_string()];
        let program = operator.with_file_name("devops-agent-simulator");
        let aws = Simulator::start_with(session, &program, folder.path(), &options)?;
        command.envs([
            ("AWS_ENDPOINT_URL", aws.url()),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", ACCESS_KEY),
            ("AWS_SECRET_ACCESS_KEY", ACCESS_KEY),
            ("AWS_CONFIG_FILE", "/dev/null"),
            ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
        ]);
        session.capture(&mut command)?
    } else {
        session.capture(&mut command)?
    };
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
