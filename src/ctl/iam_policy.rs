//! `iam-policy`: the least that the operator must be allowed for the objects that there are.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::PathBuf;

use clap::ValueEnum;
use serde::Serialize;
use serde_json::{Value, json};

use crate::api::common::{ManagementPolicy, Object};
use crate::generate::iam::needs::{Needs, Place};
use crate::kinds::{self, Visitor};
use crate::reconcile::graph::references::{ACCOUNT, DEFAULT_ACCOUNT};
use crate::reconcile::kind::Kind;

use super::exit::Exit;
use super::manifests::Files;
use super::output::Versioned;
use super::{Error, block_on, cluster, output};

/// Most characters of a managed policy, without white space.
const LARGEST: usize = 6144;

/// Arguments of `iam-policy`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// File, folder with its subfolders, or `-` for standard input, with the objects. May be repeated. Without it, the
    /// objects of the cluster count: those of all namespaces, unless one is named.
    #[arg(short, long = "filename", value_name = "FILE")]
    filename: Vec<PathBuf>,

    #[command(flatten)]
    cluster: cluster::Flags,

    /// The policy for the role of this AWSAccount, instead of the one for the operator's own identity.
    #[arg(long, value_name = "NAME")]
    account: Option<String>,

    /// Number of the AWS account of the operator's own identity. If omitted, its policy is for any.
    #[arg(long, value_name = "NUMBER")]
    account_id: Option<String>,

    /// Region of what is in no AWSAccount, or in one without a region. If omitted, the policy is for any.
    #[arg(long)]
    region: Option<String>,

    /// Also deny changing what doesn't have the owner tag of this cluster: the chart's `clusterId`, else the UID of the
    /// namespace kube-system.
    #[arg(long, value_name = "ID")]
    owner_tags: Option<String>,

    /// What to print.
    #[arg(short, long, value_enum, default_value_t = Format::Policy)]
    output: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// The policy document.
    Policy,
    /// Which identities the operator has, and which features each needs.
    Table,
    /// The same with all policies, for programs.
    Json,
    /// The same with all policies, for programs.
    Yaml,
}

/// Prints a policy.
pub fn run(arguments: &Arguments) -> Result<Exit, Error> {
    let objects = if arguments.filename.is_empty() { of_cluster(arguments)? } else { of_files(arguments)? };
    let mut identities = Identities::of(&objects, arguments.region.as_deref());
    if let Some(own) = identities.0.get_mut(&Identity::Own) {
        own.place.account.clone_from(&arguments.account_id);
    }
    let cluster = arguments.owner_tags.as_deref().unwrap_or_default();
    if arguments.owner_tags.is_some() {
        identities.0.values_mut().for_each(|found| found.needs.add_owner_tags());
    }
    let text = match arguments.output {
        Format::Policy => {
            let found = identities.chosen(arguments.account.as_deref())?;
            let policy = found.needs.policy(&found.place, cluster);
            note(&identities, arguments.account.as_deref(), &policy);
            policy
        }
        Format::Table => identities.table(),
        Format::Json | Format::Yaml => {
            let (summary, policies) = identities.policies(cluster);
            let document = Versioned::new("IamPolicies", &summary, &policies);
            if arguments.output == Format::Json { document.json()? } else { document.yaml()? }
        }
    };
    output::print(&text)?;
    Ok(Exit::Done)
}

/// Tells on standard error what the document can't.
fn note(identities: &Identities, account: Option<&str>, policy: &str) {
    let others = identities.0.iter().filter(|(identity, _)| **identity != Identity::Own && account.is_none());
    for (identity, found) in others {
        let accounts = found.accounts.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        eprintln!("note: {} needs a policy of its own: --account {accounts}", identity.shown());
    }
    let size = policy.chars().filter(|character| !character.is_whitespace()).count();
    if size > LARGEST {
        eprintln!(
            "note: the policy has {size} characters; a managed policy of IAM has at most {LARGEST}: split it"
        );
    }
}

fn of_files(arguments: &Arguments) -> Result<Vec<Value>, Error> {
    let namespace = arguments.cluster.namespace.as_deref().unwrap_or("default");
    Files::new(arguments.filename.clone(), namespace).ours()
}

fn of_cluster(arguments: &Arguments) -> Result<Vec<Value>, Error> {
    block_on(async {
        let cluster = arguments.cluster.connect().await?;
        cluster.list_all(arguments.cluster.namespace.as_deref()).await
    })
}

/// Whose policy it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Identity {
    /// The operator's own.
    Own,
    /// The role of an AWSAccount.
    Role(String),
    /// That of an AWSAccount that isn't among the objects.
    Unknown(String),
}

impl Identity {
    fn shown(&self) -> String {
        match self {
            Self::Own => "the operator's own identity".to_owned(),
            Self::Role(role) => role.clone(),
            Self::Unknown(account) => format!("the AWSAccount {account}, which isn't among the objects,"),
        }
    }
}

