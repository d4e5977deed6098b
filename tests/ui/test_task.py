from __future__ import annotations

from ccconsole.errors import Refused
from ccconsole.model.tasks import TaskState
from ccconsole.screens.choice import ChoiceScreen
from ccconsole.screens.panel import TaskPanel
from ccconsole.screens.prompt import PromptScreen
from ccconsole.screens.service import ServiceScreen
from ccconsole.screens.task import TaskScreen
from ccconsole.terminal.view import TerminalPane
from tests.ui.world import NOW, Console, console, task


async def started(running: Console, environment: str = "2", mode: str = "") -> TaskScreen:
    runs = len(running.world.runs)
    await running.press(environment, "p")
    await running.until(lambda: isinstance(running.app.screen, PromptScreen))
    while mode and f"mode={mode}" not in running.text:
        await running.press("ctrl+t")
    await running.write("Mend it")
    await running.press("enter")
    await running.until(lambda: isinstance(running.app.screen, TaskScreen))
    screen = running.app.screen
    assert isinstance(screen, TaskScreen)
    await running.until(lambda: len(running.world.runs) > runs)
    running.world.say("status", status="running", agent="claude", deadline=NOW + 3600)
    await running.until(lambda: screen.session.task.state is TaskState.RUNNING)
    return screen


async def test_a_task_is_shown_as_it_runs_and_says_how_it_ended() -> None:
    async with console() as running:
        screen = await started(running)
        running.world.write("\x1b[32mworking\x1b[0m on it\r\n")
        await running.until(lambda: "working on it" in running.text)
        assert "● running  dev/worker-dev" in running.text
        assert "❯ Mend it" in running.text
        assert "ends in" in running.text
        running.world.say("complete", status="failed", reason="auth", exitCode=1, outputBytes=15)
        await running.until(lambda: "Claude refused the worker's credential" in running.text)
        assert "→ put a valid one into the service's secret" in running.text
        assert not screen.check_action("cancel", ())


async def test_it_goes_on_when_its_screen_is_left() -> None:
    async with console() as running:
        await started(running)
        await running.press("escape")
        assert running.app.screen is running.fleet
        assert "mine 1" in running.text
        running.world.write("still here\r\n")
        running.world.say("complete", status="completed")
        await running.until(lambda: "dev/worker-dev: completed" in running.told)
        await running.press("enter")
        await running.until(lambda: isinstance(running.app.screen, ServiceScreen))
        await running.press("g", "enter")
        await running.until(lambda: "still here" in running.text)
        await running.until(lambda: "✓ completed" in running.text)


async def test_cancel_asks_and_tells_the_ladder() -> None:
    async with console() as running:
        screen = await started(running)
        await running.press("ctrl+x")
        await running.until(lambda: isinstance(running.app.screen, ChoiceScreen))
        assert "SIGTERM, then SIGKILL" in running.text
        await running.press("x")
        await running.until(lambda: running.app.screen is screen)
        assert running.world.sent == []
        await running.press("ctrl+x", "y")
        await running.until(lambda: running.world.sent)
        assert running.world.sent == [("dev", screen.session.task.id, "cancel", {"mode": "interrupt"})]
        running.world.say("control", action="cancel", actor="ops", ok=True)
        await running.until(lambda: "cancel by ops" in running.text)


async def test_without_a_store_a_cancel_closes_the_stream() -> None:
    async with console() as running:
        screen = await started(running, "3")
        await running.press("ctrl+x", "y")
        await running.until(lambda: running.world.closed == 1)
        await running.until(lambda: screen.session.task.state is TaskState.CANCELLED)
        assert running.world.sent == []
        await running.until(lambda: "its stream was closed by this console" in running.text)


async def test_a_refused_command_is_told() -> None:
    async with console() as running:
        await started(running)
        running.world.refusal = Refused("The mailbox is closed", "denied [/foo]", "ask somebody")
        await running.press("ctrl+x", "y")
        await running.until(lambda: "denied [/foo]" in running.told)


async def test_keys_go_to_an_interactive_task_until_they_are_taken_back() -> None:
    async with console() as running:
        screen = await started(running, mode="interactive")
        pane = screen.panel.pane
        await running.until(lambda: pane.is_interactive)
        assert "^] Keyboard back" in running.text
        await running.type("q?p")
        await running.press("enter", "escape")
        await running.until(
            lambda: "".join(f["data"] for *_, a, f in running.world.sent if a == "input") == "q?p\r\x1b"
        )
        assert running.app.screen is screen
        await running.press("ctrl+right_square_bracket")
        assert running.app.focused is None
        await running.until(lambda: "Keyboard back" not in running.text)
        count = len(running.world.sent)
        await running.press("j")
        await running.press("i")
        assert running.app.focused is pane
        await running.until(lambda: "Keyboard back" in running.text)
        assert all("j" not in fields.get("data", "") for *_, fields in running.world.sent[count:])


