"""Services side by side, field by field: what is live, and where it is not what deploy.toml declares."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ccconsole.config import Environment, ServiceSpec
from ccconsole.model.services import Service
from ccconsole.widgets.rows import Column, Row
from ccconsole.widgets.text import Span, Tone

Fields = Mapping[str, str]


@dataclass(frozen=True)
class Side:
    """One column: a service's fields."""

    key: str
    title: str
    fields: Fields
    declared: Fields | None = None
    """What deploy.toml wants; None: it does not name the service."""
    is_guarded: bool = False


def live_fields(service: Service) -> Fields:
    """A live service's."""
    return _fields(service) | {
        "revision": service.revision or "",
        "traffic": ", ".join(
            f"{share.revision} {share.percent}%" for share in service.traffic if share.percent
        ),
    }


def declared_fields(spec: ServiceSpec) -> Fields:
    """A declaration's; what it leaves to Cloud Run is not there."""
    return {name: value for name, value in _fields(spec).items() if value}


def _fields(one: Service | ServiceSpec) -> dict[str, str]:
    timeout = "" if one.timeout is None else f"{one.timeout:g}s"
    return {
        "image": one.image or "",
        "cpu": one.cpu or "",
        "memory": one.memory or "",
        "timeout": timeout,
        "concurrency": str(one.concurrency or ""),
        "instances": f"{one.min_instances}-{one.max_instances or '?'}",
        "access": "PUBLIC" if one.is_public else "private",
        "account": one.service_account or "",
        **{f"env.{name}": value for name, value in one.env.items()},
        **{f"secrets.{name}": secret for name, secret in one.secrets.items()},
    }


def columns(sides: Sequence[Side]) -> tuple[Column, ...]:
    """The field, then a column for each side."""
    return (
        Column("field", "FIELD"),
        *(Column(side.key, side.title, minimum=12, is_filling=side is sides[-1]) for side in sides),
    )


def matrix_rows(sides: Sequence[Side], *, is_different_only: bool = False) -> list[Row]:
    """A row for each field that any side has; `!` where the live value is not the declared one."""
    names = list(dict.fromkeys(name for side in sides for name in side.fields))
    rows = []
    for number, name in enumerate(names):
        values = [side.fields.get(name, "") for side in sides]
        drifts = [_has_drifted(side, name) for side in sides]
        is_different = (
            len({_without_environment(side, value) for side, value in zip(sides, values, strict=True)}) > 1
        )
        if is_different_only and not is_different and not any(drifts):
            continue
        cells = [
            Span(f"{value or '–'}{'!' if drift else ''}", _tone(value, drift, is_different))
            for value, drift in zip(values, drifts, strict=True)
        ]
        rows.append(Row(name, (Span(name, Tone.STRONG), *cells), (f"{number:03}", *values)))
    return rows


def _tone(value: str, has_drifted: bool, is_different: bool) -> Tone:
    if has_drifted:
        return Tone.BAD
    return Tone.DIM if not value else Tone.WARN if is_different else Tone.NORMAL


def _has_drifted(side: Side, name: str) -> bool:
    if side.declared is None or name not in side.declared:
        return False
    return side.fields.get(name, "") != side.declared[name]


def _without_environment(side: Side, value: str) -> str:
    """Names that carry the environment's own are alike but for it."""
    environment = side.title.partition("/")[0]
    return value.replace(f"-{environment}", "-{env}")


def sides_of(services: Iterable[Service], environments: Mapping[str, Environment]) -> list[Side]:
    """The services in the order of deploy.toml."""
    places = {name: place for place, name in enumerate(environments)}
    found = []
    for service in sorted(services, key=lambda one: (places.get(one.key.environment, 99), one.key)):
        environment = environments[service.key.environment]
        spec = next((spec for spec in environment.services if spec.key == service.key), None)
        declared = None if spec is None else declared_fields(spec)
        found.append(
            Side(str(service.key), str(service.key), live_fields(service), declared, environment.is_protected)
        )
    return found
