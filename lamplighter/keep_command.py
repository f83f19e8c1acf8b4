"""What `keep-on` and `keep-off` ask: the same of both, since they differ in their wish alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from lamplighter import options


def keep_command(wish: str, help_: str) -> Callable[..., None]:
    """The command that writes down this `Wish` (its value, so that `--help` need not load the model)."""

    def command(
        cluster: options.ClusterName,
        *,
        lasting: Annotated[str | None, typer.Option("--for", metavar="4h", help="How long.")] = None,
        until: Annotated[str | None, typer.Option("--until", metavar="INSTANT", help="Or until when.")] = None,
        owner: options.Owner = None,
        reason: Annotated[str | None, typer.Option("--reason", metavar="WHY", help="Why; people will read it.")] = None,
        fleet: options.FleetFile = None,
        policy: options.PolicyFile = options.DEFAULT_POLICY,
        journal: options.JournalUrl = None,
        at: options.At = None,
        end: Annotated[bool, typer.Option("--end", help="Take back what was said by command.")] = False,
        as_json: options.Json = False,
    ) -> None:
        from lamplighter.keeping import Where, end_of, reason_of, speak  # noqa: PLC0415
        from shared.model.memory import Wish  # noqa: PLC0415
        from shared.policy.overrides import Word  # noqa: PLC0415

        now, who = options.moment(at), options.owner(owner)
        word = None if end else Word(Wish(wish), end_of(now, lasting, until), who, reason_of(reason or ""))
        speak(cluster, word, who, Where(policy, fleet, journal, now, as_json))

    command.__doc__ = help_
    return command
