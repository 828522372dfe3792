//! The operator app of an agent space: its sign-in flows, each enabled and disabled separately.

use serde_json::Value;

use crate::api::AgentSpaceStatus;
use crate::api::agent_space::{self as spec, IdpAuth};
use crate::api::common::Fingerprint;
use crate::api::standards::Standards;
use crate::aws;
use crate::aws::operations::{
    DisableOperatorApp, EnableOperatorApp, GetOperatorApp, OperatorApp, UpdateOperatorAppIdpConfig,
};
use crate::reconcile::inputs::{Inputs, Source};
use crate::reconcile::kind::Scope;
use crate::reconcile::state::drift::{Change, Drift};
use crate::reconcile::state::error::{Doing, Error};
use crate::reconcile::state::fingerprint::Print;
use secrecy::{ExposeSecret, SecretString};

use crate::kinds::not_found_is_none;

use super::spaces::Spaces;

/// Path of the client secret in drift.
const CLIENT_SECRET: &str = "operatorApp.idp.clientSecretRef";

/// The desired flows, with secrets resolved.
pub struct DesiredApp {
    flows: Vec<Flow>,
    client_secret: Option<SecretString>,
    fingerprint: Option<Print>,
}

/// Fingerprint of the client secret.
pub fn undisclosed(desired: &DesiredApp) -> Option<Fingerprint> {
    desired.fingerprint.as_ref().map(Print::record)
}

/// A flow with the values that identify it: all except the client secret.
#[derive(Clone, Debug, PartialEq)]
struct Flow {
    name: &'static str,
    request: EnableOperatorApp,
}

impl Flow {
    /// Whether both are the same, by the standards of their values.
    fn is_same(&self, other: &Self) -> bool {
        let standards = Standards::of("AgentSpace", "operatorApp").member(self.name);
        let normal = |flow: &Self| {
            let arn = |field: &str, text: &str| standards.member(field).normal(&Value::from(text));
            let request = &flow.request;
            let role = arn("roleArn", &request.operator_app_role_arn);
            let instance = request.idc_instance_arn.as_deref().map(|text| arn("instanceArn", text));
            let rest = EnableOperatorApp {
                operator_app_role_arn: String::new(),
                idc_instance_arn: None,
                ..request.clone()
            };
            (role, instance, rest)
        };
        normal(self) == normal(other)
    }
}

/// Resolves the client secret.
pub async fn resolve(
    app: &spec::OperatorApp,
    inputs: &Inputs<'_>,
    scope: &Scope,
) -> Result<DesiredApp, Error> {
    let mut flows = Vec::new();
    let flow = |name: &'static str, role: &str| EnableOperatorApp {
        auth_flow: name.to_owned(),
        operator_app_role_arn: role.to_owned(),
        ..EnableOperatorApp::default()
    };
    if let Some(iam) = &app.iam {
        flows.push(Flow { name: "iam", request: flow("iam", &iam.role_arn) });
    }
    if let Some(idc) = &app.idc {
        let request = EnableOperatorApp {
            idc_instance_arn: Some(idc.instance_arn.clone()),
            ..flow("idc", &idc.role_arn)
        };
        flows.push(Flow { name: "idc", request });
    }
    let Some(idp) = &app.idp else { return Ok(DesiredApp { flows, client_secret: None, fingerprint: None }) };
    flows.push(Flow { name: "idp", request: idp_request(idp, flow("idp", &idp.role_arn)) });
    let secret =
        inputs.text(Source::Secret, &idp.client_secret_ref, "spec.operatorApp.idp.clientSecretRef").await?;
    let fingerprint = scope.fingerprints.of(&Value::from(secret.expose_secret()));
    Ok(DesiredApp { flows, client_secret: Some(secret), fingerprint: Some(fingerprint) })
}

fn idp_request(idp: &IdpAuth, flow: EnableOperatorApp) -> EnableOperatorApp {
    EnableOperatorApp {
        issuer_url: Some(idp.issuer_url.clone()),
        idp_client_id: Some(idp.client_id.clone()),
        provider: Some(idp.provider.clone()),
        ..flow
    }
}

/// The operator app: as it was read a moment ago, if mirrors count.
pub async fn seen(scope: &Scope, id: &str) -> Result<OperatorApp, Error> {
    if let Some(app) = scope.sight.detail::<Spaces, OperatorApp>(id) {
        return Ok(app);
    }
    let sent = scope.sight.now();
    let app = read(scope, id).await?;
    scope.sight.keep::<Spaces, _>(id, app.clone(), sent);
    Ok(app)
}

/// Reads which flows are enabled.
pub async fn read(scope: &Scope, space: &str) -> Result<OperatorApp, Error> {
    of(&scope.aws, space).await.doing(|| format!("reading the operator app of {space}"))
}

/// The operator app of a space. No app means an app without flows: the service may return either.
pub async fn of(aws: &aws::Client, space: &str) -> Result<OperatorApp, aws::Error> {
    match aws.call(&GetOperatorApp { agent_space_id: space.to_owned() }).await {
        Err(error) if error.is_not_found() => Ok(OperatorApp::default()),
        answer => answer,
    }
}

