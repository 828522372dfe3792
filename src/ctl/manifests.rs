//! The files that a command is given with `-f`: the Kubernetes objects in them.

pub mod located;

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde_json::Value;

use self::located::{Document, Place};
use super::Error;

/// The API group of the operator's kinds.
pub const GROUP: &str = "devopsagent.dev";
/// What stands for standard input.
const STDIN: &str = "-";
/// A skill's own file.
const SKILL: &str = "SKILL.md";

/// Which files to read.
#[derive(Debug, clap::Args)]
pub struct Files {
    /// File, folder with its subfolders (`*.yaml`, `*.yml`, `*.json`), or `-` for standard input. May be repeated.
    #[arg(short, long = "filename", value_name = "FILE", required = true)]
    filename: Vec<PathBuf>,

    /// Namespace of objects that don't name theirs.
    #[arg(short, long, default_value = "default")]
    namespace: String,
}

/// An object in a file.
#[derive(Debug)]
pub struct Manifest {
    /// The file.
    pub file: String,
    /// Its content, with the places of its fields.
    pub document: Document,
    /// Its `apiVersion`.
    pub api_version: String,
    /// Its kind.
    pub kind: String,
    /// Its name; empty if the API server is to make one up.
    pub name: String,
    /// Its namespace, or the one that it gets; also for kinds that have none.
    pub namespace: String,
}

impl Manifest {
    /// The API group; empty for the core's.
    pub fn group(&self) -> &str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }

    /// Whether the operator is responsible for it.
    pub fn is_ours(&self) -> bool {
        self.group() == GROUP
    }

    /// Its spec.
    pub fn spec(&self) -> &Value {
        &self.document.value["spec"]
    }

    /// How messages name it.
    pub fn shown(&self) -> String {
        format!("{} {}", self.kind, if self.name.is_empty() { "(without a name)" } else { &self.name })
    }
}

/// What can't be used as an object.
#[derive(Debug)]
pub struct Unusable {
    /// The file.
    pub file: String,
    /// Where.
    pub at: Place,
    /// Why.
    pub message: String,
    /// Whether it can be left out.
    pub harmless: bool,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Manifests {
    /// How many files were read.
    pub files: usize,
    /// The objects.
    pub objects: Vec<Manifest>,
    /// A document that isn't an object.
    pub unusable: Vec<Unusable>,
    /// The skills that lie in folders as files: the path of each `SKILL.md`, and its text.
    pub skills: Vec<(PathBuf, String)>,
}

impl Files {
    /// These files and folders.
    pub fn new(filename: Vec<PathBuf>, namespace: &str) -> Self {
        Self { filename, namespace: namespace.to_owned() }
    }

    /// The objects of a text that isn't in a file, which messages name `file`.
    pub fn text(file: &str, text: &str, namespace: &str) -> Manifests {
        let mut found = Manifests::default();
        Self::new(Vec::new(), namespace).add(file, text.as_bytes().to_vec(), &mut found);
        found
    }

    /// The objects of the operator's kinds in them, each with the namespace that it gets. Without any that can't be used.
    pub fn ours(&self) -> Result<Vec<Value>, Error> {
        let manifests = self.read()?;
        if let Some(unusable) = manifests.unusable.iter().find(|unusable| !unusable.harmless) {
            return Err(Error::Manifest {
                file: unusable.file.clone(),
                line: unusable.at.line,
                message: unusable.message.clone(),
            });
        }
        let ours = manifests.objects.into_iter().filter(Manifest::is_ours).map(|object| {
            let mut value = object.document.value;
            value["metadata"]["namespace"] = Value::from(object.namespace);
            value
        });
        Ok(ours.collect())
    }

