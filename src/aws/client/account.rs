//! Which AWS account a client works in.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::api_error::Error;
use super::credentials::{CachedCredentials, explain};

/// An account, or the way to determine it. Clones share the result.
#[derive(Clone, Debug)]
pub struct Account {
    id: Arc<OnceCell<String>>,
    sts: Option<aws_sdk_sts::Client>,
    /// When determining the id last failed.
    failed: Arc<Mutex<Option<Instant>>>,
}

/// For this long, callers that can do without the id don't ask again: STS may not be reachable at all.
const PATIENCE: Duration = Duration::from_mins(5);

impl Account {
    /// An account whose id is known.
    pub fn known(id: impl Into<String>) -> Self {
        Self { id: Arc::new(OnceCell::new_with(Some(id.into()))), sts: None, failed: Arc::default() }
    }

    /// The account of a role, by its ARN.
    pub fn of_role(role_arn: &str) -> Option<Self> {
        let id = role_arn.split(':').nth(4)?;
        (id.len() == 12 && id.bytes().all(|c| c.is_ascii_digit())).then(|| Self::known(id))
    }

    /// The account that STS names as the credentials' own.
    pub fn ask(sts: aws_sdk_sts::Client) -> Self {
        Self { id: Arc::default(), sts: Some(sts), failed: Arc::default() }
    }

    /// The id, if it has been determined.
    pub(crate) fn known_id(&self) -> Option<&str> {
        self.id.get().map(String::as_str)
    }

    /// The id: known, or from the credentials, or from `GetCallerIdentity`.
    pub(crate) async fn id(&self, credentials: &CachedCredentials) -> Result<String, Error> {
        self.id.get_or_try_init(|| self.find(credentials)).await.cloned()
    }

    /// The id, unless determining it failed recently.
    pub(crate) async fn id_if_known(&self, credentials: &CachedCredentials) -> Option<String> {
        let failed = *self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        if failed.is_some_and(|at| at.elapsed() < PATIENCE) {
            return self.id.get().cloned();
        }
        let id = self.id(credentials).await.ok();
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = id.is_none().then(Instant::now);
        id
    }

    /// The id, if it is known or the credentials tell it; STS isn't asked.
    pub(crate) async fn id_without_call(&self, credentials: &CachedCredentials) -> Option<String> {
        if let Some(id) = self.known_id() {
            return Some(id.to_owned());
        }
        credentials.get().await.ok()?.account_id().map(|id| id.as_str().to_owned())
    }

    async fn find(&self, credentials: &CachedCredentials) -> Result<String, Error> {
        if let Some(id) = credentials.get().await?.account_id() {
            return Ok(id.as_str().to_owned());
        }
        let unknown =
            |message: &str| Error::Credentials { message: format!("the account's id is unknown: {message}") };
        let sts = self.sts.as_ref().ok_or_else(|| unknown("no STS endpoint is configured"))?;
        let identity = sts.get_caller_identity().send().await;
        let identity = identity.map_err(|error| unknown(&explain(&error)))?;
        identity.account().map(str::to_owned).ok_or_else(|| unknown("STS did not return it"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_credential_types::Credentials;

    #[tokio::test]
    async fn a_roles_arn_tells_the_account() {
        let none = CachedCredentials::new(Credentials::new("a", "b", None, None, "test"));
        let account = Account::of_role("arn:aws:iam::123456789012:role/team/one").unwrap();
        assert_eq!(account.id(&none).await.unwrap(), "123456789012");
        assert!(Account::of_role("arn:aws:iam::role/one").is_none());
    }

    #[tokio::test]
    async fn the_credentials_tell_it_else() {
        let credentials = Credentials::builder()
            .access_key_id("a")
            .secret_access_key("b")
            .account_id("210987654321")
            .provider_name("test")
            .build();
        let account = Account { id: Arc::default(), sts: None, failed: Arc::default() };
        let credentials = CachedCredentials::new(credentials);
        assert_eq!(account.id_without_call(&credentials).await.as_deref(), Some("210987654321"));
        assert_eq!(account.id(&credentials).await.unwrap(), "210987654321");
        let silent = CachedCredentials::new(Credentials::new("a", "b", None, None, "test"));
        let account = Account { id: Arc::default(), sts: None, failed: Arc::default() };
        assert!(account.id(&silent).await.unwrap_err().to_string().contains("unknown"));
        assert_eq!(account.id_without_call(&silent).await, None);
        assert_eq!(account.id_if_known(&silent).await, None);
        assert!(account.failed.lock().unwrap().is_some(), "it is not asked for again at once");
    }
}
