"""Node-hours that ran as spot instead of on demand, for each capacity group whose pools we moved.

On-demand nodes that would have run and did not, as far as spot nodes ran that would not have: so many are replaced.
Spot nodes beyond that are surplus. What is held down by a stop is that stop's, not a move's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import pairwise

from shared.costs.baseline import HOUR, hour_of, ratio
from shared.costs.claims import ZERO, Claim, Judged, extra_spot, least_sure
from shared.costs.past import spans_in
from shared.model.past import Moved, PoolSpan
from shared.model.savings import Confidence


@dataclass(slots=True)
class SpotClaim:
    """A claim of an on-demand pool, with the spot pool whose nodes ran in its place."""

    claim: Claim
    spot: defaultdict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    """Spot pool -> hours that stood in."""


@dataclass(slots=True)
class OnSpot:
    claims: dict[tuple[str, datetime, str], SpotClaim] = field(default_factory=dict)
    surplus: defaultdict[tuple[str, str, datetime], Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    """(rule, spot pool, hour) -> node-hours beyond what was replaced."""


def spot_claims(judged: Judged, begin: datetime, end: datetime) -> OnSpot:
    """Of [begin, end), whole UTC hours."""
    found = OnSpot()
    for (rule, group), pools in judged.groups.items():
        moves = [move for move in judged.past.moved if (move.rule, move.group) == (rule, group)]
        for at, until, nodes in _together(judged, pools, max(begin, moves[0].at), end):
            move = [one for one in moves if one.at <= at][-1]
            _claim(judged, move, (at, until), nodes, found)
    return found


def _claim(
    judged: Judged, move: Moved, stretch: tuple[datetime, datetime], nodes: dict[str, PoolSpan], found: OnSpot
) -> None:
    at, until = stretch
    hour, length = hour_of(at), ratio(until - at, HOUR)
    # Those that surely ran may have replaced others; all that may have run are paid for.
    sure = {name: extra_spot(judged, name, span.fewest, hour) for name, span in nodes.items()}
    left = {name: extra for name, span in nodes.items() if (extra := extra_spot(judged, name, span.nodes, hour))}
    for name, span in nodes.items():
        missing, confidence = _missing(judged, name, span, at)
        for stand_in, there in tuple(left.items()):
            taken = min(missing, there, sure[stand_in])
            if taken <= 0:
                continue
            missing -= taken
            left[stand_in] -= taken
            sure[stand_in] -= taken
            key = (name, hour, move.decision)
            one = found.claims.setdefault(key, SpotClaim(Claim(name, hour, move.decision, move.rule)))
            one.claim.hours += taken * length
            one.claim.confidence = least_sure(one.claim.confidence, confidence)
            one.spot[stand_in] += taken * length
    for name, extra in left.items():
        if extra:
            found.surplus[move.rule, name, hour] += extra * length


def _missing(judged: Judged, pool: str, span: PoolSpan, at: datetime) -> tuple[Decimal, Confidence]:
    """On-demand nodes of the pool that would have run and do not; without a baseline, up to its minimum."""
    held = any(one.pool in (None, pool) and one.begin <= at < one.end for one in judged.past.held)
    if judged.is_spot(pool) or held:
        return ZERO, Confidence.MEASURED
    wanted, confidence = judged.wanted(pool, at)
    floor = Decimal(span.least or 0) if wanted is None else wanted
    return max(ZERO, floor - span.nodes), confidence


def _together(
    judged: Judged, pools: frozenset[str], begin: datetime, end: datetime
) -> Iterator[tuple[datetime, datetime, dict[str, PoolSpan]]]:
    """Times, none of them longer than to the end of an hour, in which all pools are known and none changes."""
    pieces = [(name, span) for name in sorted(pools) for span in spans_in(judged.past.pools.get(name, ()), begin, end)]
    edges = {edge for _, span in pieces for edge in (span.begin, span.end)}
    hour = hour_of(begin) + HOUR
    while hour < end:
        edges.add(hour)
        hour += HOUR
    order = sorted(edges)
    at = 0
    active: dict[str, PoolSpan] = {}
    pieces.sort(key=lambda piece: piece[1].begin)
    for first, last in pairwise(order):
        while at < len(pieces) and pieces[at][1].begin <= first:
            active[pieces[at][0]] = pieces[at][1]
            at += 1
        now = {name: span for name, span in active.items() if span.end >= last and span.begin <= first}
        if len(now) == len(pools):
            yield first, last, now
