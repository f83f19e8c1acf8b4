"""Plain values for tests of the deciding engine: policies, clusters, memories, views, and one cluster's life in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from shared.model.decisions import Decision, Notice, Reason, Verdict
from shared.model.facts import Fact, FleetFacts, Need, View
from shared.model.fleet import Cluster, NodePool, Power
from shared.model.memory import Adoption, Memory, PersonHold, Seen, Served, TargetMemory, Wish
from shared.policy import claim as protocol
from shared.policy import matters, remember
from shared.policy.decide import decide
from shared.policy.document import Policy, read_policy
from shared.policy.voices import owner_of, tag_holds

SUBSCRIPTION = "11111111-1111-1111-1111-111111111111"
BERLIN = ZoneInfo("Europe/Berlin")
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
_MONDAY = datetime(2026, 12, 7, tzinfo=BERLIN)
_DAYS = {name: day for day, name in enumerate(("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"))}

HEAD = """
version: 1
mode: {mode}
timezone: Europe/Berlin
scope: all
environments:
  - {{name: prod, production: true, match: {{tags: {{environment: prod}}}}}}
  - {{name: dev, match: {{tags: {{environment: dev}}}}}}
  - {{name: staging, match: {{tags: {{environment: staging}}}}, guards: {{keep_on_at_most: 24h}}}}
schedules:
  office: {{running: [Mon-Fri 07:30-19:00]}}
  early: {{running: [Mon-Fri 06:00-15:00]}}
  late: {{running: [Mon-Fri 12:00-22:00]}}
  bangalore: {{timezone: Asia/Kolkata, running: [Mon-Fri 09:30-18:45]}}
"""
OFFICE = "  - {name: office-hours, match: {environments: [dev]}, hours: {schedule: office}}"
BATCH = '  - {name: batch, match: {environments: [dev]}, hours: {schedule: office, pools: ["batch*"]}}'


def at(text: str) -> datetime:
    """`Mon 19:00`, Berlin time, in the week of 7 December 2026; `Mon+1 07:30` is a week later. Aware UTC."""
    day, clock = text.split()
    name, _, weeks = day.partition("+")
    hour, minute = map(int, clock.split(":"))
    local = _MONDAY + (_DAYS[name] + 7 * int(weeks or 0)) * DAY
    return local.replace(hour=hour, minute=minute).astimezone(UTC)


@lru_cache(maxsize=256)
def policy(*rules: str, mode: str = "act", guards: str = "", extra: str = "") -> Policy:
    """The head above with these rules (lines of YAML); `guards` is the inside of a mapping, `extra` whole sections."""
    text = HEAD.format(mode=mode)
    if rules:
        text += "rules:\n" + "\n".join(rules) + "\n"
    if guards:
        text += f"guards: {{{guards}}}\n"
    return read_policy(text + extra, "policy.yaml")


def pool(name: str = "batch", **more: Any) -> NodePool:
    known = {
        "mode": "User",
        "kind": "VirtualMachineScaleSets",
        "vm_size": "Standard_D4s_v5",
        "count": 3,
        "autoscaling": False,
        "os_type": "Linux",
        "power": Power.RUNNING,
        "provisioning_state": "Succeeded",
    }
    return NodePool(name, **(known | more))


SYSTEM = pool("system", mode="System")


def cluster(name: str = "web", env: str | None = "dev", **more: Any) -> Cluster:
    """Running and settled unless said otherwise; `tags` are added to the environment's."""
    tags = {**({} if env is None else {"environment": env}), **more.pop("tags", {})}
    known: dict[str, Any] = {
        "location": "westeurope",
        "power": Power.RUNNING,
        "provisioning_state": "Succeeded",
        "tier": "Free",
        "pools": (SYSTEM,),
    }
    id_ = f"/subscriptions/{SUBSCRIPTION}/resourcegroups/rg/providers/microsoft.containerservice/managedclusters/{name}"
    where = {"resource_group": "rg", "subscription": SUBSCRIPTION}
    return Cluster(id_, name, tags=tags, **(where | known | more))


def stopped(name: str = "web", env: str | None = "dev", **more: Any) -> Cluster:
    down = tuple(replace(one, power=Power.STOPPED, count=0) for one in more.pop("pools", (SYSTEM,)))
    return cluster(name, env, power=Power.STOPPED, pools=down, **more)


def with_pool(*pools: NodePool, **more: Any) -> Cluster:
    return cluster(pools=(SYSTEM, *(pools or (pool(),))), **more)


def adopted(rules: Policy, about: Cluster, since: datetime = LONG_AGO, **target: Any) -> Memory:
    """A memory that adopted all rules for a cluster at `since`; `target` is more of the cluster's own memory."""
    acting = [rule for rule in owner_of(about, rules).rules if rule.mode == "act"]
    mine = {
        rule.name: Adoption(rule.fingerprint, since) for rule in acting if getattr(rule.block, "pools", None) is None
    }
    theirs = {
        rule.name: Adoption(rule.fingerprint, since)
        for rule in acting
        if getattr(rule.block, "pools", None) is not None
    }
    known = {"ran_at": since, "seen": Seen(about.power, since)}
    targets = {"": TargetMemory(adopted=mine, **(known | target))}
    if theirs:
        for one in about.pools:
            seen_pool = Seen(one.power, since)
            targets[one.name.casefold()] = TargetMemory(adopted=theirs, ran_at=since, seen=seen_pool)
    return Memory(about.id, targets=targets, first_seen_at=since)


