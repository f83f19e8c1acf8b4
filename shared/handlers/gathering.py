"""Facts that cost a call: fetched for the clusters whose rules ask for them, for all of those in one go.

One line per need. Locks are not here: only `act` asks for them, about one cluster.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType

from shared.app import App
from shared.clients import capacity, signals, upgrading
from shared.clients.azure import Cloud
from shared.clients.market import Cache, list_prices
from shared.errors import CloudError, LamplighterError
from shared.model.facts import Fact, Need, View
from shared.model.samples import Window
from shared.model.spot import PoolSight
from shared.policy import alerting
from shared.policy.bound import BoundRule
from shared.policy.rules import needs_of, spot

log = logging.getLogger("lamplighter")

Facts = Mapping[Need, Fact]
Asking = tuple[View, BoundRule]
"""A cluster, and the first of its rules that asks."""
Gatherer = Callable[[App, Sequence[Asking], datetime], Mapping[str, Fact]]
"""(app, who asks, now) -> lower-case cluster id -> fact. What could not be had is a fact with its problem."""


def gather(
    app: App,
    asking: Iterable[tuple[View, tuple[BoundRule, ...]]],
    now: datetime,
    only: frozenset[Need] = frozenset(Need),
) -> Mapping[str, Facts]:
    """Lower-case cluster id -> what its rules asked for of `only`. What could not be had is a fact with its problem."""
    wanting: dict[Need, list[Asking]] = {}
    for view, rules in asking:
        for need, rule in needs_of(view, rules, now).items():
            wanting.setdefault(need, []).append((view, rule))
    gathered: dict[str, dict[Need, Fact]] = {}
    for need, gatherer in GATHERERS.items():
        if need in wanting and need in only:
            for id_, fact in gatherer(app, wanting[need], now).items():
                gathered.setdefault(id_, {})[need] = fact
    return gathered


def _activity(app: App, asking: Sequence[Asking], now: datetime) -> Mapping[str, Fact]:
    return of_use(app.cloud, asking, now, lacking=app.cache.setdefault("lacking", {}))


def of_use(
    cloud: Cloud,
    asking: Sequence[Asking],
    now: datetime,
    *,
    least: timedelta = timedelta(0),
    lacking: MutableMapping[str, datetime] | None = None,
) -> Mapping[str, Fact]:
    """Whether the clusters are used, looking back as far as their rules say, and `least` at least."""
    settings = {view.cluster.id: rule.block.signals for view, rule in asking}
    started = {view.cluster.id: at for view, _ in asking if (at := view.memory.target(None).started_at) is not None}
    longest = max(least, *(one.lookback for one in settings.values()))
    window = Window(now - longest, now, zone=asking[0][1].zone)
    return signals.activity(
        cloud, [view.cluster for view, _ in asking], settings, window, now, started=started, lacking=lacking
    )


def _alerts(app: App, asking: Sequence[Asking], now: datetime) -> Mapping[str, Fact]:
    """One scan of the inbox, whoever asks."""
    try:
        found = alerting.recent(app.journal.alerts(on_problem=log.warning), now)
    except LamplighterError as error:
        return {view.cluster.id: Fact((), now, str(error)) for view, _ in asking}
    return alerting.sorted_out(found, [view.cluster for view, _ in asking], now)


UPGRADES_AT_ONCE = 40
"""Clusters asked in one go: AKS lets 60 such calls through at once per subscription and region, then one a second.
https://learn.microsoft.com/azure/aks/quotas-skus-regions"""


def _upgrades(app: App, asking: Sequence[Asking], now: datetime) -> Mapping[str, Fact]:
    facts: dict[str, Fact] = {}
    for number, (view, rule) in enumerate(asking):
        cluster, past = view.cluster, view.memory.upgrade
        if number >= UPGRADES_AT_ONCE:
            facts[cluster.id] = Fact(None, now, "many clusters are in their window; it is asked in a later look")
            continue
        at_goal = past is not None and past.run is not None and past.run.what == past.goal
        try:
            images = at_goal and rule.block.node_images_every is not None
            facts[cluster.id] = Fact(upgrading.offers(app.cloud, cluster, images=images), now)
        except CloudError as error:
            facts[cluster.id] = Fact(None, now, str(error))
    return facts


def _capacity(app: App, asking: Sequence[Asking], now: datetime) -> Mapping[str, Fact]:
    return of_groups(app.cloud, app.journal, asking, now)


def of_groups(cloud: Cloud, cache: Cache, asking: Sequence[Asking], now: datetime) -> Mapping[str, Fact]:
    """How much room there is, is asked for only where a group has a next step; Azure's advice where it takes nodes."""
    seen = [view.cluster for view, _ in asking]
    prices = list_prices(cloud, seen, cache, now)
    facts = dict(capacity.capacity(cloud, seen, prices, cache, now))
    steps = [(view.cluster, spot.may_move(_with(view, facts), rule, now)) for view, rule in asking]
    if moving := [cluster for cluster, (moves, _) in steps if moves]:
        facts |= capacity.with_room(cloud, moving, facts)
    if growing := [cluster for cluster, (_, grows) in steps if grows]:
        facts |= capacity.with_scores(cloud, growing, facts, cache, now)
    return facts


def _surge(app: App, asking: Sequence[Asking], now: datetime) -> Mapping[str, Fact]:
    """Quota and addresses alone: an upgrade does not ask how many nodes are ready."""
    seen = [view.cluster for view, _ in asking]
    bare = {one.id: Fact(tuple(PoolSight(pool.name, now) for pool in one.pools), now) for one in seen}
    return capacity.with_room(app.cloud, seen, bare)


def _with(view: View, facts: Mapping[str, Fact]) -> View:
    fact = facts.get(view.cluster.id)
    return view if fact is None else replace(view, facts={**view.facts, Need.CAPACITY: fact})


GATHERERS: Mapping[Need, Gatherer] = MappingProxyType(
    {
        Need.ALERTS: _alerts,
        Need.ACTIVITY: _activity,
        Need.CAPACITY: _capacity,
        Need.SURGE: _surge,
        Need.UPGRADES: _upgrades,
    }
)
