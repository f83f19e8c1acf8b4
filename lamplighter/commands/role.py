"""`lamplighter role`: the custom role that a policy needs, each action with its reason."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lamplighter import options
from shared.errors import InputError, LamplighterError

if TYPE_CHECKING:
    from shared.policy.document import Policy

EXAMPLE = "infra/actions.json"


def command(
    *,
    policy: options.PolicyFile = options.DEFAULT_POLICY,
    save: Annotated[
        Path | None, typer.Option("--save", metavar="FILE", help=f"Write it where the template reads it: {EXAMPLE}.")
    ] = None,
    granted: Annotated[
        Path | None, typer.Option("--granted", metavar="FILE", help="Fail when the policy needs more than this file.")
    ] = None,
    as_json: options.Json = False,
) -> None:
    """The Azure actions that this policy needs, each with its reason. Plan mode needs reading only."""
    from lamplighter.permissions import permissions, role  # noqa: PLC0415  not for --help
    from lamplighter.subject import read_policy_file  # noqa: PLC0415
    from lamplighter.terminal import console, print_json, table  # noqa: PLC0415

    read = read_policy_file(policy)
    if granted is not None:
        _compare(read, granted)
        return
    if save is not None:
        _save(json.dumps(role(read), indent=2) + "\n", save)
        return
    needed = permissions(read)
    if as_json:
        print_json({"actions": [{"action": p.action, "reason": p.reason, "rule": p.only or None} for p in needed]})
        return
    shown = table("action", "because*")
    for one in needed:
        shown.add_row(one.action, one.reason + (f" ({one.only})" if one.only else ""))
    console().print(shown)


def _save(text: str, file: Path) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{file} cannot be written: {error.strerror}; expected a file such as {EXAMPLE}") from None
    print(f"wrote {file}; `azd provision` grants it")


def _compare(policy: Policy, file: Path) -> None:
    """Raises LamplighterError that names every action the policy needs beyond the file's."""
    from lamplighter.permissions import lacking  # noqa: PLC0415

    missing = lacking(policy, _granted(file))
    if missing:
        named = "\n".join(f"  {one.action}: {one.reason}" for one in missing)
        raise LamplighterError(
            f"{policy.source} needs what the role does not grant:\n{named}\n"
            f"widen the role first: lamplighter role --policy {policy.source} --save {file}, then azd provision"
        )
    print(f"the role grants all that {policy.source} needs")


def _granted(file: Path) -> frozenset[str]:
    from lamplighter.fleet_source import read_text  # noqa: PLC0415

    expected = f"expected what lamplighter role --save wrote, such as --granted {EXAMPLE}"
    try:
        document = json.loads(read_text(file, expected))
        actions = document["actions"]
    except (ValueError, KeyError, TypeError):
        raise InputError(f"{file} lists no actions: {expected}") from None
    if not isinstance(actions, list) or not all(isinstance(one, str) for one in actions):
        raise InputError(f"{file} lists no actions: {expected}")
    return frozenset(actions)
