//! One client for each account that objects name, from the standard AWS settings.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_sdk_sts::config::RuntimeComponents;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_types::service_config::ServiceConfigKey;

use super::account::Account;
use super::api_error::Error;
use super::budget::DEFAULT_RATE;
use super::credentials::{CachedCredentials, explain};
use super::eks::Eks;
use super::endpoints::{EndpointOverrides, Endpoints, PlainHttp, check_other};
use super::gate::Gate;
use super::principal::{Principal, WeakPrincipal};
use super::retry::RetryPolicy;
use super::shared_budgets::{SharedBudgets, Usage};
use super::transport::{self, Timeouts};
use super::{Client, ClientConfig, Observer};

/// What all clients have in common.
#[derive(Clone, Default)]
pub struct FactoryOptions {
    /// The region for accounts that name none, instead of the environment's or the profile's.
    pub region: Option<String>,
    /// The profile to take settings and credentials from, instead of the environment's or the default one.
    pub profile: Option<String>,
    /// How long calls may take.
    pub timeouts: Timeouts,
    /// Calls per second for an account and region, unless the AWSAccount sets a limit.
    pub requests_per_second: Option<f64>,
    /// Among how many processes the calls of an account are divided; zero means one.
    pub shards: u16,
    /// When and how often a safe call is retried.
    pub retry: RetryPolicy,
    /// Which endpoints without TLS are allowed.
    pub plain_http: PlainHttp,
    /// Is notified of every call.
    pub observer: Option<Arc<dyn Observer>>,
    /// Whether calls may be sent.
    pub gate: Gate,
}

/// What an `AWSAccount` says. The default is the operator's own credentials and region.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AccountSettings {
    /// Name of the AWSAccount; empty for the operator's own credentials. When its settings change, so does its client.
    pub key: String,
    /// The region, if it is not the operator's.
    pub region: Option<String>,
    /// The role to assume, if any.
    pub assume_role: Option<AssumeRole>,
    /// Addresses instead of the service's.
    pub endpoints: EndpointOverrides,
    /// Calls per second, if not the operator's default.
    pub requests_per_second: Option<f64>,
}

/// A role to assume.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct AssumeRole {
    /// Which.
    pub role_arn: String,
    /// What its trust policy may require.
    pub external_id: Option<String>,
    /// The session name, shown in the audit log.
    pub session_name: Option<String>,
}

/// Makes clients, and keeps one for each account.
pub struct ClientFactory {
    options: FactoryOptions,
    sdk: SdkConfig,
    http: reqwest::Client,
    credentials: CachedCredentials,
    clients: Mutex<HashMap<String, (AccountSettings, Client)>>,
    /// By region and role, as long as a client has them.
    principals: Mutex<HashMap<(String, Option<AssumeRole>), WeakPrincipal>>,
    budgets: SharedBudgets,
}

impl ClientFactory {
    /// The same, but its clients send nothing while the gate is closed. Clients created before aren't affected.
    #[must_use]
    pub fn behind(mut self, gate: Gate) -> Self {
        self.options.gate = gate;
        self
    }

    /// Reads the standard settings once: environment, profile, and where credentials come from.
    pub async fn load(options: FactoryOptions) -> Result<Self, Error> {
        let sdk = loader(&options).load().await;
        Self::with_settings(options, sdk)
    }

    /// Clients with the given settings.
    pub fn with_settings(options: FactoryOptions, sdk: SdkConfig) -> Result<Self, Error> {
        let http = transport::connections(options.timeouts)?;
        let source = sdk.credentials_provider().ok_or_else(|| Error::Credentials {
            message: "no source of credentials is configured".to_owned(),
        })?;
        let credentials = CachedCredentials::new(source);
        Ok(Self {
            options,
            sdk,
            http,
            credentials,
            clients: Mutex::default(),
            principals: Mutex::default(),
            budgets: SharedBudgets::default(),
        })
    }

    /// The client for an account. The same settings result in the same client, with its budget and credentials.
    pub async fn client(&self, settings: &AccountSettings) -> Result<Client, Error> {
        if let Some(client) = self.known(settings) {
            return Ok(client);
        }
        let client = self.make(settings).await?;
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        match clients.get(&settings.key) {
            // Someone else was faster.
            Some((same, client)) if same == settings => Ok(client.clone()),
            _ => {
                clients.insert(settings.key.clone(), (settings.clone(), client.clone()));
                Ok(client)
            }
        }
    }

    /// Who STS says that the credentials belong to: the ARN of a user or a role's session.
    pub async fn caller(&self, region: &str) -> Result<String, Error> {
        let sdk = self.sdk.to_builder().region(Region::new(region.to_owned())).build();
        let sts =
            aws_sdk_sts::config::Builder::from(&sdk).credentials_provider(self.credentials.clone()).build();
        let unknown =
            |message: &str| Error::Credentials { message: format!("whose they are is unknown: {message}") };
        // Without credentials, their own words are better than those of a call that can't be signed.
        self.credentials.get().await?;
        let identity = aws_sdk_sts::Client::from_conf(sts).get_caller_identity().send().await;
        let identity = identity.map_err(|error| unknown(&explain(&error)))?;
        identity.arn().map(str::to_owned).ok_or_else(|| unknown("STS did not return it"))
    }

