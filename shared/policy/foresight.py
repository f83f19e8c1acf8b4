"""How long to wait before stopping, and when to start ahead: what a cluster's past says about its next need.

Ski rental with learned advice. Waiting longer costs running time; stopping costs a start and people's waiting. From the
spells seen so far follow the odds of the next one, from the odds the wait that costs least. Advice is followed only as
far as a ledger covers its worst case, so that the whole bill stays within twice that of a clairvoyant who pays
min(spell, break-even) for each spell: what the break-even rule guarantees, advice can improve and not undo.

Sources: A. R. Karlin et al., Competitive snoopy caching, https://doi.org/10.1007/BF01762111 (break-even is
2-competitive); R. Kumar, M. Purohit, Z. Svitkina, Improving online algorithms via ML predictions, NeurIPS 2018 (advice
with a guarantee); M. Shahrad et al., Serverless in the Wild, USENIX ATC 2020 (histograms of idle times).
Pure; every function reads an Activity and changes nothing.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import accumulate, pairwise
from operator import itemgetter, mul
from zoneinfo import ZoneInfo

from shared.model.activity import BINS, EDGES, HOURS, PLACES, Activity, Stretch, floats
from shared.policy.calendars import Calendar
from shared.policy.spoken import local_date

PRIOR_WEIGHT = 8.0
"""Spells that the prior counts as: each bin as likely as another, whatever the time scale."""
PLACE_WEIGHT = 40.0
"""Spells at one place in a session from which on they count more than spells at all places."""
SAME = 0.04
"""Waits whose costs differ by less than this share are equally good: the one nearest to break-even is taken."""
PATIENCE = 0.1
"""Share of what use has earned that is spent on waiting longer while a cluster has never been seen to be left."""
WEEK_WEIGHT = 1.0
"""Weeks that the same hour of other days counts as, when the chance of a need in one hour of the week is judged."""
SAME_HOUR_WEIGHT = 2.0
"""Days without a need that every hour of the day is believed to have had before the first one was seen."""
WAIT_WITHIN_HOUR = 0.5
"""Hours that it runs for nothing on average, started for an hour in which the need comes: less waiting never pays."""
HORIZON = timedelta(days=7)
_HOUR = timedelta(hours=1)
_LONG = 24.0 * 14
_LOG_STEP = math.log(EDGES[1] / EDGES[0])
# A bin of the same width on a logarithmic scale is as likely as another; the first reaches down to 15 seconds.
_PRIOR = (2 * math.log(2) / _LOG_STEP, *[1.0] * (BINS - 1))
_BEFORE = tuple(PRIOR_WEIGHT * even / sum(_PRIOR) for even in _PRIOR)
# Mean hours of a spell in a bin, where log(hours) is spread evenly.
_MEAN = (
    EDGES[0] / 2,
    *((high - low) / _LOG_STEP for low, high in pairwise(EDGES)),
    _LONG,
)


@dataclass(frozen=True, slots=True)
class Costs:
    """What it costs to have stopped when the next need comes, in hours of the running cluster."""

    starting: float
    waiting: float
    """Of the people who wait while it starts."""
    longest: float
    """No wait is longer than this."""
    zone: str = "UTC"
    """IANA name of the zone whose hours people keep: who comes at eight comes at eight in summer and in winter."""
    calendar: Calendar | None = None
    """Whose closed days are like no other day of the week."""

    @property
    def break_even(self) -> float:
        return self.starting + self.waiting

    @property
    def may_start_ahead(self) -> bool:
        """Whether people's waiting can cost more than the time that a start ahead runs for nothing."""
        return self.waiting > WAIT_WITHIN_HOUR

    def holiday(self, at: datetime) -> str | None:
        """What people there call the closed day on which this instant falls; None on a day of work."""
        return None if self.calendar is None else self.calendar.closed_on(local_date(at, self.zone))


@dataclass(frozen=True, slots=True)
class Wait:
    """How long to wait after the last need, in hours, and why."""

    hours: float
    learned: bool
    spells: float = 0.0
    """Spells learned from; older ones count less."""
    returns: float = 0.0
    """Chance that the next need begins within `hours`."""
    later: float = 0.0
    """Chance that it begins within another break-even after them."""
    cost: float = 0.0
    """Expected cost of one spell with this wait, in hours."""
    break_even_cost: float = 0.0
    """The same with a wait of break-even."""
    clamped: bool = False
    """The ledger did not cover the wait that looked best."""


@dataclass(frozen=True, slots=True)
class Ahead:
    """An hour in which a need is expected that is worth starting for."""

    begin: datetime
    end: datetime
    chance: float
    weeks: float
    """Weeks in which that hour began quiet; older ones count less."""


