"""How an unmodified gcloud is pointed at the emulator."""

from __future__ import annotations

_HOST = "http://ccconsole.localhost/"
"""What gcloud puts a region in front of; nobody resolves it, the emulator is gcloud's proxy."""
_APIS = ("RUN", "LOGGING", "SECRETMANAGER", "SERVICEUSAGE", "CLOUDRESOURCEMANAGER", "ARTIFACTREGISTRY")


def exports(port: int) -> str:
    """The lines for a shell, for the emulator's HTTP port."""
    lines = [f"export {name}={value}" for name, value in variables(port).items()]
    return "\n".join(["For gcloud, in a shell of its own:", 'export CLOUDSDK_CONFIG="$(mktemp -d)"', *lines])


def variables(port: int) -> dict[str, str]:
    """What makes an unmodified gcloud talk to the emulator: as its proxy, and without credentials."""
    return {
        "CLOUDSDK_AUTH_DISABLE_CREDENTIALS": "true",
        "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING": "true",
        "CLOUDSDK_CORE_PROJECT": "local",
        "CLOUDSDK_RUN_REGION": "us-central1",
        "CLOUDSDK_PROXY_TYPE": "http_no_tunnel",
        "CLOUDSDK_PROXY_ADDRESS": "127.0.0.1",
        "CLOUDSDK_PROXY_PORT": str(port),
        **{f"CLOUDSDK_API_ENDPOINT_OVERRIDES_{api}": _HOST for api in _APIS},
    }
