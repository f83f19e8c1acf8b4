"""Workers that want a place in the same moment, on every store: as many get one as the rule allows."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier

import pytest

from shared.clients.journal import Journal
from shared.errors import Superseded
from shared.handlers.placing import place_for
from shared.model.places import Places
from shared.model.upgrades import Ring, Rings
from shared.policy.ring_fold import KIND
from shared.policy.voices import owner_of
from tests.policy.upgrade_builders import IN_WINDOW, decided, fallen, memory_of, on, past, rings, rules, view_of

WORKERS = 3


def decision_of(name: str):
    return decided(view_of(on(name=name)))


def rule_of(at_once: int):
    (rule,) = [one for one in owner_of(on(), rules(f"at_once: {at_once}")).rules if one.kind == KIND]
    return rule


@pytest.mark.parametrize("at_once", [1, 2])
def test_in_one_moment_as_many_get_a_place_as_are_allowed(store, at_once):
    journal, rule = Journal(store), rule_of(at_once)
    names = [f"web-{number}" for number in range(WORKERS)]
    for name in names:
        journal.swap(memory_of(on(name=name), past()), None)
    for round_ in range(4):
        ready, now = Barrier(WORKERS), IN_WINDOW + timedelta(hours=round_)

        def at_the_same_time(name, ready=ready, now=now):
            decision = decision_of(name)
            ready.wait(timeout=20)
            return place_for(journal, decision, rule, rings(), now)

        with ThreadPoolExecutor(WORKERS) as pool:
            said = list(pool.map(at_the_same_time, names))
        assert sum(not sentence for sentence in said) == at_once, said
        assert len([one for one, until in journal.places("rings").value.held.items() if until > now]) == at_once


def test_a_row_of_places_swaps_like_any_other(store):
    journal = Journal(store)
    first = journal.swap_places(Places("rings", {"a": IN_WINDOW}), None)
    journal.swap_places(Places("rings", {"b": IN_WINDOW}), first)

    for etag in (None, first):
        with pytest.raises(Superseded):
            journal.swap_places(Places("rings"), etag)
    assert journal.places("rings").value == Places("rings", {"b": IN_WINDOW})
    assert journal.places("another rule").etag is None
    assert journal.fleet().etag is None, "the fleet's own row lies beside it"


def test_who_is_half_way_has_its_place_and_takes_none_from_others(store):
    journal, rule = Journal(store), rule_of(1)
    half = on(name="half")
    journal.swap(memory_of(half, past(begun_at=IN_WINDOW)), None)
    assert place_for(journal, decision_of("half"), rule, rings(), IN_WINDOW) == ""
    assert journal.places("rings").etag is None, "nothing is written for it"
    assert "at_once allows (1)" in place_for(journal, decision_of("web"), rule, rings(), IN_WINDOW)


def test_a_halt_that_the_last_tick_did_not_see_is_seen(store):
    journal, rule = Journal(store), rule_of(1)
    journal.swap(memory_of(on(name="ill"), past(fall=fallen())), None)
    order = Rings((Ring("dev"), Ring("staging")))

    assert place_for(journal, decision_of("web"), rule, order, IN_WINDOW) == "ring dev is halted"
    forgiven = replace(order, released_at=IN_WINDOW)
    assert place_for(journal, decision_of("web"), rule, forgiven, IN_WINDOW) == ""
