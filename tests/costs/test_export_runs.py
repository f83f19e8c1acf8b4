"""Which files of a container hold a period."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest

from shared.costs.export_runs import Run, chosen, read_manifest
from shared.model.billing import Basis, Period

SUB = "subscriptions/11111111-1111-1111-1111-111111111111"
ACCOUNT = "providers/microsoft.billing/billingaccounts/1234567"
WEEK = Period(date(2026, 11, 28), date(2026, 12, 5))
"""It lies in two months."""


def run(begin: date, last: date, day: int = 6, **more) -> Run:
    known = {"export": "focus", "scope": SUB, "kind": "focuscost", "blobs": ("part_0_0001.csv",), **more}
    return Run(begin=begin, last=last, submitted_at=datetime(2026, 12, day, tzinfo=UTC), **known)


NOVEMBER, DECEMBER = run(date(2026, 11, 1), date(2026, 11, 30)), run(date(2026, 12, 1), date(2026, 12, 5))


def test_a_week_in_two_months_is_read_from_two_runs():
    days, problem = chosen([NOVEMBER, DECEMBER], WEEK, Basis.AMORTISED)
    assert problem is None
    assert {one: len(mine) for one, mine in days.items()} == {NOVEMBER: 3, DECEMBER: 4}


def test_the_newest_run_of_a_day_counts():
    older = run(date(2026, 11, 1), date(2026, 12, 5), day=5)
    days, _ = chosen([older, DECEMBER], WEEK, Basis.AMORTISED)
    assert {one: len(mine) for one, mine in days.items()} == {older: 3, DECEMBER: 4}


def test_a_day_that_no_run_covers_makes_the_period_missing():
    days, problem = chosen([DECEMBER], WEEK, Basis.AMORTISED)
    assert days == {}
    assert problem == f"the export focus of {SUB} does not cover 2026-11-28 yet"


def test_focus_is_preferred_and_amortised_is_not_actual():
    amortised = run(date(2026, 11, 1), date(2026, 12, 5), kind="amortizedcost")
    assert set(chosen([amortised, NOVEMBER, DECEMBER], WEEK, Basis.AMORTISED)[0]) == {NOVEMBER, DECEMBER}
    assert set(chosen([amortised], WEEK, Basis.AMORTISED)[0]) == {amortised}
    assert "no run" in chosen([amortised], WEEK, Basis.ACTUAL)[1]
    assert (amortised.amortised, NOVEMBER.amortised) == (True, False)


def test_exports_of_two_subscriptions_are_both_read():
    other = run(date(2026, 11, 1), date(2026, 12, 5), scope="subscriptions/2")
    assert set(chosen([NOVEMBER, DECEMBER, other], WEEK, Basis.AMORTISED)[0]) == {NOVEMBER, DECEMBER, other}


def test_one_of_the_whole_account_is_read_alone():
    wide = run(date(2026, 11, 1), date(2026, 12, 5), scope=ACCOUNT)
    older = run(date(2026, 11, 1), date(2026, 12, 5), day=1, scope="providers/x")
    assert set(chosen([NOVEMBER, DECEMBER, wide, older], WEEK, Basis.AMORTISED)[0]) == {wide}


def test_another_format_is_said_to_be_one():
    parquet = run(date(2026, 11, 1), date(2026, 12, 5), blobs=("part_0_0001.snappy.parquet",))
    assert chosen([parquet], WEEK, Basis.AMORTISED)[1] == (
        "part_0_0001.snappy.parquet is neither CSV nor compressed CSV; the export's format has to be CSV"
    )


PUBLISHED = {
    "manifestVersion": "2024-04-01",
    "exportConfig": {
        "exportName": "sample",
        "resourceId": "/providers/Microsoft.Billing/billingAccounts/1234567/providers/Microsoft.CostManagement/exports/sample",
        "type": "FocusCost",
    },
    "runInfo": {
        "submittedTime": "2025-03-21T21:04:06.5234447Z",
        "startDate": "2025-03-01T00:00:00",
        "endDate": "2025-03-21T00:00:00Z",
    },
    "blobs": [{"blobName": " folder/sample/part0.csv", "byteCount": 8032}],
}
"""The shape that Microsoft publishes, seven digits of a second and a blank before a name included."""


def test_a_manifest_as_published_is_read():
    found = read_manifest(json.dumps(PUBLISHED), "manifest.json")
    assert (found.export, found.scope, found.kind) == ("sample", ACCOUNT, "focuscost")
    assert (found.begin, found.last) == (date(2025, 3, 1), date(2025, 3, 21))
    assert found.submitted_at == datetime(2025, 3, 21, 21, 4, 6, 523444, tzinfo=UTC)
    assert found.blobs == ("folder/sample/part0.csv",)
    assert found.is_wide


def test_other_data_are_no_costs():
    config = {**PUBLISHED["exportConfig"], "type": "ReservationRecommendations"}
    assert read_manifest(json.dumps({**PUBLISHED, "exportConfig": config}), "m") is None


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", json.dumps({**PUBLISHED, "blobs": 3}), json.dumps({**PUBLISHED, "runInfo": {}})]
)
def test_what_is_no_manifest_says_so(text):
    with pytest.raises(ValueError, match="no manifest of a cost export"):
        read_manifest(text, "a/manifest.json")
