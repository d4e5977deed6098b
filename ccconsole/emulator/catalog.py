"""All services, in memory and in the state directory."""

from __future__ import annotations

from google.cloud.run_v2.types.revision import Revision
from google.cloud.run_v2.types.service import Service
from google.protobuf.message import Message

from ccconsole.emulator.faults import Fault, missing
from ccconsole.emulator.ingress import Activity, Ingress
from ccconsole.emulator.names import Location, ServiceName, parse_revision, parse_service
from ccconsole.emulator.policies import Policies
from ccconsole.emulator.ports import Ports
from ccconsole.emulator.records import Record, read_revisions, read_service
from ccconsole.emulator.state import StateDir


class Catalog:
    """Services by name."""

    def __init__(self, state: StateDir, ports: Ports, activity: Activity, policies: Policies) -> None:
        self._state = state
        self._policies = policies
        self._ports = ports
        self._activity = activity
        self._records: dict[ServiceName, Record] = {}

    def load(self) -> None:
        """Read the saved services; none of them serves yet."""
        for value in self._state.services():
            name, service = read_service(value)
            self._records[name] = Record(
                name=name,
                service=service,
                ingress=Ingress(self._ports, self._activity, value["ports"]),
                revisions=read_revisions(value),
                revision_count=value["revision_count"],
            )

    def add(self, name: ServiceName, service: Service) -> Record:
        """A new service."""
        record = Record(name, service, Ingress(self._ports, self._activity))
        self._records[name] = record
        return record

    def save(self, record: Record) -> None:
        """Write a service down."""
        if record.name in self._records:
            self._state.save_service(record.key, record.to_json())

    def forget(self, record: Record) -> None:
        """Remove a service with its policy."""
        self._records.pop(record.name, None)
        self._state.remove_service(record.key)
        self._policies.forget(str(record.name))

    def all(self) -> list[Record]:
        """Every service, by name."""
        return [self._records[name] for name in sorted(self._records)]

    def at(self, location: Location) -> list[Record]:
        """The services of a location, by name."""
        return [record for record in self.all() if record.name.location == location]

    def regions(self, project: str) -> list[str]:
        """Where a project has services."""
        return sorted({name.location.region for name in self._records if name.location.project == project})

    def find(self, name: ServiceName) -> Record | None:
        """The service of that name."""
        return self._records.get(name)

    def get(self, name: ServiceName) -> Record:
        """The service of that name; raises NOT_FOUND."""
        record = self._records.get(name)
        if record is None:
            raise missing("SERVICE", name.service, name.location.region, name.location.project)
        return record

    def revision(self, full_name: str, field: str) -> tuple[Record, str, Revision]:
        """A revision with its service and short name; the service may be `-`. Raises NOT_FOUND."""
        name, short = parse_revision(full_name, field)
        for record in self.at(name.location):
            if name.service in ("-", record.name.service) and short in record.revisions:
                return record, short, record.revisions[short]
        raise missing("REVISION", short, name.location.region, name.location.project)

    def message(self, full_name: str) -> Message | None:
        """A service or a revision by its full name, as the metadata of an operation on it."""
        try:
            if "/revisions/" in full_name:
                found: Message = Revision.pb(self.revision(full_name, "name")[2])
            else:
                found = Service.pb(self.get(parse_service(full_name, "name")).service)
        except Fault:
            return None
        return found
