//! Every optional field of every kind: either it is known how it goes back to its default, or it is in the table of
//! those that aren't AWS's fields.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::reconcile::owned::Reset;

use super::*;

/// Kinds (`*` is any), and prefixes of pointers below `spec`: fields that the record omits.
const LEFT_OUT: &[(&str, &[&str])] = &[
    // How the object and its resource relate.
    (
        "*",
        &[
            "managementPolicy",
            "deletionPolicy",
            "adoptionPolicy",
            "externalId",
            "changePolicy",
            "allowedNamespaces",
        ],
    ),
    // Where the resource is: can't be changed.
    ("*", &["accountRef", "agentSpaceRef"]),
    // With their own records.
    ("*", &["tags"]),
    ("AgentSpace", &["operatorApp"]),
    // Its default is a setting of the operator.
    ("Association", &["webhook"]),
    // Another service means another association.
    ("Association", &["serviceRef"]),
    // Files are compared individually, and all of them are the object's.
    ("Asset", &["content"]),
    // Never written.
    ("ServiceRegistration", &["existing"]),
    // They fill other fields.
    ("Asset", &["memoryStoreRef"]),
    ("Trigger", &["assetRef"]),
    (
        "ServiceRegistration",
        &["privateConnectionRef", "targetUrlPrivateConnectionRef", "exchangeUrlPrivateConnectionRef"],
    ),
    // Sets nothing in AWS.
    ("AWSAccount", &[""]),
];

/// What AWS can't reset, although the schema allows removing it.
const STAYS: &[(&str, &str)] = &[("AgentSpace", "/description"), ("AgentSpace", "/locale")];

/// How a field of `kind` is reset.
fn reset(kind: &str, pointer: &str) -> Option<Reset> {
    macro_rules! reset_of {
        ($($kind:ty,)+) => {
            $(if <$kind as Reconciled>::Object::kind_name() == kind {
                return <$kind as Reconciled>::reset(pointer, &Default::default());
            })+
        };
    }
    kinds!(reset_of);
    None
}

/// A value that may be omitted.
struct Optional {
    pointer: String,
    /// A rule of the schema prevents removing it.
    fixed: bool,
}

/// Every value in `schema` that may be omitted, or is in something that may.
fn optionals(schema: &Value, pointer: &str, optional: bool, fixed: bool, found: &mut Vec<Optional>) {
    let Some(properties) = schema["properties"].as_object().filter(|all| !all.contains_key("secretKeyRef"))
    else {
        let any = &schema["additionalProperties"];
        if any.is_object() {
            return optionals(any, &format!("{pointer}/any"), true, fixed, found);
        }
        if schema["x-kubernetes-preserve-unknown-fields"] == true {
            found.push(Optional { pointer: format!("{pointer}/any"), fixed });
        } else if optional {
            found.push(Optional { pointer: pointer.to_owned(), fixed });
        }
        return;
    };
    let required: BTreeSet<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let rules = schema["x-kubernetes-validations"].as_array().cloned().unwrap_or_default();
    // One member of a union is always set, and often it can't be changed to another.
    let union = schema["minProperties"] == 1 && schema["maxProperties"] == 1;
    for (name, member) in properties {
        let stays =
            [format!("has(self.{name}) == has(oldSelf.{name})"), format!("!has(oldSelf.{name}) || has")];
        let stays = rules.iter().any(|rule| {
            let rule = rule["rule"].as_str().unwrap_or_default();
            stays.iter().any(|start| rule.starts_with(start.as_str()))
        });
        let optional = optional || (!required.contains(name.as_str()) && !union);
        optionals(member, &format!("{pointer}/{name}"), optional, fixed || stays, found);
    }
}

fn is_left_out(kind: &str, pointer: &str) -> bool {
    let pointer = pointer.trim_start_matches('/');
    LEFT_OUT.iter().filter(|(kinds, _)| *kinds == "*" || *kinds == kind).flat_map(|(_, starts)| *starts).any(
        |start| {
            start.is_empty()
                || pointer == *start
                || pointer.strip_prefix(start).is_some_and(|rest| rest.starts_with('/'))
        },
    )
}

#[test]
fn every_field_that_can_be_left_out_has_one_meaning() {
    let (mut seen, mut wrong) = (0, Vec::new());
    for crd in crds().unwrap() {
        let kind = crd["spec"]["names"]["kind"].as_str().unwrap().to_owned();
        let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
        let mut found = Vec::new();
        optionals(schema, "", false, false, &mut found);
        for Optional { pointer, fixed } in found {
            seen += 1;
            let known = STAYS.contains(&(kind.as_str(), pointer.as_str()));
            let right = match reset(&kind, &pointer) {
                None => is_left_out(&kind, &pointer),
                Some(_) if is_left_out(&kind, &pointer) => false,
                Some(Reset::Stays(_)) => fixed || known,
                Some(_) => !known,
            };
            if !right {
                wrong.push(format!("{kind} {pointer}"));
            }
        }
    }
    assert!(wrong.is_empty(), "not known, or known in two ways: {wrong:#?}");
    assert!(seen > 200, "only {seen} fields were found");
}
