"""serving.knative.dev/v1 by plain HTTP, in the shapes that gcloud sends, against Google's gRPC clients."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import httpx
import pytest
from google.cloud import run_v2

from tests.emulator.conftest import LOCATION, template
from tests.emulator.knative.conftest import (
    BROKEN,
    REVISIONS,
    SERVICES,
    Face,
    conditions,
    service,
)


def refused(response: httpx.Response) -> tuple[int, str, str]:
    error = response.json()["error"]
    assert error["code"] == response.status_code
    return error["code"], error["status"], error["message"]


async def test_what_gcloud_deploys_is_googles_service(face: Face) -> None:
    made = await face.post(SERVICES, service())
    assert made["metadata"]["generation"] == made["status"]["observedGeneration"] == 1
    assert conditions(made) == dict.fromkeys(("Ready", "RoutesReady", "ConfigurationsReady"), "Unknown")
    told = await face.settled()
    assert conditions(told) == dict.fromkeys(("Ready", "RoutesReady", "ConfigurationsReady"), "True")

    found = await face.cloud.get()
    container = found.template.containers[0]
    assert (found.client, found.client_version, dict(found.labels)) == ("gcloud", "528.0.0", {"team": "x"})
    assert dict(found.annotations) == dict(found.template.annotations) == {}
    assert dict(found.template.labels) == {"client.knative.dev/nonce": "utuglhhdpj", "team": "x"}
    assert found.template.scaling.max_instance_count == 5
    assert found.template.max_instance_request_concurrency == 1
    assert run_v2.RevisionTemplate.pb(found.template).timeout.seconds == 3600
    assert found.template.service_account == "a@b.iam.gserviceaccount.com"
    assert dict(container.resources.limits) == {"cpu": "2", "memory": "1Gi"}
    assert container.resources.cpu_idle
    assert container.resources.startup_cpu_boost
    assert [(item.name, item.value) for item in container.env] == [("A", "b"), ("K", "")]
    key = container.env[1].value_source.secret_key_ref
    assert (key.secret, key.version) == ("sec", "1")

    assert told["status"]["url"] == found.uri
    assert told["metadata"]["resourceVersion"] == found.etag.strip('"')
    assert (await face.cloud.http.get(found.uri)).json()["env"]["A"] == "b"


async def test_a_service_made_over_grpc_is_told_and_sent_back_unchanged(face: Face) -> None:
    given = template(
        env={"A": "b"},
        instances=(1, 3),
        description="words",
        annotations={"own": "note"},
        ingress=run_v2.IngressTraffic.INGRESS_TRAFFIC_INTERNAL_ONLY,
        scaling={"min_instance_count": 1},
    )
    given.template.session_affinity = True
    network = run_v2.VpcAccess.NetworkInterface(network="default", tags=["t"])
    egress = run_v2.VpcAccess.VpcEgress(run_v2.VpcAccess.VpcEgress.ALL_TRAFFIC)
    given.template.vpc_access = run_v2.VpcAccess(egress=egress, network_interfaces=[network])
    made = await face.cloud.finish(await face.cloud.create("svc", given))

    told = await face.get(f"/v1/{LOCATION}/services/svc")
    assert told == await face.get()
    notes = told["metadata"]["annotations"]
    assert notes["own"] == "note"
    assert notes["run.googleapis.com/ingress"] == "internal"
    assert notes["run.googleapis.com/minScale"] == "1"
    assert notes["run.googleapis.com/description"] == "words"
    assert notes["serving.knative.dev/creator"] == made.creator
    assert told["metadata"]["labels"] == {"cloud.googleapis.com/location": "us-central1"}
    inner = told["spec"]["template"]["metadata"]["annotations"]
    assert inner["run.googleapis.com/sessionAffinity"] == "true"
    assert inner["autoscaling.knative.dev/minScale"] == "1"
    assert inner["run.googleapis.com/vpc-access-egress"] == "all-traffic"

    await face.put(told)
    assert await face.cloud.get() == made


async def test_annotations_of_a_template_come_back_as_they_went(face: Face) -> None:
    body = service()
    wanted = {
        "autoscaling.knative.dev/minScale": "1",
        "autoscaling.knative.dev/maxScale": "4",
        "run.googleapis.com/cpu-throttling": "false",
        "run.googleapis.com/startup-cpu-boost": "true",
        "run.googleapis.com/sessionAffinity": "true",
        "run.googleapis.com/execution-environment": "gen2",
        "run.googleapis.com/vpc-access-connector": "link",
        "run.googleapis.com/client-name": "gcloud",
        "run.googleapis.com/client-version": "528.0.0",
        "own": "note",
    }
    outer = {
        "run.googleapis.com/ingress": "internal-and-cloud-load-balancing",
        "run.googleapis.com/maxScale": "7",
        "run.googleapis.com/invoker-iam-disabled": "true",
        "run.googleapis.com/custom-audiences": '["https://a.test"]',
        "run.googleapis.com/launch-stage": "BETA",
        "client.knative.dev/user-image": "test",
    }
    body["metadata"]["annotations"] |= outer
    body["spec"]["template"]["metadata"]["annotations"] = wanted
    told = await face.post(SERVICES, body, dryRun="all")
    assert told["spec"]["template"]["metadata"]["annotations"] == wanted
    assert outer.items() <= told["metadata"]["annotations"].items()
    assert (await face.get(SERVICES))["items"] == []


async def test_a_broken_update_ends_failed_and_the_old_revision_serves(face: Face) -> None:
    told = await face.deploy()
    first = told["status"]["latestReadyRevisionName"]
    told["spec"]["template"]["spec"]["containers"][0]["image"] = BROKEN
    await face.put(told)
    failed = await face.settled()
    assert conditions(failed) == {"Ready": "False", "RoutesReady": "True", "ConfigurationsReady": "False"}
    ready = failed["status"]["conditions"][0]
    newest = failed["status"]["latestCreatedRevisionName"]
    assert ready["message"].startswith(f"Revision '{newest}' is not ready and cannot serve traffic.")
    assert (ready["reason"], newest != first) == ("RevisionFailed", True)
    assert failed["status"]["latestReadyRevisionName"] == first
    assert failed["status"]["traffic"] == [{"latestRevision": True, "percent": 100, "revisionName": first}]
    revision = await face.get(f"{REVISIONS}/{newest}")
    assert conditions(revision)["Ready"] == "False"
    assert revision["status"]["conditions"][0]["reason"] == "HealthCheckContainerError"
    answer = await face.cloud.http.get(failed["status"]["url"])
    assert answer.json()["env"]["K_REVISION"] == first


async def test_a_stale_resource_version_is_a_conflict(face: Face) -> None:
    told = await face.deploy()
    told["metadata"]["resourceVersion"] = "old"
    code, status, words = refused(await face.client.put(f"{SERVICES}/svc", json=told))
    assert (code, status) == (409, "ABORTED")
    assert words.startswith("Conflict for resource 'svc': version '\"old\"' was specified but")
    assert refused(await face.client.post(SERVICES, json=service()))[:2] == (409, "ALREADY_EXISTS")


async def test_traffic_by_revision_and_tag(face: Face) -> None:
    told = await face.deploy()
    first = told["status"]["latestReadyRevisionName"]
    told["spec"]["template"]["metadata"]["labels"]["client.knative.dev/nonce"] = "other"
    told["spec"]["traffic"] = [
        {"revisionName": first, "percent": 100},
        {"latestRevision": True, "tag": "next"},
    ]
    await face.put(told)
    told = await face.settled()
    second = told["status"]["latestReadyRevisionName"]
    by_name, latest = told["status"]["traffic"]
    assert by_name == {"revisionName": first, "percent": 100}
    url = latest.pop("url")
    assert latest == {"latestRevision": True, "revisionName": second, "tag": "next"}
    assert (await face.cloud.http.get(url)).json()["env"]["K_REVISION"] == second
    assert (await face.cloud.http.get(told["status"]["url"])).json()["env"]["K_REVISION"] == first

    nonce = await face.get(REVISIONS, labelSelector="client.knative.dev/nonce = other")
    assert [item["metadata"]["name"] for item in nonce["items"]] == [second]
    own = await face.get(REVISIONS, labelSelector="serving.knative.dev/service = svc")
    assert [conditions(item)["Active"] for item in own["items"]] == ["True", "True"]
    assert [item["metadata"]["name"] for item in own["items"]] == [second, first]
    code, status, _ = refused(await face.client.delete(f"{REVISIONS}/{first}"))
    assert (code, status) == (400, "FAILED_PRECONDITION")


async def test_lists_cross_regions_and_come_in_pages(face: Face) -> None:
    for name, region in (("a", "us-central1"), ("b", "us-central1"), ("c", "europe-west1")):
        await face.post(f"/v1/projects/demo/locations/{region}/services", service(name))
    everywhere = await face.get("/v1/projects/demo/locations/-/services")
    assert [item["metadata"]["name"] for item in everywhere["items"]] == ["c", "a", "b"]
    page = await face.get(SERVICES, limit="1")
    assert [item["metadata"]["name"] for item in page["items"]] == ["a"]
    rest = await face.get(SERVICES, limit="1", **{"continue": page["metadata"]["continue"]})
    assert [item["metadata"]["name"] for item in rest["items"]] == ["b"]
    assert rest["metadata"] == {}


async def test_a_deletion_ends_in_not_found(face: Face) -> None:
    told = await face.deploy()
    gone = (await face.client.delete(f"{SERVICES}/svc")).json()
    assert (gone["kind"], gone["status"]) == ("Status", "Success")
    while (response := await face.client.get(f"{SERVICES}/svc")).status_code == 200:
        assert "deletionTimestamp" in response.json()["metadata"]
    assert refused(response)[:2] == (404, "NOT_FOUND")
    with pytest.raises(httpx.ConnectError):
        await face.cloud.http.get(told["status"]["url"])


REFUSED = [
    ("spec/template/spec/containers/0/env/0/name", "PORT", 400, "reserved env names"),
    ("spec/template/spec/timeoutSeconds", 3601, 400, "3601s is outside"),
    ("spec/template/spec/volumes", [{"name": "v"}], 501, "mounts no volumes"),
    ("spec/template/spec/dnsPolicy", "x", 400, "Unknown name \"dnsPolicy\" at 'spec.template.spec'"),
    ("spec/template/spec/timeoutSeconds", "soon", 400, "timeout"),
    ("spec", None, 400, "Violation in CreateServiceRequest.service.template"),
    ("spec/template/spec/containers", {"image": "x"}, 400, "a list is expected"),
    ("metadata/name", "Svc", 400, "lowercase alphanumeric"),
    ("metadata/name", None, 400, "lowercase alphanumeric"),
    ("metadata/annotations/run.googleapis.com~new", "x", 400, "would lose it"),
    ("metadata/annotations/run.googleapis.com~minScale", "x", 400, "minScale]': 'x'"),
    ("metadata/annotations/run.googleapis.com~iap-enabled", True, 400, "(TYPE_STRING), True"),
    ("metadata/annotations/run.googleapis.com~iap-enabled", "yes", 400, "iap-enabled]': 'yes'"),
    ("metadata/annotations", ["x"], 400, "an object is expected"),
    ("metadata/labels/run.googleapis.com~new", "x", 400, "would lose it"),
    ("spec/traffic", [{"latestRevision": True, "percent": 50}], 400, "must be 100, was 50"),
]
"""A path in the service, `~` for a slash in a name; the value put there; the answer's code and words."""


