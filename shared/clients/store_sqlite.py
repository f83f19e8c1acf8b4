"""The journal's store on a laptop and in the demo: one SQLite file, or memory.

Safe for threads (one connection behind a lock) and for processes (write-ahead log, short immediate transactions).
Never for Azure: the disk of a Function App is not shared between its instances.
"""

from __future__ import annotations

import sqlite3
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from json import JSONDecoder
from json.encoder import encode_basestring_ascii as _quoted
from pathlib import Path
from secrets import randbits
from threading import RLock
from typing import Any

from shared.clients.store import PAGE_ROWS, WHOLE_TABLE, Row, Span
from shared.errors import NoReply, Refused, Superseded

LOCK_SECONDS = 30
"""How long to wait for another process to finish its transaction."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS rows (
    name TEXT NOT NULL, partition TEXT NOT NULL, key TEXT NOT NULL, etag INTEGER NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (name, partition, key)
) WITHOUT ROWID
"""
_INSERT = "INSERT INTO rows (name, partition, key, etag, body) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
_PUT = "INSERT OR REPLACE INTO rows (name, partition, key, etag, body) VALUES (?, ?, ?, ?, ?)"
_REPLACE = "UPDATE rows SET etag = ?, body = ? WHERE name = ? AND partition = ? AND key = ? AND etag = ?"
_GET = "SELECT etag, body FROM rows WHERE name = ? AND partition = ? AND key = ?"
_decoded = JSONDecoder().decode
_DELETE = "DELETE FROM rows WHERE name = ? AND partition = ? AND key = ?"


class Database:
    """One SQLite file, opened once: a connection behind a lock, with errors in the house's words."""

    def __init__(self, path: str | Path, schema: str) -> None:
        """`path` may be ":memory:". Raises Refused when the file can't be opened or is no database."""
        self.path = str(path)
        self._lock = RLock()
        try:
            self._connection = sqlite3.connect(
                self.path, timeout=LOCK_SECONDS, isolation_level=None, check_same_thread=False
            )
        except sqlite3.Error as error:
            raise self._said(error) from error
        try:
            with self._asking():
                self._connection.execute("PRAGMA journal_mode = WAL").fetchone()
                # With a write-ahead log this survives every crash but that of the machine.
                self._connection.execute("PRAGMA synchronous = NORMAL")
                # Pages of 4 KiB: a large fleet's first tick writes 30 MB, and each folding-in waits for the disk.
                self._connection.execute("PRAGMA wal_autocheckpoint = 8000").fetchone()
                self._connection.executescript(schema)
        except BaseException:
            self._connection.close()
            raise

    def rows(self, statement: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Everything one statement finds."""
        with self._lock, self._asking():
            return self._connection.execute(statement, values).fetchall()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that nobody else writes into; whole or not at all."""
        with self._lock, self._asking():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    @contextmanager
    def _asking(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise self._said(error) from error

    def _said(self, error: sqlite3.Error) -> NoReply | Refused:
        code = getattr(error, "sqlite_errorname", type(error).__name__)
        if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            return NoReply(
                f"the database {self.path} was locked by another process for {LOCK_SECONDS} seconds; try again",
                code=code,
            )
        return Refused(f"the database {self.path} can't be used: {error} ({code})", code=code)


class SqliteStore:
    """A `Store` in one SQLite file; `SqliteStore(":memory:")` lives as long as the object."""

    def __init__(self, path: str | Path) -> None:
        self._database = Database(path, _SCHEMA)

    def get(self, table: str, partition: str, key: str) -> Row | None:
        found = self._database.rows(_GET, (table, partition, key))
        return Row(partition, key, _read_body(found[0][1]), str(found[0][0])) if found else None

    def scan(self, table: str, span: Span = WHOLE_TABLE) -> Iterator[Row]:
        conditions, values = _conditions(table, span)
        statement = (
            f"SELECT partition, key, etag, body FROM rows WHERE {' AND '.join(conditions)} "  # noqa: S608  constants only
            f"AND (partition, key) > (?, ?) ORDER BY partition, key LIMIT {PAGE_ROWS}"
        )
        last = ("", "")
        while True:
            page = self._database.rows(statement, (*values, *last))
            for partition, key, etag, body in page:
                yield Row(partition, key, _read_body(body), str(etag))
            if len(page) < PAGE_ROWS:
                return
            last = page[-1][:2]

    def swap(self, table: str, row: Row) -> str:
        with self._database.writing() as connection:
            etag = _new_etag()
            won = _swap(connection, table, row, etag)
        if not won:
            raise Superseded(f"somebody else wrote the {table} row {row.partition} {row.key} first")
        return str(etag)

    def swap_all(self, table: str, rows: Iterable[Row]) -> tuple[Row, ...]:
        with self._database.writing() as connection:
            etag = _new_etag()
            return tuple(row for row in rows if not _swap(connection, table, row, etag))

    def put_all(self, table: str, rows: Iterable[Row]) -> None:
        with self._database.writing() as connection:
            etag = _new_etag()
            connection.executemany(_PUT, ((table, *row.place, etag, _write_body(row)) for row in rows))

    def delete_all(self, table: str, rows: Iterable[Row]) -> None:
        with self._database.writing() as connection:
            connection.executemany(_DELETE, ((table, *row.place) for row in rows))

    def close(self) -> None:
        self._database.close()


def _swap(connection: sqlite3.Connection, table: str, row: Row, etag: int) -> bool:
    """False when the row lost."""
    if row.etag is None:
        done = connection.execute(_INSERT, (table, *row.place, etag, _write_body(row)))
    else:
        done = connection.execute(_REPLACE, (etag, _write_body(row), table, *row.place, int(row.etag)))
    return done.rowcount == 1


def _new_etag() -> int:
    """One a transaction. Random, not counted: a row that was deleted and written anew must not look unchanged."""
    return randbits(62)


def _conditions(table: str, span: Span) -> tuple[list[str], list[str]]:
    asked = [("name = ?", table)]
    if span.partition is not None:
        asked.append(("partition = ?", span.partition))
    elif span.partition_from or span.partition_to:
        asked.append(("partition >= ?", span.partition_from))
        if span.partition_to:
            asked.append(("partition < ?", span.partition_to))
    if span.key_from:
        asked.append(("key >= ?", span.key_from))
    if span.key_to:
        asked.append(("key < ?", span.key_to))
    conditions, values = [condition for condition, _ in asked], [value for _, value in asked]
    if span.where is not None:
        name, text = span.where
        conditions.append("json_extract(body, ?) = ?")
        values += [f'$."{name}"', text]
    return conditions, values


def _write_body(row: Row) -> str:
    """A JSON object of strings; bytes as a list of one string. Put together by hand: a tick writes many thousands."""
    parts = [
        f"{_quoted(name)}:{_quoted(value)}"
        if isinstance(value, str)
        else f'{_quoted(name)}:["{b64encode(value).decode()}"]'
        for name, value in row.properties.items()
    ]
    return f"{{{','.join(parts)}}}"


def _read_body(body: str) -> dict[str, str | bytes]:
    properties: dict[str, Any] = _decoded(body)
    for name, value in properties.items():
        if not isinstance(value, str):
            properties[name] = b64decode(value[0])
    return properties
