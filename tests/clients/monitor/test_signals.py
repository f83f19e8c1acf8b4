"""Use of clusters through the real SDKs against the simulated Monitor: batches, logs, and everything that goes wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from lamplighter.simulator import Fault, SimulatorCredential, SimulatorTransport, World, serve
from shared.clients import fleet, signals
from shared.clients.azure import Cloud, endpoint_of
from shared.model.fleet import Scope
from shared.model.samples import Window
from shared.model.signals import Use
from shared.policy.signals import Signals

NOW = datetime(2026, 11, 23, 18, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
WINDOW = Window(NOW - 30 * MINUTE, NOW, zone="Europe/Berlin")
POOLS = [{"name": "system", "mode": "System", "count": 3}, {"name": "apps", "count": 4}]
METRICS, LOGS = "POST */metrics:getbatch", "POST */query"


def a_world(*clusters, **top) -> World:
    document = {"throttle": False, "graph_lag": 0, "clusters": list(clusters), **top}
    return World.from_fleet(document, now=NOW)


@pytest.fixture
def world():
    world = a_world(
        {"name": "web", "pools": POOLS}, {"name": "api", "pools": POOLS}, {"name": "off", "power": "Stopped"}
    )
    yield world
    assert world.unknown == []


def opened(world: World) -> Cloud:
    return Cloud(endpoint_of("AzurePublicCloud"), credential=SimulatorCredential(), transport=SimulatorTransport(world))


def look(world: World, settings=None, window: Window = WINDOW, **options):
    """Cluster name -> its signal."""
    with opened(world) as cloud:
        clusters = fleet.inventory(cloud, Scope(), NOW).clusters
        world.requests.clear()
        facts = signals.activity(cloud, clusters, settings or Signals(), window, NOW, **options)
    assert set(facts) == {cluster.id for cluster in clusters}
    assert all(fact.at == NOW and fact.known == (fact.value.use is not Use.UNKNOWN) for fact in facts.values())
    return {id_.rpartition("/")[2]: fact.value for id_, fact in facts.items()}


def collect(world: World, *names: str, **options) -> None:
    for name in names:
        world.usage.collect(world.cluster(name), "KubePodInventory", "AKSAuditAdmin", **options)


def test_used_idle_and_stopped(world):
    world.uses("web", NOW - 20 * MINUTE, NOW)
    found = look(world)
    assert [found[name].use for name in ("web", "api", "off")] == [Use.ACTIVE, Use.IDLE, Use.UNKNOWN]
    assert found["web"].sentence.startswith("cpu 4")
    assert "on pool apps" in found["web"].sentence
    assert found["web"].last_active_at == NOW - 5 * MINUTE
    assert found["api"].sentence.startswith("cpu at most 5 %; network at most 1.0 MB a minute; pods unchanged")
    assert found["off"].sentence == "it is stopped, and only running clusters are measured"


@pytest.mark.parametrize("kind", ["cpu", "network", "pods", "jobs", "writes"])
def test_every_kind_of_use_is_seen_for_itself(world, kind):
    collect(world, "web", "api")
    world.uses("web", NOW - 25 * MINUTE, NOW - 15 * MINUTE, (kind,))
    found = look(world)
    assert (found["web"].use, found["api"].use) == (Use.ACTIVE, Use.IDLE)
    assert found["web"].sentence.startswith(kind)
    assert found["web"].quiet_at is not None
    assert NOW - 16 * MINUTE <= found["web"].quiet_at <= NOW - 10 * MINUTE


@pytest.mark.parametrize("counters", [False, True])
def test_received_bytes_may_be_a_rate_or_a_counter(world, counters):
    world.usage.counters = counters
    world.uses("web", NOW - 20 * MINUTE, NOW, ("network",))
    found = look(world)
    assert (found["web"].use, found["api"].use) == (Use.ACTIVE, Use.IDLE)


def test_one_call_of_each_kind_holds_50_clusters_of_a_region():
    """120 clusters in 3 regions: one batch each, two kinds of call; 51 in one region: two batches."""
    world = a_world(
        *[{"name": region, "location": region, "count": 40} for region in ("westeurope", "eastus", "uksouth")]
    )
    found = look(world, Signals(logs="ignored"))
    assert len(found) == 120
    assert {signal.use for signal in found.values()} == {Use.IDLE}
    assert world.requests["POST get_batch"] == 3 * 2
    more = a_world({"name": "c", "count": 51})
    look(more, Signals(logs="ignored"))
    assert dict(more.requests) == {"POST get_batch": 2 * 2}


def test_clusters_of_two_subscriptions_are_never_in_one_call():
    ids = [f"{number}" * 8 + "-1111-1111-1111-111111111111" for number in (1, 2)]
    world = a_world(
        {"name": "a", "subscription": "one"},
        {"name": "b", "subscription": "two"},
        subscriptions=[{"id": ids[0], "name": "one"}, {"id": ids[1], "name": "two"}],
    )
    assert {signal.use for signal in look(world).values()} == {Use.IDLE}
    assert world.requests["POST get_batch"] == 4


def test_nothing_is_asked_about_nobody(world):
    with opened(world) as cloud:
        assert signals.activity(cloud, (), Signals(), WINDOW, NOW) == {}
    assert not world.requests


# What goes wrong with metrics

FAILURES = [
    (Fault.forbidden(METRICS, "Microsoft.Insights/metrics/read"), "the role Monitoring Reader on the subscription"),
    (Fault.throttled(METRICS, retry_after=900, times=None), "429 Throttled"),
    (Fault.throttled(METRICS, retry_after=None, times=None), "429 Throttled"),
    (Fault.unavailable(METRICS, times=None), "503 ServiceUnavailable"),
    (Fault.refuse(METRICS, 529, "Overloaded", times=None), "529 Overloaded"),
    (Fault.refused(METRICS, times=None), "could not be reached"),
    (Fault.timeout(METRICS, times=None), "the connection broke before Azure answered"),
    (Fault.lost_reply(METRICS, times=None), "the connection broke before Azure answered"),
    (Fault.refuse(METRICS, 400, "BadRequest", times=None), "400 BadRequest"),
]


@pytest.mark.parametrize(("fault", "sentence"), FAILURES, ids=[sentence for _, sentence in FAILURES])
def test_metrics_that_can_not_be_read_are_unknown(world, fault, sentence):
    began = world.now()
    world.inject(fault)
    found = look(world)
    assert {found["web"].use, found["api"].use} == {Use.UNKNOWN}
    assert sentence in found["web"].sentence
    assert "\n" not in found["web"].sentence
    # A function has four minutes.
    assert world.now() - began < timedelta(minutes=5)


def test_a_refusal_that_ends_soon_is_waited_out(world):
    world.inject(Fault.throttled(METRICS, retry_after=5), Fault.unavailable(METRICS))
    assert look(world)["api"].use is Use.IDLE


def test_half_of_the_metrics_refused_is_unknown_unless_the_other_half_shows_use(world):
    """Two kinds of call; the first one to come is refused."""
    world.uses("web", NOW - 20 * MINUTE, NOW)
    world.inject(Fault.refuse(METRICS, 403, "AuthorizationFailed"))
    found = look(world)
    assert (found["web"].use, found["api"].use) == (Use.ACTIVE, Use.UNKNOWN)
    assert found["web"].quiet_at is None


def test_one_cluster_that_is_gone_does_not_blind_the_others():
    """Deleted since the inventory: the service refuses the whole batch, so it is halved until that one stands alone."""
    world = a_world({"name": "c", "count": 50})
    with opened(world) as cloud:
        clusters = fleet.inventory(cloud, Scope(), NOW).clusters
        del world.clusters[clusters[17].id]
        world.requests.clear()
        facts = signals.activity(cloud, clusters, Signals(logs="ignored"), WINDOW, NOW)
    unknown = [id_ for id_, fact in facts.items() if not fact.known]
    assert unknown == [clusters[17].id]
    assert "404 ResourceNotFound" in str(facts[clusters[17].id].problem)
    assert world.requests["POST get_batch"] <= 2 * (1 + 14)


def test_a_refusal_of_everything_costs_few_calls():
    world = a_world({"name": "c", "count": 50})
    world.inject(Fault.refuse(METRICS, 400, "BadRequest", times=None))
    found = look(world)
    assert {signal.use for signal in found.values()} == {Use.UNKNOWN}
    assert world.faults[0].struck <= 2 * (1 + 14)


def test_a_gap_is_unknown_and_its_own(world):
    world.usage.darken(world.cluster("web"), NOW - 20 * MINUTE, NOW - 10 * MINUTE)
    found = look(world)
    assert (found["web"].use, found["api"].use) == (Use.UNKNOWN, Use.IDLE)
    assert found["web"].sentence == "no metrics from Mon 23 Nov 18:40 to Mon 23 Nov 18:50"


def test_a_cluster_started_in_the_window_is_judged_from_its_start():
    world = a_world({"name": "web", "power": "Stopped", "pools": POOLS}, spread=0)
    world.advance(MINUTE)
    start = world.person_starts("web")
    world.advance(timedelta(minutes=39))
    now = world.now()
    with opened(world) as cloud:
        clusters = fleet.inventory(cloud, Scope(), now).clusters
        window = Window(now - 60 * MINUTE, now)
        blind = signals.activity(cloud, clusters, Signals(), window, now)[clusters[0].id]
        started = {clusters[0].id: start.began_at}
        seen = signals.activity(cloud, clusters, Signals(), window, now, started=started)[clusters[0].id]
    assert blind.value.use is Use.UNKNOWN
    assert (seen.value.use, seen.value.begin) == (Use.IDLE, start.began_at)


def test_a_location_that_is_no_region_is_never_part_of_a_host_name():
    world = a_world({"name": "web", "location": "evil.example/x"})
    found = look(world)
    assert found["web"].use is Use.UNKNOWN
    assert not world.requests


# Logs


def test_logs_are_asked_only_where_the_metrics_end_quietly(world):
    collect(world, "web", "api")
    world.uses("web", NOW - 20 * MINUTE, NOW)
    look(world)
    assert world.requests["POST query_logs"] == 1


def test_the_audit_log_may_be_in_the_table_of_all_resources(world):
    world.usage.collect(world.cluster("api"), "AzureDiagnostics")
    world.uses("api", NOW - 20 * MINUTE, NOW - 15 * MINUTE, ("writes",))
    found = look(world)["api"]
    assert (found.use, found.sentence) == (Use.ACTIVE, "writes of 2 accounts, last at Mon 23 Nov 18:45")


def test_without_a_workspace_metrics_alone_decide_unless_logs_are_required(world):
    """A table that is not there says nothing: unknown, and told so."""
    found = look(world)["api"]
    assert found.use is Use.IDLE
    assert found.evidence["writes"] == "no workspace collected its audit log within a day"
    strict = look(world, Signals(logs="required"))["api"]
    assert (strict.use, strict.sentence) == (
        Use.UNKNOWN,
        "no workspace collected its pods within a day; no workspace collected its audit log within a day",
    )  # fmt: skip
    world.inject(Fault.refuse(LOGS, 404, "PathNotFoundError", times=None))
    assert look(world, Signals(logs="required"))["api"].sentence == strict.sentence


def test_whose_logs_nobody_collects_is_remembered_for_half_a_day(world):
    lacking: dict[str, datetime] = {}
    look(world, lacking=lacking)
    assert {at - NOW for at in lacking.values()} == {timedelta(hours=12)}
    assert look(world, lacking=lacking)["api"].use is Use.IDLE
    assert world.requests["POST query_logs"] == 0
    for id_ in lacking:
        lacking[id_] = NOW
    look(world, lacking=lacking)
    assert world.requests["POST query_logs"] == 2


@pytest.mark.parametrize(("minutes", "use"), [(15, Use.UNKNOWN), (20, Use.IDLE)])
def test_that_nobody_collects_is_not_believed_of_one_that_was_just_started(world, minutes, use):
    """After a weekend off there is no record of the last day, and the first of today are on their way."""
    lacking: dict[str, datetime] = {}
    started = {world.cluster("api").key: NOW - minutes * MINUTE}
    found = look(world, lacking=lacking, started=started)
    assert (found["api"].use, found["web"].use) == (use, Use.IDLE)
    assert ("may still come" in found["api"].sentence) is (use is Use.UNKNOWN)
    assert (world.cluster("api").key in lacking) is (use is Use.IDLE), "nor remembered"


def test_a_table_on_the_basic_plan_is_unknown_and_the_other_still_speaks(world):
    """Audit logs often are on it, since they are large; the query that asks for both is refused as a whole."""
    collect(world, "api", basic=("AKSAuditAdmin",))
    found = look(world)["api"]
    assert found.use is Use.UNKNOWN
    assert "Basic plan" in found.sentence
    assert found.evidence["jobs"] == "none"
    world.uses("api", NOW - 20 * MINUTE, NOW - 15 * MINUTE, ("jobs",))
    assert look(world)["api"].use is Use.ACTIVE


def test_an_answer_in_part_is_unknown(world):
    """It does not raise: whoever does not look takes half an answer for the whole."""
    collect(world, "web", "api")
    world.usage.partial.add(world.cluster("api").key)
    found = look(world)
    assert (found["web"].use, found["api"].use) == (Use.IDLE, Use.UNKNOWN)
    assert found["api"].sentence == (
        "reading the logs of api: only a part was answered: Query is using too much memory; its results are truncated."
    )


LOG_FAILURES = [
    (
        Fault.forbidden(f"{LOGS[:-5]}api/query", "Microsoft.OperationalInsights/workspaces/query/read"),
        "Log Analytics Reader",
    ),
    (Fault.throttled(f"{LOGS[:-5]}api/query", retry_after=900, times=None), "429 Throttled"),
    (Fault.timeout(f"{LOGS[:-5]}api/query", times=None), "the connection broke"),
    (Fault.unavailable(f"{LOGS[:-5]}api/query", 504, times=None), "504"),
]


@pytest.mark.parametrize(("fault", "sentence"), LOG_FAILURES, ids=[sentence for _, sentence in LOG_FAILURES])
def test_logs_that_can_not_be_read_are_unknown_for_that_cluster_alone(world, fault, sentence):
    collect(world, "web", "api")
    world.inject(fault)
    found = look(world)
    assert (found["web"].use, found["api"].use) == (Use.IDLE, Use.UNKNOWN)
    assert sentence in found["api"].sentence


def test_logs_that_stopped_coming_are_unknown(world):
    """The agent is gone and the metrics go on: a write would not be seen."""
    collect(world, "api")
    world.usage.log_lag = timedelta(minutes=45)
    found = look(world)["api"]
    assert (found.use, found.sentence) == (
        Use.UNKNOWN, "no record of jobs since Mon 23 Nov 18:15; no record of writes since Mon 23 Nov 18:15",
    )  # fmt: skip


def test_many_logs_are_asked_within_the_quota():
    """200 queries in 30 seconds: the 191st waits, instead of being refused."""
    world = a_world({"name": "c", "count": 210}, throttle=True)
    collect(world, *world.clusters)
    found = look(world)
    assert {signal.use for signal in found.values()} == {Use.IDLE}
    assert world.requests["POST query_logs"] == 210
    assert timedelta(seconds=30) <= world.now() - NOW < MINUTE


def test_a_big_fleet_s_logs_have_their_turn(monkeypatch):
    """A look asks for a part of them; the others are unknown until then, and nobody waits for ever."""
    monkeypatch.setattr(signals, "LOGS_A_LOOK", 4)
    world = a_world({"name": "c", "count": 10})
    collect(world, *world.clusters)
    asked = set()
    for turn in range(3):
        now = NOW + 5 * MINUTE * turn
        world.advance(now - world.now())
        with opened(world) as cloud:
            clusters = fleet.inventory(cloud, Scope(), now).clusters
            facts = signals.activity(cloud, clusters, Signals(), Window(now - 30 * MINUTE, now), now)
        idle = {id_ for id_, fact in facts.items() if fact.value.use is Use.IDLE}
        assert len(idle) == 4
        waiting = {fact.problem for id_, fact in facts.items() if id_ not in idle}
        assert waiting == {"its logs have their turn in a later look"}
        asked |= idle
    assert len(asked) == 10


def test_settings_may_differ_from_cluster_to_cluster(world):
    """Thresholds belong to a rule, and rules to environments."""
    world.uses("web", NOW - 20 * MINUTE, NOW, ("cpu",))
    world.uses("api", NOW - 20 * MINUTE, NOW, ("cpu",))
    patient = {
        cluster.key: Signals(cpu_percent=90 if cluster.name == "web" else 15) for cluster in world.clusters.values()
    }
    found = look(world, patient)
    assert (found["web"].use, found["api"].use) == (Use.IDLE, Use.ACTIVE)


def test_the_whole_way_over_tls_with_a_managed_identity(world, monkeypatch):
    """Three audiences, one identity: Resource Manager, metrics and logs each want a token of their own."""
    collect(world, "web", "api")
    world.uses("web", NOW - 20 * MINUTE, NOW - 15 * MINUTE, ("writes",))
    with serve(world) as server:
        monkeypatch.setenv("IDENTITY_ENDPOINT", server.identity_endpoint)
        monkeypatch.setenv("IDENTITY_HEADER", server.identity_header)
        with Cloud(endpoint_of(server.arm_url), ca_file=str(server.ca_file)) as cloud:
            clusters = fleet.inventory(cloud, Scope(), NOW).clusters
            facts = signals.activity(cloud, clusters, Signals(), WINDOW, NOW)
    uses = {id_.rpartition("/")[2]: fact.value.use for id_, fact in facts.items()}
    assert uses == {"web": Use.ACTIVE, "api": Use.IDLE, "off": Use.UNKNOWN}
