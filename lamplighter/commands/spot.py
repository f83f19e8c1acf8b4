"""`lamplighter spot`: which pools could run on spot, at which price, saving and risk, and what their workloads need."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lamplighter import options
from lamplighter.terminal import console, counted, print_json, progress, table

if TYPE_CHECKING:
    from datetime import datetime

    from lamplighter.spot_advice import Advice
    from shared.clients.spot_offers import Offers
    from shared.model.fleet import Cluster
    from shared.model.money import Money, Prices

WORKLOAD = """\
What a workload needs to run there, and to run on on-demand nodes while there is no spot:

  tolerations:
    - {key: kubernetes.azure.com/scalesetpriority, operator: Equal, value: spot, effect: NoSchedule}
  affinity:
    nodeAffinity:
      preferredDuringSchedulingIgnoredDuringExecution:     # preferred: required would leave it pending
        - weight: 100
          preference:
            matchExpressions: [{key: kubernetes.azure.com/scalesetpriority, operator: In, values: [spot]}]

Two replicas or more, a disruption budget, and an end within seconds: notice is 30 seconds at best.
Then let Lamplighter fall back and return, among the rules of policy.yaml:

  - {name: on-spot, match: {environments: [dev]}, spot: {groups: auto}}
"""
STYLES = {"could": "green", "spot": "", "no": "dim", "unknown": "yellow"}
ORDER = ("could", "spot", "unknown", "no")


def command(
    *,
    fleet: options.FleetFile = None,
    policy: options.PolicyFile = options.DEFAULT_POLICY,
    prices: Annotated[
        list[Path] | None,
        typer.Option(
            "--prices",
            metavar="FILE",
            help="Prices and eviction rates from files instead of Azure: answers of the Retail Prices API, rows of "
            "`az graph query -q spotresources`, or a CSV of region, sku, kind, usd_per_hour. May be repeated.",
        ),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="List also the pools that are not recommended.")] = False,
    as_json: options.Json = False,
) -> None:
    """Which user pools could run on spot: real prices, how often nodes are taken back, saving, and what it takes.

    Reads prices and, without --fleet, eviction rates from Azure, or what --prices holds; never touches a cluster. With
    --fleet no policy is read. What is not known is said, and recommended is nothing on it.
    """
    from lamplighter.fleet_source import read_fleet  # noqa: PLC0415
    from lamplighter.spot_advice import advise  # noqa: PLC0415
    from lamplighter.subject import read_subject  # noqa: PLC0415
    from lamplighter.terminal import warn  # noqa: PLC0415
    from shared.model.fleet import Scope  # noqa: PLC0415

    now = options.moment(None)
    if fleet is not None:
        seen = read_fleet(fleet, Scope(), now)
        warn(seen.problems)
    else:
        seen = read_subject(policy, None, now).inventory
    if prices:
        from lamplighter.market_files import read_market  # noqa: PLC0415

        listed, offers = read_market(prices)
    else:
        listed, offers = _market(seen.clusters, now, offers=fleet is None)
    found = [one for cluster in seen.clusters for one in advise(cluster, listed, offers)]
    if as_json:
        print_json({"at": now, "pools": [_row(one) for one in found]})
    else:
        _show(found, everything=everything)
        warn(_unknown(found, listed=bool(listed), from_files=bool(prices)))


def _market(clusters: Iterable[Cluster], now: datetime, *, offers: bool) -> tuple[Prices, Offers]:
    from lamplighter.deciding import Kept  # noqa: PLC0415
    from lamplighter.fleet_source import laptop_settings  # noqa: PLC0415
    from shared.clients.azure import Cloud  # noqa: PLC0415
    from shared.clients.market import list_prices  # noqa: PLC0415
    from shared.clients.pipeline import Patience  # noqa: PLC0415
    from shared.clients.spot_offers import spot_offers  # noqa: PLC0415

    seen = tuple(clusters)
    with progress("reading prices ..."), Cloud.connect(laptop_settings()) as cloud:
        prices = list_prices(cloud, seen, Kept(), now)
        if not offers:
            return prices, {}
        sizes = {(one.location.replace(" ", ""), pool.vm_size) for one in seen for pool in one.pools if pool.vm_size}
        return prices, spot_offers(cloud, sizes, Kept(), now, Patience())


def _unknown(found: list[Advice], *, listed: bool, from_files: bool) -> Iterator[str]:
    """What could not be told, and what would tell it."""
    priceless = [one for one in found if one.verdict == "unknown"]
    if priceless:
        where = "the files name none" if from_files else "Azure has none"
        why = where if listed else "no price was read: is prices.azure.com reached from here?"
        pools = f"the prices of {counted(len(priceless), 'pool')} are unknown"
        yield f"{pools}, and nothing is recommended for them ({why}); --prices FILE reads them from a file"
    if any(one.verdict == "could" and one.rate is None for one in found):
        yield (
            "how often nodes are taken back is unknown for some pools: without --fleet it is asked of Azure, "
            "or --prices FILE takes what `az graph query -q spotresources --first 1000 -o json` printed"
        )


def _row(one: Advice) -> dict[str, Any]:
    return {
        "cluster": one.cluster.id,
        "pool": one.pool.name,
        "nodes": one.pool.count,
        "size": one.pool.vm_size,
        "verdict": one.verdict,
        "why": one.why,
        "on_demand": _amount(one.on_demand),
        "spot": _amount(one.spot),
        "eviction_rate": one.rate,
        "estimated_saving_a_month": _amount(one.saving),
    }


def _amount(money: Money | None) -> dict[str, str] | None:
    return None if money is None else {"amount": str(money.amount), "currency": money.currency}


def _show(found: list[Advice], *, everything: bool) -> None:
    from rich.text import Text  # noqa: PLC0415

    from lamplighter.find import short_names  # noqa: PLC0415

    out = console()
    names = short_names([one.cluster for one in found])
    shown = [one for one in found if everything or one.verdict != "no"]
    headings = ("cluster", "pool", "nodes>", "size", "on-demand/h>", "spot/h>", "evicted/h>", "a month est.>", "why*")
    lines = table(*headings)
    for one in sorted(shown, key=lambda each: (ORDER.index(each.verdict), -(each.saving.amount if each.saving else 0))):
        lines.add_row(
            names[one.cluster.id],
            Text(one.pool.name, style=STYLES[one.verdict]),
            "" if one.pool.count is None else str(one.pool.count),
            (one.pool.vm_size or "").removeprefix("Standard_"),
            _hourly(one.on_demand),
            _hourly(one.spot),
            f"{one.rate} %" if one.rate else "",
            "" if one.saving is None else str(one.saving),
            one.why,
        )
    if shown:
        out.print(lines)
    could = [one for one in found if one.verdict == "could"]
    left = counted(len(found) - len(shown), "pool")
    out.print(f"\n{counted(len(found), 'pool')}: {len(could)} could run on spot.", style="bold")
    if len(found) > len(shown):
        out.print(f"{left} never should or cannot; --all says why.", style="dim")
    if could:
        out.print(f"Estimates: {_total(could)} a month, all nodes on spot all the time at these prices.\n")
        out.print(WORKLOAD, markup=False, highlight=False)


def _hourly(money: Money | None) -> str:
    return "" if money is None else f"{money.amount:.4f}"


def _total(could: list[Advice]) -> str:
    sums: dict[str, Money] = {}
    for one in could:
        if one.saving is not None:
            have = sums.get(one.saving.currency)
            sums[one.saving.currency] = one.saving if have is None else have + one.saving
    return ", ".join(str(money) for _, money in sorted(sums.items()))
