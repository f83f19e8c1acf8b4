"""What the demo shows: a strip of the week per cluster while it runs, and the account at the end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from lamplighter.demo.story import BEGIN, END, ZONE
from lamplighter.rehearsal import Rehearsal
from shared.model.decisions import Decision, Plan, Verdict
from shared.model.money import Money

CELL = timedelta(hours=3)
LINES_SHOWN = 7
LOCAL = ZoneInfo(ZONE)
HEARD = {"accepted": "bold", "failed": "red", "reversed": "magenta", "adopted_by_observation": "magenta"}
ORDER = ("refuse", "defer", "none", "plan")
NEVER_TOLD = frozenset({"as_wished", "under_way"})


@dataclass
class Screen:
    """Gathers what plans say while the week goes by."""

    rehearsal: Rehearsal
    lines: list[tuple[datetime, str, str]] = field(default_factory=list)
    """(instant, style, sentence)"""
    reasons: dict[tuple[str, str], tuple[datetime, Decision, int]] = field(default_factory=dict)
    """(target, reason) -> when it was first said, what was said then, how many ticks it stood"""
    _heard: datetime = BEGIN

    def take(self, plan: Plan) -> None:
        """Remember every refusal, deferral and quiet reason, once."""
        for decision in plan.decisions:
            if decision.reason.value in NEVER_TOLD or decision.verdict is Verdict.ACT:
                continue
            key = (decision.target, decision.reason.value)
            first, said, times = self.reasons.get(key, (plan.at, decision, 0))
            self.reasons[key] = (first, said, times + 1)

    def say(self, at: datetime, sentence: str, style: str = "") -> tuple[datetime, str, str]:
        self.lines.append((at, style, sentence))
        return self.lines[-1]

    def hear(self) -> list[tuple[datetime, str, str]]:
        """What the app did since the last look, from its own journal; returns the new lines."""
        now = self.rehearsal.world.now()
        fresh = []
        for record in self.rehearsal.app.journal.history(None, self._heard, now):
            style = HEARD.get(record.phase)
            if style is None:
                continue
            name = record.cluster.rpartition("/")[2]
            pool = f"/{record.body['pool']}" if record.body.get("pool") else ""
            fresh.append((record.at, style, f"{name}{pool}: {record.body.get('message', record.phase)}"))
        self._heard = now
        self.lines += fresh
        return fresh

    def live(self) -> RenderableType:
        now = self.rehearsal.world.now()
        local = now.astimezone(LOCAL)
        head = Text(f"{local:%A} {local.day} {local:%B %H:%M} in Vienna", style="bold")
        return Group(head, Text(), self.strips(now), Text(), *self._tail())

    def _tail(self) -> Iterator[Text]:
        shown = self.lines[-LINES_SHOWN:]
        yield from (_line(*line) for line in shown)
        yield from (Text() for _ in range(LINES_SHOWN - len(shown)))

    def strips(self, now: datetime) -> Table:
        """One row per cluster: a filled cell is three hours on."""
        table = Table.grid(padding=(0, 1, 0, 0))
        table.add_row(Text("", style="dim"), _days())
        for cluster in sorted(self.rehearsal.world.clusters.values(), key=lambda c: c.name):
            intervals = self.rehearsal.world.power_intervals(cluster.name)
            table.add_row(Text(cluster.name), _strip(intervals, now))
        return table

    def account(self) -> RenderableType:
        """Hours on, the estimated saving, and every reason for not acting."""
        return Group(self._hours(), Text(), self._refusals())

    def _hours(self) -> Table:
        table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
        table.add_column("cluster")
        for name in ("hours on", "of", "off", "estimated saving"):
            table.add_column(name, justify="right")
        whole = END - BEGIN
        total = timedelta(0)
        savings = estimated_savings(self.rehearsal)
        for cluster in sorted(self.rehearsal.world.clusters.values(), key=lambda c: c.name):
            on = hours_on(self.rehearsal.world.power_intervals(cluster.name))
            total += on
            off = 1 - on / whole
            saving = savings.get(cluster.id.casefold())
            table.add_row(
                cluster.name, f"{_h(on):.1f}", f"{_h(whole):.0f}", f"{off:.0%}" if off > 0.001 else "", _money(saving)
            )
        number = len(self.rehearsal.world.clusters)
        everything = sum((s.amount for s in savings.values()), Decimal(0))
        table.add_section()
        table.add_row(
            "together",
            f"{_h(total):.1f}",
            f"{_h(whole) * number:.0f}",
            f"{1 - total / (whole * number):.0%}",
            _money(Money(everything, "USD")) if savings else "",
            style="bold",
        )
        return table

    def _refusals(self) -> Table:
        table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
        table.add_column("who")
        table.add_column("verdict")
        table.add_column("reason")
        table.add_column("in words", ratio=1, overflow="fold")
        for _, said, _ in sorted(self.reasons.values(), key=_importance):
            name = said.cluster.rpartition("/")[2] + (f"/{said.pool}" if said.pool else "")
            style = {"refuse": "red", "defer": "cyan"}.get(said.verdict.value, "dim")
            table.add_row(name, Text(said.verdict.value, style=style), said.reason.value, said.message)
        return table


def _importance(told: tuple[datetime, Decision, int]) -> tuple[int, str, datetime]:
    first, said, _ = told
    return ORDER.index(said.verdict.value), said.target, first


def hours_on(intervals: Iterable[tuple[datetime, datetime | None]]) -> timedelta:
    """Time on within the demo's week."""
    spans = ((max(begin, BEGIN), min(end or END, END)) for begin, end in intervals)
    return sum((end - begin for begin, end in spans if end > begin), timedelta(0))


