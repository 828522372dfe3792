//! Signatures, checked with an independent signer.

#![allow(clippy::unwrap_used, reason = "this is a test")]

mod support;

use serde_json::{Value, json};
use support::{Answer, Client, Lab, serialize, text};

async fn list(lab: &Lab, change: impl FnOnce(&mut Client)) -> Answer {
    let mut client = lab.client.clone();
    change(&mut client);
    client.send(&serialize(&lab.model, "ListAgentSpaces", &json!({}))).await.unwrap()
}

#[tokio::test]
async fn a_good_signature_is_accepted_and_a_bad_one_is_not() {
    let lab = Lab::start().await;
    assert_eq!(list(&lab, |_| {}).await.status, 200);
    for (error, answer) in [
        ("InvalidSignatureException", list(&lab, |client| client.secret = "wrong".into()).await),
        ("InvalidSignatureException", list(&lab, |client| client.service = "s3".into()).await),
        ("UnrecognizedClientException", list(&lab, |client| client.key = "unknown".into()).await),
        ("UnrecognizedClientException", list(&lab, |client| client.token = Some("made up".into())).await),
    ] {
        assert_eq!((answer.status, answer.error.as_str()), (403, error));
    }
}

#[tokio::test]
async fn a_clock_may_be_off_by_a_quarter_of_an_hour() {
    let lab = Lab::start().await;
    for (skew, status) in [(-14 * 60, 200), (14 * 60, 200), (-16 * 60, 403), (16 * 60, 403)] {
        assert_eq!(list(&lab, |client| client.skew = skew).await.status, status, "{skew}");
    }
}

#[tokio::test]
async fn a_request_without_a_whole_signature_says_what_is_missing() {
    let lab = Lab::start().await;
    let url = format!("{}/v1/agentspaces/list", lab.simulator.url());
    assert_eq!(lab.client.plain("POST", &url, &[], String::new()).await.0, 403);
    let half = "AWS4-HMAC-SHA256 Credential=simulator/20260101/us-east-1/aidevops/aws4_request";
    let headers = [("authorization", half.to_owned())];
    assert_eq!(lab.client.plain("POST", &url, &headers, String::new()).await.0, 403);
    let errors: Vec<Option<String>> = lab.simulator.call_log(0).into_iter().map(|call| call.error).collect();
    let expected = ["MissingAuthenticationTokenException", "IncompleteSignatureException"];
    assert_eq!(errors, expected.map(|error| Some(error.to_owned())));
}

