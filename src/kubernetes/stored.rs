//! Objects as the API server sends them: received as text, and parsed one at a time.
//!
//! kube decodes a page of a list, or a line of a watch, in one go. An object that is nested too deeply for the parser,
//! or has an impossible date, would fail the whole list, forever. So what kube decodes is only [`Stored`]: the text of
//! an object, and the few members of its metadata that can be read. Nothing valid as JSON can fail that, as long as a
//! watch sends the type of an event before its object, which the API server does.

mod header;
mod members;
mod tree;

#[cfg(test)]
mod hostile_test;

use std::borrow::Cow;
use std::fmt;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{GetParams, ListParams};
use kube::core::{ApiResource, DynamicResourceScope, Request};
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::api::common::Object;

pub use members::{member, members};
pub use tree::{MOST_DEPTH, MOST_VALUES};

/// An object as it is stored.
#[derive(Clone)]
pub struct Stored {
    /// The needed metadata, as far as it can be read.
    header: ObjectMeta,
    text: Box<RawValue>,
}

/// Why an object can't be parsed as its kind.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// A parser would overflow its stack, and so would others.
    #[error("{path} is nested deeper than {MOST_DEPTH} levels; flatten it")]
    TooDeep {
        /// Where it becomes too deep.
        path: String,
    },
    /// As a tree, it would take far more memory than as text.
    #[error("it has more than {MOST_VALUES} values, the first one too many is {path}; make it smaller")]
    TooMany {
        /// Where it becomes too much.
        path: String,
    },
    /// It isn't what JSON can express.
    #[error("it isn't usable JSON: {0}")]
    Malformed(#[source] serde_json::Error),
    /// Even without its long texts and lists, it would take too much of the cache.
    #[error(
        "it has {bytes} bytes, too many of them in its structure, references or allowedNamespaces; make it smaller"
    )]
    TooLarge {
        /// Its length.
        bytes: usize,
    },
    /// Its namespace has used up its room.
    #[error(
        "the objects of its namespace use all of the {most} bytes of the operator's memory that a namespace may use; \
         delete some, or raise the operator's memory limit"
    )]
    NoRoom {
        /// The room of a namespace.
        most: usize,
    },
    /// It doesn't match the schema of its kind: another version of the CRD accepted it.
    #[error("{path}: {message}")]
    Form {
        /// Where it differs.
        path: String,
        /// How it differs.
        message: String,
    },
}

impl<'de> Deserialize<'de> for Stored {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Box::<RawValue>::deserialize(deserializer)?;
        Ok(Self { header: header::read_of(&text), text })
    }
}

impl fmt::Debug for Stored {
    /// Nothing of the contents: it may be a Secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (namespace, name) = (&self.header.namespace, &self.header.name);
        f.debug_struct("Stored").field("namespace", namespace).field("name", name).finish_non_exhaustive()
    }
}

impl Resource for Stored {
    type DynamicType = ApiResource;
    type Scope = DynamicResourceScope;

    fn group(of: &ApiResource) -> Cow<'_, str> {
        of.group.as_str().into()
    }

    fn version(of: &ApiResource) -> Cow<'_, str> {
        of.version.as_str().into()
    }

    fn kind(of: &ApiResource) -> Cow<'_, str> {
        of.kind.as_str().into()
    }

    fn api_version(of: &ApiResource) -> Cow<'_, str> {
        of.api_version.as_str().into()
    }

    fn plural(of: &ApiResource) -> Cow<'_, str> {
        of.plural.as_str().into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.header
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.header
    }
}

impl Stored {
    /// The object's text.
    pub fn text(&self) -> &RawValue {
        &self.text
    }

    /// Length of the parts that are needed: its spec and its status.
    pub fn needed_bytes(&self) -> usize {
        let needed = members(&self.text).into_iter().filter(|(name, _)| name == "spec" || name == "status");
        needed.map(|(_, text)| text.get().len()).sum()
    }

