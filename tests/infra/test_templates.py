"""What the templates promise, asserted on the parsed templates: no key, no wildcard, every name what it holds."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from lamplighter.permissions import NEVER
from shared.settings import SETTINGS
from tests.infra.templates import INFRA, of_type, resources, strings, templates, the, variable

ROOT = INFRA.parent
STORAGE = "Microsoft.Storage/storageAccounts"
ROLES_OF_THE_APP = {  # by their names in https://learn.microsoft.com/azure/role-based-access-control/built-in-roles
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": "Storage Blob Data Owner",
    "974c5e8b-45b9-4653-ba55-5f855dd0fb88": "Storage Queue Data Contributor",
    "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3": "Storage Table Data Contributor",
    "4633458b-17de-408a-b874-0445c86b69e6": "Key Vault Secrets User",
    "3913510d-42f4-4e42-8a64-420c390055eb": "Monitoring Metrics Publisher",
}
ROLE_OF_TOPICS = {"ba92f5b4-2d11-453d-a403-e96b0029c9fe": "Storage Blob Data Contributor"}


def settings_of_the_app() -> dict[str, Any]:
    properties = next(one for one in of_type("Microsoft.Web/sites/config") if one.config["name"] == "appsettings")
    merged = {**variable("modules/app.bicep", "settings"), **variable("modules/app.bicep", "apiSettings")}
    for argument in properties.properties["function"]["parameters"].values():
        merged |= argument if isinstance(argument, dict) and "operator" not in argument else {}
    return merged


def test_every_template_parses_and_says_what_it_is_for():
    for file in templates():
        first = (INFRA / file).read_text(encoding="utf-8").splitlines()[0]
        assert first.startswith("// "), file


def test_no_key_opens_anything():
    account = the(STORAGE).properties
    assert account["allowSharedKeyAccess"] is False
    assert account["allowBlobPublicAccess"] is False
    assert account["minimumTlsVersion"] == "TLS1_2"
    assert the("Microsoft.Insights/components").properties["DisableLocalAuth"] is True
    assert the("Microsoft.OperationalInsights/workspaces").properties["features"]["disableLocalAuth"] is True
    assert the("Microsoft.KeyVault/vaults").properties["enableRbacAuthorization"] is True
    passwords = of_type("Microsoft.Web/sites/basicPublishingCredentialsPolicies")
    assert {(one.config["name"], one.properties["allow"]) for one in passwords} == {("ftp", False), ("scm", False)}
    for file in templates():
        text = (INFRA / file).read_text(encoding="utf-8")
        assert not re.search(r"listKeys|AccountKey|SharedAccessKey|listSecrets|listAccountSas", text, re.IGNORECASE), (
            file
        )


def test_the_identity_is_one_and_has_five_roles_beside_the_fleets():
    assert len(of_type("Microsoft.ManagedIdentity/userAssignedIdentities")) == 1
    assert the("Microsoft.Web/sites").config["identity"]["type"] == "UserAssigned"
    ids = {
        found
        for file in templates()
        for found in re.findall(r"'([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})'", (INFRA / file).read_text("utf-8"))
    }
    assert ids == set(ROLES_OF_THE_APP) | set(ROLE_OF_TOPICS)


def test_both_roles_grant_the_generated_list_and_nothing_else():
    granted = json.loads((INFRA / "actions.json").read_text(encoding="utf-8"))
    definitions = of_type("Microsoft.Authorization/roleDefinitions")
    assert {one.file for one in definitions} == {"modules/role.bicep", "role-of-group.bicep"}
    for one in definitions:
        [permission] = one.properties["permissions"]
        assert set(permission) == {"actions", "notActions"}
        loaded = templates()[one.file]["variables"]["granted"]["value"]["function"]
        assert loaded["type"] == "load_json_content"
        assert ((INFRA / one.file).parent / loaded["parameters"]["file_path"]).resolve() == INFRA / "actions.json"
        assert permission["actions"]["operator"]["operands"] == {"operand_1": "granted", "operand_2": "actions"}
        assert one.properties["assignableScopes"] != ["/"]
    assert set(granted["because"]) == set(granted["actions"])
    assert all(granted["because"].values())
    assert not [one for one in granted["actions"] if "*" in one or any(word in one for word in NEVER)]


def test_outputs_are_named_for_what_they_hold():
    """A sample once gave the name of a component as its connection string."""
    holds = {
        "AZURE_LOCATION": "location", "AZURE_RESOURCE_GROUP": "name", "LAMPLIGHTER_FUNCTION_APP_NAME": "functionAppName",
        "LAMPLIGHTER_STORAGE_ACCOUNT_NAME": "accountName", "LAMPLIGHTER_POLICY_URL": "policyUrl",
        "LAMPLIGHTER_PUBLIC_URL": "publicUrl", "LAMPLIGHTER_VAULT_URI": "vaultUri",
        "LAMPLIGHTER_IDENTITY_CLIENT_ID": "clientId", "actionGroupId": "id", "functionAppName": "name",
        "functionAppId": "id", "topicName": "name", "identityId": "id", "principalId": "principalId",
        "clientId": "clientId", "insightsId": "id", "connectionString": "ConnectionString", "roleDefinitionId": "id",
        "accountId": "id", "accountName": "name", "vaultName": "name", "vaultUri": "vaultUri",
        "workbookId": "id", "LAMPLIGHTER_FUNCTION_APP_ID": "functionAppId", "LAMPLIGHTER_STORAGE_ACCOUNT_ID": "accountId",
        "LAMPLIGHTER_IDENTITY_PRINCIPAL_ID": "principalId", "LAMPLIGHTER_ACTION_GROUP_ID": "actionGroupId",
        "LAMPLIGHTER_BUDGET_START": "budgetBegins",
    }  # fmt: skip
    written = {"publicUrl": "https://${", "policyUrl": "policy/policy.yaml", "appSubnetId": "/subnets/app"}
    for file, parsed in templates().items():
        for name, output in parsed.get("outputs", {}).items():
            value = output["value"]
            while isinstance(value, dict):
                parts = value["operator"]["operands"]
                value = parts["operand_2"] if "operand_2" in parts else parts["true_value"]
            if name in written:
                assert written[name] in value, f"{file}: {name} holds {value}"
            else:
                assert value == holds[name], f"{file}: {name} holds {value}"


def test_settings_have_one_name_everywhere():
    """Bicep, settings.py and docs/settings.md: what is set is known, what the functions need is set."""
    known = {one.name for one in SETTINGS}
    set_here = {name for name in settings_of_the_app() if name.startswith("LAMPLIGHTER_")}
    assert set_here <= known
    left_out = {one.name for one in SETTINGS if one.name not in set_here and not one.default}
    assert left_out == {"LAMPLIGHTER_CA_FILE"}, "a Resource Manager of one's own has no template"
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert {name for name in known if f"`{name}`" not in page} == set()


@pytest.mark.parametrize("file", ["function_app.py", "host.json"])
def test_every_setting_that_a_trigger_names_is_defined(file):
    named = set(re.findall(r"%(\w+)%", (ROOT / file).read_text(encoding="utf-8")))
    here = settings_of_the_app()
    laptop = json.loads((ROOT / "local.settings.example.json").read_text(encoding="utf-8"))["Values"]
    assert named <= set(here)
    assert named <= set(laptop)
    assert file != "function_app.py" or named


def test_the_local_settings_are_whole():
    """Every setting there is known, and what a Function App must have is there."""
    values = json.loads((ROOT / "local.settings.example.json").read_text(encoding="utf-8"))["Values"]
    known = {one.name for one in SETTINGS}
    assert {name for name in values if name.startswith("LAMPLIGHTER_")} <= known
    assert {"AzureWebJobsStorage", "FUNCTIONS_WORKER_RUNTIME", "IDENTITY_ENDPOINT", "IDENTITY_HEADER"} <= set(values)
    assert {"LAMPLIGHTER_JOURNAL", "LAMPLIGHTER_QUEUE", "LAMPLIGHTER_CLOUD", "LAMPLIGHTER_CA_FILE"} <= set(values)


def test_no_setting_holds_a_secret():
    """Addresses of channels are references to the vault; the values of everything else are names and addresses."""
    for name, value in settings_of_the_app().items():
        if name.endswith("_CHANNEL"):
            assert str(value).startswith("@Microsoft.KeyVault("), name
        assert not re.search(r"sig=|password|secret=|key=", str(value), re.IGNORECASE), name


def test_the_cloud_has_the_name_that_the_settings_take():
    """Azure calls its public cloud AzureCloud; the setting AzurePublicCloud."""
    assert {"AzureCloud", "AzurePublicCloud", "cloud"} <= strings(settings_of_the_app()["LAMPLIGHTER_CLOUD"])


def test_the_containers_are_there_and_what_must_stay_stays():
    named = {one["name"]: one["kept"] for one in variable("modules/storage.bicep", "containers")}
    assert named == {"deployment": False, "policy": True, "digests": True, "dead-letters": False}
    kept = {one["container"]: one["days"] for one in variable("modules/storage.bicep", "keptDays")}
    assert set(kept) == {name for name, stays in named.items() if stays}
    assert all(days >= 90 for days in kept.values())
    assert the(f"{STORAGE}/blobServices").properties["isVersioningEnabled"] is True
    assert the(f"{STORAGE}/blobServices/containers").properties["immutableStorageWithVersioning"]
    assert the(f"{STORAGE}/blobServices/containers/immutabilityPolicies").loop["detail"]["array_name"] == "keptDays"


def test_lifecycle_rules_end_what_need_not_stay():
    rules = the(f"{STORAGE}/managementPolicies").properties["policy"]["rules"]
    prefixes = {prefix for rule in rules for prefix in rule["definition"]["filters"]["prefixMatch"]}
    assert prefixes == {"dead-letters/", "deployment/", "policy/", "digests/"}
    assert all(rule["enabled"] is True for rule in rules)


def test_the_tables_and_queues_are_those_of_the_code():
    from shared.clients import journal, queue, rows_link

    prefix = "lamplighter"
    tables = {value for name, value in vars(journal).items() if name.endswith("_TABLE")} | {rows_link.LINKS_TABLE}
    assert {one.casefold() for one in variable("modules/storage.bicep", "tables")} == {
        f"{prefix}{table}".casefold() for table in tables
    }
    page = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    kept = page.partition("## Data kept")[2].partition("\n## ")[0]
    assert [one for one in variable("modules/storage.bicep", "tables") if f"`{one}`" not in kept] == []
    named = [one["name"] for one in variable("modules/storage.bicep", "containers")]
    assert [one for one in named if one != "deployment" and f"`{one}`" not in kept] == []
    assert set(variable("modules/storage.bicep", "queues")) == {
        f"{queue.PREFIX}{queue.ACT}",
        f"{queue.PREFIX}{queue.ACT}{queue.POISON}",
        f"{queue.PREFIX}{queue.DIGEST}",
    }


def test_events_are_filtered_at_the_source_and_dead_lettered_where_azure_can():
    """Topics of a whole subscription cannot be: docs/decisions/0063."""
    subscriptions = {one.file: one for one in of_type("Microsoft.EventGrid/systemTopics/eventSubscriptions")}
    assert set(subscriptions) == {"modules/events.bicep", "cluster-events.bicep"}
    assert all(one.properties["filter"]["includedEventTypes"] for one in subscriptions.values())
    kept = subscriptions["cluster-events.bicep"].properties["deadLetterWithResourceIdentity"]
    assert kept["deadLetterDestination"]["properties"]["blobContainerName"] == "dead-letters"
    topics = {one["topicType"]: one for one in variable("modules/events.bicep", "sources")}
    assert set(topics) == {
        "Microsoft.Resources.Subscriptions",
        "Microsoft.ResourceNotifications.ContainerServiceEventResources",
    }
    [operation] = topics["Microsoft.Resources.Subscriptions"]["filters"]
    assert operation["values"] == ["Microsoft.ContainerService/managedClusters"]
    assert all(one["eventTypes"] for one in topics.values())


def test_people_hear_of_what_goes_wrong_with_lamplighter_itself():
    rules = {one["key"]: one for one in variable("modules/alerts.bicep", "rules")}
    assert set(rules) == {"poison", "ticks-missed", "starts-failed", "hints-failed"}
    assert (rules["ticks-missed"]["operator"], rules["ticks-missed"]["threshold"]) == ("LessThan", 1)
    watched = {
        one.properties["criteria"]["allOf"][0]["metricName"]: one for one in of_type("Microsoft.Insights/metricAlerts")
    }
    assert {metric: one.file for metric, one in watched.items()} == {
        "DroppedEventCount": "modules/events.bicep", "DeadLetteredCount": "cluster-events.bicep",
    }  # fmt: skip
    for type_ in ("Microsoft.Insights/scheduledQueryRules", "Microsoft.Insights/metricAlerts"):
        assert all(one.properties["actions"] for one in of_type(type_)), "an alert that nobody hears"


def test_the_runbook_says_of_every_alert_what_it_means_and_what_to_do():
    """Both ways: an alert without a row, and a row of an alert that is gone."""
    named = {one["key"] for one in variable("modules/alerts.bicep", "rules")}
    named |= {one.properties["criteria"]["allOf"][0]["name"] for one in of_type("Microsoft.Insights/metricAlerts")} | {
        "budget" for _ in of_type("Microsoft.Consumption/budgets")
    }
    for file in ("modules/alerts.bicep", "modules/events.bicep", "cluster-events.bicep"):
        text = (INFRA / file).read_text(encoding="utf-8")
        assert {told.rstrip(".'") for told in re.findall(r"runbook\.md, alert (\S+)", text)} <= named | {"${item.key}"}
    runbook = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
    section = runbook.partition("## Alerts about Lamplighter itself")[2].partition("\n## ")[0]
    rows = {row[0].strip("` "): row[1:] for row in re.findall(r"^\| (\S+) \| (.+) \| (.+) \|$", section, re.MULTILINE)}
    rows = {name: said for name, said in rows.items() if name != "alert" and set(name) != {"-"}}
    assert set(rows) == named
    assert all(means.strip() and do.strip() for means, do in rows.values())


def test_the_network_is_one_switch():
    [module] = [one for name, one in templates()["main.bicep"]["modules"].items() if name == "network"]
    assert module["config"]["condition"] == "privateNetwork"
    services = {one["key"] for one in variable("modules/network.bicep", "services")}
    assert services == {"blob", "queue", "table", "vault"}
    assert the("Microsoft.Network/privateEndpoints").loop["detail"]["array_name"] == "services"
    subnets = {one["name"]: one["properties"] for one in the("Microsoft.Network/virtualNetworks").properties["subnets"]}
    assert subnets["app"]["delegations"][0]["properties"]["serviceName"] == "Microsoft.App/environments"
    for type_ in (STORAGE, "Microsoft.KeyVault/vaults"):
        rule = the(type_).properties["networkAcls"]["defaultAction"]["operator"]["operands"]
        assert rule == {"condition": "publicAccess", "true_value": "Allow", "false_value": "Deny"}


def test_two_paths_stay_outside_the_sign_in():
    sign_in = next(one for one in of_type("Microsoft.Web/sites/config") if one.config["name"] == "authsettingsV2")
    assert sign_in.properties["globalValidation"]["unauthenticatedClientAction"] == "Return401"
    assert sign_in.properties["globalValidation"]["excludedPaths"] == "openPaths"
    open_paths = variable("modules/app.bicep", "openPaths")
    assert {path.casefold() for path in open_paths} == {"/runtime/webhooks/eventgrid", "/api/clusters/postpone"}
    routes = set(re.findall(r'route="([^"]+)"', (ROOT / "function_app.py").read_text(encoding="utf-8")))
    assert {path.removeprefix("/api/") for path in open_paths if path.startswith("/api/")} <= routes


def test_lamplighter_watches_its_own_cost():
    budget = the("Microsoft.Consumption/budgets").properties
    assert budget["notifications"]["eightyPercent"]["contactGroups"] == ["actionGroupId"]
    quota = the("Microsoft.OperationalInsights/workspaces").properties["workspaceCapping"]["dailyQuotaGb"]
    assert quota == "dailyCapGb"


def test_it_runs_on_flex_consumption_with_the_python_it_is_made_for():
    [plan, site] = [the("Microsoft.Web/serverfarms"), the("Microsoft.Web/sites")]
    assert plan.config["sku"] == {"name": "FC1", "tier": "FlexConsumption"}
    config = site.properties["functionAppConfig"]
    assert config["runtime"] == {"name": "python", "version": "3.13"}
    assert config["deployment"]["storage"]["authentication"]["type"] == "UserAssignedIdentity"
    assert site.properties["httpsOnly"] is True


def test_parameters_of_azd_are_parameters_of_the_template():
    given = json.loads((INFRA / "main.parameters.json").read_text(encoding="utf-8"))["parameters"]
    known = templates()["main.bicep"]["parameters"]
    assert set(given) <= set(known)
    assert {name for name, one in known.items() if one["default"] is None} <= set(given)
    for name, told in known.items():
        assert any(one["type"] == "description" for one in told["decorators"]) or name == "location", name


def test_modules_get_the_parameters_they_take():
    for file, parsed in templates().items():
        for name, module in parsed.get("modules", {}).items():
            config = module["config"]
            while "config" in config:
                config = config["config"]
            path = (INFRA / file).parent / module["detail"]["path"]
            takes = templates()[path.relative_to(INFRA).as_posix()]["parameters"]
            assert set(config["params"]) <= set(takes), f"{file}: {name}"
            needed = {one for one, told in takes.items() if told["default"] is None}
            assert needed <= set(config["params"]), f"{file}: {name}"


def test_no_two_resources_of_a_file_share_type_and_name():
    made = [(one.file, one.type, str(one.config.get("name"))) for one in resources() if not one.existing]
    assert len(made) == len(set(made))
