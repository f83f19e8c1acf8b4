"""policy.yaml -> Policy, or every mistake at once.

    text -> yaml_lines -> plain values with lines -> grammar -> models -> references -> binding -> Policy

Pure: nothing is read from disk here, the same text gives the same Policy and the same hash everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2s
from typing import Any

from shared.errors import PolicyError
from shared.model.fleet import Cluster, Scope
from shared.policy.bound import (
    UNMATCHED,
    BoundRule,
    DigestPlan,
    Environment,
    Freeze,
    Guards,
    KeepException,
    Route,
)
from shared.policy.calendars import Calendar
from shared.policy.lookup import Lookup
from shared.policy.match import Matcher
from shared.policy.schedule import ALWAYS, NEVER, Schedule


@dataclass(frozen=True, slots=True)
class EnvironmentRule:
    """One entry of `environments`."""

    environment: Environment
    match: Matcher
    unless: Matcher | None = None
    guards: Mapping[str, Any] = field(default_factory=dict)
    """Only the guards this entry sets itself."""
    blocks: Mapping[str, Any] = field(default_factory=dict)
    """Kind of rule -> its pydantic Block, of which only what is set counts: for rules that do not say it themselves."""

    def holds(self, cluster: Cluster) -> bool:
        return self.match.matches(cluster, None) and not (self.unless and self.unless.matches(cluster, None))


@dataclass(frozen=True, eq=False)
class Policy:
    """One policy file, ready to be asked. Compared by identity; `hash` names its text."""

    version: int
    mode: str
    """plan | act"""
    timezone: str
    scope: Scope
    environments: tuple[EnvironmentRule, ...]
    """In the order of the file."""
    rules: tuple[BoundRule, ...]
    schedules: Mapping[str, Schedule]
    """By name as written, `always` and `never` among them."""
    calendars: Mapping[str, Calendar]
    freezes: tuple[Freeze, ...]
    exceptions: tuple[KeepException, ...]
    routes: tuple[Route, ...]
    guards: Mapping[str, Any]
    """Only the guards the file sets."""
    digest: DigestPlan | None
    """None: nobody is told what a week cost."""
    hash: str
    source: str
    _environments: Lookup[Environment] = field(init=False, repr=False)
    _rules: Lookup[tuple[BoundRule, ...]] = field(init=False, repr=False)
    _guards: dict[tuple[str | None, str | None], Guards] = field(init=False, repr=False, default_factory=dict)
    _retimed: dict[tuple[str, str], BoundRule] = field(init=False, repr=False, default_factory=dict)

    _placed: dict[tuple[str, str], BoundRule] = field(init=False, repr=False, default_factory=dict)
    _giving: dict[str, EnvironmentRule] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        environments = self.environments
        self._giving.update({str(one.environment.name): one for one in environments if one.blocks})
        looked_at = [part for entry in environments for part in (entry.match, entry.unless)]
        object.__setattr__(self, "_environments", Lookup(looked_at, self._environment))
        looked_at = [part for rule in self.rules for part in (rule.match, rule.unless)]
        object.__setattr__(self, "_rules", Lookup(looked_at, self._applying))

    def environment_of(self, cluster: Cluster) -> Environment:
        """Production entries are tried first, wherever they stand; any match is final; unmatched is production."""
        return self._environments.ask(cluster, "")

    def rules_for(self, cluster: Cluster, environment: Environment) -> tuple[BoundRule, ...]:
        """The rules that speak for a cluster, in the order of the file.

        A rule without `match` speaks for everything outside production. In production a rule speaks only where the
        block that matches names the environment, literally: a glob does not.
        """
        return () if environment.name is None else self._rules.ask(cluster, environment.name)

    def reporting_for(self, cluster: Cluster, environment: Environment) -> tuple[BoundRule, ...]:
        """The rules that only tell of production: of each such kind the first that does not except the cluster.

        They need not name it, and no guard lets one of them do anything there.
        """
        if not environment.production:
            return ()
        name = environment.name or ""
        heard = (rule for rule in self.rules if rule.kind in REPORTING)
        told = [rule for rule in heard if rule.unless is None or not rule.unless.matches(cluster, name)]
        return tuple({rule.kind: rule for rule in reversed(told)}.values())

    def guards_for(self, environment: Environment, rule: BoundRule | None) -> Guards:
        """File, then environment, then rule: a value replaces."""
        key = (environment.name, None if rule is None else rule.name)
        known = self._guards.get(key)
        if known is None:
            from shared.policy.binding import guards  # noqa: PLC0415 - brings pydantic, which imports of Policy need not

            own = (entry.guards for entry in self.environments if entry.environment.name == environment.name)
            known = self._guards[key] = guards(self.guards, *own, {} if rule is None else rule.guards)
        return known

    def asks(self, guard: str) -> bool:
        """Whether a guard is set and not off anywhere: in the file, an environment or a rule."""
        layers = (*(entry.guards for entry in self.environments), *(rule.guards for rule in self.rules), self.guards)
        return any(bool(layer.get(guard)) for layer in layers)

    def schedule_named(self, name: str) -> Schedule | None:
        """The schedule of that name, compared without case: owners write it in tags."""
        folded = name.casefold()
        return next((one for known, one in self.schedules.items() if known.casefold() == folded), None)

    def retimed(self, rule: BoundRule, schedule: Schedule) -> BoundRule:
        """The rule with the owner's schedule in place of its own, and a fingerprint of its own; memoised."""
        if not rule.schedules:
            return rule
        key = (rule.name, schedule.name)
        known = self._retimed.get(key)
        if known is None:
            from shared.policy.binding import fingerprint  # noqa: PLC0415 - see guards_for

            wording = fingerprint(rule.kind, rule.block, (schedule,))
            known = self._retimed[key] = replace(rule, schedules=(schedule,), fingerprint=wording)
        return known

    def placed(self, rule: BoundRule, environment: str) -> BoundRule:
        """The rule as it is in the environment of a cluster; memoised. For rules with rings, and those that inherit."""
        if rule.kind not in PLACED and environment not in self._giving:
            return rule
        key = (rule.name, environment)
        known = self._placed.get(key)
        if known is None and rule.kind not in PLACED:
            from shared.policy.inheriting import inherited  # noqa: PLC0415 - see guards_for

            known = self._placed[key] = inherited(rule, self._giving[environment], self.calendars)
        if known is None:
            holding = tuple(freeze for freeze in self.freezes if "upgrade" in freeze.hold)
            known = self._placed[key] = replace(rule, environment=environment, freezes=holding)
        return known

    def _environment(self, cluster: Cluster, _: str) -> Environment:
        held = [entry.environment for entry in self.environments if entry.holds(cluster)]
        return next((one for one in held if one.production), held[0] if held else UNMATCHED)

    def _applying(self, cluster: Cluster, environment: str) -> tuple[BoundRule, ...]:
        production = any(
            entry.environment.production for entry in self.environments if entry.environment.name == environment
        )
        return tuple(rule for rule in self.rules if _applies(rule, cluster, environment, production=production))


