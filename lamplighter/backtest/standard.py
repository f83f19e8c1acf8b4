"""The policies that a backtest takes when none is given: one rule for every cluster."""

from __future__ import annotations

from shared.errors import InputError
from shared.policy.document import Policy, read_policy
from shared.policy.rules import BY_KEY

_BLOCKS = {
    "idle": "{after: 2h, learn: true}",
    "hours": "{schedule: office, lead: 10m}",
}
_TEXT = """\
version: 1
mode: act
timezone: ZONE
scope: all
environments:
  - {name: backtest, match: {names: ["*"]}}
schedules:
  office: {running: [Mon-Fri 08:00-20:00]}
rules:
  - {name: RULE, RULE: BLOCK}
"""


def standard_policy(rule: str | None, zone: str) -> Policy:
    """`idle` or `hours`; without a name the first of them that this version has. Raises InputError for another name."""
    known = [name for name in _BLOCKS if name in BY_KEY]
    name = rule or known[0]
    if name not in known:
        raise InputError(f"--rule {name!r} is unknown: expected {' or '.join(known)}, such as --rule {known[0]}")
    return read_policy(standard_text(name, zone), f"standard {name}")


def standard_text(rule: str, zone: str) -> str:
    """What such a policy looks like, to begin one's own with."""
    return _TEXT.replace("ZONE", zone).replace("RULE", rule).replace("BLOCK", _BLOCKS[rule])
