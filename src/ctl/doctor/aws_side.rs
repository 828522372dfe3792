//! AWS, as seen from here: who am I, where is it, does it answer, what may I read.

use k8s_openapi::jiff::fmt::rfc2822;
use k8s_openapi::jiff::{SignedDuration, Timestamp};

use crate::api::AWSAccount;
use crate::aws::operations::{
    GetOperatorApp, ListAgentSpaces, ListAssets, ListAssociations, ListPrivateConnections, ListServices,
    ListTriggers,
};
use crate::aws::{self, Client, Plane, Timeouts, connections};
use crate::ctl::account_access::{Flags, Reader};
use crate::ctl::status_command::meaning;
use crate::reconcile::state::conditions::Reason;
use crate::reconcile::state::error;

use super::checkup::{Check, Verdict};

/// Signatures of a clock that is further off are refused.
const TOLERATED: SignedDuration = SignedDuration::from_mins(5);
/// Worth telling.
const NOTABLE: SignedDuration = SignedDuration::from_mins(1);

/// Everything about AWS, with the user's credentials.
pub async fn checks(flags: &Flags, account: Option<&AWSAccount>) -> Vec<Check> {
    let connected = async {
        let reader = flags.reader().await?;
        let client = reader.client(account).await?;
        Ok::<_, crate::ctl::Error>((reader, client))
    };
    let (reader, client) = match connected.await {
        Ok(connected) => connected,
        Err(error) => {
            let what =
                "set credentials and a region as for the AWS CLI, or use --profile, --region, --account";
            return vec![Check::failed("AWS settings", error.to_string(), what)];
        }
    };
    let mut checks = vec![identity(&reader, &client, account).await, region(&client)];
    let (answers, dates) = endpoints(&client).await;
    let reachable = answers.iter().all(|check| check.verdict == Verdict::Ok);
    checks.extend(answers);
    checks.push(clock(&dates, Timestamp::now()));
    if reachable {
        checks.extend(families(&client).await);
    } else {
        checks.push(Check::skipped("AWS API", "not called: its endpoints don't answer"));
    }
    checks
}

async fn identity(reader: &Reader, client: &Client, account: Option<&AWSAccount>) -> Check {
    const NAME: &str = "AWS identity";
    let role = account.and_then(|account| account.spec.assume_role.as_ref());
    match reader.caller(client.region()).await {
        Ok(arn) => match role {
            Some(role) => Check::ok(NAME, format!("{arn}, which assumes {}", role.role_arn)),
            None => Check::ok(NAME, arn),
        },
        Err(error) => refused(NAME, error),
    }
}

fn region(client: &Client) -> Check {
    Check::ok("AWS region", format!("{} (partition {})", client.region(), client.partition().name))
}

/// What of AWS goes wrong, in the operator's words.
fn refused(name: &str, source: aws::Error) -> Check {
    let error = error::Error::Aws { doing: String::new(), source };
    let (_, reason) = error.classify();
    let mut what_to_do = meaning(reason.as_str());
    if reason == Reason::AccessDenied {
        what_to_do += " `kubectl devopsagent iam-policy` prints the least that is needed.";
    }
    Check::failed(name, format!("{reason}: {}", error.brief()), &what_to_do)
}

/// Whether both planes answer at all, and the times that they give.
async fn endpoints(client: &Client) -> (Vec<Check>, Vec<Timestamp>) {
    let (mut checks, mut dates) = (Vec::new(), Vec::new());
    for (name, plane) in [("control plane", Plane::Control), ("data plane", Plane::Data)] {
        let address = client.endpoints().base(plane);
        match answer(address).await {
            Ok(date) => {
                checks.push(Check::ok(name, format!("{address} answers")));
                dates.extend(date);
            }
            Err(why) => {
                let what = "check the network, the proxy (HTTPS_PROXY, NO_PROXY) and the endpoint; in a VPC without \
                            internet access, both planes need an endpoint of their own";
                checks.push(Check::failed(name, format!("{address}: {why}"), what));
            }
        }
    }
    (checks, dates)
}

/// Whether anything answers over HTTP, and its `Date`. Nothing is signed or sent.
pub async fn answer(address: &str) -> Result<Option<Timestamp>, String> {
    let timeouts = Timeouts::default();
    let http = connections(timeouts).map_err(|error| error.to_string())?;
    let sent = http.get(address).timeout(timeouts.connect * 2).send().await;
    let answer = sent.map_err(|error| aws::client::chain(&error.without_url()))?;
    let date = answer.headers().get("date").and_then(|date| date.to_str().ok());
    Ok(date.and_then(|date| rfc2822::DateTimeParser::new().parse_timestamp(date).ok()))
}

