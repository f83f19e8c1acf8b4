"""What is deployed: the triggers, host.json, the settings the host resolves, and the files that ship."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import traceback
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest

import function_app
from lamplighter.simulator import World, serve
from shared.clients import pipeline, queue
from shared.errors import NoReply
from shared.settings import SETTINGS, read_settings
from tests.packaged.packaging import ignored

ROOT = Path(__file__).parents[2]
HOST = json.loads((ROOT / "host.json").read_text(encoding="utf-8"))
LOCAL = json.loads((ROOT / "local.settings.example.json").read_text(encoding="utf-8"))["Values"]
FUNCTIONS = {
    "tick",
    "pulse",
    "tell",
    "digest",
    "digest_goes_on",
    "sweep",
    "act",
    "look",
    "poison",
    "keep_on",
    "keep_off",
    "wake",
    "postpone",
    "alert",
    "alert_by_key",
}
CLUSTER = "/subscriptions/00000000-0000-0000-0000-00000000000a/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters/web"
STOPPED = {
    "resourceUri": CLUSTER,
    "operationName": "Microsoft.ContainerService/managedClusters/stop/action",
    "status": "Succeeded",
    "claims": {"name": "A Person", "ipaddr": "203.0.113.7"},
    "authorization": {"evidence": {"principalId": "11111111-0000-0000-0000-000000000000"}},
    "httpRequest": {"clientIpAddress": "203.0.113.7"},
}

IMPORT = """
import sys
def refuse(event, args):
    if event.startswith("socket.") and event != "socket.gethostname" or event == "subprocess.Popen":
        raise RuntimeError(f"importing function_app did {event} {args}")
sys.addaudithook(refuse)
sys.path.insert(0, sys.argv[1])
import azure.functions
before = set(sys.modules)
import function_app
print("\\n".join(sorted(set(sys.modules) - before)))
"""


def test_importing_needs_no_network_setting_or_secret_and_brings_nothing_else() -> None:
    """An error during import makes all functions vanish without a word, and each import is paid at a cold start."""
    done = subprocess.run(
        [sys.executable, "-I", "-c", IMPORT, str(ROOT)], capture_output=True, text=True, check=True, env={}, timeout=60
    )
    assert done.stdout.split() == ["function_app"]


def triggers() -> dict[str, dict[str, Any]]:
    """What the SDK tells the host; from a fresh copy, since an app can be indexed only once."""
    spec = importlib.util.spec_from_file_location("function_app_copy", ROOT / "function_app.py")
    assert spec is not None
    assert spec.loader is not None
    copy = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(copy)
    return {one.get_function_name(): one.get_trigger().get_dict_repr() for one in copy.app.get_functions()}


def test_the_functions_are_these_and_each_has_an_explicit_name() -> None:
    assert set(triggers()) == FUNCTIONS


def test_every_schedule_is_a_setting_of_the_table_and_nothing_runs_at_startup() -> None:
    timers = {name: one for name, one in triggers().items() if one["type"] == "timerTrigger"}
    assert {name: one["schedule"] for name, one in timers.items()} == {
        name: f"%LAMPLIGHTER_{name.upper()}_SCHEDULE%" for name in ("tick", "pulse", "tell", "digest", "sweep")
    }
    assert {one["schedule"].strip("%") for one in timers.values()} <= {setting.name for setting in SETTINGS}
    assert [one["runOnStartup"] for one in timers.values()] == [False] * len(timers)
    assert {name: one["useMonitor"] for name, one in timers.items()} == {
        "tick": True,
        "pulse": False,
        "tell": False,
        "digest": False,
        "sweep": False,
    }


def test_poison_listens_where_the_host_moves_what_failed() -> None:
    """The host appends -poison to the queue's name; another name would lose those messages from sight."""
    found = triggers()
    assert found["poison"]["queueName"] == f"{found['act']['queueName']}-poison"
    assert found["poison"]["connection"] == found["act"]["connection"] == "AzureWebJobsStorage"


def test_what_is_sent_is_what_is_listened_to() -> None:
    """Two names for one queue would let decisions pile up unheard."""
    assert queue.PREFIX + queue.ACT == function_app.ACT_QUEUE
    assert queue.PREFIX + queue.ACT + queue.POISON == function_app.POISON_QUEUE
    assert HOST["extensions"]["queues"]["maxDequeueCount"] == queue.MAX_DEQUEUE_COUNT


def test_an_invocation_ends_before_its_claim_and_after_an_http_call_gave_up() -> None:
    hours, minutes, seconds = map(int, HOST["functionTimeout"].split(":"))
    limit = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    assert timedelta(seconds=pipeline.CALL_SECONDS) < limit < timedelta(minutes=10)


def test_a_failed_message_is_tried_again_later_not_at_once() -> None:
    """With the default of no delay all five tries are spent within a second of one hiccup."""
    queues = HOST["extensions"]["queues"]
    assert queues["visibilityTimeout"] == "00:00:30"
    assert queues["maxDequeueCount"] == 5
    assert queues["messageEncoding"] == "base64"
    assert queues["batchSize"] + queues["newBatchThreshold"] <= int(LOCAL["PYTHON_THREADPOOL_THREAD_COUNT"])


