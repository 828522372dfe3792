//! The content of an asset: individual files, a zip, or a URL that AWS fetches from.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::api::asset::{Content, FileSource, Zip};
use crate::aws::operations::{
    CreateAssetFile, DeleteAssetFile, GetAssetContent, UpdateAsset, UpdateAssetFile,
};
use crate::kinds::not_found_is_none;
use crate::reconcile::inputs::{Inputs, Source};
use crate::reconcile::kind::Scope;
use crate::reconcile::state::conditions::Reason;
use crate::reconcile::state::drift::{Change, Drift};
use crate::reconcile::state::error::{Doing, Error};
use crate::reconcile::state::fingerprint::{Print, hex};

use super::archive::{self, Archive, Sums};
use super::no_files;

/// Path of content that is replaced as a whole.
pub const WHOLE: &str = "content";
/// Maximum bytes of all files of an asset that are listed individually, or are the keys of a ConfigMap.
pub const MOST_BYTES: usize = 8 << 20;
/// A ConfigMap or Secret can't be larger.
const LARGEST_INPUT: usize = 1 << 20;

/// Files by path.
type Files = BTreeMap<String, Vec<u8>>;

/// The desired content of an asset.
pub struct DesiredContent {
    form: Form,
    fingerprint: Print,
}

enum Form {
    Files(Files),
    Zip { bytes: Vec<u8>, archive: Archive },
    Source(String),
}

/// Reads ConfigMaps and Secrets.
pub async fn resolve(content: &Content, inputs: &Inputs<'_>, scope: &Scope) -> Result<DesiredContent, Error> {
    let form = match content {
        Content::Files(files) => {
            let (mut read, mut total) = (Files::new(), 0);
            for (index, file) in files.0.iter().enumerate() {
                let field = format!("spec.content.files[{index}]");
                let content = source(&file.source, inputs, &field).await?;
                total += content.len();
                if total > MOST_BYTES {
                    return Err(Error::wait(
                        Reason::InputInvalid,
                        format!(
                            "{field}: the files have more than {MOST_BYTES} bytes in total; make them smaller"
                        ),
                    ));
                }
                read.insert(file.path.to_string(), content);
            }
            Form::Files(read)
        }
        Content::ConfigMapRef(map) => {
            let field = "spec.content.configMapRef";
            let files = inputs.config_files(&map.name, field).await?;
            if files.is_empty() && !inputs.is_deleting() {
                return Err(no_files(field));
            }
            Form::Files(files)
        }
        Content::Zip(_) if inputs.is_deleting() => {
            Form::Zip { bytes: Vec::new(), archive: Archive::default() }
        }
        Content::Zip(zip) => {
            let field = "spec.content.zip";
            let bytes = match zip {
                Zip::ConfigMapKeyRef(reference) => inputs.bytes(Source::ConfigMap, reference, field).await?,
                Zip::SecretKeyRef(reference) => inputs.bytes(Source::Secret, reference, field).await?,
            };
            let (bytes, archive) = archive(bytes).await;
            let archive = archive.map_err(|problem| {
                Error::wait(Reason::InputInvalid, format!("{field}: the archive can't be used: {problem}"))
            })?;
            if archive.files.is_empty() {
                return Err(no_files(field));
            }
            Form::Zip { bytes, archive }
        }
        Content::SourceUrl(url) => Form::Source(url.to_string()),
    };
    let fingerprint = scope.fingerprints.of(&form.digest());
    Ok(DesiredContent { form, fingerprint })
}

async fn source(source: &FileSource, inputs: &Inputs<'_>, field: &str) -> Result<Vec<u8>, Error> {
    match source {
        FileSource::Text(text) => Ok(text.as_bytes().to_vec()),
        FileSource::Base64(text) => STANDARD.decode(text.as_bytes()).map_err(|error| {
            Error::terminal(Reason::Invalid, format!("{field}.base64: not valid base64: {error}"))
        }),
        FileSource::ConfigMapKeyRef(reference) => inputs.bytes(Source::ConfigMap, reference, field).await,
        FileSource::SecretKeyRef(reference) => inputs.bytes(Source::Secret, reference, field).await,
    }
}

/// An archive, and its bytes. It is read where computing doesn't block other tasks.
async fn archive(bytes: Vec<u8>) -> (Vec<u8>, Result<Archive, archive::Error>) {
    let read = tokio::task::spawn_blocking(move || {
        let archive = archive::read(&bytes);
        (bytes, archive)
    });
    let gone = |error: tokio::task::JoinError| (Vec::new(), Err(archive::Error::Broken(error.to_string())));
    read.await.unwrap_or_else(gone)
}

/// Maximum bytes that a pass over this content may hold at a time, in addition to the object itself.
pub fn most_bytes(content: &Content) -> usize {
    let of_file = |file: &FileSource| match file {
        FileSource::Text(text) => text.len(),
        FileSource::Base64(text) => text.len(),
        FileSource::ConfigMapKeyRef(_) | FileSource::SecretKeyRef(_) => LARGEST_INPUT,
    };
    match content {
        Content::Files(files) => {
            files.0.iter().map(|file| of_file(&file.source)).sum::<usize>().min(MOST_BYTES)
        }
        Content::ConfigMapRef(_) => LARGEST_INPUT,
        // Plus the request that sends it, in base64.
        Content::Zip(_) => 4 * LARGEST_INPUT,
        Content::SourceUrl(_) => 0,
    }
}