    /// The object parsed as its kind; otherwise what can be read of it, and why that isn't all.
    pub fn read<T: Object>(&self) -> Result<T, (Unreadable, Value)> {
        self.parse().map(|(object, _)| object)
    }

    /// The same, and the JSON that it was parsed from.
    pub fn parse<T: Object>(&self) -> Result<(T, Value), (Unreadable, Value)> {
        let (mut spec, mut status, mut failure) = (Value::Null, Value::Null, None);
        for (name, text) in members(&self.text) {
            let read = match &*name {
                "spec" => &mut spec,
                "status" => &mut status,
                // metadata is the header; a kind of ours has nothing else.
                _ => continue,
            };
            let (value, problem) = tree::read(&name, text);
            *read = value;
            failure = failure.or(problem);
        }
        let mut object = json!({
            "apiVersion": T::api_version(&()),
            "kind": T::kind_name(),
            "metadata": self.header,
            "spec": spec,
        });
        if !status.is_null() {
            object["status"] = status;
        }
        if let Some(failure) = failure {
            return Err((failure, object));
        }
        match typed(&object) {
            Ok(read) => Ok((read, object)),
            Err(error) => {
                let path = error.path().to_string();
                Err((Unreadable::Form { path, message: error.into_inner().to_string() }, object))
            }
        }
    }

    /// Only the status: nothing else in the API server's response to a status write matters.
    pub fn status<T: Object>(&self) -> Result<T::Status, Unreadable> {
        let Some(text) = member(&self.text, "status") else { return Ok(T::Status::default()) };
        match tree::read("status", text) {
            (_, Some(failure)) => Err(failure),
            (value, None) => typed(&value).map_err(|error| Unreadable::Form {
                path: format!("status.{}", error.path()),
                message: error.into_inner().to_string(),
            }),
        }
    }
}

/// A value of this type. Where it differs takes time to know, and is only of use if it does.
fn typed<T: DeserializeOwned>(value: &Value) -> Result<T, serde_path_to_error::Error<serde_json::Error>> {
    T::deserialize(value).or_else(|_| serde_path_to_error::deserialize(value))
}

/// The API that reaches objects of kind `T` as they are stored: those of a namespace, or of all.
pub fn api<T: Resource<DynamicType = ()>>(client: Client, namespace: Option<&str>) -> Api<Stored> {
    let resource = ApiResource::erase::<T>(&());
    match namespace {
        Some(namespace) => Api::namespaced_with(client, namespace, &resource),
        None => Api::all_with(client, &resource),
    }
}

/// The metadata of the object `name`, if it exists: nothing else leaves the API server.
pub async fn metadata<T: Resource<DynamicType = ()>>(
    client: &Client,
    namespace: Option<&str>,
    name: &str,
) -> Result<Option<Stored>, kube::Error> {
    let request = Request::new(Stored::url_path(&ApiResource::erase::<T>(&()), namespace));
    let request = request.get_metadata(name, &GetParams::default()).map_err(kube::Error::BuildRequest)?;
    match client.request(request).await {
        Ok(found) => Ok(Some(found)),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
        Err(error) => Err(error),
    }
}

/// The object `name` with this UID, if it still exists. Requested as a list of one: listing our own objects is
/// permitted anyway.
pub async fn one<T: Resource<DynamicType = ()> + Clone>(
    api: &Api<T>,
    name: &str,
    uid: &str,
) -> Result<Option<Stored>, kube::Error> {
    let one = ListParams::default().fields(&format!("metadata.name={name}"));
    let listed = same(api).list(&one).await?.items.into_iter();
    Ok({ listed }.find(|stored| stored.header.uid.as_deref() == Some(uid)))
}

/// The same objects that `api` reaches, as they are stored: the API server's response can always be read.
pub fn same<T: Resource<DynamicType = ()> + Clone>(api: &Api<T>) -> Api<Stored> {
    self::api::<T>(api.clone().into_client(), api.namespace())
}
