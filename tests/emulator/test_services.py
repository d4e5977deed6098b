"""google.cloud.run.v2.Services, asked by Google's own client."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from google.api_core import exceptions
from google.cloud import run_v2

from tests.emulator.conftest import LOCATION, Cloud, template

SUCCEEDED = run_v2.Condition.State.CONDITION_SUCCEEDED
FAILED = run_v2.Condition.State.CONDITION_FAILED
RECONCILING = run_v2.Condition.State.CONDITION_RECONCILING
LATEST = run_v2.TrafficTargetAllocationType.TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST
BY_NAME = run_v2.TrafficTargetAllocationType.TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION


def states(service: run_v2.Service) -> dict[str, int]:
    found = {condition.type_: int(condition.state) for condition in service.conditions}
    return found | {service.terminal_condition.type_: int(service.terminal_condition.state)}


def read_log(revision: run_v2.Revision) -> str:
    return Path(revision.log_uri.removeprefix("file://")).read_text()


async def test_create_answers_with_live_conditions_then_with_a_serving_service(
    cloud: Cloud, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    operation = await cloud.create("svc", template(env={"START_WHEN": str(gate)}))
    metadata: Any = operation.metadata
    assert metadata.reconciling
    assert metadata.generation == 1
    assert metadata.observed_generation == 0
    assert states(metadata) == {
        "Ready": RECONCILING,
        "RoutesReady": RECONCILING,
        "ConfigurationsReady": RECONCILING,
    }
    assert not await cloud.is_done(operation)

    gate.touch()
    service = await cloud.finish(operation)
    assert states(service) == {"Ready": SUCCEEDED, "RoutesReady": SUCCEEDED, "ConfigurationsReady": SUCCEEDED}
    assert not service.reconciling
    assert service.observed_generation == service.generation == 1
    assert service.latest_ready_revision == service.latest_created_revision
    assert service.latest_ready_revision.startswith(f"{LOCATION}/services/svc/revisions/svc-00001-")
    assert service.urls == [service.uri]
    assert service.creator == service.last_modifier
    assert service.creator.endswith("@localhost")
    assert service.uid
    assert service.etag.startswith('"')
    assert [(target.type_, target.percent) for target in service.traffic_statuses] == [(LATEST, 100)]
    assert service == await cloud.get()
    assert (await cloud.http.get(service.uri)).json()["env"]["K_REVISION"].startswith("svc-00001-")


async def test_what_the_request_leaves_out_is_filled_in_as_google_does(cloud: Cloud) -> None:
    given = run_v2.Service(template={"containers": [{"image": "test"}]})
    service = await cloud.finish(await cloud.create("svc", given))
    made = service.template
    container = made.containers[0]
    assert made.max_instance_request_concurrency == 80
    assert made.scaling.max_instance_count == 100
    assert run_v2.RevisionTemplate.pb(made).timeout.seconds == 300
    assert dict(container.resources.limits) == {"cpu": "1000m", "memory": "512Mi"}
    assert container.resources.cpu_idle
    assert container.ports[0].container_port == 8080
    assert container.startup_probe.tcp_socket.port == 8080
    assert container.startup_probe.period_seconds == 240
    assert service.ingress == run_v2.IngressTraffic.INGRESS_TRAFFIC_ALL
    assert [(target.type_, target.percent) for target in service.traffic] == [(LATEST, 100)]


async def test_a_revision_that_does_not_start_fails_and_the_old_one_goes_on(cloud: Cloud) -> None:
    before = await cloud.deploy()
    broken = template(env={"FAIL": "/nowhere"})
    broken.name = before.name
    done = await cloud.wait(await cloud.update(broken))
    assert done.error.code == 9
    after = await cloud.get()
    created = after.latest_created_revision.rsplit("/", 1)[-1]
    assert done.error.message.startswith(f"Revision '{created}' is not ready and cannot serve traffic. ")
    assert "failed to start and listen on the port" in done.error.message
    assert "Logs URL: file://" in done.error.message
    assert created.startswith("svc-00002-")

    assert after.latest_ready_revision == before.latest_ready_revision
    assert (after.generation, after.observed_generation) == (2, 1)
    assert not after.reconciling
    assert states(after) == {"Ready": FAILED, "ConfigurationsReady": FAILED, "RoutesReady": SUCCEEDED}
    assert after.terminal_condition.reason == run_v2.Condition.CommonReason.REVISION_FAILED
    assert after.terminal_condition.severity == run_v2.Condition.Severity.ERROR
    revision = await cloud.revisions.get_revision(name=after.latest_created_revision)
    reasons = {item.type_: item.revision_reason for item in revision.conditions if item.state == FAILED}
    assert reasons["Ready"] == run_v2.Condition.RevisionReason.HEALTH_CHECK_CONTAINER_ERROR
    log = read_log(revision)
    assert "cannot start: no database" in log
    assert "Container called exit(7)." in log
    assert (await cloud.http.get(after.uri)).status_code == 200

    good = template()
    good.name = before.name
    assert states(await cloud.finish(await cloud.update(good)))["Ready"] == SUCCEEDED


async def test_the_async_client_raises_googles_way_for_a_failed_deployment(cloud: Cloud) -> None:
    operation = await cloud.create("svc", template(env={"FAIL": "/nowhere"}))
    with pytest.raises(exceptions.GoogleAPICallError) as caught:
        await operation.result(timeout=20)  # type: ignore[no-untyped-call]
    error: Any = caught.value
    assert error.errors[0].code == 9
    service = await cloud.get()
    assert service.uri == ""
    assert service.latest_ready_revision == ""


async def test_updates_make_a_revision_only_when_the_template_changes(cloud: Cloud) -> None:
    service = await cloud.deploy()
    service.labels["team"] = "a"
    service.template.revision = ""
    labelled = await cloud.finish(await cloud.update(service))
    assert labelled.generation == 2
    assert labelled.latest_created_revision == service.latest_created_revision
    assert labelled.etag != service.etag

    same = await cloud.finish(await cloud.update(labelled))
    assert same.generation == 2

    labelled.template.containers[0].env.append(run_v2.EnvVar(name="NEW", value="1"))
    changed = await cloud.finish(await cloud.update(labelled))
    assert changed.generation == changed.observed_generation == 3
    assert changed.latest_ready_revision.rsplit("/", 1)[-1].startswith("svc-00002-")
    assert (await cloud.http.get(changed.uri)).json()["env"]["NEW"] == "1"
    assert changed.uri == service.uri


async def test_an_update_mask_changes_only_what_it_names(cloud: Cloud) -> None:
    service = await cloud.deploy(labels={"keep": "me"})
    given = run_v2.Service(name=service.name, description="told", labels={"not": "this"})
    updated = await cloud.finish(await cloud.update(given, "description"))
    assert updated.description == "told"
    assert dict(updated.labels) == {"keep": "me"}
    assert updated.template == service.template

    scaled = run_v2.Service(name=service.name, template={"scaling": {"max_instance_count": 7}})
    updated = await cloud.finish(await cloud.update(scaled, "template.scaling.max_instance_count"))
    assert updated.template.scaling.max_instance_count == 7
    assert updated.template.containers == service.template.containers
    cleared = await cloud.finish(await cloud.update(run_v2.Service(name=service.name), "labels"))
    assert dict(cleared.labels) == {}
    for path in ("uri", "nonsense"):
        with pytest.raises(exceptions.InvalidArgument, match=path):
            await cloud.update(run_v2.Service(name=service.name), path)


async def test_a_stale_etag_is_refused(cloud: Cloud) -> None:
    service = await cloud.deploy()
    fresh = await cloud.finish(
        await cloud.update(run_v2.Service(name=service.name, description="x"), "description")
    )
    service.description = "y"
    with pytest.raises(exceptions.Aborted, match=r"version '.+' was specified but current version is"):
        await cloud.update(service)
    with pytest.raises(exceptions.Aborted):
        await cloud.services.delete_service(request={"name": service.name, "etag": service.etag})
    fresh.description = "y"
    assert (await cloud.finish(await cloud.update(fresh))).description == "y"


async def test_validate_only_answers_the_service_and_changes_nothing(cloud: Cloud) -> None:
    planned = await cloud.create("svc", template(), validate_only=True)
    assert await cloud.is_done(planned)
    assert (await cloud.finish_dry(planned)).template.containers[0].resources.limits["cpu"] == "1000m"
    with pytest.raises(exceptions.NotFound):
        await cloud.get()

    service = await cloud.deploy()
    wanted = template(concurrency=9)
    wanted.name = service.name
    dry = await cloud.finish_dry(await cloud.update(wanted, validate_only=True))
    assert dry.template.max_instance_request_concurrency == 9
    wanted.template.timeout = {"seconds": 9999}  # type: ignore[assignment]
    with pytest.raises(exceptions.InvalidArgument):
        await cloud.update(wanted, validate_only=True)
    operation = await cloud.services.delete_service(request={"name": service.name, "validate_only": True})
    assert await cloud.is_done(operation)
    assert await cloud.get() == service


async def test_allow_missing_creates(cloud: Cloud) -> None:
    wanted = template()
    wanted.name = f"{LOCATION}/services/fresh"
    with pytest.raises(
        exceptions.NotFound, match="Resource 'fresh' of kind 'SERVICE' in region 'us-central1'"
    ):
        await cloud.update(wanted)
    service = await cloud.finish(await cloud.update(wanted, allow_missing=True))
    assert service.generation == 1
    assert (await cloud.http.get(service.uri)).status_code == 200


async def test_delete_ends_with_the_service_and_then_it_is_gone(cloud: Cloud) -> None:
    service = await cloud.deploy()
    operation = await cloud.services.delete_service(name=service.name)
    gone = await cloud.finish(operation)
    assert run_v2.Service.pb(gone).HasField("delete_time")
    with pytest.raises(exceptions.NotFound):
        await cloud.get()
    with pytest.raises(httpx.ConnectError):
        await cloud.http.get(service.uri)
    assert (await cloud.deploy()).uid != service.uid


async def test_a_service_that_exists_is_not_created_again(cloud: Cloud) -> None:
    await cloud.deploy()
    with pytest.raises(exceptions.AlreadyExists, match="Resource 'svc' already exists"):
        await cloud.create("svc", template())


async def test_lists_need_a_region_and_come_in_pages(cloud: Cloud) -> None:
    with pytest.raises(exceptions.InvalidArgument, match="wildcard"):
        await cloud.services.list_services(parent="projects/demo/locations/-")
    names = [f"svc-{letter}" for letter in "edcba"]
    for name in names:
        await cloud.create(name, template(env={"FAIL": "/nowhere"}))
    request = run_v2.ListServicesRequest(parent=LOCATION, page_size=2)
    pager = await cloud.services.list_services(request=request)
    pages = [[item.name.rsplit("/", 1)[-1] for item in page.services] async for page in pager.pages]
    assert pages == [["svc-a", "svc-b"], ["svc-c", "svc-d"], ["svc-e"]]
    elsewhere = await cloud.services.list_services(parent="projects/demo/locations/europe-west1")
    assert [item async for item in elsewhere] == []
    for token in ("bm90aGluZw==", "***"):
        with pytest.raises(exceptions.InvalidArgument, match="page_token"):
            await cloud.services.list_services(request={"parent": LOCATION, "page_token": token})


def sized(cpu: str, memory: str, **more: Any) -> run_v2.Service:
    service = template(**more)
    limits = {"cpu": cpu, "memory": memory}
    service.template.containers[0].resources = run_v2.ResourceRequirements(limits=limits, cpu_idle=True)
    return service


def changed(**fields: Any) -> run_v2.Service:
    service = template()
    for name, value in fields.items():
        setattr(service.template, name, value)
    return service


def contained(**fields: Any) -> run_v2.Service:
    service = template()
    for name, value in fields.items():
        setattr(service.template.containers[0], name, value)
    return service


def routed(*targets: dict[str, Any]) -> run_v2.Service:
    return template(traffic=[run_v2.TrafficTarget(**target) for target in targets])


REFUSED = [
    (template(env={"PORT": "1"}), "reserved env names were provided: PORT. These values are auto"),
    (template(env={"K_SERVICE": "a", "K_REVISION": "b"}), "provided: K_SERVICE, K_REVISION"),
    (contained(env=[{"name": "A"}, {"name": "A"}]), "more than once"),
    (contained(env=[{"name": "A=B"}]), "not a name"),
    (sized("3", "1Gi"), "only allowed values"),
    (sized("many", "1Gi"), "not a quantity"),
    (sized("4", "1Gi"), "For 4.0 CPU, memory must be between 2Gi and 16Gi inclusive"),
    (sized("1", "8Gi"), "For 1.0 CPU, memory must be between 128Mi and 4Gi inclusive"),
    (sized("0.5", "512Mi", concurrency=80), "Total cpu < 1 is not supported with concurrency > 1"),
    (sized("1", "lots"), "not a quantity"),
    (template(timeout=3601), "outside 1s to 3600s"),
    (template(concurrency=1001), "outside 1 to 1000"),
    (template(instances=(3, 2)), r"min_instance_count \(3\) must not be greater"),
    (template(scaling={"min_instance_count": 3, "max_instance_count": 2}), "must not be greater"),
    (contained(image=""), "image is required"),
    (changed(containers=[]), "at least 1 container"),
    (contained(ports=[{"container_port": 1}, {"container_port": 2}]), "0 or 1 port"),
    (template(labels={"run.googleapis.com/x": "y"}), "system namespace"),
    (changed(revision="other-1"), "must be prefixed by 'svc-'"),
    (contained(startup_probe={"timeout_seconds": 9, "period_seconds": 3}), "not be greater"),
    (routed({"type_": LATEST, "percent": 90}), "must be 100, was 90"),
    (routed({"type_": LATEST, "revision": "svc-1", "percent": 100}), "exactly one of"),
    (routed({"percent": 100}), "exactly one of"),
    (
        routed({"type_": LATEST, "percent": 100, "tag": "a"}, {"type_": LATEST, "tag": "a"}),
        "more than once",
    ),
    (routed({"type_": LATEST, "percent": 100, "tag": "No"}), "not a tag"),
]


async def test_what_google_refuses_is_refused(cloud: Cloud) -> None:
    for service, words in REFUSED:
        with pytest.raises(exceptions.InvalidArgument, match=words):
            await cloud.create("svc", service)
    assert [item async for item in await cloud.services.list_services(parent=LOCATION)] == []


async def test_names_and_parents_are_checked(cloud: Cloud) -> None:
    for name in ["Upper", "1st", "a" * 50, "end-", "-x", "a_b", ""]:
        with pytest.raises(exceptions.InvalidArgument, match="service_id"):
            await cloud.create(name, template())
    for parent in ["projects/demo", "projects/demo/locations/nowhere", "projects/A B/locations/us-central1"]:
        with pytest.raises(exceptions.InvalidArgument, match="parent"):
            await cloud.services.create_service(parent=parent, service=template(), service_id="svc")


async def test_what_the_emulator_cannot_do_is_told(cloud: Cloud) -> None:
    for service in (
        contained(ports=[{"name": "h2c", "container_port": 80}]),
        changed(volumes=[{"name": "v", "empty_dir": {}}]),
        changed(containers=[{"image": "test"}, {"image": "side"}]),
        contained(startup_probe={"grpc": {}}),
    ):
        with pytest.raises(exceptions.MethodNotImplemented, match="the emulator"):
            await cloud.create("svc", service)


async def test_an_unknown_revision_in_traffic_ends_the_operation_with_code_13(cloud: Cloud) -> None:
    service = await cloud.deploy()
    ghost = run_v2.TrafficTarget(type_=BY_NAME, revision="svc-00009-xyz", percent=100)
    given = run_v2.Service(name=service.name, traffic=[ghost])
    done = await cloud.wait(await cloud.update(given, "traffic"))
    assert done.error.code == 13
    assert done.error.message == (
        "Revision 'svc-00009-xyz' does not exist or is deleted. "
        "Update all traffic to route to currently available revisions."
    )
    after = await cloud.get()
    assert states(after)["RoutesReady"] == FAILED
    assert (await cloud.http.get(after.uri)).status_code == 200


async def test_a_revisions_own_name_is_taken_once(cloud: Cloud) -> None:
    wanted = template()
    wanted.template.revision = "svc-blue"
    service = await cloud.finish(await cloud.create("svc", wanted))
    assert service.latest_ready_revision.endswith("/svc-blue")
    wanted.name = service.name
    wanted.template.timeout = {"seconds": 30}  # type: ignore[assignment]
    with pytest.raises(exceptions.AlreadyExists, match="'svc-blue' with different configuration"):
        await cloud.update(wanted)


async def test_an_update_during_another_wins_and_both_operations_end(cloud: Cloud, tmp_path: Path) -> None:
    service = await cloud.deploy()
    gate = tmp_path / "gate"
    slow = template(env={"START_WHEN": str(gate)})
    slow.name = service.name
    first = await cloud.update(slow)
    quick = template(env={"QUICK": "1"})
    quick.name = service.name
    last = await cloud.finish(await cloud.update(quick))
    assert last.generation == last.observed_generation == 3
    gate.touch()
    assert (await cloud.wait(first)).HasField("response")
    now = await cloud.get()
    assert now.latest_ready_revision == last.latest_ready_revision
    assert "QUICK" in (await cloud.http.get(now.uri)).json()["env"]


async def test_a_failed_deployment_is_tried_again_with_the_same_template(
    cloud: Cloud, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    failed = await cloud.wait(await cloud.create("svc", template(env={"FAIL": str(gate)})))
    assert failed.error.code == 9
    gate.touch()
    service = await cloud.finish(await cloud.update(await cloud.get()))
    assert states(service)["Ready"] == SUCCEEDED
    assert service.latest_ready_revision.rsplit("/", 1)[-1].startswith("svc-00002-")


async def test_traffic_moves_after_a_failed_deployment_without_another_try(cloud: Cloud) -> None:
    before = await cloud.deploy()
    broken = template(env={"FAIL": "/nowhere"})
    broken.name = before.name
    await cloud.wait(await cloud.update(broken))
    failed = await cloud.get()
    good = before.latest_ready_revision.rsplit("/", 1)[-1]
    pinned = run_v2.TrafficTarget(type_=BY_NAME, revision=good, percent=100)
    wanted = run_v2.Service(name=before.name, traffic=[pinned])
    after = await cloud.finish(await cloud.update(wanted, "traffic"))
    assert after.latest_created_revision == failed.latest_created_revision
    assert states(after)["Ready"] == SUCCEEDED
    assert [(item.revision, item.percent) for item in after.traffic_statuses] == [(good, 100)]


async def test_changes_before_the_first_revision_is_ready_wait_for_it(cloud: Cloud, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    created = await cloud.create("svc", template(env={"START_WHEN": str(gate)}))
    same = await cloud.update(await cloud.get())
    assert same.operation.name == created.operation.name
    name = f"{LOCATION}/services/svc"
    told = await cloud.update(run_v2.Service(name=name, description="told"), "description")
    assert not await cloud.is_done(told)
    gate.touch()
    service = await cloud.finish(told)
    assert (await cloud.wait(created)).HasField("response")
    assert states(service) == {"Ready": SUCCEEDED, "RoutesReady": SUCCEEDED, "ConfigurationsReady": SUCCEEDED}
    assert service.generation == service.observed_generation == 2


async def test_a_rollback_does_not_wait_for_a_revision_that_starts(cloud: Cloud) -> None:
    service = await cloud.deploy()
    good = service.latest_ready_revision.rsplit("/", 1)[-1]
    probe = run_v2.Probe(period_seconds=2, failure_threshold=1)
    never = template(env={"START_WHEN": "/nowhere"}, probe=probe)
    never.name = service.name
    starting = await cloud.update(never)
    pinned = run_v2.TrafficTarget(type_=BY_NAME, revision=good, percent=100)
    back = await cloud.finish(
        await cloud.update(run_v2.Service(name=service.name, traffic=[pinned]), "traffic")
    )
    assert back.traffic_statuses[0].revision == good
    assert not await cloud.is_done(starting)
    assert (await cloud.wait(starting)).error.code == 9
    after = await cloud.get()
    assert states(after)["ConfigurationsReady"] == FAILED
    assert (await cloud.http.get(after.uri)).status_code == 200


async def test_deleting_while_a_revision_starts_ends_both_operations(cloud: Cloud, tmp_path: Path) -> None:
    created = await cloud.create("svc", template(env={"START_WHEN": str(tmp_path / "never")}))
    await cloud.delete()
    assert (await cloud.wait(created)).error.code == 10


async def test_the_default_address_can_be_switched_off(cloud: Cloud) -> None:
    traffic = [run_v2.TrafficTarget(type_=LATEST, percent=100, tag="only")]
    service = await cloud.deploy(default_uri_disabled=True, traffic=traffic)
    assert service.uri == ""
    assert (await cloud.http.get(service.traffic_statuses[0].uri)).status_code == 200
