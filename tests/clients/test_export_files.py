"""Cost exports from a real container (Azurite): the files that the simulated Cost Management writes, in every form."""

from __future__ import annotations

import json
import secrets
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from lamplighter.simulator import World
from lamplighter.simulator.charges import Reservation
from lamplighter.simulator.cost_files import Export, files_of, write_export
from shared.clients.azure import Cloud, endpoint_of
from shared.clients.billing import Asked, subscription_scope
from shared.clients.export_files import exported
from shared.model.billing import Basis, Period, Question, Source

NOW = datetime(2026, 11, 25, 9, tzinfo=UTC)
SUB, OTHER = "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"
WEEK = Period(date(2026, 11, 9), date(2026, 11, 16))
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def world() -> World:
    clusters = [
        {"name": "web", "subscription": SUB, "resource_group": "rg", "tags": {"team": 'sh"op, ä'}},
        {"name": "api", "subscription": OTHER, "resource_group": "rg", "tier": "Standard"},
    ]
    subscriptions = [{"id": SUB, "name": "a"}, {"id": OTHER, "name": "b"}]
    found = World.from_fleet(
        {"clusters": clusters, "subscriptions": subscriptions}, now=datetime(2026, 11, 1, tzinfo=UTC)
    )
    found.meter.reservations.append(Reservation("westeurope", "Standard_D4s_v5", 8))
    found.meter.also(SUB, "", "Support", "2.5")
    found.meter.also(
        SUB, "/subscriptions/x/resourceGroups/y/providers/z/w", "Storage", "-9", only_on=date(2026, 11, 10)
    )
    found.advance(24 * DAY)
    return found


@pytest.fixture
def cloud():
    with Cloud(endpoint_of("AzurePublicCloud")) as cloud:
        yield cloud


@pytest.fixture
def container(azurite):
    """(upload, url) of a container that no other test has."""
    from azure.storage.blob import ContainerClient

    name = f"c{secrets.token_hex(6)}"
    client = ContainerClient(azurite.blobs, name, credential=azurite.credential)
    client.create_container()
    yield client, f"{azurite.blobs}/{name}"
    client.close()


def put(client, folder: Path, into: str = "") -> None:
    for name, content in files_of(folder):
        client.upload_blob(f"{into}{name}", content, overwrite=True)


def asked(question: Question = Question.COSTS, sub: str = SUB, basis: Basis = Basis.AMORTISED, period: Period = WEEK):
    return Asked(subscription_scope(sub), period, question, basis)


def true(world: World, sub: str, *, actual: bool = False) -> Decimal:
    """What Azure charged the subscription; charges of no subscription are in the bill that is asked for first."""
    total = Decimal(0)
    for charge in world.meter.charges(world, WEEK.begin, WEEK.end):
        if sub == (SUB if charge.charge == "UnusedReservation" else charge.subscription):
            total += charge.actual if actual and charge.actual is not None else charge.amount
    return total


FORMS = [Export("all", kind, compressed=small) for kind in ("FocusCost", "AmortizedCost") for small in (False, True)]


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_every_form_gives_the_bill_of_a_subscription(world, cloud, container, tmp_path, form):
    client, url = container
    write_export(world, tmp_path, form, date(2026, 11, 1), date(2026, 11, 24))
    put(client, tmp_path)
    found = exported(cloud, url, [asked(), asked(sub=OTHER), asked(Question.NODES), asked(Question.UNUSED)], NOW)
    bill = found[asked()]
    assert (bill.problem, bill.source, bill.problems) == (None, Source.EXPORT, ())
    assert round(bill.totals["EUR"], 9) == round(true(world, SUB), 9)
    assert round(found[asked(sub=OTHER)].totals["EUR"], 9) == round(true(world, OTHER), 9)
    assert {row.charge_period_start for row in bill.rows} == set(WEEK.days)
    machine = next(row for row in bill.rows if "virtualmachinescalesets" in row.resource_id)
    assert machine.tags == {"team": 'sh"op, ä'}
    assert {row.pricing_category for row in found[asked(Question.NODES)].rows} == {"Committed"}
    unused = found[asked(Question.UNUSED)].rows
    assert {(row.commitment_discount_status, row.meter, row.region) for row in unused} == {
        ("Unused", "D4s v5", "westeurope")
    }
    assert sum(row.consumed_quantity for row in unused) == 7 * 24 * 2


def test_actual_cost_is_another_export(world, cloud, container, tmp_path):
    client, url = container
    write_export(world, tmp_path, Export("act", "ActualCost", SUB), date(2026, 11, 1), date(2026, 11, 24))
    put(client, tmp_path)
    bill = exported(cloud, url, [asked(basis=Basis.ACTUAL)], NOW)[asked(basis=Basis.ACTUAL)]
    assert round(bill.totals["EUR"], 9) == round(true(world, SUB, actual=True), 9)
    missing = exported(cloud, url, [asked()], NOW)[asked()]
    assert "focuscost or amortizedcost" in missing.problem


def test_the_newest_run_counts_and_days_are_taken_from_one_run_each(world, cloud, container, tmp_path):
    client, url = container
    export = Export("focus", "FocusCost", SUB)
    write_export(world, tmp_path, export, date(2026, 11, 1), date(2026, 11, 12))
    world.advance(timedelta(minutes=1))
    write_export(world, tmp_path, export, date(2026, 11, 10), date(2026, 11, 24))
    put(client, tmp_path)
    bill = exported(cloud, url, [asked()], NOW)[asked()]
    assert round(bill.totals["EUR"], 9) == round(true(world, SUB), 9)


