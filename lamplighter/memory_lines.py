"""What is remembered of a cluster, in words."""

from __future__ import annotations

from collections.abc import Iterator

from shared.model.memory import Memory, TargetMemory
from shared.policy.endings import NODES_NOT_READY
from shared.policy.spoken import spoken


def memory_lines(memory: Memory, zone: str) -> Iterator[tuple[str, str]]:
    """(what, sentence) pairs, the most telling ones first."""
    if memory.open is not None:
        open_ = memory.open
        verb = open_.kind.replace("_", " ")
        yield "under way", f"{verb} for {open_.rule}, {open_.phase.value} since {spoken(open_.claimed_at, zone)}"
    for hold in memory.holds:
        who = f", by {hold.owner}" if hold.owner else ""
        why = f": {hold.reason}" if hold.reason else ""
        yield "hold", f"{hold.wish.value} until {spoken(hold.until, zone)} ({hold.source}{who}){why}"
    for key, target in sorted(memory.targets.items()):
        yield from _target_lines(f"pool {key}: " if key else "", target, zone)
    if memory.first_seen_at is not None:
        yield "known since", spoken(memory.first_seen_at, zone)
    else:
        yield "known since", "never seen by a tick"


def _target_lines(prefix: str, target: TargetMemory, zone: str) -> Iterator[tuple[str, str]]:
    if target.owed is not None:
        yield "owed", f"{prefix}a start: stopped for {target.owed.rule} {spoken(target.owed.since, zone)}"
    if target.warned is not None:
        yield "warned", f"{prefix}people were told that it stops {spoken(target.warned.due_at, zone)}"
    if target.stopped_at is not None:
        yield "stopped", f"{prefix}last by us {spoken(target.stopped_at, zone)}"
    if target.started_at is not None:
        yield "started", f"{prefix}last by us {spoken(target.started_at, zone)}"
    yield from _failed(prefix, target, zone)
    if target.reversals:
        yield "undone", f"{prefix}{len(target.reversals)} times, last {spoken(target.reversals[-1], zone)}"
    if target.saved is not None:
        yield "size kept", f"{prefix}{target.saved.count} nodes"
    for rule, adoption in sorted(target.adopted.items()):
        yield "adopted", f"{prefix}{rule} {spoken(adoption.at, zone)}"


def _failed(prefix: str, target: TargetMemory, zone: str) -> Iterator[tuple[str, str]]:
    for failure in (target.failure, *target.setbacks.values()):
        if failure is None:
            continue
        if failure.code == NODES_NOT_READY:
            yield "nodes", f"{prefix}runs without them: {failure.message}"
            continue
        tries = "once" if failure.count == 1 else f"{failure.count} times"
        again = spoken(failure.retry_at, zone)
        yield "failed", f"{prefix}{failure.kind.replace('_', ' ')}, {tries}: {failure.message}; again {again}"
