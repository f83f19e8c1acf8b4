"""Who says what about a cluster, and who is heard.

    PERSON   keep-on, then keep-off: command, tag, policy exception
    HOLD     a person's change respected (the law of transitions in decide.py)
    RULE     RUNNING before STOPPED; no opinion is None

The loudest voice that says anything decides. When wishes of equal voice collide, the target keeps running.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.model.decisions import Proposal, Reason, Voice
from shared.model.facts import View
from shared.model.fleet import Cluster
from shared.model.memory import PersonHold, Wish
from shared.policy.bound import BoundRule, Environment, KeepException
from shared.policy.document import Policy
from shared.policy.match import fits
from shared.policy.rules import BY_KEY
from shared.policy.spoken import spoken
from shared.policy.tags import OwnerTags, read_tags


@dataclass(frozen=True, slots=True)
class Hearing:
    """Everybody who spoke about one cluster at one moment."""

    environment: Environment
    rules: tuple[BoundRule, ...]
    tags: OwnerTags
    proposals: tuple[Proposal, ...]
    problems: tuple[str, ...]
    """Why the owner's tags cannot be followed; any problem means no action."""
    zone: str


def hear(view: View, policy: Policy, now: datetime) -> Hearing:
    """Asks rules and people. Total: never raises for what a policy or a tag may say."""
    cluster = view.cluster
    environment = policy.environment_of(cluster)
    rules = policy.rules_for(cluster, environment)
    said = said_by_owner(cluster, rules, policy)
    rules, tags, problems, zone = said.rules, said.tags, said.problems, said.zone
    proposals = [proposal for rule in rules for proposal in BY_KEY[rule.kind].propose(view, rule, now)]
    limit = policy.guards_for(environment, None).keep_on_at_most
    people = _people(view, policy, tags, limit, now)
    if people:
        pools = tuple(dict.fromkeys(proposal.pool for proposal in proposals if proposal.pool is not None))
        proposals.extend(_person(hold, pool, zone, policy.mode) for hold in people for pool in _reach(hold, pools))
    return Hearing(environment, rules, tags, tuple(proposals), problems, zone)


def _reach(hold: PersonHold, pools: tuple[str, ...]) -> tuple[str | None, ...]:
    """Keep-on means the whole cluster is usable, its pools too; keep-off speaks of the cluster alone."""
    if hold.pool is not None:
        return (hold.pool,)
    return (None, *pools) if hold.wish is Wish.RUNNING else (None,)


@dataclass(frozen=True, slots=True)
class Owner:
    """What the owner's tags make of the rules that match."""

    rules: tuple[BoundRule, ...]
    """With the owner's schedule in place of a rule's own."""
    tags: OwnerTags
    problems: tuple[str, ...]
    zone: str
    """IANA name of the zone that times without an offset are in, and that people are told."""


def said_by_owner(cluster: Cluster, rules: tuple[BoundRule, ...], policy: Policy) -> Owner:
    zone = next((rule.schedules[0].zone for rule in rules if rule.schedules), policy.timezone)
    tags = read_tags(cluster.tags, zone)
    if tags.schedule is None:
        return Owner(rules, tags, tags.problems, zone)
    chosen, unknown = _with_schedule(rules, tags.schedule, policy)
    theirs = next((rule.schedules[0].zone for rule in chosen if rule.schedules), zone)
    if theirs != zone:
        tags = read_tags(cluster.tags, theirs)
    return Owner(chosen, tags, (*tags.problems, *unknown), theirs)


def _with_schedule(
    rules: tuple[BoundRule, ...], name: str, policy: Policy
) -> tuple[tuple[BoundRule, ...], tuple[str, ...]]:
    """The owner's schedule in place of that of every rule that has one; an unknown name is a problem."""
    found = next((known for known in policy.schedules if known.casefold() == name.casefold()), None)
    if found is None:
        known = ", ".join(sorted(policy.schedules))
        return rules, (f"lamplighter-schedule names {name!r}, which the policy does not know; it knows {known}",)
    chosen = (policy.schedules[found],)
    return (
        tuple(
            replace(rule, schedules=chosen, fingerprint=f"{rule.fingerprint}~{found}") if rule.schedules else rule
            for rule in rules
        ),
        (),
    )


def _people(view: View, policy: Policy, tags: OwnerTags, limit: timedelta, now: datetime) -> list[PersonHold]:
    """Holds in force now, each ended at the longest time a keep-on may last from when it was first seen."""
    holds = [hold for hold in view.memory.holds if hold.source not in ("tag", "exception")]
    holds.extend(tag_holds(tags, now, view.memory.holds))
    holds = [_limited(hold, limit) for hold in holds]
    holds.extend(_from_exception(entry) for entry in policy.exceptions if _means(entry, view))
    return [hold for hold in holds if hold.until > now]


def _limited(hold: PersonHold, limit: timedelta) -> PersonHold:
    if hold.wish is Wish.STOPPED or not limit:
        return hold
    return replace(hold, until=min(hold.until, hold.first_seen_at + limit))


def _means(entry: KeepException, view: View) -> bool:
    return fits(view.cluster.id if entry.cluster.startswith("/") else view.cluster.name, (entry.cluster,))


def _from_exception(entry: KeepException) -> PersonHold:
    """Written in the policy, so reviewed there: not shortened by `keep_on_at_most`."""
    return PersonHold(entry.wish, entry.until, entry.until, "exception", entry.owner, entry.reason)


def tag_holds(tags: OwnerTags, now: datetime, known: Iterable[PersonHold]) -> tuple[PersonHold, ...]:
    """The owner's keep tags. Azure does not tell when a tag was set, so its time counts from when it was first seen."""
    before = {(hold.wish, hold.until): hold.first_seen_at for hold in known if hold.source == "tag"}
    said = ((Wish.RUNNING, tags.keep_on), (Wish.STOPPED, tags.keep_off))
    return tuple(
        PersonHold(wish, before.get((wish, until), now), until, "tag", reason=tags.reason)
        for wish, until in said
        if until is not None
    )


def _person(hold: PersonHold, pool: str | None, zone: str, mode: str) -> Proposal:
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
        sentence=f"kept {'on' if on else 'off'} until {spoken(hold.until, zone)} ({hold.source}{who}{why})",
        until=hold.until,
        mode=mode,
    )


def heard(proposals: Iterable[Proposal]) -> tuple[Proposal, ...]:
    """The proposals that decide: the loudest voice that says anything, and RUNNING where equals collide.

    Empty when nobody has an opinion. All returned proposals share one voice and one wish.
    """
    speaking = [proposal for proposal in proposals if proposal.wish is not None]
    if not speaking:
        return ()
    loudest = max(proposal.voice for proposal in speaking)
    chorus = [proposal for proposal in speaking if proposal.voice is loudest]
    running = tuple(proposal for proposal in chorus if proposal.wish is Wish.RUNNING)
    return running or tuple(chorus)
