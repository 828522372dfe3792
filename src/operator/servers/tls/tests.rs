use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use axum::Router;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::operator::servers::connections::{Limits, Server};

use super::*;

/// Files with a certificate in their own folder.
struct Files {
    folder: PathBuf,
    paths: CertificateFiles,
    certificate: String,
}

impl Files {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("devops-agent-tls-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let paths = CertificateFiles { certificate: folder.join("tls.crt"), key: folder.join("tls.key") };
        let mut this = Self { folder, paths, certificate: String::new() };
        this.renew();
        this
    }

    fn renew(&mut self) {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        self.certificate = pem("CERTIFICATE", made.cert.der());
        fs::write(&self.paths.certificate, &self.certificate).unwrap();
        fs::write(&self.paths.key, pem("PRIVATE KEY", &made.signing_key.serialize_der())).unwrap();
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    use base64::Engine;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
}

async fn serve(certificate: &Certificate) -> (SocketAddr, JoinSet<()>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/", get(|| async { "here" }));
    let mut task = JoinSet::new();
    task.spawn(
        Server::new(listener, router, Limits::of(8)).with_tls(certificate.acceptor().unwrap()).serve(),
    );
    (address, task)
}

/// The server's response to a client that trusts only this certificate; without one, to a client that trusts any.
async fn ask(address: SocketAddr, trusted: Option<&str>) -> Option<String> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10));
    let client = match trusted {
        Some(pem) => client.tls_certs_only([reqwest::Certificate::from_pem(pem.as_bytes()).unwrap()]),
        None => client.tls_danger_accept_invalid_certs(true),
    };
    let url = format!("https://localhost:{}/", address.port());
    client.build().unwrap().get(url).send().await.ok()?.text().await.ok()
}

#[tokio::test]
async fn without_files_a_certificate_is_made_that_encrypts() {
    let certificate = Certificate::load(None).unwrap();
    let (address, _task) = serve(&certificate).await;
    assert_eq!(ask(address, None).await.as_deref(), Some("here"));
    assert_eq!(ask(address, Some(&Files::new("other").certificate)).await, None, "and proves nothing");
}

#[tokio::test]
async fn a_certificate_from_files_is_taken_again_when_they_change() {
    let mut files = Files::new("renewed");
    let mut certificate = Certificate::load(Some(files.paths.clone())).unwrap();
    let (address, _task) = serve(&certificate).await;
    let first = files.certificate.clone();
    assert_eq!(ask(address, Some(&first)).await.as_deref(), Some("here"));

    files.renew();
    certificate.renew(Contents::read(&files.paths));
    assert_eq!(ask(address, Some(&files.certificate)).await.as_deref(), Some("here"));
    assert_eq!(ask(address, Some(&first)).await, None);

    let second = files.certificate.clone();
    for (certificate_file, key_file) in [("x", "y"), (&first, "y"), ("", "")] {
        fs::write(&files.paths.certificate, certificate_file).unwrap();
        fs::write(&files.paths.key, key_file).unwrap();
        certificate.renew(Contents::read(&files.paths));
        assert_eq!(
            ask(address, Some(&second)).await.as_deref(),
            Some("here"),
            "what is no use changes nothing"
        );
    }
    fs::remove_file(&files.paths.key).unwrap();
    certificate.renew(Contents::read(&files.paths));
    assert_eq!(ask(address, Some(&second)).await.as_deref(), Some("here"));
}

#[test]
fn files_that_are_missing_or_do_not_belong_together_are_an_error() {
    let [one, two] = ["one", "two"].map(Files::new);
    let load = |certificate: &PathBuf, key: &PathBuf| {
        let files = CertificateFiles { certificate: certificate.clone(), key: key.clone() };
        Certificate::load(Some(files)).map(|_| ()).unwrap_err().to_string()
    };
    let missing = load(&one.folder.join("none"), &one.paths.key);
    assert!(missing.contains("reading") && missing.contains("none"), "{missing}");
    let other = load(&one.paths.certificate, &two.paths.key);
    assert!(other.contains("the certificate of the metrics server"), "{other}");
    assert!(load(&one.paths.key, &one.paths.key).contains("certificate"));
}
