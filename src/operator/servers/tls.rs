//! The certificate of the metrics server: from files, or created at startup.

use std::fs;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;
use tracing::{info, warn};

use super::CertificateFiles;

/// How often the files are read. Kubernetes itself takes about a minute to update a Secret in a pod.
const READ_AGAIN: Duration = Duration::from_secs(10);

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file can't be read.
    #[error("reading {path}: {source}")]
    Read {
        /// The file.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file has no certificate or key.
    #[error("{what} in PEM: {source}")]
    Pem {
        /// What was expected.
        what: &'static str,
        /// What is wrong.
        source: rustls::pki_types::pem::Error,
    },
    /// The certificate can't be used, or the key doesn't belong to it.
    #[error("the certificate of the metrics server: {0}")]
    Unusable(#[from] rustls::Error),
    /// No certificate could be created.
    #[error("making a certificate: {0}")]
    Making(#[from] rcgen::Error),
}

/// A certificate, and where it comes from.
pub struct Certificate {
    files: Option<CertificateFiles>,
    read: Option<Contents>,
    current: Arc<Current>,
}

/// The contents of the files.
#[derive(PartialEq, Eq)]
struct Contents {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

/// The certificate that connections get.
#[derive(Debug)]
struct Current(RwLock<Arc<CertifiedKey>>);

impl Certificate {
    /// Reads the files; without files, creates a certificate that doesn't identify the server.
    pub fn load(files: Option<CertificateFiles>) -> Result<Self, Error> {
        let read = files.as_ref().map(Contents::read).transpose()?;
        let key = match &read {
            Some(contents) => contents.certified_key()?,
            None => self_signed()?,
        };
        Ok(Self { files, read, current: Arc::new(Current(RwLock::new(Arc::new(key)))) })
    }

    /// Accepts connections with the current certificate.
    pub fn acceptor(&self) -> Result<TlsAcceptor, Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&self.current) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    /// Reads the files again and again, until the task ends.
    pub async fn watch(mut self) {
        let Some(files) = self.files.clone() else { return };
        loop {
            sleep(READ_AGAIN).await;
            let files = files.clone();
            if let Ok(read) = tokio::task::spawn_blocking(move || Contents::read(&files)).await {
                self.renew(read);
            }
        }
    }

    /// Uses what was read, unless it is the same or can't be used: then the certificate isn't changed.
    fn renew(&mut self, read: Result<Contents, Error>) {
        let contents = match read {
            Ok(contents) if self.read.as_ref() == Some(&contents) => return,
            Ok(contents) => contents,
            Err(error) => return warn!(%error, "keeping the current certificate of the metrics server"),
        };
        match contents.certified_key() {
            Ok(key) => {
                *self.current.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(key);
                info!("the metrics server has a new certificate");
            }
            // One file may have been written before the other.
            Err(error) => warn!(%error, "keeping the current certificate of the metrics server"),
        }
        self.read = Some(contents);
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl Contents {
    fn read(files: &CertificateFiles) -> Result<Self, Error> {
        let read = |path: &Path| {
            fs::read(path).map_err(|source| Error::Read { path: path.display().to_string(), source })
        };
        Ok(Self { certificate: read(&files.certificate)?, key: read(&files.key)? })
    }

    fn certified_key(&self) -> Result<CertifiedKey, Error> {
        let chain = CertificateDer::pem_slice_iter(&self.certificate)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|source| Error::Pem { what: "the certificate", source })?;
        let key = PrivateKeyDer::from_pem_slice(&self.key)
            .map_err(|source| Error::Pem { what: "the key", source })?;
        certified_key(chain, key)
    }
}

/// Fails if the key doesn't belong to the certificate.
fn certified_key(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<CertifiedKey, Error> {
    Ok(CertifiedKey::from_der(chain, key, &rustls::crypto::ring::default_provider())?)
}

fn self_signed() -> Result<CertifiedKey, Error> {
    let names = ["localhost", "devops-agent-operator"].map(str::to_owned);
    let made = rcgen::generate_simple_self_signed(names)?;
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    certified_key(vec![made.cert.der().clone()], key.into())
}

#[cfg(test)]
mod tests;
