"""From the text of deploy.toml to its environments; all that is wrong is said at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import platformdirs
import tomli

from ccconsole.config import values
from ccconsole.config.layers import (
    DEFAULT_KEYS,
    ENVIRONMENT_KEYS,
    SERVICE_KEYS,
    Mistakes,
    Reader,
    Setting,
)
from ccconsole.config.schema import Alerts, Environment, ServiceSpec
from ccconsole.config.text import line_numbers
from ccconsole.errors import ConfigError
from ccconsole.model.services import ServiceKey

if TYPE_CHECKING:
    from ccconsole.config.layers import Layer
    from ccconsole.config.text import KeyPath

_BUILT_IN = {
    "project": "$GOOGLE_CLOUD_PROJECT",
    "region": "$GOOGLE_CLOUD_REGION:us-central1",
    "repository": "$ARTIFACT_REGISTRY_REPO:claudecluster",
    "service": "claudecluster-worker-{env}",
    "image": "worker",
    "cpu": 1,
    "memory": "1Gi",
    "timeout": "60m",
    "concurrency": 1,
    "instances": [0, 5],
    "public": False,
}
"""What no table declares: the smallest tier of the deployment guide, in the project gcloud's users name."""
_LOCAL = {"project": "local", "region": "us-central1"}
"""Nothing local is in a project of Google's, whatever the shared defaults say."""


def read(text: str, name: str, environ: Mapping[str, str]) -> tuple[dict[str, Environment], dict[str, float]]:
    """The environments and prices of a deploy.toml called `name` in messages.

    Raises ConfigError with every mistake.
    """
    try:
        document = tomli.loads(text)
    except tomli.TOMLDecodeError as error:
        place = f"{name}:{error.lineno}:{error.colno}"
        detail = f"It stops being TOML at line {error.lineno}, column {error.colno}."
        hint = "See https://toml.io for the format."
        raise ConfigError(f"{place}: {error.msg}", detail, hint) from None
    mistakes = Mistakes(name, line_numbers(text))
    reader = Reader(environ, mistakes)
    environments = _environments(document, reader)
    own = reader.layer((), {"prices": document.get("prices", {})}, (), ("prices",))
    if mistakes.texts:
        count = len(mistakes.texts)
        title = f"{name} has {'a mistake' if count == 1 else f'{count} mistakes'}"
        hint = "The deploy.toml that comes with ccconsole explains every key."
        raise ConfigError(title, "\n".join(text for _, text in sorted(mistakes.texts)), hint)
    return environments, _table(own, "prices", "")


def _environments(document: dict[str, Any], reader: Reader) -> dict[str, Environment]:
    for key in document.keys() - {"defaults", "env", "prices"}:
        reader.mistakes.unknown((key,), ("defaults", "env", "prices"))
    defaults = reader.layer(("defaults",), document.get("defaults", {}), DEFAULT_KEYS)
    tables = reader.table(("env",), document.get("env", {}))
    if not tables:
        reader.mistakes.add(
            ("env",), "expected at least one environment, for example [env.local] with local = true"
        )
    found: dict[str, Environment] = {}
    for name, raw in tables.items():
        path = ("env", name)
        if reader.mistakes.check(path, values.environment_name, name):
            found[name] = _environment(name, reader.table(path, raw), defaults, reader)
    return found


def _environment(name: str, raw: dict[str, Any], defaults: Layer, reader: Reader) -> Environment:
    path = ("env", name)
    own = reader.layer(
        path, {key: raw[key] for key in raw if key != "services"}, (*ENVIRONMENT_KEYS, "services")
    )
    is_local = bool(_value(own, "local", False))
    merged = _built_in(reader) | _shared(defaults, is_local) | own
    services_path = (*path, "services")
    declared = reader.table(services_path, raw.get("services", {}))
    main = _text_value(merged, "service", name)
    specs: list[ServiceSpec] = []
    used: list[Layer] = [merged]
    for service in dict.fromkeys((main, *declared)):
        service_path = (*services_path, service) if service in declared else _path(merged, "service", path)
        if not service or not reader.mistakes.check(service_path, values.service_name, service):
            continue
        extra = reader.layer(service_path, declared.get(service, {}), SERVICE_KEYS, ("env", "secrets"))
        used.append(extra)
        specs.append(_spec(name, service, merged | extra, is_local, reader.mistakes))
    return Environment(
        name=name,
        is_local=is_local,
        project=_text_value(merged, "project", name),
        region=_text_value(merged, "region", name),
        services=tuple(specs),
        store=_text_value(merged, "store", name) or (_local_store(name) if is_local else None),
        endpoint=_text_value(merged, "endpoint", name) or None,
        impersonate=_text_value(merged, "impersonate", name) or None,
        is_protected=bool(_value(merged, "protected", False)),
        alerts=Alerts(**_table(merged, "alerts", name)),
        unset=_unset(used),
    )


