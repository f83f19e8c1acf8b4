"""AKS's maintenance configurations as they are written: what `lamplighter upgrades --maintenance` prints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamplighter.subject import read_policy_file, read_subject
from lamplighter.terminal import warn

if TYPE_CHECKING:
    from shared.policy.bound import BoundRule, Freeze
    from shared.policy.maintenance import Made

NO_WINDOW = "it has no window, so AKS's own windows stay as they are"


def configurations(policy: Path, fleet: Path | None, now: datetime) -> dict[str, list[dict[str, Any]]]:
    """Rule name -> the bodies for AKS's configurations and the clusters that get them; or why there are none.

    Without a fleet `clusters` is null: freezes of some clusters only are left out then, and that is told.
    """
    from shared.policy.ring_fold import ring_rules  # noqa: PLC0415

    if fleet is not None:
        subject = read_subject(policy, fleet, now)
        from lamplighter.ring_sight import spoken_for  # noqa: PLC0415

        return {
            rule.name: _grouped(
                (one.name, _made(own, _frozen(own, one), now)) for one, own in spoken_for(rule, subject)
            )
            for rule in ring_rules(subject.policy)
        }
    read = read_policy_file(policy)
    holding = [freeze for freeze in read.freezes if "upgrade" in freeze.hold]
    some = [freeze.name for freeze in holding if freeze.match is not None]
    if some:
        warn([f"{', '.join(some)} freezes some clusters only: name a fleet with --fleet to see theirs"])
    everybody = tuple(freeze for freeze in holding if freeze.match is None)
    return {rule.name: [_shown(None, _made(rule, everybody, now))] for rule in ring_rules(read)}


def _frozen(rule: BoundRule, cluster: Any) -> tuple[Freeze, ...]:
    return tuple(one for one in rule.freezes if one.match is None or one.match.matches(cluster, rule.environment))


def _made(rule: BoundRule, freezes: Iterable[Freeze], now: datetime) -> Made:
    from shared.policy.maintenance import Made, maintenance_window  # noqa: PLC0415

    return maintenance_window(rule.schedules[0], now, freezes) if rule.schedules else Made(None, NO_WINDOW)


def _grouped(made: Iterable[tuple[str, Made]]) -> list[dict[str, Any]]:
    """Clusters that get the same, together."""
    groups: dict[str, tuple[list[str], Made]] = {}
    for name, one in made:
        groups.setdefault(one.text or one.problem, ([], one))[0].append(name)
    return [_shown(sorted(names), one) for names, one in groups.values()]


def _shown(names: list[str] | None, made: Made) -> dict[str, Any]:
    from shared.policy.maintenance import NAMES  # noqa: PLC0415

    if made.window is None:
        return {"clusters": names, "problem": made.problem}
    body: Mapping[str, Any] = {"properties": {"maintenanceWindow": made.window}}
    return {"clusters": names, "configurations": dict.fromkeys(NAMES, body)}
