//! `schema`: the JSON Schemas of the CRDs.

use std::fs;
use std::path::PathBuf;

use crate::generate::json_schema::{self, ADDRESS, KindSchema};
use crate::kinds;

use super::exit::Exit;
use super::{Error, output};

/// Arguments of `schema`.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("what").required(true))]
pub struct Arguments {
    /// The kind whose schema to print, in any case.
    #[arg(group = "what")]
    kind: Option<String>,

    /// Write the schemas of all kinds into this folder instead, as `devopsagent.dev/KIND_VERSION.json`: the layout
    /// that kubeconform and editors know from the catalogue of CRDs.
    #[arg(long, value_name = "FOLDER", group = "what")]
    write: Option<PathBuf>,

    /// Print which files `--write` would write, with the kind of each and the address that it is published at.
    #[arg(long, group = "what")]
    list: bool,
}

/// Prints or writes schemas.
pub fn run(arguments: &Arguments) -> Result<Exit, Error> {
    let schemas = json_schema::all().map_err(Error::Schema)?;
    if let Some(folder) = &arguments.write {
        for schema in &schemas {
            let file = folder.join(&schema.file);
            let failed = |error| Error::File { file: file.clone(), error };
            fs::create_dir_all(file.parent().unwrap_or(folder)).map_err(failed)?;
            fs::write(&file, text(schema)?).map_err(failed)?;
            output::print(&format!("{}\n", file.display()))?;
        }
        return Ok(Exit::Done);
    }
    if arguments.list {
        let lines =
            schemas.iter().map(|KindSchema { file, kind, .. }| format!("{file}\t{kind}\t{ADDRESS}/{file}\n"));
        output::print(&lines.collect::<String>())?;
        return Ok(Exit::Done);
    }
    let kind = arguments.kind.as_deref().unwrap_or_default();
    let Some(schema) = schemas.iter().find(|schema| schema.kind.eq_ignore_ascii_case(kind)) else {
        return Err(Error::Kind { given: kind.to_owned(), known: kinds::names().join(", ") });
    };
    output::print(&text(schema)?)?;
    Ok(Exit::Done)
}

fn text(schema: &KindSchema) -> Result<String, Error> {
    Ok(serde_json::to_string_pretty(&schema.schema).map_err(Error::Schema)? + "\n")
}
