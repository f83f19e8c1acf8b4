"""Puts checkov, which knows what is unwise in a template, into `.venv/checkov`, an environment of its own, once.

It needs versions of packages that the app does not, hence not the development environment. Run by `make test`; the
test calls it too. Exit code 1 and one line when the registry can't be reached.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

VERSION = "3.3.30"
HOME = Path(__file__).resolve().parent.parent / ".venv" / "checkov" / VERSION
PROGRAM = HOME / ("Scripts" if sys.platform == "win32" else "bin") / "python"
LIMIT_SECONDS = 400


def install() -> str:
    """Installs checkov unless it is there; returns "" or, in a sentence, why it could not."""
    ready = HOME / ".ready"
    if ready.exists():
        return ""
    sys.stderr.write(f"installing checkov {VERSION}, which a test of the templates uses ...\n")
    HOME.parent.mkdir(parents=True, exist_ok=True)
    # An environment can't be moved, so two workers at once would each make it; the second finds it made.
    for command in (
        [sys.executable, "-m", "venv", str(HOME)],
        [str(PROGRAM), "-m", "pip", "--quiet", "--disable-pip-version-check", "install", f"checkov=={VERSION}"],
    ):
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            return f"installing checkov took longer than {LIMIT_SECONDS} seconds"
        if done.returncode:
            lines = (done.stderr or done.stdout).strip().splitlines() or ["no word"]
            return f"checkov could not be installed: {lines[-1][:300]}"
    ready.touch()
    return ""


def run(folder: Path) -> subprocess.CompletedProcess[str]:
    """checkov on the templates of a folder, as JSON; it may not fetch anything."""
    asked = [str(PROGRAM), "-m", "checkov.main", "--skip-download", "--framework", "bicep", "--compact"]
    asked += ["-o", "json", "-d", str(folder)]
    with tempfile.TemporaryDirectory() as place:
        return subprocess.run(asked, capture_output=True, text=True, timeout=240, check=False, cwd=place)


if __name__ == "__main__":
    problem = install()
    if problem:
        sys.stderr.write(f"checkov is not there, its test is skipped (and fails where CI is set): {problem}\n")
        sys.exit(1)
