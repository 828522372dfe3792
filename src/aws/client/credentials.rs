//! Credentials, kept until shortly before they expire.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{
    ProvideCredentials, Result as Provided, SharedCredentialsProvider, future,
};
use aws_sdk_sts::error::ProvideErrorMetadata;
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use aws_sdk_sts::operation::assume_role_with_web_identity::AssumeRoleWithWebIdentityError;
use aws_sdk_sts::operation::get_caller_identity::GetCallerIdentityError;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::echo::{self, Words};
use crate::text;

use super::api_error::Error;
use super::redact::are_quoted;

/// Credentials are renewed this long before they expire.
const BEFORE_EXPIRY: Duration = Duration::from_mins(1);
/// Credentials without an expiry are read again this often: someone may have changed the file.
const WITHOUT_EXPIRY: Duration = Duration::from_mins(15);
/// A failure is returned again to callers that ask right after it, so that they don't queue up for the same result.
const FAILURE: Duration = Duration::from_secs(1);
/// Maximum bytes of a source's message.
const LONGEST: usize = 1024;
/// Timeout of a source.
const PATIENCE: Duration = Duration::from_secs(30);

/// A credential source with a cache. Clones share it.
#[derive(Clone, Debug)]
pub struct CachedCredentials {
    source: SharedCredentialsProvider,
    /// What they are for, for messages.
    purpose: Arc<str>,
    /// What the source itself signs with, if it calls STS: a rejection may quote that.
    signer: Option<Box<CachedCredentials>>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    current: Option<Current>,
    failed: Option<(String, Instant)>,
}

/// Credentials, and until when they needn't be renewed.
#[derive(Debug)]
struct Current {
    credentials: Credentials,
    fresh_until: Instant,
    /// When they expire, by our monotonic clock; never, if they don't say, or if they already have by our wall clock.
    expires: Option<Instant>,
}

impl Current {
    /// No source returns expired credentials: if they are expired by our clock, the clock is wrong, and they are
    /// renewed like those without an expiry, or when the service rejects them.
    fn new(credentials: Credentials) -> Self {
        let now = Instant::now();
        let lifetime = credentials.expiry().and_then(|expiry| expiry.duration_since(SystemTime::now()).ok());
        let lasts = lifetime.map_or(WITHOUT_EXPIRY, |lifetime| lifetime.saturating_sub(BEFORE_EXPIRY));
        Self { credentials, fresh_until: now + lasts, expires: lifetime.map(|lifetime| now + lifetime) }
    }

    fn is_fresh(&self) -> bool {
        Instant::now() < self.fresh_until
    }
}

impl CachedCredentials {
    /// Caches what `source` provides.
    pub fn new(source: impl ProvideCredentials + 'static) -> Self {
        Self {
            source: SharedCredentialsProvider::new(source),
            purpose: "".into(),
            signer: None,
            state: Arc::default(),
        }
    }

    /// The same, for a source that signs with `signer`; an error says that it happened while doing `purpose`.
    pub fn for_purpose(purpose: &str, signer: &Self, source: impl ProvideCredentials + 'static) -> Self {
        let signer = Some(Box::new(signer.clone()));
        Self { purpose: purpose.into(), signer, ..Self::new(source) }
    }

    /// Credentials that are valid for a while. One caller fetches them, the others wait for the result.
    pub async fn get(&self) -> Result<Credentials, Error> {
        let mut state = self.state.lock().await;
        if let Some(current) = state.current.as_ref().filter(|current| current.is_fresh()) {
            return Ok(current.credentials.clone());
        }
        if let Some((message, since)) = &state.failed
            && since.elapsed() < FAILURE
        {
            return still_valid(&state).ok_or_else(|| Error::Credentials { message: message.clone() });
        }
        match self.fetch().await {
            Ok(credentials) => {
                *state = State { current: Some(Current::new(credentials.clone())), failed: None };
                Ok(credentials)
            }
            Err(message) => {
                state.failed = Some((message.clone(), Instant::now()));
                still_valid(&state).ok_or(Error::Credentials { message })
            }
        }
    }

    /// Forgets `refused`, which the service no longer accepts.
    pub(crate) async fn refused(&self, refused: &Credentials) {
        let mut state = self.state.lock().await;
        if state
            .current
            .as_ref()
            .is_some_and(|current| current.credentials.access_key_id() == refused.access_key_id())
        {
            state.current = None;
        }
    }

    async fn fetch(&self) -> Result<Credentials, String> {
        match tokio::time::timeout(PATIENCE, self.source.provide_credentials()).await {
            Ok(Ok(credentials)) => Ok(credentials),
            Ok(Err(error)) => Err(self.said(&self.unquoted(explain(&error)).await)),
            Err(_) => Err(self.said("the credential source did not respond in time")),
        }
    }

    /// The message of STS, if it repeats nothing of what the request was signed with.
    async fn unquoted(&self, message: String) -> String {
        let Some(signer) = &self.signer else { return message };
        let state = signer.state.lock().await;
        let quoted = state
            .current
            .as_ref()
            .is_some_and(|current| are_quoted(&current.credentials, &mut Words::new([message.as_str()])));
        if quoted { echo::LEFT_OUT.to_owned() } else { message }
    }

    fn said(&self, message: &str) -> String {
        match &*self.purpose {
            "" => message.to_owned(),
            purpose => format!("{purpose}: {message}"),
        }
    }
}

