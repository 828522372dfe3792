//! The generated parts of the documentation.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::Wanted;
use crate::error::{Doing, Error};
use crate::walk;

const BEGIN: &str = "<!-- generated:";
const BEGIN_CLOSES: &str = " -->";
const END: &str = "<!-- /generated -->";

/// The pages with generated parts, with those parts as `ask` writes them; `ask` is asked once for each name.
pub fn wanted(root: &Path, ask: &mut impl FnMut(&str) -> Result<String, Error>) -> Result<Wanted, Error> {
    let mut parts = BTreeMap::new();
    let mut wanted = Wanted::new();
    for path in pages(root)? {
        let text = fs::read_to_string(&path).doing(|| format!("reading {}", path.display()))?;
        for name in names(&text) {
            if !parts.contains_key(name) {
                parts.insert(name.to_owned(), ask(name)?);
            }
        }
        let filled = fill(&text, &parts).map_err(|why| Error::Other(format!("{}: {why}", path.display())))?;
        wanted.insert(path, Some(filled));
    }
    Ok(wanted)
}

/// README.md, and the pages in `docs/` and `charts/` at any depth.
fn pages(root: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut pages = Vec::new();
    for folder in ["docs", "charts"].map(|folder| root.join(folder)).iter().filter(|folder| folder.is_dir()) {
        pages.extend(walk::files(folder, &["md"])?);
    }
    pages.extend(Some(root.join("README.md")).filter(|readme| readme.is_file()));
    Ok(pages)
}

fn names(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(name)
}

/// The name in a line that begins a generated part.
fn name(line: &str) -> Option<&str> {
    line.trim().strip_prefix(BEGIN)?.strip_suffix(BEGIN_CLOSES)
}

/// The text with its generated parts replaced.
fn fill(text: &str, parts: &BTreeMap<String, String>) -> Result<String, String> {
    let mut filled = String::new();
    let mut inside: Option<&str> = None;
    for line in text.split_inclusive('\n') {
        if line.trim() == END {
            inside.take().ok_or_else(|| format!("`{END}` without a beginning"))?;
        }
        if inside.is_none() {
            filled.push_str(line);
        }
        if let Some(name) = name(line) {
            if let Some(outer) = inside {
                return Err(format!("`{name}` begins inside `{outer}`"));
            }
            filled.push_str(parts.get(name).map_or("", |part| part.trim_end()));
            filled.push('\n');
            inside = Some(name);
        }
    }
    match inside {
        None => Ok(filled),
        Some(name) => Err(format!("the generated part `{name}` has no end")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts() -> BTreeMap<String, String> {
        BTreeMap::from([("kinds".to_owned(), "| new |\n".to_owned())])
    }

    #[test]
    fn a_generated_part_is_replaced_and_the_rest_stays() {
        let text = "before\n<!-- generated:kinds -->\n| old |\n<!-- /generated -->\nafter\n";
        let filled = "before\n<!-- generated:kinds -->\n| new |\n<!-- /generated -->\nafter\n";
        assert_eq!(fill(text, &parts()).as_deref(), Ok(filled));
        assert_eq!(fill(filled, &parts()).as_deref(), Ok(filled));
    }

    #[test]
    fn a_page_without_generated_parts_stays_as_it_is() {
        assert_eq!(fill("only\ntext", &parts()).as_deref(), Ok("only\ntext"));
    }

    #[test]
    fn a_part_without_an_end_or_a_beginning_is_an_error() {
        assert!(fill("<!-- generated:kinds -->\n", &parts()).is_err());
        assert!(fill("<!-- /generated -->\n", &parts()).is_err());
        assert!(fill("<!-- generated:kinds -->\n<!-- generated:kinds -->\n", &parts()).is_err());
    }

    #[test]
    fn names_are_read_from_the_markers() {
        let text = "<!-- generated:kinds -->\n<!-- /generated -->\n  <!-- generated:reasons -->\n<!-- /generated -->";
        assert_eq!(names(text).collect::<Vec<_>>(), ["kinds", "reasons"]);
    }
}
