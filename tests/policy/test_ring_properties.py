"""Generated fleets, failures and releases: whatever happens, the same few things stay true of rings.

A small obedient world in pure values: every tick looks, folds, decides, admits and acts; an upgrade is over at the next
tick, well or not.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.model.actions import Action, UpgradeControlPlane, UpgradePool
from shared.model.decisions import Decision, Verdict
from shared.model.facts import Fact, FleetFacts, Need, View
from shared.model.fleet import Cluster
from shared.model.memory import Memory
from shared.model.upgrades import Rings
from shared.model.versions import Line, Offer, Release, Releases, UpgradeOffers, Version
from shared.policy import claim as protocol
from shared.policy.admit import admit
from shared.policy.decide import decide
from shared.policy.outcomes import OperationStatus, OperationVerdict
from shared.policy.ring_fold import fleet_rings, objection_now
from shared.policy.rings import released, unforgiven
from shared.policy.rules import learn
from shared.policy.settle import settle
from shared.policy.voices import owner_of
from tests.policy.upgrade_builders import IN_WINDOW, on

SOAK = 300 if os.environ.get("LAMPLIGHTER_SOAK") else 0
EVERY = timedelta(hours=2)
MINORS = (34, 35, 36, 37)


@dataclass
class Plan:
    """What is drawn: the fleet, the rule, and what goes wrong when."""

    dev: int
    staging: int
    days: float
    hours: float
    at_once: int
    failures: frozenset[int]
    """Numbers of upgrades that fail."""
    releases: frozenset[int]
    """Ticks at which somebody releases what stands still."""
    new_minor_at: int
    unreadable: frozenset[int]
    """Ticks at which part of the fleet could not be read."""


plans = st.builds(
    Plan,
    dev=st.integers(1, 3),
    staging=st.integers(0, 3),
    days=st.sampled_from([0.0, 0.25, 1.0]),
    hours=st.sampled_from([0.0, 6.0]),
    at_once=st.integers(1, 3),
    failures=st.frozensets(st.integers(0, 20), max_size=3),
    releases=st.frozensets(st.integers(5, 60), max_size=3),
    new_minor_at=st.integers(10, 60),
    unreadable=st.frozensets(st.integers(0, 60), max_size=4),
)


@dataclass
class Begun:
    """An upgrade that began, and what was true at that moment."""

    cluster: Cluster
    action: Action
    at: datetime
    rings: Rings


@dataclass
class Life:
    plan: Plan
    now: datetime = IN_WINDOW
    seen: dict[str, Cluster] = field(default_factory=dict)
    memories: dict[str, Memory] = field(default_factory=dict)
    rings: dict[str, Rings] = field(default_factory=dict)
    begun: list[Begun] = field(default_factory=list)
    minors: int = 3
    count: int = 0
    failed_at: dict[str, datetime] = field(default_factory=dict)

    def __post_init__(self) -> None:
        soak = f"soak: {{days: {self.plan.days}, running_hours: {self.plan.hours}}}"
        text = f"to: latest, rings: [dev, staging], {soak}, at_once: {self.plan.at_once}"
        self.rules = rules_of(text)
        names = [("dev", n) for n in range(self.plan.dev)] + [("staging", n) for n in range(self.plan.staging)]
        for env, number in [*names, ("prod", 0)]:
            one = on("1.34.0", env, name=f"{env}-{number}")
            self.seen[one.id], self.memories[one.id] = one, Memory(one.id)

    @property
    def releases(self) -> Releases:
        return Releases(tuple(Release(Line(1, minor), (Version(1, minor, 0),)) for minor in MINORS[: self.minors]))

    def live(self, ticks: int) -> None:
        for number in range(ticks):
            self.tick(number)
            self.now += EVERY

    def tick(self, number: int) -> None:
        self._settle()
        if number == self.plan.new_minor_at:
            self.minors += 1
        whole = number not in self.plan.unreadable
        known = [(one, owner_of(one, self.rules), self.memories[one.id]) for one in self.seen.values()]
        self.rings = dict(fleet_rings(self.rings, self.rules, known, self.now, whole=whole))
        if number in self.plan.releases:
            self.rings["rings"] = released(self.rings["rings"], "ana", self.now)
        facts = FleetFacts(rings=self.rings, releases={"westeurope": self.releases})
        decisions = list(self._decided(facts))
        for decision in admit(decisions, facts, self.rules, self.now).decisions:
            if decision.verdict is Verdict.ACT:
                self._act(decision)

    def _decided(self, facts: FleetFacts) -> Iterator[Decision]:
        for one in self.seen.values():
            offers = Fact(UpgradeOffers(tuple(self._offers(one))), self.now)
            view = View(one, self.memories[one.id], {Need.UPGRADES: offers}, facts)
            owner = owner_of(one, self.rules)
            self.memories[one.id] = learn(view, owner.rules, self.now)
            yield from decide(replace(view, memory=self.memories[one.id]), self.rules, self.now, owner)

    def _offers(self, one: Cluster) -> Iterator[Offer]:
        have = Version.read(one.current_version)
        for minor in MINORS[: self.minors]:
            if have.minor < minor <= have.minor + 1:
                yield Offer(Version(1, minor, 0))

    def _act(self, decision: Decision) -> None:
        one, action = self.seen[decision.cluster], decision.action
        rule = next(rule for rule in owner_of(one, self.rules).rules if rule.name == decision.rule)
        rings = self.rings[rule.name]
        if objection_now(decision, rule, rings, self.memories.values()):
            return
        claimed = protocol.claim(self.memories[one.id], decision, self.now)
        assert isinstance(claimed, Memory), claimed
        self.begun.append(Begun(one, action, self.now, rings))
        self.memories[one.id] = protocol.accepted(claimed, self.now, "https://operation")

    def _settle(self) -> None:
        """What was begun at the last tick is over now."""
        for id_, memory in self.memories.items():
            if memory.open is None:
                continue
            fails = self.count in self.plan.failures
            self.count += 1
            after = self._changed(self.seen[id_], memory, fails=fails)
            verdict = OperationVerdict(OperationStatus.FAILED, "PodDrainFailure", "a pod may not go")
            self.seen[id_] = after
            done = settle(memory, after, self.now, verdict if fails else OperationVerdict(OperationStatus.SUCCEEDED))
            assert done.memory.open is None, done
            self.memories[id_] = done.memory
            if fails:
                self.failed_at[id_] = self.now

    def _changed(self, one: Cluster, memory: Memory, *, fails: bool) -> Cluster:
        state, to = ("Failed" if fails else "Succeeded"), memory.open.body["to"]
        if memory.open.pool is None:
            return replace(one, provisioning_state=state, current_version=one.current_version if fails else to)
        pools = tuple(
            replace(pool, provisioning_state=state, version=pool.version if fails else to)
            if pool.name == memory.open.pool
            else pool
            for pool in one.pools
        )
        return replace(one, pools=pools)


def rules_of(text: str):
    from shared.policy.document import read_policy
    from tests.policy.upgrade_builders import HEAD

    return read_policy(HEAD.format(mode="act") + f"  - {{name: rings, upgrades: {{{text}}}}}\n", "policy.yaml")


def lived(plan: Plan, ticks: int = 70) -> Life:
    life = Life(plan)
    life.live(ticks)
    return life


@settings(max_examples=SOAK or 12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(plans)
def test_whatever_happens(plan):
    life = lived(plan)
    order = ("dev", "staging")
    for one in life.begun:
        env, to = one.cluster.tags["environment"], Version.read(one.action.to)
        # Production is never written.
        assert env != "prod"
        # Never a skipped minor version, never a pool ahead of its control plane, never down.
        control_plane = Version.read(one.cluster.current_version)
        if isinstance(one.action, UpgradeControlPlane):
            assert control_plane < to
            assert to.minor - control_plane.minor <= 1
        else:
            assert isinstance(one.action, UpgradePool)
            assert to <= control_plane
        # A later ring never starts before its predecessor has soaked.
        for earlier in order[: order.index(env)]:
            proof = one.rings.ring(earlier).proof
            assert proof is not None
            assert Version.read(proof.what) >= to
            assert proof.at - proof.since >= timedelta(days=plan.days)
        # After a halt nothing starts, in its ring or a later one.
        halt = one.rings.halt
        assert halt is None or order.index(halt.ring) > order.index(env)
        # Nothing begins while part of the fleet could not be read.
        assert one.rings.whole


@settings(max_examples=SOAK or 6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(plans)
def test_no_more_at_once_than_allowed_and_never_two_on_one_cluster(plan):
    life = Life(plan)
    for number in range(50):
        life.tick(number)
        under_way = [memory.cluster for memory in life.memories.values() if memory.open is not None]
        half = {m.cluster for m in life.memories.values() if m.upgrade is not None and m.upgrade.begun_at is not None}
        assert len(under_way) == len(set(under_way))
        assert len(half | set(under_way)) <= plan.at_once
        life.now += EVERY


@settings(max_examples=SOAK or 6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(plans)
def test_what_is_released_arrives_in_the_end(plan):
    """Once nothing fails any more and somebody releases what stands still, the whole fleet but production is there."""
    life = lived(plan, 40)
    life.plan.failures = frozenset()
    life.plan.unreadable = frozenset()
    life.plan.releases = frozenset(range(1000))
    for number in range(40, 160):
        life.tick(number)
        life.now += EVERY
    newest = f"1.{MINORS[life.minors - 1]}.0"
    for one in life.seen.values():
        production = one.tags["environment"] == "prod"
        assert one.current_version == ("1.34.0" if production else newest)
        assert {pool.version for pool in one.pools} == {"1.34.0" if production else newest}


def test_a_failure_is_unforgiven_until_somebody_looked():
    life = lived(Plan(2, 2, 0.25, 0.0, 1, frozenset({0}), frozenset(), 10, frozenset()))
    halt = life.rings["rings"].halt

    assert halt is not None
    assert len([one for one in life.begun if one.at > halt.at]) == 0
    (fallen,) = [m for m in life.memories.values() if m.upgrade is not None and m.upgrade.fall is not None]
    assert unforgiven(fallen.upgrade, None)
