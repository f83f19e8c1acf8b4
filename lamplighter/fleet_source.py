"""The fleet a command looks at: a file that somebody exported, or Azure itself."""

from __future__ import annotations

import codecs
import json
import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamplighter.terminal import one_line, progress
from shared.errors import InputError, LamplighterError
from shared.model.fleet import Inventory

if TYPE_CHECKING:
    from shared.model.fleet import Scope
    from shared.settings import Settings

EXPECTED = "expected what `az aks list -o json` or `az graph query` prints, or a fleet in YAML"
DEBUG = "LAMPLIGHTER_DEBUG"


def read_fleet(file: Path | None, scope: Scope, now: datetime) -> Inventory:
    """The clusters in `file`, or, without one, those of the policy's scope in Azure. Raises InputError, or
    LamplighterError where Azure shows nothing at all: an empty fleet and an unreadable one are not the same.
    """
    if file is not None:
        return read_fleet_file(file, now)
    from shared.clients.azure import Cloud  # noqa: PLC0415  # the Azure SDKs take a while to load
    from shared.clients.fleet import inventory  # noqa: PLC0415

    with progress("reading the fleet from Azure ..."), Cloud.connect(laptop_settings()) as cloud:
        seen = inventory(cloud, scope, now)
    if seen.problems and not seen.clusters:
        raise LamplighterError(_nothing_seen(seen.problems))
    return seen


def _nothing_seen(problems: Sequence[str]) -> str:
    if all("no credential was accepted" in problem for problem in problems):
        return (
            "nobody is signed in to Azure here: run `az login`, or look at a file instead, "
            "such as --fleet fleet.json from `az aks list -o json > fleet.json`"
        )
    return "\n".join(problems)


def laptop_settings(journal: str | None = None) -> Settings:
    """The app's settings, as far as this shell names them. Raises InputError for one that cannot be right."""
    from shared.settings import read_settings  # noqa: PLC0415

    named = {name: value for name, value in os.environ.items() if name != DEBUG}
    return read_settings(named if journal is None else {**named, "LAMPLIGHTER_JOURNAL": journal})


def read_fleet_file(file: Path, now: datetime) -> Inventory:
    """An export of the Azure CLI (a list, `{"data": [...]}`, `{"value": [...]}`, or one cluster), or the simulator's
    YAML. Raises InputError with one sentence: which file, which entry, what was expected.
    """
    text = read_text(file, EXPECTED)
    if not text.strip():
        raise InputError(f"{file} is empty: {EXPECTED}")
    if text.lstrip()[0] not in "[{" and file.suffix.casefold() in (".yaml", ".yml"):
        document: Any = _from_yaml(text, file, now)
    else:
        document = _from_json(text, file)
    if isinstance(document, Mapping) and "id" in document:
        document = [document]
    from shared.clients.reading import clusters_from  # noqa: PLC0415

    clusters = clusters_from(document, str(file))
    return Inventory(now, clusters, _left_out(document, file))


def read_text(file: Path, expected: str) -> str:
    """A text file, whole. PowerShell's redirection writes UTF-16; that is understood by its byte order mark."""
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{file}: there is no such file; {expected}") from None
    except IsADirectoryError:
        raise InputError(f"{file} is a directory; {expected}") from None
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}; {expected}") from None
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{file} is not text in UTF-8; {expected}") from None


def _from_json(text: str, file: Path) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"{file}:{error.lineno}: this is not JSON ({error.msg}); {EXPECTED}") from None
    except RecursionError:
        raise InputError(f"{file}: this JSON is nested too deeply; {EXPECTED}") from None


def _from_yaml(text: str, file: Path, now: datetime) -> Any:
    """The simulator's own description of a fleet, as the JSON that Azure would answer."""
    from ruamel.yaml import YAML  # noqa: PLC0415
    from ruamel.yaml.error import YAMLError  # noqa: PLC0415

    from lamplighter.simulator.resource_bodies import cluster_body  # noqa: PLC0415
    from lamplighter.simulator.world import World  # noqa: PLC0415

    try:
        described = YAML(typ="safe", pure=True).load(text)
    except YAMLError as error:
        raise InputError(f"{file}: this is neither JSON nor YAML ({one_line(str(error))}); {EXPECTED}") from None
    try:
        world = World.from_fleet(described, now=now)
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise InputError(f"{file}: {one_line(str(error))}") from None
    return [cluster_body(cluster) for cluster in world.clusters.values()]


def _left_out(document: Any, file: Path) -> tuple[str, ...]:
    """`az graph query` prints 100 rows unless asked for more, and says so in two fields that are easy to miss."""
    if not isinstance(document, Mapping):
        return ()
    total, rows = document.get("total_records"), document.get("data")
    held = len(rows) if isinstance(rows, list) else 0
    if isinstance(total, int) and total > held:
        return (f"{file} holds {held} of {total} rows: ask `az graph query` for all of them with --first 1000",)
    if document.get("skip_token") or document.get("nextLink"):
        return (f"{file} is one page of several: clusters on the other pages are not seen",)
    return ()
