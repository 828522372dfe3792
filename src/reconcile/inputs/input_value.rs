//! What a value from a Secret or ConfigMap must look like, depending on the field that it is for.
//!
//! Every such value is checked here before anything is sent. Errors never contain any part of the value.

use std::fmt;

use crate::api::placeholder;

/// Largest certificate chain (`CertificateString` of the API), in characters.
pub const LONGEST_CHAIN: usize = 32_768;

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A credential: text of one line.
    Credential {
        /// Maximum characters that AWS accepts; zero if the API has no limit.
        most: usize,
        /// Which characters it may contain.
        made_of: Characters,
    },
    /// A certificate chain in PEM form.
    Certificates,
    /// The bytes of a file or an archive, whatever they are.
    File,
}

/// What a credential may contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Characters {
    /// Anything on one line.
    OneLine,
    /// No white space.
    NoWhiteSpace,
    /// Printable ASCII, with spaces only inside: what is allowed in a header.
    Header,
    /// Letters, digits, `.`, `_` and `-`.
    GitLabToken,
    /// `NRAK-`, then capital letters and digits.
    NewRelicKey,
}

use Characters::{GitLabToken, Header, NewRelicKey, NoWhiteSpace, OneLine};

const fn credential(most: usize, made_of: Characters) -> Form {
    Form::Credential { most, made_of }
}

/// Steps of a field's path, of which the first match counts, and what the value is. The bounds are those of the API
/// model.
pub const FORMS: &[(&str, Form)] = &[
    ("operatorApp.idp.clientSecretRef", credential(1024, OneLine)),
    ("gitlab.tokenValue", credential(0, GitLabToken)),
    ("mcpservernewrelic.authorizationConfig.apiKey.apiKey", credential(0, NewRelicKey)),
    ("exchangeParameters", credential(0, OneLine)),
    ("clientSecret", credential(512, NoWhiteSpace)),
    ("bearerToken.tokenValue", credential(0, NoWhiteSpace)),
    ("apiKey.apiKeyValue", credential(0, Header)),
    ("customHeaders", credential(4096, Header)),
    ("certificate", Form::Certificates),
    ("content.files", Form::File),
    ("content.zip", Form::File),
];

/// What is wrong with a value: the end of a sentence that begins with the location of the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem(String);

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn problem<T>(text: impl Into<String>) -> Result<T, Problem> {
    Err(Problem(text.into()))
}

impl Form {
    /// What the value of the field at `path` is. One that has no row is a credential.
    pub fn of(path: &str) -> Self {
        Self::row(path).map_or(credential(0, OneLine), |(_, form)| form)
    }

    /// The row for the field at `path`.
    pub fn row(path: &str) -> Option<(&'static str, Self)> {
        let path = format!(".{}.", path.replace('[', ".["));
        FORMS.iter().find(|(steps, _)| path.contains(&format!(".{steps}."))).copied()
    }

    /// The value as it may be sent.
    pub fn checked(self, bytes: Vec<u8>) -> Result<Vec<u8>, Problem> {
        let text = match self {
            Self::File => return Ok(bytes),
            _ => match std::str::from_utf8(&bytes) {
                Ok(text) => text,
                Err(_) => return problem("is not valid UTF-8"),
            },
        };
        if text.trim().is_empty() {
            return problem("is empty");
        }
        match self {
            // It only stands for a credential, and isn't sent.
            Self::Credential { .. } if text == placeholder::TEXT => Ok(bytes),
            Self::Credential { most, made_of } => check_credential(text, most, made_of).map(|()| bytes),
            _ => certificates(text).map(String::into_bytes),
        }
    }
}

/// A credential of several lines is a mistake: most often a line break added by an editor.
fn check_credential(text: &str, most: usize, made_of: Characters) -> Result<(), Problem> {
    if text.contains(['\n', '\r']) {
        return problem(
            "contains a line break; create the Secret with --from-literal, or with printf instead of echo",
        );
    }
    let length = text.chars().count();
    if most > 0 && length > most {
        return problem(format!("has {length} characters; AWS accepts at most {most}"));
    }
    let printable = |text: &str| text.chars().all(|c| c.is_ascii_graphic() || c == ' ' || c == '\t');
    match made_of {
        NoWhiteSpace if text.contains(char::is_whitespace) => problem("contains white space"),
        Header if !printable(text) => problem("contains characters that are not allowed in an HTTP header"),
        Header if text.trim() != text => problem("begins or ends with a space"),
        GitLabToken if !text.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c)) => {
            problem("is not a valid GitLab token: only letters, digits, '.', '_' and '-' are allowed")
        }
        NewRelicKey if !is_new_relic_key(text) => {
            problem("is not a New Relic user key: expected NRAK- followed by capital letters and digits")
        }
        _ => Ok(()),
    }
}

fn is_new_relic_key(text: &str) -> bool {
    let rest = text.strip_prefix("NRAK-").unwrap_or_default();
    !rest.is_empty() && rest.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
}

