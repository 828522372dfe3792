//! Starting the controllers of all kinds.

use std::future::Future;
use std::sync::Arc;

use tokio::task::JoinSet;

use crate::api::common::Object;
use crate::kinds::{self, Visitor};
use crate::reconcile::context::Context;
use crate::reconcile::kind::Kind;

use super::controller;

struct Start<'a, C, M> {
    cx: &'a Arc<Context>,
    concurrency: C,
    shutdown: M,
    controllers: JoinSet<()>,
}

impl<C, M, S> Visitor for Start<'_, C, M>
where
    C: Fn(&str) -> u16,
    M: Fn() -> S,
    S: Future<Output = ()> + Send + Sync + 'static,
{
    fn visit<K: Kind>(&mut self) {
        if kinds::within::<K>(&self.cx.reach) {
            let concurrency = (self.concurrency)(K::Object::kind_name());
            let shutdown = (self.shutdown)();
            self.controllers.spawn(controller::run::<K>(Arc::clone(self.cx), concurrency, shutdown));
        }
    }
}

/// Starts the controllers of the kinds within reach, each with as many concurrent passes as `concurrency` says.
/// `shutdown` makes the future that ends each.
pub fn controllers<S>(
    cx: &Arc<Context>,
    concurrency: impl Fn(&str) -> u16,
    shutdown: impl Fn() -> S,
) -> JoinSet<()>
where
    S: Future<Output = ()> + Send + Sync + 'static,
{
    let mut start = Start { cx, concurrency, shutdown, controllers: JoinSet::new() };
    kinds::each(&mut start);
    start.controllers
}
