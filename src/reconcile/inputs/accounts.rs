//! The AWS clients for the AWSAccounts that objects use.

use std::sync::Arc;

use crate::api::AWSAccount;
use crate::api::common::Object;
use crate::aws::client::fleet::{AccountSettings, AssumeRole, ClientFactory};
use crate::aws::client::shared_budgets::Usage;
use crate::aws::{self, Caller, EndpointOverrides};
use crate::reconcile::context::Context;
use crate::reconcile::graph::references::DEFAULT_ACCOUNT;
use crate::reconcile::state::conditions::Reason;
use crate::reconcile::state::error::{Doing, Error};
use crate::reconcile::state::subject::Subject;
use crate::reconcile::tagging::TagMap;

/// AWS clients, one for each AWSAccount and one for the operator's own credentials.
pub struct Accounts {
    factory: ClientFactory,
    /// Whether objects without an AWSAccount are reconciled.
    pub own: OwnAccount,
}

/// Whether objects without an AWSAccount are reconciled with the operator's own credentials.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OwnAccount {
    /// They are.
    #[default]
    Used,
    /// They wait for an AWSAccount (`--require-account`).
    Refused,
}

impl OwnAccount {
    /// Checks that an object may use the account `name`; empty for the operator's own. What was created with the
    /// operator's own credentials may still be deleted with them: nothing else could.
    pub fn check(self, name: &str, deleting: bool) -> Result<(), Error> {
        if !name.is_empty() || deleting || self == Self::Used {
            return Ok(());
        }
        Err(Error::wait(
            Reason::AccountRequired,
            "the operator's own credentials are not used (--require-account); ask for an AWSAccount `default`, or \
             recreate the object (or the agent space that it belongs to) with spec.accountRef. What already exists in AWS \
             is left unchanged, and is deleted with the object",
        ))
    }
}

impl Accounts {
    /// Clients made by `factory`.
    pub fn new(factory: ClientFactory, own: OwnAccount) -> Self {
        Self { factory, own }
    }

    /// The account of objects that name none: `default` if there is one, else the operator's own (empty).
    pub fn default_name(&self, cx: &Context) -> String {
        find(cx, DEFAULT_ACCOUNT).map_or_else(String::new, |_| DEFAULT_ACCOUNT.to_owned())
    }

    /// The client for the AWSAccount `name`, empty for the operator's own credentials, with which `caller` makes calls.
    pub async fn client(&self, cx: &Context, name: &str, caller: Caller) -> Result<aws::Client, Error> {
        let settings = match find(cx, name) {
            Some(account) => settings(name, &account),
            None if name.is_empty() => AccountSettings::default(),
            // With other credentials the remote would seem to be gone.
            None => {
                return Err(Error::wait(
                    Reason::DependencyNotReady,
                    format!("the AWSAccount {name}, which holds this resource, does not exist; recreate it"),
                ));
            }
        };
        let doing = || match name {
            "" => "finding AWS credentials and a region for the operator".to_owned(),
            name => format!("finding AWS credentials and a region for the AWSAccount {name}"),
        };
        let client = self.factory.client(&settings).await.doing(doing)?;
        Ok(client.for_caller(caller))
    }

    /// Forgets the clients, with budgets and credentials, of AWSAccounts that are gone.
    pub fn forget_gone(&self, cx: &Context) {
        let is_there = |name: &str| name.is_empty() || find(cx, name).is_some();
        self.factory.retain(is_there);
        cx.pictures.retain(is_there);
    }

    /// The request budget of each account, except those of AWSAccounts that are gone.
    pub fn usage(&self, cx: &Context) -> Vec<(String, Usage)> {
        let mut usage = self.factory.usage();
        usage.retain(|(name, _)| name.is_empty() || find(cx, name).is_some());
        usage.sort_by(|(one, _), (other, _)| one.cmp(other));
        usage
    }

    /// Tags that the account puts on everything that is created in it.
    pub fn tags(&self, cx: &Context, name: &str) -> TagMap {
        let account = find(cx, name);
        let tags = account.iter().flat_map(|account| &account.spec.tags);
        tags.map(|(key, value)| (key.0.clone(), value.0.clone())).collect()
    }
}

fn find(cx: &Context, name: &str) -> Option<Arc<AWSAccount>> {
    cx.cache()?.get(&Subject::new(AWSAccount::kind_name(), "", name))
}

/// The settings of the AWSAccount `name` for its client.
pub fn settings(name: &str, account: &AWSAccount) -> AccountSettings {
    let spec = &account.spec;
    AccountSettings {
        key: name.to_owned(),
        region: spec.region.as_ref().map(ToString::to_string),
        assume_role: spec.assume_role.as_ref().map(|role| AssumeRole {
            role_arn: role.role_arn.to_string(),
            external_id: role.external_id.clone(),
            session_name: Some(
                role.session_name.clone().unwrap_or_else(|| "devops-agent-operator".to_owned()),
            ),
        }),
        endpoints: spec.endpoints.as_ref().map_or_else(EndpointOverrides::default, |endpoints| {
            EndpointOverrides {
                control_plane: endpoints.control_plane.as_ref().map(ToString::to_string),
                data_plane: endpoints.data_plane.as_ref().map(ToString::to_string),
            }
        }),
        requests_per_second: spec.requests_per_second.map(f64::from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operators_own_account_is_closed_to_all_but_deletion_where_an_account_is_required() {
        for (own, name, deleting, served) in [
            (OwnAccount::Used, "", false, true),
            (OwnAccount::Refused, "", false, false),
            (OwnAccount::Refused, "", true, true),
            (OwnAccount::Refused, "team", false, true),
        ] {
            assert_eq!(own.check(name, deleting).is_ok(), served, "{own:?} {name} {deleting}");
        }
        let error = OwnAccount::Refused.check("", false).unwrap_err();
        assert_eq!(error.classify().1, Reason::AccountRequired);
    }
}