async def test_what_is_refused(face: Face) -> None:
    for path, value, code, words in REFUSED:
        *parents, last = path.split("/")
        body = service()
        inner: Any = body
        for key in parents:
            inner = inner[int(key) if key.isdigit() else key]
        inner[last.replace("~", "/")] = value
        told = refused(await face.client.post(SERVICES, json=body))
        assert (told[0], told[1]) == (code, "INVALID_ARGUMENT" if code == 400 else "UNIMPLEMENTED"), path
        assert words in told[2]
    assert (await face.get(SERVICES))["items"] == []


async def test_a_service_of_no_more_than_its_image(face: Face) -> None:
    spec = {"template": {"spec": {"containers": [{"image": "test"}]}}}
    told = await face.deploy({"metadata": {"name": "svc"}, "spec": spec})
    assert conditions(told)["Ready"] == "True"
    inner = told["spec"]["template"]["spec"]
    assert (inner["containerConcurrency"], inner["timeoutSeconds"]) == (80, 300)
    assert told["spec"]["traffic"] == [{"latestRevision": True, "percent": 100}]
    notes = told["spec"]["template"]["metadata"]["annotations"]
    assert notes["run.googleapis.com/cpu-throttling"] == "true"


async def test_requests_that_are_none(face: Face) -> None:
    client = face.client
    bad = await client.post(SERVICES, content=b"{", headers={"Content-Type": "application/json"})
    assert refused(bad)[:2] == (400, "INVALID_ARGUMENT")
    assert refused(await client.post(SERVICES, json=[]))[:2] == (400, "INVALID_ARGUMENT")
    large = await client.post(SERVICES, content=b" " * ((32 << 20) + 1))
    assert refused(large)[0] == 413
    assert "docs/fidelity.md" in refused(await client.get("/v1/projects/demo/jobs"))[2]
    assert refused(await client.post(f"{SERVICES}/svc", json={}))[0] == 405
    no_region = await client.get(SERVICES, headers={"Host": "ccconsole.localhost"})
    assert "names no region" in refused(no_region)[2]
    assert "unable to parse" in refused(await client.get(REVISIONS, params={"labelSelector": "a b"}))[2]
    assert refused(await client.get(SERVICES, params={"limit": "-1"}))[0] == 400


async def test_a_web_page_gets_nothing(face: Face) -> None:
    for headers in (
        {"Host": "run.googleapis.com"},
        {"Host": "us-central1-ccconsole.test"},
        {"Origin": "https://evil.test"},
        {"Sec-Fetch-Site": "cross-site"},
    ):
        response = await face.client.post(SERVICES, json=service(), headers=headers)
        assert refused(response)[:2] == (403, "FORBIDDEN")
    assert (await face.get(SERVICES))["items"] == []


async def test_it_is_gclouds_proxy(face: Face) -> None:
    await face.post(SERVICES, service())
    async with httpx.AsyncClient(proxy=f"http://{face.address}", trust_env=False, verify=False) as client:
        found = await client.get("http://us-central1-ccconsole.localhost" + SERVICES)
    assert [item["metadata"]["name"] for item in found.json()["items"]] == ["svc"]


def test_an_emulator_without_the_face_loads_no_web_framework() -> None:
    code = (
        "import sys; from ccconsole.emulator.protos import skip_clients; skip_clients(); "
        "import ccconsole.emulator.emulator; print({'starlette', 'uvicorn'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
