"""Usage for `idle.py`: each user of a job log as a cluster with its busy periods."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

SYNTHETIC = Path(__file__).parent / "data" / "idle_synthetic.csv"
LEAST_PERIODS = 20


@dataclass(frozen=True)
class User:
    """Busy periods in hours since `epoch`, apart from each other, in order."""

    name: str
    epoch: datetime
    zone: str
    busy: tuple[tuple[float, float], ...]

    @property
    def gaps(self) -> list[float]:
        return [after[0] - before[1] for before, after in pairwise(self.busy)]

    @property
    def busy_hours(self) -> float:
        return sum(end - begin for begin, end in self.busy)

    @property
    def days(self) -> float:
        return (self.busy[-1][1] - self.busy[0][0]) / 24

    def at(self, hours: float) -> datetime:
        return self.epoch + timedelta(hours=hours)


def merged(jobs: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """Busy periods: jobs that touch or overlap are one."""
    periods: list[list[float]] = []
    for begin, end in sorted(jobs):
        if periods and begin <= periods[-1][1]:
            periods[-1][1] = max(periods[-1][1], end)
        else:
            periods.append([begin, end])
    return tuple((begin, end) for begin, end in periods)


def swf(path: Path, zone: str) -> list[User]:
    """Standard Workload Format: columns 2 submit, 3 wait, 4 run (s), 12 user; the job runs from submit + wait on."""
    jobs: dict[str, list[tuple[float, float]]] = {}
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    with gzip.open(path, "rt", encoding="ascii", errors="replace") as lines:
        for line in lines:
            if line.startswith("; UnixStartTime:"):
                epoch = datetime.fromtimestamp(int(line.split()[2]), UTC)
            columns = line.split()
            if line.startswith(";") or len(columns) < 12 or float(columns[3]) < 0:
                continue
            begin = float(columns[1]) + max(float(columns[2]), 0.0)
            run = max(float(columns[3]), 60.0)
            jobs.setdefault(columns[11], []).append((begin / 3600, (begin + run) / 3600))
    return _chosen(jobs, epoch, zone)


def synthetic(path: Path) -> list[User]:
    """Columns cluster, begin, end in minutes since Monday 2026-01-05 00:00 UTC."""
    jobs: dict[str, list[tuple[float, float]]] = {}
    with path.open(encoding="ascii", newline="") as lines:
        for row in csv.DictReader(lines):
            jobs.setdefault(row["cluster"], []).append((int(row["begin"]) / 60, int(row["end"]) / 60))
    return _chosen(jobs, datetime(2026, 1, 5, tzinfo=UTC), "UTC")


def _chosen(jobs: dict[str, list[tuple[float, float]]], epoch: datetime, zone: str) -> list[User]:
    users = [User(name, epoch, zone, merged(some)) for name, some in jobs.items()]
    return sorted((user for user in users if len(user.busy) >= LEAST_PERIODS), key=lambda user: user.name)


def usage(folder: Path | None) -> dict[str, list[User]]:
    """Log -> users. Raises SystemExit with one sentence for a folder without logs."""
    if folder is None:
        return {"synthetic": synthetic(SYNTHETIC)}
    known = (
        ("NASA-iPSC", "nasa_ipsc_1993*.swf.gz", "America/Los_Angeles"),
        ("wagap", "wagap_2013*.swf.gz", "Europe/Prague"),
    )
    found = {name: swf(path, zone) for name, glob, zone in known for path in sorted(folder.glob(glob))}
    if not found:
        raise SystemExit(f"{folder} holds no job log; expected nasa_ipsc_1993*.swf.gz or wagap_2013*.swf.gz")
    return found
