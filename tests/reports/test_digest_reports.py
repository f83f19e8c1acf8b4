"""A digest in all its forms: small enough, safe whatever people typed, and the same numbers everywhere."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import subprocess
import zipfile
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest

from shared.costs.kept_up import KeptUp
from shared.model import support as supported
from shared.model.billing import Basis, Period
from shared.model.money import Money
from shared.model.past import ClusterPast, Held, PoolSpan
from shared.model.savings import Avoided, Confidence, LedgerRow, Saving, SavingKind, SavingsWeek
from shared.model.support import LimitRow, SupportReport, SupportRow, SupportState
from shared.reports import digest_card, digest_chart, digest_csv, digest_html, digest_slack, digest_text
from shared.reports import digest_words as words
from shared.reports.digest_files import files
from shared.reports.digest_workbook import workbook
from tests.costs.bills import (
    ADDRESS,
    DISK,
    MONDAY_AFTER,
    SETTLED,
    WEEK,
    cluster,
    cluster_id,
    daily,
    finance,
    row,
    weeks_of,
)

EVIL = "=cmd|' /C calc'!A0 <script>alert(1)</script> *[x](http://e.vil)* @everyone `~_#|"
WEB = cluster_id("web")
HOUR = datetime(2026, 11, 16, 20, tzinfo=UTC)


def saved(own="3.5"):
    return SavingsWeek(
        Period(WEEK.first, WEEK.last + timedelta(days=1)),
        (Saving(WEB, "nights", SavingKind.OFF, "EUR", Decimal(40), wake_ups=Decimal(2), commitment_hours_freed=Decimal(9)),),
        None if own is None else {"EUR": Decimal(own)},
        (Avoided(WEB, "nights", Decimal(5), Money(Decimal(4), "USD"), "its price is on no bill"),),
        (LedgerRow(WEB, "np", HOUR, "d1", "nights", SavingKind.OFF, Decimal(3), Decimal(0), Decimal("0.2"), Decimal(40), "EUR", Confidence.MEASURED),),
        ("2 hours were not observed",),
        "Realised saving is a lower bound.",
    )  # fmt: skip


def support():
    path = supported.TestedPath("1.30", "1.31", "dev", 2, 9, 0)
    rows = (
        SupportRow(WEB, "web", "dev", False, "1.30.4", SupportState.ENDED, date(2026, 11, 1), path=path),
        SupportRow(WEB, "api", "dev", False, "1.31.0", SupportState.ENDING, date(2026, 12, 31)),
        SupportRow(WEB, "old", "", True, "", SupportState.UNKNOWN, None),
    )
    limits = (LimitRow(WEB, "web", "dev", False, "is deleted by AKS on 3 December after 12 months stopped", None),)
    return SupportReport(SETTLED, 8, rows, limits, 14)


def made(now=MONDAY_AFTER, clusters=3, evil=EVIL, **values):
    """A week with everything in it: savings, a stopped cluster, what lies loose, an unusual day, notes, support."""
    rows = [*daily(weeks_of(WEEK, 8), 63, "100", tags={"team": evil}), row(WEEK.first, "90"), row(WEEK.first, "-5")]
    rows += [
        *daily(weeks_of(WEEK, 8), 63, "2.4", DISK),
        *daily(weeks_of(WEEK, 8), 63, "1", "microsoft.sql/s/s", group="db"),
    ]
    for number in range(clusters):
        rows += daily(weeks_of(WEEK, 1), 14, f"{number}.5", group=f"mc_rg_c{number:04}{'-long' * 6}_westeurope")
    begin = datetime.combine(WEEK.first, datetime.min.time(), UTC)
    past = ClusterPast(WEB, pools={"np": (PoolSpan(begin, begin + timedelta(hours=48), 0, 0),)})
    web = cluster("web", tags={"team": evil})
    values = {
        "pasts": {WEB: past},
        "environments": {WEB: evil},
        "savings": saved(),
        "support": support(),
        "missing": (f"what subscriptions/b cost could not be read: {evil}",),
        "remarks": (evil,),
    } | values
    return finance(rows, now, WEEK, [web], loose={}, **values)


FULL = made()


# --- mail ---

VOID = {"meta", "img", "br"}
ELEMENTS = {"html", "head", "title", "style", "body", "div", "table", "tr", "td", "th", "span", *VOID}
# What Outlook, Gmail, Apple Mail, Yahoo and Samsung all draw, or do no harm without: https://www.caniemail.com
PROPERTIES = {
    "background-color", "border", "border-bottom", "border-top", "color", "display", "font-family", "font-size",
    "font-weight", "line-height", "margin", "padding", "width",
}  # fmt: skip


class Mail(HTMLParser):
    """What stands in a mail, and whether every element is closed."""

    def __init__(self, text):
        super().__init__()
        self.open, self.elements, self.styles, self.texts, self.attributes = [], set(), set(), [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements.add(tag)
        self.attributes += attributes
        for name, value in attributes:
            if name == "style":
                self.styles |= {part.partition(":")[0].strip() for part in value.split(";") if part.strip()}
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def test_a_mail_is_made_of_what_mail_clients_draw():
    mail = Mail(digest_html.html(FULL))

    assert mail.open == []
    assert mail.elements <= ELEMENTS
    assert mail.styles <= PROPERTIES
    assert not any(name.startswith("on") or "javascript:" in (value or "") for name, value in mail.attributes)


def test_a_mail_says_the_numbers_first_and_how_sure_they_are():
    text = " ".join(Mail(digest_html.html(FULL)).texts)
    for said in (
        "Provisional until Thu 26 November",
        "saved at least 34.50 EUR net, 40.00 before its side effects and its own cost",
        "9 committed node-hours were freed, outside this total. Realised saving is a lower bound.",
        "An estimate, not a saving: it is on no bill, and in no total.",
        "Refunds and corrections have lowered the figures by 5.00 EUR",
        "ended 2026-11-01",
        "1.30 -> 1.31, ran on 2 clusters in dev for 9 days, no failed roll".replace(">", "\u203a"),
        "2 hours were not observed",
        "difference 0.00; 1 not read.",
        "How it was made",
    ):
        assert said in text, said
    assert text.index("Cost of the week") < text.index("The largest changes") < text.index("By cluster")


def test_a_picture_that_a_mail_names_comes_with_it():
    mail = Mail(digest_html.html(FULL))
    named = [value.removeprefix("cid:") for name, value in mail.attributes if name == "src"]

    assert named == ["weeks-eur.png"]
    assert all(files(FULL)[name].startswith(b"\x89PNG") for name in named)
    assert any(name == "alt" and "W47" in value for name, value in mail.attributes)


@pytest.mark.parametrize("currency", ["EUR", "", 'E"><U'])
def test_a_currency_is_only_text(currency):
    digest = finance(list(daily(weeks_of(WEEK, 2), 21, "1", billing_currency=currency)))

    assert Mail(digest_html.html(digest)).open == []


def test_whatever_people_typed_stays_text():
    page = digest_html.html(FULL)

    assert "<script" not in page
    assert "@everyone" not in page


def test_gmail_does_not_clip_it_however_large_the_fleet():
    """Gmail cuts what is longer than 102 KB: https://www.caniemail.com (Gmail)"""
    assert len(digest_html.html(made(clusters=400)).encode()) < 102 * 1024


