"""Azure's errors become ours in one place, by code before status and never by the SDK's class."""

from __future__ import annotations

from datetime import timedelta

import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError
from urllib3.exceptions import ProtocolError

from shared.clients import answers, clusters
from shared.clients.azure import Cloud, endpoint_of
from shared.errors import Busy, CloudError, Forbidden, NoCapacity, NoReply, NotFound, Refused, Throttled


def error(code: str, message: str = "Something.", **more: object) -> dict[str, object]:
    return {"error": {"code": code, "message": message, **more}}


BUSY = "Operation is not allowed: Another operation (Updating) is in progress, please wait for it to finish"
STOPPED = "managed cluster is not currently running, stopping cannot be performed; The stop operation started at '...'"
QUOTA = "Operation could not be completed as it results in exceeding approved Total Regional Cores quota."


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (409, error("OperationNotAllowed", BUSY), Busy, "OperationNotAllowed"),
        (409, error("OperationNotAllowed", STOPPED), Busy, "OperationNotAllowed"),
        (409, error("SomethingNew"), Busy, "SomethingNew"),
        (412, error("PreconditionFailed"), Busy, "PreconditionFailed"),
        (409, error("ScopeLocked"), Refused, "ScopeLocked"),
        (409, error("ReadOnlyDisabledSubscription"), Refused, "ReadOnlyDisabledSubscription"),
        (409, error("OperationNotAllowed", QUOTA), NoCapacity, "OperationNotAllowed"),
        (400, error("AksCapacityHeavyUsage"), NoCapacity, "AksCapacityHeavyUsage"),
        (409, error("SkuNotAvailable"), NoCapacity, "SkuNotAvailable"),
        (429, error("QuotaExceeded"), NoCapacity, "QuotaExceeded"),
        (400, error("CreateVMSSAgentPoolFailed", details=[{"code": "ZonalAllocationFailed"}]), NoCapacity, "ZonalAllocationFailed"),
        (500, error("AllocationFailed"), NoCapacity, "AllocationFailed"),
        (400, error("ValidationError"), Refused, "ValidationError"),
        (401, error("InvalidAuthenticationToken"), Forbidden, "InvalidAuthenticationToken"),
        (403, error("AuthorizationFailed"), Forbidden, "AuthorizationFailed"),
        (403, error("LinkedAuthorizationFailed"), Forbidden, "LinkedAuthorizationFailed"),
        (404, error("ResourceNotFound"), NotFound, "ResourceNotFound"),
        (408, None, NoReply, "408"),
        (500, error("InternalServerError"), NoReply, "InternalServerError"),
        (503, b"<html>busy</html>", NoReply, "503"),
        (409, {"code": "OperationNotAllowed", "message": "without the outer error object"}, Busy, "OperationNotAllowed"),
        (400, [], Refused, "400"),
    ],
)  # fmt: skip
def test_a_stop_that_azure_refuses_has_one_meaning(cloud, wire, cluster_id, *, status, body, kind, code):
    """The SDK raises ResourceExistsError for 409, ResourceModifiedError for 412: neither is what happened."""
    wire.say((status, body))
    with pytest.raises(CloudError) as caught:
        clusters.stop(cloud, cluster_id)
    assert type(caught.value) is kind
    assert (caught.value.code, caught.value.status) == (code, status)
    assert str(caught.value).startswith("stopping web-dev: Azure answered ")
    assert "\n" not in str(caught.value)
    assert len(wire.sent) == 1


THROTTLED = (
    "The PutManagedClusterHandler.PUT request limit has been exceeded for SubID='x', please retry again in 42 seconds."
)


@pytest.mark.parametrize(
    ("headers", "text", "seconds"),
    [
        ({"Retry-After": "17"}, THROTTLED, 17),
        ({"retry-after-ms": "1500"}, THROTTLED, 1.5),
        ({}, THROTTLED, 42),
        ({}, "Please try again after '9' seconds after additional tokens are available.", 9),
        ({}, "Slow down.", 60),
        ({"Retry-After": "Mon, 23 Nov 2026 18:02:00 GMT", "Date": "Mon, 23 Nov 2026 18:00:00 GMT"}, "", 120),
        ({"Retry-After": "soon"}, "", 60),
    ],
)
def test_a_throttled_write_says_when_to_come_back_and_is_not_repeated(
    cloud, wire, transport, cluster_id, *, headers, text, seconds
):
    """With its retries on, the SDK would send this POST four times, sleeping the whole Retry-After in between."""
    wire.say((429, error("Throttled", text), headers))
    with pytest.raises(Throttled) as caught:
        clusters.start(cloud, cluster_id)
    assert caught.value.retry_after == timedelta(seconds=seconds)
    assert (len(wire.sent), transport.slept) == (1, [])


