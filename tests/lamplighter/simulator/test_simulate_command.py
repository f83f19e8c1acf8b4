"""`lamplighter simulate` as a process: one line when ready, a clean end, mistakes in one sentence."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest
import requests

RUN = "import typer; from lamplighter.commands.simulate import simulate; typer.run(simulate)"
FLEET = "clusters:\n  - {name: web, tags: {environment: dev}}\n"


def command(*arguments):
    return [sys.executable, "-c", RUN, *map(str, arguments)]


@pytest.fixture
def process(tmp_path):
    file = tmp_path / "fleet.yaml"
    file.write_text(FLEET)
    started = subprocess.Popen(
        command("--fleet", file, "--json", "--speed", "100", "--at", "2026-11-23T08:00:00+01:00"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with started:
        yield started
        started.kill()


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_is_and_ends_when_told_to(process, ending):
    ready = json.loads(process.stdout.readline())
    assert set(ready) == {"arm", "identity_endpoint", "identity_header", "ca_file"}
    with requests.Session() as session:
        session.trust_env = False  # REQUESTS_CA_BUNDLE would beat `verify`
        session.verify = ready["ca_file"]
        token = session.get(
            ready["identity_endpoint"],
            params={"resource": ready["arm"], "api-version": "2019-08-01"},
            headers={"X-IDENTITY-HEADER": ready["identity_header"]},
            timeout=10,
        ).json()["access_token"]
        found = session.post(
            f"{ready['arm']}/providers/Microsoft.ResourceGraph/resources?api-version=2024-04-01",
            json={"query": "Resources | project id, name"},
            headers={"Authorization": f"Bearer {token}"},
            timeout=10,
        ).json()
    assert [row["name"] for row in found["data"]] == ["web"]
    process.send_signal(ending)
    assert process.wait(20) == 0
    assert process.stdout.read() == ""
    assert process.stderr.read() == ""


@pytest.mark.parametrize(
    ("text", "more", "sentence"),
    [
        (FLEET, ["--at", "yesterday"], "--at needs an instant with an offset, such as 2026-11-23T07:00:00Z"),
        (FLEET, ["--at", "2026-11-23T07:00:00"], "--at needs an instant with an offset"),
        (FLEET, ["--speed", "0"], "--speed needs a number above 0"),
        ("clusters: [{nmae: web}]", [], "unknown key 'nmae'"),
        ("clusters: [", [], "neither JSON nor YAML"),
        (None, [], "No such file or directory"),
        (FLEET, ["--usage", "nowhere.csv"], "--usage nowhere.csv: No such file or directory"),
        (FLEET, ["--usage", "fleet.yaml"], "--usage fleet.yaml: usage trace, line 1: the header lacks time"),
        ("clusters: [{name: web, logs: [Syslog]}]", [], "'Syslog' is no table that the app asks; known are KubePodInv"),
    ],
)
def test_mistakes_are_one_sentence_and_exit_2(tmp_path, text, more, sentence):
    file = tmp_path / "fleet.yaml"
    if text is not None:
        file.write_text(text)
    ended = subprocess.run(
        command("--fleet", file, *more), capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path
    )
    assert ended.returncode == 2
    assert sentence in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""
