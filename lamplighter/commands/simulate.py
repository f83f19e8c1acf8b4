"""`lamplighter simulate`: a fleet served as a small Azure over TLS, until it is told to end."""

from __future__ import annotations

import signal
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer


def _refuse(sentence: str) -> typer.Exit:
    print(f"lamplighter simulate: {sentence}", file=sys.stderr)
    return typer.Exit(2)


def _instant(text: str | None) -> datetime | None:
    """Aware UTC; an instant needs an offset."""
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = datetime.min  # noqa: DTZ901 - naive on purpose: refused below like every instant without an offset
    if at.tzinfo is None:
        raise _refuse(f"--at needs an instant with an offset, such as 2026-11-23T07:00:00Z, and got {text!r}")
    return at.astimezone(UTC)


def _document(fleet: Path) -> Any:
    from lamplighter.simulator.fleet_file import read_fleet  # noqa: PLC0415 - loaded only for this command

    try:
        return read_fleet(fleet)
    except OSError as problem:
        raise _refuse(f"--fleet {fleet}: {problem.strerror or problem}") from problem
    except ValueError as problem:
        raise _refuse(f"--fleet {problem}") from problem


def _use(world: Any, file: Path) -> None:
    """Its clusters are used as the trace says."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            world.usage.read(world, lines)
    except OSError as problem:
        raise _refuse(f"--usage {file}: {problem.strerror or problem}") from problem
    except ValueError as problem:  # bytes that are no text too
        raise _refuse(f"--usage {file}: {problem}") from problem


def simulate(
    fleet: Annotated[Path, typer.Option(help="A fleet file (YAML), or what az aks list -o json printed.")],
    *,
    speed: Annotated[float, typer.Option(help="How many times faster its clock runs.")] = 1.0,
    json: Annotated[bool, typer.Option("--json", help="Nothing but the one line of JSON on stdout.")] = False,
    at: Annotated[str | None, typer.Option(help="Where its clock starts; the present when left out.")] = None,
    usage: Annotated[
        Path | None, typer.Option(help="When its clusters are used: CSV time,cluster,active. Metrics and logs show it.")
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; a free one when left out.")] = 0,
) -> None:
    """Serve a simulated Azure with that fleet.

    Ready, it prints one line: {"arm", "identity_endpoint", "identity_header", "ca_file"}; it serves until ended.
    """
    from lamplighter.simulator import Server, SpeedClock, World  # noqa: PLC0415 - loaded only for this command

    document = _document(fleet)
    start = _instant(at)
    try:
        world = World.from_fleet(document, clock=SpeedClock(start, speed))
        if usage is not None:
            _use(world, usage)
        server = Server(world, port=port)
    except ValueError as problem:
        raise _refuse(str(problem)) from problem
    except OSError as problem:
        raise _refuse(f"--port {port}: {problem.strerror or problem}") from problem
    ended = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda _number, _frame: ended.set())
    with server:
        print(server.announcement(), flush=True)
        if not json:
            _explain(server, len(world.clusters), speed)
        ended.wait()


def _explain(server: Any, count: int, speed: float) -> None:
    exports = " ".join(f"{name}={value}" for name, value in server.environment.items())
    print(f"{count} clusters, clock times {speed:g}. In another shell:\n  export {exports}", file=sys.stderr)
    print("Ctrl-C ends it.", file=sys.stderr, flush=True)
