"""What each key of deploy.toml may hold; every function raises ValueError with what was expected.

Sizes and limits are Cloud Run's: cloud.google.com/run/docs/configuring/services/{cpu,memory-limits},
/run/quotas, /run/docs/configuring/request-timeout. No message repeats a value that may be a secret.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import fields
from typing import Any

from ccconsole.prices import Prices

MAX_TIMEOUT = 3600
MAX_CONCURRENCY = 1000
MAX_INSTANCES = 1000
MAX_NAME = 49

RESERVED_ENV = ("PORT", "K_SERVICE", "K_REVISION", "K_CONFIGURATION")
SECRET_ENV = ("ANTHROPIC_API_KEY", "CLAUDE_CLI_SESSION_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN", "WORKER_TOKEN")

_MIB = 1 << 20
_UNITS = {"": 1, "k": 1000, "M": 1000**2, "G": 1000**3, "Ki": 1 << 10, "Mi": _MIB, "Gi": 1 << 30}
_MEMORY_OF_CPU = (  # CPUs up to -> memory from, to (MiB)
    (0.499, 128, 512),
    (0.999, 128, 1024),
    (1, 128, 4 * 1024),
    (2, 128, 8 * 1024),
    (4, 2 * 1024, 16 * 1024),
    (6, 4 * 1024, 24 * 1024),
    (8, 4 * 1024, 32 * 1024),
)
_SERVICE = re.compile(r"[a-z](?:[a-z0-9-]*[a-z0-9])?")
_ENVIRONMENT = re.compile(r"[a-z](?:[a-z0-9-]{0,18}[a-z0-9])?")
_PROJECT = re.compile(r"(?:[a-z0-9.-]+:)?[a-z](?:[a-z0-9-]*[a-z0-9])?")
_REGION = re.compile(r"[a-z]+(?:-[a-z]+)+[0-9]+")
_REPOSITORY = re.compile(r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")
_IMAGE = re.compile(r"[a-z0-9][a-z0-9._:/-]*(?::[A-Za-z0-9_][A-Za-z0-9._-]*)?(?:@sha256:[0-9a-f]{64})?")
_SECRET = re.compile(r"(?:projects/[a-z0-9.:-]+/secrets/)?[A-Za-z0-9_-]{1,255}(?::(?:latest|[1-9][0-9]*))?")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?")
_ENDPOINT = re.compile(r"unix:.+|(?:\[[0-9A-Fa-f:]+\]|[^\s/:\[\]]+):\d{1,5}")
_STORE = re.compile(r"(?:file:///|gs://[^/]|s3://[^/]|memory:///?).*", re.DOTALL)


def text(value: Any) -> str:
    """Any text."""
    if not isinstance(value, str):
        raise ValueError(f"expected text in quotes, found {_kind(value)}")
    return value


def flag(value: Any) -> bool:
    """true or false."""
    if not isinstance(value, bool):
        raise ValueError(f"expected true or false, found {_kind(value)}")
    return value


def cpu(value: Any) -> str:
    """CPUs as Cloud Run writes them: `2`, or thousandths as `500m`."""
    thousandths = _thousandths(value)
    if thousandths is None or not (80 <= thousandths <= 1000 or thousandths in (2000, 4000, 6000, 8000)):
        raise ValueError(f"{value!r} is no CPU size of Cloud Run; expected 1, 2, 4, 6, 8, or from 0.08 to 1")
    return f"{thousandths}m" if thousandths % 1000 else str(thousandths // 1000)


def cpus(size: str) -> float:
    """A size that `cpu` accepted, in CPUs."""
    return (_thousandths(size) or 0) / 1000


def memory(value: Any) -> str:
    """Memory with its unit, for example `512Mi` or `2Gi`."""
    if not isinstance(value, str) or not re.fullmatch(r"\d+(?:\.\d+)?(?:[kMG]|[KMG]i)", value):
        raise ValueError(f'expected a size with its unit, for example "512Mi" or "2Gi", found {value!r}')
    if not 128 * _MIB <= memory_bytes(value) <= 32 * 1024 * _MIB:
        raise ValueError(f"{value} is out of Cloud Run's range, 128Mi to 32Gi")
    return value


def memory_bytes(size: str) -> float:
    """A size that `memory` accepted, in bytes."""
    number, unit = re.fullmatch(r"([\d.]+)([A-Za-z]*)", size).groups()  # type: ignore[union-attr]
    return float(number) * _UNITS[unit]


def seconds(value: Any) -> int:
    """A duration: whole seconds, or text as `90s`, `60m`, `1h30m`."""
    if isinstance(value, int) and not isinstance(value, bool):
        total = value
    elif isinstance(value, str) and value and (match := _DURATION.fullmatch(value)):
        hours, minutes, rest = (int(part or 0) for part in match.groups())
        total = hours * 3600 + minutes * 60 + rest
    else:
        raise ValueError(f'expected a duration, for example "60m", "90s" or 3600, found {value!r}')
    if total < 1:
        raise ValueError(f"expected at least one second, found {value!r}")
    return total


def timeout(value: Any) -> int:
    """The request timeout in seconds, at most Cloud Run's hour."""
    if (total := seconds(value)) > MAX_TIMEOUT:
        raise ValueError(f"{value!r} is more than the 60 minutes that Cloud Run gives a request")
    return total


