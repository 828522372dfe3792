//! The template of a webhook's Secret: from the values of a webhook to the keys of the Secret, and back to its secret.

use std::collections::{BTreeMap, BTreeSet};

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::api::association::{DefaultKeys, KEYS, SecretTemplate};
use crate::reconcile::inputs::output_secret::Held;
use crate::reconcile::kind::Shown;
use crate::reconcile::state::fingerprint;

/// Annotation with the template that a Secret was written with, as far as it has to be known later.
pub const ANNOTATION: &str = "devopsagent.dev/secret-template";
/// The documented keys that hold what AWS shows once.
pub const SECRET: &str = "secret";
/// The same, for the type `apikey`.
pub const TOKEN: &str = "token";

/// A part of a text with placeholders.
#[derive(Debug, PartialEq, Eq)]
enum Piece<'a> {
    Text(&'a str),
    Placeholder(&'a str),
}

/// The parts of a text: `$(name)` is a placeholder, `$$` a dollar sign, and a dollar sign before anything else itself.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let (before, from) = rest.split_at(at);
        let placeholder = from
            .strip_prefix("$(")
            .and_then(|inside| inside.split_once(')'))
            .filter(|(name, _)| KEYS.contains(name));
        let (piece, after) = match placeholder {
            Some((name, after)) => (Piece::Placeholder(name), after),
            None => (Piece::Text("$"), from.strip_prefix("$$").unwrap_or(&from[1..])),
        };
        found.extend([Piece::Text(before), piece]);
        rest = after;
    }
    found.push(Piece::Text(rest));
    found.retain(|piece| *piece != Piece::Text(""));
    found
}

/// The placeholders in a text.
pub fn placeholders(text: &str) -> impl Iterator<Item = &str> {
    pieces(text).into_iter().filter_map(|piece| match piece {
        Piece::Placeholder(name) => Some(name),
        Piece::Text(_) => None,
    })
}

/// The name of AWS's secret for a webhook of this type.
pub fn name_of_secret(kind: Option<&str>) -> &'static str {
    if kind == Some("apikey") { TOKEN } else { SECRET }
}

/// The value of a documented key.
fn value<'a>(shown: &'a Shown, name: &str) -> Option<&'a str> {
    let kind = shown.facts.get("type").map(String::as_str);
    match name {
        SECRET | TOKEN => (name == name_of_secret(kind)).then(|| shown.secret.expose_secret()),
        _ => shown.facts.get(name).map(String::as_str),
    }
}

/// A text with placeholders replaced by values; none if one of them has no value.
fn expand(text: &str, shown: &Shown) -> Option<SecretString> {
    let parts = pieces(text).into_iter().map(|piece| match piece {
        Piece::Text(text) => Some(text),
        Piece::Placeholder(name) => value(shown, name),
    });
    Some(parts.collect::<Option<String>>()?.into())
}

/// The secret for which `text` becomes `expanded`, if it is in it.
fn solve(text: &str, expanded: &str, facts: &BTreeMap<&'static str, String>) -> Option<String> {
    let (mut unknown, mut known) = (0, 0);
    let parts: Vec<Option<&str>> = pieces(text)
        .into_iter()
        .map(|piece| match piece {
            Piece::Text(text) => Some(Some(text)),
            Piece::Placeholder(SECRET | TOKEN) => Some(None),
            Piece::Placeholder(name) => facts.get(name).map(|value| Some(value.as_str())),
        })
        .collect::<Option<_>>()?;
    for part in &parts {
        match part {
            Some(text) => known += text.len(),
            None => unknown += 1,
        }
    }
    // Every occurrence of the secret is the same, and as long.
    let length = expanded.len().checked_sub(known)?.checked_div(unknown)?;
    let before: usize = parts.iter().map_while(|part| part.map(str::len)).sum();
    let secret = expanded.get(before..before + length).filter(|secret| !secret.is_empty())?;
    let again: String = parts.iter().map(|part| part.unwrap_or(secret)).collect();
    (again == expanded).then(|| secret.to_owned())
}

/// The template that a Secret was written with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Writing {
    #[serde(default)]
    default_keys: DefaultKeys,
    #[serde(default)]
    data: BTreeMap<String, String>,
    #[serde(default)]
    labels: BTreeSet<String>,
    #[serde(default)]
    annotations: BTreeSet<String>,
}

