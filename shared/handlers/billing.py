"""Bills, gathered over as many invocations as Cost Management's quotas take.

What was read is kept in the journal, so a later call goes on where the last one had to stop; what can't be had is a
bill that says why. Short waits are slept here, in the transport's time; a longer one is for the caller to come back.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

from shared.app import App
from shared.clients import billing
from shared.clients.billing import Asked
from shared.clients.rows_bill import bill_documents, read_bill
from shared.costs.quota import NO_WAIT, Quota
from shared.errors import CloudError, NoReply, Throttled
from shared.model.billing import Bill, Question

log = logging.getLogger("lamplighter")

FRESH = timedelta(hours=20)
"""Azure's figures move six times a day at most; asking once a day is what its guidance asks for."""
CLOSED_AFTER = timedelta(days=5)
"""https://learn.microsoft.com/azure/cost-management-billing/costs/understand-cost-mgt-data: then nothing moves."""
GIVE_UP_AFTER = timedelta(hours=12)
"""A question that was refused or not answered for so long leaves a bill missing; the next day asks again. One that has
not had its turn waits as long as others are answered: a large tenant takes its time, and nothing of it is missing."""
SLEEP_AT_MOST = timedelta(seconds=75)
"""In one invocation, in all."""
ASK_AT_MOST = 40
"""Questions in one invocation; a function has 4 minutes."""
AFTER_NO_REPLY = timedelta(minutes=2)
QUOTA_KEY = "billing~quota"


@dataclass(frozen=True, slots=True)
class Collected:
    """The bills in the order in which they were asked for, without those that are still to come."""

    bills: tuple[Bill, ...]
    again_after: timedelta | None = None
    """Come back after that long for the others; None = these are all."""


@dataclass(slots=True)
class _State:
    """What one collection knows: the quota, which questions were asked in vain, and what was slept and asked."""

    quota: Quota
    waiting: dict[str, datetime]
    """Asked in vain, and since when."""
    answered_at: datetime
    """When a question was answered last, or collecting began."""
    slept: timedelta = NO_WAIT
    asked: int = 0
    changed: bool = False
    again_after: timedelta | None = None
    full: bool = False
    """Nothing more may be asked this time."""


def bills_for(app: App, asked: Iterable[Asked], since: datetime | None = None) -> Collected:
    """Kept bills, and fresh ones as far as the quota goes; all of them from files where exports are named.

    What was read at `since` or later is fresh enough: gathering may take longer than figures stay the newest. Raises a
    CloudError when the journal does not answer.
    """
    wanted = tuple(dict.fromkeys(asked))
    if app.settings.cost_exports:
        from shared.clients.export_files import exported  # noqa: PLC0415 - only large tenants pay for it

        bills = exported(app.cloud, app.settings.cost_exports, wanted, app.clock())
        return Collected(tuple(bills[one] for one in wanted))
    state = _state(app)
    found = {one: bill for one in wanted if (bill := _kept(app, one, since)) is not None}
    # Whoever had to wait comes last: one scope that never answers holds up nobody.
    for one in sorted((one for one in wanted if one not in found), key=lambda one: one.key in state.waiting):
        bill = _ask(app, one, state)
        if bill is not None:
            found[one] = bill
    if state.changed:
        _keep_state(app, state)
    return Collected(tuple(found[one] for one in wanted if one in found), state.again_after)


def _kept(app: App, asked: Asked, since: datetime | None) -> Bill | None:
    """The bill in the journal, unless it has to be read again."""
    document = app.journal.prices(asked.key)
    if document is None:
        return None
    first, at = document
    is_there = first.get("problem") is None
    final = is_there and at >= _closed_at(asked)
    since_asked = is_there and since is not None and at >= since
    if not (final or since_asked) and app.clock() - at >= FRESH:
        return None
    try:
        rest = (app.journal.prices(f"{asked.key}.{part}") for part in range(1, first["parts"]))
        return read_bill([first, *(part[0] for part in rest if part is not None)])
    except (KeyError, ValueError, TypeError):
        log.warning("billing: %s is not readable any more and is read anew", asked.key)
        return None


def _closed_at(asked: Asked) -> datetime:
    """From when on an answer need never be asked for again. What an hour of a node costs is settled when it is over."""
    over = datetime.combine(asked.period.end, time(), UTC)
    return over if asked.question is Question.NODES else over + CLOSED_AFTER


