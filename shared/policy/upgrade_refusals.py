"""What AKS said when it would not begin an upgrade, or broke one off: what that means, and for how long. Pure.

    UpgradeBlockedOnDeprecatedAPIUsage   refused before it begins; ends by itself twelve hours after the last use
    UnsatisfiablePDB                     refused before it begins; ends when somebody relaxes the budget
    PodDrainFailure, undrainable nodes   the roll broke off; ends when somebody has looked
    WriteOnlySecrets                     our own refusal; ends when somebody gives the cluster a managed identity

AKS tells none of them before it is asked to upgrade, so the first try finds out. It is never told to go on by force.
https://learn.microsoft.com/azure/aks/stop-cluster-upgrade-api-breaking-changes
https://learn.microsoft.com/troubleshoot/azure/azure-kubernetes/create-upgrade-delete/error-code-poddrainfailure
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from shared.model.decisions import Obstacle, Reason, Verdict
from shared.model.memory import Failure
from shared.model.repair import SECRETS

REMEMBERED = timedelta(hours=13)
"""AKS looks back twelve hours, and writes uses down once an hour."""
PATIENCE = timedelta(days=1)
"""A budget that allows no eviction is asked about once a day: the answer costs nothing."""

_DEPRECATED = ("deprecatedapi", "kubernetes api deprecated", "deprecated api", "deprecated kubernetes api")
_DRAINS = ("poddrainfailure", "unsatisfiablepdb", "toomanyrequests", "disruption budget", "undrainable", "drain")
_USED = re.compile(r"detected on API (?P<api>[\w.\-/]+),? and was recently seen at: (?P<at>[\d-]{10} [\d:]{8})")
_REMOVED = re.compile(r"removed in (?P<version>\d+\.\d+)")


def standing(failure: Failure, now: datetime, *, begun: bool) -> Obstacle | None:
    """What still holds of the last failure; None: it may be tried again.

    `begun`: whether AKS had begun: then nothing but somebody's look ends it.
    """
    said = f"{failure.code} {failure.message}".casefold()
    if any(word in said for word in _DEPRECATED):
        return _until(Reason.BLOCKED_BY_AKS, _used(failure), max(_forgotten_at(failure), failure.retry_at), now)
    if any(word in said for word in _DRAINS):
        text = f"its nodes could not be drained last time ({failure.code}: {failure.message})"
        text = f"{text}; `lamplighter upgrades release` tries again"
        return _until(Reason.UNDRAINABLE, text, None if begun else max(failure.at + PATIENCE, failure.retry_at), now)
    if failure.code == SECRETS:
        until = max(failure.at + PATIENCE, failure.retry_at)
        return _until(Reason.WRITE_ONLY_SECRETS, failure.message, until, now, Verdict.REFUSE)
    return None


def _until(
    reason: Reason, sentence: str, until: datetime | None, now: datetime, verdict: Verdict = Verdict.DEFER
) -> Obstacle | None:
    if until is not None and until <= now:
        return None
    again = "" if until is None else f"; not tried again before {until:%Y-%m-%d %H:%M} UTC"
    return Obstacle(reason, f"{sentence}{again}", until, verdict)


def _forgotten_at(failure: Failure) -> datetime:
    """When AKS will not remember the use any more, if it was the last one."""
    used = _USED.search(failure.message)
    at = failure.at
    if used is not None:
        with suppress(ValueError):
            at = datetime.fromisoformat(used["at"]).replace(tzinfo=UTC)
    return min(at, failure.at) + REMEMBERED


def _used(failure: Failure) -> str:
    used, removed = _USED.search(failure.message), _REMOVED.search(failure.message)
    which = "a deprecated API" if used is None else f"the API {used['api']}"
    when = "lately" if used is None else f"{used['at'][:16]} UTC"
    goes = "" if removed is None else f" and is removed in {removed['version']}"
    return f"AKS refused, since {which} was used {when}{goes}; it is never forced ({failure.code})"
