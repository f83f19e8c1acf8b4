"""Kubernetes versions and node images of the simulated Azure: what regions have, what a cluster may go to.

Shapes from the published examples of the API (KubernetesVersions_List, ManagedClustersGetUpgradeProfile,
AgentPoolsGetUpgradeProfile); rules from https://learn.microsoft.com/azure/aks/upgrade-aks-control-plane.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil
from typing import TYPE_CHECKING, Any

from lamplighter.simulator import refusals
from lamplighter.simulator.resources import Cluster, Pool, current_version, pool_version

if TYPE_CHECKING:
    from lamplighter.simulator.world import World

Numbers = tuple[int, int, int]
OFFICIAL, LONG_TERM = "KubernetesOfficial", "AKSLongTermSupport"
FIRST_IMAGE = "202610.20.0"


@dataclass(slots=True)
class MinorVersion:
    """One minor version, such as 1.35, with its patches."""

    patches: list[str]
    preview: bool = False
    plans: tuple[str, ...] = (OFFICIAL, LONG_TERM)


@dataclass(slots=True)
class Catalog:
    """What every region has. `image` is the newest release of every node image."""

    minors: dict[str, MinorVersion] = field(
        default_factory=lambda: {
            "1.33": MinorVersion(["1.33.8"], plans=(LONG_TERM,)),
            "1.34": MinorVersion(["1.34.2", "1.34.4"]),
            "1.35": MinorVersion(["1.35.1"]),
            "1.36": MinorVersion(["1.36.0"]),
            "1.37": MinorVersion(["1.37.0"], preview=True),
        }
    )
    image: str = FIRST_IMAGE

    def add(self, patch: str, *, preview: bool = False) -> None:
        """A patch appears; with it, where it is the first of its kind, a minor version."""
        minor = patch.rpartition(".")[0]
        known = self.minors.setdefault(minor, MinorVersion([], preview=preview))
        known.preview = preview
        if patch not in known.patches:
            known.patches = sorted([*known.patches, patch], key=numbers)

    def offers(self, version: str, *, lts: bool) -> list[tuple[str, bool]]:
        """(version, preview) a cluster on `version` may go to: patches of its minor version, and of the next one.

        On the plan of long-term support also of the one after that.
        """
        have = numbers(version)
        found = []
        for minor, known in self.minors.items():
            ahead = numbers(f"{minor}.0")[1] - have[1]
            supported = OFFICIAL in known.plans or lts
            if supported and 0 <= ahead <= (2 if lts else 1):
                found += [(patch, known.preview) for patch in known.patches if numbers(patch) > have]
        return sorted(found, key=lambda one: numbers(one[0]))


def numbers(version: str) -> Numbers:
    parts = [int(part) for part in version.split(".")]
    return (parts[0], parts[1], parts[2] if len(parts) > 2 else 0)


def full_version(catalog: Catalog, version: str) -> str:
    """Azure reads 1.35 as its newest patch; Refusal for a version that it does not have."""
    known = catalog.minors.get(".".join(version.split(".")[:2]))
    if known is None or (version.count(".") > 1 and version not in known.patches):
        raise refusals.Refusal(400, "K8sVersionNotSupported", f"The version {version} is not supported in this region.")
    return version if version.count(".") > 1 else known.patches[-1]


def is_lts(cluster: Cluster) -> bool:
    return str(cluster.properties.get("supportPlan", OFFICIAL)) == LONG_TERM


def check_control_plane(world: World, cluster: Cluster, wanted: str, profiles: list[dict[str, Any]]) -> str:
    """The version that the control plane goes to; Refusal for one that it may not go to."""
    have, to = current_version(cluster), full_version(world.catalog, wanted)
    if numbers(to) < numbers(have):
        raise refusals.Refusal(400, "OperationNotAllowed", f"Downgrading from {have} to {to} is not allowed.")
    if (cluster.properties.get("autoUpgradeProfile") or {}).get("upgradeChannel") not in (None, "none"):
        text = "Upgrading the control plane only is not allowed while auto-upgrade is enabled."
        raise refusals.Refusal(400, "ControlPlaneOnlyUpgradeNotAllowed", text)
    if to != have and to not in [version for version, _ in world.catalog.offers(have, lts=is_lts(cluster))]:
        text = (
            f"Upgrading Kubernetes version {have} to {to} is not allowed. Available upgrades: see the upgrade profile."
        )
        raise refusals.Refusal(400, "OperationNotAllowed", text)
    sent = [profile.get("orchestratorVersion") for profile in profiles]
    known = {pool.name.lower(): pool.value("orchestratorVersion") for pool in cluster.pools}
    same = all(profile.get("orchestratorVersion") == known[str(profile["name"]).lower()] for profile in profiles)
    if not same and any(version is not None for version in sent):
        text = "All agent pool orchestrator versions must be all unspecified or all unchanged."
        raise refusals.Refusal(400, "NotAllAgentPoolOrchestratorVersionSpecifiedAndUnchanged", text)
    return to


def check_pool(world: World, cluster: Cluster, pool: Pool, wanted: str) -> str:
    """The version that a pool goes to: not past its control plane, not down."""
    to, have = full_version(world.catalog, wanted), pool_version(pool)
    if numbers(to) > numbers(current_version(cluster)):
        text = f"Node pool version {to} and control plane version {current_version(cluster)} are incompatible."
        raise refusals.Refusal(400, "NodePoolMcVersionIncompatible", text)
    if numbers(to) < numbers(have):
        raise refusals.Refusal(400, "OperationNotAllowed", f"Downgrading from {have} to {to} is not allowed.")
    return to


def waves(pool: Pool) -> int:
    """Groups of nodes that are rolled one after the other: with `maxSurge` more nodes at a time, spot pools at once."""
    count = int(pool.value("count") or 0)
    if str(pool.value("scaleSetPriority") or "").lower() == "spot":
        return 1
    surge = str((pool.value("upgradeSettings") or {}).get("maxSurge") or "10%")
    at_once = ceil(count * int(surge[:-1]) / 100) if surge.endswith("%") else int(surge)
    return max(1, ceil(count / max(1, at_once)))


def image_name(pool: Pool, release: str) -> str:
    """
    The name of a pool's node image of that release.

    >>> image_name(Pool("batch", {}), "202611.3.0")
    'AKSUbuntu-2204gen2containerd-202611.3.0'
    """
    family = "AKSWindows-2022-containerd" if pool.value("osType") == "Windows" else "AKSUbuntu-2204gen2containerd"
    return f"{family}-{release}"
