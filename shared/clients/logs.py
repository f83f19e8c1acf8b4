"""What a cluster's logs tell of people's work, where a Log Analytics workspace collects them: one query a cluster.

From: https://learn.microsoft.com/azure/azure-monitor/logs/api/azure-resource-queries and
https://learn.microsoft.com/azure/azure-monitor/service-limits#query-api
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from json import dumps, loads
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared.clients import answers
from shared.clients.azure import Cloud
from shared.clients.metrics import OPTIONS
from shared.errors import CloudError, Forbidden, Refused
from shared.model.samples import LogEntry

if TYPE_CHECKING:
    from azure.monitor.query import LogsQueryClient

    from shared.clients.pipeline import Patience

SOURCES = ("pods", "audit", "diagnostics")
"""Files in kql/."""
QUERIES_A_BURST = 190
BURST = timedelta(seconds=30)
"""An identity may ask 200 times in this time."""
CALLS_AT_ONCE = 5
"""As many queries of one identity run at once."""
SERVER_SECONDS = 30
GRANT = "give the app's identity the role Log Analytics Reader on the workspace, or set signals `logs: ignored`"

_FOLDER = Path(__file__).parent / "kql"
_LET = re.compile(r"^let (\w+) = .*;$", re.MULTILINE)
_TABLE = re.compile(r"failed to resolve table", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class LogQuestion:
    """What the queries are filled with: instants aware UTC, and regular expressions for a whole text."""

    since: datetime
    """From here on a record proves that somebody collects."""
    begin: datetime
    """From here on work counts."""
    finish: datetime
    system_namespaces: str
    service_accounts: str

    def lets(self) -> Mapping[str, str]:
        instants = {name: f"datetime({getattr(self, name).astimezone(UTC):%Y-%m-%dT%H:%M:%SZ})" for name in _INSTANTS}
        return instants | {name: dumps(getattr(self, name)) for name in _PATTERNS}


_INSTANTS, _PATTERNS = ("since", "begin", "finish"), ("system_namespaces", "service_accounts")


@dataclass(frozen=True, slots=True)
class Logged:
    """What the logs of one cluster hold."""

    jobs: LogEntry
    writes: LogEntry

    @property
    def absent(self) -> bool:
        """Nobody collects any of it."""
        return self.jobs.absent and self.writes.absent


@lru_cache(maxsize=len(SOURCES))
def body(source: str) -> str:
    """The query of a file without its comments and its `let` lines, which hold examples."""
    text = (_FOLDER / f"{source}.kql").read_text(encoding="utf-8")
    return "\n".join(line for line in text.splitlines() if line and not line.startswith(("//", "let ")))


def query(sources: Sequence[str], question: LogQuestion) -> str:
    """The text that is sent. Of several sources, a table that is not there is passed over (`isfuzzy`)."""
    lets = "".join(f"let {name} = {value};\n" for name, value in question.lets().items())
    if len(sources) == 1:
        return lets + body(sources[0])
    return f"{lets}union isfuzzy=true\n" + ",\n".join(f"({body(source)})" for source in sources)


def logged(cloud: Cloud, questions: Mapping[str, LogQuestion], patience: Patience) -> Mapping[str, Logged]:
    """Lower-case cluster id -> what its logs hold. Never raises for Azure's sake; one cluster's trouble is its own.

    Waits, in the transport's time, where the service would refuse so many queries at once.
    """
    client = _client(cloud)
    ids = sorted(questions)
    found: dict[str, Logged] = {}
    with ThreadPoolExecutor(CALLS_AT_ONCE) as pool:
        for start in range(0, len(ids), QUERIES_A_BURST):
            if start:
                cloud.sleep(BURST.total_seconds())
            some = ids[start : start + QUERIES_A_BURST]
            answered = pool.map(lambda id_: _asked(client, id_, questions[id_], patience), some)
            found.update(zip(some, answered, strict=True))
    return found


def _client(cloud: Cloud) -> LogsQueryClient:
    from azure.monitor.query import LogsQueryClient  # noqa: PLC0415 - imported at the first call

    logs = cloud.endpoint.logs
    return LogsQueryClient(cloud.credential, endpoint=logs, pipeline=cloud.pipeline_for(f"{logs}/.default"))


def _asked(client: LogsQueryClient, id_: str, question: LogQuestion, patience: Patience) -> Logged:
    try:
        entries = _rows(client, id_, SOURCES, question, patience)
    except Refused:
        # One table may refuse for all of them, as those on the Basic plan do: ask each for itself.
        entries = {}
        for source in SOURCES:
            entries |= _alone(client, id_, source, question, patience)
    except CloudError as problem:
        entry = LogEntry(problem=_sentence(problem))
        return Logged(entry, entry)
    return Logged(entries.get("pods", ABSENT_PODS), _writes(entries))


def _alone(
    client: LogsQueryClient, id_: str, source: str, question: LogQuestion, patience: Patience
) -> Mapping[str, LogEntry]:
    try:
        return _rows(client, id_, (source,), question, patience)
    except CloudError as problem:
        return {source: LogEntry(problem=_sentence(problem))}


ABSENT_PODS = LogEntry(problem="no workspace collected its pods within a day", absent=True)
ABSENT_AUDIT = LogEntry(problem="no workspace collected its audit log within a day", absent=True)
ABSENT = Logged(ABSENT_PODS, ABSENT_AUDIT)


def _writes(entries: Mapping[str, LogEntry]) -> LogEntry:
    """The audit log is in one of two tables; a table that has some says it all."""
    both = [entries[source] for source in ("audit", "diagnostics") if source in entries]
    told = next((entry for entry in both if entry.recorded_at is not None), None)
    refused = next((entry for entry in both if not entry.absent and entry.problem is not None), None)
    return told or refused or ABSENT_AUDIT


def _rows(
    client: LogsQueryClient, id_: str, sources: Sequence[str], question: LogQuestion, patience: Patience
) -> dict[str, LogEntry]:
    """Source -> entry of those that somebody collects. CloudError; Refused for a query that is not run."""
    name = id_.rpartition("/")[2]
    doing = f"reading the logs of {name}"
    with answers.answering(doing):
        result = _sent(client, id_, query(sources, question), question, patience)
    if result is None:
        return {}
    if hasattr(result, "partial_error"):
        said = getattr(result.partial_error, "message", "") or "it does not say why"
        raise CloudError(f"{doing}: only a part was answered: {said}")
    rows = [dict(zip(table.columns, row, strict=True)) for table in result.tables for row in table.rows]
    entries = (_entry(row) for row in rows)
    return {source: entry for source, entry in entries if entry.recorded_at is not None}


def _sent(client: LogsQueryClient, id_: str, text: str, question: LogQuestion, patience: Patience) -> Any:
    """The SDK's result; None where no workspace, or none of the tables, is there."""
    from azure.core.exceptions import HttpResponseError  # noqa: PLC0415 - as above

    try:
        return client.query_resource(
            id_.removeprefix("/"),
            text,
            timespan=(question.since, question.finish),
            server_timeout=SERVER_SECONDS,
            patience=patience,
            **OPTIONS,
        )
    except HttpResponseError as error:
        # The SDK makes all errors one kind.
        if error.status_code == 404 or _lacks_table(error):
            return None
        raise


def _lacks_table(error: Any) -> bool:
    """SEM0100 for a table. The same code is given for a column, and that is no absence."""
    if error.response is None or error.response.status_code != 400:
        return False
    try:
        inner = loads(answers.body_of(error.response))["error"]
    except (ValueError, KeyError, TypeError):
        return False
    while isinstance(inner, Mapping):
        if inner.get("code") == "SEM0100":
            return _TABLE.search(str(inner.get("message"))) is not None
        inner = inner.get("innererror")
    return False


def _entry(row: Mapping[str, Any]) -> tuple[str, LogEntry]:
    return str(row["source"]), LogEntry(
        _instant(row["recorded_at"]), _instant(row["active_at"]), int(row["amount"] or 0)
    )


def _instant(value: Any) -> datetime | None:
    return value.astimezone(UTC) if isinstance(value, datetime) else None


def _sentence(problem: CloudError) -> str:
    return f"{problem}; {GRANT}" if isinstance(problem, Forbidden) else str(problem)
