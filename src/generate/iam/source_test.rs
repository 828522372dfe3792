//! Compares the features with the source: what a kind's files call is what its features allow, no more and no less.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::features::FEATURES;
use super::statement::AUTHORIZATION;

/// The files of `src/` that call operations, and the features that they are.
const CALLERS: &[(&[&str], &[&str])] = &[
    (&["kinds/aws_account.rs"], &["aws-account"]),
    (&["kinds/agent_space.rs", "kinds/agent_space/spaces.rs"], &["spaces"]),
    (&["kinds/agent_space/operator_app.rs"], &["operator-app"]),
    (&["kinds/service_registration.rs", "kinds/service_registration/"], &["registrations"]),
    (&["kinds/association.rs", "kinds/association/"], &["associations", "webhooks"]),
    (&["kinds/private_connection.rs", "kinds/private_connection/"], &["private-connections"]),
    (&["kinds/asset.rs", "kinds/asset/"], &["assets"]),
    (&["kinds/trigger.rs", "kinds/trigger/"], &["triggers"]),
];
/// Calls `TagResource` and `UntagResource` for the kinds that use it.
const TAGGING: &str = "reconcile/tagging.rs";
/// Reads the tags of a space, as the feature `spaces` allows, if a rule of an AWSAccount needs them.
const CLAIM: &str = "reconcile/claim.rs";
/// Tries whether operations are allowed: those of the features, or it would report what the operator doesn't need.
const DOCTOR: &str = "ctl/doctor/aws_side.rs";

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The code of a file: without comments, and without its tests.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let code = text.split("#[cfg(test)]").next().unwrap();
    code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The operations whose type the code names.
fn named_in(code: &str) -> BTreeSet<&'static str> {
    let words: BTreeSet<&str> = code.split(|letter: char| !letter.is_alphanumeric()).collect();
    AUTHORIZATION.iter().map(|(name, ..)| *name).filter(|name| words.contains(name)).collect()
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The files, and those in the folders.
fn found(paths: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in paths {
        if path.ends_with('/') {
            rust_files(&source().join(path), &mut found);
        } else {
            found.push(source().join(path));
        }
    }
    found
}

#[test]
fn a_feature_allows_what_its_source_calls_and_nothing_else() {
    for (files, features) in CALLERS {
        let code: String = found(files).iter().map(|file| code(file)).collect();
        let mut called = named_in(&code);
        if code.contains("tagging::correct") {
            called.extend(named_in(&self::code(&source().join(TAGGING))));
        }
        let allowed: BTreeSet<&str> = FEATURES
            .iter()
            .filter(|feature| features.contains(&feature.name))
            .flat_map(|feature| feature.operations.iter().copied())
            .collect();
        assert_eq!(called, allowed, "{files:?} and {features:?}");
    }
}

#[test]
fn doctor_tries_what_the_policies_allow() {
    let allowed: BTreeSet<&str> =
        FEATURES.iter().flat_map(|feature| feature.operations.iter().copied()).collect();
    let tried = named_in(&code(&source().join(DOCTOR)));
    assert!(!tried.is_empty() && tried.is_subset(&allowed), "{tried:?}");
}

#[test]
fn nothing_else_calls_an_operation() {
    let known: BTreeSet<PathBuf> =
        CALLERS.iter().flat_map(|(files, _)| found(files)).chain(found(&[TAGGING, CLAIM, DOCTOR])).collect();
    let mut files = Vec::new();
    rust_files(&source(), &mut files);
    for file in files {
        // The client itself and this table name operations without calling them.
        let names_only = ["aws", "generate/iam"].iter().any(|folder| file.starts_with(source().join(folder)));
        let is_test = file.ends_with("tests.rs");
        if !names_only && !is_test && !known.contains(&file) {
            let called = named_in(&code(&file));
            assert!(called.is_empty(), "{} calls {called:?}: say for which feature", file.display());
        }
    }
}

#[test]
fn every_operation_of_the_model_has_its_authorization() {
    let model: serde_json::Value =
        serde_json::from_str(include_str!("../../../simulator/model.json")).unwrap();
    let operations: BTreeSet<&str> =
        model["operations"].as_object().unwrap().keys().map(String::as_str).collect();
    let known: BTreeSet<&str> = AUTHORIZATION.iter().map(|(name, ..)| *name).collect();
    assert_eq!(known, operations);
}
