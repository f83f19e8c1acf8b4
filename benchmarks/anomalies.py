"""One-day cost anomalies caught at a fixed number of alerts, next to a z-score and weekday quartiles.

Protocol: the threshold of each detector is set so that the untouched series alerts on 3 % of its days (about one a
month); then one day at a time is multiplied and the share that is caught is its recall. All detectors see the past.

    python benchmarks/anomalies.py --data binder/mybinder_binder_prod_daily_cost.csv
"""

from __future__ import annotations

import argparse
import csv
import math
import os
import random
import sys
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path
from statistics import mean, median, pstdev, quantiles

from shared.costs.anomalies import score as ours

Detector = Callable[[Sequence[date], Sequence[float], int], float | None]
WARM_UP = 56
FACTORS = (1.2, 1.3, 1.5, 2.0)


def z_score(_days: Sequence[date], amounts: Sequence[float], index: int) -> float | None:
    past = amounts[max(0, index - 28) : index]
    return None if len(past) < 14 else (amounts[index] - mean(past)) / (pstdev(past) or 1.0)


def weekday_quartiles(days: Sequence[date], amounts: Sequence[float], index: int) -> float | None:
    past = range(max(0, index - 56), index)
    same = [amounts[i] for i in past if days[i].weekday() == days[index].weekday()]
    if len(same) < 4:
        return None
    rest = [amounts[i] - mean(amounts[j] for j in past if days[j].weekday() == days[i].weekday()) for i in past]
    tenths = quantiles(rest, n=10)
    return (amounts[index] - mean(same) - tenths[-1]) / ((tenths[-1] - tenths[0]) or 1.0)


def last_days(_days: Sequence[date], amounts: Sequence[float], index: int) -> float | None:
    past = amounts[max(0, index - 3) : index]
    return None if len(past) < 3 or amounts[index] <= 0 else math.log(amounts[index] / median(past))


DETECTORS: dict[str, Detector] = {
    "z-score, 28 days": z_score,
    "weekday mean + 10-90 % range": weekday_quartiles,
    "ratio to the last three days": last_days,
    "ours": ours,
}


def threshold(detector: Detector, days: Sequence[date], amounts: Sequence[float], share: float) -> float:
    scores = [s for i in range(WARM_UP, len(amounts)) if (s := detector(days, amounts, i)) is not None]
    return sorted(scores, reverse=True)[int(len(scores) * share)]


def recall(detector: Detector, days: Sequence[date], amounts: list[float], factor: float, limit: float) -> float:
    chosen = random.Random(7).sample(range(WARM_UP, len(amounts)), min(200, len(amounts) - WARM_UP))
    caught = 0
    for i in chosen:
        changed = [*amounts[:i], amounts[i] * factor, *amounts[i + 1 :]]
        value = detector(days, changed, i)
        caught += value is not None and value > limit
    return caught / len(chosen)


def read(path: Path) -> tuple[list[date], list[float]]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    return [date.fromisoformat(row[0][:10]) for row in rows], [float(row[1]) for row in rows]


def synthetic() -> tuple[list[date], list[float]]:
    """For those without the data: a weekly rhythm, a slow drift, noise, a lag and two real bumps."""
    noise = random.Random(3)
    days = [date(2026, 1, 1) + timedelta(days=i) for i in range(420)]
    amounts = [
        (100 + i / 10) * (0.8 if day.weekday() >= 5 else 1.0) * math.exp(noise.gauss(0, 0.09))
        for i, day in enumerate(days)
    ]
    amounts[100], amounts[101] = amounts[100] * 0.2, amounts[101] * 1.8
    amounts[220] *= 2.4
    return days, amounts


def main() -> int:
    reference = os.environ.get("LAMPLIGHTER_REFERENCE")
    usual = Path(reference, "data/binder/mybinder_binder_prod_daily_cost.csv") if reference else None
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=usual, help="CSV of date,amount; without it a synthetic series")
    chosen = parser.parse_args()
    if chosen.data is not None and not chosen.data.is_file():
        print(f"{chosen.data} is no file; expected a CSV of date,amount", file=sys.stderr)
        return 2
    days, amounts = read(chosen.data) if chosen.data else synthetic()
    print(f"{chosen.data.name if chosen.data else 'synthetic series'}: {len(days)} days, recall at two alert rates\n")
    print(f"{'detector':32}" + "".join(f"{'x' + str(f):>8}" for f in FACTORS) + "   alerts")
    for share in (0.03, 0.07):
        for name, detector in DETECTORS.items():
            limit = threshold(detector, days, amounts, share)
            line = "".join(f"{recall(detector, days, amounts, factor, limit):8.2f}" for factor in FACTORS)
            print(f"{name:32}{line}   {share:.0%} of days")
        print()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
