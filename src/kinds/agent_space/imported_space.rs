//! An agent space as a spec: the inverse of what the kind compares.

use serde_json::json;

use crate::aws::operations::{AgentSpace, OperatorApp};
use crate::kinds::imported::{self, Described};
use crate::reconcile::tagging::TagMap;

/// What people call it.
pub fn title(space: &AgentSpace) -> String {
    space.name.clone()
}

/// The spec of an object for it.
pub fn describe(space: &AgentSpace, tags: &TagMap, app: &OperatorApp) -> Described {
    let iam = app.iam.as_ref().map(|iam| json!({ "roleArn": iam.operator_app_role_arn }));
    let idc = app
        .idc
        .as_ref()
        .map(|idc| json!({ "roleArn": idc.operator_app_role_arn, "instanceArn": idc.idc_instance_arn }));
    let idp = app.idp.as_ref().map(|idp| {
        json!({
            "roleArn": idp.operator_app_role_arn,
            "issuerUrl": idp.issuer_url,
            "clientId": idp.client_id,
            "provider": idp.provider,
        })
    });
    let spec = json!({
        "name": space.name,
        "description": space.description,
        "locale": space.locale,
        "kmsKeyArn": space.kms_key_arn,
        "preferences": space.preferences,
        "awsSourceMode": space.aws_source_mode,
        "tags": imported::tags(tags),
        "operatorApp": { "iam": iam, "idc": idc, "idp": idp },
    });
    Described::new(spec, &["preferences", "tags", "operatorApp"]).noting_if(imported::owner(tags))
}
