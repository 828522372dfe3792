//! The private connections of an account, as a collection.

use jiff::Timestamp;
use serde_json::Value;

use crate::api::PrivateConnection;
use crate::api::common::Object;
use crate::aws::operations::{self, DescribePrivateConnection, ListPrivateConnections};
use crate::aws::{Client, Error};
use crate::reconcile::remote::collection::Collection;
use crate::reconcile::tagging::TagMap;

/// The private connections of an account.
pub struct Connections;

impl Collection for Connections {
    type Item = operations::PrivateConnection;
    type Detail = TagMap;

    const NAME: &'static str = "private connections";
    const IN_SPACE: bool = false;

    fn kind() -> &'static str {
        PrivateConnection::kind_name()
    }

    fn id(item: &Self::Item) -> &str {
        &item.name
    }

    fn updated_at(_: &Self::Item) -> Option<Timestamp> {
        None
    }

    fn keys(item: &Self::Item) -> Vec<Value> {
        vec![Value::from(item.name.as_str())]
    }

    async fn list(aws: &Client, _: &str) -> Result<Vec<Self::Item>, Error> {
        let mut listed = aws.call(&ListPrivateConnections {}).await?.private_connections;
        // Lists don't show them: what they have here are no tags, not none.
        for connection in &mut listed {
            connection.tags.clear();
        }
        Ok(listed)
    }

    async fn get(aws: &Client, _: &str, id: &str) -> Result<(Self::Item, TagMap), Error> {
        let mut found = aws.call(&DescribePrivateConnection { name: id.to_owned() }).await?;
        let tags = std::mem::take(&mut found.tags);
        Ok((found, tags))
    }
}
