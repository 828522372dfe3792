//! The one list of kinds that `run`, `crds`, the tests and the docs read; and what differs from kind to kind.

use std::future::Future;
use std::sync::Arc;

use kube::ResourceExt;
use serde_json::Value;
use tokio::task::JoinSet;

use crate::api::common::{AccountRef, Object, ObjectRef};
use crate::api::schema;
use crate::aws;
use crate::engine::context::Context;
use crate::engine::controller;
use crate::engine::error::{Doing, Error};
use crate::engine::kind::{Kind, Reconciled};
use crate::engine::proof;
use crate::engine::reach::Reach;
use crate::engine::references::{ACCOUNT, DEFAULT_ACCOUNT};
use crate::metrics::Objects;

mod agent_space;
mod asset;
mod asset_archive;
mod asset_content;
mod asset_metadata;
mod association;
mod aws_account;
mod candidates;
mod configurations;
mod deployment;
mod existing_service;
mod operator_app;
mod private_connection;
mod registered_details;
mod service_registration;
mod service_users;
mod space_users;
mod trigger;
mod webhook;

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

/// Every CRD as it is installed, in the order of its plural.
pub fn crds() -> Result<Vec<Value>, serde_json::Error> {
    macro_rules! crds_of {
        ($($kind:ty,)+) => { vec![$(schema::crd::<<$kind as Reconciled>::Object>()?),+] };
    }
    let mut crds: Vec<Value> = kinds!(crds_of);
    crds.sort_by_key(|crd| crd["spec"]["names"]["plural"].as_str().map(str::to_owned));
    Ok(crds)
}

/// Starts the controllers of the kinds within reach, each with as many passes at a time as `concurrency` says.
/// `shutdown` makes the future that ends each.
pub fn start<S>(cx: &Arc<Context>, concurrency: impl Fn(&str) -> u16, shutdown: impl Fn() -> S) -> JoinSet<()>
where
    S: Future<Output = ()> + Send + Sync + 'static,
{
    let mut controllers = JoinSet::new();
    macro_rules! start_all {
        ($($kind:ty,)+) => {
            $(if within::<$kind>(&cx.reach) {
                let concurrency = concurrency(<$kind as Reconciled>::Object::kind_name());
                controllers.spawn(controller::run::<$kind>(Arc::clone(cx), concurrency, shutdown()));
            })+
        };
    }
    kinds!(start_all);
    controllers
}

/// What metrics tell of the objects of every kind.
pub fn objects(cx: &Context) -> Objects {
    let mut objects = Objects::default();
    macro_rules! add_all {
        ($($kind:ty,)+) => { $(objects.add::<<$kind as Reconciled>::Object>(cx);)+ };
    }
    kinds!(add_all);
    objects
}

/// Whether the status of every object carries the operator's seal, or says nothing that needs one.
pub fn are_sealed(cx: &Context) -> bool {
    macro_rules! all_sealed {
        ($($kind:ty,)+) => { $(proof::are_sealed::<<$kind as Reconciled>::Object>(cx))&&+ };
    }
    kinds!(all_sealed)
}

/// The names of all kinds.
pub fn names() -> Vec<&'static str> {
    macro_rules! names_of {
        ($($kind:ty,)+) => { vec![$(<$kind as Reconciled>::Object::kind_name()),+] };
    }
    kinds!(names_of)
}

/// How many kinds are looked after.
pub fn count(reach: &Reach) -> usize {
    macro_rules! count_of {
        ($($kind:ty,)+) => { [$(within::<$kind>(reach)),+].iter().filter(|within| **within).count() };
    }
    kinds!(count_of)
}

fn within<K: Kind>(reach: &Reach) -> bool {
    reach.accounts || K::Object::kind_name() != ACCOUNT
}

/// The account that is meant, for natural keys: none is the default one.
fn account_of(account: Option<&AccountRef>) -> &str {
    account.map_or(DEFAULT_ACCOUNT, |account| &account.name)
}

/// The object that `reference` names, as text: for natural keys.
fn place_of<T: Object>(reference: &ObjectRef, from: &T) -> String {
    let namespace = reference.namespace.as_ref().map(ToString::to_string);
    format!("{}/{}", namespace.or_else(|| from.namespace()).unwrap_or_default(), reference.name)
}

/// Reads an answer in which "there is none" is no error.
fn not_found_is_none<T>(
    answer: Result<T, aws::Error>,
    doing: impl FnOnce() -> String,
) -> Result<Option<T>, Error> {
    match answer {
        Err(error) if error.is_not_found() => Ok(None),
        answer => answer.map(Some).doing(doing),
    }
}
