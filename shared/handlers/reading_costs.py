"""Everything that a digest is made of, read once for all audiences: bills, fleet, history, what lies loose.

What cannot be read is said, and missing from the figures; only bills that are still to come make it wait.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from shared.app import App
from shared.costs.attribution import Known, attribute
from shared.costs.by_pricing import by_pricing
from shared.costs.digest import Reading
from shared.costs.figures import WEEKS_OF_BASELINE, WEEKS_SHOWN
from shared.costs.kept_up import KeptUp, kept_up
from shared.costs.ownership import subscription_of
from shared.errors import LamplighterError, Throttled
from shared.model.billing import Basis, Bill, Period, Question
from shared.model.costs import CostRow, RowProblem
from shared.model.fleet import Cluster, Power
from shared.model.weeks import Week
from shared.policy.digests import Fleet, due, environments

if TYPE_CHECKING:
    from shared.clients.billing import Asked
    from shared.model.digest import Loose
    from shared.model.past import ClusterPast
    from shared.model.savings import SavingsWeek
    from shared.model.support import SupportReport
    from shared.policy.bound import DigestPlan
    from shared.policy.document import Policy

log = logging.getLogger("lamplighter.digest")

OWN_GROUP = "WEBSITE_RESOURCE_GROUP"
"""Azure names the resource group of the app in it: whose cost is Lamplighter's own."""
FORECASTS_AT_MOST = 5
"""Scopes; each is a question of its own, and the quotas are small."""
DECIDED_BACK = timedelta(weeks=2)
"""A keep-on that began before the week is found by its decision."""
PATIENCE = timedelta(seconds=150)
"""How long one run waits for quotas to refill; the function has 4 minutes."""
WEEKS_READ = WEEKS_SHOWN + 1
"""The week, and those before it: for the chart, the baseline, and weekdays of the detector."""


@dataclass(frozen=True, slots=True)
class Read:
    """What was read, and the fleet as it is."""

    reading: Reading
    fleet: Fleet


def read(
    app: App, policy: Policy, plan: DigestPlan, week: Week, now: datetime, *, with_savings: bool = True
) -> Read | timedelta:
    """Everything; while bills are still to come, after how long to go on: what was read is kept."""
    from shared.clients.fleet import inventory  # noqa: PLC0415 - the SDKs are heavy
    from shared.handlers.asking import costs_asked, nodes_asked, period_of  # noqa: PLC0415
    from shared.handlers.savings import history_of  # noqa: PLC0415

    seen = inventory(app.cloud, policy.scope, now)
    clusters = {cluster.id: cluster for cluster in seen.clusters}
    pasts = history_of(app, period_of(week))
    scopes = sorted({*policy.scope.subscriptions, *map(subscription_of, (*clusters, *pasts))})
    nodes = nodes_asked(scopes, week) if with_savings else ()
    since = due(plan, policy.timezone, now).at
    bills = _bills(app, (*costs_asked(scopes, week, WEEKS_READ - 1), *nodes), since, now)
    if isinstance(bills, timedelta):
        log.info("digest: %s: some bills are still to come; more in %d s", week, bills.total_seconds())
        return bills
    of_costs = [bill for bill in bills if bill.question is Question.COSTS]
    mine = [bill for bill in of_costs if bill.period == period_of(week)]
    baseline = week.back(WEEKS_OF_BASELINE).first, week.first
    blind = {_subscription(bill) for bill in of_costs if bill.missing and bill.period.overlaps(*baseline)}
    costs = attribute(by_pricing(_rows(of_costs), bills), Basis.AMORTISED, Known(clusters, pasts, plan.team_tag))
    fleet = Fleet(clusters, pasts)
    loose, loose_problems = _loose(app, scopes)
    savings, savings_problems = _savings(app, policy, bills, week, seen.clusters) if with_savings else (None, ())
    reading = Reading(
        costs,
        source=f"{'cost exports' if app.settings.cost_exports else 'Cost Management'}, {_listed(scopes)}",
        read_at=max((bill.read_at for bill in mine), default=now),
        stated=_stated(mine),
        missing=tuple(bill.problem for bill in mine if bill.problem is not None),
        blind=frozenset(cluster for cluster in costs.names if subscription_of(cluster) in blind),
        environments=environments(costs.names, policy, fleet),
        pasts=pasts,
        running=frozenset(id_ for id_, one in clusters.items() if one.power is Power.RUNNING),
        loose=loose,
        kept=_kept_up(app, pasts, week, policy.timezone),
        savings=savings,
        forecast=_forecast(app, scopes, week, now),
        support=_support(app, policy, seen.clusters, now),
        remarks=(*seen.problems, *loose_problems, *savings_problems),
    )
    return Read(reading, fleet)


def _bills(app: App, asked: tuple[Asked, ...], since: datetime, now: datetime) -> tuple[Bill, ...] | timedelta:
    """All of them, waiting a while for quotas to refill; how long the rest takes when some are still to come."""
    from shared.handlers.billing import bills_for  # noqa: PLC0415 - the SDK is heavy

    collected = bills_for(app, asked, since)
    while collected.again_after is not None and app.clock() + collected.again_after - now < PATIENCE:
        app.cloud.sleep(collected.again_after.total_seconds())
        collected = bills_for(app, asked, since)
    return collected.bills if collected.again_after is None else collected.again_after


