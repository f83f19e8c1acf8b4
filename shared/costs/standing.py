"""What still holds at the end of a period, as a small document: it goes on earning though its stop is long past.

    {"held": [{pool, decision, rule, reason, begin, nodes}], "moved": [{at, pool, decision, rule, group}],
     "tiered": [{begin, decision, rule, before}]}

A later reading that begins after the stop takes it up from here; one that knows the stop itself has no need to.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time
from typing import Any

from shared.model.billing import Period
from shared.model.past import ClusterPast, Held, Moved, Tiered


def to_document(past: ClusterPast, period: Period) -> dict[str, Any] | None:
    """None when nothing holds and nothing was ever moved or changed its tier."""
    end = datetime.combine(period.end, time(), UTC)
    held = [_written(one) for one in past.held if one.end >= end]
    last = {(one.rule, one.group, one.pool): one for one in past.moved}
    tiered = [_tiered(one) for one in past.tiered if one.end >= end]
    if not held and not last and not tiered:
        return None
    return {"held": held, "moved": [_move(one) for one in last.values()], "tiered": tiered}


def from_document(cluster: str, document: Mapping[str, Any]) -> ClusterPast:
    """A past that holds nothing else. Raises KeyError, ValueError or TypeError for what was not written above."""
    return ClusterPast(
        cluster,
        held=tuple(
            Held(
                one["pool"],
                datetime.fromisoformat(one["begin"]),
                datetime.fromisoformat(one["begin"]),
                one["decision"],
                one["rule"],
                one["reason"],
                {pool: int(nodes) for pool, nodes in one["nodes"].items()},
            )
            for one in document["held"]
        ),
        moved=tuple(
            Moved(datetime.fromisoformat(one["at"]), one["pool"], one["decision"], one["rule"], one["group"])
            for one in document["moved"]
        ),
        tiered=tuple(
            Tiered(
                datetime.fromisoformat(one["begin"]),
                datetime.fromisoformat(one["begin"]),
                one["decision"],
                one["rule"],
                one["before"],
            )
            for one in document.get("tiered", ())
        ),
    )


def _written(held: Held) -> dict[str, Any]:
    return {
        "pool": held.pool,
        "decision": held.decision,
        "rule": held.rule,
        "reason": held.reason,
        "begin": held.begin.isoformat(),
        "nodes": dict(held.nodes),
    }


def _tiered(one: Tiered) -> dict[str, Any]:
    return {"begin": one.begin.isoformat(), "decision": one.decision, "rule": one.rule, "before": one.before}


def _move(move: Moved) -> dict[str, Any]:
    return {
        "at": move.at.isoformat(),
        "pool": move.pool,
        "decision": move.decision,
        "rule": move.rule,
        "group": move.group,
    }
