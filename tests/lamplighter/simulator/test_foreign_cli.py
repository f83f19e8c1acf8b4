"""The Azure CLI, unchanged, against the simulator: register the cloud, log in, list, stop, start, scale.

The CLI is no dependency of the project (and big): `pip install azure-cli` into an environment of its own and let
LAMPLIGHTER_AZ name its `az` executable.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

AZ = os.environ.get("LAMPLIGHTER_AZ")
RUN = "import typer; from lamplighter.commands.simulate import simulate; typer.run(simulate)"
FLEET = """
clusters:
  - name: web
    tags: {environment: dev}
    pools:
      - {name: system, mode: System, count: 3}
      - {name: batch, count: 2, properties: {nodeLabels: {team: web}}}
"""

pytestmark = pytest.mark.skipif(not AZ, reason="LAMPLIGHTER_AZ does not name an `az` executable")


@pytest.fixture
def az(tmp_path):
    """`az("aks", "list")`: the parsed output of one command; AssertionError with its stderr when it fails."""
    file = tmp_path / "fleet.yaml"
    file.write_text(FLEET)
    arguments = [sys.executable, "-c", RUN, "--fleet", str(file), "--json", "--speed", "120"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        ready = json.loads(process.stdout.readline())
        environment = {
            **os.environ,
            "AZURE_CONFIG_DIR": str(tmp_path / "az"),
            "AZURE_CORE_COLLECT_TELEMETRY": "no",
            "AZURE_CORE_CHECK_VERSION": "no",
            "IDENTITY_ENDPOINT": ready["identity_endpoint"],
            "IDENTITY_HEADER": ready["identity_header"],
            "REQUESTS_CA_BUNDLE": ready["ca_file"],
        }

        def run(*words, code=0):
            ended = subprocess.run(
                [AZ, *words, "-o", "json"], env=environment, capture_output=True, text=True, timeout=240, check=False
            )
            assert ended.returncode == code, ended.stderr
            return json.loads(ended.stdout or "null") if code == 0 else ended.stderr

        try:
            run("cloud", "register", "-n", "simulated", "--endpoint-resource-manager", ready["arm"])
            run("cloud", "set", "-n", "simulated")
            yield run
        finally:
            process.terminate()


def test_the_azure_cli_works_unchanged(az):
    (account,) = az("login", "--identity")
    assert account["environmentName"] == "simulated"
    (cluster,) = az("aks", "list")
    assert (cluster["name"], cluster["tags"]) == ("web", {"environment": "dev"})
    assert az("aks", "show", "-g", "rg-web", "-n", "web")["powerState"] == {"code": "Running"}
    of_web = ("-g", "rg-web", "--cluster-name", "web")
    assert [pool["name"] for pool in az("aks", "nodepool", "list", *of_web)] == ["system", "batch"]
    assert az("aks", "nodepool", "show", *of_web, "-n", "batch")["count"] == 2
    stopped = az("aks", "nodepool", "stop", *of_web, "-n", "batch")
    assert (stopped["powerState"]["code"], stopped["count"]) == ("Stopped", 0)
    started = az("aks", "nodepool", "start", *of_web, "-n", "batch")
    assert (started["powerState"]["code"], started["count"]) == ("Running", 2)
    scaled = az("aks", "nodepool", "scale", *of_web, "-n", "batch", "-c", "3")
    assert (scaled["count"], scaled["nodeLabels"]) == (3, {"team": "web"})
    az("aks", "stop", "-g", "rg-web", "-n", "web")
    assert az("aks", "show", "-g", "rg-web", "-n", "web")["powerState"] == {"code": "Stopped"}
    az("aks", "start", "-g", "rg-web", "-n", "web")
    assert "OperationNotAllowed" in az("aks", "start", "-g", "rg-web", "-n", "web", code=1)
