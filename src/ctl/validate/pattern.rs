//! The patterns of the CRDs, which are Go's: compiled when they are needed, and kept.

use std::cell::RefCell;
use std::collections::HashMap;

use regex::{Regex, RegexBuilder};

/// A pattern with a large bound repeats its content as often.
const MOST_BYTES: usize = 256 << 20;

/// The compiled patterns.
#[derive(Debug, Default)]
pub struct Patterns(RefCell<HashMap<String, Option<Regex>>>);

impl Patterns {
    /// Whether the text matches. A pattern that can't be compiled matches nothing: the test of all patterns notices.
    pub fn matches(&self, pattern: &str, text: &str) -> bool {
        let mut compiled = self.0.borrow_mut();
        if !compiled.contains_key(pattern) {
            compiled.insert(pattern.to_owned(), compile(pattern));
        }
        compiled.get(pattern).and_then(Option::as_ref).is_some_and(|regex| regex.is_match(text))
    }
}

/// The pattern as Go understands it.
pub fn compile(pattern: &str) -> Option<Regex> {
    RegexBuilder::new(&in_ascii(pattern)).size_limit(MOST_BYTES).build().ok()
}

/// In Go, the classes `\d`, `\s` and `\w` are of ASCII.
fn in_ascii(pattern: &str) -> String {
    let mut text = String::new();
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            text.push(character);
            continue;
        }
        match characters.next() {
            Some('d') => text.push_str("[0-9]"),
            Some('D') => text.push_str("[^0-9]"),
            Some('s') => text.push_str(r"[\t\n\f\r ]"),
            Some('S') => text.push_str(r"[^\t\n\f\r ]"),
            Some('w') => text.push_str("[0-9A-Za-z_]"),
            Some('W') => text.push_str("[^0-9A-Za-z_]"),
            Some(other) => text.extend(['\\', other]),
            None => text.push('\\'),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_of_ascii() {
        let patterns = Patterns::default();
        for (pattern, good, bad) in [
            (r"^\d+$", "12", "\u{0661}"),
            (r"^[\w.]+$", "a_1.", "\u{e9}"),
            (r"^[^\s]+$", "a\u{a0}", "a b"),
            (r"^\\d$", r"\d", "1"),
            (r"^\p{L}$", "\u{e9}", "1"),
        ] {
            assert!(patterns.matches(pattern, good), "{pattern}");
            assert!(!patterns.matches(pattern, bad), "{pattern}");
        }
    }
}
