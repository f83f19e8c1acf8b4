"""The journal, from a laptop: opened by URL, closed again, and written to by compare-and-swap only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lamplighter.fleet_source import laptop_settings
from shared.errors import InputError, LamplighterError, PolicyError, Superseded
from shared.model.fleet import Cluster
from shared.model.memory import FleetMemory, Memory

if TYPE_CHECKING:
    from shared.clients.journal import Journal

ATTEMPTS = 6
"""Times a write is tried anew when the app, or another person, wrote first."""


@contextmanager
def journal_at(url: str | None) -> Iterator[Journal]:
    """The journal that `--journal` or LAMPLIGHTER_JOURNAL names. Raises InputError where none is named."""
    if not url:
        raise InputError(
            "no journal is named: expected --journal URL or the setting LAMPLIGHTER_JOURNAL, "
            "such as --journal https://myaccount.table.core.windows.net"
        )
    from shared import app  # noqa: PLC0415
    from shared.clients.azure import Cloud  # noqa: PLC0415

    settings = laptop_settings(journal=url)
    with Cloud.connect(settings) as cloud:
        journal = app.journal_at(settings, cloud)
        try:
            yield journal
        finally:
            journal.close()


def zone_in_force(journal: Journal) -> str:
    """The zone of the policy that the app read last, in which its sentences tell times; UTC where it read none."""
    from shared.policy.document import read_policy  # noqa: PLC0415 - pydantic is heavy

    text = journal.fleet().value.good_policy
    try:
        return read_policy(text, "the last good policy").timezone if text else "UTC"
    except PolicyError:
        return "UTC"


def change_memory(journal: Journal, cluster_id: str, change: Callable[[Memory], Memory]) -> Memory:
    """Apply `change` to what is remembered of one cluster, on what stands there at that moment."""
    for _ in range(ATTEMPTS):
        stored = journal.memory(cluster_id)
        changed = change(stored.value)
        try:
            journal.swap(changed, stored.etag)
        except Superseded:
            continue
        return changed
    raise LamplighterError(f"somebody else keeps writing about {cluster_id}; nothing was changed, try again")


def change_fleet(journal: Journal, change: Callable[[FleetMemory], FleetMemory]) -> FleetMemory:
    """Apply `change` to what is remembered of the fleet as a whole."""
    for _ in range(ATTEMPTS):
        stored = journal.fleet()
        changed = change(stored.value)
        try:
            journal.swap_fleet(changed, stored.etag)
        except Superseded:
            continue
        return changed
    raise LamplighterError("somebody else keeps writing about the fleet; nothing was changed, try again")


def known_clusters(journal: Journal) -> tuple[Cluster, ...]:
    """Clusters that the journal remembers, with what their ids say of them: no Azure is asked."""
    from shared.policy.routing import from_id  # noqa: PLC0415

    found = (from_id(stored.value.cluster) for stored in journal.memories(lambda _: None))
    return tuple(cluster for cluster in found if cluster is not None)