# --- cards and blocks ---


def _elements(value):
    if isinstance(value, dict):
        if "type" in value:
            yield value
        for item in value.values():
            yield from _elements(item)
    elif isinstance(value, list):
        for item in value:
            yield from _elements(item)


# Version 1.4 of https://adaptivecards.io/explorer/: the elements that we use, and what they may say.
CARD = {
    "message": {"type", "attachments"},
    "AdaptiveCard": {"$schema", "type", "version", "fallbackText", "msteams", "body"},
    "TextBlock": {"type", "text", "wrap", "size", "weight", "color", "isSubtle", "spacing", "fontType"},
    "ColumnSet": {"type", "columns"},
    "Column": {"type", "width", "items"},
    "FactSet": {"type", "facts"},
}


@pytest.mark.parametrize("clusters", [0, 3, 400])
def test_a_card_is_one_that_teams_takes(clusters):
    message = digest_card.message(made(clusters=clusters))

    assert len(json.dumps(message).encode()) <= digest_card.MOST_BYTES
    for element in _elements(message):
        assert set(element) <= CARD[element["type"]]
    card = message["attachments"][0]["content"]
    assert card["version"] == "1.4"
    assert any("Ties out" in element.get("text", "") for element in _elements(card))


def test_a_card_that_would_be_too_long_loses_rows_not_numbers():
    """Thirty currencies with long names: what is left still begins with the cost of the week."""
    rows = [one for n in range(30) for one in daily(weeks_of(WEEK, 8), 63, f"{n}", billing_currency=f"C{n:02}", group=f"mc_rg_{'x' * 60}_e")]  # fmt: skip
    digest = finance(rows)
    message = digest_card.message(digest)

    assert len(json.dumps(message).encode()) <= digest_card.MOST_BYTES
    assert "203.00 C29" in json.dumps(message)