    /// EKS in a region, with the credentials that the standard settings name.
    pub fn eks(&self, region: &str) -> Result<Eks, Error> {
        let endpoint = endpoint_of(&self.sdk, "eks");
        if let Some(url) = &endpoint {
            check_other(
                url,
                "AWS_ENDPOINT_URL_EKS, AWS_ENDPOINT_URL or endpoint_url in the profile",
                self.options.plain_http,
            )?;
        }
        let (http, credentials) = (self.http.clone(), self.credentials.clone());
        Ok(Eks { http, credentials, region: region.to_owned(), endpoint })
    }

    /// The budget of every account that has a client, by the account's key. Several may have one in common.
    pub fn usage(&self) -> Vec<(String, Usage)> {
        let clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        clients.iter().map(|(key, (_, client))| (key.clone(), client.usage())).collect()
    }

    /// Forgets the clients of accounts that are gone; `is_there` says by key which are not.
    pub fn retain(&self, is_there: impl Fn(&str) -> bool) {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        clients.retain(|key, _| is_there(key));
    }

    fn known(&self, settings: &AccountSettings) -> Option<Client> {
        let clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let (same, client) = clients.get(&settings.key)?;
        (same == settings).then(|| client.clone())
    }

    async fn make(&self, settings: &AccountSettings) -> Result<Client, Error> {
        let region = settings.region.clone().or_else(|| self.sdk.region().map(ToString::to_string));
        let region = region.ok_or_else(|| Error::Config {
            message: "no AWS region: set it in the AWSAccount, by a flag, by AWS_REGION or in the profile"
                .to_owned(),
        })?;
        let fips = self.sdk.use_fips().unwrap_or_default();
        let standard = standard_endpoint(&self.sdk);
        let endpoints = Endpoints::resolve(
            &region,
            fips,
            &settings.endpoints,
            standard.as_deref(),
            self.options.plain_http,
        )?;
        if let Some(url) = sts_endpoint(&self.sdk) {
            check_other(
                &url,
                "AWS_ENDPOINT_URL_STS, AWS_ENDPOINT_URL or endpoint_url in the profile",
                self.options.plain_http,
            )?;
        }
        let principal = self.principal(&region, settings.assume_role.as_ref()).await;
        let rate = settings.requests_per_second.or(self.options.requests_per_second).unwrap_or(DEFAULT_RATE);
        let rate = rate / f64::from(self.options.shards.max(1));
        let budget = self.budgets.share(&region, &endpoints, rate);
        if let Some(id) = principal.account().known_id() {
            budget.join(id);
        }
        Ok(Client::new(ClientConfig {
            http: self.http.clone(),
            region,
            endpoints,
            principal,
            budget,
            timeouts: self.options.timeouts,
            retry: self.options.retry,
            observer: self.options.observer.clone(),
            gate: self.options.gate.clone(),
        }))
    }

    /// What signs in this region. Clients of the same role have one, with its credentials, so that it is assumed once.
    async fn principal(&self, region: &str, role: Option<&AssumeRole>) -> Principal {
        let key = (region.to_owned(), role.cloned());
        let known = |all: &HashMap<_, WeakPrincipal>| all.get(&key).and_then(WeakPrincipal::upgrade);
        let lock = || self.principals.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(principal) = known(&lock()) {
            return principal;
        }
        let sdk = self.sdk.to_builder().region(Region::new(region.to_owned())).build();
        let (credentials, account) = match role {
            None => (self.credentials.clone(), None),
            Some(role) => {
                let provider = self.assume(role, &sdk).await;
                let purpose = format!("assuming the role {}", role.role_arn);
                (
                    CachedCredentials::for_purpose(&purpose, &self.credentials, provider),
                    Account::of_role(&role.role_arn),
                )
            }
        };
        let sts = aws_sdk_sts::config::Builder::from(&sdk).credentials_provider(credentials.clone()).build();
        let account = account.unwrap_or_else(|| Account::ask(aws_sdk_sts::Client::from_conf(sts)));
        let mut all = lock();
        // Someone else may have been faster.
        known(&all).unwrap_or_else(|| {
            let principal = Principal::new(credentials, account);
            all.retain(|_, principal| principal.is_used());
            all.insert(key.clone(), principal.downgrade());
            principal
        })
    }

    async fn assume(&self, role: &AssumeRole, sdk: &SdkConfig) -> AssumeRoleProvider {
        let session_name = role.session_name.as_deref().unwrap_or(env!("CARGO_PKG_NAME"));
        let mut builder =
            AssumeRoleProvider::builder(&role.role_arn).session_name(session_name).configure(sdk);
        if let Some(external_id) = &role.external_id {
            builder = builder.external_id(external_id);
        }
        builder.build_from_provider(self.credentials.clone()).await
    }
}

