//! HTTP to programs on this machine.

use std::time::Duration;

use serde_json::Value;
use ureq::Agent;
use ureq::http::Uri;

use crate::error::{Doing, Error};

/// A response, whatever its status.
#[derive(Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The body.
    pub body: String,
}

impl Answer {
    /// The body of a successful response.
    pub fn require_success(self, doing: &str) -> Result<String, Error> {
        if (200..300).contains(&self.status) {
            return Ok(self.body);
        }
        Err(Error::Other(format!("{doing}: answered with status {}: {}", self.status, self.body.trim())))
    }

    /// The body of a successful response, as JSON.
    pub fn json(self, doing: &str) -> Result<Value, Error> {
        serde_json::from_str(&self.require_success(doing)?).doing(|| doing.to_owned())
    }
}

/// Sends a GET request.
pub fn get(url: &str) -> Result<Answer, Error> {
    read(&format!("GET {url}"), agent().get(url).call())
}

/// Asks for something to be removed.
pub fn delete(url: &str) -> Result<Answer, Error> {
    read(&format!("DELETE {url}"), agent().delete(url).call())
}

/// Sends a JSON body, with further headers.
pub fn post(url: &str, headers: &[(&str, &str)], body: &str) -> Result<Answer, Error> {
    let mut request = agent().post(url).header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    read(&format!("POST {url}"), request.send(body))
}

/// Whether a URL points to this machine.
pub fn is_loopback(url: &str) -> bool {
    url.parse::<Uri>().is_ok_and(|uri| {
        uri.scheme_str() == Some("http") && matches!(uri.host(), Some("127.0.0.1" | "localhost" | "[::1]"))
    })
}

/// No proxy and no redirects: everything requested here is on this machine.
fn agent() -> Agent {
    Agent::config_builder()
        .http_status_as_error(false)
        .proxy(None)
        .max_redirects(0)
        .timeout_global(Some(Duration::from_secs(10)))
        .build()
        .new_agent()
}

fn read(doing: &str, answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<Answer, Error> {
    let failed = |source| Error::Http { doing: doing.to_owned(), source: Box::new(source) };
    let mut answer = answer.map_err(failed)?;
    let status = answer.status().as_u16();
    Ok(Answer { status, body: answer.body_mut().read_to_string().map_err(failed)? })
}

#[cfg(test)]
mod tests {
    use super::is_loopback;

    #[test]
    fn only_urls_of_this_machine_are_loopback() {
        for url in ["http://127.0.0.1:4580/x?y", "http://localhost/", "http://[::1]:80/", "http://127.0.0.1"]
        {
            assert!(is_loopback(url), "{url}");
        }
        for url in [
            "https://auth.example.com/authorize?next=http://127.0.0.1/",
            "http://127.0.0.1.example.com/",
            "http://127.0.0.1@example.com/",
            "http://127.0.0.1:80@example.com/",
            "http://example.com#@127.0.0.1",
            "ftp://127.0.0.1/",
        ] {
            assert!(!is_loopback(url), "{url}");
        }
    }
}
