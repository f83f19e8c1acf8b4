"""An obedient little Azure in pure values, its clusters in rings, and all that can go wrong with them.

Every tick looks, folds, decides, admits, takes places and acts as the app does; what was begun is over a tick
or three later, well or not. The world keeps its own record of what happened: properties are told from that, not from what the engine
believes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import lru_cache

from hypothesis import strategies as st

from shared.model.actions import Action, UpgradeControlPlane, UpgradeNodeImage, UpgradePool
from shared.model.decisions import Decision, Verdict
from shared.model.facts import Fact, FleetFacts, Need, View
from shared.model.fleet import Cluster, NodePool, Power
from shared.model.memory import Memory
from shared.model.places import Places
from shared.model.upgrades import Rings
from shared.model.versions import Line, Offer, Release, Releases, UpgradeOffers, Version
from shared.policy import admit, places, ring_fold, rings
from shared.policy import claim as protocol
from shared.policy.decide import decide
from shared.policy.document import Policy, read_policy
from shared.policy.outcomes import OperationStatus, OperationVerdict
from shared.policy.rules import learn
from shared.policy.settle import settle
from shared.policy.voices import owner_of
from tests.policy.builders import SYSTEM
from tests.policy.upgrade_builders import HEAD, IN_WINDOW, node_pool, on

EVERY = timedelta(hours=2)
RINGS = ("dev", "staging", "prod")
"""Production is smuggled in as a ring, which no file can do: what is left to stop it is code."""
MINORS = (33, 34, 35, 36, 37, 38)
"""Of these the first few are there, and the one after them as a preview."""
RULE = "rings"


@dataclass(frozen=True)
class Drawn:
    """A cluster as it is at the beginning."""

    minor: int = 34
    pools_behind: bool = False
    spot: bool = False
    lts: bool = False
    channel: str = "none"
    asleep: bool = False
    """Stopped by a person."""


@dataclass(frozen=True)
class Plan:
    """What is drawn: the fleet, the rule, and what goes wrong when."""

    dev: tuple[Drawn, ...] = (Drawn(),)
    staging: tuple[Drawn, ...] = (Drawn(),)
    days: float = 0.25
    hours: float = 0.0
    at_once: int = 1
    windowed: bool = False
    images: bool = False
    failures: frozenset[int] = frozenset()
    """Numbers of operations that fail."""
    slow: frozenset[int] = frozenset()
    """Numbers of operations that take three ticks instead of one."""
    refusals: frozenset[int] = frozenset()
    """Numbers of writes that Azure refuses before anything begins."""
    releases: frozenset[int] = frozenset()
    """Ticks at which somebody releases what stands still, and mends what is Failed."""
    new_minor_at: int = 20
    new_images_at: frozenset[int] = frozenset()
    unreadable: frozenset[int] = frozenset()
    """Ticks at which part of the fleet could not be read."""


drawn = st.builds(
    Drawn,
    minor=st.sampled_from([34, 34, 34, 33, 35]),
    pools_behind=st.sampled_from([False, False, True]),
    spot=st.booleans(),
    lts=st.sampled_from([False, False, True]),
    channel=st.sampled_from(["none", "none", "none", "stable"]),
    asleep=st.sampled_from([False, False, False, True]),
)
plans = st.builds(
    Plan,
    dev=st.lists(drawn, min_size=1, max_size=2).map(tuple),
    staging=st.lists(drawn, max_size=2).map(tuple),
    days=st.sampled_from([0.0, 0.25, 0.5]),
    hours=st.sampled_from([0.0, 6.0]),
    at_once=st.integers(1, 3),
    windowed=st.booleans(),
    images=st.booleans(),
    failures=st.frozensets(st.integers(0, 12), max_size=2),
    slow=st.frozensets(st.integers(0, 12), max_size=2),
    refusals=st.frozensets(st.integers(0, 12), max_size=1),
    releases=st.frozensets(st.integers(5, 40), max_size=3),
    new_minor_at=st.integers(8, 30),
    new_images_at=st.frozensets(st.integers(1, 40), max_size=3),
    unreadable=st.frozensets(st.integers(0, 40), max_size=3),
)


def policy_of(plan: Plan) -> Policy:
    """With production among the rings, and matched by the rule."""
    soak = f"soak: {{days: {plan.days}, running_hours: {plan.hours}}}"
    more = ", window: nightly" if plan.windowed else ""
    more += ", node_images_every: 4h" if plan.images else ""
    return _policy(f"to: latest, rings: [dev, staging], {soak}, at_once: {plan.at_once}{more}")


@lru_cache(maxsize=128)
def _policy(block: str) -> Policy:
    text = HEAD.format(mode="act").replace("schedules:\n", "schedules:\n  nightly: {running: [Mon-Sun 20:00-04:00]}\n")
    match = "match: {environments: [dev, staging, prod]}"
    read = read_policy(f"{text}  - {{name: {RULE}, {match}, upgrades: {{{block}}}}}\n", "policy.yaml")
    (rule,) = read.rules
    smuggled = replace(rule, block=rule.block.model_copy(update={"rings": list(RINGS)}))
    return replace(read, rules=(smuggled,))


@dataclass
class Begun:
    """A write that Azure took, and what the world knows of that moment."""

    cluster: Cluster
    action: Action
    at: datetime
    tick: int
    busy: frozenset[str]
    """Lower-case ids of clusters with an operation under way."""
    half_way: frozenset[str]
    failed: tuple[tuple[str, datetime], ...]
    """(ring, when) of all that went wrong so far."""
    released_at: datetime | None
    soaked: dict[str, Version | None]
    """Ring -> the newest version it has ever soaked; None: none yet; absent: it has no cluster."""
    images: dict[str, tuple[str, datetime | None]]
    """Ring -> (oldest node image in it, since when it has had only newer ones than this cluster's)."""
    preview: int
    """The minor version that is a preview."""


@dataclass
class Life:
    plan: Plan
    now: datetime = IN_WINDOW
    seen: dict[str, Cluster] = field(default_factory=dict)
    memories: dict[str, Memory] = field(default_factory=dict)
    rings: dict[str, Rings] = field(default_factory=dict)
    places: Places = field(default_factory=lambda: Places(RULE))
    begun: list[Begun] = field(default_factory=list)
    writes: int = 0
    ended: int = 0
    minors: int = 4
    image: int = 1
    under_way: dict[str, tuple[Action, int]] = field(default_factory=dict)
    """Cluster -> its operation, and for how many ticks it still runs."""
    touched: set[str] = field(default_factory=set)
    failed: list[tuple[str, datetime]] = field(default_factory=list)
    released_at: datetime | None = None
    since: dict[str, tuple[str, datetime, timedelta]] = field(default_factory=dict)
    """Cluster -> (lowest version, since when, running time)."""
    soaked: dict[str, Version] = field(default_factory=dict)
    image_log: dict[str, list[tuple[str, datetime]]] = field(default_factory=dict)
    """Ring -> (oldest image of who can move, when it was first so); begins anew with every failure in the ring."""

    def __post_init__(self) -> None:
        self.rules = policy_of(self.plan)
        fleet = [("dev", self.plan.dev), ("staging", self.plan.staging), ("prod", (Drawn(),))]
        for env, some in fleet:
            for number, one in enumerate(some):
                made = _cluster(f"{env}-{number}", env, one)
                self.seen[made.id], self.memories[made.id] = made, Memory(made.id)
        self.owners = {id_: owner_of(one, self.rules) for id_, one in self.seen.items()}

    def live(self, ticks: int, begin: int = 0) -> Life:
        for number in range(begin, begin + ticks):
            self.tick(number)
            self.now += EVERY
        return self

    def tick(self, number: int) -> None:
        for ring in RINGS[:2]:
            self._soak(ring)
        self._settle()
        self._news(number)
        self._record()
        whole = number not in self.plan.unreadable
        known = [(one, self.owners[id_], self.memories[id_]) for id_, one in self.seen.items()]
        self.rings = dict(ring_fold.fleet_rings(self.rings, self.rules, known, self.now, whole=whole))
        if number in self.plan.releases:
            self._release()
        facts = FleetFacts(rings=self.rings, releases={"westeurope": self.releases})
        decisions = list(self._decided(facts))
        for decision in admit.admit(decisions, facts, self.rules, self.now).decisions:
            if decision.verdict is Verdict.ACT:
                self._act(decision, number)

    # --- the world

    @property
    def releases(self) -> Releases:
        lines = [
            Release(Line(1, minor), (Version(1, minor, 0),), preview=number == self.minors)
            for number, minor in enumerate(MINORS[: self.minors + 1])
        ]
        return Releases(tuple(lines))

    def env(self, id_: str) -> str:
        return self.seen[id_].tags["environment"]

    def can_move(self, one: Cluster) -> bool:
        memory = self.memories[one.id]
        refused = bool(memory.target(None).failure_of(UpgradeControlPlane.kind)) and not (
            memory.upgrade is not None and memory.upgrade.fall is not None
        )
        return one.upgrade_channel == "none" and _runs(one) and not refused

    def _news(self, number: int) -> None:
        if number == self.plan.new_minor_at:
            self.minors += 1
        if number in self.plan.new_images_at:
            self.image += 1

    def _record(self) -> None:
        """What every ring has lived with, by the world's own clock."""
        for id_, one in self.seen.items():
            lowest, well = str(lowest_of(one)), is_well(one)
            what, since, ran = self.since.get(id_, ("", self.now, timedelta(0)))
            if id_ in self.under_way and what:
                self.since[id_] = (what, since, ran + EVERY)  # until it is over, it runs what it ran
            elif not well:
                self.since[id_] = ("", self.now, timedelta(0))
            elif what != lowest:
                self.since[id_] = (lowest, self.now, timedelta(0))
            else:
                self.since[id_] = (what, since, ran + EVERY)
        for ring in RINGS[:2]:
            mine = [one for one in self.seen.values() if self.env(one.id) == ring and self.can_move(one)]
            oldest = min((image_of(one) for one in mine), default="")
            log = self.image_log.setdefault(ring, [])
            if oldest and (not log or log[-1][0] < oldest):
                log.append((oldest, self.now))

    def _soak(self, ring: str) -> None:
        """The newest version that somebody who runs has soaked by now, and everybody who can move too."""
        mine = [one for one in self.seen.values() if self.env(one.id) == ring and self.can_move(one)]
        done = {id_: self._done(id_) for id_, one in self.seen.items() if self.env(id_) == ring and _runs(one)}
        for version in sorted({one for one in done.values() if one is not None}, reverse=True):
            if all((lived := done[one.id]) is not None and lived >= version for one in mine):
                self.soaked[ring] = max(version, self.soaked.get(ring, Version(0, 0)))
                return

    def _done(self, id_: str) -> Version | None:
        what, since, ran = self.since.get(id_, ("", self.now, timedelta(0)))
        over = self.now - since >= timedelta(days=self.plan.days) and ran >= timedelta(hours=self.plan.hours)
        return Version.read(what) if what and over else None

    def _release(self) -> None:
        """Somebody looked, mended what is Failed, and lets it go on."""
        self.rings[RULE] = rings.released(self.rings[RULE], "ana", self.now)
        self.released_at = self.now

    def _offers(self, one: Cluster) -> UpgradeOffers:
        have, lts = Version.read(one.current_version), one.support_plan == "AKSLongTermSupport"
        ways = [
            Offer(Version(1, minor, 0), preview=number == self.minors)
            for number, minor in enumerate(MINORS[: self.minors + 1])
            if have.minor < minor <= have.minor + (2 if lts else 1)
        ]
        return UpgradeOffers(tuple(ways), images={pool.name: image(self.image) for pool in one.pools})

    # --- the app

    def _decided(self, facts: FleetFacts) -> Iterator[Decision]:
        for id_, one in self.seen.items():
            view = View(one, self.memories[id_], {Need.UPGRADES: Fact(self._offers(one), self.now)}, facts)
            owner = self.owners[id_]
            self.memories[id_] = learn(view, owner.rules, self.now)
            yield from decide(replace(view, memory=self.memories[id_]), self.rules, self.now, owner)

    def _act(self, decision: Decision, number: int) -> None:
        one, action = self.seen[decision.cluster], decision.action
        if not isinstance(action, UpgradeControlPlane | UpgradePool | UpgradeNodeImage):
            return
        rule = next(rule for rule in self.owners[one.id].rules if rule.name == decision.rule)
        memories = list(self.memories.values())
        under_way = ring_fold.half_way(rule, memories)
        if ring_fold.halted_now(rule, self.rings[RULE], memories):
            return
        if one.id not in under_way:
            after = places.reserved(self.places, one.id, under_way, rule.block.at_once, self.now)
            if after is None:
                return
            self.places = after
        claimed = protocol.claim(self.memories[one.id], decision, self.now)
        if not isinstance(claimed, Memory):
            return
        self.writes += 1
        if self.writes in self.plan.refusals:
            self.memories[one.id] = protocol.failed(claimed, self.now, "UnsatisfiablePDB", "no pod may go")
            return
        self.begun.append(self._moment(one, action, number))
        self.memories[one.id] = protocol.accepted(claimed, self.now, "https://operation")
        self.under_way[one.id] = (action, 3 if len(self.begun) - 1 in self.plan.slow else 1)
        self.touched.add(one.id)

    def _moment(self, one: Cluster, action: Action, number: int) -> Begun:
        """What was true right before."""
        half = frozenset(id_ for id_ in self.touched if id_ in self.under_way or is_between(self.seen[id_]))
        movable = {self.env(each.id) for each in self.seen.values() if self.can_move(each)}
        images = {}
        for ring in movable & set(RINGS[:2]):
            log = self.image_log.get(ring) or [("", self.now)]
            newer = next((at for what, at in log if what > image_of(one)), None)
            images[ring] = (log[-1][0], newer)
        return Begun(
            cluster=one,
            action=action,
            at=self.now,
            tick=number,
            busy=frozenset(self.under_way),
            half_way=half,
            failed=tuple(self.failed),
            released_at=self.released_at,
            soaked={ring: self.soaked.get(ring) for ring in {self.env(id_) for id_ in self.seen}},
            images=images,
            preview=MINORS[self.minors],
        )

    def _settle(self) -> None:
        """What is over now, well or not."""
        for id_, (action, ticks) in tuple(self.under_way.items()):
            if ticks > 1:
                self.under_way[id_] = (action, ticks - 1)
                continue
            fails = self.ended in self.plan.failures
            self.ended += 1
            del self.under_way[id_]
            self.seen[id_] = changed(self.seen[id_], action, fails=fails)
            if fails:
                self.failed.append((self.env(id_), self.now))
                self.image_log[self.env(id_)] = []
            memory = self.memories[id_]
            if memory.open is None:
                continue
            said = OperationVerdict(OperationStatus.FAILED, "PodDrainFailure", "a pod may not go")
            said = said if fails else OperationVerdict(OperationStatus.SUCCEEDED)
            self.memories[id_] = settle(memory, self.seen[id_], self.now, said).memory


def _cluster(name: str, env: str, one: Drawn) -> Cluster:
    version = f"1.{one.minor}.0"
    below = f"1.{one.minor - 1}.0" if one.pools_behind else version
    own = [replace(SYSTEM, version=version, image=image(1)), node_pool("apps", below, image=image(1))]
    own += [node_pool("cheap", below, image=image(1), priority="Spot")] if one.spot else []
    return on(
        version,
        env,
        *own,
        name=name,
        upgrade_channel=one.channel,
        node_channel="None",
        support_plan="AKSLongTermSupport" if one.lts else "KubernetesOfficial",
        power=Power.STOPPED if one.asleep else Power.RUNNING,
    )


def _runs(one: Cluster) -> bool:
    return one.power is Power.RUNNING


def image(number: int) -> str:
    return f"AKSUbuntu-2204gen2containerd-2026{number:02}.1.0"


def image_of(one: Cluster) -> str:
    return min(pool.image for pool in one.pools)


def lowest_of(one: Cluster) -> Version:
    return min(Version.read(text) for text in (one.current_version, *(pool.version for pool in one.pools)))


def is_well(one: Cluster) -> bool:
    return {one.provisioning_state, *(pool.provisioning_state for pool in one.pools)} == {"Succeeded"}


def is_between(one: Cluster) -> bool:
    return any(pool.version != one.current_version for pool in one.pools) or not is_well(one)


def changed(one: Cluster, action: Action, *, fails: bool) -> Cluster:
    """What an operation leaves behind."""
    state = "Failed" if fails else "Succeeded"
    if action.pool is None:
        return replace(one, provisioning_state=state, current_version=one.current_version if fails else action.to)
    return replace(one, pools=tuple(_rolled(pool, action, state) for pool in one.pools))


def _rolled(pool: NodePool, action: Action, state: str) -> NodePool:
    if pool.name != action.pool:
        return pool
    if state == "Failed":
        return replace(pool, provisioning_state=state)
    what = {"image": action.to} if isinstance(action, UpgradeNodeImage) else {"version": action.to}
    return replace(pool, provisioning_state=state, **what)
