//! How values of each type compare: what is the same to the service may be spelled otherwise.
//!
//! A type says so once, with `x-standard` in its schema (the scalars, and fields of plain strings that follow a
//! standard); kube leaves that out of the CRDs. Whoever compares looks it up by kind and path.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::LazyLock;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use super::{AgentSpaceSpec, AssociationSpec, PrivateConnectionSpec, ServiceRegistrationSpec, TriggerSpec};

/// The member of a schema that names the standard.
const STANDARD: &str = "x-standard";

/// By which standard texts compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standard {
    /// Letter by letter.
    Exact,
    /// Without regard to case: GUIDs, names of headers, language tags, names on GitHub.
    NoCase,
    /// A host name or IP address.
    Host,
    /// A URL: scheme and host without regard to case, default port and last slash left out.
    Url,
    /// An ARN: exact in the resource only.
    Arn,
    /// The ARN of a resource, or its id alone.
    ArnOrId,
    /// An email address: the domain without regard to case.
    Email,
}

impl Standard {
    fn named(name: &str) -> Self {
        match name {
            "no-case" => Self::NoCase,
            "host" => Self::Host,
            "url" => Self::Url,
            "arn" => Self::Arn,
            "arn-or-id" => Self::ArnOrId,
            "email" => Self::Email,
            _ => Self::Exact,
        }
    }

    /// The one spelling of all that are the same.
    pub fn normal(self, text: &str) -> Cow<'_, str> {
        match self {
            Self::Exact => Cow::Borrowed(text),
            Self::NoCase => Cow::Owned(text.to_lowercase()),
            Self::Host => Cow::Owned(host(text)),
            Self::Url => Cow::Owned(url(text)),
            Self::Arn => Cow::Owned(arn(text)),
            Self::ArnOrId => text.rsplit('/').next().map_or(Cow::Borrowed(text), Cow::Borrowed),
            Self::Email => match text.rsplit_once('@') {
                Some((user, domain)) => Cow::Owned(format!("{user}@{}", domain.to_lowercase())),
                None => Cow::Borrowed(text),
            },
        }
    }
}

fn host(text: &str) -> String {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<IpAddr>() {
        Ok(address) => address.to_string(),
        Err(_) => text.trim_end_matches('.').to_lowercase(),
    }
}

fn url(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let scheme = scheme.to_lowercase();
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let (user, address) =
        authority.rsplit_once('@').map_or((None, authority), |(user, rest)| (Some(user), rest));
    // A colon within brackets is one of an IPv6 address.
    let port = address.rsplit_once(':').filter(|(_, port)| port.chars().all(|c| c.is_ascii_digit()));
    let (name, port) = port.map_or((address, ""), |(name, port)| (name, port));
    let default = matches!((scheme.as_str(), port), (_, "") | ("https", "443") | ("http", "80"));
    let user = user.map(|user| format!("{user}@")).unwrap_or_default();
    let port = if default { String::new() } else { format!(":{port}") };
    let path = if path.contains(['?', '#']) { path } else { path.strip_suffix('/').unwrap_or(path) };
    format!("{scheme}://{user}{}{port}{path}", host(name))
}

fn arn(text: &str) -> String {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    match parts.as_slice() {
        [before @ .., resource] if before.len() == 5 => {
            format!("{}:{resource}", before.join(":").to_lowercase())
        }
        _ => text.to_owned(),
    }
}

static SCHEMAS: LazyLock<BTreeMap<&'static str, Value>> = LazyLock::new(|| {
    BTreeMap::from([
        ("AgentSpace", schema::<AgentSpaceSpec>()),
        ("Association", schema::<AssociationSpec>()),
        ("PrivateConnection", schema::<PrivateConnectionSpec>()),
        ("ServiceRegistration", schema::<ServiceRegistrationSpec>()),
        ("Trigger", schema::<TriggerSpec>()),
    ])
});

fn schema<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::openapi3().with(|settings| settings.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<T>().to_value()
}

/// The standards of a field and of what is in it.
#[derive(Clone, Copy, Debug)]
pub struct Standards(Option<&'static Value>);

impl Standards {
    /// Of nothing that is known: everything is compared letter by letter.
    pub const NONE: Self = Self(None);

    /// Of the field at `path` of a kind's spec, for example `mode.serviceManaged.hostAddress`.
    pub fn of(kind: &str, path: &str) -> Self {
        path.split('.').fold(Self(SCHEMAS.get(kind)), Self::member)
    }

    /// Of a member of an object.
    #[must_use]
    pub fn member(self, name: &str) -> Self {
        Self(self.0.and_then(|schema| member(schema, name)))
    }

    /// Of the first member of this name at any depth: some answers tell flat what the request nests.
    #[must_use]
    pub fn anywhere(self, name: &str) -> Self {
        Self(self.0.and_then(|schema| anywhere(schema, name)))
    }

    /// Of the keys of a map; they have their standard in the map's schema.
    fn keys(self) -> Standard {
        let name = self.0.and_then(|schema| find(schema, "x-standard-of-keys")).and_then(Value::as_str);
        name.map_or(Standard::Exact, Standard::named)
    }

    fn standard(self) -> Standard {
        let name = self.0.and_then(|schema| find(schema, STANDARD)).and_then(Value::as_str);
        name.map_or(Standard::Exact, Standard::named)
    }

    /// The keys of a map as values of their own.
    pub fn same_keys(self, one: &Value, other: &Value) -> bool {
        let normal = |value: &Value| {
            let names = value.as_array().into_iter().flatten().filter_map(Value::as_str);
            let mut names: Vec<String> = names.map(|name| self.keys().normal(name).into_owned()).collect();
            names.sort();
            names
        };
        normal(one) == normal(other)
    }

    /// Whether the texts are the same by the standard.
    pub fn same(self, one: &str, other: &str) -> bool {
        self.standard().normal(one) == self.standard().normal(other)
    }

    /// The value with every text in the one spelling of all that are the same.
    pub fn normal(self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::from(self.standard().normal(text)),
            Value::Array(items) => {
                let inner = Self(self.0.and_then(|schema| find(schema, "items")));
                items.iter().map(|item| inner.normal(item)).collect()
            }
            Value::Object(members) => {
                let member = |(key, value): (&String, &Value)| {
                    (self.keys().normal(key).into_owned(), self.member(key).normal(value))
                };
                Value::Object(members.iter().map(member).collect::<Map<_, _>>())
            }
            other => other.clone(),
        }
    }
}

