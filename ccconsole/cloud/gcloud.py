"""The gcloud command that does about what a change does: shown before it, and there to be copied."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping

from ccconsole.cloud.deploy import variables
from ccconsole.cloud.services import is_secret
from ccconsole.config import Environment, ServiceSpec
from ccconsole.model.services import ServiceKey, TrafficShare

CANARY_TAG = "canary"
_SEPARATORS = (",", "@@", "||", "##")
"""gcloud's own between a list's entries, and others for values that hold it (`gcloud topic escaping`)."""


def deploy(spec: ServiceSpec, environment: Environment, image: str, *, is_canary: bool = False) -> str:
    """`gcloud run deploy` with every declared field; secrets in plain variables are left to be filled in."""
    words = ["gcloud", "run", "deploy", spec.key.name, f"--image={image}"]
    plain = variables(spec, environment)
    shown = {name: "..." if is_secret(name, value) else value for name, value in plain.items()}
    words.append(f"--set-env-vars={_listed(shown)}")
    if spec.secrets:
        pinned = {
            name: secret if ":" in secret else f"{secret}:latest" for name, secret in spec.secrets.items()
        }
        words.append(f"--set-secrets={_listed(pinned)}")
    words += [
        f"--cpu={spec.cpu}",
        f"--memory={spec.memory}",
        f"--timeout={spec.timeout}",
        f"--concurrency={spec.concurrency}",
        f"--min={spec.min_instances}",
        f"--max-instances={spec.max_instances}",
        "--no-invoker-iam-check" if spec.is_public else "--invoker-iam-check",
    ]
    if spec.service_account:
        words.append(f"--service-account={spec.service_account}")
    if is_canary:
        words += ["--no-traffic", f"--tag={CANARY_TAG}"]
    return _joined(words, spec.key, environment)


def traffic(key: ServiceKey, environment: Environment, shares: Iterable[TrafficShare]) -> str:
    """`gcloud run services update-traffic` to the shares."""
    words = ["gcloud", "run", "services", "update-traffic", key.name]
    shares = [share for share in shares if share.percent]
    latest = [share for share in shares if share.is_latest]
    if latest and len(shares) == 1:
        words.append("--to-latest")
    else:
        named = (f"{'LATEST' if share.is_latest else share.revision}={share.percent}" for share in shares)
        words.append(f"--to-revisions={','.join(named)}")
    return _joined(words, key, environment)


def scale(key: ServiceKey, environment: Environment, low: int, high: int, *, is_revision: bool) -> str:
    """`gcloud run services update` to the bounds."""
    words = ["gcloud", "run", "services", "update", key.name, f"--min={low}"]
    words.append(f"--max-instances={high}" if is_revision else f"--max={high}")
    return _joined(words, key, environment)


def add_version(secret: str, environment: Environment) -> str:
    """A new version of a secret, its value from standard input."""
    return _line(f"gcloud secrets versions add {_bare(secret)} --data-file=-", environment)


def disable_version(secret: str, version: str, environment: Environment) -> str:
    """An old version off."""
    return _line(f"gcloud secrets versions disable {version} --secret={_bare(secret)}", environment)


def grant_reading(secret: str, account: str, role: str, environment: Environment) -> str:
    """An account may read a secret."""
    words = f'gcloud secrets add-iam-policy-binding {_bare(secret)} --member="serviceAccount:{account}"'
    return _line(f'{words} --role="{role}"', environment)


def delete(key: ServiceKey, environment: Environment) -> str:
    """`gcloud run services delete`."""
    return _joined(["gcloud", "run", "services", "delete", key.name], key, environment)


def enable(apis: Iterable[str], environment: Environment) -> str:
    """APIs on."""
    return _line(f"gcloud services enable {' '.join(apis)}", environment)


def _bare(secret: str) -> str:
    return secret.rsplit("/", 1)[-1].partition(":")[0]


def _line(words: str, environment: Environment) -> str:
    return f"{words} --project={environment.project}"


def _joined(words: Iterable[str], key: ServiceKey, environment: Environment) -> str:
    return shlex.join([*words, f"--region={key.region}", f"--project={environment.project}"])


def _listed(entries: Mapping[str, str]) -> str:
    text = "".join(entries.values())
    separator = next((mark for mark in _SEPARATORS if mark not in text), _SEPARATORS[-1])
    joined = separator.join(f"{name}={value}" for name, value in entries.items())
    return joined if separator == "," else f"^{separator}^{joined}"
