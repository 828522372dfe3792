//! As much of AWS STS as assuming a role needs: the query protocol, with responses in XML.

use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::calls::Call;
use crate::error::ApiError;
use crate::faults::{Attempt, Effect};
use crate::random;
use crate::simulation::{Caller, Simulation};
use crate::store::TemporaryCredentials;
use crate::wire::{Outcome, Reply, Request, form_pairs};

const SERVICE: &str = "sts";
const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";
const DEFAULT_SECONDS: i64 = 3600;

/// Answers a request to STS.
pub async fn serve(simulation: &Simulation, request: &Request) -> Outcome {
    let now = simulation.clock();
    let form = Form(form_pairs(&String::from_utf8_lossy(&request.body)));
    let mut call = Call {
        time: now,
        operation: form.get("Action").unwrap_or("(no action)").to_owned(),
        request_id: random::uuid(),
        ..Call::default()
    };
    for (parameter, member) in
        [("RoleArn", "roleArn"), ("ExternalId", "externalId"), ("RoleSessionName", "sessionName")]
    {
        if let Some(value) = form.get(parameter) {
            call.resource.insert(member.to_owned(), json!(value));
        }
    }
    let (result, close) = attempt(simulation, request, &form, now, &mut call).await;
    let reply = match result {
        Ok(body) => Reply::text(StatusCode::OK, "text/xml", envelope(&call, &body)),
        Err(error) => {
            call.error = Some(error.code.clone());
            call.message = Some(error.message.clone());
            failure(simulation, &call, &error)
        }
    };
    call.status = if close { 0 } else { reply.status.as_u16() };
    let reply = reply.with_header("x-amzn-requestid", &call.request_id);
    tracing::info!(operation = call.operation, status = call.status, error = call.error, "call");
    simulation.lock().calls.record(call);
    if close { Outcome::Close } else { Outcome::Answer(reply) }
}

struct Form(Vec<(String, String)>);

impl Form {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn need(&self, name: &str) -> Result<&str, ApiError> {
        self.get(name).filter(|value| !value.is_empty()).ok_or_else(|| {
            ApiError::protocol(
                400,
                "ValidationError",
                format!("Value at '{name}' failed to satisfy constraint: Member must not be null"),
            )
        })
    }
}

/// The body of the response, and whether the connection is to be closed instead.
async fn attempt(
    simulation: &Simulation,
    request: &Request,
    form: &Form,
    now: Timestamp,
    call: &mut Call,
) -> (Result<String, ApiError>, bool) {
    let caller = match call.operation.as_str() {
        "AssumeRoleWithWebIdentity" => Ok(anonymous()),
        _ => simulation.authenticate(request, SERVICE, now),
    };
    let caller = match caller {
        Ok(caller) => caller,
        Err(error) => return (Err(error), false),
    };
    call.account.clone_from(&caller.account);
    call.region.clone_from(&caller.region);
    call.principal.clone_from(&caller.principal);
    let plan = simulation.lock().faults.plan(&Attempt {
        operation: &call.operation,
        account: &caller.account,
        region: &caller.region,
        principal: &caller.principal,
        path: &request.path,
        members: form.0.iter().map(|(_, value)| value.as_str()).collect(),
        later_page: false,
    });
    tokio::time::sleep(plan.delay).await;
    let injected = || ApiError::new(&plan.error, plan.message.clone());
    call.fault = plan.effect.map(|effect| format!("{effect:?}"));
    match plan.effect {
        None | Some(Effect::Delay | Effect::Garble | Effect::StaleLists) => {
            (perform(simulation, form, &caller, now), false)
        }
        Some(Effect::Throttle | Effect::Internal | Effect::Error | Effect::ErrorAfter) => {
            (Err(injected()), false)
        }
        Some(Effect::DropAnswer) => (perform(simulation, form, &caller, now), true),
        Some(Effect::Reset | Effect::Hang) => (Err(injected()), true),
    }
}

fn anonymous() -> Caller {
    Caller { account: String::new(), region: String::new(), principal: "anonymous".to_owned() }
}

fn perform(
    simulation: &Simulation,
    form: &Form,
    caller: &Caller,
    now: Timestamp,
) -> Result<String, ApiError> {
    match form.get("Action") {
        Some("GetCallerIdentity") => Ok(format!(
            "<Arn>{}</Arn><UserId>{}</UserId><Account>{}</Account>",
            escape(&caller.principal),
            escape(&simulation.options.access_key_id),
            caller.account
        )),
        Some("AssumeRole") => assume(simulation, form, now),
        Some("AssumeRoleWithWebIdentity") => {
            form.need("WebIdentityToken")?;
            assume(simulation, form, now)
        }
        other => {
            let message =
                format!("Could not find operation {} for version 2011-06-15", other.unwrap_or_default());
            Err(ApiError::protocol(400, "InvalidAction", message))
        }
    }
}

