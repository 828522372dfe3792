//! What signs the requests of clients: credentials, and the account that they belong to.
//!
//! Clients with the same principal have the same permissions, so what one of them sees the others may see too. One of
//! another role may be shown more or less.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Weak};

use super::account::Account;
use super::credentials::CachedCredentials;

/// Credentials with their account. Clones are the same.
#[derive(Clone, Debug)]
pub struct Principal(Arc<Parts>);

/// A principal, as long as a client has it.
#[derive(Debug)]
pub(super) struct WeakPrincipal(Weak<Parts>);

#[derive(Debug)]
struct Parts {
    number: u32,
    credentials: CachedCredentials,
    account: Account,
}

impl Principal {
    /// One that differs from every other.
    pub fn new(credentials: CachedCredentials, account: Account) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self(Arc::new(Parts { number, credentials, account }))
    }

    /// Its number. None is used twice.
    pub fn number(&self) -> u32 {
        self.0.number
    }

    pub(super) fn credentials(&self) -> &CachedCredentials {
        &self.0.credentials
    }

    pub(super) fn account(&self) -> &Account {
        &self.0.account
    }

    pub(super) fn downgrade(&self) -> WeakPrincipal {
        WeakPrincipal(Arc::downgrade(&self.0))
    }
}

impl WeakPrincipal {
    pub(super) fn upgrade(&self) -> Option<Principal> {
        self.0.upgrade().map(Principal)
    }

    /// Whether a client still has it.
    pub(super) fn is_used(&self) -> bool {
        self.0.strong_count() > 0
    }
}