def test_amounts_of_one_list_in_a_card_are_all_told_with_cents_or_none_is():
    body = _elements(digest_card.message(made(clusters=40)))
    lists = [[fact["value"] for fact in one["facts"]] for one in body if one["type"] == "FactSet"]

    assert any(one["title"] == "the rest" for facts in _elements(digest_card.message(made(clusters=40)))
               if facts["type"] == "FactSet" for one in facts["facts"])  # fmt: skip
    assert all(len({"." in value for value in values}) == 1 for values in lists)


def test_a_card_takes_markup_literally():
    text = " ".join(one.get("text", "") for one in _elements(digest_card.message(FULL)) if one["type"] == "TextBlock")

    assert r"\*\[x\] \(http://e.vil\)\*" in text
    assert "@everyone" not in text


@pytest.mark.parametrize("clusters", [0, 3, 400])
def test_blocks_are_within_slacks_limits(clusters):
    blocks = digest_slack.blocks(made(clusters=clusters))

    assert len(blocks) <= 50
    for block in blocks:
        for text in (block.get("text"), *block.get("fields", ()), *block.get("elements", ())):
            if text:
                assert len(text["text"]) <= 3000
                assert not re.search(r"<[^>]*>", text["text"])
        assert len(block.get("fields", ())) <= 10
    assert "Provisional until" in blocks[1]["elements"][0]["text"]


def test_many_currencies_are_cut_to_fifty_blocks_and_it_is_said():
    rows = [one for n in range(30) for one in daily(weeks_of(WEEK, 8), 63, "1", billing_currency=f"C{n:02}")]
    blocks = digest_slack.blocks(finance(rows))

    assert len(blocks) == 50
    assert blocks[-1]["elements"][0]["text"] == "More is in the mail and in the workbook."


# --- text ---


def test_plain_text_fits_a_terminal_and_says_the_same():
    text = digest_text.text(FULL)

    assert max(map(len, text.splitlines())) <= 80
    assert text.startswith("AKS cost, week 47 of 2026\n16 to 22 November 2026 · Provisional until Thu 26 November\n")
    assert "Still billed while stopped (EUR)" in text
    assert text.endswith("\n")


@pytest.mark.parametrize("most", [200, 1000, 3500])
def test_the_brief_form_is_as_short_as_it_is_told_to_be(most):
    brief = digest_text.brief(FULL, most)

    assert len(brief) <= most + 2
    assert brief.startswith("Provisional until Thu 26 November.\nAKS cost 8")


# --- data and workbook ---


def test_the_data_is_focus_and_adds_up_to_the_figures():
    lines = list(csv.DictReader(io.StringIO(digest_csv.data(FULL))))
    mine = [line for line in lines if line["ResourceId"] and line["x_Week"] == "2026-W47"]

    assert sum(Decimal(line["EffectiveCost"]) for line in mine) == FULL.figures[0].total.amount
    assert {line["x_Status"] for line in mine} == {"provisional"}
    assert {line["x_Status"] for line in lines if line["x_Week"] == "2026-W46"} == {"final"}
    assert all(name.startswith("x_") or name[0].isupper() for name in lines[0])
    assert {line["BilledCost"] for line in lines} == {""}


def test_no_cell_of_the_data_runs_as_a_formula():
    for line in csv.DictReader(io.StringIO(digest_csv.data(FULL))):
        assert not any(
            line[name].startswith(("=", "+", "-", "@")) for name in ("x_Team", "x_Environment", "ResourceName")
        )


