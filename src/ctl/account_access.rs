//! AWS as a command sees it: through the operator's own client, which here refuses everything that isn't a read.

use clap::builder::BoolishValueParser;
use clap::{ArgAction, Args};
use serde_json::Value;

use crate::api::AWSAccount;
use crate::aws::client::fleet::{AccountSettings, ClientFactory, FactoryOptions};
use crate::aws::{self, Client, Gate, PlainHttp};
use crate::reconcile::graph::references::ACCOUNT;
use crate::reconcile::inputs::accounts;

use super::Error;

/// Which account and region of AWS, and with which credentials. Endpoints come from the environment or the profile, as
/// for the operator.
#[derive(Clone, Debug, Default, Args)]
#[group(id = "aws")]
pub struct Flags {
    /// AWS region. Defaults to `AWS_REGION`, or the profile's region.
    #[arg(long)]
    pub region: Option<String>,

    /// Profile of the AWS configuration to take credentials and settings from. Defaults to `AWS_PROFILE`.
    #[arg(long)]
    pub profile: Option<String>,

    /// Use the region, role and endpoints of this AWSAccount, as the operator does. The role is assumed with your own
    /// credentials.
    #[arg(long, value_name = "NAME")]
    pub account: Option<String>,

    /// Also accept `http://` endpoints of AWS on other machines.
    #[arg(long, env = "ALLOW_HTTP_ENDPOINTS", value_parser = BoolishValueParser::new(), action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", hide_possible_values = true)]
    pub allow_http_endpoints: bool,
}

/// Reads AWS; never writes: every client it makes refuses operations that could change something.
pub struct Reader {
    factory: ClientFactory,
    region: Option<String>,
}

impl Flags {
    /// Reads the standard settings.
    pub async fn reader(&self) -> Result<Reader, Error> {
        let options = FactoryOptions {
            region: self.region.clone(),
            profile: self.profile.clone(),
            plain_http: if self.allow_http_endpoints { PlainHttp::Anywhere } else { PlainHttp::Loopback },
            gate: Gate::for_reading(),
            ..FactoryOptions::default()
        };
        let factory = ClientFactory::load(options).await.map_err(failed("reading the AWS settings"))?;
        Ok(Reader { factory, region: self.region.clone() })
    }

    /// The AWSAccount that `--account` names, if it names one.
    pub fn chosen<'a>(&self, accounts: &'a [AWSAccount]) -> Result<Option<&'a AWSAccount>, Error> {
        let Some(name) = self.account.as_deref() else { return Ok(None) };
        let found = accounts.iter().find(|account| account.metadata.name.as_deref() == Some(name));
        found.map(Some).ok_or_else(|| Error::account(name, accounts.iter().filter_map(name_of)))
    }
}

impl Reader {
    /// Makes the clients of an operator that only looks.
    pub fn into_factory(self) -> ClientFactory {
        self.factory
    }

    /// Who the user's credentials belong to, by AWS's own word.
    pub async fn caller(&self, region: &str) -> Result<String, aws::Error> {
        self.factory.caller(region).await
    }

    /// A client for an AWSAccount, or for the credentials and region of the flags, the environment and the profile.
    pub async fn client(&self, account: Option<&AWSAccount>) -> Result<Client, Error> {
        let settings = account
            .map_or_else(AccountSettings::default, |account| settings_of(account, self.region.as_deref()));
        if let (Some(given), Some(own)) = (&self.region, &settings.region)
            && given != own
        {
            return Err(Error::Usage(format!(
                "--region {given}: the AWSAccount {} is in {own}; omit --region, or use another --account",
                settings.key
            )));
        }
        let doing = match &*settings.key {
            "" => "finding AWS credentials and a region".to_owned(),
            name => format!("finding AWS credentials and a region for the AWSAccount {name}"),
        };
        self.factory.client(&settings).await.map_err(failed(&doing))
    }
}

fn settings_of(account: &AWSAccount, region: Option<&str>) -> AccountSettings {
    let mut settings = accounts::settings(name_of(account).unwrap_or_default(), account);
    settings.region = settings.region.or_else(|| region.map(str::to_owned));
    settings
}

fn name_of(account: &AWSAccount) -> Option<&str> {
    account.metadata.name.as_deref()
}

/// The AWSAccounts among objects. One that can't be read is left out: `validate` says what is wrong with it.
pub fn accounts_among<'a>(objects: impl IntoIterator<Item = &'a Value>) -> Vec<AWSAccount> {
    let ours = objects.into_iter().filter(|object| object["kind"] == ACCOUNT);
    ours.filter_map(|object| serde_json::from_value(object.clone()).ok()).collect()
}

/// An error of AWS while something was done.
pub fn failed(doing: &str) -> impl FnOnce(aws::Error) -> Error {
    let doing = doing.to_owned();
    move |source| Error::Aws { doing, source: Box::new(source) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::operations::{ListAgentSpaces, ValidateAwsAssociations};
    use serde_json::json;

    fn account(spec: &Value) -> AWSAccount {
        let object = json!({
            "apiVersion": "devopsagent.dev/v1alpha1", "kind": ACCOUNT, "metadata": {"name": "shop"}, "spec": spec,
        });
        accounts_among([&object]).remove(0)
    }

    #[tokio::test]
    async fn a_client_for_commands_reads_and_never_writes() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let flags = Flags { region: Some("us-east-1".to_owned()), ..Flags::default() };
        let endpoints = json!({"controlPlane": "http://127.0.0.1:1", "dataPlane": "http://127.0.0.1:1"});
        let role = json!({"roleArn": "arn:aws:iam::123456789012:role/reader", "externalId": "tenant"});
        let shop = account(&json!({"endpoints": endpoints, "assumeRole": role}));
        let client = flags.reader().await.unwrap().client(Some(&shop)).await.unwrap();
        assert_eq!(client.region(), "us-east-1");
        assert_eq!(client.account_id().await.unwrap(), "123456789012");
        let write = ValidateAwsAssociations { agent_space_id: "space".to_owned() };
        let refused = client.call(&write).await.unwrap_err();
        assert!(matches!(refused, aws::Error::ReadOnly { .. }), "{refused}");
        let list = ListAgentSpaces::default();
        let read = tokio::time::timeout(std::time::Duration::ZERO, client.call(&list)).await;
        assert!(!matches!(read, Ok(Err(aws::Error::ReadOnly { .. }))), "{read:?}");
    }

    #[tokio::test]
    async fn an_account_keeps_its_region() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let flags = Flags { region: Some("us-east-1".to_owned()), ..Flags::default() };
        let elsewhere = account(&json!({"region": "eu-west-1"}));
        let refused = flags.reader().await.unwrap().client(Some(&elsewhere)).await.unwrap_err();
        assert!(refused.to_string().contains("is in eu-west-1"), "{refused}");
    }

    #[test]
    fn an_account_that_is_missing_is_named_with_those_that_there_are() {
        let flags = Flags { account: Some("other".to_owned()), ..Flags::default() };
        let accounts = [account(&json!({}))];
        let error = flags.chosen(&accounts).unwrap_err();
        assert!(error.to_string().contains("\"other\"") && error.to_string().contains("shop"), "{error}");
        assert!(Flags::default().chosen(&accounts).unwrap().is_none());
    }
}
