//! The client's settings for a service that answers by a script.

#![allow(missing_docs, unreachable_pub, clippy::unwrap_used, reason = "shared by several tests")]

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use devops_agent_operator::aws::client::shared_budgets::Share;
use devops_agent_operator::aws::{
    Account, CachedCredentials, ClientConfig, EndpointOverrides, Endpoints, Gate, PlainHttp, Principal,
    RetryPolicy, Timeouts, connections,
};

/// A client's settings for the service at `url`.
pub fn config(url: &str) -> ClientConfig {
    let endpoints =
        Endpoints::resolve("us-east-1", false, &EndpointOverrides::default(), Some(url), PlainHttp::Loopback)
            .unwrap();
    let timeouts = Timeouts { connect: Duration::from_secs(5), call: Duration::from_secs(20) };
    ClientConfig {
        http: connections(timeouts).unwrap(),
        region: "us-east-1".to_owned(),
        endpoints,
        principal: principal(Credentials::new(
            "AKID",
            "hush-secret",
            Some("hush-token".into()),
            None,
            "test",
        )),
        budget: Share::alone(1000.0),
        timeouts,
        retry: RetryPolicy { base: Duration::ZERO, ..RetryPolicy::default() },
        observer: None,
        gate: Gate::default(),
    }
}

/// What signs with these credentials.
pub fn principal(credentials: impl ProvideCredentials + 'static) -> Principal {
    Principal::new(CachedCredentials::new(credentials), Account::known("123456789012"))
}
