"""Charts are values: what is in them is what people will see, in the order in which it was given."""

from __future__ import annotations

import json

import pytest

from shared.reports.chart import Panel, bars

PANELS = (Panel("hours on, %", (45.0, 100.0)), Panel("cold starts a day", (0.5, None), ".2f"))


def test_a_panel_for_each_quantity_and_a_bar_for_each_name() -> None:
    value = bars("2 clusters", ("ours", "always-on"), PANELS, {"ours"})
    first, second = value["hconcat"]
    assert [panel["title"]["text"] for panel in (first, second)] == ["hours on, %", "cold starts a day"]
    assert first["data"]["values"] == [
        {"name": "ours", "value": 45.0, "marked": True},
        {"name": "always-on", "value": 100.0, "marked": False},
    ]
    assert second["data"]["values"][1]["value"] is None, "what is not known has no bar"
    assert first["encoding"]["y"]["sort"] == ["ours", "always-on"]


def test_it_is_json_as_it_stands() -> None:
    value = bars("2 clusters", ("ours", "always-on"), PANELS)
    assert json.loads(json.dumps(value)) == value


def test_a_value_too_few_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="zip"):
        bars("", ("one", "two"), (Panel("x", (1.0,)),))


def test_the_renderer_takes_it() -> None:
    """A property that Vega-Lite does not know would be dropped without a word; the text must be there."""
    vl_convert = pytest.importorskip("vl_convert")
    svg = vl_convert.vegalite_to_svg(bars("2 clusters", ("ours", "always-on"), PANELS, {"ours"}))
    assert ">0.50<" in svg
    assert ">always-on<" in svg
