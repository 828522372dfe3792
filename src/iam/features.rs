//! Which feature calls which operations.

use super::Unknown;
use super::authorization::{AUTHORIZATION, Access, Resource};
use crate::aws::Operation;
use crate::aws::operations as op;

/// The name of the policy for everything but the optional features.
pub const ALL: &str = "all";
/// The name of the policy for `managementPolicy: Observe` everywhere.
pub const OBSERVE: &str = "observe";

/// What can be allowed by itself.
pub struct Feature {
    /// Its name: that of its file.
    pub name: &'static str,
    /// What needs it.
    pub what: &'static str,
    /// The type of its resources, for tags.
    pub resource: Resource,
    /// The operations that it calls.
    pub operations: &'static [&'static str],
    /// What AWS asks for beside the operations.
    pub also: &'static [Also],
    /// Not part of `all`: it is only needed where it is used, and on resources that only the reader knows.
    pub optional: bool,
}

/// Actions of other services that the service takes on the caller's behalf.
pub struct Also {
    /// The id of the statement.
    pub sid: &'static str,
    /// The actions.
    pub actions: &'static [&'static str],
    /// The resource, with the account of the examples.
    pub resource: &'static str,
    /// The condition: operator, key, value.
    pub condition: Option<(&'static str, &'static str, &'static str)>,
}

/// A feature, or the part of it that reads.
#[derive(Clone, Copy)]
pub struct Part {
    /// The feature.
    pub feature: &'static Feature,
    /// Whether only its operations that read are allowed.
    pub reads_only: bool,
}

/// Names of operations, as the compiler knows them.
macro_rules! names {
    ($($operation:ident),* $(,)?) => { &[$(<op::$operation as Operation>::BINDING.name),*] };
}

/// A role that a spec names is passed to the service.
const PASS_ROLE: Also = Also {
    sid: "PassRolesToTheAgent",
    actions: &["iam:PassRole"],
    resource: "arn:aws:iam::123456789012:role/*",
    condition: Some(("StringEquals", "iam:PassedToService", "aidevops.amazonaws.com")),
};

