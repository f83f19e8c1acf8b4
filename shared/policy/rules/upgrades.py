"""`upgrades`: outside production first, ring after ring, inside windows; production is told what was tested.

The rule proposes one write at a time. A cluster that sleeps in its window is woken by a voice, upgraded, and left to
whoever put it to sleep: nothing here stops anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from shared.model.actions import Action, PutMaintenance, UpgradeNodeImage, UpgradePool
from shared.model.decisions import Obstacle, Proposal, Reason, Voice
from shared.model.facts import Need, View
from shared.model.fleet import Power
from shared.model.memory import Memory, Wish
from shared.model.upgrades import UpgradePast
from shared.model.versions import Version
from shared.policy.bound import BoundRule
from shared.policy.durations import Duration
from shared.policy.maintenance import NAMES, digest_of, maintenance_window
from shared.policy.preflight import all_of
from shared.policy.saying import said
from shared.policy.spoken import spoken
from shared.policy.texts import as_text
from shared.policy.upgrade_memory import watched
from shared.policy.upgrading import (
    Step,
    goal_for,
    images_are_newest,
    past_of,
    pools_behind,
    sleeps_for_us,
    step_of,
    waits_of,
)

KEY = "upgrades"
_NAMED = ("patch", "stable", "latest")


def _target(value: str) -> str:
    if value not in _NAMED and Version.read(value) is None:
        raise ValueError(f"'{value}' is no target; expected patch, stable, latest or a version such as \"1.35\"")
    return value


def _surge(value: str) -> str:
    number = value.removesuffix("%")
    good = number.isascii() and number.isdigit() and int(number) > 0 and (value == number or int(number) <= 100)
    if not good:
        raise ValueError(f"'{value}' is no surge; expected a share such as 33%, or a number of nodes such as \"2\"")
    return value


class SoakTime(BaseModel):
    """How long a ring lives with a version before the next ring may have it: both must be over."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    days: Annotated[float, Field(ge=0, le=366, description="Days on the version, healthy.", examples=[7])] = 7.0
    running_hours: Annotated[
        float, Field(ge=0, le=8784, description="Hours running in that time, of each cluster.", examples=[40])
    ] = 0.0


