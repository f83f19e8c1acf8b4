"""Every sample in the documents runs, or says that it did not: a sample nobody runs fails here.

Commands of ours run in a folder with a policy, a fleet file, a journal and an export, signed in to a simulated Azure.
Policies are read, queries parsed by Microsoft's parser, requests and events sent to the functions. What asks for
Azure, azd or Core Tools themselves is marked "not run" beside it, and its shell parses.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
import typer.main
from ruamel.yaml import YAML

from lamplighter.command_line import app
from lamplighter.simulator import World
from lamplighter.simulator.server import serve
from shared.policy.document import read_policy

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
COMMANDS = typer.main.get_command(app)
RUN_BY = {
    "sh": "test_every_line_of_shell_is_run_or_marked and the tests of commands",
    "yaml": "test_policies_are_good_alone_and_in_pieces",
    "json": "JSON_RUN_BY",
    "kql": "tests/clients/kql/test_workbook_parses.py",
    "text": "nobody: a drawing",
}
"""Who runs a block of a language. A block of any other kind, indented ones too, fails."""
JSON_RUN_BY = {
    ("docs/http.md", "Lamplighter.AlertFired"): "tests/contract/test_samples.py",
    ("docs/events.md", "Lamplighter.Stopped"): "tests/scenarios/test_own_events.py",
}
ELSEWHERE = {
    "simulate": "tests/packaged/test_local_settings.py",
    "digest --week": "tests/lamplighter/test_command_digest.py; from an export: Cost Management is waited for in real time",
}
OF_AZURE = {"az", "azd", "func", "npx"}
SENT = {"curl": "tests/contract/test_samples.py"}
RUN_AS_THEY_ARE = {"sed", "cp"}


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
        for kind, body in re.findall(r"^ *```(\w*)\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL):
            found.append(Sample(name, kind, body))
        bare = re.sub(r"^ *```.*?^ *```", "", text, flags=re.MULTILINE | re.DOTALL)
        blocks = re.findall(r"(?:^\n|\A)((?:^ {4}.*\n)+)", bare, re.MULTILINE)
        found += [Sample(name, "indented", body) for body in blocks]
    return found


def shell_lines(text: str) -> list[str]:
    """Commands of a shell sample, continued lines joined, comments gone."""
    joined = re.sub(r"\\\n\s*", " ", text)
    return [line for raw in joined.splitlines() if (line := re.sub(r"(^|\s)#.*$", "", raw).strip())]


def commands() -> list[tuple[str, str]]:
    """(page, line) of each use of our command, in samples and in running text, page by page as somebody reads."""
    found = []
    for page in PAGES:
        name = page.relative_to(ROOT).as_posix()
        lines = [line for one in samples() if (one.page, one.kind) == (name, "sh") for line in shell_lines(one.text)]
        lines += re.findall(r"`(lamplighter [a-z-]+ [^`]*)`", page.read_text(encoding="utf-8").replace("\n", " "))
        found += [(name, re.split(r" (?:[|>]|&&?)", line)[0]) for line in lines]
    ours = [
        (page, re.sub(r"^\S*\blamplighter ", "", line)) for page, line in found if re.match(r"\S*\blamplighter ", line)
    ]
    return list(dict.fromkeys(ours))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A team's folder: the shipped policy, an older one, a fleet with the names that samples use, an export."""
    shutil.copy(ROOT / "policy.yaml", tmp_path / "policy.yaml")
    old = (ROOT / "policy.yaml").read_text(encoding="utf-8").replace("19:00", "20:00")
    (tmp_path / "old.yaml").write_text(old, encoding="utf-8")
    fleet = [az_row("web-dev", "dev"), az_row("shop-prod", "prod")]
    (tmp_path / "fleet.json").write_text(json.dumps(fleet), encoding="utf-8")
    (tmp_path / "export.csv").write_text(focus_export(), encoding="utf-8")
    rows = "".join(
        f"2026-11-{day:02}T{hour:02}:00Z,web-dev,{int(hour < 12)}\n" for day in range(2, 16) for hour in range(8, 18)
    )
    (tmp_path / "usage.csv").write_text(f"time,cluster,active\n{rows}", encoding="utf-8")
    shutil.copy(tmp_path / "old.yaml", tmp_path / "other.yaml")
    (tmp_path / "infra").mkdir()
    shutil.copy(ROOT / "infra" / "actions.json", tmp_path / "infra")
    shutil.copy(ROOT / "local.settings.example.json", tmp_path)
    (tmp_path / "docs").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def signed_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A simulated Azure over TLS with those clusters, this shell signed in to it, and a journal on disk."""
    clusters = [{"name": f"{name}", "tags": {"environment": name[-3:].strip("-")}} for name in ("web-dev",)]
    clusters.append({"name": "shop-prod", "tags": {"environment": "prod"}})
    world = World.from_fleet({"graph_lag": 0, "clusters": clusters})
    with serve(world) as server:
        for name, value in {
            "LAMPLIGHTER_CLOUD": server.arm_url, "LAMPLIGHTER_CA_FILE": server.ca_file,
            "IDENTITY_ENDPOINT": server.identity_endpoint, "IDENTITY_HEADER": server.identity_header,
            "REQUESTS_CA_BUNDLE": server.ca_file, "LAMPLIGHTER_JOURNAL": f"sqlite:///{folder}/journal.sqlite",
        }.items():  # fmt: skip
            monkeypatch.setenv(name, value)
        yield world


def focus_export() -> str:
    """Two weeks of one cluster's nodes, as an Enterprise Agreement exports them."""
    nodes = (
        "/subscriptions/S/resourceGroups/MC_rg_web-dev_westeurope/providers/Microsoft.Compute/virtualMachineScaleSets/a"
    )
    days = "".join(f'2026-11-{day:02},10,EUR,{nodes},"{{""team"":""web""}}"\n' for day in range(9, 23))
    return f"Date,CostInBillingCurrency,BillingCurrency,ResourceId,Tags\n{days}"


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


