//! The generated files of the chart: CRDs as templates, the rules of its roles, and the table of its values.

use std::fmt::Write;
use std::path::Path;

use super::Wanted;
use super::crds;
use crate::error::Error;

/// Where the chart is, in the project.
pub const FOLDER: &str = "charts/devops-agent-operator";

/// The lines of a CRD with its annotations, and their replacement in the chart: YAML can't have a key twice.
const ANNOTATIONS: &str = "  annotations:\n";
const SYNC_OPTIONS: &str = "    argocd.argoproj.io/sync-options: ServerSideApply=true,Prune=false\n";
const OF_THE_CHART: &str = "    {{- include \"devops-agent-operator.crdAnnotations\" . | nindent 4 }}\n";
/// The line of a CRD before which the chart's labels go, and what is put there.
const NAME: &str = "  name: ";
const LABELS: &str = "  labels:\n    {{- include \"devops-agent-operator.labels\" . | nindent 4 }}\n";

/// The templates of the chart that are generated from the operator's code.
pub fn templates(root: &Path, stream: &str, rules: String) -> Result<Wanted, Error> {
    let templates = root.join(FOLDER).join("templates");
    let mut wanted = Wanted::new();
    for (path, text) in crds::wanted(&templates.join("crds"), stream)? {
        let text = text.map(|text| crd(&text)).transpose();
        wanted.insert(path, text.map_err(|why| Error::Other(format!("a CRD for the chart: {why}")))?);
    }
    wanted.insert(templates.join("_rules.tpl"), Some(rules));
    Ok(wanted)
}

/// A CRD as a template. Anything in its text that would be template syntax is quoted.
fn crd(document: &str) -> Result<String, &'static str> {
    let document = document.trim_start_matches("---\n").replace("{{", "{{ \"{{\" }}");
    let (before, rest) = document.split_once(ANNOTATIONS).ok_or("it has no annotations")?;
    let (annotations, rest) = rest.split_once(NAME).ok_or("it has no name after its annotations")?;
    if annotations != SYNC_OPTIONS {
        return Err("it has annotations that the chart's helper crdAnnotations doesn't know");
    }
    Ok(format!(
        "{{{{- if .Values.crds.enabled }}}}\n{before}{ANNOTATIONS}{OF_THE_CHART}{LABELS}{NAME}{rest}{{{{- end }}}}\n"
    ))
}

/// A value of the chart: its path, its default, and the comment on it.
#[derive(Debug, PartialEq, Eq)]
struct Value {
    path: String,
    default: String,
    comment: String,
}

/// The table of values, from the comments (`# --`) in values.yaml.
pub fn values_table(text: &str) -> Result<String, Error> {
    let mut table = String::from("| value | default | what it sets |\n| --- | --- | --- |\n");
    for Value { path, default, comment } in values(text).map_err(Error::Other)? {
        let comment = comment.replace('|', "\\|");
        let _ = writeln!(table, "| `{path}` | `{default}` | {comment} |");
    }
    Ok(table)
}

fn values(text: &str) -> Result<Vec<Value>, String> {
    let mut values: Vec<Value> = Vec::new();
    let mut parents: Vec<(usize, String)> = Vec::new();
    let mut comment: Option<String> = None;
    // What is below a value that has a comment is its default.
    let mut inside: Option<usize> = None;
    for line in text.lines() {
        let trimmed = line.trim_start();
        let indent = line.len() - trimmed.len();
        if let Some(first) = trimmed.strip_prefix("# -- ") {
            comment = Some(first.to_owned());
        } else if let Some(more) = trimmed.strip_prefix("# ") {
            if let Some(comment) = &mut comment {
                comment.push(' ');
                comment.push_str(more);
            }
        } else if inside.is_some_and(|depth| indent > depth) {
            if let Some(value) = values.last_mut() {
                value.default.push_str(line);
                value.default.push('\n');
            }
        } else if let Some((key, default)) = trimmed.split_once(':') {
            inside = None;
            parents.retain(|(depth, _)| *depth < indent);
            parents.push((indent, key.to_owned()));
            let path = parents.iter().map(|(_, key)| key.as_str()).collect::<Vec<_>>().join(".");
            match (comment.take(), default.trim()) {
                (Some(comment), default) => {
                    if default.is_empty() {
                        inside = Some(indent);
                    }
                    values.push(Value { path, default: default.to_owned(), comment });
                }
                (None, "") => {}
                (None, _) => return Err(format!("the chart's value {path} has no comment (`# --`)")),
            }
        }
    }
    for value in &mut values {
        if value.default.contains('\n') {
            value.default = flow(&value.default);
        }
    }
    Ok(values)
}

/// Block YAML of maps, as values.yaml has it, on one line.
fn flow(block: &str) -> String {
    let mut out = String::from("{");
    let mut depths: Vec<usize> = Vec::new();
    for line in block.lines().filter(|line| !line.trim().is_empty()) {
        let trimmed = line.trim_start();
        let indent = line.len() - trimmed.len();
        while depths.last().is_some_and(|depth| indent <= *depth) {
            depths.pop();
            out.push('}');
        }
        if !out.ends_with('{') {
            out.push_str(", ");
        }
        if trimmed.ends_with(':') {
            depths.push(indent);
            out.push_str(trimmed);
            out.push_str(" {");
        } else {
            out.push_str(trimmed);
        }
    }
    out.push_str(&"}".repeat(depths.len() + 1));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crd_becomes_a_template_that_can_be_switched_off() {
        let template = crd(&format!(
            "---\nkind: X\nmetadata:\n  annotations:\n{SYNC_OPTIONS}  name: x\nspec: \"{{{{\"\n"
        ))
        .unwrap();
        let expected = format!(
            "{{{{- if .Values.crds.enabled }}}}\nkind: X\nmetadata:\n  annotations:\n{OF_THE_CHART}{LABELS}  \
             name: x\nspec: \"{{{{ \"{{{{\" }}}}\"\n{{{{- end }}}}\n"
        );
        assert_eq!(template, expected);
        assert!(crd("kind: X\n").is_err());
        assert!(crd("kind: X\nmetadata:\n  annotations:\n    a: b\n  name: x\n").is_err());
    }

    #[test]
    fn values_are_found_with_their_paths_and_comments() {
        let text = "# A word.\n\n# -- One\n# and a half.\na: 1\nb:\n  # -- Two.\n  c: []\n# -- Three.\nd:\n  e:\n    f: 1\n    g: 2\n  h: 3\n";
        let value = |path: &str, default: &str, comment: &str| Value {
            path: path.to_owned(),
            default: default.to_owned(),
            comment: comment.to_owned(),
        };
        let expected = [
            value("a", "1", "One and a half."),
            value("b.c", "[]", "Two."),
            value("d", "{e: {f: 1, g: 2}, h: 3}", "Three."),
        ];
        assert_eq!(values(text).unwrap(), expected);
    }

    #[test]
    fn a_value_without_a_comment_is_an_error() {
        assert!(values("a:\n  b: 1\n").unwrap_err().contains("a.b"));
    }
}
