//! PrivateConnection: its id is its name, and AWS takes minutes to create or delete it.

pub mod account_connections;
pub mod imported_connection;

use std::time::Duration;

use kube::{Api, Client, ResourceExt};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use crate::api::common::{Fingerprint, Object};
use crate::api::private_connection::Certificate;
use crate::api::standards::Standards;
use crate::api::{PrivateConnection, PrivateConnectionStatus};
use crate::aws;
use crate::aws::client::{self, ErrorCode};
use crate::aws::operations::{
    self, CreatePrivateConnection, DeletePrivateConnection, UpdatePrivateConnectionCertificate,
};
use crate::reconcile::inputs::{Inputs, Source, input_value};
use crate::reconcile::kind::{
    Completed, Created, Issuing, Reached, Reconciled, Remote, Removal, Replaced, Resolved, Scope, State,
    Updated,
};
use crate::reconcile::owned::Reset;
use crate::reconcile::remote::picture::Picture;
use crate::reconcile::state::conditions::Reason;
use crate::reconcile::state::drift::{Change, Drift, Remedy};
use crate::reconcile::state::error::{Doing, Error};
use crate::reconcile::state::fingerprint::Print;
use crate::reconcile::tagging::{self, TagMap};

use self::account_connections::Connections;
use super::not_found_is_none;

/// Path of the certificate in drift.
const CERTIFICATE: &str = "mode.certificate";

/// The kind.
pub struct PrivateConnections;

/// The desired state.
pub struct Desired {
    name: String,
    /// Which of the modes.
    mode: &'static str,
    /// The mode's settings in wire form, without the certificate.
    settings: Value,
    certificate: Option<SecretString>,
    fingerprint: Option<Print>,
    tags: TagMap,
}

/// What AWS has.
pub struct Observed(operations::PrivateConnection);

impl Remote for Observed {
    fn id(&self) -> &str {
        &self.0.name
    }

    fn tags(&self) -> Option<&TagMap> {
        Some(&self.0.tags)
    }
}

impl Reconciled for PrivateConnections {
    type Object = PrivateConnection;
    type Desired = Desired;
    type Remote = Observed;

    const NOUN: &'static str = "private connection";
    const ARN_TYPE: &'static str = "private-connection";
    const CREATE: Option<&'static str> = Some("CreatePrivateConnection");

    fn api(client: Client, namespace: &str) -> Api<PrivateConnection> {
        Api::namespaced(client, namespace)
    }

    async fn resolve(object: &PrivateConnection, inputs: &Inputs<'_>) -> Result<Resolved<Self>, Error> {
        let spec = &object.spec;
        let scope = inputs.account_scope(spec.account_ref.as_ref()).await?;
        let certificate = match spec.mode.certificate() {
            Some(certificate) => Some(resolve_certificate(certificate, inputs).await?),
            None => None,
        };
        let fingerprint =
            certificate.as_ref().map(|text| scope.fingerprints.of(&Value::from(text.expose_secret())));
        let mut mode = serde_json::to_value(&spec.mode).unwrap_or_default();
        let mut settings = mode.get_mut(spec.mode.key()).map(Value::take).unwrap_or_default();
        crate::document::take(&mut settings, "certificate");
        let desired = Desired {
            name: name_of(object),
            mode: spec.mode.key(),
            settings,
            certificate,
            fingerprint,
            tags: inputs.tags(&scope, &spec.tags)?,
        };
        Ok(Resolved { desired, scope })
    }

    async fn read(
        scope: &Scope,
        id: &str,
        _: Option<&Desired>,
        _: &PrivateConnectionStatus,
    ) -> Result<Option<Observed>, Error> {
        let found = scope.sight.one::<Connections>(id).await;
        let found = found.doing(|| format!("reading the private connection {id}"))?;
        Ok(found
            .map(|(connection, tags)| observed(scope, operations::PrivateConnection { tags, ..connection })))
    }

