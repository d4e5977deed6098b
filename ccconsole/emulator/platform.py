"""What revisions run on: instances as processes of this machine, their folders, ports and logs."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ccconsole.emulator import containers, processes
from ccconsole.emulator.containers import Container, Containers
from ccconsole.emulator.instance import Command, Instance, Launch
from ccconsole.emulator.logging.recorder import Recorder
from ccconsole.emulator.logs import RevisionLog
from ccconsole.emulator.monitoring.meter import Meter
from ccconsole.emulator.monitoring.store import Store
from ccconsole.emulator.pool import Pace, Pool
from ccconsole.emulator.ports import HOST, Ports
from ccconsole.emulator.routing import Backend
from ccconsole.emulator.secretmanager.injection import Injection
from ccconsole.emulator.spec import Images, RevisionSpec, inherited, variables
from ccconsole.emulator.state import StateDir


@dataclass
class Platform:
    """Makes backends, knows all living instances and writes them down for whoever must sweep them."""

    state: StateDir
    recorder: Recorder
    injection: Injection
    images: Images = field(default_factory=Images)
    pace: Pace = field(default_factory=Pace)
    ports: Ports = field(default_factory=Ports)
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    living: set[Instance] = field(default_factory=set)
    logs: dict[str, RevisionLog] = field(default_factory=dict)
    """By a revision's full name; of failed ones too."""
    series: Store = field(default_factory=Store)

    def __post_init__(self) -> None:
        self.containers = Containers(self.state.path, *self.state.room("containers"), self.environ)

    @property
    def marker(self) -> str:
        """The marker's value up to the instance id: this state directory's processes have it."""
        return f"{self.state.path}#"

    def backend(self, spec: RevisionSpec) -> Backend:
        """A revision's pool, with no instance yet."""
        path = self.log_path(spec.service.service, spec.revision)
        log = self.logs.setdefault(spec.name, RevisionLog(path, tell=self.recorder.lines_of(spec)))
        meter = Meter(spec, self.series)
        pool = Pool(lambda: self._make(spec, log, meter), spec.concurrency, self.pace)
        return Backend(spec, pool, log, meter)

    def log_path(self, service: str, revision: str) -> Path:
        """The file that holds a revision's newest log lines."""
        return self.state.path / "logs" / service / f"{revision}.log"

    def forget_logs(self, prefix: str) -> None:
        """Close and drop the logs of the revisions whose full name starts so; their files stay."""
        for name in [name for name in self.logs if name.startswith(prefix)]:
            self.logs.pop(name).close()

    async def stop_all(self, grace: float) -> None:
        """End every living instance."""
        await asyncio.gather(*(instance.stop(grace) for instance in tuple(self.living)))

    async def is_at_work(self) -> bool:
        """Whether any instance works on although no request is open on it."""
        return any(await asyncio.gather(*(instance.is_at_work() for instance in tuple(self.living))))

    def orphans(self) -> set[processes.Process]:
        """What a killed emulator left running; to be asked before any instance is started."""
        table = processes.table()
        found = processes.marked(self.marker, table)
        for row in self.state.instances():
            leader = table.get(row["pid"])
            if leader is not None and leader.started == row["started"]:
                found |= {leader} | processes.descendants(leader.pid, table)
        return found

    async def sweep(self, orphans: set[processes.Process], left: Mapping[str, Sequence[str]]) -> None:
        """End orphans as an instance is ended: SIGTERM, the grace, SIGKILL; then their containers."""
        processes.send(orphans, signal.SIGTERM)
        for _ in range(int(self.pace.grace / 0.05)):
            if not processes.alive(orphans):
                break
            await asyncio.sleep(0.05)
        processes.send(processes.alive(orphans), signal.SIGKILL)
        for engine, names in left.items():
            await self.containers.remove(engine, names)

    def clear_folders(self) -> None:
        """Delete the folders of instances that are gone; to be called before any is started."""
        shutil.rmtree(self._folders, ignore_errors=True)

    @property
    def _folders(self) -> Path:
        return self.state.path / "instances"

    def _make(self, spec: RevisionSpec, log: RevisionLog, meter: Meter) -> Instance:
        port = self.ports.take()
        launch = Launch(
            command=lambda instance: self._command(spec, port, instance),
            port=port,
            probe=spec.probe,
            folder=self._folders / f"{spec.revision}-{port}",
            marker=self.marker,
            is_cpu_always=spec.is_cpu_always,
        )
        instance = Instance(launch, log, self.ports, on_change=self._save)
        self.living.add(instance)
        meter.add(instance)
        instance.say("Starting new instance.")
        return instance

    async def _command(self, spec: RevisionSpec, port: int, instance: Instance) -> Command:
        """What starts the instance: the image itself where an engine here has it, else a process for it."""
        secrets = self.injection.values(spec)
        is_bundled = self.images.is_bundled(spec)
        if not self.images.is_mapped(spec):
            found = await self.containers.of(spec)
            if isinstance(found, Container):
                instance.say(f"{found.engine_name} runs {found.image}.")
                told = variables(spec, port, containers.host(), secrets)
                return await self.containers.command(found, spec, told, instance.id)
            if found:
                instance.say(
                    f"{found}: {'the bundled worker' if is_bundled else 'its command'} runs instead."
                )
        env = inherited(self.environ, is_bundled=is_bundled) | variables(spec, port, HOST, secrets)
        return Command(self.images.argv(spec), env)

    def _save(self) -> None:
        ended = {instance for instance in self.living if instance.ended.is_set()}
        self.living -= ended
        for log in {instance.log for instance in ended} - {instance.log for instance in self.living}:
            log.close()
        self.state.save_instances(
            [
                {"pid": item.identity.pid, "started": item.identity.started, "id": item.id}
                for item in self.living
                if item.identity is not None
            ]
        )
