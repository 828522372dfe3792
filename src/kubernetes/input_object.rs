//! Secrets and ConfigMaps as they are read: only the requested keys are decoded, whatever else they contain.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::{Client, Resource, ResourceExt};
use serde_json::value::RawValue;

use super::stored::{self, Stored, member, members};

/// A Secret or a ConfigMap.
pub struct InputObject {
    stored: Stored,
    /// The members that hold its data, and whether their values are base64.
    places: &'static [(&'static str, bool)],
}

/// Where a Secret holds its data.
const SECRET: &[(&str, bool)] = &[("data", true)];

/// Reads the Secret `name`, if there is one.
pub async fn secret(
    client: &Client,
    namespace: &str,
    name: &str,
) -> Result<Option<InputObject>, kube::Error> {
    read::<Secret>(client, namespace, name, SECRET).await
}

/// Reads the ConfigMap `name`, if there is one.
pub async fn config_map(
    client: &Client,
    namespace: &str,
    name: &str,
) -> Result<Option<InputObject>, kube::Error> {
    read::<ConfigMap>(client, namespace, name, &[("data", false), ("binaryData", true)]).await
}

async fn read<T: Resource<DynamicType = ()>>(
    client: &Client,
    namespace: &str,
    name: &str,
    places: &'static [(&'static str, bool)],
) -> Result<Option<InputObject>, kube::Error> {
    let found = stored::api::<T>(client.clone(), Some(namespace)).get_opt(name).await?;
    Ok(found.map(|stored| InputObject { stored, places }))
}

impl InputObject {
    /// What it has under `key`, if that can be decoded.
    pub fn get(&self, key: &str) -> Option<Vec<u8>> {
        self.entries()
            .into_iter()
            .find(|(name, ..)| name == key)
            .and_then(|(_, text, base64)| value(text, base64))
    }

    /// The names of its keys.
    pub fn keys(&self) -> BTreeSet<String> {
        self.entries().into_iter().map(|(name, ..)| name).collect()
    }

    /// Everything in it.
    pub fn all(&self) -> BTreeMap<String, Vec<u8>> {
        let decoded = |(name, text, base64)| Some((name, value(text, base64)?));
        self.entries().into_iter().filter_map(decoded).collect()
    }

    /// A label.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.stored.labels().get(name).map(String::as_str)
    }

    /// An annotation of the operator's own.
    pub fn annotation(&self, name: &str) -> Option<&str> {
        self.stored.annotations().get(name).map(String::as_str)
    }

    /// A Secret that the API server returned.
    pub fn secret(stored: Stored) -> Self {
        Self { stored, places: SECRET }
    }

    /// Its UID.
    pub fn uid(&self) -> Option<String> {
        self.stored.uid()
    }

    /// Its version.
    pub fn resource_version(&self) -> Option<String> {
        self.stored.resource_version()
    }

    /// A member of its metadata, as it is.
    pub fn metadata(&self, name: &str) -> Option<&RawValue> {
        member(self.stored.text(), "metadata").and_then(|metadata| member(metadata, name))
    }

    /// All of its labels, or of its annotations, that are text.
    pub fn texts(&self, name: &str) -> BTreeMap<String, String> {
        let entries = self.metadata(name).map(members).unwrap_or_default().into_iter();
        entries.filter_map(|(name, text)| Some((name, serde_json::from_str(text.get()).ok()?))).collect()
    }

    fn entries(&self) -> Vec<(String, &RawValue, bool)> {
        let place = |(name, text): (String, _)| {
            let (_, base64) = self.places.iter().find(|(place, _)| *place == name)?;
            Some((text, *base64))
        };
        let places = members(self.stored.text()).into_iter().filter_map(place);
        places
            .flat_map(|(text, base64)| {
                members(text).into_iter().map(move |(name, text)| (name, text, base64))
            })
            .collect()
    }

    #[cfg(test)]
    pub(crate) fn of_secret(text: &str) -> Self {
        Self::secret(serde_json::from_str(text).expect("it is JSON"))
    }
}

fn value(text: &RawValue, base64: bool) -> Option<Vec<u8>> {
    let text: String = serde_json::from_str(text.get()).ok()?;
    if base64 { STANDARD.decode(text).ok() } else { Some(text.into_bytes()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_forged_elsewhere_in_a_secret_keeps_nothing_from_being_read() {
        let deep = format!("{}1{}", r#"{"f:a":"#.repeat(5000), "}".repeat(5000));
        let text = format!(
            r#"{{"metadata":{{"name":"s","labels":{{"a":"b","c":7}},"ownerReferences":[{{}}],
                "managedFields":[{{"time":"9999-12-31T23:59:59Z","fieldsV1":{deep}}}]}},
                "data":{{"token":"dA==","odd":7,"broken":"*"}},"type":{deep}}}"#
        );
        let secret = InputObject::of_secret(&text);
        assert_eq!(secret.get("token").as_deref(), Some(&b"t"[..]));
        assert_eq!((secret.get("odd"), secret.get("broken"), secret.get("none")), (None, None, None));
        assert_eq!(secret.keys().len(), 3);
        assert_eq!(secret.all().len(), 1);
        assert_eq!((secret.label("a"), secret.label("c")), (Some("b"), None));
        assert_eq!(secret.texts("labels"), BTreeMap::from([("a".to_owned(), "b".to_owned())]));
        assert_eq!(secret.metadata("ownerReferences").map(RawValue::get), Some("[{}]"));
    }
}
