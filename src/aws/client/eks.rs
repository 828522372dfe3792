//! The one question that EKS is asked: whether a role may look into a cluster. A read; no SDK is needed for it.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use percent_encoding::utf8_percent_encode;
use serde_json::Value;

use crate::echo::{self, Words};
use crate::text;

use super::api_error::Error;
use super::credentials::CachedCredentials;
use super::endpoints::Partition;
use super::redact::are_quoted;
use super::request::RESERVED;
use super::signing;
use super::transport::{Timeouts, exchange};

/// The operation, for messages.
const OPERATION: &str = "DescribeAccessEntry";

/// EKS in a region, as the given credentials reach it.
pub struct Eks {
    /// The connections.
    pub http: reqwest::Client,
    /// What requests are signed with.
    pub credentials: CachedCredentials,
    /// Region of the cluster.
    pub region: String,
    /// Its address, if it isn't the region's.
    pub endpoint: Option<String>,
}

/// What EKS says of an access entry (`DescribeAccessEntry`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessEntry {
    /// There is one.
    Exists,
    /// EKS finds no such entry, or no such cluster; in its words.
    Missing(String),
    /// EKS doesn't answer the question; in its words.
    Refused(String),
}

impl Eks {
    /// Whether the principal has an access entry in the cluster.
    pub async fn access_entry(&self, cluster: &str, principal: &str) -> Result<AccessEntry, Error> {
        let base = self
            .endpoint
            .clone()
            .unwrap_or_else(|| format!("https://eks.{}.{}", self.region, Partition::of(&self.region).suffix));
        let [cluster, principal] = [cluster, principal].map(|part| utf8_percent_encode(part, RESERVED));
        let url = format!("{}/clusters/{cluster}/access-entries/{principal}", base.trim_end_matches('/'));
        let invalid = |message: String| Error::Input { operation: OPERATION, message };
        let mut request =
            self.http.get(url).build().map_err(|error| invalid(error.without_url().to_string()))?;
        let credentials = self.credentials.get().await?;
        signing::sign(&mut request, "eks", &credentials, &self.region, SystemTime::now()).map_err(invalid)?;
        let answer = exchange(&self.http, OPERATION, request, Timeouts::default().call).await?;
        Ok(verdict(answer.status, &answer.body, &credentials))
    }
}

/// What EKS's answer means. A signature that it rejects it quotes with all that was signed.
fn verdict(status: u16, body: &[u8], credentials: &Credentials) -> AccessEntry {
    /// Maximum bytes of EKS's words.
    const LONGEST: usize = 300;
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let words = ["message", "Message"].iter().find_map(|name| body[name].as_str()).unwrap_or("no message");
    let is_quote = are_quoted(credentials, &mut Words::new([words]));
    let words = if is_quote { echo::LEFT_OUT.to_owned() } else { text::plain_within(words, LONGEST) };
    match status {
        200 if body["accessEntry"].is_object() => AccessEntry::Exists,
        404 => AccessEntry::Missing(words),
        _ => AccessEntry::Refused(format!("{status}: {words}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_session_token_is_not_told_though_eks_quotes_what_was_signed() {
        let token = "FwoGZXIvYXdzEXAMPLETOKEN/1234567890abcdef";
        let credentials = Credentials::new("AKID", "secret-access-key", Some(token.to_owned()), None, "test");
        let body =
            format!(r#"{{"message":"The Canonical String should have been x-amz-security-token:{token}"}}"#);
        for status in [403, 404] {
            let told = format!("{:?}", super::verdict(status, body.as_bytes(), &credentials));
            assert!(told.contains("omitted") && !told.contains("FwoGZXIvYXdzEXAMPLE"), "{told}");
        }
    }

    #[test]
    fn only_a_404_says_that_there_is_none() {
        let credentials = Credentials::for_tests();
        let verdict = |status, body: &[u8]| super::verdict(status, body, &credentials);
        assert_eq!(verdict(200, br#"{"accessEntry":{"type":"STANDARD"}}"#), AccessEntry::Exists);
        let none = br#"{"message":"The specified principalArn could not be found."}"#;
        assert_eq!(
            verdict(404, none),
            AccessEntry::Missing("The specified principalArn could not be found.".to_owned())
        );
        assert_eq!(
            verdict(403, br#"{"Message":"not authorized"}"#),
            AccessEntry::Refused("403: not authorized".to_owned())
        );
        assert_eq!(verdict(200, b"<html>"), AccessEntry::Refused("200: no message".to_owned()));
    }

    #[tokio::test]
    async fn the_request_is_signed_for_eks_and_names_the_role_in_its_path() {
        use axum::extract::Request;
        use axum::http::StatusCode;

        let app = axum::Router::new().fallback(async |request: Request| {
            let signed = request.headers()["authorization"].to_str().unwrap_or_default().to_owned();
            let asked =
                request.uri().path() == "/clusters/prod/access-entries/arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fagent";
            let status = if asked && signed.contains("/eu-central-1/eks/aws4_request") { 200 } else { 400 };
            (StatusCode::from_u16(status).unwrap(), r#"{"accessEntry":{}}"#)
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async { axum::serve(listener, app).await });
        let credentials = aws_credential_types::Credentials::for_tests();
        let eks = Eks {
            http: super::super::connections(Timeouts::default()).unwrap(),
            credentials: CachedCredentials::new(credentials),
            region: "eu-central-1".to_owned(),
            endpoint: Some(format!("http://{address}/")),
        };
        assert_eq!(eks.access_entry("prod", "arn:aws:iam::1:role/agent").await.unwrap(), AccessEntry::Exists);
        server.abort();
    }
}
