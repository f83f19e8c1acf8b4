"""A person's word about a cluster, written to the journal: keep it on, keep it off, wake it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from lamplighter import options
from lamplighter.find import one_cluster
from lamplighter.remembered import change_memory, journal_at
from lamplighter.terminal import console, one_line, print_json, wire
from shared.errors import InputError
from shared.model.fleet import Cluster
from shared.model.memory import PersonHold, Wish
from shared.model.records import HistoryRecord
from shared.policy import overrides
from shared.policy.overrides import LONGEST_REASON, Word

if TYPE_CHECKING:
    from shared.clients.journal import Journal
    from shared.policy.document import Policy

FOR = "--for {}"


def end_of(now: datetime, lasting: str | None, until: str | None, fallback: str | None = None) -> datetime:
    """`--for` or `--until`, exactly one of them unless there is a fallback; aware UTC, ahead of `now`."""
    if lasting is not None and until is not None:
        raise InputError("--for and --until say the same thing: give one of them, such as --for 4h")
    if until is not None:
        ends = options.instant(until, "--until")
        if ends <= now:
            raise InputError(f"--until {until!r} is over already: expected an instant after {wire(now)}")
        return ends
    length = lasting or fallback
    if length is None:
        raise InputError("for how long? expected --for 4h, or --until 2026-12-24T18:00Z")
    return now + options.duration(length, "--for")


def reason_of(text: str) -> str:
    cleaned = one_line(text)
    if not cleaned:
        raise InputError('--reason is empty: expected a few words, such as --reason "training run"')
    if len(cleaned) > LONGEST_REASON:
        raise InputError(f"--reason is {len(cleaned)} characters long: expected at most {LONGEST_REASON}")
    return cleaned


def allow(policy: Policy, cluster: Cluster, word: Word, now: datetime) -> None:
    """Raises InputError for what the policy does not let a person ask."""
    problem = overrides.objection(policy, cluster, word, now, FOR)
    if problem:
        raise InputError(problem)


def keep(journal: Journal, cluster: Cluster, word: Word, now: datetime) -> PersonHold:
    """Write it down. A new word replaces what was said by command before; tags and exceptions stay what they are."""
    change_memory(journal, cluster.id, lambda memory: overrides.with_word(memory, word, now))
    journal.append([overrides.record(cluster.id, word, now)])
    return overrides.hold_of(word, now)


def let_go(journal: Journal, cluster: Cluster, owner: str, now: datetime) -> bool:
    """Take back what was said by command; False when nothing was."""
    had = any(hold.source in overrides.SAID for hold in journal.memory(cluster.id).value.holds)
    if had:
        change_memory(journal, cluster.id, lambda memory: replace(memory, holds=overrides.unsaid(memory, now)))
        journal.append([HistoryRecord(now, cluster.id, "hold", "command~ended", {"owner": owner, "wish": None})])
    return had


@dataclass(frozen=True, slots=True)
class Where:
    """Which policy, fleet and journal a word is spoken to, and when."""

    policy: Any
    fleet: Any
    journal: str | None
    now: datetime
    as_json: bool


def speak(wanted: str, word: Word | None, owner: str, where: Where) -> None:
    """Find the cluster, check the word against the policy, write it, say so. `word` None takes the last one back."""
    from lamplighter.subject import read_subject  # noqa: PLC0415

    subject = read_subject(where.policy, where.fleet, where.now)
    cluster = one_cluster(subject.clusters, wanted)
    if word is None:
        with journal_at(where.journal) as journal:
            had = let_go(journal, cluster, owner, where.now)
        sentence = "what was said by command is taken back" if had else "nothing was said by command"
        _say(cluster, sentence, {"cluster": cluster.id, "wish": None, "ended": had}, where)
        return
    allow(subject.policy, cluster, word, where.now)
    with journal_at(where.journal) as journal:
        keep(journal, cluster, word, where.now)
    _say(cluster, _sentence(word, subject.policy.timezone), _document(cluster, word), where)
    if subject.policy.mode == "plan" and not where.as_json:
        console().print("The policy says mode: plan, so it is only written down.", style="dim")


def _sentence(word: Word, zone: str) -> str:
    from shared.policy.spoken import spoken  # noqa: PLC0415

    kept = "kept on" if word.wish is Wish.RUNNING else "kept off"
    return f"{kept} until {spoken(word.until, zone)} ({zone}), by {word.owner}: {word.reason}"


def _document(cluster: Cluster, word: Word) -> dict[str, Any]:
    return {
        "cluster": cluster.id,
        "wish": word.wish.value,
        "until": word.until,
        "owner": word.owner,
        "reason": word.reason,
    }


def _say(cluster: Cluster, sentence: str, document: dict[str, Any], where: Where) -> None:
    if where.as_json:
        print_json(document)
        return
    out = console()
    out.print(f"{cluster.name}: {sentence}")
    out.print("The next tick acts on it, usually within five minutes.", style="dim")
