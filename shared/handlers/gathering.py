"""Facts that cost a call: fetched for the clusters whose rules ask for them, for all of those in one go."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from shared.app import App
from shared.clients import signals
from shared.model.facts import Fact, Need, View
from shared.model.samples import Window
from shared.policy.bound import BoundRule
from shared.policy.rules import needed_by

Facts = Mapping[Need, Fact]


def gather(app: App, asking: Iterable[tuple[View, tuple[BoundRule, ...]]], now: datetime) -> Mapping[str, Facts]:
    """Lower-case cluster id -> what its rules asked for. What could not be had is a fact with its problem."""
    wanting = {
        view.cluster.id: (view, rule)
        for view, rules in asking
        if (rule := needed_by(view, rules, Need.ACTIVITY, now)) is not None
    }
    if not wanting:
        return {}
    settings = {id_: rule.block.signals for id_, (_, rule) in wanting.items()}
    longest = max(one.lookback for one in settings.values())
    started = {id_: at for id_, (view, _) in wanting.items() if (at := view.memory.target(None).started_at) is not None}
    facts = signals.activity(
        app.cloud,
        [view.cluster for view, _ in wanting.values()],
        settings,
        Window(now - longest, now),
        now,
        started=started,
        lacking=app.cache.setdefault("lacking", {}),
    )
    return {id_: {Need.ACTIVITY: fact} for id_, fact in facts.items()}