#[tokio::test]
async fn a_changed_body_breaks_the_signature() {
    let lab = Lab::start().await;
    let url = format!("{}/v1/agentspaces", lab.simulator.url());
    let host = vec![("host".to_owned(), lab.simulator.address().to_string())];
    let signed = lab.client.sign("POST", &url, &host, br#"{"name":"a"}"#);
    let headers: Vec<(&str, String)> =
        signed.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
    assert_eq!(lab.client.plain("POST", &url, &headers, r#"{"name":"b"}"#.to_owned()).await.0, 403);
    assert_eq!(lab.client.plain("POST", &url, &headers, r#"{"name":"a"}"#.to_owned()).await.0, 201);
}

#[tokio::test]
async fn paths_that_must_be_encoded_twice_verify() {
    let lab = Lab::start().await;
    let space = lab.space().await;
    let content = json!({"file": {"path": "a", "body": {"text": "x"}}});
    let input = json!({"agentSpaceId": space, "assetType": "custom_agent", "metadata": {"name": "a"}, "content": content});
    let asset = text(&lab.call("CreateAsset", input).await.ok()["asset"]["assetId"]);
    for path in ["notes (old)/a b.md", "a.b/c-d_e (1).md"] {
        let input = json!({"agentSpaceId": space, "assetId": asset, "path": path, "content": {"text": path}});
        let made = lab.call("CreateAssetFile", input).await.ok();
        assert_eq!(made["file"]["path"], path);
    }
    let arn = format!("arn:aws:aidevops:us-east-1:123456789012:agentspace/{space}");
    let input = json!({"resourceArn": arn, "tags": {"ä b": "ü@=+-/:"}});
    assert_eq!(lab.call("TagResource", input).await.status, 204);
    let input = json!({"resourceArn": arn, "tagKeys": ["ä b", "none"]});
    assert_eq!(lab.call("UntagResource", input).await.status, 204);
    assert_eq!(lab.call("ListTagsForResource", json!({"resourceArn": arn})).await.ok()["tags"], json!({}));
}

/// Calls STS; gives status and body.
async fn sts(client: &Client, form: &str) -> (u16, String) {
    let request = support::Unsigned {
        method: "POST".into(),
        target: "/".into(),
        headers: vec![("content-type".into(), "application/x-www-form-urlencoded".into())],
        body: form.to_owned(),
    };
    let signer = Client { service: "sts".into(), ..client.clone() };
    let (status, _, body) = signer.raw(&request).await.unwrap();
    (status, body)
}

fn element(xml: &str, name: &str) -> String {
    let (_, rest) = xml.split_once(&format!("<{name}>")).unwrap();
    rest.split_once(&format!("</{name}>")).unwrap().0.to_owned()
}

const ASSUME: &str = "Action=AssumeRole&Version=2011-06-15&RoleSessionName=s&ExternalId=ext-1\
                      &RoleArn=arn%3Aaws%3Aiam%3A%3A999988887777%3Arole%2Foperator";

#[tokio::test]
async fn an_assumed_role_acts_in_its_own_account() {
    let lab = Lab::start().await;
    let (status, xml) = sts(&lab.client, ASSUME).await;
    assert_eq!(status, 200, "{xml}");
    let session = Client {
        key: element(&xml, "AccessKeyId"),
        secret: element(&xml, "SecretAccessKey"),
        token: Some(element(&xml, "SessionToken")),
        ..lab.client.clone()
    };
    let made =
        session.send(&serialize(&lab.model, "CreateAgentSpace", &json!({"name": "other"}))).await.unwrap();
    assert_eq!(made.status, 201);
    assert_eq!(list(&lab, |_| {}).await.body["agentSpaces"], json!([]));
    let state = lab.simulator.state(false);
    assert_eq!(state["accounts"]["999988887777"]["us-east-1"]["agentSpaces"].as_object().unwrap().len(), 1);
    let (_, identity) = sts(&session, "Action=GetCallerIdentity&Version=2011-06-15").await;
    assert_eq!(element(&identity, "Arn"), "arn:aws:sts::999988887777:assumed-role/operator/s");
    let without = session.clone();
    assert_eq!(list(&lab, |client| *client = Client { token: None, ..without }).await.status, 403);
    let call = &lab.simulator.call_log(0)[0];
    assert_eq!((call.operation.as_str(), &call.resource["externalId"]), ("AssumeRole", &json!("ext-1")));
}

#[tokio::test]
async fn assuming_a_role_can_be_denied_and_needs_a_signature() {
    let lab = Lab::start().await;
    assert_eq!(sts(&Client { secret: "wrong".into(), ..lab.client.clone() }, ASSUME).await.0, 403);
    lab.simulator.set_switches(|switches| switches.deny_assume_role = true);
    let (status, xml) = sts(&lab.client, ASSUME).await;
    assert_eq!((status, element(&xml, "Code")), (403, "AccessDenied".to_owned()));
    lab.simulator.set_switches(|switches| switches.deny_assume_role = false);
    let web = format!("{}&WebIdentityToken=t", ASSUME.replace("AssumeRole", "AssumeRoleWithWebIdentity"));
    let (status, answer) = lab.client.plain("POST", &format!("{}/", lab.simulator.url()), &[], web).await;
    assert_eq!((status, answer), (200, Value::Null));
}
