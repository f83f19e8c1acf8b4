"""How long things take in a replay, in seconds."""

from __future__ import annotations

from dataclasses import dataclass

MINUTE = 60


@dataclass(frozen=True, slots=True)
class Limits:
    """What AKS takes and asks for. The defaults are what recorded clusters took, with some reserve."""

    start_takes: int = 6 * MINUTE
    """From the call until the nodes are ready."""
    stop_takes: int = 3 * MINUTE
    rest: int = 30 * MINUTE
    """After a stop, before a start; the policy has its own guard, `min_downtime`, this is what alternatives keep to.
    https://learn.microsoft.com/azure/aks/start-stop-cluster"""
    tick: int = 5 * MINUTE
    """How often the app looks at the fleet."""

    def next_tick(self, at: int) -> int:
        """The first look at or after `at`."""
        return -(-at // self.tick) * self.tick