def estimated_savings(rehearsal: Rehearsal) -> dict[str, Money]:
    """By cluster, at list price: every stop that Azure accepted, from then until it was seen running again.

    Never longer than the decision foresaw; a stop whose price is unknown is left out. An estimate, never a saving.
    """
    records = tuple(rehearsal.app.journal.history(None, BEGIN, END + timedelta(days=1)))
    foreseen = {r.id: r.body for r in records if r.phase == "decided" and r.body.get("estimated_saving")}
    seen_on = [(r.cluster, r.body.get("pool"), r.at) for r in records if r.body.get("power") == "Running"]
    sums: dict[str, Decimal] = {}
    for stop in records:
        body = foreseen.get(stop.id)
        if stop.phase != "accepted" or body is None or not body.get("until"):
            continue
        until = datetime.fromisoformat(body["until"])
        mine = (at for who, pool, at in seen_on if who == stop.cluster and pool == stop.body.get("pool"))
        back = min((at for at in mine if at > stop.at), default=until)
        share = (min(until, back, END) - stop.at) / (until - stop.at)
        amount = Decimal(body["estimated_saving"]["amount"]) * Decimal(str(max(0.0, share)))
        sums[stop.cluster] = sums.get(stop.cluster, Decimal(0)) + amount
    return {cluster: Money(amount, "USD") for cluster, amount in sums.items()}


def _h(duration: timedelta) -> float:
    return duration / timedelta(hours=1)


def _money(money: Money | None) -> str:
    return "" if money is None else str(money)


def _line(at: datetime, style: str, sentence: str) -> Text:
    local = at.astimezone(LOCAL)
    text = Text(f"{local:%a %H:%M}  ", style="dim", no_wrap=True, overflow="ellipsis")
    text.append(sentence, style=style)
    return text


def _days() -> Text:
    """The name of each local day above its first cell, where there is room for it."""
    cells = int((END - BEGIN) / CELL)
    dates = [(BEGIN + cell * CELL + CELL / 2).astimezone(LOCAL).date() for cell in range(cells)]
    firsts = [cell for cell in range(cells) if cell == 0 or dates[cell] != dates[cell - 1]]
    line = ""
    for first, following in zip(firsts, [*firsts[1:], cells], strict=True):
        label = f"{dates[first]:%a %d}"
        line += label.ljust(following - first) if len(label) < following - first else " " * (following - first)
    return Text(line, style="dim")


def _strip(intervals: list[tuple[datetime, datetime | None]], now: datetime) -> Text:
    text = Text()
    at = BEGIN
    while at < END:
        middle = at + CELL / 2
        on = any(begin <= middle and (end is None or middle < end) for begin, end in intervals)
        if middle > now:
            text.append(" ")
        else:
            text.append("█" if on else "·", style="yellow" if on else "dim")
        at += CELL
    return text


def line(entry: tuple[datetime, str, str]) -> Text:
    """One line of what happened, in local time."""
    return _line(*entry)