/// A member of the schema itself, or of one of the alternatives that it is made of.
fn find<'a>(schema: &'a Value, key: &str) -> Option<&'a Value> {
    let own = schema.get(key);
    own.or_else(|| {
        let mut parts =
            ["anyOf", "allOf", "oneOf"].iter().filter_map(|list| schema.get(*list)?.as_array()).flatten();
        parts.find_map(|part| find(part, key))
    })
}

fn member<'a>(schema: &'a Value, name: &str) -> Option<&'a Value> {
    let named = find(schema, "properties").and_then(|properties| properties.get(name));
    named.or_else(|| find(schema, "additionalProperties").filter(|any| any.is_object()))
}

fn anywhere<'a>(schema: &'a Value, name: &str) -> Option<&'a Value> {
    let properties = find(schema, "properties").and_then(Value::as_object)?;
    properties.get(name).or_else(|| properties.values().find_map(|inner| anywhere(inner, name)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_standard_has_one_spelling_for_what_is_the_same() {
        for (standard, one, other, same) in [
            (Standard::Exact, "https://Login.example.com/", "https://login.example.com/", false),
            (Standard::NoCase, "8B1C7F52-0D3E", "8b1c7f52-0d3e", true),
            (Standard::Host, "Grafana.Example.com.", "grafana.example.com", true),
            (Standard::Host, "FD00:0::1", "fd00::1", true),
            (Standard::Host, "10.0.0.1", "10.0.0.2", false),
            (Standard::Url, "HTTPS://MCP.example.com:443/", "https://mcp.example.com", true),
            (Standard::Url, "https://mcp.example.com/mcp/", "https://mcp.example.com/mcp", true),
            (Standard::Url, "https://mcp.example.com/MCP", "https://mcp.example.com/mcp", false),
            (Standard::Url, "https://mcp.example.com:8443/", "https://mcp.example.com", false),
            (Standard::Url, "https://e.com/a?b=c/", "https://e.com/a?b=c", false),
            (Standard::Url, "https://[FD00::1]:443/a", "https://[fd00::1]/a", true),
            (Standard::Arn, "ARN:aws:IAM::123456789012:role/R", "arn:aws:iam::123456789012:role/R", true),
            (Standard::Arn, "arn:aws:iam::123456789012:role/r", "arn:aws:iam::123456789012:role/R", false),
            (Standard::ArnOrId, "arn:aws:vpc-lattice:r:1:resourceconfiguration/rcfg-1", "rcfg-1", true),
            (Standard::Email, "On.Call@Example.com", "On.Call@example.com", true),
            (Standard::Email, "on.call@example.com", "On.Call@example.com", false),
        ] {
            assert_eq!(standard.normal(one) == standard.normal(other), same, "{standard:?} {one} {other}");
            let normal = standard.normal(one).into_owned();
            assert_eq!(standard.normal(&normal), normal, "{standard:?} {one}");
        }
    }

    #[test]
    fn a_type_says_its_standard_once() {
        let service = |path: &str| Standards::of("ServiceRegistration", &format!("service.{path}"));
        assert!(service("azureidentity.tenantId").same("AB", "ab"));
        assert!(service("mcpserver.endpoint").same("https://E.com/", "https://e.com"));
        assert!(
            service("mcpserversigv4")
                .anywhere("mcpRoleArn")
                .same("arn:AWS:iam::1:role/R", "arn:aws:iam::1:role/R")
        );
        assert!(
            service("mcpserver")
                .anywhere("headers")
                .same_keys(&json!(["X-Team", "A"]), &json!(["a", "x-team"]))
        );
        assert!(service("mcpserver").anywhere("apiKeyHeader").same("X-Key", "x-key"));
        assert!(!service("mcpserver.name").same("Runbooks", "runbooks"));
        assert!(
            !Standards::of("AgentSpace", "operatorApp.idp.issuerUrl").same("https://e.com/", "https://e.com")
        );
        assert!(Standards::of("AgentSpace", "locale").same("en-us", "en-US"));
        assert!(Standards::of("PrivateConnection", "mode.serviceManaged.hostAddress").same("A.b", "a.B"));
    }

    #[test]
    fn a_document_is_normalised_by_the_types_in_it() {
        let configuration = Standards::of("Association", "configuration");
        assert_eq!(
            configuration.normal(&json!({"azure": {"subscriptionId": "ABC"}})),
            json!({"azure": {"subscriptionId": "abc"}})
        );
        assert_eq!(
            configuration.normal(&json!({"github": {"owner": "Example", "repoId": "A"}})),
            json!({"github": {"owner": "example", "repoId": "A"}})
        );
    }

    #[test]
    fn no_crd_has_a_member_that_kubernetes_does_not_know() {
        for crd in crate::kinds::crds().unwrap() {
            assert!(!crd.to_string().contains("x-standard"));
        }
    }
}
