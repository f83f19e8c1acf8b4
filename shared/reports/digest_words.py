"""A digest in plain sentences and numbers that people read at a glance. What every rendering of it says, said once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from zoneinfo import ZoneInfo

from shared.model.digest import Compared, Digest, Figures, Mover, Restated, Unusual
from shared.model.savings import SavingsWeek
from shared.model.weeks import Week
from shared.reports.notice import plain

MINUS, DASH = "\u2212", "\u2013"
UNKNOWN = "unknown"
_CENT, _WHOLE = Decimal("0.01"), Decimal(1)
_LARGE = 1000
"""From here on the cents of an amount tell nobody anything; the tie-out keeps them."""
_STEADY = Decimal("0.005")
"""A change by less than half a percent is none."""


def amount(value: Decimal | None, *, cents: bool | None = None) -> str:
    """
    With cents below a thousand, or as `cents` says; no currency.

    >>> amount(Decimal("10412.4")), amount(Decimal("-3.5")), amount(None)
    ('10,412', '\u22123.50', 'unknown')
    """
    if value is None:
        return UNKNOWN
    exact = cents if cents is not None else abs(value) < _LARGE
    rounded = value.quantize(_CENT if exact else _WHOLE, ROUND_HALF_EVEN)
    return f"{abs(rounded):,}" if rounded >= 0 else f"{MINUS}{abs(rounded):,}"


def money(value: Decimal | None, currency: str, *, cents: bool | None = None) -> str:
    return UNKNOWN if value is None else f"{amount(value, cents=cents)} {currency}".rstrip()


def is_small(value: object) -> bool:
    """Whether its cents tell anybody anything; true of what is no amount."""
    return not isinstance(value, Decimal) or abs(value) < _LARGE


def change(value: Decimal | None, *, cents: bool | None = None) -> str:
    """With its sign; '' for unknown.

    >>> change(Decimal(12)), change(Decimal(0))
    ('+12.00', '0')
    """
    if value is None:
        return ""
    if value == 0:
        return "0"
    return f"+{amount(value, cents=cents)}" if value > 0 else amount(value, cents=cents)


def percent(share: Decimal | None) -> str:
    """With its sign, no digit behind the point.

    >>> percent(Decimal("0.0413")), percent(Decimal("-0.5")), percent(None)
    ('+4 %', '\u221250 %', '')
    """
    if share is None:
        return ""
    whole = (share * 100).quantize(_WHOLE, ROUND_HALF_EVEN)
    if not whole:
        return "0 %"
    return f"{'+' if whole > 0 else MINUS}{abs(whole):,} %"


def span(first: date, last: date) -> str:
    """In words.

    >>> span(date(2026, 11, 16), date(2026, 11, 22))
    '16 to 22 November 2026'
    """
    if first.year != last.year:
        return f"{first.day} {first:%B} {first.year} to {last.day} {last:%B} {last.year}"
    if first.month != last.month:
        return f"{first.day} {first:%B} to {last.day} {last:%B} {last.year}"
    return f"{first.day} to {last.day} {last:%B} {last.year}"


def of(week: Week) -> str:
    """In the middle of a sentence.

    >>> of(Week(2026, 47))
    'week 47'
    """
    return f"week {week.number}"


def moment(at: datetime, zone: str) -> str:
    local = at.astimezone(ZoneInfo(zone))
    return f"{local:%a} {local.day} {local:%B %Y, %H:%M} {local.tzname()}"


def title(digest: Digest) -> str:
    """The subject of the mail and the heading of every rendering."""
    whose = "" if digest.audience == "finance" else f", {plain(digest.audience, 60)}"
    return f"AKS cost, week {digest.week.number} of {digest.week.year}{whose}"


def status(digest: Digest) -> str:
    if digest.provisional_until is None:
        return "Final"
    local = digest.provisional_until.astimezone(ZoneInfo(digest.zone))
    return f"Provisional until {local:%a} {local.day} {local:%B}"


def headline(figures: Figures, week: Week) -> str:
    """One sentence: how much, and how it stands to the week before."""
    return f"AKS cost {money(figures.total.amount, figures.currency)} in {of(week)}{_against(figures.total)}."


def _against(total: Compared) -> str:
    if total.change is None:
        return ""
    if not total.change or (total.share is not None and abs(total.share) < _STEADY):
        return ", as much as the week before"
    word = "more" if total.change > 0 else "less"
    share = "" if total.share is None else f" ({abs(total.share) * 100:.0f} %)"
    return f", {amount(abs(total.change))}{share} {word} than the week before"


def story(digest: Digest, figures: Figures) -> list[str]:
    """Why it changed and what it means, a sentence each, the most important first."""
    told = [*_reasons(figures), *saved(digest.savings, figures.currency), *_waste(figures)]
    told += [unusual_sentence(one, figures.currency) for one in figures.unusual]
    if figures.restated is not None:
        told.append(restated_sentence(figures.restated, figures.currency))
    return told


def _reasons(figures: Figures) -> Iterator[str]:
    listed = [one for one in figures.movers if one.cluster][:3]
    if not listed or figures.total.change is None:
        return
    yield f"The largest changes: {'; '.join(map(mover, listed))}."


def mover(one: Mover) -> str:
    if not one.cluster:
        return f"everything else {change(one.change)}"
    why = f", {plain(one.why)}" if one.why else ""
    return f"{plain(one.cluster, 60)} {lower(one.kind.value)} {change(one.change)}{why}"


def lower(words: str) -> str:
    """For the middle of a sentence; NAT keeps its capitals."""
    return words[:1].lower() + words[1:]


def capital(words: str) -> str:
    """For the beginning of a line.

    >>> capital("clocks change")
    'Clocks change'
    """
    return words[:1].upper() + words[1:]


def saved(savings: SavingsWeek | None, currency: str) -> Iterator[str]:
    """What Lamplighter realised; net where its own cost is known, gross otherwise, and it says which."""
    if savings is None:
        return
    gross, net = savings.gross(currency), savings.net(currency)
    if net is not None:
        whole = f"{amount(gross)} before its side effects and its own cost"
        yield f"Lamplighter saved at least {money(net, currency)} net, {whole}."
    else:
        before = savings.before_own_cost(currency)
        yield f"Lamplighter saved at least {money(before, currency)}, its own cost not counted, which is unknown."


def _waste(figures: Figures) -> Iterator[str]:
    if figures.still_billed:
        whole = sum((one.amount for one in figures.still_billed), Decimal(0))
        many = len(figures.still_billed)
        whose = figures.still_billed[0].name if many == 1 else f"{many} clusters"
        yield f"{money(whole, figures.currency)} went on being billed while {plain(whose, 60)} slept."
    if figures.leftovers:
        whole = sum((one.amount for one in figures.leftovers), Decimal(0))
        many = len(figures.leftovers)
        what = "disk or address that nothing uses" if many == 1 else "disks and addresses that nothing uses"
        yield f"{money(whole, figures.currency)} went to {many} {what}."


def unusual_sentence(one: Unusual, currency: str) -> str:
    word = "unusually much" if one.amount > one.expected else "unusually little"
    return (
        f"{plain(one.name, 60)} cost {word} on {one.on:%a} {one.on.day} {one.on:%b}: {money(one.amount, currency)}, "
        f"where {amount(one.expected)} was to be expected ({plain(one.driver)})."
    )


def explained_sentence(one: Unusual) -> str:
    return (
        f"{plain(one.name, 60)} cost {amount(one.amount)} instead of {amount(one.expected)} on "
        f"{one.on:%a} {one.on.day} {one.on:%b}: {plain(one.driver)}."
    )


def restated_sentence(one: Restated, currency: str) -> str:
    if one.now == one.told:
        return f"{of(one.week).capitalize()} is final, as told: {money(one.now, currency)}."
    why = f" ({plain('; '.join(one.why))})" if one.why else ""
    return f"{of(one.week).capitalize()} restated: {amount(one.told)} became {money(one.now, currency)}{why}."


def month_sentence(figures: Figures) -> str:
    month = figures.month
    told = f"The first days of {month.first:%B} were not read, so there is no sum of the month"
    if month.to_date is not None:
        day = f"{month.through.day}{_th(month.through.day)}"
        told = f"{month.first:%B} to the {day}: {money(month.to_date, figures.currency)}"
    if month.outlook is not None:
        told += f"; projected for the whole month: {amount(month.outlook)}"
    if month.forecast is not None:
        told += f"; Cost Management forecasts {amount(month.forecast)} for everything in its scope"
    return f"{told}."


def _th(day: int) -> str:
    return "th" if 10 < day % 100 < 14 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")


def tied(figures: Figures) -> str:
    """Whether the parts are the whole."""
    tie = figures.tie_out
    if tie is None:
        return "The whole scope is tied out in the digest that tells all of it."
    missing = f"; {len(tie.missing)} not read" if tie.missing else ""
    if tie.difference is None:
        return f"Not tied out: no total could be read apart from the rows{missing}."
    if tie.difference.quantize(_CENT) == 0:
        return f"Ties out: the parts are {money(tie.total, figures.currency, cents=True)}, difference 0.00{missing}."
    return (
        f"Does not tie out: the parts are {amount(tie.told, cents=True)}, the source states "
        f"{amount(tie.total, cents=True)}, difference {amount(tie.difference, cents=True)}{missing}."
    )


def ties(figures: Figures) -> bool | None:
    """None = was not checked."""
    difference = None if figures.tie_out is None else figures.tie_out.difference
    return None if difference is None else difference.quantize(_CENT) == 0
