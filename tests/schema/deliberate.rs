//! Where YAML and the API meet, and the table of deliberate differences.

use crate::walk::Kind::{
    self, Absent, Document, Extra, Inline, Keys, Max, Moved, NotRequired, Required, Secret, StandsIn, Unique,
};

/// A place in a CRD, and the shapes of the model that it holds.
pub struct Root {
    pub shapes: &'static [&'static str],
    pub at: &'static str,
}

const fn root(shapes: &'static [&'static str], at: &'static str) -> Root {
    Root { shapes, at }
}

/// Every input of the API that is written in YAML.
pub const ROOTS: &[Root] = &[
    root(&["CreateAgentSpaceInput"], "AgentSpace.spec"),
    root(&["EnableOperatorAppInput"], "AgentSpace.spec.operatorApp.iam"),
    root(&["EnableOperatorAppInput"], "AgentSpace.spec.operatorApp.idc"),
    root(&["EnableOperatorAppInput"], "AgentSpace.spec.operatorApp.idp"),
    root(&["Tags"], "AWSAccount.spec.tags"),
    root(&["RoleArn"], "AWSAccount.spec.assumeRole.roleArn"),
    root(&["RegisterServiceInput"], "ServiceRegistration.spec"),
    root(&["ServiceId"], "ServiceRegistration.spec.existing.serviceId"),
    root(&["Service"], "ServiceRegistration.spec.existing.match.serviceType"),
    root(&["Guid"], "ServiceRegistration.spec.existing.match.tenantId"),
    root(&["AssociateServiceInput"], "Association.spec"),
    root(&["CreatePrivateConnectionInput"], "PrivateConnection.spec"),
    root(&["CreateAssetRequest"], "Asset.spec"),
    root(&["AssetContent"], "Asset.spec.content"),
    root(&["AssetFileContent", "AssetFileBody"], "Asset.spec.content.files[]"),
    root(&["AssetContentUrl"], "Asset.spec.content.sourceUrl"),
    root(&["ResourceId"], "Asset.spec.metadata.memory_store_id"),
    root(&["CreateTriggerRequest"], "Trigger.spec"),
    root(&["ScheduleCondition", "ScheduleSpec"], "Trigger.spec.schedule"),
];

/// The operations whose input is written in YAML.
pub const OPERATIONS: &[&str] = &[
    "CreateAgentSpace",
    "UpdateAgentSpace",
    "EnableOperatorApp",
    "UpdateOperatorAppIdpConfig",
    "RegisterService",
    "AssociateService",
    "UpdateAssociation",
    "CreatePrivateConnection",
    "UpdatePrivateConnectionCertificate",
    "CreateAsset",
    "UpdateAsset",
    "CreateAssetFile",
    "UpdateAssetFile",
    "CreateTrigger",
    "UpdateTrigger",
];

/// Shapes of these operations that the walk does not come by, and why.
pub const NOT_IN_YAML: &[(&str, &str)] = &[
    ("AgentSpaceId", "a reference stands for it"),
    ("AgentSpaceIdentifier", "a reference stands for it"),
    ("AssetSourceUrlContent", "a struct of one member, which is compared"),
    ("AssetZipBytes", "a ConfigMap or Secret holds it"),
    ("AssetZipContent", "a ConfigMap or Secret holds it"),
    ("AuthFlow", "the key of the operator app's member says it"),
    ("CreateAgentSpaceInputClientTokenString", "the operator derives it"),
    ("CreateAssetFileRequest", "made of the same members as AssetFileContent"),
    ("CreateAssetFileRequestClientTokenString", "the operator derives it"),
    ("CreateAssetRequestClientTokenString", "the operator derives it"),
    ("CreateTriggerRequestClientTokenString", "the operator derives it"),
    ("PostRegisterServiceSupportedService", "the key of ServiceDetails says it"),
    ("TriggerCondition", "a union of one member, which is compared"),
    ("TriggerStatus", "suspend says it"),
    ("UpdateAgentSpaceInput", "made of members of CreateAgentSpaceInput"),
    ("UpdateAssetFileRequest", "made of the same members as AssetFileContent"),
    ("UpdateAssetFileRequestClientTokenString", "the operator derives it"),
    ("UpdateAssetRequest", "made of members of CreateAssetRequest"),
    ("UpdateAssetRequestClientTokenString", "the operator derives it"),
    ("UpdateAssociationInput", "made of members of AssociateServiceInput"),
    ("UpdateOperatorAppIdpConfigInput", "made of members of EnableOperatorAppInput"),
    ("UpdatePrivateConnectionCertificateInput", "made of members that are compared elsewhere"),
    ("UpdateTriggerRequest", "made of members of CreateTriggerRequest"),
    ("UpdateTriggerRequestClientTokenString", "the operator derives it"),
];

