"""One trace from the trigger to Azure: through the queue, into Resource Manager's correlation id, and no further."""

from __future__ import annotations

import json
import sys
import uuid
from datetime import timedelta

import pytest

from lamplighter.simulator import Fault
from shared import telemetry

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (PARENT, TRACE), (TRACE, TRACE), ("", ""), (None, ""), (7, ""), ("0" * 32, ""), (f"00-{'0' * 32}-b7ad6b7169203331-01", ""),
        (TRACE.upper(), ""), (f"{TRACE}\n", ""), (f"{TRACE}; drop", ""),
    ],
)  # fmt: skip
def test_a_trace_is_read_from_a_traceparent_and_from_nothing_else(text, expected):
    """A message is anybody's who can write to the queue: what it brings ends in logs and headers."""
    assert telemetry.trace_of(text) == expected


def test_the_first_that_is_a_trace_is_taken_and_it_ends_with_its_block():
    assert telemetry.trace() == telemetry.correlation() == ""
    with telemetry.traced("no trace", None, PARENT) as id_:
        assert id_ == telemetry.trace() == TRACE
        assert uuid.UUID(telemetry.correlation()).hex == TRACE
        with telemetry.traced() as inner:
            assert inner != TRACE
            assert telemetry.trace_of(inner) == inner
        assert telemetry.trace() == TRACE
    assert telemetry.trace() == ""


def test_a_figure_is_one_line_of_json(caplog):
    caplog.set_level("INFO", "lamplighter")
    with telemetry.traced(TRACE):
        telemetry.measured("tick", {"clusters": 3})
    [line] = [one.getMessage() for one in caplog.records]
    assert line == f'measured tick {{"clusters":3,"trace":"{TRACE}"}}'


if sys.version_info >= (3, 13):
    from tests.contract.conftest import host, house  # noqa: F401  the composed app inside Microsoft's worker

    @pytest.fixture
    def sent(house):  # noqa: F811
        """(method, path, correlation id) of every request that reaches Azure."""
        adapter = house.app.cloud.transport.session.get_adapter("https://")
        real, seen = adapter.send, []

        def watched(request, **options):
            seen.append(
                (request.method, request.path_url.partition("?")[0], request.headers.get(telemetry.CORRELATION))
            )
            return real(request, **options)

        adapter.send = watched
        return seen

    def test_a_write_that_azure_refuses_is_a_figure_under_its_trace(host, house, caplog):  # noqa: F811
        caplog.set_level("INFO", "lamplighter")
        for hours in (0, 9, 0):
            house.wait(hours=hours, minutes=5)
            assert host.timer("tick").ok
        house.wait(minutes=10)
        assert host.timer("tick", traceparent=PARENT).ok
        house.world.inject(Fault.refuse("POST */stop", 400, "BadRequest"))
        [received] = house.app.queue.receive("act", visibility=timedelta())
        assert host.message("act", received.message).ok
        [line] = [one.getMessage() for one in caplog.records if one.getMessage().startswith("measured act ")]
        told = json.loads(line.removeprefix("measured act "))
        assert (told["action"], told["outcome"], told["trace"]) == ("stop_cluster", "failed", TRACE)

    def test_the_write_to_azure_carries_the_trace_of_the_tick_that_decided(host, house, sent, caplog):  # noqa: F811
        caplog.set_level("INFO", "lamplighter")
        for hours in (0, 9, 0):
            house.wait(hours=hours, minutes=5)
            assert host.timer("tick").ok
        house.wait(minutes=10)
        del sent[:]
        assert host.timer("tick", traceparent=PARENT).ok
        assert {correlation for _, path, correlation in sent if "/providers/" in path} == {str(uuid.UUID(TRACE))}
        [received] = house.app.queue.receive("act", visibility=timedelta())
        assert received.message["trace"] == TRACE

        del sent[:]
        assert host.message("act", received.message, traceparent=f"00-{'1' * 32}-b7ad6b7169203331-01").ok
        [write] = [one for one in sent if one[0] == "POST"]
        assert write[1].endswith("/web-dev/stop")
        assert write[2] == str(uuid.UUID(TRACE))
        lines = [one.getMessage() for one in caplog.records if one.getMessage().startswith("measured act ")]
        told = json.loads(lines[-1].removeprefix("measured act "))
        assert told == {
            "action": "stop_cluster", "decision": received.message["id"], "outcome": "accepted", "trace": TRACE,
        }  # fmt: skip
