"""The chart of a digest: what each of the last weeks cost, this one lit. A Vega-Lite value; `picture` renders it.

Readable in five seconds: one colour means one thing, every bar has its number, nothing needs a legend. A provisional
bar is paler and says so. White stays behind it, so that it reads the same in a dark mail client.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shared.model.digest import Bar, Figures
from shared.reports.chart import INK, LAMP, SCHEMA, STONE

PALE = "#f3d9b1"
"""LAMP for what may still change."""
_FONT = "Helvetica, Arial, sans-serif"
_SOFT = "#5b6477"
WIDTH, HEIGHT = 470, 190


def heading(figures: Figures) -> str:
    """What the bars are, for whoever sees nothing else."""
    return f"What AKS cost, week by week, {figures.currency}".rstrip(", ")


def weeks(figures: Figures) -> dict[str, Any]:
    """Bars by week, the last one lit, and the usual week as a line."""
    rows = [_row(bar, is_last=bar is figures.weeks[-1]) for bar in figures.weeks]
    layers: list[dict[str, Any]] = [_bars(), _numbers(rows)]
    if figures.total.usual is not None and len(rows) > 1:
        layers += _usual(float(figures.total.usual))
    return {
        "$schema": SCHEMA,
        "background": "white",
        "title": {
            "text": heading(figures),
            "anchor": "start",
            "font": _FONT,
            "fontSize": 15,
            "fontWeight": "normal",
            "color": _SOFT,
            "offset": 12,
        },
        "padding": {"left": 4, "right": 4, "top": 8, "bottom": 4},
        "width": WIDTH,
        "height": HEIGHT,
        "data": {"values": rows},
        "encoding": {
            "x": {
                "field": "week",
                "type": "ordinal",
                "sort": [row["week"] for row in rows],
                "axis": {
                    "title": None,
                    "ticks": False,
                    "domain": False,
                    "labelAngle": 0,
                    "labelPadding": 6,
                    "labelExpr": "split(datum.label, '|')",
                },
                "scale": {"paddingInner": 0.25, "paddingOuter": 0.1},
            },
            "y": {
                "field": "amount",
                "type": "quantitative",
                "axis": None,
                "scale": {"zero": True, "domainMax": _top(rows, figures)},
            },
        },
        "layer": layers,
        "config": {
            "view": {"stroke": None},
            "axis": {"labelFont": _FONT, "labelColor": _SOFT, "labelFontSize": 15},
            "text": {"font": _FONT, "color": INK, "fontSize": 16},
        },
    }


def _row(bar: Bar, *, is_last: bool) -> dict[str, Any]:
    colour = (PALE if bar.provisional else LAMP) if is_last else STONE
    name = f"W{bar.week.number:02}{'|so far' if bar.provisional else ''}"
    return {"week": name, "amount": float(bar.amount), "colour": colour, "edge": LAMP if is_last else STONE}


def _top(rows: Sequence[Mapping[str, Any]], figures: Figures) -> float:
    """Room for the numbers above the highest bar."""
    highest = max([row["amount"] for row in rows] + [float(figures.total.usual or 0), 0.01])
    return float(highest) * 1.12


def _bars() -> dict[str, Any]:
    return {
        "mark": {"type": "bar", "cornerRadiusEnd": 3, "strokeWidth": 1.5},
        "encoding": {
            "color": {"field": "colour", "type": "nominal", "scale": None},
            "stroke": {"field": "edge", "type": "nominal", "scale": None},
        },
    }


def _numbers(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    highest = max(row["amount"] for row in rows)
    # d3's formats; 123k where the digits of one bar would run into the next one's.
    shown = ".3s" if highest >= 100_000 else ",.0f" if highest >= 1000 else ",.2f"
    last = rows[-1]["week"]
    weight = {"condition": {"test": f"datum.week === {last!r}", "value": "bold"}, "value": "normal"}
    return {
        "mark": {"type": "text", "baseline": "bottom", "dy": -4},
        "encoding": {
            "text": {"field": "amount", "type": "quantitative", "format": shown},
            "fontWeight": weight,
        },
    }


def _usual(value: float) -> list[dict[str, Any]]:
    """A line at the usual week, named to its right. Its own data: else it would be drawn once a bar."""
    place = {
        "data": {"values": [{"usual": value}]},
        "encoding": {"x": None, "y": {"field": "usual", "type": "quantitative"}},
    }
    name = {"type": "text", "text": ["usual", f"{value:,.0f}"], "align": "left", "baseline": "middle", "x": WIDTH + 4}
    return [
        {"mark": {"type": "rule", "color": INK, "strokeDash": [4, 4], "opacity": 0.6, "x": 0, "x2": WIDTH}, **place},
        {"mark": {**name, "color": _SOFT, "fontSize": 15}, **place},
    ]


def picture(chart: Mapping[str, Any], scale: float = 2.0) -> bytes:
    """The chart as PNG, at twice the size for sharp screens. Imports vl-convert: 0.1 s, and only here."""
    import vl_convert  # noqa: PLC0415 - only who draws pays for it

    return bytes(vl_convert.vegalite_to_png(dict(chart), scale=scale))


def alternative(figures: Figures) -> str:
    """The chart in words, for those who do not see it."""
    last = figures.weeks[-1]
    told = f"Cost by week, the last {len(figures.weeks)}: "
    return told + ", ".join(
        f"W{bar.week.number:02} {bar.amount:,.0f}{' so far' if bar is last and bar.provisional else ''}"
        for bar in figures.weeks
    )
