"""The Bicep templates as plain values, by the one parser of Bicep that is a Python package (pycep-parser).

A string and a bare name look alike in what it gives: 'x' and x are both "x". Loops and conditions are unwrapped.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pycep import BicepParser

INFRA = Path(__file__).parents[2] / "infra"


@dataclass(frozen=True)
class Resource:
    file: str
    name: str
    type: str
    existing: bool
    config: dict[str, Any]
    condition: Any
    loop: Any

    @property
    def properties(self) -> dict[str, Any]:
        return self.config.get("properties", {})


@cache
def templates() -> dict[str, dict[str, Any]]:
    """Path below infra/ -> what was parsed. A file that does not parse raises."""
    parser = BicepParser()
    files = sorted(INFRA.rglob("*.bicep"))
    return {file.relative_to(INFRA).as_posix(): parser.parse(text=file.read_text(encoding="utf-8")) for file in files}


@cache
def resources() -> tuple[Resource, ...]:
    return tuple(
        _resource(file, name, told)
        for file, parsed in templates().items()
        for name, told in parsed.get("resources", {}).items()
    )


def of_type(type_: str) -> list[Resource]:
    """All resources of a type that the templates make."""
    return [one for one in resources() if one.type == type_ and not one.existing]


def the(type_: str) -> Resource:
    [found] = of_type(type_)
    return found


def variable(file: str, name: str) -> Any:
    return templates()[file]["variables"][name]["value"]


def strings(value: Any) -> set[str]:
    """Every string anywhere in a value, keys included."""
    if isinstance(value, str):
        return {value}
    if isinstance(value, dict):
        return set(value) | {one for part in value.values() for one in strings(part)}
    if isinstance(value, list):
        return {one for part in value for one in strings(part)}
    return set()


def _resource(file: str, name: str, told: dict[str, Any]) -> Resource:
    config, condition, loop = told["config"], None, None
    while "config" in config:
        condition = config.get("condition") or condition
        loop = config.get("loop_type") or loop
        config = config["config"]
    return Resource(file, name, told["type"], told["existing"], config, condition, loop)
