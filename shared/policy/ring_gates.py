"""Whether a cluster of a ring may begin. Pure.

    to a version      every earlier ring has proven it or a newer one, its own ring has proven what it runs now (where
                      we brought it there), and no halt stands at its ring or an earlier one
    to a node image   every earlier ring runs it, well, and has soaked images newer than the one that is here

So nothing ever runs a version that no earlier ring has lived with, and a train of patches cannot outrun its soak.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.model.upgrades import Ring, Rings, UpgradePast
from shared.model.versions import Version
from shared.policy.rings import Order, image_rank, place_of, version_rank
from shared.policy.spoken import spoken


@dataclass(frozen=True, slots=True)
class Gate:
    """Whether a cluster of a ring may begin something, and if not, why."""

    open: bool
    sentence: str = ""
    halted: bool = False
    waits_for: str = ""
    """The earlier ring that has yet to prove it; '' where none has."""
    opens_at: datetime | None = None
    """Where that is known."""


OPEN = Gate(open=True)


def gate(rings: Rings, order: Order, past: UpgradePast, to: Version) -> Gate:
    """Whether a cluster with this past may begin an upgrade to `to`."""
    shut = _shut(rings, order, past.ring)
    if shut is not None:
        return shut
    for name in order.rings[: order.rings.index(past.ring)]:
        ring = rings.ring(name)
        if ring is not None and not ring.clusters:
            continue  # a ring without a cluster has nothing to show
        if ring is None or ring.proof is None or version_rank(ring.proof.what) < to:
            return Gate(open=False, sentence=f"ring {name} has yet to soak {to}{_stuck(ring)}", waits_for=name)
    own = rings.ring(past.ring)
    if past.came_from and past.begun_at is None and past.run is not None:
        soaked = (
            own is not None and own.proof is not None and version_rank(own.proof.what) >= version_rank(past.run.what)
        )
        if not soaked:
            return Gate(open=False, sentence=f"ring {past.ring} is still soaking {past.run.what}")
    return OPEN


def image_gate(rings: Rings, order: Order, images: ImageStep, now: datetime) -> Gate:
    """Whether a cluster of a ring may begin to roll its nodes to the newest image.

    AKS rolls nodes to its newest image only, about one a week: one that had to soak itself would be old before the next
    ring may have it. So each earlier ring runs that very image, well, and has lived for the days of its soak with
    images newer than the one that is here.
    """
    shut = _shut(rings, order, images.ring)
    if shut is not None:
        return shut
    for name in order.rings[: order.rings.index(images.ring)]:
        one = rings.ring(name)
        if one is not None and not one.clusters:
            continue
        newest = images.to.rpartition("-")[2]
        if one is None or one.image is None or image_rank(one.image.what) < image_rank(images.to):
            text = f"ring {name} has yet to take node image {newest}"
            return Gate(open=False, sentence=text, waits_for=name)
        since = min((run.since for run in one.images if image_rank(run.what) > images.has), default=None)
        opens_at = None if since is None else since + timedelta(days=order.soak.days)
        if opens_at is None or opens_at > now:
            text = _soaks_image(one, images, opens_at, order.zone)
            return Gate(open=False, sentence=text, waits_for=name, opens_at=opens_at)
    return OPEN


@dataclass(frozen=True, slots=True)
class ImageStep:
    """What a cluster wants of node images."""

    ring: str
    to: str
    """The newest image, which is all that AKS offers."""
    has: tuple[int, ...]
    """The release of the oldest image in it; () where that is not known."""


def _soaks_image(ring: Ring, images: ImageStep, opens_at: datetime | None, zone: str) -> str:
    mine = ".".join(map(str, images.has)) or "what is here"
    until = "" if opens_at is None else f" until {spoken(opens_at, zone)}"
    only = ""
    first = next((run.what for run in ring.images if image_rank(run.what) > images.has), None)
    if first is not None and image_rank(first) < image_rank(images.to):
        only = f"; of what it soaks AKS offers only the newest, {images.to.rpartition('-')[2]}"
    return f"ring {ring.name} soaks node images newer than {mine}{until}{only}"


def _stuck(ring: Ring | None) -> str:
    """A ring in which nobody can move proves nothing, and people should know."""
    stuck = ring is not None and ring.clusters and ring.waiting == ring.clusters
    return ", and none of its clusters can move" if stuck else ""


def _shut(rings: Rings, order: Order, ring: str) -> Gate | None:
    if ring not in order.rings:
        return Gate(open=False, sentence=f"environment {ring or '(none)'} is no ring of the rule")
    if not rings.rings:
        return Gate(open=False, sentence="the rings have not been looked at yet")
    halt = rings.halt
    if halt is not None and order.rings.index(ring) >= place_of(order, halt.ring):
        text = f"ring {halt.ring} is halted since {spoken(halt.at, order.zone)} ({halt.why})"
        return Gate(open=False, sentence=text, halted=True)
    if not rings.whole:
        return Gate(open=False, sentence="some of the fleet could not be read, so no ring is opened")
    return None
