"""The fold that learns: what was seen of a cluster's use turns an Activity into the next one. Pure.

`noted` takes what a tick knows, `observe` one stretch of time. Time that nobody saw is unknown: nothing is learned from
it and no idle clock runs through it. Only the past goes in, so no future value can change a decision.
"""

from __future__ import annotations

from bisect import bisect_left
from datetime import UTC, datetime, timedelta

from shared.model.activity import BINS, EDGES, Activity, Stretch, floats
from shared.model.altering import altered
from shared.model.signals import Signal, Use
from shared.policy.foresight import Costs, first_wait, hour_of_week, is_first_wait, place_row, wait

FORGET_DAYS = 28.0
"""After so many quiet days a spell counts half; after so many, an hour of the week has come four times."""
RECORD_EVERY = timedelta(minutes=10)
"""A use that does not change is written this often; signals reach back that far and a tick more."""
NOTICED_WITHIN = timedelta(minutes=30)
"""From the last record of a running cluster until a stop is noticed: RECORD_EVERY, a stop's time, two ticks."""
LONGEST_WALK = timedelta(days=28)
_HOUR = timedelta(hours=1)
_WEEK_FADE = 0.5 ** (7 / FORGET_DAYS)


def noted(activity: Activity | None, signal: Signal | None, now: datetime, costs: Costs) -> Activity | None:
    """The activity after a tick's look at a running cluster; the same object where nothing tells.

    `signal` None, or of unknown use: what it missed is unknown once a later signal does not reach back to it.
    """
    if signal is None or signal.use is Use.UNKNOWN or signal.end > now or signal.begin >= signal.end:
        return activity
    known = activity or Activity()
    if known.through is not None and signal.end <= known.through:
        return activity
    after = known
    for begin, end, use in _pieces(signal):
        after = observe(after, begin, end, use, costs)
    still = after.use is known.use and after.since == known.since
    return activity if still and known.through and signal.end - known.through < RECORD_EVERY else after


def _pieces(signal: Signal) -> tuple[tuple[datetime, datetime, Stretch], ...]:
    if signal.use is Use.IDLE:
        return ((signal.begin, signal.end, Stretch.IDLE),)
    quiet = min(max(signal.quiet_at or signal.end, signal.begin), signal.end)
    both = ((signal.begin, quiet, Stretch.ACTIVE), (quiet, signal.end, Stretch.IDLE))
    return tuple(piece for piece in both if piece[0] < piece[1])


def stopped(activity: Activity | None, since: datetime, costs: Costs) -> Activity | None:
    """The activity of a cluster that is off since then; nothing is learned of one that was never seen in use.

    A stop is noticed some minutes after it began, and what was seen last was not written every time: a gap that short
    is no unknown time, else no spell that ends in a stop would ever be learned.
    """
    if activity is None or activity.use is Stretch.OFF:
        return activity
    begin = since if activity.through is None else max(since, activity.through)
    if activity.through is not None and begin - activity.through <= NOTICED_WITHIN:
        begin = activity.through
    return observe(activity, begin, begin, Stretch.OFF, costs)


def started(
    activity: Activity | None, at: datetime, costs: Costs, *, needed: bool, asked_at: datetime | None = None
) -> Activity | None:
    """The activity of a cluster that was off and runs since `at`; `needed`: because somebody wanted it, not ahead.

    The need began when somebody asked, where that is known: a rest and a start later it would look like a longer spell.
    """
    if activity is None or activity.use is not Stretch.OFF or activity.through is None:
        return activity
    up = max(at, activity.through)
    begun = up if asked_at is None else min(max(asked_at, activity.through), up)
    off = observe(activity, activity.through, begun if needed else up, Stretch.OFF, costs)
    if not needed:
        return _turned(off, up, Stretch.IDLE, costs)
    return observe(_turned(off, begun, Stretch.ACTIVE, costs), begun, up, Stretch.ACTIVE, costs)


