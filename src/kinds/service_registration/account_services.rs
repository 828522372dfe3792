//! The registered services of an account, as a collection.

use jiff::Timestamp;
use serde_json::Value;

use crate::api::ServiceRegistration;
use crate::api::common::Object;
use crate::aws::operations::{self, GetService, ListServices};
use crate::aws::{Client, Error};
use crate::reconcile::remote::collection::Collection;
use crate::reconcile::tagging::TagMap;

/// The registered services of an account.
pub struct Services;

impl Collection for Services {
    type Item = operations::RegisteredService;
    type Detail = TagMap;

    const NAME: &'static str = "services";
    const IN_SPACE: bool = false;

    fn kind() -> &'static str {
        ServiceRegistration::kind_name()
    }

    fn id(item: &Self::Item) -> &str {
        &item.service_id
    }

    fn updated_at(item: &Self::Item) -> Option<Timestamp> {
        item.updated_at.0
    }

    fn keys(item: &Self::Item) -> Vec<Value> {
        vec![Value::from(item.service_type.as_str())]
    }

    async fn list(aws: &Client, _: &str) -> Result<Vec<Self::Item>, Error> {
        aws.list_all(ListServices::default()).await
    }

    async fn get(aws: &Client, _: &str, id: &str) -> Result<(Self::Item, TagMap), Error> {
        let found = aws.call(&GetService { service_id: id.to_owned() }).await?;
        Ok((found.service, found.tags))
    }
}
