"""For each reason of upgrades, repair and tier a situation that gives it; collected by test_reasons.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from shared.model.decisions import Decision, Reason
from shared.model.facts import View
from shared.model.fleet import Power
from shared.model.versions import UpgradeOffers
from shared.policy.admit import admit
from tests.policy.builders import SYSTEM, cluster
from tests.policy.upgrade_builders import (
    HALT,
    IN_WINDOW,
    REPAIR,
    TIER,
    ailing,
    behind,
    decided,
    failed,
    fallen,
    half_way,
    memory_of,
    node_pool,
    on,
    past,
    rings,
    rules,
    setback,
    view_of,
)

IMAGES = UpgradeOffers(images={"system": "AKSUbuntu-2204gen2containerd-202611.3.0"})


def upgrade() -> Decision:
    return decided(view_of(on()))


def node_image() -> Decision:
    old = replace(SYSTEM, version="1.35.1", image="AKSUbuntu-2204gen2containerd-202610.20.0")
    seen = on("1.35.1", "dev", old, node_channel="None")
    return decided(
        view_of(seen, memory_of(seen, past("1.35.1")), IMAGES), rules("node_images_every: 7d"), pool_name="system"
    )


def maintenance_window() -> Decision:
    seen = on("1.35.1")
    return decided(view_of(seen, memory_of(seen, past("1.35.1")), None), rules("maintenance: true"))


def repair() -> Decision:
    return decided(ailing(failed()), REPAIR)


def tier() -> Decision:
    return decided(View(cluster(tier="Standard"), memory_of(cluster())), TIER)


def auto_upgrade() -> Decision:
    return decided(view_of(on(upgrade_channel="patch")))


def tier_needed() -> Decision:
    seen = cluster(tier="Premium", support_plan="AKSLongTermSupport")
    return decided(View(seen, memory_of(seen)), TIER)


def write_only_secrets() -> Decision:
    why = "it runs as a service principal with a secret"
    return decided(ailing(failed(), setbacks=setback("reconcile", "WriteOnlySecrets", why)), REPAIR)


def unlisted_error() -> Decision:
    return decided(ailing(failed("QuotaExceeded")), REPAIR)


def escalated() -> Decision:
    return decided(ailing(failed(), timedelta(days=2), tries=3), REPAIR)


def ring_waits() -> Decision:
    return decided(view_of(on(env="staging")))


def ring_halted() -> Decision:
    return decided(view_of(on(), rings=rings(halt=HALT)))


def at_once() -> Decision:
    view = view_of(on(), rings=rings(begun=("another",)))
    (decision,) = (one for one in admit([decided(view)], view.fleet, rules(), IN_WINDOW).decisions if one.pool is None)
    return decision


def not_offered() -> Decision:
    return decided(view_of(on(), offers="the answer was 403"))


def unhealthy() -> Decision:
    return decided(view_of(on("1.34.2", "dev", replace(SYSTEM, provisioning_state="Failed"))))


def skew() -> Decision:
    far = on("1.34.2", "dev", replace(SYSTEM, version="1.34.2"), node_pool(version="1.31.0", power=Power.STOPPED))
    return decided(view_of(far))


def blocked_by_aks() -> Decision:
    why = "deprecated API flowschemas was used lately"
    seen = on()
    lately = IN_WINDOW - timedelta(hours=3)
    refused = setback("upgrade_control_plane", "UpgradeBlockedOnDeprecatedAPIUsage", why, lately)
    return decided(view_of(seen, memory_of(seen, past(), setbacks=refused)))


def undrainable() -> Decision:
    """The ring is released for the others; this cluster's own failure is newer."""
    stuck = half_way(past(fall=fallen()), setbacks=setback("upgrade_pool", "PodDrainFailure", "a pod may not go"))
    return decided(view_of(behind(), stuck), pool_name="apps")


def window_too_short() -> Decision:
    return decided(view_of(behind(count=90, max_surge="1"), half_way()), pool_name="apps")


SITUATIONS: dict[Reason, Callable[[], Decision]] = {
    Reason.UPGRADE: upgrade,
    Reason.NODE_IMAGE: node_image,
    Reason.MAINTENANCE_WINDOW: maintenance_window,
    Reason.REPAIR: repair,
    Reason.TIER: tier,
    Reason.AUTO_UPGRADE: auto_upgrade,
    Reason.TIER_NEEDED: tier_needed,
    Reason.WRITE_ONLY_SECRETS: write_only_secrets,
    Reason.UNLISTED_ERROR: unlisted_error,
    Reason.ESCALATED: escalated,
    Reason.RING_WAITS: ring_waits,
    Reason.RING_HALTED: ring_halted,
    Reason.AT_ONCE: at_once,
    Reason.NOT_OFFERED: not_offered,
    Reason.UNHEALTHY: unhealthy,
    Reason.SKEW: skew,
    Reason.BLOCKED_BY_AKS: blocked_by_aks,
    Reason.UNDRAINABLE: undrainable,
    Reason.WINDOW_TOO_SHORT: window_too_short,
}
