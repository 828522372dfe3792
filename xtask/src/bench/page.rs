//! The page of the documentation that has the table.

use std::fs;
use std::path::Path;

use crate::error::{Doing, Error};

/// Where the table is, from the project's folder.
pub const PAGE: &str = "docs/src/operate/scale.md";
const BEGIN: &str = "<!-- measured:benchmark -->\n";
const END: &str = "<!-- /measured -->";

/// Puts a new text between the marks of the page.
pub fn write(root: &Path, text: &str) -> Result<(), Error> {
    let path = root.join(PAGE);
    let page = fs::read_to_string(&path).doing(|| format!("reading {}", path.display()))?;
    let page = replaced(&page, text)
        .ok_or_else(|| Error::Other(format!("{PAGE} has no {} … {END}", BEGIN.trim_end())))?;
    fs::write(&path, page).doing(|| format!("writing {}", path.display()))
}

fn replaced(page: &str, text: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{}\n\n{END}{after}", text.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_marks_changes() {
        let page = format!("# Scale\n\n{BEGIN}\nold\n\n{END}\n\nMore.\n");
        let new = replaced(&page, "| new |\n").unwrap();
        assert_eq!(new, format!("# Scale\n\n{BEGIN}\n| new |\n\n{END}\n\nMore.\n"));
        assert_eq!(replaced(&new, "| new |\n").unwrap(), new);
        assert_eq!(replaced("# Scale\n", "x"), None);
    }

    #[test]
    fn the_page_has_the_marks() {
        let page = include_str!("../../../docs/src/operate/scale.md");
        assert!(replaced(page, "x").is_some());
    }
}
