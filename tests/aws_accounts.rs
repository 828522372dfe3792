//! Clients made from the standard settings. These are read from the environment, so each case runs in a process of
//! its own: this test's binary, started again.

#![allow(clippy::unwrap_used, reason = "a test that can not be set up has failed")]

use std::process::Stdio;

use devops_agent_operator::aws::client::fleet::*;
use devops_agent_operator::aws::operations::*;
use devops_agent_test_support::script::{Reply, Request, Service, ok};

/// Tells the process which case it is.
const CASE: &str = "AWS_ACCOUNTS_CASE";

fn sts(request: &Request) -> Reply {
    let xml = if request.body.contains("Action=AssumeRole") {
        "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><AssumedRoleUser>\
         <Arn>arn:aws:sts::210987654321:assumed-role/team/x</Arn><AssumedRoleId>A:x</AssumedRoleId>\
         </AssumedRoleUser><Credentials><AccessKeyId>ASSUMED</AccessKeyId><SecretAccessKey>s</SecretAccessKey>\
         <SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>\
         </AssumeRoleResult></AssumeRoleResponse>"
    } else {
        "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
         <Arn>arn:aws:iam::123456789012:user/x</Arn><UserId>A</UserId><Account>123456789012</Account>\
         </GetCallerIdentityResult></GetCallerIdentityResponse>"
    };
    Reply::Answer(200, vec![("content-type", "text/xml".to_owned())], xml.to_owned())
}

async fn service() -> Service {
    Service::answering(|request| {
        if request.line() == "POST /" { sts(request) } else { ok(r#"{"agentSpaces": [], "items": []}"#) }
    })
    .await
}

/// Runs the case named `case` in a process that has only these settings; what it printed.
async fn run(case: &str, settings: &[(&str, &str)]) -> String {
    let mut command = tokio::process::Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "the_case_that_this_process_was_started_for", "--nocapture"]).env_clear();
    command.env(CASE, case).env("AWS_EC2_METADATA_DISABLED", "true");
    command.envs(settings.iter().copied()).stdin(Stdio::null());
    let output = command.output().await.unwrap();
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    text
}

const KEYS: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "BASE"), ("AWS_SECRET_ACCESS_KEY", "hush")];

#[tokio::test]
async fn the_case_that_this_process_was_started_for() {
    let Ok(case) = std::env::var(CASE) else { return };
    let mut settings = AccountSettings::default();
    let mut options = FactoryOptions::default();
    match case.as_str() {
        "role" => {
            settings.key = "team".to_owned();
            settings.region = Some("eu-west-1".to_owned());
            settings.assume_role = Some(AssumeRole {
                role_arn: "arn:aws:iam::210987654321:role/team".to_owned(),
                external_id: Some("ext-1".to_owned()),
                session_name: None,
            });
        }
        "flag" => options.region = Some("ap-southeast-2".to_owned()),
        _ => {}
    }
    let factory = ClientFactory::load(options).await.unwrap();
    let client = match factory.client(&settings).await {
        Ok(client) => client,
        Err(error) => return println!("error={error}"),
    };
    println!("client={client:?}");
    if case == "look" || case == "flag" {
        return;
    }
    client.list_all(ListAgentSpaces::default()).await.unwrap();
    let again = factory.client(&settings).await.unwrap();
    again.list_all(ListServices::default()).await.unwrap();
    println!("arn={}", again.arn("service/x").await.unwrap());
    again.arn("service/y").await.unwrap();
}

#[tokio::test]
async fn keys_and_the_endpoint_come_from_the_environment_and_sts_tells_the_account_once() {
    let service = service().await;
    let url = service.url();
    let said =
        run("base", &[&KEYS[..], &[("AWS_REGION", "us-west-2"), ("AWS_ENDPOINT_URL", &url)]].concat()).await;
    assert!(said.contains("arn=arn:aws:aidevops:us-west-2:123456789012:service/x"), "{said}");
    assert_eq!(
        service.lines(),
        ["POST /v1/agentspaces/list?maxResults=100", "POST /v1/services/list?maxResults=100", "POST /"]
    );
    let authorization = service.requests()[0].header("authorization").unwrap().to_owned();
    assert!(authorization.contains("Credential=BASE/") && authorization.contains("/us-west-2/aidevops/"));
    assert!(!said.contains("hush"), "{said}");
}

