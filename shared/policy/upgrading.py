"""What comes next for one cluster that a rule of rings speaks for: the step, and what stands in its way. Pure.

    finish what is begun: pools that are behind their control plane, system pools first, spot pools last
    else the control plane, one minor version at a time
    else node images, once their time has come

One write at a time. Nothing can be rolled back, so everything is asked first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from shared.model.actions import Action, UpgradeControlPlane, UpgradeNodeImage, UpgradePool
from shared.model.decisions import Obstacle, Reason, Verdict
from shared.model.facts import Need, View
from shared.model.fleet import Cluster, NodePool, Power
from shared.model.memory import Memory, Wish
from shared.model.upgrades import Rings, UpgradePast
from shared.model.versions import Releases, UpgradeOffers, Version
from shared.policy.bound import BoundRule
from shared.policy.preflight import preflight
from shared.policy.ring_gates import Gate, ImageStep, gate, image_gate
from shared.policy.rings import Order, Soak
from shared.policy.schedule import Hours, hours
from shared.policy.spoken import spoken
from shared.policy.support import LTS_PLAN, version_of
from shared.policy.upgrade_memory import oldest_image, running_pools, version_of_pool
from shared.policy.versions import goal, image_release, next_step

HANDS_OFF = frozenset({Reason.AUTO_UPGRADE, Reason.FLEET_MEMBER})
"""Somebody else upgrades it: no ring waits for it, and it is not touched."""
_OWN_CHANNELS = frozenset({"rapid", "stable", "patch", "node-image"})
_IMAGE_CHANNELS = frozenset({"nodeimage", "securitypatch", "unmanaged"})
_POOL_ORDER = {"system": 0, "user": 1}
ALWAYS = Hours(inside=True, since=None, until=None)


@dataclass(frozen=True, slots=True)
class Step:
    """What comes next, and why not now."""

    sentence: str
    """For people, without the name of the cluster."""
    action: Action | None = None
    """None: nothing is to be done, as far as is known."""
    obstacle: Obstacle | None = None
    """Why the action is not done now."""
    window: Hours = ALWAYS
    goal: Version | None = None
    version: Version | None = None
    """What the control plane runs."""
    gate: Gate | None = None
    """What the rings say of it; None where they were not asked."""
    due_by_window: bool = True
    """False: something else than the window is waited for."""

    @property
    def ready(self) -> bool:
        return self.action is not None and self.obstacle is None and self.window.inside


def order_of(rule: BoundRule) -> Order:
    soak = rule.block.soak
    return Order(tuple(rule.block.rings), Soak(soak.days, soak.running_hours), rule.zone)


def rings_of(view: View, rule: BoundRule) -> Rings:
    return view.fleet.rings.get(rule.name, Rings())


def past_of(memory: Memory, rule: BoundRule) -> UpgradePast:
    """What is remembered, under the ring that the cluster is in now."""
    past = memory.upgrade or UpgradePast()
    if (past.rule, past.ring) == (rule.name, rule.environment):
        return past
    return replace(past, rule=rule.name, ring=rule.environment)


def window_of(rule: BoundRule, now: datetime) -> Hours:
    return hours(rule.schedules, now) if rule.schedules else ALWAYS


def is_lts(cluster: Cluster) -> bool:
    return (cluster.support_plan or "").casefold() == LTS_PLAN


def goal_for(cluster: Cluster, rule: BoundRule, releases: Releases | None) -> Version | None:
    """Where the cluster should end; None: its version, or what its region has, is not known."""
    version = version_of(cluster)
    if version is None or releases is None:
        return None
    return goal(rule.block.to, version, releases, lts=is_lts(cluster))


def step_of(view: View, rule: BoundRule, now: datetime) -> Step:
    """What comes next for the view's cluster. Total: what is not known is an obstacle, with a sentence."""
    cluster, window = view.cluster, window_of(rule, now)
    version = version_of(cluster)
    off = hands_off(cluster)
    if off is not None:
        return Step(off.sentence, obstacle=off, window=window, version=version, due_by_window=False)
    if version is None or cluster.problem is not None:
        text = cluster.problem or "its Kubernetes version cannot be read"
        return Step(text, obstacle=_refused(Reason.UNREADABLE_STATE, text), window=window, due_by_window=False)
    wanted = goal_for(cluster, rule, view.fleet.releases.get(cluster.location.casefold()))
    step = replace(_wanted(_Look(view, rule, version, wanted, now)), window=window, goal=wanted, version=version)
    action = step.action
    if action is None:
        return step
    said = _gate(view, rule, action, now)
    if not said.open:
        reason = Reason.RING_HALTED if said.halted else Reason.RING_WAITS
        return replace(step, gate=said, obstacle=Obstacle(reason, said.sentence), due_by_window=False)
    step = replace(step, gate=said)
    if step.obstacle is not None:
        return step
    return replace(step, obstacle=preflight(view, rule, action, window, now))


