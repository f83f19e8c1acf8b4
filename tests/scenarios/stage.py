"""A stage for stories: a few clusters, one policy, the deployed handlers, and a clock that people read in local time.

A story says what people and Azure do, lets time pass, and then asks what a user would ask: was it on, who was told,
what does the history say.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from typing import Any, Self
from zoneinfo import ZoneInfo

from lamplighter.keeping import Word, keep
from lamplighter.rehearsal import Rehearsal
from lamplighter.remembered import change_fleet
from lamplighter.simulator import World
from lamplighter.simulator.cluster_verbs import delete
from lamplighter.simulator.operations import Call, Write
from shared.model.memory import Memory, Wish
from shared.model.records import HistoryRecord

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = datetime(2026, 11, 23, 8, 0, tzinfo=BERLIN)
"""A Monday without holidays around it."""

HEAD = """
version: 1
mode: {mode}
timezone: {zone}
scope: all
environments:
  - {{name: prod, production: true, match: {{tags: {{environment: prod}}}}}}
  - {{name: dev, match: {{tags: {{environment: [dev, test]}}}}}}
notify:
  routes:
    - {{to: [OPERATORS_CHANNEL]}}
"""
OFFICE = """
schedules:
  office: {running: [Mon-Fri 07:30-19:00]}
"""
RULE = """
rules:
  - name: dev-hours
    match: {environments: [dev]}
    hours: {schedule: office, lead: 20m}
