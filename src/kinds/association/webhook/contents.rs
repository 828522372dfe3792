//! What a webhook's Secret should have, what it has, and where the two differ. Pure.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use secrecy::ExposeSecret;
use serde_json::json;

use crate::api::association::{SecretTemplate, WebhookStatus};
use crate::reconcile::inputs::output_secret::{ABOUT, Held, MANAGED_BY};
use crate::reconcile::kind::{OutputSecret, Shown, Stale};
use crate::reconcile::state::fingerprint::{ObjectFingerprints, Print};

use super::template::{self, Writing};

/// Annotation with the webhook's id.
const WEBHOOK_ID: &str = "devopsagent.dev/webhook-id";
/// Annotation that says when the webhook was issued.
const ISSUED_AT: &str = "devopsagent.dev/issued-at";

/// Where an association is.
#[derive(Clone, Debug, Default)]
pub struct Place {
    pub space_id: String,
    pub association_id: String,
    pub region: String,
}

impl Place {
    /// The values of the documented keys for an existing webhook, except its secret.
    pub fn facts(
        &self,
        id: Option<&str>,
        url: Option<&str>,
        kind: Option<&str>,
    ) -> BTreeMap<&'static str, String> {
        let auth_version = match kind {
            Some("apikey") => Some("bearer_v2"),
            Some("hmac") | None => Some("hmac_v1"),
            Some(_) => None,
        };
        let facts = [
            ("url", url),
            ("id", id),
            ("type", kind),
            ("authVersion", auth_version),
            ("agentSpaceId", Some(self.space_id.as_str())),
            ("associationId", Some(self.association_id.as_str())),
            ("region", Some(self.region.as_str())),
        ];
        facts.into_iter().filter_map(|(key, value)| Some((key, value?.to_owned()))).collect()
    }

    /// The same from status.
    pub fn facts_of(&self, status: &WebhookStatus) -> BTreeMap<&'static str, String> {
        self.facts(status.id.as_deref(), status.url.as_deref(), status.webhook_type.as_deref())
    }
}

/// The keyed hash of a webhook's secret.
pub fn print(fingerprints: &ObjectFingerprints, shown: &Shown) -> Print {
    fingerprints.of(&json!(["webhook", shown.secret.expose_secret()]))
}

/// The id of the webhook that a Secret claims to hold.
pub fn webhook_id(held: &Held) -> Option<&str> {
    held.annotations.get(WEBHOOK_ID).map(String::as_str).or_else(|| held.value("id"))
}

/// When the webhook was issued, according to the Secret.
pub fn issued_at(annotations: &BTreeMap<String, String>) -> Option<Time> {
    annotations.get(ISSUED_AT).and_then(|text| text.parse().ok()).map(Time)
}

/// A time in the form of the annotation: in seconds, as the API server keeps times.
pub fn seconds(time: &Time) -> String {
    time.0.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The webhook recorded in status, if the Secret holds it, whatever else was changed in it: its secret is the one that
/// was written. If that isn't known, as for what version 0.1 wrote, the id of the webhook has to suffice.
pub fn kept(
    held: &Held,
    template: &SecretTemplate,
    facts: &BTreeMap<&'static str, String>,
    status: &WebhookStatus,
    fingerprints: &ObjectFingerprints,
) -> Option<Shown> {
    let written = [Writing::of(held), Writing::by(template)];
    let secrets = written.iter().flat_map(|writing| writing.secrets(held, facts));
    let mut all = secrets.map(|secret| Shown { facts: facts.clone(), secret: secret.into() });
    let recorded = status.fingerprint.as_ref();
    let by_id = webhook_id(held).is_some_and(|id| Some(id) == status.id.as_deref());
    all.find(|shown| {
        let print = print(fingerprints, shown);
        print.is(recorded) || (by_id && !print.changed(recorded))
    })
}

/// The Secret for a webhook.
pub struct Writer<'a> {
    pub name: &'a str,
    pub template: &'a SecretTemplate,
    pub issued_at: Option<&'a Time>,
    pub replaces: &'a BTreeSet<String>,
}

