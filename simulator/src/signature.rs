//! Signature Version 4, from the receiving end.

use std::fmt::Write;

use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest, Sha256};

use crate::error::ApiError;
use crate::wire::Request;

/// Everything except RFC 3986's unreserved characters.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The same, and slashes stay.
const PATH: &AsciiSet = &UNRESERVED.remove(b'/');

/// The parsed `Authorization` header.
#[derive(Debug, PartialEq, Eq)]
pub struct Authorization {
    /// The claimed signer.
    pub access_key_id: String,
    /// Day of the scope, `YYYYMMDD`.
    pub date: String,
    /// Region of the scope.
    pub region: String,
    /// Service of the scope.
    pub service: String,
    signed_headers: Vec<String>,
    signature: String,
}

impl Authorization {
    /// Reads the header of a request.
    pub fn of(request: &Request) -> Result<Self, ApiError> {
        let header = request
            .header("authorization")
            .ok_or_else(|| refuse("MissingAuthenticationTokenException", "Missing Authentication Token"))?;
        Self::parse(header).ok_or_else(|| {
            refuse(
                "IncompleteSignatureException",
                "Authorization header is not a complete AWS4-HMAC-SHA256 signature.",
            )
        })
    }

    fn parse(header: &str) -> Option<Self> {
        let rest = header.strip_prefix("AWS4-HMAC-SHA256")?;
        let part = |name: &str| {
            rest.split([',', ' ']).find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='))
        };
        let scope: Vec<&str> = part("Credential")?.rsplitn(5, '/').collect();
        let [terminator, service, region, date, access_key_id] = scope[..] else { return None };
        (terminator == "aws4_request").then_some(())?;
        Some(Self {
            access_key_id: access_key_id.to_owned(),
            date: date.to_owned(),
            region: region.to_owned(),
            service: service.to_owned(),
            signed_headers: part("SignedHeaders")?.split(';').map(str::to_ascii_lowercase).collect(),
            signature: part("Signature")?.to_owned(),
        })
    }

    fn scope(&self) -> String {
        format!("{}/{}/{}/aws4_request", self.date, self.region, self.service)
    }

    /// Checks scope, date and signature against the secret key of the claimed signer.
    pub fn verify(
        &self,
        request: &Request,
        service: &str,
        secret: &str,
        now: Timestamp,
        tolerance: SignedDuration,
    ) -> Result<(), ApiError> {
        if self.service != service {
            return Err(invalid(format!("Credential should be scoped to correct service: '{service}'.")));
        }
        let stamp = request.header("x-amz-date").ok_or_else(|| {
            refuse(
                "IncompleteSignatureException",
                "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
            )
        })?;
        self.check_date(stamp, now, tolerance)?;
        self.check_signed_headers(request)?;
        let canonical = self.canonical_request(request);
        let text =
            format!("AWS4-HMAC-SHA256\n{stamp}\n{}\n{}", self.scope(), hex(&Sha256::digest(&canonical)));
        let key = self.signing_key(secret);
        if same(hex(&hmac(&key, text.as_bytes())).as_bytes(), self.signature.as_bytes()) {
            return Ok(());
        }
        tracing::debug!(canonical, "signature does not match");
        Err(invalid(
            "The request signature we calculated does not match the signature you provided. Check your AWS \
             Secret Access Key and signing method. Consult the service documentation for details.",
        ))
    }

    fn check_date(&self, stamp: &str, now: Timestamp, tolerance: SignedDuration) -> Result<(), ApiError> {
        let at = parse_date(stamp).ok_or_else(|| {
            refuse("IncompleteSignatureException", "Date must be in ISO-8601 'basic format'.")
        })?;
        if !stamp.starts_with(&self.date) {
            return Err(invalid(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP.",
            ));
        }
        let clock = format_date(now);
        let minutes = tolerance.as_mins();
        if at.duration_until(now) > tolerance {
            return Err(invalid(format!(
                "Signature expired: {stamp} is now earlier than {clock} by more than {minutes} min."
            )));
        }
        if now.duration_until(at) > tolerance {
            return Err(invalid(format!(
                "Signature not yet current: {stamp} is still later than {clock} by more than {minutes} min."
            )));
        }
        Ok(())
    }

    /// `host` and every `x-amz-` header must be covered.
    fn check_signed_headers(&self, request: &Request) -> Result<(), ApiError> {
        let must = |name: &str| name == "host" || (name.starts_with("x-amz-") && name != "x-amz-user-agent");
        let covered = |name: &str| self.signed_headers.iter().any(|signed| signed == name);
        let names = request.headers.keys().map(http::HeaderName::as_str);
        match names.filter(|name| must(name)).find(|name| !covered(name)) {
            None if covered("host") => Ok(()),
            None => Err(invalid("'Host' must be a 'SignedHeader' in the AWS Authorization.")),
            Some(name) => {
                Err(invalid(format!("'{name}' must be a 'SignedHeader' in the AWS Authorization.")))
            }
        }
    }

