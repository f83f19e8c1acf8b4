"""A Functions host in one file: it drives Microsoft's own Python worker, `azure-functions-runtime`, in this process.

What the host does, in its order: init (the worker indexes function_app.py), metadata, load, then invocations.
Every message goes through its bytes, as it would through gRPC.
"""

from __future__ import annotations

import asyncio
import json
import sys
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import azure_functions_runtime as worker

from tests.contract import functions_wire

INBOX = {"timerTrigger": "json", "queueTrigger": "string", "eventGridTrigger": "json"}
"""How the host hands each trigger's data over."""


@dataclass(frozen=True)
class Outcome:
    """How one invocation ended, as the host sees it."""

    ok: bool
    error: str
    trace: str


@dataclass(frozen=True)
class Reply:
    """What an HTTP function answered; names of headers are lower-case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8")

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Loaded:
    id: str
    bindings: tuple[dict[str, Any], ...]
    retries: bool

    @property
    def trigger(self) -> dict[str, Any]:
        [trigger] = [one for one in self.bindings if one["direction"].casefold() == "in"]
        return trigger


class FunctionsHost:
    """Use it as a context; `functions` is what the worker indexed, by name."""

    def __init__(self, root: Path) -> None:
        self.protos = functions_wire.build()
        self.root = root
        self.functions: dict[str, Loaded] = {}
        self.traceparent = ""
        """The trace context of the next invocation."""

    def __enter__(self) -> Self:
        # The worker imports it by name, and the SDK lets an app be indexed only once.
        sys.modules.pop("function_app", None)
        worker.start_threadpool_executor()
        init = self._ask(
            worker.worker_init_request,
            worker_init_request={"host_version": "4", "function_app_directory": str(self.root)},
        )
        assert init.result.status == 1, init.result.exception.message
        listed = self._ask(
            worker.functions_metadata_request,
            functions_metadata_request={"function_app_directory": str(self.root)},
        )
        for one in listed.function_metadata_results:
            loaded = self._ask(
                worker.function_load_request,
                function_load_request={"function_id": one.function_id, "metadata": one},
            )
            assert loaded.result.status == 1, loaded.result.exception.message
            self.functions[one.name] = Loaded(
                one.function_id, tuple(json.loads(raw) for raw in one.raw_bindings), one.HasField("retry_options")
            )
        return self

    def __exit__(self, *_: object) -> None:
        worker.stop_threadpool_executor()

    def timer(self, function: str, *, past_due: bool = False, traceparent: str = "") -> Outcome:
        """The time has come; `past_due` as after an outage."""
        self.traceparent = traceparent
        status = {"Last": "2026-11-23T06:00:00+00:00", "Next": "2026-11-23T06:05:00+00:00"}
        return self._invoke(function, {"Schedule": {}, "ScheduleStatus": status, "IsPastDue": past_due})

    def message(self, function: str, body: object, *, dequeue_count: int = 1, traceparent: str = "") -> Outcome:
        """A message of a storage queue; what is neither text nor bytes is sent as JSON."""
        self.traceparent = traceparent
        about = {
            "Id": str(uuid.uuid4()),
            "DequeueCount": str(dequeue_count),
            "PopReceipt": "receipt",
            "InsertionTime": "2026-11-23T06:00:00+00:00",
            "ExpirationTime": "2026-11-30T06:00:00+00:00",
            "NextVisibleTime": "2026-11-23T06:10:00+00:00",
        }
        return self._invoke(function, body, about)

    def event(self, function: str, body: dict[str, Any]) -> Outcome:
        """One event, in either schema."""
        return self._invoke(function, body)

    def http(self, function: str, method: str = "GET", body: bytes = b"", **about: Mapping[str, str]) -> Reply:
        """One HTTP request; `headers` and `query` as the host hands them over, the body as bytes."""
        url = f"https://localhost/api/{self.functions[function].trigger.get('route', function)}"
        sent = {"method": method, "url": url, "headers": about.get("headers", {}), "query": about.get("query", {})}
        response = self._respond(function, {"http": {**sent, **({"body": {"bytes": body}} if body else {})}})
        assert response.result.status == 1, response.result.exception.message
        answer = response.return_value.http
        known = {name.lower(): value for name, value in answer.headers.items()}
        return Reply(int(answer.status_code), known, bytes(answer.body.bytes))

    def _invoke(self, function: str, body: object, about: dict[str, str] | None = None) -> Outcome:
        kind, text = INBOX[self.functions[function].trigger["type"]], body
        if isinstance(body, bytes):
            kind = "bytes"
        elif not isinstance(body, str):
            text = json.dumps(body)
        failure = (response := self._respond(function, {kind: text}, about)).result.exception
        return Outcome(response.result.status == 1, failure.message, failure.stack_trace)

    def _respond(self, function: str, data: dict[str, Any], about: dict[str, str] | None = None) -> Any:
        loaded = self.functions[function]
        return self._ask(
            worker.invocation_request,
            invocation_request={
                "invocation_id": str(uuid.uuid4()),
                "function_id": loaded.id,
                "input_data": [{"name": loaded.trigger["name"], "data": data}],
                "trigger_metadata": {key: self.protos.TypedData(string=value) for key, value in (about or {}).items()},
                "trace_context": {"trace_parent": self.traceparent},
                "retry_context": {},
            },
        )

    def _ask(self, call: Any, **content: Any) -> Any:
        sent = self.protos.StreamingMessage(request_id=str(uuid.uuid4()), **content).SerializeToString()
        request = SimpleNamespace(
            request=self.protos.StreamingMessage.FromString(sent),
            properties={"host": "127.0.0.1", "protos": self.protos},
        )
        response = asyncio.run(call(request))
        return type(response).FromString(response.SerializeToString())
