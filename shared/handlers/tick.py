"""The timer: the whole arrow, from the fleet to the queue.

    fleet -> memory -> settle open actions -> decide each cluster -> admit -> remember -> record -> enqueue

Level-triggered: it asks what should be true now. A tick that is missed, doubled or killed anywhere costs nothing:
memory is written before messages are sent, and a message whose occasion has passed is dropped by `act`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from shared.app import App
from shared.clients.fleet import inventory
from shared.clients.market import list_prices
from shared.errors import Superseded
from shared.handlers import gathering, inforce, measuring, readying, records, settling
from shared.handlers.confirming import confirmed
from shared.handlers.healing import heal
from shared.handlers.quieting import sweep
from shared.handlers.releases import releases
from shared.handlers.sending import send_admitted
from shared.model.decisions import Decision, Notice, Plan, Verdict
from shared.model.facts import NO_FACTS, FleetFacts, View
from shared.model.fleet import Cluster, Inventory
from shared.model.memory import FleetMemory, Memory, Phase, Stored
from shared.model.money import Prices
from shared.policy import alerting, breaker, matters, orphans, postponing, reliefs, remember
from shared.policy.admit import admit
from shared.policy.bound import UNMATCHED, BoundRule
from shared.policy.claim import being_written
from shared.policy.decide import decide
from shared.policy.document import Policy
from shared.policy.endings import with_nodes
from shared.policy.facts import counted, fleet_facts
from shared.policy.ring_fold import fleet_rings, halt_notices
from shared.policy.rules import learn
from shared.policy.support import support_matters
from shared.policy.voices import Owner, owner_of, tag_holds
from shared.telemetry import measured

log = logging.getLogger("lamplighter")


@dataclass(slots=True)
class _Tick:
    """What one tick gathers."""

    app: App
    now: datetime
    policy: Policy
    facts: FleetFacts
    prices: Prices
    owners: dict[str, Owner]
    gathered: Mapping[str, gathering.Facts]
    """Cluster id -> the facts that its rules asked for."""
    nodes_came: Mapping[str, tuple[str, ...]]
    """Cluster id -> the targets that have their nodes now, long after their start."""
    changed: dict[str, records.Change] = field(default_factory=dict)
    wanting: dict[str, records.Change] = field(default_factory=dict)
    """Clusters something is to be done to, if the fleet admits it."""
    notices: list[Notice] = field(default_factory=list)
    standing: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Every cluster that was decided -> its standing matters."""


@dataclass(frozen=True, slots=True)
class _Reading:
    """What was read: the fleet, the memories, and what open actions came to."""

    now: datetime
    seen: Inventory
    clusters: tuple[Cluster, ...]
    stored: dict[str, Stored[Memory]]
    ended: tuple[settling.Ended, ...]
    owners: dict[str, Owner]
    """Cluster id -> what policy and tags say of it."""
    nodes_came: Mapping[str, tuple[str, ...]]
    """Cluster id -> the targets that have their nodes now, long after their start."""


def tick(app: App) -> Plan:
    """Looks at the whole fleet and sends what may be done. Returns the plan, for whoever wants to show it.

    Raises LamplighterError when there never was a readable policy, or the journal does not answer: nothing is done.
    """
    now = app.clock()
    row = app.journal.fleet()
    force = inforce.policy_in_force(app, row.value)
    heal(app, force.policy, now)
    read = _read(app, force.policy, now)
    fleet, facts = _fleet(app, row.value, force, read)
    prices = list_prices(app.cloud, read.clusters, app.journal, now)
    gathered = gathering.gather(app, _asking(read, facts), now)
    state = _Tick(app, now, force.policy, facts, prices, read.owners, gathered, read.nodes_came)
    decisions = [d for cluster in read.clusters for d in _safely(state, cluster, read.stored.get(cluster.id))]
    _absent(state, read)
    plan = admit(decisions, facts, force.policy, now)
    _as_admitted(state, plan)
    # What lies in the queue since before the breaker opened is not what is tried.
    going = [d for d in plan.admitted if d.action is not None and d.action.disruptive and d.id not in facts.queued]
    if facts.breaker_probe and going:
        fleet = breaker.probing(fleet, going[0].id, now)
    fleet = inforce.remembered(fleet, force)
    state.notices += _fleet_notices(row.value, fleet, force, read.seen, now)
    standing = orphans.Standing(state.standing, not read.seen.problems, fleet.breaker_open_at)
    state.notices += orphans.orphans(app.journal.notices(), standing, now)
    _write(state, plan, read.stored, row, fleet)
    sweep(app, force.policy, read.seen, read.stored)
    problems = len(read.seen.problems)
    log.info("tick: %d clusters, %d admitted, %d problems", len(read.clusters), len(plan.admitted), problems)
    lag = measuring.view_lag(read.seen.clusters, read.stored, now).total_seconds()
    measured("tick", {**measuring.of_tick(plan, read.seen, state.notices), "view_lag_seconds": lag})
    return replace(plan, notices=tuple(state.notices))


