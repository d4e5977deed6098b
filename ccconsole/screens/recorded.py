"""A screen with a task: its recording is saved to a file, or played."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from platformdirs import user_state_path
from textual import on
from textual.message import Message

from ccconsole.format import size
from ccconsole.model.tasks import Task
from ccconsole.recordings.exporting import Export
from ccconsole.recordings.files import NewFile, format_of
from ccconsole.screens.base import ConsoleScreen
from ccconsole.screens.messages import ReplayAsked
from ccconsole.screens.session import Session


class RecordedScreen(ConsoleScreen):
    """The subclass says which session is meant."""

    @property
    @abstractmethod
    def session(self) -> Session:
        """The task that commands mean."""

    @dataclass
    class Saved(Message):
        """The recording is in a file."""

        path: Path
        size: int
        export: Export

    def action_replay(self) -> None:
        """From its beginning."""
        self.root.post_message(ReplayAsked(self.session.task))

    def action_save_recording(self, name: str = "") -> None:
        """To a file of that name, or to one in the state folder."""
        task = self.session.task
        when = datetime.fromtimestamp(self.desk.now(), UTC).strftime("%Y%m%dT%H%M%S")
        usual = user_state_path("ccconsole") / "recordings" / f"{task.environment}-{task.id[:8]}-{when}.cast"
        path = Path(name).expanduser() if name else usual
        self.run_worker(self._save(path, task, makes_folder=not name), group="save", exit_on_error=False)

    async def _save(self, path: Path, task: Task, *, makes_folder: bool) -> None:
        with NewFile(path, makes_folder=makes_folder) as file:
            export = Export(task, format_of(path), file.write)
            await export.all(self.desk.events(task))
            await export.close()
            await asyncio.to_thread(file.keep)
        self.post_message(self.Saved(file.path, file.size, export))

    @on(Saved)
    def _recording_saved(self, message: Saved) -> None:
        export = message.export
        said = [f"{message.path}, {size(message.size)}", *export.gaps]
        if export.lost is not None:
            said.append(export.lost)
        elif not export.is_over:
            said.append("The task has not ended: this is what there is so far.")
        self.tell(f"Saved {export.events:,} events", "\n".join(said))
