//! What a text may mean: the text itself, and what escapes, percent signs, entities, hexadecimal digits and base64 in
//! it decode to, also nested.

use std::collections::HashSet;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// How deeply nested encodings are followed.
const DEPTH: usize = 4;
/// Maximum readings of a text: a limit for texts that are crafted to have many.
const MOST: usize = 512;
/// Shorter runs of digits or letters are not taken for an encoding.
const SHORTEST_RUN: usize = 4;

/// Accepts any end of a run: with or without padding, and with leftover bits.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Every reading of a text, the text itself first; none if there are too many.
pub fn readings(text: &str) -> Option<Vec<Vec<u8>>> {
    let mut found = vec![text.as_bytes().to_vec()];
    let mut known: HashSet<Vec<u8>> = found.iter().cloned().collect();
    let mut latest = found.clone();
    for _ in 0..DEPTH {
        let mut next = Vec::new();
        for reading in &latest {
            for (decoded, goes_on) in decode(reading) {
                if !known.insert(decoded.clone()) {
                    continue;
                }
                if goes_on {
                    next.push(decoded.clone());
                }
                found.push(decoded);
            }
            if found.len() > MOST {
                return None;
            }
        }
        latest = next;
    }
    Some(found)
}

/// What a secret as a whole may encode, as its recipient would decode it.
pub fn whole(secret: &[u8]) -> Vec<Vec<u8>> {
    let trimmed = secret.trim_ascii();
    let mut found: Vec<Vec<u8>> = [escapes(trimmed), percent(trimmed, false)].into_iter().flatten().collect();
    if trimmed.len() >= SHORTEST_RUN && trimmed.iter().all(|byte| is_base64(*byte) || *byte == b'=') {
        let unpadded: Vec<u8> = trimmed.iter().copied().filter(|byte| *byte != b'=').collect();
        found.extend(base64(&unpadded));
    }
    found
}

/// One step of decoding, and whether to continue from there: bytes that aren't text encode nothing.
fn decode(text: &[u8]) -> Vec<(Vec<u8>, bool)> {
    let unescaped = [escapes(text), percent(text, false), percent(text, true), entities(text)];
    let mut found: Vec<(Vec<u8>, bool)> =
        unescaped.into_iter().flatten().map(|decoded| (decoded, true)).collect();
    // An encoding may be broken into lines or groups.
    let joined: Vec<u8> = text.iter().copied().filter(|byte| !b" \t\r\n:,".contains(byte)).collect();
    for text in [text, joined.as_slice()] {
        // A cut encoding may begin anywhere in its groups.
        for offset in 0..4 {
            let decoded = runs(text, is_base64).filter_map(|run| base64(run.get(offset..)?));
            found.extend(together(&decoded.collect::<Vec<_>>()));
        }
        for offset in 0..2 {
            let digits = runs(text, |byte| byte.is_ascii_hexdigit());
            found.extend(together(
                &digits.filter_map(|run| Some(hexadecimal(run.get(offset..)?))).collect::<Vec<_>>(),
            ));
        }
    }
    found.retain(|(decoded, _)| !decoded.is_empty());
    found
}

/// What the runs of a text mean as one reading, and those among them that are text as another, to continue with.
fn together(decoded: &[Vec<u8>]) -> [(Vec<u8>, bool); 2] {
    let texts: Vec<&[u8]> = decoded.iter().map(Vec::as_slice).filter(|run| is_text(run)).collect();
    [(texts.join(&0), true), (decoded.join(&0), false)]
}

/// Whether it is long enough to encode something else, and is text except at its ends, which may have been cut.
fn is_text(decoded: &[u8]) -> bool {
    let odd = String::from_utf8_lossy(decoded).chars().filter(|c| c.is_control() || *c == '\u{FFFD}').count();
    decoded.len() >= 6 && odd * 4 <= decoded.len()
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/-_".contains(&byte)
}

/// The parts of a text that consist of one kind of characters.
fn runs(text: &[u8], kind: fn(u8) -> bool) -> impl Iterator<Item = &[u8]> {
    text.split(move |byte| !kind(*byte)).filter(|run| run.len() >= SHORTEST_RUN)
}

