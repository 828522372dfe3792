use std::io::Write;

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;

use crate::reconcile::state::fingerprint::hex;

use super::*;

const SECRETS: [&str; 7] = [
    "glpat-8f2b1c.token_42",
    "client/secret+=\"5d\\0e\"&<x>",
    "naïve pässphräse, ünique",
    "hunter2x",
    "k9!q",
    "first line of a key\nsecond line 90ce",
    "🔑🔒 emoji 🗝",
];

fn json_escaped(text: &str) -> String {
    let mut escaped = String::new();
    for unit in text.encode_utf16() {
        let _ = std::fmt::Write::write_fmt(&mut escaped, format_args!("\\u{unit:04X}"));
    }
    escaped
}

fn html(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&#62;")
        .replace('"', "&quot;")
        .replace('\'', "&#x27;")
}

/// The forms in which a service may quote `secret`.
fn forms(secret: &str) -> Vec<(&'static str, String)> {
    let percent = utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string();
    let mut forms = vec![
        ("as it is", secret.to_owned()),
        ("in capitals", secret.to_ascii_uppercase()),
        ("JSON", serde_json::Value::from(secret).to_string()),
        ("JSON in JSON", serde_json::Value::from(serde_json::Value::from(secret).to_string()).to_string()),
        ("JSON with slashes", secret.replace('/', "\\/")),
        ("UTF-16 escapes", json_escaped(secret)),
        ("Rust", format!("{secret:?}")),
        ("percent", percent.clone()),
        ("percent in lower case", percent.to_lowercase().replace("%20", "+")),
        ("percent twice", utf8_percent_encode(&percent, NON_ALPHANUMERIC).to_string()),
        ("HTML", html(secret)),
        ("hexadecimal", hex(secret.as_bytes())),
        ("hexadecimal in capitals", hex(secret.as_bytes()).to_uppercase()),
        (
            "hexadecimal in groups",
            secret.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":"),
        ),
        ("bytes", secret.bytes().map(|byte| format!("\\x{byte:02x}")).collect::<Vec<_>>().concat()),
    ];
    for before in ["", "a", "ab", "{\"tokenValue\":\"", "user:"] {
        for after in ["", "!", "\"}"] {
            let whole = format!("{before}{secret}{after}");
            let standard = BASE64_STANDARD.encode(&whole);
            forms.push(("base64 without padding", standard.trim_end_matches('=').to_owned()));
            forms.push(("base64 in percent", utf8_percent_encode(&standard, NON_ALPHANUMERIC).to_string()));
            forms.push(("base64 twice", BASE64_STANDARD.encode(&standard)));
            forms.push(("base64 with slashes escaped", standard.replace('/', "\\/")));
            let lines: Vec<String> = standard
                .as_bytes()
                .chunks(20)
                .map(|line| String::from_utf8_lossy(line).into_owned())
                .collect();
            forms.push(("base64 in lines", lines.join("\n")));
            forms.push(("base64", standard));
            forms.push(("base64 for URLs", BASE64_URL_SAFE_NO_PAD.encode(&whole)));
        }
    }
    forms
}

fn repeats(message: &str, secret: &[u8]) -> bool {
    Words::new([message]).repeat(secret)
}

#[test]
fn a_secret_is_found_in_every_form() {
    for secret in SECRETS {
        for (form, text) in forms(secret) {
            let message = format!("1 validation error detected: value '{text}' at 'service' is refused");
            assert!(repeats(&message, secret.as_bytes()), "{secret:?} as {form}: {text}");
        }
    }
}

#[test]
fn a_cut_secret_is_found() {
    let secret = "glpat-8f2b1c.token_42";
    for (start, end) in [(0, 8), (5, 13), (13, 21), (0, 20)] {
        assert!(repeats(&format!("starts with {}...", &secret[start..end]), secret.as_bytes()));
        let encoded = &BASE64_STANDARD.encode(secret)[start..=(start + 16).min(27)];
        assert!(repeats(&format!("got {encoded}…"), secret.as_bytes()), "{encoded}");
    }
    for (cut, secret) in [("hunt", "hunter2x"), ("er2x", "hunter2x"), ("9-q!w", "k9-q!wz7s")] {
        assert!(repeats(&format!("'{cut}***' is wrong"), secret.as_bytes()), "{cut}");
    }
}

#[test]
fn a_very_short_secret_is_found_where_it_stands_alone() {
    for secret in ["a", "42", "k9!", "!?", "----"] {
        assert!(repeats(&format!("value '{secret}' is wrong"), secret.as_bytes()), "{secret}");
        assert!(!repeats("This value is not what was expected", secret.as_bytes()), "{secret}");
    }
    assert!(!repeats("", b"secret") && !repeats("anything", b"") && !repeats("any thing", b" \n"));
}

#[test]
fn words_that_repeat_nothing_stay() {
    for message in [
        "1 validation error detected: Value at 'serviceDetails/gitlab/tokenValue' failed to satisfy constraint: \
         Member must satisfy regular expression pattern: [!-~]+",
        "User: arn:aws:sts::123456789012:assumed-role/devops-agent-operator/session is not authorized to perform: \
         aidevops:SendMessage on resource: arn:aws:aidevops:us-east-1:123456789012:service/0f6c3b1e-2b52-4a53-8f1e",
        "Rate exceeded",
        "The service https://gitlab.example.com/api/v4 did not answer: 502 Bad Gateway (request \
         9f1c2d3e-aaaa-bbbb-cccc-0123456789ab)",
    ] {
        for secret in SECRETS {
            assert!(!repeats(message, secret.as_bytes()), "{secret:?} is not in {message}");
        }
    }
}