/// A difference that is meant.
#[derive(Debug)]
pub struct Deliberate {
    /// Where, with the model's names; `*` is any step and `**` any number of them.
    pub path: &'static str,
    pub kind: Kind,
    pub reason: &'static str,
}

const fn on_purpose(path: &'static str, kind: Kind, reason: &'static str) -> Deliberate {
    Deliberate { path, kind, reason }
}

pub const TABLE: &[Deliberate] = &[
    // What the operator adds.
    on_purpose("*.spec.managementPolicy", Extra, "how the object relates to its remote"),
    on_purpose("*.spec.deletionPolicy", Extra, "how the object relates to its remote"),
    on_purpose("*.spec.adoptionPolicy", Extra, "how the object relates to its remote"),
    on_purpose("*.spec.externalId", Extra, "how the object relates to its remote"),
    on_purpose("*.spec.changePolicy", Extra, "how the object relates to its remote"),
    on_purpose("*.spec.accountRef", Extra, "the account is no input of the API but where it is called"),
    on_purpose("*.spec.allowedNamespaces", Extra, "consent to references is Kubernetes' business"),
    on_purpose(
        "AgentSpace.spec.operatorApp",
        Extra,
        "the space's app is part of it, with operations of its own",
    ),
    on_purpose("ServiceRegistration.spec.existing", Extra, "a service that is registered already"),
    on_purpose("Association.spec.webhook", Extra, "the Secret that the webhook is written to"),
    // What the operator fills in.
    on_purpose("*.spec.clientToken", Absent, "the operator derives it from the object"),
    on_purpose("AgentSpace.spec.name", NotRequired, "defaults to the object's name"),
    on_purpose("PrivateConnection.spec.name", NotRequired, "defaults to the object's name"),
    on_purpose("Trigger.spec.type", NotRequired, "defaults to the one type that there is"),
    on_purpose(
        "Association.spec.configuration.*.accountType",
        NotRequired,
        "defaults to the one value that there is",
    ),
    // References to other objects.
    on_purpose("*.spec.agentSpaceId", StandsIn("agentSpaceRef"), "a reference"),
    on_purpose("Association.spec.serviceId", StandsIn("serviceRef"), "a reference"),
    on_purpose("Association.spec.serviceId", NotRequired, "an AWS account is no registered service"),
    on_purpose("**.releaseManagementAssociationRef", Extra, "a reference, instead of the id"),
    on_purpose("**.privateConnectionRef", Extra, "a reference, instead of the name"),
    on_purpose(
        "**.privateAccess.privateConnectionName",
        NotRequired,
        "a reference may stand in; CEL wants one of the two",
    ),
    on_purpose("**.targetUrlPrivateConnectionRef", Extra, "a reference, instead of the name"),
    on_purpose("**.exchangeUrlPrivateConnectionRef", Extra, "a reference, instead of the name"),
    on_purpose("Asset.spec.memoryStoreRef", Extra, "a reference, instead of the id in the metadata"),
    on_purpose("Trigger.spec.assetRef", Extra, "a reference, instead of an action that names the asset's id"),
    on_purpose("Trigger.spec.action", NotRequired, "a reference may stand in; CEL wants one of the two"),
    // Credentials are in Secrets; what else is marked sensitive doesn't need one.
    on_purpose("**.clientSecret", Secret, "a credential"),
    on_purpose("**.exchangeParameters.*", Secret, "may be a credential"),
    on_purpose("**.tokenValue", Secret, "a credential"),
    on_purpose("**.apiKeyValue", Secret, "a credential"),
    on_purpose("**.mcpservernewrelic.authorizationConfig.apiKey.apiKey", Secret, "a credential"),
    on_purpose("**.customHeaders.headers.*", Secret, "may be a credential"),
    on_purpose("**.authorizationConfig.customHeaders.*", Secret, "may be a credential"),
    on_purpose("AgentSpace.spec.operatorApp.idp.idpClientSecret", Secret, "a credential"),
    on_purpose("**.description", Inline, "text for people"),
    on_purpose("**.clientId", Inline, "an identifier, no credential"),
    on_purpose("**.customerEmail", Inline, "an address, no credential"),
    // Bounds for CEL, and room for the operator's own tags.
    on_purpose("*.spec.tags", Max(Some(46)), "AWS allows 50, and four are the operator's"),
    on_purpose("**.portRanges[]", Max(Some(11)), "CEL reads the numbers; no port has more than five digits"),
    on_purpose("*.spec.tags", Keys, "the prefixes aws: and devopsagent.dev/ are not the user's"),
    on_purpose(
        "**.mcpserver.tools",
        Max(Some(500)),
        "CEL compares the list with toolDetails, which has this bound",
    ),
    on_purpose(
        "**.mcpserversigv4.tools",
        Max(Some(500)),
        "CEL compares the list with toolDetails, which has this bound",
    ),
    // Sets: twice the same says nothing, and order does not count as a change.
    on_purpose("**.tools", Unique, "a set"),
    on_purpose("**.toolDetails", Unique, "a set, by name"),
    on_purpose("**.enabledElevatedTools", Unique, "a set, by name"),
    on_purpose("**.organizationalUnit.accountIds", Unique, "a set"),
    on_purpose("**.subnetIds", Unique, "a set"),
    on_purpose("**.securityGroupIds", Unique, "a set"),
    on_purpose("**.portRanges", Unique, "a set"),
    // The operator app: one struct in the API for three ways to sign in.
    on_purpose("AgentSpace.spec.operatorApp.*.agentSpaceId", Absent, "the space that it is in"),
    on_purpose("AgentSpace.spec.operatorApp.*.authFlow", Absent, "the key says it"),
    on_purpose("AgentSpace.spec.operatorApp.*.operatorAppRoleArn", Moved("roleArn"), "it is in the app"),
    on_purpose("AgentSpace.spec.operatorApp.iam.idcInstanceArn", Absent, "for idc"),
    on_purpose("AgentSpace.spec.operatorApp.iam.issuerUrl", Absent, "for idp"),
    on_purpose("AgentSpace.spec.operatorApp.iam.idpClientId", Absent, "for idp"),
    on_purpose("AgentSpace.spec.operatorApp.iam.idpClientSecret", Absent, "for idp"),
    on_purpose("AgentSpace.spec.operatorApp.iam.provider", Absent, "for idp"),
    on_purpose("AgentSpace.spec.operatorApp.idc.idcInstanceArn", Moved("instanceArn"), "it is in idc"),
    on_purpose("AgentSpace.spec.operatorApp.idc.idcInstanceArn", Required, "idc needs it"),
    on_purpose("AgentSpace.spec.operatorApp.idc.issuerUrl", Absent, "for idp"),
    on_purpose("AgentSpace.spec.operatorApp.idc.idpClientId", Absent, "for idp"),
    on_purpose("AgentSpace.spec.operatorApp.idc.idpClientSecret", Absent, "for idp"),
    on_purpose("AgentSpace.spec.operatorApp.idc.provider", Absent, "for idp"),
    on_purpose("AgentSpace.spec.operatorApp.idp.idcInstanceArn", Absent, "for idc"),
    on_purpose("AgentSpace.spec.operatorApp.idp.idpClientId", Moved("clientId"), "it is in idp"),
    on_purpose(
        "AgentSpace.spec.operatorApp.idp.idpClientSecret",
        Moved("clientSecretRef"),
        "a credential, in a Secret",
    ),
    on_purpose("AgentSpace.spec.operatorApp.idp.*", Required, "idp needs all of them"),
    // Registrations.
    on_purpose("ServiceRegistration.spec.service", Absent, "the key of the union says it"),
    on_purpose("ServiceRegistration.spec.serviceDetails", Moved("service"), "the key is the type"),
    on_purpose(
        "ServiceRegistration.spec.serviceDetails",
        NotRequired,
        "existing may stand in; CEL wants one of the two",
    ),
    // Private connections.
    on_purpose(
        "PrivateConnection.spec.mode.*.certificate",
        Moved("certificate.value"),
        "or from a Secret or ConfigMap",
    ),
    // Assets: one file in the API, and the others by calls of their own; all of them in YAML.
    on_purpose("Asset.spec.content.file", StandsIn("files"), "all files, not only the first"),
    on_purpose(
        "Asset.spec.content.zip",
        StandsIn("zip"),
        "an archive is no YAML: a ConfigMap or Secret holds it",
    ),
    on_purpose("Asset.spec.content.sourceUrl", StandsIn("sourceUrl"), "a struct of one member"),
    on_purpose("Asset.spec.content.configMapRef", Extra, "files from a ConfigMap"),
    on_purpose("Asset.spec.content.files[].body", Absent, "its members are in the file itself"),
    on_purpose("Asset.spec.content.files[].metadata", Absent, "no use of it is documented"),
    on_purpose("Asset.spec.content.files[].bytes", Moved("base64"), "it says how to write them"),
    on_purpose("Asset.spec.content.files[].configMapKeyRef", Extra, "a file from a ConfigMap"),
    on_purpose("Asset.spec.content.files[].secretKeyRef", Extra, "a file from a Secret"),
    on_purpose(
        "Asset.spec.metadata",
        Document,
        "the guide names members and their limits; any other member and any word pass",
    ),
    // Triggers: two structs of the API in one.
    on_purpose("Trigger.spec.action", Document, "every documented action is an object"),
    on_purpose("Trigger.spec.condition", StandsIn("schedule"), "the one condition that there is"),
    on_purpose("Trigger.spec.schedule.spec", Absent, "its members are in the schedule itself"),
    on_purpose("Trigger.spec.status", StandsIn("suspend"), "Active or Inactive"),
];