/// Standard or URL-safe, and without the last character if that alone is one too many.
fn base64(run: &[u8]) -> Option<Vec<u8>> {
    let end = if run.len() % 4 == 1 { run.len() - 1 } else { run.len() };
    let standard: Vec<u8> = run[..end]
        .iter()
        .map(|byte| match byte {
            b'-' => b'+',
            b'_' => b'/',
            other => *other,
        })
        .collect();
    LENIENT.decode(standard).ok().filter(|decoded| !decoded.is_empty())
}

fn hexadecimal(run: &[u8]) -> Vec<u8> {
    run.chunks_exact(2)
        .filter_map(|pair| number(pair, 16))
        .filter_map(|value| u8::try_from(value).ok())
        .collect()
}

fn number(digits: &[u8], radix: u32) -> Option<u32> {
    let text = std::str::from_utf8(digits).ok()?;
    text.bytes().all(|digit| digit.is_ascii_alphanumeric()).then(|| u32::from_str_radix(text, radix).ok())?
}

/// `%41`, and `+` for a space in forms.
fn percent(text: &[u8], form: bool) -> Option<Vec<u8>> {
    if form {
        let spaced: Vec<u8> = text.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
        return text.contains(&b'+').then(|| percent_encoding::percent_decode(&spaced).collect());
    }
    text.contains(&b'%').then(|| percent_encoding::percent_decode(text).collect())
}

/// Replaces every mark that `read` knows: it returns what the mark means and how long it is.
fn replace(text: &[u8], mark: u8, read: impl Fn(&[u8], &mut Vec<u8>) -> Option<usize>) -> Option<Vec<u8>> {
    if !text.contains(&mark) {
        return None;
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        let length = if *first == mark { read(rest, &mut out) } else { None };
        if let Some(length) = length {
            rest = rest.get(length..).unwrap_or_default();
        } else {
            out.push(*first);
            rest = after;
        }
    }
    Some(out)
}

fn push(out: &mut Vec<u8>, code: u32) -> Option<()> {
    let mut space = [0; 4];
    out.extend_from_slice(char::from_u32(code)?.encode_utf8(&mut space).as_bytes());
    Some(())
}

/// Backslashes, as JSON and most languages have them.
fn escapes(text: &[u8]) -> Option<Vec<u8>> {
    replace(text, b'\\', |rest, out| match rest.get(1)? {
        b'u' if rest.get(2) == Some(&b'{') => {
            let end = rest.iter().take(12).position(|byte| *byte == b'}')?;
            push(out, number(rest.get(3..end)?, 16)?)?;
            Some(end + 1)
        }
        b'u' => {
            let first = number(rest.get(2..6)?, 16)?;
            if let (0xD800..=0xDBFF, Some(b"\\u"), Some(second)) = (first, rest.get(6..8), rest.get(8..12)) {
                let second = number(second, 16)?.checked_sub(0xDC00)?;
                push(out, 0x10000 + ((first - 0xD800) << 10) + second)?;
                return Some(12);
            }
            push(out, first)?;
            Some(6)
        }
        b'x' => {
            out.push(u8::try_from(number(rest.get(2..4)?, 16)?).ok()?);
            Some(4)
        }
        other => {
            let meant = match other {
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                b'b' => 8,
                b'f' => 12,
                other => *other,
            };
            out.push(meant);
            Some(2)
        }
    })
}

/// Entities of HTML and XML.
fn entities(text: &[u8]) -> Option<Vec<u8>> {
    const NAMED: [(&[u8], u8); 6] =
        [(b"amp", b'&'), (b"lt", b'<'), (b"gt", b'>'), (b"quot", b'"'), (b"apos", b'\''), (b"nbsp", b' ')];
    replace(text, b'&', |rest, out| {
        let end = rest.iter().take(12).position(|byte| *byte == b';')?;
        match rest.get(1..end)? {
            [b'#', b'x' | b'X', digits @ ..] => push(out, number(digits, 16)?)?,
            [b'#', digits @ ..] => push(out, number(digits, 10)?)?,
            name => out.push(NAMED.iter().find(|(known, _)| *known == name)?.1),
        }
        Some(end + 1)
    })
}
