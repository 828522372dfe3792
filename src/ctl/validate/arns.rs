//! ARNs of roles and keys: also in documents of the API, for which the CRDs have no pattern.

use serde_json::Value;

use crate::ctl::manifests::Manifest;
use crate::reconcile::inputs::named::{self, Named};

use super::finding::{Check, Finding};
use super::pattern::Patterns;

/// The patterns of both, as the CRDs have them.
pub struct Arns {
    role: String,
    key: String,
}

impl Arns {
    /// Reads the patterns from the schema of an AgentSpace, which has both.
    pub fn of(space: &Value) -> Self {
        let pattern = |pointer: &str| {
            let pattern = space.pointer(&format!("/properties/spec/properties/{pointer}/pattern"));
            pattern.and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        Self { role: pattern("operatorApp/properties/iam/properties/roleArn"), key: pattern("kmsKeyArn") }
    }

    /// The ARNs of an object that are none.
    pub fn check(&self, object: &Manifest, patterns: &Patterns) -> Vec<Finding> {
        let mut findings = Vec::new();
        let role = "arn:aws:iam::ACCOUNT:role/NAME";
        let key = "arn:aws:kms:REGION:ACCOUNT:key/ID";
        for (named, pattern, what, form) in
            [(Named::Role, &self.role, "role", role), (Named::KmsKey, &self.key, "KMS key", key)]
        {
            for found in named::of(&object.kind, object.spec(), named) {
                if !patterns.matches(pattern, found.value) {
                    let message = format!("isn't the ARN of a {what}, which is {form}: {}", found.value);
                    findings.push(Finding::of(object, Check::Arn, &in_brackets(&found.field), message));
                }
            }
        }
        findings
    }
}

/// A path with its numbers as indexes: `action.steps.0.as` as `action.steps[0].as`.
fn in_brackets(path: &str) -> String {
    let mut steps = path.split('.');
    let first = steps.next().unwrap_or_default().to_owned();
    steps.fold(first, |path, step| match step.parse::<usize>() {
        Ok(index) => format!("{path}[{index}]"),
        Err(_) => format!("{path}.{step}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_patterns_are_in_the_schema() {
        let crds = crate::kinds::crds().unwrap();
        let space = crds.iter().find(|crd| crd["spec"]["names"]["kind"] == "AgentSpace").unwrap();
        let arns = Arns::of(&space["spec"]["versions"][0]["schema"]["openAPIV3Schema"]);
        assert!(arns.role.contains(":iam::") && arns.key.contains(":kms:"));
        assert_eq!(in_brackets("spec.action.steps.0.as"), "spec.action.steps[0].as");
    }
}
