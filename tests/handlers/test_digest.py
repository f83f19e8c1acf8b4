"""digest, end to end: bills of a simulated Azure, a real journal and archive, and whatever a channel may do."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lamplighter.rehearsal import Rehearsal
from lamplighter.simulator import Fault, World
from lamplighter.simulator.belongings import leave_address, leave_disk
from shared.app import App
from shared.clients.archive import FolderArchive
from shared.clients.deliver import Parcel
from shared.clients.notify import Sent
from shared.errors import LamplighterError
from shared.handlers.digest import LEASE, digest, folder
from shared.model.weeks import Week

SUB, OTHER = "0000000a-0000-0000-0000-000000000000", "0000000b-0000-0000-0000-000000000000"
BEGAN = datetime(2026, 11, 2, tzinfo=UTC)
MONDAY = datetime(2026, 11, 23, 7, 7, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
POLICY = """
version: 1
mode: plan
timezone: Europe/Berlin
scope: all
environments: [{name: dev, match: {tags: {environment: dev}}}]
digest:
  weekly: Mon 08:00
  audiences:
    - {name: finance, to: [FINANCE_CHANNEL, FINANCE_MAIL]}
    - {name: checkout, match: {tags: {team: checkout}}, to: CHECKOUT_CHANNEL}
"""
FLEET = {
    "subscriptions": [{"id": SUB, "name": "dev"}, {"id": OTHER, "name": "shop"}],
    "clusters": [
        {"name": "web", "subscription": SUB, "tags": {"environment": "dev", "team": "checkout"}},
        {"name": "api", "subscription": SUB, "tags": {"environment": "dev"}},
        {"name": "shop", "subscription": OTHER, "tags": {"environment": "prod"}},
    ],
}
CHANNELS = {name: f"json://127.0.0.1/{name}" for name in ("FINANCE_CHANNEL", "FINANCE_MAIL", "CHECKOUT_CHANNEL")}
ALL = ["FINANCE_CHANNEL", "FINANCE_MAIL", "CHECKOUT_CHANNEL"]


@dataclass
class Post:
    """Takes what is delivered, and can be told to refuse, or to do something first."""

    taken: list[tuple[str, Parcel]] = field(default_factory=list)
    refusing: set[str] = field(default_factory=set)
    before: Callable[[], object] = lambda: None

    def __call__(self, address: str, parcel: Parcel) -> Sent:
        self.before()
        name = address.rpartition("/")[2]
        if name in self.refusing:
            return Sent(ok=False, problem="the channel did not take the message")
        self.taken.append((name, parcel))
        return Sent(ok=True)

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.taken]

    def last(self, name: str) -> Parcel:
        return next(parcel for to, parcel in reversed(self.taken) if to == name)


@dataclass
class Office:
    stage: Rehearsal
    post: Post
    archive: Path

    @property
    def app(self) -> App:
        return self.stage.app

    def digest(self, after: timedelta = timedelta(0)) -> int:
        self.stage.world.advance(after)
        return digest(self.app)

    def waits(self) -> list[str]:
        """As long as bills are to come: who was told."""
        before = len(self.post.taken)
        self.digest()
        for _ in range(20):
            if not self.app.queue.count("digest"):
                break
            self.stage.world.advance(timedelta(minutes=2))
            self.stage.deliver()
        return self.post.names[before:]

    def files(self) -> dict[str, bytes]:
        return {str(path.relative_to(self.archive)): path.read_bytes() for path in self.archive.rglob("*.*")}


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    world = World.from_fleet(FLEET, now=BEGAN)
    with Rehearsal(world, POLICY, environ=CHANNELS) as stage:
        post = Post()
        stage.app = replace(stage.app, deliver=post, archive=FolderArchive(tmp_path))
        world.advance(MONDAY - BEGAN)
        yield Office(stage, post, tmp_path)


def test_every_audience_is_told_once_of_what_is_theirs(office):
    assert office.digest() == 3
    assert office.post.names == ALL
    finance, checkout = office.post.last("FINANCE_MAIL"), office.post.last("CHECKOUT_CHANNEL")
    assert finance.title == "AKS cost, week 47 of 2026"
    assert "Provisional until Thu 26 November" in finance.text
    assert ", difference 0.00." in finance.text
    assert checkout.title == "AKS cost, week 47 of 2026, checkout"
    assert "shop" not in checkout.html
    assert "shop" in finance.html
    assert set(finance.attachments) == {"digest.xlsx", "data.csv"}
    assert set(finance.pictures) == {"weeks-eur.png"}
    assert office.digest(HOUR) == 0


def test_what_azure_forecasts_is_told_beside_our_own_projection(office):
    office.digest()
    (text,) = [path.read_text() for path in office.archive.glob("2026-W47/finance/*/digest.txt")]
    (team,) = [path.read_text() for path in office.archive.glob("2026-W47/checkout/*/digest.txt")]

    assert "Cost Management forecasts" in " ".join(text.split())
    assert "forecasts" not in team


def test_what_nothing_uses_is_told_unless_its_cluster_sleeps(office):
    world = office.stage.world
    for cluster in ("web", "api"):
        leave_disk(world, cluster, f"pvc-of-{cluster}", gb=1000)
    leave_address(world, "web", "old-ingress", group="rg-network")
    world.person_stops("api")
    world.advance(7 * DAY)
    office.digest()
    (text,) = [path.read_text() for path in office.archive.glob("2026-W48/finance/*/digest.txt")]
    nothing_uses = text.partition("Nothing uses these")[2].partition("total")[0]

    assert "pvc-of-web" in nothing_uses
    assert "attached to nothing since 2026-11-23" in " ".join(nothing_uses.split())
    assert "old-ingress" in nothing_uses, "its tags say that Kubernetes made it, wherever it lies"
    assert "pvc-of-api" not in nothing_uses, "it waits for its cluster"


def test_spot_nodes_are_told_apart_and_it_is_said_that_a_query_carries_no_tags(tmp_path):
    pools = [{"name": "system", "mode": "System", "count": 1}, {"name": "spot1", "priority": "Spot", "count": 4}]
    cluster = {"name": "web", "tags": {"environment": "dev", "team": "checkout"}, "pools": pools}
    world = World.from_fleet({"clusters": [cluster]}, now=BEGAN)
    with Rehearsal(world, POLICY, environ=CHANNELS) as stage:
        stage.app = replace(stage.app, deliver=Post(), archive=FolderArchive(tmp_path))
        world.advance(MONDAY - BEGAN)
        digest(stage.app)
    (text,) = [path.read_text() for path in tmp_path.glob("2026-W47/finance/*/digest.txt")]
    words = " ".join(text.split())

    assert "Nodes, spot" in text
    assert "The source carries no tags" in words
    assert ", difference 0.00." in words


def test_before_its_hour_nothing_is_said_of_the_week(office):
    office.stage.policy = POLICY.replace("Mon 08:00", "Mon 10:00")
    assert office.waits() == ALL
    assert office.post.last("FINANCE_MAIL").title == "AKS cost, week 46 of 2026"
    assert office.digest(2 * HOUR) == 3
    assert office.post.last("FINANCE_MAIL").title == "AKS cost, week 47 of 2026"


def test_a_policy_without_a_digest_tells_nobody(office):
    office.stage.policy = "version: 1\nscope: all\n"
    assert office.digest() == 0


def test_two_timers_that_fire_together_send_once(office):
    """The second one runs while the first is in the middle of sending."""
    inner: list[int] = []
    office.post.before = lambda: inner.append(len(inner)) or (len(inner) == 1 and digest(office.app))
    assert office.digest() == 1
    assert sorted(office.post.names) == sorted(ALL)


def test_a_channel_that_fails_is_told_of_and_tried_again_and_the_others_still_go(office):
    office.post.refusing = {"FINANCE_CHANNEL"}
    assert office.digest() == 2
    (notice,) = [one for one in office.app.journal.notices() if one.kind == "channel_unreachable"]
    assert notice.cause == "FINANCE_CHANNEL"
    assert notice.sentence == (
        "FINANCE_CHANNEL did not get the digest of week 2026-W47: the channel did not take the message"
    )
    office.post.refusing.clear()
    assert office.digest(HOUR) == 1
    assert office.post.last("FINANCE_CHANNEL") == office.post.last("FINANCE_MAIL")
    assert any(one.kind == "channel_unreachable" and one.resolved for one in office.app.journal.notices())
    assert office.digest(HOUR) == 0


def test_a_channel_without_an_address_is_told_of_by_name_and_keeps_nobody_waiting(office):
    office.stage.policy = POLICY.replace("FINANCE_CHANNEL", "NOWHERE")
    assert office.digest() == 2
    (notice,) = [one for one in office.app.journal.notices() if one.kind == "channel_unreachable"]
    assert "NOWHERE is named by the policy but is not set" in notice.sentence


def test_what_was_sent_never_changes_and_a_later_try_sends_it_again(office):
    """Killed between the archive and the channel: after the lease the same bytes go out, though figures moved on."""

    def killed() -> None:
        raise KeyboardInterrupt

    office.post.before = killed
    with pytest.raises(KeyboardInterrupt):
        office.digest()
    before = office.files()
    office.post.before = lambda: None
    assert office.digest() == 2, "the channel that was being sent to stays claimed for its lease"
    assert office.digest(LEASE) == 1
    assert office.post.last("FINANCE_CHANNEL").html == office.post.last("FINANCE_MAIL").html
    assert {path: content for path, content in office.files().items() if path in before} == before
    (html,) = [content for path, content in before.items() if "finance/" in path and path.endswith("digest.html")]
    assert office.post.last("FINANCE_CHANNEL").html == html.decode()


def test_a_file_that_vanished_from_the_archive_is_not_replaced_by_another(office):
    office.post.refusing = {"FINANCE_CHANNEL"}
    office.digest()
    next(office.archive.glob("2026-W47/finance/*/digest.html")).unlink()
    with pytest.raises(LamplighterError, match=r"digest.html is missing in the archive, so week 2026-W47 is not sent"):
        office.digest(HOUR)


def test_the_next_digest_says_what_was_restated(office):
    """On Monday morning the last twelve hours of Sunday are not billed yet; a week later they are."""
    office.digest()
    office.digest(7 * DAY)
    text = office.post.last("FINANCE_MAIL").text
    assert "AKS cost" in text
    assert "Week 47 restated: " in text
    record = json.loads((office.archive / folder(Week(2026, 47), "finance") / "record.json").read_text())
    assert record["provisional"] is True


def test_a_scope_that_cannot_be_read_is_missing_and_never_nothing(office):
    office.stage.world.costs.denied.add(OTHER)
    assert office.digest() == 3
    (text,) = [path.read_text() for path in office.archive.glob("2026-W47/finance/*/digest.txt")]
    assert "1 scope could not be read and counted in no figure" in text
    assert "Not read, and in no figure" in text
    assert f"subscriptions/{OTHER}" in text
    assert ", difference 0.00; 1 not read." in text


def test_without_an_archive_it_is_sent_all_the_same_and_nothing_is_compared(office):
    office.stage.app = replace(office.app, archive=None)
    assert office.digest() == 3
    assert office.digest(7 * DAY) == 3
    assert "restated" not in office.post.last("FINANCE_MAIL").text


def test_it_waits_for_bills_that_are_still_to_come(office):
    """Cost Management throttles everything: no digest with half of the figures, no failure; the next hours go on."""
    headers = {"x-ms-ratelimit-microsoft.costmanagement-entity-retry-after": "53"}
    office.stage.world.inject(
        Fault.refuse("POST */query", 429, "429", "Too many requests.", times=None, headers=headers)
    )
    assert office.digest() == 0
    assert office.post.taken == []
    assert office.app.queue.count("digest") == 1
    office.stage.world.faults.clear()
    assert office.digest() == 0, "the timer leaves it to the message"
    for _ in range(20):
        office.stage.world.advance(timedelta(minutes=3))
        office.stage.deliver()
    assert sorted(office.post.names) == sorted(ALL)
    assert office.app.queue.count("digest") == 0


def throttled(office):
    headers = {"x-ms-ratelimit-microsoft.costmanagement-entity-retry-after": "600"}
    office.stage.world.inject(Fault.refuse("POST */query", 429, "429", "Too many.", times=None, headers=headers))
    assert office.digest() == 0


def test_a_message_that_counts_no_more_does_nothing(office):
    throttled(office)
    asked = office.stage.world.requests["POST query_costs"]
    assert digest(office.app, {"at": "2026-11-23T00:00:00+00:00"}) == 0
    assert digest(office.app, {}) == 0
    assert office.stage.world.requests["POST query_costs"] == asked


def test_a_message_that_was_lost_is_made_up_for_by_the_timer(office):
    throttled(office)
    office.stage.world.faults.clear()
    assert office.digest(timedelta(minutes=20)) == 0, "it may still come"
    assert office.digest(HOUR) == 3


@pytest.mark.parametrize("name", ["finance", "Finance", "finance & co", "../../etc", "Ünïcode"])
def test_any_name_of_an_audience_is_one_folder_of_its_own(name):
    made = folder(Week(2026, 47), name)
    assert made.startswith("2026-W47/")
    assert made.count("/") == 1
    assert ".." not in made
    assert made.isascii()
    assert (made == "2026-W47/finance") == (name.casefold() == "finance")
