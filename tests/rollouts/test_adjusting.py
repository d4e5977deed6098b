"""Traffic, bounds and the end of a service: changes that make no revision, and that nothing undoes later."""

from __future__ import annotations

from pathlib import Path

import pytest

from ccconsole import rollouts
from ccconsole.errors import NotFound
from ccconsole.model.rollouts import Adjustment, AdviceKind, Rollout
from ccconsole.model.services import TrafficShare
from ccconsole.rollouts.shares import scaled
from tests.rollouts.conftest import Site, done, drained


async def adjusted(site: Site, verb: str, *arguments: object) -> tuple[Adjustment, Rollout]:
    connection, spec = site.declared()
    adjustment = await getattr(rollouts, verb)(connection, spec.key, *arguments)
    return adjustment, done(await drained(rollouts.adjust(connection, adjustment)))


async def test_back_and_forth(site: Site) -> None:
    done(await site.deploy())
    done(await site.deploy("cpu = 2\n"))
    first, second = reversed([revision.name for revision in await site.revisions()])

    adjustment, last = await adjusted(site, "rollback")
    assert (await site.traffic(), last.revision) == ({"00001": 100}, first)
    assert "no revision is made" in adjustment.text
    assert f"--to-revisions={first}=100" in adjustment.command
    assert last.notes[0].startswith(f"PINNED: {first} 100%")
    assert "latest=100" in last.notes[0]
    assert len(await site.revisions()) == 2

    adjustment, last = await adjusted(site, "rollback")  # again, for example after a kill: not one further
    assert (adjustment.changes, last.revision) == ((), first)

    _, last = await adjusted(site, "redirect", [(first, 25), (second, 75)])
    assert await site.traffic() == {"00001": 25, "00002": 75}
    _, last = await adjusted(site, "redirect", [("latest", 100)])
    assert (await site.traffic(), last.notes) == ({"00002": 100}, ())
    assert not (await site.service()).is_pinned
    _, last = await adjusted(site, "rollback", first)
    assert (await site.traffic(), last.revision) == ({"00001": 100}, first)
    assert len(await site.revisions()) == 2


async def test_back_while_the_newest_does_not_start(site: Site, tmp_path: Path) -> None:
    done(await site.deploy())
    done(await site.deploy("cpu = 2\n"))
    await site.deploy(f'env = {{ FAIL = "{tmp_path}/never" }}\n')
    await adjusted(site, "rollback")
    assert await site.traffic() == {"00001": 100}
    assert len(await site.revisions()) == 3
    plan = await site.plan(f'env = {{ FAIL = "{tmp_path}/never" }}\n')
    assert AdviceKind.FAILED in {advice.kind for advice in plan.advice}


async def test_scaling(site: Site) -> None:
    done(await site.deploy("instances = [0, 5]\n"))
    adjustment, _ = await adjusted(site, "scale", 1, 3)
    assert "--min=1 --max=3" in adjustment.command
    service = await site.service()
    assert (service.min_instances, len(await site.revisions())) == (1, 1)
    plan = await site.plan("instances = [0, 5]\n")
    assert [(change.field, change.live, change.declared) for change in plan.changes] == [
        ("instances.max", "3", "5"),
        ("instances.min", "1", "0"),
    ]
    adjustment, _ = await adjusted(site, "scale", 0, 9)
    assert "it takes a new revision" in adjustment.text
    service = await site.service()
    assert (service.min_instances, service.max_instances, len(await site.revisions())) == (0, 9, 2)
    assert (await adjusted(site, "scale", 0, 9))[0].changes == ()


async def test_the_end_of_a_service(site: Site) -> None:
    done(await site.deploy())
    adjustment, last = await adjusted(site, "delete")
    assert "gcloud run services delete worker" in adjustment.command
    assert last.stage("delete").detail == "it is gone"
    with pytest.raises(NotFound):
        await site.service()


@pytest.mark.parametrize(
    ("shares", "total", "found"),
    [((100,), 90, (90,)), ((60, 40), 90, (54, 36)), ((1, 1, 1), 100, (34, 33, 33)), ((90,), 100, (100,))],
)
def test_proportions_are_kept(shares: tuple[int, ...], total: int, found: tuple[int, ...]) -> None:
    made = scaled([TrafficShare(f"r{number}", number) for number in shares], total)
    assert tuple(share.percent for share in made) == found