/// An error and its causes in one line that is the same each time: no request ids, no debug output.
pub(super) fn explain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut link = Some(error);
    while let Some(error) = link {
        if let Some(said) = said_by_sts(error) {
            return said;
        }
        let text = error.to_string();
        if !parts.contains(&text) {
            parts.push(text);
        }
        link = error.source();
    }
    text::plain_within(&parts.join(": "), LONGEST)
}

/// The error of STS, if it is one.
fn said_by_sts(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    let metadata = error
        .downcast_ref::<AssumeRoleError>()
        .map(ProvideErrorMetadata::meta)
        .or_else(|| error.downcast_ref::<AssumeRoleWithWebIdentityError>().map(ProvideErrorMetadata::meta))
        .or_else(|| error.downcast_ref::<GetCallerIdentityError>().map(ProvideErrorMetadata::meta))?;
    let code = metadata.code().unwrap_or("an unnamed error");
    // If a signature is rejected, what was signed follows after the first line.
    let first = metadata.message().and_then(|message| message.trim().lines().next());
    let said = first.map_or_else(|| code.to_owned(), |message| format!("{code}: {message}"));
    Some(text::plain_within(&said, LONGEST))
}

/// What we have, if it couldn't be renewed but hasn't expired.
fn still_valid(state: &State) -> Option<Credentials> {
    let current = state.current.as_ref()?;
    current.expires.is_none_or(|expires| Instant::now() < expires).then(|| current.credentials.clone())
}

impl ProvideCredentials for CachedCredentials {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async move {
            let provided: Provided = self.get().await.map_err(CredentialsError::provider_error);
            provided
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Provides credentials with a lifetime, or fails after a number of them.
    #[derive(Debug)]
    struct Source {
        lifetime: Option<Duration>,
        good: usize,
        calls: Arc<AtomicUsize>,
    }

    impl ProvideCredentials for Source {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            let call = self.calls.fetch_add(1, Ordering::SeqCst);
            future::ProvideCredentials::ready(if call < self.good {
                let expiry = self.lifetime.map(|lifetime| SystemTime::now() + lifetime);
                Ok(Credentials::new(format!("AKID{call}"), "hush", None, expiry, "test"))
            } else {
                Err(CredentialsError::not_loaded("no more"))
            })
        }
    }

    fn source(lifetime: Option<Duration>, good: usize) -> (CachedCredentials, Arc<AtomicUsize>) {
        let calls = Arc::new(AtomicUsize::new(0));
        (CachedCredentials::new(Source { lifetime, good, calls: Arc::clone(&calls) }), calls)
    }

    #[tokio::test(start_paused = true)]
    async fn they_are_kept_and_read_again_after_a_while() {
        let (cached, calls) = source(None, 9);
        cached.get().await.unwrap();
        cached.get().await.unwrap();
        assert_eq!(calls.load(Ordering::SeqCst), 1);
        tokio::time::advance(WITHOUT_EXPIRY).await;
        assert_eq!(cached.get().await.unwrap().access_key_id(), "AKID1");
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_is_ahead_makes_nobody_fetch_them_for_every_call() {
        #[derive(Debug)]
        struct Expired(Arc<AtomicUsize>);
        impl ProvideCredentials for Expired {
            fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
            where
                Self: 'a,
            {
                self.0.fetch_add(1, Ordering::SeqCst);
                let expiry = SystemTime::now() - Duration::from_mins(10);
                future::ProvideCredentials::ready(Ok(Credentials::new(
                    "AKID",
                    "hush",
                    None,
                    Some(expiry),
                    "test",
                )))
            }
        }
        let calls = Arc::new(AtomicUsize::new(0));
        let cached = CachedCredentials::new(Expired(Arc::clone(&calls)));
        cached.get().await.unwrap();
        cached.get().await.unwrap();
        assert_eq!(calls.load(Ordering::SeqCst), 1);
        tokio::time::advance(WITHOUT_EXPIRY).await;
        cached.get().await.unwrap();
        assert_eq!(calls.load(Ordering::SeqCst), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_renewal_is_borne_while_the_old_ones_are_valid() {
        let (cached, calls) = source(Some(BEFORE_EXPIRY / 2), 1);
        for _ in 0..3 {
            assert_eq!(cached.get().await.unwrap().access_key_id(), "AKID0");
        }
        assert_eq!(calls.load(Ordering::SeqCst), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_says_why_without_a_secret() {
        let (cached, calls) = source(None, 0);
        for _ in 0..2 {
            let message = cached.get().await.unwrap_err().to_string();
            assert!(message.contains("no more"), "{message}");
        }
        assert_eq!(calls.load(Ordering::SeqCst), 1);
        tokio::time::advance(FAILURE).await;
        assert!(cached.get().await.is_err());
        assert_eq!(calls.load(Ordering::SeqCst), 2);
        assert!(!format!("{cached:?}").contains("hush"));
    }

    #[tokio::test(start_paused = true)]
    async fn refused_ones_are_forgotten() {
        let (cached, _) = source(None, 2);
        let first = cached.get().await.unwrap();
        cached.refused(&first).await;
        let second = cached.get().await.unwrap();
        assert_eq!(second.access_key_id(), "AKID1");
        cached.refused(&first).await;
        assert_eq!(cached.get().await.unwrap().access_key_id(), "AKID1");
        assert!(!format!("{cached:?}").contains("hush"));
    }
}