#[tokio::test]
async fn a_role_is_assumed_once_and_its_arn_tells_the_account() {
    let service = service().await;
    let url = service.url();
    let said =
        run("role", &[&KEYS[..], &[("AWS_REGION", "us-west-2"), ("AWS_ENDPOINT_URL", &url)]].concat()).await;
    assert!(said.contains("arn=arn:aws:aidevops:eu-west-1:210987654321:service/x"), "{said}");
    let requests = service.requests();
    let lines: Vec<_> = requests.iter().map(Request::line).collect();
    assert_eq!(
        lines,
        ["POST /", "POST /v1/agentspaces/list?maxResults=100", "POST /v1/services/list?maxResults=100"]
    );
    assert!(requests[0].body.contains("ExternalId=ext-1"), "{}", requests[0].body);
    assert!(requests[0].body.contains("RoleSessionName=devops-agent-operator"), "{}", requests[0].body);
    assert!(requests[0].header("authorization").unwrap().contains("Credential=BASE/"));
    assert!(requests[1].header("authorization").unwrap().contains("Credential=ASSUMED/"));
}

#[tokio::test]
async fn the_services_own_endpoint_setting_wins_and_sts_keeps_its_own() {
    let own = service().await;
    let general = service().await;
    let (own_url, general_url) = (own.url(), general.url());
    let settings = [
        ("AWS_REGION", "us-west-2"),
        ("AWS_ENDPOINT_URL", &general_url),
        ("AWS_ENDPOINT_URL_DEVOPS_AGENT", &own_url),
    ];
    run("base", &[&KEYS[..], &settings].concat()).await;
    assert_eq!(own.requests().len(), 2);
    assert_eq!(general.lines(), ["POST /"]);
}

#[tokio::test]
async fn configured_endpoints_may_be_ignored_and_fips_has_its_own() {
    let settings = [
        ("AWS_REGION", "us-west-2"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
        ("AWS_ENDPOINT_URL_DEVOPS_AGENT", "http://127.0.0.1:1"),
    ];
    let ignored = ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true");
    let fips = ("AWS_USE_FIPS_ENDPOINT", "true");
    let said = run("look", &[&KEYS[..], &settings, &[ignored]].concat()).await;
    assert!(said.contains("https://cp.aidevops.us-west-2.api.aws"), "{said}");
    let said = run("look", &[&KEYS[..], &settings, &[ignored, fips]].concat()).await;
    assert!(said.contains("https://dp.aidevops-fips.us-west-2.api.aws"), "{said}");
    let said = run("look", &[&KEYS[..], &settings, &[fips]].concat()).await;
    assert!(said.contains("error=a custom endpoint can't be combined with FIPS"), "{said}");
}

#[tokio::test]
async fn the_region_must_be_known() {
    let said = run("look", &KEYS).await;
    assert!(said.contains("error=no AWS region"), "{said}");
    let said = run("flag", &KEYS).await;
    assert!(said.contains("https://cp.aidevops.ap-southeast-2.api.aws"), "{said}");
}

#[tokio::test]
async fn a_profile_names_the_region_the_keys_and_the_endpoint() {
    let service = service().await;
    let file = std::env::temp_dir().join(format!("aws-accounts-{}", std::process::id()));
    let profile = format!(
        "[profile team]\nregion = eu-central-1\naws_access_key_id = FILE\naws_secret_access_key = hush\n\
         services = local\n[services local]\ndevops_agent =\n  endpoint_url = {url}\nsts =\n  endpoint_url = {url}\n",
        url = service.url()
    );
    std::fs::write(&file, profile).unwrap();
    let path = file.to_str().unwrap();
    let said = run("base", &[("AWS_CONFIG_FILE", path), ("AWS_PROFILE", "team")]).await;
    std::fs::remove_file(&file).unwrap();
    assert!(said.contains("arn=arn:aws:aidevops:eu-central-1:123456789012:service/x"), "{said}");
    assert!(service.requests()[0].header("authorization").unwrap().contains("Credential=FILE/"));
}