def test_sampling_never_drops_which_invocation_ran_or_failed() -> None:
    sampling = HOST["logging"]["applicationInsights"]["samplingSettings"]
    assert set(sampling["excludedTypes"].split(";")) == {"Request", "Exception", "Trace"}


def test_the_local_example_is_accepted_and_resolves_every_schedule() -> None:
    """Core Tools with Azurite and the simulator: `%NAME%` without a value would leave the host without that function."""
    settings = read_settings(LOCAL)
    assert settings.custom_cloud
    for one in triggers().values():
        name = one.get("schedule", "").strip("%")
        assert not name or len(LOCAL[name].split()) == 6


def test_the_local_example_finds_the_simulator() -> None:
    """Everything but the certificate, which is new each time, is what `lamplighter simulate --port 8443` announces."""
    with serve(World.from_fleet({"clusters": []})) as server:
        said = {"LAMPLIGHTER_CLOUD": server.arm_url, **server.environment}
    port = said["LAMPLIGHTER_CLOUD"].rpartition(":")[2]
    for name in ("LAMPLIGHTER_CLOUD", "IDENTITY_ENDPOINT", "IDENTITY_HEADER"):
        assert said[name].replace(f":{port}", ":8443") == LOCAL[name]


def test_the_local_example_holds_no_key() -> None:
    assert LOCAL["AzureWebJobsStorage"] == "UseDevelopmentStorage=true"
    assert not any("key=" in value.casefold() for value in LOCAL.values())


def test_what_ships_is_the_app_and_nothing_else() -> None:
    """Microsoft's own sample lists `test` and so publishes its `tests` folder. A new file at the top must be decided."""
    shipped = {one.name for one in ROOT.iterdir() if not ignored(one.name)} - {".python_packages"}
    assert shipped == {"function_app.py", "host.json", "requirements.txt", "shared", "policy.yaml"}
    assert not ignored(".python_packages/lib")
    assert ignored(".azure/dev/.env")
    assert ignored("shared/__pycache__/app.cpython-313.pyc")
    assert not ignored("shared/policy/rules/hours.py")


def event_grid(**changes: Any) -> func.EventGridEvent:
    return func.EventGridEvent(
        **{
            "id": "e-1",
            "topic": "/subscriptions/00000000-0000-0000-0000-00000000000a",
            "subject": CLUSTER,
            "event_type": "Microsoft.Resources.ResourceActionSuccess",
            "event_time": datetime.fromisoformat("2026-11-23T18:00:04+00:00"),
            "data": STOPPED,
            "data_version": "2",
            **changes,
        }
    )


def test_both_schemas_become_the_same_plain_event() -> None:
    cloud = func.CloudEvent(
        id="e-1",
        source="/subscriptions/00000000-0000-0000-0000-00000000000a",
        subject=CLUSTER,
        type="Microsoft.Resources.ResourceActionSuccess",
        specversion="1.0",
        time=datetime.fromisoformat("2026-11-23T18:00:04+00:00"),
        data=STOPPED,
    )
    assert function_app.plain_event(event_grid()) == function_app.plain_event(cloud)
    assert function_app.plain_event(cloud) == {
        "id": "e-1",
        "type": "Microsoft.Resources.ResourceActionSuccess",
        "subject": CLUSTER,
        "source": "/subscriptions/00000000-0000-0000-0000-00000000000a",
        "time": "2026-11-23T18:00:04+00:00",
        "data": {
            "resourceUri": CLUSTER,
            "operationName": "Microsoft.ContainerService/managedClusters/stop/action",
            "status": "Succeeded",
        },
    }


def test_who_did_it_and_from_where_goes_no_further() -> None:
    """The claims of a resource event are personal data: what never arrives is never logged."""
    shown = json.dumps(function_app.plain_event(event_grid()))
    assert "A Person" not in shown
    assert "203.0.113.7" not in shown
    assert "principalId" not in shown


@pytest.mark.parametrize("data", [None, "text", ["list"], 7])
def test_an_event_with_odd_data_is_an_event_without_data(data: Any) -> None:
    plain = function_app.plain_event(event_grid(data=data, event_time=None))
    assert plain["data"] == {}
    assert plain["time"] is None


def test_a_failure_is_one_sentence_in_the_log_and_the_host_sees_it(caplog: pytest.LogCaptureFixture) -> None:
    """The SDK's error behind ours may quote a signed URL, and the host records whole chains of exceptions."""
    failure = NoReply("stopping web-dev: no answer")
    failure.__cause__ = OSError("GET https://myaccount.blob.core.windows.net/policy.yaml?sig=SECRET")
    with pytest.raises(NoReply) as caught, function_app._told("act", "decision d-1, attempt 2"):
        raise failure
    assert [one.getMessage() for one in caplog.records] == ["act: decision d-1, attempt 2: stopping web-dev: no answer"]
    assert "SECRET" not in "".join(traceback.format_exception(caught.value))


def test_an_unexpected_error_is_logged_with_its_decision_and_kept_whole_for_the_host(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Our line has the kind only: what an unknown error quotes is unknown too."""
    with pytest.raises(ZeroDivisionError), function_app._told("act", "decision d-1, attempt 2"):
        _ = 1 / 0
    assert [one.getMessage() for one in caplog.records] == [
        "act: decision d-1, attempt 2: unexpected ZeroDivisionError"
    ]
