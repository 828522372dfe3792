//! The JSON Schemas of the CRDs, and the comment on top of every object in the examples by which an editor finds them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::Wanted;
use crate::error::{Doing, Error};
use crate::walk;

/// What an editor looks for.
const COMMENT: &str = "# yaml-language-server: $schema=";
const API_VERSION: &str = "apiVersion: devopsagent.dev/";

/// The files that `schemas/` should have, and those that it should no longer have; and the examples, with their comments.
pub fn wanted(root: &Path, ask: &mut impl FnMut(&[&str]) -> Result<String, Error>) -> Result<Wanted, Error> {
    let folder = root.join("schemas");
    let present = if folder.is_dir() { walk::files(&folder, &["json"])? } else { Vec::new() };
    let mut wanted: Wanted = present.into_iter().map(|path| (path, None)).collect();
    let mut schemas = BTreeMap::new();
    for line in ask(&["ctl", "schema", "--list"])?.lines() {
        let [file, kind, address] = line.split('\t').collect::<Vec<_>>()[..] else { continue };
        wanted.insert(folder.join(file), Some(ask(&["ctl", "schema", kind])?));
        schemas.insert(kind.to_owned(), address.to_owned());
    }
    for path in walk::files(&root.join("examples"), &["yaml"])? {
        let text = fs::read_to_string(&path).doing(|| format!("reading {}", path.display()))?;
        wanted.insert(path, Some(commented(&text, &schemas)));
    }
    Ok(wanted)
}

/// The text with the comment as the first line of every object of ours.
fn commented(text: &str, schemas: &BTreeMap<String, String>) -> String {
    let mut commented = String::new();
    let mut document = String::new();
    for line in text.split_inclusive('\n') {
        if line.trim_end() == "---" {
            commented.push_str(&with_comment(&document, schemas));
            commented.push_str(line);
            document.clear();
        } else {
            document.push_str(line);
        }
    }
    commented + &with_comment(&document, schemas)
}

fn with_comment(document: &str, schemas: &BTreeMap<String, String>) -> String {
    let rest: String = document.split_inclusive('\n').filter(|line| !line.starts_with(COMMENT)).collect();
    let ours = rest.lines().any(|line| line.starts_with(API_VERSION));
    let kind = rest.lines().find_map(|line| line.strip_prefix("kind: "));
    match kind.filter(|_| ours).and_then(|kind| schemas.get(kind.trim())) {
        Some(address) => format!("{COMMENT}{address}\n{rest}"),
        None => rest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_object_of_ours_has_one_comment() {
        let schemas = BTreeMap::from([("Trigger".to_owned(), "https://x/trigger_v1.json".to_owned())]);
        let text = "# About.\napiVersion: v1\nkind: Secret\n---\n# And this.\napiVersion: devopsagent.dev/v1alpha1\nkind: Trigger\n";
        let comment = format!("{COMMENT}https://x/trigger_v1.json\n");
        let wanted = text.replace("# And", &format!("{comment}# And"));
        assert_eq!(commented(text, &schemas), wanted);
        assert_eq!(commented(&wanted, &schemas), wanted);
        let moved = text.replace("# And", &format!("{COMMENT}elsewhere\n# And"));
        assert_eq!(commented(&moved, &schemas), wanted);
        assert_eq!(commented(&format!("{comment}a: 1\n"), &schemas), "a: 1\n");
    }
}
