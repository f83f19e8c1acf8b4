"""Who says what about a cluster, and who is heard.

    PERSON   keep-on, then keep-off: command, tag, policy exception
    HOLD     a person's change respected (the law of transitions in decide.py)
    RULE     RUNNING before STOPPED; no opinion is None

The loudest voice that says anything decides. When wishes of equal voice collide, the target keeps running.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.model.actions import ScalePool
from shared.model.decisions import Obstacle, Proposal, Reason, Verdict, Voice
from shared.model.facts import View
from shared.model.fleet import Cluster
from shared.model.memory import PersonHold, Wish
from shared.policy import reliefs
from shared.policy.bound import BoundRule, Environment, KeepException
from shared.policy.document import Policy
from shared.policy.match import fits
from shared.policy.rules import BY_KEY, spot
from shared.policy.spoken import spoken
from shared.policy.tags import NOTHING, OwnerTags, read_tags


@dataclass(frozen=True, slots=True)
class Hearing:
    """Everybody who spoke about one cluster at one moment."""

    owner: Owner
    proposals: tuple[Proposal, ...]

    @property
    def environment(self) -> Environment:
        return self.owner.environment

    @property
    def rules(self) -> tuple[BoundRule, ...]:
        return self.owner.rules

    @property
    def tags(self) -> OwnerTags:
        return self.owner.tags

    @property
    def problems(self) -> tuple[str, ...]:
        return self.owner.problems


def hear(view: View, policy: Policy, now: datetime, owner: Owner | None = None) -> Hearing:
    """Asks rules and people. Total: never raises for what a policy or a tag may say.

    `owner` is `owner_of(view.cluster, policy)`, for callers that have asked already.
    """
    who = owner if owner is not None else owner_of(view.cluster, policy)
    proposals = [proposal for rule in who.rules for proposal in BY_KEY[rule.kind].propose(view, rule, now)]
    if view.memory.holds or policy.exceptions or who.tags is not NOTHING:
        pools = tuple(dict.fromkeys(proposal.pool for proposal in proposals if proposal.pool is not None))
        people = _people(view, policy, who, now)
        proposals.extend(_person(hold, pool, policy) for hold in people for pool in _reach(hold, pools))
    if view.memory.reliefs:
        proposals.extend(reliefs.due(view, who.rules, now, policy.mode))
    return Hearing(who, _apart(proposals, who.rules, view.cluster))


def _apart(proposals: list[Proposal], rules: tuple[BoundRule, ...], cluster: Cluster) -> tuple[Proposal, ...]:
    """The proposals, where alerts leave pools alone whose size a capacity group decides: it would take nodes back.

    What alerts did before the group was there still goes back.
    """
    groups = [rule for rule in rules if rule.kind == spot.KEY and rule.mode == "act"]
    if not groups or not any(isinstance(one.action, ScalePool) for one in proposals):
        return tuple(proposals)
    moved = {pool: rule.name for rule in groups for pool in spot.moves(rule, cluster)}
    return tuple(_left_alone(one, moved) for one in proposals)


def _left_alone(proposal: Proposal, moved: Mapping[str, str]) -> Proposal:
    action, by = proposal.action, moved.get(proposal.pool or "")
    if by is None or not isinstance(action, ScalePool) or action.restores:
        return proposal
    why = f"its size is what {by} makes of its capacity group; let alerts scale another pool"
    return replace(proposal, obstacle=Obstacle(Reason.SPOT_POOL, why, verdict=Verdict.REFUSE))


def _reach(hold: PersonHold, pools: tuple[str, ...]) -> tuple[str | None, ...]:
    """Keep-on means the whole cluster is usable, its pools too; keep-off speaks of the cluster alone."""
    if hold.pool is not None:
        return (hold.pool.casefold(),)
    return (None, *pools) if hold.wish is Wish.RUNNING else (None,)


@dataclass(frozen=True, slots=True)
class Owner:
    """What policy and tags say of one cluster, whatever the time: asked once per cluster and tick."""

    environment: Environment
    rules: tuple[BoundRule, ...]
    """With the owner's schedule in place of a rule's own."""
    tags: OwnerTags
    problems: tuple[str, ...]
    """Why the owner's tags cannot be followed; any problem means no action."""
    zone: str
    """IANA name of the zone that the owner's times without an offset are in, and that warnings name."""


