"""Queries of the workbook and of the alerts: Microsoft's parser takes them, and they read the figures that are written."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.infra.templates import INFRA, variable

ROOT = Path(__file__).resolve().parents[3]
PAGE = json.loads((INFRA / "workbook" / "lamplighter.json").read_text(encoding="utf-8"))
WORKBOOK = {one["name"]: one["content"]["query"] for one in PAGE["items"] if one["type"] == 3}
ALERTS = {one["key"]: one["query"] for one in variable("modules/alerts.bicep", "rules")}


SAMPLES = {
    f"{path.name} {number}": text
    for path in sorted((ROOT / "docs").glob("*.md"))
    for number, text in enumerate(
        re.findall(r"^```kql\n(.*?)^```", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    )
}


def test_every_query_parses(parse):
    queries = WORKBOOK | ALERTS | SAMPLES
    assert len(queries) == len(WORKBOOK) + len(ALERTS) + len(SAMPLES) >= 15
    assert SAMPLES
    assert parse(queries) == {name: [] for name in queries}


def test_a_misspelt_column_is_told(parse):
    said = parse(
        {"bad": WORKBOOK["clusters"].replace("timestamp", "timestam"), "worse": ALERTS["poison"] + " | whre 1"}
    )
    assert said["bad"]
    assert said["worse"]


def test_the_queries_read_what_the_code_writes():
    """Names of figures and of their fields, against the code; docs/telemetry.md lists them all."""
    code = "\n".join(file.read_text(encoding="utf-8") for file in (ROOT / "shared").rglob("*.py"))
    code += (ROOT / "function_app.py").read_text(encoding="utf-8")
    page = (ROOT / "docs" / "telemetry.md").read_text(encoding="utf-8")
    written = set(re.findall(r'measured\(\s*"(\w+)"', code))
    read = {what for text in WORKBOOK.values() for what in re.findall(r'"measured (\w+) "', text)}
    assert read == written == set(re.findall(r"`measured (\w+)`", page))
    for text in (*WORKBOOK.values(), *ALERTS.values()):
        for field in re.findall(r"\bm\.(\w+)", text):
            assert f'"{field}"' in code, field
            assert f"`{field}`" in page, field
