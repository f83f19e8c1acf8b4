"""`lamplighter explain CLUSTER`: who says what about it, who is heard, and what comes next."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from lamplighter import options
from lamplighter.terminal import STYLES, console, counted, print_json, table

if TYPE_CHECKING:
    from rich.console import Console

    from lamplighter.subject import Subject
    from shared.model.decisions import Decision, Proposal
    from shared.model.fleet import Cluster
    from shared.model.memory import Memory
    from shared.policy.bound import BoundRule
    from shared.policy.forecast import Transition
    from shared.policy.voices import Hearing

NEXT = 5
AHEAD_DAYS = 35


def command(
    cluster: options.ClusterName,
    *,
    fleet: options.FleetFile = None,
    policy: options.PolicyFile = options.DEFAULT_POLICY,
    at: options.At = None,
    journal: options.JournalUrl = None,
    as_json: options.Json = False,
) -> None:
    """Why a cluster is on, off or left alone: its environment, who says what, who is heard, what comes next."""
    from lamplighter import capacity_groups  # noqa: PLC0415
    from lamplighter.deciding import facts_of, recall, view_of  # noqa: PLC0415
    from lamplighter.find import one_cluster  # noqa: PLC0415
    from lamplighter.subject import read_subject  # noqa: PLC0415
    from lamplighter.use_sight import with_use  # noqa: PLC0415
    from shared.model.memory import Memory  # noqa: PLC0415
    from shared.policy.decide import decide  # noqa: PLC0415
    from shared.policy.forecast import transitions  # noqa: PLC0415
    from shared.policy.voices import hear  # noqa: PLC0415

    subject = read_subject(policy, fleet, options.moment(at))
    found = one_cluster(subject.clusters, cluster)
    known = recall(journal)
    facts = facts_of(subject, known)
    seen = view_of(found, subject, known, facts)
    [view] = capacity_groups.with_readings(subject, with_use(subject, (seen,)), live=fleet is None)
    groups = capacity_groups.lines(subject, (view,))
    hearing = hear(view, subject.policy, subject.now)
    decisions = decide(view, subject.policy, subject.now)
    ahead = transitions(found, subject.policy, subject.now, AHEAD_DAYS, facts)[:NEXT]
    memory = None if known is None else known.memories.get(found.id, Memory(found.id))
    if as_json:
        remembered = None if memory is None else memory_document(memory, subject.policy.timezone)
        said = _document(subject, found, hearing, decisions, ahead)
        print_json({**said, "groups": capacity_groups.document(groups), "remembered": remembered})
        return
    out = console()
    _show_cluster(out, subject, found, hearing)
    _show_voices(out, subject, hearing)
    _show_decisions(out, decisions)
    capacity_groups.show(groups, None, as_counted=fleet is not None)
    _show_ahead(out, subject, ahead)
    if memory is not None:
        _show_memory(out, subject, memory)


def _document(
    subject: Subject,
    cluster: Cluster,
    hearing: Hearing,
    decisions: Iterable[Decision],
    ahead: Iterable[Transition],
) -> dict[str, Any]:
    from lamplighter.commands import calendar, plan  # noqa: PLC0415

    environment = hearing.environment
    return {
        "at": subject.now,
        "cluster": cluster.id,
        "power": cluster.power.value,
        "state": cluster.provisioning_state,
        "environment": {"name": environment.name, "production": environment.production},
        "rules": [rule.name for rule in hearing.rules],
        "inherited": {rule.name: list(rule.inherited) for rule in hearing.rules if rule.inherited},
        "problems": list(hearing.problems),
        "voices": [
            {
                "voice": one.voice.name.lower(),
                "rule": one.rule,
                "pool": one.pool,
                "wish": None if one.wish is None else one.wish.value,
                "sentence": one.sentence,
                "until": one.until,
            }
            for one in _loudest_first(hearing.proposals)
        ],
        "decisions": plan.rows(decisions),
        "next": [calendar.document(one) for one in ahead],
    }


def _loudest_first(proposals: Iterable[Proposal]) -> list[Proposal]:
    return sorted(proposals, key=lambda one: (one.pool or "", -one.voice, one.rule))


def _show_cluster(out: Console, subject: Subject, cluster: Cluster, hearing: Hearing) -> None:
    out.print(cluster.name, style="bold")
    out.print(cluster.id, style="dim", soft_wrap=True)
    rows = table("", "*")
    rows.show_header = False
    state = f"{cluster.power.value.lower()}, {cluster.provisioning_state or 'state unknown'}"
    rows.add_row("is", f"{state}, {counted(len(cluster.pools), 'pool')}, {cluster.location or 'region unknown'}")
    rows.add_row("environment", _why_environment(subject, cluster, hearing))
    rows.add_row("rules", ", ".join(map(_named, hearing.rules)) or "none matches it")
    for problem in (*hearing.problems, *([cluster.problem] if cluster.problem else [])):
        rows.add_row("problem", problem)
    out.print(rows)


def _named(rule: BoundRule) -> str:
    """The rule, and what it does not say itself."""
    return f"{rule.name} ({', '.join(rule.inherited)} by {rule.environment})" if rule.inherited else rule.name


def _why_environment(subject: Subject, cluster: Cluster, hearing: Hearing) -> str:
    environment = hearing.environment
    if environment.name is None:
        return "none matches it, and so it is production: never stopped"
    entry = next(one for one in subject.policy.environments if one.environment == environment)
    why = next((_held(block) for block in entry.match.blocks if block.matches(cluster, None)), "")
    production = ", production: never stopped" if environment.production else ""
    return f"{environment.name}{production}{f' ({why})' if why else ''}"


def _held(block: Any) -> str:
    """The keys of a match that held, as they are written."""
    tags = [f"tag {name}: {' or '.join(globs)}" for name, globs in block.tags.items()]
    keys = ("names", "resource_groups", "subscriptions", "locations")
    others = [f"{key}: {' or '.join(getattr(block, key))}" for key in keys if getattr(block, key)]
    return ", ".join([*tags, *others])


def _show_voices(out: Console, subject: Subject, hearing: Hearing) -> None:
    from shared.policy.spoken import spoken  # noqa: PLC0415

    out.print("\nWho says what", style="bold")
    if not hearing.proposals:
        out.print("nobody", style="dim")
        return
    rows = table("voice", "who", "wants", "why*", "until")
    for one in _loudest_first(hearing.proposals):
        wish = "no opinion" if one.wish is None else one.wish.value
        until = "" if one.until is None else spoken(one.until, subject.policy.timezone)
        about = f"{wish} / {one.pool}" if one.pool else wish
        rows.add_row(one.voice.name.lower(), one.rule, about, one.sentence, until)
    out.print(rows)


def _show_decisions(out: Console, decisions: Iterable[Decision]) -> None:
    from rich.text import Text  # noqa: PLC0415

    from lamplighter.commands.plan import without_verb  # noqa: PLC0415

    out.print("\nWhat follows", style="bold")
    rows = table("target", "action", "reason", "why*")
    for one in decisions:
        action = Text(one.shown_action, style=STYLES.get(one.shown_action, ""))
        rows.add_row("cluster" if one.pool is None else f"pool {one.pool}", action, one.reason.value, without_verb(one))
    out.print(rows)


def _show_ahead(out: Console, subject: Subject, ahead: Iterable[Transition]) -> None:
    from rich.text import Text  # noqa: PLC0415

    from shared.policy.spoken import spoken  # noqa: PLC0415

    zone = subject.policy.timezone
    out.print(f"\nWhat comes next ({zone})", style="bold")
    rows = table("at", "action", "target", "rule*")
    rows.show_header = False
    for one in ahead:
        target = "cluster" if one.target == one.cluster else f"pool {one.target.rpartition('/')[2]}"
        rows.add_row(spoken(one.at, zone), Text(one.action, style=STYLES.get(one.action, "")), target, one.rule or "")
    if rows.row_count:
        out.print(rows)
    else:
        out.print(f"nothing in {timedelta(days=AHEAD_DAYS).days} days", style="dim")


def memory_document(memory: Memory, zone: str) -> list[dict[str, str]]:
    from lamplighter.memory_lines import memory_lines  # noqa: PLC0415

    return [{"what": what, "said": said} for what, said in memory_lines(memory, zone)]


def _show_memory(out: Console, subject: Subject, memory: Memory) -> None:
    from lamplighter.memory_lines import memory_lines  # noqa: PLC0415

    out.print("\nWhat is remembered", style="bold")
    rows = table("", "*")
    rows.show_header = False
    for what, said in memory_lines(memory, subject.policy.timezone):
        rows.add_row(what, said)
    out.print(rows)
