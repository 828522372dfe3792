//! What is running: as shown by `/version`, the metric `devopsagent_build_info` and the first line of the log.

/// The version of the operator.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The commit that it was built from, if set by `DEVOPS_AGENT_OPERATOR_REVISION` during the build; otherwise `unknown`.
pub const REVISION: &str = match option_env!("DEVOPS_AGENT_OPERATOR_REVISION") {
    Some(revision) => revision,
    None => "unknown",
};
/// The compiler that built it.
pub const RUSTC: &str = env!("DEVOPS_AGENT_OPERATOR_RUSTC");
/// Optional parts that were built in.
pub const FEATURES: &[&str] = &[
    #[cfg(feature = "otlp")]
    "otlp",
];