def wait(activity: Activity, costs: Costs) -> Wait:
    """Hours to wait after the last need: within [starting, longest]; break-even until there is reason to differ.

    A cluster that was never seen to be left is waited for a little longer the more it was used: it may be in the midst
    of its first session, and the ledger covers it.
    """
    plain = min(costs.break_even, costs.longest)
    if activity.departures == 0:
        patience = min(PATIENCE * max(activity.credit, 0.0), costs.break_even)
        return Wait(min(costs.break_even + patience, costs.longest), learned=False)
    advice = _advice(activity.spells, place_row(activity.place), costs.starting, costs.break_even, costs.longest)
    if advice is None:
        return Wait(plain, learned=False)
    hours = min(_covered(advice.hours, activity.credit, costs.break_even), costs.longest)
    within = _below(advice.odds, hours)[0]
    return Wait(
        hours,
        learned=True,
        spells=advice.spells,
        returns=within,
        later=_below(advice.odds, hours + costs.break_even)[0] - within,
        cost=advice.cost,
        break_even_cost=advice.break_even_cost,
        clamped=hours != advice.hours,
    )


@dataclass(frozen=True, slots=True)
class _Advice:
    """What the spells seen so far say, whatever the ledger covers; of the fields of Wait those that follow."""

    odds: tuple[float, ...]
    hours: float
    spells: float
    cost: float
    break_even_cost: float


# A spell is asked about at every look and at its end, and what is known changes only then.
@lru_cache(maxsize=1024)
def _advice(spells: bytes, row: int, starting: float, break_even: float, longest: float) -> _Advice | None:
    """The wait that costs least; None where no wait lies within [starting, longest]."""
    odds = _odds(spells, row)
    stay, gone = _prefix(odds)
    bill = {
        edge: stay[number] + gone[number] * (edge + break_even)
        for number, edge in enumerate(EDGES)
        if starting <= edge <= longest
    }
    if not bill:
        return None
    least = min(bill.values())
    good = [edge for edge, cost in bill.items() if cost <= least * (1 + SAME)]
    best = min(good, key=lambda edge: abs(math.log(edge / break_even)))
    plain = _bill(odds, min(break_even, longest), break_even)
    return _Advice(odds, best, sum(floats(spells)), bill[best], plain)


def _covered(best: float, credit: float, break_even: float) -> float:
    """The wait nearest to `best` whose worst case the ledger covers: a need right after the stop, or none at all."""
    room = max(credit, 0.0)
    return min(max(best, break_even - room), break_even + room)


def is_first_wait(activity: Activity) -> bool:
    """Whether it has been running idle since the last need, without having been off."""
    return activity.use is Stretch.IDLE and activity.quiet_at is not None and activity.since == activity.quiet_at


def first_wait(activity: Activity, at: datetime, costs: Costs) -> tuple[float, bool]:
    """(hours of the first wait up to `at` that were advised, whether it was over before); of one in its first wait."""
    assert activity.quiet_at is not None  # noqa: S101 - the callers asked
    due = wait(activity, costs).hours
    if activity.promised is not None:
        due = max(due, (activity.promised - activity.quiet_at) / _HOUR)
    spell = (at - activity.quiet_at) / _HOUR
    return min(spell, due), spell > due


def spell_odds(activity: Activity) -> tuple[float, ...]:
    """(BINS,) chances of the length of the spell that follows the present need; they sum to 1."""
    return _odds(activity.spells, place_row(activity.place))


def _odds(spells: bytes, row: int) -> tuple[float, ...]:
    counts = floats(spells)
    rows = (counts[number * BINS : (number + 1) * BINS] for number in range(PLACES))
    all_places = map(sum, zip(*rows, strict=True))
    general = _normal([before + seen for before, seen in zip(_BEFORE, all_places, strict=True)])
    here = counts[row * BINS : (row + 1) * BINS]
    return tuple(_normal([PLACE_WEIGHT * chance + seen for chance, seen in zip(general, here, strict=True)]))


def place_row(place: int) -> int:
    """Which row of `spells` a need counts for: the first after a departure, the second, 3 to 5, later ones."""
    return sum(place > border for border in (1, 2, 5)[: PLACES - 1])


def _normal(values: list[float]) -> list[float]:
    total = sum(values)
    return [value / total for value in values]


def _prefix(odds: tuple[float, ...]) -> tuple[list[float], list[float]]:
    """For each edge: hours run in spells that end before it, and the chance of those that don't."""
    stay = list(accumulate(chance * mean for chance, mean in zip(odds, _MEAN, strict=True)))
    gone = [1.0 - below for below in accumulate(odds)]
    return stay, gone


def _below(odds: tuple[float, ...], hours: float) -> tuple[float, float]:
    """(chance that a spell ends within `hours`, hours run in such spells); within a bin log(hours) is spread evenly."""
    number = bisect_right(EDGES, hours)
    chance, stay = sum(odds[:number]), sum(map(mul, odds[:number], _MEAN))
    low = EDGES[number - 1] if number else 0.0
    if number == len(EDGES) or hours <= low:
        return chance, stay
    if number == 0:
        part, mean = odds[0] * hours / EDGES[0], hours / 2
    else:
        part, mean = odds[number] * math.log(hours / low) / _LOG_STEP, (hours - low) / math.log(hours / low)
    return chance + part, stay + part * mean


