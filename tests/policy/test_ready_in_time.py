"""A cluster is ready when its window begins: starts leave ahead by what starts of that cluster were seen to take."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.facts import FleetFacts, View
from shared.model.fleet import Cluster, NodePool, Power
from shared.model.memory import Memory, OpenAction, Phase, Seen, TargetMemory
from shared.policy.document import Policy, read_policy
from shared.policy.endings import Problem as AzureProblem
from shared.policy.endings import after_failure, after_success
from shared.policy.findings import findings
from shared.policy.forecast import expected_facts, transitions
from shared.policy.start_times import ENOUGH, KEPT, LONGEST, USUAL, observed_start_time, start_time, with_start
from shared.policy.voices import hear

MINUTE = timedelta(minutes=1)
SUNDAY = datetime(2026, 12, 6, 12, 0, tzinfo=UTC)
MONDAY = datetime(2026, 12, 7, 9, 0, tzinfo=UTC)


def policy(lead: str = "5m", pools: str = "") -> Policy:
    return read_policy(
        f"""
version: 1
mode: act
timezone: UTC
environments: [{{name: dev, match: {{names: ["*"]}}}}]
schedules: {{office: {{running: [Mon-Fri 08:00-18:00]}}}}
rules: [{{name: office-hours, hours: {{schedule: office, lead: {lead}{pools}}}}}]
""",
        "policy.yaml",
    )


def cluster(number: int = 1, location: str = "westeurope") -> Cluster:
    pool = NodePool("batch", mode="User", power=Power.STOPPED, provisioning_state="Succeeded")
    return Cluster(
        f"/subscriptions/s/c{number}", f"c{number}", "rg", "s", location, Power.STOPPED, "Succeeded", pools=(pool,)
    )


def next_start(rules: Policy, seconds: tuple[int, ...], pool: str = "", fleet: FleetFacts | None = None) -> datetime:
    """When the rule, asked on Sunday, says that its wish will change."""
    seen = TargetMemory(seen=Seen(Power.STOPPED, SUNDAY), start_seconds=seconds)
    view = View(cluster(), Memory(cluster().id, targets={pool: seen}), fleet=fleet or FleetFacts())
    (proposal,) = hear(view, rules, SUNDAY).proposals
    assert proposal.until is not None
    return proposal.until


def monday(clock: str) -> datetime:
    return datetime.fromisoformat(f"2026-12-07T{clock}Z")


def test_a_slow_cluster_starts_earlier_than_the_policy_says() -> None:
    """Nine of ten of its starts took at most 11 min 40 s: with a lead of 5 minutes it would be late."""
    assert next_start(policy(), (300,) * 8 + (700, 1900)) == monday("07:48")


def test_the_lead_of_the_policy_stays_where_it_is_longer() -> None:
    assert next_start(policy("20m"), (300,) * 10) == monday("07:40")


def test_a_few_starts_move_nothing() -> None:
    """One start in a bad hour of Azure is not how long starts take."""
    assert next_start(policy(), (1500,) * (ENOUGH - 1)) == monday("07:55")
    assert next_start(policy(), (1500,) * ENOUGH) == monday("07:35")


def test_the_place_in_the_queue_comes_on_top() -> None:
    fleet = FleetFacts(queue_lead={("s", "westeurope"): 3 * MINUTE})
    assert next_start(policy(), (), fleet=fleet) == monday("07:52")
    assert next_start(policy(), (480,) * 6, fleet=fleet) == monday("07:49")


def test_a_pool_has_its_own_start_time() -> None:
    assert next_start(policy(pools=', pools: ["batch"]'), (600,) * 6, pool="batch") == monday("07:50")


def test_a_start_that_was_noticed_hours_late_does_not_move_the_window_by_hours() -> None:
    assert next_start(policy(), (20_000,) * 6) == monday("07:00")


def test_people_expect_it_at_the_window_whatever_the_lead() -> None:
    """`ready_by` is when the office opens, not when the start leaves: late is late for people."""
    memory = Memory(cluster().id, targets={"": TargetMemory(start_seconds=(900,) * 6)})
    (proposal,) = hear(View(cluster(), memory), policy(), MONDAY).proposals
    assert proposal.due_at == monday("07:45")
    assert proposal.ready_by == monday("08:00")


def test_the_forecast_keeps_to_the_policy() -> None:
    """Without a journal nothing is known of start times: the calendar shows the lead and nothing else."""
    starts = [one.at for one in transitions(cluster(), policy(), SUNDAY, 1) if one.action == "start"]
    assert starts == [monday("07:55")]


class TestRemembered:
    """What is remembered is the time from our claim until the cluster was seen up."""

    def open(self, kind: str = "start_cluster") -> Memory:
        action = OpenAction("id", kind, None, Phase.ACCEPTED, "c", "r", "in_hours", MONDAY, MONDAY + 10 * MINUTE)
        return Memory("c", open=action, targets={"": TargetMemory(start_seconds=(300,))})

    def test_a_start_that_succeeded(self) -> None:
        memory = self.open()
        assert memory.open is not None
        done = after_success(memory, memory.open, None, MONDAY + timedelta(seconds=254.6))
        assert done.target(None).start_seconds == (300, 255)

    def test_a_stop_and_a_start_that_failed_are_no_start(self) -> None:
        memory = self.open("stop_cluster")
        assert memory.open is not None
        assert after_success(memory, memory.open, None, MONDAY + 9 * MINUTE).target(None).start_seconds == (300,)
        memory = self.open()
        assert memory.open is not None
        failed = after_failure(memory, memory.open, MONDAY + 9 * MINUTE, AzureProblem("code", "text"))
        assert failed.target(None).start_seconds == (300,)

    def test_only_the_newest_are_kept(self) -> None:
        seconds: tuple[int, ...] = ()
        for number in range(KEPT + 3):
            seconds = with_start(seconds, timedelta(seconds=number))
        assert seconds == tuple(range(3, KEPT + 3))


def test_what_is_expected_without_experience() -> None:
    assert start_time(()) == USUAL
    assert start_time((60,) * ENOUGH) == MINUTE
    assert observed_start_time(()) is None


@given(st.lists(st.integers(0, 3600), min_size=ENOUGH, max_size=KEPT))
def test_nine_of_ten_starts_would_have_been_in_time(seconds: list[int]) -> None:
    allowed = observed_start_time(seconds)
    assert allowed is not None
    in_time = sum(timedelta(seconds=one) <= allowed for one in seconds)
    assert in_time >= 0.9 * len(seconds)
    assert allowed <= LONGEST


class TestCheck:
    """`check` says when a fleet is so big that a lead does not hold its queue."""

    @pytest.mark.parametrize(("lead", "count", "tight"), [("5m", 350, True), ("20m", 350, False), ("0m", 50, False)])
    def test_only_what_does_not_fit(self, lead: str, count: int, tight: bool) -> None:
        found = findings(policy(lead), [cluster(number) for number in range(count)], MONDAY)
        assert bool(found.queues) is tight

    def test_the_sentence_has_the_numbers(self) -> None:
        """350 calls, 50 at once, then one a second: the last leaves five minutes after the first."""
        (queue,) = findings(policy(), [cluster(number) for number in range(350)], MONDAY).queues
        assert (queue.clusters, queue.lead, queue.spread) == (350, 5 * MINUTE, 5 * MINUTE)
        assert queue.sentence == (
            "350 clusters of s in westeurope share one queue: the last of them leaves 5m after the first, and a start"
            " takes some 6m, which a lead of 5m does not hold; their starts leave up to 10m before the window"
        )

    def test_each_region_is_a_queue_of_its_own(self) -> None:
        fleet = [cluster(number, "westeurope" if number % 2 else "eastus") for number in range(98)]
        assert findings(policy("0m"), fleet, MONDAY).queues == ()


class TestCheckOfLearnedHours:
    """What was learned is in the journal, which `check` does not read: it assumes that all are needed at once."""

    def policy(self, block: str) -> Policy:
        head = "version: 1\nenvironments: [{name: dev, match: {names: ['*']}}]\n"
        return read_policy(f"{head}rules: [{{name: labs, idle: {{after: 4h, {block}}}}}]\n", "policy.yaml")

    def found(self, count: int, block: str = "learn: true, waiting_cost: 3h"):
        return findings(self.policy(block), [cluster(number) for number in range(count)], MONDAY).learned_queues

    @pytest.mark.parametrize(
        ("count", "block", "tight"),
        [
            (500, "learn: true, waiting_cost: 3h", True),
            (411, "learn: true, waiting_cost: 3h", True),
            (410, "learn: true, waiting_cost: 3h", False),
            (500, "learn: true", False),
            (500, "learn: true, waiting_cost: 30m", False),
            (500, "waiting_cost: 3h", False),
        ],
        ids=["big", "just", "a place is no longer than a start", "usual", "nothing pays", "nothing is learned"],
    )
    def test_only_what_does_not_fit(self, count: int, block: str, tight: bool) -> None:
        assert bool(self.found(count, block)) is tight

    def test_a_few_among_many_are_not_worth_a_word(self) -> None:
        """They wait as long as all others; all together it is an hour or two."""
        office = "\nschedules: {office: {running: [Mon-Fri 08:00-18:00]}}\nrules: ["
        text = "{name: office, match: {names: [c*]}, except: {names: [c1?]}, hours: {schedule: office, lead: 1h}}, "
        labs = "{name: labs, match: {names: [c1?]}, idle: {after: 4h, learn: true, waiting_cost: 3h}}]\n"
        mixed = read_policy(
            f"version: 1\nenvironments: [{{name: dev, match: {{names: ['*']}}}}]{office}{text}{labs}", "policy.yaml"
        )
        found = findings(mixed, [cluster(number) for number in range(600)], MONDAY)
        assert found.silent_rules == ()
        assert found.learned_queues == ()

    def test_the_sentence_has_the_numbers_and_what_it_assumes(self) -> None:
        """650 calls, 50 at once, then one a second: ten minutes, of 650 clusters 108 hours."""
        (queue,) = self.found(650)
        assert queue.sentence == (
            "650 clusters of s in westeurope learn hours and share a queue of 650: if all are needed in the same hour,"
            " the last of them leaves 10m after the first. So that each is ready, starts leave up to 16m before that"
            " hour (6m for a usual start), which is up to 108 hours more of running clusters each time"
        )

    @pytest.mark.parametrize(("waiting", "never"), [("40m", True), ("41m", False)])
    def test_where_a_place_costs_more_than_waiting_it_says_so(self, waiting: str, never: bool) -> None:
        """Half an hour for nothing on average and ten minutes of queue: a certain need is worth that, or is not."""
        (queue,) = self.found(650, f"learn: true, waiting_cost: {waiting}")
        assert queue.never_pays is never
        assert ("more than people's waiting is worth" in queue.sentence) is never

    def test_the_tick_leaves_as_much_earlier_as_it_says(self) -> None:
        (queue,) = self.found(650)
        fleet = [cluster(number) for number in range(650)]
        facts = expected_facts(fleet, self.policy("learn: true, waiting_cost: 3h"))
        assert facts.queue_lead[queue.subscription, queue.location] == queue.spread
