//! Making a call: a turn in the budget, credentials, a signature, a response; and retries if that is safe.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use tokio::time::Instant;
use tracing::field::Empty;
use tracing::{Instrument, Span, debug_span};

use crate::echo::{self, Seen, Words};
use crate::text;

use super::api_error::{Error, ErrorCode};
use super::budget::Caller;
use super::clock::Clock;
use super::endpoints::{Endpoints, Partition};
use super::gate::Gate;
use super::operation::{Operation, Plane};
use super::principal::Principal;
use super::redact::Sent;
use super::request::Prepared;
use super::response::Answer;
use super::retry::RetryPolicy;
use super::shared_budgets::{Place, Share, Usage};
use super::transport::{self, Timeouts};
use super::{signing, trail};

/// A request that got a response or failed.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The operation.
    pub operation: &'static str,
    /// The HTTP status, or one of `timeout`, `connection` and `error`.
    pub code: &'a str,
    /// Why it failed: the error's name, `Other` if the API's model doesn't have it, or the same as `code`.
    pub error: Option<&'a str>,
    /// How long it took.
    pub duration: Duration,
}

/// Is notified of every request, for metrics.
pub trait Observer: Send + Sync {
    /// A request got a response or failed.
    fn call_finished(&self, call: &Call<'_>);
}

/// The parts of a client.
#[derive(Clone)]
pub struct ClientConfig {
    /// The connections; shared by all clients.
    pub http: reqwest::Client,
    /// The region that requests are signed for.
    pub region: String,
    /// Where they are sent.
    pub endpoints: Endpoints,
    /// What signs them.
    pub principal: Principal,
    /// Their share of the budget, which all clients of an account and region have in common.
    pub budget: Share,
    /// How long they may take.
    pub timeouts: Timeouts,
    /// How often they are retried.
    pub retry: RetryPolicy,
    /// Is notified of them.
    pub observer: Option<Arc<dyn Observer>>,
    /// Whether they may be sent.
    pub gate: Gate,
}

/// The client for one account and region. Cheap to clone; clones share everything but the caller.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
    caller: Caller,
    seen: Seen,
}

struct Inner {
    config: ClientConfig,
    clock: Clock,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let config = &self.inner.config;
        f.debug_struct("Client")
            .field("region", &config.region)
            .field("endpoints", &config.endpoints)
            .field("caller", &self.caller)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// A client whose calls count as a person's edits, in no namespace.
    pub fn new(config: ClientConfig) -> Self {
        let inner = Arc::new(Inner { config, clock: Clock::default() });
        Self { inner, caller: Caller::default(), seen: Seen::default() }
    }

    /// Whether it is the same client, whoever calls.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }

    /// The same client, for calls on behalf of someone else.
    #[must_use]
    pub fn for_caller(&self, caller: Caller) -> Self {
        Self { caller, ..self.clone() }
    }

    /// The same client, but its errors repeat nothing of what is `seen`, now or later.
    #[must_use]
    pub fn guarding(&self, seen: &Seen) -> Self {
        Self { seen: seen.clone(), ..self.clone() }
    }

    /// A message of the service, if it repeats nothing of what is guarded.
    pub fn quoted(&self, words: &str) -> String {
        if self.seen.is_repeated_in(&mut Words::new([words])) {
            return echo::LEFT_OUT.to_owned();
        }
        text::plain_within(words, echo::LONGEST)
    }

    /// State of its account's budget.
    pub fn usage(&self) -> Usage {
        self.inner.config.budget.usage()
    }

    /// The region that it calls.
    pub fn region(&self) -> &str {
        &self.inner.config.region
    }

    /// The addresses that it calls.
    pub fn endpoints(&self) -> &Endpoints {
        &self.inner.config.endpoints
    }

    /// The partition of that region.
    pub fn partition(&self) -> Partition {
        Partition::of(self.region())
    }

    /// Number of what signs its requests. Clients that have the same number have the same permissions.
    pub fn principal(&self) -> u32 {
        self.inner.config.principal.number()
    }

    /// Where AWS counts its requests, once the account's id is known without another call.
    pub async fn place(&self) -> Option<Place> {
        self.share_budget().await;
        self.inner.config.budget.place()
    }

    /// The id of the account, requested once from STS if nothing else provides it.
    pub async fn account_id(&self) -> Result<String, Error> {
        let principal = &self.inner.config.principal;
        principal.account().id(principal.credentials()).await
    }

    /// The same, for callers that can do without it: not requested again soon after a failure.
    pub async fn account_id_if_known(&self) -> Option<String> {
        let principal = &self.inner.config.principal;
        principal.account().id_if_known(principal.credentials()).await
    }

    /// The ARN of a resource of this account and region, such as `agentspace/<id>`: no response contains one.
    pub async fn arn(&self, resource: &str) -> Result<String, Error> {
        let account = self.account_id().await?;
        Ok(format!("arn:{}:aidevops:{}:{account}:{resource}", self.partition().name, self.region()))
    }

