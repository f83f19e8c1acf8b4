"""Which alerts a rule listens to, and which clusters an alert is about. Pure.

An alert is about a cluster when it names it: as a target, as something below it or in its node resource group, or in a
label or dimension. A rule with `target` says the rest itself: alerts about that resource, a queue for instance, are
about every cluster that the rule matches.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.model.alerts import Alert, Occurrence, Signal, occurrences
from shared.model.facts import Fact, Need, View
from shared.model.fleet import Cluster, Power
from shared.model.memory import Memory
from shared.model.relief import Step
from shared.policy.bound import BoundRule
from shared.policy.document import Policy
from shared.policy.endings import is_starting
from shared.policy.match import fits

KEY = "on_alert"
STOP_TAKES = timedelta(hours=1)
"""The longest a stop takes from its call until it is seen: an alert meanwhile is the stop's own."""
SETTLES = timedelta(minutes=15)
"""After a start: nodes and pods are not there yet, and metrics come late."""
KEPT = timedelta(days=8)
"""How long the inbox and what was done about it are remembered; longer than any `for`."""
LONG_AGO, _FOREVER = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
_COMPUTE = "/providers/microsoft.compute/"


def listens(block: Any, said: Alert | Occurrence) -> bool:
    """Whether a rule's block means this alert, whatever it is about: name, severity, signal, target."""
    return (
        any(fits(name, tuple(block.alert)) for name in _names(said.rule))
        and (block.severity is None or said.severity in block.severity)
        and (block.signal is None or said.signal.value in block.signal)
        and (block.target is None or any(fits(one, tuple(block.target)) for one in said.targets))
    )


def _names(rule: str) -> tuple[str, ...]:
    """An alert of a Prometheus rule group is called `group/alert`: people may name either."""
    return (rule, rule.rpartition("/")[2])


def concerns(said: Alert | Occurrence, cluster: Cluster) -> bool:
    """Whether the alert itself names the cluster."""
    return any(_is_below(target, cluster) for target in said.targets) or any(
        name in (cluster.id, cluster.name.casefold()) for name in said.clusters
    )


def _is_below(target: str, cluster: Cluster) -> bool:
    if target == cluster.id or target.startswith(f"{cluster.id}/"):
        return True
    nodes = _nodes(cluster)
    return bool(nodes) and (target == nodes or target.startswith(f"{nodes}/"))


def recent(messages: Iterable[Alert], now: datetime) -> tuple[Occurrence, ...]:
    """What the inbox's messages together tell, of the time that is remembered."""
    return tuple(one for one in occurrences(messages) if now - one.fired_at < KEPT)


def sorted_out(found: Iterable[Occurrence], clusters: Iterable[Cluster], now: datetime) -> dict[str, Fact]:
    """Lower-case cluster id -> fact with the alerts that name the cluster, and those that name none of `clusters`.

    In a storm thousands of alerts meet thousands of clusters: each is looked up once.
    """
    seen = tuple(clusters)
    by_key: dict[str, list[str]] = {}
    for cluster in seen:
        for key in (cluster.id, cluster.name.casefold(), _nodes(cluster)):
            by_key.setdefault(key, []).append(cluster.id)
    about: dict[str, list[Occurrence]] = {cluster.id: [] for cluster in seen}
    nobodys = []
    for one in found:
        keys = [*(key for target in one.targets for key in _keys(target)), *one.clusters]
        named = dict.fromkeys(id_ for key in keys for id_ in by_key.get(key, ()))
        for id_ in named:
            about[id_].append(one)
        if not named:
            nobodys.append(one)
    return {id_: Fact((*alerts, *nobodys), now) for id_, alerts in about.items()}


def _keys(target: str) -> tuple[str, str]:
    """The resource that the first nine parts of an id name, and its resource group."""
    parts = target.split("/")
    return "/".join(parts[:9]), "/".join(parts[:5])


def _nodes(cluster: Cluster) -> str:
    """Lower-case id of its node resource group; '' where it is not known."""
    group = cluster.node_resource_group
    return f"/subscriptions/{cluster.subscription}/resourcegroups/{group}".casefold() if group else ""


def listening(policy: Policy, said: Alert) -> tuple[BoundRule, ...]:
    """The rules that mean this alert, whichever clusters they match."""
    return tuple(rule for rule in policy.rules if rule.kind == KEY and listens(rule.block, said))


