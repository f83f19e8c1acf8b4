"""The journal's store in Azure: one table of a storage account per table of the journal.

A lost reply is the trap here: the SDK sends the write again, and the second answer says that somebody else wrote
first, which was us. So each write leaves a random token in its row, and who loses looks whether the token is his own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from itertools import chain
from secrets import token_hex
from typing import TYPE_CHECKING, Any, Self, TypeVar

from shared.clients.storage_errors import asking, code_of, kept_transport
from shared.clients.store import PAGE_ROWS, TRANSACTION_ROWS, WHOLE_TABLE, Row, Span
from shared.errors import Superseded

if TYPE_CHECKING:
    from azure.core.exceptions import HttpResponseError
    from azure.data.tables import TableClient

T = TypeVar("T")

ROLE = "Storage Table Data Contributor"
WRITER = "writer"
"""The property that holds the token of the last write."""

TRANSACTION_BYTES = 2 * 1024 * 1024
"""A transaction may be 4 MiB, and bytes travel as base64 with some text around them."""
LOST_BEFORE_SINGLE = 3
"""So many losers in one transaction, and its rows go one by one."""

RETRIES = 3
ATTEMPTS = 3
"""Of one write: a reply may be lost, and a table may have to be made."""


class TablesStore:
    """A `Store` in Azure Tables; `prefix` begins the name of each of its tables.

    `opening` makes the client of one table by its whole name; `closing` lets go of their connections.
    """

    def __init__(
        self, opening: Callable[[str], TableClient], closing: Callable[[], None], prefix: str = "lamplighter"
    ) -> None:
        self._opening = opening
        self._closing = closing
        self._prefix = prefix
        self._clients: dict[str, TableClient] = {}

    @classmethod
    def connect(
        cls,
        endpoint: str,
        credential: Any,
        prefix: str = "lamplighter",
        *,
        transport: Any = None,
        audience: str | None = None,
    ) -> Self:
        """Nothing is sent yet. `endpoint` is https://<account>.table.core.windows.net, of any cloud.

        `credential` is a token credential (for Azurite an AzureNamedKeyCredential); `transport` azure-core's, for those
        who bring their own and close it; `audience` only outside the public cloud, such as https://storage.azure.us.
        """
        from azure.data.tables import TableClient  # noqa: PLC0415  lazy: cold start is a feature

        own = kept_transport() if transport is None else None
        # Not through a service client: it wraps the transport, and waiting then forgets the transport's own `sleep`.
        opening = partial(
            TableClient,
            endpoint,
            credential=credential,
            audience=audience,
            transport=own or transport,
            retry_total=RETRIES,
        )
        return cls(opening, own.close if own else _nothing, prefix)

    def get(self, table: str, partition: str, key: str) -> Row | None:
        from azure.core.exceptions import ResourceNotFoundError  # noqa: PLC0415  lazy

        with self._asking(table):
            try:
                return _row(self._client(table).get_entity(partition, key))
            except ResourceNotFoundError:
                return None

    def scan(self, table: str, span: Span = WHOLE_TABLE) -> Iterator[Row]:
        from azure.core.exceptions import ResourceNotFoundError  # noqa: PLC0415  lazy

        with self._asking(table):
            try:
                found = self._client(table).query_entities(_filter(span), results_per_page=PAGE_ROWS)
                for page in found.by_page():
                    yield from map(_row, page)
            except ResourceNotFoundError:
                return

    def swap(self, table: str, row: Row) -> str:
        with self._asking(table):
            etag = self._swap(table, row, token_hex(8))
        if etag is None:
            raise Superseded(f"somebody else wrote the {table} row {row.partition} {row.key} first")
        return etag

    def swap_all(self, table: str, rows: Iterable[Row]) -> tuple[Row, ...]:
        token = token_hex(8)
        lost: list[Row] = []
        with self._asking(table):
            bundles, doubles = _bundles(rows)
            for bundle in bundles:
                lost += self._swap_bundle(table, bundle, token)
            lost += [row for row in doubles if self._swap(table, row, token_hex(8)) is None]
        return tuple(lost)

    def put_all(self, table: str, rows: Iterable[Row]) -> None:
        from azure.data.tables import UpdateMode  # noqa: PLC0415  lazy

        latest = {row.place: row for row in rows}
        bundles, _ = _bundles(latest.values())
        with self._asking(table):
            for bundle in bundles:
                self._transact(table, [("upsert", _entity(row), {"mode": UpdateMode.REPLACE}) for row in bundle])

    def delete_all(self, table: str, rows: Iterable[Row]) -> None:
        from azure.core.exceptions import ResourceNotFoundError  # noqa: PLC0415  lazy
        from azure.data.tables import TableTransactionError  # noqa: PLC0415  lazy

        bundles, _ = _bundles({row.place: row for row in rows}.values())
        client = self._client(table)
        with self._asking(table):
            for bundle in bundles:
                try:
                    client.submit_transaction([("delete", _place(row)) for row in bundle])
                except ResourceNotFoundError:
                    return
                except TableTransactionError as error:
                    if error.status_code != 404:
                        raise
                    for row in bundle:
                        client.delete_entity(row.partition, row.key)

    def close(self) -> None:
        self._closing()

    # --- how ---

    def _asking(self, table: str) -> AbstractContextManager[None]:
        return asking(f"the journal's table {self._prefix}{table}", ROLE)

    def _client(self, table: str) -> TableClient:
        if table not in self._clients:
            self._clients[table] = self._opening(f"{self._prefix}{table}")
        return self._clients[table]

    def _swap(self, table: str, row: Row, token: str) -> str | None:
        """The new etag, or None when the row lost."""
        from azure.core.exceptions import HttpResponseError  # noqa: PLC0415  lazy

        client, entity = self._client(table), _entity(row, token)
        try:
            if row.etag is None:
                answer = self._write(table, partial(client.create_entity, entity))
            else:
                answer = self._write(table, partial(client.update_entity, entity, **_if_unchanged(row.etag)))
        except HttpResponseError as error:
            if not _lost(error):
                raise
            return self._ours(table, row, token)
        return str(answer["etag"])

    def _swap_bundle(self, table: str, bundle: list[Row], token: str) -> list[Row]:
        """One transaction, whole or not at all: who lost is left out and the others try again. Returns the losers."""
        from azure.data.tables import TableTransactionError  # noqa: PLC0415  lazy

        lost: list[Row] = []
        while bundle and len(lost) < LOST_BEFORE_SINGLE:
            try:
                self._transact(table, [_operation(row, token) for row in bundle])
            except TableTransactionError as error:
                if not _lost(error):
                    raise
                row = bundle[error.index]
                if self._ours(table, row, token) is not None:
                    return lost  # the reply was lost, not the race: the whole transaction had been done
                lost.append(row)
                bundle = [other for other in bundle if other is not row]
            else:
                return lost
        return lost + [row for row in bundle if self._swap(table, row, token) is None]

    def _transact(self, table: str, operations: list[Any]) -> None:
        self._write(table, partial(self._client(table).submit_transaction, operations))

    def _write(self, table: str, write: Callable[[], T]) -> T:
        """Again where the table was missing or the reply got lost; all our writes may be repeated."""
        from azure.core.exceptions import HttpResponseError, ServiceResponseError  # noqa: PLC0415  lazy

        for _ in range(ATTEMPTS - 1):
            try:
                return write()
            except ServiceResponseError:
                continue  # the SDK repeats a lost PUT, but neither an insert nor a transaction
            except HttpResponseError as error:
                if code_of(error) != "TableNotFound":
                    raise
                self._create(table)
        return write()

    def _create(self, table: str) -> None:
        from azure.core.exceptions import ResourceExistsError  # noqa: PLC0415  lazy

        try:
            self._client(table).create_table()
        except ResourceExistsError as error:
            if code_of(error) != "TableAlreadyExists":
                raise

    def _ours(self, table: str, row: Row, token: str) -> str | None:
        """The etag of the row if the write that is there now is our own."""
        from azure.core.exceptions import ResourceNotFoundError  # noqa: PLC0415  lazy

        try:
            entity = self._client(table).get_entity(row.partition, row.key)
        except ResourceNotFoundError:
            return None
        return _row(entity).etag if entity.get(WRITER) == token else None


def _bundles(rows: Iterable[Row]) -> tuple[list[list[Row]], list[Row]]:
    """Rows as transactions: one partition each, at most 100 rows and 2 MiB. Second: rows whose place came twice."""
    bundles: list[list[Row]] = []
    filling: dict[str, tuple[list[Row], int]] = {}
    places: set[tuple[str, str]] = set()
    doubles: list[Row] = []
    for row in rows:
        if row.place in places:
            doubles.append(row)
            continue
        places.add(row.place)
        bundle, size = filling.get(row.partition, ([], 0))
        weight = sum(map(len, row.properties.values()))
        if not bundle or len(bundle) == TRANSACTION_ROWS or size + weight > TRANSACTION_BYTES:
            bundle, size = [], 0
            bundles.append(bundle)
        bundle.append(row)
        filling[row.partition] = bundle, size + weight
    return bundles, doubles


def _place(row: Row) -> dict[str, str | bytes]:
    return {"PartitionKey": row.partition, "RowKey": row.key}


def _entity(row: Row, token: str = "") -> dict[str, str | bytes]:
    own: dict[str, str | bytes] = {WRITER: token} if token else {}
    return {**_place(row), **row.properties, **own}


def _if_unchanged(etag: str) -> dict[str, Any]:
    from azure.core import MatchConditions  # noqa: PLC0415  lazy
    from azure.data.tables import UpdateMode  # noqa: PLC0415  lazy

    return {"mode": UpdateMode.REPLACE, "etag": etag, "match_condition": MatchConditions.IfNotModified}


def _operation(row: Row, token: str) -> tuple[Any, ...]:
    entity = _entity(row, token)
    return ("create", entity) if row.etag is None else ("update", entity, _if_unchanged(row.etag))


_NO_PROPERTIES = frozenset({"PartitionKey", "RowKey", WRITER})


def _row(entity: Any) -> Row:
    properties = {name: value for name, value in entity.items() if name not in _NO_PROPERTIES}
    return Row(entity["PartitionKey"], entity["RowKey"], properties, entity.metadata["etag"])


def _filter(span: Span) -> str:
    asked = [("PartitionKey", "eq", span.partition)] if span.partition is not None else []
    if span.partition is None:
        asked += [("PartitionKey", "ge", span.partition_from), ("PartitionKey", "lt", span.partition_to)]
    asked += [("RowKey", "ge", span.key_from), ("RowKey", "lt", span.key_to)]
    where = [] if span.where is None else [(span.where[0], "eq", span.where[1])]
    return " and ".join(f"{name} {compare} '{_quoted(text)}'" for name, compare, text in chain(asked, where) if text)


def _quoted(text: str | None) -> str:
    # OData doubles a quote: https://learn.microsoft.com/rest/api/storageservices/querying-tables-and-entities
    return (text or "").replace("'", "''")


def _lost(error: HttpResponseError) -> bool:
    """Somebody else was first: the row exists (409), has changed (412), or is gone (404)."""
    return error.status_code in (404, 409, 412) and code_of(error) != "TableBeingDeleted"


def _nothing() -> None:
    """Whoever brought the transport closes it."""
