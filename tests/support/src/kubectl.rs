//! kubectl, as a user runs it.

use std::io::Write;
use std::process::{Command, Stdio};

/// Runs kubectl with this input, which must succeed; returns what it prints.
pub fn kubectl(arguments: &[&str], input: &str) -> String {
    let program = std::env::var_os("DEVOPS_AGENT_KUBECTL_BIN").unwrap_or_else(|| "kubectl".into());
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("kubectl can be started");
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "kubectl {arguments:?} failed");
    String::from_utf8(output.stdout).unwrap()
}