impl Writer<'_> {
    /// The Secret with `shown` in it, replacing the current one.
    pub fn output(&self, shown: Shown, present: Option<&Held>, is_news: bool) -> OutputSecret {
        let writing = Writing::by(self.template);
        let user = self.template.annotations.iter().map(|(name, value)| (name.0.clone(), value.clone()));
        let mut annotations: BTreeMap<String, String> = user.collect();
        let fact = |name: &str| shown.facts.get(name).cloned();
        let own = [
            (ABOUT, fact("associationId")),
            (WEBHOOK_ID, fact("id")),
            (ISSUED_AT, self.issued_at.map(seconds)),
            (template::ANNOTATION, writing.annotation()),
        ];
        annotations.extend(own.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
        let labels = self.template.labels.iter().map(|(name, value)| (name.0.clone(), value.0.clone()));
        let mut output = OutputSecret {
            name: self.name.to_owned(),
            data: writing.data(&shown),
            labels: labels.collect(),
            annotations,
            stale: Stale::default(),
            replaces: self.replaces.clone(),
            shown,
            is_news,
        };
        output.stale = stale(present, &output);
        output
    }
}

/// What a Secret has from an earlier write and should no longer have.
fn stale(present: Option<&Held>, output: &OutputSecret) -> Stale {
    let Some(held) = present else { return Stale::default() };
    let writing = Writing::of(held);
    let (labels, annotations) = writing.names();
    let beyond = |names: BTreeSet<String>, kept: &dyn Fn(&str) -> bool| {
        names.into_iter().filter(|name| !kept(name)).collect()
    };
    let own = [ISSUED_AT, WEBHOOK_ID, ABOUT, template::ANNOTATION].map(str::to_owned);
    Stale {
        keys: beyond(writing.keys(), &|key| output.data.contains_key(key)),
        labels: beyond(labels.clone(), &|name| output.labels.contains_key(name) || name == MANAGED_BY.0),
        annotations: beyond(annotations.iter().cloned().chain(own).collect(), &|name| {
            output.annotations.contains_key(name)
        }),
    }
}