    /// Calls an operation: once, unless its binding says that a retry is safe.
    pub async fn call<O: Operation>(&self, operation: &O) -> Result<O::Output, Error> {
        if self.inner.config.gate.is_for_reading() && !O::BINDING.reads {
            return Err(Error::ReadOnly { operation: O::BINDING.name });
        }
        let request = Prepared::new(operation, &self.inner.config.endpoints)?;
        if O::BINDING.plane == Plane::Control && !O::BINDING.reads && request.has_placeholder() {
            return Err(Error::Placeholder { operation: request.operation });
        }
        let span = debug_span!("call", operation = request.operation, status = Empty, request_id = Empty);
        self.send(&request).instrument(span).await?.output(request.operation)
    }

    async fn send(&self, request: &Prepared) -> Result<Answer, Error> {
        let config = &self.inner.config;
        self.share_budget().await;
        let (mut attempt, mut spent, mut unknown) = (1, Duration::ZERO, false);
        let mut fixed = Vec::new();
        loop {
            config.budget.acquire(&self.caller).await;
            let start = Instant::now();
            let failure = match self.attempt(request, config.timeouts.call.saturating_sub(spent)).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            spent += start.elapsed();
            if let Some(fix) = failure.fixed
                && !fixed.contains(&fix)
            {
                fixed.push(fix);
                continue;
            }
            let error = failure.error;
            unknown |= error.outcome_unknown();
            if error.is_throttle() {
                config.budget.throttled();
            }
            match config.retry.pause(attempt, request.repeat, &error) {
                Some(pause) if spent + pause < config.timeouts.call => {
                    tokio::time::sleep(pause).await;
                    spent += pause;
                    attempt += 1;
                }
                _ if unknown => return Err(error.with_unknown_effect()),
                _ => return Err(error),
            }
        }
    }

    /// Shares the budget of the account as soon as its id is known without another call.
    async fn share_budget(&self) {
        let ClientConfig { budget, principal, .. } = &self.inner.config;
        if budget.is_waiting_for_account()
            && let Some(id) = principal.account().id_without_call(principal.credentials()).await
        {
            budget.join(&id);
        }
    }

    /// Sends the request once.
    async fn attempt(&self, request: &Prepared, time: Duration) -> Result<Answer, Failure> {
        let config = &self.inner.config;
        let operation = request.operation;
        let start = Instant::now();
        let credentials = config.principal.credentials().get().await?;
        let signed_at = self.inner.clock.now();
        let signed = self.sign(request, &credentials, signed_at)?;
        if !config.gate.is_open() {
            return Err(Error::Closed { operation }.into());
        }
        let answer = match transport::exchange(&config.http, operation, signed, time).await {
            Ok(answer) => answer,
            Err(error) => {
                self.report(operation, word(&error), Some(&error), None, start);
                return Err(error.into());
            }
        };
        let status = answer.status.to_string();
        if matches!(answer.status, 200..300) {
            self.report(operation, &status, None, answer.request_id(), start);
            return Ok(answer);
        }
        let sent = Sent { body: request.body(), seen: &self.seen, credentials: Some(&credentials) };
        let error = Error::Service(Box::new(answer.error(operation, sent)));
        self.report(operation, &status, Some(&error), answer.request_id(), start);
        let fixed = self.correct(&error, &answer, signed_at, &credentials).await;
        Err(Failure { error, fixed })
    }

    fn sign(
        &self,
        request: &Prepared,
        credentials: &Credentials,
        now: SystemTime,
    ) -> Result<reqwest::Request, Error> {
        let unusable = |message| Error::Input { operation: request.operation, message };
        let mut http = request.http.try_clone().ok_or_else(|| unusable("it can't be copied".to_owned()))?;
        signing::sign(&mut http, signing::SERVICE, credentials, self.region(), now).map_err(unusable)?;
        Ok(http)
    }

    /// A rejection because of the clock or the credentials has no effect, so any operation may be retried once that is
    /// fixed.
    async fn correct(
        &self,
        error: &Error,
        answer: &Answer,
        signed_at: SystemTime,
        credentials: &Credentials,
    ) -> Option<Fix> {
        if error.blames_the_clock() {
            let date = answer.header("date")?;
            return self.inner.clock.follow(date, signed_at).then_some(Fix::Clock);
        }
        if error.blames_the_credentials() {
            self.inner.config.principal.credentials().refused(credentials).await;
            return Some(Fix::Credentials);
        }
        None
    }

    /// Reports to log and metrics; never what was sent.
    fn report(
        &self,
        operation: &'static str,
        status: &str,
        error: Option<&Error>,
        request_id: Option<&str>,
        start: Instant,
    ) {
        let duration = start.elapsed();
        let name = error.and_then(Error::code).map(ErrorCode::as_str);
        tracing::debug!(operation, status, error = name, request_id, ?duration, "called AWS");
        Span::current().record("status", status).record("request_id", request_id);
        trail::called(operation, request_id);
        if let Some(observer) = &self.inner.config.observer {
            let error = error.map(|error| error.code().map_or(status, ErrorCode::bounded));
            observer.call_finished(&Call { operation, code: status, error, duration });
        }
    }
}

/// An attempt that failed, and what was fixed since.
struct Failure {
    error: Error,
    fixed: Option<Fix>,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error, fixed: None }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fix {
    Clock,
    Credentials,
}

/// The label in metrics for a request without a response.
fn word(error: &Error) -> &'static str {
    match error {
        Error::Timeout { .. } => "timeout",
        Error::Connection { .. } => "connection",
        _ => "error",
    }
}
