#!/usr/bin/env python3
"""Drives every operation of the simulator with an independent client: botocore.

botocore signs, encodes paths and parses answers by its own code and its own copy of the model, so that an
agreement here is not the simulator agreeing with itself.

    conformance.py --endpoint http://127.0.0.1:4580

Prints one line per check and `N passed, M failed` at the end; exits with 1 when a check failed. It resets the
simulator first.
"""

import argparse
import base64
import datetime
import hashlib
import hmac
import io
import json
import pathlib
import sys
import time
import urllib.error
import urllib.request
import zipfile

import botocore.config
import botocore.exceptions
import botocore.session

sys.dont_write_bytecode = True

from conformance_cases import ACCOUNT, RCFG, REGION, ROLE, configurations, registrations

MODEL = pathlib.Path(__file__).resolve().parent.parent / "model.json"
ODD_PATH = "notes (old)/a b.md"
SKILL = "---\nname: from-zip\ndescription: >\n  Two lines\n  of text\n---\n\n# Skill\n"


class Run:
    """Counts checks and remembers which operations were called."""

    def __init__(self, endpoint):
        self.endpoint = endpoint.rstrip("/")
        self.passed = self.failed = 0
        self.called = set()
        self.api = self.client()

    def client(self, service="devops-agent", key="simulator", secret="simulator", token=None, region=REGION):
        session = botocore.session.Session()
        session.set_config_variable("region", region)
        config = botocore.config.Config(
            inject_host_prefix=False, retries={"total_max_attempts": 1}, read_timeout=10, connect_timeout=5
        )
        client = session.create_client(
            service, endpoint_url=self.endpoint, config=config, aws_access_key_id=key,
            aws_secret_access_key=secret, aws_session_token=token,
        )
        client.meta.events.register("before-call.devops-agent", self.note)
        return client

    def note(self, model, **_):
        self.called.add(model.name)

    def check(self, name, good, detail=""):
        self.passed += bool(good)
        self.failed += not good
        print(f"{'ok  ' if good else 'FAIL'} {name}{'' if good or detail == '' else f': {detail}'}", flush=True)

    def equal(self, name, actual, expected):
        self.check(name, actual == expected, f"{actual!r} is not {expected!r}")

    def refused(self, name, code, call, path=None):
        """The call fails with this error, naming this member."""
        try:
            answer = call()
        except botocore.exceptions.ClientError as error:
            found = error.response["Error"]["Code"]
            paths = [field["path"] for field in error.response.get("fieldList", [])]
            self.check(name, found == code and (path is None or path in paths), f"{error} {paths}")
        else:
            self.check(name, False, f"answered {answer}")

    def http(self, method, url, body=None, headers=None):
        """Status and body of a plain HTTP request."""
        if url.startswith("/"):
            url = self.endpoint + url
        request = urllib.request.Request(url, method=method, data=body, headers=headers or {})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def control(self, method, path, body=None):
        status, answer = self.http(method, f"/_simulator/{path}", None if body is None else json.dumps(body).encode())
        return status, json.loads(answer or b"null")

    def wait(self, name, condition, seconds=20):
        """Polls until the condition holds."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                self.check(name, False, "timed out")
                return
            time.sleep(0.05)
        self.check(name, True)


def agent_spaces(run):
    api = run.api
    made = api.create_agent_space(name="Größe 1", description="über", clientToken="t-1", tags={"team": "ops @ co"})
    space = made["agentSpace"]
    run.equal("CreateAgentSpace keeps the name", space["name"], "Größe 1")
    run.equal("CreateAgentSpace gives the tags back", made["tags"], {"team": "ops @ co"})
    run.check("a control-plane time is a time", isinstance(space["createdAt"], datetime.datetime))
    again = api.create_agent_space(name="Größe 1", description="über", clientToken="t-1", tags={"team": "ops @ co"})
    run.equal("the same client token gives the same space", again["agentSpace"]["agentSpaceId"], space["agentSpaceId"])
    run.refused("a client token with other input is a conflict", "ConflictException",
                lambda: api.create_agent_space(name="other", clientToken="t-1"))
    sid = space["agentSpaceId"]
    api.update_agent_space(agentSpaceId=sid, preferences={"elevatedActionsEnabled": True})
    got = api.get_agent_space(agentSpaceId=sid, includedData="ALL_DATA")
    run.equal("GetAgentSpace shows the update", got["agentSpace"]["preferences"], {"elevatedActionsEnabled": True})
    run.equal("an absent member stays", got["agentSpace"]["description"], "über")
    api.update_agent_space(agentSpaceId=sid, preferences={})
    got = api.get_agent_space(agentSpaceId=sid)["agentSpace"]
    run.equal("preferences are replaced as a whole", got["preferences"], {"elevatedActionsEnabled": False})
    for number in range(4):
        api.create_agent_space(name=f"page {number}")
    pages = list(api.get_paginator("list_agent_spaces").paginate(PaginationConfig={"PageSize": 2}))
    run.equal("ListAgentSpaces pages", [len(page["agentSpaces"]) for page in pages], [2, 2, 1])
    names = [item["name"] for page in pages for item in page["agentSpaces"]]
    run.equal("a list has a stable order", names, ["Größe 1", "page 0", "page 1", "page 2", "page 3"])
    run.refused("a space that isn't there is not found", "ResourceNotFoundException",
                lambda: api.get_agent_space(agentSpaceId="nothing"))
    run.refused("a made-up token is refused", "ValidationException",
                lambda: api.list_agent_spaces(nextToken="made-up"), "/nextToken")
    return sid


def validation(run):
    session = botocore.session.Session()
    loose = session.create_client(
        "devops-agent", region_name=REGION, endpoint_url=run.endpoint, aws_access_key_id="simulator",
        aws_secret_access_key="simulator",
        config=botocore.config.Config(inject_host_prefix=False, parameter_validation=False),
    )
    cases = [
        ("a missing member", dict(), "/name"),
        ("an empty name", dict(name=""), "/name"),
        ("a line break in a name", dict(name="a\nb"), "/name"),
        ("a bad locale", dict(name="a", locale="e"), "/locale"),
        ("an alias for a key", dict(name="a", kmsKeyArn="arn:aws:kms:us-east-1:123456789012:alias/key"), "/kmsKeyArn"),
        ("an unknown preference", dict(name="a", preferences={"colour": True}), "/preferences/colour"),
        ("a long tag value", dict(name="a", tags={"k": "v" * 257}), "/tags/k"),
    ]
    for name, arguments, path in cases:
        run.refused(f"{name} is refused at {path}", "ValidationException",
                    lambda: loose.create_agent_space(**arguments), path)


def operator_app(run, sid):
    api = run.api
    run.refused("no operator app is not found", "ResourceNotFoundException", lambda: api.get_operator_app(agentSpaceId=sid))
    api.enable_operator_app(agentSpaceId=sid, authFlow="iam", operatorAppRoleArn=ROLE)
    api.enable_operator_app(agentSpaceId=sid, authFlow="idc", operatorAppRoleArn=ROLE,
                            idcInstanceArn="arn:aws:sso:::instance/ssoins-0123456789abcdef")
    idp = dict(issuerUrl="https://idp.example", idpClientId="id", idpClientSecret="secret", provider="okta")
    both = api.enable_operator_app(agentSpaceId=sid, authFlow="idp", operatorAppRoleArn=ROLE, **idp)
    run.equal("the request's idpClientId is the answer's clientId", both["idp"]["clientId"], "id")
    got = api.get_operator_app(agentSpaceId=sid)
    run.check("several flows are on at a time", {"iam", "idc", "idp"} <= set(got), got)
    run.check("the client secret never comes back", "secret" not in json.dumps(got, default=str), got)
    run.refused("an instance that is none is Identity Center's error", "IdentityCenterServiceException",
                lambda: api.enable_operator_app(agentSpaceId=second_space(run), authFlow="idc",
                                                operatorAppRoleArn=ROLE, idcInstanceArn="arn:aws:x"))
    run.refused("idp needs its members", "ValidationException",
                lambda: api.enable_operator_app(agentSpaceId=second_space(run), authFlow="idp", operatorAppRoleArn=ROLE),
                "/issuerUrl")
    changed = api.update_operator_app_idp_config(agentSpaceId=sid, idpClientSecret="new")
    run.check("UpdateOperatorAppIdpConfig answers", changed["idp"]["updatedAt"])
    api.disable_operator_app(agentSpaceId=sid, authFlow="idc")
    run.check("DisableOperatorApp takes one flow by its header", "idc" not in api.get_operator_app(agentSpaceId=sid))
    api.disable_operator_app(agentSpaceId=sid)


def second_space(run):
    return run.api.list_agent_spaces()["agentSpaces"][1]["agentSpaceId"]


def services(run):
    """Registers every type; gives one service id per type."""
    api, ids = run.api, {}
    plain, interactive = registrations()
    run.equal("every type of service is registered", sorted({case[0] for case in [*plain, *interactive]}),
              sorted(api.meta.service_model.shape_for("ServiceDetails").members))
    for kind, details, readable in plain:
        made = api.register_service(service=kind, serviceDetails={kind: details}, name=f"A {kind}", tags={"owner": "me"})
        ids[kind] = made["serviceId"]
        got = api.get_service(serviceId=made["serviceId"])
        shown = got["service"].get("additionalServiceDetails", {}).get(kind)
        run.equal(f"RegisterService {kind}: what comes back", shown, readable)
        run.check(f"RegisterService {kind}: no secret comes back", "s3cret-value" not in json.dumps(got, default=str))
        run.equal(f"RegisterService {kind}: tags", got["tags"], {"owner": "me"})
    for kind, details in interactive:
        made = api.register_service(service=kind, serviceDetails={kind: details}, tags={"owner": "me"})
        url = made.get("additionalStep", {}).get("oauth", {}).get("authorizationUrl", "")
        run.check(f"RegisterService {kind}: a person is needed", "serviceId" not in made and url, made)
        before = {item["serviceId"] for item in api.list_services(filterServiceType=kind)["services"]}
        run.equal(f"RegisterService {kind}: the URL opens", run.http("GET", url)[0], 200)
        after = {item["serviceId"] for item in api.list_services(filterServiceType=kind)["services"]}
        run.equal(f"RegisterService {kind}: opening the URL completes it", len(after - before), 1)
        run.equal(f"RegisterService {kind}: a URL opens once", run.http("GET", url)[0], 404)
        ids.setdefault(kind, (after - before).pop())
    run.refused("a second event channel is refused", "ConflictException",
                lambda: api.register_service(service="eventChannel", serviceDetails={"eventChannel": {}}))
    run.refused("path and details must agree", "ValidationException",
                lambda: api.register_service(service="gitlab", serviceDetails={"eventChannel": {}}))
    run.refused("a target that is down is refused", "ValidationException", lambda: api.register_service(
        service="gitlab", serviceDetails={"gitlab": dict(targetUrl="https://unreachable.example", tokenType="group", tokenValue="t")}))
    every = [item for page in api.get_paginator("list_services").paginate() for item in page["services"]]
    run.check("ListServices has no tags", all("tags" not in item for item in every))
    console = {item["serviceType"]: item["serviceId"] for item in every if "console" in item["serviceId"]}
    run.equal("console services are there", sorted(console), ["azure", "azuredevops", "github", "msteams", "slack"])
    return {**ids, **console}


def associations(run, sid, ids):
    api, webhooks = run.api, {}
    ids = {**ids, "aws": "aws", "sourceAws": "aws", "releaseManagement": "releaseManagement"}
    management, made_by_key = None, {}
    # Organizations need a space of their own: organizations() has them.
    run.equal("every configuration is associated", sorted([*configurations(None, "vpc-one"), "sourceAwsOrg"]),
              sorted(api.meta.service_model.shape_for("ServiceConfiguration").members))
    for key in configurations(None, "vpc-one"):
        configuration, kind = configurations(management, "vpc-one")[key]
        made = api.associate_service(agentSpaceId=sid, serviceId=ids[key], configuration={key: configuration})
        association, webhook = made["association"], made.get("webhook", {})
        made_by_key[key] = association
        management = management or association["associationId"]
        shown = dict(association["configuration"][key])
        status = shown.pop("agentElevatedRoleArnStatus", "valid")
        run.equal(f"AssociateService {key}: the configuration", shown, configuration)
        run.equal(f"AssociateService {key}: valid", (association["status"], status), ("valid", "valid"))
        run.equal(f"AssociateService {key}: webhook type", webhook.get("webhookType"), kind)
        listed = api.list_webhooks(agentSpaceId=sid, associationId=association["associationId"])["webhooks"]
        run.equal(f"ListWebhooks {key}: the same URL", [item["webhookUrl"] for item in listed],
                  [webhook["webhookUrl"]] if kind else [])
        if kind:
            secret = webhook.get("apiKey" if kind == "apikey" else "webhookSecret")
            run.check(f"AssociateService {key}: the secret is shown", secret)
            run.check(f"ListWebhooks {key}: the secret is not", secret not in json.dumps(listed))
            webhooks[kind] = (webhook["webhookUrl"], secret)
    first = made_by_key["eventChannel"]
    again = api.associate_service(agentSpaceId=sid, serviceId=ids["eventChannel"], configuration={"eventChannel": {}})
    run.equal("associating again overwrites", again["association"]["associationId"], first["associationId"])
    run.check("an overwrite doesn't show the secret again", "webhookSecret" not in again["webhook"], again)
    errors(run, sid, ids, made_by_key)
    incidents(run, webhooks)
    return made_by_key


def errors(run, sid, ids, made):
    api = run.api
    run.refused("toolDetails must name the tools", "ValidationException", lambda: api.associate_service(
        agentSpaceId=sid, serviceId=ids["mcpserver"],
        configuration={"mcpserver": dict(tools=["a"], toolDetails=[dict(name="b")])}), "/configuration/mcpserver/toolDetails")
    run.refused("a configuration must fit its service", "ValidationException", lambda: api.associate_service(
        agentSpaceId=sid, serviceId=ids["gitlab"], configuration={"eventChannel": {}}), "/configuration")
    run.refused("an unknown service is not found", "ResourceNotFoundException", lambda: api.associate_service(
        agentSpaceId=sid, serviceId="nothing", configuration={"eventChannel": {}}))
    github = made["github"]
    changed = dict(github["configuration"]["github"], repoName="renamed")
    capabilities = {"RELEASE_READINESS_REVIEW": dict(enabled=True, triggerFilterGroups=[dict(targetBranches=dict(patterns=["main"]))])}
    where = dict(agentSpaceId=sid, associationId=github["associationId"])
    updated = api.update_association(**where, configuration={"github": changed}, capabilities=capabilities)
    run.equal("UpdateAssociation replaces", updated["association"]["configuration"]["github"]["repoName"], "renamed")
    api.update_association(**where, configuration={"github": changed})
    got = api.get_association(**where)["association"]
    run.equal("absent capabilities stay", got["capabilities"], capabilities)
    run.refused("a filter group needs a condition", "ValidationException", lambda: api.update_association(
        **where, configuration={"github": changed}, capabilities={"RELEASE_READINESS_REVIEW": dict(triggerFilterGroups=[{}])}))
    run.refused("the type of an association can't change", "ValidationException",
                lambda: api.update_association(**where, configuration={"eventChannel": {}}))
    run.refused("a service in use stays", "ConflictException", lambda: api.deregister_service(serviceId=ids["gitlab"]))
    listed = api.list_associations(agentSpaceId=sid, filterServiceTypes="github, slack")["associations"]
    run.equal("ListAssociations filters by type", sorted(item["serviceId"] for item in listed), sorted([ids["github"], ids["slack"]]))
    pages = list(api.get_paginator("list_associations").paginate(agentSpaceId=sid, PaginationConfig={"PageSize": 10}))
    run.equal("ListAssociations pages", [len(page["associations"]) for page in pages], [10, 10, 1])
    api.validate_aws_associations(agentSpaceId=sid)


def sign(secret, message, encode):
    return encode(hmac.new(secret.encode(), message, hashlib.sha256))


def incidents(run, webhooks):
    stamp = "2026-06-08T10:00:00.000Z"
    for number, (kind, (url, secret)) in enumerate(sorted(webhooks.items())):
        body = json.dumps({"eventType": "incident", "incidentId": f"i-{number}", "action": "created", "priority": "HIGH",
                           "title": "Töst"}).encode()

        def headers(secret):
            v1 = lambda mac: base64.b64encode(mac.digest()).decode()
            return {
                "hmac": {"x-amzn-event-timestamp": stamp, "x-amzn-event-signature": sign(secret, f"{stamp}:".encode() + body, v1)},
                "apikey": {"Authorization": f"Bearer {secret}"},
                "gitlab": {"X-Gitlab-Token": secret},
                "pagerduty": {"X-PagerDuty-Signature": "v1=" + sign(secret, body, lambda mac: mac.hexdigest())},
            }[kind]

        run.equal(f"webhook {kind}: a good signature", run.http("POST", url, body, headers(secret))[0], 200)
        run.equal(f"webhook {kind}: a bad signature", run.http("POST", url, body, headers(secret + "x"))[0], 403)
        run.equal(f"webhook {kind}: no signature", run.http("POST", url, body)[0], 403)
    received = run.control("GET", "incidents")[1]
    run.equal("each good incident was received", len(received), len(webhooks))


def private_connections(run):
    api = run.api
    managed = dict(hostAddress="db.internal", vpcId="vpc-0123456789abcdef0", subnetIds=["subnet-0123456789abcdef0"],
                   portRanges=["443", "8000-8010"], certificate="-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n")
    made = api.create_private_connection(name="vpc-one", mode={"serviceManaged": managed}, tags={"a": "b"})
    run.equal("a new connection comes up", made["status"], "CREATE_IN_PROGRESS")
    api.create_private_connection(name="own", mode={"selfManaged": dict(resourceConfigurationId=RCFG)})
    api.create_private_connection(name="broken", mode={"serviceManaged": dict(managed, hostAddress="unreachable.internal")})
    status = lambda name: api.describe_private_connection(name=name)["status"]
    run.wait("a connection becomes ACTIVE", lambda: status("vpc-one") == "ACTIVE")
    run.wait("a connection to an unreachable host fails", lambda: status("broken") == "CREATE_FAILED")
    run.check("a failure is explained", api.describe_private_connection(name="broken").get("failureMessage"))
    got = api.describe_private_connection(name="vpc-one")
    run.equal("DescribePrivateConnection has tags", got["tags"], {"a": "b"})
    run.check("a certificate has an end", got["certificateExpiryTime"] > datetime.datetime.now(datetime.timezone.utc))
    run.check("portRanges are never returned", "portRanges" not in got)
    own = api.describe_private_connection(name="own")["resourceConfigurationId"]
    run.check("rcfg-… comes back as an ARN", own.startswith("arn:") and own.endswith(RCFG), own)
    run.wait("the other one becomes ACTIVE", lambda: status("own") == "ACTIVE")
    updated = api.update_private_connection_certificate(name="own", certificate="pem")
    run.check("UpdatePrivateConnectionCertificate sets an end", "certificateExpiryTime" in updated and "tags" not in updated)
    listed = api.list_private_connections()["privateConnections"]
    run.equal("ListPrivateConnections has all", [item["name"] for item in listed], ["vpc-one", "own", "broken"])
    run.refused("a taken name is refused", "ConflictException",
                lambda: api.create_private_connection(name="own", mode={"selfManaged": dict(resourceConfigurationId=RCFG)}))
    service = api.register_service(service="gitlab", privateConnectionName="own", serviceDetails={
        "gitlab": dict(targetUrl="https://git.example", tokenType="personal", tokenValue="t")})["serviceId"]
    run.refused("a connection in use stays", "ConflictException", lambda: api.delete_private_connection(name="own"))
    api.deregister_service(serviceId=service)
    gone = api.delete_private_connection(name="own")
    run.equal("a deletion takes time", gone["status"], "DELETE_IN_PROGRESS")
    api.delete_private_connection(name="broken")
    run.wait("a deleted connection goes", lambda: len(api.list_private_connections()["privateConnections"]) == 1)


def zipped(files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def assets(run, sid):
    api = run.api
    where = dict(agentSpaceId=sid)
    types = [item["assetType"] for page in api.get_paginator("list_asset_types").paginate(PaginationConfig={"PageSize": 3}) for item in page["items"]]
    run.equal("ListAssetTypes pages through all", (len(types), "skill" in types), (8, True))
    metadata = dict(name="runbook", description="Do this", agent_types=["GENERIC"])
    text = {"file": dict(path="SKILL.md", body={"text": "# Größe"})}
    skill = api.create_asset(**where, assetType="skill", metadata=metadata, content=text, clientToken="a-1")["asset"]
    run.check("a data-plane time is a time", isinstance(skill["createdAt"], datetime.datetime))
    run.equal("the service adds keys", (skill["metadata"]["skill_type"], skill["metadata"]["status"]), ("USER", "ACTIVE"))
    again = api.create_asset(**where, assetType="skill", metadata=metadata, content=text, clientToken="a-1")["asset"]
    run.equal("the same client token gives the same asset", again["assetId"], skill["assetId"])
    run.refused("a name is taken once", "ConflictException",
                lambda: api.create_asset(**where, assetType="skill", metadata=metadata, content=text))
    run.refused("a skill needs its metadata", "ValidationException",
                lambda: api.create_asset(**where, assetType="skill", metadata=dict(name="x"), content=text), "/metadata/description")
    one = dict(**where, assetId=skill["assetId"])
    files(run, one)
    updated = api.update_asset(**one, metadata=dict(description="Do that"))["asset"]
    run.equal("metadata is merged", (updated["metadata"]["description"], updated["metadata"]["name"]), ("Do that", "runbook"))
    api.update_asset(**one, content={"zip": dict(zipFile=zipped({"SKILL.md": SKILL, ODD_PATH: b"\xff\xfe"}))})
    got = api.get_asset(**one)["asset"]
    run.equal("a zip's front matter names the skill", got["metadata"]["name"], "from-zip")
    run.equal("…and describes it", got["metadata"]["description"], "Two lines of text")
    content = api.get_asset_content(**one)
    with zipfile.ZipFile(io.BytesIO(content["content"]["zipFile"])) as archive:
        run.equal("GetAssetContent gives all files", {name: archive.read(name) for name in archive.namelist()},
                  {"SKILL.md": SKILL.encode(), ODD_PATH: b"\xff\xfe"})
    old = api.get_asset(**one, assetVersion=1)["asset"]
    run.equal("an old version can be read", (old["version"], old["metadata"]["description"]), (1, "Do this"))
    versions = [item["version"] for page in api.get_paginator("list_asset_versions").paginate(**one) for item in page["items"]]
    run.equal("every change is a version", versions, list(range(1, got["version"] + 1)))
    imported = api.create_asset(**where, assetType="skill", metadata=dict(agent_types=["CHAT"]),
                                content={"sourceUrl": dict(url="https://github.com/example-org/r/tree/main/Deploy_it")})["asset"]
    run.equal("a skill is imported from GitHub", (imported["metadata"]["name"], "source" in imported["metadata"]), ("deploy-it", True))
    agent = api.create_asset(**where, assetType="custom_agent", metadata=dict(name="weekly", status="x"),
                             content={"file": dict(path="AGENT.md", body={"text": "x"})})["asset"]
    run.check("only skills keep a status", "status" not in agent["metadata"], agent)
    listed = api.list_assets(**where, assetType="skill")["items"]
    run.equal("ListAssets filters by type", [item["assetId"] for item in listed], [skill["assetId"], imported["assetId"]])
    soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
    run.equal("ListAssets filters by time", (len(api.list_assets(**where, updatedAfter=soon)["items"]),
                                             len(api.list_assets(**where, updatedBefore=soon)["items"])), (0, 3))
    api.delete_asset(**dict(where, assetId=imported["assetId"]))
    return agent["assetId"], [skill["assetId"], agent["assetId"]]


def files(run, one):
    api = run.api
    made = api.create_asset_file(**one, path=ODD_PATH, content={"bytes": b"\x00\xff"}, metadata={"k": 1})["file"]
    run.equal("a path that must be encoded twice", made["path"], ODD_PATH)
    got = api.get_asset_file(**one, path=ODD_PATH)["file"]
    run.equal("bytes come back", got["content"], {"bytes": b"\x00\xff"})
    run.refused("a file is created once", "ConflictException",
                lambda: api.create_asset_file(**one, path=ODD_PATH, content={"text": "x"}))
    updated = api.update_asset_file(**one, path=ODD_PATH, content={"text": "new"}, metadata={"l": 2})["file"]
    run.equal("file metadata is merged", updated["metadata"], {"k": 1, "l": 2})
    listed = api.list_asset_files(**one)["items"]
    run.equal("ListAssetFiles has both, without content", [(item["path"], "content" in item) for item in listed],
              [("SKILL.md", False), (ODD_PATH, False)])
    api.delete_asset_file(**one, path=ODD_PATH)
    run.refused("a deleted file is gone", "ResourceNotFoundException", lambda: api.get_asset_file(**one, path=ODD_PATH))


def triggers(run, sid, agent):
    api = run.api
    action = {"actionType": "create:task", "task": {"agent": f"custom:{agent}"}}
    base = dict(agentSpaceId=sid, type="TIME_BASED", action=action)
    weekly = {"timeRange": dict(startAfter="22:00", startBefore="02:00", recurrence={"weekly": dict(dayOfWeek="FRIDAY")})}
    made = api.create_trigger(**base, condition={"schedule": {"spec": weekly}}, clientToken="t")["trigger"]
    run.equal("a spec gains its expression", made["condition"]["schedule"], dict(spec=weekly, expression="cron(0 22 ? * FRI *)"))
    run.equal("a trigger starts Active", made["status"], "Active")
    other = api.create_trigger(**base, status="Inactive", condition={"schedule": {"expression": "rate(1 day)"}})["trigger"]
    run.equal("an action comes back", api.get_trigger(agentSpaceId=sid, triggerId=other["triggerId"])["trigger"]["action"], action)
    listed = api.list_triggers(agentSpaceId=sid, status="Inactive")["items"]
    run.equal("ListTriggers filters by status", [item["triggerId"] for item in listed], [other["triggerId"]])
    updated = api.update_trigger(agentSpaceId=sid, triggerId=other["triggerId"], status="Active")["trigger"]
    run.equal("UpdateTrigger changes the status", updated["status"], "Active")
    for name, change, path in [
        ("both expression and spec", dict(condition={"schedule": dict(expression="rate(1 day)", spec=weekly)}), "/condition/schedule"),
        ("a bad expression", dict(condition={"schedule": dict(expression="daily")}), "/condition/schedule/expression"),
        ("another type", dict(type="EVENT", condition={"schedule": dict(expression="rate(1 day)")}), "/type"),
        ("an unknown agent", dict(condition={"schedule": dict(expression="rate(1 day)")}, action=dict(action, task={"agent": "custom:x"})), "/action/task/agent"),
    ]:
        run.refused(f"{name} is refused", "ValidationException", lambda: api.create_trigger(**{**base, **change}), path)
    return [made["triggerId"], other["triggerId"]]


def tags(run, sid, service):
    api = run.api
    for kind, resource in [("agentspace", sid), ("service", service), ("private-connection", "vpc-one")]:
        arn = f"arn:aws:aidevops:{REGION}:{ACCOUNT}:{kind}/{resource}"
        api.tag_resource(resourceArn=arn, tags={"one": "1", "two words": "ü", "three": ""})
        api.untag_resource(resourceArn=arn, tagKeys=["one", "two words"])
        left = api.list_tags_for_resource(resourceArn=arn)["tags"]
        run.check(f"tags of a {kind}", "three" in left and not {"one", "two words"} & set(left), left)
    run.refused("an ARN of nothing is not found", "ResourceNotFoundException", lambda: api.list_tags_for_resource(
        resourceArn=f"arn:aws:aidevops:{REGION}:{ACCOUNT}:service/nothing"))


def signatures(run):
    listing = lambda client: (lambda: client.list_agent_spaces())
    run.refused("a wrong secret is refused", "InvalidSignatureException", listing(run.client(secret="wrong")))
    run.refused("an unknown key is refused", "UnrecognizedClientException", listing(run.client(key="unknown")))
    run.equal("no signature is refused", run.http("POST", "/v1/agentspaces/list")[0], 403)
    run.equal("another region is empty", run.client(region="eu-west-1").list_agent_spaces()["agentSpaces"], [])
    sts = run.client("sts")
    run.equal("GetCallerIdentity", sts.get_caller_identity()["Account"], ACCOUNT)
    role = "arn:aws:iam::999988887777:role/team/operator"
    given = sts.assume_role(RoleArn=role, RoleSessionName="session", ExternalId="ext-1")["Credentials"]
    other = run.client(key=given["AccessKeyId"], secret=given["SecretAccessKey"], token=given["SessionToken"])
    run.equal("an assumed role acts in its own account", other.list_agent_spaces()["agentSpaces"], [])
    made = other.create_agent_space(name="elsewhere")["agentSpace"]["agentSpaceId"]
    run.refused("…and not in another", "ResourceNotFoundException", lambda: run.api.get_agent_space(agentSpaceId=made))
    run.refused("a session needs its token", "UnrecognizedClientException",
                listing(run.client(key=given["AccessKeyId"], secret=given["SecretAccessKey"])))
    calls = run.control("GET", "calls/log?operation=AssumeRole")[1]
    run.equal("the external id is in the log of calls", calls[0]["resource"]["externalId"], "ext-1")
    run.control("PUT", "switches", {"denyAssumeRole": True})
    run.refused("AssumeRole can be denied", "AccessDenied", lambda: sts.assume_role(RoleArn=role, RoleSessionName="session"))
    run.control("PUT", "switches", {"denyAssumeRole": False})


def deletion(run, sid, made, assets, triggers, ids):
    api = run.api
    run.refused("a space with children stays", "ConflictException", lambda: api.delete_agent_space(agentSpaceId=sid))
    for trigger in triggers:
        api.delete_trigger(agentSpaceId=sid, triggerId=trigger)
    for asset in assets:
        api.delete_asset(agentSpaceId=sid, assetId=asset)
    for association in made.values():
        api.disassociate_service(agentSpaceId=sid, associationId=association["associationId"])
    for service in {item["serviceId"] for page in api.get_paginator("list_services").paginate() for item in page["services"]}:
        if "console" not in service:
            api.deregister_service(serviceId=service)
    api.delete_private_connection(name="vpc-one")
    for space in api.list_agent_spaces()["agentSpaces"]:
        api.delete_agent_space(agentSpaceId=space["agentSpaceId"])
    run.equal("every space is gone", api.list_agent_spaces()["agentSpaces"], [])
    run.wait("every connection is gone", lambda: api.list_private_connections()["privateConnections"] == [])


def organizations(run):
    api = run.api
    space = api.create_agent_space(name="organization", awsSourceMode="organization")["agentSpace"]
    run.equal("CreateAgentSpace has the mode", space["awsSourceMode"], "organization")
    sid = space["agentSpaceId"]
    configuration = dict(accountType="source", organizationalUnit=dict(
        organizationalUnitId="ou-ab12-c3d4e5f6", accountIds=["210987654321", "111111110403"]))
    run.control("PUT", "switches", {"deploymentMs": 0})
    made = api.associate_service(agentSpaceId=sid, serviceId="aws", configuration={"sourceAwsOrg": configuration})
    shown = dict(made["association"]["configuration"]["sourceAwsOrg"])
    state = shown.pop("deploymentState")
    run.equal("AssociateService sourceAwsOrg: the configuration", shown, configuration)
    run.equal("AssociateService sourceAwsOrg: deployed", state["deployedAccountCount"], 1)
    run.equal("AssociateService sourceAwsOrg: issues", [(issue["reasonCode"], issue["accountIds"]) for issue in state["issues"]],
              [("accessDenied", ["111111110403"])])
    run.refused("a single account in the mode organization", "ValidationException", lambda: api.associate_service(
        agentSpaceId=sid, serviceId="aws", configuration={"sourceAws": configurations(None, "vpc-one")["sourceAws"][0]}))
    updated = api.update_agent_space(agentSpaceId=sid, awsSourceMode="standalone")["agentSpace"]
    run.equal("UpdateAgentSpace changes the mode", updated["awsSourceMode"], "standalone")
    api.disassociate_service(agentSpaceId=sid, associationId=made["association"]["associationId"])
    api.delete_agent_space(agentSpaceId=sid)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--endpoint", required=True)
    run = Run(parser.parse_args().endpoint)
    run.equal("the simulator is healthy", run.control("GET", "health")[0], 200)
    run.control("POST", "reset")
    sid = agent_spaces(run)
    validation(run)
    operator_app(run, sid)
    private_connections(run)
    ids = services(run)
    made = associations(run, sid, ids)
    organizations(run)
    agent, asset_ids = assets(run, sid)
    trigger_ids = triggers(run, sid, agent)
    tags(run, sid, ids["gitlab"])
    signatures(run)
    deletion(run, sid, made, asset_ids, trigger_ids, ids)
    every = set(json.loads(MODEL.read_text())["operations"])
    run.equal("every operation was called", sorted(every - run.called), [])
    calls = run.control("GET", "calls")[1]
    run.equal("no answer broke the model", calls["errors"].get("InternalServerException", 0), 0)
    print(f"{run.passed} passed, {run.failed} failed")
    return 1 if run.failed else 0


if __name__ == "__main__":
    sys.exit(main())
