//! Asset: metadata and every form of content.

use std::io::Write;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::fixtures::SPACE;
use crate::harness::{Handle, Test, run, text, wait_until};

async fn skill(t: &Test, content: &Value) -> Handle {
    t.apply(SPACE).await;
    asset(
        t,
        "skill",
        &json!({"name": "runbook", "description": "What to do", "agent_types": ["GENERIC"]}),
        content,
    )
    .await
}

async fn asset(t: &Test, kind: &str, metadata: &Value, content: &Value) -> Handle {
    let spec = json!({"agentSpaceRef": {"name": "space"}, "assetType": kind, "metadata": metadata, "content": content});
    t.apply(&json!({"kind": "Asset", "metadata": {"name": "asset"}, "spec": spec}).to_string()).await
}

/// The files of the only asset by path: their content as the API has it.
fn files(t: &Test) -> Value {
    let files = t.only("asset")["files"].take();
    let files = files.as_object().unwrap().iter();
    files.map(|(path, file)| (path.clone(), file["content"].clone())).collect()
}

async fn files_become(t: &Test, wanted: &Value) {
    wait_until(format!("the files are {wanted}"), async || (files(t) == *wanted).then_some(())).await;
}

fn zip(files: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (path, text) in files {
        writer.start_file(*path, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(text.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

const SKILL_FILE: &str = "---\nname: unpacked\ndescription: From the archive\n---\nDo this.\n";

#[test]
fn files_come_from_text_base64_secrets_and_config_maps() {
    run(async |t| {
        t.secret("notes", &[("note", "from a Secret")]).await;
        t.apply("{kind: ConfigMap, metadata: {name: notes}, data: {note: from a ConfigMap}}").await;
        let content = json!({"files": [
            {"path": "SKILL.md", "text": "# Do this\n"},
            {"path": "assets/logo (1).bin", "base64": BASE64_STANDARD.encode([0xff, 0x00, 0x80])},
            {"path": "notes/secret.md", "secretKeyRef": {"name": "notes", "key": "note"}},
            {"path": "notes/map.md", "configMapKeyRef": {"name": "notes", "key": "note"}},
        ]});
        let skill = skill(t, &content).await;
        let object = skill.ready().await;
        assert_eq!(
            files(t),
            json!({
                "SKILL.md": {"text": "# Do this\n"},
                "assets/logo (1).bin": {"bytes": "/wCA"},
                "notes/secret.md": {"text": "from a Secret"},
                "notes/map.md": {"text": "from a ConfigMap"},
            })
        );
        assert_eq!(object["status"]["files"], 4);
        assert_eq!(object["status"]["version"], t.only("asset")["version"]);
        assert_eq!(
            t.mutations(),
            ["CreateAgentSpace", "CreateAsset", "CreateAssetFile", "CreateAssetFile", "CreateAssetFile"]
        );
        let mark = t.mark();
        skill.reconcile().await;
        assert_eq!(t.mutations_since(mark), Vec::<String>::new());
        // A changed ConfigMap and a changed Secret reach AWS at once.
        t.apply("{kind: ConfigMap, metadata: {name: notes}, data: {note: changed}}").await;
        wait_until("the file changes", async || {
            (files(t)["notes/map.md"]["text"] == "changed").then_some(())
        })
        .await;
        t.secret("notes", &[("note", "changed, too")]).await;
        wait_until("the file changes", async || {
            (files(t)["notes/secret.md"]["text"] == "changed, too").then_some(())
        })
        .await;
        skill.ready().await;
    });
}

#[test]
fn files_are_added_changed_and_removed_one_by_one() {
    run(async |t| {
        let skill = skill(
            t,
            &json!({"files": [{"path": "SKILL.md", "text": "one"}, {"path": "old.md", "text": "old"}]}),
        )
        .await;
        let id = text(&skill.ready().await, "/status/id").to_owned();
        let mark = t.mark();
        let content =
            json!({"files": [{"path": "SKILL.md", "text": "two"}, {"path": "new.md", "text": "new"}]});
        skill.patch(json!({"spec": {"content": content}})).await;
        files_become(t, &json!({"SKILL.md": {"text": "two"}, "new.md": {"text": "new"}})).await;
        assert_eq!(skill.ready().await["status"]["id"], id.as_str());
        let mut calls = t.mutations_since(mark);
        calls.sort();
        assert_eq!(calls, ["CreateAssetFile", "DeleteAssetFile", "UpdateAssetFile"]);
    });
}

#[test]
fn a_config_map_gives_a_file_for_each_key_and_is_followed() {
    run(async |t| {
        let map =
            "{kind: ConfigMap, metadata: {name: runbook}, data: {SKILL.md: do this, more.md: and that}}";
        let skill = skill(t, &json!({"configMapRef": {"name": "runbook"}})).await;
        let message = skill.condition("Ready", "False", "InputNotFound").await;
        assert!(message.contains("ConfigMap") && message.contains("runbook"), "{message}");
        t.apply(map).await;
        skill.ready().await;
        assert_eq!(files(t), json!({"SKILL.md": {"text": "do this"}, "more.md": {"text": "and that"}}));
        t.apply("{kind: ConfigMap, metadata: {name: runbook}, data: {SKILL.md: do that}}").await;
        files_become(t, &json!({"SKILL.md": {"text": "do that"}})).await;
        skill.ready().await;
    });
}

#[test]
fn an_archive_is_unpacked_by_aws() {
    run(async |t| {
        let archive = BASE64_STANDARD.encode(zip(&[("SKILL.md", SKILL_FILE), ("more/a b.md", "more")]));
        let map = json!({"kind": "ConfigMap", "metadata": {"name": "archive"}, "binaryData": {"skill.zip": archive}});
        t.apply(&map.to_string()).await;
        t.apply(SPACE).await;
        let content = json!({"zip": {"configMapKeyRef": {"name": "archive", "key": "skill.zip"}}});
        let skill = asset(t, "skill", &json!({"agent_types": ["CHAT", "INCIDENT_RCA"]}), &content).await;
        skill.ready().await;
        assert_eq!(files(t), json!({"SKILL.md": {"text": SKILL_FILE}, "more/a b.md": {"text": "more"}}));
        assert_eq!(t.only("asset")["metadata"]["name"], "unpacked");
        let mark = t.mark();
        skill.reconcile().await;
        assert_eq!(t.mutations_since(mark), Vec::<String>::new());
        let archive = BASE64_STANDARD.encode(zip(&[("SKILL.md", SKILL_FILE)]));
        let map = json!({"kind": "ConfigMap", "metadata": {"name": "archive"}, "binaryData": {"skill.zip": archive}});
        t.apply(&map.to_string()).await;
        files_become(t, &json!({"SKILL.md": {"text": SKILL_FILE}})).await;
        skill.ready().await;
        assert_eq!(t.mutations_since(mark), ["UpdateAsset"]);
    });
}

#[test]
fn what_is_no_archive_is_told() {
    run(async |t| {
        t.secret("archive", &[("skill.zip", "no zip")]).await;
        let skill =
            skill(t, &json!({"zip": {"secretKeyRef": {"name": "archive", "key": "skill.zip"}}})).await;
        let message = skill.condition("Ready", "False", "InputInvalid").await;
        assert!(message.contains("spec.content.zip"), "{message}");
    });
}

#[test]
fn aws_fetches_from_an_address_once() {
    run(async |t| {
        t.apply(SPACE).await;
        t.apply("{kind: ServiceRegistration, metadata: {name: github}, spec: {existing: {match: {serviceType: github}}}}").await;
        t.apply(
            "{kind: Association, metadata: {name: repo}, spec: {agentSpaceRef: {name: space}, serviceRef: {name: github},
              configuration: {github: {repoName: shop, repoId: '1', owner: example-org, ownerType: organization}}}}",
        )
        .await
        .ready()
        .await;
        let skill = asset(
            t,
            "skill",
            &json!({"agent_types": ["GENERIC"]}),
            &json!({"sourceUrl": "https://github.com/example-org/shop/tree/main/runbook"}),
        )
        .await;
        skill.ready().await;
        assert_eq!(t.only("asset")["metadata"]["name"], "runbook");
        let mark = t.mark();
        skill.reconcile().await;
        assert_eq!(t.mutations_since(mark), Vec::<String>::new());
        skill.patch(json!({"spec": {"content": {"sourceUrl": "https://github.com/example-org/shop/tree/main/other"}}})).await;
        wait_until("AWS fetches again", async || {
            (t.only("asset")["metadata"]["name"] == "other").then_some(())
        })
        .await;
        skill.ready().await;
        assert_eq!(t.mutations_since(mark), ["UpdateAsset"]);
        // The spec has no name: it is found by the address.
        let mark = t.mark();
        let id = skill.id().await;
        let (mut again, paused) = (skill.get().await, json!({"devopsagent.dev/paused": ""}));
        skill.patch(json!({"metadata": {"annotations": paused, "finalizers": null}})).await;
        skill.delete_and_wait().await;
        again["metadata"] = json!({"name": "asset"});
        let again = t.apply(&again.to_string()).await;
        assert_eq!(text(&again.ready().await, "/status/id"), id);
        assert_eq!(t.mutations_since(mark), Vec::<String>::new());
        again.lose_status().await;
        again.delete_and_wait().await;
        assert!(t.remotes("asset").is_empty());
    });
}

#[test]
fn every_type_of_asset_round_trips() {
    run(async |t| {
        t.apply(SPACE).await;
        let content = json!({"files": [{"path": "content.md", "text": "x"}]});
        for (kind, metadata) in [
            (
                "skill",
                json!({"name": "a-skill", "description": "d", "agent_types": ["CHAT"], "status": "INACTIVE"}),
            ),
            ("agents_md", json!({"agent_type": "INCIDENT_TRIAGE"})),
            ("attachment", json!({"filename": "a.pdf", "extension": "pdf", "size": 1})),
            (
                "custom_agent",
                json!({"name": "an-agent", "tools": ["use_aws"], "skills": ["a-skill"], "memory_stores": ["store"]}),
            ),
            ("memory_store", json!({"name": "Our store", "description": "d", "agent_types": ["GENERIC"]})),
            (
                "test_profile",
                json!({"test_agent_type": "releaseUiTesting", "target_url": "https://staging.example.com", "test_personas": ["guest"], "description": "d"}),
            ),
        ] {
            let asset = asset(t, kind, &metadata, &content).await;
            let object = asset.ready().await;
            let remote = t.only("asset");
            assert_eq!(remote["assetType"], kind);
            assert_eq!(object["status"]["id"], remote["assetId"]);
            for (key, value) in metadata.as_object().unwrap() {
                assert_eq!(&remote["metadata"][key], value, "{kind}: {key}");
            }
            let mark = t.mark();
            asset.reconcile().await;
            assert_eq!(t.mutations_since(mark), Vec::<String>::new());
            asset.delete_and_wait().await;
            assert!(t.remotes("asset").is_empty());
        }
    });
}

#[test]
fn a_memory_refers_to_its_store() {
    run(async |t| {
        t.apply(SPACE).await.ready().await;
        let memory = "{kind: Asset, metadata: {name: memory}, spec: {agentSpaceRef: {name: space}, assetType: memory, memoryStoreRef: {name: store},
                       metadata: {name: services/checkout, description: d}, content: {files: [{path: m.md, text: x}]}}}";
        let memory = t.apply(memory).await;
        let message = memory.condition("Ready", "False", "DependencyNotFound").await;
        assert!(message.contains("memoryStoreRef"), "{message}");
        let store = "{kind: Asset, metadata: {name: store}, spec: {agentSpaceRef: {name: space}, assetType: memory_store,
                      metadata: {name: store, description: d, agent_types: [GENERIC]}, content: {files: [{path: s.md, text: x}]}}}";
        let store = t.apply(store).await;
        let id = text(&store.ready().await, "/status/id").to_owned();
        memory.ready().await;
        let memories = t.remotes("asset");
        assert!(memories.iter().any(|asset| asset["metadata"]["memory_store_id"] == id.as_str()));
        store.delete().await;
        store.condition("Ready", "False", "DeletionBlocked").await;
        memory.delete_and_wait().await;
        store.gone().await;
    });
}

