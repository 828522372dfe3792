//! Text that leaves the process: nothing in it can pass for another line, a command to a terminal, or other text.
//!
//! Text from objects, Secrets, AWS and the API server is written by others. [`plain`] is applied to all of it before it
//! becomes a condition, an Event, a log line or terminal output.

use std::borrow::Cow;

/// Replaces a character that isn't shown.
const REPLACED: char = '\u{FFFD}';

/// Characters that no reader sees, or that change the order of others (Unicode's `Default_Ignorable_Code_Point`,
/// `Bidi_Control`, interlinear annotations and shorthand controls).
const UNSEEN: &[(char, char)] = &[
    ('\u{061C}', '\u{061C}'),
    ('\u{115F}', '\u{1160}'),
    ('\u{17B4}', '\u{17B5}'),
    ('\u{180B}', '\u{180F}'),
    ('\u{200B}', '\u{200F}'),
    ('\u{202A}', '\u{202E}'),
    ('\u{2060}', '\u{206F}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{FEFF}', '\u{FEFF}'),
    ('\u{FFA0}', '\u{FFA0}'),
    ('\u{FFF0}', '\u{FFFB}'),
    ('\u{1BCA0}', '\u{1BCA3}'),
    ('\u{1D173}', '\u{1D17A}'),
    ('\u{E0000}', '\u{E0FFF}'),
];

/// What happens to a character.
enum Fate {
    Kept,
    /// Replaced by a space.
    Space,
    /// Replaced by [`REPLACED`].
    Replaced,
    /// Removed: it only joins or styles its neighbours, as in emoji.
    Dropped,
}

fn fate(letter: char) -> Fate {
    match letter {
        ' '..='~' => Fate::Kept,
        '\t' | '\n' | '\r' | '\u{0B}' | '\u{0C}' | '\u{85}' | '\u{2028}' | '\u{2029}' => Fate::Space,
        '\u{AD}' | '\u{034F}' | '\u{200C}' | '\u{200D}' | '\u{FE00}'..='\u{FE0F}' => Fate::Dropped,
        _ if letter.is_control() || is_noncharacter(letter) => Fate::Replaced,
        _ if UNSEEN.iter().any(|(first, last)| (*first..=*last).contains(&letter)) => Fate::Replaced,
        _ => Fate::Kept,
    }
}

fn is_noncharacter(letter: char) -> bool {
    let code = u32::from(letter);
    (0xFDD0..=0xFDEF).contains(&code) || code & 0xFFFE == 0xFFFE
}

/// The text on one line, without control, bidirectional and invisible characters. What people can read stays.
pub fn plain(text: &str) -> Cow<'_, str> {
    let Some(first) = text.char_indices().find(|(_, letter)| !matches!(fate(*letter), Fate::Kept)) else {
        return Cow::Borrowed(text);
    };
    let (kept, rest) = text.split_at(first.0);
    let mut plain = String::with_capacity(text.len());
    plain.push_str(kept);
    for letter in rest.chars() {
        match fate(letter) {
            Fate::Kept => plain.push(letter),
            Fate::Space => plain.push(' '),
            Fate::Replaced => plain.push(REPLACED),
            Fate::Dropped => {}
        }
    }
    Cow::Owned(plain)
}

/// The text in at most this many bytes, with an ellipsis if it was truncated.
pub fn shortened(text: &str, bytes: usize) -> Cow<'_, str> {
    const ELLIPSIS: &str = "…";
    if text.len() <= bytes {
        return Cow::Borrowed(text);
    }
    if bytes < ELLIPSIS.len() {
        return Cow::Borrowed("");
    }
    let end = text.floor_char_boundary(bytes - ELLIPSIS.len());
    Cow::Owned(format!("{}{ELLIPSIS}", &text[..end]))
}

/// [`plain`] text of at most this many bytes.
pub fn plain_within(text: &str, bytes: usize) -> String {
    // Nothing becomes shorter by more than its own length, so what is far beyond the limit needn't be processed.
    let near = &text[..text.floor_char_boundary(bytes.saturating_mul(4))];
    let plain = plain(near);
    if near.len() < text.len() && plain.len() <= bytes {
        return shortened(&format!("{plain}…"), bytes).into_owned();
    }
    shortened(&plain, bytes).into_owned()
}

