//! The pages, as the tests of the documentation read them.

#[allow(dead_code, reason = "the tests of the documentation use the rest")]
#[path = "../docs/links.rs"]
mod links;
#[allow(dead_code, reason = "the tests of the documentation use the rest")]
#[path = "../docs/markdown.rs"]
pub mod markdown;
#[allow(dead_code, reason = "the tests of the documentation use the rest")]
#[path = "../docs/shell.rs"]
pub mod shell;

/// The book's pages, in their order.
pub fn summary() -> Vec<String> {
    let path = markdown::root().join("docs/src/SUMMARY.md");
    let text = std::fs::read_to_string(path).expect("there is a summary");
    links::links(&text).into_iter().map(|page| format!("docs/src/{page}")).collect()
}
