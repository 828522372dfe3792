# The IAM policies of devops-agent-operator. Generated: change src/generate/iam/ instead, and run `cargo xtask generate`.
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
    "all" = jsonencode({
      Version = "2012-10-17"
      Statement = [
        {
          Sid    = "AllFind"
          Effect = "Allow"
          Action = [
            "aidevops:ListAgentSpaces",
            "aidevops:ListPrivateConnections",
            "aidevops:ListServices",
          ]
          Resource = "*"
        },
        {
          Sid    = "AllAgentSpaces"
          Effect = "Allow"
          Action = [
            "aidevops:AssociateService",
            "aidevops:CreateAgentSpace",
            "aidevops:CreateAsset",
            "aidevops:CreateAssetFile",
            "aidevops:CreateTrigger",
            "aidevops:DeleteAgentSpace",
            "aidevops:DeleteAsset",
            "aidevops:DeleteAssetFile",
            "aidevops:DeleteTrigger",
            "aidevops:DisableOperatorApp",
            "aidevops:DisassociateService",
            "aidevops:EnableOperatorApp",
            "aidevops:GetAgentSpace",
            "aidevops:GetAsset",
            "aidevops:GetAssetContent",
            "aidevops:GetAssociation",
            "aidevops:GetOperatorApp",
            "aidevops:GetTrigger",
            "aidevops:ListAssets",
            "aidevops:ListAssociations",
            "aidevops:ListTriggers",
            "aidevops:ListWebhooks",
            "aidevops:TagResource",
            "aidevops:UntagResource",
            "aidevops:UpdateAgentSpace",
            "aidevops:UpdateAsset",
            "aidevops:UpdateAssetFile",
            "aidevops:UpdateAssociation",
            "aidevops:UpdateOperatorAppIdpConfig",
            "aidevops:UpdateTrigger",
            "aidevops:ValidateAwsAssociations",
          ]
          Resource = "arn:aws:aidevops:*:${var.account_id}:agentspace/*"
        },
        {
          Sid    = "AllServices"
          Effect = "Allow"
          Action = [
            "aidevops:DeregisterService",
            "aidevops:GetService",
            "aidevops:RegisterService",
            "aidevops:TagResource",
            "aidevops:UntagResource",
          ]
          Resource = "arn:aws:aidevops:*:${var.account_id}:service/*"
        },
        {
          Sid    = "AllPrivateConnections"
          Effect = "Allow"
          Action = [
            "aidevops:CreatePrivateConnection",
            "aidevops:DeletePrivateConnection",
            "aidevops:DescribePrivateConnection",
            "aidevops:TagResource",
            "aidevops:UntagResource",
            "aidevops:UpdatePrivateConnectionCertificate",
          ]
          Resource = "arn:aws:aidevops:*:${var.account_id}:private-connection/*"
        },
        {
          Sid    = "AllPassRolesToTheAgent"
          Effect = "Allow"
          Action = [
            "iam:PassRole",
          ]
          Resource = "arn:aws:iam::${var.account_id}:role/*"
          Condition = {
            StringEquals = { "iam:PassedToService" = "aidevops.amazonaws.com" }
          }
        },
        {
          Sid    = "AllPrivateNetworks"
          Effect = "Allow"
          Action = [
            "ec2:DescribeVpcs",
            "vpc-lattice:AssociateViaAWSService",
            "vpc-lattice:CreateServiceNetworkResourceAssociation",
            "vpc-lattice:GetResourceConfiguration",
          ]
          Resource = "*"
        },
        {
          Sid    = "AllServiceLinkedRoles"
          Effect = "Allow"
          Action = [
            "iam:CreateServiceLinkedRole",
          ]
          Resource = "arn:aws:iam::${var.account_id}:role/aws-service-role/*"
          Condition = {
            StringEquals = { "iam:AWSServiceName" = ["aidevops.amazonaws.com","vpc-lattice.amazonaws.com"] }
          }
        },
      ]
    })
    "observe" = jsonencode({
      Version = "2012-10-17"
      Statement = [
        {
          Sid    = "ObserveFind"
          Effect = "Allow"
          Action = [
            "aidevops:ListAgentSpaces",
            "aidevops:ListPrivateConnections",
            "aidevops:ListServices",
          ]
          Resource = "*"
        },
        {
          Sid    = "ObserveAgentSpaces"
          Effect = "Allow"
          Action = [
            "aidevops:GetAgentSpace",
            "aidevops:GetAsset",
            "aidevops:GetAssetContent",
            "aidevops:GetAssociation",
            "aidevops:GetOperatorApp",
            "aidevops:GetTrigger",
            "aidevops:ListAssets",
            "aidevops:ListAssociations",
            "aidevops:ListTriggers",
            "aidevops:ListWebhooks",
          ]
          Resource = "arn:aws:aidevops:*:${var.account_id}:agentspace/*"
        },
        {
          Sid    = "ObserveServices"
          Effect = "Allow"
          Action = [
            "aidevops:GetService",
          ]
          Resource = "arn:aws:aidevops:*:${var.account_id}:service/*"
        },
        {
          Sid    = "ObservePrivateConnections"
          Effect = "Allow"
          Action = [
            "aidevops:DescribePrivateConnection",
          ]
          Resource = "arn:aws:aidevops:*:${var.account_id}:private-connection/*"
        },
      ]
    })
    "aws-account" = jsonencode({
      Version = "2012-10-17"
      Statement = [
        {
          Sid    = "AwsAccountFind"
          Effect = "Allow"
          Action = [
            "aidevops:ListAgentSpaces",
          ]
          Resource = "*"
        },
      ]
    })
    "spaces" = jsonencode({
      Version = "2012-10-17"
      Statement = [
        {
          Sid    = "SpacesFind"
          Effect = "Allow"
          Action = [
            "aidevops:ListAgentSpaces",
          ]
          Resource = "*"
        },
        {
          Sid    = "SpacesAgentSpaces"
          Effect = "Allow"
          Action = [
            "aidevops:CreateAgentSpace",
            "aidevops:DeleteAgentSpace",
            "aidevops:GetAgentSpace",
            "aidevops:TagResource",
            "aidevops:UntagResource",
            "aidevops:UpdateAgentSpace",
          ]
          Resource = "arn:aws:aidevops:*:${var.account_id}:agentspace/*"
        },
      ]
    })
    "operator-app" = jsonencode({
      Version = "2012-10-17"
      Statement = [
        {
          Sid    = "OperatorAppAgentSpaces"
          Effect = "Allow"
          Action = [
            "aidevops:DisableOperatorApp",
            "aidevops:EnableOperatorApp",
            "aidevops:GetOperatorApp",
            "aidevops:UpdateOperatorAppIdpConfig",
          ]
          Resource = "arn:aws:aidevops:*:${var.account_id}:agentspace/*"
        },
        {
          Sid    = "OperatorAppPassRolesToTheAgent"
          Effect = "Allow"
          Action = [
            "iam:PassRole",
          ]
          Resource = "arn:aws:iam::${var.account_id}:role/*"
          Condition = {
            StringEquals = { "iam:PassedToService" = "aidevops.amazonaws.com" }
          }
        },
      ]
    })
    "identity-center" = jsonencode({
      Version = "2012-10-17"
      Statement = [
        {
          Sid    = "IdentityCenterIdentityCenterApplication"
          Effect = "Allow"
          Action = [
            "sso:CreateApplication",
            "sso:DeleteApplication",
            "sso:PutApplication*",
          ]
          Resource = "*"
        },
      ]
    })
    "registrations" = jsonencode({
      Version = "2012-10-17"
      Statement = [
        {
          Sid    = "RegistrationsFind"
          Effect = "Allow"
          Action = [
            "aidevops:ListServices",
          ]
          Resource = "*"
        },
        {
          Sid    = "RegistrationsServices"
          Effect = "Allow"
          Action = [
            "aidevops:DeregisterService",
            "aidevops:GetService",
            "aidevops:RegisterService",
            "aidevops:TagResource",
            "aidevops:UntagResource",
          ]
          Resource = "arn:aws:aidevops:*:${var.account_id}:service/*"
        },
        {
          Sid    = "RegistrationsPassRolesToTheAgent"
          Effect = "Allow"
          Action = [
            "iam:PassRole",
          ]
          Resource = "arn:aws:iam::${var.account_id}:role/*"
          Condition = {
            StringEquals = { "iam:PassedToService" = "aidevops.amazonaws.com" }
          }
        },
      ]
    })
    "associations" = jsonencode({
      Version = "2012-10-17"
      Statement = [
        {
          Sid    = "AssociationsAgentSpaces"
          Effect = "Allow"
          Action = [
            "aidevops:AssociateService",
            "aidevops:DisassociateService",
            "aidevops:GetAssociation",
            "aidevops:ListAssociations",
            "aidevops:UpdateAssociation",
            "aidevops:ValidateAwsAssociations",
          ]
          Resource = "arn:aws:aidevops:*:${var.account_id}:agentspace/*"
        },
        {
          Sid    = "AssociationsPassRolesToTheAgent"
          Effect = "Allow"
          Action = [
            "iam:PassRole",
          ]
          Resource = "arn:aws:iam::${var.account_id}:role/*"
          Condition = {
            StringEquals = { "iam:PassedToService" = "aidevops.amazonaws.com" }
          }
        },
      ]
    })
    "webhooks" = jsonencode({
      Version = "2012-10-17"
      Statement = [
        {
          Sid    = "WebhooksAgentSpaces"
          Effect = "Allow"
          Action = [
            "aidevops:ListWebhooks",
          ]
          Resource = "arn:aws:aidevops:*:${var.account_id}:agentspace/*"
        },
      ]
    })
    "private-connections" = jsonencode({
      Version = "2012-10-17"
      Statement = [
        {
          Sid    = "PrivateConnectionsFind"
          Effect = "Allow"
          Action = [
            "aidevops:ListPrivateConnections",
          ]
          Resource = "*"
        },
        {
          Sid    = "PrivateConnectionsPrivateConnections"
          Effect = "Allow"
          Action = [
            "aidevops:CreatePrivateConnection",
            "aidevops:DeletePrivateConnection",
            "aidevops:DescribePrivateConnection",
            "aidevops:TagResource",
            "aidevops:UntagResource",
            "aidevops:UpdatePrivateConnectionCertificate",
          ]
          Resource = "arn:aws:aidevops:*:${var.account_id}:private-connection/*"
        },
        {
          Sid    = "PrivateConnectionsPrivateNetworks"
          Effect = "Allow"
          Action = [
            "ec2:DescribeVpcs",
            "vpc-lattice:AssociateViaAWSService",
            "vpc-lattice:CreateServiceNetworkResourceAssociation",
            "vpc-lattice:GetResourceConfiguration",
          ]
          Resource = "*"
        },
        {
          Sid    = "PrivateConnectionsServiceLinkedRoles"
          Effect = "Allow"
          Action = [
            "iam:CreateServiceLinkedRole",
          ]
          Resource = "arn:aws:iam::${var.account_id}:role/aws-service-role/*"
          Condition = {
            StringEquals = { "iam:AWSServiceName" = ["aidevops.amazonaws.com","vpc-lattice.amazonaws.com"] }
          }
        },
      ]
    })
    "assets" = jsonencode({
      Version = "2012-10-17"
      Statement = [
        {
          Sid    = "AssetsAgentSpaces"
          Effect = "Allow"
          Action = [
            "aidevops:CreateAsset",
            "aidevops:CreateAssetFile",
            "aidevops:DeleteAsset",
            "aidevops:DeleteAssetFile",
            "aidevops:GetAgentSpace",
            "aidevops:GetAsset",
            "aidevops:GetAssetContent",
            "aidevops:ListAssets",
            "aidevops:UpdateAsset",
            "aidevops:UpdateAssetFile",
          ]
          Resource = "arn:aws:aidevops:*:${var.account_id}:agentspace/*"
        },
      ]
    })
    "triggers" = jsonencode({
      Version = "2012-10-17"
      Statement = [
        {
          Sid    = "TriggersAgentSpaces"
          Effect = "Allow"
          Action = [
            "aidevops:CreateTrigger",
            "aidevops:DeleteTrigger",
            "aidevops:GetTrigger",
            "aidevops:ListTriggers",
            "aidevops:UpdateTrigger",
          ]
          Resource = "arn:aws:aidevops:*:${var.account_id}:agentspace/*"
        },
      ]
    })
    "customer-key" = jsonencode({
      Version = "2012-10-17"
      Statement = [
        {
          Sid    = "CustomerKeyCustomerKey"
          Effect = "Allow"
          Action = [
            "kms:CreateGrant",
            "kms:Decrypt",
            "kms:DescribeKey",
            "kms:Encrypt",
            "kms:GenerateDataKey*",
            "kms:ReEncrypt*",
          ]
          Resource = "arn:aws:kms:*:${var.account_id}:key/*"
          Condition = {
            StringLike = { "kms:ViaService" = "aidevops.*.amazonaws.com" }
          }
        },
      ]
    })
    "assume-role" = jsonencode({
      Version = "2012-10-17"
      Statement = [
        {
          Sid    = "AssumeRoleAssumeRolesOfAccounts"
          Effect = "Allow"
          Action = [
            "sts:AssumeRole",
          ]
          Resource = "arn:aws:iam::*:role/devops-agent-operator"
        },
      ]
    })
    "owner-tags" = jsonencode({
      Version = "2012-10-17"
      Statement = [
        {
          Sid    = "OwnerTagsChangeWithOwnerTag"
          Effect = "Deny"
          Action = [
            "aidevops:AssociateService",
            "aidevops:CreateAsset",
            "aidevops:CreateAssetFile",
            "aidevops:CreateTrigger",
            "aidevops:DeleteAgentSpace",
            "aidevops:DeleteAsset",
            "aidevops:DeleteAssetFile",
            "aidevops:DeletePrivateConnection",
            "aidevops:DeleteTrigger",
            "aidevops:DeregisterService",
            "aidevops:DisableOperatorApp",
            "aidevops:DisassociateService",
            "aidevops:EnableOperatorApp",
            "aidevops:UpdateAgentSpace",
            "aidevops:UpdateAsset",
            "aidevops:UpdateAssetFile",
            "aidevops:UpdateAssociation",
            "aidevops:UpdateOperatorAppIdpConfig",
            "aidevops:UpdatePrivateConnectionCertificate",
            "aidevops:UpdateTrigger",
          ]
          Resource = "*"
          Condition = {
            StringNotEquals = { "aws:ResourceTag/devopsagent.dev/cluster" = "${var.cluster_id}" }
          }
        },
        {
          Sid    = "OwnerTagsCreateWithOwnerTag"
          Effect = "Deny"
          Action = [
            "aidevops:CreateAgentSpace",
            "aidevops:CreatePrivateConnection",
            "aidevops:RegisterService",
          ]
          Resource = "*"
          Condition = {
            StringNotEquals = { "aws:RequestTag/devopsagent.dev/cluster" = "${var.cluster_id}" }
          }
        },
        {
          Sid    = "OwnerTagsTagNothingOfOthers"
          Effect = "Deny"
          Action = [
            "aidevops:TagResource",
            "aidevops:UntagResource",
          ]
          Resource = "*"
          Condition = {
            Null = { "aws:ResourceTag/devopsagent.dev/cluster" = "false" }
            StringNotEquals = { "aws:ResourceTag/devopsagent.dev/cluster" = "${var.cluster_id}" }
          }
        },
      ]
    })
  }
}
