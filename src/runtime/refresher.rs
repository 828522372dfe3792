//! Keeps the picture of AWS fresh: lists the collections that passes ask for, round after round, and wakes the objects whose
//! resources have changed.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use tokio::time::Instant;
use tracing::debug;

use crate::aws::Client;
use crate::kinds::{self, Visitor};
use crate::reconcile::context::Context;
use crate::reconcile::graph::marks::Mark;
use crate::reconcile::kind::Kind;
use crate::reconcile::remote::picture::{Heard, Picture};

/// The part of an account's requests that rounds may take.
const SHARE: f64 = 0.6;

/// Runs until it is dropped.
pub async fn run(cx: Arc<Context>) {
    let Some(mut heard) = cx.pictures.heard() else { return };
    let wakes = async {
        while let Some(news) = heard.recv().await {
            wake(&cx, &news);
        }
    };
    futures::join!(wakes, rounds(&cx));
}

/// Wakes the objects that hold the resource.
fn wake(cx: &Context, (kind, id): &Heard) {
    for holder in cx.hub.marks().of(kind, Mark::holds(id)) {
        debug!(object = %holder, id, "its resource is not as it was; checking");
        cx.hub.wake(&holder);
    }
}

/// Each account and region has rounds of its own: one that is large, or whose service is slow, holds up no other.
async fn rounds(cx: &Context) {
    /// Whether a round is due is looked at so often in the time between two.
    const LOOKS: u32 = 20;
    let interval = cx.pictures.refresh();
    cx.stores.all_filled().await;
    let mut underway = FuturesUnordered::new();
    loop {
        tokio::select! {
            () = tokio::time::sleep(interval / LOOKS) => {}
            Some(()) = underway.next() => continue,
        }
        if cx.fence.is_open() {
            let due = cx.pictures.due(Instant::now());
            if !due.is_empty() {
                // A pass that was under way when its AWSAccount went may have brought its client back.
                cx.accounts.forget_gone(cx);
            }
            underway.extend(due.into_iter().map(round));
        }
    }
}

/// Lists every collection of an account and region that passes still ask for.
async fn round(picture: Arc<Picture>) {
    let began = Instant::now();
    let mut all = Collections { picture: &picture, rounds: Vec::new() };
    kinds::each(&mut all);
    for collections in all.rounds {
        collections.await;
    }
    picture.end_round(began.elapsed());
    picture.forget_unused();
    debug!(duration = ?began.elapsed(), "listed what AWS has");
}

struct Collections<'a> {
    picture: &'a Picture,
    rounds: Vec<BoxFuture<'a, ()>>,
}

impl Visitor for Collections<'_> {
    fn visit<K: Kind>(&mut self) {
        self.rounds.push(Box::pin(K::refresh(self.picture, pace)));
    }
}

/// How long to wait after a list of so many pages, so that no more than the share is taken.
fn pace(aws: &Client, pages: usize) -> Duration {
    let pages = u32::try_from(pages).unwrap_or(u32::MAX);
    let time = f64::from(pages) / (SHARE * aws.usage().limit);
    Duration::try_from_secs_f64(time).unwrap_or(Duration::from_secs(1))
}