@pytest.mark.parametrize(
    "broken",
    [
        requests.ConnectionError("refused"),
        requests.ConnectionError(ProtocolError("Connection aborted.")),
        requests.ReadTimeout("60 s"),
        requests.ConnectTimeout("10 s"),
    ],
)
def test_a_write_without_a_reply_is_unknown_and_sent_once(cloud, wire, transport, cluster_id, broken):
    """It may have taken effect: sending it again is not ours to decide here."""
    wire.say(broken)
    with pytest.raises(NoReply, match="stopping web-dev: "):
        clusters.stop(cloud, cluster_id)
    assert (len(wire.sent), transport.slept) == (1, [])


def test_a_server_error_without_retry_after_does_not_repeat_a_post(cloud, wire, cluster_id):
    """azure-core repeats a POST on 500, 503 and 504 unless its retries are off."""
    wire.say((503, error("ServiceUnavailable")))
    with pytest.raises(NoReply):
        clusters.start(cloud, cluster_id)
    assert len(wire.sent) == 1


def test_no_credential_is_forbidden_and_reaches_no_wire(transport, wire, cluster_id):
    class Nobody:
        def get_token(self, *_: str, **__: object) -> None:
            raise ClientAuthenticationError("no managed identity\nwas found here")

    cloud = Cloud(endpoint_of("AzurePublicCloud"), credential=Nobody(), transport=transport)
    with pytest.raises(
        Forbidden, match="reading web-dev: no credential was accepted: no managed identity was found"
    ) as caught:
        clusters.get(cloud, cluster_id)
    assert caught.value.code == "NoCredential"
    assert wire.sent == []


def test_an_answer_that_is_no_json_is_no_answer(cloud, wire, cluster_id):
    wire.say((200, b"<html>a proxy's page</html>"))
    with pytest.raises(NoReply, match="reading web-dev: Azure's answer could not be read"):
        clusters.get(cloud, cluster_id)


def test_of_a_long_message_beginning_and_end_are_kept_on_one_line():
    text = b"the rule" + b" a b\\n" * 400 + b"and the particulars"
    problem = answers.refusal("stopping x", 400, b'{"error": {"code": "Bad", "message": "' + text + b'"}}', {})
    assert len(str(problem)) < 360
    assert "the rule" in str(problem)
    assert str(problem).endswith("and the particulars")


def test_what_aks_does_not_let_pass_is_told_by_its_subcode():
    """As published: https://learn.microsoft.com/azure/aks/stop-cluster-upgrade-api-breaking-changes"""
    body = b'{"code": "ValidationError", "subcode": "UpgradeBlockedOnDeprecatedAPIUsage", "message": "It is blocked."}'
    problem = answers.refusal("upgrading", 400, body, {})
    assert problem.code == "UpgradeBlockedOnDeprecatedAPIUsage"
    plain = b'{"code": "OperationNotAllowed", "subcode": "Whatever", "message": "No."}'
    assert answers.refusal("upgrading", 409, plain, {}).code == "OperationNotAllowed"


def test_what_resource_graph_says_inside_details_is_shown():
    """Its outer message is "Please provide below info when asking for support", which helps nobody."""
    body = (
        b'{"error": {"code": "BadRequest", "message": "Please provide below info when asking for support.", "details": '
        b'[{"code": "NoValidSubscriptionsInQueryRequest", "message": "There must be at least one subscription."}]}}'
    )
    assert str(answers.refusal("reading", 400, body, {})) == (
        "reading: Azure answered 400 BadRequest: Please provide below info when asking for support: "
        "There must be at least one subscription"
    )


@pytest.mark.parametrize(
    ("code", "message", "capacity"),
    [
        ("ZonalAllocationFailed", "", True),
        ("akscapacityheavyusage", "", True),
        ("OperationNotAllowed", QUOTA, True),
        ("OperationNotAllowed", BUSY, False),
        ("PodDrainFailure", "quota", False),
        ("", "", False),
    ],
)
def test_capacity_is_told_from_other_failures(code, message, capacity):
    assert answers.is_capacity(code, message) is capacity