/// What an identity needs, and where.
#[derive(Debug, Default)]
struct Found {
    accounts: BTreeSet<String>,
    needs: Needs,
    place: Place,
    anywhere: bool,
}

#[derive(Debug)]
struct Identities(BTreeMap<Identity, Found>);

/// An AWSAccount.
struct Account {
    identity: Identity,
    region: Option<String>,
}

impl Identities {
    fn of(objects: &[Value], region: Option<&str>) -> Self {
        let mut identities = Self(BTreeMap::from([(Identity::Own, Found::default())]));
        let mut accounts = BTreeMap::new();
        for object in objects.iter().filter(|object| object["kind"] == ACCOUNT) {
            let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
            let role = object["spec"]["assumeRole"]["roleArn"].as_str();
            let identity = role.map_or(Identity::Own, |role| Identity::Role(role.to_owned()));
            if let (Some(role), Some(own)) = (role, identities.0.get_mut(&Identity::Own)) {
                own.needs.add_assumed(role);
            }
            let region = object["spec"]["region"].as_str().or(region).map(str::to_owned);
            let account = Account { identity, region };
            identities.at(&name, Some(&account), region_of(&account)).needs.add_account();
            accounts.insert(name, account);
        }
        let spaces = spaces(objects);
        for (object, observes) in managed(objects) {
            let name = account_name(object, &spaces, &accounts);
            let account = name.as_ref().and_then(|name| accounts.get(name));
            let region = account.map_or(region, region_of);
            let found = identities.at(name.as_deref().unwrap_or_default(), account, region);
            found.needs.add_object(object["kind"].as_str().unwrap_or_default(), object, observes);
        }
        for found in identities.0.values_mut().filter(|found| found.anywhere) {
            found.place.regions.clear();
        }
        identities
    }

    /// The identity for an AWSAccount, or the operator's own for an empty name.
    fn at(&mut self, name: &str, account: Option<&Account>, region: Option<&str>) -> &mut Found {
        let identity = match account {
            Some(account) => account.identity.clone(),
            None if name.is_empty() => Identity::Own,
            None => Identity::Unknown(name.to_owned()),
        };
        let place = match &identity {
            Identity::Role(role) => Place::of_role(role),
            _ => Place::default(),
        };
        let found = self.0.entry(identity).or_insert_with(|| Found { place, ..Found::default() });
        if !name.is_empty() {
            found.accounts.insert(name.to_owned());
        }
        match region {
            Some(region) => {
                found.place.regions.insert(region.to_owned());
            }
            None => found.anywhere = true,
        }
        found
    }

    fn chosen(&self, account: Option<&str>) -> Result<&Found, Error> {
        let found = match account {
            None => self.0.get(&Identity::Own),
            Some(name) => self.0.values().find(|found| found.accounts.contains(name)),
        };
        found.ok_or_else(|| {
            let known: BTreeSet<&str> =
                self.0.values().flat_map(|found| &found.accounts).map(String::as_str).collect();
            Error::account(account.unwrap_or_default(), known)
        })
    }

    fn table(&self) -> String {
        let mut text = String::new();
        for (identity, found) in self.0.iter().filter(|(_, found)| !found.needs.is_empty()) {
            let accounts = found.accounts.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            let accounts =
                if accounts.is_empty() { String::new() } else { format!(" (AWSAccount {accounts})") };
            let _ = writeln!(text, "{}{accounts}", identity.shown());
            for feature in found.needs.features() {
                let _ = writeln!(text, "  {feature}");
            }
        }
        text
    }

    /// The policies of all, with a summary.
    fn policies(&self, cluster: &str) -> (Value, Policies) {
        let identities: Vec<Value> = self
            .0
            .iter()
            .filter(|(_, found)| !found.needs.is_empty())
            .map(|(identity, found)| {
                json!({
                    "roleArn": match identity { Identity::Role(role) => Some(role), _ => None },
                    "accounts": found.accounts,
                    "features": found.needs.features(),
                    "policy": serde_json::from_str::<Value>(&found.needs.policy(&found.place, cluster)).unwrap_or_default(),
                })
            })
            .collect();
        (json!({ "identities": identities.len() }), Policies { identities })
    }
}

/// The policies of all identities, as programs get them.
#[derive(Debug, Serialize)]
struct Policies {
    identities: Vec<Value>,
}

fn region_of(account: &Account) -> Option<&str> {
    account.region.as_deref()
}

/// The AWSAccount that each AgentSpace names.
fn spaces(objects: &[Value]) -> BTreeMap<(String, String), Option<String>> {
    let spaces = objects.iter().filter(|object| object["kind"] == "AgentSpace");
    let text = |value: &Value| value.as_str().map(str::to_owned);
    spaces
        .map(|space| {
            let metadata = &space["metadata"];
            let place = (
                text(&metadata["namespace"]).unwrap_or_default(),
                text(&metadata["name"]).unwrap_or_default(),
            );
            (place, text(&space["spec"]["accountRef"]["name"]))
        })
        .collect()
}

