//! What the spec of an association refers to, in wire form: its service, and what its configuration names.

use serde_json::Value;

use crate::api::association::Configuration;
use crate::api::catalog::Referred;
use crate::api::common::{Object, ObjectRef};
use crate::api::{Association, PrivateConnection, ServiceRegistration};
use crate::document;
use crate::reconcile::inputs::Inputs;
use crate::reconcile::state::conditions::Reason;
use crate::reconcile::state::error::Error;

/// The id of the service, and whether its registration waits for the association to go.
pub fn service(object: &Association, inputs: &Inputs<'_>) -> Result<(String, bool), Error> {
    let spec = &object.spec;
    let Some(reference) = &spec.service_ref else {
        let word = spec.configuration.row().service.word();
        let word = word.ok_or_else(|| Error::terminal(Reason::Invalid, "spec.serviceRef must be set"))?;
        return Ok((word.to_owned(), false));
    };
    let service = inputs.object::<ServiceRegistration>(reference, "spec.serviceRef")?;
    let released = service.status().released == Some(true);
    Ok((inputs.id_of(&*service, "spec.serviceRef")?, released))
}

/// The configuration in wire form: references to other objects are replaced by ids and names.
pub fn configuration(spec: &Configuration, inputs: &Inputs<'_>) -> Result<Value, Error> {
    let mut configuration = serde_json::to_value(spec).unwrap_or_default();
    let row = spec.row();
    for reference in row.references {
        let Some(part) = configuration[row.key].pointer_mut(reference.at) else { continue };
        if let Some(object) = take_reference(part, reference.field) {
            let field = reference.path(row.key, reference.field);
            part[reference.fills] = match reference.to {
                Referred::Association => {
                    inputs.id_of(&*inputs.object::<Association>(&object, &field)?, &field)?.into()
                }
                Referred::PrivateConnection => {
                    inputs.ready_id_of(&*inputs.object::<PrivateConnection>(&object, &field)?, &field)?.into()
                }
            };
        } else if let (Referred::Association, Some(id)) = (reference.to, part[reference.fills].as_str()) {
            check_association(id, &reference.path(row.key, reference.fills), inputs)?;
        }
    }
    Ok(configuration)
}

/// An association that a spec names by id needs the consent of the object that has it, like a reference.
fn check_association(id: &str, field: &str, inputs: &Inputs<'_>) -> Result<(), Error> {
    let Some(owner) = inputs.forbidding_owner::<Association>(id, None) else { return Ok(()) };
    Err(Error::wait(
        Reason::ReferenceNotAllowed,
        format!(
            "{field}: {id} is the {owner}, which can't be used from the namespace {}; use an association of this \
             namespace",
            inputs.identity().namespace
        ),
    ))
}

/// The private connections that the configuration names by what AWS calls them, with the fields that do.
pub fn named_connections(spec: &Configuration) -> Vec<(String, String)> {
    let configuration = serde_json::to_value(spec).unwrap_or_default();
    let row = spec.row();
    let references = row.references.iter().filter(|reference| reference.to == Referred::PrivateConnection);
    let named = references.filter_map(|reference| {
        let name = configuration[row.key].pointer(reference.at)?.get(reference.fills)?.as_str()?;
        Some((reference.path(row.key, reference.fills), name.to_owned()))
    });
    named.collect()
}

fn take_reference(value: &mut Value, key: &str) -> Option<ObjectRef> {
    serde_json::from_value(document::take(value, key)?).ok()
}
