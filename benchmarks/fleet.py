"""A fleet of any size for the benchmarks, and a policy for it: as mixed as real ones are. Values only.

Teams of 25 clusters or less; three pools each; development in three zones, staging with batch pools of its own hours,
sandboxes, production, unmatched, excluded, kept on, unreadable tags, members of a Fleet Manager, node provisioning,
stopped by hand, failed, busy.
"""

from __future__ import annotations

from typing import Any

TEAM = 25
SUBSCRIPTION_CLUSTERS = 500

POLICY = """\
version: 1
mode: plan
timezone: Europe/Berlin
scope: all
environments:
  - name: prod
    production: true
    match: [{tags: {environment: [prod, production]}}, {names: ["*prod*"]}]
  - {name: staging, match: {tags: {environment: [staging, stage]}}, guards: {keep_on_at_most: 24h}}
  - {name: dev, match: {tags: {environment: [dev, test]}}}
  - {name: sandbox, match: {names: ["sbx-*"]}}
calendars:
  berlin: {country: DE, subdivision: BE, closed: [2026-12-24]}
  karnataka: {country: IN, subdivision: KA}
schedules:
  office: {running: [Mon-Fri 07:30-19:00], calendar: berlin}
  bangalore: {timezone: Asia/Kolkata, running: [Mon-Fri 09:30-18:45], calendar: karnataka}
  new-york: {timezone: America/New_York, running: [Mon-Fri 08:00-18:00]}
  night-batch: {timezone: America/New_York, running: [Mon-Fri 22:00-04:00]}
  weekend-shift: {running: [Sat-Mon 09:00-17:00]}
rules:
  - name: dev-hours
    match: {environments: [dev]}
    except: {tags: {site: [bangalore, boston]}}
    hours: {schedule: office, lead: 20m}
  - {name: bangalore-hours, match: {tags: {site: bangalore}}, hours: {schedule: bangalore, lead: 20m}}
  - {name: boston-hours, match: {tags: {site: boston}}, hours: {schedule: [new-york, weekend-shift]}}
  - {name: staging-hours, match: {environments: [staging]}, hours: {schedule: [office, bangalore], lead: 30m}}
  - {name: staging-batch, match: {environments: [staging]}, hours: {schedule: night-batch, pools: ["batch*"]}}
  - {name: sandbox-hours, match: {environments: [sandbox]}, hours: {schedule: office, inside: any}}
exceptions:
  - {cluster: sbx-000001-00001, keep: running, until: 2026-12-18T18:00, owner: ml-team, reason: training run}
guards:
  stops: {at_most: 25%, within: 1h}
  fleet_members: refuse
"""

# (share of 100, prefix of the name, location, tags, what else the fleet file says)
KINDS: tuple[tuple[int, str, str, dict[str, str], dict[str, Any]], ...] = (
    (24, "web-dev", "westeurope", {"environment": "dev"}, {}),
    (12, "api-test", "centralindia", {"Environment": "test", "site": "bangalore"}, {}),
    (10, "app-dev", "eastus", {"environment": "dev", "site": "boston"}, {}),
    (4, "own-dev", "eastus2", {"environment": "dev", "lamplighter-schedule": "New-York"}, {}),
    (12, "shop-stg", "westeurope", {"environment": "staging"}, {}),
    (8, "sbx", "northeurope", {}, {}),
    (14, "shop-prod", "westeurope", {"environment": "production"}, {"tier": "Standard"}),
    (4, "old", "northeurope", {"enviroment": "dev"}, {}),
    (3, "kept-dev", "westeurope", {"environment": "dev", "lamplighter-keep-on-until": "2026-11-24T18:00Z"}, {}),
    (2, "excl-dev", "westeurope", {"environment": "dev", "lamplighter-exclude": "true"}, {}),
    (2, "odd-dev", "eastus", {"environment": "dev", "lamplighter-keep-on-until": "next week"}, {}),
    (2, "fleet-dev", "westeurope", {"environment": "dev"}, {"fleet": "platform"}),
    (1, "nap-dev", "westeurope", {"environment": "dev"}, {"node_provisioning": "Auto"}),
    (1, "down-dev", "westeurope", {"environment": "dev"}, {"power": "Stopped"}),
    (1, "busy-dev", "eastus", {"environment": "dev"}, {"state": "Upgrading"}),
)
POOLS: tuple[dict[str, Any], ...] = (
    {"name": "system", "mode": "System", "count": 3, "size": "Standard_D4s_v5"},
    {"name": "batch", "count": 2, "size": "Standard_D8s_v5"},
    {"name": "spot", "priority": "Spot", "count": 2, "min": 0, "max": 10, "size": "Standard_D8s_v5"},
)


def shares(size: int) -> list[int]:
    """How many clusters of each kind; they add up to `size`."""
    counts = [share * size // 100 for share, *_ in KINDS]
    counts[0] += size - sum(counts)
    return counts


def fleet(size: int, now: str, *, quota: bool = False) -> dict[str, Any]:
    """The simulator's fleet file for that many clusters, its clock at `now`; Resource Graph with its quota or not."""
    subscriptions = [
        {"id": f"{number:08x}-1111-4111-8111-111111111111", "name": f"landing-zone-{number}"}
        for number in range(1, 2 + (size - 1) // SUBSCRIPTION_CLUSTERS)
    ]
    entries: list[dict[str, Any]] = []
    for (_, prefix, location, tags, more), count in zip(KINDS, shares(size), strict=True):
        for begin in range(0, count, TEAM):
            team = len(entries)
            entries.append(
                {
                    "name": f"{prefix}-{team:06}",
                    "subscription": subscriptions[team % len(subscriptions)]["name"],
                    "resource_group": f"rg-{prefix}-{team}",
                    "location": location,
                    "tags": {
                        **tags,
                        "team": f"team-{team}",
                        "cost-center": f"cc-{team % 97}",
                        "managed-by": "terraform",
                    },
                    "count": min(TEAM, count - begin),
                    "pools": list(POOLS),
                    **more,
                }
            )
    return {"now": now, "throttle": True if quota else "graph", "subscriptions": subscriptions, "clusters": entries}
