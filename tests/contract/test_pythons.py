"""What runs on 3.13 must also import on 3.11, which few of us have at hand: rules that the older one is stricter about."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import pkgutil
from pathlib import Path
from types import MappingProxyType, ModuleType

import pytest

import lamplighter
import shared

ROOT = Path(__file__).parents[2]


def modules() -> list[ModuleType]:
    names = [
        one.name
        for package in (shared, lamplighter)
        for one in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        if not one.name.endswith("__main__")
    ]
    return [importlib.import_module(name) for name in names]


def test_no_dataclass_has_a_mapping_proxy_as_its_default() -> None:
    """Unhashable before Python 3.12, so dataclasses refuse it there, and nothing of the app would import.
    https://docs.python.org/3/whatsnew/3.12.html (types.MappingProxyType instances are now hashable)"""
    found = [
        f"{module.__name__}.{name}.{field.name}"
        for module in modules()
        for name, one in vars(module).items()
        if isinstance(one, type) and dataclasses.is_dataclass(one) and one.__module__ == module.__name__
        for field in dataclasses.fields(one)
        if isinstance(field.default, MappingProxyType)
    ]
    assert found == []


@pytest.mark.parametrize("place", ["shared", "lamplighter", "function_app.py"])
def test_the_syntax_is_that_of_3_11(place: str) -> None:
    top = ROOT / place
    for file in [top] if top.is_file() else sorted(top.rglob("*.py")):
        ast.parse(file.read_text(encoding="utf-8"), filename=str(file), feature_version=(3, 11))
