"""What `check` says about a fleet: where a policy and the clusters it meets do not fit each other. Nothing is decided.

Every list is in a stable order; cluster ids are lower case. Counts of clusters are counts of whole clusters, not pools.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from shared.model.facts import View
from shared.model.fleet import Cluster
from shared.model.memory import Memory, Wish
from shared.policy.bound import BoundRule, Environment
from shared.policy.document import Policy
from shared.policy.match import Matcher, fits
from shared.policy.near_tags import NearTag, near_tags
from shared.policy.queues import LearnedQueue, Queue, tight_learned_queues, tight_queues
from shared.policy.rules import idle
from shared.policy.schedule import closed_days
from shared.policy.spoken import local_date, spoken
from shared.policy.voices import hear, heard

CLOSED_AHEAD = 60
"""Days of calendars that are shown."""
_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class EnvironmentCount:
    """How many clusters an environment has; 0 is worth a second look."""

    name: str
    production: bool
    clusters: int


@dataclass(frozen=True, slots=True)
class Chorus:
    """Clusters for which several rules or people speak at once, and who is heard among them at that moment."""

    speakers: tuple[str, ...]
    """Names of rules in the order of the file; then tag, exception."""
    heard: tuple[str, ...]
    """Those whose word counts; empty when none of them has a wish."""
    voice: str
    """rule | person, or nothing."""
    wish: Wish | None
    clusters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A cluster whose owner's tags cannot be followed: nothing is done to it."""

    cluster: str
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClosedDay:
    """A date in the policy's zone on which windows of schedules with that calendar do not begin."""

    calendar: str
    day: date
    reason: str


@dataclass(frozen=True, slots=True)
class IdleException:
    """An entry of `exceptions` that does nothing any more, or not yet."""

    cluster: str
    problem: str


@dataclass(frozen=True, slots=True)
class Findings:
    """All that was found, at one instant."""

    at: datetime
    clusters: int
    environments: tuple[EnvironmentCount, ...]
    """In the order of the file."""
    unmatched: tuple[str, ...]
    """Ids of clusters that no environment matches, and that are production therefore."""
    silent_rules: tuple[str, ...]
    """Rules that speak for no cluster."""
    ruleless: int
    """Clusters outside production for which no rule speaks."""
    near_tags: tuple[NearTag, ...]
    choruses: tuple[Chorus, ...]
    unreadable: tuple[Unreadable, ...]
    closed_days: tuple[ClosedDay, ...]
    unused_schedules: tuple[str, ...]
    """Neither a rule nor an owner's tag names them."""
    idle_exceptions: tuple[IdleException, ...]
    holidayless_rules: tuple[str, ...] = ()
    """Rules that start clusters ahead of learned hours by none of the file's calendars."""
    queues: tuple[Queue, ...] = ()
    """Subscriptions and regions with so many clusters that a lead does not hold their spread."""
    learned_queues: tuple[LearnedQueue, ...] = ()
    """The same where hours are learned, and a place in the queue takes longer than a start."""

    @property
    def production(self) -> int:
        """Clusters that are production, named or unmatched."""
        return len(self.unmatched) + sum(one.clusters for one in self.environments if one.production)


def findings(policy: Policy, clusters: Sequence[Cluster], now: datetime) -> Findings:
    """What there is to say about these clusters under this policy at `now` (aware)."""
    placed = [(cluster, policy.environment_of(cluster)) for cluster in clusters]
    ruled = [(cluster, place, _rules(policy, cluster, place)) for cluster, place in placed]
    counts = Counter(place.name for _, place in placed)
    speaking = Counter(rule.name for _, _, rules in ruled for rule in rules)
    listening = _Listener(policy, now)
    for cluster, _, rules in ruled:
        listening.listen(cluster, rules)
    return Findings(
        at=now,
        clusters=len(clusters),
        environments=tuple(
            EnvironmentCount(str(one.name), one.production, counts[one.name])
            for one in (entry.environment for entry in policy.environments)
        ),
        unmatched=tuple(cluster.id for cluster, place in placed if place.name is None),
        silent_rules=tuple(rule.name for rule in policy.rules if not speaking[rule.name]),
        ruleless=sum(not rules and not place.production for _, place, rules in ruled),
        near_tags=near_tags(_matchers(policy), clusters),
        choruses=listening.choruses(),
        unreadable=tuple(listening.unreadable),
        closed_days=tuple(_closed(policy, now)),
        unused_schedules=_unused(policy, listening.tagged),
        idle_exceptions=tuple(_idle(policy, clusters, now)),
        holidayless_rules=_holidayless(policy, [rule for _, _, rules in ruled for rule in rules]),
        queues=tight_queues((cluster, rules) for cluster, _, rules in ruled),
        learned_queues=tight_learned_queues((cluster, rules) for cluster, _, rules in ruled),
    )