def _read(app: App, policy: Policy, now: datetime) -> _Reading:
    seen = inventory(app.cloud, policy.scope, now)
    stored = {item.value.cluster: item for item in app.journal.memories(on_problem=log.error)}
    ended = settling.settle_open(app, _due(stored.values(), seen, now), now)
    stored = settling.with_ended(stored, ended)
    clusters = confirmed(app, settling.fresh_over(seen.clusters, ended), stored, now)
    owners = {cluster.id: owner_of(cluster, policy) for cluster in clusters}
    return _Reading(now, seen, clusters, stored, ended, owners, readying.that_came(app, clusters, stored, now))


def _asking(read: _Reading, facts: FleetFacts) -> Iterator[tuple[View, tuple[BoundRule, ...]]]:
    for cluster in read.clusters:
        memory = _remembered(read, cluster.id) or Memory(cluster.id)
        yield View(cluster, memory, fleet=facts), read.owners[cluster.id].rules


def _due(stored: Iterable[Stored[Memory]], seen: Inventory, now: datetime) -> Iterator[Stored[Memory]]:
    """Open actions worth a fresh reading: a lease or deadline is over, or the inventory shows the cluster at rest."""
    by_id = {cluster.id: cluster for cluster in seen.clusters}
    for item in stored:
        open_ = item.value.open
        if open_ is None:
            continue
        cluster = by_id.get(item.value.cluster)
        limit = open_.lease_until if open_.phase is Phase.CLAIMED else open_.deadline
        over = limit is None or now > limit
        if over or (open_.phase is Phase.ACCEPTED and (cluster is None or cluster.is_settled)):
            yield item


def _fleet(app: App, before: FleetMemory, force: inforce.InForce, read: _Reading) -> tuple[FleetMemory, FleetFacts]:
    succeeded, failed = settling.tally(read.ended, read.now)
    owners = read.owners
    places = ((one, owners[one.id].environment) for one in read.clusters)
    count = counted((one, place, bool(force.policy.rules_for(one, place))) for one, place in places)
    limit = force.policy.guards_for(UNMATCHED, None).breaker
    fleet = breaker.after(before, succeeded, failed)
    fleet = breaker.tripped(fleet, count, limit, read.now, whole=not read.seen.problems)
    known = ((one, owners[one.id], _remembered(read, one.id)) for one in read.clusters)
    rings = fleet_rings(fleet.rings, force.policy, known, read.now, whole=not read.seen.problems)
    fleet = replace(fleet, rings=rings)
    memories = (item.value for item in read.stored.values())
    held = inforce.with_setting(app, fleet)
    facts = fleet_facts(count, memories, held, read.now, policy_readable=force.readable)
    regions = releases(app, ((one, owners[one.id].rules) for one in read.clusters), read.now)
    return fleet, replace(facts, releases=regions)


def _remembered(read: _Reading, cluster_id: str) -> Memory | None:
    item = read.stored.get(cluster_id)
    return None if item is None else item.value


def _safely(state: _Tick, cluster: Cluster, stored: Stored[Memory] | None) -> tuple[Decision, ...]:
    """One cluster's trouble stays its own: whatever goes wrong about it, the others are decided and people are told."""
    try:
        return _one(state, cluster, stored)
    except Exception:
        log.exception("tick: %s could not be decided", cluster.id)
        text = f"{cluster.name} could not be decided, which is a mistake in Lamplighter; nothing is done to it"
        state.notices.append(Notice("unreadable_fleet", cluster.id, f"{state.now:%Y-%m-%d}", text, state.now))
        state.standing[cluster.id] = () if stored is None else stored.value.matters
        return ()