/// The AWSAccount of an object: the one that it names, or its space; else the default one, if there is one.
fn account_name(
    object: &Value,
    spaces: &BTreeMap<(String, String), Option<String>>,
    accounts: &BTreeMap<String, Account>,
) -> Option<String> {
    let spec = &object["spec"];
    let own = spec["accountRef"]["name"].as_str().map(str::to_owned);
    let of_space = || {
        let space = &spec["agentSpaceRef"];
        let namespace = space["namespace"].as_str().or(object["metadata"]["namespace"].as_str());
        let place = (namespace.unwrap_or_default().to_owned(), space["name"].as_str()?.to_owned());
        spaces.get(&place).cloned().flatten()
    };
    own.or_else(of_space)
        .or_else(|| accounts.contains_key(DEFAULT_ACCOUNT).then(|| DEFAULT_ACCOUNT.to_owned()))
}

/// The objects with a remote, and whether each only observes it.
fn managed(objects: &[Value]) -> Vec<(&Value, bool)> {
    struct Managed<'a> {
        objects: &'a [Value],
        found: Vec<(&'a Value, bool)>,
    }
    impl Visitor for Managed<'_> {
        fn visit<K: Kind>(&mut self) {
            let kind = K::Object::kind_name();
            for value in self.objects.iter().filter(|object| K::HAS_REMOTE && object["kind"] == kind) {
                // One that can't be read is assumed to do everything.
                let object = serde_json::from_value::<K::Object>(value.clone());
                let observes = object
                    .is_ok_and(|object| K::policies(&object).management_policy == ManagementPolicy::Observe);
                self.found.push((value, observes));
            }
        }
    }
    let mut managed = Managed { objects, found: Vec::new() };
    kinds::each(&mut managed);
    managed.found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(kind: &str, name: &str, spec: &Value) -> Value {
        json!({
            "apiVersion": "devopsagent.dev/v1alpha1", "kind": kind,
            "metadata": {"name": name, "namespace": "shop"}, "spec": spec,
        })
    }

    const ROLE: &str = "arn:aws:iam::123456789012:role/devops-agent-operator";

    fn objects() -> Vec<Value> {
        vec![
            object(ACCOUNT, "shared", &json!({"region": "eu-west-1", "assumeRole": {"roleArn": ROLE}})),
            object("AgentSpace", "there", &json!({"name": "There", "accountRef": {"name": "shared"}})),
            object(
                "Association",
                "hook",
                &json!({"agentSpaceRef": {"name": "there"}, "serviceRef": {"name": "x"}, "configuration": {"eventChannel": {}}}),
            ),
            object("AgentSpace", "here", &json!({"name": "Here", "managementPolicy": "Observe"})),
            object("AgentSpace", "nowhere", &json!({"name": "Nowhere", "accountRef": {"name": "missing"}})),
        ]
    }

    #[test]
    fn every_identity_gets_what_its_objects_need() {
        let identities = Identities::of(&objects(), None);
        let features =
            |account: Option<&str>| identities.chosen(account).unwrap().needs.features().join(", ");
        assert_eq!(features(None), "assume-role, spaces (read)");
        assert_eq!(features(Some("shared")), "associations, aws-account, spaces, webhooks");
        assert_eq!(features(Some("missing")), "spaces");
        let shared = identities.chosen(Some("shared")).unwrap();
        let policy = shared.needs.policy(&shared.place, "");
        assert!(policy.contains("arn:aws:aidevops:eu-west-1:123456789012:agentspace/*"), "{policy}");
        assert!(!policy.contains("PassRole"), "no role is named: {policy}");
        let own = identities.chosen(None).unwrap();
        let policy = own.needs.policy(&own.place, "");
        assert!(policy.contains(ROLE) && !policy.contains("Create"), "{policy}");
        let error = identities.chosen(Some("other")).unwrap_err();
        assert!(error.to_string().contains("there are missing, shared"), "{error}");
    }

    #[test]
    fn regions_are_named_if_all_are_known() {
        let account = |name: &str, spec: Value| object(ACCOUNT, name, &spec);
        let known =
            [account("a", json!({"region": "eu-west-1"})), account("b", json!({"region": "us-east-1"}))];
        let regions = |objects: &[Value], region: Option<&str>| {
            let own = Identities::of(objects, region).0.remove(&Identity::Own).unwrap();
            own.place.regions.into_iter().collect::<Vec<_>>().join(" ")
        };
        assert_eq!(regions(&known, None), "eu-west-1 us-east-1");
        let unknown = [&known[..], &[object("AgentSpace", "c", &json!({"name": "C"}))]].concat();
        assert_eq!(regions(&unknown, None), "");
        assert_eq!(regions(&unknown, Some("eu-north-1")), "eu-north-1 eu-west-1 us-east-1");
    }
}
