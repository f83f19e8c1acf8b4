"""What is asked before an upgrade begins, since none can be taken back. Each answer is a named reason. Pure.

Guards ask what holds for any action (busy, locks, freezes, the emergency stop); here is what only upgrades need.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from shared.model.actions import Action, UpgradeControlPlane, UpgradePool
from shared.model.decisions import Obstacle, Reason
from shared.model.facts import Need, View
from shared.model.fleet import Cluster, NodePool, Power
from shared.model.memory import Failure
from shared.model.spot import PoolSight
from shared.model.versions import UpgradeOffers, Version
from shared.policy.bound import BoundRule
from shared.policy.endings import bare
from shared.policy.rings import unforgiven
from shared.policy.schedule import Hours
from shared.policy.spoken import spoken_length
from shared.policy.upgrade_memory import running_pools, version_of_pool
from shared.policy.upgrade_refusals import standing
from shared.policy.versions import MAX_SKEW, skew

CONTROL_PLANE_TAKES = timedelta(minutes=15)
WAVE_TAKES = timedelta(minutes=10)
"""Until it was measured here: a node comes, the old one is drained, and goes."""
DEFAULT_SURGE = "10%"
"""AKS's own, where a pool says nothing. https://learn.microsoft.com/azure/aks/upgrade-aks-node-pools-rolling"""


@dataclass(frozen=True, slots=True)
class _Case:
    view: View
    rule: BoundRule
    action: Action
    window: Hours
    now: datetime

    @property
    def cluster(self) -> Cluster:
        return self.view.cluster

    @property
    def pool(self) -> NodePool | None:
        return None if self.action.pool is None else self.cluster.pool(self.action.pool)

    @property
    def failure(self) -> Failure | None:
        return self.view.memory.target(self.action.pool).failure_of(self.action.kind)

    @property
    def forgiven(self) -> bool:
        """Whether somebody has looked since it went wrong."""
        rings, past = self.view.fleet.rings.get(self.rule.name), self.view.memory.upgrade
        if past is None or past.fall is None:
            return False
        return rings is not None and not unforgiven(past, rings.released_at)

    @property
    def looked_at(self) -> bool:
        """Whether somebody has released the rings since AKS said no."""
        rings, failure = self.view.fleet.rings.get(self.rule.name), self.failure
        if rings is None or rings.released_at is None or failure is None:
            return False
        return rings.released_at >= failure.at


def preflight(view: View, rule: BoundRule, action: Action, window: Hours, now: datetime) -> Obstacle | None:
    """The first thing in the way of an upgrade that the rings allow; None: nothing."""
    case = _Case(view, rule, action, window, now)
    return next((found for check in _CHECKS for found in check(case)), None)


def _stopped(case: _Case) -> Iterator[Obstacle]:
    if case.cluster.power is Power.STOPPED and case.view.memory.target(None).owed is None:
        text = "it is stopped, and not by Lamplighter: put off until somebody starts it"
        yield Obstacle(Reason.CLUSTER_STOPPED, text)


def _healthy(case: _Case) -> Iterator[Obstacle]:
    """Only what our own upgrade left Failed is upgraded again, once somebody has looked."""
    if case.forgiven:
        return
    for name, state in _states(case.cluster):
        if state.casefold() in ("failed", "canceled"):
            yield Obstacle(Reason.UNHEALTHY, f"{name} is {state}; it is upgraded once it is well")


def _with_nodes(case: _Case) -> Iterator[Obstacle]:
    """What started without its nodes has nowhere to move its pods to while a pool is rolled."""
    for name in bare(case.view.memory):
        what = f"pool {name}" if name else "it"
        yield Obstacle(Reason.UNHEALTHY, f"{what} runs without its nodes; it is upgraded once they have come")


def _states(cluster: Cluster) -> Iterator[tuple[str, str]]:
    yield "the cluster", cluster.provisioning_state
    for pool in cluster.pools:
        yield f"pool {pool.name}", pool.provisioning_state


def _blocked(case: _Case) -> Iterator[Obstacle]:
    """What AKS said last time. An upgrade that it refused left nothing behind; one that broke off waits for people."""
    failure = case.failure
    if failure is None or case.forgiven or case.looked_at:
        return
    past = case.view.memory.upgrade
    found = standing(failure, case.now, case.rule.zone, begun=past is not None and past.fall is not None)
    if found is not None:
        yield found


