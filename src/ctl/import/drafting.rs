//! From what there is to objects: named, linked, completed, and checked by the CRDs themselves.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::api::catalog::Referred;
use crate::api::common::Object;
use crate::api::{
    AgentSpace, Asset, Association, GROUP, PrivateConnection, ServiceRegistration, Trigger, VERSION,
    placeholder,
};
use crate::ctl::Error;
use crate::ctl::validate::{Problem, Validator};
use crate::kinds::imported::asset::Files;
use crate::kinds::imported::{
    Connections, Described, Names, Services, SpaceAssets, SpaceAssociations, SpaceTriggers, Spaces, asset,
    association, connection, service, space, trigger,
};
use crate::reconcile::remote::collection::Collection;

use super::Troubles;
use super::account_tree::{SpaceTree, Tree};
use super::chosen::Chosen;
use super::migrated::Migrated;
use super::naming;
use super::unknowns::{self, Unknowns};

/// How objects are written.
#[derive(Clone, Debug, Default)]
pub struct Mode {
    /// Whether they manage what they describe.
    pub manage: bool,
    /// Their namespace.
    pub namespace: Option<String>,
    /// The AWSAccount that they are in.
    pub account: Option<String>,
}

/// An object to write, and what it needs beside it.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Its kind.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// What is written above it.
    pub comments: Vec<String>,
    /// The object.
    pub object: Value,
    /// Secrets and ConfigMaps that it refers to.
    pub beside: Vec<Beside>,
}

/// A Secret whose values AWS doesn't return, or a ConfigMap with what is too large for the object.
#[derive(Clone, Debug)]
pub struct Beside {
    /// Its kind.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// What is written above it.
    pub comments: Vec<String>,
    /// The object.
    pub object: Value,
}

/// Makes the objects for a tree.
pub struct Drafting<'a> {
    tree: &'a Tree,
    mode: &'a Mode,
    region: &'a str,
    names: Names,
    validator: Validator,
}

impl<'a> Drafting<'a> {
    /// Names everything in the tree, whatever of it is written: a name doesn't depend on the selection.
    pub fn new(tree: &'a Tree, migrated: &Migrated, mode: &'a Mode, region: &'a str) -> Result<Self, Error> {
        Ok(Self { tree, mode, region, names: names(tree, migrated), validator: Validator::new()? })
    }

    /// The objects for what was chosen, parents first. What can't be an object is reported and left out.
    pub fn drafts(
        &self,
        chosen: &Chosen,
        contents: &BTreeMap<String, Files>,
        troubles: &mut Troubles,
    ) -> Vec<Draft> {
        let mut drafts = Vec::new();
        let by_name = |one: &Draft, other: &Draft| one.name.cmp(&other.name);
        for (it, tags) in self.tree.connections.iter().filter(|(it, _)| chosen.has::<Connections>(it)) {
            let described = connection::describe(it, tags);
            drafts.extend(self.draft::<PrivateConnection>(&it.name, described, troubles));
        }
        for (it, tags) in self.tree.services.iter().filter(|(it, _)| chosen.has::<Services>(it)) {
            let described = service::describe(it, tags, &self.names);
            drafts.extend(self.draft::<ServiceRegistration>(&it.service_id, described, troubles));
        }
        // Kind after kind, and by name within each.
        drafts.sort_by(|one, other| one.kind.cmp(other.kind).then_with(|| by_name(one, other)));
        let mut spaces: Vec<_> =
            self.tree.spaces.iter().filter(|tree| chosen.has::<Spaces>(&tree.space)).collect();
        spaces.sort_by_key(|tree| self.names.of(AgentSpace::kind_name(), &tree.space.agent_space_id));
        for tree in spaces {
            let described = space::describe(&tree.space, &tree.tags, &tree.app);
            drafts.extend(self.draft::<AgentSpace>(&tree.space.agent_space_id, described, troubles));
            drafts.extend(self.associations(tree, chosen, troubles));
            drafts.extend(self.assets(tree, chosen, contents, troubles));
            let space = self.space(tree);
            let mut triggers: Vec<_> =
                tree.triggers.iter().filter(|it| chosen.has::<SpaceTriggers>(it)).collect();
            triggers.sort_by_key(|it| self.names.of(Trigger::kind_name(), &it.trigger_id));
            for it in triggers {
                let described = trigger::describe(it, &space, &self.names);
                drafts.extend(self.draft::<Trigger>(&it.trigger_id, described, troubles));
            }
        }
        drafts
    }

    fn space(&self, tree: &SpaceTree) -> Value {
        let reference = self.names.reference(AgentSpace::kind_name(), &tree.space.agent_space_id);
        reference.unwrap_or(Value::Null)
    }

