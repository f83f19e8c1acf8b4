"""Alerts as Azure sends them: every documented type parses, whatever is not one is refused in one sentence."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.clients.alert_wire import alert_in, read_alert
from shared.errors import InputError
from shared.model.alerts import Condition, Signal, occurrences

SAMPLES = {
    path.stem: json.loads(path.read_text())
    for path in Path(__file__).parents[1].joinpath("data", "alerts").glob("*.json")
}
CLUSTER = "/subscriptions/11111111-1111-1111-1111-111111111111/resourcegroups/rg/providers/microsoft.containerservice/managedclusters/web"
NOW = datetime(2026, 11, 23, 10, 30, tzinfo=UTC)
FIRED = datetime(2026, 11, 23, 9, 55, 0, 123456, tzinfo=UTC)
SIGNALS = {
    "metric_static": Signal.METRIC,
    "metric_dynamic": Signal.METRIC,
    "metric_webtest": Signal.METRIC,
    "metric_resolved": Signal.METRIC,
    "log_v1_workspace": Signal.LOG,
    "log_v1_insights": Signal.LOG,
    "log_v2": Signal.LOG,
    "smart": Signal.LOG,
    "prometheus": Signal.PROMETHEUS,
    "activity_administrative": Signal.ACTIVITY,
    "activity_policy": Signal.ACTIVITY,
    "activity_autoscale": Signal.ACTIVITY,
    "activity_security": Signal.ACTIVITY,
    "service_health": Signal.SERVICE_HEALTH,
    "resource_health": Signal.RESOURCE_HEALTH,
    "budget": Signal.BUDGET,
    "budget_old": Signal.BUDGET,
}


def changed(name: str, **essentials: Any) -> Any:
    sample = json.loads(json.dumps(SAMPLES[name]))
    sample["data"]["essentials"].update(essentials)
    return sample


@pytest.mark.parametrize("name", SIGNALS)
def test_every_documented_type_is_known_by_its_signal(name):
    alert = read_alert(SAMPLES[name], NOW)
    assert alert.signal is SIGNALS[name]
    assert alert.rule
    assert alert.fired_at == (NOW if name == "budget_old" else FIRED)
    assert alert.received_at == NOW
    assert alert.severity == (None if "budget" in name else 4 if "health" in name else 2)


def test_no_sample_is_without_its_row():
    assert set(SAMPLES) == set(SIGNALS)


@pytest.mark.parametrize("name", ["log_v1_workspace", "log_v2", "prometheus", "activity_administrative", "budget"])
def test_nothing_personal_is_kept(name):
    assert "somebody@example.com" not in repr(read_alert(SAMPLES[name], NOW))


def test_where_the_target_is_a_workspace_labels_and_dimensions_name_the_cluster():
    assert read_alert(SAMPLES["log_v1_workspace"], NOW).clusters == ("web",)
    assert read_alert(SAMPLES["log_v2"], NOW).clusters == (CLUSTER,)
    assert set(read_alert(SAMPLES["prometheus"], NOW).clusters) == {"web", CLUSTER}
    assert read_alert(SAMPLES["metric_static"], NOW).targets == (CLUSTER,)


def test_a_resolved_message_is_the_same_alert_and_ends_it_in_any_order():
    fired, over = read_alert(SAMPLES["metric_static"], NOW), read_alert(SAMPLES["metric_resolved"], NOW)
    assert fired.id == over.id
    assert (fired.condition, over.condition) == (Condition.FIRED, Condition.RESOLVED)
    for messages in ([fired, over], [over, fired], [over, fired, fired, over], [over]):
        [one] = occurrences(messages)
        assert (one.firing, one.resolved_at) == (False, datetime(2026, 11, 23, 10, 20, 0, 765432, tzinfo=UTC))
    assert occurrences([fired])[0].firing


def test_activity_log_alerts_carry_their_rules_id_and_are_told_apart_all_the_same():
    """Two stops are two alerts, although Azure sends the same alertId for both."""
    first = read_alert(SAMPLES["activity_administrative"], NOW)
    again = read_alert(changed("activity_administrative", originAlertId="event-9_abc"), NOW)
    budget = read_alert(SAMPLES["budget"], NOW)
    later = read_alert(changed("budget", firedDateTime="2026-11-23T10:00:00Z"), NOW)
    assert len({first.id, again.id, budget.id, later.id}) == 4
    assert read_alert(SAMPLES["activity_administrative"], NOW + timedelta(hours=1)).id == first.id


def test_an_alert_from_the_future_fired_now():
    """A clock that is wrong, or somebody's joke, makes no alert that outlives its rule's time."""
    for text in ("2027-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"):
        assert read_alert(changed("metric_static", firedDateTime=text), NOW).fired_at == NOW


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (None, "of no alert schema that is known"),
        ([], "of no alert schema that is known"),
        ({"schemaId": "Microsoft.Insights/activityLogs", "data": {}}, "turn on the common alert schema"),
        ({"schemaId": "azureMonitorCommonAlertSchema"}, "data is missing"),
        ({"schemaId": "azureMonitorCommonAlertSchema", "data": {"essentials": {}}}, "data.essentials.alertId is missing"),
        (changed("metric_static", monitorCondition="Maybe"), "monitorCondition is not what was expected"),
        (changed("metric_static", severity="Sev9"), "severity is not what was expected"),
        (changed("metric_static", firedDateTime="SECRET"), "firedDateTime is not what was expected"),
        (changed("metric_static", firedDateTime="2026-11-23T09:55:00"), "firedDateTime is not what was expected"),
        (changed("metric_static", alertTargetIDs=["x"] * 51), "alertTargetIDs is not what was expected"),
        (changed("metric_static", alertId="x" * 2000), "alertId is not what was expected"),
    ],
)  # fmt: skip
def test_what_is_no_alert_is_refused_in_one_sentence_without_its_values(document, words):
    with pytest.raises(InputError) as caught:
        read_alert(document, NOW)
    sentence = str(caught.value)
    assert words in sentence
    assert "\n" not in sentence
    assert "SECRET" not in sentence


# --- events


def event(kind: str, data: Any, **more: Any) -> dict[str, Any]:
    return {
        "id": "e1",
        "type": kind,
        "subject": "s",
        "source": "t",
        "time": "2026-11-23T10:29:00+00:00",
        "data": data,
        **more,
    }


def test_an_event_of_any_type_may_carry_an_alert():
    assert alert_in(event("Contoso.Forwarded", SAMPLES["prometheus"]), NOW) == read_alert(SAMPLES["prometheus"], NOW)
    for foreign in (event("Microsoft.Resources.ResourceActionSuccess", {"resourceUri": CLUSTER}), {"data": None}, {}):
        assert alert_in(foreign, NOW) is None


def test_a_custom_event_names_its_cluster_and_its_alert():
    said = {"alert": "orders-waiting", "cluster": CLUSTER.upper(), "id": "orders", "severity": 3}
    fired = alert_in(event("Lamplighter.AlertFired", said), NOW)
    over = alert_in(event("Lamplighter.AlertResolved", said, id="e2"), NOW)
    assert (fired.rule, fired.signal, fired.targets, fired.severity) == ("orders-waiting", Signal.CUSTOM, (CLUSTER,), 3)
    assert fired.fired_at == NOW - timedelta(minutes=1)
    assert fired.id == over.id
    assert fired.partition == "/subscriptions/11111111-1111-1111-1111-111111111111"
    assert not occurrences([over, fired])[0].firing
    assert alert_in(event("Lamplighter.AlertFired", {"alert": "a", "cluster": "Web"}), NOW).clusters == ("web",)


@pytest.mark.parametrize(
    ("kind", "data", "words"),
    [
        ("Lamplighter.AlertFired", {"cluster": "web"}, "alert is missing"),
        ("Lamplighter.AlertFired", {"alert": "a", "cluster": "web", "severity": 7}, "severity is not"),
        ("Lamplighter.AlertResolved", {"alert": "a", "cluster": "web"}, '"id" is missing'),
        ("Contoso.Forwarded", {"schemaId": "azureMonitorCommonAlertSchema"}, "data is missing"),
    ],
)
def test_an_event_that_says_it_carries_an_alert_and_does_not_is_refused(kind, data, words):
    with pytest.raises(InputError, match=words):
        alert_in(event(kind, data), NOW)


# --- anything at all

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
    | st.sampled_from(["Fired", "Resolved", "Sev0", "azureMonitorCommonAlertSchema", "2026-11-23T09:55:00Z", CLUSTER]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)  # fmt: skip


def places(value: Any, path: tuple = ()) -> list[tuple]:
    """Every place of a document, as a path."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(one for key, item in inner for one in places(item, (*path, key)))]


