//! What there is in an account and region.

use std::collections::BTreeMap;

use futures::{StreamExt, stream};

use crate::aws::operations::{
    AgentSpace, Asset, Association, OperatorApp, PrivateConnection, RegisteredService, Trigger,
};
use crate::aws::{self, Client};
use crate::ctl::Error;
use crate::ctl::account_access::failed;
use crate::ctl::progress;
use crate::kinds::imported::asset::{self, Files};
use crate::kinds::imported::{
    Connections, Services, SpaceAssets, SpaceAssociations, SpaceTriggers, Spaces, operator_app,
};
use crate::reconcile::remote::collection::Collection;
use crate::reconcile::tagging::TagMap;

use super::Troubles;
use super::chosen::Chosen;

/// Reads at a time.
const AT_ONCE: usize = 8;

/// Everything in an account and region, without the content of assets.
#[derive(Debug, Default)]
pub struct Tree {
    /// The agent spaces.
    pub spaces: Vec<SpaceTree>,
    /// The registered services.
    pub services: Vec<(RegisteredService, TagMap)>,
    /// The private connections.
    pub connections: Vec<(PrivateConnection, TagMap)>,
}

/// An agent space and what is in it.
#[derive(Debug, Default)]
pub struct SpaceTree {
    /// The space.
    pub space: AgentSpace,
    /// Its tags.
    pub tags: TagMap,
    /// Its operator app.
    pub app: OperatorApp,
    /// Its associations.
    pub associations: Vec<Association>,
    /// Its assets.
    pub assets: Vec<Asset>,
    /// Its triggers.
    pub triggers: Vec<Trigger>,
}

impl Tree {
    /// Reads all. What can't be read is reported and left out.
    pub async fn read(aws: &Client, troubles: &mut Troubles) -> Result<Self, Error> {
        let listed = Spaces::list(aws, "").await.map_err(failed("listing the agent spaces"))?;
        let spaces = whole::<Spaces>(aws, "", listed, "the agent space", troubles).await;
        let services = collection::<Services>(aws, "the service", troubles).await;
        let connections = collection::<Connections>(aws, "the private connection", troubles).await;
        let mut tree = Self { spaces: Vec::new(), services, connections };
        let mut shown = progress::Line::default();
        for (space, tags) in spaces {
            shown.show(&format!("reading the agent space {}", space.name));
            tree.spaces.push(SpaceTree::read(aws, space, tags, troubles).await);
        }
        Ok(tree)
    }

    /// The files of the chosen assets, by id; none for those that AWS fetched.
    pub async fn contents(
        &self,
        aws: &Client,
        chosen: &Chosen,
        troubles: &mut Troubles,
    ) -> BTreeMap<String, Files> {
        let assets = self.spaces.iter().flat_map(|tree| tree.assets.iter().map(move |asset| (tree, asset)));
        let wanted: Vec<_> = assets
            .filter(|(_, asset)| chosen.has::<SpaceAssets>(asset) && asset::source(asset).is_none())
            .collect();
        let read = stream::iter(wanted.iter().map(async |(tree, asset)| {
            (asset, asset::read(aws, &tree.space.agent_space_id, &asset.asset_id).await)
        }));
        let mut contents = BTreeMap::new();
        for (asset, files) in read.buffered(AT_ONCE).collect::<Vec<_>>().await {
            match files {
                Ok(files) => {
                    contents.insert(asset.asset_id.clone(), files);
                }
                Err(why) => {
                    troubles.add(&format!("reading the content of the asset {}", asset.asset_id), &why);
                }
            }
        }
        contents
    }
}

impl SpaceTree {
    async fn read(aws: &Client, space: AgentSpace, tags: TagMap, troubles: &mut Troubles) -> Self {
        let id = space.agent_space_id.clone();
        let app = operator_app::of(aws, &id).await;
        let app = or_report(app, || format!("reading the operator app of the space {id}"), troubles);
        let what = |kind: &str| format!("listing the {kind} of the space {id}");
        Self {
            associations: or_report(
                SpaceAssociations::list(aws, &id).await,
                || what(SpaceAssociations::NAME),
                troubles,
            ),
            assets: or_report(SpaceAssets::list(aws, &id).await, || what(SpaceAssets::NAME), troubles),
            triggers: or_report(SpaceTriggers::list(aws, &id).await, || what(SpaceTriggers::NAME), troubles),
            space,
            tags,
            app,
        }
        .sorted()
    }

    /// In an order that doesn't depend on AWS.
    fn sorted(mut self) -> Self {
        self.associations.sort_by(|one, other| one.association_id.cmp(&other.association_id));
        self.assets.sort_by(|one, other| one.asset_id.cmp(&other.asset_id));
        self.triggers.sort_by(|one, other| one.trigger_id.cmp(&other.trigger_id));
        self
    }
}

fn or_report<T: Default>(
    answer: Result<T, aws::Error>,
    doing: impl FnOnce() -> String,
    troubles: &mut Troubles,
) -> T {
    answer.unwrap_or_else(|error| {
        troubles.add(&doing(), &error.to_string());
        T::default()
    })
}

async fn collection<C: Collection>(
    aws: &Client,
    noun: &str,
    troubles: &mut Troubles,
) -> Vec<(C::Item, C::Detail)> {
    let listed = or_report(C::list(aws, "").await, || format!("listing the {}", C::NAME), troubles);
    whole::<C>(aws, "", listed, noun, troubles).await
}

/// Each of what was listed, with what only a single read shows; in the order of ids.
async fn whole<C: Collection>(
    aws: &Client,
    space: &str,
    listed: Vec<C::Item>,
    noun: &str,
    troubles: &mut Troubles,
) -> Vec<(C::Item, C::Detail)> {
    let mut ids: Vec<String> = listed.iter().map(|item| C::id(item).to_owned()).collect();
    ids.sort();
    let read = stream::iter(ids.iter().map(async |id| (id, C::get(aws, space, id).await)));
    let mut found = Vec::new();
    for (id, answer) in read.buffered(AT_ONCE).collect::<Vec<_>>().await {
        match answer {
            Ok(whole) => found.push(whole),
            // It was deleted meanwhile.
            Err(error) if error.is_not_found() => {}
            Err(error) => troubles.add(&format!("reading {noun} {id}"), &error.to_string()),
        }
    }
    found
}
