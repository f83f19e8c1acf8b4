"""`altered` is `dataclasses.replace` for records that are nothing but their slots."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import pytest

import shared.model
from shared.model.activity import Activity, Stretch
from shared.model.altering import altered
from shared.model.facts import View
from shared.model.fleet import Cluster
from shared.model.memory import Memory

MODULES = [importlib.import_module(f"shared.model.{one.name}") for one in pkgutil.iter_modules(shared.model.__path__)]
RECORDS = sorted(
    {
        kind
        for module in MODULES
        for kind in vars(module).values()
        if inspect.isclass(kind) and is_dataclass(kind) and not hasattr(kind, "__post_init__")
    },
    key=lambda kind: kind.__qualname__,
)


@pytest.mark.parametrize("kind", RECORDS)
def test_every_record_is_copied_as_replace_copies_it(kind: type[Any]) -> None:
    names = [field.name for field in fields(kind)]
    record = kind(**{name: object() for name in names})
    for name in names:
        other = {name: object()}
        found, expected = altered(record, **other), replace(record, **other)
        assert type(found) is kind
        assert [getattr(found, one) for one in names] == [getattr(expected, one) for one in names]
    assert altered(record) is not record


def test_what_it_is_made_from_stays_as_it_is() -> None:
    before = Activity(credit=1.0)
    assert altered(before, credit=2.0, use=Stretch.IDLE) == Activity(credit=2.0, use=Stretch.IDLE)
    assert before == Activity(credit=1.0)
    assert hash(altered(before, credit=2.0)) == hash(Activity(credit=2.0))


def test_a_view_with_another_memory() -> None:
    view = View(Cluster("/c", "c", "g", "s"), Memory("/c"))
    assert view.with_memory(view.memory) is view
    assert view.with_memory(Memory("/c", 1)) == replace(view, memory=Memory("/c", 1))


def test_a_field_that_is_not_there_is_a_mistake() -> None:
    with pytest.raises(TypeError, match="Memory has no holdings"):
        altered(Memory("/c"), holdings=())


@dataclass(frozen=True)
class Loose:
    number: int = 0


@dataclass(frozen=True, slots=True)
class Checked:
    number: int = 0

    def __post_init__(self) -> None:
        """What a copy of the slots would pass over."""


@pytest.mark.parametrize("record", [Loose(), Checked()])
def test_a_class_with_more_to_it_is_refused(record: Any) -> None:
    with pytest.raises(TypeError, match=f"{type(record).__name__} has more to it than its own slots"):
        altered(record, number=1)
