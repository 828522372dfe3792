//! helm, with nothing of the user's settings.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// Name of the release in all tests.
pub const RELEASE: &str = "devops-agent-operator";
/// Its namespace.
pub const NAMESPACE: &str = "devops-agent-operator";

/// The project's folder.
pub fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The chart's folder.
pub fn chart() -> PathBuf {
    project().join("charts/devops-agent-operator")
}

/// A program that `cargo xtask test` passes in a variable.
pub fn program(variable: &str) -> PathBuf {
    let named = std::env::var_os(variable).map(PathBuf::from);
    named.unwrap_or_else(|| panic!("{variable} is not set; run these tests with `cargo xtask test`"))
}

/// Runs helm, whatever comes of it.
pub fn attempt(arguments: &[&str]) -> Output {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("helm");
    let mut command = Command::new(program("DEVOPS_AGENT_HELM_BIN"));
    for (variable, name) in
        [("HELM_CONFIG_HOME", "config"), ("HELM_DATA_HOME", "data"), ("HELM_CACHE_HOME", "cache")]
    {
        command.env(variable, folder.join(name));
    }
    command.args(arguments).output().expect("helm can be started")
}

/// Runs helm, which must succeed; returns its output.
pub fn run(arguments: &[&str]) -> String {
    let output = attempt(arguments);
    let (said, complained) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "helm {}:\n{said}{complained}", arguments.join(" "));
    said.into_owned()
}

/// What the chart renders with these values.
pub fn text(values: &Value) -> String {
    text_with(values, &[])
}

fn text_with(values: &Value, arguments: &[&str]) -> String {
    let [flag, set] = set(values);
    let chart = chart().display().to_string();
    run(&[&["template", RELEASE, &chart, "-n", NAMESPACE, &flag, &set], arguments].concat())
}

/// The objects that the chart renders with these values.
pub fn objects(values: &Value) -> Vec<Value> {
    objects_with(values, &[])
}

/// The same, with further arguments for helm.
pub fn objects_with(values: &Value, arguments: &[&str]) -> Vec<Value> {
    let objects: Vec<Value> =
        serde_saphyr::from_multiple(&text_with(values, arguments)).expect("helm renders YAML");
    objects.into_iter().filter(|object| !object.is_null()).collect()
}

/// What helm says when these values are refused.
pub fn refusal(values: &Value) -> Option<String> {
    let [flag, set] = set(values);
    let output = attempt(&["template", RELEASE, &chart().display().to_string(), &flag, &set]);
    (!output.status.success()).then(|| String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Values as arguments. helm merges them into the defaults.
pub fn set(values: &Value) -> [String; 2] {
    ["--set-json".to_owned(), values.to_string()]
}