def test_actual_cost_stands_in_its_own_column():
    rows = [replace(one, billed_cost=one.effective_cost) for one in daily(WEEK.first, 7, "1")]
    (line, *_) = csv.DictReader(io.StringIO(digest_csv.data(finance(rows, basis=Basis.ACTUAL))))

    assert (line["BilledCost"], line["EffectiveCost"]) == ("1", "")


MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def _xml(data):
    return ET.fromstring(data)  # noqa: S314 - our own workbook


def sheets(content):
    """{sheet name: {cell: (formula or None, value)}}"""
    book = zipfile.ZipFile(io.BytesIO(content))
    texts = ["".join(node.itertext()) for node in _xml(book.read("xl/sharedStrings.xml"))]
    names = [node.get("name") for node in _xml(book.read("xl/workbook.xml")).iter(f"{MAIN}sheet")]
    found = {}
    for number, name in enumerate(names, 1):
        cells = {}
        for node in _xml(book.read(f"xl/worksheets/sheet{number}.xml")).iter(f"{MAIN}c"):
            value = node.findtext(f"{MAIN}v")
            is_text = node.get("t") == "s"
            cells[node.get("r")] = (node.findtext(f"{MAIN}f"), texts[int(value)] if is_text else value)
        found[name] = cells
    return found


def test_every_sum_of_the_workbook_is_a_formula_with_its_result():
    book = sheets(workbook(FULL))
    total = FULL.figures[0].total

    assert list(book) == [
        "Summary", "Clusters", "Cost types", "Teams", "Environments", "Still billed", "Nothing uses", "Saved",
        "Saved by hour", "Tie-out", "Method", "Data",
    ]  # fmt: skip
    for name in ("Clusters", "Cost types", "Teams", "Environments"):
        formulas = [(formula, value) for formula, value in book[name].values() if formula]
        assert any(
            formula.startswith("SUM(B") and float(value) == pytest.approx(float(total.amount))
            for formula, value in formulas
        )
    assert any(formula and "ROUND(SUM(" in formula and float(value) == 0 for formula, value in book["Tie-out"].values())
    hours, saved = book["Saved by hour"].values(), [value for formula, value in book["Saved"].values() if formula]
    assert any(formula and formula.startswith("SUMIFS(I") and float(value) == 40 for formula, value in hours)
    assert [float(value) for value in saved] == [38, 38, 34.5], "of the cluster, before its own cost, and net"


def test_the_data_sheet_holds_what_the_formulas_sum():
    data = sheets(workbook(FULL))["Data"]
    weeks = {cell[1:]: value for cell, (_, value) in data.items() if cell.startswith("M")}
    ids = {cell[1:]: value for cell, (_, value) in data.items() if cell.startswith("H")}
    amounts = {cell[1:]: value for cell, (_, value) in data.items() if cell.startswith("D") and cell != "D1"}
    mine = sum(float(value) for number, value in amounts.items() if weeks[number] == "2026-W47" and ids.get(number))

    assert mine == pytest.approx(float(FULL.figures[0].total.amount))


def test_nothing_that_people_typed_runs_in_the_workbook():
    for cells in sheets(workbook(FULL)).values():
        assert not any(formula and "cmd" in formula.split("Data!")[0] for formula, _ in cells.values())


