"""Storage that fails: lost replies, throttling, refusals, locked files. Each becomes one sentence, or is survived."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from azure.core.credentials import AccessToken, AzureNamedKeyCredential
from azure.core.exceptions import ClientAuthenticationError, ServiceResponseError
from azure.core.pipeline.transport import RequestsTransport

from shared.clients import store_sqlite
from shared.clients.journal import Journal
from shared.clients.queue_storage import StorageQueue
from shared.clients.storage_errors import asking
from shared.clients.store_sqlite import SqliteStore
from shared.clients.store_tables import TablesStore
from shared.errors import Busy, Forbidden, NoReply, NotFound, Refused, Superseded, Throttled
from shared.model.memory import Memory, Stored
from shared.model.records import HistoryRecord

CLUSTER = "/subscriptions/s1/resourcegroups/g/c"
KEY = AzureNamedKeyCredential("account", "a2V5")


BROUGHT: list[RequestsTransport] = []


@pytest.fixture(autouse=True)
def _close_what_was_brought() -> Iterator[None]:
    yield
    while BROUGHT:
        BROUGHT.pop().close()


class Impatient(RequestsTransport):
    """Waits in no time."""

    def __init__(self) -> None:
        super().__init__()
        BROUGHT.append(self)

    def sleep(self, duration: float) -> None:
        return


class Lossy(Impatient):
    """Delivers the first `losing` writes, and loses their replies."""

    def __init__(self, losing: int) -> None:
        super().__init__()
        self.losing = losing
        self.writes = 0

    def send(self, request, **kwargs):
        response = super().send(request, **kwargs)
        if request.method in ("POST", "PUT") and "/Tables" not in request.url and response.status_code < 300:
            self.writes += 1
            if self.writes <= self.losing:
                response.internal_response.close()
                raise ServiceResponseError("the connection was closed")
        return response


# --- lost replies ---


@pytest.mark.parametrize("etag", ["new", "known"])
def test_a_claim_whose_reply_was_lost_is_still_ours(azurite, etag):
    """The SDK repeats the write and hears that somebody else was first; that was us, and nobody would ever act."""
    transport = Lossy(0)
    journal = Journal(azurite.store(transport))
    known = journal.swap(Memory(CLUSTER), None)
    about = CLUSTER if etag == "known" else CLUSTER + "2"
    transport.losing = transport.writes + 1
    won = journal.swap(Memory(about, generation=1), known if etag == "known" else None)
    assert journal.memory(about) == Stored(Memory(about, generation=1), won)
    journal.close()


def test_two_lost_replies_in_a_row_are_survived_and_a_third_is_no_reply(azurite):
    transport = Lossy(0)
    journal = Journal(azurite.store(transport))
    journal.swap(Memory(CLUSTER), None)
    transport.losing = transport.writes + 2
    journal.swap(Memory(CLUSTER + "2"), None)
    transport.losing = transport.writes + 99
    with pytest.raises(NoReply, match="did not answer"):
        journal.append([HistoryRecord(datetime(2026, 3, 2, tzinfo=UTC), CLUSTER, "decided", "1")])
    journal.close()


def test_a_transaction_whose_reply_was_lost_has_no_losers(azurite):
    transport = Lossy(0)
    journal = Journal(azurite.store(transport))
    journal.swap(Memory(CLUSTER), None)
    transport.losing = transport.writes + 1
    items = [Stored(Memory(f"{CLUSTER}{n}", generation=n), None) for n in range(20)]
    assert journal.swap_many(items) == ()
    assert len(list(journal.memories())) == 21
    journal.close()


def test_who_really_lost_is_told_so_although_his_reply_was_lost(azurite):
    """Another worker's identical write is not ours: both acting would stop a cluster twice."""
    transport = Lossy(0)
    ours = azurite.store(transport)
    journal = Journal(ours)
    etag = journal.swap(Memory(CLUSTER), None)
    theirs = Journal(TablesStore.connect(azurite.tables, azurite.credential, prefix=ours._prefix))
    theirs.swap(Memory(CLUSTER, generation=1), etag)
    with pytest.raises(Superseded):
        journal.swap(Memory(CLUSTER, generation=1), etag)
    theirs.close()
    journal.close()


