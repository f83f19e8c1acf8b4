"""The requests and events that the documents show, sent to the functions as they stand there."""

from __future__ import annotations

import json
import re
import shlex
import sys
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if sys.version_info < (3, 13):
    pytest.skip("azure-functions-runtime, the worker as a package, exists from Python 3.13 on", allow_module_level=True)

from shared.model.memory import Wish
from tests.clients.entra_tokens import bearer
from tests.contract.http_calls import holds

if TYPE_CHECKING:
    from tests.contract.conftest import House
    from tests.contract.functions_host import FunctionsHost

PAGE = (Path(__file__).parents[2] / "docs" / "http.md").read_text(encoding="utf-8")


def sample(kind: str) -> str:
    [found] = re.findall(rf"^```{kind}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return found


def test_the_request_of_the_page_keeps_a_cluster_on(host: FunctionsHost, open_house: House) -> None:
    """curl's own words are read, with a token where the page asks `az` for one."""
    program, *words = shlex.split(re.sub(r"\$\(az [^)]*\)", bearer().removeprefix("Bearer "), sample("sh")))
    options: dict[str, list[str]] = {}
    for option, value in pairwise(words):
        if option.startswith("-"):
            options.setdefault(option, []).append(value)
    [url] = [word for word in words if word.startswith("https://")]
    headers = dict(one.split(": ", 1) for one in options["-H"])
    [function] = [name for name, one in host.functions.items() if url.endswith("/api/" + str(one.trigger.get("route")))]

    assert program == "curl"
    answer = host.http(function, options["-X"][0], options["-d"][0].encode(), headers=headers)

    assert answer.status == 200, answer.json
    assert holds(open_house) == [(Wish.RUNNING, "command", "ana@example.com", "load test")]


def test_the_event_of_the_page_is_an_alert(host: FunctionsHost, open_house: House) -> None:
    assert host.event("look", json.loads(sample("json"))).ok
    assert [one.rule for one in open_house.app.journal.alerts()] == ["orders-waiting"]
