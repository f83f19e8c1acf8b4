"""Our functions inside Microsoft's own Python worker: indexing and binding, invocations, failures.

The published `azure-functions-runtime` is what runs on Python 3.13 in Azure; below 3.13 there is no such package, and
these tests skip.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if sys.version_info < (3, 13):
    pytest.skip("azure-functions-runtime, the worker as a package, exists from Python 3.13 on", allow_module_level=True)

from tests.contract.functions_host import FunctionsHost

if TYPE_CHECKING:
    from tests.contract.functions_host import Loaded

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def host() -> Iterator[FunctionsHost]:
    with FunctionsHost(ROOT) as host:
        yield host


def test_the_worker_indexes_every_function(host: FunctionsHost) -> None:
    assert set(host.functions) == {"tick", "pulse", "tell", "act", "look", "poison"}


def test_the_worker_tells_the_host_these_bindings(host: FunctionsHost) -> None:
    def trigger(name: str) -> dict[str, object]:
        loaded: Loaded = host.functions[name]
        return {key: value for key, value in loaded.trigger.items() if key not in {"name", "direction"}}

    assert trigger("tick") == {
        "type": "timerTrigger",
        "schedule": "%LAMPLIGHTER_TICK_SCHEDULE%",
        "runOnStartup": False,
        "useMonitor": True,
    }
    for name in ("pulse", "tell"):
        assert trigger(name) == {
            "type": "timerTrigger",
            "schedule": f"%LAMPLIGHTER_{name.upper()}_SCHEDULE%",
            "runOnStartup": False,
            "useMonitor": False,
        }
    assert trigger("act") == {
        "type": "queueTrigger",
        "queueName": "lamplighter-act",
        "connection": "AzureWebJobsStorage",
    }
    assert trigger("poison") == {**trigger("act"), "queueName": "lamplighter-act-poison"}
    assert trigger("look") == {"type": "eventGridTrigger"}


def test_no_function_retries_in_the_worker(host: FunctionsHost) -> None:
    """The queue counts its own tries and a tick is its own retry; a retry inside the worker would double both."""
    assert not any(one.retries for one in host.functions.values())


@pytest.mark.parametrize("body", ["no json", "[1, 2]", "null", '"text"', "{"])
def test_a_message_that_is_no_decision_fails_and_so_ends_as_poison(
    host: FunctionsHost, caplog: pytest.LogCaptureFixture, body: str
) -> None:
    """A normal return would delete it without a trace."""
    outcome = host.message("act", body, dequeue_count=4)
    assert not outcome.ok
    assert "is not a JSON object" in outcome.error
    [line] = [one.getMessage() for one in caplog.records if one.name == "lamplighter"]
    assert line.endswith("attempt 4: not a JSON object")
