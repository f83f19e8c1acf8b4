"""Log Analytics by resource: POST https://api.loganalytics.io/v1/<cluster id>/query.

No engine runs the queries: those that the app ships are recognised and answered from the world, anything else is a 400.
From: https://learn.microsoft.com/azure/azure-monitor/logs/api/azure-resource-queries
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from lamplighter.simulator.events import instant
from lamplighter.simulator.identity import check_audience
from lamplighter.simulator.refusals import Refusal, no_such_resource
from lamplighter.simulator.throttle import Limit
from lamplighter.simulator.wire import Request, Response, reply

if TYPE_CHECKING:
    from lamplighter.simulator.resources import Cluster
    from lamplighter.simulator.world import World

AUDIENCE = "https://api.loganalytics"
QUERIES = Limit(200, 200 / 30)
TABLES = {"pods": "KubePodInventory", "audit": "AKSAuditAdmin", "diagnostics": "AzureDiagnostics"}
COLUMNS = (("recorded_at", "datetime"), ("active_at", "datetime"), ("amount", "long"), ("source", "string"))
SNAPSHOTS = timedelta(minutes=5)
_LET = re.compile(r"^let (\w+) = (.*);$")
_INSTANT = re.compile(r"datetime\(([^)]+)\)")


@cache
def _bodies() -> dict[str, str]:
    """Text of a shipped query, white space folded, without comments and lets -> its name."""
    folder = files("shared.clients") / "kql"
    texts = {name: (folder / f"{name}.kql").read_text(encoding="utf-8") for name in TABLES}
    return {_split(text)[1]: name for name, text in texts.items()}


def _split(text: str) -> tuple[dict[str, str], str]:
    """The `let` values, and the rest in one line."""
    lets, rest = {}, []
    for line in text.splitlines():
        found = _LET.match(line)
        if found:
            lets[found[1]] = found[2]
        elif not line.startswith("//"):
            rest.append(line)
    return lets, " ".join(" ".join(rest).split())


def query_logs(world: World, request: Request) -> Response:
    check_audience(request, AUDIENCE)
    cluster = world.clusters.get("/" + "/".join(request.parts[1:-1]).lower())
    if cluster is None:
        raise no_such_resource("managedClusters", request.parts[-2], request.parts[4])
    _, wait = world.throttle.take(("logs",), QUERIES, world.now())
    if wait:
        raise Refusal(429, "ThrottledError", "Too many queries in 30 seconds.", {"Retry-After": str(wait)})
    lets, names, is_union = _recognised(str(request.json().get("query", "")))
    since, begin, finish = (_instant(lets, name) for name in ("since", "begin", "finish"))
    collected = world.usage.collected.get(cluster.key)
    tables = frozenset() if collected is None else collected.tables
    here = [name for name in names if TABLES[name] in tables]
    if not here or (len(here) < len(names) and not is_union):
        missing = next(TABLES[name] for name in names if name not in here)
        return _semantic(f"'where' operator: Failed to resolve table or column expression named '{missing}'")
    basic = [TABLES[name] for name in here if collected is not None and TABLES[name] in collected.basic]
    if basic:
        raise Refusal(
            400, "BadArgumentError", f"Table {basic[0]} is on the Basic plan, which this query can't be run on."
        )
    rows = [_row(world, cluster, name, (since, begin, finish)) for name in here]
    table = {"name": "PrimaryResult", "columns": [{"name": n, "type": t} for n, t in COLUMNS], "rows": rows}
    answer: dict[str, Any] = {"tables": [table]}
    if cluster.key in world.usage.partial:
        inner = {"code": "-2133196797", "message": "Query is using too much memory; its results are truncated."}
        answer["error"] = {"code": "PartialError", "message": "There were some errors.", "innererror": inner}
    return reply(200, answer)


def _recognised(text: str) -> tuple[dict[str, str], list[str], bool]:
    """The values, which shipped queries, and whether they are a union that passes over missing tables."""
    lets, body = _split(text)
    if body in _bodies():
        return lets, [_bodies()[body]], False
    head = "union isfuzzy=true ("
    parts = body.removeprefix(head).removesuffix(")").split("), (") if body.startswith(head) else []
    if not parts or any(part not in _bodies() for part in parts):
        raise Refusal(
            400, "BadArgumentError", f"The simulated workspace knows only the shipped queries, and got: {body}"
        )
    return lets, [_bodies()[part] for part in parts], True


def _semantic(text: str) -> Response:
    """Shape as the SDK's troubleshooting guide shows it."""
    inner = {"code": "SemanticError", "message": "A semantic error occurred.",
             "innererror": {"code": "SEM0100", "message": text}}  # fmt: skip
    said = "The request had some invalid properties"
    return reply(400, {"error": {"message": said, "code": "BadArgumentError", "innererror": inner}})


def _instant(lets: dict[str, str], name: str) -> datetime:
    """The instant that a query names; one that it does not, or cannot be one, is a 400 as anywhere else."""
    text = lets.get(name)
    if text is None:
        raise Refusal(400, "BadArgumentError", f"Failed to resolve scalar expression named '{name}'")
    found = _INSTANT.fullmatch(text)
    try:
        return datetime.fromisoformat(found[1] if found else "").astimezone(UTC)
    except ValueError:
        raise Refusal(400, "BadArgumentError", f"{text} is no datetime") from None


def _row(world: World, cluster: Cluster, name: str, times: tuple[datetime, datetime, datetime]) -> list[Any]:
    """Records are made every 5 minutes, as far as they have come in."""
    since, begin, finish = times
    usage = world.usage
    kind = "jobs" if name == "pods" else "writes"
    recorded = active = None
    at = since - (since - datetime(2026, 1, 1, tzinfo=UTC)) % SNAPSHOTS + SNAPSHOTS
    while at < finish and at <= world.now() - usage.log_lag:
        if usage.is_seen(cluster.key, cluster.log, at):
            recorded = at
            if at >= begin and usage.share(cluster.key, kind, at - SNAPSHOTS, at) > 0:
                active = at
        at += SNAPSHOTS
    written = [None if one is None else instant(one) for one in (recorded, active)]
    return [*written, 0 if active is None else 2, name]