    /// Reads them.
    pub fn read(&self) -> Result<Manifests, Error> {
        let mut found = Manifests::default();
        for path in &self.filename {
            if path.as_os_str() == STDIN {
                let mut bytes = Vec::new();
                io::stdin().lock().read_to_end(&mut bytes).map_err(failed(path))?;
                self.add("<stdin>", bytes, &mut found);
            } else if fs::metadata(path).map_err(failed(path))?.is_dir() {
                self.add_folder(path, &mut found)?;
            } else {
                self.add_file(path, &mut found)?;
            }
        }
        Ok(found)
    }

    fn add_folder(&self, folder: &Path, found: &mut Manifests) -> Result<(), Error> {
        let entries: Result<Vec<_>, _> = fs::read_dir(folder).map_err(failed(folder))?.collect();
        let mut entries = entries.map_err(failed(folder))?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            if entry.file_name().to_string_lossy().starts_with('.') {
                continue;
            }
            // A link to a folder may lead round in a circle.
            if entry.file_type().map_err(failed(&path))?.is_dir() {
                self.add_folder(&path, found)?;
            } else if path.is_file() && has_objects(&path) {
                self.add_file(&path, found)?;
            } else if path.is_file() && entry.file_name() == SKILL {
                let text = String::from_utf8_lossy(&fs::read(&path).map_err(failed(&path))?).into_owned();
                found.skills.push((path, text));
            }
        }
        Ok(())
    }

    fn add_file(&self, path: &Path, found: &mut Manifests) -> Result<(), Error> {
        let bytes = fs::read(path).map_err(failed(path))?;
        self.add(&path.display().to_string(), bytes, found);
        Ok(())
    }

    fn add(&self, file: &str, bytes: Vec<u8>, found: &mut Manifests) {
        found.files += 1;
        let mut refuse = |at, message: String, harmless| {
            found.unusable.push(Unusable { file: file.to_owned(), at, message, harmless });
        };
        let Ok(text) = String::from_utf8(bytes) else {
            return refuse(Place::START, "isn't text in UTF-8".to_owned(), false);
        };
        let documents = match located::documents(&text) {
            Ok(documents) => documents,
            Err(error) => return refuse(error.at, format!("isn't valid YAML: {}", error.message), false),
        };
        for document in documents.into_iter().flat_map(items) {
            match self.object(file, document) {
                Ok(object) => found.objects.push(object),
                Err((at, message, harmless)) => refuse(at, message.to_owned(), harmless),
            }
        }
    }

    fn object(&self, file: &str, document: Document) -> Result<Manifest, (Place, &'static str, bool)> {
        let text = |pointer| document.value.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let (kind, api_version) = (text("/kind"), text("/apiVersion"));
        let refuse = |message, harmless| Err((document.start, message, harmless));
        match (kind, api_version) {
            (Some(kind), Some(api_version)) => Ok(Manifest {
                file: file.to_owned(),
                api_version,
                kind,
                name: text("/metadata/name").unwrap_or_default(),
                namespace: text("/metadata/namespace").unwrap_or_else(|| self.namespace.clone()),
                document,
            }),
            (None, None) => refuse("has neither apiVersion nor kind: it is no Kubernetes object", true),
            (None, _) => refuse("has no kind", false),
            (_, None) => refuse("has no apiVersion", false),
        }
    }
}

fn failed(path: &Path) -> impl Fn(io::Error) -> Error {
    let file = path.to_owned();
    move |error| Error::File { file: file.clone(), error }
}

fn has_objects(path: &Path) -> bool {
    path.extension().is_some_and(|extension| ["yaml", "yml", "json"].iter().any(|known| extension == *known))
}

/// The items of a `List`, as kubectl applies them; everything else is itself.
fn items(document: Document) -> Vec<Document> {
    let is_list = document.value["kind"] == "List" && document.value["apiVersion"] == "v1";
    match document.value["items"].as_array() {
        Some(items) if is_list => {
            let items = items.iter().enumerate();
            items.map(|(index, item)| document.below(&located::item("items", index), item.clone())).collect()
        }
        _ => vec![document],
    }
}
