//! Objects as a watch brings them: one that can't be read does no harm to the others.

use std::borrow::Cow;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::core::{DeserializeGuard, DynamicResourceScope};
use kube::{Resource, ResourceExt};
use serde::Deserialize;
use tracing::error;

use crate::api::common::Object;

use super::inputs::kind_name;

/// An object, or what is wrong with it. Its scope is open, so that any kind can be watched in a single namespace.
#[derive(Clone, Debug, Deserialize)]
#[serde(bound = "", transparent)]
pub struct Readable<T: Object>(DeserializeGuard<T>);

impl<T: Object> Resource for Readable<T> {
    type DynamicType = ();
    type Scope = DynamicResourceScope;

    fn kind((): &()) -> Cow<'_, str> {
        T::kind(&())
    }

    fn group((): &()) -> Cow<'_, str> {
        T::group(&())
    }

    fn version((): &()) -> Cow<'_, str> {
        T::version(&())
    }

    fn plural((): &()) -> Cow<'_, str> {
        T::plural(&())
    }

    fn meta(&self) -> &ObjectMeta {
        self.0.meta()
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        self.0.meta_mut()
    }
}

impl<T: Object> Readable<T> {
    /// The object. One that can't be read is reported.
    pub fn read(self) -> Option<T> {
        match self.0.0 {
            Ok(mut object) => {
                // Nothing here reads them, and they are a large part of an object.
                object.managed_fields_mut().clear();
                Some(object)
            }
            Err(invalid) => {
                error!(
                    kind = kind_name::<T>(),
                    namespace = invalid.metadata.namespace,
                    name = invalid.metadata.name,
                    error = %invalid.error,
                    "an object can't be read and is left alone; apply it again in its present form"
                );
                None
            }
        }
    }
}
