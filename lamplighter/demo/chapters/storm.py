"""An eviction storm: a shop on spot nodes that are all taken back on Wednesday evening, and where its nodes were."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from rich.table import Table
from rich.text import Text

from lamplighter.demo.story import ZONE, Chapter, Scene
from lamplighter.rehearsal import Rehearsal
from lamplighter.simulator.spot_market import Place

SHOP = "shop-dev"
TAKEN = Place("westeurope", "standard_d4s_v5", "1", spot=True)
CELL = timedelta(minutes=3)
BARS = "·▁▂▃▄▅▆▇█"


def _vienna(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 10, 28, hour, minute, tzinfo=ZoneInfo(ZONE))


SHOWN = (_vienna(17, 45), _vienna(19, 30))


def _take_back(demo: Rehearsal) -> None:
    demo.world.market.tape(TAKEN, demo.world.now(), timedelta(hours=3), [0, 9])


CHAPTER = Chapter(
    (
        Scene(_vienna(17), f"the shop's team starts {SHOP} for a test", lambda demo: demo.world.person_starts(SHOP)),
        Scene(_vienna(18), f"Azure takes back every spot node of zone 1, all three of {SHOP} among them", _take_back),
        Scene(_vienna(20), f"the test is over: the team stops {SHOP}", lambda demo: demo.world.person_stops(SHOP)),
    )
)


def timeline(demo: Rehearsal) -> Table:
    """Ready nodes of each pool of the shop around the storm, a cell for three minutes."""
    begin, end = SHOWN
    table = Table.grid(padding=(0, 1, 0, 0))
    hours = [begin + number * CELL for number in range(int((end - begin) / CELL))]
    half_hours = range(0, len(hours), 10)
    marks = "".join(f"{hours[number]:%H:%M}".ljust(10) for number in half_hours)
    table.add_row(Text(SHOP, style="bold"), Text(marks, style="dim"))
    key = demo.world.cluster(SHOP).key
    for (cluster, pool), log in sorted(demo.world.market.sizes.items(), key=lambda one: one[0][1] == "ondemand"):
        if cluster == key and pool != "system":
            heights = [_ready(log, at.astimezone(demo.world.now().tzinfo)) for at in hours]
            cells = "".join(BARS[min(2 * ready, len(BARS) - 1)] for ready in heights)
            table.add_row(Text(pool), Text(cells, style="yellow" if pool.startswith("spot") else "red"))
    return table


def _ready(log: Sequence[tuple[datetime, int, int]], at: datetime) -> int:
    return next((ready for since, ready, _ in reversed(log) if since <= at), 0)
