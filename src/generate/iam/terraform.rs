//! The same policies for Terraform.

use std::fmt::Write;

use serde_json::Value;

use super::features::{CLUSTER, named};
use super::names;
use super::policy::{ACCOUNT, Statement, conditions, one_or_many, statements};

const HEAD: &str = r#"# The IAM policies of devops-agent-operator. Generated: change src/generate/iam/ instead, and run `cargo xtask generate`.
#
#   policies  which of them the operator's role gets. ["all"] is everything but the optional ones.
#   trust     who may assume the role: EKS Pod Identity (the default), or an OIDC provider (IRSA).

variable "account_id" {
  description = "AWS account of the agent spaces."
  type        = string
}

variable "cluster_id" {
  description = "Id of the cluster in owner tags, for the policy owner-tags: the chart's clusterId, else the UID of kube-system."
  type        = string
  default     = ""
}

variable "policies" {
  description = "Names of the policies of the role: keys of local.policies."
  type        = list(string)
  default     = ["all"]
}

variable "role_name" {
  description = "Name of the operator's role."
  type        = string
  default     = "devops-agent-operator"
}

variable "trust_policy" {
  description = "Trust policy of the role as JSON; null trusts EKS Pod Identity."
  type        = string
  default     = null
}

data "aws_iam_policy_document" "pod_identity" {
  statement {
    actions = ["sts:AssumeRole", "sts:TagSession"]
    principals {
      type        = "Service"
      identifiers = ["pods.eks.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "operator" {
  source_policy_documents = [for name in var.policies : local.policies[name]]
}

resource "aws_iam_role" "operator" {
  name               = var.role_name
  assume_role_policy = coalesce(var.trust_policy, data.aws_iam_policy_document.pod_identity.json)
}

resource "aws_iam_role_policy" "operator" {
  name   = "devops-agent-operator"
  role   = aws_iam_role.operator.id
  policy = data.aws_iam_policy_document.operator.json
}

output "role_arn" {
  value = aws_iam_role.operator.arn
}

locals {
  policies = {
"#;

/// `docs/iam/main.tf`: a role with the requested policies.
pub fn terraform() -> String {
    let mut text = HEAD.to_owned();
    for name in names() {
        let Ok(parts) = named(name) else { continue };
        let _ = writeln!(
            text,
            "    {name:?} = jsonencode({{\n      Version = \"2012-10-17\"\n      Statement = ["
        );
        for statement in statements(&parts) {
            write_statement(&mut text, name, &statement);
        }
        text.push_str("      ]\n    })\n");
    }
    text.push_str("  }\n}\n");
    text
}

/// The id gets the policy's name: merged documents must not have duplicate ids.
fn write_statement(text: &mut String, policy: &str, statement: &Statement) {
    let sid: String = policy.split('-').map(capital).chain([statement.sid.to_owned()]).collect();
    let effect = statement.effect;
    let _ = writeln!(
        text,
        "        {{\n          Sid    = \"{sid}\"\n          Effect = \"{effect:?}\"\n          Action = ["
    );
    for action in &statement.actions {
        let _ = writeln!(text, "            \"{action}\",");
    }
    let resources = one_or_many(&statement.resources);
    let _ = writeln!(text, "          ]\n          Resource = {}", with_variables(&resources));
    let conditions = conditions(statement.conditions);
    if !conditions.is_empty() {
        text.push_str("          Condition = {\n");
        for (operator, keys) in conditions {
            for (key, values) in keys.as_object().into_iter().flatten() {
                let values = with_variables(values);
                let _ = writeln!(text, "            {operator} = {{ \"{key}\" = {values} }}");
            }
        }
        text.push_str("          }\n");
    }
    text.push_str("        },\n");
}

/// A value in Terraform's syntax, with its variables in place of the examples.
fn with_variables(value: &Value) -> String {
    value.to_string().replace(ACCOUNT, "${var.account_id}").replace(CLUSTER, "${var.cluster_id}")
}

fn capital(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    first.to_uppercase() + rest
}
