//! What the operations do, one file per group of resources.

pub mod assets;
pub mod associations;
pub mod connections;
mod operator_app;
mod services;
mod spaces;
mod tags;
mod triggers;

pub use services::complete_registration;

use crate::context::{Answer, Context};
use crate::input::Input;

/// The behaviour of one operation, given a valid input. All have this signature, even those that can't fail.
pub type Handler = fn(&mut Context<'_>, &Input) -> Answer;

/// The behaviour of an operation by its name in the model.
pub fn handler(operation: &str) -> Option<Handler> {
    control_plane(operation).or_else(|| data_plane(operation))
}

fn control_plane(operation: &str) -> Option<Handler> {
    Some(match operation {
        "CreateAgentSpace" => spaces::create,
        "GetAgentSpace" => spaces::get,
        "ListAgentSpaces" => spaces::list,
        "UpdateAgentSpace" => spaces::update,
        "DeleteAgentSpace" => spaces::delete,
        "EnableOperatorApp" => operator_app::enable,
        "GetOperatorApp" => operator_app::get,
        "UpdateOperatorAppIdpConfig" => operator_app::update_idp,
        "DisableOperatorApp" => operator_app::disable,
        "RegisterService" => services::register,
        "GetService" => services::get,
        "ListServices" => services::list,
        "DeregisterService" => services::deregister,
        "AssociateService" => associations::associate,
        "GetAssociation" => associations::get,
        "ListAssociations" => associations::list,
        "UpdateAssociation" => associations::update,
        "DisassociateService" => associations::disassociate,
        "ListWebhooks" => associations::list_webhooks,
        "ValidateAwsAssociations" => associations::validate,
        "CreatePrivateConnection" => connections::create,
        "DescribePrivateConnection" => connections::describe,
        "ListPrivateConnections" => connections::list,
        "UpdatePrivateConnectionCertificate" => connections::update_certificate,
        "DeletePrivateConnection" => connections::delete,
        "TagResource" => tags::tag,
        "UntagResource" => tags::untag,
        "ListTagsForResource" => tags::list,
        _ => return None,
    })
}

fn data_plane(operation: &str) -> Option<Handler> {
    Some(match operation {
        "ListAssetTypes" => assets::list_types,
        "CreateAsset" => assets::create,
        "GetAsset" => assets::get,
        "ListAssets" => assets::list,
        "UpdateAsset" => assets::update,
        "DeleteAsset" => assets::delete,
        "ListAssetVersions" => assets::list_versions,
        "GetAssetContent" => assets::get_content,
        "CreateAssetFile" => assets::files::create,
        "GetAssetFile" => assets::files::get,
        "ListAssetFiles" => assets::files::list,
        "UpdateAssetFile" => assets::files::update,
        "DeleteAssetFile" => assets::files::delete,
        "CreateTrigger" => triggers::create,
        "GetTrigger" => triggers::get,
        "ListTriggers" => triggers::list,
        "UpdateTrigger" => triggers::update,
        "DeleteTrigger" => triggers::delete,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use crate::model::Model;

    #[test]
    fn every_operation_of_the_model_has_a_behaviour() {
        for name in Model::embedded().unwrap().operations().keys() {
            assert!(super::handler(name).is_some(), "{name} does nothing");
        }
    }
}
