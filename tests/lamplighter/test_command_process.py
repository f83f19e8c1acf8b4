"""The installed command as a process of its own: start-up, pipes, interrupts, and Azure over TLS."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lamplighter.simulator import VirtualClock, World, serve

COMMAND = [sys.executable, "-m", "lamplighter"]
NIGHT = ("--at", "2026-12-21T20:00Z")


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LAMPLIGHTER_", "AZURE_"))}
    return {**kept, "COLUMNS": "100", **more}


def test_help_loads_none_of_the_heavy_rooms(room: Path):
    """`lamplighter --help` is there at once because it imports neither the SDKs, pydantic, YAML nor the simulator."""
    heavy = ("azure", "pydantic", "ruamel", "holidays", "apprise", "requests", "lamplighter.simulator", "shared.policy")
    code = (
        "import sys; from lamplighter.__main__ import main; main(['--help']);"
        f"print([name for name in sys.modules if name.startswith({heavy!r})], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment())
    assert done.stderr.strip() == "[]"


def test_every_command_of_the_plan_is_there(room: Path):
    done = subprocess.run([*COMMAND, "--help"], capture_output=True, text=True, check=True, env=environment())
    for name in [
        "check",
        "plan",
        "calendar",
        "diff",
        "explain",
        "history",
        "keep-on",
        "keep-off",
        "wake",
        "hold",
        "resume",
        "restore",
        "simulate",
        "demo",
        "schema",
    ]:
        assert f" {name} " in done.stdout


def test_json_into_a_pipe_that_closes_early_is_quiet(room: Path):
    """`lamplighter plan --json | head -1`"""
    fleet = [
        {"id": f"/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/c{number}"}
        for number in range(2000)
    ]
    Path("fleet.json").write_text(json.dumps(fleet), encoding="utf-8")
    line = " ".join([*COMMAND, "plan", "--fleet", "fleet.json", "--json", "| head -1"])
    done = subprocess.run(line, shell=True, capture_output=True, text=True, check=True, env=environment())  # noqa: S602 - our words
    assert (done.stdout, done.stderr) == ("{\n", "")


def test_a_table_in_a_pipe_has_no_colour_and_no_spinner(room: Path):
    done = subprocess.run(
        [*COMMAND, "plan", "--fleet", "fleet.yaml", *NIGHT],
        capture_output=True,
        text=True,
        check=True,
        env=environment(),
    )
    assert "\x1b" not in done.stdout
    assert done.stderr == ""


def test_an_interrupt_is_quiet(room: Path):
    os.mkfifo("fleet.json")  # a file that nobody ever writes: the command waits in it
    asked = subprocess.Popen(
        [*COMMAND, "plan", "--fleet", "fleet.json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
    )
    writer = os.open("fleet.json", os.O_WRONLY)  # opens as soon as the command opens it
    # A signal that comes right between Python's last look for signals and its read is not seen before the next one.
    for _ in range(20):
        asked.send_signal(signal.SIGINT)
        try:
            out, err = asked.communicate(timeout=2)
            break
        except subprocess.TimeoutExpired:
            continue
    os.close(writer)
    assert (asked.returncode, out, err) in [(130, b"", b""), (-signal.SIGINT, b"", b"")]


PRESSED = """
import signal, sys

class Pressed:
    def find_spec(name, path=None, target=None):
        if name == {module!r}:
            signal.raise_signal(signal.SIGINT)

sys.meta_path.insert(0, Pressed)
from lamplighter.__main__ import main
sys.exit(main({argv!r}))
"""


@pytest.mark.parametrize("module", ["lamplighter.command_line", "typer", "lamplighter.commands.plan", "pydantic"])
def test_an_interrupt_while_python_imports_is_quiet(room: Path, module: str):
    """Ctrl-C at the very moment when that module is looked for."""
    code = PRESSED.format(module=module, argv=["check"])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment())
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_who_ignores_interrupts_is_not_interrupted(room: Path):
    """`nohup`, or `&` in a script: the command goes on."""
    code = PRESSED.format(module="typer", argv=["--version"]).replace(
        "import signal, sys", "import signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment())
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("lamplighter ")


@pytest.mark.parametrize("readable", [True, False])
def test_a_fleet_is_read_from_azure_with_the_real_sdks(room: Path, readable: bool):
    """Over TLS, with a managed identity, Resource Graph and the price list: nothing on our side is replaced."""
    now = time.time()
    world = World.from_fleet(
        {
            "graph_lag": 0,
            "clusters": [
                {"name": "web-dev", "tags": {"environment": "dev"}, "pools": [{"name": "system", "count": 3}]}
            ],
        }
    )
    assert isinstance(world.clock, VirtualClock)
    with serve(world) as server:
        env = environment(
            LAMPLIGHTER_CLOUD=server.arm_url,
            LAMPLIGHTER_CA_FILE=server.ca_file,
            IDENTITY_ENDPOINT=server.identity_endpoint,
            IDENTITY_HEADER=server.identity_header if readable else "wrong",
            REQUESTS_CA_BUNDLE=server.ca_file,
        )
        done = subprocess.run(
            [*COMMAND, "plan", *NIGHT, "--json"], capture_output=True, text=True, check=False, env=env, timeout=60
        )
    assert "Traceback" not in done.stderr
    if not readable:
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("lamplighter: ")
        return
    assert (done.returncode, done.stderr) == (0, "")
    decision = json.loads(done.stdout)["decisions"][0]
    assert (decision["action"], decision["estimated_saving"]["currency"]) == ("stop", "USD")
    assert float(decision["estimated_saving"]["amount"]) > 0
    assert time.time() - now < 60