def concurrency(value: Any) -> int:
    """Requests per instance."""
    return _whole(value, 1, MAX_CONCURRENCY, "requests at once per instance")


def instances(value: Any) -> tuple[int, int]:
    """[min, max]."""
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError(f"expected [min, max], for example [0, 5], found {value!r}")
    low = _whole(value[0], 0, MAX_INSTANCES, "instances at least")
    high = _whole(value[1], 1, MAX_INSTANCES, "instances at most")
    if low > high:
        raise ValueError(f"the minimum {low} is more than the maximum {high}")
    return low, high


def share(value: Any) -> float:
    """A part of one, for example 0.05."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1:
        raise ValueError(f"expected a share above 0 and up to 1, for example 0.05, found {value!r}")
    return float(value)


def price(value: Any) -> float:
    """USD, for example 0.000018."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise ValueError(f"expected a price in USD, for example 0.000018, found {value!r}")
    return float(value)


def environment_name(value: str) -> str:
    """An environment's name: it becomes a part of targets and of services' names."""
    return _named(value, _ENVIRONMENT, 20, "up to 20 lower-case letters, digits and dashes, a letter first")


def service_name(value: Any) -> str:
    """A Cloud Run service's name; `{env}` stands for the environment's."""
    expected = f"up to {MAX_NAME} lower-case letters, digits and dashes, a letter first, no dash last"
    return _named(value, _SERVICE, MAX_NAME, expected)


def project(value: Any) -> str:
    """A project's id."""
    return _named(value, _PROJECT, 100, "a project's id (not its number), for example acme-dev")


def region(value: Any) -> str:
    """A Cloud Run region."""
    return _named(value, _REGION, 40, "a region, for example us-central1 or europe-west1")


def repository(value: Any) -> str:
    """An Artifact Registry repository's name."""
    return _named(
        value, _REPOSITORY, 63, "a repository's name in Artifact Registry, for example claudecluster"
    )


def image(value: Any) -> str:
    """A bare image name of the environment's repository, or a whole address."""
    return _named(value, _IMAGE, 500, "an image, for example worker or us-docker.pkg.dev/p/r/worker:v2")


def service_account(value: Any) -> str:
    """The e-mail address of a service account: what the service runs as, or who calls it."""
    return _named(value, _EMAIL, 200, "a service account's e-mail address")


def endpoint(value: Any) -> str:
    """Where an emulator listens, as gRPC writes it."""
    return _named(value, _ENDPOINT, 200, "host:port or unix:/path (no http://)")


def smoke(value: Any) -> str:
    """A prompt."""
    if not text(value).strip():
        raise ValueError("expected a prompt, found nothing in it")
    if _is_claude_secret(value):
        raise ValueError("this is a secret itself, treat it as leaked; expected a prompt")
    return str(value)


def store(value: Any) -> str:
    """The journal's address."""
    return _named(value, _STORE, 500, "gs://bucket/prefix, s3://bucket/prefix or file:///folder")