# --- answers ---


@contextmanager
def answering(status: int, code: str = "", **headers: str) -> Iterator[str]:
    """A storage account on loopback that gives everybody the same answer; status 0 hangs up."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if not status:
                self.close_connection = True
                return
            body = json.dumps({"odata.error": {"code": code, "message": {"lang": "en-US", "value": "so it is"}}})
            self.send_response(status)
            for name, value in {"x-ms-error-code": code, "Content-Type": "application/json", **headers}.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815  names of the standard library

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/account"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


ANSWERS = [
    (403, "AuthorizationPermissionMismatch", Forbidden),
    (401, "InvalidAuthenticationInfo", Forbidden),
    (429, "TooManyRequests", Throttled),
    (503, "ServerBusy", Throttled),
    (500, "OperationTimedOut", NoReply),
    (400, "InvalidInput", Refused),
    (409, "TableBeingDeleted", Busy),
    (0, "", NoReply),
]


@pytest.mark.parametrize(("status", "code", "kind"), ANSWERS, ids=[f"{a[0]}-{a[1]}" for a in ANSWERS])
def test_what_tables_say_becomes_one_sentence(status, code, kind):
    with answering(status, code) as address:
        journal = Journal(TablesStore.connect(address, KEY, transport=Impatient()))
        asked = [
            lambda: journal.memory(CLUSTER),
            lambda: list(journal.memories()),
            lambda: journal.swap(Memory(CLUSTER), None),
            lambda: journal.swap(Memory(CLUSTER), 'W/"1"'),
            lambda: journal.swap_many([Stored(Memory(CLUSTER), None)]),
        ]
        for ask in asked:
            with pytest.raises(kind) as caught:
                ask()
            assert "lamplighterMemory" in str(caught.value)
            assert "\n" not in str(caught.value)
            assert caught.value.status == status
            assert caught.value.code == code or not status
        journal.close()


@pytest.mark.parametrize(("status", "code", "kind"), ANSWERS[:6], ids=[a[1] for a in ANSWERS[:6]])
def test_what_queues_say_becomes_one_sentence(status, code, kind):
    with answering(status, code) as address:
        queue = StorageQueue.connect(address, KEY, transport=Impatient())
        for ask in (lambda: queue.send({"n": 1}), lambda: queue.receive("act")):
            with pytest.raises(kind, match="the queue lamplighter-act") as caught:
                ask()
            assert caught.value.status == status
            assert "\n" not in str(caught.value)
        queue.close()


def test_a_refusal_names_the_role_that_is_missing():
    with answering(403, "AuthorizationPermissionMismatch") as address:
        journal = Journal(TablesStore.connect(address, KEY, transport=Impatient()))
        with pytest.raises(Forbidden, match="needs the role Storage Table Data Contributor"):
            journal.memory(CLUSTER)
        journal.close()


def test_how_long_to_wait_is_passed_on():
    with answering(503, "ServerBusy", Retry_After="17") as address:
        journal = Journal(TablesStore.connect(address, KEY, transport=Impatient()))
        with pytest.raises(Throttled) as caught:
            journal.memory(CLUSTER)
        journal.close()
    assert caught.value.retry_after == timedelta(seconds=17)


class NoIdentity:
    """A managed identity that is not assigned."""

    def get_token(self, *_: str, **__: object) -> AccessToken:
        raise ClientAuthenticationError("ManagedIdentityCredential: no identity\nand ten more lines")

    def get_token_info(self, *_: str, **__: object) -> AccessToken:
        return self.get_token()


def test_no_identity_is_forbidden_and_not_a_traceback():
    journal = Journal(TablesStore.connect("https://nobody.table.core.windows.net", NoIdentity()))
    with pytest.raises(Forbidden, match="the identity of the app needs the role"):
        journal.memory(CLUSTER)
    journal.close()


def test_a_queue_that_vanishes_while_it_is_used_is_made_again(azurite):
    from azure.storage.queue import QueueServiceClient

    queue = azurite.queue()
    queue.send({"n": 1})
    with QueueServiceClient(azurite.queues, credential=azurite.credential) as service:
        service.delete_queue(f"{queue._prefix}act")
    assert queue.receive("act") == ()
    queue.send({"n": 2})
    assert [r.message for r in queue.receive("act")] == [{"n": 2}]
    queue.close()


def test_a_table_that_vanishes_is_a_lost_journal_and_not_an_end(azurite):
    """A lost journal is a case of adoption: everything is learnt anew."""
    store = azurite.store()
    journal = Journal(store)
    etag = journal.swap(Memory(CLUSTER), None)
    store._client("Memory").delete_table()
    assert journal.memory(CLUSTER) == Stored(Memory(CLUSTER), None)
    with pytest.raises(Superseded):
        journal.swap(Memory(CLUSTER, generation=1), etag)
    assert journal.swap_many([Stored(Memory(CLUSTER, generation=2), None)]) == ()
    assert journal.memory(CLUSTER).value.generation == 2
    journal.close()


# --- SQLite ---


def test_a_file_that_is_no_database_is_refused_in_one_sentence(tmp_path):
    path = tmp_path / "journal.sqlite"
    path.write_text("this is a shopping list, and a long one at that\n" * 30)
    with pytest.raises(Refused, match=r"journal\.sqlite can't be used: file is not a database"):
        SqliteStore(path)


def test_a_folder_that_is_not_there_is_refused_in_one_sentence(tmp_path):
    with pytest.raises(Refused, match="unable to open database file"):
        SqliteStore(tmp_path / "nowhere" / "journal.sqlite")


def test_a_database_locked_for_long_is_no_reply(tmp_path, monkeypatch):
    monkeypatch.setattr(store_sqlite, "LOCK_SECONDS", 0.05)
    path = tmp_path / "journal.sqlite"
    journal = Journal(SqliteStore(path))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(NoReply, match="locked by another process"):
        journal.swap(Memory(CLUSTER), None)
    other.execute("ROLLBACK")
    other.close()
    journal.swap(Memory(CLUSTER), None)
    journal.close()


COUNT = """
import sys
from dataclasses import replace
from shared.clients.journal import Journal
from shared.clients.store_sqlite import SqliteStore
from shared.errors import Superseded
journal = Journal(SqliteStore(sys.argv[1]))
wins = 0
while wins < 40:
    seen = journal.memory(sys.argv[2])
    try:
        journal.swap(replace(seen.value, generation=seen.value.generation + 1), seen.etag)
    except Superseded:
        continue
    wins += 1
