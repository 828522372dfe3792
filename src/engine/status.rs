//! Writing status, and knowing what was written while the watch cache has not caught up.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use kube::api::{Patch, PatchParams};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use crate::api::common::Object;

use super::error::Error;

/// The field manager of everything that the operator writes.
pub const FIELD_MANAGER: &str = "devops-agent-operator";

/// The last status written of each object whose watch cache may still be older.
#[derive(Default)]
pub struct Written(Mutex<HashMap<String, (u64, Value)>>);

impl Written {
    /// The newest known status of `object`: what the cache holds, or what was written after it.
    pub fn newest<T: Object>(&self, object: &T) -> T::Status {
        let uid = object.uid().unwrap_or_default();
        let mut written = self.lock();
        let Some((version, status)) = written.get(&uid) else { return object.status() };
        if *version <= version_of(object) {
            written.remove(&uid);
            return object.status();
        }
        serde_json::from_value(status.clone()).unwrap_or_else(|_| object.status())
    }

    /// Forgets the object.
    pub fn forget(&self, uid: &str) {
        self.lock().remove(uid);
    }

    fn remember<T: Object>(&self, uid: &str, object: &T, status: Value) {
        self.lock().insert(uid.to_owned(), (version_of(object), status));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, (u64, Value)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Resource versions of one kind can be compared as numbers.
fn version_of<T: Object>(object: &T) -> u64 {
    object.resource_version().and_then(|version| version.parse().ok()).unwrap_or_default()
}

/// What is applied to `object`, still without what is to be said of it. The UID keeps it from landing on a namesake
/// that came after, and from making one.
pub(super) fn part_of<T: Object>(object: &T) -> Value {
    json!({
        "apiVersion": T::api_version(&()),
        "kind": T::kind(&()),
        "metadata": { "name": object.name_any(), "uid": object.uid() },
    })
}

/// The operator has the last word on what it writes.
pub(super) fn our_apply() -> PatchParams {
    PatchParams::apply(FIELD_MANAGER).force()
}

/// Writes the status of `object` by server-side apply.
pub async fn write<T: Object>(
    written: &Written,
    api: &Api<T>,
    object: &T,
    status: &T::Status,
) -> Result<(), Error> {
    let name = object.name_any();
    let unexpected = |source: serde_json::Error| Error::Unexpected {
        doing: format!("writing the status of {} {name}", T::kind_name()),
        message: source.to_string(),
    };
    let status = serde_json::to_value(status).map_err(unexpected)?;
    let uid = object.uid().unwrap_or_default();
    let mut patch = part_of(object);
    patch["status"].clone_from(&status);
    let patched = api
        .patch_status(&name, &our_apply(), &Patch::Apply(&patch))
        .await
        .map_err(Error::kubernetes(format!("writing the status of {} {name}", T::kind_name())))?;
    written.remember(&uid, &patched, status);
    Ok(())
}
