"""The package is whole: unpacked into an empty environment, Microsoft's worker indexes it and one tick runs from it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

if sys.version_info < (3, 13):
    pytest.skip("the package is made for Python 3.13, whose worker is a package too", allow_module_level=True)

from lamplighter.simulator import World
from lamplighter.simulator.server import serve
from shared.clients.journal import Journal
from shared.clients.store_sqlite import SqliteStore
from tests.packaged.packaging import build, driver, environment, unpacked

MOST_BYTES = 1_500_000
"""Source alone: what it asks for is installed by the platform. Ten times less than would hurt a deployment."""
FLEET = {
    "clusters": [
        {"name": "web-dev", "tags": {"environment": "dev"}},
        {"name": "web-prod", "tags": {"environment": "prod"}},
    ]
}


@pytest.fixture(scope="module")
def python() -> Path:
    found, problem = environment()
    if problem:
        if os.environ.get("CI", "").casefold() in ("", "0", "false"):
            pytest.skip(problem)
        pytest.fail(problem)
    return found


def test_the_zip_holds_the_app_and_nothing_else(tmp_path):
    built = build(tmp_path / "lamplighter.zip")
    with zipfile.ZipFile(built) as package:
        names = package.namelist()
    assert {"function_app.py", "host.json", "requirements.txt", "policy.yaml", "shared/app.py"} <= set(names)
    assert {name.partition("/")[0] for name in names} == {
        "function_app.py", "host.json", "requirements.txt", "policy.yaml", "shared",
    }  # fmt: skip
    assert not [name for name in names if name.endswith((".pyc", ".sqlite", ".md"))]
    assert {name for name in names if name.endswith(".kql")}, "data files go along"
    assert built.stat().st_size < MOST_BYTES
    assert build(tmp_path / "again.zip").read_bytes() == built.read_bytes()


def test_the_worker_indexes_the_package_and_a_tick_runs_from_it(python, tmp_path):
    app = unpacked(tmp_path)
    with serve(World.from_fleet(FLEET)) as server:
        environ = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(driver(tmp_path)),
            "IDENTITY_ENDPOINT": server.identity_endpoint,
            "IDENTITY_HEADER": server.identity_header,
            "LAMPLIGHTER_CLOUD": server.arm_url,
            "LAMPLIGHTER_CA_FILE": server.ca_file,
            "LAMPLIGHTER_JOURNAL": f"sqlite:///{tmp_path}/journal.sqlite",
            "LAMPLIGHTER_QUEUE": f"sqlite:///{tmp_path}/queue.sqlite",
        }
        done = subprocess.run(
            [str(python), str(tmp_path / "driver" / "first_tick.py"), str(app)],
            capture_output=True, text=True, timeout=120, check=False, env=environ, cwd=tmp_path,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])

    assert told["ok"], told["error"]
    assert {"tick", "pulse", "tell", "act", "look", "poison"} <= set(told["functions"])
    assert Path(told["shared"]).is_relative_to(app)
    assert told["loaded"] == []
    store = SqliteStore(f"{tmp_path}/journal.sqlite")
    try:
        remembered = {item.value.cluster.rpartition("/")[2] for item in Journal(store).memories()}
    finally:
        store.close()
    assert remembered == {"web-dev", "web-prod"}