/// Reads the files that AWS has.
pub async fn read(scope: &Scope, id: &str) -> Result<Sums, Error> {
    let request = GetAssetContent {
        agent_space_id: scope.space_id.clone(),
        asset_id: id.to_owned(),
        ..GetAssetContent::default()
    };
    let doing = || format!("reading the content of the asset {id}");
    let _room = scope.memory.content(&scope.identity.namespace).await;
    let answer = scope.aws.call(&request).await.doing(doing)?;
    let unexpected = |message: String| Error::Unexpected { doing: doing(), message };
    let text = answer.content.zip_file;
    let bytes = STANDARD.decode(&text).map_err(|error| unexpected(error.to_string()))?;
    drop(text);
    let (_, archive) = archive(bytes).await;
    Ok(archive.map_err(|error| unexpected(error.to_string()))?.files)
}

impl Form {
    fn digest(&self) -> Value {
        match self {
            Self::Files(files) => digest(files.iter().map(|(path, file)| (path, archive::sum(file)))),
            Self::Zip { archive, .. } => digest(archive.files.iter().map(|(path, sum)| (path, *sum))),
            Self::Source(url) => url.as_str().into(),
        }
    }
}

fn digest<'a>(files: impl Iterator<Item = (&'a String, archive::Sum)>) -> Value {
    files.map(|(path, sum)| (path.clone(), Value::from(hex(&sum)))).collect()
}

impl DesiredContent {
    /// Fingerprint of it.
    pub fn fingerprint(&self) -> &Print {
        &self.fingerprint
    }

    /// Whether AWS fetches it by itself, so that it can't be compared.
    pub fn is_fetched(&self) -> bool {
        matches!(self.form, Form::Source(_))
    }

    /// Name of the skill in the front matter of an archive's `SKILL.md`.
    pub fn skill_name(&self) -> Option<String> {
        let Form::Zip { archive, .. } = &self.form else { return None };
        skill_name(archive.skill.as_deref()?)
    }

    /// The address that AWS fetches it from.
    pub fn source_url(&self) -> Option<&str> {
        let Form::Source(url) = &self.form else { return None };
        Some(url)
    }

    /// The content to create the asset with: the first file, if there are several; the others follow.
    pub fn first(&self) -> Result<Value, Error> {
        match &self.form {
            Form::Files(files) => {
                let main = files.get_key_value("SKILL.md").or_else(|| files.iter().next());
                let (path, content) = main.ok_or_else(|| no_files("spec.content"))?;
                Ok(json!({ "file": { "path": path, "body": body(content) } }))
            }
            whole => Ok(whole.whole()),
        }
    }

    /// Whether a create sends all of it.
    pub fn is_sent_at_once(&self) -> bool {
        match &self.form {
            Form::Files(files) => files.len() == 1,
            Form::Zip { .. } | Form::Source(_) => true,
        }
    }

    /// The files that an asset with this content has; unknown for what AWS fetches by itself.
    pub fn sums(&self) -> Option<Sums> {
        match &self.form {
            Form::Files(files) => {
                Some(files.iter().map(|(path, file)| (path.clone(), archive::sum(file))).collect())
            }
            Form::Zip { archive, .. } => Some(archive.files.clone()),
            Form::Source(_) => None,
        }
    }

    /// Where the files of the asset differ.
    pub fn compare(&self, observed: &Sums) -> Vec<Change> {
        match &self.form {
            Form::Source(_) => Vec::new(),
            Form::Zip { archive, .. } if archive.files == *observed => Vec::new(),
            Form::Zip { .. } => vec![Change::hidden(WHOLE)],
            Form::Files(files) => {
                let missing = |path: &String| Change::new(file_path(path), None, Some("a file".into()));
                let left_over = |path: &String| Change::new(file_path(path), Some("a file".into()), None);
                let wanted = files.iter().filter_map(|(path, content)| match observed.get(path) {
                    None => Some(missing(path)),
                    Some(found) if *found != archive::sum(content) => Some(Change::hidden(file_path(path))),
                    Some(_) => None,
                });
                // New files are added before old ones are removed: an asset must not be without any.
                let superfluous = observed.keys().filter(|path| !files.contains_key(*path)).map(left_over);
                wanted.chain(superfluous).collect()
            }
        }
    }

