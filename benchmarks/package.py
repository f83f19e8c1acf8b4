"""The package as it is published: its size, what it asks for, its cold start and its first tick, from an empty place.

    .venv/bin/python benchmarks/package.py [--runs 9]

The zip is what .funcignore leaves. It is unpacked into an empty folder, beside an environment that holds
requirements.txt and Microsoft's worker alone; every line of time is the median of fresh processes there.

import     `import function_app`; the floor imports azure.functions + azure.identity and nothing else. Aim: 1.5x.
indexed    The worker has listed and loaded every function.
first tick Its first timer, over TLS against the simulator, SQLite for the journal: everything it needs is imported.
memory     The worker process at its peak. The host of Azure Functions, a process of its own, can't be run here.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from lamplighter.simulator import World  # noqa: E402 - a script puts its project on the path first
from lamplighter.simulator.server import Server, serve  # noqa: E402 - as above
from tests.packaged.packaging import PLATFORM, driver, environment, shipped, unpacked  # noqa: E402 - as above

AIM = 1.5
FLOOR = "import azure.functions, azure.identity"
FLEET = {
    "clusters": [
        {"name": "web-dev", "tags": {"environment": "dev"}},
        {"name": "web-prod", "tags": {"environment": "prod"}},
    ]
}
NOT_OURS = ("pip", "setuptools", *(name.replace("-", "_") for name in PLATFORM), "google")


def size_of(folder: Path) -> tuple[int, int]:
    """(bytes, bytes zipped) of what was installed, less what the platform brings and compiled files."""
    files = [
        file
        for place in folder.iterdir()
        if not place.name.startswith(NOT_OURS)
        for file in ([place] if place.is_file() else place.rglob("*"))
        if file.is_file() and file.suffix != ".pyc"
    ]
    with tempfile.TemporaryFile() as target:
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as package:
            for file in files:
                package.write(file, file.relative_to(folder).as_posix())
        zipped = target.tell()
    return sum(file.stat().st_size for file in files), zipped


def environ_of(server: Server, folder: Path, run: int) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(folder / "driver"),
        "IDENTITY_ENDPOINT": server.identity_endpoint,
        "IDENTITY_HEADER": server.identity_header,
        "LAMPLIGHTER_CLOUD": server.arm_url,
        "LAMPLIGHTER_CA_FILE": server.ca_file,
        "LAMPLIGHTER_JOURNAL": f"sqlite:///{folder}/journal-{run}.sqlite",
        "LAMPLIGHTER_QUEUE": f"sqlite:///{folder}/queue-{run}.sqlite",
    }


def run_once(command: list[str], environ: dict[str, str], folder: Path) -> tuple[float, str]:
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environ, cwd=folder)
    if done.returncode:
        raise SystemExit(f"a measured process failed:\n{done.stderr}")
    return time.perf_counter() - began, done.stdout


def measured(python: Path, folder: Path, runs: int) -> dict[str, list[float]]:
    app = unpacked(folder)
    found: dict[str, list[float]] = {"floor": [], "import": []}
    driver(folder)
    for run in range(runs + 1):  # the first compiles, and does not count
        # A simulator for each: ticks of seconds apart would otherwise use up Resource Graph's quota, and wait.
        with serve(World.from_fleet(FLEET)) as server:
            environ = environ_of(server, folder, run)
            floor = run_once([str(python), "-c", FLOOR], environ, app)[0]
            imported = run_once([str(python), "-c", "import function_app"], environ, app)[0]
            script = [str(python), str(folder / "driver" / "first_tick.py"), str(app)]
            told: dict[str, Any] = json.loads(run_once(script, environ, folder)[1].splitlines()[-1])
            if not told["ok"]:
                raise SystemExit(f"the tick failed: {told['error']}")
            if run:
                found["floor"].append(floor)
                found["import"].append(imported)
                for name in ("indexed_s", "first_tick_s", "second_tick_s", "peak_mb"):
                    found.setdefault(name, []).append(told[name])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="The published package: size, cold start, first tick.")
    parser.add_argument("--runs", type=int, default=9, help="processes per line (default 9)")
    runs = parser.parse_args().runs
    if sys.version_info < (3, 13):
        raise SystemExit("the package is made for Python 3.13, whose worker is a package too")
    python, problem = environment()
    if problem:
        raise SystemExit(problem)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = measured(python, folder, runs)
        built = (folder / "lamplighter.zip").stat().st_size
    installed, zipped = size_of(next((python.parents[1] / "lib").glob("python3*/site-packages")))
    middle = {name: statistics.median(values) for name, values in found.items()}
    ratio = middle["import"] / middle["floor"]
    print(f"Python {sys.version.split()[0]}, median of {runs} fresh processes\n")
    print(f"the zip: {len(shipped())} files, {built / 1000:,.0f} kB")
    print(f"what it asks for: {installed / 1e6:,.0f} MB installed, {zipped / 1e6:,.0f} MB zipped")
    print(f"import azure.functions + azure.identity  {middle['floor'] * 1000:>7.0f} ms")
    verdict = "met" if ratio <= AIM else "MISSED"
    compared = f"{ratio:.2f}x, aim {AIM}x {verdict}"
    print(f"import function_app                      {middle['import'] * 1000:>7.0f} ms  {compared}")
    print(f"indexed by the worker                    {middle['indexed_s'] * 1000:>7.0f} ms")
    print(f"first tick                               {middle['first_tick_s'] * 1000:>7.0f} ms")
    print(f"second tick                              {middle['second_tick_s'] * 1000:>7.0f} ms")
    print(f"memory of the worker at its peak         {middle['peak_mb']:>7.0f} MB")


if __name__ == "__main__":
    main()