impl Writing {
    /// From a template.
    pub fn by(template: &SecretTemplate) -> Self {
        Self {
            default_keys: template.default_keys,
            data: template.data.iter().map(|(key, text)| (key.0.clone(), text.0.clone())).collect(),
            labels: template.labels.keys().map(|name| name.0.clone()).collect(),
            annotations: template.annotations.keys().map(|name| name.0.clone()).collect(),
        }
    }

    /// From a Secret that was found: without the annotation, it was written without a template.
    pub fn of(held: &Held) -> Self {
        let text = held.annotations.get(ANNOTATION);
        text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }

    /// The value of the annotation; none if there is no template.
    pub fn annotation(&self) -> Option<String> {
        (*self != Self::default()).then(|| serde_json::to_string(self).ok()).flatten()
    }

    /// The keys of the Secret for a webhook.
    pub fn data(&self, shown: &Shown) -> BTreeMap<String, SecretString> {
        let mut data: BTreeMap<String, SecretString> = BTreeMap::new();
        if self.default_keys == DefaultKeys::Keep {
            data.extend(KEYS.iter().filter_map(|key| Some(((*key).to_owned(), value(shown, key)?.into()))));
        }
        data.extend(self.data.iter().filter_map(|(key, text)| Some((key.clone(), expand(text, shown)?))));
        let secret = shown.secret.expose_secret();
        if !secret.is_empty() && !data.values().any(|value| value.expose_secret().contains(secret)) {
            // It exists nowhere else, and another template may need it.
            let name = name_of_secret(shown.facts.get("type").map(String::as_str));
            let free = [name, SECRET, TOKEN].into_iter().find(|name| !data.contains_key(*name));
            data.extend(free.map(|name| (name.to_owned(), shown.secret.clone())));
        }
        data
    }

    /// Keys that a Secret written by it may have.
    pub fn keys(&self) -> BTreeSet<String> {
        let documented =
            KEYS.iter().filter(|key| self.default_keys == DefaultKeys::Keep || [SECRET, TOKEN].contains(key));
        documented.map(|key| (*key).to_owned()).chain(self.data.keys().cloned()).collect()
    }

    /// Its labels and annotations.
    pub fn names(&self) -> (&BTreeSet<String>, &BTreeSet<String>) {
        (&self.labels, &self.annotations)
    }

    /// Every secret that the Secret may hold, the most likely one first: more than one if someone edited it.
    pub fn secrets(&self, held: &Held, facts: &BTreeMap<&'static str, String>) -> Vec<String> {
        let documented = [SECRET, TOKEN].into_iter().filter(|key| !self.data.contains_key(*key));
        let plain = documented.filter_map(|key| held.value(key).map(str::to_owned));
        let solved = self.data.iter().filter_map(|(key, text)| solve(text, held.value(key)?, facts));
        let mut found: Vec<String> = plain.filter(|secret| !secret.is_empty()).chain(solved).collect();
        let mut seen = BTreeSet::new();
        found.retain(|secret| seen.insert(secret.clone()));
        found
    }
}

