"""Who is told what: routes, grouping, when again, and when a matter is over."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.model.decisions import Notice
from shared.model.fleet import Cluster
from shared.model.records import Told
from shared.policy.document import Policy, read_policy
from shared.policy.routing import (
    AGAIN,
    LEASE,
    SENDING,
    Letter,
    Occasion,
    channels,
    claimed,
    delivered,
    due,
    forgettable,
    from_id,
    letters,
    over_from,
    undelivered,
)

NOW = datetime(2026, 12, 7, 18, 0, tzinfo=UTC)
BASE = "/subscriptions/11111111-1111-1111-1111-111111111111/resourcegroups/rg/providers/microsoft.containerservice"

POLICY = """
version: 1
mode: plan
timezone: Europe/Berlin
scope: all
environments:
  - {name: dev, match: {tags: {environment: dev}}}
notify:
  routes:
    - {to: [OPERATORS_CHANNEL]}
    - {to: [CHECKOUT_CHANNEL], match: {tags: {team: checkout}}, reasons: [stop_soon, start_late]}
    - {to: [DEV_CHANNEL, OPERATORS_CHANNEL], match: {environments: [dev]}}
    - {to: [SHOP_CHANNEL], match: {names: ["shop-*"]}}
"""


@pytest.fixture(scope="module")
def policy() -> Policy:
    return read_policy(POLICY, "policy.yaml")


def id_of(name: str) -> str:
    return f"{BASE}/managedclusters/{name}"


def cluster(name: str, **tags: str) -> Cluster:
    return Cluster(id_of(name), name, "rg", "11111111-1111-1111-1111-111111111111", tags=tags)


def notice(about: str = "web", kind: str = "start_late", cause: str = "c1", **more) -> Notice:
    place = "fleet" if about == "fleet" else id_of(about)
    return Notice(kind, place, cause, **{"sentence": f"{about} is not up yet", "at": NOW, **more})


FLEET = {one.id: one for one in (cluster("web", environment="dev"), cluster("pay", team="checkout", environment="dev"))}


# --- routes ---


def test_a_route_without_match_hears_everything_and_one_with_match_only_of_its_clusters(policy):
    assert channels(notice("pay"), policy, FLEET) == ("OPERATORS_CHANNEL", "CHECKOUT_CHANNEL", "DEV_CHANNEL")
    assert channels(notice("web"), policy, FLEET) == ("OPERATORS_CHANNEL", "DEV_CHANNEL")


def test_reasons_narrow_a_route(policy):
    assert "CHECKOUT_CHANNEL" not in channels(notice("pay", kind="undone"), policy, FLEET)


def test_a_matter_of_the_whole_fleet_goes_to_routes_that_name_no_clusters(policy):
    assert channels(notice("fleet", kind="breaker_open"), policy, FLEET) == ("OPERATORS_CHANNEL",)


def test_a_cluster_that_cannot_be_read_is_matched_by_what_its_id_says(policy):
    """A cluster that was deleted, or a Resource Graph that is down, must not swallow the message."""
    assert channels(notice("shop-7"), policy, {}) == ("OPERATORS_CHANNEL", "SHOP_CHANNEL")


def test_what_is_no_id_is_no_cluster():
    assert from_id("fleet") is None
    assert from_id(id_of("web")) == cluster("web")


def test_a_channel_is_not_asked_to_carry_the_news_that_it_fails(policy):
    broken = Notice("channel_unreachable", "fleet", "OPERATORS_CHANNEL", "no answer", NOW)
    assert channels(broken, policy, FLEET) == ()
    assert channels(replace(broken, cause="DEV_CHANNEL"), policy, FLEET) == ("OPERATORS_CHANNEL",)


# --- grouping ---


def test_one_letter_per_channel_kind_and_cause_lists_all_clusters(policy):
    pending = [notice("web"), notice("pay"), notice("web", kind="undone"), notice("web", cause="c2")]
    mine = [one for one in letters(pending, policy, FLEET) if one.channel == "OPERATORS_CHANNEL"]
    assert [(one.kind, one.cause, one.about) for one in mine] == [
        ("start_late", "c1", (id_of("pay"), id_of("web"))),
        ("start_late", "c2", (id_of("web"),)),
        ("undone", "c1", (id_of("web"),)),
    ]


def test_two_routes_to_one_channel_make_one_letter(policy):
    assert sum(one.channel == "OPERATORS_CHANNEL" for one in letters([notice("web")], policy, FLEET)) == 1


def test_a_resolved_notice_closes_the_earlier_one_of_its_kind_cluster_and_cause(policy):
    """One pool that found room again does not close what is told of another pool of the same cluster."""
    later = NOW + timedelta(minutes=5)
    pending = [notice("web"), notice("pay"), notice("web", cause="c2"), notice("web", resolved=True, at=later)]
    first = next(one for one in letters(pending, policy, FLEET) if one.key == "OPERATORS_CHANNEL~start_late~c1")
    assert first.about == (id_of("pay"),)
    assert [one.about for one in first.closed] == [id_of("web"), id_of("web")]
    second = next(one for one in letters(pending, policy, FLEET) if one.key == "OPERATORS_CHANNEL~start_late~c2")
    assert second.about == (id_of("web"),)


def test_a_matter_that_begins_again_after_it_was_closed_is_open(policy):
    over = notice("web", resolved=True)
    again = notice("web", cause="c2", at=NOW + timedelta(hours=1))
    assert next(one for one in letters([over, again], policy, FLEET) if one.cause == "c2").open == (again,)


def test_order_of_notices_does_not_matter(policy):
    pending = [notice("web"), notice("pay"), notice("pay", kind="undone")]
    assert letters(pending, policy, FLEET) == letters(reversed(pending), policy, FLEET)


# --- when ---


def letter(*names: str, kind: str = "start_late", closed: tuple[Notice, ...] = ()) -> Letter:
    return Letter("OPERATORS_CHANNEL", kind, "c1", tuple(notice(name, kind=kind) for name in names), closed)


def told(*names: str, at: datetime = NOW, is_open: bool = True) -> Told:
    return replace(delivered(letter(*names), at), open=is_open)


@pytest.mark.parametrize(
    ("now_listed", "before", "expected"),
    [
        pytest.param(letter("web"), None, Occasion.NEW, id="never told"),
        pytest.param(letter("web"), told("web", is_open=False), Occasion.NEW, id="told and closed before"),
        pytest.param(letter("web"), told("web"), None, id="told already"),
        pytest.param(letter("web", "pay"), told("web"), Occasion.CHANGED, id="one more"),
        pytest.param(letter("web"), told("web", "pay"), Occasion.CHANGED, id="one less"),
        pytest.param(letter("web"), told("web", at=NOW - AGAIN), Occasion.REMINDER, id="still so after a day"),
        pytest.param(letter("web"), told("web", at=NOW - timedelta(hours=23)), None, id="not yet a day"),
        pytest.param(letter(closed=(notice(),)), told("web"), Occasion.CLOSING, id="over"),
        pytest.param(letter(closed=(notice(),)), told("web", is_open=False), None, id="over and closed"),
        pytest.param(letter(closed=(notice(),)), None, None, id="over before anybody was told"),
    ],
)
def test_when_a_letter_goes_out(now_listed, before, expected):
    assert due(now_listed, before, NOW) is expected


@pytest.mark.parametrize(
    ("names", "expected"), [(("web",), None), (("web", "pay", "new"), Occasion.CHANGED), (("pay", "web"), None)]
)
def test_an_announcement_is_told_once_and_again_only_when_the_list_grows(names, expected):
    """A stop that is due needs no reminder, and no message when a cluster on the list went off early."""
    before = told("web", "pay", at=NOW - 2 * AGAIN)
    assert due(letter(*names, kind="stop_soon"), before, NOW) is expected


def test_a_letter_that_another_run_is_sending_is_left_to_it():
    sending = claimed(letter("web"), None, NOW)
    assert sending.digest == SENDING
    assert due(letter("web"), sending, NOW + LEASE - timedelta(seconds=1)) is None


@pytest.mark.parametrize(
    ("before", "expected"), [(None, Occasion.NEW), (told("web"), Occasion.REMINDER), (told("pay"), Occasion.CHANGED)]
)
def test_a_letter_whose_sender_died_is_sent_again_after_the_lease(before, expected):
    """At least once: nobody knows whether it arrived, and a warning must not be lost."""
    assert due(letter("web"), claimed(letter("web"), before, NOW), NOW + LEASE) is expected


def test_a_letter_that_failed_is_due_again_at_the_next_run():
    for before in (None, told("pay")):
        after = undelivered(letter("web"), before, NOW)
        assert due(letter("web"), after, NOW + timedelta(minutes=1)) is not None


def test_the_next_letter_knows_what_the_last_one_listed():
    assert over_from(letter("web"), told("web", "pay")) == (id_of("pay"),)
    assert over_from(letter("web"), told("pay", is_open=False)) == ()
    assert over_from(letter("web"), None) == ()


# --- forgetting ---

OVER = notice("web", resolved=True)


@pytest.mark.parametrize(
    ("pending", "unsettled", "hours", "kept"),
    [
        pytest.param([notice("web")], [], 999, [notice("web")], id="an open matter is kept for as long as it lasts"),
        pytest.param([notice("web"), OVER], [], 0, [], id="a closed one is forgotten with what closed it"),
        pytest.param([notice("web"), OVER], [OVER], 1, [OVER], id="unless its closing could not be delivered"),
        pytest.param([notice("web"), OVER], [OVER, notice("web")], 24, [], id="for a day"),
        pytest.param(
            [notice("web", kind="stop_soon")], [], 23, [notice("web", kind="stop_soon")], id="announced today"
        ),
        pytest.param([notice("web", kind="stop_soon")], [], 24, [], id="announced yesterday"),
    ],
)
def test_what_need_not_be_kept(pending, unsettled, hours, kept):
    gone = forgettable(pending, frozenset(unsettled), NOW + timedelta(hours=hours))
    assert [one for one in pending if one not in gone] == kept
