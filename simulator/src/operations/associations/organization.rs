//! Associations with the accounts of an AWS Organization: which accounts those are, and how the deployment goes.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::context::{Context, iso};
use crate::error::ApiError;
use crate::store::{AgentSpace, Association, Organization};
use crate::switches::{
    OrganizationIdentity, OrganizationList, OrganizationService, Permission, SourceModeChange, Switches,
};

/// The configuration that this is about.
pub const KEY: &str = "sourceAwsOrg";
/// The mode of a space that has them.
pub const MODE: &str = "organization";
const SERVICE: &str = "aws-organization";
/// The first account of every organization, so that made-up accounts have plausible numbers.
const FIRST_ACCOUNT: u64 = 200_000_000_001;

/// Accounts whose number ends with these digits can't be deployed to, for this reason.
const FAILING: [(&str, &str); 6] = [
    ("0403", "accessDenied"),
    ("0404", "accountNotInScope"),
    ("0409", "stackInstanceInoperable"),
    ("0423", "accountSuspended"),
    ("0429", "secondaryAccountLimitExceeded"),
    ("0500", "deploymentFailed"),
];

/// Whether a request may use this service id.
pub fn is_service(switches: &Switches, service_id: &str, word: &str) -> bool {
    service_id == word || (switches.organization_service == OrganizationService::Own && service_id == SERVICE)
}

/// The service id that is returned.
pub fn service_id<'a>(switches: &Switches, key: &str, given: &'a str) -> &'a str {
    if key == KEY && switches.organization_service == OrganizationService::Own { SERVICE } else { given }
}

/// Whether two of them are the same, regardless of their units.
pub fn is_one_for_the_space(switches: &Switches, key: &str) -> bool {
    key == KEY && switches.organization_identity == OrganizationIdentity::Space
}

/// Whether an association belongs to the other mode than its space has.
fn is_of_the_other_mode(mode: &str, key: &str) -> bool {
    matches!((mode == MODE, key), (true, "sourceAws") | (false, KEY))
}

/// Rejects an association that the space's mode doesn't allow.
pub fn check_mode(switches: &Switches, space: &AgentSpace, key: &str) -> Result<(), ApiError> {
    if switches.source_mode_mismatch == Permission::Allow
        || !is_of_the_other_mode(&space.aws_source_mode, key)
    {
        return Ok(());
    }
    let message = format!("A space with the AWS source mode {} doesn't accept {key}", space.aws_source_mode);
    Err(ApiError::validation("/configuration", message))
}

/// What a change of the mode does to the associations of the other one.
pub fn change_mode(space: &mut AgentSpace, mode: &str, change: SourceModeChange) -> Result<(), ApiError> {
    let misfits =
        |association: &Association| is_of_the_other_mode(mode, super::key_of(&association.configuration));
    if change == SourceModeChange::Refuse && space.associations.values().any(misfits) {
        return Err(ApiError::conflict("Associations of the space belong to its present AWS source mode"));
    }
    mode.clone_into(&mut space.aws_source_mode);
    for association in space.associations.values_mut() {
        super::refresh_status(association);
    }
    mark_misfits(space, change);
    Ok(())
}

/// Makes the associations of the other mode invalid.
pub fn mark_misfits(space: &mut AgentSpace, change: SourceModeChange) {
    let mode = space.aws_source_mode.clone();
    for association in space.associations.values_mut() {
        let misfits = is_of_the_other_mode(&mode, super::key_of(&association.configuration));
        if change == SourceModeChange::Invalidate && misfits {
            "invalid".clone_into(&mut association.status);
        }
    }
}

/// The accounts that a configuration targets, which it then may list; none for other configurations.
pub fn targets(cx: &Context<'_>, configuration: &mut Value) -> Option<Organization> {
    let unit = configuration.get_mut(KEY)?.get_mut("organizationalUnit")?;
    let given = unit["accountIds"]
        .as_array()
        .map(|ids| ids.iter().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<String>>());
    let is_whole = unit["organizationalUnitId"].as_str().is_some_and(|id| id.starts_with("r-"));
    let accounts = given.unwrap_or_else(|| {
        let members = (0..cx.switches.organization_accounts).map(|index| (FIRST_ACCOUNT + index).to_string());
        members.chain(is_whole.then(|| cx.account.to_owned())).collect()
    });
    if cx.switches.organization_list == OrganizationList::FilledIn {
        unit["accountIds"] = json!(accounts);
    }
    Some(Organization { accounts, management_account: cx.account.to_owned() })
}

/// The state of a deployment that has only begun.
pub fn begin(association: &mut Association) {
    set_state(association, 0, &BTreeMap::new());
}

/// The state of a completed deployment.
pub fn deploy(association: &mut Association) {
    let Some(organization) = &association.organization else { return };
    let broken = association.status == "invalid";
    let mut issues: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut deployed = 0;
    for account in &organization.accounts {
        match reason(account, organization).or_else(|| broken.then_some("deploymentFailed")) {
            Some(reason) => issues.entry(reason).or_default().push(account.clone()),
            None => deployed += 1,
        }
    }
    set_state(association, deployed, &issues);
}

fn reason(account: &str, organization: &Organization) -> Option<&'static str> {
    if account == organization.management_account {
        return Some("managementAccountNotSupported");
    }
    FAILING.iter().find(|(end, _)| account.ends_with(end)).map(|(_, reason)| *reason)
}

fn set_state(association: &mut Association, deployed: usize, issues: &BTreeMap<&str, Vec<String>>) {
    let issues: Vec<Value> = issues
        .iter()
        .map(|(reason, accounts)| {
            json!({
                "reasonCode": reason,
                "accountCount": accounts.len(),
                "accountIds": accounts,
                "message": format!("The role of the stack set in {} is not to be quoted", accounts.join(", ")),
            })
        })
        .collect();
    let at = iso(association.updated_at);
    if let Some(configuration) = association.configuration.get_mut(KEY) {
        configuration["deploymentState"] =
            json!({"deployedAccountCount": deployed, "issues": issues, "lastEvaluatedAt": at});
    }
}

/// The service evaluates deployments all the time, and says when it did.
pub fn look(association: &mut Association, now: Timestamp) {
    if let Some(state) = association.configuration.pointer_mut("/sourceAwsOrg/deploymentState") {
        state["lastEvaluatedAt"] = json!(iso(now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn organization() -> Organization {
        Organization { accounts: Vec::new(), management_account: "123456789012".to_owned() }
    }

    #[test]
    fn the_last_digits_of_an_account_say_why_it_fails() {
        assert_eq!(reason("111111110403", &organization()), Some("accessDenied"));
        assert_eq!(reason("111111111111", &organization()), None);
        assert_eq!(reason("123456789012", &organization()), Some("managementAccountNotSupported"));
    }

    #[test]
    fn a_mode_has_no_place_for_the_accounts_of_the_other() {
        assert!(is_of_the_other_mode("organization", "sourceAws"));
        assert!(is_of_the_other_mode("standalone", "sourceAwsOrg"));
        for (mode, key) in
            [("organization", "sourceAwsOrg"), ("standalone", "sourceAws"), ("organization", "aws")]
        {
            assert!(!is_of_the_other_mode(mode, key), "{mode} {key}");
        }
    }
}
