//! Where an account's API is.

use super::api_error::Error;
use super::operation::Plane;

/// Addresses set by a user, instead of the service's own, without host prefixes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct EndpointOverrides {
    /// For spaces, services, associations, private connections and tags.
    pub control_plane: Option<String>,
    /// For assets and triggers.
    pub data_plane: Option<String>,
}

/// Which addresses without TLS are allowed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PlainHttp {
    /// This machine only: on the way to another one, anyone can read what is sent, including secrets.
    #[default]
    Loopback,
    /// Anywhere.
    Anywhere,
}

/// A partition of AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partition {
    /// Its name, the second part of an ARN.
    pub name: &'static str,
    /// What the hosts of services that have dual-stack endpoints end with.
    pub(super) suffix: &'static str,
}

/// By the prefix of the region's name; the first match counts.
const PARTITIONS: [(&str, Partition); 8] = [
    ("cn-", Partition { name: "aws-cn", suffix: "api.amazonwebservices.com.cn" }),
    ("us-gov-", Partition { name: "aws-us-gov", suffix: "api.aws" }),
    ("eusc-", Partition { name: "aws-eusc", suffix: "api.amazonwebservices.eu" }),
    ("us-isob-", Partition { name: "aws-iso-b", suffix: "api.aws.scloud" }),
    ("us-isof-", Partition { name: "aws-iso-f", suffix: "api.aws.hci.ic.gov" }),
    ("us-iso-", Partition { name: "aws-iso", suffix: "api.aws.ic.gov" }),
    ("eu-isoe-", Partition { name: "aws-iso-e", suffix: "api.cloud-aws.adc-e.uk" }),
    ("", Partition { name: "aws", suffix: "api.aws" }),
];

impl Partition {
    /// The partition of a region.
    pub fn of(region: &str) -> Self {
        let [.., (_, standard)] = PARTITIONS;
        PARTITIONS.iter().find(|(start, _)| region.starts_with(start)).map_or(standard, |(_, found)| *found)
    }
}

/// The base addresses of the two planes, without a slash at the end.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoints {
    control: String,
    data: String,
}

impl Endpoints {
    /// Finds the addresses: the account's own, else the `standard` one from the environment or the profile, else the
    /// service's for the region.
    pub fn resolve(
        region: &str,
        fips: bool,
        own: &EndpointOverrides,
        standard: Option<&str>,
        http: PlainHttp,
    ) -> Result<Self, Error> {
        if region.is_empty() || !region.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-') {
            return Err(config(format!("{region:?} isn't an AWS region")));
        }
        let plane = |own: &Option<String>, field: &str, prefix: &str| {
            let given = own.as_deref().map(|url| (url, field));
            match given.or_else(|| standard.map(|url| (url, STANDARD))) {
                Some(_) if fips => Err(config("a custom endpoint can't be combined with FIPS".to_owned())),
                Some((url, field)) => base(url, field, http),
                None => {
                    let service = if fips { "aidevops-fips" } else { "aidevops" };
                    Ok(format!("https://{prefix}{service}.{region}.{}", Partition::of(region).suffix))
                }
            }
        };
        Ok(Self {
            control: plane(&own.control_plane, "spec.endpoints.controlPlane", "cp.")?,
            data: plane(&own.data_plane, "spec.endpoints.dataPlane", "dp.")?,
        })
    }

    /// The address of a plane.
    pub fn base(&self, plane: Plane) -> &str {
        match plane {
            Plane::Control => &self.control,
            Plane::Data => &self.data,
        }
    }
}

fn config(message: String) -> Error {
    Error::Config { message }
}

/// Where the address of the environment or the profile is set.
const STANDARD: &str = "AWS_ENDPOINT_URL_DEVOPS_AGENT, AWS_ENDPOINT_URL or endpoint_url in the profile";

/// Checks an address that a user gave in `field`; a path is kept.
fn base(url: &str, field: &str, http: PlainHttp) -> Result<String, Error> {
    // The address may hold a password, so the message does not repeat it.
    let parsed =
        reqwest::Url::parse(url).map_err(|error| config(format!("{field}: not a valid URL: {error}")))?;
    let plain = parsed.username().is_empty()
        && parsed.password().is_none()
        && parsed.query().is_none()
        && parsed.fragment().is_none();
    if !matches!(parsed.scheme(), "http" | "https") || !parsed.has_host() || !plain {
        let form = "https://host[:port][/path]".to_owned();
        return Err(config(format!("{field}: an endpoint must have the form {form}")));
    }
    check_http(&parsed, field, http)?;
    Ok(parsed.as_str().trim_end_matches('/').to_owned())
}

/// Rejects an address without TLS on another machine.
fn check_http(url: &reqwest::Url, field: &str, http: PlainHttp) -> Result<(), Error> {
    if url.scheme() != "http" || http == PlainHttp::Anywhere || is_loopback(url) {
        return Ok(());
    }
    Err(config(format!(
        "{field}: http:// would send secrets unencrypted and is only allowed for localhost; use \
         https://, or start the operator with --allow-http-endpoints"
    )))
}

