//! What can be read from YAML files without understanding them.

/// The documents of a YAML text.
pub fn documents(text: &str) -> impl Iterator<Item = String> {
    let mut documents = vec![String::new()];
    for line in text.lines() {
        if line.trim_end() == "---" || line.starts_with("--- ") {
            documents.push(String::new());
        } else if let Some(document) = documents.last_mut() {
            document.push_str(line);
            document.push('\n');
        }
    }
    documents.into_iter().filter(|document| document.lines().any(is_content))
}

fn is_content(line: &str) -> bool {
    let line = line.trim();
    !line.is_empty() && !line.starts_with('#')
}

/// The kind of a document.
pub fn kind(document: &str) -> Option<&str> {
    document.lines().find_map(|line| line.strip_prefix("kind:")).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# Who needs it\n---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: payments\n---\n\
                        kind: AgentSpace\nspec:\n  text: |\n    kind: Namespace\n";

    #[test]
    fn documents_are_split_and_comments_alone_are_none() {
        assert_eq!(documents(TEXT).count(), 2);
    }

    #[test]
    fn the_kind_is_the_one_at_the_top() {
        let kinds: Vec<String> =
            documents(TEXT).filter_map(|document| kind(&document).map(str::to_owned)).collect();
        assert_eq!(kinds, ["Namespace", "AgentSpace"]);
    }
}
