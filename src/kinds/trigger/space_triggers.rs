//! The triggers of a space, as a collection.

use jiff::Timestamp;
use serde_json::Value;

use crate::api::Trigger;
use crate::api::common::Object;
use crate::aws::operations::{self, GetTrigger, ListTriggers};
use crate::aws::{Client, Error};
use crate::reconcile::remote::collection::Collection;

use super::schedule_key;

/// The triggers of a space.
pub struct SpaceTriggers;

impl Collection for SpaceTriggers {
    type Item = operations::Trigger;
    type Detail = ();

    const NAME: &'static str = "triggers";
    const IN_SPACE: bool = true;

    fn kind() -> &'static str {
        Trigger::kind_name()
    }

    fn id(item: &Self::Item) -> &str {
        &item.trigger_id
    }

    fn updated_at(item: &Self::Item) -> Option<Timestamp> {
        item.updated_at.0
    }

    fn keys(item: &Self::Item) -> Vec<Value> {
        vec![schedule_key(&item.r#type, &item.condition)]
    }

    async fn list(aws: &Client, space: &str) -> Result<Vec<Self::Item>, Error> {
        aws.list_all(ListTriggers { agent_space_id: space.to_owned(), ..ListTriggers::default() }).await
    }

    async fn get(aws: &Client, space: &str, id: &str) -> Result<(Self::Item, ()), Error> {
        let request = GetTrigger { agent_space_id: space.to_owned(), trigger_id: id.to_owned() };
        Ok((aws.call(&request).await?.trigger, ()))
    }
}
