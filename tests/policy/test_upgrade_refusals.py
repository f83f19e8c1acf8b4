"""What AKS said last time holds the next try, under its own name, and ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shared.model.decisions import Reason, Verdict
from shared.model.memory import Failure
from shared.policy.upgrade_refusals import is_throttle, standing
from tests.policy.upgrade_builders import (
    DAY,
    HOUR,
    IN_WINDOW,
    behind,
    decided,
    fallen,
    half_way,
    memory_of,
    on,
    past,
    rings,
    setback,
    view_of,
)

BERLIN = "Europe/Berlin"
AT = datetime(2026, 12, 8, 19, 0, tzinfo=UTC)
PUBLISHED = (
    "upgrading to 1.35.1 of web: Azure answered 400 UpgradeBlockedOnDeprecatedAPIUsage: Control Plane upgrade is blocked"
    " ... usage has been detected on API flowcontrol.apiserver.k8s.io.flowschemas.v1beta3.list, and was recently seen at:"
    " 2026-12-08 11:20:46 +0000 UTC, which will be removed in 1.35"
)
"""The end of what AKS says, as people report it: https://github.com/Azure/AKS/issues/3984"""


def refusal(code: str, message: str = "", at: datetime = AT, retry: timedelta = HOUR) -> Failure:
    return Failure("upgrade_control_plane", code, message, at, 1, at + retry)


def test_a_deprecated_api_holds_until_aks_has_forgotten_its_last_use():
    failure = refusal("UpgradeBlockedOnDeprecatedAPIUsage", PUBLISHED)
    found = standing(failure, AT + HOUR, BERLIN, begun=False)

    assert found.reason is Reason.BLOCKED_BY_AKS
    assert found.until == datetime(2026, 12, 9, 0, 20, 46, tzinfo=UTC), "thirteen hours after it was seen"
    assert "flowschemas.v1beta3.list was used Tue 8 Dec 12:20 and is removed in 1.35" in found.sentence
    assert standing(failure, found.until, BERLIN, begun=False) is None


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (
            "ValidationError",
            "Control Plane upgrade is blocked due to recent usage of a Kubernetes API deprecated in the",
        ),
        ("UpgradeBlockedOnDeprecatedAPIUsage", ""),
        ("BadRequest", "See details in https://aka.ms/aks/UpgradeAndDeprecatedAPIs"),
        ("ValidationError", "recently seen at: 2026-99-99 11:20:46 +0000 UTC; deprecated API"),
    ],
)
def test_without_the_time_of_use_it_counts_from_the_refusal(code, message):
    assert standing(refusal(code, message), AT, BERLIN, begun=False).until == AT + timedelta(hours=13)


def test_a_use_that_azure_dates_ahead_does_not_hold_for_longer():
    ahead = PUBLISHED.replace("2026-12-08", "2027-12-08")
    assert standing(refusal("X", f"deprecated API {ahead}"), AT, BERLIN, begun=False).until == AT + timedelta(hours=13)


def test_the_back_off_is_kept_where_it_is_longer():
    failure = refusal("UpgradeBlockedOnDeprecatedAPIUsage", retry=timedelta(hours=20))
    assert standing(failure, AT, BERLIN, begun=False).until == failure.retry_at


def test_a_budget_that_lets_no_pod_go_is_asked_about_once_a_day():
    failure = refusal("UnsatisfiablePDB", "web-pdb allows no disruption")
    found = standing(failure, AT + HOUR, BERLIN, begun=False)

    assert (found.reason, found.until) == (Reason.UNDRAINABLE, AT + DAY)
    assert standing(failure, AT + DAY, BERLIN, begun=False) is None


def test_a_roll_that_broke_off_waits_for_people():
    found = standing(refusal("PodDrainFailure", "web-0 may not go"), AT + 400 * DAY, BERLIN, begun=True)
    assert (found.reason, found.until) == (Reason.UNDRAINABLE, None)
    assert "lamplighter upgrades release" in found.sentence


