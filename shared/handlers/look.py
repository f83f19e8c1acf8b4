"""A hint from Event Grid: look at one cluster sooner. A hint may start, raise or settle; it never disrupts.

Events come at least once, in no order, also about clusters that are nobody's business here. None of that matters:
the event is not believed, only its cluster's name is used, and the cluster is read afresh.
https://learn.microsoft.com/azure/event-grid/event-schema-subscriptions
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from shared.app import App
from shared.clients import clusters
from shared.errors import CloudError, InputError, NotFound, Superseded
from shared.handlers import gathering, inforce, records
from shared.handlers.releases import outdated
from shared.handlers.sending import Sending
from shared.handlers.settling import settle_open
from shared.handlers.watching import hinted
from shared.model.decisions import Verdict
from shared.model.facts import NO_FACTS, FleetFacts, Need, View
from shared.model.fleet import Cluster
from shared.model.memory import Memory, Stored
from shared.policy import alerting, matters, reliefs, remember
from shared.policy.decide import decide
from shared.policy.release_events import ReleaseKind, read_release_event
from shared.policy.rules import learn_of_alerts
from shared.policy.voices import owner_of, tag_holds

log = logging.getLogger("lamplighter")

_ASKED = frozenset({Need.ALERTS})
"""A hint reads nothing that a tick would not have cheaper."""
_CLUSTER = re.compile(
    r"^(/subscriptions/[^/]+/resourcegroups/[^/]+/providers/microsoft\.containerservice/managedclusters/[^/]+)",
    re.IGNORECASE,
)


def cluster_of(event: Mapping[str, Any]) -> str | None:
    """Lower-case id of the managed cluster an event is about, in either schema; None for a foreign event."""
    data = event.get("data")
    said = [data.get("resourceUri") if isinstance(data, Mapping) else None, event.get("subject"), event.get("source")]
    for text in said:
        found = _CLUSTER.match(text) if isinstance(text, str) else None
        if found is not None:
            return found[1].casefold()
    return None


def evicted_in(event: Mapping[str, Any]) -> tuple[str, ...]:
    """The scale set that an event about an eviction names. Simulated ones send events, the platform sends none."""
    data = event.get("data")
    operation = str(data.get("operationName")).casefold() if isinstance(data, Mapping) else ""
    return (str(event.get("subject")),) if "evict" in operation else ()


def look(app: App, event: Mapping[str, Any]) -> str:
    """Returns what became of the hint, in one word."""
    said = read_release_event(event)
    cluster_id = cluster_of(event) if said is None else said.cluster
    if cluster_id is None:
        return "watched" if hinted(app, evicted_in(event), app.clock()) else "foreign"
    now = app.clock()
    stored = app.journal.memory(cluster_id)
    if stored.etag is None:
        return "unknown"  # the next tick adopts it, if it is in scope
    if said is not None:
        app.journal.append([records.told_by_aks(said, now)])
    if stored.value.open is not None:
        settle_open(app, [stored], now)
        return "settled"
    try:
        cluster = replace(clusters.get(app.cloud, cluster_id), fleet=stored.value.fleet or None)
    except NotFound:
        return "gone"
    except CloudError as error:
        log.info("look: %s", error)
        return "unreadable"
    if said is not None and said.kind is ReleaseKind.NEW_VERSION:
        outdated(app, cluster.location, now)
    return _start_if_wanted(app, cluster, stored)


def _start_if_wanted(app: App, cluster: Cluster, stored: Stored[Memory]) -> str:
    now = app.clock()
    fleet = inforce.with_setting(app, app.journal.fleet().value)
    try:
        force = inforce.policy_in_force(app, fleet)
    except InputError as problem:
        log.info("look: no policy could be read yet: %s", problem)
        return "no policy"
    policy = force.policy
    owner = owner_of(cluster, policy)
    memory = remember.observe(stored.value, cluster, owner.rules, now)
    memory = remember.with_holds(memory, tag_holds(owner.tags, now, memory.holds), now)
    facts = FleetFacts(
        hold_by=fleet.hold_by,
        hold_all=fleet.hold_all,
        hold_reason=fleet.hold_reason,
        policy_readable=force.readable,
        rings=fleet.rings,
    )
    view = View(cluster, memory, fleet=facts)
    view = replace(view, facts=gathering.gather(app, [(view, owner.rules)], now, _ASKED).get(cluster.id, NO_FACTS))
    memory = learn_of_alerts(view, owner.rules, now)
    decisions = decide(view.with_memory(memory), policy, now, owner)
    memory = remember.conclude(memory, decisions, now, told=False)
    memory, notices = matters.begun(memory, alerting.standing(view, owner.rules), now)
    if memory != stored.value:
        try:
            app.journal.swap(memory, stored.etag)
        except Superseded:
            return "superseded"
        app.journal.post((*notices, *reliefs.told(stored.value, memory, cluster, now)))
    starts = tuple(
        d for d in decisions if d.verdict is Verdict.ACT and d.action is not None and not d.action.disruptive
    )
    # What was noticed here is no news to the next tick, so it is written down here.
    noticed = (*records.adoptions(stored.value, memory, now), *records.power_changes(stored.value, memory, now))
    app.journal.append([*noticed, *(records.decided(d, now) for d in starts)])
    Sending(app, now, facts, starts).go()
    return "started" if starts else "looked"