"""
CALM = """
guards: {stops: {at_most: 100%, within: 1h}}
"""


def policy(
    rules: str = RULE,
    schedules: str = OFFICE,
    guards: str = CALM,
    *,
    mode: str = "act",
    zone: str = "Europe/Berlin",
    more: str = "",
) -> str:
    return HEAD.format(mode=mode, zone=zone) + schedules + rules + guards + more


def dev(name: str, **more: Any) -> dict[str, Any]:
    """A development cluster for a fleet document."""
    tags = {"environment": "dev", **more.pop("tags", {})}
    return {"name": name, "resource_group": "rg", "tags": tags, **more}


def prod(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "resource_group": "rg", "tags": {"environment": "prod"}, **more}


class Story:
    """One world, one app on it. Use as a context manager."""

    def __init__(
        self,
        *clusters: dict[str, Any],
        policy: str | None = None,
        begin: datetime = MONDAY,
        fleet: dict[str, Any] | None = None,
        **rehearsal: Any,
    ) -> None:
        self.zone = begin.tzinfo
        document = {"seed": 5, **(fleet or {}), "clusters": list(clusters)}
        self.world = World.from_fleet(document, now=begin.astimezone(UTC))
        self.rehearsal = Rehearsal(self.world, policy or globals()["policy"](), **rehearsal)
        self._closing = ExitStack()
        self._closing.callback(self.rehearsal.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    @property
    def app(self) -> Any:
        return self.rehearsal.app

    @property
    def journal(self) -> Any:
        return self.rehearsal.app.journal

    # -- time, as people there say it

    def at(self, text: str) -> datetime:
        """`Mon 07:10`: the next one from now on; `2026-11-24 07:10`: that one. Local to the story's zone."""
        day, _, clock = text.rpartition(" ")
        hour, minute = map(int, clock.split(":"))
        now = self.world.now().astimezone(self.zone)
        if "-" in day:
            local = date.fromisoformat(day)
        else:
            days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
            ahead = (days.index(day) - now.weekday()) % 7 if day else 0
            local = now.date() + timedelta(days=ahead)
            if (now.hour, now.minute) > (hour, minute) and ahead == 0:
                local += timedelta(days=7 if day else 1)
        found = datetime(local.year, local.month, local.day, hour, minute, tzinfo=self.zone)
        return found.astimezone(UTC)

    def until(self, text: str) -> Self:
        self.rehearsal.run(self.at(text))
        return self

    def later(self, by: timedelta) -> Self:
        self.rehearsal.run_for(by)
        return self

    def outage(self, text: str) -> Self:
        """No timer, no message, no hint until then; the world goes on."""
        self.world.advance(self.at(text) - self.world.now())
        return self

    def local(self, at: datetime) -> str:
        return f"{at.astimezone(self.zone):%a %H:%M}"

    # -- people

    def merge(self, text: str) -> None:
        """The policy is changed, as by a merge."""
        self.rehearsal.policy = text

    def say(self, name: str, wish: Wish, lasting: timedelta, source: str = "command") -> None:
        """A person's word, as `lamplighter keep-on`, `keep-off` and `wake` write it."""
        now = self.world.now()
        cluster = next(iter(self._seen(name)))
        keep(self.journal, cluster, Word(wish, now + lasting, "ana", "a demo", source), now)

    def _seen(self, name: str) -> Iterable[Any]:
        from shared.clients import clusters

        yield clusters.get(self.app.cloud, self.id_of(name))

    def hold(self, *, everything: bool = False) -> None:
        """As `lamplighter hold` writes it."""
        from dataclasses import replace

        def held(fleet):
            return replace(fleet, hold_by="ana", hold_reason="incident", hold_at=self.world.now(), hold_all=everything)

        change_fleet(self.journal, held)

    def resume(self) -> None:
        from dataclasses import replace

        change_fleet(
            self.journal, lambda fleet: replace(fleet, hold_by="", hold_reason="", hold_at=None, hold_all=False)
        )

    def delete(self, name: str) -> None:
        found = self.world.cluster(name)
        delete(self.world, found, Call("DELETE", found.id, "person"))

    def retag(self, name: str, **tags: str | None) -> None:
        """Set or (None) remove tags; underscores in names stand for hyphens."""
        now = dict(self.world.cluster(name).tags or {})
        for key, value in tags.items():
            now.pop(key.replace("_", "-"), None)
            if value is not None:
                now[key.replace("_", "-")] = value
        self.world.person_tags(name, now)

    # -- what users ask

    def id_of(self, name: str) -> str:
        return self.world.cluster(name).id.casefold()

    def is_on(self, name: str, pool: str | None = None) -> bool:
        """Running and settled."""
        cluster = self.world.cluster(name)
        target = cluster if pool is None else self.world.pool(name, pool)
        return target.power == "Running" and target.state == "Succeeded" and cluster.power == "Running"

    def are_on(self, names: Sequence[str]) -> int:
        return sum(self.is_on(name) for name in names)

    def writes(self, name: str | None = None, verb: str | None = None) -> list[Write]:
        """What the app wrote and Azure accepted; `verb` is stop or start, of a cluster or a pool."""
        return [one for one in self.world.writes(cluster=name) if verb is None or verb_of(one) == verb]

    def times(self, verb: str, name: str | None = None) -> list[str]:
        """Local times of accepted writes, such as `Mon 19:00`."""
        return [self.local(write.at) for write in self.writes(name, verb)]

    def on(self, name: str, pool: str | None = None) -> list[str]:
        """`Mon 07:10 to Mon 19:02`, `... to now`."""
        spans = self.world.power_intervals(name, pool)
        return [f"{self.local(a)} to {self.local(b) if b else 'now'}" for a, b in spans]

    def memory(self, name: str) -> Memory:
        return self.journal.memory(self.id_of(name)).value

    def history(self, name: str | None = None, *phases: str) -> list[HistoryRecord]:
        cluster = name if name is None or name == "fleet" else self.id_of(name)
        begin = datetime(2020, 1, 1, tzinfo=UTC)
        records = self.journal.history(cluster, begin, self.world.now() + DAY)
        return [record for record in records if not phases or record.phase in phases]

    def reasons(self, name: str) -> set[str]:
        """Every reason that the history of a cluster tells."""
        return {record.body["reason"] for record in self.history(name, "decided")}

    def reason(self, name: str, pool: str | None = None) -> str:
        """The last reason on record of a cluster or pool."""
        target = self.id_of(name) + (f"/agentpools/{pool}" if pool else "")
        return [r.body["reason"] for r in self.history(name, "decided") if r.body["target"] == target][-1]

    def told(self, *words: str) -> list[str]:
        """Titles and bodies of messages that contain all these words."""
        texts = [f"{title}\n{body}" for _, title, body in self.rehearsal.told]
        return [text for text in texts if all(word.casefold() in text.casefold() for word in words)]


def verb_of(write: Write) -> str:
    """stop or start for power changes, '' for other writes."""
    if write.pool is None:
        tail = write.path.rpartition("/")[2].casefold()
        return tail if tail in ("stop", "start") else ""
    code = ((write.body or {}).get("properties", {}).get("powerState") or {}).get("code", "")
    return {"Stopped": "stop", "Running": "start"}.get(code, "")
