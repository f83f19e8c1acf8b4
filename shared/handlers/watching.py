"""Capacity groups, looked at every minute: a fallback leaves as soon as the eviction can be seen.

    memories with groups -> their clusters -> nodes, evictions, prices -> what that teaches -> moves of groups -> queue

A tick does the same and everything else; here only moves of groups are decided. What an admitted move needs is decided
again by `act`, on a fresh reading.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.app import App
from shared.clients.fleet import some
from shared.errors import InputError
from shared.handlers import gathering, inforce, records
from shared.handlers.sending import Sending
from shared.model.actions import ResizePool
from shared.model.decisions import Decision
from shared.model.facts import NO_FACTS, FleetFacts, Need, View
from shared.model.memory import Memory, Stored
from shared.policy.admit import admit
from shared.policy.capacity_memory import tells_more
from shared.policy.claim import being_written
from shared.policy.decide import decide
from shared.policy.document import Policy
from shared.policy.pacing import recent_moves
from shared.policy.rules import learn_of_capacity
from shared.policy.voices import Owner, owner_of

log = logging.getLogger("lamplighter")

_SCALE_SET = re.compile(
    r"/subscriptions/([^/]+)/resourcegroups/[^/]+/providers/microsoft\.compute/virtualmachinescalesets/", re.IGNORECASE
)
SOON = timedelta(minutes=1)
"""A move that has to wait longer for its turn is decided anew by the next look."""


@dataclass(frozen=True, slots=True)
class _Look:
    """One cluster with what was seen of it."""

    stored: Stored[Memory]
    view: View
    owner: Owner


def hinted(app: App, resources: Iterable[str], now: datetime) -> bool:
    """Nodes are said to be taken back: look at the groups of that subscription now. A hint raises; it never disrupts.

    False where none of the resources is a scale set.
    """
    found = (_SCALE_SET.match(resource) for resource in resources)
    subscriptions = {one[1].casefold() for one in found if one is not None}
    if not subscriptions:
        return False
    memories = app.journal.memories(on_problem=log.error)
    here = [item for item in memories if item.value.cluster.split("/")[2] in subscriptions]
    watch(app, here, now, disrupts=False)
    return True


def watch(
    app: App, memories: Iterable[Stored[Memory]], now: datetime, *, disrupts: bool = True
) -> tuple[Decision, ...]:
    """Looks at the clusters that have groups; returns the moves that were sent. Never raises for Azure's sake."""
    stored = {item.value.cluster: item for item in memories if item.value.groups}
    if not stored:
        return ()
    fleet = inforce.with_setting(app, app.journal.fleet().value)
    try:
        force = inforce.policy_in_force(app, fleet)
    except InputError as problem:
        log.info("watch: no policy could be read yet: %s", problem)
        return ()
    facts = FleetFacts(
        hold_by=fleet.hold_by,
        hold_all=fleet.hold_all,
        hold_reason=fleet.hold_reason,
        breaker_open=fleet.breaker_open_at is not None,
        breaker_reason=fleet.breaker_reason,
        policy_readable=force.readable,
        moves=recent_moves((item.value for item in stored.values()), now),
    )
    looks = tuple(_looked(app, stored, (force.policy, facts), now))
    decisions = [one for look in looks for one in decide(look.view, force.policy, now, look.owner)]
    plan = admit([one for one in decisions if one.action is None or is_move(one)], facts, force.policy, now)
    moves = tuple(one for one in plan.admitted if is_move(one) and _goes(one, now, disrupts=disrupts))
    lost = _remember(app, looks, {one.cluster for one in moves}, now)
    going = tuple(one for one in moves if one.cluster not in lost)
    app.journal.append(records.decided(one, now) for one in going)
    Sending(app, now, facts, going).go()
    return going


def _goes(decision: Decision, now: datetime, *, disrupts: bool) -> bool:
    if not disrupts and decision.action is not None and decision.action.disruptive:
        return False
    return decision.not_before is None or decision.not_before - now <= SOON


def is_move(decision: Decision) -> bool:
    return isinstance(decision.action, ResizePool) and bool(decision.action.group)


def _looked(
    app: App, stored: Mapping[str, Stored[Memory]], in_force: tuple[Policy, FleetFacts], now: datetime
) -> Iterator[_Look]:
    """The clusters that a rule still asks about, with what this look teaches in their memory."""
    policy, facts = in_force
    asking = []
    for cluster in some(app.cloud, sorted(stored), now).clusters:
        view = View(cluster, stored[cluster.id].value, fleet=facts)
        asking.append((view, owner_of(cluster, policy)))
    gathered = gathering.gather(app, ((view, owner.rules) for view, owner in asking), now, frozenset({Need.CAPACITY}))
    for view, owner in asking:
        seen = gathered.get(view.cluster.id, NO_FACTS)
        if Need.CAPACITY in seen:
            fresh = replace(view, facts=seen)
            memory = learn_of_capacity(fresh, owner.rules, now)
            yield _Look(stored[view.cluster.id], replace(fresh, memory=memory), owner)


def _remember(app: App, looks: Iterable[_Look], moving: set[str], now: datetime) -> frozenset[str]:
    """What was learned, where it tells more than that time went by; returns the clusters that somebody else wrote."""
    changed = [
        Stored(look.view.memory, look.stored.etag)
        for look in looks
        if not being_written(look.stored.value, now)
        and (look.view.cluster.id in moving or tells_more(look.stored.value.groups, look.view.memory.groups))
    ]
    return frozenset(app.journal.swap_many(changed))
