"""Idleness: a sandbox that is woken and whose stop is put off, and a laboratory whose hours are learned.

The laboratory was watched for four weeks before; what was seen then is folded as the rule folds it, tick by tick.
On Monday, a holiday, nobody comes, and by the rule's calendar the laboratory stays off.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from lamplighter.demo.story import BEGIN, END, ZONE, Chapter, Scene
from lamplighter.rehearsal import Rehearsal
from shared.handlers.override import write_down
from shared.handlers.postpone import postpone
from shared.handlers.web import Request
from shared.model.activity import Activity, Stretch
from shared.model.memory import Memory, Wish
from shared.policy import learning
from shared.policy.document import read_policy
from shared.policy.overrides import Word
from shared.policy.rules.idle import costs_of

SANDBOX, LABORATORY = "sbx-paul", "lab-dev"
WEEKS_WATCHED = 4
HOLIDAY = datetime(2026, 10, 26, tzinfo=ZoneInfo(ZONE)).date()
_TOKEN = re.compile(r"postpone\?t=([0-9a-f]{64})")


def _vienna(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 10, day, hour, minute, tzinfo=ZoneInfo(ZONE))


def _sessions(begin: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """When people work in the laboratory: Monday to Friday from 8:10 to 11:50 and from 12:30 to 16:40 in Vienna."""
    day = begin.astimezone(ZoneInfo(ZONE)).replace(hour=0, minute=0, second=0, microsecond=0)
    while day < end:
        if day.weekday() < 5 and day.date() != HOLIDAY:
            for (hour, minute), lasting in (((8, 10), timedelta(hours=3, minutes=40)), ((12, 30), timedelta(hours=4))):
                since = day.replace(hour=hour, minute=minute)
                if since >= begin:
                    yield since, since + lasting
        day += timedelta(days=1)


def _watched(demo: Rehearsal) -> None:
    """The laboratory's usage before and in this week, and what was learned of it by the time the week begins."""
    for since, until in _sessions(BEGIN, END):
        demo.world.uses(LABORATORY, since, until)
    rule = next(one for one in read_policy(demo.policy, "policy.yaml").rules if one.name == "laboratories")
    costs, activity, at = costs_of(rule), Activity(), BEGIN - timedelta(weeks=WEEKS_WATCHED)
    first_seen_at = at
    for since, until in _sessions(at, BEGIN):
        activity = learning.observe(activity, at, since, Stretch.IDLE, costs)
        activity = learning.observe(activity, since, until, Stretch.ACTIVE, costs)
        at = until
    activity = learning.observe(activity, at, BEGIN, Stretch.IDLE, costs)
    memory = Memory(demo.world.cluster(LABORATORY).key, first_seen_at=first_seen_at, activity=activity)
    demo.app.journal.swap(memory, None)


def _wake(demo: Rehearsal) -> None:
    word = Word(Wish.RUNNING, demo.world.now() + timedelta(hours=2), "paul", "needed now", "wake")
    write_down(demo.app, demo.world.cluster(SANDBOX).key, word)
    demo.world.uses(SANDBOX, _vienna(23, 10, 20), _vienna(23, 16, 30))


def _put_off(demo: Rehearsal) -> None:
    """Whoever got the last warning presses its button, as a browser does."""
    told = next(text for _, _, text in reversed(demo.told) if SANDBOX in text and _TOKEN.search(text))
    (token,) = _TOKEN.findall(told)
    form = urlencode({"t": token, "for": "4h"}).encode()
    postpone(demo.app, Request("POST", {"content-type": "application/x-www-form-urlencoded"}, body=form))


CHAPTER = Chapter(
    (
        Scene(
            _vienna(22, 9),
            "paul tries something on sbx-paul until noon",
            lambda demo: demo.world.uses(SANDBOX, _vienna(22, 9), _vienna(22, 12)),
        ),
        Scene(_vienna(23, 10), "on Friday paul wakes sbx-paul and works on it until half past four", _wake),
        Scene(
            _vienna(23, 18, 27),
            "sbx-paul is to stop at half past six; a colleague presses the link in the warning: four hours more",
            _put_off,
        ),
    ),
    before=_watched,
)
