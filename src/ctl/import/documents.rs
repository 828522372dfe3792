//! The objects as YAML: one stream, or a folder for Kustomize.

use std::fmt::Write;
use std::fs;
use std::io;
use std::path::Path;

use serde_json::Value;

use crate::ctl::Error;
use crate::text;

use super::Drafts;

/// The file that lists the others.
const KUSTOMIZATION: &str = "kustomization.yaml";

/// All objects in one stream.
pub fn stream(drafts: &Drafts) -> Result<String, Error> {
    let mut stream = header(drafts);
    for (_, document) in documents(drafts)? {
        stream.push_str("---\n");
        stream.push_str(&document);
    }
    Ok(stream)
}

/// Refuses a folder in which something would be overwritten: filled in Secrets, for example.
pub fn check_folder(folder: &Path) -> Result<(), Error> {
    let mut entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(|error| Error::File { file: folder.to_owned(), error })?,
    };
    if entries.next().is_none() {
        return Ok(());
    }
    Err(Error::Usage(format!("--output-dir {}: the directory isn't empty", folder.display())))
}

/// Writes a file for each object, and the list of them.
pub fn write(folder: &Path, drafts: &Drafts) -> Result<(), Error> {
    let failed = |file: &Path| {
        let file = file.to_owned();
        move |error| Error::File { file, error }
    };
    fs::create_dir_all(folder).map_err(failed(folder))?;
    let mut list = header(drafts);
    list.push_str("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n");
    for (name, document) in documents(drafts)? {
        let file = folder.join(&name);
        fs::write(&file, document).map_err(failed(&file))?;
        let _ = writeln!(list, "- {name}");
    }
    let file = folder.join(KUSTOMIZATION);
    fs::write(&file, list).map_err(failed(&file))
}

fn header(drafts: &Drafts) -> String {
    let account = drafts.account.as_deref().unwrap_or("(its number isn't known)");
    format!(
        "# What there is in the AWS account {account}, region {}: written by kubectl devopsagent import.\n",
        drafts.region
    )
}

/// Each document with the name of its file, parents first, and what an object refers to before it.
fn documents(drafts: &Drafts) -> Result<Vec<(String, String)>, Error> {
    let mut documents = Vec::new();
    for draft in &drafts.objects {
        for beside in &draft.beside {
            let file = format!("{}-{}.yaml", beside.kind.to_lowercase(), beside.name);
            documents.push((file, document(&beside.comments, &beside.object)?));
        }
        let file = format!("{}-{}.yaml", draft.kind.to_lowercase(), draft.name);
        documents.push((file, document(&draft.comments, &draft.object)?));
    }
    Ok(documents)
}

fn document(comments: &[String], object: &Value) -> Result<String, Error> {
    let mut document = String::new();
    for comment in comments {
        let _ = writeln!(document, "# {}", text::plain(comment));
    }
    // An ARN or a description stays on one line.
    let options = serde_saphyr::ser_options! { folded_wrap_chars: usize::MAX };
    let yaml = serde_saphyr::to_string_with_options(object, options)
        .map_err(|error| io::Error::other(error.to_string()))?;
    document.push_str(&yaml);
    Ok(document)
}
