//! A real Kubernetes control plane on the loopback interface: etcd, the API server, and of the controllers those
//! that make owner references, namespaces and service accounts behave. No nodes: pods are accepted and never run.

mod address;
mod binaries;
mod build;
pub mod command;
mod controlplane;
mod credentials;
mod kubeconfig;
mod tools;

pub use binaries::Binaries;
pub use controlplane::{Access, Cluster};
pub use tools::Tool;
