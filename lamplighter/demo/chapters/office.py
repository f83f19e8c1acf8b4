"""Office hours: patches, a lack of capacity, people who start and stop by hand, a reply that gets lost, a start without
nodes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from lamplighter.demo.story import Chapter, Scene
from lamplighter.simulator import Fault

BARE = "import-dev"

CHAPTER = Chapter(
    (
        Scene(
            datetime(2026, 10, 22, 16, 40, tzinfo=UTC),
            "Azure patches the nodes of import-dev for two hours",
            lambda demo: demo.world.foreign_operation("import-dev", state="Updating", lasts=timedelta(hours=2)),
        ),
        Scene(
            datetime(2026, 10, 22, 20, 0, tzinfo=UTC),
            "northeurope runs out of capacity for gpu-dev until the morning after",
            lambda demo: demo.world.inject(Fault.operation_fails("POST */gpu-dev/start", times=2)),
        ),
        Scene(
            datetime(2026, 10, 24, 8, 0, tzinfo=UTC),
            "on Saturday morning somebody starts data-dev by hand",
            lambda demo: demo.world.person_starts("data-dev"),
        ),
        Scene(
            datetime(2026, 10, 27, 9, 30, tzinfo=UTC),
            "on Tuesday somebody stops web-dev by hand, at half past ten",
            lambda demo: demo.world.person_stops("web-dev"),
        ),
        Scene(
            datetime(2026, 10, 27, 17, 55, tzinfo=UTC),
            "a reply of Azure gets lost on the way: portal-dev was told to stop and nobody heard the answer",
            lambda demo: demo.world.inject(Fault.lost_reply("POST */portal-dev/stop")),
        ),
        Scene(
            datetime(2026, 10, 28, 5, 0, tzinfo=UTC),
            f"in the night on Wednesday a new firewall rule keeps the nodes of {BARE} from joining it",
            lambda demo: demo.world.readiness.never.add(demo.world.cluster(BARE).key),
        ),
        Scene(
            datetime(2026, 10, 28, 8, 30, tzinfo=UTC),
            f"the firewall lets the nodes of {BARE} through",
            lambda demo: demo.world.readiness.join(demo.world.cluster(BARE), demo.world.now()),
        ),
    )
)
