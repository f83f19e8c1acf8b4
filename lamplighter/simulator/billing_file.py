"""What a fleet file says about the bill: how it is agreed, what is reserved, what else is paid for.

billing:
  currency: EUR
  agreement: EA                  # EA | MCA | PAYG: what the cost is called
  lag_hours: 12                  # nothing younger is told
  since: 2026-09-28              # everything was there since then, as it is now; when left out, since the world began
  reservations: [{location: westeurope, size: Standard_D4s_v5, nodes: 4}]
  others:                        # the same every day; a refund is negative
    - {subscription: dev, resource: /subscriptions/.../workspaces/logs, category: Log Analytics, amount: 3.2}
  left:                          # disks and addresses that nothing uses any more
    - {cluster: web-dev, disk: pvc-of-an-old-database, gb: 512}
    - {cluster: web-dev, address: old-ingress}
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from lamplighter.simulator.belongings import leave_address, leave_disk
from lamplighter.simulator.charges import Reservation
from lamplighter.simulator.cost_query import SPELLED

if TYPE_CHECKING:
    from lamplighter.simulator.world import World


def open_books(world: World, entry: dict[str, Any]) -> None:
    """The world's meter as the file has it. KeyError, TypeError or ValueError for what is no bill."""
    meter = world.meter
    meter.tariff.currency = str(entry.get("currency", meter.tariff.currency))
    meter.lag = timedelta(hours=float(entry.get("lag_hours", 12)))
    agreement = str(entry.get("agreement", world.costs.agreement)).upper()
    if agreement not in SPELLED:
        msg = f"billing: unknown agreement {agreement!r}; known are {', '.join(SPELLED)}"
        raise ValueError(msg)
    world.costs.agreement = agreement
    for one in entry.get("reservations") or ():
        meter.reservations.append(Reservation(str(one["location"]), str(one["size"]), int(one["nodes"])))
    for one in entry.get("others") or ():
        named = str(one["subscription"]).lower()
        found = next((key for key, sub in world.subscriptions.items() if named in (key, sub.name.lower())), named)
        day = one.get("on")
        on = date.fromisoformat(str(day)) if day else None
        meter.also(found, str(one.get("resource", "")), str(one["category"]), str(one["amount"]), on)
    if "since" in entry:
        meter.began = datetime.combine(date.fromisoformat(str(entry["since"])), time(), UTC)
    for one in entry.get("left") or ():
        if "disk" in one:
            leave_disk(world, str(one["cluster"]), str(one["disk"]), int(one.get("gb", 128)))
        else:
            leave_address(world, str(one["cluster"]), str(one["address"]))
    if meter.began is not None:
        meter.left[:] = [one._replace(since=meter.began) for one in meter.left]
