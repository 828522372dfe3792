//! The resource that AWS authorizes each operation of the API on.

/// Access level of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// It changes nothing.
    Read,
    /// It may change something.
    Write,
}

/// The type of resource that an action is authorized on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resource {
    /// None: a policy must say `*`.
    Any,
    /// An agent space, or something in one.
    AgentSpace,
    /// A registered service.
    Service,
    /// A private connection.
    PrivateConnection,
    /// Anything with tags: the resource of the feature.
    Tagged,
}

use Access::{Read, Write};
use Resource::{AgentSpace, Any, PrivateConnection, Service, Tagged};

/// Every operation with its access level and resource type, from the service authorization reference of AWS. The
/// action is `aidevops:` and the operation's name.
pub const AUTHORIZATION: &[(&str, Access, Resource)] = &[
    ("AssociateService", Write, AgentSpace),
    ("CreateAgentSpace", Write, AgentSpace),
    ("CreateAsset", Write, AgentSpace),
    ("CreateAssetFile", Write, AgentSpace),
    ("CreatePrivateConnection", Write, PrivateConnection),
    ("CreateTrigger", Write, AgentSpace),
    ("DeleteAgentSpace", Write, AgentSpace),
    ("DeleteAsset", Write, AgentSpace),
    ("DeleteAssetFile", Write, AgentSpace),
    ("DeletePrivateConnection", Write, PrivateConnection),
    ("DeleteTrigger", Write, AgentSpace),
    ("DeregisterService", Write, Service),
    ("DescribePrivateConnection", Read, PrivateConnection),
    ("DisableOperatorApp", Write, AgentSpace),
    ("DisassociateService", Write, AgentSpace),
    ("EnableOperatorApp", Write, AgentSpace),
    ("GetAgentSpace", Read, AgentSpace),
    ("GetAsset", Read, AgentSpace),
    ("GetAssetContent", Read, AgentSpace),
    ("GetAssetFile", Read, AgentSpace),
    ("GetAssociation", Read, AgentSpace),
    ("GetOperatorApp", Read, AgentSpace),
    ("GetService", Read, Service),
    ("GetTrigger", Read, AgentSpace),
    ("ListAgentSpaces", Read, Any),
    ("ListAssetFiles", Read, AgentSpace),
    ("ListAssets", Read, AgentSpace),
    ("ListAssetTypes", Read, Any),
    ("ListAssetVersions", Read, AgentSpace),
    ("ListAssociations", Read, AgentSpace),
    ("ListPrivateConnections", Read, Any),
    ("ListServices", Read, Any),
    ("ListTagsForResource", Read, Tagged),
    ("ListTriggers", Read, AgentSpace),
    ("ListWebhooks", Read, AgentSpace),
    ("RegisterService", Write, Service),
    ("TagResource", Write, Tagged),
    ("UntagResource", Write, Tagged),
    ("UpdateAgentSpace", Write, AgentSpace),
    ("UpdateAsset", Write, AgentSpace),
    ("UpdateAssetFile", Write, AgentSpace),
    ("UpdateAssociation", Write, AgentSpace),
    ("UpdateOperatorAppIdpConfig", Write, AgentSpace),
    ("UpdatePrivateConnectionCertificate", Write, PrivateConnection),
    ("UpdateTrigger", Write, AgentSpace),
    ("ValidateAwsAssociations", Write, AgentSpace),
];
