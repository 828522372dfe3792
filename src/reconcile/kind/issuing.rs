//! Kinds whose remotes come with a webhook, whose secret AWS shows once.

use std::collections::{BTreeMap, BTreeSet};

use secrecy::{ExposeSecret, SecretString};

use super::{Reconciled, StatusOf};

/// The Secret for what AWS shows once. Without anything said, there is none.
pub trait Issuing: Reconciled {
    /// The Secret that a new remote may come with, with a stand-in for what AWS will show.
    fn secret_to_come(_desired: &Self::Desired, _status: &StatusOf<Self>) -> Option<OutputSecret> {
        None
    }

    /// Notes that the Secret `name` is about to be written: it is found again, whatever becomes of this pass.
    fn secret_comes(_status: &mut StatusOf<Self>, _name: &str) {}

    /// Records that the Secret was written. Answers what a person has to know of it, if the remote's address has changed.
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

    /// Notes that the answer to the create was lost, and with it what AWS shows only once.
    fn answer_lost(_status: &mut StatusOf<Self>) {}
}

/// A Secret that the engine writes for a remote.
#[derive(Debug, Default)]
pub struct OutputSecret {
    /// Name of the Secret, in the object's namespace.
    pub name: String,
    /// Its data.
    pub data: BTreeMap<String, SecretString>,
    /// Its labels, beside the engine's own.
    pub labels: BTreeMap<String, String>,
    /// Its annotations, beside the engine's own.
    pub annotations: BTreeMap<String, String>,
    /// What an earlier writing left in it.
    pub stale: Stale,
    /// Ids of the remotes whose Secret it may take the place of, its own among them.
    pub replaces: BTreeSet<String>,
    /// What AWS showed: also without the template by which it stands in `data`.
    pub shown: Shown,
    /// Whether AWS has just shown it, so that it is nowhere else.
    pub is_news: bool,
}

impl OutputSecret {
    /// The data that has the secret in it.
    pub fn sensitive(&self) -> impl Iterator<Item = &SecretString> {
        let secret = self.shown.secret.expose_secret();
        self.data.values().filter(move |value| !secret.is_empty() && value.expose_secret().contains(secret))
    }
}

/// A webhook as AWS shows it.
#[derive(Debug, Default)]
pub struct Shown {
    /// Values that are no secret, by their documented key.
    pub facts: BTreeMap<&'static str, String>,
    /// The secret, or the token.
    pub secret: SecretString,
}

/// Keys, labels and annotations that have to go.
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
    /// The one that is in use.
    pub present: Option<String>,
    /// All of their names.
    pub names: BTreeSet<String>,
    /// Ids of the remotes that they may be about.
    pub about: BTreeSet<String>,
}
