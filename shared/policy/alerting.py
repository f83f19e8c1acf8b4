"""Which alerts a rule listens to, and which clusters an alert is about. Pure.

An alert is about a cluster when it names it: as a target, as something below it or in its node resource group, or in a
label or dimension. A rule with `target` says the rest itself: alerts about that resource, a queue for instance, are
about every cluster that the rule matches.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from shared.model.alerts import Alert, Occurrence
from shared.model.fleet import Cluster
from shared.model.memory import Memory
from shared.policy.bound import BoundRule
from shared.policy.document import Policy
from shared.policy.match import fits

KEY = "on_alert"
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
    if not cluster.node_resource_group:
        return False
    nodes = f"/subscriptions/{cluster.subscription}/resourcegroups/{cluster.node_resource_group}".casefold()
    return target == nodes or target.startswith(f"{nodes}/")


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
