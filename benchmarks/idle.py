"""Idle clusters: what each policy costs on real and synthetic usage, beside a clairvoyant.

    .venv/bin/python benchmarks/idle.py [--data FOLDER] [--cross] [--stop 6m] [--waiting 24m] [--json]

Each user of a job log is a cluster, needed while one of their jobs runs; jobs under a minute count as one, users with
fewer than 20 busy periods are left out. The bill, in hours of the running cluster, from the first need to the end of
the last:

    J = hours on + 0.1 x stops + 0.4 x cold starts        optimum = busy hours + min(gap, 0.1) for each gap

`cold` is the mean over users of cold starts a day, each over their own days; p90 is the value below which nine tenths
of the users, rounded down, lie. `worst` is the largest J beside that of the break-even rule. The first table starts
and stops in no time. The second keeps every start up and every stop down for 30 minutes, and counts how late the
cluster is ready where it was off.

Without the logs (--data, or $LAMPLIGHTER_REFERENCE/data/usage) the synthetic trace in benchmarks/data is taken.
"This gap unknown" chooses among the same seven by all other gaps of the user, later ones too: what the hindsight line
is worth to somebody who knows all habits and not the next gap.
`ours` learns with the code of the rule, `shared.policy.learning` and `foresight`, from nothing, for each user anew.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean, median

from idle_policies import HOUR, Always, Costs, Fixed, Hybrid, Maker, Office, Others, Ours, play
from idle_usage import User, usage

from shared.policy import foresight
from shared.policy.durations import parse_duration

FIXED = tuple(minutes / 60 for minutes in (0, 5, 10, 15, 30, 60, 120))
DWELL = 0.5
START = 5 / 60


def optimum(user: User, costs: Costs) -> float:
    """The clairvoyant runs through gaps shorter than a stop costs, stops in the others and is back in time."""
    return user.busy_hours + sum(min(gap, costs.stop) for gap in user.gaps)


def hindsight(user: User, waits: Sequence[float], costs: Costs) -> Maker:
    """The fixed wait that would have been cheapest for this user."""
    best = min(waits, key=lambda wait: play(user, lambda one: Fixed(one, wait)).cost(costs))
    return lambda one: Fixed(one, best)


def policies(costs: Costs) -> dict[str, Callable[[User], Maker]]:
    """Name -> user -> how the policy is made; only hindsight looks at the user first."""
    wait = costs.break_even
    return {
        "always on": lambda _: Always,
        "12x5 schedule": lambda _: Office,
        "hybrid histogram": lambda _: Hybrid,
        f"fixed {wait * 60:.0f}m (break-even)": lambda _: lambda one: Fixed(one, wait),
        "best fixed of 7, hindsight": lambda user: hindsight(user, FIXED, costs),
        "the same, this gap unknown": lambda _: lambda one: Others(one, FIXED, costs),
        "best fixed of all, hindsight": lambda user: hindsight(user, sorted({0.0, *user.gaps}), costs),
        "ours": lambda _: lambda one: Ours(one, costs),
    }


def p90(values: Sequence[float]) -> float:
    return sorted(values)[max(0, int(0.9 * len(values)) - 1)]


def figures(users: Sequence[User], make: Callable[[User], Maker], costs: Costs, **world: float) -> dict[str, float]:
    even = [play(user, lambda one: Fixed(one, costs.break_even), **world).cost(costs) for user in users]
    bills = [play(user, make(user), **world) for user in users]
    ratios = [bill.cost(costs) / optimum(user, costs) for user, bill in zip(users, bills, strict=True)]
    late = [minutes for bill in bills for minutes in bill.late]
    return {
        "median": median(ratios),
        "p90": p90(ratios),
        "mean": mean(ratios),
        "cold": mean(bill.cold / user.days for user, bill in zip(users, bills, strict=True)),
        "cold_all": sum(bill.cold for bill in bills) / sum(user.days for user in users),
        "on": sum(bill.on for bill in bills) / sum(user.days * 24 for user in users),
        "worst": max(bill.cost(costs) / plain for bill, plain in zip(bills, even, strict=True)),
        "late_day": sum(late) / sum(user.days for user in users),
        "late_p90": p90(late) if late else 0.0,
    }


HEADER = f"{'':30}{'J/opt median':>13}{'p90':>9}{'mean':>9}{'cold/day':>10}{'all':>7}{'on':>7}{'worst':>8}"


def row(name: str, one: dict[str, float], *, late: bool) -> str:
    text = f"{name:30}{one['median']:13.3f}{one['p90']:9.3f}{one['mean']:9.3f}{one['cold']:10.3f}{one['cold_all']:7.3f}"
    text += f"{one['on']:7.1%}{one['worst']:8.2f}"
    return text + (f"{one['late_day']:10.2f}{one['late_p90']:8.1f}" if late else "")


def table(users: Sequence[User], costs: Costs, world: dict[str, float]) -> dict[str, dict[str, float]]:
    late = bool(world)
    print(HEADER + (f"{'late m/day':>12}{'p90 m':>7}" if late else ""))
    result = {}
    for name, make in policies(costs).items():
        result[name] = figures(users, make, costs, **world)
        print(row(name, result[name], late=late))
    return result


# --- cross-validation of three weights of the learning code ---

WEIGHTS = [
    {"PRIOR_WEIGHT": prior, "PLACE_WEIGHT": place, "SAME": same}
    for prior in (4.0, 8.0, 16.0)
    for place in (20.0, 40.0, 80.0)
    for same in (0.02, 0.04, 0.06)
]


def cross(users: Sequence[User], costs: Costs) -> None:
    """Weights fitted on one half of the users, by the mean of J/opt, and reported on the other, both ways."""
    shipped = {name: getattr(foresight, name) for name in WEIGHTS[0]}
    make = policies(costs)["ours"]
    scores: list[dict[str, float]] = []
    for weights in WEIGHTS:
        _set(weights)
        scores.append({u.name: play(u, make(u)).cost(costs) / optimum(u, costs) for u in users})
    for number in (0, 1):
        fit, held = users[number::2], users[1 - number :: 2]
        best = min(range(len(WEIGHTS)), key=lambda one: mean(scores[one][user.name] for user in fit))
        for title, weights in ((f"fitted {WEIGHTS[best]}", WEIGHTS[best]), (f"shipped {shipped}", shipped)):
            _set(weights)
            print(f"half {number}, {title}")
            print(row("  ours, the fitted half", figures(fit, make, costs), late=False))
            print(row("  ours, the other half", figures(held, make, costs), late=False))
        _set(shipped)
        line = policies(costs)["best fixed of 7, hindsight"]
        print(row("  hindsight, the other half", figures(held, line, costs), late=False))


def _set(weights: dict[str, float]) -> None:
    for name, value in weights.items():
        setattr(foresight, name, value)


def main() -> None:
    named = os.environ.get("LAMPLIGHTER_REFERENCE")
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, default=Path(named) / "data" / "usage" if named else None)
    parser.add_argument("--cross", action="store_true", help="also fit the weights on half of the users")
    parser.add_argument("--stop", default="6m", help="what a stop and a start cost")
    parser.add_argument("--waiting", default="24m", help="what a cold start costs beside that")
    parser.add_argument("--json", action="store_true", help="figures as JSON")
    given = parser.parse_args()
    costs = Costs(parse_duration(given.stop) / HOUR, parse_duration(given.waiting) / HOUR)
    output: dict[str, dict[str, dict[str, dict[str, float]]]] = {}
    for name, users in usage(given.data).items():
        periods = sum(len(user.busy) for user in users)
        print(f"\n{name}: {len(users)} clusters, {periods} busy periods; starts and stops in no time")
        first = table(users, costs, {})
        print(f"{name}: 30 minutes of dwell, ready {START * 60:.0f} minutes after a start")
        second = table(users, costs, {"dwell": DWELL, "start": START})
        output[name] = {"ideal": first, "dwell": second}
        if given.cross:
            print(HEADER)
            cross(users, costs)
    if given.json:
        print(json.dumps(output, indent=1))


if __name__ == "__main__":
    main()
