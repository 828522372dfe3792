//! Skills by AWS's rules: a folder with a `SKILL.md`, whose front matter has the name of the folder and a description.

use std::path::Path;

use serde_json::Value;

use crate::ctl::manifests::Manifest;
use crate::ctl::manifests::located::Place;
use crate::kinds::asset::content::front_matter;

use super::finding::{Check, Finding};
use super::links::Targets;

/// Most characters of a name.
const LONGEST_NAME: usize = 64;
/// Most characters of a description.
const LONGEST_DESCRIPTION: usize = 1024;
/// The file that a skill begins with.
const MAIN: &str = "SKILL.md";

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

/// What is wrong with the `SKILL.md` of an Asset, as far as its text is among the files. Without front matter, the
/// metadata of the Asset has name and description.
pub fn in_asset(object: &Manifest, targets: &Targets<'_>) -> Vec<Finding> {
    let spec = object.spec();
    if object.kind != "Asset" || spec["assetType"] != "skill" {
        return Vec::new();
    }
    let Some((field, text)) = main_file(object, targets) else { return Vec::new() };
    let Some(block) = front_matter(&text) else { return Vec::new() };
    let name = spec["metadata"]["name"].as_str();
    let wrong = problems(block, name.map(|name| ("metadata.name", name)));
    wrong.into_iter().map(|message| Finding::of(object, Check::Skill, &field, message)).collect()
}

/// The text of the `SKILL.md`, and the field that it is in.
fn main_file(object: &Manifest, targets: &Targets<'_>) -> Option<(String, String)> {
    let content = &object.spec()["content"];
    let config = |reference: &Value, key: &str| {
        targets.config_text(&object.namespace, reference["name"].as_str()?, key)
    };
    if content["configMapRef"].is_object() {
        return Some(("spec.content.configMapRef".to_owned(), config(&content["configMapRef"], MAIN)?));
    }
    let files = content["files"].as_array()?;
    let (index, file) = files.iter().enumerate().find(|(_, file)| file["path"] == MAIN)?;
    let field = format!("spec.content.files[{index}]");
    let reference = &file["configMapKeyRef"];
    let text = match file["text"].as_str() {
        Some(text) => text.to_owned(),
        None => config(reference, reference["key"].as_str()?)?,
    };
    Some((field, text))
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