def _applies(rule: BoundRule, cluster: Cluster, environment: str, *, production: bool) -> bool:
    if rule.unless is not None and rule.unless.matches(cluster, environment):
        return False
    if rule.match is None:
        return not production
    return any(
        block.matches(cluster, environment)
        for block in rule.match.blocks
        if not production or environment.casefold() in map(str.casefold, block.environments)
    )


PLACED = frozenset({"upgrades"})
"""Kinds of rules that ask where their cluster is."""
REPORTING = frozenset({"repair"})
"""Kinds of rules that also speak of production they do not match: so that people are told, never to act."""
BUILT_IN: Mapping[str, Schedule] = {"always": ALWAYS, "never": NEVER}


def read_policy(text: str, source: str) -> Policy:
    """The policy in `text`; `source` names the file in problems.

    Raises PolicyError with all problems, each with file, line, path, the bad value and a good example. Nothing else is
    raised, whatever the text.
    """
    from shared.policy.assembly import assemble  # noqa: PLC0415 - the grammar's models take a while to build
    from shared.policy.mistakes import Mistakes  # noqa: PLC0415
    from shared.policy.yaml_lines import read_yaml  # noqa: PLC0415

    document = read_yaml(text, source)
    mistakes = Mistakes(source, document)
    parts = assemble(document.value, mistakes)
    if problems := mistakes.all():
        raise PolicyError(problems)
    digest = blake2s(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return Policy(**parts, hash=digest, source=source)
