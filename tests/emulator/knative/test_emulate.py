"""`ccconsole emulate --http-port`: the lines it prints are what gcloud needs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import httpx

from ccconsole.emulator.ports import Ports


def test_the_lines_it_prints_lead_to_it(tmp_path: Path) -> None:
    runtime = tmp_path / "run"
    runtime.mkdir(mode=0o700)
    folders = {"HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(runtime)}
    command = [sys.executable, "-m", "ccconsole", "emulate", "--http-port", str(Ports().take())]
    told, out = tmp_path / "told", subprocess.PIPE
    with (
        told.open("wb") as file,
        subprocess.Popen(command, env={**os.environ, **folders}, stdout=out, stderr=file) as process,
    ):
        assert process.stdout is not None
        try:
            address = [process.stdout.readline().decode().split()[-1] for _ in range(2)][1]
            lines = dict(re.findall(r"^export (\w+)=(.*)$", told.read_text(), re.MULTILINE))
            host, port = lines["CLOUDSDK_PROXY_ADDRESS"], lines["CLOUDSDK_PROXY_PORT"]
            assert (lines["CLOUDSDK_PROXY_TYPE"], f"{host}:{port}") == ("http_no_tunnel", address)
            assert lines["CLOUDSDK_AUTH_DISABLE_CREDENTIALS"] == "true"
            region, project = lines["CLOUDSDK_RUN_REGION"], lines["CLOUDSDK_CORE_PROJECT"]
            scheme, _, rest = lines["CLOUDSDK_API_ENDPOINT_OVERRIDES_RUN"].partition("://")
            url = f"{scheme}://{region}-{rest}apis/serving.knative.dev/v1/namespaces/{project}/services"
            with httpx.Client(proxy=f"http://{host}:{port}", trust_env=False, verify=False) as client:
                assert client.get(url).json()["items"] == []
        finally:
            process.terminate()
        assert process.wait(20) == 0