async def test_an_interactive_task_gets_the_panes_size() -> None:
    async with console() as running:
        screen = await started(running, mode="interactive")
        await running.pilot.resize_terminal(100, 30)
        size = screen.panel.pane.size
        await running.until(lambda: any(action == "resize" for *_, action, _ in running.world.sent))
        await running.until(
            lambda: (
                running.world.sent[-1][3]
                == {"cols": screen.panel.pane.size.width, "rows": screen.panel.pane.size.height}
            )
        )
        assert (screen.session.terminal.columns, screen.session.terminal.rows) == tuple(
            screen.panel.pane.size
        )
        assert size.width <= 120


RULE = {"type": "addRules", "rules": [{"toolName": "Bash", "ruleContent": "rm:*"}], "destination": "session"}


async def asked(running: Console) -> TaskScreen:
    """A supervised task whose agent waits for two answers."""
    screen = await started(running, mode="supervised")
    deadline = running.app.desk.now() + 500
    wanted = {"command": "rm -rf [/build]", "lines": "one\ntwo"}
    running.world.say("status", status="waiting_input")
    running.world.say(
        "permission",
        permissionId="p1",
        tool="Bash",
        input=wanted,
        description="Clean [up]",
        suggestions=[RULE],
        deadline=deadline,
        default="deny",
    )
    running.world.say("permission", permissionId="p2", tool="Write", input={"file_path": "a\x1b[31mb"})
    await running.until(lambda: "rm -rf [/build]" in running.text)
    return screen


async def test_a_permission_is_shown_in_full_and_answered_from_the_console() -> None:
    async with console() as running:
        screen = await asked(running)
        for part in (
            "◆ Bash waits to be allowed",
            "1 of 2",
            "Clean [up]",
            "two",
            "Bash(rm:*)",
            "denied by itself in 8m",
        ):
            assert part in running.text
        shown = [line.strip(" ▌") for line in running.text.splitlines()]
        assert shown.index("two") == shown.index("one") + 1
        await running.press("A")
        await running.until(lambda: running.world.sent)
        assert running.world.sent[0][2:] == ("answer", {"permission_id": "p1", "behavior": "allow"})
        running.world.say(
            "control", action="answer", actor="bob", ok=True, permissionId="p1", behavior="allow"
        )
        await running.until(lambda: "Write waits to be allowed" in running.text)
        assert "ab" in running.text
        assert screen.check_action("deny", ())
        assert not screen.check_action("allow_session", ())
        await running.press("D")
        await running.until(lambda: len(running.world.sent) == 2)
        assert running.world.sent[1][2:] == ("answer", {"permission_id": "p2", "behavior": "deny"})
        running.world.say("status", status="running")
        await running.until(lambda: "waits to be allowed" not in running.text)
        assert not screen.check_action("deny", ())


async def test_a_permission_is_allowed_for_the_session() -> None:
    async with console() as running:
        await asked(running)
        await running.press("S")
        await running.until(lambda: running.world.sent)
        assert running.world.sent[0][2:] == ("answer", {"permission_id": "p1", "behavior": "allow_session"})


async def test_a_denial_has_words_and_is_for_what_was_asked() -> None:
    async with console() as running:
        await asked(running)
        await running.press("M")
        await running.write("use make clean")
        await running.press("enter")
        await running.until(lambda: running.world.sent)
        fields = {"permission_id": "p1", "behavior": "deny", "message": "use make clean"}
        assert running.world.sent[0][2:] == ("answer", fields)
        await running.press("M")
        running.world.say(
            "control", action="answer", actor="bob", ok=True, permissionId="p1", behavior="allow"
        )
        await running.until(lambda: "Write waits to be allowed" in running.text)
        await running.press("enter")
        await running.until(lambda: "answered meanwhile" in running.told)
        assert len(running.world.sent) == 1


async def test_who_waits_is_a_row_a_badge_and_a_word_wherever_one_looks() -> None:
    async with console() as running:
        await asked(running)
        await running.press("escape")
        await running.until(lambda: running.app.screen is running.fleet)
        await running.until(lambda: "◆ waiting_input  worker-dev: the agent asks to use Bash" in running.text)
        assert "◆ 1 asks" in running.text
        running.world.say("permission", permissionId="p3", tool="Edit", input={})
        await running.until(lambda: "dev/worker-dev: asks to use Edit" in running.told)
        await running.press("g")
        await running.press("enter")
        await running.until(lambda: "rm -rf [/build]" in running.text)


