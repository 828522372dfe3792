//! `validate`: what the API server and the operator would refuse, found in files, without either.

mod allowed;
mod arns;
mod clashes;
mod finding;
mod junit;
mod links;
pub(in crate::ctl) mod pattern;
mod report;
mod rules;
mod sarif;
mod skill;
mod structural;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::Value;

use crate::kinds;

use super::Error;
use super::exit::Exit;
use super::manifests::{Files, GROUP, Manifest, Manifests};
use super::output::{self, Paint};

use self::allowed::Owners;
use self::arns::Arns;
pub use self::finding::{Check, Finding, Level};
use self::links::Targets;
use self::pattern::Patterns;
pub use self::report::{Format, Report, Summary};
use self::rules::Rules;
pub use self::structural::Problem;
use self::structural::Structure;

/// Arguments of `validate`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    files: Files,

    /// Nothing but these files will be applied: a reference to an object that isn't among them is an error. Without
    /// this, it is a warning, since the object may be in the cluster.
    #[arg(long)]
    complete: bool,

    /// How to print what was found.
    #[arg(short, long, value_enum, default_value_t = report::Format::Text)]
    output: report::Format,
}

/// Checks the files and prints what was found.
pub fn run(arguments: &Arguments, no_color: bool) -> Result<Exit, Error> {
    let manifests = arguments.files.read()?;
    let report = Validator::new()?.report(&manifests, arguments.complete);
    output::print(&report.rendered(arguments.output, Paint::on_stdout(no_color))?)?;
    Ok(if report.summary.errors == 0 { Exit::Done } else { Exit::Invalid })
}

/// What a CRD says of its kind.
struct Definition {
    schema: Value,
    namespaced: bool,
    versions: BTreeSet<String>,
}

/// The schemas of all kinds, ready to be used.
pub struct Validator {
    definitions: BTreeMap<String, Definition>,
    patterns: Patterns,
    rules: Rules,
    arns: Arns,
}

impl Validator {
    /// Reads the CRDs that the program itself has.
    pub fn new() -> Result<Self, Error> {
        let definitions: BTreeMap<String, Definition> =
            kinds::crds().map_err(Error::Schema)?.iter().filter_map(Definition::of).collect();
        let arns = Arns::of(definitions.get("AgentSpace").map_or(&Value::Null, |space| &space.schema));
        let rules = Rules::new().map_err(Error::Rules)?;
        Ok(Self { definitions, patterns: Patterns::default(), rules, arns })
    }

    /// Everything that is wrong with the files.
    pub fn report(&self, manifests: &Manifests, complete: bool) -> Report {
        let mut findings: Vec<Finding> = Vec::new();
        for unusable in &manifests.unusable {
            let finding = Finding::at(&unusable.file, unusable.at, Check::Yaml, unusable.message.clone());
            findings.push(if unusable.harmless { finding.warning() } else { finding });
        }
        for (path, text) in &manifests.skills {
            findings.extend(skill::in_folder(path, text));
        }
        let scoped = self.definitions.iter().filter(|(_, definition)| !definition.namespaced);
        let scoped = scoped.map(|(kind, _)| kind.clone()).collect();
        let targets = Targets::new(&manifests.objects, &scoped, complete);
        let owners = Owners::new(&manifests.objects, &scoped);
        let mut sound = Vec::new();
        for object in manifests.objects.iter().filter(|object| object.is_ours()) {
            match self.judged(object) {
                Ok(value) => sound.push((object, value)),
                Err(wrong) => findings.extend(wrong),
            }
            findings.extend(targets.check(object));
            findings.extend(owners.check(object));
            findings.extend(skill::in_asset(object, &targets));
            // A field that the schema has refused needn't be refused twice.
            let known: BTreeSet<_> =
                findings.iter().map(|finding| (finding.line, finding.field.clone())).collect();
            let arns = self.arns.check(object, &self.patterns).into_iter();
            findings.extend(arns.filter(|arn| !known.contains(&(arn.line, arn.field.clone()))));
        }
        findings.extend(clashes::duplicates(&manifests.objects));
        findings.extend(clashes::clashes(&sound));
        Report::new(manifests, findings)
    }

    /// The object as the API server would keep it; `None` if it isn't one of ours, or would be refused.
    pub(in crate::ctl) fn kept(&self, object: &Manifest) -> Option<Value> {
        object.is_ours().then(|| self.judged(object).ok()).flatten()
    }