    fn associations(&self, tree: &SpaceTree, chosen: &Chosen, troubles: &mut Troubles) -> Vec<Draft> {
        let space = self.space(tree);
        let mut wanted: Vec<_> =
            tree.associations.iter().filter(|it| chosen.has::<SpaceAssociations>(it)).collect();
        // Those that refer to others come after them.
        wanted.sort_by_key(|it| {
            let refers = !association::named(it, Referred::Association).is_empty();
            (refers, self.names.of(Association::kind_name(), &it.association_id))
        });
        let mut drafts = Vec::new();
        for it in wanted {
            let missing = association::service(it)
                .filter(|id| self.names.of(ServiceRegistration::kind_name(), id).is_none());
            if let Some(id) = missing {
                let what = format!("the association {}", it.association_id);
                troubles.add(&what, &format!("its service {id} couldn't be read"));
                continue;
            }
            let described = association::describe(it, &space, &self.names);
            drafts.extend(self.draft::<Association>(&it.association_id, described, troubles));
        }
        drafts
    }

    fn assets(
        &self,
        tree: &SpaceTree,
        chosen: &Chosen,
        contents: &BTreeMap<String, Files>,
        troubles: &mut Troubles,
    ) -> Vec<Draft> {
        let space = self.space(tree);
        let mut wanted: Vec<_> = tree.assets.iter().filter(|it| chosen.has::<SpaceAssets>(it)).collect();
        wanted
            .sort_by_key(|it| (asset::store(it).is_some(), self.names.of(Asset::kind_name(), &it.asset_id)));
        let nothing = Files::new();
        let mut drafts = Vec::new();
        for it in wanted {
            let files = match contents.get(&it.asset_id) {
                Some(files) => files,
                None if asset::source(it).is_some() => &nothing,
                // That was reported.
                None => continue,
            };
            match asset::describe(it, files, &space, &self.names) {
                Ok(described) => drafts.extend(self.draft::<Asset>(&it.asset_id, described, troubles)),
                Err(why) => troubles.add(&format!("the asset {}", it.asset_id), &why),
            }
        }
        drafts
    }

    /// The object of a kind for the remote `id`.
    fn draft<T: Object>(&self, id: &str, described: Described, troubles: &mut Troubles) -> Option<Draft> {
        let kind = T::kind_name();
        let name = self.names.of(kind, id)?.to_owned();
        let Described { mut spec, notes, credentials, is_existing, config_maps } = described;
        let secret = format!("{name}-credentials");
        let mut unknowns = Unknowns::new(&secret, self.region, self.validator.patterns());
        if let Some(schema) = self.validator.schema_of_spec(kind) {
            for pointer in &credentials {
                unknowns::demand(schema, &mut spec, pointer);
            }
            unknowns.fill(schema, &mut spec, "spec");
        }
        self.relate(id, is_existing, &mut spec);
        let mut object = json!({
            "apiVersion": format!("{GROUP}/{VERSION}"), "kind": kind, "metadata": self.metadata(&name), "spec": spec,
        });
        let mut comments = vec![format!("ID in AWS: {id}")];
        comments.extend(notes);
        let unknown = std::mem::take(&mut unknowns.fields);
        if !unknown.is_empty() {
            comments.push(format!(
                "AWS doesn't return {}: replace the placeholder, which is never sent to AWS.",
                unknown.join(", ")
            ));
        }
        match self.fitted(kind, &mut object) {
            Ok(left_out) => comments.extend(left_out),
            Err(why) => {
                troubles.add(
                    &format!("the {kind} {id}"),
                    &format!("no valid object can be written for it: {why}"),
                );
                return None;
            }
        }
        let secret = (!unknowns.keys.is_empty()).then(|| self.stub(&secret, kind, &name, &unknowns.keys));
        let files = config_maps.iter().map(|(map, data)| self.config_map(map, &name, data));
        let beside = secret.into_iter().chain(files).collect();
        Some(Draft { kind, name, comments, object, beside })
    }

    /// Sets how the object relates to its remote.
    fn relate(&self, id: &str, is_existing: bool, spec: &mut Value) {
        // What is in a space is where the space is.
        let in_space = spec.get("agentSpaceRef").is_some();
        if let Some(account) = self.mode.account.as_ref().filter(|_| !in_space) {
            spec["accountRef"] = json!({ "name": account });
        }
        if is_existing {
            return;
        }
        spec["externalId"] = id.into();
        spec["deletionPolicy"] = "Retain".into();
        if !self.mode.manage {
            spec["managementPolicy"] = "Observe".into();
        }
    }

    fn metadata(&self, name: &str) -> Value {
        let mut metadata = json!({ "name": name });
        if let Some(namespace) = &self.mode.namespace {
            metadata["namespace"] = namespace.as_str().into();
        }
        metadata
    }