def owner_of(cluster: Cluster, policy: Policy) -> Owner:
    """Environment, rules and the owner's word. Total: what cannot be read is in `problems`."""
    environment = policy.environment_of(cluster)
    matching = policy.rules_for(cluster, environment)
    kinds = {rule.kind for rule in matching}
    reporting = [rule for rule in policy.reporting_for(cluster, environment) if rule.kind not in kinds]
    rules = tuple([policy.placed(rule, environment.name or "") for rule in (*matching, *reporting)])
    zone = _zone(rules, policy.timezone)
    tags = read_tags(cluster.tags, zone)
    if tags.schedule is None:
        return Owner(environment, rules, tags, tags.problems, zone)
    schedule = policy.schedule_named(tags.schedule)
    if schedule is None:
        known = ", ".join(sorted(policy.schedules))
        unknown = f"lamplighter-schedule names {tags.schedule!r}, which the policy does not know; it knows {known}"
        return Owner(environment, rules, tags, (*tags.problems, unknown), zone)
    # The owner says when people are at work, not when upgrades are safe.
    rules = tuple(rule if rule.environment else policy.retimed(rule, schedule) for rule in rules)
    theirs = _zone(rules, zone)
    if theirs != zone:
        tags = read_tags(cluster.tags, theirs)
    return Owner(environment, rules, tags, tags.problems, theirs)


def _zone(rules: tuple[BoundRule, ...], otherwise: str) -> str:
    for rule in rules:
        if rule.schedules:
            return rule.schedules[0].zone
    return otherwise


def _people(view: View, policy: Policy, owner: Owner, now: datetime) -> list[PersonHold]:
    """Holds in force now, each ended at the longest time a keep-on may last from when it was first seen."""
    holds = [hold for hold in view.memory.holds if hold.source != "tag"]
    holds.extend(tag_holds(owner.tags, now, view.memory.holds))
    if holds:
        limit = longest_keep_on(policy, owner)
        holds = [_limited(hold, limit) for hold in holds]
    holds.extend(_from_exception(entry) for entry in policy.exceptions if _means(entry, view))
    return [hold for hold in holds if hold.until > now]


def longest_keep_on(policy: Policy, owner: Owner) -> timedelta:
    """Where several rules speak, the longest; zero is no limit at all."""
    limits = [policy.guards_for(owner.environment, rule).keep_on_at_most for rule in owner.rules or (None,)]
    return max(limits) if all(limits) else timedelta(0)


def _limited(hold: PersonHold, limit: timedelta) -> PersonHold:
    if hold.wish is Wish.STOPPED or not limit:
        return hold
    latest = hold.first_seen_at + limit
    return hold if hold.until <= latest else replace(hold, until=latest)


def _means(entry: KeepException, view: View) -> bool:
    return fits(view.cluster.id if entry.cluster.startswith("/") else view.cluster.name, (entry.cluster,))


def _from_exception(entry: KeepException) -> PersonHold:
    """Written in the policy, so reviewed there: not shortened by `keep_on_at_most`."""
    return PersonHold(entry.wish, entry.until, entry.until, "exception", entry.owner, entry.reason)


def tag_holds(tags: OwnerTags, now: datetime, known: Iterable[PersonHold]) -> tuple[PersonHold, ...]:
    """The owner's keep tags. Azure does not tell when a tag was set, so its time counts from when it was first seen."""
    if tags.keep_on is None and tags.keep_off is None:
        return ()
    before = {(hold.wish, hold.until): hold.first_seen_at for hold in known if hold.source == "tag"}
    said = ((Wish.RUNNING, tags.keep_on), (Wish.STOPPED, tags.keep_off))
    return tuple(
        PersonHold(wish, before.get((wish, until), now), until, "tag", reason=tags.reason)
        for wish, until in said
        if until is not None
    )


def _person(hold: PersonHold, pool: str | None, policy: Policy) -> Proposal:
    on = hold.wish is Wish.RUNNING
    who = f" by {hold.owner}" if hold.owner else ""
    why = f": {hold.reason}" if hold.reason else ""
    return Proposal(
        rule=hold.source,
        pool=pool,
        voice=Voice.PERSON,
        wish=hold.wish,
        due_at=hold.first_seen_at if hold.source != "exception" else None,
        cause=f"{hold.source}:{hold.wish.value}:{hold.until:%Y-%m-%dT%H:%M:%SZ}",
        reason=Reason.KEEP_ON if on else Reason.KEEP_OFF,
        sentence=f"kept {'on' if on else 'off'} until {spoken(hold.until, policy.timezone)} ({hold.source}{who}{why})",
        until=hold.until,
        mode=policy.mode,
    )


def heard(proposals: Iterable[Proposal]) -> tuple[Proposal, ...]:
    """The proposals that decide: the loudest voice that says anything, and RUNNING where equals collide.

    Empty when nobody has an opinion. All returned proposals share one voice and one wish. A rule that only plans is not
    heard beside one that acts: what it would do is shown where it speaks alone, and changes nothing anywhere.
    """
    speaking = [proposal for proposal in proposals if proposal.wish is not None]
    if len(speaking) < 2:
        return tuple(speaking)
    loudest = max(proposal.voice for proposal in speaking)
    chorus = [proposal for proposal in speaking if proposal.voice is loudest]
    chorus = [proposal for proposal in chorus if proposal.mode == "act"] or chorus
    running = tuple(proposal for proposal in chorus if proposal.wish is Wish.RUNNING)
    return running or tuple(chorus)
