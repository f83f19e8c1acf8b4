"""The policies that `idle.py` compares, and what one user costs under one of them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

sys.path.insert(0, str(Path(__file__).parents[1]))

from idle_usage import User

from shared.model.activity import Activity, Stretch
from shared.policy import foresight, learning

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Costs:
    stop: float = 0.1
    cold: float = 0.4

    @property
    def break_even(self) -> float:
        return self.stop + self.cold


@dataclass
class Bill:
    on: float = 0.0
    stops: int = 0
    cold: int = 0
    late: list[float] = field(default_factory=list)
    """Minutes, one for each need that found it off."""

    def cost(self, costs: Costs) -> float:
        return self.on + costs.stop * self.stops + costs.cold * self.cold


# A policy is made anew for each user. It is told when the cluster became quiet, and yields the stretches of the quiet
# spell in which it would run, hours from the begin of the spell, in order, without knowing how long the spell will be.
# Then it is told the length.
class Policy:
    def __init__(self, user: User) -> None:
        self.user = user

    def stretches(self, quiet: float) -> Iterator[tuple[float, float]]:
        """None unless a policy says so: off as soon as it is quiet."""
        del quiet
        return iter(())

    def ended(self, quiet: float, gap: float, ran: Sequence[tuple[float, float]]) -> None:
        """The spell ended after `gap`; `ran` is what was run of it."""


class Fixed(Policy):
    def __init__(self, user: User, wait: float) -> None:
        super().__init__(user)
        self.wait = wait

    def stretches(self, _quiet: float) -> Iterator[tuple[float, float]]:
        yield 0.0, self.wait


class Others(Policy):
    """The fixed wait that is cheapest for all other gaps of the user, earlier and later: what knowing one's habits to
    the full is worth, without knowing the gap itself."""

    def __init__(self, user: User, waits: Sequence[float], costs: Costs) -> None:
        super().__init__(user)
        self.waits, self.next = waits, 0
        self.bills = [[gap if gap <= wait else wait + costs.break_even for wait in waits] for gap in user.gaps]
        self.sums = [sum(column) for column in zip(*self.bills, strict=True)]

    def stretches(self, _quiet: float) -> Iterator[tuple[float, float]]:
        others = [total - own for total, own in zip(self.sums, self.bills[self.next], strict=True)]
        yield 0.0, self.waits[others.index(min(others))]

    def ended(self, _quiet: float, _gap: float, _ran: Sequence[tuple[float, float]]) -> None:
        self.next += 1


class Always(Policy):
    def stretches(self, _quiet: float) -> Iterator[tuple[float, float]]:
        yield 0.0, float("inf")


class Office(Policy):
    """On Mon-Fri 8 to 20 local time, and on demand outside."""

    def stretches(self, quiet: float) -> Iterator[tuple[float, float]]:
        zone = ZoneInfo(self.user.zone)
        begun = self.user.at(quiet)
        day = begun.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
        first = True
        while True:
            if day.weekday() < 5:
                begin = (day.replace(hour=8).astimezone(UTC) - begun) / HOUR
                end = (day.replace(hour=20).astimezone(UTC) - begun) / HOUR
                if end > 0:
                    if first and begin > 0:
                        yield 0.0, 0.0
                    yield max(begin, 0.0), end
                    first = False
            elif first:
                yield 0.0, 0.0
                first = False
            day = (day + timedelta(days=1)).replace(tzinfo=None).replace(tzinfo=zone)


class Hybrid(Policy):
    """The hybrid histogram of Shahrad et al., USENIX ATC 2020, section 4.2, without its ARIMA branch: 1-minute bins up
    to 4 hours; off until 90 % of the 5th percentile, on until 110 % of the 99th; on for 4 hours where the histogram is
    not representative (CV of its bins under 2) or most spells lie outside it."""

    RANGE = 240

    def __init__(self, user: User) -> None:
        super().__init__(user)
        self.bins = [0] * self.RANGE
        self.outside = 0

    def stretches(self, _quiet: float) -> Iterator[tuple[float, float]]:
        inside = sum(self.bins)
        average = inside / self.RANGE
        spread = (sum((count - average) ** 2 for count in self.bins) / self.RANGE) ** 0.5
        if not inside or self.outside > inside or spread < 2 * average:
            yield 0.0, self.RANGE / 60
            return
        warm, keep = self._percentile(0.05) * 0.9 / 60, (self._percentile(0.99) + 1) * 1.1 / 60
        if warm < 1 / 60:
            yield 0.0, keep
        else:
            yield 0.0, 0.0
            yield warm, keep

    def _percentile(self, share: float) -> int:
        below, target = 0, share * sum(self.bins)
        for number, count in enumerate(self.bins):
            below += count
            if below >= target and count:
                return number
        return self.RANGE - 1

    def ended(self, _quiet: float, gap: float, _ran: Sequence[tuple[float, float]]) -> None:
        minutes = int(gap * 60)
        if minutes < self.RANGE:
            self.bins[minutes] += 1
        else:
            self.outside += 1


class Ours(Policy):
    def __init__(self, user: User, costs: Costs, longest: float = 2.0) -> None:
        super().__init__(user)
        self.costs = foresight.Costs(costs.stop, costs.cold, longest, user.zone)
        begin, end = user.busy[0]
        self.activity = self._seen(Activity(), begin, end, Stretch.ACTIVE)
        self.next = 1

    def _seen(self, activity: Activity, begin: float, end: float, use: Stretch) -> Activity:
        return learning.observe(activity, self.user.at(begin), self.user.at(end), use, self.costs)

    def stretches(self, quiet: float) -> Iterator[tuple[float, float]]:
        activity = self.activity
        wait = foresight.wait(activity, self.costs).hours
        if activity.promised is not None:
            wait = max(wait, (activity.promised - self.user.at(quiet)) / HOUR)
        yield 0.0, wait
        activity = self._seen(activity, quiet, quiet + wait, Stretch.IDLE)
        at = wait
        while at < 24 * 14:
            now = self.user.at(quiet + at)
            hour = foresight.ahead(activity, now, self.costs, timedelta(0))
            if hour is None:
                at += ((now.replace(minute=0, second=0, microsecond=0) + HOUR) - now) / HOUR
                continue
            until = (hour.end - self.user.at(quiet)) / HOUR
            activity = self._seen(activity, quiet + at, quiet + at, Stretch.OFF)
            yield at, until
            activity = self._seen(activity, quiet + at, quiet + until, Stretch.IDLE)
            activity = self._seen(activity, quiet + until, quiet + until, Stretch.OFF)
            at = until

    def ended(self, quiet: float, gap: float, ran: Sequence[tuple[float, float]]) -> None:
        activity, at = self.activity, 0.0
        for begin, end in ran:
            if begin > at:
                activity = self._seen(activity, quiet + at, quiet + begin, Stretch.OFF)
            activity = self._seen(activity, quiet + begin, quiet + end, Stretch.IDLE)
            at = end
        if at < gap:
            activity = self._seen(activity, quiet + at, quiet + gap, Stretch.OFF)
        begin, end = self.user.busy[self.next]
        self.activity = self._seen(activity, begin, end, Stretch.ACTIVE)
        self.next += 1


Maker = Callable[[User], Policy]


def play(user: User, make: Maker, dwell: float = 0.0, start: float = 0.0) -> Bill:
    """The bill of one user under one policy. `dwell` and `start` in hours; both 0 is the world of the first table."""
    policy, bill = make(user), Bill(on=user.busy_hours)
    up_since = user.busy[0][0]
    for (_, quiet), gap in zip(user.busy, user.gaps, strict=False):
        ran = _run(policy, quiet, gap, (up_since + dwell - quiet, dwell, start))
        bill.on += sum(end - begin for begin, end in ran)
        found_on = ran[-1][1] >= gap
        bill.stops += len(ran) - found_on
        up_since = quiet + ran[-1][0] if len(ran) > 1 else up_since
        ready = gap if len(ran) == 1 else ran[-1][0] + start
        if not found_on:
            bill.cold += 1
            begin = max(gap, ran[-1][1] + dwell)
            up_since, ready = quiet + begin, begin + start
        if ready > gap:
            bill.late.append((ready - gap) * 60)
        policy.ended(quiet, gap, ran)
    return bill


def _run(policy: Policy, quiet: float, gap: float, limits: tuple[float, float, float]) -> list[tuple[float, float]]:
    """What is run of a spell: what the policy wants, within the dwell times, cut off where the need begins."""
    least, dwell, start = limits
    ran: list[tuple[float, float]] = []
    for begin, end in policy.stretches(quiet):
        first = max(begin - start, ran[-1][1] + dwell) if ran else 0.0
        if first >= gap and ran:
            break
        last = max(end, first + dwell if ran else least)
        ran.append((first, min(last, gap)))
        if last >= gap:
            break
    return ran
