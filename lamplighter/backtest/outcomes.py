"""The policy and what stands beside it, replayed and measured."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lamplighter.backtest.alternatives import Alternative
from lamplighter.backtest.history import History
from lamplighter.backtest.limits import Limits
from lamplighter.backtest.measure import Ran, measured
from lamplighter.backtest.replay import Terms, replay
from lamplighter.backtest.report import Outcome, Report
from lamplighter.backtest.weighing import weights
from lamplighter.terminal import bar, counted, warn
from shared.policy.document import Policy


def compared(history: History, mine: Policy, ways: Sequence[Alternative | Policy], terms: Terms) -> Report:
    """The policy first, then the ways in their order; a bar on stderr tells how far each replay is."""
    outcomes = [_replayed(history, mine, terms)]
    for way in ways:
        if isinstance(way, Alternative):
            outcomes.append(_ran(history, way, terms.limits))
        else:
            outcomes.append(_replayed(history, way, terms))
    return Report(history, terms.limits, tuple(outcomes), weights(history, mine, terms.limits))


def _replayed(history: History, policy: Policy, terms: Terms) -> Outcome:
    _note(history, policy)
    with bar(f"replaying {policy.source} ...") as progress:
        lived = replay(history, policy, terms, progress)
    measures = tuple(measured(one.trace, Ran(one.up, one.billed), waits=terms.people) for one in lived)
    says = "as the app would have done" if terms.people else "as the app would have done, woken by nobody"
    return Outcome(Path(policy.source).name, says, measures, policy=True)


def _note(history: History, policy: Policy) -> None:
    """What would surprise whoever reads the numbers."""
    places = [(trace.cluster, policy.environment_of(trace.cluster)) for trace in history.traces]
    safe = sum(place.production for _, place in places)
    silent = sum(not place.production and not policy.rules_for(cluster, place) for cluster, place in places)
    notes = []
    if safe:
        verb = "is" if safe == 1 else "are"
        notes.append(f"{counted(safe, 'cluster')} {verb} production in {policy.source}, so never stopped")
    if silent:
        notes.append(f"no rule of {policy.source} speaks for {counted(silent, 'cluster')} of the history")
    if policy.mode == "plan":
        notes.append(f"{policy.source} says mode: plan; it is replayed as if it said act")
    warn(notes)


def _ran(history: History, way: Alternative, limits: Limits) -> Outcome:
    measures = tuple(measured(trace, way.run(trace, limits), waits=way.waits) for trace in history.traces)
    return Outcome(way.name, way.says, measures)
