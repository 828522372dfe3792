//! The documentation: complete, without dead links, and its YAML is YAML. The end-to-end tests apply it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that can not be set up has failed"
)]

mod links;
mod markdown;
mod shell;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

use devops_agent_operator::api::association::Configuration;
use devops_agent_operator::api::catalog::CONFIGURATIONS;
use devops_agent_operator::api::service_registration::Service;
use devops_agent_operator::kinds;
use devops_agent_operator::reconcile::state::conditions::Reason;
use links::{anchors, links};
use markdown::{pages, root, split};
use serde_json::Value;
use shell::{REASONS, is_run, is_shell, session};

/// Pages outside the book whose links are checked too.
const OTHERS: [&str; 5] =
    ["README.md", "CHANGELOG.md", "SECURITY.md", "examples/README.md", "simulator/README.md"];
const SUMMARY: &str = "docs/src/SUMMARY.md";

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

/// The path without `.` and `..`.
fn normal(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut done, part| {
        match part {
            Component::ParentDir => {
                done.pop();
            }
            Component::CurDir => {}
            part => done.push(part),
        }
        done
    })
}

fn all_pages() -> Vec<PathBuf> {
    pages().into_iter().chain(OTHERS.iter().map(|name| root().join(name))).collect()
}

#[test]
fn every_page_is_in_the_summary_once() {
    let summary = root().join(SUMMARY);
    let (_, text) = split(&read(&summary));
    let mut listed = BTreeSet::new();
    for target in links(&text) {
        let path = normal(&summary.parent().unwrap().join(&target));
        assert!(path.is_file(), "{SUMMARY} names {target}, which is not there");
        assert!(listed.insert(path), "{SUMMARY} names {target} twice");
    }
    let missing: Vec<String> = pages()
        .iter()
        .filter(|page| **page != summary && !listed.contains(*page))
        .map(|page| shown(page))
        .collect();
    assert!(missing.is_empty(), "not in {SUMMARY}: {missing:?}");
}

#[test]
fn every_link_leads_somewhere() {
    let mut dead = Vec::new();
    for page in all_pages() {
        let (_, text) = split(&read(&page));
        for target in links(&text).iter().filter(|target| !target.contains("://")) {
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let path =
                if file.is_empty() { page.clone() } else { normal(&page.parent().unwrap().join(file)) };
            let found =
                path.exists() && (anchor.is_empty() || anchors(&split(&read(&path)).1).contains(anchor));
            // What is outside docs/src is not in the book: the book needs an address for it.
            let leaves =
                page.starts_with(root().join("docs/src")) && !path.starts_with(root().join("docs/src"));
            // mdBook renders a README.md as index.html, and does not say so to the pages that link to it.
            let renamed = page.starts_with(root().join("docs/src"))
                && page != root().join(SUMMARY)
                && path.ends_with("README.md");
            if !found || leaves || renamed {
                dead.push(format!("{}: {target}", shown(&page)));
            }
        }
    }
    assert!(dead.is_empty(), "dead links:\n{}", dead.join("\n"));
}

#[test]
fn what_is_linked_in_the_repository_is_there() {
    let repository = format!("{}/blob/main/", env!("CARGO_PKG_REPOSITORY"));
    for page in all_pages() {
        for target in links(&split(&read(&page)).1) {
            let path = target
                .strip_prefix(&repository)
                .map(|path| path.split('#').next().unwrap_or(path).to_owned());
            assert!(path.is_none_or(|path| root().join(path).exists()), "{}: {target}", shown(&page));
        }
    }
}

#[test]
fn every_block_of_yaml_and_json_can_be_read() {
    let mut read_blocks = 0;
    for page in all_pages() {
        for block in split(&read(&page)).0 {
            let place = format!("{}:{}", shown(&page), block.line);
            match block.language() {
                "yaml" => {
                    let documents: Result<Vec<Value>, _> = serde_saphyr::from_multiple(&block.text);
                    assert!(
                        !documents.unwrap_or_else(|error| panic!("{place}: {error}")).is_empty(),
                        "{place}"
                    );
                }
                "json" => {
                    let read: Result<Value, _> = serde_json::from_str(&block.text);
                    read.unwrap_or_else(|error| panic!("{place}: {error}"));
                }
                "" => panic!("{place}: the block has no language"),
                _ => continue,
            }
            read_blocks += 1;
        }
    }
    assert!(read_blocks > 10, "{read_blocks}");
}

