"""The figures of a tick say what happened, and nothing in the log says who somebody is."""

from __future__ import annotations

import json
import logging
import re
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from lamplighter.keeping import Word, keep
from lamplighter.simulator import Fault
from shared.clients import clusters
from shared.handlers import measuring
from shared.model.memory import Wish
from tests.scenarios.stage import HOUR, Story, dev, policy, prod

ROOT = Path(__file__).parents[2]
PAGE = json.loads((ROOT / "infra" / "workbook" / "lamplighter.json").read_text(encoding="utf-8"))
DOCUMENT = (ROOT / "docs" / "telemetry.md").read_text(encoding="utf-8")
STOP = "Microsoft.ContainerService/managedClusters/stop/action"


def figures(caplog, what):
    """Every `measured WHAT` so far, as its JSON."""
    head = f"measured {what} "
    return [
        json.loads(one.getMessage().removeprefix(head)) for one in caplog.records if one.getMessage().startswith(head)
    ]


@pytest.fixture(autouse=True)
def heard(caplog):
    caplog.set_level("INFO", "lamplighter")


def test_a_tick_counts_what_it_saw_and_what_it_made_of_it(caplog):
    with Story(dev("web"), dev("api"), prod("shop")) as story:
        story.until("Mon 18:40")
        before = figures(caplog, "tick")
        story.until("Mon 20:30")
        counted = figures(caplog, "tick")

    assert counted[0]["clusters"] == 3
    assert counted[0]["problems"] == 0
    assert sum(counted[0]["decisions"].values()) >= 3
    assert all(one["actions"] == {} for one in before)
    stops = [one for one in counted if one["actions"].get("stop_cluster")]
    assert sum(one["actions"]["stop_cluster"] for one in stops) == 2
    assert stops[0]["decisions"]["act off_hours"] == stops[0]["actions"]["stop_cluster"]
    assert all(float(amount) > 0 for one in stops for amount in one["estimated_saving"].values())
    assert {"stop_soon"} == {kind for one in counted for kind in one["notices"]}
    ended = [one["counts"] for one in figures(caplog, "ended")]
    assert {key for counts in ended for key in counts} == {"stop_cluster succeeded"}
    assert sum(counts["stop_cluster succeeded"] for counts in ended) == 2


def test_a_throttled_call_is_a_figure_without_an_address(caplog):
    with Story(dev("web")) as story:
        story.until("Mon 18:50")
        story.world.inject(Fault.throttled("POST */stop", retry_after=5))
        story.until("Mon 20:00")
    told = figures(caplog, "throttled")
    assert told
    assert all("/" not in str(one["host"]) and set(one) == {"host", "method", "wait", "trace"} for one in told)


def test_a_stop_that_azure_gave_up_is_counted_as_a_failure(caplog):
    with Story(dev("web"), dev("api")) as story:
        story.until("Mon 18:50")
        story.world.inject(Fault.operation_fails("POST *api/stop", "InternalServerError"))
        story.until("Mon 20:30")
    counted = Counter()
    for one in figures(caplog, "ended"):
        counted.update(one["counts"])
    assert (counted["stop_cluster failed"], counted["stop_cluster succeeded"]) == (1, 1)


FIGURES = {  # what a team must see -> (line, field, panel of the workbook)
    "clusters seen": ("tick", "clusters", "clusters"),
    "decisions by reason": ("tick", "decisions", "decisions"),
    "actions": ("tick", "actions", "actions"),
    "failures of actions": ("ended", "counts", "ended"),
    "failures of messages": ("act", "outcome", "acts"),
    "throttles": ("throttled", "host", "throttled"),
    "lag of the fleet view": ("tick", "view_lag_seconds", "lag"),
    "estimated saving": ("tick", "estimated_saving", "saving"),
}


@pytest.mark.parametrize("figure", FIGURES)
def test_every_figure_is_on_the_page_of_the_portal_and_in_the_document(figure):
    line, field, panel = FIGURES[figure]
    query = next(one["content"]["query"] for one in PAGE["items"] if one["name"] == panel)
    assert f'"measured {line} "' in query
    assert re.search(rf"\bm\.{field}\b", query)
    [row] = [row for row in DOCUMENT.splitlines() if row.startswith(f"| `measured {line}` |")]
    assert f"`{field}`" in row


def test_the_page_of_the_portal_is_what_workbooks_are_made_of():
    """Its items are of known kinds, and the time that people choose reaches every query."""
    parameters = {one["name"] for item in PAGE["items"] if item["type"] == 9 for one in item["content"]["parameters"]}
    assert PAGE["version"] == "Notebook/1.0"
    assert {item["type"] for item in PAGE["items"]} == {1, 3, 9}
    assert len({item["name"] for item in PAGE["items"]}) == len(PAGE["items"])
    for item in PAGE["items"]:
        if item["type"] == 3:
            content = item["content"]
            assert (content["version"], content["queryType"]) == ("KqlItem/1.0", 0)
            assert content["resourceType"] == "microsoft.insights/components"
            assert content["timeContextFromParameter"] in parameters
            assert content["visualization"] in {"timechart", "areachart", "barchart", "table"}
            assert content["title"]


def test_the_lag_of_the_view_is_what_a_fresh_reading_knew_before(caplog):
    """Resource Graph is twenty minutes late: after our stop it goes on saying Running, and the figure says so."""
    with Story(dev("web"), fleet={"graph_lag": 20 * 60}) as story:
        story.until("Mon 20:30")
    lags = [one["view_lag_seconds"] for one in figures(caplog, "tick")]
    assert lags[0] == 0
    assert 300 <= max(lags) <= 20 * 60 + 300
    assert lags[-1] == 0


def test_no_lag_is_claimed_where_nothing_is_known():
    assert measuring.view_lag((), {}, None) == timedelta(0)


def test_no_line_says_who_somebody_is(caplog):
    """Owners, reasons, people in events, addresses of channels: they are in the journal or the vault, never in a log."""
    caplog.set_level(logging.DEBUG)
    people = {
        "lamplighter-reason": "Ada Lovelace trains a model",
        "owner": "grace.hopper@example.com",
        "lamplighter-keep-on-until": "2026-11-23T21:00",
    }
    rules = policy(
        more="exceptions: [{cluster: api, keep: running, until: 2026-11-24T08:00, owner: Edsger, reason: Dijkstra asks}]"
    )
    channel = {"OPERATORS_CHANNEL": "json://user:TOPSECRET@127.0.0.1/hook"}
    with Story(dev("web", tags=people), dev("api"), dev("sbx"), policy=rules, environ=channel) as story:
        story.until("Mon 09:00")
        cluster = clusters.get(story.app.cloud, story.id_of("sbx"))
        word = Word(Wish.RUNNING, story.world.now() + 4 * HOUR, "Barbara Liskov", "Liskov's night", "command")
        keep(story.journal, cluster, word, story.world.now())
        story.until("Mon 19:30")
        story.world.person_stops("web")
        story.until("Tue 08:00")
    text = "\n".join(one.getMessage() for one in caplog.records)
    assert "measured tick" in text
    for secret in ("Lovelace", "hopper", "Edsger", "Dijkstra", "Liskov", "TOPSECRET"):
        assert secret not in text, secret
