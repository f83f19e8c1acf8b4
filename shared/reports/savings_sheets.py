"""What was saved, as two sheets of the workbook: from gross to net by cluster and rule, and hour by hour beneath it."""

from __future__ import annotations

from decimal import Decimal

from shared.model.digest import ZERO
from shared.model.savings import SavingsWeek
from shared.reports.workbook_parts import MOST_ROWS, Sheet, quoted

_LEDGER = (
    "cluster", "pool", "hour (UTC)", "decision", "kind", "node-hours", "committed", "rate", "amount", "currency",
    "how sure", "resource id",
)  # fmt: skip
_LEDGER_TEXT = (0, 1, 2, 3, 4, 9, 10, 11)
_BRIDGE = (
    "cluster", "rule", "kind", "gross", "wake-ups", "surge", "surplus", "net", "currency", "hours freed",
    "hours unknown", "how sure",
)  # fmt: skip
_BRIDGE_TEXT = (0, 1, 2, 8, 11)


def bridge(sheet: Sheet, savings: SavingsWeek) -> None:
    """From gross to net, by cluster and rule; the app's own cost belongs to none of them."""
    sheet.sentence(savings.method)
    sheet.gap()
    sheet.head(*_BRIDGE, text=_BRIDGE_TEXT)
    first = sheet.row
    for one in sorted(savings.savings, key=lambda one: (one.currency, -one.net, one.cluster, one.rule)):
        row = sheet.row
        for text in (one.cluster.rpartition("/")[2], one.rule, one.kind.value):
            sheet.write("text", text)
        for number in (one.gross, one.wake_ups, one.surge, one.surplus):
            sheet.amount(number)
        sheet.formula(f"=D{row}-E{row}-F{row}-G{row}", one.net)
        sheet.write("text", one.currency)
        sheet.amount(one.commitment_hours_freed, "hours")
        sheet.amount(one.unknown_hours, "hours")
        sheet.write("text", one.confidence.value)
        sheet.end()
    last = max(sheet.row - 1, first)
    for currency in savings.currencies:
        row = sheet.row
        sum_of = f"=SUMIFS(H{first}:H{last},I{first}:I{last},{quoted(currency)})"
        _at_net(sheet, "before its own cost", currency, (sum_of, savings.before_own_cost(currency)))
        if savings.own_cost is None:
            _at_net(sheet, "its own cost", currency, ("", None))
            continue
        own = -savings.own_cost.get(currency, ZERO)
        _at_net(sheet, "less its own cost", currency, ("", own))
        _at_net(sheet, "net", currency, (f"=H{row}+H{row + 1}", savings.net(currency)))


def _at_net(sheet: Sheet, name: str, currency: str, what: tuple[str, Decimal | None]) -> None:
    """A line below the table whose amount stands in the column of net amounts: a formula, or what was read."""
    formula, value = what
    sheet.write("strong", name)
    for _ in range(6):
        sheet.write("strong", "")
    if formula:
        sheet.formula(formula, value, "total")
    else:
        sheet.amount(value, "total")
    sheet.write("strong", currency)
    sheet.end()


def ledger(sheet: Sheet, savings: SavingsWeek) -> None:
    """One row for each node-hour that did not run, claimed by one decision."""
    sheet.head(*_LEDGER, text=_LEDGER_TEXT)
    first = sheet.row
    for one in savings.ledger[:MOST_ROWS]:
        name = one.cluster.rpartition("/")[2]
        for text in (name, one.pool, f"{one.hour:%Y-%m-%d %H:%M}", one.decision, one.kind.value):
            sheet.write("text", text)
        for number in (one.node_hours, one.committed_hours, one.rate, one.amount):
            sheet.amount(number, "exact" if number == one.rate else "amount")
        for text in (one.currency, one.confidence.value, one.cluster):
            sheet.write("text", text)
        sheet.end()
    last = max(sheet.row - 1, first)
    for currency in savings.currencies:
        sheet.write("strong", f"gross, {currency}")
        for _ in range(7):
            sheet.write("strong", "")
        sum_of = f"=SUMIFS(I{first}:I{last},J{first}:J{last},{quoted(currency)})"
        sheet.formula(sum_of, savings.gross(currency), "total")
        sheet.end()
    sheet.freeze()
