"""What Azure Monitor and Event Grid send about alerts, checked and made into `Alert`. Every documented type is known.

The common alert schema, in the types metric, log (V1 and V2), activity log, Prometheus, budget, service health and
resource health; the older budget message; and events of Event Grid that carry one of these, or are of our own kind.
What is not understood is refused with one sentence; fields nobody needs are passed over, and never kept.
https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-common-schema and
https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-payload-samples
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from hashlib import blake2s
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel, to_pascal

from shared.errors import InputError
from shared.model.alerts import Alert, Condition, Signal

COMMON, OLD_BUDGET = "azureMonitorCommonAlertSchema", "AIP Budget Notification"
CUSTOM_FIRED, CUSTOM_RESOLVED = "Lamplighter.AlertFired", "Lamplighter.AlertResolved"
LONGEST_ID, LONGEST_NAME, MOST_TARGETS = 1024, 260, 50
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)

# Alerts of Alerts Management have an id of their own; activity log and budget alerts carry their rule's.
_INSTANCE = "/providers/microsoft.alertsmanagement/alerts/"
_CLUSTER_LABELS = ("microsoft.resourceid", "_resourceid", "cluster", "clustername", "clusterid")
_SERVICES: tuple[tuple[str, Signal], ...] = (
    ("prometheus", Signal.PROMETHEUS),
    ("costalerts", Signal.BUDGET),
    ("resource health", Signal.RESOURCE_HEALTH),
    ("servicehealth", Signal.SERVICE_HEALTH),
    ("service health", Signal.SERVICE_HEALTH),
    ("activity log", Signal.ACTIVITY),
    ("log alerts", Signal.LOG),
    ("log analytics", Signal.LOG),
    ("application insights", Signal.LOG),
)
_SIGNALS = {"metric": Signal.METRIC, "log": Signal.LOG, "activity log": Signal.ACTIVITY}


def _instant(value: Any) -> Any:
    """.NET writes seven digits of a second, Python reads six."""
    return re.sub(r"(\.\d{6})\d+", r"\1", value) if isinstance(value, str) else value


def _texts(value: Any) -> Any:
    """A list that is not there is an empty one."""
    return () if value is None else value


Text = Annotated[str, Field(max_length=LONGEST_NAME)]
Id = Annotated[str, Field(min_length=1, max_length=LONGEST_ID)]
Instant = Annotated[AwareDatetime, BeforeValidator(_instant)]


class _Loose(BaseModel):
    """Of what others send, only what is read is checked: a new field of Azure's is no mistake of ours."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True, alias_generator=to_camel)


class Essentials(_Loose):
    """The part that every alert has. Budgets leave much of it null."""

    alert_id: Id
    alert_rule: Text | None = None
    severity: Annotated[str, Field(pattern=r"(?i)^sev[0-4]$")] | None = None
    signal_type: Annotated[str, Field(max_length=60)] | None = None
    monitor_condition: Annotated[str, Field(pattern=r"(?i)^(fired|resolved)$")]
    monitoring_service: Annotated[str, Field(max_length=120)] | None = None
    targets: Annotated[
        tuple[Id, ...], Field(alias="alertTargetIDs", max_length=MOST_TARGETS), BeforeValidator(_texts)
    ] = ()
    configuration_items: Annotated[tuple[Text, ...], Field(max_length=MOST_TARGETS), BeforeValidator(_texts)] = ()
    origin_alert_id: Annotated[str, Field(max_length=LONGEST_ID)] | None = None
    fired_date_time: Instant
    resolved_date_time: Instant | None = None


class Dimension(_Loose):
    name: str | None = None
    value: Any = None


class Criterion(_Loose):
    dimensions: Annotated[tuple[Dimension, ...], BeforeValidator(_texts)] = ()


class ConditionPart(_Loose):
    all_of: Annotated[tuple[Criterion, ...], BeforeValidator(_texts)] = ()