def with_change(document: Any, path: tuple, value: Any, remove: bool) -> Any:
    if not path:
        return value
    copy = json.loads(json.dumps(document))
    at = copy
    for key in path[:-1]:
        at = at[key]
    if remove:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return copy


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    """A documented payload in which one, two or three things are something else, or gone."""
    document = SAMPLES[draw(st.sampled_from(sorted(SAMPLES)))]
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(places(document)))
        document = with_change(document, path, draw(VALUES), draw(st.booleans()))
    return document


@settings(max_examples=10_000 if os.environ.get("LAMPLIGHTER_SOAK") else 400, deadline=None)
@given(mutated())
def test_a_mutated_payload_is_an_alert_or_one_sentence(document):
    alert, sentence = None, ""
    try:
        alert = read_alert(document, NOW)
    except InputError as problem:
        sentence = str(problem)
    assert (alert is None) == bool(sentence)
    assert "\n" not in sentence
    if alert is not None:
        assert alert.fired_at <= NOW
        assert alert.id


@pytest.mark.reference
def test_the_published_samples_parse():
    root = os.environ.get("LAMPLIGHTER_REFERENCE")
    if not root:
        pytest.skip("LAMPLIGHTER_REFERENCE names no reference data")
    found = sorted(Path(root, "data", "events", "azure-monitor").glob("*.json"))
    assert found
    for path in found:
        assert read_alert(json.loads(path.read_text()), NOW).rule, path.name
