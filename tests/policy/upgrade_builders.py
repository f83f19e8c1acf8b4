"""Plain values for tests of upgrades, repair and tier: policies, clusters on versions, rings, and views of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.model.decisions import Decision
from shared.model.facts import Fact, FleetFacts, Need, View
from shared.model.fleet import Cluster
from shared.model.memory import Failure, Memory, TargetMemory
from shared.model.repair import Ailment
from shared.model.upgrades import Fall, Halt, Proof, Ring, Rings, Run, UpgradePast
from shared.model.versions import Line, Offer, Release, Releases, UpgradeOffers, Version
from shared.policy.decide import decide
from shared.policy.document import Policy, read_policy
from tests.policy.builders import SYSTEM, cluster, pool

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
IN_WINDOW = datetime(2026, 12, 8, 20, 0, tzinfo=UTC)
"""Tuesday 21:00 in Berlin: an hour in, three hours left."""
OUTSIDE = IN_WINDOW - DAY
FIRST_SEEN = IN_WINDOW - 60 * DAY
HEAD = """
version: 1
mode: {mode}
timezone: Europe/Berlin
environments:
  - {{name: prod, production: true, match: {{tags: {{environment: prod}}}}}}
  - {{name: dev, match: {{tags: {{environment: dev}}}}}}
  - {{name: staging, match: {{tags: {{environment: staging}}}}}}
schedules:
  patching: {{running: [Tue 20:00-24:00]}}
guards: {{warn_before_stop: 0m, min_uptime: 0m, min_downtime: 0m}}
rules:
"""


def rules(block: str = "", *, mode: str = "act", more: str = "", name: str = "rings") -> Policy:
    inside = "to: stable, rings: [dev, staging], soak: {days: 7, running_hours: 40}, window: patching"
    text = (
        HEAD.format(mode=mode) + f"  - {{name: {name}, upgrades: {{{inside}{', ' if block else ''}{block}}}}}\n{more}"
    )
    return read_policy(text, "policy.yaml")


RULES = rules()


def line(minor: int, *patches: int, **more: Any) -> Release:
    return Release(Line(1, minor), tuple(Version(1, minor, patch) for patch in patches), **more)


HERE = Releases((line(34, 2, 4), line(35, 1), line(36, 0), line(37, 0, preview=True)))
OFFERS = UpgradeOffers((Offer(Version(1, 34, 4)), Offer(Version(1, 35, 1))))


def node_pool(name: str = "apps", version: str = "1.34.2", **more: Any) -> Any:
    return pool(name, version=version, **more)


def on(version: str = "1.34.2", env: str = "dev", *pools: Any, name: str = "web", **more: Any) -> Cluster:
    """A cluster whose pools run what its control plane runs, unless others are given."""
    own = pools or (replace(SYSTEM, version=version), node_pool(version=version))
    return cluster(name, env, current_version=version, pools=own, **more)


def proof(version: str, days: float = 9, **more: Any) -> Proof:
    return Proof(version, IN_WINDOW - DAY, more.pop("clusters", 2), IN_WINDOW - timedelta(days=days), **more)


def rings(dev: Ring | None = None, staging: Ring | None = None, **more: Any) -> Rings:
    return Rings((dev or Ring("dev", clusters=1), staging or Ring("staging", clusters=1)), **more)


HALT = Halt("dev", "x", IN_WINDOW - HOUR, "api/apps: PodDrainFailure: a pod may not go")


def past(version: str = "1.34.2", env: str = "dev", *, since: datetime = FIRST_SEEN, **more: Any) -> UpgradePast:
    run = Run(version, since, IN_WINDOW - since)
    return UpgradePast(rule="rings", ring=env, goal="1.35.1", run=run, **more)


def memory_of(about: Cluster, upgrade: UpgradePast | None = None, **target: Any) -> Memory:
    return Memory(about.id, targets={"": TargetMemory(**target)}, upgrade=upgrade, first_seen_at=FIRST_SEEN)


def view_of(seen: Cluster, memory: Memory | None = None, offers: Any = OFFERS, **fleet: Any) -> View:
    """`offers` None: nobody asked; a text: why they could not be read. `fleet`: rings, and fields of FleetFacts."""
    facts = {}
    if isinstance(offers, str):
        facts = {Need.UPGRADES: Fact(None, IN_WINDOW, offers)}
    elif offers is not None:
        facts = {Need.UPGRADES: Fact(offers, IN_WINDOW)}
    known = {"rings": {"rings": fleet.pop("rings", rings())}, "releases": {"westeurope": HERE}} | fleet
    env = seen.tags.get("environment", "dev")
    return View(seen, memory or memory_of(seen, past(env=env)), facts=facts, fleet=FleetFacts(**known))


def decided(view: View, policy: Policy = RULES, now: datetime = IN_WINDOW, pool_name: str | None = None) -> Decision:
    return next(one for one in decide(view, policy, now) if one.pool == pool_name)


def behind(**more: Any) -> Cluster:
    """The control plane is ahead of its pools."""
    return on("1.35.1", "dev", replace(SYSTEM, version="1.35.1"), node_pool(version="1.34.2", **more))


def half_way(upgrade: UpgradePast | None = None, **target: Any) -> Memory:
    seen = behind()
    known = upgrade or past(begun_at=IN_WINDOW - HOUR, came_from="1.34.2")
    own = {"apps": TargetMemory(**target)} if target else {}
    return replace(memory_of(seen, known), targets={"": TargetMemory(), **own})


def setback(kind: str, code: str, message: str = "", at: datetime = IN_WINDOW - 7 * DAY) -> dict[str, Failure]:
    return {kind: Failure(kind, code, message or code, at, 1, at + HOUR)}


def fallen(code: str = "PodDrainFailure", at: datetime = IN_WINDOW - 7 * DAY) -> Fall:
    return Fall(at, code, "a pod may not go", "apps")


# --- repair and tier

REPAIR = read_policy(
    HEAD.format(mode="act")
    + "  - {name: heal, match: {environments: [dev, prod]}, repair: {attempts: 3, after: 1h}}\n",
    "policy.yaml",
)
TIER = read_policy(HEAD.format(mode="act") + "  - {name: cheap, tier: {nonproduction: Free}}\n", "policy.yaml")


def failed(code: str = "InternalOperationError", env: str = "dev", **more: Any) -> Cluster:
    return cluster(env=env, provisioning_state="Failed", error_code=code, **more)


def ailing(
    seen: Cluster, since: timedelta = 2 * HOUR, tries: int = 0, tried: timedelta = 9 * HOUR, **target: Any
) -> View:
    tried_at = IN_WINDOW - tried if tries else None
    ailment = Ailment(IN_WINDOW - since, seen.error_code or "", tries, tried_at)
    memory = replace(memory_of(seen, **target), ailments={"": ailment})
    return View(seen, memory)
