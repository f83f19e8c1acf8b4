"""What the journal needs of a database: rows in partitions, compare-and-swap, ordered scans.

Two stores speak it, SqliteStore and TablesStore, and one contract suite holds them to the same answers.
It is the common ground of both, so it is small: a property is text or bytes, there are no joins and no counters.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

TRANSACTION_ROWS = 100
"""Most rows in one transaction of Azure Tables, all of one partition.
https://learn.microsoft.com/rest/api/storageservices/performing-entity-group-transactions"""

PAGE_ROWS = 1000
"""Most rows in one page of Azure Tables.
https://learn.microsoft.com/rest/api/storageservices/query-timeout-and-pagination"""


NO_PROPERTIES: Mapping[str, str | bytes] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Row:
    r"""One row. `etag` is what a compare-and-swap compares; None means: there must be no such row yet.

    Keys hold none of / \ # ? and no control character; a property holds at most 64 KiB of bytes.
    """

    partition: str
    key: str
    properties: Mapping[str, str | bytes] = field(default_factory=lambda: NO_PROPERTIES)
    etag: str | None = None

    @property
    def place(self) -> tuple[str, str]:
        return self.partition, self.key


@dataclass(frozen=True, slots=True)
class Span:
    """Which rows a scan reads. Everything, unless narrowed; `*_from` is inside, `*_to` is not; "" has no bound."""

    partition: str | None = None
    """Exactly this partition; the partition range is then not looked at."""
    partition_from: str = ""
    partition_to: str = ""
    key_from: str = ""
    key_to: str = ""
    where: tuple[str, str] | None = None
    """(property, text): only rows that have exactly this text there."""


WHOLE_TABLE = Span()


class Store(Protocol):
    """Tables come into being with their first row; reading one that is not there finds nothing.

    Every method raises NoReply, Throttled, Forbidden or Refused of `shared.errors` when the database does not answer.
    A row that was written is there for every later read, of any process.
    """

    def get(self, table: str, partition: str, key: str) -> Row | None:
        """The row, or None when there is none."""
        ...

    def scan(self, table: str, span: Span = WHOLE_TABLE) -> Iterator[Row]:
        """Rows in the order of (partition, key), read in pages. Rows that change meanwhile come old or new."""
        ...

    def swap(self, table: str, row: Row) -> str:
        """Write one row whole if nobody wrote it since `row.etag`; returns the new etag.

        Raises Superseded when somebody did, or when it exists and `row.etag` is None.
        """
        ...

    def swap_all(self, table: str, rows: Iterable[Row]) -> tuple[Row, ...]:
        """Swap many rows, each for itself; returns those that lost."""
        ...

    def put_all(self, table: str, rows: Iterable[Row]) -> None:
        """Write many rows whatever was there; etags are not looked at."""
        ...

    def delete_all(self, table: str, rows: Iterable[Row]) -> None:
        """Delete many rows whatever they hold now; one that is gone already is no error."""
        ...

    def close(self) -> None:
        """Let go of connections and files."""
        ...
