"""`lamplighter upgrades`: rings, versions, soak progress, the next step and its date; and `upgrades release`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lamplighter import options
from lamplighter.terminal import console, counted, print_json, progress, table
from shared.errors import CloudError, InputError

if TYPE_CHECKING:
    from lamplighter.deciding import Remembered
    from lamplighter.subject import Subject
    from shared.model.fleet import Cluster
    from shared.model.support import SupportReport
    from shared.model.upgrades import Rings
    from shared.model.versions import Releases
    from shared.policy.bound import BoundRule
    from shared.policy.rings import Member
    from shared.policy.upgrading import Step

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
        print_json(configurations(policy, options.moment(at)))
        return
    from lamplighter.deciding import recall  # noqa: PLC0415
    from lamplighter.subject import read_subject  # noqa: PLC0415

    subject = read_subject(policy, fleet, options.moment(at))
    known = recall(journal)
    sights = tuple(looked_at(subject, known, rule, releases_of(subject, ask_azure=fleet is None)))
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


def configurations(policy: Path, now: datetime) -> dict[str, Any]:
    """Rule name -> the body that is written for each of AKS's configurations, or why there is none."""
    from lamplighter.subject import read_policy_file  # noqa: PLC0415
    from shared.policy.maintenance import NAMES, maintenance_window  # noqa: PLC0415
    from shared.policy.ring_fold import ring_rules  # noqa: PLC0415

    found: dict[str, Any] = {}
    read = read_policy_file(policy)
    # A freeze of some clusters is in their configurations only, and a file of the policy names none.
    freezes = tuple(one for one in read.freezes if "upgrade" in one.hold and one.match is None)
    for rule in ring_rules(read):
        if not rule.schedules:
            found[rule.name] = "it has no window, so AKS's own windows stay as they are"
            continue
        made = maintenance_window(rule.schedules[0], now, freezes)
        body = {"properties": {"maintenanceWindow": made.window}}
        found[rule.name] = made.problem if made.window is None else dict.fromkeys(NAMES, body)
    return found


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


@dataclass(frozen=True, slots=True)
class ClusterSight:
    cluster: Cluster
    ring: str
    step: Step
    sentence: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Sight:
    """One rule and what it sees."""

    rule: BoundRule
    rings: Rings
    members: tuple[Member, ...]
    clusters: tuple[ClusterSight, ...]


def releases_of(subject: Subject, *, ask_azure: bool) -> Mapping[str, Releases]:
    """Lower-case region -> its versions: as Azure says, else after the published calendar."""
    from shared.policy.support_dates import calendar_releases  # noqa: PLC0415

    regions = {one.location.casefold(): one.subscription for one in subject.clusters if one.location}
    found = dict.fromkeys(regions, calendar_releases(subject.now.date()))
    if not ask_azure:
        return found
    from lamplighter.fleet_source import laptop_settings  # noqa: PLC0415
    from shared.clients.azure import Cloud  # noqa: PLC0415
    from shared.clients.upgrading import releases_document, releases_from  # noqa: PLC0415

    with progress("reading Kubernetes versions ..."), Cloud.connect(laptop_settings()) as cloud:
        for region, subscription in regions.items():
            with suppress(CloudError):
                found[region] = releases_from(releases_document(cloud, subscription, region))
    return found


def looked_at(
    subject: Subject, known: Remembered | None, only: str | None, releases: Mapping[str, Releases]
) -> Iterable[Sight]:
    """Every rule of rings of the policy, with its clusters as the engine sees them."""
    from lamplighter.deciding import facts_of, view_of  # noqa: PLC0415
    from shared.policy.ring_dates import next_at  # noqa: PLC0415
    from shared.policy.ring_fold import fleet_rings, ring_rules  # noqa: PLC0415
    from shared.policy.rings import Member  # noqa: PLC0415
    from shared.policy.rules.upgrades import sentence_of  # noqa: PLC0415
    from shared.policy.upgrading import step_of  # noqa: PLC0415
    from shared.policy.voices import owner_of  # noqa: PLC0415

    policy, now = subject.policy, subject.now
    owners = {cluster.id: owner_of(cluster, policy) for cluster in subject.clusters}
    memories = {} if known is None else known.memories
    before = {} if known is None else known.fleet.rings
    seen = [(cluster, owners[cluster.id], memories.get(cluster.id)) for cluster in subject.clusters]
    rings = fleet_rings(before, policy, seen, now, whole=True)
    facts = replace(facts_of(subject, known), rings=rings, releases=releases)
    names = [one.name for one in ring_rules(policy)]
    if only is not None and only not in names:
        raise InputError(f"--rule {only!r} is no rule of upgrades: expected one of {', '.join(names) or 'none'}")
    for name in names if only is None else [only]:
        mine = [
            (cluster, rule, memory)
            for cluster, owner, memory in seen
            for rule in owner.rules
            if rule.name == name and rule.environment in rule.block.rings
        ]
        members = tuple(
            Member(cluster.id, cluster.name, rule.environment, None if memory is None else memory.upgrade)
            for cluster, rule, memory in mine
        )
        found = []
        for cluster, rule, _ in mine:
            step = step_of(view_of(cluster, subject, known, facts), rule, now)
            when = next_at(rule, step, members, rings[name], now)
            found.append(ClusterSight(cluster, rule.environment, step, sentence_of(rule, step), when))
        plain = next(one for one in policy.rules if one.name == name)
        order = {ring: place for place, ring in enumerate(plain.block.rings)}
        found.sort(key=lambda one: (order[one.ring], one.cluster.name))
        yield Sight(plain, rings[name], members, tuple(found))


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


