//! Objects as users name them: `assoc/incidents`, `AgentSpace checkout`.

use serde_json::Value;

use crate::ctl::Error;
use crate::ctl::manifests::GROUP;
use crate::kinds;
use crate::reconcile::state::subject::Subject;

/// An object whose namespace isn't known yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    kind: &'static str,
    name: String,
    namespaced: bool,
}

impl Chosen {
    /// The object in this namespace.
    pub fn within(&self, namespace: &str) -> Subject {
        Subject::new(self.kind, if self.namespaced { namespace } else { "" }, &*self.name)
    }
}

/// The object that `KIND/NAME` or `KIND NAME` means.
pub fn chosen(arguments: &[String]) -> Result<Option<Chosen>, Error> {
    let (kind, name) = match arguments {
        [] => return Ok(None),
        [kind, name] => (kind.as_str(), name.as_str()),
        [one, ..] => one.split_once('/').unwrap_or((one, "")),
    };
    if name.is_empty() || name.contains('/') {
        let given = arguments.join(" ");
        return Err(Error::Usage(format!(
            "{given:?} names no object; name it as KIND/NAME, for example agentspace/checkout"
        )));
    }
    let crds = kinds::crds().map_err(Error::Schema)?;
    let plain = kind.to_lowercase();
    // As for kubectl, the group may follow, and the version before it.
    let bare = plain.split_once('.').map_or(&*plain, |(bare, rest)| {
        let is_ours = rest == GROUP || rest.strip_suffix(GROUP).is_some_and(|version| version.ends_with('.'));
        if is_ours { bare } else { &plain }
    });
    let known = kinds::names().into_iter().filter_map(|kind| {
        let names = |crd: &&Value| crd["spec"]["names"]["kind"] == kind;
        Some((kind, crds.iter().find(names)?))
    });
    let mut known = known.collect::<Vec<_>>().into_iter();
    let found = known.find(|(_, crd)| is_named(&crd["spec"]["names"], bare));
    let Some((kind, crd)) = found else {
        return Err(Error::Kind { given: kind.to_owned(), known: kinds::names().join(", ") });
    };
    Ok(Some(Chosen { kind, name: name.to_owned(), namespaced: crd["spec"]["scope"] == "Namespaced" }))
}

fn is_named(names: &Value, word: &str) -> bool {
    let is = |name: &Value| name.as_str().is_some_and(|name| name.eq_ignore_ascii_case(word));
    ["kind", "plural", "singular"].iter().any(|member| is(&names[*member]))
        || names["shortNames"].as_array().is_some_and(|names| names.iter().any(is))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(arguments: &[&str]) -> Result<String, String> {
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        chosen(&arguments)
            .map(|chosen| chosen.unwrap().within("team").to_string())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn kinds_are_named_as_for_kubectl() {
        for word in [
            "assoc",
            "associations",
            "Association",
            "ASSOCIATION",
            "associations.devopsagent.dev",
            "associations.v1alpha1.devopsagent.dev",
        ] {
            assert_eq!(subject(&[&format!("{word}/x")]).as_deref(), Ok("Association team/x"), "{word}");
            assert_eq!(subject(&[word, "x"]).as_deref(), Ok("Association team/x"), "{word}");
        }
        assert_eq!(subject(&["awsaccount/production"]).as_deref(), Ok("AWSAccount production"));
    }

    #[test]
    fn what_names_no_object_is_refused_with_what_would() {
        assert!(subject(&["pod/x"]).unwrap_err().contains("AgentSpace, "));
        assert!(subject(&["agentspaces.example.com/x"]).unwrap_err().contains("there is no kind"));
        for wrong in [&["assoc"][..], &["assoc/"], &["assoc/x/y"], &["assoc", "x/y"]] {
            assert!(subject(wrong).unwrap_err().contains("KIND/NAME"), "{wrong:?}");
        }
    }
}
