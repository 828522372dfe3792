//! From the operator's one stream of CRDs to a file for each.

use std::fs;
use std::path::Path;

use super::Wanted;
use crate::error::{Doing, Error};

/// The files that `crds/` should have, and those that it should no longer have.
pub fn wanted(folder: &Path, stream: &str) -> Result<Wanted, Error> {
    let mut wanted = Wanted::new();
    if folder.is_dir() {
        let doing = || format!("reading {}", folder.display());
        for entry in fs::read_dir(folder).doing(doing)? {
            let path = entry.doing(doing)?.path();
            if path.extension().is_some_and(|extension| extension == "yaml") {
                wanted.insert(path, None);
            }
        }
    }
    for document in documents(stream) {
        let name = plural(&document)
            .ok_or_else(|| Error::Other(format!("a CRD has no spec.names.plural:\n{document}")))?;
        wanted.insert(folder.join(format!("{name}.yaml")), Some(document));
    }
    Ok(wanted)
}

/// The documents of a YAML stream, each beginning with its `---` line.
fn documents(stream: &str) -> Vec<String> {
    let mut documents: Vec<String> = Vec::new();
    for line in stream.split_inclusive('\n') {
        if line.trim_end() == "---" {
            documents.push(String::new());
        }
        if let Some(document) = documents.last_mut() {
            document.push_str(line);
        }
    }
    documents
}

/// `spec.names.plural`, read from the indentation: there is a key `plural` nowhere else at that depth.
fn plural(document: &str) -> Option<&str> {
    document.lines().skip_while(|line| *line != "  names:").find_map(|line| line.strip_prefix("    plural: "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CRD: &str = "---\nkind: CustomResourceDefinition\nspec:\n  group: g\n  names:\n    kind: Thing\n    \
                       plural: things\n    singular: thing\n";

    #[test]
    fn every_document_begins_with_its_separator() {
        assert_eq!(documents("---\na: 1\n---\nb: |\n  ---\n"), ["---\na: 1\n", "---\nb: |\n  ---\n"]);
    }

    #[test]
    fn a_file_is_named_after_the_plural() {
        assert_eq!(plural(CRD), Some("things"));
        let wanted = wanted(Path::new("/nowhere"), CRD).unwrap();
        assert_eq!(wanted.get(Path::new("/nowhere/things.yaml")), Some(&Some(CRD.to_owned())));
    }

    #[test]
    fn a_document_without_a_plural_is_an_error() {
        assert!(wanted(Path::new("/nowhere"), "---\nkind: Other\n").is_err());
    }
}
