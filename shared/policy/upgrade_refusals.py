"""What AKS said when it would not begin an upgrade, or broke one off: what that means, and for how long. Pure.

    UpgradeBlockedOnDeprecatedAPIUsage   refused before it begins; ends by itself twelve hours after the last use
    UnsatisfiablePDB                     refused before it begins; ends when somebody relaxes the budget
    PodDrainFailure, undrainable nodes   the roll broke off; ends when somebody has looked
    WriteOnlySecrets                     our own refusal; ends when somebody gives the cluster a managed identity
    TooManyRequests, Throttled           Azure is busy, not the cluster: no more than the plain back-off

An eviction that a budget forbids is a 429 of Kubernetes, whose words AKS repeats; so a throttle is what says nothing of
draining.

AKS tells none of them before it is asked to upgrade, so the first try finds out. It is never told to go on by force.
https://learn.microsoft.com/azure/aks/stop-cluster-upgrade-api-breaking-changes
https://learn.microsoft.com/troubleshoot/azure/azure-kubernetes/create-upgrade-delete/error-code-poddrainfailure
https://learn.microsoft.com/troubleshoot/azure/azure-kubernetes/error-code-toomanyrequestsreceived-subscriptionrequeststhrottled
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from shared.model.decisions import Obstacle, Reason, Verdict
from shared.model.memory import Failure
from shared.model.repair import SECRETS
from shared.policy.spoken import spoken

REMEMBERED = timedelta(hours=13)
"""AKS looks back twelve hours, and writes uses down once an hour."""
PATIENCE = timedelta(days=1)
"""A budget that allows no eviction is asked about once a day: the answer costs nothing."""

_DEPRECATED = ("deprecatedapi", "kubernetes api deprecated", "deprecated api", "deprecated kubernetes api")
_DRAINS = ("poddrainfailure", "unsatisfiablepdb", "disruption budget", "undrainable", "drain", "evict")
_THROTTLES = ("toomanyrequests", "too many requests", "throttled", "request limit has been exceeded")
_USED = re.compile(r"detected on API (?P<api>[\w.\-/]+),? and was recently seen at: (?P<at>[\d-]{10} [\d:]{8})")
_REMOVED = re.compile(r"removed in (?P<version>\d+\.\d+)")


def standing(failure: Failure, now: datetime, zone: str, *, begun: bool) -> Obstacle | None:
    """What still holds of the last failure; None: it may be tried again. Times are told in the zone.

    `begun`: whether AKS had begun: then nothing but somebody's look ends it.
    """
    found = _found(failure, zone, begun=begun)
    if found is None or found.until is None:
        return found
    text = f"{found.sentence}; not tried again before {spoken(found.until, zone)}"
    return None if found.until <= now else replace(found, sentence=text)


def is_throttle(failure: Failure) -> bool:
    """Whether Azure had too much to do: nothing that people could mend."""
    said = f"{failure.code} {failure.message}".casefold()
    return any(word in said for word in _THROTTLES) and not any(word in said for word in _DRAINS)


def _found(failure: Failure, zone: str, *, begun: bool) -> Obstacle | None:
    said = f"{failure.code} {failure.message}".casefold()
    tomorrow = max(failure.at + PATIENCE, failure.retry_at)
    if any(word in said for word in _DEPRECATED):
        until = max(_forgotten_at(failure), failure.retry_at)
        return Obstacle(Reason.BLOCKED_BY_AKS, _used(failure, zone), until)
    if any(word in said for word in _DRAINS):
        text = f"its nodes could not be drained last time ({failure.code}: {failure.message})"
        text = f"{text}; `lamplighter upgrades release` tries again"
        return Obstacle(Reason.UNDRAINABLE, text, None if begun else tomorrow)
    if failure.code == SECRETS:
        return Obstacle(Reason.WRITE_ONLY_SECRETS, failure.message, tomorrow, Verdict.REFUSE)
    return None


def _forgotten_at(failure: Failure) -> datetime:
    """When AKS will not remember the use any more, if it was the last one."""
    return min(_used_at(failure) or failure.at, failure.at) + REMEMBERED


def _used_at(failure: Failure) -> datetime | None:
    """What AKS says of it, in UTC; None where it does not, or not so that it can be read."""
    used = _USED.search(failure.message)
    if used is not None:
        with suppress(ValueError):
            return datetime.fromisoformat(used["at"]).replace(tzinfo=UTC)
    return None


def _used(failure: Failure, zone: str) -> str:
    used, removed, at = _USED.search(failure.message), _REMOVED.search(failure.message), _used_at(failure)
    which = "a deprecated API" if used is None else f"the API {used['api']}"
    when = "lately" if at is None else spoken(at, zone)
    goes = "" if removed is None else f" and is removed in {removed['version']}"
    return f"AKS refused, since {which} was used {when}{goes}; it is never forced ({failure.code})"
