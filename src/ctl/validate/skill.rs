//! Skills by AWS's rules: a folder with a `SKILL.md`, whose front matter has the name of the folder and a description.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::ctl::manifests::Manifest;
use crate::ctl::manifests::located::Place;
use crate::kinds::asset::archive;
use crate::kinds::asset::content::front_matter;

use super::finding::{Check, Finding};
use super::links::Targets;

/// Most characters of a name.
const LONGEST_NAME: usize = 64;
/// Most characters of a description.
const LONGEST_DESCRIPTION: usize = 1024;
/// The file that a skill begins with.
const MAIN: &str = "SKILL.md";
/// The field of an archive.
const ZIP: &str = "spec.content.zip";

/// What is wrong with a `SKILL.md` that lies in a folder.
pub fn in_folder(path: &Path, text: &str) -> Vec<Finding> {
    let folder = path.parent().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    let wrong = match front_matter(text) {
        Some(block) => problems(block, folder.as_deref().map(|name| ("the folder", name))),
        None => vec!["begins with no front matter: name and description between two lines of ---".to_owned()],
    };
    let file = path.display().to_string();
    wrong.into_iter().map(|message| Finding::at(&file, Place::START, Check::Skill, message)).collect()
}

/// What is wrong with the `SKILL.md` of an Asset, as far as its content is among the files. Without front matter, the
/// metadata of the Asset has name and description.
pub fn in_asset(object: &Manifest, targets: &Targets<'_>) -> Vec<Finding> {
    let spec = object.spec();
    if object.kind != "Asset" {
        return Vec::new();
    }
    let finding = |field: &str, message| Finding::of(object, Check::Skill, field, message);
    let (field, text) = match main_file(object, targets) {
        Ok(Some(found)) => found,
        Ok(None) => return Vec::new(),
        Err(broken) => return vec![finding(ZIP, format!("the archive can't be used: {broken}"))],
    };
    let Some(block) = front_matter(&text).filter(|_| spec["assetType"] == "skill") else { return Vec::new() };
    let name = spec["metadata"]["name"].as_str();
    let wrong = problems(block, name.map(|name| ("metadata.name", name)));
    wrong.into_iter().map(|message| finding(&field, message)).collect()
}

/// The text of the `SKILL.md`, and the field that it is in.
fn main_file(object: &Manifest, targets: &Targets<'_>) -> Result<Option<(String, String)>, archive::Error> {
    let content = &object.spec()["content"];
    let input = |kind, reference: &Value, key: &str| {
        targets.bytes(kind, &object.namespace, reference["name"].as_str()?, key)
    };
    let referred = |source: &Value| {
        let key = |reference: &Value| reference["key"].as_str().map(str::to_owned);
        let of = |kind, field: &str| input(kind, &source[field], &key(&source[field])?);
        of("ConfigMap", "configMapKeyRef").or_else(|| of("Secret", "secretKeyRef"))
    };
    if let Some(bytes) = referred(&content["zip"]) {
        return Ok(archive::read(&bytes)?.skill.map(|text| (ZIP.to_owned(), text)));
    }
    if content["configMapRef"].is_object() {
        let file = input("ConfigMap", &content["configMapRef"], MAIN);
        return Ok(file
            .and_then(|file| Some(("spec.content.configMapRef".to_owned(), String::from_utf8(file).ok()?))));
    }
    let mut files = content["files"].as_array().into_iter().flatten().enumerate();
    let Some((index, file)) = files.find(|(_, file)| file["path"] == MAIN) else { return Ok(None) };
    let written = file["text"].as_str().map(|text| text.as_bytes().to_vec());
    let encoded = || STANDARD.decode(file["base64"].as_str()?).ok();
    let bytes = written.or_else(encoded).or_else(|| referred(file));
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    Ok(text.map(|text| (format!("spec.content.files[{index}]"), text)))
}

/// What is wrong with the front matter of a skill that something else calls `named`.
fn problems(block: &str, named: Option<(&str, &str)>) -> Vec<String> {
    let value: Value = match serde_saphyr::from_str(block) {
        Ok(value) => value,
        Err(error) => return vec![format!("its front matter isn't valid YAML: {error}")],
    };
    let mut wrong = Vec::new();
    let without = serde_saphyr::options! { budget: serde_saphyr::budget! { max_anchors: 0, max_aliases: 0 } };
    if serde_saphyr::from_str_with_options::<Value>(block, without).is_err() {
        wrong
            .push("its front matter has an anchor or an alias (& or *), which AWS doesn't accept".to_owned());
    }
    match value["name"].as_str() {
        None => wrong.push("its front matter has no name".to_owned()),
        Some(name) => {
            let length = name.chars().count();
            if length > LONGEST_NAME {
                wrong.push(format!("its name has {length} characters; AWS accepts at most {LONGEST_NAME}"));
            }
            if !is_name(name) {
                wrong.push(format!(
                    "its name {name:?} must be lowercase letters, digits, and single hyphens between them"
                ));
            }
            if let Some((what, wanted)) = named.filter(|(_, wanted)| *wanted != name) {
                wrong.push(format!("its name is {name:?}, and {what} says {wanted:?}: they must be equal"));
            }
        }
    }
    match value["description"].as_str().map(|text| text.trim().chars().count()) {
        None | Some(0) => wrong.push("its front matter has no description".to_owned()),
        Some(length) if length > LONGEST_DESCRIPTION => wrong.push(format!(
            "its description has {length} characters; AWS accepts at most {LONGEST_DESCRIPTION}"
        )),
        Some(_) => {}
    }
    wrong
}

fn is_name(name: &str) -> bool {
    let part =
        |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    name.split('-').all(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> String {
        let findings = in_folder(Path::new("skills/restart-checkout/SKILL.md"), text);
        findings.into_iter().map(|finding| finding.message).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn a_good_skill_has_its_folders_name_and_a_description() {
        assert_eq!(
            said("---\nname: restart-checkout\ndescription: When checkout hangs.\n---\n# Restart\n"),
            ""
        );
        assert_eq!(said("\u{feff}---\r\nname: restart-checkout\r\ndescription: x\r\n---\r\n"), "");
    }

    #[test]
    fn what_aws_refuses_is_found() {
        let long = "x".repeat(1025);
        for (text, words) in [
            ("# Restart\n".to_owned(), "no front matter"),
            ("---\nname: restart-checkout\n".to_owned(), "no front matter"),
            ("---\nname: other\ndescription: x\n---\n".to_owned(), "the folder says \"restart-checkout\""),
            ("---\nname: restart-checkout\n---\n".to_owned(), "no description"),
            (format!("---\nname: restart-checkout\ndescription: {long}\n---\n"), "1025 characters"),
            ("---\ndescription: x\n---\n".to_owned(), "has no name"),
            ("---\nname: &n restart-checkout\ndescription: x\n---\n".to_owned(), "an anchor"),
            ("---\nname: restart-checkout\ndescription: a: b\n---\n".to_owned(), "isn't valid YAML"),
        ] {
            assert!(said(&text).contains(words), "{text}: {}", said(&text));
        }
        let name = "a".repeat(65);
        let text = format!("---\nname: {name}\ndescription: x\n---\n");
        assert!(
            in_folder(Path::new(&format!("{name}/SKILL.md")), &text)[0].message.contains("65 characters")
        );
        assert!(!is_name("a--b") && !is_name("-a") && !is_name("A") && is_name("a-1"));
    }
}
