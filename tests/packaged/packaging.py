"""The package as it is published: what .funcignore leaves, zipped; and an environment that holds what it asks for alone."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from fnmatch import fnmatch
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / ".venv" / "package"
LIMIT_SECONDS = 500
PLATFORM = ("azure-functions-runtime", "protobuf")
"""In Azure the platform brings them: Microsoft's worker for Python 3.13, and what it speaks to the host with."""


def ignored(path: str, root: Path = ROOT) -> bool:
    """What .funcignore says of a path below the root; as .gitignore, of which these lines use the simple part."""
    parts, verdict = path.split("/"), False
    for line in (root / ".funcignore").read_text(encoding="utf-8").splitlines():
        pattern = line.strip().removeprefix("!").rstrip("/")
        if pattern and not pattern.startswith("#"):
            places = parts[:1] if pattern.startswith("/") else parts
            if any(fnmatch(part, pattern.lstrip("/")) for part in places):
                verdict = not line.startswith("!")
    return verdict


def shipped(root: Path = ROOT) -> list[Path]:
    """Every file that is published, in a stable order."""
    found: list[Path] = []
    for place in sorted(root.iterdir()):
        if not ignored(place.name):
            inside = [place] if place.is_file() else sorted(one for one in place.rglob("*") if one.is_file())
            found += [one for one in inside if not ignored(one.relative_to(root).as_posix())]
    return found


def build(target: Path, root: Path = ROOT) -> Path:
    """The zip, the same bytes for the same files."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as package:
        for file in shipped(root):
            entry = zipfile.ZipInfo(file.relative_to(root).as_posix(), (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            package.writestr(entry, file.read_bytes())
    return target


def unpacked(folder: Path) -> Path:
    """The package, built and unpacked into an empty folder."""
    app = folder / "wwwroot"
    with zipfile.ZipFile(build(folder / "lamplighter.zip")) as package:
        package.extractall(app)
    return app


def environment() -> tuple[Path, str]:
    """(its python, "") of an environment with requirements.txt and the worker, made once for each requirements.txt.

    (path, sentence) where it could not be made.
    """
    platform = [f"{name}=={version(name)}" for name in PLATFORM]
    asked = (ROOT / "requirements.txt").read_bytes() + " ".join(platform).encode()
    home = HOME / hashlib.blake2s(asked).hexdigest()[:12]
    python = home / ("Scripts" if os.name == "nt" else "bin") / "python"
    if (home / ".ready").exists():
        return python, ""
    shutil.rmtree(HOME, ignore_errors=True)
    sys.stderr.write("installing what the package asks for, into an environment of its own ...\n")
    pip = [str(python), "-m", "pip", "--quiet", "--disable-pip-version-check", "install", "--no-compile"]
    for command in (
        [sys.executable, "-m", "venv", str(home)],
        [*pip, "-r", str(ROOT / "requirements.txt")],
        [*pip, *platform],
    ):
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            return python, f"installing the package's requirements took longer than {LIMIT_SECONDS} seconds"
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines() or ["no word"]
            return python, f"the package's requirements could not be installed: {said[-1][:300]}"
    (home / ".ready").touch()
    return python, ""


def driver(folder: Path) -> Path:
    """A folder for PYTHONPATH with the files that drive the worker, and nothing else of this repository."""
    place = folder / "driver" / "tests" / "contract"
    place.mkdir(parents=True)
    for name in ("functions_host.py", "functions_wire.py"):
        shutil.copy(ROOT / "tests" / "contract" / name, place)
    shutil.copy(ROOT / "tests" / "packaged" / "first_tick.py", folder / "driver")
    return folder / "driver"


if __name__ == "__main__":
    if sys.version_info >= (3, 13):
        _, problem = environment()
        if problem:
            sys.stderr.write(
                f"the package's environment is not there, its tests are skipped (and fail in CI): {problem}\n"
            )
            sys.exit(1)
