"""Realised saving of a week, as a lower bound: claims priced from the bill, less what Lamplighter caused.

The order of things: which node-hours did not run because of which decision (`claims`, `spot_claims`); which of them a
commitment would have paid for anyway; what the others were billed where they did run; then wake-ups, surge nodes and
surplus at billed prices, and at the end the app's own cost. What can't be shown on a bill is in `avoided`, apart.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from decimal import Decimal

from shared.costs.baseline import HOUR, Local, baselines, ratio
from shared.costs.claims import ZERO, Claim, Judged, Off, extra_after_starts, least_sure, off_claims
from shared.costs.node_rates import ON_DEMAND, SPOT, NodeRates, Rate, node_rates
from shared.costs.prices import price_key
from shared.costs.spot_claims import SpotClaim, spot_claims
from shared.costs.tier_claims import TierBills, tier_bills, tier_hours
from shared.model.billing import Bill, Period
from shared.model.money import Money, Prices
from shared.model.past import ClusterPast
from shared.model.savings import Avoided, Baseline, LedgerRow, Saving, SavingKind, SavingsWeek

METHOD = (
    "Realised saving is a lower bound. Nodes that would have run: the lower median of the same hour of the week in up "
    "to four weeks before adoption, never more than ran when the stop was taken; without such weeks the pool's "
    "minimum. Hours that nobody observed earn 0, as do clusters that others had stopped. Prices are those billed for "
    "the same pool (amortised, before tax); hours that a reservation or savings plan would have paid for are listed as "
    "freed, outside the total. Spot counts what the replaced on-demand nodes were billed less the billed spot meter; "
    "a cheaper tier counts what the control plane was billed before, for hours in which the cluster ran. Wake-ups, "
    "surge and surplus nodes and Lamplighter's own cost are taken off."
)
_CENTS = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class Known:
    """What savings are made of, beside the clusters' pasts."""

    bills: tuple[Bill, ...]
    """Of nodes, from some weeks before the period on: a pool that is down has its price in the past."""
    local: Local
    baselines: Mapping[str, Mapping[str, Baseline]]
    """Cluster -> pool -> baseline that was kept; others are made from the past."""
    own_cost: Mapping[str, Decimal] | None = None
    prices: Prices = field(default_factory=dict)
    """List prices, for estimates alone."""
    costs: tuple[Bill, ...] = ()
    """Of everything: what control planes were billed."""


@dataclass(slots=True)
class _Sum:
    """One Saving in the making."""

    gross: Decimal = ZERO
    wake_ups: Decimal = ZERO
    surge: Decimal = ZERO
    surplus: Decimal = ZERO
    node_hours: Decimal = ZERO
    freed: Decimal = ZERO
    rows: list[LedgerRow] = field(default_factory=list)


_Key = tuple[str, str, SavingKind, str]
"""(cluster, rule, kind, currency)"""