    /// Corrects the first difference with one call.
    pub async fn correct(&self, scope: &Scope, id: &str, drift: &Drift) -> Result<Vec<String>, Error> {
        let Some(change) = drift.under("content").next() else { return Ok(Vec::new()) };
        let done = Ok(vec![change.path.clone()]);
        let Form::Files(files) = &self.form else {
            let request = UpdateAsset {
                agent_space_id: scope.space_id.clone(),
                asset_id: id.to_owned(),
                content: Some(self.form.whole()),
                ..UpdateAsset::default()
            };
            scope.aws.call(&request).await.doing(|| format!("updating the content of the asset {id}"))?;
            return done;
        };
        let path = change.path.trim_start_matches("content[").trim_end_matches(']').to_owned();
        let (space, asset) = (scope.space_id.clone(), id.to_owned());
        let doing = |verb: &str| format!("{verb} the file {path} of the asset {id}");
        match files.get(&path) {
            None => {
                let request = DeleteAssetFile { agent_space_id: space, asset_id: asset, path: path.clone() };
                not_found_is_none(scope.aws.call(&request).await, || doing("deleting"))?;
            }
            Some(content) if change.sensitive => {
                let request = UpdateAssetFile {
                    agent_space_id: space,
                    asset_id: asset,
                    path: path.clone(),
                    content: Some(body(content)),
                    ..UpdateAssetFile::default()
                };
                scope.aws.call(&request).await.doing(|| doing("updating"))?;
            }
            Some(content) => {
                let request = CreateAssetFile {
                    agent_space_id: space,
                    asset_id: asset,
                    path: path.clone(),
                    content: body(content),
                    ..CreateAssetFile::default()
                };
                scope.aws.call(&request).await.doing(|| doing("adding"))?;
            }
        }
        done
    }
}

impl Form {
    /// The content as a whole, for the forms that are sent as a whole.
    fn whole(&self) -> Value {
        match self {
            Self::Zip { bytes, .. } => json!({ "zip": { "zipFile": STANDARD.encode(bytes) } }),
            Self::Source(url) => json!({ "sourceUrl": { "url": url } }),
            Self::Files(_) => Value::Null,
        }
    }
}

/// The name in the front matter of a `SKILL.md`.
fn skill_name(text: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct FrontMatter {
        name: Option<String>,
    }
    let found: FrontMatter = serde_saphyr::from_str(front_matter(text)?).ok()?;
    found.name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty())
}

/// The front matter of a text: what is between its first line and the next one that begin with `---`.
pub fn front_matter(text: &str) -> Option<&str> {
    let block = text.trim_start_matches('\u{feff}').strip_prefix("---")?;
    block.split_once("\n---").map(|(block, _)| block)
}

fn file_path(path: &str) -> String {
    format!("content[{path}]")
}

/// Text if it is text, so that the console can show it.
fn body(content: &[u8]) -> Value {
    match std::str::from_utf8(content) {
        Ok(text) => json!({ "text": text }),
        Err(_) => json!({ "bytes": STANDARD.encode(content) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::state::fingerprint::{Fingerprinter, ObjectFingerprints};
    use crate::reconcile::state::ownership::Identity;

    fn fingerprints() -> ObjectFingerprints {
        let identity = Identity::sample("Asset");
        Fingerprinter::new("k", vec![7; 32]).for_object(&identity)
    }

    fn content(files: &[(&str, &str)]) -> DesiredContent {
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect();
        DesiredContent { form: Form::Files(files), fingerprint: fingerprints().of(&Value::Null) }
    }

    fn observed(files: &[(&str, &str)]) -> Sums {
        files.iter().map(|(path, text)| ((*path).to_owned(), archive::sum(text.as_bytes()))).collect()
    }

    #[test]
    fn new_files_come_before_old_ones_go() {
        let drift = Drift(
            content(&[("b.md", "new"), ("c.md", "x")]).compare(&observed(&[("a.md", "old"), ("c.md", "y")])),
        );
        assert_eq!(drift.paths(), ["content[b.md]", "content[c.md]", "content[a.md]"]);
    }

    #[test]
    fn front_matter_is_yaml() {
        for (front_matter, name) in [
            ("name: pay", Some("pay")),
            ("name: pay # the name", Some("pay")),
            ("description: |\n  name: not this\nname: 'pay'", Some("pay")),
            ("name: >-\n  pay", Some("pay")),
            ("{name: pay, description: x}", Some("pay")),
            ("\"name\": \"p\\u0061y\"\r", Some("pay")),
            ("tags: [a, b]\nname: pay\nmetadata:\n  name: other", Some("pay")),
            ("name: ''", None),
            ("name: [pay]", None),
            ("description: x", None),
        ] {
            let text = format!("---\n{front_matter}\n---\n# Title\nname: none of this\n");
            assert_eq!(skill_name(&text).as_deref(), name, "{front_matter}");
        }
        assert_eq!(skill_name("---\r\nname: pay\r\n---\r\n").as_deref(), Some("pay"));
        assert_eq!(skill_name("\u{feff}---\nname: pay\n---\n").as_deref(), Some("pay"));
        assert_eq!(skill_name("no front matter"), None);
    }

    #[test]
    fn bytes_that_are_no_text_travel_as_base64() {
        assert_eq!(body(b"plain"), json!({ "text": "plain" }));
        assert_eq!(body(&[0xff, 0x00]), json!({ "bytes": "/wA=" }));
    }
}
