"""The command as people run it, in this process: same parsing, same errors, same exit codes."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lamplighter.__main__ import main

POLICY = """
version: 1
mode: act
timezone: Europe/Berlin
scope: all
environments:
  - {name: prod, production: true, match: {names: ["*prod*"]}}
  - {name: dev, match: {tags: {environment: [dev, test]}}}
  - {name: staging, match: {tags: {environment: staging}}, guards: {keep_on_at_most: 24h}}
calendars:
  berlin: {country: DE, subdivision: BE, closed: [2026-12-24]}
schedules:
  office: {running: [Mon-Fri 07:30-19:00], calendar: berlin}
rules:
  - {name: dev-office-hours, match: {environments: [dev]}, hours: {schedule: office, lead: 20m}}
  - {name: staging-batch, match: {environments: [staging]}, hours: {schedule: office, pools: ["batch*"]}}
"""
FLEET = """
clusters:
  - {name: web-dev, tags: {environment: dev}}
  - {name: api-dev, tags: {environment: test}, power: Stopped}
  - {name: nap-dev, tags: {environment: dev}, node_provisioning: Auto}
  - {name: busy-dev, tags: {environment: dev}, state: Upgrading}
  - {name: kept-dev, tags: {environment: dev, lamplighter-keep-on-until: "2026-12-22T18:00", lamplighter-reason: load}}
  - {name: shop-stg, tags: {environment: staging}, pools: [{name: system, mode: System, count: 3}, {name: batch1, count: 2}]}
  - {name: shop-prod}
  - {name: orphan, tags: {enviroment: dev}}
  - {name: twin, resource_group: rg-one, tags: {environment: dev}}
  - {name: twin, resource_group: rg-two, tags: {environment: dev}}
"""


@dataclass(frozen=True)
class Ran:
    """What one run of the command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with policy.yaml and fleet.yaml in it, and a shell that names no setting."""
    for name in list(os.environ):
        if name.startswith(("LAMPLIGHTER_", "AZURE_", "IDENTITY_", "MSI_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "policy.yaml").write_text(POLICY, encoding="utf-8")
    (tmp_path / "fleet.yaml").write_text(FLEET, encoding="utf-8")
    return tmp_path


@pytest.fixture
def run(room: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """`run("plan", "--json")`: the command line, in words."""

    def run_command(*words: str) -> Ran:
        code = main(list(words))
        said = capsys.readouterr()
        return Ran(code, said.out, said.err)

    return run_command