/// Checks the address of another AWS service that receives requests with credentials.
pub(crate) fn check_other(url: &str, field: &str, http: PlainHttp) -> Result<(), Error> {
    // One that isn't a URL fails where it is used.
    reqwest::Url::parse(url).map_or(Ok(()), |url| check_http(&url, field, http))
}

/// Whether the address is literally this machine's: a name that resolves to it today may resolve to another tomorrow.
fn is_loopback(url: &reqwest::Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(region: &str, fips: bool) -> Endpoints {
        Endpoints::resolve(region, fips, &EndpointOverrides::default(), None, PlainHttp::Loopback).unwrap()
    }

    fn with(own: &EndpointOverrides, standard: Option<&str>) -> Result<Endpoints, Error> {
        Endpoints::resolve("us-east-1", false, own, standard, PlainHttp::Loopback)
    }

    #[test]
    fn plain_http_leads_to_this_machine_unless_it_is_allowed_elsewhere() {
        for here in
            ["localhost:1", "127.0.0.1", "127.8.9.1:80/x", "[::1]:5", "[::ffff:127.0.0.1]", "LOCALHOST"]
        {
            let url = format!("http://{here}");
            assert!(with(&EndpointOverrides::default(), Some(&url)).is_ok(), "{url}");
        }
        for there in
            ["host", "localhost.example.com", "10.0.0.1", "127.0.0.1.nip.io", "[::]", "0.0.0.0", "localhost."]
        {
            let url = format!("http://{there}");
            let none = EndpointOverrides::default();
            let error = with(&none, Some(&url)).unwrap_err().to_string();
            assert!(
                error.starts_with("AWS_ENDPOINT_URL") && error.contains("--allow-http-endpoints"),
                "{error}"
            );
            assert!(Endpoints::resolve("us-east-1", false, &none, Some(&url), PlainHttp::Anywhere).is_ok());
            let own = EndpointOverrides { data_plane: Some(url.clone()), control_plane: None };
            let error = with(&own, None).unwrap_err().to_string();
            assert!(error.starts_with("spec.endpoints.dataPlane: "), "{error}");
            assert!(check_other(&url, "AWS_ENDPOINT_URL_STS", PlainHttp::Loopback).is_err());
            assert!(check_other(&url, "AWS_ENDPOINT_URL_STS", PlainHttp::Anywhere).is_ok());
        }
    }

    #[test]
    fn every_partition_has_its_suffix() {
        for (region, partition, host) in [
            ("us-east-1", "aws", "aidevops.us-east-1.api.aws"),
            ("ap-southeast-2", "aws", "aidevops.ap-southeast-2.api.aws"),
            ("us-gov-west-1", "aws-us-gov", "aidevops.us-gov-west-1.api.aws"),
            ("cn-north-1", "aws-cn", "aidevops.cn-north-1.api.amazonwebservices.com.cn"),
            ("eusc-de-east-1", "aws-eusc", "aidevops.eusc-de-east-1.api.amazonwebservices.eu"),
            ("us-iso-east-1", "aws-iso", "aidevops.us-iso-east-1.api.aws.ic.gov"),
            ("us-isob-east-1", "aws-iso-b", "aidevops.us-isob-east-1.api.aws.scloud"),
            ("eu-isoe-west-1", "aws-iso-e", "aidevops.eu-isoe-west-1.api.cloud-aws.adc-e.uk"),
            ("us-isof-south-1", "aws-iso-f", "aidevops.us-isof-south-1.api.aws.hci.ic.gov"),
        ] {
            let found = resolve(region, false);
            assert_eq!(found.base(Plane::Control), format!("https://cp.{host}"));
            assert_eq!(found.base(Plane::Data), format!("https://dp.{host}"));
            assert_eq!(Partition::of(region).name, partition);
        }
    }

    #[test]
    fn fips_has_its_own_host() {
        assert_eq!(
            resolve("us-east-1", true).base(Plane::Data),
            "https://dp.aidevops-fips.us-east-1.api.aws"
        );
    }

    #[test]
    fn the_accounts_own_address_wins_and_the_prefixes_are_left_off() {
        let own =
            EndpointOverrides { control_plane: Some("https://one:1/a/b/".to_owned()), data_plane: None };
        let found = with(&own, Some("https://two")).unwrap();
        assert_eq!(found.base(Plane::Control), "https://one:1/a/b");
        assert_eq!(found.base(Plane::Data), "https://two");
    }

    #[test]
    fn settings_that_exclude_each_other_are_an_error() {
        let none = EndpointOverrides::default();
        assert!(
            Endpoints::resolve("us-east-1", true, &none, Some("http://localhost"), PlainHttp::Anywhere)
                .is_err()
        );
        for region in ["", "evil.example/", "us east"] {
            assert!(Endpoints::resolve(region, false, &none, None, PlainHttp::Loopback).is_err(), "{region}");
        }
        for url in ["localhost:1", "ftp://host", "http://user:pw@host", "http://host?x=1", "", "/path"] {
            let error = with(&none, Some(url)).unwrap_err().to_string();
            assert!(!error.contains("pw"), "{error}");
        }
    }
}
