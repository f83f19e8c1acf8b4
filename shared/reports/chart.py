"""Values as charts: plain Vega-Lite documents, which any Vega renderer draws. Pure; nothing is rendered here.

From: https://vega.github.io/vega-lite/docs/
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"
LAMP, STONE, INK = "#e09f3e", "#b8bfc9", "#33415c"
"""What is meant, what it stands beside, and text: told apart in grey and by colour-blind eyes too."""
_FONT = "Helvetica, Arial, sans-serif"


@dataclass(frozen=True, slots=True)
class Panel:
    """One quantity: a value for each name; None where there is none."""

    title: str
    values: tuple[float | None, ...]
    shown: str = ".1f"
    """d3's format of a value. From: https://d3js.org/d3-format"""


def bars(title: str, names: Sequence[str], panels: Sequence[Panel], marked: Collection[str] = ()) -> dict[str, Any]:
    """Bar charts side by side that share their names, top to bottom as given; `marked` ones stand out.

    Raises ValueError for a panel with more or fewer values than there are names.
    """
    return {
        "$schema": SCHEMA,
        "title": {"text": title, "anchor": "start", "color": INK, "font": _FONT, "fontSize": 15, "offset": 14},
        "background": "white",
        "padding": 16,
        "hconcat": [_panel(one, names, marked, named=number == 0) for number, one in enumerate(panels)],
        "spacing": 24,
        "config": {
            "view": {"stroke": None},
            "axis": {"labelFont": _FONT, "labelColor": INK, "labelFontSize": 12, "labelLimit": 240},
            "text": {"font": _FONT, "color": INK, "fontSize": 11},
        },
    }


def _panel(panel: Panel, names: Sequence[str], marked: Collection[str], *, named: bool) -> dict[str, Any]:
    rows = [
        {"name": name, "value": value, "marked": name in marked}
        for name, value in zip(names, panel.values, strict=True)
    ]
    axis = {"ticks": False, "domain": False, "labelPadding": 8, "title": None} if named else None
    place = {"field": "name", "type": "nominal", "sort": list(names), "axis": axis}
    length = {"field": "value", "type": "quantitative", "axis": None, "scale": {"zero": True}}
    number = {"field": "value", "type": "quantitative", "format": panel.shown}
    colour = {"condition": {"test": "datum.marked", "value": LAMP}, "value": STONE}
    return {
        "title": {"text": panel.title, "anchor": "start", "color": INK, "font": _FONT, "fontSize": 12, "offset": 6},
        "width": 130,
        "height": {"step": 24},
        "data": {"values": rows},
        "encoding": {"y": place, "x": length},
        "layer": [
            {"mark": {"type": "bar", "height": {"band": 0.7}, "cornerRadiusEnd": 2}, "encoding": {"color": colour}},
            {"mark": {"type": "text", "align": "left", "dx": 4}, "encoding": {"text": number}},
        ],
    }
