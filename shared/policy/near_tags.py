"""Tags that were probably meant: `enviroment` where a policy looks at `environment`, `develop` where it expects `dev`.

A hint for people, never a reason to act: an almost right tag matches nothing, and what nothing matches is production.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from shared.model.fleet import Cluster
from shared.policy.match import Matcher, fits
from shared.policy.tags import NAMES, PREFIX

_NEAR_NAME = 0.8
_NEAR_VALUE = 0.6
_STEM = 3
"""From so many letters on, one text that begins like the other is near to it: dev, develop, development."""


@dataclass(frozen=True, slots=True)
class NearTag:
    """A tag that clusters carry, and the one that the policy looks for."""

    tag: str
    """As written on the first of the clusters."""
    value: str | None
    """None: it is the name that is nearly right."""
    meant: str
    """The name, or the value, that the policy knows."""
    clusters: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """
        >>> NearTag("enviroment", None, "environment", ("/c",)).sentence
        "1 cluster carries the tag 'enviroment'; the policy looks at 'environment'"
        """
        who = "1 cluster carries" if len(self.clusters) == 1 else f"{len(self.clusters):,} clusters carry"
        if self.value is None:
            return f"{who} the tag '{self.tag}'; the policy looks at '{self.meant}'"
        return f"{who} '{self.tag}: {self.value}'; the policy looks for '{self.meant}'"


def near_tags(matchers: Iterable[Matcher], clusters: Sequence[Cluster]) -> tuple[NearTag, ...]:
    """Near misses of names that the policy or an owner's tag uses, and of values; those with most clusters first."""
    looked_for: dict[str, list[str]] = defaultdict(list)
    for matcher in matchers:
        for block in matcher.blocks:
            for name, globs in block.tags.items():
                looked_for[name] += globs
    names = _Names(looked_for)
    values = {name: _Values(tuple(dict.fromkeys(globs))) for name, globs in looked_for.items()}
    found: dict[tuple[str, str | None, str], list[str]] = defaultdict(list)
    written: dict[str, str] = {}
    for cluster in clusters:
        held = {name.casefold(): name for name in cluster.tags}
        for folded, name in held.items():
            written.setdefault(folded, name)
            if folded in values:
                if meant := values[folded].meant(cluster.tags[name]):
                    found[folded, cluster.tags[name], meant].append(cluster.id)
            elif (meant := names.meant(folded)) and meant not in held:
                found[folded, None, meant].append(cluster.id)
    hints = [NearTag(written[tag], value, meant, tuple(ids)) for (tag, value, meant), ids in found.items()]
    return tuple(sorted(hints, key=lambda one: (-len(one.clusters), one.tag, one.value or "")))


class _Names:
    def __init__(self, known: Iterable[str]) -> None:
        self._known = (*known, *NAMES)
        self._seen: dict[str, str] = {}

    def meant(self, name: str) -> str:
        if name not in self._seen:
            # What begins with the owner's prefix is a problem of its own, told by tags.py.
            near = "" if name.startswith(f"{PREFIX}-") else _nearest(name, self._known, _NEAR_NAME)
            self._seen[name] = near
        return self._seen[name]


class _Values:
    def __init__(self, globs: tuple[str, ...]) -> None:
        self._globs = globs
        self._literal = tuple(glob.casefold() for glob in globs if not any(mark in glob for mark in "*?["))
        self._seen: dict[str, str] = {}

    def meant(self, value: str) -> str:
        if value not in self._seen:
            folded = value.strip().casefold()
            fit = fits(value, self._globs)
            self._seen[value] = (
                "" if fit else _begun(folded, self._literal) or _nearest(folded, self._literal, _NEAR_VALUE)
            )
        return self._seen[value]


def _begun(text: str, known: Iterable[str]) -> str:
    """The longest known text that this one begins with, or that begins with it."""
    begun = (
        one for one in known if min(len(one), len(text)) >= _STEM and (one.startswith(text) or text.startswith(one))
    )
    return max(begun, key=len, default="")


def _nearest(text: str, known: Iterable[str], least: float) -> str:
    scored: Mapping[str, float] = {one: SequenceMatcher(None, text, one).ratio() for one in known}
    near = max(scored, key=lambda one: scored[one], default="")
    return near if near and scored[near] >= least else ""