@pytest.mark.skipif(not os.environ.get("LAMPLIGHTER_SOAK") or not shutil.which("soffice"), reason="needs LibreOffice and LAMPLIGHTER_SOAK")  # fmt: skip
def test_libreoffice_calculates_what_is_stored_beside_the_formulas(tmp_path):
    """The results are taken out first, so that whatever stands there afterwards was calculated."""
    content = workbook(FULL)
    blank = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(blank, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, re.sub(rb"(</f>)<v>[^<]*</v>", rb"\1", data) if "worksheets/" in name else data)
    (tmp_path / "digest.xlsx").write_bytes(blank.getvalue())
    subprocess.run(
        ["soffice", "--headless", "--convert-to", "xlsx:Calc MS Excel 2007 XML", "--outdir", tmp_path / "out", tmp_path / "digest.xlsx"],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    theirs, ours = sheets((tmp_path / "out" / "digest.xlsx").read_bytes()), sheets(content)
    checked = 0
    for name, cells in ours.items():
        for cell, (formula, value) in cells.items():
            if formula and re.fullmatch(r"-?[\d.eE+-]+", value or ""):
                assert float(theirs[name][cell][1]) == pytest.approx(float(value), abs=0.006), (
                    f"{name}!{cell} {formula}"
                )
                checked += 1
    assert checked > 40


# --- charts ---


def test_the_chart_lights_this_week_and_pales_what_may_still_change():
    chart = digest_chart.weeks(FULL.figures[0])
    rows = chart["data"]["values"]

    assert [row["week"] for row in rows][-2:] == ["W46", "W47|so far"]
    assert {row["colour"] for row in rows[:-1]} == {digest_chart.STONE}
    assert rows[-1]["colour"] == digest_chart.PALE
    assert digest_chart.weeks(made(SETTLED).figures[0])["data"]["values"][-1]["colour"] == digest_chart.LAMP


def test_a_week_below_nothing_is_drawn_too():
    digest = finance([*daily(weeks_of(WEEK, 2), 21, "1"), row(WEEK.first, "-50")])

    assert digest_chart.picture(digest_chart.weeks(digest.figures[0])).startswith(b"\x89PNG")
    assert digest_slack.blocks(digest)
    assert digest_card.message(digest)


@pytest.mark.parametrize(("amount", "shown"), [("2", ",.2f"), ("200", ",.0f"), ("20000", ".3s")])
def test_numbers_of_neighbouring_bars_never_run_into_each_other(amount, shown):
    chart = digest_chart.weeks(finance(daily(weeks_of(WEEK, 2), 21, amount)).figures[0])

    assert chart["layer"][1]["encoding"]["text"]["format"] == shown
    assert chart["title"]["text"] == "What AKS cost, week by week, EUR"


def test_the_workbook_has_a_chart_of_its_own_that_says_what_it_shows():
    book = zipfile.ZipFile(io.BytesIO(workbook(FULL)))
    chart = book.read("xl/charts/chart1.xml").decode()

    assert "What AKS cost, week by week, EUR" in chart
    first, last = re.search(r"Summary!\$B\$(\d+):\$B\$(\d+)", chart).groups()
    cells = sheets(workbook(FULL))["Summary"]
    drawn = [float(cells[f"B{number}"][1]) for number in range(int(first), int(last) + 1)]
    assert drawn == pytest.approx([float(bar.amount) for bar in FULL.figures[0].weeks])


# --- words ---


def test_a_saving_says_whether_its_own_cost_is_in_it():
    assert list(words.saved(None, "EUR")) == []
    (gross,) = words.saved(saved(None), "EUR")
    assert gross == "Lamplighter saved at least 38.00 EUR, its own cost not counted, which is unknown."


def test_a_digest_without_savings_says_that_they_were_not_measured():
    text = " ".join(Mail(digest_html.html(made(savings=None))).texts)
    assert "not measured" in text


def test_a_difference_is_told_and_never_hidden():
    (one,) = finance(list(daily(WEEK.first, 7, "1")), stated={"EUR": Decimal(8)}).figures

    assert words.tied(one) == ("Does not tie out: the parts are 7.00, the source states 8.00, difference \u22121.00.")
    assert words.ties(one) is False
    (unknown,) = finance(list(daily(WEEK.first, 7, "1")), stated=None).figures
    assert words.tied(unknown) == "Not tied out: no total could be read apart from the rows."
    assert words.ties(unknown) is None


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        (date(2026, 11, 16), date(2026, 11, 22), "16 to 22 November 2026"),
        (date(2026, 11, 30), date(2026, 12, 6), "30 November to 6 December 2026"),
        (date(2026, 12, 28), date(2027, 1, 3), "28 December 2026 to 3 January 2027"),
    ],
)
def test_dates_of_a_week_in_words(first, last, said):
    assert words.span(first, last) == said


def test_a_team_is_told_that_the_whole_is_tied_out_elsewhere():
    from shared.costs.digest import Audience, digest
    from tests.costs.bills import reading

    team = Audience("checkout", lambda one: one == WEB, is_everything=False)
    told = digest(reading(list(daily(weeks_of(WEEK, 3), 28, "1"))), team, WEEK, SETTLED)

    assert words.title(told) == "AKS cost, week 47 of 2026, checkout"
    assert "tied out in the digest that tells all of it" in digest_html.html(told)
    assert "tied out in the digest that tells all of it" in digest_text.text(told)
    assert workbook(told).startswith(b"PK")
    assert digest_card.message(told)


