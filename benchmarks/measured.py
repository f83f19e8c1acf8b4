"""One measurement in a process of its own: `tick.py` starts it with a JSON of settings, it prints a JSON of figures.

What a warm Function App has already is had before the watch starts: modules, the parsed policy, a token. The TLS
handshake is inside, for the floor too; closing is not: a warm app keeps its connections and files. `requests` counts
what the HTTP adapter sends meanwhile.
"""

from __future__ import annotations

import atexit
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

Work = Callable[[], dict[str, Any]]


def floor(given: dict[str, Any]) -> Work:
    """requests + json read the pages that the app reads of its clusters, and do nothing with them."""
    import requests

    arm, ca_file = given["arm"], given["ca_file"]
    params = {"api-version": "2019-08-01", "resource": arm}
    identity = {"X-IDENTITY-HEADER": given["identity_header"]}
    told = requests.get(given["identity_endpoint"], params=params, headers=identity, verify=ca_file, timeout=60)
    url = f"{arm}/providers/Microsoft.ResourceGraph/resources?api-version=2024-04-01"
    headers = {"Authorization": f"Bearer {told.json()['access_token']}"}

    def work() -> dict[str, Any]:
        rows, token = 0, None
        with requests.Session() as session:
            while True:
                options = {"resultFormat": "objectArray", "$top": 1000} | ({"$skipToken": token} if token else {})
                body = {"query": given["query"], "options": options}
                answer = session.post(url, json=body, headers=headers, verify=ca_file, timeout=60)
                if answer.status_code == requests.codes.too_many_requests:  # only with --quota
                    time.sleep(float(answer.headers["Retry-After"]))
                    continue
                answer.raise_for_status()
                page = json.loads(answer.content)
                rows += len(page["data"])
                token = page.get("$skipToken")
                if not token:
                    return {"clusters": rows}

    return work


def plan(given: dict[str, Any]) -> Work:
    """Observe, decide, admit: nothing is read from or written to a journal, so no cached prices either."""
    from shared.clients.fleet import inventory
    from shared.policy.document import read_policy
    from shared.policy.forecast import steady_plan

    cloud = _cloud(given)
    policy, now = read_policy(given["policy"], "policy.yaml"), datetime.fromisoformat(given["at"])

    def work() -> dict[str, Any]:
        seen = inventory(cloud, policy.scope, now)
        _whole(seen.problems)
        return _figures(steady_plan(seen.clusters, policy, now))

    return work


def tick(given: dict[str, Any]) -> Work:
    """The timer's handler as it is deployed, on a journal and a queue in SQLite files."""
    from shared.handlers import tick as handler

    app = _app(given)

    def work() -> dict[str, Any]:
        done = handler.tick(app)
        _whole([notice.sentence for notice in done.notices if notice.kind == "unreadable_fleet"])
        return _figures(done)

    return work


def pulse(given: dict[str, Any]) -> Work:
    """The minute's handler, with nothing under way: it scans the memory."""
    from shared.handlers import pulse as handler

    app = _app(given)
    return lambda: {"clusters": given["size"], "planned": len(handler.pulse(app))}


def _app(given: dict[str, Any]) -> Any:
    import logging

    from shared.app import App, journal_at, queue_at
    from shared.clients.notify import Sent
    from shared.settings import read_settings

    logging.disable(logging.INFO)
    settings = read_settings(
        {"LAMPLIGHTER_JOURNAL": f"sqlite:///{given['journal']}", "LAMPLIGHTER_QUEUE": f"sqlite:///{given['queue']}"}
    )
    cloud = _cloud(given)
    app = App(
        settings=settings,
        clock=lambda: datetime.fromisoformat(given["at"]),
        cloud=cloud,
        journal=journal_at(settings, cloud),
        queue=queue_at(settings, cloud),
        policy_text=lambda: (given["policy"], "policy.yaml"),
        notify=lambda _addresses, _title, _body: Sent(ok=True),
    )
    app.parse(given["policy"], "policy.yaml")
    for part in (app.journal, app.queue, cloud):
        atexit.register(part.close)

    return app


def _cloud(given: dict[str, Any]) -> Any:
    from shared.clients.azure import Cloud, endpoint_of

    os.environ |= {"IDENTITY_ENDPOINT": given["identity_endpoint"], "IDENTITY_HEADER": given["identity_header"]}
    cloud = Cloud(endpoint_of(given["arm"]), ca_file=given["ca_file"])
    cloud.credential.get_token(cloud.endpoint.scope)
    return cloud


def _whole(problems: Any) -> None:
    if problems:
        raise SystemExit(f"the fleet could not be read whole: {problems[0]}")


def _figures(plan_: Any) -> dict[str, Any]:
    clusters = len({decision.cluster for decision in plan_.decisions})
    return {"clusters": clusters, "planned": sum(decision.verdict == "plan" for decision in plan_.decisions)}


def counting() -> Callable[[], int]:
    """How many requests went out since, whoever sends them: every SDK ends in this adapter."""
    from requests.adapters import HTTPAdapter

    sent, real = [0], HTTPAdapter.send

    def send(self: Any, *args: Any, **kwargs: Any) -> Any:
        sent[0] += 1
        return real(self, *args, **kwargs)

    HTTPAdapter.send = send  # type: ignore[method-assign]
    return lambda: sent[0]


def peak() -> float:
    """MB. From Linux's own count where there is one: getrusage's begins with the size of the parent at the fork."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(one for one in status.read_text(encoding="ascii").splitlines() if one.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1024**2


def main() -> None:
    given = json.loads(sys.stdin.read())
    work = {"floor": floor, "plan": plan, "tick": tick, "pulse": pulse}[given["what"]](given)
    sent, before = counting(), peak()
    wall, cpu = time.perf_counter(), time.process_time()
    figures = work()
    figures |= {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    print(json.dumps(figures | {"rss": peak(), "idle_rss": before, "requests": sent()}))


if __name__ == "__main__":
    main()
