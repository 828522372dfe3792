//! Checks whether someone else's message repeats part of a secret, in any form.
//!
//! A server that rejects a request may quote it: as it is, encoded, or truncated. So a message is shown only if it
//! contains no part of a secret, in any form that [`decode`] knows. Secrets may be as large as an asset's file,
//! messages are short: the message's parts are collected once, and each secret is scanned once, in bounded memory.

mod decode;
mod parts;

use std::fmt;
use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};

use parts::Parts;

/// Replaces a message of AWS that repeats what was sent.
pub const LEFT_OUT: &str = "(AWS's message is omitted: it repeats a part of the request)";
/// Replaces a message of the API server.
const LEFT_OUT_BY_KUBERNETES: &str = "the API server's message is omitted: it repeats a part of the request";

/// The part of a message beyond this many bytes is neither checked nor shown.
pub const LONGEST: usize = 8 * 1024;
/// Larger values are not kept: the request has them.
const LARGE: usize = 64 * 1024;
/// Maximum unpacked bytes of an archive that are checked; with more than that, it may contain anything.
const MOST_UNPACKED: u64 = 16 * 1024 * 1024;

/// What a pass has read from Secrets. Clones share it.
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
    /// Remembers a value of a Secret. Of a large one, only that there was one: then every large string of a request is
    /// assumed to be it.
    pub fn add(&self, value: &[u8]) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if value.len() > LARGE {
            inner.large = true;
        } else if !inner.values.iter().any(|known| known == value) {
            inner.values.push(value.to_vec());
        }
    }

    /// Whether a string of a request may be a value of a Secret, judging by its size.
    pub fn may_be(&self, text: &str) -> bool {
        text.len() > LARGE && self.0.lock().unwrap_or_else(PoisonError::into_inner).large
    }

    /// Whether the message repeats part of what was read.
    pub fn is_repeated_in(&self, words: &mut Words) -> bool {
        let inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.values.iter().any(|value| words.repeat(value))
    }
}

/// A message from someone else, in every form in which it can be read.
pub struct Words {
    parts: Parts,
    /// It has too many forms to check: it may repeat anything.
    endless: bool,
}

impl Words {
    /// Reads the message of one response.
    pub fn new<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let readings: Vec<_> = texts.into_iter().map(|text| decode::readings(within(text))).collect();
        let endless = readings.iter().any(Option::is_none);
        Self { parts: Parts::of(readings.into_iter().flatten().flatten()), endless }
    }

    /// Whether it repeats part of `secret`, as it is or as what it encodes.
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

    /// Whether it repeats part of an archive's contents. An archive that can't be read to its end may contain anything.
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

/// The part of a text that is checked, and may be shown.
pub fn within(text: &str) -> &str {
    &text[..text.floor_char_boundary(LONGEST)]
}

/// An error of the API server about something that contains secrets, without a message that repeats them.
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
