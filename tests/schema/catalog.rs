//! Holds the catalog against the API model, the CRDs, and the simulator's own reading of the API: no row is missing, and
//! every property of every row is compared with something else that knows it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Debug, Display};
use std::slice;
use std::sync::LazyLock;

use devops_agent_operator::api::association::Configuration;
use devops_agent_operator::api::catalog::{
    CONFIGURATIONS, ConfigurationRow, RegisteredBy, SERVICES, ServiceOf, ServiceRow, Shown,
};
use devops_agent_operator::api::service_registration::Service;
use devops_agent_simulator::catalog as simulated;
use serde_json::Value;

use crate::model;

/// What an object of the model has for members, by name: the shape of each.
fn members<'m>(model: &'m Value, shape: &str) -> BTreeMap<&'m str, &'m str> {
    let members = model["shapes"][shape]["members"].as_object().into_iter().flatten();
    members.filter_map(|(name, member)| Some((name.as_str(), member["shape"].as_str()?))).collect()
}

/// The shape at a JSON pointer below `shape`, in which `*` is any item of a list.
fn at<'m>(model: &'m Value, shape: &'m str, pointer: &str) -> Option<&'m str> {
    pointer.split('/').skip(1).try_fold(shape, |shape, step| match step {
        "*" => model["shapes"][shape]["member"]["shape"].as_str(),
        step => members(model, shape).get(step).copied(),
    })
}

/// Pointers to the sensitive members below `shape`.
fn sensitive(model: &Value, shape: &str, pointer: &str, found: &mut BTreeSet<String>) {
    if model["shapes"][shape]["sensitive"] == true {
        found.insert(pointer.to_owned());
    }
    for (name, member) in members(model, shape) {
        sensitive(model, member, &format!("{pointer}/{name}"), found);
    }
    if let Some(item) = model["shapes"][shape]["member"]["shape"].as_str() {
        sensitive(model, item, &format!("{pointer}/*"), found);
    }
}

fn words<'m>(model: &'m Value, shape: &str) -> BTreeSet<&'m str> {
    model["shapes"][shape]["enum"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// The schema of a spec's property.
fn property(kind: &str, pointer: &str) -> &'static Value {
    static CRDS: LazyLock<Vec<Value>> = LazyLock::new(crate::crds);
    let crd = CRDS.iter().find(|crd| crd["spec"]["names"]["kind"] == kind).expect("the kind has a CRD");
    let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
    pointer.split('/').skip(1).fold(schema, |schema, step| &schema["properties"][step])
}

/// Whether a path such as `Association.spec.configuration.aws.…` is of a member that only AWS sets.
pub fn is_output_only(path: &str) -> bool {
    CONFIGURATIONS.iter().any(|row| {
        let mut members = row.output_only.iter();
        members.any(|member| {
            let member = member.replace("/*", "[]").replace('/', ".");
            path == format!("Association.spec.configuration.{}{member}", row.key)
        })
    })
}

/// The shapes that members are made of which only AWS sets.
pub fn shapes_of_outputs(model: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for row in CONFIGURATIONS {
        let Some(shape) = members(model, "ServiceConfiguration").get(row.key).copied() else { continue };
        for shape in row.output_only.iter().filter_map(|member| at(model, shape, member)) {
            crate::reach(model, shape, &mut found);
        }
    }
    found
}

#[test]
fn every_configuration_has_one_row() {
    let model = model();
    let rows: Vec<&str> = CONFIGURATIONS.iter().map(|row| row.key).collect();
    let of_the_model: Vec<&str> = members(&model, "ServiceConfiguration").into_keys().collect();
    let sorted = |mut keys: Vec<&str>| {
        keys.sort_unstable();
        keys.join(" ")
    };
    assert_eq!(
        sorted(rows.clone()),
        sorted(of_the_model),
        "rows of the catalog, and the model's configurations"
    );
    assert_eq!(
        sorted(rows),
        sorted(Configuration::KEYS.to_vec()),
        "rows, and members of the union in the CRD"
    );
}

#[test]
fn every_type_of_service_has_one_row() {
    let model = model();
    let rows: Vec<&str> = SERVICES.iter().map(|row| row.service_type).collect();
    assert_eq!(rows.iter().copied().collect::<BTreeSet<_>>(), words(&model, "Service"));
    assert_eq!(rows.len(), words(&model, "Service").len(), "a type is there twice");
}

