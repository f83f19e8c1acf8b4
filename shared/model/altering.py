"""`altered`: what `dataclasses.replace` does to a record that is nothing but its slots, in half the time.

`replace` looks up the options of every field and calls the constructor, which sets each field of a frozen record by a
call of its own. Memory, activity and decisions are copied several times at every look at every cluster.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

__all__ = ["altered"]

if TYPE_CHECKING:
    from dataclasses import replace as altered  # the names and types of fields are checked as it checks them
else:
    R = TypeVar("R")

    def altered(record: R, /, **values: Any) -> R:
        """A new record with those values. Raises TypeError for a field that it does not have."""
        slots = _slots(record.__class__)
        if not values.keys() <= slots.keys():
            raise TypeError(f"{record.__class__.__name__} has no {', '.join(values.keys() - slots.keys())}")
        copy = object.__new__(record.__class__)
        for name, (read, write) in slots.items():
            write(copy, values[name] if name in values else read(record))
        return copy


@cache
def _slots(kind: type) -> dict[str, tuple[Callable[[Any], Any], Callable[[Any, Any], None]]]:
    """Name -> how to read and to write that slot. Raises TypeError for a class that makes more of its fields."""
    slots: list[tuple[str, Any]] = [(field.name, getattr(kind, field.name, None)) for field in fields(kind)]
    if hasattr(kind, "__post_init__") or not all(hasattr(slot, "__set__") for _, slot in slots):
        raise TypeError(f"{kind.__name__} has more to it than its own slots: dataclasses.replace copies it")
    return {name: (slot.__get__, slot.__set__) for name, slot in slots}
