"""A service's revisions as table rows."""

from __future__ import annotations

from collections.abc import Iterable

from ccconsole.format import age
from ccconsole.model.services import Revision, Service
from ccconsole.widgets.rows import Column, Row
from ccconsole.widgets.text import Span, Tone

COLUMNS = (
    Column("revision", "REVISION"),
    Column("state", "STATE"),
    Column("traffic", "TRAFFIC", is_right=True),
    Column("tag", "TAG", is_optional=True),
    Column("age", "AGE", is_right=True),
    Column("image", "IMAGE", rank=1, minimum=20, is_filling=True),
)


def revision_rows(revisions: Iterable[Revision], service: Service | None, now: float) -> list[Row]:
    """Newest first by their age; what serves is marked."""
    return [_row(revision, service, now) for revision in revisions]


def _row(revision: Revision, service: Service | None, now: float) -> Row:
    shares = [share for share in service.traffic if share.revision == revision.name] if service else []
    percent = sum(share.percent for share in shares)
    tags = ", ".join(share.tag for share in shares if share.tag)
    state = Span("● ready", Tone.GOOD) if revision.is_ready else Span("✗ not ready", Tone.BAD)
    pinned = service is not None and service.is_pinned and percent
    served = f"{percent}%{' PIN' if pinned else ''}" if percent else ""
    cells = (
        Span(revision.name, Tone.STRONG if percent else Tone.NORMAL),
        state,
        Span(served, Tone.WARN if pinned else Tone.ACTIVE),
        Span(tags, Tone.ACCENT),
        Span(age(revision.created_at, now), Tone.DIM),
        Span(revision.message, Tone.BAD) if revision.message else Span(revision.image or "", Tone.DIM),
    )
    orders = (revision.name, state.text, percent, tags or None, revision.created_at, cells[5].text or None)
    return Row(revision.name, cells, orders)