class Context(_Loose):
    """The part that differs by type. Where the target is a workspace, this is what names the cluster."""

    condition: ConditionPart | None = None
    """metric, log V2"""
    dimensions: Annotated[tuple[Dimension, ...], Field(alias="Dimensions"), BeforeValidator(_texts)] = ()
    """log V1"""
    labels: dict[str, Any] | None = None
    """Prometheus"""
    alert_data: Annotated[dict[str, Any] | None, Field(alias="AlertData")] = None
    """budgets"""


class Data(_Loose):
    essentials: Essentials
    alert_context: Context | None = None


class CommonAlert(_Loose):
    schema_id: Literal["azureMonitorCommonAlertSchema"]
    data: Data


class BudgetData(_Loose):
    model_config = ConfigDict(alias_generator=to_pascal)

    subscription_id: Annotated[str, Field(max_length=120)] | None = None
    budget: Annotated[str, Field(max_length=LONGEST_ID)] | None = None
    budget_name: Text
    notification_threshold_amount: Annotated[str, Field(max_length=60)] | float | None = None


class BudgetAlert(_Loose):
    """What budgets sent before they learnt the common schema, and still do where it is off."""

    schema_id: Literal["AIP Budget Notification"]
    data: BudgetData


class CustomAlert(_Loose):
    """The data of an event of our own kind: anybody who may publish to the topic can raise one."""

    alert: Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]
    cluster: Annotated[str, Field(min_length=1, max_length=LONGEST_ID)]
    id: Annotated[str, Field(min_length=1, max_length=LONGEST_ID)] | None = None
    severity: Annotated[int, Field(ge=0, le=4)] | None = None


def read_alert(document: Any, now: datetime) -> Alert:
    """The alert in a webhook's body. Raises InputError with one sentence that quotes nothing of what was sent."""
    schema = document.get("schemaId") if isinstance(document, Mapping) else None
    try:
        if schema == COMMON:
            return _common(CommonAlert.model_validate(document), now)
        if schema == OLD_BUDGET:
            return _budget(BudgetAlert.model_validate(document), now)
    except ValidationError as error:
        raise InputError(_sentence(error)) from None
    raise InputError(
        f'the body is of no alert schema that is known: expected "schemaId": "{COMMON}"; '
        "turn on the common alert schema in the action group"
    )


def alert_in(event: Mapping[str, Any], now: datetime) -> Alert | None:
    """The alert that an event of either schema carries, as `plain_event` hands it over; None when it carries none.

    Raises InputError for one that says it carries an alert and does not.
    """
    data = event.get("data")
    if not isinstance(data, Mapping):
        return None
    kind = str(event.get("type") or "")
    if kind in (CUSTOM_FIRED, CUSTOM_RESOLVED):
        return _custom(event, kind, data, now)
    if data.get("schemaId") in (COMMON, OLD_BUDGET):
        return read_alert(data, now)
    return None


def _common(sent: CommonAlert, now: datetime) -> Alert:
    said, context = sent.data.essentials, sent.data.alert_context
    resolved = said.monitor_condition.casefold() == "resolved"
    fired_at = _sane(said.fired_date_time, now)
    return Alert(
        id=_identity(said),
        rule=said.alert_rule or _budget_name(context) or said.alert_id.rpartition("/")[2],
        condition=Condition.RESOLVED if resolved else Condition.FIRED,
        signal=_signal(said),
        fired_at=fired_at,
        resolved_at=_sane(said.resolved_date_time or now, now) if resolved else None,
        severity=int(said.severity[-1]) if said.severity else None,
        targets=tuple(dict.fromkeys(_lower(one) for one in said.targets)),
        clusters=tuple(dict.fromkeys(_named(said, context))),
        received_at=now,
    )


def _identity(said: Essentials) -> str:
    id_ = _lower(said.alert_id)
    if _INSTANCE in id_:
        return id_
    # The id is the rule's: what is told apart is told apart by the origin, else by the moment.
    apart = said.origin_alert_id or f"{said.fired_date_time.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
    return f"{id_}~{_lower(apart)}"


