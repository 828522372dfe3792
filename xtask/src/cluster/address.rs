//! Where the parts of one cluster listen.

use crate::error::Error;
use crate::ports;

/// The addresses of one cluster, all on the loopback interface.
#[derive(Debug)]
pub struct Addresses {
    /// etcd for its clients.
    pub etcd: String,
    /// etcd for other members, of which there are none.
    pub etcd_peer: String,
    /// The API server's port.
    pub api_port: u16,
}

impl Addresses {
    /// Addresses that are free at the moment.
    pub fn free() -> Result<Self, Error> {
        let [etcd, peer, api_port] = ports::free()?;
        Ok(Self { etcd: local("http", etcd), etcd_peer: local("http", peer), api_port })
    }

    /// The API server's URL.
    pub fn api(&self) -> String {
        local("https", self.api_port)
    }
}

fn local(scheme: &str, port: u16) -> String {
    format!("{scheme}://127.0.0.1:{port}")
}
