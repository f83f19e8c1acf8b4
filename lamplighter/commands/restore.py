"""`lamplighter restore`: start again what we stopped."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lamplighter import options
from lamplighter.terminal import console, counted, print_json, table
from shared.errors import InputError

if TYPE_CHECKING:
    from lamplighter.subject import Subject
    from shared.clients.journal import Journal
    from shared.model.fleet import Cluster
    from shared.model.records import HistoryRecord

FOREVER = timedelta(days=3650)


@dataclass(frozen=True, slots=True)
class Stopped:
    """A cluster, or some of its pools, that we stopped and that nothing has started since."""

    cluster: Cluster
    pools: tuple[str, ...]
    """Empty: the cluster itself."""
    at: datetime
    rule: str


def command(
    *,
    since: Annotated[str, typer.Option("--since", metavar="WHEN", help="2d, 2026-12-24 or an instant.")],
    lasting: Annotated[str, typer.Option("--for", metavar="4h", help="How long they are kept on.")] = "4h",
    owner: options.Owner = None,
    reason: Annotated[str, typer.Option("--reason", metavar="WHY", help="Why.")] = "restored after a stop",
    fleet: options.FleetFile = None,
    policy: options.PolicyFile = options.DEFAULT_POLICY,
    journal: options.JournalUrl = None,
    at: options.At = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without it, only list.")] = False,
    as_json: options.Json = False,
) -> None:
    """Start again what Lamplighter stopped since then, as the journal tells it. Lists only, unless --yes is given."""
    from lamplighter.keeping import end_of, reason_of  # noqa: PLC0415
    from lamplighter.remembered import journal_at  # noqa: PLC0415
    from lamplighter.subject import read_subject  # noqa: PLC0415
    from shared.model.memory import Wish  # noqa: PLC0415
    from shared.policy.overrides import Word  # noqa: PLC0415

    now, who = options.moment(at), options.owner(owner)
    begin = options.since(since, now, FOREVER)
    if begin >= now:
        raise InputError(f"--since {since!r} is not in the past: expected something such as --since 12h")
    word = Word(Wish.RUNNING, end_of(now, lasting, None), who, reason_of(reason), source="wake")
    subject = read_subject(policy, fleet, now)
    with journal_at(journal) as opened:
        found = still_down(subject.clusters, opened.history(None, begin, now))
        refused = _wake(opened, subject, found, word) if yes else {}
    if as_json:
        print_json(_document(found, refused, done=yes))
    else:
        _show(subject, found, refused, done=yes)


def still_down(clusters: Iterable[Cluster], records: Iterable[HistoryRecord]) -> list[Stopped]:
    """What we stopped and did not bring up since, and what is stopped now. `records` in time order."""
    from shared.model.fleet import Power  # noqa: PLC0415

    last: dict[tuple[str, str | None], HistoryRecord] = {}
    for record in records:
        if record.phase == "succeeded" or record.body.get("runs"):
            last[record.cluster, record.body.get("pool")] = record
    found = []
    for cluster in clusters:
        mine = {
            pool: record
            for (id_, pool), record in last.items()
            if id_ == cluster.id
            and str(record.body.get("kind", "")).startswith("stop")
            and cluster.power_of(pool) is Power.STOPPED
        }
        if mine:
            newest = max(mine.values(), key=lambda record: record.at)
            pools = () if None in mine else tuple(sorted(pool for pool in mine if pool))
            found.append(Stopped(cluster, pools, newest.at, str(newest.body.get("rule", ""))))
    return found


def _wake(journal: Journal, subject: Subject, found: Iterable[Stopped], word: Any) -> dict[str, str]:
    """Why some could not be woken, by id: one that may not be kept on that long keeps no other from starting."""
    from lamplighter.keeping import allow, keep  # noqa: PLC0415

    refused = {}
    for one in found:
        try:
            allow(subject.policy, one.cluster, word, subject.now)
            keep(journal, one.cluster, word, subject.now)
        except InputError as problem:
            refused[one.cluster.id] = str(problem)
    return refused


def _document(found: Iterable[Stopped], refused: dict[str, str], *, done: bool) -> dict[str, Any]:
    return {
        "done": done,
        "clusters": [
            {
                "cluster": one.cluster.id,
                "pools": list(one.pools),
                "stopped_at": one.at,
                "rule": one.rule,
                "refused": refused.get(one.cluster.id),
            }
            for one in found
        ],
    }


def _show(subject: Subject, found: list[Stopped], refused: dict[str, str], *, done: bool) -> None:
    from lamplighter.find import short_names  # noqa: PLC0415
    from shared.policy.spoken import spoken  # noqa: PLC0415

    out = console()
    if not found:
        out.print("Nothing that Lamplighter stopped since then is still down.")
        return
    names = short_names(subject.clusters)
    rows = table("cluster", "stopped", "for the rule", "*")
    for one in found:
        what = names[one.cluster.id] + (f" / {', '.join(one.pools)}" if one.pools else "")
        rows.add_row(what, spoken(one.at, subject.policy.timezone), one.rule, refused.get(one.cluster.id, ""))
    out.print(rows)
    if done:
        out.print(f"\n{counted(len(found) - len(refused), 'cluster')} will be started by the next tick.", style="bold")
    else:
        out.print(f"\n{counted(len(found), 'cluster')} would be started. Add --yes to do it.", style="bold")
