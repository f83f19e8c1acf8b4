"""A digest on a laptop: from export files, with as much of the policy and the fleet as is at hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from lamplighter.export_files import basis_of, rows_of
from lamplighter.options import DEFAULT_POLICY
from lamplighter.terminal import warn
from shared.costs.attribution import Known, attribute
from shared.costs.digest import Audience, Reading, digest
from shared.costs.figures import of_week
from shared.costs.record import told
from shared.costs.restated import Told
from shared.errors import InputError
from shared.model.digest import Costs, Digest
from shared.model.fleet import Cluster, Power
from shared.model.weeks import Week
from shared.policy.digests import Fleet, environments, whose

if TYPE_CHECKING:
    from shared.policy.document import Policy

FINANCE = "finance"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line said."""

    files: tuple[Path, ...]
    amortised: bool
    audience: str | None
    policy: Path | None
    fleet: Path | None
    journal: str | None
    now: datetime
    week: Week | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """What was found: the reading, who is to be told, and where they live."""

    reading: Reading
    audience: Audience
    zone: str
    week: Week


def read(asked: Asked) -> Read:
    """Raises InputError or PolicyError for what cannot be read."""
    policy = _policy(asked)
    if not asked.files:
        return _from_azure(asked, policy)
    clusters = _clusters(asked)
    basis = basis_of(asked.files, amortised=asked.amortised)
    costs = attribute(rows_of(asked.files, basis), basis, Known(clusters))
    names = ", ".join(file.name for file in asked.files[:3])
    more = f" and {len(asked.files) - 3} more files" if len(asked.files) > 3 else ""
    reading = Reading(
        costs,
        source=f"{names}{more}",
        read_at=asked.now,
        environments=_environments(policy, clusters, costs.names),
        running=frozenset(one.id for one in clusters.values() if one.power is Power.RUNNING),
    )
    week = asked.week or last_week(reading, asked)
    _covered(costs, week)
    stated = {currency: of_week(days, week) for currency, days in costs.totals.items()}
    whom = audience_of(asked, policy, Fleet(clusters))
    return Read(replace(reading, stated=stated), whom, policy.timezone if policy else "UTC", week)


def _covered(costs: Costs, week: Week) -> None:
    """An empty digest about a week of which the files hold nothing would look like a week that cost nothing."""
    first, last = costs.first, costs.last
    if first is not None and last is not None and (week.last < first or week.first > last):
        raise InputError(f"--week {week}: the export covers {first} to {last}; expected a week such as {Week.of(last)}")


def _from_azure(asked: Asked, policy: Policy | None) -> Read:
    from lamplighter.digest_from_azure import read_azure  # noqa: PLC0415  # the Azure SDKs take a while to load
    from lamplighter.subject import read_policy_file  # noqa: PLC0415

    if asked.fleet is not None:
        raise InputError("--fleet goes with --from-export: without an export Azure itself is read, its fleet too")
    policy = policy or read_policy_file(DEFAULT_POLICY)
    found, week = read_azure(policy, asked.journal, asked.week, asked.now)
    return Read(found.reading, audience_of(asked, policy, found.fleet), policy.timezone, week)


def audience_of(asked: Asked, policy: Policy | None, fleet: Fleet) -> Audience:
    """The one that was asked for; without a name the one that is told everything."""
    known = policy.digest.audiences if policy is not None and policy.digest is not None else ()
    wanted = next((one for one in known if one.name.casefold() == (asked.audience or "").casefold()), None)
    if asked.audience is not None and wanted is None:
        names = ", ".join(one.name for one in known)
        raise InputError(
            f"--audience {asked.audience!r} is no audience: "
            + (f"expected one of {names}" if names else "expected a policy with a digest, such as --policy policy.yaml")
        )
    if wanted is None or policy is None:
        return Audience(next((one.name for one in known if one.is_everything), FINANCE))
    return Audience(wanted.name, whose(wanted, policy, fleet), wanted.is_everything)


def _policy(asked: Asked) -> Policy | None:
    if asked.policy is None:
        return None
    from lamplighter.subject import read_policy_file  # noqa: PLC0415  # pydantic takes a while

    return read_policy_file(asked.policy)


def _clusters(asked: Asked) -> dict[str, Cluster]:
    if asked.fleet is None:
        return {}
    from lamplighter.fleet_source import read_fleet_file  # noqa: PLC0415

    inventory = read_fleet_file(asked.fleet, asked.now)
    warn(inventory.problems)
    return {cluster.id: cluster for cluster in inventory.clusters}


def _environments(policy: Policy | None, clusters: Mapping[str, Cluster], ids: Iterable[str]) -> dict[str, str]:
    """Of a fleet nobody named, only what names and groups say."""
    return {} if policy is None else environments(ids, policy, Fleet(clusters))


def last_week(reading: Reading, asked: Asked) -> Week:
    """The last week that the export covers to its end; else the week of its last day; without rows, last week."""
    costs = reading.costs
    if costs.last is None or costs.first is None:
        return Week.of(asked.now.date()).back()
    week = Week.of(min(costs.last, asked.now.date() - timedelta(days=1)))
    whole = week if costs.last >= week.last else week.back()
    return whole if whole.last >= costs.first and any(map(_in(whole), costs.totals.values())) else week


def _in(week: Week) -> Callable[[object], bool]:
    return lambda days: any(day in week for day in days)  # type: ignore[attr-defined]


def make(found: Read, now: datetime, out: Path | None) -> Digest:
    """The digest; what an earlier one in `out` told of the week before is compared."""
    name = found.audience.name
    reading = found.reading.after(name, _told(out, found.week, name))
    return digest(reading, found.audience, found.week, now, found.zone)


def _told(out: Path | None, week: Week, audience: str) -> Told | None:
    from shared.reports.digest_files import RECORD  # noqa: PLC0415

    if out is None:
        return None
    file = place(out, week.back(), audience) / RECORD
    if not file.exists():
        return None
    try:
        return told(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, InputError) as error:
        warn([f"{file} is not compared with: {error}"])
        return None


def place(out: Path, week: Week, audience: str) -> Path:
    """Laid out as the archive is."""
    return out / str(week) / audience


def write(made: Digest, out: Path) -> list[Path]:
    """Everything that would be sent, and the data behind it. What lies there already is written anew."""
    from shared.reports.digest_files import HTML, files  # noqa: PLC0415
    from shared.reports.digest_html import html  # noqa: PLC0415

    folder = place(out, made.week, made.audience)
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files(made).items():
            # A browser finds the pictures beside the page, not in a mail.
            data = html(made, charts="").encode() if name == HTML else content
            (folder / name).write_bytes(data)
            written.append(folder / name)
    except OSError as error:
        raise InputError(
            f"--out {out} can't be written ({error.strerror}): expected a folder, such as --out digest"
        ) from None
    return written