async def test_two_consoles_drive_one_task_in_turns() -> None:
    async with console() as running:
        screen = await started(running, mode="interactive")
        pane, hand = screen.panel.pane, running.app.desk.hand
        await running.until(lambda: running.world.sent)
        assert running.world.sent[0][2] == "drive"
        actor, _, mine = hand.rstrip(")").rpartition(" (")
        running.world.say("control", action="drive", actor=actor, console=mine, ok=True)
        await running.until(lambda: "you type now" in running.text)
        assert pane.is_interactive
        running.world.say("control", action="drive", actor="bob@desk", console="b0b0", ok=True)
        await running.until(lambda: "bob@desk (b0b0) types now" in running.text)
        count = len(running.world.sent)
        await running.type("DTx")
        await running.until(lambda: "your keys go nowhere" in running.told)
        assert len(running.world.sent) == count
        assert running.app.screen is screen
        running.world.say(
            "control", action="resize", actor="bob@desk", console="b0b0", ok=True, cols=50, rows=9
        )
        await running.until(
            lambda: (screen.session.terminal.columns, screen.session.terminal.rows) == (50, 9)
        )
        await running.press("ctrl+right_square_bracket")
        await running.until(lambda: not pane.is_interactive)
        await running.press("i")
        await running.until(lambda: "types here; :take-over" in running.told)
        assert len(running.world.sent) == count
        await running.press("T")
        await running.until(lambda: len(running.world.sent) == count + 2)
        assert [sent[2] for sent in running.world.sent[count:]] == ["drive", "resize"]
        running.world.say("control", action="drive", actor=actor, console=mine, ok=True)
        await running.until(lambda: pane.is_interactive)
        assert (screen.session.terminal.columns, screen.session.terminal.rows) == tuple(pane.size)


async def test_an_ended_session_is_gone_on_with() -> None:
    async with console() as running:
        screen = await started(running, mode="supervised")
        assert not screen.check_action("resume", ())
        running.world.say("complete", status="failed", reason="timeout", sessionId="11111111-2222")
        await running.until(lambda: screen.session.is_over)
        await running.press("R")
        await running.until(lambda: "resume=11111111-2222" in running.text)
        assert "mode=supervised" in running.text
        await running.write("go on")
        await running.press("enter")
        await running.until(lambda: len(running.world.runs) == 2)
        assert running.world.runs[1][2].options == {"mode": "supervised", "resume": "11111111-2222"}
        assert "resume" not in running.app.desk.options


async def test_a_deadline_that_comes_near_is_heard() -> None:
    async with console() as running:
        await started(running)
        await running.press("escape")
        await running.until(lambda: running.app.screen is running.fleet)
        running.world.say("error", code="deadline", message="the task is stopped in 5 min", retryable=False)
        await running.until(lambda: "dev/worker-dev: the task is stopped in 5 min" in running.told)


async def test_search_and_scrollback() -> None:
    async with console() as running:
        screen = await started(running)
        running.world.write("".join(f"line {number}\r\n" for number in range(200)))
        await running.until(lambda: "line 199" in running.text)
        await running.press("slash")
        await running.write("line 57")
        await running.press("enter")
        await running.until(lambda: "line 57" in running.text)
        assert "line 199" not in running.text
        await running.press("G")
        await running.until(lambda: "line 199" in running.text)
        await running.press("g")
        await running.until(lambda: "line 0 " in running.text)
        await running.press("slash", *["backspace"] * 7, *"nowhere", "enter")
        await running.until(lambda: "'nowhere' is not found there" in running.told)
        await running.press("c")
        await running.until(lambda: "line 42\n" in running.app.clipboard)
        assert screen.panel.pane.has_focus


async def test_several_tasks_side_by_side() -> None:
    async with console() as running:
        screen = await started(running)
        first = screen.session
        await running.press("escape")
        screen = await started(running, "1")
        assert screen.session is not first
        await running.press("left_square_bracket")
        assert screen.session is first
        await running.press("plus")
        assert (screen.tiles, len(screen.shown)) == (2, 2)
        panels = [panel for panel in screen.query(TaskPanel) if panel.display]
        await running.until(lambda: panels[0].region.width == panels[1].region.width > 50)
        await running.press("tab")
        assert screen.session is not first
        await running.press("minus")
        assert (screen.tiles, screen.session is not first) == (1, True)


async def test_a_task_of_another_console_is_watched_from_the_journal() -> None:
    async with console() as running:
        running.world.journal["dev"] = [
            task(
                "old",
                "dev",
                "worker-dev",
                TaskState.FAILED,
                reason="oom",
                ended_at=NOW - 50,
                created_at=NOW - 500,
            )
        ]
        await running.press("2", "enter")
        await running.until(lambda: "✗ failed" in running.text)
        await running.press("G", "enter")
        await running.until(lambda: isinstance(running.app.screen, TaskScreen))
        running.world.write("from the journal")
        await running.until(lambda: "from the journal" in running.text)
        assert running.app.desk.running() == []


async def test_read_only_watches_and_types_nothing() -> None:
    async with console(is_read_only=True) as running:
        await running.press("2", "enter")
        await running.until(lambda: isinstance(running.app.screen, ServiceScreen))
        await running.press("enter")
        await running.until(lambda: isinstance(running.app.screen, TaskScreen))
        screen = running.app.screen
        assert isinstance(screen, TaskScreen)
        running.world.say("status", status="running")
        await running.until(lambda: screen.session.task.started_at)
        assert not screen.query(TerminalPane).first().is_interactive
        await running.press("ctrl+x", "p", "i")
        assert running.app.screen is screen
        assert running.world.sent == []
