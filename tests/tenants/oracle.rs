//! Fingerprints: who may view another's object can't try guesses in a namespace of her own.

use serde_json::{Value, json};

use crate::world::{World, attack};

const PEM: &str = "-----BEGIN CERTIFICATE-----\\nfirst\\n-----END CERTIFICATE-----\\n";

/// Everything of which a hash is kept, with the secret in the Secret `guess`.
fn hashed() -> Vec<(&'static str, String)> {
    let mcp = "name: pin, service: {mcpserver: {name: pin, endpoint: 'https://pin.example.com/mcp', authorizationConfig:
        {bearerToken: {tokenName: t, tokenValue: {secretKeyRef: {name: guess, key: token}}}}}}";
    let idp = "name: Pin, operatorApp: {idp: {roleArn: 'arn:aws:iam::123456789012:role/App', issuerUrl: 'https://x.example.com',
        clientId: c, provider: okta, clientSecretRef: {name: guess, key: token}}}";
    let connection = "name: pin, mode: {selfManaged: {resourceConfigurationId: rcfg-0123456789abcdef0,
        certificate: {secretKeyRef: {name: guess, key: pem}}}}";
    vec![
        ("ServiceRegistration", mcp.to_owned()),
        ("AgentSpace", idp.to_owned()),
        ("PrivateConnection", connection.to_owned()),
    ]
}

/// Every hash in a status.
fn hashes(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(text) if name == "hash" => found.push(text.clone()),
                    _ => hashes(member, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| hashes(item, found)),
        _ => {}
    }
}

async fn secret(w: &World<'_>, mallorys: bool) {
    let person = if mallorys { &w.mallory } else { &w.victim };
    person.secret("guess", &[("token", "hunter2"), ("pem", &PEM.replace("\\n", "\n"))]).await;
}

/// Another AWS account, in which what Mallory makes is in nobody's way: its name, and its number.
async fn other_account(w: &World<'_>) -> (String, String) {
    let (name, number) = (format!("{}-other", w.t.namespace), format!("9{}", &w.t.account[1..]));
    let account = w.t.account_yaml().replace(&format!("name: {}", w.t.namespace), &format!("name: {name}"));
    w.t.apply(&account.replace(&w.t.account, &number)).await.ready().await;
    (name, number)
}

#[test]
fn equal_secrets_have_different_hashes_in_different_namespaces_and_names() {
    attack(async |w| {
        let (other, _) = other_account(w).await;
        secret(w, false).await;
        secret(w, true).await;
        for (kind, spec) in hashed() {
            let mut all = Vec::new();
            let victims = format!("{{kind: {kind}, metadata: {{name: pin}}, spec: {{{spec}}}}}");
            let object = w.victim.apply(&victims).await.ready().await;
            hashes(&object["status"], &mut all);
            assert!(!all.is_empty(), "{kind}: there is a hash to guess: {object:#}");
            let victims_count = all.len();
            let guess = format!(
                "{{kind: {kind}, metadata: {{name: pin}}, spec: {{accountRef: {{name: {other}}}, {spec}}}}}"
            );
            let object = w.mallory.apply(&guess).await;
            hashes(&object.ready().await["status"], &mut all);
            assert!(all.len() > victims_count, "{kind}");
            object.delete_and_wait().await;
            // Nor can the names of her own objects be compared.
            let again = guess.replace("metadata: {name: pin}", "metadata: {name: other}");
            let object = w.mallory.apply(&again).await;
            hashes(&object.ready().await["status"], &mut all);
            object.delete_and_wait().await;
            let count = all.len();
            all.sort_unstable();
            all.dedup();
            assert_eq!(all.len(), count, "{kind}: equal input has equal hashes");
        }
        w.t.handle("AWSAccount", &other).delete().await;
    });
}

#[test]
fn a_guess_whose_create_is_refused_tells_nothing_either() {
    attack(async |w| {
        let (other, number) = other_account(w).await;
        secret(w, false).await;
        secret(w, true).await;
        let (kind, spec) = &hashed()[0];
        let yaml = |more: &str| format!("{{kind: {kind}, metadata: {{name: pin}}, spec: {{{more}{spec}}}}}");
        let victims = w.victim.apply(&yaml("")).await.ready().await;
        let (mut known, mut seen) = (Vec::new(), Vec::new());
        hashes(&victims["status"], &mut known);
        let fault = json!({"account": number, "operation": "RegisterService", "effect": "error", "error": "AccessDeniedException", "times": 0});
        w.t.shared.simulator.add_fault(serde_json::from_value(fault).expect("the rule is well formed"));
        let guess = w.mallory.apply(&yaml(&format!("accountRef: {{name: {other}}}, "))).await;
        guess.condition("Ready", "False", "AccessDenied").await;
        hashes(&guess.get().await["status"], &mut seen);
        assert!(!seen.is_empty(), "there is a hash to compare");
        assert!(known.iter().all(|hash| !seen.contains(hash)), "{seen:?}");
        guess.delete_and_wait().await;
        w.t.handle("AWSAccount", &other).delete().await;
    });
}

#[test]
fn a_restored_object_keeps_its_hash() {
    attack(async |w| {
        secret(w, false).await;
        for (kind, spec) in hashed() {
            let yaml = format!(
                "{{kind: {kind}, metadata: {{name: pin}}, spec: {{deletionPolicy: Retain, {spec}}}}}"
            );
            let object = w.victim.apply(&yaml).await;
            let (mut before, mut after) = (Vec::new(), Vec::new());
            let status = object.ready().await["status"].clone();
            hashes(&status["fingerprint"], &mut before);
            object.delete_and_wait().await;
            let object =
                w.victim.apply(&yaml.replace("deletionPolicy: Retain", "adoptionPolicy: Adopt")).await;
            hashes(&object.ready().await["status"]["fingerprint"], &mut after);
            assert_eq!(after, before, "{kind}");
        }
    });
}
