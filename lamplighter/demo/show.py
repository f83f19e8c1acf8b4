"""Runs the demo: live on a terminal, line by line in a pipe."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

from rich.console import Console
from rich.live import Live

from lamplighter.demo.chapters import money, rings, scenes, storm
from lamplighter.demo.screen import Screen, line
from lamplighter.demo.stage import play, stage
from lamplighter.demo.story import BEGIN, END, Scene

SCENE = "italic blue"
INTRODUCTION = """\
Lamplighter runs a week in Vienna, 22 to 29 October 2026: on Sunday the clocks go back, Monday is a public holiday.
Azure is simulated, everything else is what is deployed: handlers, SDKs over TLS, queue, claims, journal.
"""


def run(clock: Callable[[], float], speed: float) -> None:
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console = Console(highlight=False, markup=False, emoji=False, width=120)
    # What the app logs is shown here as what it is: part of the story.
    logging.getLogger("lamplighter").setLevel(logging.CRITICAL)
    console.print(INTRODUCTION)
    began = clock()
    with stage() as rehearsal:
        screen = Screen(rehearsal)
        rehearsal.on_tick = screen.take
        watch = _live if console.is_terminal else _lines
        watch(console, screen, lambda hours: _wait(clock, began, hours, speed))
        if not console.is_terminal:
            console.print()
            console.print(screen.strips(END))
        console.print()
        console.print(screen.account())
        console.print()
        console.print(storm.timeline(rehearsal))
        console.print()
        console.print(rings.told(rehearsal))
        console.print()
        console.print(money.told(rehearsal))
        acted = sum(outcome == "accepted" for _, _, outcome in rehearsal.outcomes)
        console.print(
            f"\n{acted} writes were accepted by Azure, {len(rehearsal.told)} messages were told, "
            f"in {clock() - began:.0f} s. Savings of the table are estimates at list prices, those of the digest lower "
            "bounds at billed ones."
        )


def _live(console: Console, screen: Screen, wait: Callable[[float], None]) -> None:
    with Live(console=console, auto_refresh=False) as live:
        for scene in _week(screen):
            if scene is not None:
                screen.say(scene.at, scene.line, SCENE)
            screen.hear()
            live.update(screen.live(), refresh=True)
            wait(_hours(screen))


def _lines(console: Console, screen: Screen, wait: Callable[[float], None]) -> None:
    for scene in _week(screen):
        if scene is not None:
            console.print(line(screen.say(scene.at, scene.line, SCENE)))
        for entry in screen.hear():
            console.print(line(entry))
        wait(_hours(screen))


def _week(screen: Screen) -> Iterator[Scene | None]:
    for scene in play(screen.rehearsal, scenes()):
        if screen.rehearsal.world.now() >= END:
            return
        yield scene


def _hours(screen: Screen) -> float:
    return (screen.rehearsal.world.now() - BEGIN) / timedelta(hours=1)


def _wait(clock: Callable[[], float], began: float, hours: float, speed: float) -> None:
    ahead = hours / speed - (clock() - began) if speed else 0.0
    if ahead > 0:
        time.sleep(ahead)