def test_the_same_digest_gives_the_same_words():
    assert digest_text.text(made()) == digest_text.text(FULL)
    assert digest_html.html(made()) == digest_html.html(FULL)


# --- what only some digests have ---


def test_hours_that_somebody_asked_for_are_a_table():
    begin = datetime.combine(WEEK.first, datetime.min.time(), UTC)
    past = ClusterPast(WEB, pools={"np": (PoolSpan(begin, begin + timedelta(hours=48), 2, 2),)})
    kept = {WEB: (KeptUp("kept on", begin, begin + timedelta(hours=30)),)}
    text = digest_text.text(made(pasts={WEB: past}, kept=kept))

    assert "Ran because somebody said so (EUR)" in text
    assert re.search(r"web +kept on +30 h", text)


def test_a_drop_of_ours_is_explained_in_every_form():
    begin = datetime.combine(WEEK.first, datetime.min.time(), UTC)
    rows = [one for one in daily(weeks_of(WEEK, 8), 63, "100") if one.charge_period_start != WEEK.first]
    down = PoolSpan(begin, begin + timedelta(hours=20), 0, 0)
    held = Held(None, begin, begin + timedelta(hours=20), "d", "nights", "off_hours")
    digest = finance([*rows, row(WEEK.first, "15")], pasts={WEB: ClusterPast(WEB, pools={"np": (down,)}, held=(held,))})
    said = "web cost 15.00 instead of 100.00 on Mon 16 Nov: stopped for 20 h by nights."

    assert said in " ".join(Mail(digest_html.html(digest)).texts)
    assert said in " ".join(digest_text.text(digest).replace("\n  ", " ").split())


def test_what_each_rule_saved_where_is_told_when_there_are_several():
    several = replace(
        saved(),
        savings=tuple(
            Saving(cluster_id(f"c{number}"), "nights", SavingKind.OFF, "EUR", Decimal(10 + number))
            for number in range(12)
        ),
    )
    text = digest_text.text(made(savings=several))

    assert "Saved by cluster and rule (EUR)" in text
    assert re.search(r"2 more +21\.00", text)
    assert re.search(r"total, before its own cost +186\.00", text)


def test_what_nothing_uses_is_told_with_why():
    rows = [*daily(weeks_of(WEEK, 8), 63, "9", DISK), *daily(weeks_of(WEEK, 8), 63, "1", ADDRESS)]
    digest = finance(rows, clusters=[cluster("other")])
    text = digest_text.text(digest)

    assert "70.00 EUR went to 2 disks and addresses that nothing uses." in text
    assert "its cluster web is gone" in text
    assert "its cluster web is gone" in " ".join(
        value for _, value in sheets(workbook(digest))["Nothing uses"].values() if value
    )


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([("2026-11-16", "70")], "AKS cost 70.00 EUR in week 47."),
        ([("2026-11-09", "70"), ("2026-11-16", "70")], "as much as the week before."),
        ([("2026-11-09", "70"), ("2026-11-16", "63")], "7.00 (10 %) less than the week before."),
        ([("2026-11-09", "-5"), ("2026-11-16", "63")], "68.00 more than the week before."),
        ([("2026-11-09", "1000"), ("2026-11-16", "12000")], "AKS cost 12,000 EUR in week 47, 11,000 (1100 %) more"),
    ],
)
def test_the_first_sentence_says_how_much_and_how_it_stands(rows, said):
    (one,) = finance([row(day, amount) for day, amount in rows]).figures

    assert said in words.headline(one, WEEK)


def test_a_week_that_was_final_as_told_says_so():
    from shared.costs.digest import Audience, digest
    from shared.costs.record import record, told
    from tests.costs.bills import reading

    rows = list(daily(weeks_of(WEEK, 8), 70, "10"))
    memory = told(record(finance(rows)))
    after = digest(
        reading(rows, week=WEEK.back(-1)).after("finance", memory), Audience("finance"), WEEK.back(-1), SETTLED
    )

    assert "Week 47 is final, as told: 70.00 EUR." in words.story(after, after.figures[0])
