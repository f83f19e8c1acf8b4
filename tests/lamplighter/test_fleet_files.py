"""`--fleet FILE`: whatever the Azure CLI printed, however the shell stored it."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lamplighter.find import one_cluster, short_names
from lamplighter.fleet_source import read_fleet_file
from shared.errors import InputError
from shared.model.fleet import Cluster, Power

NOW = datetime(2026, 12, 21, 20, 0, tzinfo=UTC)


def arm(name: str) -> dict:
    return {
        "id": f"/subscriptions/S/resourceGroups/RG/providers/Microsoft.ContainerService/managedClusters/{name}",
        "name": name,
        "location": "westeurope",
        "tags": {"environment": "dev"},
        "properties": {"powerState": {"code": "Stopped"}, "provisioningState": "Succeeded"},
    }


def cli(name: str) -> dict:
    """`az` lifts what is below `properties`."""
    whole = arm(name)
    return {**{key: value for key, value in whole.items() if key != "properties"}, **whole["properties"]}


@pytest.mark.parametrize(
    "document",
    [
        pytest.param([cli("a"), cli("b")], id="az aks list -o json"),
        pytest.param(
            {"count": 2, "data": [arm("a"), arm("b")], "skip_token": None, "total_records": 2}, id="az graph query"
        ),
        pytest.param({"value": [arm("a"), arm("b")]}, id="az rest"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_every_shape_in_every_encoding(tmp_path: Path, document, encoding):
    """Windows PowerShell's `>` writes UTF-16 with a byte order mark."""
    file = tmp_path / "fleet.json"
    file.write_text(json.dumps(document), encoding=encoding)
    seen = read_fleet_file(file, NOW)
    assert [(one.name, one.power, one.tags["environment"]) for one in seen.clusters] == [
        ("a", Power.STOPPED, "dev"),
        ("b", Power.STOPPED, "dev"),
    ]
    assert seen.problems == ()
    assert seen.at == NOW


def test_one_cluster_as_az_aks_show_prints_it(tmp_path: Path):
    file = tmp_path / "one.json"
    file.write_text(json.dumps(cli("a")), encoding="utf-8")
    assert [one.name for one in read_fleet_file(file, NOW).clusters] == ["a"]


@pytest.mark.parametrize(
    ("more", "expected"),
    [({"total_records": 340}, "holds 1 of 340 rows"), ({"skip_token": "abc"}, "is one page of several")],
)
def test_a_page_is_not_taken_for_the_fleet(tmp_path: Path, more, expected):
    """`az graph query` prints 100 rows unless asked for more; a plan over them would look complete."""
    file = tmp_path / "fleet.json"
    file.write_text(json.dumps({"data": [arm("a")], **more}), encoding="utf-8")
    assert expected in read_fleet_file(file, NOW).problems[0]


def test_the_note_about_a_page_goes_to_stderr(run, room: Path):
    (room / "fleet.json").write_text(json.dumps({"data": [arm("a")], "total_records": 340}), encoding="utf-8")
    said = run("plan", "--fleet", "fleet.json", "--json")
    assert said.code == 0
    assert said.json["decisions"]
    assert said.err.startswith("note: fleet.json holds 1 of 340 rows")


def test_the_yaml_of_the_simulator(room: Path):
    clusters = read_fleet_file(room / "fleet.yaml", NOW).clusters
    by_name = {one.name: one for one in clusters}
    assert len(clusters) == 10
    assert by_name["api-dev"].power is Power.STOPPED
    assert by_name["nap-dev"].node_provisioning == "Auto"
    assert [pool.name for pool in by_name["shop-stg"].pools] == ["system", "batch1"]


def cluster(name: str, group: str = "rg") -> Cluster:
    id_ = f"/subscriptions/s/resourcegroups/{group}/providers/microsoft.containerservice/managedclusters/{name}"
    return Cluster(id_.casefold(), name, group, "s")


def test_a_cluster_is_found_by_name_id_or_group_and_name():
    fleet = [cluster("Web"), cluster("api"), cluster("twin", "one"), cluster("twin", "two")]
    assert one_cluster(fleet, "wEB") is fleet[0]
    assert one_cluster(fleet, f"{fleet[1].id.upper()}/") is fleet[1]
    assert one_cluster(fleet, "two/twin") is fleet[3]


def test_a_long_list_of_names_is_cut():
    with pytest.raises(InputError, match=r"c000, .*, c007 and 92 more$"):
        one_cluster([cluster(f"c{number:03}") for number in range(100)], "zzzzzz")


def test_names_are_short_where_they_can_be():
    fleet = [cluster("web"), cluster("twin", "one"), cluster("Twin", "two")]
    assert list(short_names(fleet).values()) == ["web", "twin (one)", "Twin (two)"]
