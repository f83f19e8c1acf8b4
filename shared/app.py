"""The composition root: what a handler gets. Built at the first invocation, never at import."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared.errors import InputError
from shared.settings import Settings, read_settings

if TYPE_CHECKING:
    from shared.clients.archive import Archive
    from shared.clients.azure import Cloud
    from shared.clients.deliver import Parcel
    from shared.clients.entra import Gate
    from shared.clients.journal import Journal
    from shared.clients.notify import Sent
    from shared.clients.queue import Queue
    from shared.policy.document import Policy


@dataclass(frozen=True, slots=True)
class App:
    """Everything a handler may use. Tests and the demo build their own with the same rooms and another clock."""

    settings: Settings
    clock: Callable[[], datetime]
    """Aware UTC; asked once per invocation."""
    cloud: Cloud
    journal: Journal
    queue: Queue
    policy_text: Callable[[], tuple[str, str]]
    """(text, source) of the policy as it is now; raises LamplighterError when it cannot be read."""
    notify: Callable[[Sequence[str], str, str], Sent]
    """(addresses, title, body) -> what became of it."""
    deliver: Callable[[str, Parcel], Sent] | None = None
    """(address, digest) -> what became of it; None sends through apprise."""
    archive: Archive | None = None
    """Where sent digests are kept; None keeps none."""
    gate: Gate | None = None
    """Who may say something over HTTP; None is made of the settings."""
    cache: dict[str, Any] = field(default_factory=dict)
    """Parsed policies by hash. Nothing that decides."""

    def parse(self, text: str, source: str) -> Policy:
        """Raises PolicyError. The same text is parsed once."""
        from shared.policy.document import read_policy  # noqa: PLC0415 - pydantic and yaml are heavy

        known = self.cache.get("policy")
        if known is not None and known[0] == (text, source):
            return known[1]  # type: ignore[no-any-return]
        policy = read_policy(text, source)
        self.cache["policy"] = ((text, source), policy)
        return policy

    @classmethod
    def from_environment(cls) -> App:
        """Raises InputError for settings that are missing or wrong."""
        from shared.clients import archive, azure, entra, notify, policy_source  # noqa: PLC0415 - at the first invocation

        settings = read_settings(os.environ)
        if not settings.journal or not settings.queue:
            raise InputError(
                "LAMPLIGHTER_JOURNAL and LAMPLIGHTER_QUEUE say where to remember and whom to tell;"
                " expected URLs such as https://ACCOUNT.table.core.windows.net and https://ACCOUNT.queue.core.windows.net"
            )
        cloud = azure.Cloud.connect(settings)
        kept: list[policy_source.PolicyText] = []

        def policy_text() -> tuple[str, str]:
            kept[:] = [policy_source.read(_beside_the_app(settings.policy), cloud, kept[0] if kept else None)]
            return kept[0].text, kept[0].source

        return cls(
            settings=settings,
            clock=lambda: datetime.now(UTC),
            cloud=cloud,
            journal=journal_at(settings, cloud),
            queue=queue_at(settings, cloud),
            policy_text=policy_text,
            notify=notify.send,
            archive=archive.archive_at(settings.digests, cloud),
            gate=entra.gate_of(settings, cloud),
        )


def _beside_the_app(policy: str) -> str:
    """A relative path means the package's own folder: nobody promises which folder the host works in."""
    if "://" in policy or Path(policy).is_absolute():
        return policy
    return str(Path(__file__).parent.parent / policy)


def journal_at(settings: Settings, cloud: Cloud) -> Journal:
    """The journal that the settings name."""
    from shared.clients.journal import Journal  # noqa: PLC0415 - at the first invocation

    where = settings.journal
    if where.startswith("sqlite:///"):
        from shared.clients.store_sqlite import SqliteStore  # noqa: PLC0415 - laptop only

        return Journal(SqliteStore(where.removeprefix("sqlite:///")), outbox=bool(settings.events_topic))
    from shared.clients.emulator import storage_credential  # noqa: PLC0415 - at the first invocation
    from shared.clients.store_tables import TablesStore  # noqa: PLC0415 - at the first invocation

    store = TablesStore.connect(where, storage_credential(where, cloud), prefix=settings.table_prefix)
    return Journal(store, outbox=bool(settings.events_topic))


def queue_at(settings: Settings, cloud: Cloud) -> Queue:
    """The queue that the settings name."""
    where = settings.queue
    if where.startswith("sqlite:///"):
        from shared.clients.queue_sqlite import SqliteQueue  # noqa: PLC0415 - laptop only

        return SqliteQueue(where.removeprefix("sqlite:///"), lambda: datetime.now(UTC))
    from shared.clients.emulator import storage_credential  # noqa: PLC0415 - at the first invocation
    from shared.clients.queue_storage import StorageQueue  # noqa: PLC0415 - at the first invocation

    return StorageQueue.connect(where, storage_credential(where, cloud))


_lock = threading.Lock()
_current: list[App] = []


def the_app() -> App:
    """The one app of this process, built when first asked for. A failed build is tried again next time."""
    with _lock:
        if not _current:
            _current.append(App.from_environment())
        return _current[0]


def use(app: App) -> None:
    """The app that `the_app` answers with from now on: for hosts that build their own."""
    with _lock:
        _current[:] = [app]