@pytest.mark.parametrize(("page", "line"), commands())
def test_a_command_of_the_documents_is_one(page, line):
    """Its name and its options exist, and values are of their kind."""
    name, *words = shlex.split(line)
    command = COMMANDS.commands.get(name)
    assert command is not None, f"{page}: lamplighter {name}"
    known = {option for one in command.params for option in (*one.opts, *one.secondary_opts)} | {"--help", "-h"}
    assert {word.partition("=")[0] for word in words if word.startswith("--")} <= known, f"{page}: {line}"


def test_every_command_of_the_documents_runs(signed_in, capsys):
    """One after the other, page by page, and each ends with exit code 0."""
    from lamplighter.__main__ import main

    ran = set()
    for page, line in commands():
        words = shlex.split(line.replace("CLUSTER", "web-dev"))
        if words[0] in ELSEWHERE or " ".join(words[:2]) in ELSEWHERE:
            continue
        signed_in.advance(timedelta(minutes=1))
        assert main(words) == 0, f"{page}: lamplighter {line}\n{capsys.readouterr().err}"
        ran.add(words[0])
    assert ran >= {"check", "plan", "diff", "keep-on", "hold", "resume", "restore", "history", "role", "digest"}


def test_what_is_run_elsewhere_is():
    for name, where in (ELSEWHERE | SENT | JSON_RUN_BY).items():
        assert (ROOT / where.partition(";")[0]).exists(), name


def test_every_block_has_somebody_who_runs_it():
    """A language without a runner is a sample that may rot, so is a block that no language is named for."""
    for one in samples():
        assert one.kind in RUN_BY, (
            f"{one.page}: a block of {one.kind!r}: name its language, and who runs it\n{one.text}"
        )
        if one.kind == "json":
            assert (one.page, json.loads(one.text)["type"]) in JSON_RUN_BY, f"{one.page}: nobody runs\n{one.text}"


