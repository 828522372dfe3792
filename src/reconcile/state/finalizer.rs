//! The finalizer: on every object that has, or may have, something in AWS that only the object knows of.
//!
//! It is there before the first create, so that an object without it never had a remote, whatever became of its
//! status; and an object that never had one goes at once.

use kube::api::{Patch, PatchParams};
use kube::{Api, ResourceExt};
use serde_json::json;

use crate::api::common::Object;
use crate::kubernetes::stored;

use super::error::Error;
use super::status::{self, Written};

/// The finalizer: the remote is deleted before the object is removed.
pub const FINALIZER: &str = "devopsagent.dev/finalizer";

/// Whether the finalizer is on the object.
pub fn is_on<T: Object>(object: &T) -> bool {
    object.finalizers().iter().any(|finalizer| finalizer == FINALIZER)
}

/// Adds the finalizer to the object, unless it is gone or being deleted.
pub async fn put<T: Object>(api: &Api<T>, object: &T) -> Result<(), Error> {
    let name = object.name_any();
    let mut patch = status::part_of(object);
    patch["metadata"]["finalizers"] = json!([FINALIZER]);
    let put = stored::same(api).patch(&name, &status::our_apply(), &Patch::Apply(&patch)).await;
    put.map_err(Error::kubernetes(format!("putting the finalizer on {} {name}", T::kind_name())))?;
    Ok(())
}

/// Removes the finalizer from an object that is being deleted; nothing of it is left. An object that has been edited
/// since isn't touched, as its edit may ask for something else: the API server rejects the patch with 422.
pub async fn remove<T: Object>(written: &Written, api: &Api<T>, object: &T) -> Result<(), kube::Error> {
    let Some(index) = object.finalizers().iter().position(|finalizer| finalizer == FINALIZER) else {
        return Ok(());
    };
    let place = format!("/metadata/finalizers/{index}");
    let steps = json!([
        { "op": "test", "path": "/metadata/uid", "value": object.uid() },
        { "op": "test", "path": "/metadata/generation", "value": object.meta().generation },
        { "op": "test", "path": place, "value": FINALIZER },
        { "op": "remove", "path": place },
    ]);
    let patch = serde_json::from_value(steps).map(Patch::Json::<()>).map_err(kube::Error::SerdeError)?;
    let stored = stored::same(api).patch(&object.name_any(), &PatchParams::default(), &patch).await?;
    written.released(&object.uid().unwrap_or_default(), &stored);
    Ok(())
}
