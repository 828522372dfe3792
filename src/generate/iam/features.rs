//! Which feature calls which operations.

use crate::aws::Operation;
use crate::aws::operations as op;

use super::Unknown;
use super::statement::{AUTHORIZATION, Access, Resource};

/// The name of the policy for everything except the optional features.
pub const ALL: &str = "all";
/// The name of the policy for `managementPolicy: Observe` everywhere.
pub const OBSERVE: &str = "observe";

/// A feature that can be allowed on its own.
pub struct Feature {
    /// Its name: that of its file.
    pub name: &'static str,
    /// What needs it.
    pub what: &'static str,
    /// The type of its resources, for tags.
    pub resource: Resource,
    /// The operations that it calls.
    pub operations: &'static [&'static str],
    /// What AWS requires in addition to the operations.
    pub also: &'static [Also],
    /// Not part of `all`: it is needed only if it is used, and on resources that only the reader knows.
    pub optional: bool,
}

/// A statement in addition to those for the operations: actions of other services that the service performs on the
/// caller's behalf, or what is denied.
pub struct Also {
    /// The id of the statement.
    pub sid: &'static str,
    /// What it does.
    pub effect: Effect,
    /// The actions.
    pub actions: &'static [&'static str],
    /// The resources, with the account of the examples.
    pub resources: &'static [&'static str],
    /// The conditions, all of which must hold.
    pub conditions: &'static [Condition],
}

/// What a statement does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It allows.
    Allow,
    /// It denies, whatever else allows.
    Deny,
}

/// When a statement applies: operator, key, and values of which any may match.
pub type Condition = (&'static str, &'static str, &'static [&'static str]);

/// A feature, or its reading part.
#[derive(Clone, Copy)]
pub struct Part {
    /// The feature.
    pub feature: &'static Feature,
    /// Whether only its reading operations are allowed.
    pub reads_only: bool,
}

/// Names of operations, as the compiler knows them.
macro_rules! names {
    ($($operation:ident),* $(,)?) => { &[$(<op::$operation as Operation>::BINDING.name),*] };
}

/// A role that a spec names is passed to the service.
const PASS_ROLE: Also = Also {
    sid: "PassRolesToTheAgent",
    effect: Effect::Allow,
    actions: &["iam:PassRole"],
    resources: &["arn:aws:iam::123456789012:role/*"],
    conditions: &[("StringEquals", "iam:PassedToService", &["aidevops.amazonaws.com"])],
};

/// Every feature, in the order of the documentation.
pub const FEATURES: &[Feature] = &[
    Feature {
        name: "aws-account",
        what: "AWSAccount: checking its credentials",
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
            effect: Effect::Allow,
            actions: &["sso:CreateApplication", "sso:DeleteApplication", "sso:PutApplication*"],
            resources: &["*"],
            conditions: &[],
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
            ListPrivateConnections,
            TagResource,
            UntagResource,
            UpdatePrivateConnectionCertificate,
        ],
        also: &[
            Also {
                sid: "PrivateNetworks",
                effect: Effect::Allow,
                actions: &[
                    "ec2:DescribeVpcs",
                    "vpc-lattice:AssociateViaAWSService",
                    "vpc-lattice:CreateServiceNetworkResourceAssociation",
                    "vpc-lattice:GetResourceConfiguration",
                ],
                resources: &["*"],
                conditions: &[],
            },
            Also {
                sid: "ServiceLinkedRoles",
                effect: Effect::Allow,
                actions: &["iam:CreateServiceLinkedRole"],
                resources: &["arn:aws:iam::123456789012:role/aws-service-role/*"],
                conditions: &[(
                    "StringEquals",
                    "iam:AWSServiceName",
                    &["aidevops.amazonaws.com", "vpc-lattice.amazonaws.com"],
                )],
            },
        ],
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
            effect: Effect::Allow,
            actions: &[
                "kms:CreateGrant",
                "kms:Decrypt",
                "kms:DescribeKey",
                "kms:Encrypt",
                "kms:GenerateDataKey*",
                "kms:ReEncrypt*",
            ],
            resources: &["arn:aws:kms:*:123456789012:key/*"],
            conditions: &[("StringLike", "kms:ViaService", &["aidevops.*.amazonaws.com"])],
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
            effect: Effect::Allow,
            actions: &["sts:AssumeRole"],
            resources: &["arn:aws:iam::*:role/devops-agent-operator"],
            conditions: &[],
        }],
        optional: true,
    },
    Feature {
        name: "owner-tags",
        what: "in addition to the others: resources without this cluster's owner tag can't be changed",
        resource: Resource::AgentSpace,
        operations: &[],
        also: OWNER_TAGS,
        optional: true,
    },
];

/// The owner tag, as [`crate::reconcile::state::ownership::CLUSTER_TAG`] names it, on a resource and in a request.
const ON_RESOURCE: &str = "aws:ResourceTag/devopsagent.dev/cluster";
const IN_REQUEST: &str = "aws:RequestTag/devopsagent.dev/cluster";
const OURS: &[&str] = &[CLUSTER];

/// Placeholder for the id of the reader's cluster.
pub const CLUSTER: &str = "CLUSTER_ID";

/// Where the API has tags: on spaces (on which associations, assets and triggers are authorized, too), on services and
/// on private connections. Negated operators also match if there is no such tag.
const OWNER_TAGS: &[Also] = &[
    Also {
        sid: "CreateWithOwnerTag",
        effect: Effect::Deny,
        actions: &[
            "aidevops:CreateAgentSpace",
            "aidevops:CreatePrivateConnection",
            "aidevops:RegisterService",
        ],
        resources: &["*"],
        conditions: &[("StringNotEquals", IN_REQUEST, OURS)],
    },
    Also {
        sid: "ChangeWithOwnerTag",
        effect: Effect::Deny,
        actions: &[
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
        ],
        resources: &["*"],
        conditions: &[("StringNotEquals", ON_RESOURCE, OURS)],
    },
    // What nobody owns can still be adopted: by its tags.
    Also {
        sid: "TagNothingOfOthers",
        effect: Effect::Deny,
        actions: &["aidevops:TagResource", "aidevops:UntagResource"],
        resources: &["*"],
        conditions: &[("Null", ON_RESOURCE, &["false"]), ("StringNotEquals", ON_RESOURCE, OURS)],
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
        ALL => "everything except the policies marked optional",
        OBSERVE => "read-only: objects of every kind with `managementPolicy: Observe`",
        _ => FEATURES.iter().find(|feature| feature.name == name).map_or("", |feature| feature.what),
    }
}

/// Whether the policy `name` is not part of `all`.
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
