"""Every order in which workers can take a place, claim, finish, die, and in which time can pass between: none goes over.

A worker reads the row of places, then who is half-way, then swaps the row, then claims its cluster; it lives shorter
than a place is held. The decision is the real one; the rest is a world of a few numbers that is explored whole.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import combinations

import pytest

from shared.model.places import Places
from shared.policy import places as policy
from shared.policy.claim import FUNCTION_TIMEOUT

WORKERS = ("a", "b", "c")
NOW = datetime(2026, 12, 8, 20, 0, tzinfo=UTC)
"""Instants are told by what is left of them, so that there is no end of time."""
STEP = FUNCTION_TIMEOUT
"""So much time passes at once: a worker that has seen it pass once is at its limit, twice: it is no more."""
START, READ, SCANNED, HOLDS, HALF_WAY, OVER = range(6)
Row = tuple[tuple[str, timedelta], ...]
"""(cluster, how long it still holds its place)"""


@dataclass(frozen=True)
class Worker:
    at: int = START
    age: int = 0
    stale: bool = False
    """Somebody swapped the row since it was read."""
    row: Row = ()
    seen: frozenset[str] = frozenset()


@dataclass(frozen=True)
class World:
    row: Row = ()
    workers: tuple[Worker, ...] = field(default=(Worker(),) * len(WORKERS))

    def half_way(self) -> frozenset[str]:
        return frozenset(name for name, one in zip(WORKERS, self.workers, strict=True) if one.at == HALF_WAY)

    def with_worker(self, number: int, worker: Worker) -> World:
        return replace(self, workers=(*self.workers[:number], worker, *self.workers[number + 1 :]))

    def swapped(self, number: int, row: Row) -> World:
        workers = tuple(replace(one, stale=True) if one.at in (READ, SCANNED) else one for one in self.workers)
        return World(row, workers).with_worker(number, Worker(HOLDS, self.workers[number].age))


Reserve = Callable[[Places, str, frozenset[str], int, datetime], Places | None]


def after(world: World, number: int, at_once: int, reserve: Reserve) -> Iterator[World]:
    """What the worker may do next."""
    one, name = world.workers[number], WORKERS[number]
    if one.at == START:
        yield world.with_worker(number, replace(one, at=READ, row=world.row, stale=False))
    elif one.at == READ:
        yield world.with_worker(number, replace(one, at=SCANNED, seen=world.half_way()))
    elif one.at == SCANNED:
        held = {cluster: NOW + left for cluster, left in one.row}
        taken = reserve(Places("rings", held), name, one.seen, at_once, NOW)
        if taken is None or one.stale:
            yield world.with_worker(number, Worker(age=one.age))
        else:
            yield world.swapped(number, tuple(sorted((each, until - NOW) for each, until in taken.held.items())))
    elif one.at == HOLDS:
        yield world.with_worker(number, Worker(HALF_WAY))
    elif one.at == HALF_WAY:
        yield world.with_worker(number, Worker(OVER))
    else:
        yield world.with_worker(number, Worker())  # its next upgrade
    if one.at == HOLDS:
        yield world.with_worker(number, Worker(OVER))  # it dies, and its place stays in the row


def passed(world: World) -> World:
    """Time passes for everybody: whoever worked through two such steps was ended by the platform."""
    workers = []
    for one in world.workers:
        if one.at in (START, HALF_WAY, OVER):
            workers.append(replace(one, age=0))
        else:
            workers.append(Worker(OVER) if one.age else replace(one, age=1, row=_later(one.row)))
    return World(_later(world.row), tuple(workers))


def _later(row: Row) -> Row:
    return tuple((cluster, left - STEP) for cluster, left in row if left > STEP)


def explored(at_once: int, reserve: Reserve) -> tuple[int, World | None]:
    """(how many worlds there are, one of them with too many half-way)."""
    seen, waiting = {World()}, [World()]
    while waiting:
        world = waiting.pop()
        if len(world.half_way()) > at_once:
            return len(seen), world
        nexts = [one for number in range(len(WORKERS)) for one in after(world, number, at_once, reserve)]
        for one in (*nexts, passed(world)):
            if one not in seen:
                seen.add(one)
                waiting.append(one)
    return len(seen), None


# Two places of three workers: 312,120 worlds, 20 seconds.
@pytest.mark.parametrize("at_once", [1, 2] if os.environ.get("LAMPLIGHTER_SOAK") else [1])
def test_never_more_than_allowed(at_once):
    worlds, broken = explored(at_once, policy.reserved)

    assert broken is None
    assert worlds > 20_000, "what is not explored is not shown"


def counted_only(places, cluster, half_way, at_once, now):
    """As it was: whoever is seen half-way counts, nobody holds a place."""
    return None if len(half_way) >= at_once else replace(places, held={})


def held_too_short(places, cluster, half_way, at_once, now):
    """A place that is over before its worker is."""
    taken = policy.reserved(places, cluster, half_way, at_once, now)
    return taken and replace(taken, held={one: min(until, now + STEP / 2) for one, until in taken.held.items()})


def kept_by_nobody(places, cluster, half_way, at_once, now):
    """The places of others are forgotten by whoever takes one."""
    taken = policy.reserved(places, cluster, half_way, at_once, now)
    return taken and replace(taken, held={cluster: taken.held[cluster]})


@pytest.mark.parametrize(("reserve", "at_once"), [(counted_only, 1), (held_too_short, 1), (kept_by_nobody, 2)])
def test_a_broken_protocol_is_found(reserve, at_once):
    assert explored(at_once, reserve)[1] is not None


def test_a_place_outlives_every_worker_and_is_free_after_that():
    taken = policy.reserved(Places("rings"), "a", frozenset(), 1, NOW)
    assert taken.held["a"] - NOW > FUNCTION_TIMEOUT
    assert policy.reserved(taken, "b", frozenset(), 1, taken.held["a"] - STEP / 100) is None
    assert set(policy.reserved(taken, "b", frozenset(), 1, taken.held["a"]).held) == {"b"}


def test_who_holds_a_place_takes_it_again():
    taken = policy.reserved(Places("rings"), "a", frozenset(), 1, NOW)
    assert policy.reserved(taken, "a", frozenset(), 1, NOW + STEP) is not None


@pytest.mark.parametrize("others", [pair for size in (0, 1, 2) for pair in combinations("bcd", size)])
def test_all_places_are_given_out(others):
    assert (policy.reserved(Places("rings"), "a", frozenset(others), 2, NOW) is None) is (len(others) == 2)
