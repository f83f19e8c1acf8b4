"""Whether clusters are used, as a laptop sees it: read from Azure where a rule asks, as a tick does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from lamplighter.fleet_source import laptop_settings
from lamplighter.terminal import progress
from shared.model.facts import Need, View

if TYPE_CHECKING:
    from lamplighter.subject import Subject
    from shared.policy.bound import BoundRule

MARGIN = timedelta(minutes=30)
"""Metrics come late, and a wait has to have passed within what is read."""
FURTHEST = timedelta(hours=12)
"""The longest time of which Azure gives grains of 5 minutes in one call."""


def with_use(subject: Subject, views: Iterable[View]) -> tuple[View, ...]:
    """The views with what signals show and what that teaches; those of a file tell nothing.

    What is not remembered is read as far back as the longest wait of a rule, so that who was idle for so long is seen.
    """
    views = tuple(views)
    asking = [] if subject.from_file else list(_asking(subject, views))
    if not asking:
        return views
    from shared.clients.azure import Cloud  # noqa: PLC0415
    from shared.handlers.gathering import of_use  # noqa: PLC0415

    new = [rule.block.after for view, rule in asking if view.memory.activity is None]
    least = min(max(new, default=timedelta(0)) + MARGIN, FURTHEST)
    with progress("reading whether clusters are used ..."), Cloud.connect(laptop_settings()) as cloud:
        facts = of_use(cloud, asking, subject.now, least=least)
    rules = {view.cluster.id: rule for view, rule in asking}
    return tuple(
        _taught(replace(view, facts={**view.facts, Need.ACTIVITY: facts[view.cluster.id]}), rules, subject)
        if view.cluster.id in facts
        else view
        for view in views
    )


def _asking(subject: Subject, views: Iterable[View]) -> Iterator[tuple[View, BoundRule]]:
    from shared.policy.rules import needs_of  # noqa: PLC0415
    from shared.policy.voices import owner_of  # noqa: PLC0415

    for view in views:
        rule = needs_of(view, owner_of(view.cluster, subject.policy).rules, subject.now).get(Need.ACTIVITY)
        if rule is not None:
            yield view, rule


def _taught(view: View, rules: dict[str, BoundRule], subject: Subject) -> View:
    from shared.policy.rules import idle  # noqa: PLC0415

    activity = idle.learned(view, rules[view.cluster.id], subject.now)
    return replace(view, memory=replace(view.memory, activity=activity))