def observe(activity: Activity, begin: datetime, end: datetime, use: Stretch, costs: Costs) -> Activity:
    """The activity after [begin, end) was seen to be used like that. Time seen before is passed over."""
    through = activity.through
    if through is not None and begin < through:
        begin = through
        if end <= begin:
            return activity
    if through is not None and begin > through and activity.use is not Stretch.OFF:
        activity = _turned(activity, through, Stretch.UNKNOWN, costs)
    if activity.use is not use:
        activity = _turned(activity, begin, use, costs)
    ran = (end - begin) / _HOUR
    # The first wait of a spell is paid for when the spell or the wait ends, see `_waited`.
    ahead = use is Stretch.IDLE and activity.quiet_at is not None and not is_first_wait(activity)
    return altered(
        activity,
        through=end,
        first_at=activity.first_at or begin,
        # An hour in use is one the clairvoyant pays too: twice his, less ours.
        credit=activity.credit + ran if use is Stretch.ACTIVE else activity.credit,
        spent=activity.spent + ran if ahead else activity.spent,
    )


def _waited(activity: Activity, at: datetime, use: Stretch, costs: Costs) -> Activity:
    """At the end of the first wait of a spell, `at`: what it cost by the advice.

    The ledger is about advice: where people, guards or a rule that only plans keep a cluster on for longer, that is not
    on its bill; the stop and the start that it would have advised are.
    """
    if not is_first_wait(activity):
        return activity
    hours, over = first_wait(activity, at, costs)
    more = 0.0 if not over or use is Stretch.OFF else costs.starting
    more += costs.waiting if over and use is Stretch.ACTIVE else 0.0
    return altered(activity, spent=activity.spent + hours + more)


def _turned(activity: Activity, at: datetime, use: Stretch, costs: Costs) -> Activity:
    """From one use to another at that instant."""
    before, activity = activity.use, _waited(activity, at, use, costs)
    if use is Stretch.ACTIVE:
        activity = _needed(activity, at, costs)
    elif use is Stretch.UNKNOWN:
        activity = altered(_settled(activity, at, costs), quiet_at=None, promised=None, place=0)
    elif before is Stretch.ACTIVE:
        activity = altered(activity, quiet_at=at)
    if use is Stretch.OFF and before in (Stretch.ACTIVE, Stretch.IDLE) and activity.quiet_at is not None:
        activity = altered(activity, spent=activity.spent + costs.starting)
    return altered(activity, use=use, since=at, through=max(at, activity.through or at))


def _settled(activity: Activity, at: datetime, costs: Costs) -> Activity:
    """The spell that ends at `at` entered in the ledger."""
    if activity.quiet_at is None:
        return altered(activity, spent=0.0)
    spell = (at - activity.quiet_at) / _HOUR
    credit = activity.credit + 2 * min(spell, costs.break_even) - activity.spent
    return altered(activity, credit=credit, spent=0.0)


def _needed(activity: Activity, at: datetime, costs: Costs) -> Activity:
    """A need begins: the quiet spell is over, and what it was like is learned."""
    quiet_at = activity.quiet_at
    if quiet_at is None:
        return altered(activity, place=1, spent=0.0)
    if activity.use is Stretch.OFF:
        activity = altered(activity, spent=activity.spent + costs.waiting)
    spell = (at - quiet_at) / _HOUR
    due = quiet_at + _HOUR * wait(activity, costs).hours
    promised = max(due, activity.promised or due)
    departed = spell > costs.break_even
    return altered(
        _settled(activity, at, costs),
        quiet_at=None,
        promised=promised if promised > at else None,
        place=1 if departed else activity.place + 1,
        departures=activity.departures + departed,
        spells=_with_spell(activity, spell),
        hours=_with_hours(activity.hours, quiet_at, at, costs),
    )


def _with_spell(activity: Activity, spell: float) -> bytes:
    counts = floats(activity.spells)
    fade = 0.5 ** (spell / 24 / FORGET_DAYS)
    for number, count in enumerate(counts):
        counts[number] = count * fade
    counts[place_row(activity.place) * BINS + bisect_left(EDGES, spell)] += 1.0
    return counts.tobytes()


def _with_hours(hours: bytes, quiet_at: datetime, at: datetime, costs: Costs) -> bytes:
    """Each hour that began within the spell began quiet; in the last of them the need came. Closed days teach nothing:
    neither does their silence make the weekday's hours less likely, nor does work on them make those more likely.
    """
    begin = at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    if begin < quiet_at:
        return hours
    values, came = floats(hours), 1.0
    earliest = max(quiet_at, at - LONGEST_WALK)
    while begin >= earliest:
        if costs.holiday(begin) is None:
            cell = 2 * hour_of_week(begin, costs.zone)
            values[cell] = values[cell] * _WEEK_FADE + 1.0
            values[cell + 1] = values[cell + 1] * _WEEK_FADE + came
        begin, came = begin - _HOUR, 0.0
    return values.tobytes()
