//! A collection in AWS: what one list operation shows, and how a single resource of it is read.

use std::future::Future;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::aws::{self, Client};

/// A collection. Lists, single reads and the answers to writes show the same [`Item`](Self::Item).
pub trait Collection: Send + Sync + 'static {
    /// What AWS shows of a resource, wherever it shows it.
    type Item: Serialize + DeserializeOwned + Send + Sync;
    /// What only a single read shows, such as tags; `()` if there is nothing like that.
    type Detail: Clone + Send + Sync + 'static;

    /// What it is a collection of, for example `agent spaces`.
    const NAME: &'static str;
    /// Whether there is one in each space, and not one in the account.
    const IN_SPACE: bool;

    /// Kind of the objects that hold such resources.
    fn kind() -> &'static str;

    /// The resource's id.
    fn id(item: &Self::Item) -> &str;

    /// When it was last changed, if AWS says.
    fn updated_at(item: &Self::Item) -> Option<jiff::Timestamp>;

    /// What it can be searched by: its natural key, or as much of it as AWS always returns in the same form.
    fn keys(item: &Self::Item) -> Vec<Value>;

    /// Lists all of them, in `space` if there is one in each.
    fn list(aws: &Client, space: &str) -> impl Future<Output = Result<Vec<Self::Item>, aws::Error>> + Send;

    /// Reads one. An error that says that it doesn't exist is an error.
    fn get(
        aws: &Client,
        space: &str,
        id: &str,
    ) -> impl Future<Output = Result<(Self::Item, Self::Detail), aws::Error>> + Send;
}