/// The first `most` of `names`, and how many more there are.
pub fn some_of<'a>(names: impl IntoIterator<Item = &'a str>, most: usize) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    let (shown, rest) = names.split_at(names.len().min(most));
    let more = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
    shown.join(", ") + &more
}

/// [`plain`] text of at most this many characters, truncated after a word if one ends near the limit.
pub fn headline(text: &str, characters: usize) -> String {
    let plain = plain(text);
    if plain.chars().count() <= characters {
        return plain.into_owned();
    }
    let kept: String = plain.chars().take(characters.saturating_sub(1)).collect();
    let whole = kept.rfind(' ').filter(|end| *end >= kept.len() / 4 * 3).unwrap_or(kept.len());
    format!("{}…", kept[..whole].trim_end_matches([' ', ',', ':', ';', '(']))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_people_can_read_stays_as_it_is() {
        for text in ["", "plain", "Πληρωμές für 支払い", "größer € ½ «»", "deploy 🚀", "مدفوعات", "a\u{301}"]
        {
            assert!(matches!(plain(text), Cow::Borrowed(same) if same == text), "{text}");
        }
        assert_eq!(plain("👩\u{200D}🚒 ❤\u{FE0F}"), "👩🚒 ❤");
    }

    #[test]
    fn no_line_is_forged() {
        let forged = "no\n{\"level\":\"info\",\"message\":\"ready\"}\r\nx\u{85}y\u{2028}z\u{0B}\tend";
        assert_eq!(plain(forged), "no {\"level\":\"info\",\"message\":\"ready\"}  x y z  end");
    }

    #[test]
    fn no_terminal_and_no_reader_is_led_astray() {
        assert_eq!(
            plain("\u{1b}[2J\u{9b}31m\u{7}\u{8}\u{7f}\0"),
            "\u{FFFD}[2J\u{FFFD}31m".to_owned() + &"\u{FFFD}".repeat(4)
        );
        assert_eq!(plain("a\u{202E}b\u{2066}c\u{200F}d\u{200B}e\u{FEFF}f\u{E0041}"), "a�b�c�d�e�f�");
        assert_eq!(plain("pay\u{AD}ments\u{200C}"), "payments");
    }

    #[test]
    fn a_cut_is_at_a_character_and_shows() {
        assert_eq!(shortened("ünï", 5), "ünï");
        assert_eq!(shortened("ünïx", 5), "ü…");
        assert_eq!(shortened("x", 0), "");
        assert_eq!(plain_within(&format!("{}end", "\u{AD}".repeat(5000)), 10), "…");
    }

    #[test]
    fn of_many_names_some_are_told_and_the_number_of_the_others() {
        assert_eq!(some_of(["a", "b"], 2), "a, b");
        assert_eq!(some_of(["a", "b", "c", "d"], 2), "a, b and 2 more");
        assert_eq!(some_of([], 2), "");
    }

    #[test]
    fn a_headline_ends_with_a_word() {
        assert_eq!(headline("short", 5), "short");
        assert_eq!(headline("the role is refused, really", 22), "the role is refused…");
        assert_eq!(headline("ünïünïünï", 4), "ünï…");
    }

    proptest! {
        #[test]
        fn nothing_but_plain_text_comes_out(text in ".*|[\\x00-\\x9f\u{200B}-\u{206F}a-c]{0,40}", limit in 0_usize..64) {
            let once = plain(&text).into_owned();
            prop_assert!(once.chars().all(|letter| matches!(fate(letter), Fate::Kept)));
            prop_assert!(!once.contains(char::is_control));
            prop_assert_eq!(plain(&once), once.as_str());
            prop_assert!(once.chars().count() <= text.chars().count());
            let short = plain_within(&text, limit);
            prop_assert!(short.len() <= limit);
            prop_assert_eq!(plain_within(&short, limit), short.as_str());
        }
    }
}
