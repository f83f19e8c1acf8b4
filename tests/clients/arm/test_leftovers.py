"""What Azure shows attached to nothing, in the words that a digest tells."""

import pytest

from shared.clients.leftovers import loose
from shared.errors import CloudError
from shared.model.digest import Loose

DISK = "/subscriptions/S/resourceGroups/RG/providers/Microsoft.Compute/disks/pvc-1"
ADDRESS = "/subscriptions/S/resourceGroups/RG/providers/Microsoft.Network/publicIPAddresses/old"


def page(*rows):
    return 200, {"data": list(rows), "count": len(rows), "resultTruncated": "false"}


def test_each_is_told_by_its_id_and_since_when(cloud, wire):
    disk = {"id": DISK, "tags": {"k8s-azure-created-by": "disk"}, "since": "2026-10-01T08:00:00Z"}
    wire.say(page(disk), page({"id": ADDRESS, "tags": None, "since": ""}))

    assert loose(cloud, ["s"]) == {
        DISK.lower(): Loose("attached to nothing since 2026-10-01", for_cluster=True),
        ADDRESS.lower(): Loose("attached to nothing"),
    }
    assert [sent.body["subscriptions"] for sent in wire.sent] == [["s"], ["s"]]
    assert "diskState =~ 'Unattached'" in wire.sent[0].body["query"]
    assert "isnull(properties.ipConfiguration)" in wire.sent[1].body["query"]


def test_many_subscriptions_are_asked_about_a_thousand_at_a_time(cloud, wire):
    wire.say(*[page()] * 4)
    loose(cloud, [str(number) for number in range(1001)])

    assert [len(sent.body["subscriptions"]) for sent in wire.sent] == [1000, 1, 1000, 1]


def test_no_subscription_is_no_question(cloud, wire):
    assert loose(cloud, []) == {}
    assert wire.sent == []


def test_what_azure_does_not_say_is_an_error_and_not_nothing(cloud, wire):
    wire.say((403, {"error": {"code": "AuthorizationFailed", "message": "no"}}))

    with pytest.raises(CloudError, match="reading loose disks"):
        loose(cloud, ["s"])
