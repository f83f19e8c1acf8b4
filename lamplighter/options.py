"""The options that every command shares, and how their values are read. Bad values are one sentence with an example."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from shared.errors import InputError

FleetFile = Annotated[
    Path | None,
    typer.Option(
        "--fleet",
        metavar="FILE",
        help="What `az aks list -o json` or `az graph query` printed, or a fleet in YAML. Without it, Azure is read.",
    ),
]
PolicyFile = Annotated[Path, typer.Option("--policy", metavar="FILE", help="The policy.")]
At = Annotated[
    str | None,
    typer.Option("--at", metavar="INSTANT", help="Pretend it is then, such as 2026-12-24T18:00Z. Default: now."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
JournalUrl = Annotated[
    str | None,
    typer.Option(
        "--journal",
        metavar="URL",
        envvar="LAMPLIGHTER_JOURNAL",
        help="What Lamplighter remembers: https://ACCOUNT.table.core.windows.net, or sqlite:///FILE.",
    ),
]
Owner = Annotated[str | None, typer.Option("--owner", metavar="WHO", help="Who says so. Default: your login name.")]
ClusterName = Annotated[str, typer.Argument(metavar="CLUSTER", help="Name or whole id of a cluster.")]

DEFAULT_POLICY = Path("policy.yaml")
EARLIEST, LATEST = 2000, 2100
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def instant(text: str, option: str) -> datetime:
    """An ISO 8601 instant with an offset or Z, as aware UTC. A bare local time is refused: whose 18:00 is it?"""
    example = f"an instant with its offset, such as {option} 2026-12-24T18:00Z or 2026-12-24T18:00+01:00"
    try:
        read = datetime.fromisoformat(text.strip())
    except ValueError:
        raise InputError(f"{option} {text!r} is no instant: expected {example}") from None
    if read.tzinfo is None:
        raise InputError(f"{option} {text!r} does not say in which zone: expected {example}")
    if not EARLIEST < read.year < LATEST:
        raise InputError(f"{option} {text!r} is not between {EARLIEST} and {LATEST}: expected {example}")
    return read.astimezone(UTC)


def moment(at: str | None) -> datetime:
    """`--at`, or the present; the one place on the laptop where the clock is read."""
    return datetime.now(UTC).replace(microsecond=0) if at is None else instant(at, "--at")


def day(text: str | None, option: str, fallback: date) -> date:
    """A date such as 2026-12-24; `fallback` where nothing was said."""
    if text is None:
        return fallback
    expected = f"expected a date such as {option} 2026-12-24"
    try:
        read = date.fromisoformat(text.strip()) if _DAY.fullmatch(text.strip()) else None
    except ValueError:
        read = None
    if read is None:
        raise InputError(f"{option} {text!r} is no date: {expected}")
    if not EARLIEST < read.year < LATEST:
        raise InputError(f"{option} {text!r} is not between {EARLIEST} and {LATEST}: {expected}")
    return read


def days(number: int) -> int:
    if not 1 <= number <= 366:
        raise InputError(f"--days {number} is out of range: expected 1 to 366, such as --days 14")
    return number


def duration(text: str, option: str) -> timedelta:
    """A duration longer than zero, such as 4h."""
    from shared.policy.durations import parse_duration  # noqa: PLC0415  # pydantic is not for --help

    try:
        read = parse_duration(text.strip())
    except ValueError as error:
        raise InputError(f"{option} {error}") from None
    if read <= timedelta(0):
        raise InputError(f"{option} {text!r} is no time at all: expected something such as {option} 4h")
    return read


def since(text: str | None, now: datetime, fallback: timedelta) -> datetime:
    """`--since`: an instant, a date (its beginning in UTC), or how long ago (2d)."""
    if text is None:
        return now - fallback
    cleaned = text.strip()
    if re.fullmatch(r"[\d.]+[smhdw].*", cleaned):
        return now - duration(cleaned, "--since")
    if _DAY.fullmatch(cleaned):
        return datetime.combine(day(cleaned, "--since", now.date()), datetime.min.time(), UTC)
    try:
        return instant(cleaned, "--since")
    except InputError:
        raise InputError(
            f"--since {text!r} is neither an instant, a date nor a duration: "
            "expected something such as --since 2d, --since 2026-12-24 or --since 2026-12-24T18:00Z"
        ) from None


def owner(text: str | None) -> str:
    """Who says so, or the login name."""
    if text is not None:
        if not text.strip():
            raise InputError("--owner is empty: expected a name, such as --owner ml-team")
        return text.strip()
    import getpass  # noqa: PLC0415

    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        raise InputError("your login name is not known here: say who you are with --owner NAME") from None


def zone(name: str) -> str:
    """An IANA name; abbreviations such as CET are refused, they mean different things to different people."""
    from zoneinfo import ZoneInfo  # noqa: PLC0415

    expected = "expected an IANA name, such as --zone Europe/Berlin"
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise InputError(f"--zone {name!r} is no time zone: {expected}") from None
    if name != "UTC" and "/" not in name:
        raise InputError(f"--zone {name!r} is an abbreviation: {expected}")
    return name