/// Where a Secret differs from what it should be: `data.url`, `labels.team`. What others have added to it is left alone.
pub fn differences(held: &Held, output: &OutputSecret) -> Vec<String> {
    let data = output.data.iter().filter(|(key, value)| held.value(key) != Some(value.expose_secret()));
    let texts = |has: &BTreeMap<String, String>, wanted: &BTreeMap<String, String>| -> Vec<String> {
        wanted
            .iter()
            .filter(|(name, value)| has.get(*name) != Some(value))
            .map(|(name, _)| name.clone())
            .collect()
    };
    let left = |stale: &BTreeSet<String>, has: &dyn Fn(&str) -> bool| -> Vec<String> {
        stale.iter().filter(|name| has(name)).cloned().collect()
    };
    let named =
        |kind: &'static str, names: Vec<String>| names.into_iter().map(move |name| format!("{kind}.{name}"));
    let stale = &output.stale;
    named("data", data.map(|(key, _)| key.clone()).collect())
        .chain(named("data", left(&stale.keys, &|key| held.value(key).is_some())))
        .chain(named("labels", texts(&held.labels, &output.labels)))
        .chain(named("labels", left(&stale.labels, &|name| held.labels.contains_key(name))))
        .chain(named("annotations", texts(&held.annotations, &output.annotations)))
        .chain(named("annotations", left(&stale.annotations, &|name| held.annotations.contains_key(name))))
        .collect()
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;
    use serde_json::Value;

    use super::*;
    use crate::reconcile::state::fingerprint::Fingerprinter;
    use crate::reconcile::state::ownership::Identity;

    fn fingerprints(key: &str) -> ObjectFingerprints {
        let identity = Identity::sample("Association");
        Fingerprinter::new(key, key.as_bytes().to_vec()).for_object(&identity)
    }

    fn place() -> Place {
        Place { space_id: "as-1".into(), association_id: "a-1".into(), region: "us-east-1".into() }
    }

    fn status(fingerprint: bool) -> WebhookStatus {
        let status =
            json!({"id": "w-1", "url": "https://example.com/w", "type": "hmac", "secretName": "hook"});
        let mut status: WebhookStatus = serde_json::from_value(status).unwrap();
        status.fingerprint = fingerprint.then(|| print(&fingerprints("k"), &shown(&status)).record());
        status
    }

    fn shown(status: &WebhookStatus) -> Shown {
        Shown { facts: place().facts_of(status), secret: "s3cret".to_owned().into() }
    }

    fn template(value: Value) -> SecretTemplate {
        serde_json::from_value(value).unwrap()
    }

    fn output(template: &SecretTemplate, present: Option<&Held>) -> OutputSecret {
        let writer = Writer { name: "hook", template, issued_at: None, replaces: &BTreeSet::new() };
        writer.output(shown(&status(false)), present, false)
    }

    fn held(output: &OutputSecret) -> Held {
        Held {
            labels: output.labels.clone(),
            annotations: output.annotations.clone(),
            data: output.data.clone(),
            ..Held::default()
        }
    }

    fn is_kept(held: &Held, template: &SecretTemplate, status: &WebhookStatus) -> bool {
        let kept = kept(held, template, &place().facts_of(status), status, &fingerprints("k"));
        kept.is_some_and(|shown| shown.secret.expose_secret() == "s3cret")
    }

    #[test]
    fn every_documented_key_is_compared_and_only_the_secret_can_be_lost() {
        let plain = SecretTemplate::default();
        let wanted = output(&plain, None);
        for key in wanted.data.keys() {
            for new in [None, Some(SecretString::from("edited"))] {
                let mut held = held(&wanted);
                held.data.remove(key);
                held.data.extend(new.map(|value| (key.clone(), value)));
                assert_eq!(differences(&held, &wanted), [format!("data.{key}")]);
                assert_eq!(is_kept(&held, &plain, &status(true)), key != "secret", "{key}");
            }
        }
        assert_eq!(differences(&held(&wanted), &wanted), [""; 0]);
    }

    #[test]
    fn what_others_add_is_left_alone() {
        let wanted = output(&SecretTemplate::default(), None);
        let mut held = held(&wanted);
        held.data.insert("more".into(), "x".to_owned().into());
        held.labels.insert("more".into(), "x".into());
        assert_eq!(differences(&held, &wanted), [""; 0]);
    }

    #[test]
    fn a_secret_in_a_key_of_the_template_is_not_lost() {
        let more = template(json!({"data": {"AUTH": "Bearer $(secret)"}}));
        let mut held = held(&output(&more, None));
        held.data.insert("secret".into(), "edited".to_owned().into());
        assert!(is_kept(&held, &more, &status(true)));
        assert!(!is_kept(&held, &more, &status(false)), "nobody knows which of the two is right");
    }

    #[test]
    fn another_template_leaves_nothing_of_the_old_one_and_loses_nothing() {
        let old = template(
            json!({"labels": {"team": "sre"}, "annotations": {"note": "x"}, "data": {"A": "$(secret)"}}),
        );
        let new =
            template(json!({"labels": {"tier": "1"}, "defaultKeys": "Omit", "data": {"B": "$(secret)"}}));
        let held = held(&output(&old, None));
        assert!(is_kept(&held, &new, &status(true)));
        let wanted = output(&new, Some(&held));
        let gone = differences(&held, &wanted);
        for name in
            ["data.A", "data.B", "data.url", "data.secret", "labels.team", "labels.tier", "annotations.note"]
        {
            assert!(gone.iter().any(|path| path == name), "{name} is not in {gone:?}");
        }
        assert_eq!(wanted.data.keys().collect::<Vec<_>>(), ["B"]);
    }

    #[test]
    fn the_webhook_before_is_not_taken_for_the_present_one() {
        let plain = SecretTemplate::default();
        let held = held(&output(&plain, None));
        let mut later = status(true);
        later.id = Some("w-2".into());
        later.fingerprint = Some(
            print(&fingerprints("k"), &Shown { secret: "later".to_owned().into(), ..Shown::default() })
                .record(),
        );
        assert!(!is_kept(&held, &plain, &later));
        later.fingerprint = None;
        assert!(!is_kept(&held, &plain, &later), "its id tells");
    }

    #[test]
    fn without_the_key_of_fingerprints_the_id_has_to_do() {
        let plain = SecretTemplate::default();
        let held = held(&output(&plain, None));
        let mut status = status(false);
        status.fingerprint = Some(print(&fingerprints("lost"), &shown(&status)).record());
        assert!(is_kept(&held, &plain, &status));
    }

    #[test]
    fn a_time_is_the_same_after_the_api_server_had_it() {
        let time = issued_at(&[(ISSUED_AT.to_owned(), "2026-11-25T10:00:00Z".to_owned())].into()).unwrap();
        assert_eq!(seconds(&time), "2026-11-25T10:00:00Z");
        assert_eq!(serde_json::to_value(&time).unwrap(), "2026-11-25T10:00:00Z");
    }
}
