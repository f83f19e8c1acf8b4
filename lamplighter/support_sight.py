"""The support report on a terminal and in JSON: who runs out of support, the tested way out, who is near a limit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lamplighter.terminal import console, counted, table

if TYPE_CHECKING:
    from lamplighter.deciding import Remembered
    from lamplighter.subject import Subject
    from shared.model.support import SupportReport

CLUSTERS_SHOWN = 40


def support_of(subject: Subject, known: Remembered | None) -> SupportReport:
    """The support report of the whole fleet."""
    from shared.policy.support import support_report  # noqa: PLC0415

    memories: Mapping[str, Any] = {} if known is None else known.memories
    fleet = (
        (cluster, subject.policy.environment_of(cluster), memories.get(cluster.id)) for cluster in subject.clusters
    )
    return support_report(fleet, {} if known is None else known.fleet.rings, subject.now)


def support_rows(report: SupportReport) -> dict[str, Any]:
    """Its JSON."""
    return {
        "versions": [
            {
                "cluster": row.cluster,
                "production": row.production,
                "version": row.version,
                "state": row.state.value,
                "ends_on": None if row.ends_on is None else row.ends_on.isoformat(),
                "tested": None if row.path is None else row.path.sentence,
            }
            for row in report.rows
        ],
        "limits": [
            {
                "cluster": row.cluster,
                "production": row.production,
                "message": row.sentence,
                "due_on": None if row.due_on is None else row.due_on.isoformat(),
            }
            for row in report.limits
        ],
    }


def sum_up_support(report: SupportReport) -> None:
    """A line a version and one for limits, under a plan."""
    out = console()
    lines: dict[str, list[Any]] = {}
    for row in report.rows:
        version = row.version.rpartition(".")[0] or row.version or "an unknown version"
        lines.setdefault(f"{version} {row.state.value} {row.ends_on or ''}".strip(), []).append(row)
    for line, rows in lines.items():
        production = sum(row.production for row in rows)
        of_these = f", {production} of them production" if production else ""
        path = next((row.path.sentence for row in rows if row.path is not None), None)
        tested = "" if path is None else f"; tested: {path}"
        out.print(f"Support of {line}: {counted(len(rows), 'cluster')}{of_these}{tested}", style="yellow")
    near = [one for one in report.limits if one.due_on is not None]
    for limit in near[:CLUSTERS_SHOWN]:
        out.print(f"Near a limit of AKS: {limit.name}: {limit.sentence}", style="yellow")
    if len(report.limits) > len(near):
        free = counted(len(report.limits) - len(near), "cluster")
        out.print(f"Production on the tier Free: {free}", style="yellow")
    if not report.empty:
        out.print("lamplighter upgrades lists them.", style="dim")


def show_support(report: SupportReport) -> None:
    """Who runs out of support, the tested way out, and who is near a limit of AKS; nothing where nobody is."""
    if report.empty:
        return
    out = console()
    named = {row.cluster for row in report.rows} | {row.cluster for row in report.limits}
    affected = counted(len(named), "cluster")
    out.print(f"\nSupport · {affected} of {report.clusters:,}", style="bold")
    if report.rows:
        _show_versions(report)
    for limit in report.limits[:CLUSTERS_SHOWN]:
        where = f" ({limit.environment})" if limit.environment else ""
        out.print(f"{limit.name}{where}: {limit.sentence}")
    hidden = max(0, len(report.limits) - CLUSTERS_SHOWN) + max(0, len(report.rows) - CLUSTERS_SHOWN)
    if hidden:
        out.print(f"and {hidden:,} more; --json lists them all", style="dim")


def _show_versions(report: SupportReport) -> None:
    rows: Sequence[Any] = report.rows[:CLUSTERS_SHOWN]
    lines = table("cluster", "environment", "version", "support", "tested way out*")
    for row in rows:
        ends = "date unknown" if row.ends_on is None else f"{row.state.value} {row.ends_on}"
        lts = " (LTS)" if row.lts else ""
        environment = (row.environment or "none") + (", production" if row.production else "")
        tested = "none was tested" if row.path is None else row.path.sentence
        lines.add_row(row.name, environment, row.version or "unknown", f"{ends}{lts}", tested)
    console().print(lines)