def _built_in(reader: Reader) -> Layer:
    return reader.layer((), _BUILT_IN, ENVIRONMENT_KEYS)


def _shared(defaults: Layer, is_local: bool) -> Layer:
    """The shared defaults; what is Google's alone does not reach a local environment."""
    if not is_local:
        return defaults
    local: Layer = {(key,): Setting(value, ()) for key, value in _LOCAL.items()}
    cloud_only = {
        ("project",),
        ("region",),
        ("repository",),
        ("store",),
        ("service_account",),
        ("impersonate",),
        ("protected",),
    }
    return {key: setting for key, setting in defaults.items() if key not in cloud_only} | local


def _spec(environment: str, service: str, layer: Layer, is_local: bool, mistakes: Mistakes) -> ServiceSpec:
    cpu, memory, concurrency = (_value(layer, key, None) for key in ("cpu", "memory", "concurrency"))
    if cpu and memory and concurrency:
        deepest = max((_path(layer, key, ()) for key in ("memory", "cpu", "concurrency")), key=len)
        mistakes.check(deepest, values.check_sizes, cpu, memory, concurrency)
    low, high = _value(layer, "instances", (0, 1))
    env, secrets = _table(layer, "env", environment), _table(layer, "secrets", environment)
    for name in env.keys() & secrets.keys():
        mistakes.add(
            layer["secrets", name].path, "declared as a plain variable under `env` as well; keep one"
        )
    return ServiceSpec(
        key=ServiceKey(environment, _text_value(layer, "region", environment), service),
        image=_image(layer, environment, is_local),
        cpu=cpu or "1",
        memory=memory or "1Gi",
        timeout=_value(layer, "timeout", values.MAX_TIMEOUT),
        concurrency=concurrency or 1,
        min_instances=low,
        max_instances=high,
        is_public=bool(_value(layer, "public", False)),
        env=env,
        secrets=secrets,
        service_account=_text_value(layer, "service_account", environment) or None,
        smoke=_value(layer, "smoke", None),
    )


def _image(layer: Layer, environment: str, is_local: bool) -> str:
    """The whole address of a bare image name: in the environment's own repository, at its newest."""
    image = _text_value(layer, "image", environment)
    if is_local:
        return image
    if "/" not in image:
        region, project, repository = (
            _text_value(layer, key, environment) for key in ("region", "project", "repository")
        )
        image = f"{region}-docker.pkg.dev/{project.replace(':', '/')}/{repository}/{image}"
    return image if "@" in image or ":" in image.rsplit("/", 1)[-1] else f"{image}:latest"


def _local_store(environment: str) -> str:
    return (platformdirs.user_state_path("ccconsole") / "store" / environment).as_uri()


def _unset(layers: Iterable[Layer]) -> tuple[str, ...]:
    effective: Layer = {}
    names: dict[str, None] = {}
    main, *services = layers
    for layer in services or [{}]:
        effective = main | layer
        names |= dict.fromkeys(name for setting in effective.values() for name in setting.unset)
    return tuple(names)


def _value(layer: Layer, key: str, default: Any) -> Any:
    setting = layer.get((key,))
    return default if setting is None or setting.value is None else setting.value


def _text_value(layer: Layer, key: str, environment: str) -> str:
    return str(_value(layer, key, "")).replace("{env}", environment)


def _path(layer: Layer, key: str, default: KeyPath) -> KeyPath:
    setting = layer.get((key,))
    return setting.path if setting is not None and setting.path else default


def _table(layer: Layer, table: str, environment: str) -> dict[str, Any]:
    """One of the nested tables, as the layers leave it; what lacks its variable is left out."""
    found = {key[1]: setting.value for key, setting in layer.items() if key[0] == table}
    return {
        name: value.replace("{env}", environment) if table == "secrets" else value
        for name, value in found.items()
        if value is not None
    }