def test_a_secret_that_azure_does_not_show_is_refused_for_a_day():
    failure = refusal("WriteOnlySecrets", "it runs as a service principal with a secret")
    found = standing(failure, AT, BERLIN, begun=False)
    assert (found.reason, found.verdict, found.until) == (Reason.WRITE_ONLY_SECRETS, Verdict.REFUSE, AT + DAY)


THROTTLES = [
    (
        "TooManyRequestsReceived",
        "Number of read requests for the subscription exceeded the limit; try again after 17 s",
    ),
    ("SubscriptionRequestsThrottled", "Number of write requests exceeded the limit"),
    ("Throttled", "The request limit has been exceeded, retry again in 9 seconds"),
    ("OperationNotAllowed", "The server rejected the request because too many requests have been received"),
]
BUDGETS = [
    ("UpgradeFailed", "Drain node n1 failed when evicting pod web-0 failed with Too Many Requests error"),
    ("TooManyRequests", "Cannot evict pod as it would violate the pod's disruption budget"),
    ("429", "Eviction blocked by Too many Requests (usually a pdb): web-0"),
]


@pytest.mark.parametrize("begun", [False, True])
@pytest.mark.parametrize(("code", "message"), THROTTLES)
def test_a_throttle_of_azures_is_no_drain_and_only_backs_off(code, message, begun):
    failure = refusal(code, message, retry=HOUR / 12)
    assert is_throttle(failure)
    assert standing(failure, AT, BERLIN, begun=begun) is None


@pytest.mark.parametrize(("code", "message"), BUDGETS)
def test_an_eviction_that_a_budget_forbids_is_a_429_too_and_no_throttle(code, message):
    failure = refusal(code, message)
    assert not is_throttle(failure)
    assert standing(failure, AT, BERLIN, begun=False).reason is Reason.UNDRAINABLE


def test_any_other_failure_is_left_to_the_back_off():
    assert standing(refusal("QuotaExceeded", "no cores left"), AT, BERLIN, begun=False) is None


# --- in the decision


def blocked(code: str, at: datetime, message: str = "", **fleet):
    seen = on()
    memory = memory_of(seen, past(), setbacks=setback("upgrade_control_plane", code, message, at))
    return decided(view_of(seen, memory, **fleet))


def test_it_is_named_from_the_first_minute_also_while_the_back_off_lasts():
    said = blocked("UpgradeBlockedOnDeprecatedAPIUsage", IN_WINDOW - timedelta(minutes=2), PUBLISHED)
    assert (said.verdict, said.reason) == (Verdict.DEFER, Reason.BLOCKED_BY_AKS)
    assert said.not_before is not None


def test_another_failure_is_named_by_the_back_off():
    assert blocked("InternalError", IN_WINDOW - timedelta(minutes=2)).reason is Reason.RETRY_LATER


@pytest.mark.parametrize("code", ["UpgradeBlockedOnDeprecatedAPIUsage", "UnsatisfiablePDB", "WriteOnlySecrets"])
def test_it_is_tried_again_once_it_is_over(code):
    assert blocked(code, IN_WINDOW - HOUR).verdict in (Verdict.DEFER, Verdict.REFUSE)
    assert blocked(code, IN_WINDOW - 7 * DAY).verdict is Verdict.ACT


@pytest.mark.parametrize("code", ["UpgradeBlockedOnDeprecatedAPIUsage", "UnsatisfiablePDB", "WriteOnlySecrets"])
def test_a_release_lets_it_be_tried_at_once(code):
    at = IN_WINDOW - 2 * HOUR
    assert blocked(code, at, rings=rings(released_at=at - HOUR)).verdict is not Verdict.ACT
    assert blocked(code, at, rings=rings(released_at=IN_WINDOW - HOUR)).verdict is Verdict.ACT


def test_a_roll_that_broke_off_is_not_tried_again_by_itself():
    """The ring was released for others before this pool fell: its own failure is newer."""
    stuck = half_way(past(fall=fallen()), setbacks=setback("upgrade_pool", "PodDrainFailure", "a pod may not go"))
    for weeks in (0, 30):
        later = IN_WINDOW + timedelta(weeks=weeks)
        assert decided(view_of(behind(), stuck), now=later, pool_name="apps").reason is Reason.UNDRAINABLE
