"""What conformance.py registers and associates: every service type and every configuration."""

REGION = "us-east-1"
ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/agent"
GUID = "01234567-89ab-cdef-0123-456789abcdef"
RETURN_TO = "https://us-east-1.console.aws.amazon.com/aidevops"
RCFG = "rcfg-0123456789abcdefg"


def registrations():
    client = dict(clientId="id", clientSecret="s3cret-value")
    flow = dict(**client, exchangeUrl="https://idp.example/token")
    mcp = dict(name="server", endpoint="https://mcp.example/mcp", description="a server")
    sigv4 = dict(region="us-east-1", service="lambda")
    auth = {
        "oAuthClientCredentials": flow,
        "apiKey": dict(apiKeyName="k", apiKeyValue="s3cret-value", apiKeyHeader="x-key"),
        "bearerToken": dict(tokenName="t", tokenValue="s3cret-value"),
        "customHeaders": dict(headers={"x-one": "s3cret-value"}),
    }
    three = dict(clientId="id", returnToEndpoint=RETURN_TO, authorizationUrl="https://i.example/a", exchangeUrl="https://i.example/t")
    discovery = {"authorizationDiscovery": dict(returnToEndpoint=RETURN_TO)}
    urn = f"urn:dtaccount:{GUID}"
    plain = [
        ("dynatrace", dict(accountUrn=urn, authorizationConfig={"oAuthClientCredentials": client}), None),
        ("servicenow", dict(instanceUrl="https://dev.service-now.com", authorizationConfig={"oAuthClientCredentials": client}),
         dict(instanceUrl="https://dev.service-now.com")),
        ("pagerduty", dict(scopes=["read"], authorizationConfig={"oAuthClientCredentials": client}), dict(scopes=["read"])),
        ("gitlab", dict(targetUrl="https://gitlab.example", tokenType="group", tokenValue="s3cret-value", groupId="7"),
         dict(targetUrl="https://gitlab.example", tokenType="group", groupId="7")),
        ("eventChannel", dict(type="webhook"), None),
        ("mcpservernewrelic", dict(authorizationConfig={"apiKey": dict(apiKey="NRAK-ABC", accountId="12345", region="EU")}),
         dict(accountId="12345", region="EU")),
        ("mcpservergrafana", dict(**mcp, authorizationConfig={"bearerToken": auth["bearerToken"]}),
         dict(endpoint=mcp["endpoint"], authorizationMethod="bearer-token")),
        ("mcpserversplunk", dict(**mcp, authorizationConfig={"bearerToken": auth["bearerToken"]}),
         dict(**mcp, authorizationMethod="bearer-token")),
        ("mcpserversigv4", dict(**mcp, authorizationConfig=dict(**sigv4, mcpRoleArn=ROLE)),
         dict(**mcp, **sigv4, mcpRoleArn=ROLE, roleArn="")),
        ("remoteagent", dict(**mcp, authorizationConfig={"apiKey": auth["apiKey"]}),
         dict(**mcp, authorizationMethod="api-key", apiKeyHeader="x-key")),
        ("remoteagentsigv4", dict(**mcp, authorizationConfig=dict(**sigv4, roleArn=ROLE)), dict(**mcp, **sigv4, roleArn=ROLE)),
        ("azureidentity", dict(tenantId=GUID, clientId=GUID, webIdentityRoleArn=ROLE, webIdentityTokenAudiences=["a"]),
         dict(tenantId=GUID, clientId=GUID, webIdentityRoleArn=ROLE, webIdentityTokenAudiences=["a"])),
        ("mcpserver", dict(**mcp, authorizationConfig={"oAuthClientCredentials": flow}),
         dict(**mcp, authorizationMethod="oauth-client-credentials")),
        ("mcpserver", dict(**mcp, authorizationConfig={"apiKey": auth["apiKey"]}),
         dict(**mcp, authorizationMethod="api-key", apiKeyHeader="x-key")),
        ("mcpserver", dict(**mcp, authorizationConfig={"customHeaders": auth["customHeaders"]}),
         dict(**mcp, authorizationMethod="custom-headers", customHeaderNames=["x-one"])),
    ]
    interactive = [("mcpserver", dict(**mcp, authorizationConfig={"oAuth3LO": three})),
                   ("mcpserverdatadog", dict(**mcp, authorizationConfig=discovery))]
    return plain, interactive


def configurations(management, connection):
    channel = dict(opsOncallTarget=dict(channelId="C0EXAMPLE1"))
    tools = dict(tools=["one", "two"], toolDetails=[dict(name="two"), dict(name="one", toolClassification="READ_ONLY")])
    aws = dict(accountId=ACCOUNT, assumableRoleArn=ROLE, agentElevatedRoleArn=ROLE)
    team = dict(teamId=GUID, teamName="team", transmissionTarget=dict(opsOncallTarget=dict(channelName="c", channelId="19:x")))
    access = {"privateAccess": dict(privateConnectionName=connection, runtimeRoleArn=ROLE)}
    return {
        "releaseManagement": (dict(name="releases", networkAccess=access), None),
        "aws": (dict(aws, accountType="monitor"), None),
        "sourceAws": (dict(aws, accountType="source", accountId="210987654321"), None),
        "github": (dict(repoName="r", repoId="1", owner="example-org", ownerType="organization",
                        releaseManagementAssociationId=management), None),
        "slack": (dict(workspaceId="T0EXAMPLE1", workspaceName="w", transmissionTarget=channel), "apikey"),
        "dynatrace": (dict(envId="abc", resources=["r"]), "hmac"),
        "servicenow": (dict(instanceId="dev", authScopes=["s"]), "apikey"),
        "mcpservernewrelic": (dict(accountId="12345", endpoint="https://nr.example/mcp"), "apikey"),
        "mcpserverdatadog": (dict(enabledElevatedTools=[dict(name="t")]), "apikey"),
        "mcpserver": (tools, "hmac"),
        "gitlab": (dict(projectId="1", projectPath="g/p"), "gitlab"),
        "mcpserversplunk": ({}, "apikey"),
        "eventChannel": ({}, "hmac"),
        "azure": (dict(subscriptionId=GUID), None),
        "azuredevops": (dict(organizationName="o", projectId="1", projectName="p"), None),
        "mcpservergrafana": (dict(endpoint="https://g.example", tools=["t"]), "apikey"),
        "pagerduty": (dict(services=["P1"], customerEmail="me@example.com"), "pagerduty"),
        "mcpserversigv4": (tools, "hmac"),
        "remoteagent": ({}, None),
        "remoteagentsigv4": ({}, None),
        "msteams": (team, None),
    }