@dataclass(slots=True)
class _Week:
    period: Period
    rates: NodeRates
    known: Known
    rows: list[tuple[LedgerRow, Decimal]] = field(default_factory=list)
    """Each with what running as spot cost instead."""
    sums: defaultdict[_Key, _Sum] = field(default_factory=lambda: defaultdict(_Sum))
    unknown: defaultdict[tuple[str, str], Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    avoided: dict[tuple[str, str, str], Avoided] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @property
    def begin(self) -> datetime:
        return datetime.combine(self.period.begin, time(), UTC)

    @property
    def end(self) -> datetime:
        return datetime.combine(self.period.end, time(), UTC)


def saved(pasts: Mapping[str, ClusterPast], period: Period, known: Known) -> SavingsWeek:
    """Everything of one period of days. A cluster without an action of ours in it is not mentioned."""
    week = _Week(period, node_rates(known.bills, pasts), known)
    week.problems += [bill.problem for bill in known.bills if bill.problem is not None]
    tiers = tier_bills(known.costs)
    all_of_them = {}
    for id_, past in sorted(pasts.items()):
        kept = known.baselines.get(id_)
        judged = Judged(past, baselines(past, known.local) if kept is None else kept, known.local)
        all_of_them[id_] = judged
        off = off_claims(judged, week.begin, week.end)
        _stops(week, judged, off)
        _spot(week, judged)
        _tiers(week, judged, tiers, pasts)
        _wake_ups(week, judged)
        _surges(week, judged)
    ledger = _with_commitments(week, all_of_them)
    savings = tuple(_savings(week, ledger))
    return SavingsWeek(
        period, savings, known.own_cost, tuple(week.avoided.values()), tuple(ledger),
        tuple(dict.fromkeys(week.problems)), METHOD,
    )  # fmt: skip


def _stops(week: _Week, judged: Judged, off: Off) -> None:
    past = judged.past
    for claim in off.claims.values():
        category = SPOT if judged.is_spot(claim.pool) else ON_DEMAND
        rate = _rate(week, judged, claim.pool, category, claim.hour.date())
        if rate is None:
            week.unknown[past.cluster, claim.rule] += claim.hours
            _avoid(week, judged, claim, "no bill that could be read tells what a node-hour of its pool cost")
            continue
        week.rows.append((_row(past, claim, SavingKind.OFF, rate), ZERO))
    for (rule, pool), hours in off.beyond.items():
        why = f"{pool} was not observed before adoption, so only its minimum counts"
        _avoid(week, judged, Claim(pool, week.begin, "", rule, hours), why)
    for rule, hours in off.unknown.items():
        if hours:
            week.unknown[past.cluster, rule] += hours


def _spot(week: _Week, judged: Judged) -> None:
    past = judged.past
    found = spot_claims(judged, week.begin, week.end)
    for one in found.claims.values():
        day = one.claim.hour.date()
        rate = _rate(week, judged, one.claim.pool, ON_DEMAND, day)
        paid = _spot_cost(week, judged, one, day)
        if rate is None or paid is None or paid.currency != rate.currency:
            week.unknown[past.cluster, one.claim.rule] += one.claim.hours
            _avoid(week, judged, one.claim, "the bill does not tell both the on-demand and the spot price of its nodes")
            continue
        week.rows.append((_row(past, one.claim, SavingKind.SPOT, rate), paid.amount))
    for (rule, pool, hour), hours in found.surplus.items():
        cost = _cost(week, judged, pool, SPOT, (hour, hours))
        if cost is not None:
            week.sums[past.cluster, rule, SavingKind.SPOT, cost.currency].surplus += cost.amount


def _tiers(week: _Week, judged: Judged, bills: TierBills, pasts: Mapping[str, ClusterPast]) -> None:
    past = judged.past
    for one in tier_hours(past, bills, pasts, week.begin, week.end):
        claim = Claim("", one.hour, one.held.decision, one.held.rule, one.length)
        if one.rate is None:
            week.unknown[past.cluster, claim.rule] += claim.hours
            why = f"no bill that could be read tells what an hour of the tier {one.held.before} cost"
            _avoid(week, judged, claim, why)
        else:
            week.rows.append((_row(past, claim, SavingKind.TIER, one.rate), ZERO))


def _spot_cost(week: _Week, judged: Judged, one: SpotClaim, day: date) -> Rate | None:
    total, currency = ZERO, ""
    for pool, hours in one.spot.items():
        rate = _rate(week, judged, pool, SPOT, day)
        if rate is None or currency not in ("", rate.currency):
            return None
        total, currency = total + rate.amount * hours, rate.currency
    return Rate(total, currency)


def _wake_ups(week: _Week, judged: Judged) -> None:
    for rule, pool, hour, hours in extra_after_starts(judged, week.begin, week.end):
        category = SPOT if judged.is_spot(pool) else ON_DEMAND
        cost = _cost(week, judged, pool, category, (hour, hours))
        if cost is not None:
            week.sums[judged.past.cluster, rule, SavingKind.OFF, cost.currency].wake_ups += cost.amount


def _surges(week: _Week, judged: Judged) -> None:
    for surged in judged.past.surged:
        begin, end = max(surged.begin, week.begin), min(surged.end, week.end)
        if begin < end:
            hours = surged.nodes * ratio(end - begin, HOUR)
            category = SPOT if judged.is_spot(surged.pool) else ON_DEMAND
            cost = _cost(week, judged, surged.pool, category, (begin, hours))
            if cost is not None:
                key = (judged.past.cluster, surged.rule, SavingKind.UPGRADE, cost.currency)
                week.sums[key].surge += cost.amount


def _cost(week: _Week, judged: Judged, pool: str, category: str, extra: tuple[datetime, Decimal]) -> Rate | None:
    """What extra nodes cost; without a price that is told, since then the net is no lower bound any more."""
    at, hours = extra
    rate = _rate(week, judged, pool, category, at.date())
    if rate is None:
        name = judged.past.cluster.rpartition("/")[2]
        week.problems.append(
            f"{name}: extra nodes of {pool} after our actions are not taken off, as no bill prices them"
        )
        return None
    return Rate(rate.amount * hours, rate.currency)


def _rate(week: _Week, judged: Judged, pool: str, category: str, day: date) -> Rate | None:
    key = (judged.past.cluster, pool)
    return week.rates.rate(key, category, day, (judged.past.location, judged.size(pool)))


def _row(past: ClusterPast, claim: Claim, kind: SavingKind, rate: Rate) -> LedgerRow:
    return LedgerRow(
        past.cluster, claim.pool, claim.hour, claim.decision, claim.rule, kind, claim.hours, ZERO, rate.amount, ZERO,
        rate.currency, claim.confidence,
    )  # fmt: skip


def _with_commitments(week: _Week, judged: Mapping[str, Judged]) -> list[LedgerRow]:
    """The rows with what commitments would have covered, and their amounts.

    The dearest hours of a day are put against them first. Where no bill shows unused ones, they may be on a bill that
    we don't read: then the share of the pool that commitments covered counts as freed.
    """
    ledger = []
    left = week.rates.unused.copy()
    dearest = sorted(week.rows, key=lambda one: (one[0].hour.date(), -(one[0].rate or ZERO), one[0].key))
    for row, spot_cost in dearest:
        covered, rate, cluster = ZERO, row.rate or ZERO, judged[row.cluster]
        if row.kind is SavingKind.TIER or cluster.is_spot(row.pool):
            pass  # no commitment covers a control plane, or spot
        elif left.seen:
            where = (cluster.past.location, cluster.size(row.pool))
            covered = left.take(row.hour.date(), where, row.node_hours, rate)
        else:
            covered = row.node_hours * week.rates.committed_share((row.cluster, row.pool))
        amount = (row.node_hours - covered) * rate - spot_cost
        ledger.append(replace(row, committed_hours=covered, amount=amount))
    return sorted(ledger, key=lambda row: row.key)


def _savings(week: _Week, ledger: Iterable[LedgerRow]) -> Iterator[Saving]:
    for row in ledger:
        one = week.sums[row.cluster, row.rule, row.kind, row.currency]
        one.gross += row.amount
        one.node_hours += row.node_hours - row.committed_hours
        one.freed += row.committed_hours
        one.rows.append(row)
    for (cluster, rule, kind, currency), one in sorted(week.sums.items()):
        saving = Saving(
            cluster,
            rule,
            kind,
            currency,
            gross=_rounded(one.gross),
            wake_ups=_rounded(one.wake_ups),
            surge=_rounded(one.surge),
            surplus=_rounded(one.surplus),
            node_hours=_rounded(one.node_hours),
            commitment_hours_freed=_rounded(one.freed),
            unknown_hours=_rounded(week.unknown.pop((cluster, rule), ZERO)),
        )
        for row in one.rows:
            saving = replace(saving, confidence=least_sure(saving.confidence, row.confidence))
        yield saving
    for (cluster, rule), hours in sorted(week.unknown.items()):
        name = cluster.rpartition("/")[2]
        week.problems.append(f"{name}: {hours:.1f} hours under the rule {rule} are unknown, and earn nothing")


def _avoid(week: _Week, judged: Judged, claim: Claim, why: str) -> None:
    """Added to what is avoided for the same reason; one part without a list price makes the whole unknown."""
    key = (judged.past.cluster, claim.rule, why)
    amount = _listed(week, judged, claim.pool, claim.hours)
    before = week.avoided.get(key)
    if before is None:
        week.avoided[key] = Avoided(*key[:2], claim.hours, amount, why)
        return
    both = None if amount is None or before.amount is None else before.amount + amount
    week.avoided[key] = replace(before, node_hours=before.node_hours + claim.hours, amount=both)


def _listed(week: _Week, judged: Judged, pool: str, hours: Decimal) -> Money | None:
    listed = week.known.prices.get(price_key(judged.past.location, judged.size(pool)))
    each = None if listed is None else (listed.spot if judged.is_spot(pool) else listed.on_demand)
    return None if each is None else each.times(hours)


def _rounded(amount: Decimal) -> Decimal:
    return amount.quantize(_CENTS)
