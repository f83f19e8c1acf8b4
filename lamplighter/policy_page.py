"""docs/policy.md, written from the schema that the reader itself is made of, so that the page cannot lag behind."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

HEAD = """\
# policy.yaml

Written by `lamplighter schema --page docs/policy.md`; a test keeps it current. Editors complete and check the file
through [policy.schema.json](../policy.schema.json), which its first line names; `lamplighter check` tells every mistake
at once. YAML is 1.2: `NO` is a country and `on` a word. [policy.yaml](../policy.yaml) is a good place to begin.

Production in code, whatever this file says: a cluster that a production entry matches, or that no entry matches, is
never stopped. A rule without `match` means everything outside production.
"""


def page(schema: Mapping[str, Any]) -> str:
    """Markdown: the file's top, then each block, each key with what it means and an example."""
    return "\n".join([HEAD, *_block("The file", schema), *_definitions(schema)]).rstrip() + "\n"


def _definitions(schema: Mapping[str, Any]) -> Iterator[str]:
    for name, definition in schema.get("$defs", {}).items():
        if definition.get("properties"):
            yield from _block(_heading(name), definition)


def _heading(name: str) -> str:
    """What people call a block.

    >>> _heading("Rule.hours"), _heading("EnvironmentEntry")
    ('The rule `hours`', 'Environment')
    """
    if name.startswith("Rule."):
        return f"The rule `{name.removeprefix('Rule.')}`"
    return name.removesuffix("Entry")


def _block(heading: str, definition: Mapping[str, Any]) -> Iterator[str]:
    yield f"## {heading}\n"
    if text := definition.get("description"):
        yield f"{text}\n"
    yield "| key | means | example |"
    yield "|---|---|---|"
    required = set(definition.get("required", ()))
    for key, field in definition["properties"].items():
        must = " (needed)" if key in required else ""
        yield f"| `{key}`{must} | {_cell(field.get('description', '')) or _see(field)} | {_example(field)} |"
    yield ""


def _see(field: Mapping[str, Any]) -> str:
    """Where the keys of a block are told that has a heading of its own."""
    name = str(field.get("$ref", "")).rpartition("/")[2]
    return f"see {_heading(name)[0].lower()}{_heading(name)[1:]}" if name.startswith("Rule.") else ""


def _example(field: Mapping[str, Any]) -> str:
    values = field.get("examples") or field.get("enum") or ([field["const"]] if "const" in field else [])
    if not values:
        options = [option for option in field.get("anyOf", ()) if option.get("examples")]
        values = options[0]["examples"] if options else []
    return f"`{_cell(_written(values[0]))}`" if values else ""


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