/// Hash of a template for status; none without one.
pub fn hash(template: &SecretTemplate) -> Option<String> {
    const DIGITS: usize = 16;
    let text = serde_json::to_value(template).ok().filter(|_| *template != SecretTemplate::default())?;
    Some(fingerprint::digest(&text).chars().take(DIGITS).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn shown(kind: &str) -> Shown {
        let facts = [("url", "https://example.com/w"), ("id", "w-1"), ("type", kind)];
        Shown {
            facts: facts.into_iter().map(|(key, value)| (key, value.to_owned())).collect(),
            secret: "s$cr(t".to_owned().into(),
        }
    }

    fn template(value: Value) -> SecretTemplate {
        serde_json::from_value(value).unwrap()
    }

    fn plain(data: &BTreeMap<String, SecretString>) -> Value {
        data.iter().map(|(key, value)| (key.clone(), Value::from(value.expose_secret()))).collect()
    }

    fn written(value: Value, kind: &str) -> Value {
        plain(&Writing::by(&template(value)).data(&shown(kind)))
    }

    #[test]
    fn placeholders_are_read_as_in_a_pod() {
        let expanded =
            |text: &str| expand(text, &shown("hmac")).map(|value| value.expose_secret().to_owned());
        for (text, wanted) in [
            ("$(url)", Some("https://example.com/w")),
            ("a $(id)-$(id)", Some("a w-1-w-1")),
            ("$$(id)", Some("$(id)")),
            ("$$$(id)", Some("$w-1")),
            ("$id $ $", Some("$id $ $")),
            ("", Some("")),
            ("$(secret)", Some("s$cr(t")),
            ("$(token)", None),
            ("$(region)", None),
        ] {
            assert_eq!(expanded(text).as_deref(), wanted, "{text}");
        }
        assert_eq!(placeholders("$(url)$$(id)$(secret)").collect::<Vec<_>>(), ["url", "secret"]);
    }

    #[test]
    fn keys_are_added_or_replace_the_documented_ones() {
        let all = json!({"url": "https://example.com/w", "id": "w-1", "type": "hmac", "secret": "s$cr(t"});
        assert_eq!(written(json!({}), "hmac"), all);
        let more = written(json!({"data": {"URL": "$(url)"}}), "hmac");
        assert_eq!(more["URL"], "https://example.com/w");
        assert_eq!(more.as_object().unwrap().len(), 5);
        let own = json!({"defaultKeys": "Omit", "data": {"AUTH": "Bearer $(token)", "W": "$(id)"}});
        assert_eq!(written(own.clone(), "apikey"), json!({"AUTH": "Bearer s$cr(t", "W": "w-1"}));
        assert_eq!(
            written(own, "hmac"),
            json!({"W": "w-1", "secret": "s$cr(t"}),
            "nothing is lost by a wrong name"
        );
        let no_secret = json!({"defaultKeys": "Omit", "data": {"W": "$(id)"}});
        assert_eq!(
            written(no_secret, "apikey"),
            json!({"W": "w-1", "token": "s$cr(t"}),
            "it is nowhere else"
        );
    }

    #[test]
    fn the_secret_is_found_in_whatever_was_written() {
        for text in
            ["$(secret)", "x$(secret)", "$(secret) for $(id)", "$(id)$(secret)$$$(secret)", "$(token)"]
        {
            for kind in ["hmac", "apikey"] {
                let template = template(json!({"defaultKeys": "Omit", "data": {"K": text}}));
                let (writing, shown) = (Writing::by(&template), shown(kind));
                let held = Held { data: writing.data(&shown), ..Held::default() };
                assert_eq!(writing.secrets(&held, &shown.facts), ["s$cr(t"], "{text} of {kind}");
            }
        }
    }

    #[test]
    fn what_was_edited_is_no_solution() {
        let facts = shown("hmac").facts;
        assert_eq!(solve("a $(secret) b", "a x b", &facts).as_deref(), Some("x"));
        for (text, expanded) in [
            ("a $(secret) b", "a x c"),
            ("$(secret)-$(secret)", "x-y"),
            ("$(secret)-$(secret)", "x-xx"),
            ("$(secret)", ""),
            ("long text $(secret)", "short"),
            ("nothing", "nothing"),
            ("ä$(secret)", "aäx"),
        ] {
            assert_eq!(solve(text, expanded, &facts), None, "{text}: {expanded}");
        }
    }

    #[test]
    fn a_template_is_known_again_by_its_annotation_and_hash() {
        let one = template(json!({"labels": {"team": "sre"}, "data": {"K": "$(secret)"}}));
        let annotation = Writing::by(&one).annotation().unwrap();
        let held = Held { annotations: [(ANNOTATION.to_owned(), annotation)].into(), ..Held::default() };
        assert_eq!(Writing::of(&held), Writing::by(&one));
        assert_eq!(Writing::by(&SecretTemplate::default()).annotation(), None);
        assert_eq!(hash(&SecretTemplate::default()), None);
        let other = template(json!({"labels": {"team": "dev"}, "data": {"K": "$(secret)"}}));
        assert_ne!(hash(&one), hash(&other));
        assert_eq!(hash(&one).unwrap().len(), 16);
    }
}
