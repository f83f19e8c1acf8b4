"""Every sample in the documents works: commands run, policies are read, queries and shell parse.

What speaks to Azure is not run: its options must exist, and its shell must parse. Everything else runs in a folder with a
policy, a fleet file and a journal.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import click
import pytest
import typer.main
from ruamel.yaml import YAML

from lamplighter.__main__ import app
from shared.policy.document import read_policy

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
COMMANDS = typer.main.get_command(app)
OFFLINE = {"hold", "resume", "schema", "role", "keep-on", "keep-off", "wake"}
"""They need a policy or a journal, and no fleet."""
FOREVER = {"simulate", "demo"}


@dataclass(frozen=True)
class Sample:
    page: str
    kind: str
    text: str


def samples() -> list[Sample]:
    """Fenced blocks with their language, and blocks that are indented by four spaces ('indented')."""
    found = []
    for page in PAGES:
        text, name = page.read_text(encoding="utf-8"), page.relative_to(ROOT).as_posix()
        for kind, body in re.findall(r"^```(\w*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            found.append(Sample(name, kind, body))
        bare = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
        blocks = re.findall(r"(?:^\n|\A)((?:^ {4}.*\n)+)", bare, re.MULTILINE)
        found += [Sample(name, "indented", re.sub("^ {4}", "", body, flags=re.MULTILINE)) for body in blocks]
    return found


def shell_lines(text: str) -> list[str]:
    """Commands of a shell sample, continued lines joined, comments gone."""
    joined = re.sub(r"\\\n\s*", " ", text)
    return [line for raw in joined.splitlines() if (line := re.sub(r"(^|\s)#.*$", "", raw).strip())]


def commands() -> list[tuple[str, str]]:
    """(page, line) of each use of our command, in samples and in running text."""
    found = []
    for one in samples():
        if one.kind in ("sh", "indented"):
            found += [(one.page, line) for line in shell_lines(one.text)]
    for page in PAGES:
        inline = re.findall(r"`(lamplighter [a-z-]+ [^`]*)`", page.read_text(encoding="utf-8").replace("\n", " "))
        found += [(page.relative_to(ROOT).as_posix(), line) for line in inline]
    ours = [
        (page, re.sub(r"^\S*\blamplighter ", "", line)) for page, line in found if re.match(r"\S*\blamplighter ", line)
    ]
    return sorted({(page, re.split(r" [|>&]", line)[0]) for page, line in ours})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A team's folder: the shipped policy, an older one, a fleet with the names that samples use."""
    place = tmp_path_factory.mktemp("team")
    shutil.copy(ROOT / "policy.yaml", place / "policy.yaml")
    old = (ROOT / "policy.yaml").read_text(encoding="utf-8").replace("19:00", "20:00")
    (place / "old.yaml").write_text(old, encoding="utf-8")
    (place / "fleet.json").write_text(
        json.dumps([az_row("web-dev", "dev"), az_row("shop-prod", "prod")]), encoding="utf-8"
    )
    shutil.copy(place / "fleet.json", place / "fleet.yaml")
    (place / "infra").mkdir()
    shutil.copy(ROOT / "infra" / "actions.json", place / "infra")
    (place / "docs").mkdir()
    return place


def az_row(name: str, environment: str) -> dict[str, object]:
    """A cluster as `az aks list -o json` prints it, as far as anybody reads."""
    group = "/subscriptions/00000000-0000-0000-0000-00000000000a/resourceGroups/rg"
    return {
        "id": f"{group}/providers/Microsoft.ContainerService/managedClusters/{name}",
        "name": name, "location": "westeurope", "resourceGroup": "rg", "tags": {"environment": environment},
        "powerState": {"code": "Running"}, "provisioningState": "Succeeded", "kubernetesVersion": "1.34.2",
        "sku": {"name": "Base", "tier": "Free"},
        "agentPoolProfiles": [{
            "name": "system", "mode": "System", "count": 2, "vmSize": "Standard_D4s_v5", "type": "VirtualMachineScaleSets",
            "powerState": {"code": "Running"}, "provisioningState": "Succeeded",
        }],
    }  # fmt: skip


def runs_here(words: list[str]) -> bool:
    name = words[0]
    alone = name in OFFLINE or "--fleet" in words or "--policy-only" in words
    return alone and name not in FOREVER and not any(re.fullmatch(r"[A-Z_]{3,}", word) for word in words[1:])


@pytest.mark.parametrize(("page", "line"), commands())
def test_a_command_of_the_documents_is_one(page, line):
    """Its name and its options exist, and values are of their kind."""
    name, *words = shlex.split(line)
    command = COMMANDS.commands.get(name)
    assert command is not None, f"{page}: lamplighter {name}"
    known = {option for one in command.params for option in (*one.opts, *one.secondary_opts)} | {"--help", "-h"}
    assert {word.partition("=")[0] for word in words if word.startswith("--")} <= known, f"{page}: {line}"


def test_the_commands_that_need_no_azure_run(folder, monkeypatch, capsys):
    """In one folder, as somebody would who follows the documents with a fleet file and a journal on disk."""
    from lamplighter.__main__ import main

    monkeypatch.chdir(folder)
    monkeypatch.setenv("LAMPLIGHTER_JOURNAL", f"sqlite:///{folder}/journal.sqlite")
    ran = 0
    for page, line in commands():
        words = shlex.split(line)
        if words[0] in ("keep-on", "keep-off", "wake") and "--fleet" not in words:
            words += ["--fleet", "fleet.yaml"] if "--fleet" in _options(words[0]) else []
        if not runs_here(words) or (words[0] in ("keep-on", "keep-off", "wake") and "--fleet" not in words):
            continue
        code = main(words)
        assert code == 0, f"{page}: lamplighter {line}\n{capsys.readouterr().err}"
        ran += 1
    assert ran >= 8


def _options(name: str) -> set[str]:
    command = COMMANDS.commands[name]
    return {option for one in command.params if isinstance(one, click.Option) for option in one.opts}


def test_whole_policies_are_good_and_pieces_are_yaml():
    seen = [one for one in samples() if one.kind == "yaml"]
    for one in seen:
        if one.text.lstrip().startswith("version:"):
            assert read_policy(one.text, one.page).rules
        else:
            YAML(typ="safe").load(one.text)
    assert seen


def test_json_samples_are_json():
    for one in samples():
        if one.kind == "json":
            json.loads(one.text)


def test_shell_samples_parse():
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("bash is not there")
    text = [one.text for one in samples() if one.kind == "sh"]
    assert text
    for body in text:
        done = subprocess.run([bash, "-n"], input=body, capture_output=True, text=True, check=False, timeout=30)
        assert done.returncode == 0, f"{body}\n{done.stderr}"


def test_what_speaks_to_azure_is_marked_as_not_run():
    """Nobody should take a step for tried that was not."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for found in re.finditer(
            r"^\s*(az (?:storage|keyvault|deployment|functionapp)|azd up|azd provision)", text, re.MULTILINE
        ):
            before = text[: found.end() + 2000]
            assert re.search(r"not run|could not be run", before, re.IGNORECASE), f"{page.name}: {found[0]}"
            break
