"""Charges by the day: spans of time become days in UTC, and nodes become hours on demand, spot or committed.

A reservation covers, at each instant, that many nodes of its size and region, whoever runs them; what nobody runs is
billed all the same, under no resource. https://learn.microsoft.com/azure/cost-management-billing/reservations/understand-reservation-charges
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from lamplighter.simulator.meter import Ledger, Nodes
    from lamplighter.simulator.meter_prices import Tariff

ON_DEMAND, SPOT, RESERVED = "OnDemand", "Spot", "Reservation"
MACHINES = "Virtual Machines"
DAY = timedelta(days=1)
Window = tuple[date, date, datetime]
"""Days [begin, end), and until when anything is known."""


@dataclass(frozen=True, slots=True)
class Charge:
    """One resource on one day: what it costs amortised, and what of that is on the invoice as usage."""

    day: date
    subscription: str
    resource: str
    """As Azure spells it; '' for what belongs to no resource."""
    category: str
    amount: Decimal
    """Amortised."""
    actual: Decimal | None = None
    """None: the same."""
    pricing: str = ON_DEMAND
    charge: str = "Usage"
    """Usage | UnusedReservation | Purchase | Refund"""
    hours: Decimal = Decimal(0)
    tags: tuple[tuple[str, str], ...] = ()
    region: str = ""
    size: str = ""


class Reservation(NamedTuple):
    """So many nodes of a size in a region, paid for whether they run or not."""

    location: str
    size: str
    nodes: int
    subscription: str = ""
    """Whose bill shows what was not used; '' is the first one that runs such nodes."""


class _Piece(NamedTuple):
    begin: datetime
    end: datetime
    number: int
    ledger: Ledger
    resource: str
    nodes: Nodes


def daily(begin: date, end: date, until: datetime, since: datetime | None = None) -> Iterator[tuple[date, Decimal]]:
    """Each day of [begin, end) that lies in [since, until), with the share of it that does."""
    day = begin if since is None else max(begin, since.date())
    while day < end:
        first = datetime.combine(day, time(), UTC)
        length = min(first + DAY, until) - (first if since is None else max(first, since))
        if length > timedelta(0):
            yield day, Decimal(length // timedelta(microseconds=1)) / (DAY // timedelta(microseconds=1))
        elif first >= until:
            return
        day += DAY


def machines(
    pools: Iterable[tuple[Ledger, str, Sequence[Nodes]]],
    tariff: Tariff,
    reservations: Sequence[Reservation],
    window: Window,
) -> Iterator[Charge]:
    """The hours of all nodes; those that a reservation could cover are looked at together."""
    covered = {(one.location.casefold(), one.size.casefold()): one for one in reservations}
    shared: defaultdict[tuple[str, str], list[_Piece]] = defaultdict(list)
    for ledger, resource, steps in pools:
        for piece in _pieces(ledger, resource, steps, window):
            key = (ledger.cluster.location.casefold(), piece.nodes.size.casefold())
            if piece.nodes.spot or key not in covered:
                yield from _charged(piece, piece.number, tariff, SPOT if piece.nodes.spot else ON_DEMAND)
            else:
                shared[key].append(piece)
    for key, reservation in covered.items():
        yield from _reserved(shared[key], reservation, tariff, window)


def _pieces(ledger: Ledger, resource: str, steps: Sequence[Nodes], window: Window) -> Iterator[_Piece]:
    begin, end, known = window
    first, last = datetime.combine(begin, time(), UTC), min(datetime.combine(end, time(), UTC), known)
    for number, nodes in enumerate(steps):
        until = steps[number + 1].at if number + 1 < len(steps) else known
        at, until = max(nodes.at, first), min(until, last)
        if nodes.number and at < until:
            yield _Piece(at, until, nodes.number, ledger, resource, nodes)


def _charged(piece: _Piece, count: int, tariff: Tariff, pricing: str) -> Iterator[Charge]:
    price = tariff.machine(piece.nodes.size)
    shares = {ON_DEMAND: Decimal(1), SPOT: tariff.spot_share, RESERVED: tariff.committed_share}
    for day, share in daily(piece.begin.date(), piece.end.date() + DAY, piece.end, piece.begin):
        hours = share * 24 * count
        amount = hours * price * shares[pricing]
        yield Charge(
            day,
            piece.ledger.cluster.subscription.casefold(),
            piece.resource,
            MACHINES,
            amount,
            Decimal(0) if pricing == RESERVED else None,
            pricing,
            hours=hours,
            tags=_tags(piece.ledger, piece.begin),
            region=piece.ledger.cluster.location,
            size=piece.nodes.size,
        )


def _reserved(pieces: list[_Piece], reservation: Reservation, tariff: Tariff, window: Window) -> Iterator[Charge]:
    begin, end, known = window
    first, last = datetime.combine(begin, time(), UTC), min(datetime.combine(end, time(), UTC), known)
    if first >= last:
        return
    edges = sorted({first, last} | {one.begin for one in pieces} | {one.end for one in pieces})
    whose = reservation.subscription or (pieces[0].ledger.cluster.subscription if pieces else "")
    rate = tariff.machine(reservation.size) * tariff.committed_share
    for at, until in pairwise(edges):
        free = reservation.nodes
        for piece in (one for one in pieces if one.begin <= at and one.end >= until):
            now = piece._replace(begin=at, end=until)
            taken = min(free, piece.number)
            free -= taken
            if taken:
                yield from _charged(now, taken, tariff, RESERVED)
            if piece.number > taken:
                yield from _charged(now, piece.number - taken, tariff, ON_DEMAND)
        for day, share in daily(at.date(), until.date() + DAY, until, at) if free else ():
            hours = share * 24 * free
            yield Charge(
                day, whose.casefold(), "", MACHINES, hours * rate, Decimal(0), RESERVED, "UnusedReservation", hours,
                region=reservation.location, size=reservation.size,
            )  # fmt: skip


def _tags(ledger: Ledger, at: datetime) -> tuple[tuple[str, str], ...]:
    """Those that the cluster had then: AKS hands them on to what it makes."""
    found = [account.tags for account in ledger.accounts if account.at <= at]
    return found[-1] if found else ()
