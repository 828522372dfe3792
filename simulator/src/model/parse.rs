//! From the JSON of the model to [`Model`].

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use super::{Bounds, Kind, Location, Member, Model, Operation, Pattern, Segment, Shape, ShapeId};

const CLIENT_ERROR: u16 = 400;

#[derive(Deserialize)]
struct RawModel {
    operations: BTreeMap<String, RawOperation>,
    shapes: BTreeMap<String, RawShape>,
}

#[derive(Deserialize)]
struct RawOperation {
    http: RawHttp,
    input: RawRef,
    output: Option<RawRef>,
    #[serde(default)]
    readonly: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawHttp {
    method: String,
    request_uri: String,
    response_code: u16,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawRef {
    shape: String,
    location: Option<String>,
    location_name: Option<String>,
    #[serde(default)]
    idempotency_token: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "these are the traits of the model's own format")]
struct RawShape {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    members: BTreeMap<String, RawRef>,
    #[serde(default)]
    required: Vec<String>,
    #[serde(default)]
    union: bool,
    #[serde(default)]
    document: bool,
    #[serde(default)]
    sensitive: bool,
    #[serde(default)]
    exception: bool,
    error: Option<RawError>,
    member: Option<RawRef>,
    key: Option<RawRef>,
    value: Option<RawRef>,
    pattern: Option<String>,
    min: Option<i64>,
    max: Option<i64>,
    #[serde(default, rename = "enum")]
    values: Vec<String>,
    timestamp_format: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawError {
    http_status_code: u16,
}

/// Reads a model; an error names what is wrong with it.
pub(super) fn model(text: &str) -> Result<Model, String> {
    let raw: RawModel = serde_json::from_str(text).map_err(|error| format!("model.json: {error}"))?;
    let names: BTreeMap<String, ShapeId> =
        raw.shapes.keys().enumerate().map(|(id, name)| (name.clone(), id)).collect();
    let mut patterns = BTreeMap::new();
    let mut shapes = Vec::with_capacity(raw.shapes.len());
    let mut errors = BTreeMap::new();
    for (name, shape) in &raw.shapes {
        if shape.exception {
            let status = shape.error.as_ref().map_or(CLIENT_ERROR, |error| error.http_status_code);
            errors.insert(name.clone(), status);
        }
        shapes.push(Shape {
            name: name.clone(),
            sensitive: shape.sensitive,
            kind: kind(name, shape, &names, &mut patterns)?,
        });
    }
    let operations = raw
        .operations
        .into_iter()
        .map(|(name, operation)| Ok((name.clone(), self::operation(name, &operation, &names)?)))
        .collect::<Result<_, String>>()?;
    Ok(Model { operations, shapes, names, errors })
}

fn find(names: &BTreeMap<String, ShapeId>, name: &str) -> Result<ShapeId, String> {
    names.get(name).copied().ok_or_else(|| format!("model.json: no shape {name}"))
}

fn operation(
    name: String,
    raw: &RawOperation,
    names: &BTreeMap<String, ShapeId>,
) -> Result<Operation, String> {
    Ok(Operation {
        name,
        method: raw.http.method.clone(),
        path: raw.http.request_uri.trim_start_matches('/').split('/').map(segment).collect(),
        status: raw.http.response_code,
        input: find(names, &raw.input.shape)?,
        output: raw.output.as_ref().map(|output| find(names, &output.shape)).transpose()?,
        readonly: raw.readonly,
    })
}

fn segment(part: &str) -> Segment {
    match part.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        None => Segment::Literal(part.to_owned()),
        Some(label) => match label.strip_suffix('+') {
            Some(greedy) => Segment::Greedy(greedy.to_owned()),
            None => Segment::Label(label.to_owned()),
        },
    }
}

fn kind(
    name: &str,
    raw: &RawShape,
    names: &BTreeMap<String, ShapeId>,
    patterns: &mut BTreeMap<String, Arc<Pattern>>,
) -> Result<Kind, String> {
    let bounds = Bounds { min: raw.min, max: raw.max };
    let part = |reference: &Option<RawRef>| match reference {
        Some(reference) => find(names, &reference.shape),
        None => Err(format!("model.json: {name} lacks its element")),
    };
    Ok(match raw.kind.as_str() {
        "structure" if raw.document => Kind::Document,
        "structure" => Kind::Structure { members: members(raw, names)?, union: raw.union },
        "list" => Kind::List { member: part(&raw.member)?, size: bounds },
        "map" => Kind::Map { key: part(&raw.key)?, value: part(&raw.value)?, size: bounds },
        "string" => Kind::String {
            length: bounds,
            pattern: raw.pattern.as_ref().map(|source| pattern(source, patterns)).transpose()?,
            values: raw.values.clone(),
        },
        "integer" => Kind::Integer { range: bounds },
        "boolean" => Kind::Boolean,
        "blob" => Kind::Blob { size: bounds },
        "timestamp" => Kind::Timestamp { iso: raw.timestamp_format.as_deref() == Some("iso8601") },
        other => return Err(format!("model.json: {name} has the unknown type {other}")),
    })
}

fn pattern(source: &str, known: &mut BTreeMap<String, Arc<Pattern>>) -> Result<Arc<Pattern>, String> {
    if let Some(pattern) = known.get(source) {
        return Ok(Arc::clone(pattern));
    }
    let pattern = Arc::new(Pattern::new(source)?);
    known.insert(source.to_owned(), Arc::clone(&pattern));
    Ok(pattern)
}

fn members(raw: &RawShape, names: &BTreeMap<String, ShapeId>) -> Result<Vec<Member>, String> {
    raw.members
        .iter()
        .map(|(name, reference)| {
            let wire = reference.location_name.clone().unwrap_or_else(|| name.clone());
            Ok(Member {
                name: name.clone(),
                shape: find(names, &reference.shape)?,
                required: raw.required.contains(name),
                location: match reference.location.as_deref() {
                    None => Location::Body,
                    Some("uri") => Location::Path,
                    Some("querystring") => Location::Query(wire),
                    Some("header") => Location::Header(wire),
                    Some(other) => return Err(format!("model.json: unknown location {other}")),
                },
                idempotency_token: reference.idempotency_token,
            })
        })
        .collect()
}
