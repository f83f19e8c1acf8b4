"""`lamplighter demo`: a simulated week on the deployed code path, shown live, with the account at the end."""

from __future__ import annotations

from time import perf_counter
from typing import Annotated

import typer


def command(
    *,
    speed: Annotated[
        float, typer.Option(help="Slow the show down: simulated hours per second at the most; 0 runs freely.")
    ] = 0,
) -> None:
    """A simulated week: a varied fleet, a public holiday, the clocks go back. Nothing leaves this machine."""
    from lamplighter.demo.show import run  # noqa: PLC0415 - rich and the simulator, for the demo only
    from shared.errors import InputError  # noqa: PLC0415

    if speed < 0:
        raise InputError(f"--speed {speed:g} is below zero; expected simulated hours per second, such as --speed 6")
    run(perf_counter, speed)