def _one(state: _Tick, cluster: Cluster, stored: Stored[Memory] | None) -> tuple[Decision, ...]:
    """Observe, decide, conclude for one cluster; what changed is gathered to be written in one go."""
    now, policy = state.now, state.policy
    before = stored or Stored(Memory(cluster.id), None)
    owner = state.owners[cluster.id]
    memory = remember.observe(before.value, cluster, owner.rules, now)
    if cluster.id in state.nodes_came:
        memory = with_nodes(memory, state.nodes_came[cluster.id])
    memory = remember.with_holds(memory, tag_holds(owner.tags, now, memory.holds), now)
    facts = state.gathered.get(cluster.id, NO_FACTS)
    view = View(cluster, memory, facts=facts, fleet=state.facts, prices=state.prices)
    memory = learn(view, owner.rules, now)
    decisions = decide(view.with_memory(memory), policy, now, owner)
    alerts = alerting.standing(view.with_memory(memory), owner.rules)
    standing, notices = matters.matters(
        memory, cluster, decisions, owner.zone, now, also={**alerts, **_support(state, cluster, memory)}
    )
    state.notices += postponing.limited(notices, policy, owner)
    state.notices += reliefs.told(before.value, memory, cluster, now)
    state.standing[cluster.id] = standing
    after = remember.conclude(memory, decisions, now)
    snapshot, decided = records.snapshot_of(cluster, now), records.digest_of_decisions(decisions)
    if (standing, snapshot, decided) != (after.matters, after.snapshot, after.decided):
        after = replace(after, matters=standing, snapshot=snapshot, decided=decided)
    change = records.Change(before.value, Stored(after, before.etag), cluster, decisions)
    if any(d.action is not None and d.verdict in (Verdict.ACT, Verdict.PLAN) for d in decisions):
        state.wanting[cluster.id] = change
    else:
        _changed(state, change)
    return decisions


def _absent(state: _Tick, read: _Reading) -> None:
    """What is remembered but not seen is gone, or can't be read: from now on nothing is known of it."""
    seen = {cluster.id for cluster in read.clusters}
    for id_, item in read.stored.items():
        if id_ not in seen and item.value.snapshot not in ("", records.ABSENT):
            after = replace(item.value, snapshot=records.ABSENT)
            _changed(state, records.Change(item.value, Stored(after, item.etag), None, ()))


def _support(state: _Tick, cluster: Cluster, memory: Memory) -> Mapping[str, str]:
    """Who runs out of support, or is near a limit of AKS, production included."""
    return support_matters(cluster, state.owners[cluster.id].environment, memory, state.facts.rings, state.now)


def _as_admitted(state: _Tick, plan: Plan) -> None:
    """What history tells of a decision is what the fleet made of it: "the stop budget is spent" is a reason too."""
    said: dict[str, list[Decision]] = {cluster: [] for cluster in state.wanting}
    for decision in plan.decisions:
        if decision.cluster in said:
            said[decision.cluster].append(decision)
    for cluster, decisions in said.items():
        local = state.wanting[cluster]
        memory = replace(local.after.value, decided=records.digest_of_decisions(decisions))
        after = Stored(memory, local.after.etag)
        _changed(state, records.Change(local.before, after, local.cluster, tuple(decisions)))


def _changed(state: _Tick, change: records.Change) -> None:
    if change.after.value != change.before and not being_written(change.before, state.now):
        state.changed[change.before.cluster] = change


def _write(
    state: _Tick, plan: Plan, stored: dict[str, Stored[Memory]], row: Stored[FleetMemory], fleet: FleetMemory
) -> None:
    """Notices first, then memory, history, messages: killed anywhere, the next tick converges.

    A warning on record that nobody was told would let a stop go unannounced; one told twice is told once.
    """
    journal, now = state.app.journal, state.now
    journal.post(state.notices)
    changed = {cluster: change.after for cluster, change in state.changed.items()}
    sending = send_admitted(state.app, plan, now, state.facts)
    for decision in sending.stops:
        item = changed.get(decision.cluster) or stored[decision.cluster]
        queued = replace(item.value, queued_id=decision.id, queued_at=max(now, decision.not_before or now))
        changed[decision.cluster] = Stored(queued, item.etag)
    lost = frozenset(journal.swap_many(changed.values()))
    if fleet != row.value:
        try:
            journal.swap_fleet(fleet, row.etag)
        except Superseded:
            log.info("tick: the fleet row was changed meanwhile; the next tick counts again")
    looked = row.value.last_tick_at
    journal.append(records.history((one for id_, one in state.changed.items() if id_ not in lost), now, looked))
    journal.append(records.gap(looked, now))
    sending.go(lost)


def _fleet_notices(
    before: FleetMemory, after: FleetMemory, force: inforce.InForce, seen: Inventory, now: datetime
) -> list[Notice]:
    notices = halt_notices(before.rings, after.rings, now)
    if after.breaker_open_at is not None and before.breaker_open_at is None:
        text = f"nothing is stopped for now: {after.breaker_reason}"
        notices.append(Notice("breaker_open", "fleet", orphans.breaker_cause(after.breaker_open_at), text, now))
    if not force.readable:
        notices.append(Notice("unreadable_policy", "fleet", force.policy.hash[:12], force.problem, now))
    if seen.problems:
        shown = "; ".join(seen.problems[:20])
        notices.append(Notice("unreadable_fleet", "fleet", f"{now:%Y-%m-%d}", shown, now))
    return notices
