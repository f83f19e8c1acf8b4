"""Which clusters a block of the policy means: globs without case; all keys of a block must hold, any value of a key."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import translate
from functools import lru_cache
from types import MappingProxyType

from shared.model.fleet import Cluster


@lru_cache(maxsize=4096)
def _pattern(globs: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(translate(glob.casefold()) for glob in globs))


def fits(text: str, globs: tuple[str, ...]) -> bool:
    """Whether one of the globs fits the whole text, without case.

    >>> fits("Shop-PROD-01", ("*prod*",)), fits("product", ("prod",))
    (True, False)
    """
    return _pattern(globs).match(text.casefold()) is not None


NO_TAGS: Mapping[str, tuple[str, ...]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Block:
    """One block: every key that is set must hold. An empty block matches nothing."""

    tags: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: NO_TAGS)
    """Lower-case tag name -> globs for its value."""
    names: tuple[str, ...] = ()
    resource_groups: tuple[str, ...] = ()
    subscriptions: tuple[str, ...] = ()
    locations: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()

    def matches(self, cluster: Cluster, environment: str | None) -> bool:
        keys = (
            (self.names, cluster.name),
            (self.resource_groups, cluster.resource_group),
            (self.subscriptions, cluster.subscription),
            (self.locations, cluster.location),
            (self.environments, environment),
        )
        if not (self.tags or any(globs for globs, _ in keys)):
            return False
        return all(text is not None and fits(text, globs) for globs, text in keys if globs) and (
            not self.tags or self._tags_hold(cluster.tags)
        )

    def _tags_hold(self, tags: Mapping[str, str]) -> bool:
        held = {name.casefold(): value for name, value in tags.items()}
        return all(name in held and fits(held[name], globs) for name, globs in self.tags.items())


@dataclass(frozen=True, slots=True)
class Matcher:
    """A list of blocks: any of them."""

    blocks: tuple[Block, ...]

    def matches(self, cluster: Cluster, environment: str | None) -> bool:
        return any(block.matches(cluster, environment) for block in self.blocks)

    @property
    def environments(self) -> frozenset[str]:
        """The environments named literally in some block, lower case."""
        return frozenset(name.casefold() for block in self.blocks for name in block.environments)


def any_of(blocks: Iterable[Block]) -> Matcher:
    return Matcher(tuple(blocks))
