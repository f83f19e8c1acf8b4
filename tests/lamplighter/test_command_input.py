"""Bad input is one clear sentence on stderr and exit code 2; nothing on stdout, never a traceback."""

import json
from pathlib import Path

import pytest

from lamplighter import command_line
from shared.errors import LamplighterError

FLEET = ("--fleet", "fleet.yaml")
JOURNAL = ("--journal", "sqlite:///journal.db")
KEEP = ("keep-on", "web-dev", "--reason", "x", *FLEET, *JOURNAL)

TABLE = [
    # what is asked, and what the sentence must say
    (["nonsense"], "No such command 'nonsense'"),
    (["plan", "--nope"], "No such option"),
    (["explain"], "Missing argument 'CLUSTER'"),
    (["plan", "--policy", "gone.yaml"], "gone.yaml: there is no such file"),
    (["plan", "--policy", "."], ". is a directory"),
    (["plan", "--policy", "binary"], "binary is not text in UTF-8"),
    (["plan", "--fleet", "gone.json"], "gone.json: there is no such file"),
    (["plan", "--fleet", "binary"], "binary is not text in UTF-8"),
    (["plan", "--fleet", "empty"], "empty is empty"),
    (["plan", "--fleet", "broken.json"], "broken.json:2: this is not JSON"),
    (["plan", "--fleet", "words.txt"], "words.txt:1: this is not JSON"),
    (["plan", "--fleet", "number.json"], "number.json"),
    (["plan", "--fleet", "noid.json"], "entry 2"),
    (["plan", "--fleet", "vm.json"], "is not the id of a cluster"),
    (["plan", "--fleet", "wrong.yaml"], "unknown key"),
    (["plan", "--fleet", "torn.yaml"], "torn.yaml: this is neither JSON nor YAML"),
    (["plan", *FLEET, "--at", "2026-12-24T18:00"], "does not say in which zone"),
    (["plan", *FLEET, "--at", "2026-12-24"], "does not say in which zone"),
    (["plan", *FLEET, "--at", "tonight"], "'tonight' is no instant"),
    (["plan", *FLEET, "--at", "0001-01-01T00:00Z"], "is not between 2000 and 2100"),
    (["plan", *FLEET, "--at", "9999-12-31T23:59-12:00"], "is not between 2000 and 2100"),
    (["plan", *FLEET, "--journal", "bolt://x"], "LAMPLIGHTER_JOURNAL is 'bolt://x'"),
    (["calendar", *FLEET, "--from", "24.12.2026"], "'24.12.2026' is no date"),
    (["calendar", *FLEET, "--from", "2026-W52-4"], "is no date"),
    (["calendar", *FLEET, "--from", "2026-02-30"], "is no date"),
    (["calendar", *FLEET, "--days", "0"], "--days 0 is out of range"),
    (["calendar", *FLEET, "--days", "400"], "--days 400 is out of range"),
    (["calendar", *FLEET, "--days", "many"], "--days"),
    (["calendar", "web-dv", *FLEET], "did you mean web-dev?"),
    (["explain", "web-dv", *FLEET], "did you mean web-dev?"),
    (["explain", "zzz", *FLEET], "it holds api-dev, busy-dev"),
    (["explain", "twin", *FLEET], "'twin' is the name of 2 clusters: give the whole id, one of /subscriptions/"),
    (["explain", "web-dev", "--fleet", "none.json"], "the fleet is empty"),
    (["diff", "policy.yaml", "gone.yaml", *FLEET], "gone.yaml: there is no such file"),
    (["keep-on", "web-dev", "--reason", "x", *FLEET, "--for", "4h"], "no journal is named"),
    ([*KEEP], "for how long?"),
    ([*KEEP, "--for", "4"], "'4' is no duration"),
    ([*KEEP, "--for", "0m"], "no time at all"),
    ([*KEEP, "--for", "4h", "--until", "2026-12-24T18:00Z"], "give one of them"),
    ([*KEEP, "--until", "2020-01-01T00:00Z"], "is over already"),
    ([*KEEP, "--until", "18:00"], "is no instant"),
    ([*KEEP, "--for", "4h", "--owner", " "], "--owner is empty"),
    (["keep-on", "web-dev", "--for", "4h", *FLEET, *JOURNAL], "--reason is empty"),
    (["keep-on", "web-dev", "--for", "4h", "--reason", "y" * 201, *FLEET, *JOURNAL], "at most 200"),
    (["wake", "web-dev", "--for", "100h", *FLEET, *JOURNAL], "longer than keep_on_at_most allows in dev"),
    (["hold", *JOURNAL], "Missing option '--reason'"),
    (["hold", "--reason", "x"], "no journal is named"),
    (["restore", *FLEET, *JOURNAL], "Missing option '--since'"),
    (["restore", "--since", "soon", *FLEET, *JOURNAL], "neither an instant, a date nor a duration"),
    (["restore", "--since", "2099-01-01", *FLEET, *JOURNAL], "is not in the past"),
    (["history", "web-dev", *JOURNAL], "no cluster 'web-dev': the journal is empty"),
    (["history", "fleet", "--zone", "CET", *JOURNAL], "--zone"),
    (["history", "fleet", "--zone", "Mars/Phobos", *JOURNAL], "is no time zone"),
    (["history", "fleet", "--zone", "../etc/passwd", *JOURNAL], "is no time zone"),
]