fn clock(dates: &[Timestamp], now: Timestamp) -> Check {
    const NAME: &str = "clock";
    let Some(theirs) = dates.first() else {
        return Check::unknown(NAME, "no answer says what time it is there", "");
    };
    let ahead = now.duration_since(*theirs);
    let told = format!(
        "{} s {} AWS",
        ahead.abs().as_secs(),
        if ahead.is_negative() { "behind" } else { "ahead of" }
    );
    match ahead.abs() {
        off if off >= TOLERATED => {
            let what = "set this machine's clock, for example by NTP: AWS refuses signatures that are five minutes off";
            Check::failed(NAME, told, what)
        }
        off if off >= NOTABLE => Check::ok(NAME, format!("{told}; five minutes are tolerated")),
        _ => Check::ok(NAME, "as AWS's"),
    }
}

/// One read of each family of operations. What is in a space is read of the first one.
async fn families(client: &Client) -> Vec<Check> {
    let spaces = client.call(&ListAgentSpaces { max_results: Some(1), ..ListAgentSpaces::default() }).await;
    let space = spaces
        .as_ref()
        .ok()
        .and_then(|page| page.agent_spaces.first())
        .map(|space| space.agent_space_id.clone());
    if let Err(error) = &spaces
        && error.is_about_credentials()
    {
        return spaces.err().map(|error| refused("ListAgentSpaces", error)).into_iter().collect();
    }
    let services = ListServices { max_results: Some(1), ..ListServices::default() };
    let mut checks = vec![
        called("ListAgentSpaces", spaces),
        called("ListServices", client.call(&services).await),
        called("ListPrivateConnections", client.call(&ListPrivateConnections {}).await),
    ];
    let Some(agent_space_id) = space else {
        let skipped = |name| Check::skipped(name, "there is no agent space to read from");
        checks.extend(["GetOperatorApp", "ListAssociations", "ListAssets", "ListTriggers"].map(skipped));
        return checks;
    };
    let (of, max_results) = (|| agent_space_id.clone(), Some(1));
    let associations = ListAssociations { agent_space_id: of(), max_results, ..ListAssociations::default() };
    let assets = ListAssets { agent_space_id: of(), max_results, ..ListAssets::default() };
    let triggers = ListTriggers { agent_space_id: of(), max_results, ..ListTriggers::default() };
    checks.extend([
        called("GetOperatorApp", client.call(&GetOperatorApp { agent_space_id: of() }).await),
        called("ListAssociations", client.call(&associations).await),
        called("ListAssets", client.call(&assets).await),
        called("ListTriggers", client.call(&triggers).await),
    ]);
    checks
}

/// An operation that reads is allowed if the service answers it; that something doesn't exist is an answer too.
fn called<T>(operation: &str, answer: Result<T, aws::Error>) -> Check {
    match answer {
        Err(error) if !error.is_not_found() => refused(operation, error),
        _ => Check::ok(operation, "allowed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_may_be_off_by_less_than_five_minutes() {
        let now: Timestamp = "2026-01-01T00:10:00Z".parse().unwrap();
        for (theirs, verdict, part) in [
            ("2026-01-01T00:10:30Z", Verdict::Ok, "as AWS's"),
            ("2026-01-01T00:07:00Z", Verdict::Ok, "180 s ahead of AWS"),
            ("2026-01-01T00:05:00Z", Verdict::Failed, "300 s ahead of AWS"),
            ("2026-01-01T00:16:00Z", Verdict::Failed, "360 s behind AWS"),
        ] {
            let check = clock(&[theirs.parse().unwrap()], now);
            assert!(check.verdict == verdict && check.message.contains(part), "{check:?}");
        }
        assert_eq!(clock(&[], now).verdict, Verdict::Unknown);
    }

    #[test]
    fn what_aws_refuses_fails_in_the_operators_words() {
        let none = aws::Error::Credentials { message: "no provider had any".to_owned() };
        let check = called::<()>("ListServices", Err(none));
        assert_eq!(check.verdict, Verdict::Failed);
        assert!(
            check.message.contains("CredentialsUnavailable: no AWS credentials: no provider"),
            "{check:?}"
        );
        assert!(check.what_to_do.contains("no usable AWS credentials"), "{check:?}");
        assert_eq!(called("ListServices", Ok(())).verdict, Verdict::Ok);
    }

    #[tokio::test]
    async fn nothing_behind_an_address_is_told() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let why = answer("http://127.0.0.1:1").await.unwrap_err();
        assert!(why.contains("refused"), "{why}");
    }
}
