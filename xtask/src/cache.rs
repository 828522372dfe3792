//! The per-user folder for what is expensive to make and can be made again.

use std::env;
use std::path::PathBuf;

use ring::digest;

use crate::error::Error;

/// Where it is.
pub fn folder() -> Result<PathBuf, Error> {
    let not_empty = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    not_empty("XDG_CACHE_HOME")
        .or_else(|| not_empty("HOME").map(|home| home.join(".cache")))
        .map(|cache| cache.join("devops-agent-operator"))
        .ok_or_else(|| {
            Error::Other(
                "neither HOME nor XDG_CACHE_HOME is set, so there is no place for a cache".to_owned(),
            )
        })
}

/// A short name for what is made from these inputs: other inputs, another name.
pub fn key(inputs: &[&[u8]]) -> String {
    let mut hash = digest::Context::new(&digest::SHA256);
    for input in inputs {
        hash.update(&input.len().to_be_bytes());
        hash.update(input);
    }
    hex(&hash.finish().as_ref()[..6])
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_has_two_digits_a_byte() {
        assert_eq!(hex(&[0, 0x0f, 0xf0, 0xa5]), "000ff0a5");
    }

    #[test]
    fn a_key_depends_on_every_input_and_on_where_each_ends() {
        assert_eq!(key(&[b"a", b"b"]), key(&[b"a", b"b"]));
        assert_ne!(key(&[b"a", b"b"]), key(&[b"ab", b""]));
        assert_eq!(key(&[]).len(), 12);
    }
}
