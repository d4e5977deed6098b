"""deploy.toml: the environments and the services that are declared in them.

Light on purpose (dataclasses and tomli): the console reads it before its first paint.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ccconsole.config.reading import read
from ccconsole.config.schema import Alerts, Environment, ServiceSpec
from ccconsole.errors import ConfigError, NotFound

__all__ = ["Alerts", "Config", "Environment", "ServiceSpec", "find", "load"]

FILE_NAME = "deploy.toml"
CONFIG_VARIABLE = "CCCONSOLE_CONFIG"
BUILT_IN = """\
[env.local]
local = true
[env.local.secrets]
ANTHROPIC_API_KEY = "claudecluster-anthropic-api-key-local"
CLAUDE_CLI_SESSION_TOKEN = "claudecluster-claude-cli-token-local"
"""
"""What is declared where there is no deploy.toml."""


@dataclass(frozen=True)
class Config:
    """The environments in the order of the file, that of the keys 1..9; `path` is None for the built-in."""

    environments: Mapping[str, Environment] = field(default_factory=dict)
    path: Path | None = None
    prices: Mapping[str, float] = field(default_factory=dict)
    """In place of the list prices of the same names; see `ccconsole.prices`."""

    @property
    def folder(self) -> Path:
        """Where the file is, and with it what images are built from; without a file the current folder."""
        return (self.path.parent if self.path else Path.cwd()).absolute()

    def environment(self, name: str) -> Environment:
        """The environment of that name; NotFound lists those there are."""
        if (found := self.environments.get(name)) is not None:
            return found
        raise _not_found(
            "environment", name, list(self.environments), str(self.path or "the built-in defaults")
        )

    def resolve(self, target: str) -> tuple[Environment, ServiceSpec | None]:
        """`dev` or `dev/service` as declared; NotFound for what is not, ConfigError for no target at all."""
        name, slash, service = target.partition("/")
        if not name or (slash and not service) or "/" in service:
            raise ConfigError(
                f"{target!r} is no target",
                "A target is an environment, or an environment and a service.",
                "For example: ccconsole ls dev, ccconsole get dev/claudecluster-worker-dev",
            )
        environment = self.environment(name)
        if not service:
            return environment, None
        for spec in environment.services:
            if spec.key.name == service:
                return environment, spec
        raise _not_found("service", service, [spec.key.name for spec in environment.services], name)


def find(start: Path | None = None, environ: Mapping[str, str] = os.environ) -> Path | None:
    """The deploy.toml that holds here: $CCCONSOLE_CONFIG, else the nearest one from the current folder up.

    The search ends at the folder that holds `.git`, and at the home folder.
    """
    if named := environ.get(CONFIG_VARIABLE):
        return Path(named).expanduser()
    home = Path(environ.get("HOME", "/"))
    try:
        here = start or Path.cwd()
    except FileNotFoundError:  # the folder was deleted under us
        return None
    for folder in (here, *here.parents):
        if (folder / FILE_NAME).is_file():
            return folder / FILE_NAME
        if (folder / ".git").exists() or folder == home:
            break
    return None


def load(path: Path | None = None, environ: Mapping[str, str] = os.environ) -> Config:
    """The file's environments, or the built-in `local` alone where no file is found.

    Raises ConfigError with every mistake at once. An environment variable that is not set is no
    mistake: the environment that needs it says so in `unset`.
    """
    path = path or find(environ=environ)
    text = BUILT_IN if path is None else _text(path)
    environments, prices = read(text, str(path or "built-in"), environ)
    return Config(environments, path, prices)


def _text(path: Path) -> str:
    hint = f"Name another file with --config or ${CONFIG_VARIABLE}."
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ConfigError(f"{path}:{line}: not UTF-8 text", "TOML files are UTF-8.", hint) from None
    except OSError as error:
        raise ConfigError(f"Cannot read {path}", error.strerror or str(error), hint) from None


def _not_found(what: str, name: str, choices: list[str], where: str) -> NotFound:
    close = difflib.get_close_matches(name, choices, n=1)
    listed = f"There is {', '.join(choices) or 'none'} in {where}."
    return NotFound(f"No {what} {name!r}", listed, f"Did you mean {close[0]}?" if close else "")
