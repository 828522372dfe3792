//! Whether words of others repeat a part of a secret, whatever they made of it.
//!
//! Who refuses a request may quote it: as it is, encoded, or cut. So words are shown only if no part of a secret is in
//! them, in any form that [`decode`] knows. Secrets may be as large as an asset's file, words are short: the words'
//! parts are collected once, and each secret is walked over once, in bounded memory.

mod decode;
mod parts;

use std::fmt;
use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};

use parts::Parts;

/// Stands for AWS's words that repeat what was sent.
pub const LEFT_OUT: &str = "(AWS's message is omitted: it repeats a part of the request)";
/// Stands for the API server's.
const LEFT_OUT_BY_KUBERNETES: &str = "the API server's message is omitted: it repeats a part of the request";

/// Words beyond this many bytes are neither looked at nor shown.
pub const LONGEST: usize = 8 * 1024;
/// Larger values are not kept: the request has them.
const LARGE: usize = 64 * 1024;
/// Most bytes of an archive that are looked at once unpacked; with more than that, it may hold anything.
const MOST_UNPACKED: u64 = 16 * 1024 * 1024;

/// What a pass has read of Secrets. Clones are one and the same.
#[derive(Clone, Default)]
pub struct Seen(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    values: Vec<Vec<u8>>,
    large: bool,
}

impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seen(…)")
    }
}

impl Seen {
    /// Remembers a value of a Secret. Of a large one only that there was one: then every large string of a request
    /// is taken for it.
    pub fn add(&self, value: &[u8]) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if value.len() > LARGE {
            inner.large = true;
        } else if !inner.values.iter().any(|known| known == value) {
            inner.values.push(value.to_vec());
        }
    }

    /// Whether a string of a request may be a value of a Secret for its size alone.
    pub fn may_be(&self, text: &str) -> bool {
        text.len() > LARGE && self.0.lock().unwrap_or_else(PoisonError::into_inner).large
    }

    /// Whether the words repeat a part of what was read.
    pub fn is_repeated_in(&self, words: &mut Words) -> bool {
        let inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.values.iter().any(|value| words.repeat(value))
    }
}

/// Words of others, in every form that they can be read in.
pub struct Words {
    parts: Parts,
    /// Their forms are too many to look at: they may repeat anything.
    endless: bool,
}

impl Words {
    /// Reads the words of one answer.
    pub fn new<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let readings: Vec<_> = texts.into_iter().map(|text| decode::readings(within(text))).collect();
        let endless = readings.iter().any(Option::is_none);
        Self { parts: Parts::of(readings.into_iter().flatten().flatten()), endless }
    }

    /// Whether they repeat a part of `secret`, as it is or as what it encodes.
    pub fn repeat(&mut self, secret: &[u8]) -> bool {
        if self.parts.are_empty() || secret.is_empty() {
            return false;
        }
        self.endless
            || self.parts.found_in(secret)
            || decode::whole(secret)
                .iter()
                .any(|inner| self.parts.found_in(inner) || self.repeat_archive(inner))
            || self.repeat_archive(secret)
    }

    /// Whether they repeat a part of what is in an archive. One that can't be read to its end may hold anything.
    fn repeat_archive(&mut self, bytes: &[u8]) -> bool {
        if !bytes.starts_with(b"PK\x03\x04") {
            return false;
        }
        let Ok(mut archive) = zip::ZipArchive::new(std::io::Cursor::new(bytes)) else { return true };
        let mut left = MOST_UNPACKED;
        let mut piece = vec![0; LARGE];
        for index in 0..archive.len() {
            let Ok(mut file) = archive.by_index(index) else { return true };
            let mut scan = self.parts.scan(usize::try_from(file.size()).unwrap_or(usize::MAX));
            loop {
                match file.read(&mut piece) {
                    Ok(0) => break,
                    Err(_) => return true,
                    Ok(read) => {
                        left = left.saturating_sub(read as u64);
                        if left == 0 || scan.feed(&piece[..read]) {
                            return true;
                        }
                    }
                }
            }
        }
        false
    }
}

/// The part of a text that is looked at, and may be shown.
pub fn within(text: &str) -> &str {
    &text[..text.floor_char_boundary(LONGEST)]
}

/// An error of the API server about something that holds secrets, without words that repeat them.
pub fn without(error: kube::Error, seen: &Seen) -> kube::Error {
    if !seen.is_repeated_in(&mut Words::new([error.to_string().as_str()])) {
        return error;
    }
    match error {
        kube::Error::Api(status) => kube::Error::Api(
            kube::core::Status::failure(LEFT_OUT_BY_KUBERNETES, &status.reason)
                .with_code(status.code)
                .boxed(),
        ),
        _ => kube::Error::Service(LEFT_OUT_BY_KUBERNETES.into()),
    }
}

#[cfg(test)]
mod tests;
