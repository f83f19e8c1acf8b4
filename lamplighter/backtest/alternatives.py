"""What a policy is compared with, under the same limits: always on, a schedule, fixed idle timeouts, the clairvoyant.

None of them knows more than it would in life, except the clairvoyant, who knows every need in advance: nobody who
covers all of them can run less.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from lamplighter.backtest.history import Interval, Trace, cut, merged
from lamplighter.backtest.limits import Limits
from lamplighter.backtest.measure import Ran
from shared.policy.durations import parse_duration, show_duration
from shared.policy.schedule import Schedule, windows_between
from shared.policy.windows import parse_window

OFFICE = "Mon-Fri 08:00-20:00"
ALWAYS, WEEKDAYS, OPTIMUM = "always-on", "12x5", "optimum"
USUAL = (ALWAYS, WEEKDAYS, "10m", "30m", "60m", "2h", OPTIMUM)


@dataclass(frozen=True, slots=True)
class Alternative:
    """One way of running clusters."""

    name: str
    says: str
    """What it does, in a few words."""
    run: Callable[[Trace, Limits], Ran]
    waits: bool = True
    """Work that finds the cluster off waits for it."""


def alternative(word: str, zone: str) -> Alternative:
    """`always-on`, `12x5`, `optimum`, or a duration: an idle timeout. Raises ValueError for anything else.

    `zone` is the IANA name of the zone in which 12x5 is meant.
    """
    match word:
        case "always-on":
            return Alternative(word, "never stopped", always_on)
        case "12x5":
            return Alternative(word, f"{OFFICE} {zone}, woken by nobody", weekdays(zone), waits=False)
        case "optimum":
            return Alternative(word, "knows every need in advance", clairvoyant)
    after = parse_duration(word)
    if after < timedelta(0):
        raise ValueError(f"{word!r} is no time to wait")
    return Alternative(
        f"idle {show_duration(after)}", "that long after the last use, at once and unwarned", timeout(after)
    )


def always_on(trace: Trace, limits: Limits) -> Ran:
    del limits
    whole = ((trace.begin, trace.end),)
    return Ran(whole, whole)


def weekdays(zone: str) -> Callable[[Trace, Limits], Ran]:
    """Up at 08:00, started that much earlier; stopped at 20:00."""
    office = (Schedule(WEEKDAYS, zone, (parse_window(OFFICE),)),)

    def run(trace: Trace, limits: Limits) -> Ran:
        found = windows_between(office, _instant(trace.begin), _instant(trace.end))
        windows = [(int(one.begin.timestamp()), int(one.end.timestamp())) for one in found]
        billed = merged((begin - limits.start_takes, end + limits.stop_takes) for begin, end in windows)
        return Ran(cut(windows, trace.begin, trace.end), cut(billed, trace.begin, trace.end))

    return run


def timeout(after: timedelta) -> Callable[[Trace, Limits], Ran]:
    """Stopped so long after the last use, started when somebody needs it; the work waits for it."""
    wait = int(after.total_seconds())

    def run(trace: Trace, limits: Limits) -> Ran:
        up: list[Interval] = []
        billed: list[Interval] = []
        since = started = trace.begin
        quiet = trace.begin
        for begin, end in trace.busy:
            if begin >= quiet + wait:
                stop = quiet + wait
                up.append((since, stop))
                billed.append((started, stop + limits.stop_takes))
                started = max(begin, stop + limits.stop_takes + limits.rest)
                since = started + limits.start_takes
            quiet = max(quiet, max(begin, since) + end - begin)
        stop = quiet + wait
        up.append((since, stop))
        billed.append((started, stop + limits.stop_takes))
        return Ran(cut(up, trace.begin, trace.end), cut(billed, trace.begin, trace.end))

    return run


def clairvoyant(trace: Trace, limits: Limits, saving: int = 0) -> Ran:
    """Up exactly when needed, and through every gap in which a stop is not possible or saves no more than `saving`."""
    overhead = limits.start_takes + limits.stop_takes
    spans = [(trace.begin, trace.begin)]
    for begin, end in trace.busy:
        since, at = spans[-1]
        if begin - at > overhead + saving and begin - at >= overhead + limits.rest:
            spans.append((begin, end))
        else:
            spans[-1] = since, end
    since, at = spans[-1]
    if trace.end - at <= limits.stop_takes + saving:
        spans[-1] = since, trace.end
    first, *later = spans
    billed = [(first[0], first[1] + limits.stop_takes)]
    billed += [(begin - limits.start_takes, end + limits.stop_takes) for begin, end in later]
    return Ran(merged(spans), cut(billed, trace.begin, trace.end))


def _instant(at: int) -> datetime:
    return datetime.fromtimestamp(at, UTC)
