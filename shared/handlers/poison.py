"""A message that failed too often: recorded and told, never lost."""

from __future__ import annotations

import json

from shared.app import App
from shared.handlers import records
from shared.model.decisions import Notice

SHOWN = 500


def poison(app: App, message: str) -> None:
    """`message` is the text as it was queued; it may be anything."""
    now = app.clock()
    try:
        document = json.loads(message)
    except ValueError:
        document = None
    said = document if isinstance(document, dict) else {}
    cluster = str(said.get("cluster") or "fleet").casefold()
    id_ = str(said.get("id") or "unreadable")
    app.journal.append([records.outcome(cluster, "poisoned", id_, now, message=message[:SHOWN])])
    what = f"{said.get('action', 'an action')} ({said.get('rule', 'no rule')})" if said else "an unreadable message"
    text = f"{what} failed again and again and was set aside; `lamplighter history` shows it, a later tick decides anew"
    app.journal.post([Notice("poison", cluster, id_, text, now)])
