"""`lamplighter plan`: what would be done now, and why, and why not."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lamplighter import options
from lamplighter.terminal import STYLES, console, counted, print_json, table

if TYPE_CHECKING:
    from rich.console import Console

    from lamplighter.subject import Subject
    from shared.model.decisions import Decision, Plan
    from shared.model.money import Money

CALM = 40
"""Decisions up to which those with nothing to do are listed too."""
ORDER = ("stop", "start", "defer", "refuse", "none")


def command(
    *,
    fleet: options.FleetFile = None,
    policy: options.PolicyFile = options.DEFAULT_POLICY,
    at: options.At = None,
    journal: options.JournalUrl = None,
    everything: Annotated[bool, typer.Option("--all", help="List also what needs nothing, in a large fleet.")] = False,
    as_json: options.Json = False,
) -> None:
    """What would be done now, and why, and why not. Never touches a cluster.

    Without a journal the steady state is shown: every rule adopted long ago, nobody at work by hand.
    """
    from lamplighter.deciding import plan_of, recall  # noqa: PLC0415
    from lamplighter.subject import read_subject  # noqa: PLC0415

    subject = read_subject(policy, fleet, options.moment(at))
    plan = plan_of(subject, recall(journal))
    if as_json:
        print_json(document(plan))
    else:
        show(subject, plan, everything=everything)


def document(plan: Plan) -> dict[str, Any]:
    """The JSON of a plan; `estimated_saving` is null where no price is known."""
    return {"at": plan.at, "decisions": rows(plan.decisions)}


def rows(decisions: Iterable[Decision]) -> list[dict[str, Any]]:
    return [
        {
            "cluster": one.cluster,
            "target": one.target,
            "action": one.shown_action,
            "reason": one.reason.value,
            "message": one.message,
            "rule": one.rule,
            "estimated_saving": money(one.estimated_saving),
        }
        for one in decisions
    ]


def money(value: Money | None) -> dict[str, str] | None:
    return None if value is None else {"amount": f"{value.amount:.2f}", "currency": value.currency}


def show(subject: Subject, plan: Plan, *, everything: bool) -> None:
    """One table per environment, then the counts."""
    from lamplighter.find import short_names  # noqa: PLC0415
    from shared.policy.spoken import spoken  # noqa: PLC0415

    out = console()
    out.print(f"Plan for {spoken(plan.at, subject.policy.timezone)} ({subject.policy.timezone})", style="bold")
    if not plan.decisions:
        out.print("\nThe fleet is empty: there is nothing to decide.")
        return
    brief = not everything and len(plan.decisions) > CALM
    names = short_names(subject.clusters)
    for heading, decisions in _grouped(subject, plan.decisions):
        _show_group(out, heading, decisions, names, brief=brief)
    _show_counts(out, subject, plan, brief=brief)


def _grouped(subject: Subject, decisions: Iterable[Decision]) -> list[tuple[str, list[Decision]]]:
    """By environment, production last: what happens comes before what does not."""
    environments = {cluster.id: subject.policy.environment_of(cluster) for cluster in subject.clusters}
    groups: dict[tuple[bool, bool, str], list[Decision]] = defaultdict(list)
    for decision in decisions:
        environment = environments[decision.cluster]
        groups[environment.production, environment.name is None, environment.name or ""].append(decision)
    return [(_heading(key, members), members) for key, members in sorted(groups.items())]


def _heading(key: tuple[bool, bool, str], members: list[Decision]) -> str:
    is_production, is_unmatched, name = key
    size = counted(len({decision.cluster for decision in members}), "cluster")
    if is_unmatched:
        return f"no environment, and so production · {size}"
    return f"{name} · {size}{' · production' if is_production else ''}"


def _show_group(
    out: Console, heading: str, decisions: list[Decision], names: Mapping[str, str], *, brief: bool
) -> None:
    from rich.text import Text  # noqa: PLC0415

    shown = [decision for decision in decisions if not brief or decision.shown_action != "none"]
    out.print(f"\n{heading}", style="bold")
    if not shown:
        out.print(f"  {counted(len(decisions), 'decision')}, nothing to do", style="dim")
        return
    lines = table("cluster", "action", "why*", "rule", "saving est.>")
    for one in sorted(shown, key=lambda each: (_order(each), names[each.cluster], each.target)):
        style = STYLES.get(one.shown_action, "")
        lines.add_row(
            names[one.cluster] + (f" / {one.pool}" if one.pool else ""),
            Text(one.shown_action, style=style),
            Text(one.message, style="dim" if one.shown_action == "none" else ""),
            one.rule or "",
            "" if one.estimated_saving is None else str(one.estimated_saving),
        )
    out.print(lines)


def _order(decision: Decision) -> int:
    word = decision.shown_action
    return ORDER.index(word) if word in ORDER else 0


def _show_counts(out: Console, subject: Subject, plan: Plan, *, brief: bool) -> None:
    counts = Counter(decision.shown_action for decision in plan.decisions)
    words = {"none": "need nothing", "defer": "wait", "refuse": "refused", "stop": "to stop", "start": "to start"}
    said = [
        f"{counts[word]:,} {words.get(word, word)}"
        for word in (*ORDER, *sorted(set(counts) - set(ORDER)))
        if counts[word]
    ]
    out.print(f"\n{counted(len(subject.clusters), 'cluster')}: {', '.join(said)}", style="bold")
    savings = _sum(decision.estimated_saving for decision in plan.decisions)
    if savings:
        out.print(f"Estimated saving of these stops: {', '.join(savings)}. Unknown prices are left out.")
    if brief and counts["none"]:
        out.print("Those that need nothing are left out; --all lists them.", style="dim")
    if subject.policy.mode == "plan":
        out.print("The policy says mode: plan, so Lamplighter reports and does nothing.", style="dim")


def _sum(values: Iterable[Money | None]) -> list[str]:
    """One figure per currency: there is no rate in this house."""
    totals: dict[str, Money] = {}
    for value in values:
        if value is not None:
            totals[value.currency] = totals[value.currency] + value if value.currency in totals else value
    return [str(total) for _, total in sorted(totals.items())]
