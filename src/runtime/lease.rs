//! Leader election: one replica works, the others stand by.
//!
//! The rules are those of client-go. The age of a lease is measured by our own monotonic clock since it was last seen
//! to change, never by the times written in it: clocks of machines may differ by any amount.
//!
//! Each shard has a lease. A lease says how many shards its holder counts: a process that divides the namespaces another
//! way waits until no lease of the old division is held, so that a namespace never has two leaders while the number of
//! shards changes.
//!
//! Earlier versions had one name for the lease of every release. Where pods of such a version are seen holding it for the
//! same release, it is held as well: otherwise one of them could take it and work beside this process.

use std::collections::HashMap;
use std::time::Duration;

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use k8s_openapi::jiff::Timestamp;
use kube::api::{ListParams, PostParams};
use kube::{Api, Client, ResourceExt};
use tokio::time::Instant;
use tracing::{debug, info, warn};

use crate::reconcile::fence::Fence;
use crate::reconcile::shard::Shard;

/// Name of the Lease unless another is given, which was that of every release in earlier versions; and of the election in
/// metrics.
pub const NAME: &str = "devops-agent-operator";

/// Annotation of a lease: of how many shards its holder is one. Without it, of one.
const SHARDS: &str = "devopsagent.dev/shards";

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
    shard: Shard,
    /// Name of the lease of the first shard, with which those of the others begin.
    base: String,
    /// Whether the lease of earlier versions is held as well.
    with_former: bool,
    /// When each lease was last seen to change, and its version then.
    seen: HashMap<String, (String, Instant)>,
}

impl Election {
    /// Takes part in the election of `namespace` for `shard` as `identity`; `fence` is opened while it leads.
    pub fn new(
        client: Client,
        namespace: &str,
        identity: String,
        elect: Elect,
        shard: Shard,
        fence: Fence,
    ) -> Self {
        let Elect { lease: base, timing } = elect;
        let (api, name) = (Api::namespaced(client, namespace), lease_of(&base, shard.index()));
        Self { api, name, identity, timing, fence, shard, base, with_former: false, seen: HashMap::new() }
    }

    /// Waits until this replica is the leader.
    pub async fn lead(&mut self) {
        info!(lease = self.name, identity = self.identity, "on standby until the lease is free");
        loop {
            // Once before the lease is taken, so as not to keep others waiting, and once after it: of two that take theirs
            // at the same time, both see the other.
            if self.others_agree().await && self.attempt().await.is_some() {
                if self.others_agree().await
                    && let Some(until) = self.attempt_all().await
                {
                    self.fence.open_until(until);
                    break;
                }
                self.release().await;
            }
            tokio::time::sleep(self.timing.retry).await;
        }
        info!(identity = self.identity, "leading");
    }

    /// Renews the lease for as long as that works. Returns when leadership is lost.
    pub async fn hold(&mut self) {
        let mut renewed = Instant::now();
        loop {
            tokio::time::sleep(self.timing.retry).await;
            let agreed = self.shard.index() == 0 || self.others_agree().await;
            if agreed && let Some(until) = self.attempt_all().await {
                self.fence.open_until(until);
                renewed = Instant::now();
            } else if renewed.elapsed() >= self.timing.deadline || !self.fence.is_open() {
                warn!(identity = self.identity, "lost the leadership");
                return;
            }
        }
    }

    /// Releases the lease, so that another replica needn't wait for it to expire.
    pub async fn release(&self) {
        if self.with_former {
            self.release_one(NAME).await;
        }
        self.release_one(&self.name).await;
    }

    async fn release_one(&self, name: &str) {
        let Ok(Some(mut lease)) = self.api.get_opt(name).await else { return };
        let spec = lease.spec.get_or_insert_default();
        if spec.holder_identity.as_deref() != Some(&*self.identity) {
            return;
        }
        spec.holder_identity = None;
        spec.lease_duration_seconds = Some(1);
        if let Err(error) = self.api.replace(name, &PostParams::default(), &lease).await {
            debug!(%error, lease = name, "the lease could not be released; it will expire");
        }
    }

