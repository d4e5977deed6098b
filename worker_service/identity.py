"""Who this worker is: its own id, and what Cloud Run says of it."""

from __future__ import annotations

import socket
import urllib.request
from dataclasses import dataclass
from uuid import uuid4

from worker_service.settings import Settings

_METADATA = "http://metadata.google.internal/computeMetadata/v1/instance/"
_TIMEOUT_SECONDS = 1.0


@dataclass(frozen=True)
class Identity:
    """The names that requests, events and logs carry."""

    worker_id: str
    name: str
    instance_id: str
    service: str | None = None
    revision: str | None = None
    configuration: str | None = None
    region: str | None = None


def read_identity(settings: Settings) -> Identity:
    """The worker's identity; asks Cloud Run's metadata server where there is one, for 2 s at most."""
    instance_id, region = None, None
    if settings.k_service and not settings.is_local:
        instance_id = _metadata("id")
        region = (_metadata("region") or "").rsplit("/", 1)[-1] or None
    instance_id = instance_id or uuid4().hex
    worker_id = settings.worker_id or f"worker-{instance_id[:8]}"
    return Identity(
        worker_id=worker_id,
        name=settings.worker_name or settings.k_service or socket.gethostname(),
        instance_id=instance_id,
        service=settings.k_service,
        revision=settings.k_revision,
        configuration=settings.k_configuration,
        region=region,
    )


def _metadata(key: str) -> str | None:
    request = urllib.request.Request(_METADATA + key, headers={"Metadata-Flavor": "Google"})
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(request, timeout=_TIMEOUT_SECONDS) as answer:
            return str(answer.read(1024).decode().strip()) or None
    except (OSError, UnicodeDecodeError):
        return None
