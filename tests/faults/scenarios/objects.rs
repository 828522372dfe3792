//! The objects that scripts apply.

/// A space with a sign-in that has a secret.
pub const SPACE_WITH_APP: &str = "
kind: AgentSpace
metadata: {name: space}
spec:
  description: Shop
  tags: {team: shop}
  operatorApp:
    idp:
      roleArn: arn:aws:iam::123456789012:role/App
      issuerUrl: https://login.example.com
      clientId: client-1
      clientSecretRef: {name: credentials, key: secret}
      provider: Okta
";
