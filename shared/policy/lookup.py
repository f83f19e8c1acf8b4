"""Matchers compiled for a whole fleet: a text that was seen before is not matched again, a cluster that looks like
another gets its answer.

A tick asks for the environment and the rules of each of 10,000 clusters. To a policy most of them look alike, so what
they look like (the outcome of every glob) is the key under which the conclusion is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from shared.model.fleet import Cluster
from shared.policy.match import Matcher, fits

T = TypeVar("T")
Globs = tuple[str, ...]

KEPT = 4096
"""Answers remembered per field; a field with more values than that is forgotten and begun again."""


class _Field:
    """The globs that are tried on one field of a cluster, or on one of its tags."""

    def __init__(self, globs: Iterable[Globs]) -> None:
        self.globs = tuple(dict.fromkeys(globs))
        self.seen: dict[str | None, tuple[bool, ...]] = {}

    def outcome(self, text: str | None) -> tuple[bool, ...]:
        known = self.seen.get(text)
        if known is None:
            known = tuple(text is not None and fits(text, globs) for globs in self.globs)
            if len(self.seen) >= KEPT:
                self.seen.clear()
            self.seen[text] = known
        return known


class Lookup(Generic[T]):
    """`conclude(cluster, environment)` for every cluster of a fleet, called once for those that look alike.

    It may look at nothing of a cluster but what `matchers` look at. `environment` is the name matchers compare with.
    """

    def __init__(self, matchers: Iterable[Matcher | None], conclude: Callable[[Cluster, str], T]) -> None:
        blocks = [block for matcher in matchers if matcher is not None for block in matcher.blocks]
        self._names = _Field(block.names for block in blocks if block.names)
        self._groups = _Field(block.resource_groups for block in blocks if block.resource_groups)
        self._subscriptions = _Field(block.subscriptions for block in blocks if block.subscriptions)
        self._locations = _Field(block.locations for block in blocks if block.locations)
        tags = dict.fromkeys(name for block in blocks for name in block.tags)
        self._tags = {name: _Field(block.tags[name] for block in blocks if name in block.tags) for name in tags}
        self._conclude = conclude
        self._kept: dict[object, T] = {}

    @property
    def remembered(self) -> int:
        """The most texts that are remembered of one field."""
        fields = (self._names, self._groups, self._subscriptions, self._locations, *self._tags.values())
        return max(len(field.seen) for field in fields)

    def ask(self, cluster: Cluster, environment: str) -> T:
        key = (environment, *self._looks(cluster))
        try:
            return self._kept[key]
        except KeyError:
            concluded = self._kept[key] = self._conclude(cluster, environment)
            return concluded

    def _looks(self, cluster: Cluster) -> list[tuple[bool, ...]]:
        looks = [
            self._names.outcome(cluster.name),
            self._groups.outcome(cluster.resource_group),
            self._subscriptions.outcome(cluster.subscription),
            self._locations.outcome(cluster.location),
        ]
        if self._tags:
            held = {name.casefold(): value for name, value in cluster.tags.items()}
            looks += [field.outcome(held.get(name)) for name, field in self._tags.items()]
        return looks
