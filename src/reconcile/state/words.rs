//! Errors of AWS and the Kubernetes API in words for people who write YAML.

use crate::aws::{self, ServiceError};
use crate::document;

/// Members of requests that have other names in specs.
const RENAMED: &[(&str, &str)] = &[
    ("agentSpaceId", "agentSpaceRef"),
    ("assetId", "assetRef"),
    // A trigger's schedule is inside it.
    ("condition", ""),
    ("serviceDetails", "service"),
    ("serviceId", "serviceRef"),
];

/// The error of a call to AWS: the service's message, with fields of the spec instead of those of the request.
pub fn of_aws(error: &aws::Error) -> String {
    match error.service() {
        None => error.to_string(),
        Some(error) => {
            let mut told = error.clone();
            for field in &mut told.fields {
                field.path = place(&field.path);
            }
            told.to_string()
        }
    }
}

/// The same in fewer words: without the error's name and number, if it has a message.
pub fn brief(error: &aws::Error) -> String {
    match error.service() {
        Some(error) if !error.is_foreign() => {
            let ServiceError { operation, code, message, fields, .. } = error;
            let field = fields.iter().find(|field| !field.message.is_empty());
            match field {
                Some(field) => format!("{}: {}", place(&field.path), field.message),
                None if message.is_empty() => format!("{operation}: {code}"),
                None => format!("{operation}: {message}"),
            }
        }
        _ => error.to_string(),
    }
}

/// The field in the spec for a JSON pointer into a request.
fn place(pointer: &str) -> String {
    let Some(path) = pointer.strip_prefix('/') else { return pointer.to_owned() };
    let members = path.split('/').map(|member| {
        let member = document::member(member);
        let renamed = RENAMED.iter().find(|(wire, _)| *wire == member);
        renamed.map_or(member, |(_, spec)| (*spec).to_owned())
    });
    let step = |member: String| {
        let is_index = member.bytes().all(|byte| byte.is_ascii_digit());
        if is_index { format!("[{member}]") } else { format!(".{member}") }
    };
    format!("spec{}", members.filter(|member| !member.is_empty()).map(step).collect::<String>())
}

/// The API server's message, or why there is none.
pub fn of_kubernetes(error: &kube::Error) -> String {
    match error {
        // Its own text ends with the response in Rust's debug format.
        kube::Error::Api(status) => match (status.message.as_str(), status.reason.as_str()) {
            ("", reason) => format!("the API server answers {} {reason}", status.code),
            (message, _) => format!("{message} ({})", status.code),
        },
        other => {
            let mut text = other.to_string();
            let mut cause = std::error::Error::source(other);
            while let Some(error) = cause {
                let words = error.to_string();
                if !text.contains(&words) {
                    text = format!("{text}: {words}");
                }
                cause = error.source();
            }
            text
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_named_as_in_the_spec() {
        for (pointer, place) in [
            ("/name", "spec.name"),
            ("/serviceDetails/gitlab/tokenValue", "spec.service.gitlab.tokenValue"),
            ("/configuration/pagerduty/services/0", "spec.configuration.pagerduty.services[0]"),
            ("/condition/schedule/expression", "spec.schedule.expression"),
            ("(omitted)", "(omitted)"),
        ] {
            assert_eq!(super::place(pointer), place);
        }
    }

    #[test]
    fn the_words_of_the_api_server_are_told_without_the_rest_of_its_answer() {
        let status = kube::core::Status::failure("secrets is forbidden", "Forbidden").with_code(403);
        let error = kube::Error::Api(Box::new(status));
        assert_eq!(of_kubernetes(&error), "secrets is forbidden (403)");
    }
}