def hands_off(cluster: Cluster) -> Obstacle | None:
    """Whom AKS or a Fleet Manager upgrades by itself is left to them."""
    channel = (cluster.upgrade_channel or "").casefold()
    if channel in _OWN_CHANNELS:
        text = f"AKS upgrades it by itself (channel {channel}), and refuses to upgrade its control plane alone"
        return _refused(Reason.AUTO_UPGRADE, text)
    if cluster.fleet is not None:
        hub = cluster.fleet.rpartition("/")[2]
        said = f"fleet {hub} upgrades it" if "/" in cluster.fleet else "whether a fleet upgrades it could not be read"
        return _refused(Reason.FLEET_MEMBER, said)
    return None


def _refused(reason: Reason, sentence: str) -> Obstacle:
    return Obstacle(reason, sentence, verdict=Verdict.REFUSE)


@dataclass(frozen=True, slots=True)
class _Look:
    view: View
    rule: BoundRule
    version: Version
    goal: Version | None
    now: datetime

    @property
    def offers(self) -> UpgradeOffers | None:
        fact = self.view.facts.get(Need.UPGRADES)
        return fact.value if fact is not None and fact.known else None

    @property
    def zone(self) -> str:
        return self.rule.zone


def _wanted(look: _Look) -> Step:
    behind = pools_behind(look.view.cluster, look.version)
    if behind:
        pool, text = behind[0], str(look.version)
        left = f", and {len(behind) - 1} more after it" if len(behind) > 1 else ""
        sentence = f"pool {pool.name} {pool.version} -> {text}{left}; it cannot be rolled back"
        return Step(sentence, UpgradePool(look.view.cluster.id, pool.name, text))
    if look.goal is None:
        text = f"what {look.view.cluster.location or 'its region'} offers for `to: {look.rule.block.to}` is not known"
        return Step(text, obstacle=Obstacle(Reason.NOT_OFFERED, text), due_by_window=False)
    if look.version < look.goal:
        return _control_plane(look, look.goal)
    return _image(look)


def pools_behind(cluster: Cluster, version: Version) -> list[NodePool]:
    """Pools that run something older than their control plane: system pools first, spot pools last, by name."""
    behind = [
        pool for pool in running_pools(cluster) if (its := version_of_pool(pool, version)) is not None and its < version
    ]
    return sorted(behind, key=_pool_order)


def _pool_order(pool: NodePool) -> tuple[bool, int, str]:
    return pool.priority.casefold() == "spot", _POOL_ORDER.get((pool.mode or "").casefold(), 2), pool.name.casefold()


def _control_plane(look: _Look, wanted: Version) -> Step:
    cluster, offers = look.view.cluster, look.offers
    fact = look.view.facts.get(Need.UPGRADES)
    if offers is None:
        # Asked only in the window; until then the way is known, its next patch is not.
        text = (
            f"{look.version} -> {wanted}" if wanted.line == look.version.line else f"{look.version} -> {_ahead(look)}"
        )
        sentence = f"control plane {text}; it cannot be rolled back"
        why = "what AKS offers it has not been read" if fact is None else f"its upgrades cannot be read: {fact.problem}"
        asked = cluster.power is Power.RUNNING and window_of(look.rule, look.now).inside
        obstacle = Obstacle(Reason.NOT_OFFERED, why) if asked else None
        return Step(sentence, UpgradeControlPlane(cluster.id, to=str(_guess(look, wanted))), obstacle)
    step = next_step(look.version, wanted, offers.control_plane, lts=is_lts(cluster))
    if step is None:
        shown = ", ".join(str(one.version) for one in offers.control_plane if not one.preview) or "nothing"
        text = f"AKS offers {shown}, and none of it leads from {look.version} to {wanted}"
        return Step(text, obstacle=Obstacle(Reason.NOT_OFFERED, text), due_by_window=False)
    on = "" if step == wanted else f" (on the way to {wanted})"
    sentence = f"control plane {look.version} -> {step}{on}; it cannot be rolled back"
    return Step(sentence, UpgradeControlPlane(cluster.id, to=str(step)))


