"""Money: on Monday at eight finance gets the digest of the week in which Lamplighter began, on Thursday.

Nothing was ever stopped in the eight weeks before, and nobody looked either: what would have run is then what each pool
has at least. Somebody forgot a database's disk and an address (`billing` in fleet.yaml).
"""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from lamplighter.demo.story import ZONE, Chapter, Scene
from lamplighter.rehearsal import Rehearsal
from shared.handlers.digest import digest

KEEPER = "notebook-dev"
"""It always runs, so what is attached to nothing does not wait for it."""
DUE = datetime(2026, 10, 26, 8, 7, tzinfo=ZoneInfo(ZONE))
"""The timer of the digest is at seven minutes past each hour."""


def told(demo: Rehearsal) -> RenderableType:
    """What finance read, in the short form of a chat channel."""
    if not demo.delivered:
        return Text("The digest was not sent.", style="red")
    _, parcel = demo.delivered[-1]
    head = Text(f"{parcel.title}: what finance got on Monday", style="bold")
    lines = [Text(line) for line in parcel.text.splitlines() if line]
    more = Text("Mail brings a chart and a workbook too: lamplighter digest --from-export FILE --out DIR", style="dim")
    return Group(head, Padding(Group(*lines, more), (0, 0, 0, 2)))


CHAPTER = Chapter(
    (Scene(DUE, "Monday morning: the digest of last week goes to finance", lambda demo: digest(demo.app)),)
)