def test_every_line_of_shell_is_run_or_marked(folder):
    """Nobody should take a step for tried that was not."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for page in PAGES:
        text, name = page.read_text(encoding="utf-8"), page.relative_to(ROOT).as_posix()
        for section in re.split(r"^(?=## )", text, flags=re.MULTILINE):
            marked = re.search(r"not\s+run|could not be run", section, re.IGNORECASE)
            for body in re.findall(r"^```sh\n(.*?)^```", section, re.MULTILINE | re.DOTALL):
                for part in (one for line in shell_lines(body) for one in re.split(r" && ?| &$", line) if one):
                    program, *words = shlex.split(part)
                    if program in OF_AZURE:
                        assert marked, f"{name}: `{part}` is run by nobody, and its section does not say so"
                    elif program == "make":
                        assert set(words) <= targets, f"{name}: {part}"
                    elif program in RUN_AS_THEY_ARE:
                        done = subprocess.run(
                            shlex.split(part), cwd=folder, capture_output=True, check=False, timeout=30
                        )
                        assert done.returncode == 0, f"{name}: {part}\n{done.stderr.decode()}"
                    else:
                        assert program in SENT or program.rpartition("/")[2] == "lamplighter", (
                            f"{name}: who runs {part}?"
                        )
    assert (folder / "policy.yaml").read_text(encoding="utf-8").count("\nmode: act") == 1


def test_a_sample_of_another_language_would_be_told(tmp_path, monkeypatch):
    page = tmp_path / "page.md"
    page.write_text("# A page\n\n```python\nprint(1)\n```\n\ntext\n\n    az group list\n", encoding="utf-8")
    monkeypatch.setattr("tests.docs.test_samples.PAGES", [page])
    monkeypatch.setattr("tests.docs.test_samples.ROOT", tmp_path)
    assert [one.kind for one in samples()] == ["python", "indented"]
    with pytest.raises(AssertionError, match="name its language"):
        test_every_block_has_somebody_who_runs_it()


def test_policies_are_good_alone_and_in_pieces():
    """A piece is read inside the policy of the README, beside an environment that pieces speak of."""
    whole, pieces = [], []
    for one in samples():
        if one.kind == "yaml":
            (whole if one.text.lstrip().startswith("version:") else pieces).append(one)
    assert whole
    for one in whole:
        assert read_policy(one.text, one.page).rules
    base = YAML(typ="safe").load(whole[0].text)
    base["environments"].append({"name": "sandbox", "match": {"tags": {"environment": "sandbox"}}})
    for one in pieces:
        piece = YAML(typ="safe").load(one.text)
        piece = piece if isinstance(piece, dict) else {"rules": piece}
        assert read_policy(json.dumps({**base, **piece}, default=str), one.page), one.text


def test_shell_samples_parse():
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("bash is not there")
    text = "\n".join(one.text for one in samples() if one.kind == "sh")
    done = subprocess.run([bash, "-n"], input=text, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not os.environ.get("LAMPLIGHTER_AZ"), reason="LAMPLIGHTER_AZ does not name an `az` executable")
def test_the_azure_cli_knows_what_the_documents_ask_of_it():
    """Commands and options, by the help of the CLI itself: in documents, workflows and hooks."""
    texts = [one.text for one in samples() if one.kind == "sh"]
    texts += [path.read_text(encoding="utf-8") for path in (ROOT / ".github" / "workflows").glob("*.yml")]
    texts.append((ROOT / "azure.yaml").read_text(encoding="utf-8"))
    asked: dict[str, set[str]] = {}
    for text in texts:
        text = re.sub(r"(^|\s)#.*$", "", text, flags=re.MULTILINE)  # noqa: PLW2901
        text = "\n".join([*re.findall(r"\$\((az [^)]*)\)", text), re.sub(r"\$\([^)]*\)", "X", text)])  # noqa: PLW2901
        joined = re.sub(r"(?<=[\w\"}])\n +(?=--)", " ", re.sub(r"[\\`]\n\s*", " ", text))
        for command, rest in re.findall(r"\baz ((?:[a-z-]+ )+)(-[^\n]*)", joined):
            asked.setdefault(command.strip(), set()).update(re.findall(r"(?<=\s)--?[a-z][a-z-]*", f" {rest}"))
    assert len(asked) >= 8
    for command, options in asked.items():
        done = subprocess.run(
            [os.environ["LAMPLIGHTER_AZ"], *command.split(), "--help"],
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, f"az {command}: {done.stderr}"
        known = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", done.stdout))
        assert options <= known, f"az {command}: {sorted(options - known)}"
