//! PrivateConnection: a way for AWS DevOps Agent into a private network.

use std::collections::BTreeMap;

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::common::{AccountRef, AllowedNamespaces, CommonStatus, KeyRef, Policies, Tags, object};
use super::scalars::{
    CertificateString, HostAddress, PortRange, PrivateConnectionName, ResourceConfigurationArn,
    SecurityGroupId, SubnetId, VpcId,
};
use super::union::union;
use super::{schema, union as unions};

/// A way for AWS DevOps Agent into a private network: to a host in a VPC that services are registered with.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "devopsagent.dev",
    version = "v1alpha1",
    kind = "PrivateConnection",
    plural = "privateconnections",
    shortname = "pconn",
    category = "devopsagent",
    doc = "A way for AWS DevOps Agent into a private network: to a host in a VPC that services are registered with.",
    namespaced,
    status = "PrivateConnectionStatus",
    derive = "PartialEq",
    validation = Rule::new(NAME_FITS).message(NAME_MESSAGE).field_path(".spec.name"),
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Reason","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].reason"}"#,
    printcolumn = r#"{"name":"ID","type":"string","jsonPath":".status.id"}"#,
    printcolumn = r#"{"name":"State","type":"string","jsonPath":".status.state"}"#,
    printcolumn = r#"{"name":"Host","type":"string","jsonPath":".status.hostAddress"}"#,
    printcolumn = r#"{"name":"VPC","type":"string","jsonPath":".status.vpcId","priority":1}"#,
    printcolumn = r#"{"name":"Certificate expires","type":"string","jsonPath":".status.certificateExpiryTime","priority":1}"#,
    printcolumn = r#"{"name":"Message","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].message","priority":1}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    schema::immutable("accountRef", "delete the object and create it anew"),
    schema::immutable("name", "AWS can't rename a private connection; delete the object and create it anew"),
    schema::rule(
        ".externalId",
        "!has(self.externalId) || !has(self.name) || self.externalId == self.name",
        "the id of a private connection is its name: externalId and name must agree",
    ),
]))]
pub struct PrivateConnectionSpec {
    #[serde(flatten)]
    pub policies: Policies,

    /// The AWSAccount to create the connection in. Without it the AWSAccount named `default` is used if
    /// there is one, else the operator's own credentials and region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_ref: Option<AccountRef>,

    /// Name of the connection in AWS, unique in the account and region: 3 to 30 lowercase letters,
    /// digits and hyphens, for example `grafana-internal`. Defaults to the name of this object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<PrivateConnectionName>,

    /// Who manages the path into the network: exactly one. Only the certificate can be changed later.
    #[schemars(transform = unions::fixed)]
    pub mode: Mode,

    /// Tags of the connection in AWS. The operator adds its own owner tags (`devopsagent.dev/…`) and
    /// leaves tags alone that others have set.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "schema::tags")]
    pub tags: Tags,

    /// Who may refer to this connection from another namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_namespaces: Option<AllowedNamespaces>,
}

/// The object's name has to serve as the connection's where the spec has no other.
const NAME_FITS: &str = "has(self.spec.name) || has(self.spec.externalId) || self.metadata.name.matches('^[a-z0-9][a-z0-9-]{1,28}[a-z0-9]$')";
const NAME_MESSAGE: &str = "metadata.name serves as the connection's name, which has 3 to 30 lowercase letters, digits and hyphens: choose another, or set spec.name";

union! {
    /// Who manages the path into the network (`PrivateConnectionMode`): exactly one.
    pub enum Mode {
        /// AWS DevOps Agent makes a VPC Lattice resource gateway in your subnets.
        "serviceManaged" => ServiceManaged(ServiceManaged),
        /// You made a VPC Lattice resource configuration, and share it.
        "selfManaged" => SelfManaged(SelfManaged),
    }
}

impl Mode {
    /// The certificate, in either mode.
    pub const fn certificate(&self) -> Option<&Certificate> {
        match self {
            Self::ServiceManaged(mode) => mode.certificate.as_ref(),
            Self::SelfManaged(mode) => mode.certificate.as_ref(),
        }
    }
}

const FIXED: &str =
    "a private connection can only change its certificate; delete the object and create it anew";
const KEPT: &str = "AWS can replace a certificate, but not remove it";

/// What is written into the object itself can be refused before it is stored.
fn certificates_only() -> Value {
    schema::rule(
        ".certificate.value",
        "!has(self.certificate) || !has(self.certificate.value) || (self.certificate.value.contains('-----BEGIN CERTIFICATE-----') && !self.certificate.value.contains('PRIVATE KEY'))",
        "certificates in PEM form are needed, and never a private key",
    )
}

