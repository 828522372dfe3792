//! Reading the objects from a cluster, with no more permissions than there are.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::ctl::Error;
use crate::ctl::cluster::{Cluster, KindOf, kinds_of_ours};
use crate::reconcile::state::subject::Subject;

use super::forest::{default_account, references_of, subject_of};

/// What was read.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// The objects.
    pub objects: Vec<Value>,
    /// What they refer to, and may not be read.
    pub unreadable: BTreeSet<Subject>,
}

/// Reads the objects of the cluster's namespace, or of all; and what they refer to elsewhere. For one object, those of all
/// namespaces are read if that is allowed: what is in it may be anywhere.
pub async fn read(cluster: &Cluster, everywhere: bool, chosen: Option<&Subject>) -> Result<Snapshot, Error> {
    let kinds = kinds_of_ours()?;
    if everywhere {
        return Ok(Snapshot { objects: cluster.list_all(None).await?, ..Snapshot::default() });
    }
    if chosen.is_some() {
        match cluster.list_all(None).await {
            Ok(objects) => return Ok(Snapshot { objects, ..Snapshot::default() }),
            Err(error) if error.is_forbidden() => {
                eprintln!(
                    "note: you may not list the objects of all namespaces; those of other namespaces are left out"
                );
            }
            Err(error) => return Err(error),
        }
    }
    let mut snapshot = Snapshot::default();
    for kind in kinds.iter().filter(|kind| kind.namespaced) {
        snapshot.objects.extend(cluster.list(kind, Some(&cluster.namespace)).await?);
    }
    snapshot.complete(cluster, &kinds, chosen).await?;
    Ok(snapshot)
}

impl Snapshot {
    /// Reads what the objects refer to, what that refers to, and so on.
    async fn complete(
        &mut self,
        cluster: &Cluster,
        kinds: &[KindOf],
        chosen: Option<&Subject>,
    ) -> Result<(), Error> {
        let mut known: BTreeSet<Subject> = self.objects.iter().filter_map(subject_of).collect();
        let mut open: Vec<Subject> = self.objects.iter().flat_map(referred).chain(chosen.cloned()).collect();
        while let Some(subject) = open.pop() {
            if !known.insert(subject.clone()) {
                continue;
            }
            let Some(kind) = kinds.iter().find(|kind| kind.kind == subject.kind) else { continue };
            match cluster.get(kind, &subject.namespace, &subject.name).await {
                Ok(Some(object)) => {
                    open.extend(referred(&object));
                    self.objects.push(object);
                }
                Ok(None) => {}
                Err(error) if error.is_forbidden() => {
                    self.unreadable.insert(subject);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// What an object refers to, with the default account if it may be in it.
pub fn referred(object: &Value) -> Vec<Subject> {
    let Some(subject) = subject_of(object) else { return Vec::new() };
    let mut found: Vec<Subject> = references_of(&subject, object).into_iter().collect();
    found.push(default_account());
    found
}