def test_a_week_that_the_export_does_not_hold_yet_is_missing(world, cloud, container, tmp_path):
    client, url = container
    write_export(world, tmp_path, Export("focus", "FocusCost", SUB), date(2026, 11, 1), date(2026, 11, 12))
    put(client, tmp_path)
    bill = exported(cloud, url, [asked()], NOW)[asked()]
    assert (bill.rows, bill.totals) == ((), {})
    assert "does not cover 2026-11-13 yet" in bill.problem


def test_only_the_folder_that_was_named_is_looked_at(world, cloud, container, tmp_path):
    client, url = container
    write_export(world, tmp_path, Export("focus", "FocusCost", SUB), date(2026, 11, 1), date(2026, 11, 24))
    put(client, tmp_path, "costs/")
    manifest = next(name for name, _ in files_of(tmp_path) if name.endswith("manifest.json"))
    assert exported(cloud, f"{url}/elsewhere", [asked()], NOW)[asked()].missing
    # The names in a manifest are from the container's root; a moved folder is not found.
    assert "could not be read" in exported(cloud, f"{url}/costs", [asked()], NOW)[asked()].problem
    moved = json.loads((tmp_path / manifest).read_text())
    for blob in moved["blobs"]:
        blob["blobName"] = f"costs/{blob['blobName']}"
    client.upload_blob(f"costs/{manifest}", json.dumps(moved), overwrite=True)
    assert not exported(cloud, f"{url}/costs", [asked()], NOW)[asked()].missing


def test_a_broken_row_is_told_and_costs_no_other(world, cloud, container, tmp_path):
    client, url = container
    place = write_export(world, tmp_path, Export("focus", "FocusCost", SUB), date(2026, 11, 1), date(2026, 11, 24))
    part = place / "part_0_0001.csv"
    part.write_bytes(part.read_bytes() + b"lots,1,EUR,2026-11-10T00:00:00Z\r\n")
    put(client, tmp_path)
    bill = exported(cloud, url, [asked()], NOW)[asked()]
    assert [problem.message for problem in bill.problems] == ["billed 'lots' is no number"]
    assert round(bill.totals["EUR"], 9) == round(true(world, SUB), 9)


@pytest.mark.parametrize(
    "broken",
    [
        ("manifest.json", b"[]", "no manifest of a cost export"),
        ("manifest.json", b"{", "no manifest of a cost export"),
        ("part_0_0001.csv", b"", "is empty"),
        ("part_0_0001.csv", b"a,b\r\n1,2\r\n", "names no date"),
        ("part_0_0001.csv", b"\xff\xfe\x00", "could not be read"),
    ],
)
def test_a_file_that_is_none_is_a_missing_bill_with_a_sentence(world, cloud, container, tmp_path, broken):
    (client, url), (name, content, says) = container, broken
    place = write_export(world, tmp_path, Export("focus", "FocusCost", SUB), date(2026, 11, 1), date(2026, 11, 24))
    (place / name).write_bytes(content)
    put(client, tmp_path)
    bill = exported(cloud, url, [asked()], NOW)[asked()]
    assert says in bill.problem
    assert (bill.rows, bill.totals) == ((), {})


def test_a_truncated_gzip_is_no_smaller_bill(world, cloud, container, tmp_path):
    client, url = container
    export = Export("focus", "FocusCost", SUB, compressed=True)
    place = write_export(world, tmp_path, export, date(2026, 11, 1), date(2026, 11, 24))
    part = place / "part_0_0001.csv.gz"
    part.write_bytes(part.read_bytes()[:-200])
    put(client, tmp_path)
    assert "could not be read" in exported(cloud, url, [asked()], NOW)[asked()].problem


def test_a_container_that_is_not_there_is_a_missing_bill(cloud, azurite):
    bill = exported(cloud, f"{azurite.blobs}/nowhere", [asked()], NOW)[asked()]
    assert "looking for cost exports" in bill.problem


def test_other_data_and_other_formats_are_told_apart(world, cloud, container, tmp_path):
    client, url = container
    place = write_export(world, tmp_path, Export("focus", "FocusCost", SUB), date(2026, 11, 1), date(2026, 11, 24))
    manifest = json.loads((place / "manifest.json").read_text())
    prices = {**manifest, "exportConfig": {**manifest["exportConfig"], "type": "PriceSheet"}}
    (place / "manifest.json").write_text(json.dumps(prices))
    put(client, tmp_path)
    assert "no run of a cost export" in exported(cloud, url, [asked()], NOW)[asked()].problem
    parquet = {**manifest, "blobs": [{"blobName": "part_0_0001.snappy.parquet"}]}
    (place / "manifest.json").write_text(json.dumps(parquet))
    put(client, tmp_path)
    assert "has to be CSV" in exported(cloud, url, [asked()], NOW)[asked()].problem


def test_an_account_wide_export_is_not_added_to_those_of_its_subscriptions(world, cloud, container, tmp_path):
    client, url = container
    for export in (Export("one", "FocusCost", SUB), Export("all", "FocusCost")):
        write_export(world, tmp_path, export, date(2026, 11, 1), date(2026, 11, 24))
    put(client, tmp_path)
    bill = exported(cloud, url, [asked()], NOW)[asked()]
    assert round(bill.totals["EUR"], 9) == round(true(world, SUB), 9)