/// The flows that AWS has, in the form of the request.
fn enabled(app: &OperatorApp) -> Vec<Flow> {
    let request = |name: &str, role: &str| EnableOperatorApp {
        auth_flow: name.to_owned(),
        operator_app_role_arn: role.to_owned(),
        ..EnableOperatorApp::default()
    };
    let iam =
        app.iam.as_ref().map(|iam| Flow { name: "iam", request: request("iam", &iam.operator_app_role_arn) });
    let idc = app.idc.as_ref().map(|idc| Flow {
        name: "idc",
        request: EnableOperatorApp {
            idc_instance_arn: Some(idc.idc_instance_arn.clone()),
            ..request("idc", &idc.operator_app_role_arn)
        },
    });
    let idp = app.idp.as_ref().map(|idp| Flow {
        name: "idp",
        request: EnableOperatorApp {
            issuer_url: Some(idp.issuer_url.clone()),
            idp_client_id: Some(idp.client_id.clone()),
            provider: Some(idp.provider.clone()),
            ..request("idp", &idp.operator_app_role_arn)
        },
    });
    [iam, idc, idp].into_iter().flatten().collect()
}

/// Where the flows differ. If the spec doesn't mention them, only those that the operator enabled are disabled.
pub fn compare(desired: Option<&DesiredApp>, app: &OperatorApp, status: &AgentSpaceStatus) -> Vec<Change> {
    let observed = enabled(app);
    let wanted = desired.map(|desired| desired.flows.as_slice()).unwrap_or_default();
    let ours =
        |flow: &Flow| desired.is_some() || status.operator_app_flows.iter().any(|name| name == flow.name);
    let mut changes: Vec<Change> = Vec::new();
    for flow in wanted {
        match observed.iter().find(|other| other.name == flow.name) {
            Some(other) if other.is_same(flow) => {}
            Some(_) => changes.push(Change::hidden(format!("operatorApp.{}", flow.name))),
            None => {
                changes.push(Change::new(format!("operatorApp.{}", flow.name), None, Some("enabled".into())));
            }
        }
    }
    let superfluous = observed.iter().filter(|flow| !wanted.iter().any(|other| other.name == flow.name));
    changes.extend(
        superfluous
            .filter(|flow| ours(flow))
            .map(|flow| Change::new(format!("operatorApp.{}", flow.name), Some("enabled".into()), None)),
    );
    let secret = desired.and_then(|desired| desired.fingerprint.as_ref());
    if app.idp.is_some() && secret.is_some_and(|now| now.changed(status.common.fingerprint.as_ref())) {
        changes.push(Change::hidden(CLIENT_SECRET));
    }
    changes
}

/// Corrects the first difference with one call: disables, enables, or sends the new client secret.
pub async fn correct(
    scope: &Scope,
    space: &str,
    desired: Option<&DesiredApp>,
    drift: &Drift,
    status: &mut AgentSpaceStatus,
) -> Result<Vec<String>, Error> {
    let Some(change) = drift.under("operatorApp").next() else { return Ok(Vec::new()) };
    let changed = vec![change.path.clone()];
    if change.path == CLIENT_SECRET {
        let Some(desired) = desired else { return Ok(Vec::new()) };
        let secret = desired.client_secret.as_ref().map(|secret| secret.expose_secret().to_owned());
        let request =
            UpdateOperatorAppIdpConfig { agent_space_id: space.to_owned(), idp_client_secret: secret };
        scope.aws.call(&request).await.doing(|| format!("sending the client secret of {space}"))?;
        status.common.fingerprint = desired.fingerprint.as_ref().map(Print::record);
        return Ok(changed);
    }
    let name = change.path.trim_start_matches("operatorApp.").to_owned();
    let missing = change.observed.is_none() && !change.sensitive;
    let wanted = desired.and_then(|desired| desired.flows.iter().find(|flow| flow.name == name));
    if let (true, Some(flow), Some(desired)) = (missing, wanted, desired) {
        enable(scope, space, flow, desired, status).await?;
    } else {
        // A flow can't be changed: it is disabled here, and the next pass finds it missing.
        let request = DisableOperatorApp { agent_space_id: space.to_owned(), auth_flow: Some(name.clone()) };
        let done = scope.aws.call(&request).await;
        not_found_is_none(done, || format!("disabling the {name} sign-in of {space}"))?;
    }
    Ok(changed)
}

async fn enable(
    scope: &Scope,
    space: &str,
    flow: &Flow,
    desired: &DesiredApp,
    status: &mut AgentSpaceStatus,
) -> Result<(), Error> {
    let mut request = EnableOperatorApp { agent_space_id: space.to_owned(), ..flow.request.clone() };
    if flow.name == "idp" {
        request.idp_client_secret =
            desired.client_secret.as_ref().map(|secret| secret.expose_secret().to_owned());
    }
    scope.aws.call(&request).await.doing(|| format!("enabling the {} sign-in of {space}", flow.name))?;
    if flow.name == "idp" {
        status.common.fingerprint = desired.fingerprint.as_ref().map(Print::record);
    }
    Ok(())
}

/// Records the app's URL, and which flows are the operator's.
pub fn describe(desired: Option<&DesiredApp>, app: Option<&OperatorApp>, status: &mut AgentSpaceStatus) {
    let enabled = app.map(enabled).unwrap_or_default();
    let wanted = |name: &str| desired.is_some_and(|app| app.flows.iter().any(|flow| flow.name == name));
    status.operator_app_url = app.and_then(|app| app.operator_app_url.clone());
    status.operator_app_flows = enabled
        .iter()
        .map(|flow| flow.name.to_owned())
        .filter(|name| wanted(name) || status.operator_app_flows.contains(name))
        .collect();
    if let Some(now) = desired.and_then(|desired| desired.fingerprint.as_ref())
        && app.is_some_and(|app| app.idp.is_some())
    {
        status.common.fingerprint = now.baseline(status.common.fingerprint.take());
    }
}