def with_target(memory: Memory, pool_name: str | None = None, **more: Any) -> Memory:
    return replace(memory, targets=memory.with_target(pool_name, replace(memory.target(pool_name), **more)))


def served(wish: Wish, through: datetime) -> Served:
    return Served(wish, through)


def view(seen: Cluster, memory: Memory | None = None, *, locks: Any = None, **fleet: Any) -> View:
    """`locks`: a tuple of (name, level), or a text: why they could not be read. `fleet`: fields of FleetFacts."""
    facts: Mapping[Need, Fact] = {}
    if isinstance(locks, str):
        facts = {Need.LOCKS: Fact(None, LONG_AGO, locks)}
    elif locks is not None:
        facts = {Need.LOCKS: Fact(locks, LONG_AGO)}
    return View(seen, memory or Memory(seen.id), facts=facts, fleet=FleetFacts(**fleet))


def decided(view_: View, rules: Policy, now: datetime, pool_name: str | None = None) -> Decision:
    """The decision about the cluster, or about one of its pools."""
    return next(one for one in decide(view_, rules, now) if one.pool == pool_name)


def hold(wish: Wish, since: datetime, until: datetime, source: str = "command", **more: Any) -> PersonHold:
    return PersonHold(wish, since, until, source, **({"owner": "ana", "reason": "demo"} | more))


def keep_on(since: datetime, until: datetime, **more: Any) -> PersonHold:
    return hold(Wish.RUNNING, since, until, **more)


def keep_off(since: datetime, until: datetime, **more: Any) -> PersonHold:
    return hold(Wish.STOPPED, since, until, **more)


def local(moment: datetime) -> str:
    return f"{moment.astimezone(BERLIN):%a %H:%M}"


@dataclass
class Life:
    """One cluster in an obedient world: ticks look, decide and act at once, people may change things in between."""

    seen: Cluster
    rules: Policy
    memory: Memory | None = None
    did: list[tuple[str, str]] = field(default_factory=list)
    """(local time, verb or verb and pool) of everything that was done."""
    notices: list[Notice] = field(default_factory=list)
    last: tuple[Decision, ...] = ()
    fleet: FleetFacts = field(default_factory=FleetFacts)

    def tick(self, now: datetime) -> Decision:
        """One tick, and what it sent done at once. The decision about the cluster."""
        before = self.memory or Memory(self.seen.id)
        owner = owner_of(self.seen, self.rules)
        memory = remember.observe(before, self.seen, owner.rules, now)
        memory = remember.with_holds(memory, tag_holds(owner.tags, now, memory.holds), now)
        self.last = decide(View(self.seen, memory, fleet=self.fleet), self.rules, now, owner)
        standing, notices = matters.matters(memory, self.seen, self.last, owner.zone, now)
        self.notices += notices
        self.memory = matters.with_matters(remember.conclude(memory, self.last, now), standing)
        for decision in self.last:
            if decision.verdict is Verdict.ACT:
                self._do(decision, now)
        return self.last[0]

    def until(self, end: datetime, begin: datetime | None = None, every: timedelta = 5 * MINUTE) -> Decision:
        """Ticks from `begin` (else from the last one on) up to and with `end`."""
        now = begin if begin is not None else self.now + every
        while now <= end:
            self.now = now
            whole = self.tick(now)
            now += every
        return whole

    def _do(self, decision: Decision, now: datetime) -> None:
        assert decision.action is not None
        assert decision.action.goal is not None
        assert self.memory is not None
        claimed = protocol.claim(self.memory, decision, now)
        assert isinstance(claimed, Memory), claimed
        self.power(decision.action.goal.power, decision.pool)
        done = protocol.settle(protocol.accepted(claimed, now, None), self.seen, now)
        assert done.outcome is protocol.Outcome.SUCCEEDED
        self.memory = done.memory
        self.did.append((local(now), " ".join(filter(None, [decision.action.verb, decision.pool]))))

    def power(self, power: Power, pool_name: str | None = None) -> None:
        """Somebody, or we, changed the power of the cluster with all its pools, or of one pool."""
        pools = tuple(replace(one, power=power) if pool_name in (None, one.name) else one for one in self.seen.pools)
        self.seen = replace(self.seen, power=power if pool_name is None else self.seen.power, pools=pools)

    def said(self, kind: str) -> list[str]:
        return [local(one.at) for one in self.notices if one.kind == kind and not one.resolved]

    @property
    def reason(self) -> Reason:
        return self.last[0].reason


def reasons(decisions: Iterable[Decision]) -> list[tuple[str | None, Verdict, Reason]]:
    return [(one.pool, one.verdict, one.reason) for one in decisions]
