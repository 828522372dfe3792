//! The one list of kinds that the operator, `crds`, the tests and the docs read.

use serde_json::Value;

use crate::api::{
    AWSAccount, AgentSpace, Asset, Association, PrivateConnection, ServiceRegistration, Trigger, schema,
};

/// Every CRD as it is installed, in the order of its plural.
pub fn crds() -> Result<Vec<Value>, serde_json::Error> {
    let mut crds = vec![
        schema::crd::<AWSAccount>()?,
        schema::crd::<AgentSpace>()?,
        schema::crd::<Asset>()?,
        schema::crd::<Association>()?,
        schema::crd::<PrivateConnection>()?,
        schema::crd::<ServiceRegistration>()?,
        schema::crd::<Trigger>()?,
    ];
    crds.sort_by_key(|crd| crd["spec"]["names"]["plural"].as_str().map(str::to_owned));
    Ok(crds)
}