journal.close()
"""


def test_two_processes_share_a_file_and_no_win_is_lost(tmp_path):
    """`lamplighter hold` in one terminal while the demo runs in another."""
    path = str(tmp_path / "journal.sqlite")
    workers = [subprocess.Popen([sys.executable, "-c", COUNT, path, CLUSTER]) for _ in range(2)]
    assert [worker.wait(60) for worker in workers] == [0, 0]
    journal = Journal(SqliteStore(path))
    assert journal.memory(CLUSTER).value.generation == 80
    journal.close()


def test_a_bulk_write_that_breaks_off_leaves_nothing(tmp_path):
    """One transaction: half a tick in the journal would be a lie."""
    journal = Journal(SqliteStore(tmp_path / "journal.sqlite"))

    def items() -> Iterator[Stored[Memory]]:
        yield Stored(Memory(CLUSTER), None)
        raise RuntimeError("the process was told to end")

    with pytest.raises(RuntimeError):
        journal.swap_many(items())
    assert list(journal.memories()) == []
    journal.close()


def test_not_found_is_told_apart(azurite):
    """An account that answers, but has no such resource: an address mistyped, not an empty journal."""
    store = azurite.store()
    with pytest.raises(NotFound, match="a thing answered 404"), asking("a thing", "Reader"):
        store._client("Nope").get_entity("p", "k")
    store.close()
