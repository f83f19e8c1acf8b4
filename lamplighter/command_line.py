"""`lamplighter`: the command on a laptop, behind its door `__main__`.

Exit code 0: done; 1: could not be done; 2: bad input; 130: interrupted.
Whatever goes wrong is said in one line on stderr, never as a traceback; LAMPLIGHTER_DEBUG=1 shows that too.
Commands import what they need when they run, so that `lamplighter --help` is there at once.
"""

from __future__ import annotations

import logging
import os
import sys
from importlib import import_module
from importlib.util import find_spec
from typing import Annotated, NamedTuple

import typer

from lamplighter.terminal import one_line
from shared.errors import InputError, LamplighterError

DEBUG = "LAMPLIGHTER_DEBUG"

SEE, SPEAK, STOP, TRY = "See", "Speak for a cluster", "Emergency", "Try and write"


class Entry(NamedTuple):
    """One command: its name, the panel of `--help` it stands in, and the module whose `command` it is."""

    name: str
    panel: str

    @property
    def module(self) -> str:
        return f"lamplighter.commands.{self.name.replace('-', '_')}"


COMMANDS = (
    Entry("check", SEE),
    Entry("plan", SEE),
    Entry("calendar", SEE),
    Entry("diff", SEE),
    Entry("explain", SEE),
    Entry("history", SEE),
    Entry("upgrades", SEE),
    Entry("backtest", SEE),
    Entry("spot", SEE),
    Entry("digest", SEE),
    Entry("keep-on", SPEAK),
    Entry("keep-off", SPEAK),
    Entry("wake", SPEAK),
    Entry("hold", STOP),
    Entry("resume", STOP),
    Entry("restore", STOP),
    Entry("demo", TRY),
    Entry("simulate", TRY),
    Entry("schema", TRY),
    Entry("role", TRY),
    Entry("erase", TRY),
)

app = typer.Typer(
    name="lamplighter",
    help="AKS clusters on exactly when people need them, off otherwise. Plans first, acts when the policy says act.",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode="rich",
)
for _entry in COMMANDS:
    if find_spec(_entry.module):
        _module = import_module(_entry.module)
        _function = getattr(_module, "command", None) or getattr(_module, _entry.name)
        app.command(_entry.name, rich_help_panel=_entry.panel)(_function)


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    *,
    version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False,
) -> None:
    if version:
        from importlib.metadata import version as installed  # noqa: PLC0415

        print(f"lamplighter {installed('lamplighter')}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())
        raise typer.Exit


def main(argv: list[str] | None = None) -> int:
    """Run the command line `argv` (default: the process's) and return its exit code. Never raises."""
    arguments = sys.argv[1:] if argv is None else argv
    if not logging.root.handlers:  # else Python prints what the Azure SDK warns of between the lines of a table
        logging.root.addHandler(logging.NullHandler())
    try:
        code = app(arguments, prog_name="lamplighter", standalone_mode=False)
        sys.stdout.flush()
    except KeyboardInterrupt:  # while the command line is still being read; later typer answers it the same way
        return 130
    except Exception as error:  # no traceback ever reaches a user
        if os.environ.get(DEBUG):
            raise
        return _said(error)
    return code if isinstance(code, int) else 0


def _said(error: Exception) -> int:
    """Say it, and return the exit code."""
    if isinstance(error, BrokenPipeError):
        # `lamplighter plan | head`: the reader has seen enough. Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    if isinstance(error, typer.TyperException):
        sentence = one_line(error.format_message()).rstrip(".")
        context = getattr(error, "ctx", None)
        path = context.command_path if context is not None else "lamplighter"
        sys.stderr.write(f"lamplighter: {sentence}; see {path} --help\n")
        return 2
    if isinstance(error, typer.Abort):
        sys.stderr.write("lamplighter: nothing was done\n")
        return 1
    if isinstance(error, LamplighterError):
        for line in str(error).splitlines():
            sys.stderr.write(f"lamplighter: {one_line(line)}\n")
        return 2 if isinstance(error, InputError) else 1
    what = one_line(f"{type(error).__name__}: {error}")
    sys.stderr.write(f"lamplighter: this is a bug in Lamplighter: {what} ({DEBUG}=1 shows where)\n")
    return 1
