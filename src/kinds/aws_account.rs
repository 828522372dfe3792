//! AWSAccount: has no remote; it is ready if the API accepts its credentials.

use std::collections::BTreeMap;

use kube::{Api, Client, ResourceExt};
use serde_json::Value;

use crate::api::{AWSAccount, AWSAccountStatus};
use crate::aws::operations::ListAgentSpaces;
use crate::reconcile::inputs::Inputs;
use crate::reconcile::kind::{
    Completed, Created, Issuing, Reconciled, Remote, Replaced, Resolved, Scope, State, Updated,
};
use crate::reconcile::owned::Reset;
use crate::reconcile::state::drift::Drift;
use crate::reconcile::state::error::{Doing, Error};

/// The kind.
pub struct AwsAccounts;

/// The account responded.
pub struct Reached {
    name: String,
}

impl Remote for Reached {
    fn id(&self) -> &str {
        &self.name
    }

    fn tags(&self) -> Option<&BTreeMap<String, String>> {
        None
    }
}

impl Reconciled for AwsAccounts {
    type Object = AWSAccount;
    type Desired = String;
    type Remote = Reached;

    const NOUN: &'static str = "AWS account";
    const AS_IT_SHOULD_BE: &'static str = "answers to its credentials";
    const HAS_REMOTE: bool = false;

    fn api(client: Client, _: &str) -> Api<AWSAccount> {
        Api::all(client)
    }

    async fn resolve(object: &AWSAccount, inputs: &Inputs<'_>) -> Result<Resolved<Self>, Error> {
        let name = object.name_any();
        let mut scope = inputs.scope(&name).await?;
        scope.space_is_ours = true;
        Ok(Resolved { desired: name, scope })
    }

    async fn read(
        scope: &Scope,
        id: &str,
        desired: Option<&String>,
        _: &AWSAccountStatus,
    ) -> Result<Option<Reached>, Error> {
        if desired.is_some() {
            let request = ListAgentSpaces { max_results: Some(1), ..ListAgentSpaces::default() };
            scope
                .aws
                .call(&request)
                .await
                .doing(|| format!("checking the credentials of the AWSAccount {id}"))?;
            return Ok(Some(Reached { name: id.to_owned() }));
        }
        Ok(None)
    }

    async fn search(
        scope: &Scope,
        desired: &String,
        status: &AWSAccountStatus,
    ) -> Result<Vec<Reached>, Error> {
        Ok(Self::read(scope, desired, Some(desired), status).await?.into_iter().collect())
    }

    fn compare(_: &String, _: &Reached, _: &AWSAccountStatus) -> State {
        State::Matching
    }

    fn settings(_: &AWSAccount) -> Value {
        Value::Null
    }

    fn observed(_: &Reached) -> Value {
        Value::Null
    }

    /// An AWSAccount sets nothing in AWS.
    fn reset(_: &str, _: &AWSAccountStatus) -> Option<Reset> {
        None
    }

    async fn create(_: &Scope, name: &String, _: &AWSAccountStatus) -> Result<Created<Reached>, Error> {
        Ok(Created { id: Some(name.clone()), ..Created::default() })
    }

    async fn update(
        _: &Scope,
        _: &String,
        _: &Reached,
        _: &Drift,
        _: &mut AWSAccountStatus,
    ) -> Result<Updated<Reached>, Error> {
        Ok(Updated::default())
    }

    async fn delete(_: &Scope, _: &str) -> Result<(), Error> {
        Ok(())
    }

    fn describe(_: &String, _: &Reached, _: &mut AWSAccountStatus) {}
}

impl Replaced for AwsAccounts {}
impl Completed for AwsAccounts {}
impl Issuing for AwsAccounts {}
