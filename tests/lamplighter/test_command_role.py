"""`lamplighter role`: the actions, written where the template reads them, and compared before a policy is in force."""

from pathlib import Path

import pytest

from tests.lamplighter.conftest import POLICY

ROOT = Path(__file__).parents[2]


def test_the_actions_are_printed_with_their_reasons(run, tmp_path):
    acting = tmp_path / "acting.yaml"
    acting.write_text(POLICY, encoding="utf-8")

    told = run("role", "--policy", acting, "--json").json["actions"]

    by_action = {one["action"].rpartition("managedClusters/")[2]: one for one in told}
    assert by_action["stop/action"] == {
        "action": "Microsoft.ContainerService/managedClusters/stop/action",
        "reason": "stops clusters",
        "rule": "dev-office-hours",
    }
    assert by_action["agentPools/write"]["rule"] == "staging-batch"


def test_a_policy_that_needs_more_than_the_role_grants_is_told_before_it_is_in_force(tmp_path, run):
    granted, acting = tmp_path / "actions.json", tmp_path / "policy.yaml"
    acting.write_text(POLICY, encoding="utf-8")
    planning = tmp_path / "plan.yaml"
    planning.write_text(POLICY.replace("mode: act", "mode: plan"), encoding="utf-8")

    assert run("role", "--policy", planning, "--save", granted).code == 0
    assert run("role", "--policy", planning, "--granted", granted).code == 0
    told = run("role", "--policy", acting, "--granted", granted)
    assert told.code != 0
    assert "Microsoft.ContainerService/managedClusters/stop/action: stops clusters" in told.err
    assert "azd provision" in told.err
    assert run("role", "--policy", acting, "--save", granted).code == 0
    assert run("role", "--policy", acting, "--granted", granted).code == 0


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"actions": "all"}', '{"actions": [1]}'])
def test_a_file_that_lists_no_actions_is_told_in_one_sentence(tmp_path, run, text):
    granted = tmp_path / "actions.json"
    granted.write_text(text, encoding="utf-8")

    told = run("role", "--policy", ROOT / "policy.yaml", "--granted", granted)

    assert told.code == 2
    assert "such as --granted infra/actions.json" in told.err
