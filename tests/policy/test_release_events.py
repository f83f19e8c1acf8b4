"""AKS's own events in both schemas, and in shapes that nobody promised."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.policy.release_events import ReleaseKind, read_release_event

CLUSTER = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/Web"


def event(kind: str, **more):
    return {"source": CLUSTER, "subject": "Web", "type": f"Microsoft.ContainerService.{kind}", "id": "1", **more}


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("NewKubernetesVersionAvailable", ReleaseKind.NEW_VERSION),
        ("ClusterSupportEnding", ReleaseKind.SUPPORT_ENDING),
        ("clustersupportended", ReleaseKind.SUPPORT_ENDED),
        ("NodePoolRollingStarted", ReleaseKind.ROLL_STARTED),
        ("NodePoolRollingSucceeded", ReleaseKind.ROLL_SUCCEEDED),
        ("NodePoolRollingFailed", ReleaseKind.ROLL_FAILED),
    ],
)
def test_each_kind_names_its_cluster_in_lower_case(kind, expected):
    said = read_release_event(event(kind, data={"nodePoolName": "Apps", "kubernetesVersion": "1.34.4"}))

    assert (said.kind, said.cluster, said.pool, said.version) == (expected, CLUSTER.lower(), "apps", "1.34.4")


@pytest.mark.parametrize(
    ("said", "read"), [("Cancelled", "canceled"), ("Canceled", "canceled"), ("Started", "started")]
)
def test_both_spellings_are_one(said, read):
    properties = {"eventSource": "AutoUprader", "eventStatus": said, "eventDetails": {"a": 1}}
    body = {"resourceInfo": {"id": f"{CLUSTER}/scheduledEvents/1", "properties": properties}}
    kind = "Microsoft.ResourceNotifications.ContainerServiceEventResources.ScheduledEventEmitted"
    found = read_release_event({"type": kind, "id": "1", "source": "/subscriptions/s", "data": body})

    assert (found.status, found.source, found.cluster) == (read, "autoupgrader", CLUSTER.lower())


@pytest.mark.parametrize(
    "other",
    [{}, event("SomethingElse"), {"type": "Microsoft.Resources.ResourceWriteSuccess", "source": CLUSTER},
     {"type": "Microsoft.ContainerService.NodePoolRollingFailed", "source": "/subscriptions/s"}, {"type": 7}],
)  # fmt: skip
def test_anything_else_is_none_of_ours(other):
    assert read_release_event(other) is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["type", "eventType", "source", "topic", "subject", "data", "id"]), json_values))
def test_nothing_raises(anything):
    read_release_event(anything | {"type": "Microsoft.ContainerService.NodePoolRollingFailed"})
    read_release_event(anything)


@pytest.mark.reference
def test_the_published_samples_are_read():
    folder = os.environ.get("LAMPLIGHTER_REFERENCE")
    if not folder:
        pytest.skip("LAMPLIGHTER_REFERENCE names no folder with the reference data")
    kinds: dict[str, set[str]] = {}
    for path in sorted((Path(folder) / "data" / "events").glob("*-schema/*.json")):
        body = json.loads(path.read_text("utf-8"))
        plain = {
            **body,
            "type": body.get("eventType") or body.get("type"),
            "source": body.get("topic") or body.get("source"),
        }
        said = read_release_event(plain)
        if said is not None:
            kinds.setdefault(path.parent.name, set()).add(said.kind)
    assert kinds == {"event-grid-schema": set(ReleaseKind), "cloud-events-schema": set(ReleaseKind)}
