//! What to import: by space, id or tag, and whatever that uses.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::api::catalog::Referred;
use crate::ctl::Error;
use crate::kinds::imported::{
    Connections, Services, SpaceAssets, SpaceAssociations, SpaceTriggers, Spaces, asset, association, trigger,
};
use crate::reconcile::remote::collection::Collection;
use crate::reconcile::tagging::TagMap;

use super::account_tree::{SpaceTree, Tree};
use super::migrated::{Migrated, Tool};

/// What a user asks for; everything, if nothing is set.
#[derive(Debug, Default)]
pub struct Selection {
    /// Names or ids of agent spaces.
    pub spaces: Vec<String>,
    /// Ids of resources.
    pub ids: Vec<String>,
    /// Tags that a resource must have, all of them.
    pub tags: Vec<(String, String)>,
    /// A tool whose resources are meant, and the file that tells of them.
    pub from: Option<(Tool, PathBuf)>,
}

/// The resources to import, by collection and id.
#[derive(Debug, Default)]
pub struct Chosen(BTreeSet<(&'static str, String)>);

impl Chosen {
    /// Whether a resource is to be imported.
    pub fn has<C: Collection>(&self, item: &C::Item) -> bool {
        self.0.contains(&(C::NAME, C::id(item).to_owned()))
    }

    fn add<C: Collection>(&mut self, id: &str) {
        self.0.insert((C::NAME, id.to_owned()));
    }

    /// Adds an asset that is named in a space, if it is there.
    fn add_asset(&mut self, tree: &SpaceTree, id: Option<&str>) {
        let found = tree.assets.iter().find(|asset| Some(asset.asset_id.as_str()) == id);
        if let Some(asset) = found {
            self.add::<SpaceAssets>(&asset.asset_id);
        }
    }

    fn add_whole(&mut self, tree: &SpaceTree) {
        self.add::<Spaces>(Spaces::id(&tree.space));
        tree.associations.iter().for_each(|it| self.add::<SpaceAssociations>(SpaceAssociations::id(it)));
        tree.assets.iter().for_each(|it| self.add::<SpaceAssets>(SpaceAssets::id(it)));
        tree.triggers.iter().for_each(|it| self.add::<SpaceTriggers>(SpaceTriggers::id(it)));
    }
}

impl Selection {
    /// What is asked for, and what that uses.
    pub fn among(&self, tree: &Tree, migrated: &Migrated) -> Result<Chosen, Error> {
        let mut chosen = Chosen::default();
        let is_all =
            self.spaces.is_empty() && self.ids.is_empty() && self.tags.is_empty() && self.from.is_none();
        if is_all {
            tree.spaces.iter().for_each(|space| chosen.add_whole(space));
            tree.services.iter().for_each(|(service, _)| chosen.add::<Services>(Services::id(service)));
            tree.connections.iter().for_each(|(it, _)| chosen.add::<Connections>(Connections::id(it)));
            return Ok(chosen);
        }
        for wanted in &self.spaces {
            let is_meant =
                |tree: &&SpaceTree| [&tree.space.name, &tree.space.agent_space_id].contains(&wanted);
            let before = chosen.0.len();
            tree.spaces.iter().filter(is_meant).for_each(|space| chosen.add_whole(space));
            if chosen.0.len() == before {
                return Err(Error::Usage(format!(
                    "--space {wanted}: there is no such agent space{}",
                    known(tree)
                )));
            }
        }
        for id in &self.ids {
            if !add_by_id(&mut chosen, tree, id) {
                return Err(Error::Usage(format!("--id {id}: the account and region have no such resource")));
            }
        }
        if !self.tags.is_empty() {
            let fits = |tags: &TagMap| self.tags.iter().all(|(key, value)| tags.get(key) == Some(value));
            tree.spaces.iter().filter(|it| fits(&it.tags)).for_each(|space| chosen.add_whole(space));
            let services = tree.services.iter().filter(|(_, tags)| fits(tags));
            services.for_each(|(service, _)| chosen.add::<Services>(Services::id(service)));
            let connections = tree.connections.iter().filter(|(_, tags)| fits(tags));
            connections.for_each(|(it, _)| chosen.add::<Connections>(Connections::id(it)));
        }
        chosen.0.extend(migrated.resources().map(|(collection, id)| (collection, id.to_owned())));
        add_used(&mut chosen, tree);
        Ok(chosen)
    }
}

fn known(tree: &Tree) -> String {
    let names: Vec<&str> = tree.spaces.iter().map(|tree| tree.space.name.as_str()).collect();
    if names.is_empty() { String::new() } else { format!("; there are {}", names.join(", ")) }
}

/// Adds the resource `id`: of a space, everything in it.
fn add_by_id(chosen: &mut Chosen, tree: &Tree, id: &str) -> bool {
    let before = chosen.0.len();
    for space in &tree.spaces {
        if space.space.agent_space_id == id {
            chosen.add_whole(space);
        }
        space
            .associations
            .iter()
            .filter(|it| it.association_id == id)
            .for_each(|_| chosen.add::<SpaceAssociations>(id));
        space.assets.iter().filter(|it| it.asset_id == id).for_each(|_| chosen.add::<SpaceAssets>(id));
        space.triggers.iter().filter(|it| it.trigger_id == id).for_each(|_| chosen.add::<SpaceTriggers>(id));
    }
    tree.services.iter().filter(|(it, _)| it.service_id == id).for_each(|_| chosen.add::<Services>(id));
    tree.connections.iter().filter(|(it, _)| it.name == id).for_each(|_| chosen.add::<Connections>(id));
    chosen.0.len() > before
}

/// Adds what the chosen resources refer to.
fn add_used(chosen: &mut Chosen, tree: &Tree) {
    for space in &tree.spaces {
        add_used_in(chosen, space);
    }
    for (service, _) in &tree.services {
        if let (true, Some(name)) = (chosen.has::<Services>(service), &service.private_connection_name) {
            chosen.add::<Connections>(name);
        }
    }
}

fn add_used_in(chosen: &mut Chosen, tree: &SpaceTree) {
    let mut uses_space = false;
    for it in &tree.triggers {
        if chosen.has::<SpaceTriggers>(it) {
            uses_space = true;
            chosen.add_asset(tree, trigger::agent(it));
        }
    }
    for it in &tree.assets {
        if chosen.has::<SpaceAssets>(it) {
            uses_space = true;
            chosen.add_asset(tree, asset::store(it));
        }
    }
    for it in &tree.associations {
        if chosen.has::<SpaceAssociations>(it) {
            uses_space = true;
            for id in association::named(it, Referred::Association) {
                chosen.add::<SpaceAssociations>(id);
            }
        }
    }
    // Now with those that others name.
    for it in &tree.associations {
        if chosen.has::<SpaceAssociations>(it) {
            if let Some(id) = association::service(it) {
                chosen.add::<Services>(id);
            }
            for name in association::named(it, Referred::PrivateConnection) {
                chosen.add::<Connections>(name);
            }
        }
    }
    if uses_space {
        chosen.add::<Spaces>(&tree.space.agent_space_id);
    }
}
