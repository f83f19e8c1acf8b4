"""Rings: on Sunday, in the night on which the clocks go back, a sleeping cluster is woken, upgraded and put to sleep.

Staging follows on Wednesday evening. There a pod does not want to go: all stands still until somebody has looked.
"""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from lamplighter.demo.story import ZONE, Chapter, Scene
from lamplighter.rehearsal import Rehearsal
from lamplighter.ringing import release
from lamplighter.simulator import Fault
from lamplighter.simulator.resources import current_version, pool_version
from shared.model.versions import Version
from shared.policy.support import tested
from shared.policy.support_dates import support_ends_on

FIRST, SECOND, PRODUCTION = "ledger-dev", "ledger-staging", "shop-prod"
RULE = "ledger-rings"
WHO = "ana"


def _vienna(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 10, day, hour, minute, tzinfo=ZoneInfo(ZONE))


def _will_not_drain(demo: Rehearsal) -> None:
    roll = f"PUT */managedclusters/{SECOND}/agentpools/apps"
    demo.world.inject(Fault.operation_fails(roll, "PodDrainFailure", "the budget of ledger-0 lets no pod go"))


CHAPTER = Chapter(
    (
        Scene(
            _vienna(28, 19, 50), f"somebody gives ledger-0 on {SECOND} a budget that lets no pod go", _will_not_drain
        ),
        Scene(
            _vienna(28, 21, 30),
            f"{WHO} has relaxed the budget: lamplighter upgrades release",
            lambda demo: release(demo.app.journal, None, WHO, demo.world.now()),
        ),
    )
)


def told(demo: Rehearsal) -> RenderableType:
    """Where the rings have come to, and what production is told."""
    rings = demo.app.journal.fleet().value.rings
    grid = Table.grid(padding=(0, 2, 0, 0))
    for ring, name in (("dev", FIRST), ("staging", SECOND)):
        cluster = demo.world.cluster(name)
        seen = None if RULE not in rings else rings[RULE].ring(ring)
        proven = seen is not None and seen.proof is not None and seen.proof.what == current_version(cluster)
        pools = ", ".join(sorted({pool_version(pool) for pool in cluster.pools}))
        grid.add_row(
            ring, name, f"control plane {current_version(cluster)}, pools {pools}", "soaked" if proven else "soaking"
        )
    version = Version.read(current_version(demo.world.cluster(PRODUCTION)))
    path = None if version is None else tested(version, rings, demo.world.now())
    ends_on = None if version is None else support_ends_on(version.line, lts=False)
    way = "no way out was tested yet" if path is None else f"tested: {path.sentence}"
    said = f"{PRODUCTION} is told, and never touched: {version} is supported until {ends_on}; {way}"
    return Group(Text("Kubernetes, ring after ring", style="bold"), grid, Text(said))
