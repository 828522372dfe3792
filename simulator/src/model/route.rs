//! From method and path to an operation and its labels.

use percent_encoding::percent_decode_str;

use super::{Model, Operation, Segment};

/// The operation that a request is for, with the values of the labels in its path.
#[derive(Debug)]
pub struct Matched<'a> {
    /// The operation.
    pub operation: &'a Operation,
    /// Decoded labels by member name.
    pub labels: Vec<(String, String)>,
}

impl Model {
    /// Finds the operation for a method and a path as it was sent, still percent-encoded.
    pub fn route(&self, method: &str, path: &str) -> Option<Matched<'_>> {
        let parts: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
        self.operations
            .values()
            .filter(|operation| operation.method == method)
            .filter_map(|operation| Some(Matched { labels: labels(&operation.path, &parts)?, operation }))
            .min_by_key(|matched| matched.labels.len())
    }
}

fn labels(template: &[Segment], parts: &[&str]) -> Option<Vec<(String, String)>> {
    let greedy = matches!(template.last(), Some(Segment::Greedy(_)));
    if parts.len() < template.len() || (!greedy && parts.len() > template.len()) {
        return None;
    }
    let mut found = Vec::new();
    for (index, segment) in template.iter().enumerate() {
        match segment {
            Segment::Literal(text) => (decode(parts[index])? == *text).then_some(())?,
            Segment::Label(name) => found.push((name.clone(), decode(parts[index])?)),
            Segment::Greedy(name) => found.push((name.clone(), decode(&parts[index..].join("/"))?)),
        }
    }
    found.iter().all(|(_, value)| !value.is_empty()).then_some(found)
}

fn decode(text: &str) -> Option<String> {
    percent_decode_str(text).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(method: &str, path: &str) -> Option<(String, Vec<(String, String)>)> {
        let model = Model::embedded().unwrap();
        model.route(method, path).map(|matched| (matched.operation.name.clone(), matched.labels))
    }

    #[test]
    fn a_fixed_path_goes_before_a_label() {
        assert_eq!(route("POST", "/v1/agentspaces/list").unwrap().0, "ListAgentSpaces");
        assert_eq!(
            route("POST", "/v1/agentspaces/a/associations/validate").unwrap().0,
            "ValidateAwsAssociations"
        );
    }

    #[test]
    fn an_encoded_slash_stays_within_one_label() {
        let (name, labels) = route("GET", "/tags/arn%3Aaws%3Aaidevops%3Ax%3A1%3Aservice%2Fs").unwrap();
        assert_eq!(name, "ListTagsForResource");
        assert_eq!(labels[0].1, "arn:aws:aidevops:x:1:service/s");
        assert!(route("GET", "/tags/arn:aws:aidevops:x:1:service/s").is_none());
    }

    #[test]
    fn a_greedy_label_takes_the_rest_of_the_path() {
        let (name, labels) =
            route("GET", "/asset/agent-space/s/assets/a/files/notes%20%28old%29/a%20b.md").unwrap();
        assert_eq!(name, "GetAssetFile");
        assert_eq!(labels[2], ("path".to_owned(), "notes (old)/a b.md".to_owned()));
    }

    #[test]
    fn an_empty_label_or_an_unknown_path_matches_nothing() {
        assert!(route("GET", "/v1/agentspaces/").is_none());
        assert!(route("PUT", "/v1/agentspaces/a").is_none());
    }
}