def _bill(odds: tuple[float, ...], hours: float, break_even: float) -> float:
    chance, stay = _below(odds, hours)
    return stay + (1.0 - chance) * (hours + break_even)


# --- the next need ---


def hour_of_week(at: datetime, zone: str) -> int:
    """Of the hour that begins at this whole hour of UTC: 0 is Monday 00:00 in the zone, give or take half an hour."""
    local = at.astimezone(ZoneInfo(zone))
    return local.weekday() * 24 + local.hour


def chance_in_hour(activity: Activity, hour: int) -> tuple[float, float]:
    """(chance, weeks): of a need beginning in this hour of the week if it begins quiet; weeks seen so far."""
    return _chance(floats(activity.hours), hour)


_Pick = Callable[[array[float]], tuple[float, ...]]


def _alike(hour: int) -> tuple[_Pick, _Pick]:
    """Where the same hour of working days, or of the weekend, began quiet, and where a need began in it."""
    days = range(5) if hour // 24 < 5 else range(5, 7)
    places = [2 * (day * 24 + hour % 24) for day in days]
    return itemgetter(*places), itemgetter(*(place + 1 for place in places))


# A cluster that is off asks for up to a week of hours at every look.
_ALIKE = tuple(_alike(hour) for hour in range(HOURS))


def _chance(values: array[float], hour: int) -> tuple[float, float]:
    quiet, began = values[2 * hour], values[2 * hour + 1]
    nights, needs = _ALIKE[hour]
    common = sum(needs(values)) / (sum(nights(values)) + SAME_HOUR_WEIGHT)
    return (began + WEEK_WEIGHT * common) / (quiet + WEEK_WEIGHT), quiet


def next_need(
    activity: Activity, now: datetime, costs: Costs, horizon: timedelta = HORIZON
) -> tuple[datetime, float] | None:
    """Begin of the hour by which a need is more likely than not to have come, and how likely; None within `horizon`.

    Of closed days nothing is expected.
    """
    begin = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    values, first = floats(activity.hours), hour_of_week(begin, costs.zone)
    none = 1.0
    for passed in range(math.ceil((now + horizon - begin) / _HOUR)):
        if costs.holiday(begin + passed * _HOUR) is not None:
            continue
        chance, _ = _chance(values, (first + passed) % HOURS)
        none *= 1.0 - min(chance, 1.0)
        if none < 0.5:
            return begin + passed * _HOUR, 1.0 - none
    return None


def ahead(activity: Activity, now: datetime, costs: Costs, lead: timedelta) -> Ahead | None:
    """The hour to be started for by now, or the one that has begun: [begin - lead, end) holds `now`.

    Started ahead, it runs half an hour for nothing on average when the need comes, an hour and a start when it
    doesn't; not started, people wait. None where waiting is cheaper or the ledger does not cover an hour for nothing,
    and for the hours of closed days.
    """
    if activity.use not in (Stretch.OFF, Stretch.IDLE) or activity.quiet_at is None or not costs.may_start_ahead:
        return None
    spell = (now - activity.quiet_at) / _HOUR
    waited = first_wait(activity, now, costs)[0] if is_first_wait(activity) else 0.0
    owed = activity.spent + waited + costs.break_even + 1.0 + lead / _HOUR
    if activity.credit + 2 * min(spell, costs.break_even) < owed:
        return None
    begin = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    while begin - lead <= now:
        chance, weeks = chance_in_hour(activity, hour_of_week(begin, costs.zone))
        if (
            activity.quiet_at < begin
            and _pays(chance, costs)
            and costs.holiday(begin) is None
            and _pays(chance := chance * _comes_within_a_day(activity, begin, costs), costs)
        ):
            return Ahead(begin, begin + _HOUR, min(chance, 1.0), weeks)
        begin += _HOUR
    return None


def _pays(chance: float, costs: Costs) -> bool:
    return chance * (costs.waiting - WAIT_WITHIN_HOUR) > (1.0 - chance) * (1.0 + costs.starting)


def _comes_within_a_day(activity: Activity, at: datetime, costs: Costs) -> float:
    """Chance that a spell which has lasted until `at` ends within a day: the hours say when people come, this whether.

    Whoever has been away for longer than ever before is not waited for every morning; closed days are no absence.
    """
    assert activity.quiet_at is not None  # noqa: S101 - the caller asked
    spell = (at - activity.quiet_at) / _HOUR
    spell -= 24.0 * sum(costs.holiday(at - timedelta(days=ago)) is not None for ago in range(1, int(spell / 24) + 1))
    first, last = bisect_right(EDGES, spell), bisect_right(EDGES, spell + 24.0)
    if first == len(EDGES):
        return 0.0
    counts = floats(activity.spells)
    lasted = [sum(counts[number::BINS]) for number in range(first, BINS)]
    # One more that did not end: what was never seen has no chance.
    return sum(lasted[: last - first + 1]) / (sum(lasted) + 1.0)


assert HOURS == 7 * 24  # noqa: S101 - hour_of_week and the bytes agree
