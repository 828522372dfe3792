//! The assets of a space, as a collection.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::api::Asset;
use crate::api::common::Object;
use crate::aws::operations::{self, GetAsset, ListAssets};
use crate::aws::{Client, Error};
use crate::reconcile::remote::collection::Collection;

use super::keys;

/// The assets of a space.
pub struct SpaceAssets;

impl Collection for SpaceAssets {
    type Item = operations::Asset;
    type Detail = ();

    const NAME: &'static str = "assets";
    const IN_SPACE: bool = true;

    fn kind() -> &'static str {
        Asset::kind_name()
    }

    fn id(item: &Self::Item) -> &str {
        &item.asset_id
    }

    fn updated_at(item: &Self::Item) -> Option<Timestamp> {
        item.updated_at.0
    }

    fn keys(item: &Self::Item) -> Vec<Value> {
        let keys = keys(&item.asset_type, &item.metadata).into_iter();
        keys.map(|key| json!([item.asset_type, key])).collect()
    }

    async fn list(aws: &Client, space: &str) -> Result<Vec<Self::Item>, Error> {
        aws.list_all(ListAssets { agent_space_id: space.to_owned(), ..ListAssets::default() }).await
    }

    async fn get(aws: &Client, space: &str, id: &str) -> Result<(Self::Item, ()), Error> {
        let request =
            GetAsset { agent_space_id: space.to_owned(), asset_id: id.to_owned(), ..GetAsset::default() };
        Ok((aws.call(&request).await?.asset, ()))
    }
}
