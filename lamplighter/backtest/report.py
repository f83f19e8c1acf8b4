"""The outcome of a backtest: as JSON, as tables, as a picture."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamplighter.backtest.history import DAY, History
from lamplighter.backtest.limits import Limits
from lamplighter.backtest.measure import HOUR, Measured, total
from lamplighter.backtest.weighing import Weight, over_least
from lamplighter.terminal import console, counted, table
from shared.errors import InputError
from shared.policy.durations import show_duration
from shared.reports.chart import Panel, bars

if TYPE_CHECKING:
    from rich.console import Console

SHOWN = 15
"""Clusters in the table; JSON has them all."""
WIDE = 100
"""Columns of a terminal in which there is room for what each way says of itself."""
PICTURES = (".svg", ".png")


@dataclass(frozen=True, slots=True)
class Outcome:
    """One way of running the clusters of a history, measured; `clusters` in the order of its traces."""

    name: str
    says: str
    clusters: tuple[Measured, ...]
    policy: bool = False
    """A policy that was replayed, no alternative."""

    @property
    def total(self) -> Measured:
        return total(self.clusters)


@dataclass(frozen=True, slots=True)
class Report:
    """Everything there is to tell; the first outcome is the one that was asked about."""

    history: History
    limits: Limits
    outcomes: tuple[Outcome, ...]
    weights: tuple[Weight, ...]
    """Of the clusters, in the order of the traces, by the policy of the first outcome."""

    def bill(self, outcome: Outcome) -> float:
        return over_least(outcome.clusters, self.weights)


def document(report: Report) -> dict[str, Any]:
    """JSON values; shares are 0 to 1, `_a_day` is a cluster's average."""
    history, limits = report.history, report.limits
    return {
        "history": {
            "source": history.source,
            "begin": _instant(history.begin),
            "end": _instant(history.end),
            "clusters": len(history.traces),
        },
        "limits": {
            "start_seconds": limits.start_takes,
            "stop_seconds": limits.stop_takes,
            "rest_seconds": limits.rest,
        },
        "costs": [
            {"starting_hours": starting, "waiting_hours": waiting, "clusters": number}
            for (starting, waiting), number in _costs(report).items()
        ],
        "outcomes": [
            {
                "name": outcome.name,
                "says": outcome.says,
                "policy": outcome.policy,
                "total": _numbers(outcome.total, report.bill(outcome)),
                "clusters": [
                    {
                        "cluster": trace.cluster.name,
                        "id": trace.cluster.id,
                        **_numbers(one, over_least([one], [weight])),
                    }
                    for trace, one, weight in zip(history.traces, outcome.clusters, report.weights, strict=True)
                ],
            }
            for outcome in report.outcomes
        ],
    }


def _costs(report: Report) -> Counter[tuple[float, float]]:
    """starting_cost and waiting_cost in hours, and on how many clusters they hold."""
    return Counter((round(one.starting, 4), round(one.waiting, 4)) for one in report.weights)


def _numbers(one: Measured, bill: float) -> dict[str, Any]:
    return {
        "hours": round(one.there / HOUR, 3),
        "hours_on": round(one.hours_on, 3),
        "hours_saved": round(one.hours_saved, 3),
        "share_saved": round(one.share_saved, 4),
        "cold_starts": one.cold_starts,
        "cold_starts_a_day": round(one.cold_starts_a_day, 4),
        "hours_needed": round(one.needed / HOUR, 3),
        "share_covered": None if one.share_covered is None else round(one.share_covered, 4),
        "late_minutes": round(one.late / 60, 2),
        "late_minutes_a_day": round(one.late_minutes_a_day, 3),
        "stops": one.stops,
        "bill_over_least": round(bill, 4),
    }


def show(report: Report) -> None:
    out, history = console(), report.history
    needed = total(report.outcomes[0].clusters)
    out.print(
        f"{_size(history)} from {_instant(history.begin):%d %b %Y}, "
        f"needed {needed.needed / needed.there:.1%} of the time",
        style="bold",
    )
    out.print()
    _show_outcomes(out, report)
    _show_clusters(out, report)
    out.print(
        "\nFor a cluster and day: cold, how often it was needed and off; late, minutes of waiting or going without it."
        "\nCovered: share of the time it was needed in which it was up."
        f"\nBill: hours on and {_dearer(report)},"
        "\nas a multiple of the least that somebody who knows every need could pay. Work that is lost is on no bill.",
        style="dim",
    )


