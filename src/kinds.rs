//! The list of kinds that `run`, `crds`, the tests and the docs read; and what differs from kind to kind.

use kube::ResourceExt;
use serde_json::{Value, json};

use crate::api::change::FieldChange;
use crate::api::common::{AccountRef, Object, ObjectRef};
use crate::api::schema;
use crate::aws;
use crate::kubernetes::reach::Reach;
use crate::reconcile::context::Context;
use crate::reconcile::graph::references::{ACCOUNT, DEFAULT_ACCOUNT};
use crate::reconcile::inputs::proof;
use crate::reconcile::kind::{Kind, Reconciled};
use crate::reconcile::proposal;
use crate::reconcile::state::error::{Doing, Error};

mod agent_space;
pub mod asset;
mod association;
mod aws_account;
pub mod imported;
mod private_connection;
mod service_registration;
mod space_users;
mod trigger;

/// Calls the macro `$each` with every kind. A new kind is one line here.
macro_rules! kinds {
    ($each:ident) => {
        $each!(
            aws_account::AwsAccounts,
            agent_space::AgentSpaces,
            private_connection::PrivateConnections,
            service_registration::ServiceRegistrations,
            association::Associations,
            asset::Assets,
            trigger::Triggers,
        )
    };
}

#[cfg(test)]
mod owned_test;

/// What is done with every kind.
pub trait Visitor {
    /// Does it with `K`.
    fn visit<K: Kind>(&mut self);
}

/// Shows every kind to `visitor`.
pub fn each(visitor: &mut impl Visitor) {
    macro_rules! visit_all {
        ($($kind:ty,)+) => { $(visitor.visit::<$kind>();)+ };
    }
    kinds!(visit_all);
}

/// Every CRD as it is installed, in the order of its plural.
pub fn crds() -> Result<Vec<Value>, serde_json::Error> {
    macro_rules! crds_of {
        ($($kind:ty,)+) => { vec![$(schema::crd::<<$kind as Reconciled>::Object>()?),+] };
    }
    let mut crds: Vec<Value> = kinds!(crds_of);
    crds.sort_by_key(|crd| crd["spec"]["names"]["plural"].as_str().map(str::to_owned));
    Ok(crds)
}

/// Whether the status of every object has the operator's seal, or says nothing that needs one.
pub fn are_sealed(cx: &Context) -> bool {
    struct Sealed<'a>(&'a Context, bool);
    impl Visitor for Sealed<'_> {
        fn visit<K: Kind>(&mut self) {
            self.1 &= proof::are_sealed::<K::Object>(self.0);
        }
    }
    let mut sealed = Sealed(cx, true);
    each(&mut sealed);
    sealed.1
}

/// The fields that an object of this kind asks for, as a new resource would get them.
pub fn asked_for(kind: &str, object: &Value) -> Vec<FieldChange> {
    struct Asked<'a>(&'a str, &'a Value, Vec<FieldChange>);
    impl Visitor for Asked<'_> {
        fn visit<K: Kind>(&mut self) {
            if K::Object::kind_name() != self.0 {
                return;
            }
            let Ok(object) = serde_json::from_value::<K::Object>(self.1.clone()) else { return };
            let drift = proposal::asked_for(&self.1["spec"], |pointer| K::conceals(&object, pointer));
            self.2 = drift.0.iter().map(proposal::shown).collect();
        }
    }
    let mut asked = Asked(kind, object, Vec::new());
    each(&mut asked);
    asked.2
}

/// What identifies the resource that an object of this kind describes: those with the same value describe the same.
pub fn natural_key(kind: &str, object: &Value) -> Option<String> {
    struct Keyed<'a>(&'a str, &'a Value, Option<String>);
    impl Visitor for Keyed<'_> {
        fn visit<K: Kind>(&mut self) {
            if K::Object::kind_name() == self.0
                && let Ok(object) = serde_json::from_value::<K::Object>(self.1.clone())
            {
                self.2 = K::natural_key(&object);
            }
        }
    }
    let described = json!({ "metadata": object["metadata"], "spec": object["spec"] });
    let mut keyed = Keyed(kind, &described, None);
    each(&mut keyed);
    keyed.2
}

/// Whether AWS keeps tags of the resources of a kind, which say whose they are.
pub fn has_owner_tags(kind: &str) -> bool {
    struct Tagged<'a>(&'a str, bool);
    impl Visitor for Tagged<'_> {
        fn visit<K: Kind>(&mut self) {
            self.1 |= K::Object::kind_name() == self.0 && !K::ARN_TYPE.is_empty();
        }
    }
    let mut tagged = Tagged(kind, false);
    each(&mut tagged);
    tagged.1
}

/// The names of all kinds.
pub fn names() -> Vec<&'static str> {
    let mut names = Names { reach: None, names: Vec::new() };
    each(&mut names);
    names.names
}

/// How many kinds are watched.
pub fn count(reach: &Reach) -> usize {
    let mut names = Names { reach: Some(reach), names: Vec::new() };
    each(&mut names);
    names.names.len()
}

struct Names<'a> {
    reach: Option<&'a Reach>,
    names: Vec<&'static str>,
}

impl Visitor for Names<'_> {
    fn visit<K: Kind>(&mut self) {
        if self.reach.is_none_or(within::<K>) {
            self.names.push(K::Object::kind_name());
        }
    }
}

/// Whether a kind is watched.
pub fn within<K: Kind>(reach: &Reach) -> bool {
    reach.accounts || K::Object::kind_name() != ACCOUNT
}

/// The account, for natural keys: none means the default one.
fn account_of(account: Option<&AccountRef>) -> &str {
    account.map_or(DEFAULT_ACCOUNT, |account| &account.name)
}

/// The object that `reference` names, as text: for natural keys.
fn place_of<T: Object>(reference: &ObjectRef, from: &T) -> String {
    let namespace = reference.namespace.as_ref().map(ToString::to_string);
    format!("{}/{}", namespace.or_else(|| from.namespace()).unwrap_or_default(), reference.name)
}

/// Reads a result in which "not found" isn't an error.
fn not_found_is_none<T>(
    answer: Result<T, aws::Error>,
    doing: impl FnOnce() -> String,
) -> Result<Option<T>, Error> {
    match answer {
        Err(error) if error.is_not_found() => Ok(None),
        answer => answer.map(Some).doing(doing),
    }
}
