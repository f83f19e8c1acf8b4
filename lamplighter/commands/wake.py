"""`lamplighter wake CLUSTER`: up now, for a short while."""

from __future__ import annotations

from typing import Annotated

import typer

from lamplighter import options

A_WHILE = "2h"


def command(
    cluster: options.ClusterName,
    *,
    lasting: Annotated[str, typer.Option("--for", metavar="2h", help="How long it is kept on.")] = A_WHILE,
    owner: options.Owner = None,
    reason: Annotated[str, typer.Option("--reason", metavar="WHY", help="Why.")] = "needed now",
    fleet: options.FleetFile = None,
    policy: options.PolicyFile = options.DEFAULT_POLICY,
    journal: options.JournalUrl = None,
    at: options.At = None,
    as_json: options.Json = False,
) -> None:
    """Start a cluster outside its hours and keep it on for two hours; then its schedule has it back."""
    from lamplighter.keeping import Where, end_of, reason_of, speak  # noqa: PLC0415
    from shared.model.memory import Wish  # noqa: PLC0415
    from shared.policy.overrides import Word  # noqa: PLC0415

    now, who = options.moment(at), options.owner(owner)
    word = Word(Wish.RUNNING, end_of(now, lasting, None), who, reason_of(reason), source="wake")
    speak(cluster, word, who, Where(policy, fleet, journal, now, as_json))
