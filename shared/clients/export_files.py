"""Cost exports in a storage container: manifests first, then the files of the chosen runs, line by line.

Nothing is held but what belongs to the period: a file of 1 GB passes in the memory of its rows of that time.
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from shared.clients import answers
from shared.clients.azure import Cloud
from shared.costs.export_runs import MANIFEST, Run, chosen, read_manifest
from shared.costs.exports import read_export
from shared.errors import CloudError, InputError
from shared.model.billing import Basis, Bill, Period, Question, Source
from shared.model.costs import CostRow, RowProblem

if TYPE_CHECKING:
    from azure.storage.blob import ContainerClient

PROBLEMS_AT_MOST = 1000
"""Rows that could not be read are listed up to here; a file of nothing else is said to be one."""
MACHINES = "virtual machines"


def exported(cloud: Cloud, location: str, asked: Iterable[Any], now: datetime) -> dict[Any, Bill]:
    """Bills for questions (`billing.Asked`) from the exports below `location`, the URL of a container or folder in it.

    Never raises: a period that the files don't hold is a bill with a problem.
    """
    wanted: dict[tuple[Period, Basis], list[Any]] = {}
    for one in asked:
        wanted.setdefault((one.period, one.basis), []).append(one)
    found: dict[Any, Bill] = {}
    runs: list[Run] | str
    try:
        runs = list(_runs(cloud, location))
    except (CloudError, ValueError) as error:
        runs = str(error)
    for (period, basis), questions in wanted.items():
        rows, problems, problem = _read(cloud, location, runs, period, basis)
        for number, one in enumerate(questions):
            mine = tuple(row for row in rows if _belongs(row, one, first=number == 0))
            found[one] = Bill(
                one.scope,
                period,
                basis,
                now,
                () if problem else mine,
                {} if problem or one.question is not Question.COSTS else _totals(mine, basis),
                one.question,
                Source.EXPORT,
                () if problem else tuple(problems),
                problem,
            )
    return found


def _belongs(row: CostRow, asked: Any, *, first: bool) -> bool:
    """Of the subscription, and of what was asked. Charges of no subscription, such as unused commitments, come once."""
    subscription = row.sub_account_id.rpartition("/")[2]
    unused = row.commitment_discount_status.casefold() == "unused"
    if asked.question is Question.UNUSED:
        return unused and (not subscription or asked.scope.endswith(f"/{subscription}"))
    if not asked.scope.endswith(f"/{subscription}" if subscription else "/?") and not (first and not subscription):
        return False
    if asked.question is Question.NODES:
        return not unused and row.service_name.casefold() == MACHINES
    return True


def _read(
    cloud: Cloud, location: str, runs: list[Run] | str, period: Period, basis: Basis
) -> tuple[list[CostRow], list[RowProblem], str | None]:
    """Rows of the period, the rows that could not be read, and why there are none."""
    if isinstance(runs, str):
        return [], [], runs
    days, problem = chosen(runs, period, basis)
    rows: list[CostRow] = []
    problems: list[RowProblem] = []
    try:
        for run, mine in days.items():
            for blob in run.blobs:
                lines = _lines(cloud, location, blob)
                for row in read_export(lines, blob, amortised=run.amortised):
                    if isinstance(row, RowProblem):
                        problems.append(row)
                    elif row.charge_period_start in mine and _amount(row, basis) is not None:
                        rows.append(row)
    except (CloudError, InputError, EOFError, OSError, UnicodeDecodeError) as error:
        return [], [], f"a cost export could not be read: {error}"
    return rows, problems[:PROBLEMS_AT_MOST], problem


def _amount(row: CostRow, basis: Basis) -> Decimal | None:
    return row.effective_cost if basis is Basis.AMORTISED else row.billed_cost


def _totals(rows: Iterable[CostRow], basis: Basis) -> dict[str, Decimal]:
    totals: dict[str, Decimal] = {}
    for row in rows:
        amount = _amount(row, basis)
        if amount is not None:
            totals[row.billing_currency] = totals.get(row.billing_currency, Decimal(0)) + amount
    return totals


# --- the container ---


def _runs(cloud: Cloud, location: str) -> Iterator[Run]:
    container, folder = _container(cloud, location)
    doing = f"looking for cost exports in {location}"
    with answers.answering(doing):
        names = [str(blob.name) for blob in container.list_blobs(name_starts_with=folder or None)]
    for name in (one for one in names if one.rpartition("/")[2].casefold() == MANIFEST):
        with answers.answering(doing):
            text = bytes(container.download_blob(name).readall()).decode("utf-8-sig")
        run = read_manifest(text, name)
        if run is not None:
            yield run


def _lines(cloud: Cloud, location: str, name: str) -> Iterator[str]:
    """Text of one file, as it comes; a gzip is opened on the way."""
    container, _ = _container(cloud, location)
    with answers.answering(f"reading the cost export {name}"):
        raw: Any = io.BufferedReader(_Stream(container.download_blob(name).chunks()))
        data = gzip.GzipFile(fileobj=raw) if name.casefold().endswith(".gz") else raw
        yield from io.TextIOWrapper(data, encoding="utf-8-sig", newline="")


class _Stream(io.RawIOBase):
    """Chunks of a download as a file."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = iter(chunks)
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._left:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._left = chunk
        taken, self._left = self._left[: len(buffer)], self._left[len(buffer) :]
        buffer[: len(taken)] = taken
        return len(taken)


def _container(cloud: Cloud, location: str) -> tuple[ContainerClient, str]:
    """The container's client, and the folder in it ('' for all)."""
    from azure.storage.blob import ContainerClient  # noqa: PLC0415 - only large tenants pay for these

    from shared.clients.emulator import ACCOUNT, storage_credential  # noqa: PLC0415

    parts = urlsplit(location)
    path = [part for part in parts.path.split("/") if part]
    # The emulator has the account's name in the path.
    account = [path.pop(0)] if path and path[0] == ACCOUNT else []
    service = "/".join([f"{parts.scheme}://{parts.netloc}", *account])
    client = ContainerClient(
        service,
        path[0],
        credential=storage_credential(location, cloud),
        transport=cloud.transport,
        retry_total=2,
    )
    return client, "/".join(path[1:])
