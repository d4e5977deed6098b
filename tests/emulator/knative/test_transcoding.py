"""What gcloud asks beside services: policies, secrets, APIs, projects, log entries, in protobuf's JSON."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from ccconsole.emulator.knative.rules import rules
from ccconsole.emulator.refusals import Refusals
from tests.emulator.conftest import LOCATION, template, until
from tests.emulator.knative.conftest import SERVICES, Face, Json, conditions, facing, service


async def test_every_rule_leads_to_an_rpc_of_the_emulator(face: Face) -> None:
    paths = face.emulator.table.paths
    assert [rule.rpc for rule in rules() if rule.rpc not in paths] == []
    for rule in rules():
        asked, answered = rule.kinds
        fields = [name.partition("__")[0] for name in rule.pattern.groupindex]
        assert set(fields) <= set(asked.DESCRIPTOR.fields_by_name)
        assert answered.DESCRIPTOR.full_name


async def test_a_policy_is_read_changed_and_guarded(face: Face) -> None:
    await face.post(SERVICES, service())
    path = f"/v1/{LOCATION}/services/svc"
    empty = await face.get(f"{path}:getIamPolicy", **{"options.requestedPolicyVersion": "3", "alt": "json"})
    assert empty == {"etag": "ACAB"}
    binding = {"role": "roles/run.invoker", "members": ["allUsers"]}
    changed = {"policy": {"bindings": [binding], "etag": empty["etag"]}}
    policy = await face.post(f"{path}:setIamPolicy", changed)
    assert policy["bindings"] == [binding]
    assert await face.get(f"{path}:getIamPolicy") == policy
    stale = await face.client.post(f"{path}:setIamPolicy", json=changed)
    assert (stale.status_code, stale.json()["error"]["status"]) == (409, "ABORTED")
    asked = {"permissions": ["run.services.setIamPolicy"]}
    assert await face.post(f"{path}:testIamPermissions", asked) == asked
    unknown = await face.client.get(f"{path}:getIamPolicy", params={"options.colour": "1"})
    assert 'Unknown name "options.colour"' in unknown.json()["error"]["message"]


async def test_a_secret_from_its_making_to_the_container(face: Face) -> None:
    automatic: Json = {"replication": {"automatic": {}}}
    made = await face.post("/v1/projects/demo/secrets", automatic, secretId="sec")
    assert made["name"] == "projects/demo/secrets/sec"
    path = "/v1/projects/demo/secrets/sec"
    data = base64.b64encode(b"payload").decode()
    assert (await face.post(f"{path}:addVersion", {"payload": {"data": data}}))["state"] == "ENABLED"
    told = await face.deploy()
    answer = await face.cloud.http.get(told["status"]["url"])
    assert answer.json()["env"]["K"] == "payload"
    assert (await face.post(f"{path}/versions/1:disable", {}))["state"] == "DISABLED"
    assert [item["state"] for item in (await face.get(f"{path}/versions"))["versions"]] == ["DISABLED"]
    refused = await face.client.get(f"{path}/versions/1:access")
    assert (refused.status_code, refused.json()["error"]["status"]) == (400, "FAILED_PRECONDITION")
    changed = await face.client.patch(path, json={"labels": {"a": "b"}}, params={"updateMask": "labels"})
    assert changed.json()["labels"] == {"a": "b"}
    assert (await face.client.delete(path)).json() == {}
    assert await face.get("/v1/projects/demo/secrets") == {}


async def test_what_containers_print_is_listed_as_logs_read_asks(face: Face) -> None:
    told = await face.cloud.deploy(env={"A": "b"})
    await face.cloud.http.get(f"{told.uri}/print", params={"text": "a line"})
    asked = {
        "filter": "resource.type = cloud_run_revision \n AND resource.labels.service_name = svc \n "
        "AND resource.labels.location = us-central1 \n AND severity >= DEFAULT \n AND textPayload:line",
        "orderBy": "timestamp desc",
        "pageSize": 100,
        "resourceNames": ["projects/demo"],
    }

    async def is_there() -> bool:
        return len((await face.post("/v2/entries:list", asked)).get("entries", [])) == 2

    await until(is_there)
    entries = (await face.post("/v2/entries:list", asked))["entries"]
    assert {item["textPayload"] for item in entries} == {"a line"}
    assert {item["logName"].rpartition("%2F")[2] for item in entries} == {"stdout", "stderr"}


@pytest.mark.parametrize("verb", ["post", "put"])
async def test_an_operation_that_fails_on_request_is_the_answer(tmp_path: Path, verb: str) -> None:
    rpc = {"post": "CreateService", "put": "UpdateService"}[verb]
    refusals = Refusals.parse([], [], [f"operation:{rpc}=INTERNAL*1:broken", f"operation:{rpc}=HANG"])
    async with facing(tmp_path, refusals=refusals) as face:
        path, body = SERVICES, service()
        if verb == "put":
            await face.cloud.finish(await face.cloud.create("svc", template()))
            path, body = f"{SERVICES}/svc", await face.get()
            body["spec"]["template"]["metadata"]["labels"] = {"client.knative.dev/nonce": "n"}
        for code, status in ((500, "INTERNAL"), (504, "DEADLINE_EXCEEDED")):
            answer = await getattr(face.client, verb)(path, json=body)
            assert (answer.status_code, answer.json()["error"]["status"]) == (code, status)


async def test_what_grpc_is_refused_http_is_refused(tmp_path: Path) -> None:
    refusals = Refusals.parse(["run.services.delete"], ["secretmanager.googleapis.com"], [])
    async with facing(tmp_path, refusals=refusals) as face:
        await face.deploy()
        denied = (await face.client.delete(f"{SERVICES}/svc")).json()["error"]
        assert (denied["code"], denied["status"]) == (403, "PERMISSION_DENIED")
        assert denied["message"].startswith("Permission 'run.services.delete' denied on resource")
        assert conditions(await face.get())["Ready"] == "True"

        off = await face.client.get("/v1/projects/demo/secrets")
        (detail,) = off.json()["error"]["details"]
        assert detail["@type"] == "type.googleapis.com/google.rpc.ErrorInfo"
        assert (detail["reason"], detail["domain"]) == ("SERVICE_DISABLED", "googleapis.com")
        api = "/v1/projects/demo/services/secretmanager.googleapis.com"
        assert (await face.get(api))["state"] == "DISABLED"
        operation = await face.post(f"{api}:enable", {})
        assert (await face.get(f"/v1/{operation['name']}"))["done"]
        assert await face.get("/v1/projects/demo/secrets") == {}
        enabled = await face.get("/v1/projects/demo/services", filter="state:ENABLED")
        assert "run.googleapis.com" in [item["config"]["name"] for item in enabled["services"]]
        project = await face.get("/v1/projects/demo")
        assert (project["projectId"], project["projectNumber"].isdigit()) == ("demo", True)