#[test]
fn what_can_be_registered_by_yaml_is_what_the_api_registers() {
    let model = model();
    let registered: BTreeSet<&str> = SERVICES
        .iter()
        .filter(|row| row.registered_by == RegisteredBy::Yaml)
        .map(|row| row.service_type)
        .collect();
    assert_eq!(registered, words(&model, "PostRegisterServiceSupportedService"), "registered by YAML");
    assert_eq!(registered, members(&model, "ServiceDetails").into_keys().collect(), "registered by YAML");
    assert_eq!(registered, Service::KEYS.iter().copied().collect(), "registered by YAML, and in the CRD");
}

/// What is wrong with rows, all of it: a row that is being written may lack several things.
#[derive(Default)]
struct Wrong(Vec<String>);

impl Wrong {
    /// Notes that a property is not as something else says.
    #[allow(clippy::needless_pass_by_value, reason = "calls read better with the values themselves")]
    fn unless_equal<T: PartialEq + Debug>(&mut self, row: &str, property: &str, is: T, should_be: T) {
        if is != should_be {
            self.0.push(format!("{row}: {property} is {is:?}, and should be {should_be:?}"));
        }
    }

    fn unless(&mut self, fine: bool, row: &str, what: impl Display) {
        if !fine {
            self.0.push(format!("{row}: {what}"));
        }
    }

    fn assert_nothing(&self) {
        assert!(self.0.is_empty(), "{}", self.0.join("\n"));
    }
}

/// The simulator, which knows nothing of the operator, reads the API for itself.
#[test]
fn the_simulator_says_the_same_of_every_row() {
    let mut wrong = Wrong::default();
    for row in CONFIGURATIONS {
        let of_the_simulator = simulated::CONFIGURATIONS.iter().find(|simulated| simulated.key == row.key);
        let Some(simulated) = of_the_simulator else {
            wrong.0.push(format!("{}: simulator/src/catalog.rs has no row", row.key));
            continue;
        };
        let service = match row.service {
            ServiceOf::Registered(types) => simulated::Service::Registered(types),
            ServiceOf::Word(word) => simulated::Service::Word(word),
            ServiceOf::Assumed(word) => simulated::Service::Organization(word),
            ServiceOf::Either(word, types) => simulated::Service::ReleaseManagement(word, types),
        };
        let webhook: Option<&[&str]> = match &simulated.webhook {
            simulated::Webhook::None => None,
            simulated::Webhook::Of(kind) => Some(slice::from_ref(kind)),
            simulated::Webhook::Generic => Some(&["hmac", "apikey"]),
        };
        wrong.unless_equal(row.key, "service", service, simulated.service);
        wrong.unless_equal(row.key, "identity", row.identity, simulated.natural_key);
        wrong.unless_equal(row.key, "is_validated", row.is_validated, simulated.is_validated);
        wrong.unless_equal(row.key, "output_only", row.output_only, simulated.set_by_the_service);
        wrong.unless_equal(row.key, "webhook.types", row.webhook.map(|webhook| webhook.types), webhook);
    }
    for row in SERVICES {
        let is_one = simulated::ONE_AN_ACCOUNT.contains(&row.service_type);
        wrong.unless_equal(row.service_type, "is_one_an_account", row.is_one_an_account, is_one);
    }
    wrong.assert_nothing();
    assert_eq!(simulated::CONFIGURATIONS.len(), CONFIGURATIONS.len(), "the simulator has a row too many");
}

