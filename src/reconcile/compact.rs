//! What is kept of objects and of AWS's resources, compressed: there may be ten thousand, and most are looked at once in
//! ten minutes.
//!
//! A text of a thousand bytes is too short to be compressed by itself: most of it is names that it has in common with the
//! others. They are in a dictionary.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// What texts of objects and resources have in common. Any text would do; nothing is stored longer than the process
/// lives.
const DICTIONARY: &[u8] = br#""description":"","locale":"en-US","kmsKeyArn":"arn:aws:kms:","metadata":{"skill_type":
"preferences":{"elevatedActionsEnabled":false},"privateConnectionName":"","additionalServiceDetails":{},"serviceType":"
"configuration":{"sourceAws":{"accountId":"","accountType":"source","assumableRoleArn":"arn:aws:iam::"}},"type":"schedule"
"action":{"actionType":"investigate","task":{"agent":"on-demand"}},"condition":{"schedule":{"expression":"rate(1 day)"}}
"status":"ACTIVE","status":"valid","capabilities":{},"webhook":{"id":"","url":"https://","type":"apikey"},"serviceId":"
"assetType":"skill","assetId":"","triggerId":"","associationId":"","agentSpaceId":"","version":1,"name":"
"createdAt":"2026-01-01T00:00:00.000Z","updatedAt":"2026-01-01T00:00:00.000Z"},"createdAt":1790000000.0,"updatedAt":
{"apiVersion":"devopsagent.dev/v1alpha1","kind":"ServiceRegistration","kind":"PrivateConnection","kind":"AgentSpace",
"kind":"Association","kind":"Trigger","kind":"Asset","metadata":{"annotations":{"devopsagent.dev/","labels":{
"app.kubernetes.io/name":"","app.kubernetes.io/managed-by":"","creationTimestamp":"2026-01-01T00:00:00Z",
"finalizers":["devopsagent.dev/cleanup"],"generation":1,"name":"","namespace":"","resourceVersion":"","uid":"
"spec":{"managementPolicy":"Manage","deletionPolicy":"Delete","adoptionPolicy":"Refuse","changePolicy":"Automatic",
"accountRef":{"name":""},"agentSpaceRef":{"name":""},"assetRef":{"name":""},"serviceRef":{"name":""},"suspended":false,
"content":{"files":[{"path":"SKILL.md","text":"---\nname: \ndescription: \n---\n"}]},"tags":{},"secretKeyRef":{"name":"","key":"
"status":{"observedGeneration":1,"conditions":[{"lastTransitionTime":"2026-01-01T00:00:00Z","message":"",
"observedGeneration":1,"reason":"Available","status":"True","type":"Ready"},{"lastTransitionTime":"2026-01-01T00:00:00Z",
"message":"","observedGeneration":1,"reason":"Available","status":"True","type":"Synced"}],"id":"","account":"",
"accountId":"","region":"us-east-1","fingerprint":{"keyId":"","hash":""},"proof":{"keyId":"","hash":""},
"ownedFields":["/action/actionType","/schedule/expression"],"tagKeys":["devopsagent.dev/"],"agentSpaceId":"","files":1}"#;

/// How many bytes a text may have.
const LONGEST: usize = 64 << 20;

/// Writes a value as JSON and compresses it. None if it can't be written as JSON, which what was read from JSON always can.
pub fn pack(value: &impl Serialize) -> Option<Box<[u8]>> {
    let text = serde_json::to_vec(value).ok()?;
    let length = u32::try_from(text.len()).ok().filter(|length| *length as usize <= LONGEST)?;
    let packed = lz4_flex::block::compress_with_dict(&text, DICTIONARY);
    Some([&length.to_le_bytes(), packed.as_slice()].concat().into())
}

/// The value that was packed; none if it was of another type.
pub fn unpack<T: DeserializeOwned>(packed: &[u8]) -> Option<T> {
    let (length, packed) = packed.split_first_chunk()?;
    let length = u32::from_le_bytes(*length) as usize;
    let text = lz4_flex::block::decompress_with_dict(packed, length, DICTIONARY).ok()?;
    serde_json::from_slice(&text).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    proptest! {
        #[test]
        fn what_comes_out_is_what_went_in(texts in proptest::collection::vec(".{0,300}", 0..20)) {
            let packed = pack(&texts).unwrap();
            prop_assert_eq!(unpack::<Vec<String>>(&packed), Some(texts));
        }
    }

    #[test]
    fn an_object_takes_less_than_half_of_its_text() {
        let condition = |type_| {
            json!({
                "lastTransitionTime": "2026-11-26T11:47:50Z", "message": "", "observedGeneration": 3, "reason": "Available",
                "status": "True", "type": type_,
            })
        };
        let object = json!({
            "apiVersion": "devopsagent.dev/v1alpha1", "kind": "Trigger",
            "metadata": {
                "creationTimestamp": "2026-11-26T11:47:50Z", "finalizers": ["devopsagent.dev/cleanup"], "generation": 3,
                "name": "every-morning", "namespace": "team-payments", "resourceVersion": "18273645",
                "uid": "3080fb7f-e1d6-4778-8cc0-f7227bef4238",
            },
            "spec": {
                "managementPolicy": "Manage", "deletionPolicy": "Delete", "adoptionPolicy": "Refuse",
                "agentSpaceRef": {"name": "payments"}, "schedule": {"expression": "cron(0 8 * * ? *)"},
            },
            "status": {
                "observedGeneration": 3, "conditions": [condition("Ready"), condition("Synced")],
                "id": "21102f52-c672-48c0-b993-7e7540879a2f", "account": "production", "accountId": "123456789012",
                "proof": {"keyId": "k1", "hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"},
            },
        });
        let (text, packed) = (object.to_string(), pack(&object).unwrap());
        assert!(packed.len() * 2 < text.len(), "{} of {} bytes", packed.len(), text.len());
        assert_eq!(unpack::<Value>(&packed), Some(object));
        assert_eq!(unpack::<Value>(&packed[..packed.len() / 2]), None);
        assert_eq!(unpack::<Value>(&[]), None);
        assert_eq!(unpack::<u32>(&packed), None, "it is no number");
    }
}
