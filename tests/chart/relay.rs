//! The relay of the page about webhooks, as Alertmanager uses it.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use devops_agent_simulator::Running;
use serde_json::{Value, json};

use super::cluster::{block_on, wait_until};
use super::reader::Reader;

/// Ends with the test.
struct Relay(Child);

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An alert that is rejected stops no other, and a group that is sent again repeats none.
pub fn forwards_every_alert(reader: &Reader, aws: &Running) {
    let script = reader.run("relay", "kubectl get configmap incident-relay -o jsonpath='{.data.relay\\.py}'");
    // The last thing that the page does is to rotate the webhook.
    let rotated = "jsonpath='{.status.webhook.rotation}'=2026-12";
    reader.run(
        "rotated",
        &format!("kubectl wait association checkout-incidents --timeout=60s --for={rotated}"),
    );
    reader.run("ready", "kubectl wait association checkout-incidents --timeout=60s --for=condition=Ready");
    let secret = reader.run(
        "relay-secret",
        "kubectl get secret checkout-incidents -o json | jq '.data | map_values(@base64d)'",
    );
    let secret: BTreeMap<String, String> = serde_json::from_str(&secret).expect("jq prints JSON");
    let folder = reader.work().join("relay");
    fs::create_dir_all(&folder).expect("a folder can be made");
    for (key, value) in &secret {
        fs::write(folder.join(key), value).expect("a file can be written");
    }
    let program = reader.work().join("relay.py");
    fs::write(&program, script).expect("a file can be written");
    let port =
        TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port is free").port();
    let child = Command::new("python3")
        .arg(&program)
        .env("WEBHOOK", &folder)
        .env("PORT", port.to_string())
        .env("NO_PROXY", "127.0.0.1")
        .stdin(Stdio::null())
        .spawn()
        .expect("python3 can be started");
    let _relay = Relay(child);

    let alert = |name: &str, status: &str| {
        json!({
            "fingerprint": name, "startsAt": "2026-01-02T03:04:05Z", "status": status,
            "labels": {"alertname": name, "severity": "critical", "service": "checkout"},
            "annotations": {"summary": format!("{name} fires"), "description": "What it means"},
        })
    };
    // The one in the middle has no time, so no incident can be made of it.
    let mut broken = alert("Broken", "firing");
    broken["startsAt"].take();
    let group = json!({"alerts": [alert("First", "firing"), broken, alert("Last", "firing")]});
    let before = incidents(aws).len();
    assert_eq!(notify(port, &group), 502, "Alertmanager is to try again");
    assert_eq!(notify(port, &group), 502);
    let arrived = incidents(aws).split_off(before);
    let titles: Vec<&Value> = arrived.iter().map(|incident| &incident["title"]).collect();
    assert_eq!(titles, ["First fires", "Last fires"], "each once");
    assert_eq!(arrived[0]["priority"], "CRITICAL");
    assert_eq!(arrived[0].to_string().matches("What it means").count(), 1);
    assert_eq!(notify(port, &json!({"alerts": [alert("First", "resolved")]})), 200);
    assert_eq!(incidents(aws).last().map(|incident| incident["action"].clone()), Some(json!("resolved")));
}

/// The bodies of all incidents that the simulated AWS has accepted.
fn incidents(aws: &Running) -> Vec<Value> {
    let answer: Vec<Value> = block_on(async {
        let answer = reqwest::get(format!("{}/_simulator/incidents", aws.url())).await.expect("an answer");
        serde_json::from_str(&answer.text().await.expect("text")).expect("incidents are JSON")
    });
    answer.into_iter().map(|mut incident| incident["body"].take()).collect()
}

/// Sends what Alertmanager would; gives the status of the answer.
fn notify(port: u16, group: &Value) -> u16 {
    block_on(wait_until("the relay answers", async || {
        let client = reqwest::Client::builder().no_proxy().build().ok()?;
        let request = client.post(format!("http://127.0.0.1:{port}/")).body(group.to_string());
        request.send().await.ok().map(|answer| answer.status().as_u16())
    }))
}
