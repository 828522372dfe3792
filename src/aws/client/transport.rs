//! Sending a signed request and reading its response.

use std::time::Duration;

use tokio::time::timeout;

use super::api_error::{Effect, Error};
use super::response::Answer;

/// How long a call may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// To connect.
    pub connect: Duration,
    /// From the start of the first attempt to the response of the last; waiting for the budget isn't counted.
    pub call: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), call: Duration::from_secs(30) }
    }
}

/// No response of the API comes close: an asset's zip has 6 MiB before base64.
const LARGEST_ANSWER: usize = 12 << 20;
/// Shorter than a server's idle timeout, so that a request seldom uses a connection that is being closed.
const IDLE: Duration = Duration::from_secs(20);
/// A connection is considered dead after this long without data during a call.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// The connections, for all clients of the process. TLS is ring's.
pub fn connections(timeouts: Timeouts) -> Result<reqwest::Client, Error> {
    // Fails if someone installed a provider before, which is just as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(timeouts.connect)
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(2)
        .http2_keep_alive_interval(KEEP_ALIVE)
        .http2_keep_alive_timeout(KEEP_ALIVE)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .build()
        .map_err(|error| Error::Config { message: format!("creating an HTTPS client: {}", chain(&error)) })
}

/// Sends a request once, and reads the response, whatever its status.
pub(crate) async fn exchange(
    http: &reqwest::Client,
    operation: &'static str,
    request: reqwest::Request,
    time: Duration,
) -> Result<Answer, Error> {
    let exchange = async {
        let mut response = http.execute(request).await?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            body.extend_from_slice(&chunk);
            if body.len() > LARGEST_ANSWER {
                return Ok(None);
            }
        }
        Ok(Some(Answer {
            status: response.status().as_u16(),
            headers: std::mem::take(response.headers_mut()),
            body,
        }))
    };
    match timeout(time, exchange).await {
        Ok(Ok(Some(answer))) => Ok(answer),
        Ok(Ok(None)) => Err(Error::Decode { operation, message: "it is too large".to_owned() }),
        Ok(Err(error)) => Err(failure(operation, error)),
        Err(_) => Err(Error::Timeout { operation, effect: Effect::Unknown }),
    }
}

/// Before the connection is established, nothing was sent; after that, nobody knows.
fn failure(operation: &'static str, error: reqwest::Error) -> Error {
    let error = error.without_url();
    let effect = if error.is_connect() { Effect::None } else { Effect::Unknown };
    if error.is_builder() {
        Error::Input { operation, message: chain(&error) }
    } else if error.is_timeout() {
        Error::Timeout { operation, effect }
    } else {
        Error::Connection { operation, effect, message: chain(&error) }
    }
}

/// An error with its causes: the first alone seldom says what happened.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
