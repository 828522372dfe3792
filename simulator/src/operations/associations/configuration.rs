//! What the configuration of an association must agree with, and what identifies it.

use std::collections::BTreeSet;
use std::iter;

use serde_json::{Value, json};

use super::organization;
use crate::catalog::{self, Service};
use crate::context::Context;
use crate::error::ApiError;
use crate::input::Input;
use crate::switches::ReleaseManagementService;

/// A role or environment with this word in its name can't be used: the association is `invalid`.
const BROKEN: &str = "invalid";

/// Checks that the service exists, and that its type accepts this configuration.
pub fn check_service(cx: &Context<'_>, service_id: &str, key: &str) -> Result<(), ApiError> {
    let misfit = |of: &str| {
        let message = format!("A {of} service doesn't accept a {key} configuration");
        Err(ApiError::validation("/configuration", message))
    };
    let taken = catalog::configuration(key).service;
    let release_management = cx.switches.release_management_service;
    let is_word = match taken {
        Service::Registered(_) => false,
        Service::Word(word) => service_id == word,
        Service::Organization(word) => organization::is_service(cx.switches, service_id, word),
        Service::ReleaseManagement(word, _) => {
            service_id == word && release_management != ReleaseManagementService::Repository
        }
    };
    if is_word {
        return Ok(());
    }
    let Some(service) = cx.region.services.get(service_id) else {
        if service_id == "aws" {
            return misfit("aws");
        }
        return Err(cx.switches.unknown_service.error(format!("Service {service_id} not found")));
    };
    let kind = service.service_type.as_str();
    let only_the_word = matches!(taken, Service::ReleaseManagement(..))
        && release_management == ReleaseManagementService::Literal;
    if taken.types().contains(&kind) && !only_the_word { Ok(()) } else { misfit(kind) }
}

/// Everything about the configuration and the capabilities that the model can't say.
pub fn check(cx: &mut Context<'_>, input: &Input) -> Result<(), ApiError> {
    let (key, configuration) = input.union("configuration")?;
    check_tools(key, configuration)?;
    check_references(cx, input, key, configuration)?;
    check_capabilities(input)?;
    organization::check_mode(cx.switches, cx.space(input)?, key)?;
    cx.check_roles(configuration)
}

fn check_tools(key: &str, configuration: &Value) -> Result<(), ApiError> {
    let (Some(tools), Some(details)) =
        (configuration["tools"].as_array(), configuration["toolDetails"].as_array())
    else {
        return Ok(());
    };
    let tools: BTreeSet<&str> = tools.iter().filter_map(Value::as_str).collect();
    let named: BTreeSet<&str> = details.iter().filter_map(|detail| detail["name"].as_str()).collect();
    if tools == named {
        return Ok(());
    }
    let path = format!("/configuration/{key}/toolDetails");
    Err(ApiError::validation(&path, "toolDetails must name the same tools as tools"))
}

fn check_references(
    cx: &Context<'_>,
    input: &Input,
    key: &str,
    configuration: &Value,
) -> Result<(), ApiError> {
    if let Some(id) = configuration["releaseManagementAssociationId"].as_str() {
        let space = cx.space(input)?;
        let found = space.associations.get(id);
        if found.is_none_or(|association| association.configuration.get("releaseManagement").is_none()) {
            let path = format!("/configuration/{key}/releaseManagementAssociationId");
            return Err(ApiError::validation(
                &path,
                format!("{id} is not a release management association of the space"),
            ));
        }
    }
    if let Some(name) = connection(configuration)
        && !cx.region.private_connections.contains_key(name)
    {
        let path = format!("/configuration/{key}/networkAccess/privateAccess/privateConnectionName");
        return Err(ApiError::validation(&path, format!("Private connection {name} not found")));
    }
    Ok(())
}

fn check_capabilities(input: &Input) -> Result<(), ApiError> {
    let Some(capabilities) = input.get("capabilities").and_then(Value::as_object) else { return Ok(()) };
    for (name, capability) in capabilities {
        for (index, group) in capability["triggerFilterGroups"].as_array().into_iter().flatten().enumerate() {
            if ["events", "targetBranches"].iter().all(|condition| group[*condition].is_null()) {
                let path = format!("/capabilities/{name}/triggerFilterGroups/{index}");
                return Err(ApiError::validation(&path, "A filter group needs at least one condition"));
            }
        }
    }
    Ok(())
}

/// The private connection that a release management configuration goes through.
pub fn connection(configuration: &Value) -> Option<&str> {
    configuration.pointer("/networkAccess/privateAccess/privateConnectionName")?.as_str()
}

/// What tells two associations with the same service apart.
pub fn natural_key(configuration: &Value) -> Vec<&str> {
    let Some((key, inner)) = configuration.as_object().and_then(|object| object.iter().next()) else {
        return Vec::new();
    };
    let members = catalog::configuration(key).natural_key.iter();
    let values = members.map(|member| inner.pointer(member).and_then(Value::as_str).unwrap_or_default());
    iter::once(key.as_str()).chain(values).collect()
}

/// Removes nulls, and what a client can't set.
pub fn clean(configuration: &mut Value) {
    for (key, inner) in configuration.as_object_mut().into_iter().flatten() {
        for member in catalog::configuration(key).set_by_the_service {
            let Some((parent, name)) = member.rsplit_once('/') else { continue };
            if let Some(Value::Object(parent)) = inner.pointer_mut(parent) {
                parent.remove(name);
            }
        }
    }
    remove_nulls(configuration);
}

fn remove_nulls(value: &mut Value) {
    if let Value::Object(object) = value {
        object.retain(|_, value| !value.is_null());
        object.values_mut().for_each(remove_nulls);
    }
}

/// The status that the service finds.
pub fn status(configuration: &Value) -> &'static str {
    let is_broken = |(key, inner): (&String, &Value)| {
        let mut values = catalog::configuration(key).checked.iter().filter_map(|path| inner.pointer(path));
        values.any(|value| value.as_str().is_some_and(|value| value.contains(BROKEN)))
    };
    let broken = configuration.as_object().into_iter().flatten().any(is_broken);
    if broken { "invalid" } else { "valid" }
}

/// The status of the elevated role, next to the role.
pub fn set_elevated_status(configuration: &mut Value) {
    for (key, inner) in configuration.as_object_mut().into_iter().flatten() {
        let Value::Object(inner) = inner else { continue };
        if !catalog::configuration(key).set_by_the_service.contains(&"/agentElevatedRoleArnStatus") {
            continue;
        }
        let status = inner
            .get("agentElevatedRoleArn")
            .and_then(Value::as_str)
            .map(|role| if role.contains(BROKEN) { "invalid" } else { "valid" });
        if let Some(status) = status {
            inner.insert("agentElevatedRoleArnStatus".to_owned(), json!(status));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_natural_key_looks_at_what_identifies_and_nothing_else() {
        let one = json!({"github": {"repoId": "1", "repoName": "a"}});
        let renamed = json!({"github": {"repoId": "1", "repoName": "b"}});
        let other = json!({"github": {"repoId": "2", "repoName": "a"}});
        assert_eq!(natural_key(&one), natural_key(&renamed));
        assert_ne!(natural_key(&one), natural_key(&other));
    }

    #[test]
    fn the_status_of_the_elevated_role_is_the_services_to_set() {
        let mut value =
            json!({"aws": {"agentElevatedRoleArn": "r", "agentElevatedRoleArnStatus": "invalid"}});
        clean(&mut value);
        set_elevated_status(&mut value);
        assert_eq!(value["aws"]["agentElevatedRoleArnStatus"], "valid");
    }
}