/// A connection that AWS DevOps Agent manages (`ServiceManagedInput`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    schema::immutable("hostAddress", FIXED),
    schema::immutable("vpcId", FIXED),
    schema::immutable("subnetIds", FIXED),
    schema::immutable("securityGroupIds", FIXED),
    schema::immutable("ipAddressType", FIXED),
    schema::immutable("ipv4AddressesPerEni", FIXED),
    schema::immutable("portRanges", FIXED),
    schema::immutable("dnsResolution", FIXED),
    schema::stays("certificate", KEPT),
    certificates_only(),
    schema::rule(
        ".portRanges",
        "!has(self.portRanges) || self.portRanges.all(range, range.split('-').all(port, size(port) <= 5 && int(port) <= 65535) && int(range.split('-')[0]) <= int(range.split('-')[size(range.split('-')) - 1]))",
        "a port is at most 65535, and a range begins with the lower one",
    ),
]))]
pub struct ServiceManaged {
    /// IP address or DNS name of the host to reach, for example `grafana.internal.example.com`.
    pub host_address: HostAddress,

    /// The VPC that the host can be reached from, for example `vpc-0123456789abcdef0`.
    pub vpc_id: VpcId,

    /// Subnets of the VPC for the resource gateway, one to twenty, in any order.
    #[schemars(length(min = 1, max = 20), transform = schema::set)]
    pub subnet_ids: Vec<SubnetId>,

    /// Security groups of the resource gateway, one to five, in any order. AWS uses the VPC's default
    /// one when they are left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 5), transform = schema::set)]
    pub security_group_ids: Option<Vec<SecurityGroupId>>,

    /// Which addresses the resource gateway has: `IPV4`, `IPV6` or `DUAL_STACK`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_address_type: Option<IpAddressType>,

    /// How many IPv4 addresses each network interface of the resource gateway has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 62))]
    pub ipv4_addresses_per_eni: Option<i32>,

    /// Ports of the host, for example `"443"` or `"8000-8010"`, in any order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 11), transform = schema::set)]
    pub port_ranges: Option<Vec<PortRange>>,

    /// Certificate chain that the host's certificate is checked against, where no public authority
    /// signed it. It can be replaced, but not removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Certificate>,

    /// Where the host's name is resolved: `PUBLIC` or `IN_VPC`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns_resolution: Option<DnsResolution>,
}

/// Addresses of a resource gateway (`IpAddressType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum IpAddressType {
    #[serde(rename = "IPV4")]
    Ipv4,
    #[serde(rename = "IPV6")]
    Ipv6,
    #[serde(rename = "DUAL_STACK")]
    DualStack,
}

/// Where a name is resolved (`ResourceConfigDnsResolution`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DnsResolution {
    Public,
    InVpc,
}

/// A connection over a resource configuration of your own (`SelfManagedInput`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    schema::immutable("resourceConfigurationId", FIXED),
    schema::stays("certificate", KEPT),
    certificates_only(),
]))]
pub struct SelfManaged {
    /// ARN or id of the VPC Lattice resource configuration, for example `rcfg-0123456789abcdef0`.
    pub resource_configuration_id: ResourceConfigurationArn,

    /// Certificate chain that the host's certificate is checked against, where no public authority
    /// signed it. It can be replaced, but not removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Certificate>,
}

union! {
    /// A certificate chain in PEM form, at most 32768 characters: exactly one source. Only `CERTIFICATE` blocks are sent;
    /// a private key is refused.
    pub enum Certificate {
        /// The certificates themselves, for example with `value: |`.
        "value" => Value(CertificateString),
        /// The key of a Secret in the object's own namespace that holds them.
        "secretKeyRef" => SecretKeyRef(KeyRef),
        /// The key of a ConfigMap in the object's own namespace that holds them.
        "configMapKeyRef" => ConfigMapKeyRef(KeyRef),
    }
}

/// What the operator knows of the connection.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PrivateConnectionStatus {
    #[serde(flatten)]
    pub common: CommonStatus,

    /// State in AWS: `ACTIVE`, `CREATE_IN_PROGRESS`, `CREATE_FAILED`, `DELETE_IN_PROGRESS` or
    /// `DELETE_FAILED`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,

    /// Address of the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_address: Option<String>,

    /// The VPC of the resource gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vpc_id: Option<String>,

    /// ARN of the VPC Lattice resource gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_gateway_id: Option<String>,

    /// ARN of the VPC Lattice resource configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_configuration_id: Option<String>,

    /// When the certificate expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_expiry_time: Option<String>,
}

object!(PrivateConnection, PrivateConnectionStatus, account: account_ref);
