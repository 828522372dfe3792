//! The text of a kubeconfig.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A kubeconfig that carries all it needs: the server's certificate authority and the administrator's token.
pub fn text(server: &str, authority: &str, token: &str) -> String {
    let authority = STANDARD.encode(authority);
    format!(
        "apiVersion: v1
kind: Config
clusters:
- name: devops-agent-test
  cluster:
    server: {server}
    certificate-authority-data: {authority}
users:
- name: admin
  user:
    token: {token}
contexts:
- name: devops-agent-test
  context:
    cluster: devops-agent-test
    user: admin
current-context: devops-agent-test
"
    )
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn the_authority_is_carried_in_base64() {
        let config = text("https://127.0.0.1:1", "PEM", "t0ken");
        assert!(config.contains("\n    certificate-authority-data: UEVN\n"));
        assert!(config.contains("\n    server: https://127.0.0.1:1\n"));
        assert!(config.contains("\n    token: t0ken\n"));
    }
}
