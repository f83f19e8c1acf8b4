"""What the engine foresees, in time order."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from operator import attrgetter
from typing import TYPE_CHECKING

from lamplighter.terminal import progress

if TYPE_CHECKING:
    from shared.model.fleet import Cluster
    from shared.policy.document import Policy
    from shared.policy.forecast import Transition


def transitions_of(
    fleet: Collection[Cluster], policy: Policy, begin: datetime, days: int, only: Iterable[Cluster] | None = None
) -> tuple[Transition, ...]:
    """All transitions of the fleet, or of `only` some of it, in [begin, begin + days): by instant, then target.

    The whole fleet is asked for in any case: how full the queue of starts is moves them ahead.
    """
    from shared.policy.forecast import expected_facts, transitions  # noqa: PLC0415

    with progress("looking ahead ..."):
        facts = expected_facts(fleet, policy)
        chosen = fleet if only is None else only
        found = [one for cluster in chosen for one in transitions(cluster, policy, begin, days, facts)]
    return tuple(sorted(found, key=attrgetter("at", "target", "action")))


def label(one: Transition, names: Mapping[str, str]) -> str:
    """What to call the target of a transition: the cluster's name, and the pool's where it is one."""
    name = names.get(one.cluster, one.cluster)
    return name if one.target == one.cluster else f"{name} / {one.target.rpartition('/')[2]}"
