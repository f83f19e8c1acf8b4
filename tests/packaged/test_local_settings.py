"""`local.settings.example.json`, as it stands there: Azurite, `lamplighter simulate`, and the worker of Core Tools."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

if sys.version_info < (3, 13):
    pytest.skip("azure-functions-runtime, the worker as a package, exists from Python 3.13 on", allow_module_level=True)

from shared.clients.journal import Journal
from shared.clients.store_tables import TablesStore
from tests.clients.conftest import Azurite, azurite  # noqa: F401  a fixture
from tests.packaged.packaging import driver

ROOT = Path(__file__).parents[2]
VALUES: dict[str, str] = json.loads((ROOT / "local.settings.example.json").read_text(encoding="utf-8"))["Values"]
TO_BE_FILLED_IN = "LAMPLIGHTER_CA_FILE"


@pytest.fixture
def simulated() -> Iterator[dict[str, str]]:
    """What `lamplighter simulate` prints when it is ready, as the README starts it, but on a port of its own."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    [words] = re.findall(r"lamplighter (simulate --fleet \S+) --port 8443", readme)
    command = [sys.executable, "-m", "lamplighter", *words.split(), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()


def test_the_app_runs_with_them_on_azurite_and_a_simulated_azure(tmp_path, simulated, azurite: Azurite):  # noqa: F811
    """Nothing is changed but what this machine chose: two ports, and the file that the page says to fill in."""
    chosen = {
        "LAMPLIGHTER_JOURNAL": azurite.tables, "LAMPLIGHTER_QUEUE": azurite.queues,
        "LAMPLIGHTER_CLOUD": simulated["arm"], "IDENTITY_ENDPOINT": simulated["identity_endpoint"],
        TO_BE_FILLED_IN: simulated["ca_file"],
    }  # fmt: skip
    for name in set(chosen) - {TO_BE_FILLED_IN}:
        shape = re.compile(r":\d+")
        assert shape.sub(":0", VALUES[name]) == shape.sub(":0", chosen[name].replace("127.0.0.1:", _host(name))), name
    assert VALUES["IDENTITY_HEADER"] == simulated["identity_header"]

    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(driver(tmp_path)), **VALUES, **chosen}
    done = subprocess.run(
        [sys.executable, str(tmp_path / "driver" / "first_tick.py"), str(ROOT)],
        capture_output=True, text=True, timeout=120, check=False, env=environ, cwd=tmp_path,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["ok"], told["error"]
    store = TablesStore.connect(azurite.tables, azurite.credential, prefix="lamplighter")
    try:
        remembered = {item.value.cluster.rpartition("/")[2] for item in Journal(store).memories()}
    finally:
        store.close()
    assert len(remembered) >= 5, "the fleet of the demo"


def _host(name: str) -> str:
    """The name by which the file calls this machine: certificates hold `localhost`, Azurite's addresses do not."""
    return "localhost:" if "localhost" in VALUES[name] else "127.0.0.1:"
