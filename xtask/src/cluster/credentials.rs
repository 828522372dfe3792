//! The secrets of a cluster, made again for each: the administrator's token and the service accounts' key pair.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};

use crate::cache::hex;
use crate::error::Error;

/// What stands before a P-256 point in a DER-encoded `SubjectPublicKeyInfo`.
const P256_PREFIX: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// A key pair in PEM.
pub struct KeyPairPem {
    /// PKCS #8.
    pub private: String,
    /// `SubjectPublicKeyInfo`.
    pub public: String,
}

/// A key pair for signing service account tokens.
pub fn key_pair() -> Result<KeyPairPem, Error> {
    let failed = |why: &dyn std::fmt::Display| Error::Other(format!("creating a service account key: {why}"));
    let random = SystemRandom::new();
    let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
    let private = EcdsaKeyPair::generate_pkcs8(algorithm, &random).map_err(|error| failed(&error))?;
    let pair =
        EcdsaKeyPair::from_pkcs8(algorithm, private.as_ref(), &random).map_err(|error| failed(&error))?;
    let public = [&P256_PREFIX[..], pair.public_key().as_ref()].concat();
    Ok(KeyPairPem { private: pem("PRIVATE KEY", private.as_ref()), public: pem("PUBLIC KEY", &public) })
}

/// A token that nobody guesses.
pub fn token() -> Result<String, Error> {
    let mut bytes = [0; 24];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| Error::Other("the system provides no random numbers for a token".to_owned()))?;
    Ok(hex(&bytes))
}

fn pem(label: &str, bytes: &[u8]) -> String {
    let text = STANDARD.encode(bytes);
    let mut lines = format!("-----BEGIN {label}-----\n");
    for (index, character) in text.chars().enumerate() {
        if index > 0 && index % 64 == 0 {
            lines.push('\n');
        }
        lines.push(character);
    }
    lines + &format!("\n-----END {label}-----\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pem_has_lines_of_64_characters() {
        let text = pem("X", &[0; 60]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "-----BEGIN X-----");
        assert_eq!(lines[1].len(), 64);
        assert_eq!(lines[2].len(), 16);
        assert_eq!(lines[3], "-----END X-----");
    }

    #[test]
    fn tokens_differ() {
        assert_ne!(token().unwrap(), token().unwrap());
    }

    #[test]
    fn a_public_key_has_the_length_of_its_der() {
        let public = key_pair().unwrap().public;
        let body: String = public.lines().filter(|line| !line.starts_with('-')).collect();
        assert_eq!(STANDARD.decode(body).unwrap().len(), 0x59 + 2);
    }
}
