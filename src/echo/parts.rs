//! The parts of a message, to be searched for in secrets.

use std::collections::{BTreeMap, HashSet};

/// A part this long gives a long secret away.
const LONGEST_PART: usize = 8;
/// Shorter parts are in every text.
const SHORTEST_PART: usize = 4;

/// A message, and its parts by length, computed on demand.
pub struct Parts {
    readings: Vec<Vec<u8>>,
    by_length: BTreeMap<usize, Set>,
}

/// Parts of one length. Few parts of secrets are among them, and a coarse filter excludes most of the others at once.
struct Set {
    parts: HashSet<u64>,
    picture: Vec<u64>,
}

/// A scan of one secret, piece by piece.
pub struct Scan<'a> {
    set: &'a Set,
    length: usize,
    seen: usize,
    window: u64,
}

/// Half of a secret gives it away, and eight characters of a long one.
fn length_of_parts(secret: usize) -> usize {
    secret.div_ceil(2).clamp(SHORTEST_PART, LONGEST_PART)
}

fn says_something(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || !byte.is_ascii()
}

impl Parts {
    /// The parts of texts. Upper and lower case count as the same.
    pub fn of(readings: impl Iterator<Item = Vec<u8>>) -> Self {
        let readings =
            readings.map(|reading| reading.to_ascii_lowercase()).filter(|reading| !reading.is_empty());
        Self { readings: readings.collect(), by_length: BTreeMap::new() }
    }

    /// Whether there are none.
    pub fn are_empty(&self) -> bool {
        self.readings.is_empty()
    }

    /// Whether one of them is in `secret`.
    pub fn found_in(&mut self, secret: &[u8]) -> bool {
        let secret = secret.trim_ascii();
        if secret.len() < SHORTEST_PART || !secret.iter().copied().any(says_something) {
            return self.have_the_word(secret);
        }
        self.scan(secret.len()).feed(secret)
    }

    /// A scan of a secret with this many bytes.
    pub fn scan(&mut self, secret: usize) -> Scan<'_> {
        let length = length_of_parts(secret);
        let readings = &self.readings;
        let set = self.by_length.entry(length).or_insert_with(|| Set::of(readings, length));
        Scan { set, length, seen: 0, window: 0 }
    }

    /// Whether a secret that is too short to have parts stands alone in one of the texts.
    fn have_the_word(&self, secret: &[u8]) -> bool {
        let word = secret.to_ascii_lowercase();
        let joins = |inner: Option<&u8>, outer: Option<&u8>| match (inner, outer) {
            (Some(inner), Some(outer)) => says_something(*inner) && says_something(*outer),
            _ => false,
        };
        !word.is_empty()
            && self.readings.iter().any(|text| {
                text.windows(word.len()).enumerate().any(|(at, window)| {
                    let before = at.checked_sub(1).and_then(|before| text.get(before));
                    window == word
                        && !joins(word.first(), before)
                        && !joins(word.last(), text.get(at + word.len()))
                })
            })
    }
}

impl Set {
    /// Parts of nothing but spaces and punctuation say nothing.
    fn of(readings: &[Vec<u8>], length: usize) -> Self {
        let windows = readings.iter().flat_map(|reading| reading.windows(length));
        let telling = windows.filter(|window| window.iter().copied().any(says_something));
        let parts: HashSet<u64> =
            telling.map(|window| window.iter().fold(0, |part, byte| part << 8 | u64::from(*byte))).collect();
        let mut picture = vec![0; 1024];
        for part in &parts {
            let (word, bit) = place(*part);
            picture[word] |= bit;
        }
        Self { parts, picture }
    }

    fn has(&self, part: u64) -> bool {
        let (word, bit) = place(part);
        self.picture[word] & bit != 0 && self.parts.contains(&part)
    }
}

/// Position of a part in the filter of 65536 bits.
fn place(part: u64) -> (usize, u64) {
    let mixed = part.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 48;
    (usize::try_from(mixed >> 6).unwrap_or_default(), 1 << (mixed & 63))
}

impl Scan<'_> {
    /// Whether the next piece of the secret completes or contains a part of the message.
    pub fn feed(&mut self, piece: &[u8]) -> bool {
        let mask = u64::MAX >> (64 - 8 * self.length);
        for byte in piece {
            self.window = (self.window << 8 | u64::from(byte.to_ascii_lowercase())) & mask;
            self.seen += 1;
            if self.seen >= self.length && self.set.has(self.window) {
                return true;
            }
        }
        false
    }
}