    /// Takes out of the object what the schema refuses and doesn't demand, and says what that was. Whatever AWS has there
    /// stays as it is.
    fn fitted(&self, kind: &str, object: &mut Value) -> Result<Vec<String>, String> {
        let mut left_out = Vec::new();
        loop {
            let problems = self.validator.problems(kind, &mut object.clone());
            if problems.is_empty() {
                return Ok(left_out);
            }
            let removed: BTreeSet<&str> = problems
                .iter()
                .map(|problem| problem.field.as_str())
                .filter(|field| remove(object, field))
                .collect();
            if removed.is_empty() {
                let said = |problem: &Problem| format!("{}: {}", problem.field, problem.message);
                return Err(problems.iter().map(said).collect::<Vec<_>>().join("; "));
            }
            left_out.extend(removed.iter().map(|field| {
                format!(
                    "{field} is left out, because its value in AWS can't be written here. It stays as it is."
                )
            }));
        }
    }

    fn stub(&self, name: &str, kind: &str, of: &str, keys: &BTreeMap<String, String>) -> Beside {
        let data: Map<String, Value> =
            keys.keys().map(|key| (key.clone(), placeholder::TEXT.into())).collect();
        let mut comments = vec![
            format!("Credentials of the {kind} {of}, which AWS never returns. Enter those that AWS has."),
            "Until then, those in AWS stay in use; a placeholder is never sent.".to_owned(),
        ];
        comments.extend(keys.iter().map(|(key, field)| format!("{key}: {field}")));
        let object = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": self.metadata(name), "stringData": data });
        Beside { kind: "Secret", name: name.to_owned(), comments, object }
    }

    fn config_map(&self, name: &str, of: &str, data: &BTreeMap<String, String>) -> Beside {
        let comments = vec![format!("Files of the Asset {of}, for which the object has no room.")];
        let object = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": self.metadata(name), "binaryData": data });
        Beside { kind: "ConfigMap", name: name.to_owned(), comments, object }
    }
}

/// Removes the field at a path such as `spec.a.b[0]`, unless it is too large a part of the object.
fn remove(object: &mut Value, path: &str) -> bool {
    let Some((parent, name)) = path.rsplit_once('.') else { return false };
    if !parent.starts_with("spec") || name.ends_with(']') {
        return false;
    }
    let pointer = parent.replace(['.', '['], "/").replace(']', "");
    let parent = object.pointer_mut(&format!("/{pointer}")).and_then(Value::as_object_mut);
    parent.is_some_and(|members| members.remove(name).is_some())
}

/// A name for everything in the tree: what a tool calls it, or else what it is called in AWS.
fn names(tree: &Tree, migrated: &Migrated) -> Names {
    let mut names = Names::default();
    let connections = tree.connections.iter();
    name_all::<Connections>(
        &mut names,
        migrated,
        "connection",
        connections.map(|(it, _)| (it, it.name.clone())),
    );
    let services = tree.services.iter();
    name_all::<Services>(&mut names, migrated, "service", services.map(|(it, _)| (it, service::title(it))));
    let spaces = tree.spaces.iter().map(|it| (&it.space, space::title(&it.space)));
    name_all::<Spaces>(&mut names, migrated, "space", spaces);
    let (mut associations, mut assets, mut triggers) = (Vec::new(), Vec::new(), Vec::new());
    for tree in &tree.spaces {
        let space = names.of(AgentSpace::kind_name(), &tree.space.agent_space_id).unwrap_or_default();
        let within = |title: String| format!("{space} {title}");
        associations.extend(tree.associations.iter().map(|it| (it, within(association::title(it)))));
        assets.extend(tree.assets.iter().map(|it| (it, within(asset::title(it)))));
        triggers.extend(tree.triggers.iter().map(|it| {
            let agent =
                trigger::agent(it).and_then(|id| tree.assets.iter().find(|asset| asset.asset_id == id));
            (it, within(agent.map_or_else(|| "trigger".to_owned(), asset::title)))
        }));
    }
    name_all::<SpaceAssociations>(&mut names, migrated, "association", associations);
    name_all::<SpaceAssets>(&mut names, migrated, "asset", assets);
    name_all::<SpaceTriggers>(&mut names, migrated, "trigger", triggers);
    names
}

/// Names everything in a collection.
fn name_all<'a, C: Collection>(
    names: &mut Names,
    migrated: &Migrated,
    noun: &str,
    titles: impl IntoIterator<Item = (&'a C::Item, String)>,
) {
    let titles = titles.into_iter().map(|(item, title)| {
        let id = C::id(item);
        (id, migrated.name::<C>(id).map_or(title, str::to_owned))
    });
    for (id, name) in naming::names(titles, noun) {
        names.add(C::kind(), &id, name);
    }
}
