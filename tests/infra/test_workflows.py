"""What a team's pipelines do: no stored secret, a policy is checked and shown before it is in force, and only then."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
WORKFLOWS = {
    path.stem: YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    for path in sorted((ROOT / ".github" / "workflows").glob("*.yml"))
}


def steps(workflow: str, job: str) -> str:
    """All commands of a job, in their order."""
    return "\n".join(str(one.get("run", "")) for one in WORKFLOWS[workflow]["jobs"][job]["steps"])


def test_no_workflow_needs_a_stored_secret():
    for path in (ROOT / ".github" / "workflows").glob("*.yml"):
        assert "secrets." not in path.read_text(encoding="utf-8"), path.name
    for name in ("deploy", "policy"):
        assert WORKFLOWS[name]["permissions"]["id-token"] == "write"


def test_a_change_of_the_policy_is_checked_and_shown_before_anybody_merges_it():
    said = steps("policy", "show")
    order = [said.index(word) for word in ("lamplighter check", "role --granted", "lamplighter diff", "gh pr comment")]
    assert order == sorted(order)
    assert WORKFLOWS["policy"]["jobs"]["show"]["if"] == "github.event_name == 'pull_request'"


def test_a_merged_policy_comes_into_force_without_a_deployment():
    said = steps("policy", "merge")
    order = [said.index(word) for word in ("check --policy-only", "role --granted", "az storage blob upload")]
    assert order == sorted(order)
    assert "azd" not in said
    assert "--container-name policy" in said


def test_nothing_is_deployed_that_was_not_checked():
    said = steps("deploy", "deploy")
    order = [said.index(word) for word in ("make check", "az bicep build", "azd auth login", "azd up")]
    assert order == sorted(order)


def test_the_shell_of_every_step_parses():
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("bash is not there")
    for workflow in WORKFLOWS.values():
        for job in workflow["jobs"].values():
            for step in job["steps"]:
                text = re.sub(r"\$\{\{.*?\}\}", "X", str(step.get("run", "")))
                done = subprocess.run([bash, "-n"], input=text, capture_output=True, text=True, check=False, timeout=30)
                assert done.returncode == 0, f"{text}\n{done.stderr}"


def test_azd_deploys_the_functions_before_it_sends_them_hints():
    """Event Grid refuses a destination that does not exist yet."""
    azure: Any = YAML(typ="safe").load((ROOT / "azure.yaml").read_text(encoding="utf-8"))
    assert azure["services"]["lamplighter"] == {"project": ".", "language": "python", "host": "function"}
    assert [step["azd"] for step in azure["workflows"]["up"]["steps"]] == ["provision", "deploy --all", "provision"]
    for system in ("posix", "windows"):
        assert azure["hooks"]["postdeploy"][system]["run"] == "azd env set LAMPLIGHTER_EVENTS true"
    parameters = (ROOT / "infra" / "main.parameters.json").read_text(encoding="utf-8")
    named = set(re.findall(r"\$\{(LAMPLIGHTER_\w+)", parameters))
    assert "LAMPLIGHTER_EVENTS" in named
    page = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    assert {name for name in named if f"`{name}`" not in page} == set()