class Block(BaseModel):
    """Kubernetes versions and node images, ring after ring. Production is only ever reported."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    to: Annotated[
        Annotated[str, BeforeValidator(as_text), AfterValidator(_target)],
        Field(
            description="patch, stable (the newest minor version but one), latest, or a version.",
            examples=["stable"],
            json_schema_extra={"type": ["string", "number"]},
        ),
    ] = "stable"
    rings: Annotated[
        list[str],
        Field(
            min_length=1, description="Environments in order; none of them production.", examples=[["dev", "staging"]]
        ),
    ]
    soak: Annotated[
        SoakTime,
        Field(
            description="How long a ring lives with a version before the next may have it.",
            examples=[{"days": 7, "running_hours": 40}],
        ),
    ] = SoakTime()
    window: Annotated[
        str | list[str] | None,
        Field(description="Schedules in whose windows upgrades begin; absent: any time.", examples=["patch-tuesday"]),
    ] = None
    at_once: Annotated[
        int, Field(ge=1, le=1000, description="Clusters that are upgraded at the same time.", examples=[2])
    ] = 1
    node_images_every: Annotated[
        Duration | None,
        Field(description="How often node images are renewed; absent: only with a version.", examples=["7d"]),
    ] = None
    surge: Annotated[
        Annotated[str, BeforeValidator(as_text), AfterValidator(_surge)] | None,
        Field(
            description="Nodes added while a pool goes to a version; absent, and for node images: as each pool says.",
            examples=["33%"],
            json_schema_extra={"type": ["string", "integer"]},
        ),
    ] = None
    preflight: Annotated[
        Literal["usual", "strict"],
        Field(
            description="usual: every check that could be read holds. strict: also waits where quota or free addresses"
            " for the surge cannot be read.",
            examples=["usual"],
        ),
    ] = "usual"
    maintenance: Annotated[
        bool,
        Field(description="Write AKS's own maintenance configurations after `window` too.", examples=[True]),
    ] = False

    @property
    def schedule_names(self) -> tuple[str, ...]:
        if self.window is None:
            return ()
        return (self.window,) if isinstance(self.window, str) else tuple(self.window)


def needs(view: View, rule: BoundRule, now: datetime) -> frozenset[Need]:
    """What Azure offers, and room for a surge: only inside the window, of a cluster that runs and may move."""
    if rule.environment not in rule.block.rings or view.cluster.power is not Power.RUNNING:
        return frozenset()
    step = step_of(view, rule, now)
    if not step.window.inside or (step.obstacle is not None and not step.due_by_window):
        return frozenset()
    if isinstance(step.action, UpgradePool):
        return frozenset({Need.UPGRADES, Need.SURGE})
    if step.action is not None and not isinstance(step.action, UpgradeNodeImage):
        return frozenset({Need.UPGRADES})
    images = rule.block.node_images_every is not None and step.obstacle is None
    return frozenset({Need.UPGRADES, Need.SURGE}) if images else frozenset()


def propose(view: View, rule: BoundRule, now: datetime) -> tuple[Proposal, ...]:
    """What comes next; to be up for it where it sleeps; and the maintenance configuration that is out of date."""
    if rule.environment not in rule.block.rings:
        return ()
    return tuple(_proposals(view, rule, now))


def _proposals(view: View, rule: BoundRule, now: datetime) -> Iterator[Proposal]:
    step = step_of(view, rule, now)
    up = _to_be_up(view, rule, step, now)
    if up is not None:
        yield up
    if step.action is None or not step.window.inside:
        yield _said(rule, step)
        configuration = _configuration(view, rule, now)
        if configuration is not None:
            yield configuration
        return
    yield _of_action(rule, step, _surging(rule, step.action), step.obstacle)
    if step.action.pool is None:
        return
    yield _said(rule, step)
    for pool in pools_behind(view.cluster, step.version or Version(0, 0)):
        if pool.name.casefold() != step.action.pool.casefold():
            waits = Obstacle(Reason.WAITS_FOR, f"waits for pool {step.action.pool}")
            yield _of_action(rule, step, UpgradePool(view.cluster.id, pool.name, str(step.version)), waits)


def _surging(rule: BoundRule, action: Action) -> Action:
    return replace(action, surge=rule.block.surge or "") if isinstance(action, UpgradePool) else action


def sentence_of(rule: BoundRule, step: Step) -> str:
    """What comes next, and what it waits for."""
    if step.obstacle is not None and step.obstacle.sentence != step.sentence:
        return f"{step.sentence}; {step.obstacle.sentence}"
    if step.action is not None and not step.window.inside:
        when = "no window within a year" if step.window.until is None else _opens(rule, step.window.until)
        return f"{step.sentence}; {when}"
    return step.sentence


def _opens(rule: BoundRule, at: datetime) -> str:
    return f"the window opens {spoken(at, rule.schedules[0].zone, rule.zone)}"


def _said(rule: BoundRule, step: Step) -> Proposal:
    reason = Reason.NO_OPINION if step.obstacle is None else step.obstacle.reason
    return _proposal(rule, None, reason, sentence_of(rule, step), f"{rule.name}:watched")


def _of_action(rule: BoundRule, step: Step, action: Action, obstacle: Obstacle | None) -> Proposal:
    reason = Reason.NODE_IMAGE if isinstance(action, UpgradeNodeImage) else Reason.UPGRADE
    since = "" if step.window.since is None else f":{step.window.since:%Y-%m-%dT%H:%M:%SZ}"
    cause = f"{rule.name}:{getattr(action, 'to', '')}{since}"
    proposal = _proposal(rule, action.pool, reason, step.sentence, cause)
    return replace(proposal, action=action, obstacle=obstacle, until=step.window.until)


def _proposal(rule: BoundRule, pool: str | None, reason: Reason, sentence: str, cause: str) -> Proposal:
    return said(rule, None if pool is None else pool.casefold(), sentence, cause, reason)


def _to_be_up(view: View, rule: BoundRule, step: Step, now: datetime) -> Proposal | None:
    """Up in the window while there is something to do. Only planning wakes nobody; a sleep that is not ours stays.

    Woken only where control plane and pools fit into what is left of the window; kept up until the step is done.
    """
    if rule.mode != "act" or not step.window.inside:
        return None
    asleep = view.cluster.power is Power.STOPPED
    half = view.memory.upgrade is not None and view.memory.upgrade.begun_at is not None
    if asleep and not (sleeps_for_us(view.memory) and step.ready and _fits(view, step, now)):
        return None
    if not asleep and not (step.ready or (half and step.action is not None)):
        return None
    since = "always" if step.window.since is None else f"{step.window.since:%Y-%m-%dT%H:%M:%SZ}"
    proposal = _proposal(rule, None, Reason.UPGRADE, f"up for its upgrade: {step.sentence}", f"{rule.name}:up:{since}")
    return replace(proposal, voice=Voice.HOLD, wish=Wish.RUNNING, due_at=step.window.since, until=step.window.until)


def _fits(view: View, step: Step, now: datetime) -> bool:
    return step.window.until is None or step.window.until - now >= all_of(view)


def _configuration(view: View, rule: BoundRule, now: datetime) -> Proposal | None:
    """The first of AKS's configurations that is not what the schedule makes of it now."""
    if not rule.block.maintenance or not rule.schedules or view.cluster.power is not Power.RUNNING:
        return None
    freezes = [one for one in rule.freezes if one.match is None or one.match.matches(view.cluster, rule.environment)]
    made = maintenance_window(rule.schedules[0], now, freezes)
    past = view.memory.upgrade
    known = {} if past is None else past.configurations
    for name in NAMES if made.window is not None else ():
        if known.get(name) != digest_of(made.text):
            text = f"AKS's window {name} as {rule.schedules[0].name} has it, at UTC{(made.window or {})['utcOffset']}"
            action = PutMaintenance(view.cluster.id, name=name, window=made.text)
            cause = f"{rule.name}:{name}:{digest_of(made.text)}"
            return replace(_proposal(rule, None, Reason.MAINTENANCE_WINDOW, text, cause), action=action)
    return None


def _images_due(past: UpgradePast, rule: BoundRule, now: datetime) -> bool:
    every = rule.block.node_images_every
    return every is not None and past.images_at is not None and past.images_at + every <= now


def learned(view: View, rule: BoundRule, now: datetime) -> Memory:
    """What a look teaches: how long the cluster has run its version well, where it should end, whether it can move."""
    if rule.environment not in rule.block.rings:
        return view.memory
    past = past_of(view.memory, rule)
    past = watched(past, view.cluster, view.fleet.rings.get(rule.name), now)
    wanted = goal_for(view.cluster, rule, view.fleet.releases.get(view.cluster.location.casefold()))
    past = replace(past, goal=past.goal if wanted is None else str(wanted), waits=waits_of(view, rule, now))
    if past.begun_at is None and images_are_newest(view) and (past.images_at is None or _images_due(past, rule, now)):
        past = replace(past, images_at=now)
    return view.memory if past == view.memory.upgrade else replace(view.memory, upgrade=past)
