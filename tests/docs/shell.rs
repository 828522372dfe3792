//! Shell in the pages: what is run, and why the rest isn't.

use super::markdown::Block;

/// Why a block isn't run: the word after `no-run=`, and what it stands for. Such a block is still parsed by bash.
pub const REASONS: &[(&str, &str)] = &[
    ("generated", "is written by running it: `cargo xtask generate`"),
    ("internet", "needs something from the internet"),
    ("kubelet", "needs a kubelet: the tests' cluster has none, and nothing to forward a port to"),
    ("release", "is about published images and their signatures"),
    ("source", "builds or tests this repository, as CI does"),
];

/// Whether the block is shell, or a session in one.
pub fn is_shell(block: &Block) -> bool {
    matches!(block.language(), "sh" | "console")
}

/// Whether the tests run the block.
pub fn is_run(block: &Block) -> bool {
    is_shell(block) && block.mark("no-run").is_none()
}

/// What a session types, each with what it shows.
pub fn session(block: &Block) -> Vec<(String, String)> {
    let mut typed: Vec<(String, String)> = Vec::new();
    for line in block.text.lines() {
        match (line.strip_prefix("$ "), typed.last_mut()) {
            (Some(command), _) => typed.push((command.to_owned(), String::new())),
            (None, Some((_, shown))) => {
                shown.push_str(line);
                shown.push('\n');
            }
            (None, None) => panic!("line {}: a session begins with a command: {line}", block.line),
        }
    }
    typed
}
