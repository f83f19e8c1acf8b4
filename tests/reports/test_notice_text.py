"""The text of a message: readable in every channel, harmless in all of them, never too long for any."""

from datetime import UTC, datetime

import pytest

from shared.model.decisions import Notice
from shared.policy.notice_kinds import NOTICE_KINDS
from shared.reports.notice import BODY, LISTED, compose, plain, shown

NOW = datetime(2026, 12, 7, 18, 0, tzinfo=UTC)
BASE = "/subscriptions/s/resourcegroups/rg-shop/providers/microsoft.containerservice/managedclusters"


def notice(name: str, kind: str = "stop_soon", sentence: str | None = None) -> Notice:
    about = name if name == "fleet" else f"{BASE}/{name}"
    return Notice(kind, about, "cause", f"{name} stops Mon 7 Dec 19:00" if sentence is None else sentence, NOW)


def test_one_cluster_is_named_in_the_title():
    message = compose("stop_soon", [notice("shop")])
    assert message.title == "Lamplighter: shop (rg-shop) stops soon"
    assert message.body.splitlines()[0] == "- shop stops Mon 7 Dec 19:00"


def test_several_clusters_are_counted_and_listed_in_order():
    message = compose("stop_soon", [notice("web"), notice("api")])
    assert message.title == "Lamplighter: 2 clusters stop soon"
    assert message.body.splitlines()[:2] == ["- api stops Mon 7 Dec 19:00", "- web stops Mon 7 Dec 19:00"]


def test_a_warning_says_how_to_object():
    assert "lamplighter keep-on" in compose("stop_soon", [notice("shop")]).body


def test_a_sentence_without_the_name_gets_name_and_resource_group():
    assert compose("undone", [notice("shop", "undone", "left alone")]).body == "- shop (rg-shop): left alone"


def test_a_name_that_only_begins_the_same_is_no_name():
    """`shop` in the list must not read as `shopping`."""
    assert compose("undone", [notice("shop", "undone", "shopping is over")]).body.startswith("- shop (rg-shop): ")


def test_a_long_list_is_cut_with_the_number_of_the_rest():
    message = compose("start_late", [notice(f"c{number:03}", "start_late") for number in range(LISTED + 13)])
    assert message.title == f"Lamplighter: {LISTED + 13} clusters are late to start"
    assert message.body.splitlines()[-1] == "and 13 more"
    assert len(message.body.splitlines()) == LISTED + 1


def test_no_body_is_longer_than_the_tightest_channel_takes():
    long = [notice(f"{'n' * 60}{number}", "undone", "word " * 400) for number in range(100)]
    message = compose("undone", long, over=[f"{BASE}/{'o' * 60}{number}" for number in range(100)])
    assert len(message.body) <= BODY
    assert "more" in message.body


def test_what_is_no_longer_on_the_list_is_said():
    body = compose("start_late", [notice("web", "start_late")], over=[f"{BASE}/api"]).body
    assert body.splitlines()[-2:] == ["No longer:", "- api (rg-shop)"]


def test_a_reminder_says_that_it_is_one():
    assert compose("breaker_open", [notice("fleet", "breaker_open", "x")], reminder=True).title.endswith("(still)")


def test_the_closing_message_lists_what_is_over():
    message = compose("start_late", [], over=[f"{BASE}/api", f"{BASE}/web"])
    assert message.title == "Lamplighter: 2 clusters are no longer late"
    assert message.body.splitlines() == ["It is over for:", "- api (rg-shop)", "- web (rg-shop)"]


def test_the_closing_message_about_the_fleet_is_one_sentence():
    message = compose("breaker_open", [], over=["fleet"])
    assert (message.title, message.body) == ("Lamplighter: stops go on, the breaker has closed", "It is over.")


@pytest.mark.parametrize("kind", [*NOTICE_KINDS, "something_new"])
@pytest.mark.parametrize("about", [["shop"], ["shop", "web"], ["fleet"]])
def test_every_kind_makes_sense_open_and_closed(kind, about):
    """A rule of tomorrow may tell a kind that no table here knows."""
    opened = compose(kind, [notice(name, kind) for name in about])
    ids = [one if one == "fleet" else f"{BASE}/{one}" for one in about]
    closed = compose(kind, [], over=ids)
    assert opened.title.startswith("Lamplighter: ")
    assert closed.title.startswith("Lamplighter: ")
    assert opened.title != closed.title
    assert "_" not in opened.title


@pytest.mark.parametrize(
    ("typed", "safe"),
    [
        pytest.param("a\nb\r\n\tc", "a b c", id="line breaks cannot fake another entry"),
        pytest.param("<!channel> now", "\u2039!channel\u203a now", id="a call to everybody in Slack"),
        pytest.param("@everyone and @Here", "@\u200beveryone and @\u200bHere", id="a call to everybody in Discord"),
        pytest.param("[win](https://x.example)", "[win] (https://x.example)", id="a link with another text"),
        pytest.param("<b onload=x>", "\u2039b onload=x\u203a", id="markup"),
        pytest.param("ab\u202egnp.exe\x07", "abgnp.exe", id="reversed text and bells"),
        pytest.param("ask ops@example.com", "ask ops@example.com", id="an address stays one"),
        pytest.param("x" * 400, "x" * 299 + "…", id="a novel"),
    ],
)
def test_what_people_typed_is_defused(typed, safe):
    assert plain(typed) == safe


def test_what_is_no_id_is_shown_as_it_is():
    assert shown("fleet") == "fleet"
    assert shown(f"{BASE}/shop") == "shop (rg-shop)"
