"""What the worker is told by its environment variables, checked once at start."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

_MIB = 1 << 20
_SECRET_VARIABLES = ("ANTHROPIC_AUTH_TOKEN", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
"""Secrets of other libraries that may stand in the environment; read here only to redact them."""

Seconds = Annotated[float, Field(gt=0, le=7 * 24 * 3600, allow_inf_nan=False)]
Bytes = Annotated[int, Field(ge=4096)]


class SettingsError(Exception):
    """An environment variable is wrong; the text names each one and never shows a secret's value."""


def is_loopback(host: str) -> bool:
    """Whether nobody outside this machine can reach `host`: a name other than localhost counts as outside."""
    if host.rstrip(".").lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class Settings(BaseSettings):
    """The worker's settings; each field is the environment variable of its upper-case name."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, env_ignore_empty=True)

    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    host: str = ""
    """Empty: 127.0.0.1, or 0.0.0.0 on Cloud Run."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    worker_token: SecretStr | None = None
    worker_id: str | None = None
    worker_name: str | None = None
    worker_agent: Literal["claude", "shell", "command", "auto"] = "claude"
    worker_command: str | None = None
    """Of the `command` agent: an argv, as a JSON list or shell-quoted words, `{prompt}` replaced in each."""
    worker_credential: Literal["auto", "api-key", "oauth"] = "auto"
    worker_store: str | None = None
    worker_workspaces: Path | None = None
    """The root of the tasks' work folders; None: a private temporary folder, deleted with the worker."""
    worker_timeout_seconds: Seconds = 3540
    """One minute less than the longest request Cloud Run allows."""
    worker_stall_seconds: Seconds = 900
    worker_output_limit_bytes: Bytes = 1024 * _MIB
    worker_ring_bytes: Bytes = 4 * _MIB
    worker_max_tasks: Annotated[int, Field(ge=1, le=1000)] = 1
    worker_max_detached: Annotated[int, Field(ge=0, le=1000)] = 4
    """With more tasks that no request holds, new ones are refused; the platform sees only a free place."""
    worker_on_disconnect: Literal["cancel", "detach"] = "cancel"
    worker_disconnect_grace_seconds: Annotated[float, Field(ge=0, le=3600)] = 45
    """A console whose network is gone for 30 s comes back within it; one that means to leave cancels."""
    worker_permission_seconds: Seconds = 600
    """How long a permission waits for a person before `worker_permission_default` answers."""
    worker_permission_default: Literal["allow", "deny"] = "deny"
    worker_cancel_step_seconds: Seconds = 5
    """Between the rungs interrupt -> SIGTERM -> SIGKILL; the real CLI ends within 2 s of SIGINT."""
    worker_drain_seconds: Annotated[float, Field(gt=0, le=600)] = 8
    """Cloud Run kills 10 s after SIGTERM."""

    claude_cli_path: str = "claude"
    anthropic_api_key: SecretStr | None = None
    claude_cli_session_token: SecretStr | None = None
    claude_code_oauth_token: SecretStr | None = None
    anthropic_base_url: str | None = None
    home: Path | None = None

    k_service: str | None = None
    k_revision: str | None = None
    k_configuration: str | None = None
    google_cloud_project: str | None = None

    def model_post_init(self, context: Any) -> None:
        """Fill in the address that depends on where the worker runs."""
        if not self.host:
            object.__setattr__(self, "host", "0.0.0.0" if self.k_service else "127.0.0.1")

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the worker, without a token: browsers must then be kept out."""
        return is_loopback(self.host)

    def secrets(self, environ: Mapping[str, str] = os.environ) -> tuple[str, ...]:
        """Every secret value the worker knows, to be redacted wherever it would come out."""
        known = (
            self.worker_token,
            self.anthropic_api_key,
            self.claude_cli_session_token,
            self.claude_code_oauth_token,
        )
        values = {secret.get_secret_value() for secret in known if secret}
        values.update(environ[name] for name in _SECRET_VARIABLES if environ.get(name))
        return tuple(sorted(values, key=len, reverse=True))


def load() -> Settings:
    """The settings from the environment.

    Raises:
        SettingsError: a variable is wrong, or the worker would run anybody's prompt.
    """
    try:
        settings = Settings()
    except ValidationError as error:
        problems = [f"{str(item['loc'][0]).upper()}: {item['msg']}" for item in error.errors()]
        raise SettingsError("\n".join(problems)) from None
    if not settings.is_local and not settings.worker_token and not settings.k_service:
        raise SettingsError(
            f"HOST={settings.host} can be reached from other machines, and nothing would check who runs "
            "prompts here.\nSet WORKER_TOKEN to a secret that callers send as a bearer token, or listen on "
            "127.0.0.1."
        )
    if settings.k_service and settings.worker_on_disconnect == "detach" and not settings.worker_store:
        raise SettingsError(
            "WORKER_ON_DISCONNECT=detach needs WORKER_STORE: nobody could come back to a task once its "
            "connection is lost."
        )
    if settings.worker_agent == "command" and not settings.worker_command:
        raise SettingsError("WORKER_AGENT=command needs WORKER_COMMAND, the command line to run.")
    return settings
