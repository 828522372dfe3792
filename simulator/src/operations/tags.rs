//! Tags of agent spaces, services and private connections.

use crate::context::{Answer, Context, Object};
use crate::error::ApiError;
use crate::input::Input;
use crate::store::Tags;

const MOST_TAGS: usize = 50;
const RESERVED: &str = "aws:";

/// The tags of a create request.
pub fn new_tags(input: &Input) -> Result<Tags, ApiError> {
    let tags: Tags = input.read("tags")?;
    check(&tags)?;
    Ok(tags)
}

pub fn tag(cx: &mut Context<'_>, input: &Input) -> Answer {
    let new: Tags = input.read("tags")?;
    let tags = find(cx, input)?;
    let mut all = tags.clone();
    all.extend(new);
    check(&all)?;
    *tags = all;
    Ok(Object::new().build())
}

pub fn untag(cx: &mut Context<'_>, input: &Input) -> Answer {
    let keys: Vec<String> = input.read("tagKeys")?;
    let tags = find(cx, input)?;
    for key in keys {
        tags.remove(&key);
    }
    Ok(Object::new().build())
}

pub fn list(cx: &mut Context<'_>, input: &Input) -> Answer {
    let tags = find(cx, input)?;
    Ok(Object::new().map("tags", tags).build())
}

fn check(tags: &Tags) -> Result<(), ApiError> {
    if tags.len() > MOST_TAGS {
        return Err(ApiError::validation("/tags", format!("A resource has at most {MOST_TAGS} tags")));
    }
    match tags.keys().find(|key| key.to_ascii_lowercase().starts_with(RESERVED)) {
        None => Ok(()),
        Some(key) => Err(ApiError::validation(
            "/tags",
            format!("Tag keys that start with {RESERVED} are reserved: {key}"),
        )),
    }
}

/// The tags of the resource that an ARN names: `arn:aws:aidevops:<region>:<account>:<kind>/<id>`.
fn find<'a>(cx: &'a mut Context<'_>, input: &Input) -> Result<&'a mut Tags, ApiError> {
    let arn = input.text("resourceArn");
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let [_, _, _, region, account, resource] = parts[..] else {
        return Err(ApiError::not_found("Resource", arn));
    };
    if account != cx.account {
        return Err(ApiError::new(
            "AccessDeniedException",
            format!("Resource {arn} belongs to another account"),
        ));
    }
    let (kind, id) = resource.split_once('/').unwrap_or((resource, ""));
    let found = match kind {
        _ if region != cx.region_name => None,
        "agentspace" => cx.region.agent_spaces.get_mut(id).map(|space| &mut space.tags),
        "service" => cx.region.services.get_mut(id).map(|service| &mut service.tags),
        "private-connection" => {
            cx.region.private_connections.get_mut(id).map(|connection| &mut connection.tags)
        }
        _ => None,
    };
    found.ok_or_else(|| ApiError::not_found("Resource", arn))
}