class _Listener:
    """Asks the voices of one cluster after the other, and keeps what is worth telling."""

    def __init__(self, policy: Policy, now: datetime) -> None:
        self._policy = policy
        self._now = now
        self._groups: dict[tuple[tuple[str, ...], tuple[str, ...], str, Wish | None], list[str]] = defaultdict(list)
        self.unreadable: list[Unreadable] = []
        self.tagged: set[str] = set()

    def listen(self, cluster: Cluster, rules: tuple[BoundRule, ...]) -> None:
        hearing = hear(View(cluster, Memory(cluster.id, steady=True)), self._policy, self._now)
        if hearing.tags.schedule is not None:
            self.tagged.add(hearing.tags.schedule.casefold())
        if hearing.problems:
            self.unreadable.append(Unreadable(cluster.id, hearing.problems))
        names = [rule.name for rule in rules]
        speakers = dict.fromkeys([*names, *(one.rule for one in hearing.proposals if one.rule not in names)])
        if len(speakers) > 1:
            loudest = heard(hearing.proposals)
            words = tuple(dict.fromkeys(one.rule for one in loudest))
            voice, wish = (loudest[0].voice.name.lower(), loudest[0].wish) if loudest else ("", None)
            self._groups[tuple(speakers), words, voice, wish].append(cluster.id)

    def choruses(self) -> tuple[Chorus, ...]:
        return tuple(Chorus(*key, clusters=tuple(ids)) for key, ids in self._groups.items())


def _rules(policy: Policy, cluster: Cluster, place: Environment) -> tuple[BoundRule, ...]:
    """Those that speak for it, as they are in its environment."""
    return tuple(policy.placed(rule, place.name or "") for rule in policy.rules_for(cluster, place))


def _matchers(policy: Policy) -> Iterable[Matcher]:
    found: list[Matcher | None] = [freeze.match for freeze in policy.freezes]
    found += [part for entry in policy.environments for part in (entry.match, entry.unless)]
    found += [part for rule in policy.rules for part in (rule.match, rule.unless)]
    found += [part for route in policy.routes for part in (route.match, route.unless)]
    return (one for one in found if one is not None)


def _closed(policy: Policy, now: datetime) -> Iterable[ClosedDay]:
    first = local_date(now, policy.timezone)
    for name, calendar in policy.calendars.items():
        for day, reason in closed_days(calendar, first, CLOSED_AHEAD):
            yield ClosedDay(name, day, reason)


def _unused(policy: Policy, tagged: set[str]) -> tuple[str, ...]:
    used = {schedule.name.casefold() for rule in policy.rules for schedule in rule.schedules} | tagged
    return tuple(name for name in policy.schedules if name not in ("always", "never") and name.casefold() not in used)


def _holidayless(policy: Policy, speaking: Iterable[BoundRule]) -> tuple[str, ...]:
    """Where the file has no calendar at all, nobody thought of holidays, and nobody is told to."""
    learning = (rule for rule in dict.fromkeys(speaking) if rule.kind == idle.KEY and rule.block.learn)
    ahead = (rule.name for rule in learning if rule.block.costs.may_start_ahead and rule.calendar is None)
    return tuple(dict.fromkeys(ahead)) if policy.calendars else ()


def _idle(policy: Policy, clusters: Sequence[Cluster], now: datetime) -> Iterable[IdleException]:
    for entry in policy.exceptions:
        by_id = entry.cluster.startswith("/")
        if entry.until <= now:
            yield IdleException(entry.cluster, f"is over since {spoken(entry.until, policy.timezone)}; remove it")
        elif not any(fits(one.id if by_id else one.name, (entry.cluster,)) for one in clusters):
            yield IdleException(entry.cluster, "matches no cluster")
        elif entry.until - now > timedelta(days=365):
            day = local_date(entry.until - _MOMENT, policy.timezone)
            yield IdleException(entry.cluster, f"lasts until {day}, more than a year; is it meant?")