    async fn search(
        scope: &Scope,
        desired: &Desired,
        status: &PrivateConnectionStatus,
    ) -> Result<Vec<Observed>, Error> {
        if !scope.sight.is_confirming() {
            let key = [Value::from(desired.name.as_str())];
            let listed = scope.sight.fitting::<Connections>(Some(&key), |_| true).await;
            if listed.is_ok_and(|listed| listed.is_empty()) {
                return Ok(Vec::new());
            }
        }
        Ok(Self::read(scope, &desired.name, Some(desired), status).await?.into_iter().collect())
    }

    async fn refresh<P>(picture: &Picture, pace: P)
    where
        P: Fn(&aws::Client, usize) -> Duration + Send + Sync,
    {
        picture.round::<Connections>(pace).await;
    }

    fn uncertain(scope: &Scope, id: &str) {
        scope.sight.uncertain::<Connections>(id);
    }

    fn compare(desired: &Desired, remote: &Observed, status: &PrivateConnectionStatus) -> State {
        let connection = &remote.0;
        match connection.status.as_str() {
            "ACTIVE" => {}
            "CREATE_FAILED" | "DELETE_FAILED" => {
                return State::Failed(format!(
                    "{}: {}; fix the cause, then delete and recreate the object",
                    connection.status,
                    failure(connection)
                ));
            }
            other => return State::InTransition(format!("AWS reports {other}; this can take ten minutes")),
        }
        let mut changes = compare_settings(desired, connection);
        if let Some(now) = &desired.fingerprint
            && (never_sent(connection, status) || now.changed(status.common.fingerprint.as_ref()))
        {
            changes.push(Change::hidden(CERTIFICATE));
        }
        changes.extend(tagging::compare(&desired.tags, &connection.tags, &status.common.tag_keys));
        if changes.is_empty() { State::Matching } else { State::Drifted(Drift(changes)) }
    }

    fn settings(object: &PrivateConnection) -> Value {
        let spec = &object.spec;
        let mut mode = json!(spec.mode);
        if spec.mode.certificate().is_some() {
            // Wherever it comes from.
            mode[spec.mode.key()]["certificate"] = "".into();
        }
        json!({ "name": spec.name, "mode": mode })
    }

    fn observed(remote: &Observed) -> Value {
        let connection = &remote.0;
        // AWS doesn't return which of the modes it is.
        let certificate = connection.certificate_expiry_time.0.map(|_| "a certificate");
        let seen = json!({
            "hostAddress": connection.host_address,
            "vpcId": connection.vpc_id,
            "dnsResolution": connection.dns_resolution,
            "resourceConfigurationId": connection.resource_configuration_id,
            "certificate": certificate,
        });
        json!({ "mode": { "serviceManaged": seen, "selfManaged": seen } })
    }

    /// The schema prevents removing them.
    fn reset(pointer: &str, _: &PrivateConnectionStatus) -> Option<Reset> {
        match pointer.split('/').nth(1)? {
            "name" => Some(Reset::Compared),
            "mode" => {
                Some(Reset::Stays("AWS can't change it; set it again, or delete and recreate the object"))
            }
            _ => None,
        }
    }

    async fn create(
        scope: &Scope,
        desired: &Desired,
        _: &PrivateConnectionStatus,
    ) -> Result<Created<Observed>, Error> {
        let mut settings = desired.settings.clone();
        if let Some(certificate) = &desired.certificate {
            settings["certificate"] = Value::from(certificate.expose_secret());
        }
        let request = CreatePrivateConnection {
            name: desired.name.clone(),
            mode: serde_json::json!({ desired.mode: settings }),
            tags: desired.tags.clone(),
        };
        let created = match scope.aws.call(&request).await {
            Err(error) if is_preparing(&error) => {
                let message = format!("AWS is not ready yet: {error}");
                return Err(Error::Refused { reason: Reason::InTransition, message });
            }
            answer => answer.doing(|| format!("creating the private connection {}", desired.name))?,
        };
        scope.sight.wrote::<Connections>(
            &operations::PrivateConnection { tags: TagMap::new(), ..created.clone() },
            created.tags.clone(),
        );
        Ok(Created {
            id: Some(created.name.clone()),
            left: Some(observed(scope, created)),
            fingerprint: desired.fingerprint.as_ref().map(Print::record),
            tag_keys: tagging::keys(&desired.tags),
            ..Created::default()
        })
    }

