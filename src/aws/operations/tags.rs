//! Tags of agent spaces, services and private connections.

use std::collections::BTreeMap;

use crate::aws::client::operation::{operation, output};

use super::Empty;

operation! {
    /// `TagResource`: adds or replaces tags.
    TagResource -> Empty,
    Binding::post(Control, "/tags/{resourceArn}").safe(),
    { resource_arn: String, tags: BTreeMap<String, String> }
}

operation! {
    /// `UntagResource`.
    UntagResource -> Empty,
    Binding::delete(Control, "/tags/{resourceArn}").query(&["tagKeys"]),
    { resource_arn: String, tag_keys: Vec<String> }
}

operation! {
    /// `ListTagsForResource`: all at once.
    ListTagsForResource -> ListTagsForResourceOutput,
    Binding::get(Control, "/tags/{resourceArn}"),
    { resource_arn: String }
}

output! {
    /// The response of `ListTagsForResource`.
    ListTagsForResourceOutput { tags: BTreeMap<String, String> }
}
