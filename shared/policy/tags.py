r"""The owners' contract: what the owner of one cluster says with tags. Lamplighter reads these tags and writes none.

    lamplighter-schedule         office              this schedule of the policy instead of a matching rule's own
    lamplighter-exclude          true | false        true: no rule acts on this cluster
    lamplighter-keep-on-until    2026-12-18T18:00    running until then: an offset, or local to the schedule's zone
    lamplighter-keep-off-until   2026-12-18          stopped until then; a bare date means its end
    lamplighter-reason           quarterly training  why, shown to people

Names and values compare without case. A value that cannot be read leads to no action on the cluster, and so does a
`lamplighter-...` tag nobody knows: its owner meant something by it.

Azure's limits: a name has at most 512 characters and none of `< > % & \ ? /`, a value at most 256, a resource at
most 50 tags; names are case-insensitive, values are kept as written. Everything above fits.
From: https://learn.microsoft.com/azure/azure-resource-manager/management/tag-resources#limitations
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from shared.model.memory import Wish
from shared.policy.moments import Moment, parse_moment

SCHEDULE = "lamplighter-schedule"
EXCLUDE = "lamplighter-exclude"
KEEP_ON = "lamplighter-keep-on-until"
KEEP_OFF = "lamplighter-keep-off-until"
REASON = "lamplighter-reason"
NAMES = (SCHEDULE, EXCLUDE, KEEP_ON, KEEP_OFF, REASON)

PREFIX = "lamplighter"
_SHORT = {name.removeprefix(f"{PREFIX}-"): name for name in NAMES}
_SEPARATORS = str.maketrans("_.: ", "----")

LONGEST_NAME = 512
LONGEST_VALUE = 256
FORBIDDEN_IN_NAMES = frozenset("<>%&\\?/")


@dataclass(frozen=True, slots=True)
class KeepTag:
    """Keep it running, or stopped, until then (aware UTC)."""

    wish: Wish
    until: datetime


@dataclass(frozen=True, slots=True)
class OwnerTags:
    """What the tags of one cluster say."""

    schedule: str | None = None
    """As written; ask `Policy.schedule_named` for it."""
    exclude: bool = False
    keep_on: datetime | None = None
    """Aware UTC; may be over."""
    keep_off: datetime | None = None
    """Aware UTC; may be over."""
    reason: str = ""
    problems: tuple[str, ...] = ()
    """A sentence for each tag that cannot be read. Any of them: no action."""
    notes: tuple[str, ...] = ()
    """Sentences that explain and hinder nothing."""

    @property
    def keep(self) -> KeepTag | None:
        """What the owner keeps, whatever the time is; of both the running one."""
        if self.keep_on is not None:
            return KeepTag(Wish.RUNNING, self.keep_on)
        return None if self.keep_off is None else KeepTag(Wish.STOPPED, self.keep_off)

    def keep_at(self, now: datetime) -> KeepTag | None:
        """What the owner keeps at `now` (aware): of both the running one until it is over, then the other."""
        if self.keep_on is not None and now < self.keep_on:
            return KeepTag(Wish.RUNNING, self.keep_on)
        if self.keep_off is not None and now < self.keep_off:
            return KeepTag(Wish.STOPPED, self.keep_off)
        return None


NOTHING = OwnerTags()


def read_tags(tags: Mapping[str, str], zone: str, schedules: Collection[str] | None = None) -> OwnerTags:
    """What the owner says. Never raises: whatever cannot be read is a sentence in `problems`.

    `zone` is that of the schedule, for times without an offset. With `schedules`, the names of the policy, a schedule
    that is not among them is a problem too.

    >>> from shared.policy.tags import read_tags
    >>> tags = read_tags({"Lamplighter-Exclude": "False", "lamplighter-keep-on-until": "2026-12-18"}, "Europe/Berlin")
    >>> tags.exclude, tags.keep_on.isoformat()
    (False, '2026-12-18T23:00:00+00:00')
    """
    said = {name.casefold(): (name, value) for name, value in tags.items() if name[:11].casefold() == PREFIX}
    if not said:
        return NOTHING
    problems = [_unknown(name) for key, (name, _) in said.items() if key not in NAMES]
    values = {key: str(value or "").strip() for key, (_, value) in said.items()}
    schedule = values.get(SCHEDULE)
    if schedule is not None and (problem := _schedule_problem(schedule, schedules)):
        schedule = None
        problems.append(problem)
    on, off = _moment(KEEP_ON, values, problems), _moment(KEEP_OFF, values, problems)
    return OwnerTags(
        schedule=schedule,
        exclude=_exclude(values, problems),
        keep_on=None if on is None else on.ends(zone),
        keep_off=None if off is None else off.until(zone),
        reason=values.get(REASON, ""),
        problems=tuple(problems),
        notes=() if on is None or off is None else (f"both {KEEP_ON} and {KEEP_OFF} are set; running wins",),
    )


def spell(owner: OwnerTags) -> dict[str, str]:
    """The tags that say this, in the spelling we recommend; what `read_tags` reads back in any zone."""
    written = {SCHEDULE: owner.schedule, EXCLUDE: "true" if owner.exclude else None, REASON: owner.reason or None}
    until = {KEEP_ON: owner.keep_on, KEEP_OFF: owner.keep_off}
    written |= {name: at.strftime("%Y-%m-%dT%H:%M:%SZ") for name, at in until.items() if at is not None}
    return {name: value for name, value in written.items() if value is not None}


def _exclude(values: Mapping[str, str], problems: list[str]) -> bool:
    # "false" is a text, and texts are true in most languages: peers excluded, or acted, by that mistake.
    value = values.get(EXCLUDE, "false").casefold()
    if value not in ("true", "false"):
        problems.append(f"tag {EXCLUDE} has the value '{values[EXCLUDE]}'; expected true or false")
    return value == "true"


def _moment(name: str, values: Mapping[str, str], problems: list[str]) -> Moment | None:
    if name not in values:
        return None
    try:
        return parse_moment(values[name])
    except ValueError as error:
        problems.append(f"tag {name} cannot be read: {error}")
        return None


def _schedule_problem(value: str, schedules: Collection[str] | None) -> str:
    if not value:
        return f"tag {SCHEDULE} is empty; expected the name of a schedule of the policy, such as office"
    if schedules is None or value.casefold() in (name.casefold() for name in schedules):
        return ""
    return f"tag {SCHEDULE} names '{value}', which is no schedule of the policy; expected one of {_listed(schedules)}"


def _unknown(name: str) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 - only on the way to a problem

    said = name[len(PREFIX) :].casefold().translate(_SEPARATORS).strip("-")
    near = get_close_matches(said, _SHORT, n=1, cutoff=0.7)
    meant = f"did you mean {_SHORT[near[0]]}?" if near else f"expected one of {_listed(NAMES)}"
    return f"tag {name} is not known; {meant}"


def _listed(names: Collection[str]) -> str:
    return ", ".join(names)
