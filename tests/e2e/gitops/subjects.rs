//! The kinds, and what brings an object of each into every possible state.

use crate::harness::Test;

/// A kind, and how its states come about. In the texts `{team}` is the test's namespace, `{platform}` another one and
/// `{account}` the number of the AWS account.
pub struct Subject {
    pub kind: &'static str,
    pub yaml: &'static str,
    /// What is there from the start.
    pub before: &'static [&'static str],
    /// What the object waits for at first.
    pub dependency: Option<&'static str>,
    /// The reason while it is being created; none if that takes no time.
    pub making: Option<&'static str>,
    /// The operation that reads the remote.
    pub read: &'static str,
    /// Two changes of the spec that undo each other.
    pub edits: [&'static str; 2],
    /// The operation that fails, and how, so that the object stalls with the reason.
    pub stall: (&'static str, &'static str, &'static str),
    pub degraded: Degraded,
    pub deletion: Deletion,
}

/// Something that the object needs is changed, and changed back.
pub struct Degraded {
    pub kind: &'static str,
    pub name: &'static str,
    pub change: &'static str,
    pub back: &'static str,
    pub reason: &'static str,
}

/// What keeps the object while it is being deleted.
pub enum Deletion {
    /// These objects, of which the last one uses it.
    Used(&'static [&'static str]),
    /// AWS fails at the operation.
    Fails(&'static str),
}

impl Subject {
    /// What the object has in its manifest.
    pub fn object(&self, t: &Test) -> serde_json::Value {
        t.object(&fill(t, self.yaml))
    }
}

/// The text with the test's names in it.
pub fn fill(t: &Test, text: &str) -> String {
    let platform = t.namespaces().get(1).cloned().unwrap_or_default();
    let names = [("{team}", &t.namespace), ("{platform}", &platform), ("{account}", &t.account)];
    names.into_iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
}

const PRODUCTION: &str = "
kind: AWSAccount
metadata: {name: '{team}-production'}
spec: {assumeRole: {roleArn: 'arn:aws:iam::{account}:role/Operator'}, requestsPerSecond: 100}
";

const SPACE: &str = "{kind: AgentSpace, metadata: {name: checkout}, spec: {name: Checkout}}";

const SHARED_SPACE: &str = "
kind: AgentSpace
metadata: {name: checkout, namespace: '{platform}'}
spec: {name: Checkout, allowedNamespaces: {from: All}}
";

const CREDENTIALS: &str =
    "{kind: Secret, metadata: {name: credentials}, stringData: {token: glpat-1, bearer: b-1}}";

const NO_CONSENT: Degraded = Degraded {
    kind: "AgentSpace",
    name: "checkout",
    change: "{spec: {allowedNamespaces: {from: Same}}}",
    back: "{spec: {allowedNamespaces: {from: All}}}",
    reason: "ReferenceNotAllowed",
};

/// Every kind.
pub const SUBJECTS: &[Subject] = &[
    Subject {
        kind: "AWSAccount",
        yaml: PRODUCTION,
        before: &[],
        dependency: None,
        making: None,
        read: "ListAgentSpaces",
        edits: ["{spec: {requestsPerSecond: 50}}", "{spec: {requestsPerSecond: 100}}"],
        stall: ("ListAgentSpaces", "AccessDeniedException", "AccessDenied"),
        degraded: Degraded {
            kind: "AWSAccount",
            name: "{team}-production",
            change: "{spec: {assumeRole: {roleArn: 'arn:aws:iam::{account}:role/Denied'}}}",
            back: "{spec: {assumeRole: {roleArn: 'arn:aws:iam::{account}:role/Operator'}}}",
            reason: "CredentialsUnavailable",
        },
        deletion: Deletion::Used(&[
            "{kind: AgentSpace, metadata: {name: checkout}, spec: {accountRef: {name: '{team}-production'}}}",
        ]),
    },
    Subject {
        kind: "AgentSpace",
        yaml: "{kind: AgentSpace, metadata: {name: checkout}, spec: {accountRef: {name: '{team}-production'}, name: Checkout, locale: en-US}}",
        before: &[],
        dependency: Some(PRODUCTION),
        making: None,
        read: "GetAgentSpace",
        edits: ["{spec: {locale: de-DE}}", "{spec: {locale: en-US}}"],
        stall: ("UpdateAgentSpace", "ValidationException", "Invalid"),
        degraded: Degraded {
            kind: "AWSAccount",
            name: "{team}-production",
            change: "{spec: {allowedNamespaces: {from: Names, names: [nobody]}}}",
            back: "{spec: {allowedNamespaces: {from: All, names: null}}}",
            reason: "ReferenceNotAllowed",
        },
        deletion: Deletion::Used(&[
            "{kind: Association, metadata: {name: aws}, spec: {agentSpaceRef: {name: checkout}, configuration: {sourceAws:
              {accountId: '210987654321', assumableRoleArn: 'arn:aws:iam::210987654321:role/Agent'}}}}",
        ]),
    },
    Subject {
        kind: "PrivateConnection",
        yaml: "{kind: PrivateConnection, metadata: {name: internal}, spec: {accountRef: {name: '{team}-production'}, tags: {team: payments},
                mode: {selfManaged: {resourceConfigurationId: rcfg-0123456789abcdef0, certificate: {secretKeyRef: {name: certificates, key: ca.pem}}}}}}",
        before: &["{kind: Secret, metadata: {name: certificates}, stringData: {ca.pem: \"-----BEGIN CERTIFICATE-----\\nTUlJ\\n-----END CERTIFICATE-----\"}}"],
        dependency: Some(PRODUCTION),
        making: Some("InTransition"),
        read: "DescribePrivateConnection",
        edits: ["{spec: {tags: {team: checkout}}}", "{spec: {tags: {team: payments}}}"],
        stall: ("TagResource", "ValidationException", "Invalid"),
        degraded: Degraded {
            kind: "Secret",
            name: "certificates",
            change: "{data: {ca.pem: null}}",
            back: "{stringData: {ca.pem: \"-----BEGIN CERTIFICATE-----\\nTUlJ\\n-----END CERTIFICATE-----\"}}",
            reason: "InputNotFound",
        },
        deletion: Deletion::Used(&[
            CREDENTIALS,
            "{kind: ServiceRegistration, metadata: {name: runbooks}, spec: {accountRef: {name: '{team}-production'}, privateConnectionRef: {name: internal},
              service: {mcpserver: {name: runbooks, endpoint: 'https://mcp.example.com', authorizationConfig: {bearerToken:
              {tokenName: t, tokenValue: {secretKeyRef: {name: credentials, key: bearer}}}}}}}}",
        ]),
    },
    Subject {
        kind: "ServiceRegistration",
        yaml: "{kind: ServiceRegistration, metadata: {name: gitlab}, spec: {name: GitLab, privateConnectionRef: {name: internal}, tags: {team: payments},
                service: {gitlab: {targetUrl: 'https://gitlab.example.com', tokenType: personal, tokenValue: {secretKeyRef: {name: credentials, key: token}}}}}}",
        before: &[CREDENTIALS],
        dependency: Some(
            "{kind: PrivateConnection, metadata: {name: internal}, spec: {mode: {selfManaged: {resourceConfigurationId: rcfg-0123456789abcdef0}}}}",
        ),
        making: Some("Progressing"),
        read: "GetService",
        edits: ["{spec: {tags: {team: checkout}}}", "{spec: {tags: {team: payments}}}"],
        stall: ("TagResource", "ValidationException", "Invalid"),
        degraded: Degraded {
            kind: "Secret",
            name: "credentials",
            change: "{data: {token: null}}",
            back: "{stringData: {token: glpat-1}}",
            reason: "InputNotFound",
        },
        deletion: Deletion::Used(&[
            SPACE,
            "{kind: Association, metadata: {name: project}, spec: {agentSpaceRef: {name: checkout}, serviceRef: {name: gitlab},
              configuration: {gitlab: {projectId: '42', projectPath: shop/checkout}}}}",
        ]),
    },
    Subject {
        kind: "Association",
        yaml: "{kind: Association, metadata: {name: aws}, spec: {agentSpaceRef: {name: checkout, namespace: '{platform}'}, configuration: {sourceAws:
                {accountId: '210987654321', assumableRoleArn: 'arn:aws:iam::210987654321:role/Agent'}}}}",
        before: &[],
        dependency: Some(SHARED_SPACE),
        making: None,
        read: "GetAssociation",
        edits: [
            "{spec: {configuration: {sourceAws: {assumableRoleArn: 'arn:aws:iam::210987654321:role/Other'}}}}",
            "{spec: {configuration: {sourceAws: {assumableRoleArn: 'arn:aws:iam::210987654321:role/Agent'}}}}",
        ],
        stall: ("UpdateAssociation", "ValidationException", "Invalid"),
        degraded: NO_CONSENT,
        deletion: Deletion::Fails("DisassociateService"),
    },
    Subject {
        kind: "Asset",
        yaml: "{kind: Asset, metadata: {name: runbook}, spec: {agentSpaceRef: {name: checkout}, assetType: skill,
                metadata: {name: runbook, description: What to do, agent_types: [GENERIC]},
                content: {files: [{path: SKILL.md, configMapKeyRef: {name: runbook, key: SKILL.md}}]}}}",
        before: &["{kind: ConfigMap, metadata: {name: runbook}, data: {SKILL.md: Do this.}}"],
        dependency: Some(SPACE),
        making: None,
        read: "GetAsset",
        edits: [
            "{spec: {metadata: {description: What to do now}}}",
            "{spec: {metadata: {description: What to do}}}",
        ],
        stall: ("UpdateAsset", "ValidationException", "Invalid"),
        degraded: Degraded {
            kind: "ConfigMap",
            name: "runbook",
            change: "{data: {SKILL.md: null}}",
            back: "{data: {SKILL.md: Do this.}}",
            reason: "InputNotFound",
        },
        deletion: Deletion::Fails("DeleteAsset"),
    },
    Subject {
        kind: "Trigger",
        yaml: "{kind: Trigger, metadata: {name: weekly}, spec: {agentSpaceRef: {name: checkout, namespace: '{platform}'}, assetRef: {name: reporter},
                schedule: {expression: cron(0 9 ? * MON *)}}}",
        before: &[SHARED_SPACE],
        dependency: Some(
            "{kind: Asset, metadata: {name: reporter}, spec: {agentSpaceRef: {name: checkout, namespace: '{platform}'}, assetType: custom_agent,
              metadata: {name: reporter}, content: {files: [{path: AGENT.md, text: Report what happened.}]}}}",
        ),
        making: None,
        read: "GetTrigger",
        edits: ["{spec: {suspend: true}}", "{spec: {suspend: false}}"],
        stall: ("UpdateTrigger", "ValidationException", "Invalid"),
        degraded: NO_CONSENT,
        deletion: Deletion::Fails("DeleteTrigger"),
    },
];
