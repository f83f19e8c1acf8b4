"""checkov finds nothing in the templates that is not explained where it is found, and it really looked.

It exits 0 when a file does not parse, so what it saw is counted; and it is shown a bad template, so it can fail.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.infra.templates import INFRA, resources, templates

ROOT = INFRA.parent
COVERED = {  # the types that checkov's checks are about, of those that are used here
    "Microsoft.Web/serverfarms", "Microsoft.Web/sites", "Microsoft.Web/sites/config",
    "Microsoft.Network/networkSecurityGroups", "Microsoft.Network/virtualNetworks",
    "Microsoft.Authorization/roleDefinitions", "Microsoft.Storage/storageAccounts",
    "Microsoft.Storage/storageAccounts/blobServices/containers", "Microsoft.KeyVault/vaults",
    "Microsoft.ContainerService/managedClusters",
}  # fmt: skip
CRASHES = {  # checks of checkov that fail on a conditional value; what they look at is asserted in test_templates.py
    ("CKV_AZURE_70", "Microsoft.Web/sites/config.authentication"),
    ("CKV_AZURE_189", "Microsoft.KeyVault/vaults.vault"),
}
BAD = """
resource account 'Microsoft.Storage/storageAccounts@2024-01-01' = {
  name: 'bad'
  location: 'westeurope'
  kind: 'StorageV2'
  sku: {
    name: 'Standard_LRS'
  }
  properties: {
    supportsHttpsTrafficOnly: false
  }
}
"""


@pytest.fixture(scope="module")
def checkov() -> Iterator[Any]:
    spec = importlib.util.spec_from_file_location("checkov_install", ROOT / "tests" / "checkov_install.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    problem = module.install()
    if problem:
        if os.environ.get("CI", "").casefold() in ("", "0", "false"):
            pytest.skip(problem)
        pytest.fail(problem)
    return module


def suppressions() -> list[tuple[str, str, str]]:
    """(file, check, reason) of each comment that lets a finding be."""
    found = []
    for file in sorted(INFRA.rglob("*.bicep")):
        for line in file.read_text(encoding="utf-8").splitlines():
            if "checkov:" in line:
                check, reason = re.fullmatch(r"\s*// checkov:skip=(CKV\w+): (.+)", line).groups()
                found.append((file.name, check, reason))
    return found


def test_nothing_is_found_that_is_not_explained_and_a_bad_template_would_be(checkov, tmp_path):
    """One run for both: the templates, and beside them one that is bad."""
    shutil.copytree(INFRA, tmp_path / "infra")
    (tmp_path / "bad.bicep").write_text(BAD, encoding="utf-8")
    done = checkov.run(tmp_path)
    report = json.loads(done.stdout)
    results, summary = report["results"], report["summary"]

    bad = {one["check_id"] for one in results["failed_checks"] if one["file_path"] == "/bad.bicep"}
    assert {"CKV_AZURE_3", "CKV_AZURE_206"} <= bad  # https only; more than one copy
    found = [one for one in results["failed_checks"] if one["file_path"] != "/bad.bicep"]
    assert [f"{one['check_id']} {one['resource']}: {one['check_name']}" for one in found] == []
    assert summary["parsing_errors"] == 0
    crashed = re.findall(r"Failed to run check (\w+) on \S+?:(\S+)", done.stderr)
    assert set(crashed) <= CRASHES
    # It counts what a check of its looked at: every parameter that is a string, and resources of these types.
    strings = sum(one["type"] == "string" for file in templates().values() for one in file["parameters"].values())
    assert summary["resource_count"] == strings + sum(one.type in COVERED for one in resources()) + 1
    skipped = sorted((Path(one["file_path"]).name, one["check_id"]) for one in results["skipped_checks"])
    assert skipped == sorted((file, check) for file, check, _ in suppressions()), "a comment that lets nothing be"


def test_every_suppression_says_why():
    for file, check, reason in suppressions():
        assert len(reason.split()) >= 8, f"{file}: {check}: {reason}"