def _ahead(look: _Look) -> str:
    return f"{look.version.major}.{look.version.minor + 1}"


def _guess(look: _Look, wanted: Version) -> Version:
    """What the next step will be at most: what the rings are asked about before Azure is."""
    if wanted.line == look.version.line or is_lts(look.view.cluster):
        return wanted
    line = Version(look.version.major, look.version.minor + 1)
    if wanted.line == line.line:
        return wanted
    releases = look.view.fleet.releases.get(look.view.cluster.location.casefold())
    release = None if releases is None else releases.of(line.line)
    return max(release.patches) if release is not None and release.patches else line


def _image(look: _Look) -> Step:
    cluster, block, past = look.view.cluster, look.rule.block, look.view.memory.upgrade
    there = f"{look.version}, as wanted by `to: {block.to}`"
    if block.node_images_every is None:
        return Step(there)
    channel = (cluster.node_channel or "").casefold()
    if channel in _IMAGE_CHANNELS:
        return Step(f"{there}; AKS renews its node images by itself (channel {cluster.node_channel})")
    last = None if past is None else past.images_at
    half = past is not None and past.begun_at is not None
    due = None if last is None else last + block.node_images_every
    if due is not None and due > look.now and not half and not _rolled_now(look, last):
        return Step(f"{there}; node images again from {spoken(due, look.zone)}")
    offers = look.offers
    if offers is None:
        return Step(f"{there}; node images are due in the next window")
    old = [pool for pool in sorted(running_pools(cluster), key=_pool_order) if _is_older(pool, offers)]
    if not old:
        return Step(f"{there}; node images are the newest")
    newest = offers.images[old[0].name.casefold()]
    sentence = f"node image of pool {old[0].name} -> {newest.rpartition('-')[2]}"
    return Step(sentence, UpgradeNodeImage(cluster.id, old[0].name, newest))


def _rolled_now(look: _Look, last: datetime | None) -> bool:
    """The pools of one cluster go one after the other in one window: the first does not put the others off."""
    since = window_of(look.rule, look.now).since
    return last is not None and since is not None and last >= since and look.now - last < timedelta(days=1)


def _is_older(pool: NodePool, offers: UpgradeOffers) -> bool:
    have, newest = image_release(pool.image), image_release(offers.images.get(pool.name.casefold()))
    return have is not None and newest is not None and have < newest


def images_are_newest(view: View) -> bool:
    """Whether Azure was asked, and has nothing newer for any pool that runs."""
    fact = view.facts.get(Need.UPGRADES)
    if fact is None or not fact.known or not fact.value.images:
        return False
    return not any(_is_older(pool, fact.value) for pool in running_pools(view.cluster))


def _gate(view: View, rule: BoundRule, action: Action, now: datetime) -> Gate:
    rings, order = rings_of(view, rule), order_of(rule)
    past: Any = past_of(view.memory, rule)
    if isinstance(action, UpgradeNodeImage):
        has = oldest_image(view.cluster) or ()
        return image_gate(rings, order, ImageStep(past.ring, action.to, has), now)
    to = Version.read(getattr(action, "to", "")) or Version(0, 0)
    return gate(rings, order, past, to)


def waits_of(view: View, rule: BoundRule, now: datetime) -> str:
    """Why the cluster cannot move, so that no ring waits for it; '' where it can."""
    cluster, memory = view.cluster, view.memory
    off = hands_off(cluster)
    if off is not None:
        return off.reason.value
    if any(tag.casefold() == "lamplighter-exclude" for tag in cluster.tags):
        return Reason.EXCLUDED.value
    held = next((hold for hold in memory.holds if hold.pool is None and hold.until > now), None)
    if held is not None:
        return (Reason.KEEP_OFF if held.wish is Wish.STOPPED else Reason.KEEP_ON).value
    if cluster.power is Power.STOPPED and not sleeps_for_us(memory):
        return Reason.CLUSTER_STOPPED.value
    past = past_of(memory, rule)
    failure = memory.target(None).failure_of(UpgradeControlPlane.kind)
    if failure is not None and past.fall is None:
        return Reason.BLOCKED_BY_AKS.value
    return ""


def sleeps_for_us(memory: Memory) -> bool:
    """We stopped it, so a voice of ours will put it to sleep again once its upgrade is done."""
    return memory.target(None).owed is not None
