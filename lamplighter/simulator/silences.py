"""Microsoft.AlertsManagement/actionRules: alert processing rules, what they say no to, and what they hold back.

From: https://learn.microsoft.com/rest/api/monitor/alertsmanagement/alert-processing-rules
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from lamplighter.simulator.refusals import Refusal, no_such_resource
from lamplighter.simulator.wire import Request, Response, reply

if TYPE_CHECKING:
    from lamplighter.simulator.world import World

KIND = "Microsoft.AlertsManagement/actionRules"
# Windows names, as the service takes them; the simulator knows a few.
ZONES = {"UTC": "UTC", "W. Europe Standard Time": "Europe/Berlin", "Eastern Standard Time": "America/New_York"}


def put_rule(world: World, request: Request) -> Response:
    """PUT: created or replaced at once; there is no operation to wait for."""
    body = request.json()
    properties = body.get("properties") or {}
    _check(request, body, properties)
    key = request.path.lower()
    new = key not in world.monitor.silences
    shown = {"id": request.path, "name": request.parts[-1], "type": KIND, "location": "Global"}
    kept = {**shown, "tags": body.get("tags") or {}, "properties": properties}
    world.monitor.silences[key] = kept
    world.caches.pop("graph", None)  # seen at once
    return reply(201 if new else 200, kept)


def get_rule(world: World, request: Request) -> Response:
    found = world.monitor.silences.get(request.path.lower())
    if found is None:
        raise no_such_resource(KIND, request.parts[-1], request.parts[3])
    return reply(200, found)


def delete_rule(world: World, request: Request) -> Response:
    """DELETE: 200, or 204 when there is none."""
    found = world.monitor.silences.pop(request.path.lower(), None)
    world.caches.pop("graph", None)  # seen at once
    return Response(204 if found is None else 200, b"", {})


def _check(request: Request, body: dict[str, Any], properties: dict[str, Any]) -> None:
    scopes, actions = properties.get("scopes") or [], properties.get("actions") or []
    scope = f"/subscriptions/{request.parts[1]}/".lower()
    if str(body.get("location")).lower() != "global":
        raise _bad("location must be Global")
    if not scopes or not all(f"{one}/".lower().startswith(scope) for one in scopes):
        raise _bad("scopes must name resources of the rule's own subscription")
    if [one.get("actionType") for one in actions] != ["RemoveAllActionGroups"]:
        raise _bad("this simulator knows RemoveAllActionGroups only")
    schedule = properties.get("schedule") or {}
    if schedule and schedule.get("timeZone", "UTC") not in ZONES:
        raise _bad(f"unknown time zone {schedule.get('timeZone')}")
    for name in ("effectiveFrom", "effectiveUntil"):
        try:
            if name in schedule:
                datetime.strptime(schedule[name], "%Y-%m-%dT%H:%M:%S")  # noqa: DTZ007 - local to timeZone
        except ValueError as error:
            raise _bad(f"{name} is not YYYY-MM-DDThh:mm:ss") from error


def _bad(text: str) -> Refusal:
    return Refusal(400, "BadRequest", text)


def silenced(rules: Iterable[dict[str, Any]], target: str, at: datetime) -> bool:
    """Whether a rule in force keeps an alert about `target` (a lower-case id) from its action groups."""
    return any(_means(one["properties"], target) and _in_force(one["properties"], at) for one in rules)


def _means(properties: dict[str, Any], target: str) -> bool:
    return any(f"{target}/".startswith(f"{scope}/".lower()) for scope in properties["scopes"])


def _in_force(properties: dict[str, Any], at: datetime) -> bool:
    if not properties.get("enabled", True):
        return False
    schedule = properties.get("schedule") or {}
    local = at.astimezone(ZoneInfo(ZONES[schedule.get("timeZone", "UTC")])).strftime("%Y-%m-%dT%H:%M:%S")
    begun = "effectiveFrom" not in schedule or schedule["effectiveFrom"] <= local
    return begun and ("effectiveUntil" not in schedule or local < schedule["effectiveUntil"])
