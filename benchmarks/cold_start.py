"""Cold start: how long until the app has imported, and until its first tick speaks to Azure.

    .venv/bin/python benchmarks/cold_start.py [--runs 15]

Each line is the median of fresh processes, as a ratio to a floor measured in the same run, in turns.

import     `import function_app`; the floor imports azure.functions + azure.identity and nothing else. Aim: 1.5x.
first byte From the start of a process to the first byte it sends to Resource Manager (the simulator over TLS, behind a
           gate that takes the time): compose the app, get a token, ask. The floor gets a token with azure-identity and
           asks with requests.
tick       The same process until its whole first tick is over, journal and queue (SQLite) included.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).parents[1]
AIM = 1.5
FLEET = "clusters:\n  - {name: web-dev, tags: {environment: dev}}\n  - {name: web-prod, tags: {environment: prod}}\n"

IMPORT = {
    "python alone": "pass",
    "azure.functions + azure.identity": "import azure.functions, azure.identity",
    "function_app": "import function_app",
}
PLAIN_REQUEST = """
import os, azure.functions, azure.identity, requests
arm, ca = os.environ["LAMPLIGHTER_CLOUD"], os.environ["LAMPLIGHTER_CA_FILE"]
token = azure.identity.ManagedIdentityCredential(connection_verify=ca).get_token(f"{arm}/.default").token
headers = {"Authorization": f"Bearer {token}"}
requests.get(f"{arm}/subscriptions?api-version=2022-12-01", headers=headers, verify=ca).raise_for_status()
"""
FIRST_TICK = """
import azure.functions.timer, function_app
function_app.tick(azure.functions.timer.TimerRequest())
"""


class Gate:
    """Stands before the simulator's port, passes bytes on, and remembers when the first one came."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self.first_at: float | None = None
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._server.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            onward = socket.create_connection(self._target)
            for source, target in ((client, onward), (onward, client)):
                threading.Thread(target=self._pass_on, args=(source, target, client), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket, client: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                if source is client and self.first_at is None:
                    self.first_at = time.perf_counter()
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            # One side left in the middle; close both, the other pump notices.
            target.close()


@contextmanager
def simulator(folder: Path) -> Iterator[dict[str, str]]:
    """The simulator in a process of its own; what it prints when it is ready."""
    fleet = folder / "fleet.yaml"
    fleet.write_text(FLEET, encoding="utf-8")
    command = [sys.executable, "-m", "lamplighter", "simulate", "--fleet", str(fleet), "--json"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        try:
            yield json.loads(server.stdout.readline() if server.stdout else "")
        finally:
            server.terminate()


def seconds(code: str, environ: dict[str, str]) -> tuple[float, float]:
    """When a fresh process began, and how long it took."""
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environ, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"a measured process failed:\n{done.stderr}")
    return began, time.perf_counter() - began


def imports(runs: int) -> dict[str, float]:
    environ = _plain_environ()
    for code in IMPORT.values():
        seconds(code, environ)
    taken: dict[str, list[float]] = {name: [] for name in IMPORT}
    for _ in range(runs):
        for name, code in IMPORT.items():
            taken[name].append(seconds(code, environ)[1])
    return {name: statistics.median(values) for name, values in taken.items()}


def first_bytes(runs: int) -> dict[str, tuple[float, float]]:
    """name -> (seconds to the first byte, seconds to the end), medians."""
    taken: dict[str, list[tuple[float, float]]] = {"floor": [], "tick": []}
    with tempfile.TemporaryDirectory() as name, simulator(Path(name)) as ready:
        arm = urlsplit(ready["arm"])
        for run in range(runs + 1):
            for kind, code in (("floor", PLAIN_REQUEST), ("tick", FIRST_TICK)):
                gate = Gate(arm.hostname or "", arm.port or 443)
                began, whole = seconds(code, _environ(ready, gate.port, Path(name), run))
                gate.close()
                if gate.first_at is None:
                    raise SystemExit(f"{kind}: nothing reached Resource Manager")
                if run:  # the first one warms the disk's cache
                    taken[kind].append((gate.first_at - began, whole))
    return {
        kind: (statistics.median(first for first, _ in values), statistics.median(whole for _, whole in values))
        for kind, values in taken.items()
    }


def _plain_environ() -> dict[str, str]:
    """No settings of ours; and bytecode is kept, so that only the first process, which does not count, compiles."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("LAMPLIGHTER_") and name != "PYTHONDONTWRITEBYTECODE"
    }


def _environ(ready: dict[str, str], port: int, folder: Path, run: int) -> dict[str, str]:
    """As a hosted app has it, with a new journal each time."""
    return _plain_environ() | {
        "IDENTITY_ENDPOINT": ready["identity_endpoint"],
        "IDENTITY_HEADER": ready["identity_header"],
        "LAMPLIGHTER_CLOUD": f"https://127.0.0.1:{port}",
        "LAMPLIGHTER_CA_FILE": ready["ca_file"],
        "LAMPLIGHTER_JOURNAL": f"sqlite:///{folder}/journal-{run}.sqlite",
        "LAMPLIGHTER_QUEUE": f"sqlite:///{folder}/queue-{run}.sqlite",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Cold start of the Function App, as ratios to floors.")
    parser.add_argument("--runs", type=int, default=15, help="processes per line (default 15)")
    runs = parser.parse_args().runs

    print(f"Python {sys.version.split()[0]}, median of {runs} fresh processes\n")
    print(f"{'':<44}{'ms':>8}{'ratio':>8}")
    found = imports(runs)
    floor = found["azure.functions + azure.identity"]
    for name, value in found.items():
        print(f"{'import: ' + name:<44}{value * 1000:>8.0f}{value / floor:>8.2f}")
    met = "met" if found["function_app"] <= AIM * floor else "MISSED"
    print(f"{f'  aim {AIM}x of azure.functions + azure.identity':<52}{met:>8}")

    bytes_ = first_bytes(runs)
    (floor_first, floor_whole), (first, whole) = bytes_["floor"], bytes_["tick"]
    print(f"{'first byte to ARM: azure-identity + requests':<44}{floor_first * 1000:>8.0f}{1:>8.2f}")
    print(f"{'first byte to ARM: a tick':<44}{first * 1000:>8.0f}{first / floor_first:>8.2f}")
    print(f"{'end of process: azure-identity + requests':<44}{floor_whole * 1000:>8.0f}{1:>8.2f}")
    print(f"{'end of process: a tick':<44}{whole * 1000:>8.0f}{whole / floor_whole:>8.2f}")


if __name__ == "__main__":
    main()
