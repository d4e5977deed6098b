"""Each key's own rule: what is taken, as what, and what is refused."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from typing import Any

import pytest

from ccconsole.config import values


@pytest.mark.parametrize(
    ("check", "given", "kept"),
    [
        (values.cpu, 1, "1"),
        (values.cpu, 2.0, "2"),
        (values.cpu, "4", "4"),
        (values.cpu, "1000m", "1"),
        (values.cpu, 0.5, "500m"),
        (values.cpu, "80m", "80m"),
        (values.memory, "512Mi", "512Mi"),
        (values.memory, "32Gi", "32Gi"),
        (values.memory, "1.5Gi", "1.5Gi"),
        (values.memory, "2G", "2G"),
        (values.seconds, 90, 90),
        (values.seconds, "90", 90),
        (values.seconds, "90s", 90),
        (values.seconds, "60m", 3600),
        (values.seconds, "1h30m", 5400),
        (values.seconds, "1m5s", 65),
        (values.timeout, "1h", 3600),
        (values.concurrency, 80, 80),
        (values.instances, [0, 1], (0, 1)),
        (values.instances, [20, 20], (20, 20)),
        (values.share, 1, 1.0),
        (values.share, 0.05, 0.05),
        (values.service_name, "a", "a"),
        (values.service_name, "w" * 49, "w" * 49),
        (values.project, "example.com:acme", "example.com:acme"),
        (values.image, "worker", "worker"),
        (values.image, "worker:v1.2", "worker:v1.2"),
        (
            values.image,
            "us-docker.pkg.dev/p/r/w@sha256:" + "a" * 64,
            "us-docker.pkg.dev/p/r/w@sha256:" + "a" * 64,
        ),
        (values.endpoint, "127.0.0.1:8085", "127.0.0.1:8085"),
        (values.endpoint, "[::1]:8085", "[::1]:8085"),
        (values.endpoint, "unix:/run/emulator.sock", "unix:/run/emulator.sock"),
        (values.store, "gs://bucket/prefix", "gs://bucket/prefix"),
        (values.store, "file:///var/store", "file:///var/store"),
        (values.service_account, "w@p.iam.gserviceaccount.com", "w@p.iam.gserviceaccount.com"),
        (values.smoke, "Answer with the word ready.", "Answer with the word ready."),
        (values.flag, True, True),
    ],
)
def test_taken(check: Callable[[Any], Any], given: Any, kept: Any) -> None:
    assert check(given) == kept
    assert type(check(given)) is type(kept)


@pytest.mark.parametrize(
    ("check", "given", "told"),
    [
        (values.cpu, 3, "3 is no CPU size"),
        (values.cpu, 0.05, "no CPU size"),
        (values.cpu, 1.5, "no CPU size"),
        (values.cpu, True, "no CPU size"),
        (values.cpu, [1], "no CPU size"),
        (values.cpu, float("inf"), "no CPU size"),
        (values.cpu, float("nan"), "no CPU size"),
        (values.memory, "2GB", "with its unit"),
        (values.memory, 1024, "with its unit"),
        (values.memory, "64Mi", "128Mi to 32Gi"),
        (values.memory, "33Gi", "128Mi to 32Gi"),
        (values.seconds, "", "expected a duration"),
        (values.seconds, "soon", "expected a duration"),
        (values.seconds, True, "expected a duration"),
        (values.seconds, 1.5, "expected a duration"),
        (values.seconds, 0, "at least one second"),
        (values.seconds, -5, "at least one second"),
        (values.timeout, 3601, "60 minutes"),
        (values.timeout, "2h", "60 minutes"),
        (values.concurrency, 0, "1 to 1000"),
        (values.concurrency, "1", "whole number"),
        (values.instances, 5, "[min, max]"),
        (values.instances, [1], "[min, max]"),
        (values.instances, [0, 0], "1 to 1000"),
        (values.instances, [-1, 5], "0 to 1000"),
        (values.instances, [3, 1], "minimum 3 is more than the maximum 1"),
        (values.share, 0, "above 0"),
        (values.share, 5, "above 0"),
        (values.share, "5%", "above 0"),
        (values.service_name, "Worker", "lower-case"),
        (values.service_name, "w-", "no dash last"),
        (values.service_name, "1w", "a letter first"),
        (values.service_name, "w" * 50, "up to 49"),
        (values.service_name, 5, "found a number"),
        (values.project, 123456, "not its number"),
        (values.region, "US", "a region"),
        (values.region, "local", "a region"),
        (values.image, "Worker", "an image"),
        (values.image, "worker latest", "an image"),
        (values.endpoint, "http://127.0.0.1:8085", "no http://"),
        (values.endpoint, "127.0.0.1", "host:port"),
        (values.store, "/var/store", "gs://bucket/prefix"),
        (values.store, "gs://", "gs://bucket/prefix"),
        (values.store, "file://relative", "gs://bucket/prefix"),
        (values.service_account, "worker", "e-mail"),
        (values.smoke, " ", "expected a prompt"),
        (values.smoke, "sk-ant-api03-x", "treat it as leaked"),
        (values.flag, "yes", "expected true or false, found text"),
        (values.flag, 1, "expected true or false, found a number"),
    ],
)
def test_refused(check: Callable[[Any], Any], given: Any, told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        check(given)


@pytest.mark.parametrize(
    ("cpu", "memory", "is_taken"),
    [
        ("1", "4Gi", True),
        ("1", "4.1Gi", False),
        ("2", "8Gi", True),
        ("2", "9Gi", False),
        ("4", "2Gi", True),
        ("4", "1Gi", False),
        ("4", "17Gi", False),
        ("6", "3Gi", False),
        ("8", "32Gi", True),
        ("8", "2Gi", False),
        ("80m", "512Mi", True),
        ("80m", "1Gi", False),
        ("500m", "1Gi", True),
        ("500m", "2Gi", False),
    ],
)
def test_pairs_of_cpu_and_memory(cpu: str, memory: str, is_taken: bool) -> None:
    expected = contextlib.nullcontext() if is_taken else pytest.raises(ValueError, match="Cloud Run takes")
    with expected:
        values.check_sizes(cpu, memory, 1)


def test_a_part_of_a_cpu_serves_one_request_at_once() -> None:
    values.check_sizes("500m", "512Mi", 1)
    with pytest.raises(ValueError, match="concurrency = 1 alone"):
        values.check_sizes("500m", "512Mi", 2)


@pytest.mark.parametrize("name", ["PORT", "K_SERVICE", "K_REVISION", "K_CONFIGURATION", "X_GOOGLE_A"])
def test_variables_that_are_cloud_runs_own(name: str) -> None:
    with pytest.raises(ValueError, match="Cloud Run sets this variable itself"):
        values.variable(name, "1")


def test_a_secret_is_neither_taken_nor_repeated() -> None:
    key = "sk-ant-api03-abcdefghijkl"
    for check, name in ((values.variable, "HARMLESS"), (values.secret, "ANTHROPIC_API_KEY")):
        with pytest.raises(ValueError, match="secret") as caught:
            check(name, key)
        assert key not in str(caught.value)


@pytest.mark.parametrize("given", ["name", "name:3", "name:latest", "projects/p/secrets/name:7"])
def test_secrets_are_named(given: str) -> None:
    assert values.secret("KEY", given) == given


@pytest.mark.parametrize("given", ["", "two words", "name:0", "name:newest", 5])
def test_what_is_no_secrets_name(given: Any) -> None:
    with pytest.raises(ValueError, match="Secret Manager"):
        values.secret("KEY", given)


@pytest.mark.parametrize(("given", "kept"), [("a", "a"), (5, "5"), (0.5, "0.5")])
def test_plain_variables(given: Any, kept: str) -> None:
    assert values.variable("A", given) == kept


@pytest.mark.parametrize("given", [True, ["a"], {"a": 1}])
def test_plain_variables_are_text(given: Any) -> None:
    with pytest.raises(ValueError, match="expected text"):
        values.variable("A", given)
