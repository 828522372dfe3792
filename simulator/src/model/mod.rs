//! The service model, read from the embedded `model.json`.
//!
//! Everything that the simulator knows about requests and responses (paths, members, bounds, patterns, unions, error
//! statuses) comes from here, so that it can't drift from the API that it simulates.

mod check;
mod parse;
mod pattern;
mod redact;
mod route;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

pub use check::{Side, UnknownMembers, Violation};
pub use pattern::Pattern;
pub use route::Matched;

const EMBEDDED: &str = include_str!("../../model.json");

/// Position of a shape in [`Model::shapes`].
pub type ShapeId = usize;

/// The parsed model: immutable, and shared by every simulator of a process.
#[derive(Debug)]
pub struct Model {
    operations: BTreeMap<String, Operation>,
    shapes: Vec<Shape>,
    names: BTreeMap<String, ShapeId>,
    errors: BTreeMap<String, u16>,
}

impl Model {
    /// The model of AWS DevOps Agent that is compiled into the simulator.
    pub fn embedded() -> Result<Arc<Self>, String> {
        static PARSED: OnceLock<Result<Arc<Model>, String>> = OnceLock::new();
        PARSED.get_or_init(|| parse::model(EMBEDDED).map(Arc::new)).clone()
    }

    /// All operations by name.
    pub fn operations(&self) -> &BTreeMap<String, Operation> {
        &self.operations
    }

    /// The shape at a position that the model itself gave out.
    pub fn shape(&self, id: ShapeId) -> &Shape {
        &self.shapes[id]
    }

    /// A shape by its name in the model.
    pub fn named(&self, name: &str) -> Option<ShapeId> {
        self.names.get(name).copied()
    }

    /// HTTP status of a modelled error.
    pub fn error_status(&self, code: &str) -> Option<u16> {
        self.errors.get(code).copied()
    }

    /// The members of a structure; none for anything else.
    pub fn members(&self, id: ShapeId) -> &[Member] {
        match &self.shapes[id].kind {
            Kind::Structure { members, .. } => members,
            _ => &[],
        }
    }
}

/// One operation: how it is called, its input and its output.
#[derive(Debug)]
pub struct Operation {
    /// Name as in the model, such as `CreateAgentSpace`.
    pub name: String,
    /// HTTP method.
    pub method: String,
    /// Path template, cut at the slashes.
    pub path: Vec<Segment>,
    /// Status of a successful response.
    pub status: u16,
    /// Shape of the request.
    pub input: ShapeId,
    /// Shape of the response; one operation has none.
    pub output: Option<ShapeId>,
    /// True when the operation changes nothing.
    pub readonly: bool,
}

/// One part of a path template.
#[derive(Debug, PartialEq, Eq)]
pub enum Segment {
    /// Fixed text.
    Literal(String),
    /// A label that takes exactly one segment.
    Label(String),
    /// A label that takes everything that is left, slashes included.
    Greedy(String),
}

/// A type of the model.
#[derive(Debug)]
pub struct Shape {
    /// Name as in the model.
    pub name: String,
    /// Marked sensitive: never logged.
    pub sensitive: bool,
    /// The values it accepts.
    pub kind: Kind,
}

/// The values a shape accepts.
#[derive(Debug)]
pub enum Kind {
    /// An object with known members; a union has exactly one of them.
    Structure {
        /// The members in the order of their names.
        members: Vec<Member>,
        /// Exactly one member must be set.
        union: bool,
    },
    /// Any JSON.
    Document,
    /// An array.
    List {
        /// Shape of the elements.
        member: ShapeId,
        /// Number of elements.
        size: Bounds,
    },
    /// An object with free keys.
    Map {
        /// Shape of the keys.
        key: ShapeId,
        /// Shape of the values.
        value: ShapeId,
        /// Number of entries.
        size: Bounds,
    },
    /// Text.
    String {
        /// Number of characters.
        length: Bounds,
        /// Whole-string pattern.
        pattern: Option<Arc<Pattern>>,
        /// Allowed values; empty when any is.
        values: Vec<String>,
    },
    /// A whole number.
    Integer {
        /// Smallest and largest value.
        range: Bounds,
    },
    /// True or false.
    Boolean,
    /// Bytes, as base64.
    Blob {
        /// Number of bytes.
        size: Bounds,
    },
    /// A point in time.
    Timestamp {
        /// ISO-8601 text when true, epoch seconds otherwise.
        iso: bool,
    },
}

/// A member of a structure.
#[derive(Debug)]
pub struct Member {
    /// Name in the model, which is also its name in JSON.
    pub name: String,
    /// Its type.
    pub shape: ShapeId,
    /// Must be present.
    pub required: bool,
    /// Where it is sent.
    pub location: Location,
    /// Filled with a random value by SDKs, so that a retry is recognized.
    pub idempotency_token: bool,
}

/// Where a member is sent in a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// In the JSON body.
    Body,
    /// In the path.
    Path,
    /// In the query string under this name.
    Query(String),
    /// In the header of this name.
    Header(String),
}

/// Inclusive limits of a size or a value.
#[derive(Debug, Clone, Copy, Default)]
pub struct Bounds {
    /// Lower limit.
    pub min: Option<i64>,
    /// Upper limit.
    pub max: Option<i64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_model_has_every_operation_and_error() {
        let model = Model::embedded().unwrap();
        assert_eq!(model.operations().len(), 46);
        assert_eq!(model.error_status("ServiceQuotaExceededException"), Some(402));
        assert_eq!(model.error_status("ValidationException"), Some(400));
    }
}