@pytest.fixture
def bad_files(room: Path) -> None:
    good = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/a"
    for name, text in {
        "empty": " \n",
        "broken.json": '[{"id": "x"},\n {]',
        "words.txt": "hello",
        "number.json": "{}",
        "none.json": "[]",
        "noid.json": json.dumps([{"id": good}, {"name": "b"}]),
        "vm.json": json.dumps([{"id": good.replace("managedClusters", "virtualMachines")}]),
        "wrong.yaml": "clusters: [{name: a, colour: red}]",
        "torn.yaml": "clusters: [{name: a",
    }.items():
        (room / name).write_text(text, encoding="utf-8")
    (room / "binary").write_bytes(b"\x7fELF\x00\xff\xfe\x80")


@pytest.mark.usefixtures("bad_files")
@pytest.mark.parametrize(("words", "expected"), TABLE, ids=[" ".join(words)[:60] for words, _ in TABLE])
def test_bad_input_is_one_sentence_and_exit_code_2(run, words, expected):
    said = run(*words)
    assert said.code == 2
    assert said.out == ""
    assert len(said.err.splitlines()) == 1
    assert said.err.startswith("lamplighter: ")
    assert expected in said.err
    assert "Traceback" not in said.err


def test_a_setting_that_cannot_be_right_is_told_by_its_name(run, monkeypatch):
    monkeypatch.setenv("LAMPLIGHTER_CLOUD", "AzureMoon")
    said = run("plan")
    assert said.code == 2
    assert said.err.startswith("lamplighter: LAMPLIGHTER_CLOUD is 'AzureMoon'")


def test_a_bug_is_called_a_bug_in_one_sentence(run, monkeypatch):
    """Nobody should have to read a traceback to learn that it is not their fault."""

    def broken(*_, **__):
        raise RuntimeError("two\nlines\x1b[31m")

    monkeypatch.setattr(command_line, "app", broken)
    said = run("plan")
    assert (said.code, said.out) == (1, "")
    assert said.err == (
        "lamplighter: this is a bug in Lamplighter: RuntimeError: two lines [31m (LAMPLIGHTER_DEBUG=1 shows where)\n"
    )


def test_the_traceback_is_there_for_those_who_ask(run, monkeypatch):
    monkeypatch.setenv("LAMPLIGHTER_DEBUG", "1")
    with pytest.raises(LamplighterError):
        run("plan", "--policy", "gone.yaml")


def test_what_could_not_be_done_is_exit_code_1(run, room):
    (room / "journal.db").write_bytes(b"this is no database" * 100)
    said = run("hold", "--reason", "x", *JOURNAL)
    assert (said.code, said.out) == (1, "")
    assert len(said.err.splitlines()) == 1


@pytest.mark.parametrize("words", [["--help"], ["plan", "--help"], [], ["keep-on", "-h"], ["--version"]])
def test_help_is_no_error(run, words):
    said = run(*words)
    assert (said.code, said.err) == (0, "")
    assert "lamplighter" in said.out
