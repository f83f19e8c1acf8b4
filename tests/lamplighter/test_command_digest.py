"""`lamplighter digest` as people run it: from the exports they have, in the dialects they come in."""

import gzip
import json
import os
from pathlib import Path

import pytest

REFERENCE = os.environ.get("LAMPLIGHTER_REFERENCE")
COSTS = Path(REFERENCE or ".") / "data" / "costs"
needs_reference = pytest.mark.skipif(not REFERENCE, reason="LAMPLIGHTER_REFERENCE names no reference data")

HEADER = "Date,CostInBillingCurrency,BillingCurrency,ResourceId,Tags\n"
NODES = "/subscriptions/S/resourceGroups/MC_rg_web-dev_westeurope/providers/Microsoft.Compute/virtualMachineScaleSets/a"


def lines(first: int, last: int, amount: str = "10") -> str:
    return "".join(f'2026-11-{day:02},{amount},EUR,{NODES},"{{""team"":""web""}}"\n' for day in range(first, last + 1))


@pytest.fixture
def export(room: Path) -> Path:
    (room / "costs.csv").write_text(HEADER + lines(9, 22), encoding="utf-8")
    return room / "costs.csv"


def test_an_export_is_told_in_one_go(run, export):
    ran = run("digest", "--from-export", "costs.csv", "--at", "2026-11-30T08:00Z")

    assert ran.code == 0
    assert ran.out.startswith("AKS cost, week 47 of 2026\n16 to 22 November 2026 · Final\n")
    assert "AKS cost 70.00 EUR in week 47, as much as the week before." in ran.out
    assert "Ties out: the parts are 70.00 EUR, difference 0.00." in ran.out


def test_a_week_younger_than_72_hours_is_provisional(run, export):
    ran = run("digest", "--from-export", "costs.csv", "--at", "2026-11-23T08:00Z")

    assert "Provisional until Thu 26 November" in ran.out


def test_an_older_week_can_be_asked_for(run, export):
    ran = run("digest", "--week", "2026-W46", "--from-export", "costs.csv")

    assert "AKS cost 70.00 EUR in week 46." in ran.out
    assert "nothing was read of the weeks before, so nothing is compared" in ran.out


def test_several_files_and_gzip(run, room):
    (room / "one.csv").write_text(HEADER + lines(9, 15), encoding="utf-8")
    (room / "two.csv.gz").write_bytes(gzip.compress((HEADER + lines(16, 22, "11")).encode("utf-8-sig")))
    ran = run("digest", "--from-export", "one.csv", "two.csv.gz", "--at", "2026-11-30T08:00Z")

    assert "AKS cost 77.00 EUR in week 47, 7.00 (10 %) more than the week before." in ran.out


def test_out_holds_everything_that_would_be_sent(run, export, room):
    ran = run("digest", "--from-export", "costs.csv", "--out", "digests", "--at", "2026-11-30T08:00Z")
    folder = room / "digests" / "2026-W47" / "finance"

    assert ran.code == 0
    assert {path.name for path in folder.iterdir()} == {
        "digest.html",
        "digest.txt",
        "brief.txt",
        "digest.xlsx",
        "data.csv",
        "teams-card.json",
        "slack-blocks.json",
        "record.json",
        "weeks-eur.png",
    }
    assert (folder / "weeks-eur.png").read_bytes().startswith(b"\x89PNG")
    assert 'src="weeks-eur.png"' in (folder / "digest.html").read_text(encoding="utf-8")
    assert json.loads((folder / "record.json").read_text(encoding="utf-8"))["week"] == "2026-W47"


def test_what_was_told_of_the_week_before_is_compared_with_what_it_is_now(run, room):
    """The same folder, two Mondays: a late charge of 5 is told as a restatement, with where it came from."""
    (room / "monday.csv").write_text(HEADER + lines(2, 15), encoding="utf-8")
    (room / "later.csv").write_text(HEADER + lines(2, 22) + lines(15, 15, "5"), encoding="utf-8")
    run("digest", "--from-export", "monday.csv", "--out", "d", "--at", "2026-11-16T08:00Z")
    run("digest", "--from-export", "later.csv", "--out", "d", "--at", "2026-11-23T08:00Z")
    text = (room / "d" / "2026-W47" / "finance" / "digest.txt").read_text(encoding="utf-8")

    assert "Week 46 restated: 70.00 became 75.00 EUR (web-dev, nodes: +5.00)." in text


def test_a_broken_row_is_told_and_stops_nothing(run, room):
    (room / "costs.csv").write_text(HEADER + lines(9, 22) + "2026-11-22,ten,EUR,,\n", encoding="utf-8")
    ran = run("digest", "--from-export", "costs.csv", "--at", "2026-11-30T08:00Z")

    assert ran.code == 0
    assert "1 row could not be read and counted in no figure" in ran.out
    assert "line 16: cost 'ten' is no number" in ran.out


def test_an_export_without_rows_is_an_empty_week_and_no_error(run, room):
    (room / "costs.csv").write_text(HEADER, encoding="utf-8")
    ran = run("digest", "--from-export", "costs.csv", "--at", "2026-11-30T08:00Z")

    assert ran.code == 0
    assert "nothing was billed in this week, as far as the source says" in ran.out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--from-export", "gone.csv"], "gone.csv can't be read (No such file or directory)"),
        (["--from-export", "."], ". can't be read (Is a directory)"),
        (["--from-export", "binary"], "binary is not UTF-8 text"),
        (["--from-export", "empty"], "empty is empty; expected a cost export with a header line"),
        (["--from-export", "policy.yaml"], "policy.yaml: the header names no date"),
        (["--from-export", "costs.csv", "--week", "47"], "--week '47' is no week; expected a week such as 2026-W47"),
        (["--from-export", "costs.csv", "--week", "2025-W53"], "2025 has 52 weeks, so there is no '2025-W53'"),
        (["--from-export", "costs.csv", "amortised.csv"], "expected files of one basis"),
        (["--from-export", "torn.csv.gz"], "torn.csv.gz can't be read"),
        (["--from-export", "costs.csv", "--out", "costs.csv"], "--out costs.csv can't be written"),
        (["--from-export", "costs.parquet"], "costs.parquet is a Parquet file, and Cost Management exports CSV too"),
        (["--from-export", "costs.zip"], "costs.zip is a ZIP archive or a workbook"),
        (["--from-export", "costs.csv", "--week", "2031-W01"], "--week 2031-W01: the export covers 2026-11-09 to"),
    ],
)
def test_bad_input_is_one_sentence(run, export, room, arguments, sentence):
    (room / "binary").write_bytes(b"Date,Cost\n\xff\xfe\n")
    (room / "empty").write_bytes(b"")
    (room / "costs.parquet").write_bytes(b"PAR1\x15\x04")
    (room / "costs.zip").write_bytes(b"PK\x03\x04\x14\x00")
    (room / "amortised.csv").write_text(HEADER, encoding="utf-8")
    (room / "torn.csv.gz").write_bytes(gzip.compress((HEADER + lines(9, 22)).encode())[:-20])
    ran = run("digest", *arguments)

    assert ran.code == 2
    assert ran.out == ""
    assert sentence in ran.err
    assert len(ran.err.splitlines()) == 1


@needs_reference
@pytest.mark.reference
@pytest.mark.parametrize("name", sorted(path.name for path in COSTS.glob("*.csv")))
def test_every_real_export_is_told_and_ties_out(run, name):
    ran = run("digest", "--from-export", str(COSTS / name))

    assert ran.code == 0
    assert ", difference 0.00." in ran.out
