//! Holds the catalog against the API model, the CRDs, and the simulator's own reading of the API: no row is missing, and
//! every property of every row is compared with something else that knows it.

use std::collections::{BTreeMap, BTreeSet};

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
fn property(kind: &str, pointer: &str) -> Value {
    let crds = crate::crds();
    let crd = crds.iter().find(|crd| crd["spec"]["names"]["kind"] == kind).expect("the kind has a CRD");
    let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
    let inner = pointer.split('/').skip(1).fold(schema, |schema, step| &schema["properties"][step]);
    inner.clone()
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
        let shape = members(model, "ServiceConfiguration")[row.key];
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
    let registered: BTreeSet<&str> = SERVICES
        .iter()
        .filter(|row| row.registered_by == RegisteredBy::Yaml)
        .map(|row| row.service_type)
        .collect();
    assert_eq!(registered, words(&model, "PostRegisterServiceSupportedService"), "registered by YAML");
    assert_eq!(registered, members(&model, "ServiceDetails").into_keys().collect(), "registered by YAML");
    assert_eq!(registered, Service::KEYS.iter().copied().collect(), "registered by YAML, and in the CRD");
}

/// What the simulator, which knows nothing of the operator, says of a configuration.
fn simulated(key: &str) -> simulated::Configuration {
    let row = simulated::CONFIGURATIONS.iter().find(|row| row.key == key);
    *row.unwrap_or_else(|| panic!("simulator/src/catalog.rs has no row for {key}"))
}

#[test]
fn the_simulator_says_the_same_of_every_configuration() {
    for row in CONFIGURATIONS {
        let simulated = simulated(row.key);
        let service = match row.service {
            ServiceOf::Registered(types) => simulated::Service::Registered(types),
            ServiceOf::Word(word) => simulated::Service::Word(word),
            ServiceOf::Assumed(word) => simulated::Service::Organization(word),
            ServiceOf::Either(word, types) => simulated::Service::ReleaseManagement(word, types),
        };
        assert_eq!(service, simulated.service, "{}: service", row.key);
        assert_eq!(row.identity, simulated.natural_key, "{}: identity", row.key);
        assert_eq!(row.is_validated, simulated.is_validated, "{}: is_validated", row.key);
        assert_eq!(row.output_only, simulated.set_by_the_service, "{}: output_only", row.key);
        let types: Option<Vec<&str>> = match simulated.webhook {
            simulated::Webhook::None => None,
            simulated::Webhook::Of(kind) => Some(vec![kind]),
            simulated::Webhook::Generic => Some(vec!["hmac", "apikey"]),
        };
        assert_eq!(row.webhook.map(|webhook| webhook.types.to_vec()), types, "{}: webhook", row.key);
    }
    assert_eq!(CONFIGURATIONS.len(), simulated::CONFIGURATIONS.len());
    let one: Vec<&str> =
        SERVICES.iter().filter(|row| row.is_one_an_account).map(|row| row.service_type).collect();
    assert_eq!(one, simulated::ONE_AN_ACCOUNT);
}

/// The members that a row names, and what they must be.
fn check_members(model: &Value, row: &ConfigurationRow) {
    let shape = members(model, "ServiceConfiguration")[row.key];
    for pointer in row.identity {
        let found = at(model, shape, pointer).unwrap_or_else(|| panic!("{}: no {pointer}", row.key));
        assert_eq!(model["shapes"][found]["type"], "string", "{} {pointer}: identity", row.key);
    }
    let spec = format!("/configuration/{}", row.key);
    for pointer in row.output_only {
        assert!(at(model, shape, pointer).is_some(), "{}: no {pointer}: output_only", row.key);
        let in_crd = property("Association", &format!("{spec}{}", pointer.replace("/*", "")));
        assert!(in_crd.is_null(), "{} {pointer} is output only, and in the CRD", row.key);
    }
    let mut marked = BTreeSet::new();
    sensitive(model, shape, "", &mut marked);
    marked.retain(|pointer| !row.output_only.iter().any(|output| pointer.starts_with(output)));
    assert_eq!(
        marked,
        row.sensitive.iter().map(|pointer| (*pointer).to_owned()).collect(),
        "{}: sensitive",
        row.key
    );
}