/// Every feature, in the order of the documentation.
pub const FEATURES: &[Feature] = &[
    Feature {
        name: "aws-account",
        what: "AWSAccount: trying its credentials",
        resource: Resource::AgentSpace,
        operations: names![ListAgentSpaces],
        also: &[],
        optional: false,
    },
    Feature {
        name: "spaces",
        what: "AgentSpace",
        resource: Resource::AgentSpace,
        operations: names![
            CreateAgentSpace,
            DeleteAgentSpace,
            GetAgentSpace,
            ListAgentSpaces,
            TagResource,
            UntagResource,
            UpdateAgentSpace,
        ],
        also: &[],
        optional: false,
    },
    Feature {
        name: "operator-app",
        what: "AgentSpace with `operatorApp`: the web app",
        resource: Resource::AgentSpace,
        operations: names![DisableOperatorApp, EnableOperatorApp, GetOperatorApp, UpdateOperatorAppIdpConfig],
        also: &[PASS_ROLE],
        optional: false,
    },
    Feature {
        name: "identity-center",
        what: "`operatorApp.idc`, in addition to `operator-app`",
        resource: Resource::AgentSpace,
        operations: &[],
        also: &[Also {
            sid: "IdentityCenterApplication",
            actions: &["sso:CreateApplication", "sso:DeleteApplication", "sso:PutApplication*"],
            resource: "*",
            condition: None,
        }],
        optional: true,
    },
    Feature {
        name: "registrations",
        what: "ServiceRegistration, with `service` or `existing`",
        resource: Resource::Service,
        operations: names![
            DeregisterService,
            GetService,
            ListServices,
            RegisterService,
            TagResource,
            UntagResource
        ],
        also: &[PASS_ROLE],
        optional: false,
    },
    Feature {
        name: "associations",
        what: "Association",
        resource: Resource::AgentSpace,
        operations: names![
            AssociateService,
            DisassociateService,
            GetAssociation,
            ListAssociations,
            UpdateAssociation,
            ValidateAwsAssociations,
        ],
        also: &[PASS_ROLE],
        optional: false,
    },
    Feature {
        name: "webhooks",
        what: "Association of a service that has a webhook, in addition to `associations`",
        resource: Resource::AgentSpace,
        operations: names![ListWebhooks],
        also: &[],
        optional: false,
    },
    Feature {
        name: "private-connections",
        what: "PrivateConnection",
        resource: Resource::PrivateConnection,
        operations: names![
            CreatePrivateConnection,
            DeletePrivateConnection,
            DescribePrivateConnection,
            TagResource,
            UntagResource,
            UpdatePrivateConnectionCertificate,
        ],
        also: &[Also {
            sid: "PrivateNetworks",
            actions: &[
                "ec2:DescribeVpcs",
                "iam:CreateServiceLinkedRole",
                "vpc-lattice:AssociateViaAWSService",
                "vpc-lattice:CreateServiceNetworkResourceAssociation",
                "vpc-lattice:GetResourceConfiguration",
            ],
            resource: "*",
            condition: None,
        }],
        optional: false,
    },
    Feature {
        name: "assets",
        what: "Asset",
        resource: Resource::AgentSpace,
        operations: names![
            CreateAsset,
            CreateAssetFile,
            DeleteAsset,
            DeleteAssetFile,
            GetAgentSpace,
            GetAsset,
            GetAssetContent,
            ListAssets,
            UpdateAsset,
            UpdateAssetFile,
        ],
        also: &[],
        optional: false,
    },
    Feature {
        name: "triggers",
        what: "Trigger",
        resource: Resource::AgentSpace,
        operations: names![CreateTrigger, DeleteTrigger, GetTrigger, ListTriggers, UpdateTrigger],
        also: &[],
        optional: false,
    },
    Feature {
        name: "customer-key",
        what: "`kmsKeyArn`: a KMS key of your own, in addition to `spaces` or `registrations`",
        resource: Resource::AgentSpace,
        operations: &[],
        also: &[Also {
            sid: "CustomerKey",
            actions: &[
                "kms:CreateGrant",
                "kms:Decrypt",
                "kms:DescribeKey",
                "kms:Encrypt",
                "kms:GenerateDataKey*",
            ],
            resource: "arn:aws:kms:*:123456789012:key/*",
            condition: None,
        }],
        optional: true,
    },
    Feature {
        name: "assume-role",
        what: "AWSAccount with `assumeRole`: for the operator's own identity; the policies above are for the roles",
        resource: Resource::AgentSpace,
        operations: &[],
        also: &[Also {
            sid: "AssumeRolesOfAccounts",
            actions: &["sts:AssumeRole"],
            resource: "arn:aws:iam::*:role/devops-agent-operator",
            condition: None,
        }],
        optional: true,
    },
];

/// The parts of the policy `name`.
pub fn named(name: &str) -> Result<Vec<Part>, Unknown> {
    let part = |reads_only| move |feature| Part { feature, reads_only };
    let found: Vec<Part> = match name {
        ALL => FEATURES.iter().filter(|feature| !feature.optional).map(part(false)).collect(),
        OBSERVE => FEATURES.iter().map(part(true)).collect(),
        _ => FEATURES.iter().filter(|feature| feature.name == name).map(part(false)).collect(),
    };
    if found.is_empty() { Err(Unknown(name.to_owned())) } else { Ok(found) }
}

/// What the policy `name` is for.
pub fn what(name: &str) -> &'static str {
    match name {
        ALL => "everything but what is marked optional",
        OBSERVE => "objects with `managementPolicy: Observe`, of every kind; nothing can be changed",
        _ => FEATURES.iter().find(|feature| feature.name == name).map_or("", |feature| feature.what),
    }
}

/// Whether the policy `name` is left out of `all`.
pub fn is_optional(name: &str) -> bool {
    FEATURES.iter().any(|feature| feature.name == name && feature.optional)
}

/// Access level and resource type of an operation.
pub fn authorization(operation: &str) -> Option<(Access, Resource)> {
    AUTHORIZATION
        .iter()
        .find(|(name, ..)| *name == operation)
        .map(|(_, access, resource)| (*access, *resource))
}