/// The members that a row names, and what they must be.
fn check_members(model: &Value, row: &ConfigurationRow, wrong: &mut Wrong) {
    let Some(shape) = members(model, "ServiceConfiguration").get(row.key).copied() else { return };
    for pointer in row.identity {
        let found = at(model, shape, pointer);
        let is_text = found.is_some_and(|found| model["shapes"][found]["type"] == "string");
        wrong.unless(
            is_text,
            row.key,
            format!("identity: {pointer} isn't a string member of the configuration"),
        );
    }
    for pointer in row.output_only {
        let is_there = at(model, shape, pointer).is_some();
        wrong.unless(is_there, row.key, format!("output_only: {pointer} is not in the configuration"));
        let in_crd = format!("/configuration/{}{}", row.key, pointer.replace("/*", ""));
        let is_absent = property("Association", &in_crd).is_null();
        wrong.unless(is_absent, row.key, format!("output_only: {pointer} is in the CRD"));
    }
    let mut marked = BTreeSet::new();
    sensitive(model, shape, "", &mut marked);
    marked.retain(|pointer| !row.output_only.iter().any(|output| pointer.starts_with(output)));
    let sensitive = row.sensitive.iter().map(|pointer| (*pointer).to_owned()).collect();
    wrong.unless_equal(row.key, "sensitive", sensitive, marked);
    let known = words(model, "Service");
    let types = row.service.types();
    wrong.unless(types.iter().all(|of| known.contains(of)), row.key, "service: no such type");
    wrong.unless(row.service.word().is_some() || !types.is_empty(), row.key, "service: none");
}

#[test]
fn what_rows_say_of_members_is_what_the_model_says() {
    let (model, mut wrong) = (model(), Wrong::default());
    for row in CONFIGURATIONS {
        check_members(&model, row, &mut wrong);
    }
    wrong.assert_nothing();
}

/// Configurations that have an id in them and of which a space has only one of each service, and why.
const ONE_OF_A_SERVICE: &[(&str, &str)] = &[
    ("servicenow", "the registration is for the instance"),
    ("dynatrace", "the registration is for the account, and its environment can change"),
    ("mcpservergrafana", "the registration is for the server"),
    ("mcpservernewrelic", "the registration is for the New Relic account"),
];

/// What has an id probably identifies something: that it doesn't is a decision, and no oversight.
#[test]
fn a_configuration_with_an_id_says_what_identifies_it() {
    fn has_id(model: &Value, shape: &str) -> bool {
        members(model, shape).iter().any(|(name, member)| name.ends_with("Id") || has_id(model, member))
    }
    let model = model();
    let unsaid: Vec<&str> = CONFIGURATIONS
        .iter()
        .filter(|row| row.identity.is_empty())
        .map(|row| row.key)
        .filter(|key| {
            members(&model, "ServiceConfiguration").get(key).is_some_and(|shape| has_id(&model, shape))
        })
        .collect();
    assert_eq!(unsaid, ONE_OF_A_SERVICE.iter().map(|(key, _)| *key).collect::<Vec<_>>(), "without identity");
}

/// Every reference of the CRD is in a row, and fills a member of the API that is beside it.
#[test]
fn every_reference_of_a_configuration_is_in_its_row() {
    fn collect(schema: &Value, at: &str, found: &mut BTreeSet<String>) {
        for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
            if name.ends_with("Ref") {
                found.insert(format!("{at} {name}"));
            }
            collect(inner, &format!("{at}/{name}"), found);
        }
    }
    let (model, mut wrong) = (model(), Wrong::default());
    for row in CONFIGURATIONS {
        let mut found = BTreeSet::new();
        collect(property("Association", &format!("/configuration/{}", row.key)), "", &mut found);
        let known: BTreeSet<String> =
            row.references.iter().map(|reference| format!("{} {}", reference.at, reference.field)).collect();
        wrong.unless_equal(row.key, "references", known, found);
        for reference in row.references {
            let shape = members(&model, "ServiceConfiguration").get(row.key).copied();
            let filled =
                shape.and_then(|shape| at(&model, shape, &format!("{}/{}", reference.at, reference.fills)));
            wrong.unless(filled.is_some(), row.key, format!("{} fills no member", reference.field));
            // A reference and the member that it fills are named after the same thing.
            let named = reference.field.trim_end_matches("Ref");
            wrong.unless(
                reference.fills.starts_with(named),
                row.key,
                format!("{} fills another", reference.field),
            );
            let to = format!("{:?}", reference.to);
            let fits = named.to_lowercase().ends_with(&to.to_lowercase());
            wrong.unless(fits, row.key, format!("{} is to another kind than {to}", reference.field));
        }
    }
    wrong.assert_nothing();
}