/// How the standard settings are read, and how STS and other credential sources are reached: with ring's TLS, and
/// through the proxy from the environment, like the API itself.
fn loader(options: &FactoryOptions) -> ConfigLoader {
    let connections =
        aws_smithy_http_client::Builder::new().build_with_connector_fn(|settings, components| {
            let mut builder = Connector::builder().proxy_config(ProxyConfig::from_env());
            builder.set_connector_settings(settings.cloned());
            builder.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
            builder.tls_provider(Provider::Rustls(CryptoMode::Ring)).build()
        });
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(options.timeouts.connect)
        .operation_timeout(options.timeouts.call)
        .build();
    let loader =
        aws_config::defaults(BehaviorVersion::latest()).http_client(connections).timeout_config(timeouts);
    let loader = match &options.region {
        Some(region) => loader.region(Region::new(region.clone())),
        None => loader,
    };
    match &options.profile {
        Some(profile) => loader.profile_name(profile),
        None => loader,
    }
}

/// `AWS_ENDPOINT_URL_DEVOPS_AGENT`, `AWS_ENDPOINT_URL`, or the profile's setting; unless they are to be ignored.
fn standard_endpoint(sdk: &SdkConfig) -> Option<String> {
    // The form of a profile's `services` section. With the service's id, `DevOps Agent`, the library would look for
    // `devops-agent` there, which no other SDK does; the environment variable is the same.
    endpoint_of(sdk, "devops_agent")
}

/// The same for STS, by which roles are assumed.
fn sts_endpoint(sdk: &SdkConfig) -> Option<String> {
    endpoint_of(sdk, "sts")
}

fn endpoint_of(sdk: &SdkConfig, service: &str) -> Option<String> {
    let key = ServiceConfigKey::builder()
        .service_id(service)
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url")
        .build()
        .ok()?;
    let own = sdk.service_config().and_then(|config| config.load_config(key));
    own.or_else(|| sdk.endpoint_url().map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(key: &str, id: &str, region: &str, rate: f64) -> AccountSettings {
        let role_arn = format!("arn:aws:iam::{id}:role/{key}");
        AccountSettings {
            key: key.to_owned(),
            region: Some(region.to_owned()),
            assume_role: Some(AssumeRole { role_arn, ..AssumeRole::default() }),
            requests_per_second: Some(rate),
            ..AccountSettings::default()
        }
    }

    #[tokio::test]
    async fn awsaccounts_of_one_account_and_region_share_a_budget_divided_by_shards() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let options =
            FactoryOptions { shards: 2, region: Some("us-east-1".to_owned()), ..FactoryOptions::default() };
        let factory = ClientFactory::load(options).await.unwrap();
        let (one, other) = ("111111111111", "222222222222");
        for settings in [
            account("a", one, "us-east-1", 20.0),
            account("b", one, "us-east-1", 6.0),
            account("elsewhere", one, "us-west-2", 10.0),
            account("other", other, "us-east-1", 8.0),
        ] {
            factory.client(&settings).await.unwrap();
        }
        let limits = || {
            let mut limits: Vec<(String, f64)> =
                factory.usage().into_iter().map(|(key, usage)| (key, usage.limit)).collect();
            limits.sort_by(|one, other| one.0.cmp(&other.0));
            limits
        };
        let named = |limits: &[(&str, f64)]| {
            limits.iter().map(|(key, limit)| ((*key).to_owned(), *limit)).collect::<Vec<_>>()
        };
        assert_eq!(limits(), named(&[("a", 3.0), ("b", 3.0), ("elsewhere", 5.0), ("other", 4.0)]));
        // It becomes another account.
        factory.client(&account("b", other, "us-east-1", 6.0)).await.unwrap();
        assert_eq!(limits(), named(&[("a", 10.0), ("b", 3.0), ("elsewhere", 5.0), ("other", 3.0)]));
        let principal = async |key: &str, settings: &AccountSettings| {
            let settings = AccountSettings { key: key.to_owned(), ..settings.clone() };
            factory.client(&settings).await.unwrap().principal()
        };
        let settings = account("a", one, "us-east-1", 20.0);
        let first = principal("a", &settings).await;
        let slower = AccountSettings { requests_per_second: Some(12.0), ..settings.clone() };
        assert_eq!(principal("same", &slower).await, first, "the same role has one set of credentials");
        assert_eq!(principal("a", &slower).await, first);
        assert_ne!(principal("other", &account("other", other, "us-east-1", 8.0)).await, first);
        factory.retain(|key| key == "other");
        assert_ne!(principal("a", &settings).await, first, "nothing is kept of credentials that nobody has");
        factory.retain(|key| key == "other");
        assert_eq!(limits(), named(&[("other", 4.0)]));
    }
}