def may_concern(memory: Memory, said: Alert, rules: Iterable[BoundRule]) -> bool:
    """Whether a look at the remembered cluster is worth a call: it adopted one of the rules, and may be meant.

    A guess on the safe side: who looks decides anew.
    """
    adopted = {name for target in memory.targets.values() for name in target.adopted}
    mine = [rule for rule in rules if rule.name in adopted]
    return bool(mine) and (any(rule.block.target is not None for rule in mine) or _names_it(said, memory.cluster))


def _names_it(said: Alert, cluster: str) -> bool:
    scope = "/".join(cluster.split("/")[:3])
    return any(
        target == cluster or target.startswith(f"{cluster}/") or (_COMPUTE in target and target.startswith(f"{scope}/"))
        for target in said.targets
    ) or any(name in (cluster, cluster.rpartition("/")[2]) for name in said.clusters)


def means(said: Alert | Occurrence, cluster: Cluster, block: Any) -> bool:
    """Whether a rule that matches the cluster is to do something about this alert there."""
    return listens(block, said) and (block.target is not None or concerns(said, cluster))


def firing(view: View, rule: BoundRule) -> tuple[Occurrence, ...] | None:
    """The alerts that fire now and that the rule means here, oldest first; None when that is not known.

    Without those that our own planned stop brought about: who stops a cluster knows that it is not there.
    """
    fact = view.facts.get(Need.ALERTS)
    if fact is None or not fact.known:
        return None
    return tuple(
        one
        for one in fact.value
        if one.firing and means(one, view.cluster, rule.block) and not _of_a_stop(view, one, rule.block)
    )


def standing(view: View, rules: Iterable[BoundRule]) -> dict[str, str]:
    """What people are told of as long as it lasts, once for each rule: `alert|rule` -> sentence.

    While alerts cannot be read, what was told stands: unknown is not over.
    """
    told: dict[str, str] = {}
    for rule in rules:
        if rule.kind != KEY or rule.mode != "act":
            continue
        key, alerts = f"alert|{rule.name}", firing(view, rule)
        if alerts is None:
            told |= {key: ""} if key in view.memory.matters else {}
        elif alerts:
            more = f" and {len(alerts) - 1} more" if len(alerts) > 1 else ""
            does = rule.block.do.replace("_", " ")
            told[key] = f"{view.cluster.name}: alert {alerts[0].rule}{more} fires; rule {rule.name}: {does}"
    return told


def fresh(alerts: Iterable[Occurrence], block: Any, last: Step | None, now: datetime) -> Occurrence | None:
    """The alert to act on: fired after the last step and its cooldown, and not so long ago that it would be over.

    So one alert acts once, a storm is one step, and an old message that comes again is none.
    """
    since = None if last is None else last.at + block.cooldown
    new = (one for one in alerts if (since is None or one.fired_at > since) and now < one.fired_at + block.lasting)
    return next(new, None)


def _of_a_stop(view: View, said: Occurrence, block: Any) -> bool:
    """An alert about the cluster itself that fired while it, or a pool of it, was being or had been stopped."""
    if block.target is not None or said.signal is Signal.CUSTOM:
        return False
    return any(begin <= said.fired_at <= end for begin, end in _stops(view))


def _stops(view: View) -> Iterator[tuple[datetime, datetime]]:
    """When alerts are a stop's own: from its beginning until a while after the start. Up to now: no end."""
    memory, cluster = view.memory, view.memory.target(None)
    if memory.open is not None and memory.open.kind.startswith("stop"):
        yield memory.open.claimed_at, _FOREVER
    if view.cluster.power is not Power.RUNNING or is_starting(memory):
        seen = cluster.seen.since if cluster.seen is not None else None
        down = cluster.stopped_at or seen
        yield (LONG_AGO if down is None else down - STOP_TAKES), _FOREVER
    for name, target in memory.targets.items():
        if target.stopped_at is None:
            continue
        back = target.started_at if target.started_at and target.started_at > target.stopped_at else None
        # The pods of a pool that was stopped wait at once or not at all.
        end = back if back is not None and not name else target.stopped_at
        yield target.stopped_at - STOP_TAKES, end + SETTLES
