//! Signature Version 4.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign as sign_http};
use aws_sigv4::sign::v4;
use http::{HeaderName, HeaderValue};
use sha2::{Digest, Sha256};

/// The name that requests to AWS DevOps Agent are signed for.
pub(crate) const SERVICE: &str = "aidevops";

/// Signs a request to a service in place. The path is encoded a second time for the signature, as all services except S3 require.
pub(crate) fn sign(
    request: &mut reqwest::Request,
    service: &str,
    credentials: &Credentials,
    region: &str,
    now: SystemTime,
) -> Result<(), String> {
    let identity = credentials.clone().into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(service)
        .time(now)
        .settings(SigningSettings::default())
        .build()
        .map_err(|error| error.to_string())?
        .into();
    let mut headers = Vec::new();
    for (name, value) in request.headers() {
        headers.push((name.as_str(), value.to_str().map_err(|error| error.to_string())?));
    }
    let body = request.body().and_then(reqwest::Body::as_bytes).unwrap_or_default();
    // Only the digest, because the signer traces its input.
    let digest = Sha256::digest(body).iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    let signable = SignableRequest::new(
        request.method().as_str(),
        request.url().as_str(),
        headers.into_iter(),
        SignableBody::Precomputed(digest),
    )
    .map_err(|error| error.to_string())?;
    let (instructions, _signature) =
        sign_http(signable, &params).map_err(|error| error.to_string())?.into_parts();
    for header in instructions.into_parts().0 {
        let mut value = HeaderValue::from_str(header.value()).map_err(|error| error.to_string())?;
        value.set_sensitive(header.sensitive() || header.name() == "authorization");
        request.headers_mut().insert(HeaderName::from_static(header.name()), value);
    }
    Ok(())
}