    /// The object as the API server would keep it, or what is wrong with it.
    fn judged(&self, object: &Manifest) -> Result<Value, Vec<Finding>> {
        let refuse = |field: &str, message| Err(vec![Finding::of(object, Check::Kind, field, message)]);
        let Some(definition) = self.definitions.get(&object.kind) else {
            let known = self.definitions.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            return refuse("kind", format!("{GROUP} has no kind {}; its kinds are {known}", object.kind));
        };
        let version = object.api_version.split_once('/').map_or("", |(_, version)| version);
        if !definition.versions.contains(version) {
            let known = definition.versions.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            return refuse("apiVersion", format!("{GROUP} has no version {version}; it has {known}"));
        }
        let mut value = object.document.value.clone();
        let problems = self.problems(&object.kind, &mut value);
        if problems.is_empty() {
            return Ok(value);
        }
        let finding = |problem: Problem| Finding::of(object, problem.check, &problem.field, problem.message);
        Err(problems.into_iter().map(finding).collect())
    }

    /// The patterns that were compiled so far.
    pub(in crate::ctl) fn patterns(&self) -> &Patterns {
        &self.patterns
    }

    /// The schema of a kind's spec.
    pub fn schema_of_spec(&self, kind: &str) -> Option<&Value> {
        self.definitions.get(kind)?.schema.pointer("/properties/spec")
    }

    /// What the API server would refuse in an object of `kind`, which becomes what it would keep.
    pub fn problems(&self, kind: &str, value: &mut Value) -> Vec<Problem> {
        let Some(Definition { schema, namespaced, .. }) = self.definitions.get(kind) else {
            return Vec::new();
        };
        // Metadata isn't in the schema, and has rules of its own.
        let mut problems = metadata_problems(&value["metadata"], *namespaced);
        let mut schema = schema.clone();
        for member in ["apiVersion", "kind"] {
            schema["properties"][member] = serde_json::json!({"type": "string"});
        }
        schema["properties"]["metadata"] =
            serde_json::json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
        structural::prepare(&schema, value, "", &mut problems);
        problems.extend(Structure::check(&self.patterns, &schema, value));
        if !problems.iter().any(|problem| problem.blocking) {
            problems.extend(self.rules.check(&schema, value));
        }
        problems
    }
}

impl Definition {
    fn of(crd: &Value) -> Option<(String, Self)> {
        let spec = &crd["spec"];
        let versions = spec["versions"].as_array()?;
        let names = versions.iter().filter_map(|version| version["name"].as_str().map(str::to_owned));
        let definition = Self {
            schema: versions.first()?["schema"]["openAPIV3Schema"].clone(),
            namespaced: spec["scope"] == "Namespaced",
            versions: names.collect(),
        };
        Some((spec["names"]["kind"].as_str()?.to_owned(), definition))
    }
}

/// What the API server refuses in metadata.
fn metadata_problems(metadata: &Value, namespaced: bool) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut add = |field: &str, check, message: String| {
        problems.push(Problem { field: format!("metadata{field}"), message, check, blocking: true });
    };
    if let Err(error) = serde_json::from_value::<ObjectMeta>(metadata.clone()) {
        add("", Check::Schema, format!("can't be read: {error}"));
    }
    let known = ["annotations", "creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp"]
        .into_iter()
        .chain(["finalizers", "generateName", "generation", "labels", "managedFields", "name", "namespace"])
        .chain(["ownerReferences", "resourceVersion", "selfLink", "uid"])
        .collect::<BTreeSet<&str>>();
    for name in metadata.as_object().into_iter().flat_map(|members| members.keys()) {
        if !known.contains(name.as_str()) {
            add(&format!(".{name}"), Check::UnknownField, "unknown field".to_owned());
        }
    }
    let text = |member: &str| metadata[member].as_str().unwrap_or_default();
    let (name, generated) = (text("name"), text("generateName"));
    if name.is_empty() && generated.is_empty() {
        add(".name", Check::Schema, "Required value: name or generateName is required".to_owned());
    } else if !name.is_empty() && !is_subdomain(name) {
        let rule = "must be lowercase letters, digits, '-' and '.', and begin and end with a letter or digit";
        add(".name", Check::Schema, format!("{name:?} {rule}"));
    }
    if !namespaced && !text("namespace").is_empty() {
        add(".namespace", Check::Schema, "objects of this kind have no namespace".to_owned());
    }
    problems
}

/// Whether it is a lowercase RFC 1123 subdomain.
fn is_subdomain(name: &str) -> bool {
    let inside = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let part = |part: &str| {
        !part.is_empty() && part.chars().all(inside) && !part.starts_with('-') && !part.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(part)
}
