//! The associations of a space, as a collection.

use jiff::Timestamp;
use serde_json::Value;

use crate::api::Association;
use crate::api::common::Object;
use crate::aws::operations::{self, GetAssociation, ListAssociations};
use crate::aws::{Client, Error};
use crate::reconcile::remote::collection::Collection;

use super::key_of;

/// The associations of a space.
pub struct SpaceAssociations;

impl Collection for SpaceAssociations {
    type Item = operations::Association;
    type Detail = ();

    const NAME: &'static str = "associations";
    const IN_SPACE: bool = true;

    fn kind() -> &'static str {
        Association::kind_name()
    }

    fn id(item: &Self::Item) -> &str {
        &item.association_id
    }

    fn updated_at(item: &Self::Item) -> Option<Timestamp> {
        item.updated_at.0
    }

    fn keys(item: &Self::Item) -> Vec<Value> {
        vec![key_of(item)]
    }

    async fn list(aws: &Client, space: &str) -> Result<Vec<Self::Item>, Error> {
        aws.list_all(ListAssociations { agent_space_id: space.to_owned(), ..ListAssociations::default() })
            .await
    }

    async fn get(aws: &Client, space: &str, id: &str) -> Result<(Self::Item, ()), Error> {
        let request = GetAssociation { agent_space_id: space.to_owned(), association_id: id.to_owned() };
        Ok((aws.call(&request).await?.association, ()))
    }
}
