"""Microsoft's Kusto parser, from npm, in `.venv/kusto`: no other judge of KQL runs on a laptop."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

VERSION = "12.4.1"
ROOT = Path(__file__).resolve().parents[3]
HOME = ROOT / ".venv" / "kusto" / VERSION
LIBRARY = HOME / "node_modules" / "@kusto" / "language-service-next"
PARSE = Path(__file__).with_name("parse.js")

# Columns and types as their pages say, less those of billing.
# https://learn.microsoft.com/azure/azure-monitor/reference/tables/kubepodinventory
# https://learn.microsoft.com/azure/azure-monitor/reference/tables/aksauditadmin
# https://learn.microsoft.com/azure/azure-monitor/reference/tables/azurediagnostics (log_s comes with AKS's audit log)
TABLES = {
    "KubePodInventory": {
        "datetime": "ContainerCreationTimeStamp ContainerStartTime PodCreationTimeStamp PodStartTime TimeGenerated",
        "int": "ContainerRestartCount PodRestartCount",
        "string": "ClusterId ClusterName Computer ContainerID ContainerLastStatus ContainerName ContainerStatus "
        "ContainerStatusReason ControllerKind ControllerName InstanceName Name Namespace PodIp PodLabel PodStatus "
        "PodUid ServiceName SourceSystem TenantId Type _ResourceId _SubscriptionId",
    },
    "AKSAuditAdmin": {
        "datetime": "RequestReceivedTime StageReceivedTime TimeGenerated",
        "dynamic": "Annotations ObjectRef RequestObject ResponseObject ResponseStatus SourceIps User",
        "string": "AuditId Level PodName RequestUri SourceSystem Stage TenantId Type UserAgent Verb _ResourceId "
        "_SubscriptionId",
    },
    # https://learn.microsoft.com/azure/azure-monitor/app/data-model-complete, by the names an Application Insights
    # resource is asked with
    "traces": {
        "datetime": "timestamp",
        "int": "severityLevel itemCount",
        "dynamic": "customDimensions customMeasurements",
        "string": "message operation_Id operation_Name operation_ParentId cloud_RoleName cloud_RoleInstance appName",
    },
    "requests": {
        "datetime": "timestamp",
        "int": "itemCount",
        "real": "duration",
        "bool": "success",
        "dynamic": "customDimensions customMeasurements",
        "string": "id name url resultCode source operation_Id operation_Name cloud_RoleName cloud_RoleInstance appName",
    },
    "AzureDiagnostics": {
        "datetime": "TimeGenerated",
        "string": "Category CorrelationId Level OperationName Resource ResourceGroup ResourceId ResourceProvider "
        "ResourceType SourceSystem SubscriptionId TenantId Type _ResourceId log_s",
    },
}
# https://learn.microsoft.com/azure/governance/resource-graph/concepts/query-language#resource-graph-tables
GRAPH = {
    "string": "id name type location resourceGroup subscriptionId tenantId",
    "dynamic": "properties tags sku zones",
}
TABLES |= dict.fromkeys(("resources", "aksresources", "computeresources", "spotresources"), GRAPH)


@pytest.fixture(scope="session")
def parse() -> Callable[[dict[str, str]], dict[str, list[str]]]:
    """`parse({name: query})` -> {name: [diagnostic]}, resolved against the tables."""
    place = ROOT / "tests" / "azurite_install.py"
    spec = importlib.util.spec_from_file_location("npm_install", place)
    npm = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(npm)
    problem = npm.install(f"@kusto/language-service-next@{VERSION}", HOME, LIBRARY / "Kusto.Language.Bridge.min.js")
    if problem:
        if os.environ.get("CI", "").casefold() in ("", "0", "false"):
            pytest.skip(problem)
        pytest.fail(problem)
    tables = {
        table: {column: kind for kind, columns in kinds.items() for column in columns.split()}
        for table, kinds in TABLES.items()
    }

    def run(queries: dict[str, str]) -> dict[str, list[str]]:
        asked = json.dumps({"library": str(LIBRARY), "tables": tables, "queries": queries})
        done = subprocess.run(
            [str(npm.node()), str(PARSE)], input=asked, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run
