"""`hours`: running inside a schedule's windows, stopped outside them."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.model.decisions import Proposal, Reason, Voice
from shared.model.facts import Need, View
from shared.model.fleet import Cluster
from shared.model.memory import Wish
from shared.policy.bound import BoundRule
from shared.policy.durations import Duration
from shared.policy.match import fits
from shared.policy.schedule import Hours, hours
from shared.policy.spoken import spoken
from shared.policy.start_times import observed_start_time

KEY = "hours"
_NO_LEAD = timedelta(0)


class Block(BaseModel):
    """Running inside, stopped outside. A list of schedules is their union."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schedule: Annotated[
        str | list[str],
        Field(description="Name of a schedule, or a list of names: their union.", examples=["office"]),
    ]
    lead: Annotated[Duration, Field(description="Start this long before a window.", examples=["20m"])] = timedelta(0)
    inside: Annotated[
        Literal["running", "any"],
        Field(description="any: started when a window begins; then other rules may stop it.", examples=["running"]),
    ] = "running"
    only: Annotated[
        Literal["start", "stop"] | None,
        Field(description="Only start, or only stop; the other half is left to people.", examples=["stop"]),
    ] = None
    enforce: Annotated[bool, Field(description="Repeat the wish against changes by hand.", examples=[True])] = False
    pools: Annotated[
        list[str] | None,
        Field(description="Globs of user node pools to stop and start instead of the cluster.", examples=[["batch*"]]),
    ] = None

    @property
    def schedule_names(self) -> tuple[str, ...]:
        return (self.schedule,) if isinstance(self.schedule, str) else tuple(self.schedule)


def needs(view: View, rule: BoundRule, now: datetime) -> frozenset[Need]:
    """The clock asks for nothing: power and states are in the inventory."""
    del view, rule, now
    return frozenset()


def propose(view: View, rule: BoundRule, now: datetime) -> tuple[Proposal, ...]:
    """One proposal per target the rule speaks for; its wish is None where the rule has no opinion just now."""
    pools = (None,) if rule.block.pools is None else _pools(rule.block, view.cluster)
    return tuple(_proposal(rule, pool, now, _lead(view, rule.block, pool)) for pool in pools)


def _lead(view: View, block: Block, pool: str | None) -> timedelta:
    """What the policy says, longer where starts of this target were seen to take longer, and its place in the queue."""
    cluster = view.cluster
    seen = observed_start_time(view.memory.target(pool).start_seconds)
    lead = block.lead if seen is None else max(block.lead, seen)
    return lead + view.fleet.queue_lead.get((cluster.subscription, cluster.location), _NO_LEAD)


def _pools(block: Block, cluster: Cluster) -> tuple[str, ...]:
    globs = tuple(block.pools or ())
    return tuple(pool.name.casefold() for pool in cluster.pools if fits(pool.name, globs))


@lru_cache(maxsize=4096)
def _proposal(rule: BoundRule, pool: str | None, now: datetime, lead: timedelta) -> Proposal:
    """The same value for every cluster of a rule: the clock does not look at them."""
    block: Block = rule.block
    state = hours(rule.schedules, now, lead)
    wish: Wish | None = Wish.RUNNING if state.inside else Wish.STOPPED
    if (block.only == "stop" and state.inside) or (block.only == "start" and not state.inside):
        wish = None
    since = "always" if state.since is None else f"{state.since:%Y-%m-%dT%H:%M:%SZ}"
    return Proposal(
        rule=rule.name,
        pool=pool,
        voice=Voice.RULE,
        wish=wish,
        due_at=state.since,
        cause=f"{rule.name}:{'running' if state.inside else 'stopped'}:{since}",
        reason=Reason.IN_HOURS if state.inside else Reason.OFF_HOURS,
        sentence=_sentence(rule, state),
        until=state.until,
        enforce=block.enforce,
        fingerprint=rule.fingerprint,
        once=block.inside == "any" and state.inside,
        mode=rule.mode,
        ready_by=state.since + lead if state.inside and state.since is not None else None,
    )


def _sentence(rule: BoundRule, state: Hours) -> str:
    names = " + ".join(schedule.name for schedule in rule.schedules)
    place = "inside" if state.inside else "outside"
    until = "" if state.until is None else f" until {spoken(state.until, rule.schedules[0].zone, rule.zone)}"
    return f"{place} {names}{until}"