#[test]
fn what_a_secret_encodes_is_found_too() {
    let basic = BASE64_STANDARD.encode("robot:correct horse battery");
    assert!(repeats("the user robot:correct horse battery is unknown", basic.as_bytes()));
    assert!(repeats("no a/b+c=d&e here", b"a%2Fb%2Bc%3Dd%26e"));
}

fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (path, content) in files {
        zip.start_file(*path, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn what_an_archive_holds_is_found_and_one_without_end_may_hold_anything() {
    let mut long = vec![b'.'; 200_000];
    long[LARGE - 4..LARGE + 9].copy_from_slice(b"marker-90ce-x");
    let zip = archive(&[("SKILL.md", b"nothing"), ("keys.txt", &long)]);
    assert!(repeats("line 3: 'marker-90ce-x' is no command", &zip), "even where two pieces meet");
    assert!(repeats("line 3: 'marker-90ce-x' is no command", BASE64_STANDARD.encode(&zip).as_bytes()));
    assert!(!repeats("line 3: this is no command", &zip));
    assert!(repeats("this is no command", &archive(&[("zeroes", &vec![0; 17 << 20])])));
    assert!(repeats("this is no command", b"PK\x03\x04 no archive at all"));
}

#[test]
fn what_a_pass_has_read_is_remembered_but_not_shown() {
    let seen = Seen::default();
    seen.clone().add(b"correct horse battery");
    assert!(seen.is_repeated_in(&mut Words::new(["nothing", "'correct horse' is wrong"])));
    assert!(!seen.is_repeated_in(&mut Words::new(["nothing"])));
    assert_eq!(format!("{seen:?}"), "Seen(…)");
    let large = "x".repeat(LARGE + 1);
    assert!(!seen.may_be(&large));
    seen.add(large.as_bytes());
    assert!(seen.may_be(&large) && !seen.may_be("short"));
    assert_eq!(seen.0.lock().unwrap().values.len(), 1);
}

#[test]
fn words_of_the_api_server_about_a_secret_are_left_out_and_its_reason_stays() {
    let seen = Seen::default();
    seen.add(b"correct horse battery");
    let refused = |message: &str| {
        let status = kube::core::Status::failure(message, "Invalid").with_code(422);
        without(kube::Error::Api(status.boxed()), &seen)
    };
    let shown = refused("data[token]: Invalid value: \"Y29ycmVjdCBob3JzZSBiYXR0ZXJ5\"").to_string();
    assert!(shown.contains("Invalid") && shown.contains("omitted") && !shown.contains("Y29y"), "{shown}");
    assert!(refused("metadata.name: Invalid value: \"x\"").to_string().contains("metadata.name"));
}

#[test]
fn long_words_and_large_secrets_take_bounded_time() {
    let start = std::time::Instant::now();
    let message =
        "1 validation error: Value at /content/text, %41 \\u0041 &amp; 4a4b4c4d YWJjZGVmZ2g= ".repeat(200);
    let mut words = Words::new([message.as_str()]);
    assert!(!words.endless);
    let secret: Vec<u8> = (0..1_u32 << 20)
        .map(|at| u8::try_from(at.wrapping_mul(2_654_435_761) >> 25).unwrap() | 0x80)
        .collect();
    assert!(!words.repeat(&secret));
    // A debug build is twenty times slower than the operator.
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}

proptest! {
    #[test]
    fn half_of_any_secret_is_found(secret in "[!-~]{4,40}", before in "[ a-z]{0,20}", cut in 0_usize..20) {
        let length = secret.len().div_ceil(2).clamp(4, 8);
        let start = cut.min(secret.len() - length);
        let part = &secret[start..start + length];
        prop_assume!(part.bytes().any(|byte| byte.is_ascii_alphanumeric()));
        let quoted = format!("{before} '{part}' is wrong");
        prop_assert!(repeats(&quoted, secret.as_bytes()));
    }

    #[test]
    fn no_words_make_it_fail(text in ".{0,200}|[\\\\u%&#x;0-9a-fA-F+/=]{0,200}", secret in any::<Vec<u8>>()) {
        let _ = Words::new([text.as_str()]).repeat(&secret);
    }
}

/// Files that read Secrets: what they read is guarded, doesn't belong to a tenant, or isn't read for its values.
const READERS: [&str; 3] =
    ["operator/fingerprint_key.rs", "reconcile/inputs.rs", "reconcile/inputs/output_secret.rs"];

fn source_files(folder: &std::path::Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            source_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn values_of_secrets_come_in_by_one_door() {
    let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    source_files(&source, &mut files);
    let mut readers = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let reads = text.contains(&format!("input_object::{}(", "secret"));
        if reads {
            readers.push(file.strip_prefix(&source).unwrap().to_string_lossy().into_owned());
        }
    }
    readers.sort_unstable();
    assert_eq!(
        readers, READERS,
        "whoever reads Secrets has to give their values to `Seen`, as inputs.rs does"
    );
    let door = std::fs::read_to_string(source.join("reconcile/inputs.rs")).unwrap();
    let reads = [format!("input_object::{}(", "secret"), format!("output_secret::{}(", "read")];
    assert_eq!(
        reads.iter().map(|reads| door.matches(reads).count()).sum::<usize>(),
        door.matches("self.seen.add(").count(),
        "every value that is read there is remembered"
    );
}
