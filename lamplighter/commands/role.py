"""`lamplighter role`: the custom role that a policy needs, each action with its reason."""

from __future__ import annotations

from lamplighter import options


def command(*, policy: options.PolicyFile = options.DEFAULT_POLICY, as_json: options.Json = False) -> None:
    """The Azure actions that this policy needs, each with its reason. Plan mode needs reading only."""
    from lamplighter.permissions import permissions  # noqa: PLC0415  not for --help
    from lamplighter.subject import read_policy_file  # noqa: PLC0415
    from lamplighter.terminal import console, print_json, table  # noqa: PLC0415

    needed = permissions(read_policy_file(policy))
    if as_json:
        print_json({"actions": [{"action": p.action, "reason": p.reason, "rule": p.only or None} for p in needed]})
        return
    shown = table("action", "because*")
    for one in needed:
        shown.add_row(one.action, one.reason + (f" ({one.only})" if one.only else ""))
    console().print(shown)