def _ask(app: App, asked: Asked, state: _State) -> Bill | None:
    """The bill; None when it has to wait, as `state` then says."""
    if state.full or not _may_ask(app, asked, state):
        return _late(app, asked, state, asked_in_vain=False)
    now = app.clock()
    state.asked += 1
    state.changed = True
    state.quota = state.quota.after(asked.units, now)
    try:
        bill = billing.bill(app.cloud, asked, now)
    except Throttled as error:
        state.quota = state.quota.told(error.retry_after, now)
        _wait(state, error.retry_after, full=True)
        return _late(app, asked, state)
    except NoReply as error:
        log.warning("billing: %s", error)
        _wait(state, AFTER_NO_REPLY)
        return _late(app, asked, state)
    except CloudError as error:
        bill = billing.missing(asked, str(error), now)
    state.answered_at = now
    return _keep(app, asked, bill, state)


def _may_ask(app: App, asked: Asked, state: _State) -> bool:
    if state.asked >= ASK_AT_MOST:
        _wait(state, timedelta(seconds=10), full=True)
        return False
    wait = state.quota.wait(asked.units, app.clock())
    if state.slept + wait > SLEEP_AT_MOST:
        _wait(state, wait, full=True)
        return False
    if wait > NO_WAIT:
        app.cloud.sleep(wait.total_seconds())
        state.slept += wait
    return True


def _wait(state: _State, wait: timedelta, *, full: bool = False) -> None:
    state.again_after = max(wait, state.again_after or timedelta(seconds=1))
    state.full = state.full or full


def _late(app: App, asked: Asked, state: _State, *, asked_in_vain: bool = True) -> Bill | None:
    """It waits, but not for ever: then its place is taken by the sentence that it is missing."""
    now = app.clock()
    if asked_in_vain:
        state.waiting.setdefault(asked.key, now)
        state.changed = True
    since = state.waiting.get(asked.key, state.answered_at)
    if now - since < GIVE_UP_AFTER:
        return None
    hours = round((now - since) / timedelta(hours=1))
    problem = f"what {asked.scope} cost could not be read: Cost Management did not answer for {hours} hours"
    state.changed = True
    return _keep(app, asked, billing.missing(asked, problem, now), state)


def _keep(app: App, asked: Asked, bill: Bill, state: _State) -> Bill:
    """As it will be read back. The first part is written last: a bill whose first part is there is whole."""
    state.waiting.pop(asked.key, None)
    documents = tuple(bill_documents(bill))
    for part in reversed(range(len(documents))):
        key = asked.key if part == 0 else f"{asked.key}.{part}"
        app.journal.put_prices(key, documents[part], bill.read_at)
    return read_bill(documents)


# --- kept: {"spent": [[at, units], ...], "not_before": at, "waiting": {key: since}, "answered_at": at} ---


def _state(app: App) -> _State:
    kept = app.journal.prices(QUOTA_KEY)
    document: Mapping[str, Any] = {} if kept is None else kept[0]
    spent = tuple((datetime.fromisoformat(at), int(units)) for at, units in document.get("spent") or ())
    until = document.get("not_before")
    quota = Quota(spent, None if until is None else datetime.fromisoformat(until))
    waiting = {key: datetime.fromisoformat(at) for key, at in (document.get("waiting") or {}).items()}
    answered = document.get("answered_at")
    at = app.clock() if answered is None else datetime.fromisoformat(answered)
    # After a pause of some days nobody waits since then.
    return _State(quota, waiting, at if kept is not None and app.clock() - kept[1] < GIVE_UP_AFTER else app.clock())


def _keep_state(app: App, state: _State) -> None:
    now = app.clock()
    quota = replace(state.quota.after(0, now), not_before=state.quota.not_before)
    document = {
        "spent": [[at.isoformat(), units] for at, units in quota.spent if units],
        "not_before": None if quota.not_before is None else quota.not_before.isoformat(),
        "answered_at": state.answered_at.isoformat(),
        "waiting": {key: at.isoformat() for key, at in state.waiting.items() if now - at < 2 * GIVE_UP_AFTER},
    }
    app.journal.put_prices(QUOTA_KEY, document, now)
