"""What must be true whatever went wrong: asked of the world and of the journal, after the story."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta

from shared.model.records import HistoryRecord
from tests.scenarios.stage import Story, verb_of

INVOCATION = timedelta(minutes=4)
"""What an invocation writes down carries the time at which it began; it may last this long."""


def assert_honest(story: Story, protected: Iterable[str] = ()) -> None:
    """Nothing protected touched, nothing accepted twice, every write claimed before, no success that was none."""
    for name in protected:
        assert story.writes(name) == [], f"{name} is protected"
    records = story.history(None, "claimed", "succeeded", "accepted", "already")
    claims = [record for record in records if record.phase == "claimed"]
    twice = [id_ for id_, count in Counter(record.id for record in claims).items() if count > 1]
    assert twice == [], "a decision is claimed once"
    _every_write_was_claimed(story, claims)
    _every_success_is_true(story, records)
    assert story.world.unknown == [], "nothing was asked that Azure does not know"


def _every_write_was_claimed(story: Story, claims: list[HistoryRecord]) -> None:
    """Each accepted write has a claim of its own before it: the same target, the same verb, used by no other write."""
    left: dict[tuple[str, str | None, str], list[HistoryRecord]] = defaultdict(list)
    for claim in claims:
        left[claim.cluster, claim.body.get("pool"), claim.body["kind"].partition("_")[0]].append(claim)
    for write in story.writes():
        pool = None if write.pool is None else write.pool.casefold()
        mine = left[write.cluster, pool, verb_of(write)]
        found = [claim for claim in mine if claim.at <= write.at]
        assert found, f"{write.path} at {write.at} was sent without a claim on record, or twice under one"
        mine.remove(found[-1])


def _every_success_is_true(story: Story, records: list[HistoryRecord]) -> None:
    claimed = {record.id: record.at for record in records if record.phase == "claimed"}
    alive = {cluster.id.casefold(): cluster for cluster in story.world.clusters.values()}
    for record in records:
        cluster = alive.get(record.cluster)
        if record.phase != "succeeded" or cluster is None:
            continue
        since = claimed.get(record.id)
        assert since is not None, f"{record.id} succeeded without having been claimed"
        pool = record.body.get("pool")
        spans = story.world.power_intervals(cluster.id, pool)
        stopped = record.body["kind"].startswith("stop")
        changes = [off for _, off in spans] if stopped else [on for on, _ in spans]
        true = [at for at in changes if at is not None and since <= at <= record.at + INVOCATION]
        assert true, f"history says that {record.body['kind']} of {cluster.name} succeeded at {record.at}: it did not"


def assert_told_of_every_stop(story: Story) -> None:
    """Nobody's cluster stops without a message that says so: long lists name only the first few."""
    told = {record.cluster for record in story.history(None, "told") if record.body["kind"] == "stop_soon"}
    for write in story.writes(verb="stop"):
        name = write.path.split("/")[8]
        assert write.cluster in told or story.told(name, "stop"), f"{name} was stopped and nobody was told"


def is_off(story: Story, name: str, at: datetime | None = None, pool: str | None = None) -> bool:
    """Stopped at that instant, or now."""
    moment = at or story.world.now()
    spans = story.world.power_intervals(name, pool)
    return not any(on <= moment and (off is None or moment < off) for on, off in spans)