/// The members of `additionalServiceDetails` that rows leave out, and why.
const NOT_COMPARED: &[(&str, &str, &str)] = &[
    ("mcpserverdatadog", "apiKeyHeader", "only a person can sign in"),
    ("mcpserverdatadog", "customHeaderNames", "only a person can sign in"),
    ("mcpservernewrelic", "description", "nothing in the request could be in it"),
    ("mcpserversigv4", "customHeaders", "their values are credentials, and may come back masked"),
];

/// What Slack's API calls a workspace, and so does the answer.
const SLACKS_WORKSPACE: &str = "teamId";

fn check_shown(model: &Value, row: &ServiceRow, wrong: &mut Wrong) {
    let of = row.service_type;
    let answer = members(model, "AdditionalServiceDetails").get(of).copied();
    let answered: BTreeSet<&str> =
        answer.into_iter().flat_map(|shape| members(model, shape).into_keys()).collect();
    for (field, member) in row.matched_by {
        wrong.unless(answered.contains(member), of, format!("matched_by: the answer has no {member}"));
        let is_field = !property("ServiceRegistration", &format!("/existing/match/{field}")).is_null();
        wrong.unless(is_field, of, format!("matched_by: existing.match has no {field}"));
        let is_named_so = field == member || (*field, *member) == ("workspaceId", SLACKS_WORKSPACE);
        wrong.unless(is_named_so, of, format!("matched_by: {field} is compared with {member}"));
    }
    let names: BTreeSet<&str> = row.shown.iter().map(|shown| shown.name()).collect();
    let Some(request) = members(model, "ServiceDetails").get(of).copied() else {
        wrong.unless(names.is_empty(), of, "shown: nothing is sent that could be shown");
        return;
    };
    let left_out = |name: &str| NOT_COMPARED.iter().any(|(this, not, _)| (*this, *not) == (of, name));
    wrong.unless_equal(of, "shown", names, answered.into_iter().filter(|name| !left_out(name)).collect());
    for shown in row.shown {
        let member = answer.and_then(|answer| at(model, answer, &format!("/{}", shown.name())));
        let is_sensitive = member.is_some_and(|member| model["shapes"][member]["sensitive"] == true);
        let is_hidden = matches!(shown, Shown::Hidden(_));
        wrong.unless_equal(of, &format!("shown: sensitive {}", shown.name()), is_hidden, is_sensitive);
        let (Shown::At(pointer) | Shown::Hidden(pointer)) = shown else { continue };
        let is_sent = at(model, request, pointer).is_some();
        wrong.unless(is_sent, of, format!("shown: the request has no {pointer}"));
    }
}

#[test]
fn what_rows_say_of_answers_is_what_the_model_says() {
    let (model, mut wrong) = (model(), Wrong::default());
    for row in SERVICES {
        check_shown(&model, row, &mut wrong);
    }
    wrong.assert_nothing();
    for (of, member, _) in NOT_COMPARED {
        let answer = members(&model, "AdditionalServiceDetails")[of];
        assert!(members(&model, answer).contains_key(member), "{of} {member} is not in the answer");
    }
}

/// A registration without a name is recognized by what names a thing: its name, its addresses and its ids.
#[test]
fn a_service_is_recognized_by_its_name_addresses_and_ids() {
    let mut wrong = Wrong::default();
    for row in SERVICES {
        let names: BTreeSet<&str> = row.shown.iter().map(|shown| shown.name()).collect();
        let identifies = |name: &&str| {
            matches!(*name, "name" | "endpoint") || name.ends_with("Url") || name.ends_with("Id")
        };
        let expected: BTreeSet<&str> = names.into_iter().filter(identifies).collect();
        wrong.unless_equal(row.service_type, "identity", row.identity.iter().copied().collect(), expected);
    }
    wrong.assert_nothing();
}

/// Each property by which `existing.match` finds a service is one that the type's answer is searched for.
#[test]
fn every_property_of_a_match_is_in_a_row() {
    let properties = property("ServiceRegistration", "/existing/match");
    let of_a_type: BTreeSet<&str> = properties["properties"]
        .as_object()
        .into_iter()
        .flat_map(|properties| properties.keys().map(String::as_str))
        .filter(|name| !matches!(*name, "serviceType" | "name"))
        .collect();
    let known: BTreeSet<&str> =
        SERVICES.iter().flat_map(|row| row.matched_by.iter().map(|(field, _)| *field)).collect();
    assert_eq!(of_a_type, known);
}
