"""Writes THIRD-PARTY.md: what requirements.txt brings along, each with its version and licence. Run by `make lock`.

Names and versions are those of requirements.txt; licences are what the installed packages say of themselves.
"""

from __future__ import annotations

import re
import sys
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HEAD = """# What Lamplighter runs on

Written by `make lock` from requirements.txt and the packages' own metadata. None of it is part of this repository: the
platform installs it when the app is published. Lamplighter itself is MIT licensed.

| package | version | licence |
|---|---|---|
"""
SPOKEN = {
    "MIT License": "MIT", "Apache Software License": "Apache-2.0", "BSD License": "BSD", "ISC": "ISC",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0", "Python Software Foundation License": "PSF-2.0",
}  # fmt: skip


def locked(text: str) -> dict[str, str]:
    """Name -> version of each requirement of a locked file."""
    return dict(re.findall(r"^([a-z0-9.-]+)==([^ \\;]+)", text, re.MULTILINE))


def licence(name: str) -> str:
    """As SPDX where the package says so, else its classifier, else its own words; "not installed" where it is not."""
    try:
        told = metadata(name)
    except PackageNotFoundError:
        return "not installed"
    if expression := told.get("License-Expression"):
        return str(expression)
    classifiers = [
        one.rpartition(" :: ")[2] for one in told.get_all("Classifier") or () if one.startswith("License ::")
    ]
    said = [SPOKEN.get(one, one) for one in classifiers if one != "OSI Approved"]
    if said:
        return ", ".join(sorted(set(said)))
    words = " ".join(str(told.get("License") or "").split())
    return SPOKEN.get(words, words[:60]) or "says nothing"


def page(text: str) -> str:
    rows = [f"| {name} | {version} | {licence(name)} |" for name, version in sorted(locked(text).items())]
    return HEAD + "\n".join(rows) + "\n"


if __name__ == "__main__":
    (ROOT / "THIRD-PARTY.md").write_text(
        page((ROOT / "requirements.txt").read_text(encoding="utf-8")), encoding="utf-8"
    )
    sys.stdout.write("wrote requirements.txt and THIRD-PARTY.md\n")
