from __future__ import annotations

from dataclasses import replace

from ccconsole.model.fleet import FleetRow
from ccconsole.model.metrics import Alert, AlertKind, Points, Series, ServiceMetrics
from ccconsole.model.problem import Problem
from tests.ui.world import NOW, USUAL, console, fleet, row

CPU = Alert(AlertKind.CPU, "CPU at 95% of its limit", NOW - 65)
SILENT = Alert(AlertKind.SILENT_TASK, "no output for 11m", NOW - 600, "task-dev")


def measured(found: FleetRow, *alerts: Alert, **points: Points) -> FleetRow:
    """The row with metrics of the last minute, and these alerts."""
    usual: dict[str, Points] = {
        "cpu": ((NOW - 5, 0.95),),
        "memory": ((NOW - 5, 0.4),),
        "error_rate": ((NOW - 5, 0.02),),
        "instance_count": ((NOW - 5, 2.0),),
        "instance_count_active": tuple((NOW - 1800 + 180 * n, float(n)) for n in range(1, 11)),
        "instance_count_idle": ((NOW - 5, 1.0),),
    }
    series = {
        name: Series(name, "", value, overall=value[-1][1] if value else None)
        for name, value in (usual | points).items()
    }
    return replace(found, metrics=ServiceMetrics(found.service.key, series), alerts=alerts)


async def test_a_row_has_its_figures_and_the_course_of_its_instances() -> None:
    found = measured(row("dev", "worker-dev"), CPU)
    stale = measured(row("dev", "stale"), cpu=((NOW - 9000, 0.5),), memory=(), error_rate=())
    async with console(snapshot=fleet(found, stale, row("dev", "unread")), size=(170, 32)) as running:
        cells = {one.key.name: [cell.text for cell in one.cells] for one in running.fleet.table.rows}  # type: ignore[attr-defined]
        assert cells["worker-dev"][8:12] == ["2%", "95%!", "40%", "▂▂▃▄▅▅▆▇▇█"]
        assert cells["stale"][8:11] == ["–", "–", "–"]
        assert cells["unread"][8:12] == ["", "", "", ""]
        assert cells["worker-dev"][2] == "● ready ⚠1"
        assert cells["worker-dev"][12] == "CPU at 95% of its limit"
        assert "⚠ 1 alert" in running.text
        await running.press("ctrl+z")
        assert running.names == ["worker-dev"]


async def test_the_figures_sort_the_rows() -> None:
    rows = [measured(row("dev", f"w{n}"), cpu=((NOW - 5, n / 10),)) for n in (2, 3, 1)]
    async with console(snapshot=fleet(*rows)) as running:
        await running.press("colon")
        await running.write("sort cpu")
        await running.press("enter", "O")
        assert running.names == ["w3", "w2", "w1"]


async def test_an_alert_is_told_once_when_it_begins_and_once_when_it_ends() -> None:
    quiet, loud = measured(row("dev", "worker-dev")), measured(row("dev", "worker-dev"), CPU)
    async with console(snapshot=fleet(quiet)) as running:
        assert running.told == ""
        await running.show(fleet(loud))
        assert running.told == "alert began\ndev/worker-dev: CPU at 95% of its limit"
        await running.show(fleet(replace(loud, alerts=(replace(CPU, text="CPU at 97% of its limit"),))))
        await running.show(fleet())
        await running.show(fleet(row("dev", "worker-dev")))
        await running.show(fleet(loud))
        assert running.told.count("alert") == 1
        await running.show(fleet(quiet))
        assert running.told.endswith("alert over\ndev/worker-dev: CPU at 95% of its limit")


async def test_many_alerts_are_one_toast() -> None:
    rows = [measured(row("dev", f"worker-{n}"), CPU, SILENT) for n in range(4)]
    async with console(snapshot=fleet(*rows)) as running:
        assert running.told.startswith("8 alerts began")
        assert running.told.endswith("and 3 more")
        assert len(list(running.app._notifications)) == 1


async def test_a_service_tells_its_alerts_and_its_load() -> None:
    async with console(
        snapshot=fleet(measured(row("dev", "worker-dev"), CPU, SILENT)), size=(120, 40)
    ) as running:
        await running.press("enter")
        await running.until(lambda: "CPU at 95% of its limit (for 1m)" in running.text)
        assert "no output for 11m (for 10m)" in running.text
        assert "10 active, 1 idle · CPU 95% · memory 40% · as of " in running.text


async def test_why_there_are_no_figures() -> None:
    problem = Problem("dev", "Not allowed to read the metrics of dev", "", "gcloud x", NOW)
    async with console(snapshot=fleet(*USUAL.rows, metrics_problems=(problem,))) as running:
        assert "Not allowed to read the metrics of dev: m says more" in running.text
        assert len(running.names) == 5