    /// Whether every lease that is held counts the same number of shards. False if that can't be found out.
    async fn others_agree(&mut self) -> bool {
        let listed = tokio::time::timeout(self.timing.deadline, self.api.list(&ListParams::default())).await;
        let leases = match listed {
            Ok(Ok(leases)) => leases,
            // Shards may list leases; where that isn't allowed, there never were any.
            Ok(Err(kube::Error::Api(status))) if status.code == 403 && self.shard.count() == 1 => {
                return true;
            }
            Ok(Err(error)) => {
                debug!(%error, "the leases of other shards could not be listed");
                return false;
            }
            Err(_) => return false,
        };
        let mut agree = true;
        for lease in &leases.items {
            let name = lease.name_any();
            let is_shard = shard_of(&self.base, &name).is_some();
            let is_former = !is_shard && name == NAME && self.is_held_by_our_pods(lease);
            if !is_shard && !is_former {
                continue;
            }
            self.saw(lease);
            let count = lease.annotations().get(SHARDS).map(String::as_str);
            // Versions that write the annotation have a lease of their own beside this one.
            self.with_former |= is_former && count.is_none() && self.shard.index() == 0;
            let differs = is_former || count.unwrap_or("1") != self.shard.count().to_string();
            if differs && !self.is_free(&name, lease.spec.as_ref()) {
                debug!(
                    lease = name,
                    shards = count,
                    "waiting for those who divide the namespaces another way"
                );
                agree = false;
            }
        }
        agree
    }

    /// Whether the holder is another pod of the Deployment whose name is that of our lease.
    fn is_held_by_our_pods(&self, lease: &Lease) -> bool {
        let holder = lease.spec.as_ref().and_then(|spec| spec.holder_identity.as_deref()).unwrap_or_default();
        holder != self.identity && is_pod_of(&self.base, holder)
    }

    /// Acquires or renews the lease, and that of earlier versions if it is held as well.
    async fn attempt_all(&mut self) -> Option<Instant> {
        let until = self.attempt().await?;
        if self.with_former {
            let former = self.attempt_one(NAME).await;
            // Who may not write it can't be kept from working for that.
            if self.with_former {
                return former.map(|former| until.min(former));
            }
        }
        Some(until)
    }

    /// Acquires or renews the lease, if it is ours or free. Returns until when the fence may be open.
    async fn attempt(&mut self) -> Option<Instant> {
        let name = self.name.clone();
        self.attempt_one(&name).await
    }

    async fn attempt_one(&mut self, name: &str) -> Option<Instant> {
        // Counted from before the request: the others count from when they see it, which is later.
        let asked = Instant::now();
        match tokio::time::timeout(self.timing.deadline, self.try_once(name)).await {
            Ok(Ok(true)) => Some(asked + self.timing.deadline),
            Ok(Err(kube::Error::Api(status))) if status.code == 403 && name != self.name => {
                warn!(lease = name, "the lease of earlier versions may not be written; working without it");
                self.with_former = false;
                None
            }
            Ok(Err(error)) => {
                debug!(%error, lease = name, "the lease could not be read or written");
                None
            }
            Ok(Ok(false)) | Err(_) => None,
        }
    }

    async fn try_once(&mut self, name: &str) -> Result<bool, kube::Error> {
        let count = (SHARDS.to_owned(), self.shard.count().to_string());
        let Some(mut lease) = self.api.get_opt(name).await? else {
            let metadata = ObjectMeta {
                name: Some(name.to_owned()),
                annotations: Some([count].into()),
                ..ObjectMeta::default()
            };
            let lease = Lease { metadata, spec: Some(self.spec(None)) };
            self.api.create(&PostParams::default(), &lease).await?;
            return Ok(true);
        };
        self.saw(&lease);
        if !self.is_free(name, lease.spec.as_ref()) {
            return Ok(false);
        }
        lease.annotations_mut().extend([count]);
        // Replacing it with the version that was read fails if another replica was faster.
        let renewed = Lease { spec: Some(self.spec(lease.spec.as_ref())), ..lease };
        self.api.replace(name, &PostParams::default(), &renewed).await?;
        Ok(true)
    }

