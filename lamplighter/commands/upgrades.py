"""`lamplighter upgrades`: rings, versions, soak progress, the next step and its date; and `upgrades release`."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lamplighter import options
from lamplighter.terminal import console, print_json, table
from shared.errors import InputError

if TYPE_CHECKING:
    from lamplighter.ring_sight import ClusterSight, Sight
    from lamplighter.subject import Subject

RELEASE = "release"
CLUSTERS_SHOWN = 40


def command(
    what: Annotated[
        str | None, typer.Argument(metavar="[release]", help="release: what stands still after a failure may go on.")
    ] = None,
    *,
    fleet: options.FleetFile = None,
    policy: options.PolicyFile = options.DEFAULT_POLICY,
    at: options.At = None,
    journal: options.JournalUrl = None,
    rule: Annotated[str | None, typer.Option("--rule", metavar="NAME", help="Only this rule.")] = None,
    owner: options.Owner = None,
    maintenance: Annotated[
        bool,
        typer.Option("--maintenance", help="Print AKS's maintenance configurations as `window` makes them."),
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Rings, versions, how far their soak is, what comes next and when; who runs out of support. Never upgrades.

    `lamplighter upgrades release` ends a halt: an upgrade failed, somebody has looked, the rings may go on.
    """
    if what not in (None, RELEASE):
        raise InputError(f"{what!r} is nothing that upgrades does: expected release, or nothing to look")
    if what == RELEASE:
        _release(journal, rule, owner, options.moment(at))
        return
    if maintenance:
        from lamplighter.maintenance_sight import configurations  # noqa: PLC0415

        print_json(configurations(policy, fleet, options.moment(at)))
        return
    from lamplighter.deciding import recall  # noqa: PLC0415
    from lamplighter.ring_sight import looked_at  # noqa: PLC0415
    from lamplighter.subject import read_subject  # noqa: PLC0415
    from lamplighter.support_sight import show_support, support_of, support_rows  # noqa: PLC0415

    subject = read_subject(policy, fleet, options.moment(at))
    known = recall(journal)
    sights = tuple(looked_at(subject, known, rule))
    report = support_of(subject, known)
    if as_json:
        print_json({"at": subject.now, "rules": [_document(one) for one in sights], "support": support_rows(report)})
        return
    for sight in sights:
        _show(subject, sight)
    if not sights:
        console().print("No rule of the policy speaks of upgrades.")
    show_support(report)
    if not journal:
        console().print("No journal is named, so no soak is known.", style="dim")
    if fleet is not None:
        console().print("Versions ahead are those of AKS's published calendar: a file tells no more.", style="dim")


def _release(journal: str | None, rule: str | None, owner: str | None, now: datetime) -> None:
    from lamplighter.remembered import journal_at  # noqa: PLC0415
    from lamplighter.ringing import release  # noqa: PLC0415

    by = options.owner(owner)
    with journal_at(journal) as opened:
        known = opened.fleet().value.rings
        if rule is not None and rule not in known:
            names = ", ".join(known) or "none yet"
            raise InputError(f"--rule {rule!r} has no rings on record: expected one of them ({names})")
        ended = release(opened, rule, by, now)
    for name, halt in ended.items():
        console().print(f"{name}: ring {halt.ring} and the later ones go on from the next tick ({halt.why})")
    if not ended:
        console().print("Nothing stands still.")


def _show(subject: Subject, sight: Sight) -> None:
    from shared.policy.ring_dates import soaking  # noqa: PLC0415
    from shared.policy.spoken import spoken  # noqa: PLC0415

    out, block, zone = console(), sight.rule.block, subject.policy.timezone
    window = ", ".join(schedule.name for schedule in sight.rule.schedules) or "any time"
    out.print(f"\n{sight.rule.name} · to {block.to} · window {window} · {block.at_once} at once", style="bold")
    halt = sight.rings.halt
    if halt is not None:
        out.print(f"Ring {halt.ring} and all later ones stand still: {halt.why}", style="red")
        out.print("Look at it, then: lamplighter upgrades release")
    lines = table("ring", "clusters>", "there>", "proven", "soaking*", "next")
    for ring in sight.rings.rings:
        mine = [one for one in sight.clusters if one.ring == ring.name]
        progress = soaking(sight.rule, ring.name, sight.members, sight.rings, subject.now)
        dates = [one.at for one in mine if one.at is not None]
        lines.add_row(
            ring.name,
            str(len(mine)),
            str(ring.there),
            "" if ring.proof is None else ring.proof.what,
            "" if progress is None else str(progress),
            spoken(min(dates), zone) if dates else "",
        )
    out.print(lines)
    rows = table("cluster", "ring", "runs", "to", "next step*", "not before")
    for one in sight.clusters[:CLUSTERS_SHOWN]:
        when = "" if one.at is None else "now" if one.at <= subject.now else spoken(one.at, zone)
        runs = "" if one.step.version is None else str(one.step.version)
        goal = _goal(one)
        rows.add_row(one.cluster.name, one.ring, runs, goal, one.sentence, when)
    out.print(rows)
    if len(sight.clusters) > CLUSTERS_SHOWN:
        out.print(f"and {len(sight.clusters) - CLUSTERS_SHOWN} more; --json lists them all", style="dim")


def _goal(one: ClusterSight) -> str:
    """A version whose patch nobody knows here is told without it."""
    goal = one.step.goal
    if goal is None:
        return ""
    return str(goal) if one.step.version == goal or goal.patch else str(goal.line)


def _document(sight: Sight) -> dict[str, Any]:
    return {
        "rule": sight.rule.name,
        "to": sight.rule.block.to,
        "halt": None if sight.rings.halt is None else {"ring": sight.rings.halt.ring, "why": sight.rings.halt.why},
        "rings": [
            {
                "name": ring.name,
                "clusters": ring.clusters,
                "there": ring.there,
                "waiting": ring.waiting,
                "proven": None if ring.proof is None else ring.proof.what,
            }
            for ring in sight.rings.rings
        ],
        "clusters": [
            {
                "cluster": one.cluster.id,
                "ring": one.ring,
                "version": None if one.step.version is None else str(one.step.version),
                "goal": None if one.step.goal is None else str(one.step.goal),
                "next": one.sentence,
                "reason": None if one.step.obstacle is None else one.step.obstacle.reason.value,
                "not_before": one.at,
            }
            for one in sight.clusters
        ],
    }
