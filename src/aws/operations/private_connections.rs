//! Private connections.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::aws::Timestamp;
use crate::aws::client::operation::{operation, output};

operation! {
    /// `CreatePrivateConnection`: the name is the key, and it takes minutes.
    CreatePrivateConnection -> PrivateConnection,
    Binding::post(Control, "/v1/private-connections").safe(),
    { name: String, mode: Value, tags: BTreeMap<String, String> }
}

operation! {
    /// `DescribePrivateConnection`: a connection with its tags.
    DescribePrivateConnection -> PrivateConnection,
    Binding::get(Control, "/v1/private-connections/{name}"),
    { name: String }
}

operation! {
    /// `ListPrivateConnections`: all at once, without tags.
    ListPrivateConnections -> ListPrivateConnectionsOutput,
    Binding::get(Control, "/v1/private-connections"),
    {}
}

operation! {
    /// `UpdatePrivateConnectionCertificate`: sets or replaces it.
    UpdatePrivateConnectionCertificate -> PrivateConnection,
    Binding::post(Control, "/v1/private-connections/{name}/certificate").safe(),
    { name: String, certificate: String }
}

operation! {
    /// `DeletePrivateConnection`: takes minutes, then describing it fails because it doesn't exist.
    DeletePrivateConnection -> PrivateConnection,
    Binding::delete(Control, "/v1/private-connections/{name}"),
    { name: String }
}

output! {
    /// A private connection, as far as an operation describes it.
    #[derive(PartialEq, serde::Serialize)]
    PrivateConnection {
        name: String = required,
        status: String,
        r#type: Option<String>,
        host_address: Option<String>,
        vpc_id: Option<String>,
        dns_resolution: Option<String>,
        resource_gateway_id: Option<String>,
        resource_configuration_id: Option<String>,
        certificate_expiry_time: Timestamp,
        failure_message: Option<String>,

        tags: BTreeMap<String, String>,
    }
}

output! {
    /// The response of `ListPrivateConnections`.
    ListPrivateConnectionsOutput { private_connections: Vec<PrivateConnection> }
}