def variable(name: str, value: Any) -> str:
    """One variable of `env`."""
    if not _VARIABLE.fullmatch(name):
        raise ValueError("expected a variable's name: letters, digits and underscores")
    if name in RESERVED_ENV or name.startswith("X_GOOGLE_"):
        raise ValueError("Cloud Run sets this variable itself and refuses it from others; remove it")
    if name in SECRET_ENV or _is_claude_secret(value):
        raise ValueError("a secret must not be a plain variable; name it under `secrets`")
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"expected text, found {_kind(value)}")
    return str(value)


def secret(name: str, value: Any) -> str:
    """One variable of `secrets`: the secret's name in Secret Manager, with `:version` to pin it."""
    if not _VARIABLE.fullmatch(name) or name in RESERVED_ENV:
        raise ValueError("expected a variable's name that Cloud Run does not set itself")
    if _is_claude_secret(value):
        raise ValueError("this is a secret itself, treat it as leaked; expected a name")
    if not isinstance(value, str) or not _SECRET.fullmatch(value):
        raise ValueError("expected a secret's name in Secret Manager, with :version to pin it")
    return value


def check_sizes(cpu_size: str, memory_size: str, requests: int) -> None:
    """Whether Cloud Run takes the three together."""
    count = cpus(cpu_size)
    low, high = next((low, high) for limit, low, high in _MEMORY_OF_CPU if count <= limit)
    if not low * _MIB <= memory_bytes(memory_size) <= high * _MIB:
        taken = f"{_size(low)} to {_size(high)}"
        raise ValueError(f"{memory_size} does not go with cpu = {cpu_size}; Cloud Run takes {taken} there")
    if count < 1 and requests > 1:
        raise ValueError(f"cpu = {cpu_size} goes with concurrency = 1 alone, found {requests}")


CHECKS: dict[str, Callable[[Any], Any]] = {
    "project": project,
    "region": region,
    "repository": repository,
    "service": service_name,
    "image": image,
    "cpu": cpu,
    "memory": memory,
    "timeout": timeout,
    "concurrency": concurrency,
    "instances": instances,
    "public": flag,
    "service_account": service_account,
    "smoke": smoke,
    "impersonate": service_account,
    "store": store,
    "endpoint": endpoint,
    "protected": flag,
    "local": flag,
}
"""Key -> its check; the tables `env`, `secrets` and `alerts` have their own."""

ALERT_CHECKS: dict[str, Callable[[Any], Any]] = {
    "error_rate": share,
    "first_byte": seconds,
    "cpu": share,
    "memory": share,
    "silence": seconds,
}


PRICE_CHECKS: dict[str, Callable[[Any], Any]] = {field.name: price for field in fields(Prices)}


def _named(value: Any, pattern: re.Pattern[str], longest: int, expected: str) -> str:
    if not isinstance(value, str):
        raise ValueError(f"expected {expected}; found {_kind(value)}")
    if len(value) > longest or not pattern.fullmatch(value):
        raise ValueError(f"{value!r} is not {expected}")
    return value


def _whole(value: Any, low: int, high: int, what: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"expected a whole number of {what}, {low} to {high}, found {value!r}")
    return value


def _thousandths(value: Any) -> int | None:
    """CPUs in thousandths; None for what is no number."""
    if isinstance(value, str):
        match = re.fullmatch(r"(\d{1,5})m|(\d{1,2}(?:\.\d{1,3})?)", value)
        if match is None:
            return None
        return int(match[1]) if match[1] else round(float(match[2]) * 1000)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 100:
        return None
    return round(value * 1000)


def _is_claude_secret(value: Any) -> bool:
    """Whether it looks like an Anthropic key or token, which all start alike."""
    return isinstance(value, str) and value.startswith("sk-ant-")


def _size(mib: int) -> str:
    return f"{mib}Mi" if mib < 1024 else f"{mib // 1024}Gi"


def _kind(value: Any) -> str:
    kinds = {
        bool: "true or false",
        int: "a number",
        float: "a number",
        str: "text",
        list: "a list",
        dict: "a table",
    }
    return kinds.get(type(value), "a date or time")
