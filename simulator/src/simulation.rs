//! The state of one simulator, shared by all its connections.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;

use crate::calls::Calls;
use crate::error::ApiError;
use crate::faults::Faults;
use crate::lists::Lists;
use crate::model::Model;
use crate::options::Options;
use crate::signature::{Authorization, same};
use crate::store::{Region, World};
use crate::switches::Switches;
use crate::throttle::Throttle;
use crate::wire::Request;

/// One simulator.
pub struct Simulation {
    /// The service model.
    pub model: Arc<Model>,
    /// How it was set up.
    pub options: Options,
    /// Where it is reached, without a slash at the end.
    pub base_url: String,
    /// Notified when there is something to save.
    pub changed: Notify,
    inner: Mutex<Inner>,
}

/// What changes.
pub struct Inner {
    /// The simulated AWS.
    pub world: World,
    /// The undocumented choices.
    pub switches: Switches,
    /// The injected faults.
    pub faults: Faults,
    /// What was called.
    pub calls: Calls,
    /// How many calls each account may still make.
    pub throttle: Throttle,
    lists: Lists,
}

/// Who calls.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The account.
    pub account: String,
    /// The region of the signature.
    pub region: String,
    /// The ARN.
    pub principal: String,
}

impl Simulation {
    /// A simulator over a world.
    pub fn new(model: Arc<Model>, options: Options, base_url: String, world: World) -> Self {
        let inner = Inner {
            world,
            switches: options.switches.clone(),
            faults: Faults::default(),
            calls: Calls::keeping(options.calls_kept),
            throttle: Throttle::default(),
            lists: Lists::default(),
        };
        Self { model, options, base_url, changed: Notify::new(), inner: Mutex::new(inner) }
    }

    /// Exclusive access to what changes. Never held across an await.
    pub fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time, in the precision of the API.
    pub fn now() -> Timestamp {
        let now = Timestamp::now();
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }

    /// The time by the clock of the service, which signatures and credentials are judged by.
    pub fn clock(&self) -> Timestamp {
        let now = Self::now();
        now.checked_add(self.options.clock_offset).unwrap_or(now)
    }

    /// Who sent a request, if its signature is good.
    pub fn authenticate(&self, request: &Request, service: &str, now: Timestamp) -> Result<Caller, ApiError> {
        let authorization = Authorization::of(request)?;
        let token = request.header("x-amz-security-token");
        let (secret, account, principal) = self.key(&authorization.access_key_id, token, now)?;
        let tolerance = SignedDuration::try_from(self.options.clock_tolerance).unwrap_or(SignedDuration::MAX);
        authorization.verify(request, service, &secret, now, tolerance)?;
        Ok(Caller { account, region: authorization.region, principal })
    }

    fn key(
        &self,
        id: &str,
        token: Option<&str>,
        now: Timestamp,
    ) -> Result<(String, String, String), ApiError> {
        let unknown = || {
            let message = "The security token included in the request is invalid.";
            ApiError::protocol(403, "UnrecognizedClientException", message)
        };
        let options = &self.options;
        if id == options.access_key_id && token.is_none() {
            let principal = format!("arn:aws:iam::{}:user/{id}", options.account_id);
            return Ok((options.secret_access_key.clone(), options.account_id.clone(), principal));
        }
        let inner = self.lock();
        let found = inner.world.credentials.get(id).ok_or_else(unknown)?;
        if !token.is_some_and(|token| same(token.as_bytes(), found.session_token.as_bytes())) {
            return Err(unknown());
        }
        if found.expires_at <= now {
            let message = "The security token included in the request is expired";
            return Err(ApiError::protocol(403, "ExpiredTokenException", message));
        }
        Ok((found.secret_access_key.clone(), found.account.clone(), found.principal.clone()))
    }
}

impl Inner {
    /// Remembers a region as it is after a write, for lists that lag behind.
    pub fn snapshot(&mut self, caller: &Caller, now: Timestamp) {
        if self.switches.list_lag_ms > 0 {
            let region = self.world.region(&caller.account, &caller.region, now).clone();
            self.lists.wrote(caller, region, now);
        }
    }

    /// From now on, so many lists show the region as it is now, unless `lasting` is over before.
    pub fn hold_lists(&mut self, caller: &Caller, count: u64, lasting: Duration, now: Timestamp) {
        let region = self.world.region(&caller.account, &caller.region, now).clone();
        self.lists.hold(caller, region, count, lasting, now);
    }

    /// The region as lists show it to this call; `None` when they show it as it is.
    pub fn lagging(&mut self, caller: &Caller, is_list: bool, now: Timestamp) -> Option<Arc<Region>> {
        let current = self.world.region(&caller.account, &caller.region, now);
        let held = if is_list { self.lists.take_held(caller, now) } else { None };
        held.or_else(|| self.lists.lagging(caller, current, self.switches.list_lag_ms, now))
    }

    /// Takes a call of the caller from what its account may make, or refuses it.
    pub fn admit(&mut self, caller: &Caller) -> Result<(), ApiError> {
        let rate = self.switches.requests_per_second;
        self.throttle.admit(&caller.account, &caller.region, rate, Instant::now())
    }

    /// Forgets everything except the switches.
    pub fn reset(&mut self) {
        self.world = World::default();
        self.faults.clear();
        self.throttle = Throttle::default();
        self.calls.clear();
        self.lists = Lists::default();
    }
}
