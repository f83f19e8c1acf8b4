"""Planned stops page nobody: a cluster's alerts are silenced before it stops, and heard again once it runs. Pure.

Only where the guard `silence_alerts` asks for it. A stop is refused until its silence is on record, as with warnings; a
silence is over by itself, renewed while the cluster sleeps, and removed with the start.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from shared.model.actions import SilenceAlerts, UnsilenceAlerts
from shared.model.decisions import Decision, Proposal, Reason, Verdict, Voice
from shared.model.fleet import Cluster, Power
from shared.model.memory import Memory, Wish
from shared.policy.bench import Bench
from shared.policy.guards import Case, Objection

LASTS = timedelta(hours=24)
"""A silence is over after this, whatever becomes of us."""
RENEWED = timedelta(hours=2)
"""Before its end, while the cluster sleeps."""
EARLY = timedelta(minutes=1)


def is_silent(memory: Memory, now: datetime, left: timedelta = timedelta(0)) -> bool:
    return memory.silenced_until is not None and memory.silenced_until > now + left


def unsilenced(case: Case) -> Objection | None:
    """Why a stop of a cluster has to wait for its silence; None when it is on record, or nobody asks for it."""
    asked = case.guards.silence_alerts and case.action.goal is Wish.STOPPED and case.action.pool is None
    if not asked or case.view.memory.steady or case.proposal.mode == "plan" or is_silent(case.view.memory, case.now):
        return None
    return Objection(Verdict.DEFER, Reason.SILENCE_DUE, "its alerts are not silenced yet")


def silence_of(cluster: Cluster, begins: datetime) -> SilenceAlerts:
    group = cluster.node_resource_group
    nodes = f"/subscriptions/{cluster.subscription}/resourcegroups/{group}".casefold() if group else ""
    return SilenceAlerts(
        cluster.id, begins=(begins - EARLY).isoformat(), until=(begins + LASTS).isoformat(), nodes=nodes
    )


def first_silence(bench: Bench, stop: Proposal) -> Proposal:
    """What comes before a stop that is due."""
    action = silence_of(bench.view.cluster, bench.now)
    text = f"its alerts are silenced before it stops ({stop.sentence})"
    return replace(stop, action=action, reason=Reason.SILENCE, sentence=text, cause=f"silence:{stop.cause}", wish=None)


def quiet_change(bench: Bench, said: Decision) -> Proposal | None:
    """What the cluster's silence needs, where nothing is to be done about its power. None: nothing."""
    memory, cluster, now = bench.view.memory, bench.view.cluster, bench.now
    if said.verdict is not Verdict.NONE or memory.steady or cluster.is_moving(None) or said.pool is not None:
        return None
    asked = any(bench.guards_of(p).silence_alerts for p in bench.of(None) if p.mode == "act")
    coming = said.announce
    if asked and coming is not None and not is_silent(memory, coming.due_at):
        return _proposal(
            bench, silence_of(cluster, coming.due_at), Reason.SILENCE, "its alerts are silenced before it stops"
        )
    down = cluster.power is Power.STOPPED and said.wish is Wish.STOPPED
    if asked and down and memory.silenced_until is not None and not is_silent(memory, now, RENEWED):
        return _proposal(
            bench, silence_of(cluster, now), Reason.SILENCE, "it still sleeps, so its alerts stay silenced"
        )
    up = cluster.power is Power.RUNNING and cluster.is_settled and said.wish is not Wish.STOPPED
    if up and coming is None and memory.silenced_until is not None:
        return _proposal(
            bench, UnsilenceAlerts(cluster.id), Reason.HEARD_AGAIN, "it runs, so its alerts are heard again"
        )
    return None


def _proposal(bench: Bench, action: SilenceAlerts | UnsilenceAlerts, reason: Reason, sentence: str) -> Proposal:
    until = bench.view.memory.silenced_until
    about = "never" if until is None else f"{until:%Y-%m-%dT%H:%M:%SZ}"
    speaking = next((p for p in bench.of(None) if p.mode == "act"), None)
    return Proposal(
        rule=speaking.rule if speaking is not None else "silence",
        pool=None,
        voice=Voice.RULE,
        wish=None,
        due_at=None,
        cause=f"{action.kind}:{about}",
        reason=reason,
        sentence=sentence,
        mode=bench.policy.mode,
        action=action,
    )