/// What runs is run by the tests of the chart, for which a cluster is needed.
#[test]
fn shell_is_shell_and_what_is_not_run_says_why() {
    let (mut run, mut left) = (0, 0);
    let beside = ["README.md", "examples/README.md"].map(|page| root().join(page));
    for page in pages().into_iter().chain(beside) {
        for block in split(&read(&page)).0.iter().filter(|block| is_shell(block)) {
            let place = format!("{}:{}", shown(&page), block.line);
            let marks: Vec<&str> = block.info.split(',').skip(1).collect();
            let why = block.mark("no-run");
            assert!(marks.is_empty() || (marks.len() == 1 && why.is_some()), "{place}: {}", block.info);
            if let Some(why) = why {
                assert!(REASONS.iter().any(|(word, _)| *word == why), "{place}: there is no reason {why}");
                // What is written by running it has been run.
                left += usize::from(why != "generated");
            }
            run += usize::from(is_run(block));
            let commands: Vec<String> = if block.language() == "sh" {
                vec![block.text.clone()]
            } else {
                session(block).into_iter().map(|(command, _)| command).collect()
            };
            for command in commands {
                let bash = Command::new("bash").args(["-n", "-c", &command]).output().expect("there is bash");
                let said = String::from_utf8_lossy(&bash.stderr);
                assert!(bash.status.success() && said.is_empty(), "{place}: {said}");
            }
        }
    }
    assert!(run > 60 && left < run / 3, "{run} blocks are run, {left} aren't");
    for (word, meaning) in REASONS {
        assert!(!meaning.is_empty() && !word.contains(' '));
    }
}

#[test]
fn every_reason_has_a_section_in_troubleshooting() {
    let page = root().join("docs/src/operate/troubleshooting.md");
    let text = read(&page);
    let sections: BTreeMap<&str, &str> = text
        .split("\n### ")
        .skip(1)
        .filter_map(|section| section.split_once('\n'))
        .map(|(title, body)| (title.trim(), body.split("\n## ").next().unwrap_or(body)))
        .collect();
    for (reason, _) in Reason::TABLE {
        let body = sections.get(reason.as_str());
        let body = body.unwrap_or_else(|| panic!("{}: no section `### {reason}`", shown(&page)));
        for part in ["**You see**", "**Why**", "**Do**"] {
            assert!(body.contains(part), "{}: {reason} does not say {part}", shown(&page));
        }
    }
    for title in sections.keys().filter(|title| title.chars().all(char::is_alphanumeric)) {
        let known = Reason::TABLE.iter().any(|(reason, _)| reason.as_str() == *title);
        assert!(known, "{}: there is no reason {title}", shown(&page));
    }
}

#[test]
fn every_kind_has_a_generated_reference() {
    for crd in kinds::crds().unwrap() {
        let name = crd["spec"]["names"]["singular"].as_str().unwrap();
        let page = root().join(format!("docs/src/reference/{name}.md"));
        assert!(read(&page).contains(&format!("<!-- generated:reference {name} -->")), "{}", shown(&page));
    }
}

#[test]
fn every_configuration_is_on_the_page_that_its_row_names() {
    for row in CONFIGURATIONS {
        let page = root().join("docs/src/connect").join(row.page);
        let (blocks, _) = split(&read(&page));
        let key = format!("{}:", row.key);
        let has = |text: &str| text.split([' ', '{', '\n']).any(|word| word == key);
        let shows = blocks.iter().any(|block| block.language() == "yaml" && has(&block.text));
        assert!(shows, "{}: no YAML with the configuration {}", shown(&page), row.key);
    }
}

#[test]
fn every_configuration_and_service_has_an_example() {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(root().join("examples/services")).unwrap() {
        let path = entry.unwrap().path();
        let documents: Vec<Value> = serde_saphyr::from_multiple(&read(&path)).unwrap();
        for place in
            documents.iter().flat_map(|object| ["configuration", "service"].map(|part| &object["spec"][part]))
        {
            found.extend(place.as_object().into_iter().flat_map(|part| part.keys().cloned()));
        }
    }
    let wanted = Configuration::KEYS.iter().chain(Service::KEYS);
    let missing: Vec<_> = wanted.filter(|key| !found.contains(**key)).collect();
    assert!(missing.is_empty(), "not in examples/services/: {missing:?}");
}

#[test]
fn every_alert_has_a_runbook() {
    // The alerts are a part of the chart.
    let alerts = root().join("charts/devops-agent-operator/files/alerts.yaml");
    let Ok(text) = fs::read_to_string(alerts) else { return };
    let named = text.lines().filter_map(|line| line.trim().trim_start_matches("- ").strip_prefix("alert:"));
    for alert in named.map(|name| name.trim().trim_matches('"')) {
        let page = root().join(format!("docs/src/runbooks/{}.md", alert.to_lowercase()));
        let text = read(&page);
        for part in ["## Meaning", "## Impact", "## Diagnosis", "## Cure"] {
            assert!(text.contains(part), "{}: no `{part}`", shown(&page));
        }
    }
}

#[test]
fn markdown_is_read_as_it_is_meant() {
    let (blocks, rest) =
        split("# A b, c\n```yaml,reason=Invalid\na: 1\n```\n[x](y.md#z) `[n](o)` [p](q)\n## A b, c\n");
    assert_eq!((blocks[0].language(), blocks[0].mark("reason")), ("yaml", Some("Invalid")));
    assert_eq!((blocks[0].text.as_str(), blocks[0].line), ("a: 1\n", 2));
    assert_eq!(links(&rest), ["y.md#z", "q"]);
    assert_eq!(anchors(&rest).into_iter().collect::<Vec<_>>(), ["a-b-c", "a-b-c-1"]);
}
