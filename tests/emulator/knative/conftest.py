"""An emulator with its HTTP face, asked over HTTP and by Google's own clients."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from ccconsole.emulator.emulator import Emulator, Options
from ccconsole.emulator.spec import Images
from tests.emulator.conftest import COMMAND, QUICK, Cloud, until

Json = dict[str, Any]

HOST = "us-central1-ccconsole.localhost"
SERVICES = "/apis/serving.knative.dev/v1/namespaces/demo/services"
REVISIONS = "/apis/serving.knative.dev/v1/namespaces/demo/revisions"
BROKEN = "broken"


class Face:
    """One emulator's two faces."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.address = emulator.http_address
        self.cloud = Cloud(emulator.addresses[0])
        self.client = httpx.AsyncClient(
            base_url=f"http://{self.address}", headers={"Host": HOST}, trust_env=False, verify=False
        )

    async def close(self) -> None:
        """Close the clients."""
        await self.client.aclose()
        await self.cloud.close()

    async def get(self, path: str = f"{SERVICES}/svc", **params: str) -> Json:
        """A resource."""
        return self._told(await self.client.get(path, params=params))

    async def post(self, path: str, body: Json, **params: str) -> Json:
        """What a POST answers."""
        return self._told(await self.client.post(path, json=body, params=params))

    async def put(self, body: Json, path: str = f"{SERVICES}/svc", **params: str) -> Json:
        """What a PUT of a service answers."""
        return self._told(await self.client.put(path, json=body, params=params))

    async def deploy(self, body: Json | None = None) -> Json:
        """Create a service and wait until it is ready."""
        await self.post(SERVICES, body or service())
        return await self.settled()

    async def settled(self, path: str = f"{SERVICES}/svc") -> Json:
        """The service once its conditions are final, as gcloud waits for it."""
        found: Json = {}

        async def is_final() -> bool:
            nonlocal found
            found = await self.get(path)
            is_fresh = found["metadata"]["generation"] == found["status"]["observedGeneration"]
            return is_fresh and conditions(found)["Ready"] != "Unknown"

        await until(is_final)
        return found

    def _told(self, response: httpx.Response) -> Json:
        assert response.status_code == 200, response.text
        found: Json = response.json()
        return found


def conditions(resource: Json) -> dict[str, str]:
    """The status of each condition."""
    return {item["type"]: item["status"] for item in resource["status"]["conditions"]}


def service(name: str = "svc", image: str = "test", **spec: Any) -> Json:
    """What gcloud 528 sends for `run deploy NAME --image IMAGE` and a few options; `spec` adds to it."""
    client = {"run.googleapis.com/client-name": "gcloud", "run.googleapis.com/client-version": "528.0.0"}
    return {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Service",
        "metadata": {"annotations": dict(client), "labels": {"team": "x"}, "name": name, "namespace": "demo"},
        "spec": {
            "template": {
                "metadata": {
                    "annotations": {
                        "autoscaling.knative.dev/maxScale": "5",
                        "run.googleapis.com/startup-cpu-boost": "True",
                        **client,
                    },
                    "labels": {"client.knative.dev/nonce": "utuglhhdpj", "team": "x"},
                },
                "spec": {
                    "containerConcurrency": 1,
                    "containers": [
                        {
                            "env": [
                                {"name": "A", "value": "b"},
                                {"name": "K", "valueFrom": {"secretKeyRef": {"key": "1", "name": "sec"}}},
                            ],
                            "image": image,
                            "name": "",
                            "resources": {"limits": {"cpu": "2", "memory": "1Gi"}, "requests": {}},
                        }
                    ],
                    "nodeSelector": {},
                    "serviceAccountName": "a@b.iam.gserviceaccount.com",
                    "timeoutSeconds": 3600,
                },
            },
            **spec,
        },
        "status": {"address": {}},
    }


@pytest.fixture
async def face(tmp_path: Path) -> AsyncIterator[Face]:
    """An emulator that refuses nothing."""
    async with facing(tmp_path) as found:
        yield found


@asynccontextmanager
async def facing(state: Path, **options: Any) -> AsyncIterator[Face]:
    """An emulator that knows an image which serves and one that does not start."""
    images = Images({"test": COMMAND, BROKEN: ["false"]})
    emulator = Emulator(
        Options(state / "state", ["127.0.0.1:0"], http="127.0.0.1:0", pace=QUICK, images=images, **options)
    )
    await emulator.start()
    found = Face(emulator)
    try:
        yield found
    finally:
        await found.close()
        await emulator.kill()
        await emulator.stop()
