"""The door of the command `lamplighter`: quiet from the first moment on. Behind it, command_line.py.

Python imports for some tenths of a second before a command can begin, and somebody may think better of it even then.
"""

from __future__ import annotations

import os
import signal
import sys

INTERRUPTED = 130
"""As shells count: 128 and the number of the signal."""


def main(argv: list[str] | None = None) -> int:
    """Run the command line `argv` (default: the process's) and return its exit code. Never raises."""
    answers = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # else whoever started us has it ignored
    if answers:
        # Nothing is begun yet, so there is nothing to clean up. An exception could get lost here: Python only prints
        # one that is raised inside a callback of its import system.
        signal.signal(signal.SIGINT, lambda _signal, _frame: os._exit(INTERRUPTED))
    from lamplighter import command_line  # noqa: PLC0415 - this is what takes so long

    if answers:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    code = command_line.main(argv)
    if argv is None and code == INTERRUPTED:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # whoever presses again, while Python tidies up, is not told more
    return code


if __name__ == "__main__":
    sys.exit(main())
