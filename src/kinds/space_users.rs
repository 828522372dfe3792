//! What objects of namespaces without consent have in an agent space: it must not keep the space from being deleted.

use kube::ResourceExt;

use crate::api::common::{Object, Status};
use crate::api::{Asset, Association, Trigger};
use crate::reconcile::graph::marks::Mark;
use crate::reconcile::inputs::Inputs;
use crate::reconcile::kind::{Reconciled, Scope, StatusOf, Stranger};
use crate::reconcile::state::error::Error;
use crate::reconcile::state::subject::Subject;

use super::asset::Assets;
use super::association::Associations;
use super::trigger::Triggers;

/// What is in the space `id` of `owner` without its consent.
pub fn strangers(inputs: &Inputs<'_>, owner: &Subject, id: &str) -> Vec<Stranger> {
    let mut found = of_kind::<Associations>(inputs, owner, id);
    found.extend(of_kind::<Assets>(inputs, owner, id));
    found.extend(of_kind::<Triggers>(inputs, owner, id));
    found
}

fn of_kind<K: Reconciled>(inputs: &Inputs<'_>, owner: &Subject, space: &str) -> Vec<Stranger> {
    let lies_there = |object: &K::Object| {
        let status: StatusOf<K> = object.status();
        K::recorded_space(&status).as_deref() == Some(space)
            && !inputs.permits(owner, &object.namespace().unwrap_or_default())
    };
    let objects = inputs.marked::<K::Object>(Mark::within(space), lies_there).into_iter();
    objects
        .filter_map(|object| {
            let id = object.status().common().id.clone()?;
            Some(Stranger { object: Subject::of(&*object), space_id: space.to_owned(), id })
        })
        .collect()
}

/// Deletes what `strangers` have. What is already gone isn't an error.
pub async fn delete(scope: &Scope, strangers: &[Stranger]) -> Result<(), Error> {
    for Stranger { object, space_id, id } in strangers {
        let mut scope = scope.clone();
        scope.enter(space_id.clone());
        match object.kind {
            kind if kind == Association::kind_name() => Associations::remove(&scope, id).await?,
            kind if kind == Asset::kind_name() => Assets::remove(&scope, id).await?,
            kind if kind == Trigger::kind_name() => Triggers::remove(&scope, id).await?,
            _ => {}
        }
    }
    Ok(())
}