fn assume(simulation: &Simulation, form: &Form, now: Timestamp) -> Result<String, ApiError> {
    let role = form.need("RoleArn")?;
    let session = form.need("RoleSessionName")?;
    let invalid = || ApiError::protocol(400, "ValidationError", format!("{role} is invalid"));
    let (account, name) = account_and_name(role).ok_or_else(invalid)?;
    let seconds = form.get("DurationSeconds").and_then(|text| text.parse().ok()).unwrap_or(DEFAULT_SECONDS);
    let mut inner = simulation.lock();
    if inner.switches.deny_assume_role {
        let message = format!("User is not authorized to perform: sts:AssumeRole on resource: {role}");
        return Err(ApiError::protocol(403, "AccessDenied", message));
    }
    let credentials = TemporaryCredentials {
        account: account.to_owned(),
        principal: format!("arn:aws:sts::{account}:assumed-role/{name}/{session}"),
        secret_access_key: random::secret(),
        session_token: random::secret() + &random::secret(),
        expires_at: now.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX),
    };
    let id = random::access_key_id();
    let body = format!(
        "<Credentials><AccessKeyId>{id}</AccessKeyId><SecretAccessKey>{}</SecretAccessKey><SessionToken>{}\
         </SessionToken><Expiration>{}</Expiration></Credentials><AssumedRoleUser><Arn>{}</Arn>\
         <AssumedRoleId>AROASIMULATOR:{}</AssumedRoleId></AssumedRoleUser>",
        credentials.secret_access_key,
        credentials.session_token,
        credentials.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        escape(&credentials.principal),
        escape(session)
    );
    inner.world.credentials.retain(|_, old| old.expires_at > now);
    inner.world.credentials.insert(id, credentials);
    simulation.changed.notify_one();
    Ok(body)
}

/// `arn:aws:iam::ACCOUNT:role/path/NAME` in its parts.
fn account_and_name(role: &str) -> Option<(&str, &str)> {
    let parts: Vec<&str> = role.splitn(6, ':').collect();
    let ["arn", _, "iam", "", account, resource] = parts[..] else { return None };
    let name = resource.strip_prefix("role/")?.rsplit('/').next()?;
    let digits = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    (digits && !name.is_empty()).then_some((account, name))
}

fn envelope(call: &Call, body: &str) -> String {
    let action = &call.operation;
    format!(
        "<{action}Response xmlns=\"{NAMESPACE}\"><{action}Result>{body}</{action}Result><ResponseMetadata>\
         <RequestId>{}</RequestId></ResponseMetadata></{action}Response>",
        call.request_id
    )
}

/// STS has other names for the same errors.
fn code(code: &str) -> &str {
    match code {
        "InvalidSignatureException" => "SignatureDoesNotMatch",
        "UnrecognizedClientException" => "InvalidClientTokenId",
        "ExpiredTokenException" => "ExpiredToken",
        "InternalServerException" => "InternalFailure",
        other => other.trim_end_matches("Exception"),
    }
}

fn failure(simulation: &Simulation, call: &Call, error: &ApiError) -> Reply {
    let code = code(&error.code);
    let status = match code {
        "AccessDenied" => StatusCode::FORBIDDEN,
        _ => StatusCode::from_u16(error.http_status(&simulation.model)).unwrap_or(StatusCode::BAD_REQUEST),
    };
    let body = format!(
        "<ErrorResponse xmlns=\"{NAMESPACE}\"><Error><Type>Sender</Type><Code>{}</Code><Message>{}</Message></Error>\
         <RequestId>{}</RequestId></ErrorResponse>",
        escape(code),
        escape(&error.message),
        call.request_id
    );
    Reply::text(status, "text/xml", body)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_arn_tells_the_account_and_the_name() {
        assert_eq!(
            account_and_name("arn:aws:iam::111122223333:role/team/ops"),
            Some(("111122223333", "ops"))
        );
        assert_eq!(account_and_name("arn:aws:iam::1:role/ops"), None);
        assert_eq!(account_and_name("arn:aws:iam::111122223333:user/ops"), None);
    }
}
