//! Leader election: one replica works, the others stand by.
//!
//! The rules are those of client-go. The age of a lease is measured by our own monotonic clock since it was last seen
//! to change, never by the times written in it: clocks of machines may differ by any amount.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use k8s_openapi::jiff::Timestamp;
use kube::api::PostParams;
use kube::{Api, Client, ResourceExt};
use tokio::time::Instant;
use tracing::{debug, info, warn};

use crate::reconcile::fence::Fence;

/// Name of the Lease unless another is given, and of the election in metrics.
pub const NAME: &str = "devops-agent-operator";

/// Which lease is competed for, and how it is held.
#[derive(Clone, Debug)]
pub struct Elect {
    /// Name of the Lease.
    pub lease: String,
    /// How leadership is held.
    pub timing: Timing,
}

/// How leadership is held.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// How long the others wait for a renewal before they take over.
    pub duration: Duration,
    /// How long a leader keeps writing without a renewal; less than `duration`.
    pub deadline: Duration,
    /// Between two checks of the lease.
    pub retry: Duration,
}

impl Timing {
    /// Checks it: a leader must retry in time, and must stop before another may start.
    pub fn check(&self) -> Result<(), String> {
        let Self { duration, deadline, retry } = self;
        if retry < deadline && deadline < duration {
            return Ok(());
        }
        Err(format!(
            "the lease's retry period ({retry:?}) must be less than its renew deadline ({deadline:?}), and that less \
             than its duration ({duration:?})"
        ))
    }

    /// The duration in the form of a Lease, in whole seconds, rounded up.
    fn seconds(&self) -> Option<i32> {
        let whole = self.duration.as_secs() + u64::from(self.duration.subsec_nanos() > 0);
        i32::try_from(whole).ok()
    }
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            duration: Duration::from_secs(15),
            deadline: Duration::from_secs(10),
            retry: Duration::from_secs(2),
        }
    }
}

/// One replica's part in the election.
pub struct Election {
    api: Api<Lease>,
    name: String,
    identity: String,
    timing: Timing,
    fence: Fence,
    seen: Option<(String, Instant)>,
}

impl Election {
    /// Takes part in the election of `namespace` as `identity`; `fence` is opened while it leads.
    pub fn new(client: Client, namespace: &str, identity: String, elect: Elect, fence: Fence) -> Self {
        let Elect { lease: name, timing } = elect;
        Self { api: Api::namespaced(client, namespace), name, identity, timing, fence, seen: None }
    }

    /// Waits until this replica is the leader.
    pub async fn lead(&mut self) {
        info!(lease = self.name, identity = self.identity, "on standby until the lease is free");
        while !self.attempt().await {
            tokio::time::sleep(self.timing.retry).await;
        }
        info!(identity = self.identity, "leading");
    }

    /// Renews the lease for as long as that works. Returns when leadership is lost.
    pub async fn hold(&mut self) {
        let mut renewed = Instant::now();
        loop {
            tokio::time::sleep(self.timing.retry).await;
            if self.attempt().await {
                renewed = Instant::now();
            } else if renewed.elapsed() >= self.timing.deadline || !self.fence.is_open() {
                warn!(identity = self.identity, "lost the leadership");
                return;
            }
        }
    }

    /// Releases the lease, so that another replica needn't wait for it to expire.
    pub async fn release(&self) {
        let Ok(Some(mut lease)) = self.api.get_opt(&self.name).await else { return };
        let spec = lease.spec.get_or_insert_default();
        if spec.holder_identity.as_deref() != Some(&*self.identity) {
            return;
        }
        spec.holder_identity = None;
        spec.lease_duration_seconds = Some(1);
        if let Err(error) = self.api.replace(&self.name, &PostParams::default(), &lease).await {
            debug!(%error, "the lease could not be released; it will expire");
        }
    }

    /// Acquires or renews the lease, if it is ours or free.
    async fn attempt(&mut self) -> bool {
        // Counted from before the request: the others count from when they see it, which is later.
        let asked = Instant::now();
        match tokio::time::timeout(self.timing.deadline, self.try_once()).await {
            Ok(Ok(true)) => {
                self.fence.open_until(asked + self.timing.deadline);
                true
            }
            Ok(Err(error)) => {
                debug!(%error, "the lease could not be read or written");
                false
            }
            Ok(Ok(false)) | Err(_) => false,
        }
    }

    async fn try_once(&mut self) -> Result<bool, kube::Error> {
        let Some(lease) = self.api.get_opt(&self.name).await? else {
            let lease = Lease {
                metadata: ObjectMeta { name: Some(self.name.clone()), ..ObjectMeta::default() },
                spec: Some(self.spec(None)),
            };
            self.api.create(&PostParams::default(), &lease).await?;
            return Ok(true);
        };
        let version = lease.resource_version().unwrap_or_default();
        if self.seen.as_ref().is_none_or(|(seen, _)| *seen != version) {
            self.seen = Some((version, Instant::now()));
        }
        if !self.is_free(lease.spec.as_ref()) {
            return Ok(false);
        }
        // Replacing it with the version that was read fails if another replica was faster.
        let renewed = Lease { spec: Some(self.spec(lease.spec.as_ref())), ..lease };
        self.api.replace(&self.name, &PostParams::default(), &renewed).await?;
        Ok(true)
    }

    fn is_free(&self, spec: Option<&LeaseSpec>) -> bool {
        let Some(spec) = spec else { return true };
        match spec.holder_identity.as_deref() {
            None | Some("") => true,
            Some(holder) if holder == self.identity => true,
            Some(_) => {
                let seconds = spec.lease_duration_seconds.and_then(|seconds| u64::try_from(seconds).ok());
                let duration = seconds.map_or(self.timing.duration, Duration::from_secs);
                self.seen.as_ref().is_some_and(|(_, since)| since.elapsed() >= duration)
            }
        }
    }

    fn spec(&self, before: Option<&LeaseSpec>) -> LeaseSpec {
        let now = MicroTime(Timestamp::now());
        let ours = before.filter(|spec| spec.holder_identity.as_deref() == Some(&*self.identity));
        let transitions = before.and_then(|spec| spec.lease_transitions).unwrap_or_default();
        LeaseSpec {
            holder_identity: Some(self.identity.clone()),
            lease_duration_seconds: self.timing.seconds(),
            acquire_time: ours.map_or_else(|| Some(now.clone()), |spec| spec.acquire_time.clone()),
            renew_time: Some(now),
            lease_transitions: Some(if ours.is_some() { transitions } else { transitions.saturating_add(1) }),
            ..LeaseSpec::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leader_stops_before_another_may_start() {
        let timing = |duration, deadline, retry| {
            let seconds = Duration::from_secs;
            Timing { duration: seconds(duration), deadline: seconds(deadline), retry: seconds(retry) }
        };
        assert_eq!(Timing::default().check(), Ok(()));
        for wrong in [timing(15, 15, 2), timing(15, 20, 2), timing(15, 10, 10)] {
            assert!(wrong.check().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn others_never_wait_less_than_the_duration() {
        let timing = Timing { duration: Duration::from_millis(2500), ..Timing::default() };
        assert_eq!(timing.seconds(), Some(3));
        assert_eq!(Timing::default().seconds(), Some(15));
    }
}
