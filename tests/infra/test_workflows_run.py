"""The workflow for policies, step by step as a runner would run it: git, bash and `lamplighter` are real, on a simulated Azure.

`make`, `gh` and `az` are programs that write down what they were asked: there is nobody to ask here.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from lamplighter.simulator import World
from lamplighter.simulator.server import serve

ROOT = Path(__file__).parents[2]
JOBS = YAML(typ="safe").load((ROOT / ".github" / "workflows" / "policy.yml").read_text(encoding="utf-8"))["jobs"]
PROGRAMS = {"make": "", "gh": "", "az": ""}
SCRIPT = '#!/bin/sh\necho "$(basename "$0") $*" >> "$ASKED"\n'


@dataclass
class Runner:
    """A checkout in which `policy.yaml` was changed, and what the steps asked of programs that are not here."""

    place: Path
    environ: dict[str, str]
    base: str = ""
    failed: str = ""
    done: list[str] = field(default_factory=list)

    def run(self, job: str) -> bool:
        """Every step of a job in its order, until one fails; True when none did."""
        known = {"github.event.pull_request.base.sha": self.base, "github.event.pull_request.number": "7"}
        for step in JOBS[job]["steps"]:
            if "run" not in step:
                continue
            environ = {name: _filled(str(value), known) for name, value in step.get("env", {}).items()}
            done = subprocess.run(
                ["bash", "-e", "-o", "pipefail", "-c", _filled(step["run"], known)],
                cwd=self.place, env={**self.environ, **environ}, capture_output=True, text=True, check=False, timeout=120,
            )  # fmt: skip
            if done.returncode:
                self.failed = f"{step['run']}\n{done.stderr}"
                return False
            self.done.append(step["run"])
        return True

    @property
    def asked(self) -> list[str]:
        file = self.place / "asked"
        return file.read_text(encoding="utf-8").splitlines() if file.exists() else []

    def git(self, *words: str) -> str:
        done = subprocess.run(
            ["git", *words], cwd=self.place, env=self.environ, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()


def _filled(text: str, known: dict[str, str]) -> str:
    return re.sub(r"\$\{\{ *(\S+) *\}\}", lambda found: known.get(found[1], f"<{found[1]}>"), text)


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[Runner]:
    programs, place = tmp_path / "programs", tmp_path / "checkout"
    for folder in (programs, place / ".venv" / "bin", place / "infra"):
        folder.mkdir(parents=True)
    for name in PROGRAMS:
        (programs / name).write_text(SCRIPT, encoding="utf-8")
    ours = place / ".venv" / "bin" / "lamplighter"
    ours.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m lamplighter "$@"\n', encoding="utf-8")
    for program in (*(programs / name for name in PROGRAMS), ours):
        program.chmod(0o755)
    (place / "policy.yaml").write_text((ROOT / "policy.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    (place / "infra" / "actions.json").write_bytes((ROOT / "infra" / "actions.json").read_bytes())
    world = World.from_fleet(
        {"graph_lag": 0, "clusters": [{"name": "web-dev", "tags": {"environment": "dev"}}, {"name": "shop"}]}
    )
    with serve(world) as server:
        environ = {
            "PATH": f"{programs}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "HOME": str(tmp_path),
            "ASKED": str(place / "asked"), "LAMPLIGHTER_CLOUD": server.arm_url, "LAMPLIGHTER_CA_FILE": server.ca_file,
            "IDENTITY_ENDPOINT": server.identity_endpoint, "IDENTITY_HEADER": server.identity_header,
            "REQUESTS_CA_BUNDLE": server.ca_file, "GIT_CONFIG_NOSYSTEM": "1",
        }  # fmt: skip
        made = Runner(place, environ)
        made.git("init", "-q")
        made.git("add", "policy.yaml")
        made.git("-c", "user.name=T", "-c", "user.email=t@example.com", "commit", "-qm", "The policy in force")
        made.base = made.git("rev-parse", "HEAD")
        yield made


def _change(runner: Runner, old: str, new: str) -> None:
    file = runner.place / "policy.yaml"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def test_a_pull_request_gets_a_comment_that_says_what_would_stop_and_start(runner):
    _change(runner, "19:00", "17:00")

    assert runner.run("show"), runner.failed

    [comment] = [line for line in runner.asked if line.startswith("gh ")]
    assert comment == "gh pr comment 7 --edit-last --create-if-none --body-file comment.md"
    text = (runner.place / "comment.md").read_text(encoding="utf-8")
    assert text.startswith("```\n")
    assert "web-dev" in text
    assert "shop" not in text, "production changes nothing"


def test_a_policy_that_needs_a_wider_role_gets_no_comment_and_a_red_check(runner):
    _change(runner, "mode: plan", "mode: act")

    assert not runner.run("show")

    assert "Microsoft.ContainerService/managedClusters/stop/action" in runner.failed
    assert [line for line in runner.asked if line.startswith("gh ")] == []


def test_a_bad_policy_is_told_before_anything_else(runner):
    _change(runner, "19:00", "25:00")
    assert not runner.run("show")
    assert runner.done == ["make setup"]
    assert "25:00" in runner.failed


def test_a_merge_uploads_the_file_and_nothing_else(runner):
    assert runner.run("merge"), runner.failed
    [upload] = [line for line in runner.asked if line.startswith("az ")]
    assert upload.startswith("az storage blob upload --auth-mode login --overwrite --account-name <vars.")
    assert upload.endswith("--container-name policy --name policy.yaml --file policy.yaml")


def test_a_bad_policy_is_not_uploaded(runner):
    _change(runner, "19:00", "25:00")
    assert not runner.run("merge")
    assert [line for line in runner.asked if line.startswith("az ")] == []
