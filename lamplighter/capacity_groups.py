"""Capacity groups as a laptop sees them: how each of them stands, what comes next, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from lamplighter.fleet_source import laptop_settings
from lamplighter.terminal import STYLES, console, progress, table
from shared.model.facts import Fact, Need, View

if TYPE_CHECKING:
    from lamplighter.subject import Subject
    from shared.model.fleet import Cluster
    from shared.model.spot import PoolSight
    from shared.policy.bound import BoundRule
    from shared.policy.rules.spot import Standing

AS_COUNTED = "A file does not tell which nodes are ready: those that it counts are taken for ready."


@dataclass(frozen=True, slots=True)
class Line:
    """One group of one cluster."""

    cluster: Cluster
    rule: str
    standing: Standing

    @property
    def targets(self) -> Iterator[str]:
        """Lower-case ids of its pools."""
        return (f"{self.cluster.id}/agentpools/{pool.name.casefold()}" for pool in self.standing.found.pools)


def with_readings(subject: Subject, views: Iterable[View], *, live: bool) -> tuple[View, ...]:
    """The views, those of clusters with groups with their pools: from Azure, or, of a file, as it counts them."""
    views = tuple(views)
    found = _readings(subject, views, live=live)
    return tuple(
        replace(view, facts={**view.facts, Need.CAPACITY: found[view.cluster.id]}) if view.cluster.id in found else view
        for view in views
    )


def _readings(subject: Subject, views: Iterable[View], *, live: bool) -> Mapping[str, Fact]:
    from shared.policy.rules import spot  # noqa: PLC0415

    asking = []
    for view in views:
        rule = next((one for one in _rules(subject, view) if spot.needs(view, one, subject.now)), None)
        if rule is not None:
            asking.append((view, rule))
    if not live or not asking:
        return {view.cluster.id: _as_counted(view.cluster, subject.now) for view, _ in asking}
    from lamplighter.deciding import Kept  # noqa: PLC0415
    from shared.clients.azure import Cloud  # noqa: PLC0415
    from shared.handlers.gathering import of_groups  # noqa: PLC0415

    with progress("reading nodes and prices of capacity groups ..."), Cloud.connect(laptop_settings()) as cloud:
        return of_groups(cloud, Kept(), asking, subject.now)


def _rules(subject: Subject, view: View) -> Iterator[BoundRule]:
    from shared.policy.rules import spot  # noqa: PLC0415
    from shared.policy.voices import owner_of  # noqa: PLC0415

    return (rule for rule in owner_of(view.cluster, subject.policy).rules if rule.kind == spot.KEY)


def _as_counted(cluster: Cluster, now: datetime) -> Fact:
    from shared.model.spot import PoolSight  # noqa: PLC0415

    sights = (
        PoolSight(
            pool.name,
            now,
            ready=pool.count,
            wanted=pool.count,
            autoscaling=bool(pool.autoscaling),
            min_count=pool.min_count,
            max_count=pool.max_count,
            is_spot=pool.priority.casefold() == "spot",
            vm_size=pool.vm_size or "",
        )
        for pool in cluster.pools
    )
    return Fact(tuple(sights), now)


def lines(subject: Subject, views: Iterable[View]) -> tuple[Line, ...]:
    """The groups of these clusters; each view holds what was read."""
    from shared.policy.rules import spot  # noqa: PLC0415

    return tuple(
        Line(view.cluster, rule.name, standing)
        for view in views
        for rule in _rules(subject, view)
        for standing in spot.standings(view, rule, subject.now)
    )


def document(found: Iterable[Line]) -> list[dict[str, Any]]:
    """The JSON of groups; `next` is null where nothing is due, and `reason` says what holds back what is."""
    return [
        {
            "cluster": line.cluster.id,
            "rule": line.rule,
            "group": line.standing.found.entry.name,
            "inferred": line.standing.found.inferred,
            "needed": line.standing.group.demand,
            "pools": [_pool(one) for one in line.standing.group.pools],
            "next": _next(line.standing),
            "sentence": line.standing.due.sentence,
        }
        for line in found
    ]


def _pool(sight: PoolSight) -> dict[str, Any]:
    return {
        "name": sight.name,
        "spot": sight.is_spot,
        "ready": sight.ready,
        "wanted": sight.wanted,
        "min": sight.min_count,
        "max": sight.max_count,
        "problem": sight.problem or sight.doubt or sight.room_problem,
    }


def _next(standing: Standing) -> dict[str, Any] | None:
    from shared.policy.capacity import Step  # noqa: PLC0415

    due = standing.due
    step = due if isinstance(due, Step) else due.held
    if step is None:
        return None
    held = None if isinstance(due, Step) or due.reason is None else due.reason.value
    return {"step": step.why.value, "pool": step.pool.name, "size": step.size, "held_by": held}


def show(found: tuple[Line, ...], names: Mapping[str, str] | None, *, as_counted: bool) -> None:
    """A table of groups, with the clusters' names where there are several."""
    from rich.text import Text  # noqa: PLC0415

    if not found:
        return
    out = console()
    out.print("\nCapacity groups", style="bold")
    rows = table(*(["cluster"] if names else []), "group", "ready nodes", "needed>", "next", "why*")
    for line in found:
        standing = line.standing
        step = _next(standing)
        word = "" if step is None else step["step"].replace("_", " ")
        shown = "rest" if step is None else "defer" if step["held_by"] else f"{step['pool']} to {step['size']}"
        style = STYLES.get("defer" if step and step["held_by"] else "start" if step else "", "dim")
        rows.add_row(
            *([names[line.cluster.id]] if names else []),
            standing.found.entry.name + (" (inferred)" if standing.found.inferred else ""),
            ", ".join(map(_ready, standing.group.pools)),
            str(standing.group.demand),
            Text(shown, style=style),
            f"{word}: {standing.due.sentence}" if word else standing.due.sentence,
        )
    out.print(rows)
    if as_counted:
        out.print(AS_COUNTED, style="dim")


def _ready(sight: PoolSight) -> str:
    """`spot1 3`, or `spot1 0 of 3` where more are wanted."""
    if sight.ready is None:
        return f"{sight.name} ?"
    more = f" of {sight.wanted}" if (sight.wanted or 0) > sight.ready else ""
    return f"{sight.name} {sight.ready}{more}"
