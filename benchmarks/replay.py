"""A backtest of a hundred clusters over 90 days, as a ratio to the deciding that it cannot do without.

    .venv/bin/python benchmarks/replay.py [--quick] [--clusters 100] [--days 90]

The histories are drawn here, the same ones each time: `office`, two needs on each working day, and `busy`, one to eight
of them and some at weekends. The policy is what `lamplighter backtest` takes by itself: idle, with learned hours.
`shared` is `busy` with a stop budget of the environment, a quarter of its clusters an hour.

floor    What is done was decided twice, by a tick and by `act`: so many calls of `decide`, one after the other, on a
         settled cluster that has learned. No queue of events, no signals, no learning, no fleet, no claim.
replay   The engine over the history: whoever is looked at is learned from, decided about and admitted; what is admitted
         is decided again, claimed, done and settled; and each look says when the next may see something else.
looks    How often that was, and how often it would be if every cluster were looked at in every tick.

CPU is what this process used, so that it says much the same on a machine that is busy with other things.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from lamplighter.backtest import replay as engine  # noqa: E402 - a script puts its project on the path first
from lamplighter.backtest.history import DAY, History, Interval, Trace, history, history_cluster, merged  # noqa: E402
from lamplighter.backtest.limits import MINUTE, Limits  # noqa: E402
from lamplighter.backtest.standard import standard_policy, standard_text  # noqa: E402
from shared.model.facts import Fact, Need, View  # noqa: E402
from shared.model.memory import Memory  # noqa: E402
from shared.model.signals import Signal, Use  # noqa: E402
from shared.policy import remember  # noqa: E402
from shared.policy.decide import decide  # noqa: E402
from shared.policy.document import Policy, read_policy  # noqa: E402
from shared.policy.rules import learn  # noqa: E402
from shared.policy.voices import owner_of  # noqa: E402

BEGIN = int(datetime(2026, 1, 5, tzinfo=UTC).timestamp())
SECONDS = 60
"""Aim for a hundred clusters and 90 days."""
FULL = (100, 90)
QUICK = (10, 14)


@dataclass(frozen=True)
class Line:
    needs: int
    done: int
    looks: int
    ticks: int
    cpu: float
    floor: float


def office(random_: random.Random, day: int) -> list[Interval]:
    """A morning and an afternoon of each working day."""
    if day % 7 > 4:
        return []
    morning, noon = 8 * 60 + random_.randint(-40, 40), 13 * 60 + random_.randint(-20, 20)
    return [(morning, morning + random_.randint(120, 220)), (noon, noon + random_.randint(120, 280))]


def busy(random_: random.Random, day: int) -> list[Interval]:
    """One to eight needs of minutes to hours, minutes to hours apart; four of five weekend days are free."""
    if day % 7 > 4 and random_.random() < 0.8:
        return []
    needs, at = [], random_.randint(7 * 60, 10 * 60)
    for _ in range(random_.randint(1, 8)):
        end = at + random_.choice((2, 5, 20, 60, 120))
        needs.append((at, end))
        at = end + random_.choice((3, 10, 40, 90, 150))
    return needs


def drawn(needs: Callable[[random.Random, int], list[Interval]], clusters: int, days: int) -> History:
    random_ = random.Random(20261128)
    traces = []
    for number in range(clusters):
        spans = [(day, span) for day in range(days) for span in needs(random_, day)]
        begins = [(BEGIN + day * DAY + random_.randrange(MINUTE), span) for day, span in spans]
        end = BEGIN + days * DAY
        busy_ = merged((at + one * MINUTE, min(at + other * MINUTE, end)) for at, (one, other) in begins)
        traces.append(Trace(history_cluster(f"c{number:03}"), BEGIN, end, busy_))
    return history("drawn", traces)


def shared() -> Policy:
    match = 'match: {names: ["*"]}'
    text = standard_text("idle", "UTC").replace(match, f"{match}, guards: {{stops: {{at_most: 25%, within: 1h}}}}")
    return read_policy(text, "standard idle, with a budget")


def measured(told: History, policy: Policy) -> Line:
    looks, real = [0], engine.look

    def counting(*args, **kwargs):
        looks[0] += 1
        return real(*args, **kwargs)

    engine.look = counting
    begun = time.process_time()
    lived = engine.replay(told, policy)
    cpu = time.process_time() - begun
    engine.look = real
    done = sum(len(each.done) for each in lived)
    needs = sum(len(trace.busy) for trace in told.traces)
    ticks = sum((trace.end - trace.begin) // Limits().tick for trace in told.traces)
    return Line(needs, done, looks[0], ticks, cpu, deciding(told.traces[0], 2 * done))


def deciding(trace: Trace, times: int) -> float:
    """CPU seconds of so many decisions, half of them about a cluster in use and half about one that has been idle."""
    policy = standard_policy("idle", "UTC")
    owner = owner_of(trace.cluster, policy)
    begin, last = trace.busy[0][0], trace.busy[0][0] + 4 * 3600
    views = []
    memory = Memory(trace.cluster.id)
    for at in range(begin, last + 1, 10 * MINUTE):
        now, before = datetime.fromtimestamp(at, UTC), datetime.fromtimestamp(at - 10 * MINUTE, UTC)
        use = Use.ACTIVE if at < begin + 7200 else Use.IDLE
        seen = Fact(Signal(use, before, now, now if use is Use.ACTIVE else None, "somebody works on it"), now)
        memory = remember.observe(memory, trace.cluster, owner.rules, now)
        view = View(trace.cluster, memory, {Need.ACTIVITY: seen})
        views.append((view.with_memory(learn(view, owner.rules, now)), now))
        memory = views[-1][0].memory
    used, idle = views[6], views[-1]
    begun = time.process_time()
    for number in range(times):
        view, now = (used, idle)[number % 2]
        decide(view, policy, now, owner)
    return time.process_time() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description="A backtest, as a ratio to the deciding alone.")
    parser.add_argument("--clusters", type=int, default=FULL[0])
    parser.add_argument("--days", type=int, default=FULL[1])
    parser.add_argument("--quick", action="store_true", help=f"{QUICK[0]} clusters, {QUICK[1]} days")
    chosen = parser.parse_args()
    clusters, days = QUICK if chosen.quick else (chosen.clusters, chosen.days)

    print(f"Python {sys.version.split()[0]}; {clusters} clusters, {days} days; x is the ratio to the floor\n")
    print(
        f"{'':<8}{'needs':>8}{'done':>8}{'looks':>9}{'of ticks':>11}{'floor s':>9}{'CPU s':>8}{'x':>6}{'us a look':>11}"
    )
    found = {}
    plain = standard_policy("idle", "UTC")
    for name, needs, policy in (("office", office, plain), ("busy", busy, plain), ("shared", busy, shared())):
        print(f"replaying {name} ...", file=sys.stderr, flush=True)
        line = found[name] = measured(drawn(needs, clusters, days), policy)
        print(
            f"{name:<8}{line.needs:>8,}{line.done:>8,}{line.looks:>9,}{line.ticks:>11,}{line.floor:>9.2f}{line.cpu:>8.2f}"
            f"{line.cpu / line.floor:>6.1f}{1e6 * line.cpu / line.looks:>11.0f}",
            flush=True,
        )
    if (clusters, days) == FULL:
        print("\nAims")
        for name, line in found.items():
            aim = f"{name}: {clusters} clusters, {days} days in under {SECONDS} s of CPU"
            print(f"  {aim:<58}{line.cpu:>7.1f} s  {'met' if line.cpu < SECONDS else 'MISSED'}")
    print(f"\nLoad average {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors at the end.")


if __name__ == "__main__":
    main()
