"""Which version a cluster should end on, and which one it may go to next. Pure; numbers, never texts.

    patch    the newest patch of the minor version it runs     stable   the newest minor version but one
    latest   the newest minor version                          1.35     that one; 1.35.2: exactly that

Never down, never a preview, never past a minor version without long-term support. The words are those of AKS's own
channels: https://learn.microsoft.com/azure/aks/auto-upgrade-cluster
"""

from __future__ import annotations

from collections.abc import Iterable

from shared.model.versions import Line, Offer, Release, Releases, Version

MAX_SKEW = 3
"""Minor versions by which a control plane may be ahead of a pool, where the upgrade profile offers it.
https://learn.microsoft.com/azure/aks/upgrade-aks-control-plane"""


def goal(to: str, current: Version, releases: Releases, *, lts: bool) -> Version | None:
    """Where a cluster on `current` should end; `current` itself when it is there or further. None: not known here.

    `lts` is whether the cluster is on the plan AKSLongTermSupport.
    """
    wanted = _wanted(to, current, releases, lts=lts)
    return None if wanted is None else max(wanted, current)


def _wanted(to: str, current: Version, releases: Releases, *, lts: bool) -> Version | None:
    usable = sorted((one for one in releases.lines if _usable(one, lts=lts)), key=lambda one: one.line)
    match to:
        case "patch":
            return _newest(releases.of(current.line), current)
        case "latest":
            return _newest(usable[-1]) if usable else None
        case "stable":
            return _newest(usable[-2]) if len(usable) > 1 else None
    exact = Version.read(to)
    if exact is None:
        return None
    release = next((one for one in usable if one.line == exact.line), None)
    if to.count(".") < 2 or release is None:
        return _newest(release)
    return exact if exact in release.patches or releases.assumed else None


def _usable(release: Release, *, lts: bool) -> bool:
    return not release.preview and (release.official or (lts and release.lts))


def _newest(release: Release | None, current: Version | None = None) -> Version | None:
    """Of a line whose patches nobody told, the line itself; never a preview."""
    if release is None or release.preview:
        return None
    if release.patches:
        return max(release.patches)
    return current if current is not None else Version(*release.line)


def next_step(current: Version, target: Version, offers: Iterable[Offer], *, lts: bool) -> Version | None:
    """The version to ask for now on the way to `target`; None when none of the offers leads there.

    The highest offer of the next line on the way, never above the target; with `lts` lines may be skipped, where Azure
    offers it.

    >>> offers = [Offer(Version(1, 34, 9)), Offer(Version(1, 35, 1)), Offer(Version(1, 36, 0), preview=True)]
    >>> str(next_step(Version(1, 34, 2), Version(1, 36, 0), offers, lts=False))
    '1.35.1'
    """
    ways = [one.version for one in offers if not one.preview and current < one.version <= target]
    if lts:
        return max(ways, default=None)
    line = current.line if target.line == current.line else Line(current.major, current.minor + 1)
    return max((version for version in ways if version.line == line), default=None)


def skew(control_plane: Version, pool: Version) -> int:
    """By how many minor versions the pool is behind; negative when it is ahead, which AKS never allows."""
    return control_plane.minor - pool.minor if control_plane.major == pool.major else MAX_SKEW + 1


def image_release(image: str | None) -> tuple[int, ...] | None:
    """The release in the name of a node image, as numbers that compare; None where there is none.

    >>> image_release("AKSUbuntu-2204gen2containerd-202610.20.0")
    (202610, 20, 0)
    """
    last = (image or "").rpartition("-")[2]
    parts = last.split(".")
    if len(parts) < 2 or not all(part.isascii() and part.isdigit() for part in parts):
        return None
    return tuple(map(int, parts))