    fn canonical_request(&self, request: &Request) -> String {
        let mut text = format!(
            "{}\n{}\n{}\n",
            request.method,
            canonical_path(&request.path),
            canonical_query(&request.query_pairs())
        );
        for name in &self.signed_headers {
            let values: Vec<String> = request
                .headers
                .get_all(name)
                .iter()
                .map(|value| collapse(&String::from_utf8_lossy(value.as_bytes())))
                .collect();
            let _ = writeln!(text, "{name}:{}", values.join(","));
        }
        let _ = write!(text, "\n{}\n{}", self.signed_headers.join(";"), hex(&Sha256::digest(&request.body)));
        text
    }

    fn signing_key(&self, secret: &str) -> Vec<u8> {
        let start = format!("AWS4{secret}").into_bytes();
        [self.date.as_str(), &self.region, &self.service, "aws4_request"]
            .iter()
            .fold(start, |key, step| hmac(&key, step.as_bytes()))
    }
}

fn refuse(code: &str, message: &str) -> ApiError {
    ApiError::protocol(403, code, message)
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::protocol(403, "InvalidSignatureException", message)
}

/// The path as sent, normalised, and encoded once more: every service except S3 signs it twice encoded.
fn canonical_path(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let slash = if path.ends_with('/') && !parts.is_empty() { "/" } else { "" };
    utf8_percent_encode(&format!("/{}{slash}", parts.join("/")), PATH).to_string()
}

fn canonical_query(pairs: &[(String, String)]) -> String {
    let encode = |text: &str| utf8_percent_encode(text, UNRESERVED).to_string();
    let mut encoded: Vec<(String, String)> =
        pairs.iter().map(|(name, value)| (encode(name), encode(value))).collect();
    encoded.sort();
    encoded.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

fn collapse(value: &str) -> String {
    value.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn parse_date(text: &str) -> Option<Timestamp> {
    let at = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", text).ok()?;
    Some(at.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
}

fn format_date(at: Timestamp) -> String {
    at.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// HMAC-SHA256.
pub fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    // A key of any length is a valid one, so the other arm is never taken.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return Vec::new() };
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Equality in a time that doesn't tell where two texts differ.
pub fn same(left: &[u8], right: &[u8]) -> bool {
    left.len() == right.len() && left.iter().zip(right).fold(0, |sum, (a, b)| sum | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    /// A case of the published test suite: service `service`, us-east-1, 30 August 2015.
    fn vector(query: &str, signature: &str) -> (Request, Authorization) {
        let mut headers = http::HeaderMap::new();
        headers.insert("host", http::HeaderValue::from_static("example.amazonaws.com"));
        headers.insert("x-amz-date", http::HeaderValue::from_static("20150830T123600Z"));
        let header = format!(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
             SignedHeaders=host;x-amz-date, Signature={signature}"
        );
        headers.insert("authorization", http::HeaderValue::from_str(&header).unwrap());
        let request = Request {
            method: http::Method::GET,
            path: "/".into(),
            query: query.into(),
            headers,
            body: Vec::new(),
        };
        let authorization = Authorization::of(&request).unwrap();
        (request, authorization)
    }

    fn verify(
        (request, authorization): &(Request, Authorization),
        secret: &str,
        minutes: i64,
    ) -> Result<(), ApiError> {
        let now = parse_date("20150830T123600Z").unwrap() + SignedDuration::from_mins(minutes);
        authorization.verify(request, "service", secret, now, SignedDuration::from_mins(15))
    }

    #[test]
    fn the_published_vectors_verify() {
        let vanilla = vector("", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
        assert_eq!(verify(&vanilla, SECRET, 0), Ok(()));
        let ordered = vector(
            "Param2=value2&Param1=value1",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        );
        assert_eq!(verify(&ordered, SECRET, 0), Ok(()));
    }

    #[test]
    fn a_wrong_secret_query_or_time_is_refused() {
        let good = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
        assert!(verify(&vector("", good), "other", 0).is_err());
        assert!(verify(&vector("a=b", good), SECRET, 0).is_err());
        assert!(verify(&vector("", good), SECRET, 16).unwrap_err().message.starts_with("Signature expired"));
        assert!(verify(&vector("", good), SECRET, -16).unwrap_err().message.starts_with("Signature not yet"));
    }

    #[test]
    fn a_path_is_encoded_twice_and_normalised() {
        assert_eq!(
            canonical_path("/files/notes%20%28old%29/a%20b.md"),
            "/files/notes%2520%2528old%2529/a%2520b.md"
        );
        assert_eq!(canonical_path("/a/./b/../c//d/"), "/a/c/d/");
        assert_eq!(canonical_path("/"), "/");
    }

    #[test]
    fn a_header_that_is_not_a_signature_is_incomplete() {
        assert!(Authorization::parse("Bearer x").is_none());
        assert!(Authorization::parse("AWS4-HMAC-SHA256 Credential=a/20150830/r/s/aws4_request").is_none());
        let spaced =
            "AWS4-HMAC-SHA256 Credential=a/20150830/r/s/aws4_request,SignedHeaders=host,Signature=ff";
        assert_eq!(Authorization::parse(spaced).unwrap().region, "r");
    }
}
