//! Assets and their files.

use serde_json::Value;

use crate::aws::Timestamp;
use crate::aws::client::operation::{operation, output, paged};

use super::Empty;

operation! {
    /// `ListAssetTypes`: what kinds of assets the service knows.
    ListAssetTypes -> ListAssetTypesOutput,
    Binding::get(Data, "/asset/types").query(&["nextToken", "maxResults"]),
    { next_token: Option<String>, max_results: Option<i32> }
}
paged!(ListAssetTypes, items: AssetTypeSummary);

operation! {
    /// `CreateAsset`.
    CreateAsset -> AssetOutput,
    Binding::post(Data, "/asset/agent-space/{agentSpaceId}/assets").token("clientToken"),
    {
        agent_space_id: String,
        asset_type: String,
        metadata: Option<Value>,
        content: Value,
        client_token: Option<String>,
    }
}

operation! {
    /// `GetAsset`: the latest version unless one is named.
    GetAsset -> AssetOutput,
    Binding::get(Data, "/asset/agent-space/{agentSpaceId}/assets/{assetId}").query(&["assetVersion"]),
    { agent_space_id: String, asset_id: String, asset_version: Option<i32> }
}

operation! {
    /// `ListAssets`; the two times are ISO-8601 text.
    ListAssets -> ListAssetsOutput,
    Binding::get(Data, "/asset/agent-space/{agentSpaceId}/assets")
        .query(&["assetType", "updatedAfter", "updatedBefore", "nextToken", "maxResults"]),
    {
        agent_space_id: String,
        asset_type: Option<String>,
        updated_after: Option<String>,
        updated_before: Option<String>,
        next_token: Option<String>,
        max_results: Option<i32>,
    }
}
paged!(ListAssets, items: Asset);

operation! {
    /// `UpdateAsset`: metadata is merged; what happens to other files depends on the form of `content`.
    UpdateAsset -> AssetOutput,
    Binding::patch(Data, "/asset/agent-space/{agentSpaceId}/assets/{assetId}").token("clientToken"),
    {
        agent_space_id: String,
        asset_id: String,
        metadata: Option<Value>,
        content: Option<Value>,
        client_token: Option<String>,
    }
}

operation! {
    /// `DeleteAsset`.
    DeleteAsset -> Empty,
    Binding::delete(Data, "/asset/agent-space/{agentSpaceId}/assets/{assetId}"),
    { agent_space_id: String, asset_id: String }
}

operation! {
    /// `ListAssetVersions`.
    ListAssetVersions -> ListAssetVersionsOutput,
    Binding::get(Data, "/asset/agent-space/{agentSpaceId}/assets/{assetId}/versions")
        .query(&["maxResults", "nextToken"]),
    { agent_space_id: String, asset_id: String, max_results: Option<i32>, next_token: Option<String> }
}
paged!(ListAssetVersions, items: AssetVersion);

operation! {
    /// `GetAssetContent`: all files of an asset as a zip.
    GetAssetContent -> AssetContentOutput,
    Binding::get(Data, "/asset/agent-space/{agentSpaceId}/assets/{assetId}/content").query(&["assetVersion"]),
    { agent_space_id: String, asset_id: String, asset_version: Option<i32> }
}

operation! {
    /// `CreateAssetFile`.
    CreateAssetFile -> AssetFileOutput,
    Binding::post(Data, "/asset/agent-space/{agentSpaceId}/assets/{assetId}/files/{path+}").token("clientToken"),
    {
        agent_space_id: String,
        asset_id: String,
        path: String,
        content: Value,
        metadata: Option<Value>,
        client_token: Option<String>,
    }
}

operation! {
    /// `GetAssetFile`.
    GetAssetFile -> AssetFileOutput,
    Binding::get(Data, "/asset/agent-space/{agentSpaceId}/assets/{assetId}/files/{path+}")
        .query(&["assetVersion"]),
    { agent_space_id: String, asset_id: String, path: String, asset_version: Option<i32> }
}

operation! {
    /// `ListAssetFiles`: without their content.
    ListAssetFiles -> ListAssetFilesOutput,
    Binding::get(Data, "/asset/agent-space/{agentSpaceId}/assets/{assetId}/files")
        .query(&["assetVersion", "nextToken", "maxResults"]),
    {
        agent_space_id: String,
        asset_id: String,
        asset_version: Option<i32>,
        next_token: Option<String>,
        max_results: Option<i32>,
    }
}
paged!(ListAssetFiles, items: AssetFile);

operation! {
    /// `UpdateAssetFile`: metadata is merged.
    UpdateAssetFile -> AssetFileOutput,
    Binding::patch(Data, "/asset/agent-space/{agentSpaceId}/assets/{assetId}/files/{path+}").token("clientToken"),
    {
        agent_space_id: String,
        asset_id: String,
        path: String,
        content: Option<Value>,
        metadata: Option<Value>,
        client_token: Option<String>,
    }
}

operation! {
    /// `DeleteAssetFile`.
    DeleteAssetFile -> Empty,
    Binding::delete(Data, "/asset/agent-space/{agentSpaceId}/assets/{assetId}/files/{path+}"),
    { agent_space_id: String, asset_id: String, path: String }
}

output! {
    /// An asset, without its content.
    #[derive(PartialEq, serde::Serialize)]
    Asset {
        asset_id: String = required,
        asset_type: String,
        metadata: Value = hidden,
        version: i64,
        updated_at: Timestamp,
    }
}

output! {
    /// The response of `CreateAsset`, `GetAsset` and `UpdateAsset`.
    AssetOutput { asset: Asset = required }
}

output! {
    /// The response of `ListAssets`.
    ListAssetsOutput { items: Vec<Asset>, next_token: Option<String> }
}

output! {
    /// A file of an asset. `content` is `{"text": …}` or `{"bytes": …}`, and absent in lists.
    AssetFile {
        path: String = required,
        content: Option<Value> = hidden,
        metadata: Option<Value> = hidden,
        version: i64,
    }
}

output! {
    /// The response of `CreateAssetFile`, `GetAssetFile` and `UpdateAssetFile`.
    AssetFileOutput { file: AssetFile = required }
}

output! {
    /// The response of `ListAssetFiles`.
    ListAssetFilesOutput { items: Vec<AssetFile>, next_token: Option<String> }
}

output! {
    /// The response of `GetAssetContent`.
    AssetContentOutput { content: AssetZip = required, version: i64 }
}

output! {
    /// A zip of an asset's files, in base64.
    AssetZip { zip_file: String = hidden }
}

output! {
    /// A kind of assets.
    AssetTypeSummary { asset_type: String = required, description: String }
}

output! {
    /// The response of `ListAssetTypes`.
    ListAssetTypesOutput { items: Vec<AssetTypeSummary>, next_token: Option<String> }
}

output! {
    /// A version of an asset.
    AssetVersion { version: i64 = required }
}

output! {
    /// The response of `ListAssetVersions`.
    ListAssetVersionsOutput { items: Vec<AssetVersion>, next_token: Option<String> }
}
