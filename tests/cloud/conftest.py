"""Configurations and emulators of their own for the tests of the cloud floor."""

from __future__ import annotations

from pathlib import Path

import pytest

from ccconsole.config import Config, load


@pytest.fixture
def no_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without credentials, and without anybody who could have some."""
    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_PROJECT", "CLOUD_RUN_EMULATOR_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path / "gcloud"))


def config_of(folder: Path, text: str) -> Config:
    """The configuration that `text` declares."""
    path = folder / "deploy.toml"
    path.write_text(text)
    return load(path, {})
