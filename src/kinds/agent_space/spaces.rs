//! The agent spaces of an account, as a collection.

use jiff::Timestamp;
use serde_json::Value;

use crate::api::AgentSpace;
use crate::api::common::Object;
use crate::aws::operations::{self, GetAgentSpace, ListAgentSpaces};
use crate::aws::{Client, Error};
use crate::reconcile::remote::collection::Collection;
use crate::reconcile::tagging::TagMap;

/// The agent spaces of an account.
pub struct Spaces;

impl Collection for Spaces {
    type Item = operations::AgentSpace;
    type Detail = TagMap;

    const NAME: &'static str = "agent spaces";
    const IN_SPACE: bool = false;

    fn kind() -> &'static str {
        AgentSpace::kind_name()
    }

    fn id(item: &Self::Item) -> &str {
        &item.agent_space_id
    }

    fn updated_at(item: &Self::Item) -> Option<Timestamp> {
        item.updated_at.0
    }

    fn keys(item: &Self::Item) -> Vec<Value> {
        vec![Value::from(item.name.as_str())]
    }

    async fn list(aws: &Client, _: &str) -> Result<Vec<Self::Item>, Error> {
        aws.list_all(ListAgentSpaces::default()).await
    }

    async fn get(aws: &Client, _: &str, id: &str) -> Result<(Self::Item, TagMap), Error> {
        let request = GetAgentSpace { agent_space_id: id.to_owned(), ..GetAgentSpace::default() };
        let found = aws.call(&request).await?;
        Ok((found.agent_space, found.tags))
    }
}
