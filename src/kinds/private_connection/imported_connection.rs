//! A private connection as a spec: the inverse of what the kind compares.

use serde_json::json;

use crate::aws::operations::PrivateConnection;
use crate::kinds::imported::{self, Described};
use crate::reconcile::tagging::TagMap;

/// What AWS calls a connection over a resource configuration of one's own.
const SELF_MANAGED: &str = "SELF_MANAGED";

/// The spec of an object for it.
pub fn describe(connection: &PrivateConnection, tags: &TagMap) -> Described {
    let is_own = connection.r#type.as_deref() == Some(SELF_MANAGED);
    let mode = if is_own {
        json!({ "selfManaged": { "resourceConfigurationId": connection.resource_configuration_id } })
    } else {
        json!({ "serviceManaged": {
            "hostAddress": connection.host_address,
            "vpcId": connection.vpc_id,
            "dnsResolution": connection.dns_resolution,
        } })
    };
    let spec = json!({ "name": connection.name, "mode": mode, "tags": imported::tags(tags) });
    let network = (!is_own).then(|| {
        "AWS doesn't return subnets, security groups, ports and address types. Enter them before you apply this: they \
         can't be changed later, and are needed if the connection has to be created again."
            .to_owned()
    });
    let certificate = connection.certificate_expiry_time.0.map(|until| {
        format!(
            "It has a certificate that expires at {until}. AWS doesn't return it; it stays as it is until mode sets one."
        )
    });
    let state = (connection.status != "ACTIVE").then(|| format!("AWS reports {}.", connection.status));
    let described = Described::new(spec, &["tags"]).noting_if(imported::owner(tags));
    described.noting_if(network).noting_if(certificate).noting_if(state)
}