    fn saw(&mut self, lease: &Lease) {
        let version = lease.resource_version().unwrap_or_default();
        let seen = self.seen.entry(lease.name_any()).or_insert_with(|| (version.clone(), Instant::now()));
        if seen.0 != version {
            *seen = (version, Instant::now());
        }
    }

    fn is_free(&self, name: &str, spec: Option<&LeaseSpec>) -> bool {
        let Some(spec) = spec else { return true };
        match spec.holder_identity.as_deref() {
            None | Some("") => true,
            Some(holder) if holder == self.identity => true,
            Some(_) => {
                let seconds = spec.lease_duration_seconds.and_then(|seconds| u64::try_from(seconds).ok());
                let duration = seconds.map_or(self.timing.duration, Duration::from_secs);
                self.seen.get(name).is_some_and(|(_, since)| since.elapsed() >= duration)
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

/// Name of the lease of a shard. That of the first is the one that an operator without shards holds.
pub fn lease_of(base: &str, index: u16) -> String {
    if index == 0 { base.to_owned() } else { format!("{base}-shard-{index}") }
}

/// The shard that holds the lease `name`, if it is one of those that begin with `base`.
fn shard_of(base: &str, name: &str) -> Option<u16> {
    let rest = name.strip_prefix(base)?;
    if rest.is_empty() { Some(0) } else { rest.strip_prefix("-shard-")?.parse().ok() }
}

/// Whether the holder of a lease is a pod of this Deployment, by its name: that of the Deployment, a hash and a random part,
/// the last two grown together if the name is too long.
fn is_pod_of(deployment: &str, holder: &str) -> bool {
    let Some((pod, _)) = holder.split_once('_') else { return false };
    let Some(rest) = pod.strip_prefix(deployment).and_then(|rest| rest.strip_prefix('-')) else {
        return false;
    };
    let (hash, random) = rest.split_once('-').unwrap_or((rest, "12345"));
    let is_part = |part: &str| part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    !hash.is_empty() && is_part(hash) && random.len() == 5 && is_part(random)
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
    fn the_lease_of_the_first_shard_is_that_of_an_operator_without_shards() {
        for index in [0, 1, 12] {
            assert_eq!(shard_of("operator", &lease_of("operator", index)), Some(index));
        }
        assert_eq!(lease_of("operator", 0), "operator");
        // A release may be called `operator-2`, but a second Deployment `operator-shard-2` is refused by the API server.
        for other in ["operator-blue", "other", "operator2", "operator-2", "operator-shard-"] {
            assert_eq!(shard_of("operator", other), None, "{other}");
        }
    }

    #[test]
    fn a_pod_of_the_same_release_is_known_by_its_name() {
        for pod in ["shop-operator-7d9f8c6b5d-x2x4z_1", "shop-operator-7d9f8c6x2x4z_1"] {
            assert!(is_pod_of("shop-operator", pod), "{pod}");
        }
        for other in [
            "shop-operator-7d9f8c6b5d-x2x4z",
            "shop-operator_1",
            "shop-operator-_1",
            "shop-operator-blue-7d9f8c6b5d-x2x4z_1",
            "shop-operator-shard-0-7d9f8c6b5d-x2x4z_1",
            "shop-7d9f8c6b5d-x2x4z_1",
            "other_1",
        ] {
            assert!(!is_pod_of("shop-operator", other), "{other}");
        }
    }

    #[test]
    fn others_never_wait_less_than_the_duration() {
        let timing = Timing { duration: Duration::from_millis(2500), ..Timing::default() };
        assert_eq!(timing.seconds(), Some(3));
        assert_eq!(Timing::default().seconds(), Some(15));
    }
}