def _skewed(case: _Case) -> Iterator[Obstacle]:
    to = Version.read(getattr(case.action, "to", ""))
    if not isinstance(case.action, UpgradeControlPlane) or to is None:
        return
    for pool in case.cluster.pools:
        version = version_of_pool(pool, to)
        if version is None:
            yield Obstacle(Reason.SKEW, f"the version of pool {pool.name} cannot be read")
        elif skew(to, version) > MAX_SKEW:
            far = f"pool {pool.name} would be {skew(to, version)} minor versions behind; AKS allows {MAX_SKEW}"
            yield Obstacle(Reason.SKEW, far)


def _offered(case: _Case) -> Iterator[Obstacle]:
    """A pool may have whatever its control plane runs, unless AKS says otherwise."""
    fact, pool = case.view.facts.get(Need.UPGRADES), case.pool
    if pool is None or fact is None or not fact.known or not isinstance(case.action, UpgradePool):
        return
    offers: UpgradeOffers = fact.value
    some = offers.pools.get(pool.name.casefold(), ())
    to = Version.read(case.action.to)
    if some and to not in {one.version for one in some}:
        yield Obstacle(Reason.NOT_OFFERED, f"AKS does not offer {case.action.to} to pool {pool.name}")


def _room(case: _Case) -> Iterator[Obstacle]:
    """Quota and addresses for the nodes that come before the old ones go; spot pools are rolled without."""
    pool = case.pool
    if pool is None or pool.priority.casefold() == "spot" or pool.power is not Power.RUNNING:
        return
    told = case.rule.block.surge if isinstance(case.action, UpgradePool) else None
    wanted = surge_of(replace(pool, max_surge=told) if told else pool)
    sight = _sight(case, pool)
    quota, addresses = (None, None) if sight is None else (sight.quota_left, sight.addresses_left)
    if quota is not None and quota < wanted:
        yield Obstacle(Reason.NO_ROOM, f"its surge of {wanted} needs quota for {wanted} nodes; there is {quota}")
    if sight is not None and addresses is not None and addresses < wanted * sight.addresses_per_node:
        needed = wanted * sight.addresses_per_node
        yield Obstacle(Reason.NO_ROOM, f"its surge needs {needed} addresses of the subnet; {addresses} are free")
    blind = quota is None or (addresses is None and bool(pool.subnet))
    if case.rule.block.preflight == "strict" and blind:
        text = "whether there is quota and addresses for its surge cannot be read, and `preflight: strict` asks for it"
        yield Obstacle(Reason.NO_ROOM, text)


def _sight(case: _Case, pool: NodePool) -> PoolSight | None:
    fact = case.view.facts.get(Need.SURGE)
    sights: Any = () if fact is None or not fact.known else fact.value
    return next((one for one in sights if one.name.casefold() == pool.name.casefold()), None)


def surge_of(pool: NodePool) -> int:
    """Nodes that AKS adds while it rolls the pool, at least one.

    >>> surge_of(NodePool("batch", count=45, max_surge="33%")), surge_of(NodePool("batch", count=2))
    (15, 1)
    """
    said, count = (pool.max_surge or DEFAULT_SURGE).strip(), pool.count or 1
    number = said.removesuffix("%")
    if not number.isascii() or not number.isdigit():
        said, number = DEFAULT_SURGE, DEFAULT_SURGE.removesuffix("%")
    wanted = ceil(count * int(number) / 100) if said.endswith("%") else int(number)
    return max(1, min(wanted, count))


def _fits(case: _Case) -> Iterator[Obstacle]:
    if case.window.until is None or not case.window.inside:
        return
    left, takes = case.window.until - case.now, duration_of(case.view, case.action)
    if takes > left:
        text = f"it takes {spoken_length(takes)} as a rule, and the window closes in {spoken_length(left)}"
        yield Obstacle(Reason.WINDOW_TOO_SHORT, text)


def duration_of(view: View, action: Action) -> timedelta:
    """What nine of ten such upgrades of this pool or control plane stayed below; a plain estimate until it was seen."""
    past = view.memory.upgrade
    seen = () if past is None else past.seconds.get((action.pool or "").casefold(), ())
    if seen:
        return timedelta(seconds=sorted(seen)[ceil(len(seen) * 0.9) - 1])
    pool = None if action.pool is None else view.cluster.pool(action.pool)
    if pool is None:
        return CONTROL_PLANE_TAKES
    return WAVE_TAKES * ceil((pool.count or 1) / surge_of(pool))


def all_of(view: View) -> timedelta:
    """How long the control plane and all pools that run take, one after the other."""
    cluster = view.cluster
    rolls = (duration_of(view, UpgradePool(cluster.id, pool.name)) for pool in running_pools(cluster))
    return sum(rolls, duration_of(view, UpgradeControlPlane(cluster.id)))


_CHECKS = (_stopped, _healthy, _with_nodes, _blocked, _skewed, _offered, _room, _fits)
