//! Kinds whose remotes come with a webhook, whose secret AWS shows once.

use std::collections::{BTreeMap, BTreeSet};

use secrecy::{ExposeSecret, SecretString};

use super::{Reconciled, StatusOf};

/// The Secret for what AWS shows once. Without anything said, there is none.
pub trait Issuing: Reconciled {
    /// The Secret that a new remote may come with, with a placeholder for what AWS will show.
    fn secret_to_come(_desired: &Self::Desired, _status: &StatusOf<Self>) -> Option<OutputSecret> {
        None
    }

    /// Notes that the Secret `name` is about to be written, so that it is found again, whatever happens to this pass.
    fn secret_comes(_status: &mut StatusOf<Self>, _name: &str) {}

    /// Records that the Secret was written. Returns what a person has to know, if the remote's address has changed.
    fn secret_written(
        _desired: &Self::Desired,
        _status: &mut StatusOf<Self>,
        _secret: &OutputSecret,
    ) -> Option<String> {
        None
    }

    /// Records that the Secret `name` is gone.
    fn secret_gone(_status: &mut StatusOf<Self>, _name: &str) {}

    /// The Secrets that the operator wrote, or may have written, for the object.
    fn secrets(_object: &Self::Object, _status: &StatusOf<Self>) -> Secrets {
        Secrets::default()
    }

    /// Notes that the response to the create was lost, and with it what AWS shows only once.
    fn answer_lost(_status: &mut StatusOf<Self>) {}
}

/// A Secret that the engine writes for a remote.
#[derive(Debug, Default)]
pub struct OutputSecret {
    /// Name of the Secret, in the object's namespace.
    pub name: String,
    /// Its data.
    pub data: BTreeMap<String, SecretString>,
    /// Its labels, in addition to the engine's own.
    pub labels: BTreeMap<String, String>,
    /// Its annotations, in addition to the engine's own.
    pub annotations: BTreeMap<String, String>,
    /// What an earlier write left in it.
    pub stale: Stale,
    /// Ids of the remotes whose Secret it may replace, including its own.
    pub replaces: BTreeSet<String>,
    /// What AWS showed, regardless of the template that produced `data`.
    pub shown: Shown,
    /// Whether AWS has just shown it, so that it exists nowhere else.
    pub is_news: bool,
}

impl OutputSecret {
    /// The data that contains the secret.
    pub fn sensitive(&self) -> impl Iterator<Item = &SecretString> {
        let secret = self.shown.secret.expose_secret();
        self.data.values().filter(move |value| !secret.is_empty() && value.expose_secret().contains(secret))
    }
}

/// A webhook as AWS shows it.
#[derive(Debug, Default)]
pub struct Shown {
    /// Values that aren't secret, by their documented key.
    pub facts: BTreeMap<&'static str, String>,
    /// The secret, or the token.
    pub secret: SecretString,
}

/// Keys, labels and annotations to remove.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stale {
    /// Keys of its data.
    pub keys: BTreeSet<String>,
    /// Names of labels.
    pub labels: BTreeSet<String>,
    /// Names of annotations.
    pub annotations: BTreeSet<String>,
}

/// The Secrets that the operator wrote, or may have written, for an object.
#[derive(Debug, Default)]
pub struct Secrets {
    /// The current one.
    pub present: Option<String>,
    /// All of their names.
    pub names: BTreeSet<String>,
    /// Ids of the remotes that they may belong to.
    pub about: BTreeSet<String>,
}