def support_of(subject: Subject, known: Remembered | None) -> SupportReport:
    """The support report of the whole fleet."""
    from shared.policy.support import support_report  # noqa: PLC0415

    memories: Mapping[str, Any] = {} if known is None else known.memories
    fleet = (
        (cluster, subject.policy.environment_of(cluster), memories.get(cluster.id)) for cluster in subject.clusters
    )
    return support_report(fleet, {} if known is None else known.fleet.rings, subject.now)


def support_rows(report: SupportReport) -> dict[str, Any]:
    """Its JSON."""
    return {
        "versions": [
            {
                "cluster": row.cluster,
                "production": row.production,
                "version": row.version,
                "state": row.state.value,
                "ends_on": None if row.ends_on is None else row.ends_on.isoformat(),
                "tested": None if row.path is None else row.path.sentence,
            }
            for row in report.rows
        ],
        "limits": [
            {
                "cluster": row.cluster,
                "production": row.production,
                "message": row.sentence,
                "due_on": None if row.due_on is None else row.due_on.isoformat(),
            }
            for row in report.limits
        ],
    }


def sum_up_support(report: SupportReport) -> None:
    """A line a version and one for limits, under a plan."""
    out = console()
    lines: dict[str, list[Any]] = {}
    for row in report.rows:
        version = row.version.rpartition(".")[0] or row.version or "an unknown version"
        lines.setdefault(f"{version} {row.state.value} {row.ends_on or ''}".strip(), []).append(row)
    for line, rows in lines.items():
        production = sum(row.production for row in rows)
        of_these = f", {production} of them production" if production else ""
        path = next((row.path.sentence for row in rows if row.path is not None), None)
        tested = "" if path is None else f"; tested: {path}"
        out.print(f"Support of {line}: {counted(len(rows), 'cluster')}{of_these}{tested}", style="yellow")
    if report.limits:
        out.print(f"Near a limit of AKS: {counted(len(report.limits), 'cluster')}", style="yellow")
    if not report.empty:
        out.print("lamplighter upgrades lists them.", style="dim")


def show_support(report: SupportReport) -> None:
    """Who runs out of support, the tested way out, and who is near a limit of AKS; nothing where nobody is."""
    if report.empty:
        return
    out = console()
    named = {row.cluster for row in report.rows} | {row.cluster for row in report.limits}
    affected = counted(len(named), "cluster")
    out.print(f"\nSupport · {affected} of {report.clusters:,}", style="bold")
    if report.rows:
        _show_versions(report)
    for limit in report.limits[:CLUSTERS_SHOWN]:
        where = f" ({limit.environment})" if limit.environment else ""
        out.print(f"{limit.name}{where}: {limit.sentence}")
    hidden = max(0, len(report.limits) - CLUSTERS_SHOWN) + max(0, len(report.rows) - CLUSTERS_SHOWN)
    if hidden:
        out.print(f"and {hidden:,} more; --json lists them all", style="dim")


def _show_versions(report: SupportReport) -> None:
    rows: Sequence[Any] = report.rows[:CLUSTERS_SHOWN]
    lines = table("cluster", "environment", "version", "support", "tested way out*")
    for row in rows:
        ends = "date unknown" if row.ends_on is None else f"{row.state.value} {row.ends_on}"
        lts = " (LTS)" if row.lts else ""
        environment = (row.environment or "none") + (", production" if row.production else "")
        tested = "none was tested" if row.path is None else row.path.sentence
        lines.add_row(row.name, environment, row.version or "unknown", f"{ends}{lts}", tested)
    console().print(lines)
