//! Patterns as the service interprets them: the whole string, and `\d`, `\w`, `\s` in ASCII.

use regex::Regex;

/// A whole-string pattern of the model.
#[derive(Debug)]
pub struct Pattern {
    source: String,
    regex: Regex,
}

impl Pattern {
    /// Compiles a pattern of the model.
    pub fn new(source: &str) -> Result<Self, String> {
        let regex = Regex::new(&format!(r"\A(?:{})\z", ascii_classes(source)))
            .map_err(|error| format!("pattern {source}: {error}"))?;
        Ok(Self { source: source.to_owned(), regex })
    }

    /// The pattern as the model writes it.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether the whole text matches.
    pub fn matches(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }
}

/// Rust's `\d`, `\w` and `\s` are Unicode; the service's are not. A nested class works inside brackets too.
fn ascii_classes(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut characters = source.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            out.push(character);
            continue;
        }
        match characters.next() {
            Some('d') => out.push_str("[0-9]"),
            Some('w') => out.push_str("[a-zA-Z0-9_]"),
            Some('s') => out.push_str(r"[ \t\n\x0B\f\r]"),
            Some('S') => out.push_str(r"[^ \t\n\x0B\f\r]"),
            Some(other) => {
                out.push('\\');
                out.push(other);
            }
            None => out.push('\\'),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        Pattern::new(pattern).unwrap().matches(text)
    }

    #[test]
    fn a_pattern_takes_the_whole_string() {
        assert!(matches("[a-z]+", "abc"));
        assert!(!matches("[a-z]+", "abc1"));
        assert!(!matches("[a-z]+", "abc\n"));
        assert!(!matches("a|b", "ac"));
    }

    #[test]
    fn perl_classes_are_ascii() {
        assert!(matches(r"\d{2}", "12"));
        assert!(!matches(r"\d{2}", "١٢"));
        assert!(matches(r"[a-zA-Z0-9_\s-]+", "a b\t-c"));
        assert!(!matches(r"[a-zA-Z0-9_\s-]+", "a\u{a0}b"));
        assert!(matches(r"[\S]+", "a\u{a0}b"));
        assert!(!matches(r"[\S]+", "a b"));
    }

    #[test]
    fn property_classes_are_unicode() {
        assert!(matches(r"[\p{L}\p{N} _-]+", "Ünïcode 9"));
        assert!(matches(r"[\u0020-\u007E]+", "plain ~"));
    }
}
