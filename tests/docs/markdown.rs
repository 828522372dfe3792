//! The pages of the documentation, and the fenced blocks in them.

use std::path::{Path, PathBuf};

/// The repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The pages of the book, sorted.
pub fn pages() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join("docs/src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// A fenced block of code.
#[derive(Debug, PartialEq, Eq)]
pub struct Block {
    /// What follows the fence: the language, then marks separated by commas.
    pub info: String,
    /// The number of the fence's line.
    pub line: usize,
    /// What is in it.
    pub text: String,
}

impl Block {
    /// The language.
    pub fn language(&self) -> &str {
        self.info.split(',').next().unwrap_or_default()
    }

    /// The value of a mark such as `reason=Invalid`.
    pub fn mark(&self, name: &str) -> Option<&str> {
        self.info.split(',').find_map(|mark| mark.strip_prefix(name)?.strip_prefix('='))
    }
}

/// The fenced blocks of a page, and the page with those lines left empty.
pub fn split(text: &str) -> (Vec<Block>, String) {
    let mut blocks: Vec<Block> = Vec::new();
    let (mut rest, mut open) = (String::new(), false);
    for (number, line) in text.lines().enumerate() {
        match (open, line.trim_start().strip_prefix("```")) {
            (false, Some(info)) => {
                let block = Block { info: info.trim().to_owned(), line: number + 1, text: String::new() };
                blocks.push(block);
                open = true;
            }
            (true, Some("")) => open = false,
            (true, _) => {
                let block = blocks.last_mut().expect("a block is open");
                block.text.push_str(line);
                block.text.push('\n');
            }
            (false, None) => rest.push_str(line),
        }
        rest.push('\n');
    }
    assert!(!open, "a fence is not closed");
    (blocks, rest)
}
