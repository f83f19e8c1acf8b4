"""What parses here and is refused there: rules of Bicep's compiler and of Azure that no parser and no linter knows.

Each was found by reading what others ran into; docs/decisions/0063 names where.
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.infra.templates import INFRA, of_type, resources, templates, the

ROOT = INFRA.parent
GROUP = "Microsoft.Resources/resourceGroups"
TOPICS = "Microsoft.EventGrid/systemTopics"
REACHES = {  # (what a module asks for) -> the scopes of templates that may ask; errors BCP113 to BCP116
    "tenant": {"tenant", "managementGroup", "subscription", "resourceGroup"},
    "managementGroup": {"tenant", "managementGroup"},
    "subscription of a name": {"tenant", "managementGroup", "subscription", "resourceGroup"},
    "subscription": {"subscription", "resourceGroup"},
    "group of a name in a subscription of a name": {"tenant", "managementGroup", "subscription", "resourceGroup"},
    "group of a name": {"subscription", "resourceGroup"},
    "resourceGroup": {"resourceGroup"},
}
FLEX_REFUSES = {
    "alwaysOn", "ftpsState", "functionAppScaleLimit", "functionsRuntimeScaleMonitoringEnabled", "javaContainer",
    "javaContainerVersion", "javaVersion", "linuxFxVersion", "netFrameworkVersion", "nodeVersion", "phpVersion",
    "powerShellVersion", "preWarmedInstanceCount", "pythonVersion", "use32BitWorkerProcess", "windowsFxVersion",
    "minimumElasticInstanceCount",
}  # fmt: skip


def scope_of(file: str) -> str:
    return templates()[file]["globals"].get("scope", {}).get("value", "resourceGroup")


def asked(file: str, scope: Any) -> str:
    """What a module asks for, in the words of REACHES."""
    if scope is None:
        return scope_of(file)
    if isinstance(scope, str):
        assert templates()[file]["resources"][scope]["type"] == GROUP, scope
        return "group of a name"
    kind, parameters = scope["function"]["type"], scope["function"].get("parameters") or {}
    if kind == "resource_group":
        return "group of a name" + (" in a subscription of a name" if "subscription_id" in parameters else "")
    if kind == "subscription":
        return "subscription of a name" if parameters else "subscription"
    return {"management_group": "managementGroup", "tenant": "tenant"}[kind]


def modules() -> list[tuple[str, str, str, str]]:
    """(file, module's file, what it asks for, scope that the module is written for)."""
    found = []
    for file, parsed in templates().items():
        for module in parsed.get("modules", {}).values():
            config = module["config"]
            while "config" in config:
                config = config["config"]
            path = ((INFRA / file).parent / module["detail"]["path"]).relative_to(INFRA).as_posix()
            found.append((file, path, asked(file, config.get("scope")), scope_of(path)))
    return found


def test_every_module_asks_for_a_scope_that_its_template_reaches():
    assert len(modules()) >= 12
    for file, path, wanted, written in modules():
        assert scope_of(file) in REACHES[wanted], f"{file}, a template of a {scope_of(file)}, asks {path} for {wanted}"
        kind = "resourceGroup" if wanted.startswith("group") else wanted.removesuffix(" of a name")
        assert kind == written, f"{file}: {path} is written for a {written}"


def test_the_rule_knows_a_management_group_from_a_subscription():
    """As `scope: managementGroup(name)` in a template of a subscription was once taken for good here."""
    wanted = asked("main.bicep", {"function": {"type": "management_group", "parameters": {"name": "x"}}})
    assert scope_of("main.bicep") not in REACHES[wanted]


def test_flex_consumption_gets_nothing_that_it_refuses():
    assert set(the("Microsoft.Web/sites").properties["siteConfig"]) & FLEX_REFUSES == set()
    others = {one.config["name"] for one in of_type("Microsoft.Web/sites/config")}
    assert others == {"appsettings", "authsettingsV2"}


def test_no_setting_is_one_that_the_platform_sets_itself():
    """Deprecated there, and the cause of apps that are provisioned and do not start."""
    text = (INFRA / "modules" / "app.bicep").read_text(encoding="utf-8")
    assert not re.search(r"\b(FUNCTIONS_|WEBSITE_|SCM_DO_BUILD|ENABLE_ORYX|TZ\b)", text)


def test_a_global_topic_has_no_identity_and_a_dead_letter_has_one():
    """Accounts without keys take dead letters from an identity alone; with a firewall, from the topic's own."""
    topics = {(one.file, one.name): one for one in of_type(TOPICS)}
    assert len(topics) == 2
    for topic in topics.values():
        if topic.config["location"] == "global":
            assert "identity" not in topic.config
        else:
            assert topic.config["identity"] == {"type": "SystemAssigned"}
    for one in of_type(f"{TOPICS}/eventSubscriptions"):
        owner = topics[one.file, str(one.config["parent"]).partition("[")[0] if _plain(one) else "topic"]
        assert "deadLetterDestination" not in one.properties, "that one wants a key"
        assert ("deadLetterWithResourceIdentity" in one.properties) == ("identity" in owner.config), one.file


def _plain(one: Any) -> bool:
    return isinstance(one.config["parent"], str)


def test_whoever_leaves_dead_letters_may_write_that_container_and_no_other():
    [grant] = [
        one for one in of_type("Microsoft.Authorization/roleAssignments") if one.file.endswith("dead-letters.bicep")
    ]
    assert grant.config["scope"] == "container"
    [container] = [one for one in resources() if one.file == grant.file and one.name == "container"]
    assert (container.existing, container.config["name"]) == (True, "dead-letters")


def test_a_budget_keeps_the_month_that_it_began_with():
    """Azure answers 400 to another start of a budget that is there, so next month's deployment would fail whole."""
    main = templates()["main.bicep"]
    assert main["outputs"]["LAMPLIGHTER_BUDGET_START"]["value"]["operator"]["operands"]["true_value"] == "budgetBegins"
    given = json.loads((INFRA / "main.parameters.json").read_text(encoding="utf-8"))["parameters"]
    assert given["budgetStart"]["value"] == "${LAMPLIGHTER_BUDGET_START=}"
    assert "utcNow" not in str(main["parameters"]["budgetStart"])


def test_a_deployment_by_workflow_is_given_what_a_laptop_remembers():
    """A runner has no folder .azure: what is not handed over would fall back to its default, the policy's source too."""
    named = set(re.findall(r"\$\{(LAMPLIGHTER_\w+)", (INFRA / "main.parameters.json").read_text(encoding="utf-8")))
    workflow = YAML(typ="safe").load((ROOT / ".github" / "workflows" / "deploy.yml").read_text(encoding="utf-8"))
    environ = workflow["jobs"]["deploy"]["env"]
    assert {name: environ.get(name) for name in named} == {name: f"${{{{ vars.{name} }}}}" for name in named}


@pytest.fixture
def provisioned(tmp_path: Path):
    """`provisioned(**variables)` runs the hook of azure.yaml beside a program named az that writes down its arguments."""
    azure = YAML(typ="safe").load((ROOT / "azure.yaml").read_text(encoding="utf-8"))
    az = tmp_path / "az"
    az.write_text(f'#!/bin/sh\nfor one in "$@"; do printf "%s\\n" "$one"; done > {tmp_path}/asked\n', encoding="utf-8")
    az.chmod(0o755)

    def run(**variables: str) -> list[str]:
        environ = {"PATH": f"{tmp_path}:/usr/bin:/bin", **variables}
        hook = azure["hooks"]["postprovision"]["posix"]
        subprocess.run([hook["shell"], "-eu", "-c", hook["run"]], check=True, env=environ, cwd=ROOT, timeout=30)
        told = tmp_path / "asked"
        return told.read_text(encoding="utf-8").splitlines() if told.exists() else []

    return run


def test_a_fleet_of_subscriptions_asks_no_management_group(provisioned):
    assert provisioned(LAMPLIGHTER_FLEET_MANAGEMENT_GROUP="") == []


def test_the_role_of_a_management_group_is_deployed_after_the_identity(provisioned):
    asked_for = provisioned(
        LAMPLIGHTER_FLEET_MANAGEMENT_GROUP="platform", AZURE_ENV_NAME="lamps", AZURE_LOCATION="westeurope",
        LAMPLIGHTER_IDENTITY_PRINCIPAL_ID="00000000-0000-0000-0000-00000000000a",
    )  # fmt: skip
    assert asked_for[:4] == ["deployment", "mg", "create", "--name"]
    assert asked_for[asked_for.index("--management-group-id") + 1] == "platform"
    template = asked_for[asked_for.index("--template-file") + 1]
    assert (ROOT / template).exists()
    given = asked_for[asked_for.index("--parameters") + 1 :]
    assert {one.partition("=")[0] for one in given} == set(templates()["role-of-group.bicep"]["parameters"])
    assert "name=Lamplighter lamps" in given
    assert {"LAMPLIGHTER_IDENTITY_PRINCIPAL_ID", "AZURE_LOCATION"} <= set(templates()["main.bicep"]["outputs"])
