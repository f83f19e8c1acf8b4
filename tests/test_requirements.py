"""What is published is pinned whole, with hashes, and its licences are listed. If one fails, run: make lock"""

from __future__ import annotations

import importlib.util
import re
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
LOCK = (ROOT / "requirements.txt").read_text(encoding="utf-8")
AZURE = {
    "python_version": "3.13", "python_full_version": "3.13.0", "sys_platform": "linux", "platform_system": "Linux",
    "os_name": "posix", "platform_machine": "x86_64", "implementation_name": "cpython",
    "platform_python_implementation": "CPython", "extra": "",
}  # fmt: skip
"""Where the package runs. https://packaging.python.org/en/latest/specifications/dependency-specifiers/"""


@pytest.fixture(scope="module")
def third_party():
    spec = importlib.util.spec_from_file_location("third_party", ROOT / ".ci" / "third_party.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def entries() -> dict[str, str]:
    """Name -> its whole entry."""
    parts = re.split(r"^(?=[a-z0-9])", re.sub(r"^#.*\n", "", LOCK, flags=re.MULTILINE), flags=re.MULTILINE)
    return {part.partition("==")[0]: part for part in parts if part.strip()}


def direct() -> list[Requirement]:
    lines = (ROOT / "requirements.in").read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def test_every_package_is_pinned_with_its_hashes():
    for name, entry in entries().items():
        assert re.match(rf"{re.escape(name)}==[\w.]+ \\\n", entry), entry[:80]
        assert re.findall(r"--hash=sha256:[0-9a-f]{64}", entry), name


def test_the_lock_is_that_of_the_list(third_party):
    locked = third_party.locked(LOCK)
    wanted = [one for one in direct() if one.marker is None or one.marker.evaluate(AZURE)]
    assert {one.name for one in wanted if len(one.specifier) != 1} == set(), "pinned"
    for one in wanted:
        assert str(one.specifier) == f"=={locked[canonicalize_name(one.name)]}", one.name


def test_the_lock_is_whole(third_party):
    """Whatever a locked package asks for on Azure's platform is locked too, in a version that it takes."""
    locked = third_party.locked(LOCK)
    extras = {canonicalize_name(one.name): one.extras for one in direct()}
    missing = []
    for name in locked:
        for text in requires(name) or ():
            asked = Requirement(text)
            for extra in ("", *extras.get(name, ())):
                if asked.marker is None or asked.marker.evaluate({**AZURE, "extra": extra}):
                    version = locked.get(canonicalize_name(asked.name))
                    if version is None or not asked.specifier.contains(version, prereleases=True):
                        missing.append(f"{name} asks for {text}")
    assert missing == []


def test_licences_are_listed_and_let_us_publish(third_party):
    page = (ROOT / "THIRD-PARTY.md").read_text(encoding="utf-8")
    listed = dict(re.findall(r"^\| ([a-z0-9.-]+) \| (\S+) \|", page, re.MULTILINE))
    listed.pop("package")
    assert listed == third_party.locked(LOCK)
    licences = re.findall(r"^\| [a-z0-9.-]+ \| [\d]\S* \| (.+) \|$", page, re.MULTILINE)
    assert len(licences) == len(listed)
    taken = r"MIT|MIT-0|BSD|BSD-[23]-Clause|Apache-2\.0|ISC|MPL-2\.0|PSF-2\.0|0BSD|Unlicense"
    assert [one for one in licences if not re.fullmatch(rf"({taken})((, | OR | AND )({taken}))*", one)] == []