/// The certificates in `text`. Anything between them is a comment, and isn't sent.
pub fn certificates(text: &str) -> Result<String, Problem> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    if text.to_ascii_uppercase().contains("PRIVATE KEY") {
        return problem(
            "contains a private key, which is never sent; refer to a key with only the certificates",
        );
    }
    let (mut chain, mut open, mut found, mut comments) = (String::new(), false, 0, false);
    for line in text.lines() {
        match line.trim() {
            BEGIN if !open => open = true,
            END if open => (open, found) = (false, found + 1),
            other if other.starts_with("-----") => {
                return problem(
                    "contains data other than complete CERTIFICATE blocks; only certificates are allowed",
                );
            }
            base64 if open => {
                if !base64.chars().all(|c| c.is_ascii_alphanumeric() || "+/=".contains(c)) {
                    return problem("contains a certificate that is not valid base64");
                }
            }
            other => {
                comments |= !other.is_empty();
                continue;
            }
        }
        chain.push_str(line.trim());
        chain.push('\n');
    }
    if open {
        return problem("contains a certificate without an END line");
    }
    if found == 0 {
        return problem(format!("contains no PEM certificate, which begins with {BEGIN}"));
    }
    let chain = if comments { chain } else { text.to_owned() };
    let length = chain.chars().count();
    if length > LONGEST_CHAIN {
        return problem(format!(
            "has {length} characters of certificates; AWS accepts at most {LONGEST_CHAIN}"
        ));
    }
    Ok(chain)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEM: &str = "-----BEGIN CERTIFICATE-----\nTUlJ\n-----END CERTIFICATE-----\n";
    const KEY: &str = "-----BEGIN PRIVATE KEY-----\nbm90IGEga2V5\n-----END PRIVATE KEY-----\n";

    fn refusal(form: Form, value: impl AsRef<[u8]>) -> String {
        form.checked(value.as_ref().to_vec()).unwrap_err().to_string()
    }

    #[test]
    fn every_form_but_a_file_refuses_what_is_empty_binary_or_a_private_key() {
        for (steps, form) in FORMS.iter().filter(|(_, form)| *form != Form::File) {
            assert_eq!(refusal(*form, ""), "is empty", "{steps}");
            assert_eq!(refusal(*form, " \n"), "is empty", "{steps}");
            assert_eq!(refusal(*form, [0xff, 0x00]), "is not valid UTF-8", "{steps}");
            for value in [KEY, "s3cr\nt", "s3cr\r\n", "s3cr\n"] {
                let message = refusal(*form, value);
                assert!(!message.contains("s3cr") && !message.contains("bm90"), "{steps}: {message}");
            }
        }
        assert_eq!(Form::File.checked(vec![0xff]), Ok(vec![0xff]));
    }

    #[test]
    fn a_field_that_has_no_row_is_a_credential() {
        assert_eq!(Form::of("spec.service.next.password"), credential(0, OneLine));
        assert_eq!(Form::of("spec.content.files[3]"), Form::File);
        assert_eq!(Form::of("spec.content.files[3].secretKeyRef"), Form::File);
        assert_eq!(
            Form::of("spec.service.mcpserver.authorizationConfig.oAuth3LO.exchangeParameters.clientSecret"),
            credential(0, OneLine),
            "a parameter may be called as it likes"
        );
    }

    #[test]
    fn credentials_are_as_the_api_takes_them() {
        for (path, good, bad) in [
            ("spec.service.gitlab.tokenValue", "glpat-1", "glpat 1"),
            ("x.oAuthClientCredentials.clientSecret", "a-secret", "a secret"),
            ("x.apiKey.apiKeyValue", "a key", " a key"),
            ("x.customHeaders.headers.X-Team", "a b", "schl\u{fc}ssel"),
            ("x.mcpservernewrelic.authorizationConfig.apiKey.apiKey", "NRAK-1", "nrak-1"),
        ] {
            assert!(Form::of(path).checked(good.into()).is_ok(), "{path}");
            let message = refusal(Form::of(path), bad);
            assert!(!message.contains(bad), "{path}: {message}");
        }
        assert!(refusal(credential(3, OneLine), "four").contains("has 4 characters; AWS accepts at most 3"));
    }

    #[test]
    fn only_certificates_are_sent() {
        assert_eq!(certificates(PEM).unwrap(), PEM);
        assert_eq!(certificates(&PEM.repeat(2)).unwrap(), PEM.repeat(2));
        let commented = format!("subject=CN = a\n{PEM}\n# the root\n{PEM}");
        assert_eq!(certificates(&commented).unwrap(), PEM.repeat(2));
        assert_eq!(certificates(&PEM.replace('\n', "\r\n")).unwrap(), PEM.replace('\n', "\r\n"));
        for bad in [
            "hello".to_owned(),
            format!("{PEM}{KEY}"),
            KEY.replace("PRIVATE", "RSA PRIVATE"),
            KEY.to_lowercase(),
            PEM.replace("CERTIFICATE", "PUBLIC KEY"),
            PEM.replace("TUlJ", "not base64!"),
            PEM.trim_end().trim_end_matches('-').to_owned(),
            "-----BEGIN CERTIFICATE-----\nTUlJ\n".to_owned(),
            format!("-----BEGIN CERTIFICATE-----\n{PEM}"),
            PEM.repeat(1000),
        ] {
            assert!(certificates(&bad).is_err(), "{bad}");
        }
    }
}