def _signal(said: Essentials) -> Signal:
    service = (said.monitoring_service or "").casefold()
    for name, signal in _SERVICES:
        if name in service:
            return signal
    return _SIGNALS.get((said.signal_type or "").casefold(), Signal.METRIC)


def _named(said: Essentials, context: Context | None) -> Iterator[str]:
    """Clusters by name or id, from labels, dimensions, and a Prometheus alert's configuration items."""
    if context is not None:
        criteria = context.condition.all_of if context.condition is not None else ()
        dimensions = [*context.dimensions, *(one for part in criteria for one in part.dimensions)]
        labels = [(str(name), value) for name, value in (context.labels or {}).items()]
        yield from _values([*labels, *((one.name or "", one.value) for one in dimensions)])
    if "prometheus" in (said.monitoring_service or "").casefold():
        yield from (_lower(one) for one in said.configuration_items)


def _values(pairs: Iterable[tuple[str, Any]]) -> Iterator[str]:
    for name, value in pairs:
        if name.casefold() in _CLUSTER_LABELS and isinstance(value, str) and 0 < len(value) <= LONGEST_ID:
            yield _lower(value)


def _budget_name(context: Context | None) -> str:
    name = (context.alert_data or {}).get("BudgetName") if context is not None else None
    return name[:LONGEST_NAME] if isinstance(name, str) else ""


def _budget(sent: BudgetAlert, now: datetime) -> Alert:
    """It has no instant of its own: one a day and threshold counts as one."""
    said = sent.data
    about = f"{said.budget or said.budget_name}|{said.notification_threshold_amount}|{now:%Y-%m-%d}"
    scope = f"/subscriptions/{_lower(said.subscription_id)}" if said.subscription_id else ""
    return Alert(
        id=f"{scope}/budgets/{_digest(about)}",
        rule=said.budget_name,
        condition=Condition.FIRED,
        signal=Signal.BUDGET,
        fired_at=now,
        targets=(scope,) if scope else (),
        received_at=now,
    )


def _custom(event: Mapping[str, Any], kind: str, data: Mapping[str, Any], now: datetime) -> Alert:
    try:
        said = CustomAlert.model_validate(data)
    except ValidationError as error:
        raise InputError(_sentence(error)) from None
    at = _event_time(event, now)
    over = kind == CUSTOM_RESOLVED
    # Without an id of its own the event's stands for it; then nothing but time can end it.
    id_ = said.id or str(event.get("id") or "")
    if over and said.id is None:
        raise InputError(f'"id" is missing: expected the one that {CUSTOM_FIRED} gave, such as "id": "queue-7"')
    cluster = _lower(said.cluster)
    scope = cluster if cluster.startswith("/subscriptions/") else ""
    return Alert(
        id=f"{scope or '/' + cluster}/custom/{_digest(f'{said.alert}|{id_}')}",
        rule=said.alert,
        condition=Condition.RESOLVED if over else Condition.FIRED,
        signal=Signal.CUSTOM,
        fired_at=at,
        resolved_at=at if over else None,
        severity=said.severity,
        targets=(scope,) if scope else (),
        clusters=() if scope else (cluster,),
        received_at=now,
    )


def _event_time(event: Mapping[str, Any], now: datetime) -> datetime:
    text = event.get("time")
    try:
        at = datetime.fromisoformat(_instant(text)) if isinstance(text, str) else now
    except ValueError:
        return now
    return now if at.tzinfo is None else _sane(at, now)


def _sane(at: datetime, now: datetime) -> datetime:
    """Aware UTC; an instant that cannot be (years off, or still to come) counts as now."""
    at = at.astimezone(UTC) if EARLIEST.year <= at.year < 9999 else now
    return min(at, now)


def _lower(text: str) -> str:
    return text.strip().rstrip("/").casefold()


def _digest(text: str) -> str:
    return blake2s(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _sentence(error: ValidationError) -> str:
    """Where, and what was expected; never the value, which may be somebody's."""
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "the body"
    what = "is missing" if first["type"] == "missing" else f"is not what was expected ({first['msg']})"
    return f"{where} {what}: expected an alert of the schema {COMMON}"
