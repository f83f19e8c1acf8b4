"""What is remembered of upgrades: of one cluster, and of the rings of a rule. All instants are aware UTC.

A *ring* is an environment's place in the order of a rule. A *run* is how long something has been run, healthy and
without a change; a *proof* is a run that every cluster of a ring has soaked. The JSON forms give back equal values.
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
NO_TIME = timedelta(0)


@dataclass(frozen=True, slots=True)
class Run:
    """`what` is a version such as 1.35.2, or a node image's release such as 202610.20.0."""

    what: str
    since: datetime
    ran: timedelta = NO_TIME
    """How long it was seen running since then; what nobody saw is not counted."""
    counted_at: datetime | None = None
    """Up to when `ran` counts; None while it is not seen running."""

    def to_json(self) -> list[Any]:
        return [self.what, _ticks(self.since), self.ran // _MICROSECOND, _maybe_ticks(self.counted_at)]

    @classmethod
    def from_json(cls, values: list[Any]) -> Run:
        what, since, ran, counted = values
        return cls(what, _instant(since), ran * _MICROSECOND, _maybe_instant(counted))


@dataclass(frozen=True, slots=True)
class Fall:
    """An upgrade of ours that did not end well: what halts a ring."""

    at: datetime
    code: str
    message: str
    pool: str = ""
    """'' is the cluster itself."""

    def to_json(self) -> list[Any]:
        return [_ticks(self.at), self.code, self.message, self.pool]

    @classmethod
    def from_json(cls, values: list[Any]) -> Fall:
        return cls(_instant(values[0]), *values[1:])


NO_CONFIGURATIONS: Mapping[str, str] = MappingProxyType({})
NO_SECONDS: Mapping[str, tuple[int, ...]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class UpgradePast:
    """What is remembered of one cluster that a rule of rings speaks for."""

    rule: str = ""
    ring: str = ""
    goal: str = ""
    """The version it should end on; '' while that is not known."""
    run: Run | None = None
    """Of the lowest version of control plane and pools; None while it is not healthy, or cannot be read."""
    image: Run | None = None
    """Of the oldest node image."""
    came_from: str = ""
    """The version before our last upgrade of it; '' while we never upgraded it."""
    waits: str = ""
    """Why it cannot move, so that no ring waits for it; '' where it can."""
    begun_at: datetime | None = None
    """When the first write of an upgrade was accepted, until everything is on one version: it is half-way."""
    fall: Fall | None = None
    """The last upgrade that did not end well, until one does."""
    asked: str = ""
    """The upgrade under way that Azure took: its kind and its pool."""
    asked_at: datetime | None = None
    seconds: Mapping[str, tuple[int, ...]] = field(default_factory=lambda: NO_SECONDS)
    """Lower-case pool ('' is the control plane) -> how long our recent upgrades of it took, newest last."""
    images_at: datetime | None = None
    """When we last rolled a node image."""
    configurations: Mapping[str, str] = field(default_factory=lambda: NO_CONFIGURATIONS)
    """Name of a maintenance configuration -> digest of what we last wrote."""

    def to_json(self) -> Document:
        """Only what differs from the defaults."""
        document: Document = {name: value for name in _TEXTS if (value := getattr(self, name))}
        document |= {name: one.to_json() for name in ("run", "image", "fall") if (one := getattr(self, name))}
        document |= {name: _ticks(at) for name in _INSTANTS if (at := getattr(self, name)) is not None}
        if self.seconds:
            document["seconds"] = {pool: list(some) for pool, some in self.seconds.items()}
        if self.configurations:
            document["configurations"] = dict(self.configurations)
        return document

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> UpgradePast:
        """Raises KeyError, TypeError or ValueError for what is damaged; names it does not know are passed over."""
        get = document.get
        run, image, fall = get("run"), get("image"), get("fall")
        return cls(
            **{name: document[name] for name in _TEXTS if name in document},
            run=None if run is None else Run.from_json(run),
            image=None if image is None else Run.from_json(image),
            begun_at=_maybe_instant(get("begun_at")),
            images_at=_maybe_instant(get("images_at")),
            asked_at=_maybe_instant(get("asked_at")),
            fall=None if fall is None else Fall.from_json(fall),
            seconds={pool: tuple(some) for pool, some in get("seconds", {}).items()} or NO_SECONDS,
            configurations=get("configurations") or NO_CONFIGURATIONS,
        )


_TEXTS = ("rule", "ring", "goal", "came_from", "waits", "asked")
_INSTANTS = ("begun_at", "images_at", "asked_at")


@dataclass(frozen=True, slots=True)
class Proof:
    """What all clusters of a ring that can move have run, healthy, for its soak."""

    what: str
    at: datetime
    """When it was proven."""
    clusters: int
    since: datetime
    """When the last of them got there."""
    came_from: tuple[str, ...] = ()
    """Minor versions they came from by our upgrades."""
    falls: int = 0
    """How many upgrades of ours did not end well on the way."""

    def to_json(self) -> list[Any]:
        return [self.what, _ticks(self.at), self.clusters, _ticks(self.since), list(self.came_from), self.falls]

    @classmethod
    def from_json(cls, values: list[Any]) -> Proof:
        what, at, clusters, since, came_from, falls = values
        return cls(what, _instant(at), clusters, _instant(since), tuple(came_from), falls)


@dataclass(frozen=True, slots=True)
class Ring:
    """One ring as last seen."""

    name: str
    proof: Proof | None = None
    past_proofs: tuple[Proof, ...] = ()
    """What it had proven before, coming from other minor versions, oldest first: ways that others may still need."""
    image: Proof | None = None
    images: tuple[Run, ...] = ()
    """Node images that all of it came to have, and when that was first seen, oldest first; none is left by a fall."""
    clusters: int = 0
    there: int = 0
    """Clusters that are where they should end."""
    waiting: int = 0
    """Clusters that cannot move, and are not waited for."""

    def to_json(self) -> Document:
        document: Document = {"name": self.name, "count": [self.clusters, self.there, self.waiting]}
        if self.past_proofs:
            document["past_proofs"] = [one.to_json() for one in self.past_proofs]
        if self.images:
            document["images"] = [one.to_json() for one in self.images]
        return document | {name: one.to_json() for name in ("proof", "image") if (one := getattr(self, name))}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Ring:
        proof, image = document.get("proof"), document.get("image")
        clusters, there, waiting = document.get("count", (0, 0, 0))
        return cls(
            document["name"],
            None if proof is None else Proof.from_json(proof),
            tuple(map(Proof.from_json, document.get("past_proofs", ()))),
            None if image is None else Proof.from_json(image),
            tuple(map(Run.from_json, document.get("images", ()))),
            clusters,
            there,
            waiting,
        )


@dataclass(frozen=True, slots=True)
class Halt:
    """Why a ring and all later ones stand still until somebody releases them."""

    ring: str
    cluster: str
    at: datetime
    why: str

    def to_json(self) -> list[Any]:
        return [self.ring, self.cluster, _ticks(self.at), self.why]

    @classmethod
    def from_json(cls, values: list[Any]) -> Halt:
        ring, cluster, at, why = values
        return cls(ring, cluster, _instant(at), why)


@dataclass(frozen=True, slots=True)
class Rings:
    """The rings of one rule, in order: a fold over the memories of its clusters, kept in the fleet's row.

    `act` reads it there, so that it decides what the tick decided.
    """

    rings: tuple[Ring, ...] = ()
    halt: Halt | None = None
    released_at: datetime | None = None
    """Failures before this are forgiven."""
    released_by: str = ""
    begun: tuple[str, ...] = ()
    """Lower-case ids of clusters that are half-way."""
    whole: bool = True
    """False: some of the fleet could not be read, so nothing new is proven."""

    def ring(self, name: str) -> Ring | None:
        return next((one for one in self.rings if one.name == name), None)

    def to_json(self) -> Document:
        document: Document = {"rings": [one.to_json() for one in self.rings], "begun": list(self.begun)}
        if self.halt is not None:
            document["halt"] = self.halt.to_json()
        if self.released_at is not None:
            document["released_at"] = _ticks(self.released_at)
        if self.released_by:
            document["released_by"] = self.released_by
        return document if self.whole else document | {"whole": False}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Rings:
        """Raises KeyError, TypeError or ValueError for what is damaged."""
        halt = document.get("halt")
        return cls(
            tuple(map(Ring.from_json, document["rings"])),
            None if halt is None else Halt.from_json(halt),
            _maybe_instant(document.get("released_at")),
            document.get("released_by", ""),
            tuple(document.get("begun", ())),
            document.get("whole", True),
        )


NO_RINGS: Mapping[str, Rings] = MappingProxyType({})


def _ticks(at: datetime) -> int:
    """Microseconds since 1970."""
    return (at - _EPOCH) // _MICROSECOND


def _instant(ticks: int) -> datetime:
    return _EPOCH + ticks * _MICROSECOND


def _maybe_ticks(at: datetime | None) -> int | None:
    return None if at is None else _ticks(at)


def _maybe_instant(ticks: int | None) -> datetime | None:
    return None if ticks is None else _instant(ticks)
