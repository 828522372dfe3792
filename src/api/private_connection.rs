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

/// A private network connection through which AWS DevOps Agent reaches registered services on a host in a
/// VPC.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "devopsagent.dev",
    version = "v1alpha1",
    kind = "PrivateConnection",
    plural = "privateconnections",
    shortname = "pconn",
    category = "devopsagent",
    doc = "A private network connection through which AWS DevOps Agent reaches registered services on a host in a VPC.",
    namespaced,
    status = "PrivateConnectionStatus",
    derive = "PartialEq",
    validation = Rule::new(NAME_FITS).message(NAME_MESSAGE).field_path(".spec.name"),
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Synced","type":"string","jsonPath":".status.conditions[?(@.type==\"Synced\")].status"}"#,
    printcolumn = r#"{"name":"Reason","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].reason"}"#,
    printcolumn = r#"{"name":"Summary","type":"string","jsonPath":".status.summary"}"#,
    printcolumn = r#"{"name":"State","type":"string","jsonPath":".status.state"}"#,
    printcolumn = r#"{"name":"Host","type":"string","jsonPath":".status.hostAddress"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#,
    printcolumn = r#"{"name":"ID","type":"string","jsonPath":".status.id","priority":1}"#,
    printcolumn = r#"{"name":"VPC","type":"string","jsonPath":".status.vpcId","priority":1}"#,
    printcolumn = r#"{"name":"Certificate expires","type":"string","jsonPath":".status.certificateExpiryTime","priority":1}"#
)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    schema::immutable("accountRef", "delete and recreate the object"),
    schema::immutable("name", "AWS can't rename a private connection; delete and recreate the object"),
    schema::rule(
        ".externalId",
        "!has(self.externalId) || !has(self.name) || self.externalId == self.name",
        "the ID of a private connection is its name: externalId and name must match",
    ),
]))]
pub struct PrivateConnectionSpec {
    #[serde(flatten)]
    pub policies: Policies,

    /// The AWSAccount to create the connection in. If omitted, the AWSAccount named `default` is used if it
    /// exists, otherwise the operator's own credentials and region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_ref: Option<AccountRef>,

    /// Name of the connection in AWS, unique in the account and region: 3 to 30 lowercase letters,
    /// digits and hyphens, for example `grafana-internal`. Defaults to the name of this object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<PrivateConnectionName>,

    /// Who manages the connection, AWS (`serviceManaged`) or you (`selfManaged`): exactly one. Only the
    /// certificate can be changed later.
    #[schemars(transform = unions::fixed)]
    pub mode: Mode,

    /// Tags of the connection in AWS. The operator adds its own owner tags (`devopsagent.dev/…`) and leaves
    /// tags set by others alone.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "schema::tags")]
    pub tags: Tags,

    /// Which namespaces may refer to this connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_namespaces: Option<AllowedNamespaces>,
}

/// The object's name has to serve as the connection's where the spec has no other.
const NAME_FITS: &str = "has(self.spec.name) || has(self.spec.externalId) || self.metadata.name.matches('^[a-z0-9][a-z0-9-]{1,28}[a-z0-9]$')";
const NAME_MESSAGE: &str = "metadata.name is used as the connection's name, which must be 3 to 30 lowercase letters, digits and hyphens: choose another name, or set spec.name";

union! {
    /// Who manages the connection (`PrivateConnectionMode`): exactly one.
    pub enum Mode {
        /// AWS DevOps Agent creates a VPC Lattice resource gateway in your subnets.
        "serviceManaged" => ServiceManaged(ServiceManaged),
        /// You create a VPC Lattice resource configuration and share it.
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

const FIXED: &str = "only the certificate of a private connection can: delete and recreate the object";
const KEPT: &str = "AWS can replace a certificate, but not remove it";

/// What is written into the object itself can be refused before it is stored.
fn certificates_only() -> Value {
    schema::rule(
        ".certificate.value",
        "!has(self.certificate) || !has(self.certificate.value) || (self.certificate.value.contains('-----BEGIN CERTIFICATE-----') && !self.certificate.value.contains('PRIVATE KEY'))",
        "must contain PEM certificates and no private key",
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
        "a port must be at most 65535, and a range must start with the lower port",
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

    /// Security groups of the resource gateway, one to five, in any order. If omitted, AWS uses the VPC's
    /// default security group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 5), transform = schema::set)]
    pub security_group_ids: Option<Vec<SecurityGroupId>>,

    /// IP address type of the resource gateway: `IPV4`, `IPV6` or `DUAL_STACK`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_address_type: Option<IpAddressType>,

    /// Number of IPv4 addresses for each network interface of the resource gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 62))]
    pub ipv4_addresses_per_eni: Option<i32>,

    /// Ports of the host, for example `"443"` or `"8000-8010"`, in any order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 11), transform = schema::set)]
    pub port_ranges: Option<Vec<PortRange>>,

    /// Certificate chain for verifying the host's certificate, if no public authority signed it. It can be
    /// replaced, but not removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Certificate>,

    /// Where the host name is resolved: `PUBLIC` or `IN_VPC`.
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
    /// ARN or ID of the VPC Lattice resource configuration, for example `rcfg-0123456789abcdef0`.
    pub resource_configuration_id: ResourceConfigurationArn,

    /// Certificate chain for verifying the host's certificate, if no public authority signed it. It can be
    /// replaced, but not removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Certificate>,
}

union! {
    /// A certificate chain in PEM format, at most 32768 characters: exactly one source. Only `CERTIFICATE`
    /// blocks are sent; a private key is rejected.
    pub enum Certificate {
        /// The certificates inline, for example with `value: |`.
        "value" => Value(CertificateString),
        /// Key of a Secret in the object's own namespace that holds them.
        "secretKeyRef" => SecretKeyRef(KeyRef),
        /// Key of a ConfigMap in the object's own namespace that holds them.
        "configMapKeyRef" => ConfigMapKeyRef(KeyRef),
    }
}

/// Observed state of the connection.
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
