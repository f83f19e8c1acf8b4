"""Kubernetes versions as numbers, and what Azure offers of them. A text that is no version is unknown, never small."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

_VERSION = re.compile(r"v?(\d{1,4})\.(\d{1,4})(?:\.(\d{1,6}))?", re.ASCII)


class Line(NamedTuple):
    """A minor version, such as 1.35."""

    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


class Version(NamedTuple):
    """Compared as numbers: 1.9.10 comes before 1.10.2."""

    major: int
    minor: int
    patch: int = 0

    @property
    def line(self) -> Line:
        return Line(self.major, self.minor)

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"

    @classmethod
    def read(cls, text: object) -> Version | None:
        """None for what is no version.

        >>> Version.read("1.35.2"), Version.read("1.35"), Version.read("newest")
        (Version(major=1, minor=35, patch=2), Version(major=1, minor=35, patch=0), None)
        """
        found = _VERSION.fullmatch(text.strip()) if isinstance(text, str) else None
        return None if found is None else cls(int(found[1]), int(found[2]), int(found[3] or 0))


@dataclass(frozen=True, slots=True)
class Release:
    """One minor version in one region."""

    line: Line
    patches: tuple[Version, ...] = ()
    """Sorted; empty where only the minor version is known."""
    preview: bool = False
    official: bool = True
    """Supported on the plan KubernetesOfficial."""
    lts: bool = False
    """Supported on the plan AKSLongTermSupport."""


@dataclass(frozen=True, slots=True)
class Releases:
    """The minor versions of one region, oldest first."""

    lines: tuple[Release, ...] = ()
    assumed: bool = False
    """True: read from the calendar that comes with Lamplighter, not from Azure."""

    def of(self, line: Line) -> Release | None:
        return next((one for one in self.lines if one.line == line), None)


@dataclass(frozen=True, slots=True)
class Offer:
    """A version that Azure offers a cluster or pool to go to."""

    version: Version
    preview: bool = False


NO_OFFERS: Mapping[str, tuple[Offer, ...]] = MappingProxyType({})
NO_IMAGES: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class UpgradeOffers:
    """The value of a fact `Need.UPGRADES`: what Azure would let this cluster do now."""

    control_plane: tuple[Offer, ...] = ()
    pools: Mapping[str, tuple[Offer, ...]] = field(default_factory=lambda: NO_OFFERS)
    """Lower-case pool name -> versions; a pool that Azure says nothing of is absent."""
    images: Mapping[str, str] = field(default_factory=lambda: NO_IMAGES)
    """Lower-case pool name -> newest node image, such as AKSUbuntu-2204gen2containerd-202610.20.0."""
