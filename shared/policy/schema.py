"""The JSON schema of policy.yaml as a value: what editors complete and check with.

It is as strict as a schema can be; that names exist and dates are real is checked by `lamplighter check`.
From: https://json-schema.org/draft/2020-12 and https://github.com/redhat-developer/yaml-language-server
"""

from __future__ import annotations

from typing import Any

from shared.policy.assembly import SECTIONS
from shared.policy.grammar import File
from shared.policy.inheriting import KINDS
from shared.policy.rules import BY_KEY

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_REF = "#/$defs/{model}"
_NULL = {"type": "null"}


def policy_schema() -> dict[str, Any]:
    """The schema, freshly made: the same for the same grammar."""
    schema = File.model_json_schema(by_alias=True, ref_template=_REF)
    definitions = schema.pop("$defs")
    rule = definitions["RuleEntry"]
    for key, module in BY_KEY.items():
        block = module.Block.model_json_schema(by_alias=True, ref_template=_REF)
        definitions |= block.pop("$defs", {})
        definitions[f"Rule.{key}"] = block
        # Beside a reference, a description would be ignored by older editors.
        rule["properties"][key] = {"$ref": _REF.format(model=f"Rule.{key}")}
    for key in KINDS:
        definitions["EnvironmentEntry"]["properties"][key] = rule["properties"][key]
    rule["oneOf"] = [{"required": [key]} for key in BY_KEY]
    plain: dict[str, Any] = _plain({**schema, "$defs": dict(sorted(definitions.items()))})
    for section in (one for one in SECTIONS if one != "notify"):
        _may_be_empty(plain["properties"], section, plain["$defs"])
    _may_be_empty(plain["$defs"]["Notify"]["properties"], "routes", plain["$defs"])
    _may_be_empty(plain["properties"], "notify", plain["$defs"])
    return {"$schema": DIALECT, "title": "policy.yaml of Lamplighter, version 1", **plain}


def _may_be_empty(properties: dict[str, Any], name: str, definitions: dict[str, Any]) -> None:
    """A section whose lines are all comments is empty, and welcome."""
    section = properties[name]
    if "$ref" in section:
        # Written out, since a choice between the definition and null would blur every message of an editor.
        section = {**definitions[section.pop("$ref").rpartition("/")[2]], **section}
    properties[name] = {**section, "type": [section["type"], "null"]}


def _plain(value: Any) -> Any:
    """Without what pydantic adds for programs: titles, defaults, and null for keys that may be left out."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {key: _named(key, item) for key, item in value.items() if key not in ("default", "title")}
    branches = kept.get("anyOf")
    if isinstance(branches, list) and _NULL in branches:
        rest = [branch for branch in branches if branch != _NULL]
        del kept["anyOf"]
        kept = {**kept, **rest[0]} if len(rest) == 1 else {**kept, "anyOf": rest}
    return kept


def _named(key: str, value: Any) -> Any:
    """The names of properties and definitions are the file's words: they stay, whatever they are."""
    if key in ("properties", "$defs") and isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return value if key == "examples" else _plain(value)