def _rows(bills: Iterable[Bill]) -> Iterable[CostRow | RowProblem]:
    for bill in bills:
        yield from bill.rows
        yield from bill.problems


def _stated(bills: Iterable[Bill]) -> Mapping[str, Decimal] | None:
    """Totals by currency of the scopes that were read; None when none was."""
    read_ones = [bill for bill in bills if not bill.missing]
    if not read_ones:
        return None
    totals: dict[str, Decimal] = {}
    for bill in read_ones:
        for currency, amount in bill.totals.items():
            totals[currency] = totals.get(currency, Decimal(0)) + amount
    return totals


def _subscription(bill: Bill) -> str:
    return bill.scope.rpartition("/")[2]


def _listed(scopes: list[str]) -> str:
    if not scopes:
        return "no subscription"
    return f"subscription {scopes[0]}" if len(scopes) == 1 else f"{len(scopes)} subscriptions"


def _loose(app: App, scopes: list[str]) -> tuple[Mapping[str, Loose] | None, tuple[str, ...]]:
    from shared.clients.leftovers import loose  # noqa: PLC0415 - one call a week

    try:
        return loose(app.cloud, scopes), ()
    except LamplighterError as error:
        log.warning("digest: %s", error)
        return None, (f"what is attached to nothing could not be read: {error}",)


def _savings(
    app: App, policy: Policy, bills: tuple[Bill, ...], week: Week, clusters: Iterable[Cluster]
) -> tuple[SavingsWeek | None, tuple[str, ...]]:
    """A saving that cannot be computed keeps nobody from hearing what the week cost."""
    from shared.clients.market import list_prices  # noqa: PLC0415 - as above
    from shared.handlers.asking import period_of  # noqa: PLC0415
    from shared.handlers.savings import own_cost, savings_of  # noqa: PLC0415

    week_of = period_of(week)
    mine = [bill for bill in bills if bill.question is Question.COSTS and bill.period == week_of]
    group = app.settings.environ.get(OWN_GROUP, "")
    try:
        prices = list_prices(app.cloud, clusters, app.journal, app.clock())
        own = own_cost(mine, group)
        nodes = [bill for bill in bills if bill.question is not Question.COSTS]
        costs = [bill for bill in bills if bill.question is Question.COSTS]
        return savings_of(app, nodes, week_of, zone=policy.timezone, own_cost=own, prices=prices, costs=costs), ()
    except LamplighterError as error:
        log.warning("digest: %s", error)
        return None, (f"what was saved could not be computed: {error}",)


def _forecast(app: App, scopes: list[str], week: Week, now: datetime) -> Mapping[str, Decimal]:
    """Currency -> what Azure expects the month of the week's last day to cost; empty when one scope has none.

    A nicety beside our own projection: it waits for quotas once at most, and fails nothing.
    """
    from shared.clients.billing import forecast, subscription_scope  # noqa: PLC0415 - the SDK is heavy

    if app.settings.cost_exports or len(scopes) > FORECASTS_AT_MOST:
        return {}
    first = week.last.replace(day=1)
    month = Period(first, (first + timedelta(days=31)).replace(day=1))
    whole: dict[str, Decimal] = {}
    for scope in scopes:
        try:
            try:
                found = forecast(app.cloud, subscription_scope(scope), month, app.clock())
            except Throttled as error:
                wait = error.retry_after
                if app.clock() + wait - now > PATIENCE:
                    return {}
                app.cloud.sleep(wait.total_seconds())
                found = forecast(app.cloud, subscription_scope(scope), month, app.clock())
        except LamplighterError as error:
            log.info("digest: %s", error)
            return {}
        if found.problem is not None:
            return {}
        for day in found.days:
            whole[day.currency] = whole.get(day.currency, Decimal(0)) + day.amount
    return whole


def _support(app: App, policy: Policy, clusters: Iterable[Cluster], now: datetime) -> SupportReport:
    from shared.policy.support import support_report  # noqa: PLC0415 - only once a week

    memories = {item.value.cluster: item.value for item in app.journal.memories(on_problem=log.error)}
    fleet = ((one, policy.environment_of(one), memories.get(one.id)) for one in clusters)
    return support_report(fleet, app.journal.fleet().value.rings, now)


def _kept_up(app: App, pasts: Mapping[str, ClusterPast], week: Week, zone: str) -> Mapping[str, tuple[KeptUp, ...]]:
    from shared.policy.tags import read_tags  # noqa: PLC0415 - only once a week

    begin = datetime.combine(week.first, time(), UTC)
    end = begin + timedelta(days=7)
    looked = app.journal.fleet().value.last_tick_at
    records = app.journal.history(None, begin - DECIDED_BACK, end)
    until = end if looked is None else min(end, looked)
    return kept_up(records, pasts, week, until, lambda tags: read_tags(tags, zone).exclude)