def _dearer(report: Report) -> str:
    """What a bill has beside hours on."""
    (starting, waiting), *others = _costs(report)
    if others:
        return "what its rule says a stop (starting_cost) and a cold start (waiting_cost) cost"
    stop, cold = (show_duration(timedelta(hours=hours)) for hours in (starting, waiting))
    return f"{stop} for each stop (starting_cost), {cold} for each cold start (waiting_cost)"


def _size(history: History) -> str:
    return f"{counted(len(history.traces), 'cluster')}, {counted(round((history.end - history.begin) / DAY), 'day')}"


def _show_outcomes(out: Console, report: Report) -> None:
    says = ("*",) if out.width >= WIDE else ()
    rows = table("", "hours on>", "saved>", "saved %>", "cold>", "covered>", "late>", "bill>", *says)
    for outcome in report.outcomes:
        style = "bold" if outcome.policy else ""
        bill = f"{report.bill(outcome):.2f}"
        rows.add_row(outcome.name, *_cells(outcome.total), bill, *((outcome.says,) if says else ()), style=style)
    out.print(rows)


def _show_clusters(out: Console, report: Report) -> None:
    asked = report.outcomes[0]
    rated = zip(report.history.traces, asked.clusters, report.weights, strict=True)
    ranked = sorted(rated, key=lambda one: (-one[1].billed, one[0].cluster.name))
    out.print(f"\nClusters under {asked.name}, those that ran longest first", style="bold")
    rows = table("cluster*", "hours on>", "saved>", "saved %>", "cold>", "covered>", "late>", "bill>")
    for trace, one, weight in ranked[:SHOWN]:
        rows.add_row(trace.cluster.name, *_cells(one), f"{over_least([one], [weight]):.2f}")
    out.print(rows)
    if len(ranked) > SHOWN:
        out.print(f"and {len(ranked) - SHOWN:,} more; --json tells of all", style="dim")


def _cells(one: Measured) -> tuple[str, ...]:
    covered = "" if one.share_covered is None else f"{one.share_covered:.1%}"
    return (
        f"{one.hours_on:,.0f}",
        f"{one.hours_saved:,.0f}",
        f"{one.share_saved:.1%}",
        f"{one.cold_starts_a_day:.2f}",
        covered,
        f"{one.late_minutes_a_day:.1f}",
    )


def picture(report: Report) -> dict[str, Any]:
    """Vega-Lite: five small bar charts side by side, a bar for each way of running the clusters."""
    totals = [outcome.total for outcome in report.outcomes]
    panels = (
        Panel("hours on, % of always-on", tuple(100 * (1 - one.share_saved) for one in totals)),
        Panel("cold starts a day", tuple(one.cold_starts_a_day for one in totals), ".2f"),
        Panel("needed time not covered, %", tuple(100 * (1 - (one.share_covered or 0.0)) for one in totals)),
        Panel("late, minutes a day", tuple(one.late_minutes_a_day for one in totals)),
        Panel("bill, times the least", tuple(map(report.bill, report.outcomes)), ".2f"),
    )
    history = report.history
    title = _size(history)
    names = tuple(outcome.name for outcome in report.outcomes)
    marked = frozenset(outcome.name for outcome in report.outcomes if outcome.policy)
    return bars(title, names, panels, marked)


def picture_file(text: Path) -> Path:
    """Raises InputError for a file that is no picture we can write."""
    if text.suffix.casefold() not in PICTURES:
        raise InputError(f"--picture {text} is neither .svg nor .png: expected such as --picture backtest.svg")
    return text


def draw(report: Report, file: Path) -> None:
    """Writes the picture; the renderer is loaded only here."""
    try:
        import vl_convert  # noqa: PLC0415  # 60 MB, for this option only
    except ImportError:
        raise InputError("pictures need vl-convert-python: pip install 'lamplighter[laptop]'") from None
    value = picture(report)
    try:
        if file.suffix.casefold() == ".png":
            file.write_bytes(vl_convert.vegalite_to_png(value, scale=2))
        else:
            file.write_text(vl_convert.vegalite_to_svg(value), encoding="utf-8")
    except OSError as error:
        raise InputError(f"{file} cannot be written: {error.strerror}; expected such as backtest.svg") from None


def _instant(at: int) -> datetime:
    return datetime.fromtimestamp(at, UTC)