#[test]
fn drift_of_content_is_corrected_and_told_without_it() {
    run(async |t| {
        let skill = skill(t, &json!({"files": [{"path": "SKILL.md", "text": "right"}]})).await;
        let id = text(&skill.ready().await, "/status/id").to_owned();
        let space = t.handle("AgentSpace", "space").id().await;
        let file = |path: &str, text: &str| json!({"agentSpaceId": space, "assetId": id, "path": path, "content": {"text": text}});
        t.invoke("UpdateAssetFile", file("SKILL.md", "wrong")).await;
        t.invoke("CreateAssetFile", file("extra.md", "extra")).await;
        skill.reconcile().await;
        skill.ready().await;
        assert_eq!(files(t), json!({"SKILL.md": {"text": "right"}}));
        let note = skill.event_with("UpdatedExternalResource", "SKILL.md").await;
        assert!(!note.contains("wrong") && !note.contains("right"), "{note}");
        skill.event_with("UpdatedExternalResource", "extra.md").await;
    });
}

#[test]
fn metadata_of_others_is_left_alone() {
    run(async |t| {
        let skill = skill(t, &json!({"files": [{"path": "SKILL.md", "text": "x"}]})).await;
        let id = text(&skill.ready().await, "/status/id").to_owned();
        t.mutate("asset", &id, json!({"metadata": {"theirs": "x"}})).await;
        let mark = t.mark();
        skill.reconcile().await;
        assert_eq!(t.mutations_since(mark), Vec::<String>::new());
        skill.patch(json!({"spec": {"metadata": {"description": "Another"}}})).await;
        skill.ready().await;
        let metadata = t.only("asset")["metadata"].clone();
        assert_eq!((&metadata["theirs"], &metadata["description"]), (&json!("x"), &json!("Another")));
    });
}

#[test]
fn a_large_file_makes_the_way() {
    run(async |t| {
        let large = "0123456789abcde\n".repeat(60_000);
        let skill = skill(t, &json!({"files": [{"path": "SKILL.md", "text": large}]})).await;
        skill.ready().await;
        assert_eq!(files(t)["SKILL.md"]["text"].as_str().map(str::len), Some(large.len()));
    });
}
