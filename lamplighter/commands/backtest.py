"""`lamplighter backtest`: what a policy would have done, before anybody trusts it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lamplighter import options
from lamplighter.terminal import bar, counted, print_json, warn
from shared.errors import InputError

if TYPE_CHECKING:
    from lamplighter.backtest.alternatives import Alternative
    from lamplighter.backtest.history import History
    from shared.policy.document import Policy

FORMATS = ("csv", "swf")
USUAL_DAYS = 14
"""Of `--live`."""


HistoryFile = Annotated[
    Path | None,
    typer.Option("--history", metavar="FILE", help="When clusters were needed: CSV time,cluster,active, or SWF."),
]
PolicyFile = Annotated[
    Path | None, typer.Option("--policy", metavar="FILE", help="The policy. Without it, a standard one: --rule.")
]
Live = Annotated[bool, typer.Option("--live", help="Instead of a file: the metrics of your fleet, 14 days or --days.")]
Rule = Annotated[str | None, typer.Option("--rule", metavar="RULE", help="The standard policy's rule: idle or hours.")]
Form = Annotated[
    str | None, typer.Option("--format", metavar="csv|swf", help="Of the history. Default: by the file's name.")
]
Days = Annotated[int | None, typer.Option("--days", metavar="N", help="Only the last N days.")]
Zone = Annotated[
    str | None, typer.Option("--zone", metavar="ZONE", help="Of 12x5 and the standard policy: an IANA name.")
]
Against = Annotated[
    list[str] | None,
    typer.Option(
        "--against",
        metavar="WHAT",
        help="always-on, 12x5, optimum, an idle timeout such as 45m, or another policy file; repeat it for more.",
    ),
]
StartTakes = Annotated[str, typer.Option("--start-takes", metavar="6m", help="Call until ready.")]
StopTakes = Annotated[str, typer.Option("--stop-takes", metavar="3m", help="Call until off.")]
People = Annotated[
    bool, typer.Option("--wake/--no-wake", help="Whether people wake what they need, keep it on and answer warnings.")
]
Picture = Annotated[Path | None, typer.Option("--picture", metavar="FILE", help="Draw it too: .svg or .png.")]


def command(
    history: HistoryFile = None,
    *,
    policy: PolicyFile = None,
    live: Live = False,
    rule: Rule = None,
    form: Form = None,
    days: Days = None,
    zone: Zone = None,
    against: Against = None,
    start_takes: StartTakes = "6m",
    stop_takes: StopTakes = "3m",
    people: People = True,
    picture: Picture = None,
    as_json: options.Json = False,
) -> None:
    """Replay a policy over history: hours on, cold starts, needed time covered, minutes late.

    The same engine decides as in the app, in virtual time, with the times that AKS takes to start and stop. Beside it
    stand always-on, a 12x5 schedule, fixed idle timeouts, and the clairvoyant, which knows every need in advance.
    """
    from lamplighter.backtest.limits import Limits  # noqa: PLC0415  # the engine is not for --help
    from lamplighter.backtest.outcomes import compared  # noqa: PLC0415
    from lamplighter.backtest.replay import Terms  # noqa: PLC0415
    from lamplighter.backtest.report import document, draw, picture_file, show  # noqa: PLC0415

    limits = Limits(
        int(options.duration(start_takes, "--start-takes").total_seconds()),
        int(options.duration(stop_takes, "--stop-takes").total_seconds()),
    )
    drawing = None if picture is None else picture_file(picture)
    told = _live(policy, history, days) if live else _history(history, form, days)
    place = options.zone(zone) if zone is not None else told.zone or "UTC"
    mine = _policy(policy, rule, place)
    ways = _ways(against, mine.timezone if zone is None else place)
    report = compared(told, mine, ways, Terms(limits, people=people))
    if drawing is not None:
        draw(report, drawing)
    if as_json:
        print_json(document(report))
    else:
        show(report)


def _history(file: Path | None, form: str | None, days: int | None) -> History:
    from lamplighter.backtest.csv_history import read_csv  # noqa: PLC0415
    from lamplighter.backtest.swf_history import read_swf  # noqa: PLC0415

    if file is None:
        raise InputError("no history is named: expected a file, such as --history usage.csv")
    if form is not None and form not in FORMATS:
        raise InputError(f"--format {form!r} is unknown: expected csv or swf, such as --format swf")
    kind = form or ("swf" if ".swf" in file.suffixes else "csv")
    read = read_swf(file) if kind == "swf" else read_csv(file)
    return read if days is None else read.last(options.days(days))


def _live(policy: Path | None, file: Path | None, days: int | None) -> History:
    """The clusters of the policy's scope, or all that can be seen, and what Azure Monitor knows of them."""
    from lamplighter.backtest.live_history import LONGEST, read_live  # noqa: PLC0415
    from lamplighter.fleet_source import laptop_settings, read_fleet  # noqa: PLC0415
    from lamplighter.subject import read_policy_file  # noqa: PLC0415
    from shared.clients.azure import Cloud  # noqa: PLC0415
    from shared.model.fleet import Scope  # noqa: PLC0415

    if file is not None:
        raise InputError("--live reads Azure, and --history names a file: expected one of them")
    number = options.days(USUAL_DAYS if days is None else days)
    if number > LONGEST:
        raise InputError(f"--days {number}: Azure keeps metrics no longer than that: expected 1 to {LONGEST}")
    now = options.moment(None)
    seen = read_fleet(None, Scope() if policy is None else read_policy_file(policy).scope, now)
    warn(seen.problems)
    with bar(f"reading {counted(number, 'day')} of metrics ...") as progress, Cloud.connect(laptop_settings()) as cloud:
        found = read_live(cloud, seen.clusters, number, now, progress)
    unknown = sum(end - begin for trace in found.traces for begin, end in trace.unknown)
    share = unknown / sum(trace.end - trace.begin for trace in found.traces)
    if share >= 0.005:
        warn([f"nothing is known of {share:.0%} of that time, such as when clusters were off: no need, and no stop"])
    return found


def _policy(file: Path | None, rule: str | None, zone: str) -> Policy:
    if file is None:
        from lamplighter.backtest.standard import standard_policy  # noqa: PLC0415

        return standard_policy(rule, zone)
    if rule is not None:
        raise InputError("--rule chooses a standard policy, and --policy names another: expected one of them")
    from lamplighter.subject import read_policy_file  # noqa: PLC0415

    return read_policy_file(file)


def _ways(words: Sequence[str] | None, zone: str) -> tuple[Alternative | Policy, ...]:
    """What stands beside the policy, in the order that was asked for."""
    from lamplighter.backtest.alternatives import USUAL, alternative  # noqa: PLC0415
    from lamplighter.subject import read_policy_file  # noqa: PLC0415

    found: list[Alternative | Policy] = []
    for word in words or USUAL:
        if Path(word).suffix in (".yaml", ".yml"):
            found.append(read_policy_file(Path(word)))
            continue
        try:
            found.append(alternative(word, zone))
        except ValueError:
            raise InputError(
                f"--against {word!r} is unknown: expected always-on, 12x5, optimum, an idle timeout such as 45m, "
                "or a policy such as other.yaml"
            ) from None
    return tuple(found)
