//! Keeping secrets, and whatever the model calls sensitive, out of sight.

use std::fmt;

use serde_json::Value;

use super::operation::Operation;

/// Stands for a value that is not shown.
pub(crate) struct Hidden;

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// Shows an operation's input: the members that are part of the address, and only the names of those in the body.
pub(crate) fn debug_operation<O: Operation>(operation: &O, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let binding = O::BINDING;
    let mut shown = f.debug_struct(binding.name);
    if let Ok(Value::Object(members)) = serde_json::to_value(operation) {
        for (name, value) in &members {
            let in_address =
                binding.labels().any(|(label, _)| label == name) || binding.query.contains(&name.as_str());
            shown.field(name, if in_address { value } else { &Hidden });
        }
    }
    shown.finish()
}
