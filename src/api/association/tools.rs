//! Configurations that choose tools of an MCP server.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::api::scalars::{Digits, HttpsUrl, ToolDetailName, ToolName};
use crate::api::schema;

/// Most tools that a list can name: what the API allows in `toolDetails`. A CEL rule needs a bound.
const MOST_TOOLS: usize = 500;

/// Tools of an MCP server (`MCPServerConfiguration`, `MCPServerSigV4Configuration`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    schema::rule(
        ".toolDetails",
        "!has(self.toolDetails) || (size(self.toolDetails) == size(self.tools) && self.toolDetails.all(tool, tool.name in self.tools))",
        "toolDetails must name exactly the tools listed in tools",
    ),
]))]
pub struct McpTools {
    /// Names of the tools that the agent may use. An empty list allows none.
    #[schemars(length(max = MOST_TOOLS), transform = schema::set)]
    pub tools: Vec<ToolName>,

    /// What each of these tools does. It must list exactly the tools in `tools`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "tool_details")]
    pub tool_details: Option<Vec<ToolDetail>>,
}

/// A tool of an MCP server (`MCPToolDetail`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ToolDetail {
    /// Name of the tool.
    pub name: ToolDetailName,

    /// What the tool does: `READ_ONLY` only reads, `MUTATIVE` makes changes, `DESTRUCTIVE` may delete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_classification: Option<ToolClassification>,
}

/// What a tool does (`ToolClassification`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ToolClassification {
    ReadOnly,
    Mutative,
    Destructive,
}

/// Datadog's MCP server (`MCPServerDatadogConfiguration`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ElevatedTools {
    /// Tools that make changes and that the agent may use nevertheless.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "tool_details")]
    pub enabled_elevated_tools: Option<Vec<ToolDetail>>,
}

/// A Grafana MCP server (`MCPServerGrafanaConfiguration`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GrafanaTools {
    /// URL of the Grafana instance, for example `https://example.grafana.net`.
    pub endpoint: HttpsUrl,

    /// ID of the Grafana organization, in quotes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization_id: Option<Digits>,

    /// Names of the tools that the agent may use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = schema::set)]
    pub tools: Option<Vec<ToolName>>,

    /// Tools that make changes and that the agent may use nevertheless.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "tool_details")]
    pub enabled_elevated_tools: Option<Vec<ToolDetail>>,
}

/// A list of tools in which each is described once.
fn tool_details(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "maxItems": MOST_TOOLS,
        "items": generator.subschema_for::<ToolDetail>(),
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name"],
    })
}
