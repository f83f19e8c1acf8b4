"""What is seen of pools that stand in for each other, and what is remembered of them: the nouns of the rule `spot`.

A *capacity group* is an ordered list of spot pools and one on-demand pool, the *fallback*. All instants are aware UTC.
Weights are hours and counts as float, since they decay; the JSON form gives back an equal value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

Document = dict[str, Any]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class PoolSight:
    """One pool as seen at one moment; the value of a fact `Need.CAPACITY` is a tuple of these. None = unknown."""

    name: str
    at: datetime
    """When it was read, which may be long before now."""
    ready: int | None = None
    """Nodes that take pods."""
    wanted: int | None = None
    """Nodes that Azure tries to have: the count, or what the autoscaler asks for."""
    starting: int = 0
    """Nodes on their way, as far as they can be seen."""
    autoscaling: bool = False
    min_count: int | None = None
    max_count: int | None = None
    """The autoscaler's bounds; None where the count is fixed."""
    is_spot: bool = False
    vm_size: str = ""
    zone: str = ""
    price: float | None = None
    """What one node costs per hour here: the spot price of a spot pool, list price otherwise."""
    eviction_rate: str | None = None
    """Azure's bucket, in percent per hour: 0-5, 5-10, 10-15, 15-20, 20+."""
    evictions: tuple[datetime, ...] = ()
    """Instants at which nodes were seen to be evicted lately."""
    failed_at: datetime | None = None
    """When Azure last refused nodes for want of capacity or quota."""
    highest: int = 1000
    """The largest size that Azure or people allow."""
    quota_left: int | None = None
    """Nodes that the quota still has room for."""
    addresses_left: int | None = None
    """Free addresses of its subnet."""
    addresses_per_node: int = 1
    pod_addresses_left: int | None = None
    """Free addresses of the subnet of its pods, where they have one of their own."""
    room_problem: str | None = None
    """Why it is not known how many nodes more fit, where that was asked: none is asked for by choice then."""
    score: str | None = None
    """Azure's advice on finding room now: High, Medium or Low. None is no advice."""
    problem: str | None = None
    """Why this reading cannot be trusted, in one sentence."""
    doubt: str | None = None
    """Why nothing may be made smaller on it, though what it shows counts."""


@dataclass(frozen=True, slots=True)
class PoolPast:
    """What is remembered of one pool."""

    ready: int = 0
    """As last seen."""
    hours: float = 0.0
    """How long it was seen with nodes, older hours counting less."""
    losses: float = 0.0
    """How often it was seen to lose nodes, older losses counting less; one burst is one loss."""
    preempted: bool = False
    """Its last evidence is a loss or a refusal."""
    lost_at: datetime | None = None
    counted_at: datetime | None = None
    """Evictions and refusals up to here are in the figures."""
    tries: int = 0
    """Refusals in a row."""
    retry_at: datetime | None = None
    """While preempted: not asked again before this."""
    asked_at: datetime | None = None
    """When we asked it for nodes that have not all come yet."""
    asked: int = 0
    """The size we last asked for; 0 once we gave it up."""
    held: int = 0
    """The size that it was last seen to be held at: its count, or its autoscaler's minimum."""
    read: bool = False
    """Whether it was ever seen."""
    theirs: int | None = None
    """Its autoscaler's maximum as people had set it before we raised it; None while it is theirs."""
    raised_to: int = 0
    """That maximum as we last set it; 0 while it is theirs and there is nothing to say of it."""

    def to_json(self) -> Document:
        return _written(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> PoolPast:
        """Raises KeyError, TypeError or ValueError for what is damaged; names it does not know are passed over."""
        past: PoolPast = _read(cls, document)
        return past


@dataclass(frozen=True, slots=True)
class Move:
    """One resize of ours that Azure accepted."""

    at: datetime
    pool: str
    raised: bool
    chosen: bool
    """False: it was needed to keep the minimum, and no budget holds such a one back."""


@dataclass(frozen=True, slots=True)
class Drain:
    """A shrink that failed: how often in a row, and when it is worth another try."""

    count: int
    retry_at: datetime


NO_PASTS: Mapping[str, PoolPast] = MappingProxyType({})
NO_DRAINS: Mapping[str, Drain] = MappingProxyType({})
NO_PAST = PoolPast()
FIRST_FALLBACK_SECONDS = 300.0
"""Until it was measured: AKS shows an eviction within a minute and has a node ready four minutes later."""


@dataclass(frozen=True, slots=True)
class GroupPast:
    """What is remembered of a capacity group."""

    read_at: datetime | None = None
    """The newest reading that is in here."""
    pools: Mapping[str, PoolPast] = field(default_factory=lambda: NO_PASTS)
    """Lower-case pool name -> its past."""
    carried: int = 0
    """Nodes that the workload had when all was calm; 0 = never seen calm."""
    surplus: int = 0
    """Nodes more than that, as last wished."""
    stable_since: datetime | None = None
    """Since when spot has carried all that it should, without a break in what is known."""
    fallback_seconds: float = FIRST_FALLBACK_SECONDS
    """How long a node takes from being asked for to being ready, as observed."""
    moves: tuple[Move, ...] = ()
    """Those of the last day, oldest first."""
    drains: Mapping[str, Drain] = field(default_factory=lambda: NO_DRAINS)
    kept: int | None = None
    """On-demand nodes that are people's, of an inferred group; None while that is unknown."""

    def pool(self, name: str) -> PoolPast:
        return self.pools.get(name.casefold(), NO_PAST)

    def to_json(self) -> Document:
        """Only what differs from the defaults; instants as microseconds since 1970."""
        document = _written(self)
        if self.pools:
            document["pools"] = {name: past.to_json() for name, past in self.pools.items()}
        if self.moves:
            document["moves"] = [[_ticks(m.at), m.pool, int(m.raised), int(m.chosen)] for m in self.moves]
        if self.drains:
            document["drains"] = {name: [one.count, _ticks(one.retry_at)] for name, one in self.drains.items()}
        return document

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> GroupPast:
        """Raises KeyError, TypeError or ValueError for what is damaged; names it does not know are passed over."""
        past: GroupPast = _read(cls, document)
        pools = {name: PoolPast.from_json(one) for name, one in document.get("pools", {}).items()}
        moves = tuple(Move(_instant(at), pool, bool(up), bool(own)) for at, pool, up, own in document.get("moves", ()))
        drains = {name: Drain(count, _instant(at)) for name, (count, at) in document.get("drains", {}).items()}
        return GroupPast(
            past.read_at,
            pools or NO_PASTS,
            past.carried,
            past.surplus,
            past.stable_since,
            past.fallback_seconds,
            moves,
            drains or NO_DRAINS,
            past.kept,
        )


_INSTANTS = ("_at", "_since")
_NESTED = frozenset({"pools", "moves", "drains"})


def _written(past: PoolPast | GroupPast) -> Document:
    plain = type(past)()
    document = {}
    for name in past.__slots__:
        value = getattr(past, name)
        if name not in _NESTED and value != getattr(plain, name):
            document[name] = _ticks(value) if isinstance(value, datetime) else value
    return document


def _read(kind: Any, document: Mapping[str, Any]) -> Any:
    values = {name: document[name] for name in kind.__slots__ if name in document and name not in _NESTED}
    return kind(**{name: _instant(value) if name.endswith(_INSTANTS) else value for name, value in values.items()})


def _ticks(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND


def _instant(ticks: int) -> datetime:
    return _EPOCH + ticks * _MICROSECOND