    async fn update(
        scope: &Scope,
        desired: &Desired,
        remote: &Observed,
        drift: &Drift,
        status: &mut PrivateConnectionStatus,
    ) -> Result<Updated<Observed>, Error> {
        let id = remote.id();
        if let (true, Some(certificate)) = (drift.touches(CERTIFICATE), &desired.certificate) {
            let request = UpdatePrivateConnectionCertificate {
                name: id.to_owned(),
                certificate: certificate.expose_secret().to_owned(),
            };
            scope.aws.call(&request).await.doing(|| format!("sending the certificate of {id}"))?;
            status.common.fingerprint = desired.fingerprint.as_ref().map(Print::record);
            return Ok(Updated::of(vec![CERTIFICATE.to_owned()]));
        }
        let changed = tagging::correct::<Self>(scope, id, drift).await?;
        Ok(Updated::of(changed))
    }

    fn undisclosed(desired: &Desired) -> Option<Fingerprint> {
        desired.fingerprint.as_ref().map(Print::record)
    }

    async fn delete(scope: &Scope, id: &str) -> Result<(), Error> {
        let request = DeletePrivateConnection { name: id.to_owned() };
        let done = scope.aws.call(&request).await;
        not_found_is_none(done, || format!("deleting the private connection {id}")).map(|_| ())
    }

    fn describe(desired: &Desired, remote: &Observed, status: &mut PrivateConnectionStatus) {
        let connection = &remote.0;
        status.state = Some(connection.status.clone());
        status.host_address.clone_from(&connection.host_address);
        status.vpc_id.clone_from(&connection.vpc_id);
        status.resource_gateway_id.clone_from(&connection.resource_gateway_id);
        status.resource_configuration_id.clone_from(&connection.resource_configuration_id);
        status.certificate_expiry_time = connection.certificate_expiry_time.0.map(|time| time.to_string());
        status.common.tag_keys =
            tagging::remembered(&desired.tags, &connection.tags, &status.common.tag_keys);
        if let Some(now) = &desired.fingerprint
            && !never_sent(connection, status)
        {
            status.common.fingerprint = now.baseline(status.common.fingerprint.take());
        }
    }

    fn natural_key(object: &PrivateConnection) -> Option<String> {
        let account = super::account_of(object.spec.account_ref.as_ref());
        Some(format!("{account}/{}", name_of(object)))
    }

    fn removal(remote: &Observed) -> Removal {
        match remote.0.status.as_str() {
            "DELETE_IN_PROGRESS" => Removal::UnderWay,
            "DELETE_FAILED" => Removal::Failed(failure(&remote.0).to_owned()),
            _ => Removal::NotBegun,
        }
    }
}

impl Replaced for PrivateConnections {}
impl Completed for PrivateConnections {}
impl Issuing for PrivateConnections {}

/// The connection, quoting AWS where it says why something failed.
fn observed(scope: &Scope, mut connection: operations::PrivateConnection) -> Observed {
    connection.failure_message = connection.failure_message.map(|why| scope.aws.quoted(&why));
    Observed(connection)
}

/// The private connection that `field` names by its AWS name, if there is one.
pub(super) async fn reached(scope: &Scope, field: &str, name: &str) -> Result<Option<Reached>, Error> {
    let found = PrivateConnections::read(scope, name, None, &PrivateConnectionStatus::default()).await?;
    Ok(found.map(|found| Reached {
        field: field.to_owned(),
        kind: PrivateConnection::kind_name(),
        what: format!("private connection {name}"),
        tags: found.0.tags,
    }))
}

/// Whether AWS can't make a connection yet, because VPC Lattice takes a moment to know what it was told before. Nothing but
/// the words tells that from invalid input: the error's name and status are the same. Should the words change, the refusal is
/// told as `Invalid` and still tried again, only more slowly.
fn is_preparing(error: &client::Error) -> bool {
    error.service().is_some_and(|error| {
        error.code == ErrorCode::Validation
            && error.message.to_ascii_lowercase().contains("failed to create resource association")
    })
}

