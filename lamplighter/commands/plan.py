"""`lamplighter plan`: what would be done now, and why, and why not."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lamplighter import options
from lamplighter.terminal import STYLES, console, counted, print_json, table

if TYPE_CHECKING:
    from rich.console import Console

    from lamplighter.subject import Subject
    from shared.model.decisions import Decision, Plan
    from shared.model.money import Money

WIDEST = 28
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
    from lamplighter import capacity_groups  # noqa: PLC0415
    from lamplighter.deciding import plan_of, prices_of, recall, views_of  # noqa: PLC0415
    from lamplighter.find import short_names  # noqa: PLC0415
    from lamplighter.subject import read_subject  # noqa: PLC0415
    from lamplighter.support_sight import sum_up_support, support_of, support_rows  # noqa: PLC0415
    from lamplighter.use_sight import with_use  # noqa: PLC0415
    from shared.model.facts import NO_PRICES  # noqa: PLC0415

    subject = read_subject(policy, fleet, options.moment(at))
    # A file may be anybody's, on a train: only a fleet that was read from Azure is priced there.
    prices = prices_of(subject.clusters, subject.now) if fleet is None else NO_PRICES
    known = recall(journal)
    views = with_use(subject, views_of(subject, known, prices))
    views = capacity_groups.with_readings(subject, views, live=fleet is None)
    groups = capacity_groups.lines(subject, views)
    plan = plan_of(subject, known, views)
    report = support_of(subject, known)
    if as_json:
        print_json(document(plan) | {"groups": capacity_groups.document(groups), "support": support_rows(report)})
    else:
        show(subject, plan, everything=everything, below=frozenset(id_ for line in groups for id_ in line.targets))
        capacity_groups.show(groups, short_names(subject.clusters), as_counted=fleet is not None)
        sum_up_support(report)
        if not journal:
            console().print("No journal is named, so every rule counts as adopted long ago.", style="dim")


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


@dataclass(frozen=True, slots=True)
class Layout:
    """Widths and columns shared by all groups, so that they stand under each other."""

    names: Mapping[str, str]
    cluster: int
    rule: int
    saving: bool
    brief: bool
    below: frozenset[str] = frozenset()
    """Targets that stand in a table of their own; here too where something is to be done to them."""

    def name(self, one: Decision) -> str:
        return self.names[one.cluster] + (f" / {one.pool}" if one.pool else "")


def show(subject: Subject, plan: Plan, *, everything: bool, below: frozenset[str] = frozenset()) -> None:
    """One table per environment, then the counts. `below`: targets of which a table of their own tells."""
    from shared.policy.spoken import spoken  # noqa: PLC0415

    out = console()
    out.print(f"Plan for {spoken(plan.at, subject.policy.timezone)} ({subject.policy.timezone})", style="bold")
    if not plan.decisions:
        out.print("\nThe fleet is empty: there is nothing to decide.")
        return
    layout = _layout(subject, plan, brief=not everything and len(plan.decisions) > CALM, below=below)
    for heading, decisions in _grouped(subject, plan.decisions):
        _show_group(out, heading, decisions, layout)
    _show_counts(out, subject, plan, brief=layout.brief)


def _layout(subject: Subject, plan: Plan, *, brief: bool, below: frozenset[str]) -> Layout:
    from lamplighter.find import short_names  # noqa: PLC0415

    layout = Layout(short_names(subject.clusters), 0, 0, saving=False, brief=brief, below=below)
    shown = [one for one in plan.decisions if _is_shown(one, layout)]
    return replace(
        layout,
        cluster=max((len(layout.name(one)) for one in shown), default=0),
        rule=max((len(one.rule or "") for one in shown), default=0),
        saving=any(one.estimated_saving is not None for one in shown),
    )


def _is_shown(one: Decision, layout: Layout) -> bool:
    return one.shown_action != "none" or not (layout.brief or one.target in layout.below)


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


def _show_group(out: Console, heading: str, decisions: list[Decision], layout: Layout) -> None:
    from rich.text import Text  # noqa: PLC0415

    shown = [decision for decision in decisions if _is_shown(decision, layout)]
    out.print(f"\n{heading}", style="bold")
    if not shown:
        out.print(f"{counted(len(decisions), 'decision')}, nothing to do", style="dim")
        return
    lines = table("cluster", "action", "rule", "why*", *(["saving est.>"] if layout.saving else []))
    for column, width in ((0, layout.cluster), (1, len("refuse")), (2, layout.rule)):
        lines.columns[column].min_width = min(width, WIDEST)
    for one in sorted(shown, key=lambda each: (_order(each), layout.name(each))):
        cells: list[str | Text] = [
            layout.name(one),
            Text(one.shown_action, style=STYLES.get(one.shown_action, "")),
            one.rule or "",
            Text(without_verb(one), style="dim" if one.shown_action == "none" else ""),
        ]
        if layout.saving:
            cells.append("" if one.estimated_saving is None else str(one.estimated_saving))
        lines.add_row(*cells)
    out.print(lines)


def without_verb(one: Decision) -> str:
    """The message, without the word that stands in the column beside it."""
    return one.message.removeprefix(f"{one.shown_action}: ")


def _order(decision: Decision) -> int:
    word = decision.shown_action
    return ORDER.index(word) if word in ORDER else 0


def _show_counts(out: Console, subject: Subject, plan: Plan, *, brief: bool) -> None:
    counts = Counter(decision.shown_action for decision in plan.decisions)
    words = {"none": "need nothing", "defer": "waiting", "refuse": "refused", "stop": "to stop", "start": "to start"}
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
