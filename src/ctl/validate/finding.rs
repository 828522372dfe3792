//! What `validate` finds.

use serde::Serialize;

use crate::ctl::manifests::Manifest;
use crate::ctl::manifests::located::Place;

/// What was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Check {
    /// The file is YAML, and holds objects.
    Yaml,
    /// The kind and its version exist.
    Kind,
    /// Fields are as the schema says.
    Schema,
    /// The schema has the field.
    UnknownField,
    /// A CEL rule of the schema holds.
    Rule,
    /// An object is there once.
    Duplicate,
    /// What is referred to is there.
    Reference,
    /// What is referred to in another namespace allows it.
    Consent,
    /// A key of a Secret or ConfigMap is there, and its value can be used.
    Key,
    /// No two objects describe the same resource in AWS.
    Clash,
    /// ARNs are well formed.
    Arn,
    /// Skills are as AWS wants them.
    Skill,
}

impl Check {
    /// Every check, with what it stands for.
    pub const TABLE: &[(Self, &str, &str)] = &[
        (Self::Yaml, "yaml", "The file is YAML, and its documents are Kubernetes objects."),
        (Self::Kind, "kind", "The group devopsagent.dev has the kind, in this version."),
        (
            Self::Schema,
            "schema",
            "Every field has the type, pattern, length and values that the CRD demands.",
        ),
        (Self::UnknownField, "unknown-field", "The CRD has every field that is set."),
        (Self::Rule, "rule", "The CRD's CEL rules hold."),
        (Self::Duplicate, "duplicate", "No object is there twice."),
        (Self::Reference, "reference", "What is referred to is among the files."),
        (Self::Consent, "consent", "What is referred to from another namespace allows that."),
        (Self::Key, "key", "A Secret or ConfigMap among the files has the key, and its value can be used."),
        (Self::Clash, "clash", "No two objects describe the same resource in AWS."),
        (Self::Arn, "arn", "ARNs of roles and keys are well formed, wherever they are."),
        (Self::Skill, "skill", "Skills follow AWS's rules for SKILL.md."),
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::TABLE.iter().find(|(check, ..)| *check == self).map_or("", |(_, name, _)| name)
    }
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// It won't work.
    Error,
    /// It may work.
    Warning,
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: u64,
    /// The column, from 1.
    pub column: u64,
    /// How bad it is.
    pub level: Level,
    /// Which check found it.
    pub check: Check,
    /// The object, as `KIND NAME`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// The field, as the API server names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What is wrong, and what to do.
    pub message: String,
}

impl Finding {
    /// A mistake in a field of an object.
    pub fn of(manifest: &Manifest, check: Check, field: &str, message: impl Into<String>) -> Self {
        Self {
            object: Some(manifest.shown()),
            field: Some(field.to_owned()).filter(|field| !field.is_empty()),
            ..Self::at(&manifest.file, manifest.document.place(field), check, message)
        }
    }

    /// A mistake at a place of a file.
    pub fn at(file: &str, place: Place, check: Check, message: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line: place.line,
            column: place.column,
            level: Level::Error,
            check,
            object: None,
            field: None,
            message: message.into(),
        }
    }

    /// The same as a warning.
    #[must_use]
    pub fn warning(self) -> Self {
        Self { level: Level::Warning, ..self }
    }

    /// What is wrong, with the object and the field that it is about.
    pub fn sentence(&self) -> String {
        let about = [self.object.as_deref(), self.field.as_deref()].into_iter().flatten();
        about.chain([self.message.as_str()]).collect::<Vec<_>>().join(": ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_are_named_in_the_table_as_in_json() {
        for (check, name, _) in Check::TABLE {
            assert_eq!(serde_json::to_value(check).unwrap(), *name);
            assert_eq!(check.name(), *name);
        }
    }
}
