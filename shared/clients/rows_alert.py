"""How one message about an alert lies in a row of the inbox: written once, whoever delivers it how often."""

from __future__ import annotations

from shared.clients.rows import Section, digest, instant_text, partition_of, read_instant, read_maybe
from shared.clients.store import Row
from shared.model.alerts import Alert, Condition, Signal

INBOX_TABLE = "Inbox"

_ALERT = Section("alert")


def alert_row(alert: Alert) -> Row:
    """Without an etag: there must be no such row yet."""
    document = {
        "id": alert.id,
        "rule": alert.rule,
        "condition": alert.condition.value,
        "signal": alert.signal.value,
        "severity": alert.severity,
        "fired_at": instant_text(alert.fired_at),
        "resolved_at": None if alert.resolved_at is None else instant_text(alert.resolved_at),
        "targets": alert.targets,
        "clusters": alert.clusters,
        "received_at": None if alert.received_at is None else instant_text(alert.received_at),
    }
    key = digest(f"{alert.id}~{alert.condition.value}")
    return Row(partition_of(alert.partition), key, _ALERT.pack(document, "an alert"))


def read_alert_row(row: Row) -> Alert:
    """Raises one of rows.BROKEN for a row that is damaged."""
    document = _ALERT.unpack(row.properties)
    return Alert(
        id=document["id"],
        rule=document["rule"],
        condition=Condition(document["condition"]),
        signal=Signal(document["signal"]),
        severity=document["severity"],
        fired_at=read_instant(document["fired_at"]),
        resolved_at=read_maybe(document["resolved_at"]),
        targets=tuple(document["targets"]),
        clusters=tuple(document["clusters"]),
        received_at=read_maybe(document["received_at"]),
    )
