"""The Kusto subset, value by value, over a few rows."""

from __future__ import annotations

from typing import Any

import pytest

from lamplighter.simulator.kql import parse
from lamplighter.simulator.kql_plan import compile_query
from lamplighter.simulator.resource_graph import PlainRow

ROWS = [
    {
        "id": "1",
        "name": "web-dev",
        "n": 3,
        "tags": {"env": "dev", "a-b": "x"},
        "properties": {"power": {"code": "Running"}, "pools": [{"c": 1}, {"c": 2}]},
    },
    {
        "id": "2",
        "name": "Web-Prod",
        "n": 10,
        "tags": {"env": "Prod"},
        "properties": {"power": {"code": "Stopped"}, "on": True},
    },
    {"id": "3", "name": "batch", "n": None, "tags": None, "properties": {}},
]


def run(text: str) -> list[dict[str, Any]]:
    plan = compile_query(parse(f"Resources | {text}"), ("id", "name", "n", "tags", "properties"))
    return [plan.shape(row) for row in plan.rows([PlainRow(row) for row in ROWS])]


def ids(condition: str) -> str:
    return "".join(row["id"] for row in run(f"where {condition}"))


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("name == 'web-dev'", "1"),
        ('name == "WEB-DEV"', ""),
        ("name =~ 'WEB-DEV'", "1"),
        ("name != 'web-dev'", "23"),
        ("name !~ 'WEB-DEV'", "23"),
        ("name in ('batch', 'Web-Prod')", "23"),
        ("name in~ ('BATCH', 'web-prod')", "23"),
        ("name !in ('batch')", "12"),
        ("name !in~ ('BATCH')", "12"),
        ("name contains 'EB-'", "12"),
        ("name contains_cs 'eb-P'", "2"),
        ("name !contains 'web'", "3"),
        ("name has 'dev'", "1"),
        ("name has 'de'", ""),
        ("name !has 'dev'", "23"),
        ("name startswith 'WEB'", "12"),
        ("name startswith_cs 'web'", "1"),
        ("name endswith 'PROD'", "2"),
        ("n > 3", "2"),
        ("n >= 3 and n <= 10", "12"),
        ("n < 4 or name == 'batch'", "13"),
        ("not(n > 3) and isnotnull(n)", "1"),
        ("isnull(n)", "3"),
        ("isempty(tags.env)", "3"),
        ("isnotempty(tags['env'])", "12"),
        ("tags['a-b'] == 'x'", "1"),
        ("properties.power.code =~ 'running'", "1"),
        ("tostring(properties.on) == 'true'", "2"),
        ("properties.on == true", "2"),
        ("properties.pools[1].c == 2", "1"),
        ("array_length(properties.pools) == 2", "1"),
        ("(name == 'batch' or name == 'web-dev') and n == 3", "1"),
        ("tolower(name) == 'web-prod'", "2"),
        ("toupper(tags.env) == 'DEV'", "1"),
        ("toint(n) == 10", "2"),
        ("coalesce(tags.env, name) == 'batch'", "3"),
        ("strcat(name, '-', tags.env) == 'web-dev-dev'", "1"),
        ("iff(n > 3, 'big', 'small') == 'big'", "2"),
        ("name == @'batch' // the end", "3"),
    ],
)
def test_conditions(condition, found):
    assert ids(condition) == found


def test_projections_rename_and_reach_into_values():
    row = run("where id == '1' | project id, power = properties.power.code, properties.power, tags")[0]
    assert row == {
        "id": "1",
        "power": "Running",
        "properties_power": {"code": "Running"},
        "tags": {"env": "dev", "a-b": "x"},
    }


def test_extended_columns_can_be_filtered_and_ordered_by():
    rows = run("extend env = tolower(tags.env) | where env != '' | order by env desc | project id, env")
    assert rows == [{"id": "2", "env": "prod"}, {"id": "1", "env": "dev"}]


def test_order_is_descending_unless_said_otherwise():
    """Kusto's default: an inventory must say asc."""
    assert [row["id"] for row in run("order by id")] == ["3", "2", "1"]
    assert [row["id"] for row in run("order by id asc")] == ["1", "2", "3"]
    assert [row["id"] for row in run("sort by n asc, id desc")] == ["3", "1", "2"]
    assert [row["id"] for row in run("order by name asc | order by id asc")] == ["1", "2", "3"]
    assert [row["id"] for row in run("project id = name, was = id | order by id asc")] == [
        "Web-Prod",
        "batch",
        "web-dev",
    ]


def test_rows_can_be_limited_counted_and_summarized():
    assert [row["id"] for row in run("top 1 by n desc")] == ["2"]
    assert [row["id"] for row in run("take 2")] == ["1", "2"]
    assert run("where n > 100 | count") == [{"Count": 0}]
    assert run("summarize count() by on = isnotempty(tags)") == [{"on": True, "count_": 2}, {"on": False, "count_": 1}]
    assert run("summarize many = count(), most = max(n), least = min(n), names = dcount(name)") == [
        {"many": 3, "most": 10, "least": 3, "names": 3}
    ]
    assert run("distinct has_tags = isnotempty(tags)") == [{"has_tags": True}, {"has_tags": False}]


def test_columns_can_be_dropped_and_renamed():
    assert list(run("project-away tags, properties")[0]) == ["id", "name", "n"]
    assert list(run("project id, name | project-rename label = name")[0]) == ["id", "label"]
