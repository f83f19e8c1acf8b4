"""The support report: whose version runs out, the tested way out of it, and who is near a limit of AKS. Pure.

Production is in it: it is told what was tested elsewhere, and nothing is ever done to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta

from shared.model.fleet import Cluster, Power
from shared.model.memory import Memory
from shared.model.support import LimitRow, SupportReport, SupportRow, SupportState, TestedPath
from shared.model.upgrades import Proof, Rings
from shared.model.versions import Line, Version
from shared.policy.bound import Environment
from shared.policy.support_dates import older_than_calendar, support_ends_on

WEEKS = 8
STOPPED_AT_MOST = timedelta(days=365)
"""AKS keeps a stopped cluster for twelve months, then deletes it and what belongs to it.
https://learn.microsoft.com/azure/aks/start-stop-cluster"""
STOPPED_WARN = timedelta(days=334)
EMPTY_AT_MOST = timedelta(days=30)
"""A cluster without nodes is stopped by AKS after 30 days. https://learn.microsoft.com/azure/aks/support-policies"""
EMPTY_WARN = timedelta(days=25)
LTS_PLAN = "akslongtermsupport"

_URGENCY = {SupportState.ENDED: 0, SupportState.ENDING: 1, SupportState.UNKNOWN: 2, SupportState.FINE: 3}


def support_report(
    fleet: Iterable[tuple[Cluster, Environment, Memory | None]],
    rings: Mapping[str, Rings],
    now: datetime,
    weeks: int = WEEKS,
) -> SupportReport:
    """`now` is aware UTC. Memory None: nothing is remembered, so limits that count time are not told."""
    rows: list[SupportRow] = []
    limits: list[LimitRow] = []
    count = 0
    for cluster, environment, memory in fleet:
        count += 1
        row = support_row(cluster, environment, rings, now, weeks)
        if row.state is not SupportState.FINE:
            rows.append(row)
        limits += _limits(cluster, environment, memory, now)
    rows.sort(key=lambda row: (_URGENCY[row.state], row.ends_on or date.max, not row.production, row.name))
    limits.sort(key=lambda row: (row.due_on or date.max, not row.production, row.name))
    return SupportReport(now, weeks, tuple(rows), tuple(limits), count)


def support_row(
    cluster: Cluster, environment: Environment, rings: Mapping[str, Rings], now: datetime, weeks: int = WEEKS
) -> SupportRow:
    """What is to be said of one cluster, FINE included."""
    version = version_of(cluster)
    lts = (cluster.support_plan or "").casefold() == LTS_PLAN
    ends_on = None if version is None else support_ends_on(version.line, lts=lts)
    state = _state(version, ends_on, now.date(), timedelta(weeks=weeks))
    urgent = state in (SupportState.ENDED, SupportState.ENDING)
    return SupportRow(
        cluster=cluster.id,
        name=cluster.name,
        environment=environment.name or "",
        production=environment.production,
        version=(cluster.current_version or cluster.kubernetes_version or "") if version is None else str(version),
        state=state,
        ends_on=ends_on,
        lts=lts,
        path=tested(version, rings, now) if urgent and version is not None else None,
    )


def support_matters(
    cluster: Cluster, environment: Environment, memory: Memory, rings: Mapping[str, Rings], now: datetime
) -> Mapping[str, str]:
    """Matters as `support_ending|cause` with their sentences: one message then lists all clusters of a version.

    Of versions hears who upgrades in rings; that Azure is about to stop or delete something, everybody.
    """
    found = {}
    row = support_row(cluster, environment, rings, now) if rings else None
    if row is not None and row.state in (SupportState.ENDED, SupportState.ENDING):
        line = row.version.rpartition(".")[0]
        word = "ended" if row.state is SupportState.ENDED else "ends"
        date_ = "long ago" if row.ends_on is None else f"{row.ends_on}"
        where = "production, so it is only told" if row.production else row.environment
        way = "no way out was tested yet" if row.path is None else f"tested: {row.path.sentence}"
        text = f"{row.name} ({where}) runs {row.version}; support of {line} {word} {date_}; {way}"
        found[f"support_ending|{line}:{row.state}"] = text
    for limit in _limits(cluster, environment, memory, now):
        if limit.due_on is not None:
            found[f"support_ending|{limit.due_on}"] = f"{limit.name}: {limit.sentence}"
    return found


def version_of(cluster: Cluster) -> Version | None:
    """Of its control plane; what was asked for, such as 1.34, where Azure does not say what runs."""
    return Version.read(cluster.current_version) or Version.read(cluster.kubernetes_version)


def _state(version: Version | None, ends_on: date | None, today: date, ahead: timedelta) -> SupportState:
    if version is not None and ends_on is None and older_than_calendar(version.line):
        return SupportState.ENDED
    if ends_on is None:
        # A version newer than the calendar is young; one that cannot be read is unknown.
        return SupportState.UNKNOWN if version is None else SupportState.FINE
    if ends_on < today:
        return SupportState.ENDED
    return SupportState.ENDING if ends_on <= today + ahead else SupportState.FINE


def tested(version: Version, rings: Mapping[str, Rings], now: datetime) -> TestedPath | None:
    """The next minor version that rings have lived with, coming from this one; the last ring that did is named."""
    best: TestedPath | None = None
    for one in rings.values():
        for ring in one.rings:
            for proof in (*ring.past_proofs, ring.proof):
                # A way that was gone before lasted for its soak at least; of the last one the days still count.
                until = now if proof is None or proof is ring.proof else proof.at
                best = _tested_by(version.line, ring.name, proof, until) or best
    return best


def _tested_by(line: Line, ring: str, proof: Proof | None, until: datetime) -> TestedPath | None:
    end = None if proof is None else Version.read(proof.what)
    if proof is None or end is None or str(line) not in proof.came_from or end.line <= line:
        return None
    days = (until - proof.since).days
    return TestedPath(str(line), str(end.line), ring, proof.clusters, days, proof.falls)


def _limits(cluster: Cluster, environment: Environment, memory: Memory | None, now: datetime) -> Iterable[LimitRow]:
    def row(sentence: str, due: datetime | None = None) -> LimitRow:
        due_on = None if due is None else due.date()
        return LimitRow(cluster.id, cluster.name, environment.name or "", environment.production, sentence, due_on)

    stopped = _stopped_since(cluster, memory)
    if stopped is not None and now - stopped >= STOPPED_WARN:
        due = stopped + STOPPED_AT_MOST
        days = (now - stopped).days
        yield row(f"stopped for {days} days; AKS deletes it, with what belongs to it, about {due:%Y-%m-%d}", due)
    empty = memory.empty_since if memory is not None and cluster.power is Power.RUNNING else None
    if empty is not None and now - empty >= EMPTY_WARN:
        due = empty + EMPTY_AT_MOST
        yield row(f"without a node for {(now - empty).days} days; AKS stops it about {due:%Y-%m-%d}", due)
    if environment.production and (cluster.tier or "").casefold() == "free":
        yield row("production on the tier Free, which has no uptime agreement; Standard has one")


def _stopped_since(cluster: Cluster, memory: Memory | None) -> datetime | None:
    """The earliest it can have been stopped, as far as we saw: noticed then, or never seen otherwise."""
    if memory is None or cluster.power is not Power.STOPPED:
        return None
    seen = memory.target(None).seen
    if seen is None or seen.power is not Power.STOPPED:
        return None
    return seen.since or seen.at
