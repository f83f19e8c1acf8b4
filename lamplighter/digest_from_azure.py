"""A digest's costs, read from Azure by whoever is signed in here: the same reading as the app's, sent to nobody."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING

from lamplighter.fleet_source import laptop_settings
from lamplighter.options import moment
from lamplighter.terminal import warn
from shared.model.weeks import Week
from shared.policy.bound import DigestAudience, DigestPlan
from shared.policy.digests import due
from shared.policy.windows import WeeklyTime

if TYPE_CHECKING:
    from shared.app import App
    from shared.handlers.reading_costs import Read
    from shared.policy.document import Policy

USUAL = DigestPlan(WeeklyTime(0, time(8)), (DigestAudience("finance", ()),))
"""Where the policy has no digest yet: how it would look."""


def read_azure(policy: Policy, journal: str | None, week: Week | None, now: datetime) -> tuple[Read, Week]:
    """Bills, fleet and, where a journal is named, history. Waits as long as Cost Management's quotas ask for.

    What was saved is computed for the last week only, and only with a journal: it is told in order, week by week.
    """
    from shared.handlers.reading_costs import read  # noqa: PLC0415  # the Azure SDKs take a while to load

    plan = policy.digest or USUAL
    latest = due(plan, policy.timezone, now).week
    wanted = week or latest
    with _app(journal, now) as app:
        while True:
            found = read(app, policy, plan, wanted, app.clock(), with_savings=bool(journal) and wanted == latest)
            if not isinstance(found, timedelta):
                return found, wanted
            warn([f"Cost Management lets us ask again in {round(found.total_seconds())} s; waiting (Ctrl-C ends it)"])
            app.cloud.sleep(found.total_seconds())


@contextmanager
def _app(journal: str | None, now: datetime) -> Iterator[App]:
    from shared.app import App, journal_at  # noqa: PLC0415  # as above
    from shared.clients.azure import Cloud  # noqa: PLC0415
    from shared.clients.notify import send  # noqa: PLC0415
    from shared.clients.queue_sqlite import SqliteQueue  # noqa: PLC0415

    settings = laptop_settings(journal=journal or "sqlite:///:memory:")
    began = moment(None)

    def clock() -> datetime:  # it has to go on: quotas refill while this waits
        return now + (moment(None) - began)

    with Cloud.connect(settings) as cloud:
        opened = journal_at(settings, cloud)
        queue = SqliteQueue(":memory:", clock)
        try:
            yield App(settings, clock, cloud, opened, queue, lambda: ("", ""), send)
        finally:
            opened.close()
            queue.close()
