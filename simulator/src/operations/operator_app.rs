//! The operator app of a space, with its sign-in flows.

use serde_json::{Map, Value, json};

use crate::context::{Answer, Context, Object, iso};
use crate::error::ApiError;
use crate::input::Input;
use crate::store::{AgentSpace, AuthFlow};
use crate::switches::{DisableWithoutFlow, EnableExisting, OperatorAppAbsent};

/// What each flow needs beyond the role, as (name in the request, name in the answer).
const IDC: &[(&str, &str)] = &[("idcInstanceArn", "idcInstanceArn")];
const IDP: &[(&str, &str)] =
    &[("issuerUrl", "issuerUrl"), ("idpClientId", "clientId"), ("provider", "provider")];

pub fn enable(cx: &mut Context<'_>, input: &Input) -> Answer {
    let space = cx.space(input)?;
    let flow = input.text("authFlow").to_owned();
    let existing = space.operator_app.get(&flow).map(|flow| flow.created_at);
    if existing.is_some() && cx.switches.enable_existing == EnableExisting::Conflict {
        return Err(ApiError::conflict(format!("The {flow} flow is already enabled")));
    }
    let details = details(cx.account, &flow, input)?;
    cx.check_roles(&json!(input.text("operatorAppRoleArn")))?;
    let now = cx.now;
    let space = cx.space_mut(input)?;
    let record = AuthFlow {
        details,
        client_secret: (flow == "idp").then(|| input.text("idpClientSecret").to_owned()),
        created_at: existing.unwrap_or(now),
        updated_at: Some(now),
    };
    space.operator_app.insert(flow, record);
    Ok(show(space).with("agentSpaceId", space.agent_space_id.as_str()).build())
}

pub fn get(cx: &mut Context<'_>, input: &Input) -> Answer {
    let space = cx.space(input)?;
    if space.operator_app.is_empty() {
        return match cx.switches.operator_app_absent {
            OperatorAppAbsent::NotFound => Err(ApiError::not_found("Operator app of", &space.agent_space_id)),
            OperatorAppAbsent::Empty => Ok(Object::new().build()),
        };
    }
    Ok(show(space).build())
}

pub fn update_idp(cx: &mut Context<'_>, input: &Input) -> Answer {
    let now = cx.now;
    let space = cx.space_mut(input)?;
    let id = space.agent_space_id.clone();
    let flow =
        space.operator_app.get_mut("idp").ok_or_else(|| ApiError::not_found("The idp flow of", &id))?;
    if let Some(secret) = input.owned("idpClientSecret") {
        flow.client_secret = Some(secret);
    }
    flow.updated_at = Some(now);
    Ok(Object::new().with("agentSpaceId", id).with("idp", show_flow(flow)).build())
}

pub fn disable(cx: &mut Context<'_>, input: &Input) -> Answer {
    let flow = input.owned("authFlow");
    let policy = cx.switches.disable_without_flow;
    let space = cx.space_mut(input)?;
    match flow {
        Some(flow) if space.operator_app.remove(&flow).is_none() => cx.missing("Operator app flow", &flow),
        Some(_) => Ok(Object::new().build()),
        None if space.operator_app.len() > 1 && policy == DisableWithoutFlow::Validation => {
            Err(ApiError::validation("/authFlow", "Several flows are enabled: name one"))
        }
        None => {
            space.operator_app.clear();
            Ok(Object::new().build())
        }
    }
}

fn details(account: &str, flow: &str, input: &Input) -> Result<Map<String, Value>, ApiError> {
    let mut details = Map::new();
    details.insert("operatorAppRoleArn".to_owned(), json!(input.text("operatorAppRoleArn")));
    let needed = match flow {
        "idc" => IDC,
        "idp" => IDP,
        _ => &[],
    };
    for (request, answer) in needed {
        details.insert((*answer).to_owned(), json!(require(input, request, flow)?));
    }
    match flow {
        "idp" => {
            require(input, "idpClientSecret", flow)?;
        }
        "idc" => {
            let arn = application_arn(account, input.text("idcInstanceArn"))?;
            details.insert("idcApplicationArn".to_owned(), json!(arn));
        }
        _ => {}
    }
    Ok(details)
}

fn require<'a>(input: &'a Input, name: &str, flow: &str) -> Result<&'a str, ApiError> {
    input
        .optional(name)
        .filter(|value| !value.is_empty())
        .ok_or_else(|| ApiError::validation(&format!("/{name}"), format!("The {flow} flow needs {name}")))
}

/// IAM Identity Center creates an application in its instance; an instance that isn't one is its error.
fn application_arn(account: &str, instance: &str) -> Result<String, ApiError> {
    let Some((_, id)) = instance.split_once(":sso:::instance/") else {
        let mut error =
            ApiError::new("IdentityCenterServiceException", "The Identity Center instance does not exist");
        error.underlying = Some("ResourceNotFoundException".to_owned());
        return Err(error);
    };
    Ok(format!("arn:aws:sso::{account}:application/{id}/apl-{}", &crate::random::resource_suffix()[..16]))
}

fn show(space: &AgentSpace) -> Object {
    let url = format!("https://{}.aidevops.global.app.aws", space.agent_space_id);
    space.operator_app.iter().fold(Object::new().with("operatorAppUrl", url), |shown, (name, flow)| {
        shown.with(name, show_flow(flow))
    })
}

fn show_flow(flow: &AuthFlow) -> Value {
    let mut shown = flow.details.clone();
    shown.insert("createdAt".to_owned(), json!(iso(flow.created_at)));
    if let Some(updated) = flow.updated_at {
        shown.insert("updatedAt".to_owned(), json!(iso(updated)));
    }
    Value::Object(shown)
}
