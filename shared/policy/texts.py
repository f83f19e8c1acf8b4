"""Texts in a policy, and lists of them, as types for pydantic. What clients read of a policy is made of them too."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import CoreSchema

from shared.policy.yaml_lines import WrittenFloat, WrittenInt

T = TypeVar("T")


def as_text(value: Any) -> Any:
    """A number or truth value where a text is meant, as it was written."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.text if isinstance(value, WrittenInt | WrittenFloat) else value


def _as_list(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list | tuple) else (value,)


class _OneOrList:
    """For the schema: one value, or a list of them."""

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: Any) -> dict[str, Any]:
        listed = handler(core)
        if "minLength" in listed:  # what pydantic says of a tuple that was validated before
            listed["minItems"] = listed.pop("minLength")
        return {"anyOf": [listed["items"], listed]}


# A number where a text is meant is taken as it was written, so editors accept it too.
TEXTS = {"type": ["string", "number", "boolean"]}
Value = Annotated[str, BeforeValidator(as_text), WithJsonSchema(TEXTS)]
"""What a tag's value is compared with; may be empty."""
PlainText = Annotated[str, BeforeValidator(as_text), Field(min_length=1)]
Text = Annotated[PlainText, WithJsonSchema({**TEXTS, "minLength": 1})]
OneOrMore = Annotated[list[T], BeforeValidator(_as_list), Field(min_length=1), _OneOrList()]
Texts = Annotated[tuple[Text, ...], BeforeValidator(_as_tuple), Field(min_length=1), _OneOrList()]