/// Why AWS couldn't create or delete the connection.
fn failure(connection: &operations::PrivateConnection) -> &str {
    connection.failure_message.as_deref().unwrap_or("AWS gave no reason")
}

/// Whether the connection has no certificate: none was recorded as sent, and AWS shows none.
fn never_sent(connection: &operations::PrivateConnection, status: &PrivateConnectionStatus) -> bool {
    status.common.fingerprint.is_none() && connection.certificate_expiry_time.0.is_none()
}

/// The connection's name: the spec's, or that of what it adopts, or the object's.
fn name_of(object: &PrivateConnection) -> String {
    let given = object.spec.name.as_ref().map(ToString::to_string);
    given.or_else(|| object.spec.policies.external_id.clone()).unwrap_or_else(|| object.name_any())
}

async fn resolve_certificate(certificate: &Certificate, inputs: &Inputs<'_>) -> Result<SecretString, Error> {
    let field = "spec.mode.certificate";
    match certificate {
        // What was created is deleted, whatever the spec says by now.
        Certificate::Value(text) if inputs.is_deleting() => Ok(SecretString::from(text.to_string())),
        Certificate::Value(text) => {
            input_value::certificates(text).map(SecretString::from).map_err(|problem| {
                Error::terminal(Reason::Invalid, format!("{field}.value: the text {problem}"))
            })
        }
        Certificate::SecretKeyRef(reference) => inputs.text(Source::Secret, reference, field).await,
        Certificate::ConfigMapKeyRef(reference) => inputs.text(Source::ConfigMap, reference, field).await,
    }
}

/// The visible settings, none of which can be changed: they differ only in an adopted connection.
fn compare_settings(desired: &Desired, connection: &operations::PrivateConnection) -> Vec<Change> {
    let standards = Standards::of("PrivateConnection", "mode").member(desired.mode);
    let observed = [
        ("hostAddress", &connection.host_address),
        ("vpcId", &connection.vpc_id),
        ("dnsResolution", &connection.dns_resolution),
        // Given as an id, returned as an ARN.
        ("resourceConfigurationId", &connection.resource_configuration_id),
    ];
    let differing = observed.into_iter().filter_map(|(field, observed)| {
        let wanted = desired.settings.get(field)?.as_str()?;
        let observed = observed.as_deref()?;
        let same = standards.member(field).same(wanted, observed);
        (!same).then(|| Change::new(format!("mode.{field}"), Some(observed.into()), Some(wanted.into())))
    });
    differing.map(|change| change.fixed_by(Remedy::Impossible)).collect()
}

#[cfg(test)]
mod tests {
    use crate::aws::client::ServiceError;

    use super::*;

    fn refused(code: ErrorCode, message: &str) -> client::Error {
        client::Error::Service(Box::new(ServiceError {
            operation: "CreatePrivateConnection",
            code,
            genuine: true,
            status: 400,
            message: message.to_owned(),
            fields: Vec::new(),
            reason: None,
            request_id: None,
        }))
    }

    #[test]
    fn only_a_refusal_in_known_words_means_that_aws_is_preparing() {
        let words = "Failed to create resource association: try again";
        for (code, message, preparing) in [
            (ErrorCode::Validation, words, true),
            (ErrorCode::Validation, "1 error: failed to create Resource Association", true),
            (ErrorCode::Validation, "hostAddress: failed to satisfy constraint", false),
            (ErrorCode::Validation, "", false),
            // It may have taken effect, whatever it says.
            (ErrorCode::InternalServer, words, false),
            (ErrorCode::AccessDenied, words, false),
        ] {
            assert_eq!(is_preparing(&refused(code.clone(), message)), preparing, "{code}: {message}");
        }
        let lost =
            client::Error::Timeout { operation: "CreatePrivateConnection", effect: client::Effect::Unknown };
        assert!(!is_preparing(&lost));
    }
}
