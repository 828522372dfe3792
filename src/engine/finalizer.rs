//! The finalizer: on every object that has, or may have, something in AWS that only the object knows of.
//!
//! It is there before the first create, so that an object without it never had a remote, whatever became of its
//! status; and an object that never had one goes at once.

use kube::api::{Patch, PatchParams};
use kube::{Api, ResourceExt};
use serde_json::json;

use crate::api::common::Object;

use super::error::Error;
use super::inputs::kind_name;
use super::status::FIELD_MANAGER;

/// The finalizer: the remote is deleted before the object goes.
pub const FINALIZER: &str = "devopsagent.dev/finalizer";

/// Whether the finalizer is on the object.
pub fn is_on<T: Object>(object: &T) -> bool {
    object.finalizers().iter().any(|finalizer| finalizer == FINALIZER)
}

/// Puts the finalizer on the object. An object that is gone or being deleted takes none.
pub async fn put<T: Object>(api: &Api<T>, object: &T) -> Result<(), Error> {
    let name = object.name_any();
    let patch = json!({
        "apiVersion": T::api_version(&()),
        "kind": T::kind(&()),
        // The UID keeps it from landing on a namesake that came after, and from making one.
        "metadata": { "name": name, "uid": object.uid(), "finalizers": [FINALIZER] },
    });
    let params = PatchParams::apply(FIELD_MANAGER).force();
    let put = api.patch(&name, &params, &Patch::Apply(&patch)).await;
    put.map_err(Error::kubernetes(format!("putting the finalizer on {} {name}", kind_name::<T>())))?;
    Ok(())
}