#[test]
fn what_rows_say_of_members_is_what_the_model_says() {
    let model = model();
    for row in CONFIGURATIONS {
        check_members(&model, row);
        let known = words(&model, "Service");
        for of in row.service.types() {
            assert!(known.contains(of), "{}: there is no service of the type {of}", row.key);
        }
        assert!(row.service.word().is_some() || !row.service.types().is_empty(), "{}: no service", row.key);
    }
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
    let model = model();
    for row in CONFIGURATIONS {
        let mut found = BTreeSet::new();
        collect(&property("Association", &format!("/configuration/{}", row.key)), "", &mut found);
        let known: BTreeSet<String> =
            row.references.iter().map(|reference| format!("{} {}", reference.at, reference.field)).collect();
        assert_eq!(found, known, "{}: references", row.key);
        for reference in row.references {
            let shape = members(&model, "ServiceConfiguration")[row.key];
            let filled = at(&model, shape, &format!("{}/{}", reference.at, reference.fills));
            assert!(filled.is_some(), "{}: {} fills no member of the API", row.key, reference.field);
            // A reference and the member that it fills are named after the same thing.
            let named = reference.field.trim_end_matches("Ref");
            assert!(reference.fills.starts_with(named), "{}: {}", row.key, reference.field);
            let to = format!("{:?}", reference.to);
            assert!(named.to_lowercase().ends_with(&to.to_lowercase()), "{}: {to}", reference.field);
        }
    }
}

/// The members of `additionalServiceDetails` that rows leave out, and why.
const NOT_COMPARED: &[(&str, &str, &str)] = &[
    ("mcpservernewrelic", "description", "nothing in the request could be in it"),
    ("mcpserversigv4", "customHeaders", "their values are credentials, and may come back masked"),
];

fn check_shown(model: &Value, row: &ServiceRow) {
    let of = row.service_type;
    let answer = members(model, "AdditionalServiceDetails").get(of).copied();
    let answered: BTreeSet<&str> =
        answer.into_iter().flat_map(|shape| members(model, shape).into_keys()).collect();
    if row.registered_by == RegisteredBy::Console {
        assert!(row.shown.is_empty(), "{of}: nothing was sent that could be shown");
    } else {
        let left_out = |name: &str| NOT_COMPARED.iter().any(|(this, not, _)| (*this, *not) == (of, name));
        let compared: BTreeSet<&str> = answered.iter().copied().filter(|name| !left_out(name)).collect();
        assert_eq!(
            row.shown.iter().map(|shown| shown.name()).collect::<BTreeSet<_>>(),
            compared,
            "{of}: shown"
        );
        for shown in row.shown {
            let member = answer.and_then(|answer| at(model, answer, &format!("/{}", shown.name())));
            let is_sensitive = member.is_some_and(|member| model["shapes"][member]["sensitive"] == true);
            assert_eq!(is_sensitive, matches!(shown, Shown::Hidden(_)), "{of} {}: sensitive", shown.name());
            let (Shown::At(pointer) | Shown::Hidden(pointer)) = shown else { continue };
            let request = members(model, "ServiceDetails")[of];
            assert!(at(model, request, pointer).is_some(), "{of}: the request has no {pointer}");
        }
    }
    for (field, member) in row.matched_by {
        assert!(answered.contains(member), "{of}: the answer has no {member}");
        assert!(
            !property("ServiceRegistration", &format!("/existing/match/{field}")).is_null(),
            "{of}: {field}"
        );
    }
}

#[test]
fn what_rows_say_of_answers_is_what_the_model_says() {
    let model = model();
    for row in SERVICES {
        check_shown(&model, row);
    }
    for (of, member, _) in NOT_COMPARED {
        let answer = members(&model, "AdditionalServiceDetails")[of];
        assert!(members(&model, answer).contains_key(member), "{of} {member} is not in the answer");
    }
}

/// A registration without a name is recognized by what names a thing: its name, its addresses and its ids.
#[test]
fn a_service_is_recognized_by_its_name_addresses_and_ids() {
    for row in SERVICES {
        let names: BTreeSet<&str> = row.shown.iter().map(|shown| shown.name()).collect();
        let identifies = |name: &&str| {
            matches!(*name, "name" | "endpoint") || name.ends_with("Url") || name.ends_with("Id")
        };
        let expected: BTreeSet<&str> = names.into_iter().filter(identifies).collect();
        assert_eq!(row.identity.iter().copied().collect::<BTreeSet<_>>(), expected, "{}", row.service_type);
    }
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
