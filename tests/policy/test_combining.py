"""What measurements mean: which one kept a cluster on, and that nothing unknown is ever idle."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.samples import LogEntry, Measure, Observed, Series, Window
from shared.model.signals import Use
from shared.policy.combining import combine
from shared.policy.signals import Signals, pattern

NOW = datetime(2026, 11, 23, 18, 2, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
WINDOW = Window(NOW - 32 * MINUTE, NOW, zone="Europe/Berlin")
GRAINS = [NOW - 62 * MINUTE + 5 * MINUTE * number for number in range(12)]
"""17:00 to 17:55, of which the window holds those from 17:30 on."""
MINUTES = [NOW - 37 * MINUTE + MINUTE * number for number in range(35)]
HERE = LogEntry(recorded_at=NOW - 6 * MINUTE)


def node(*values: float, pool: str = "apps", name: str = "n0") -> Series:
    """Twelve grains of 5 minutes; fewer values are the last ones, after quiet."""
    quiet = [3.0] * (len(GRAINS) - len(values))
    return Series(pool, name, tuple(zip(GRAINS, [*quiet, *values], strict=True)))


def flat(value: float, pool: str = "apps") -> Series:
    return node(*[value] * len(GRAINS), pool=pool)


def pods(namespace: str, *numbers: int) -> Series:
    """One number for each 5 minutes, one sample a minute; 7 of them."""
    return Series(namespace, "Running", tuple((at, float(numbers[i // 5])) for i, at in enumerate(MINUTES)))


QUIET = Observed(
    pools=("apps",),
    cpu=Measure((flat(4.0),)),
    network=Measure((flat(800_000.0),)),
    pods=Measure((pods("kube-system", *[12] * 7), pods("shop", *[3] * 7)), MINUTE),
)


def signal(observed: Observed, settings: Signals | None = None, window: Window = WINDOW, now: datetime = NOW):
    fact = combine(observed, settings or Signals(), window, now)
    assert fact.known == (fact.value.use is not Use.UNKNOWN)
    assert fact.problem == (None if fact.known else fact.value.sentence)
    return fact.value


def without(measure: Measure, *gone: datetime) -> Measure:
    return replace(measure, series=tuple(
        replace(one, points=tuple(point for point in one.points if not any(g <= point[0] < g + 5 * MINUTE for g in gone)))
        for one in measure.series
    ))  # fmt: skip


def test_everything_quiet_and_complete_is_idle():
    found = signal(QUIET)
    assert found.use is Use.IDLE
    assert (found.begin, found.end) == (WINDOW.begin, GRAINS[-1] + 5 * MINUTE)
    assert found.sentence == "cpu at most 4 %; network at most 0.8 MB a minute; pods unchanged (3 in shop)"


@pytest.mark.parametrize(
    ("change", "sentence", "last"),
    [
        ({"cpu": Measure((flat(4.0), node(41.0, 3.0)))}, "cpu 41 % on pool apps", GRAINS[-1]),
        (
            {"network": Measure((flat(8e5), node(35e6, 8e5, pool="gpu")))},
            "network 35.0 MB a minute on pool gpu",
            GRAINS[-1],
        ),
        (
            {"pods": Measure((pods("kube-system", *[12] * 7), pods("shop", 3, 3, 3, 3, 5, 5, 5)), MINUTE)},
            "pods from 3 to 5 in shop",
            GRAINS[-3] + 5 * MINUTE,
        ),
    ],
)
def test_each_metric_alone_keeps_a_cluster_on_and_says_so(change, sentence, last):
    """85 % of the hours of business machines are below 5 % CPU: the others must be heard as well."""
    found = signal(replace(QUIET, **change))
    assert (found.use, found.sentence, found.last_active_at) == (Use.ACTIVE, sentence, last)
    assert set(found.evidence) == {"cpu", "network", "pods"}


@pytest.mark.parametrize(
    ("source", "read"),
    [
        ("cpu", lambda value: Measure((flat(value),))),
        ("network", lambda value: Measure((flat(value * 1e6),))),
    ],
)
def test_a_limit_is_where_use_begins(source, read):
    """Defaults: above 15 %, above 10 MB a minute; what is just at the limit is quiet."""
    at, above = (15.0, 15.1) if source == "cpu" else (10.0, 10.1)
    assert signal(replace(QUIET, **{source: read(at)})).use is Use.IDLE
    assert signal(replace(QUIET, **{source: read(above)})).use is Use.ACTIVE


@pytest.mark.parametrize("source", ["cpu", "network", "pods"])
def test_what_went_wrong_with_one_metric_is_told_whatever_else_came_with_it(source):
    broken = replace(getattr(QUIET, source), problem=f"{source} answered in part")
    found = signal(replace(QUIET, **{source: broken}))
    assert (found.use, found.sentence) == (Use.UNKNOWN, f"{source} answered in part")


def test_one_busy_node_among_many_is_not_averaged_away():
    """Nineteen idle nodes around one that computes: 5 % on average, and in use."""
    nodes = [node(*[2.0] * 12, name=f"n{number}") for number in range(19)]
    assert signal(replace(QUIET, cpu=Measure((*nodes, node(60.0, name="n19"))))).use is Use.ACTIVE


def test_several_reasons_are_all_told():
    found = signal(replace(QUIET, cpu=Measure((node(41.0),)), network=Measure((node(35e6),))))
    assert found.sentence == "cpu 41 % on pool apps; network 35.0 MB a minute on pool apps"


def test_use_that_ended_says_since_when_it_is_quiet():
    found = signal(replace(QUIET, cpu=Measure((node(41.0, 3.0, 3.0, 3.0),))))
    assert (found.use, found.quiet_at) == (Use.ACTIVE, GRAINS[-4] + 5 * MINUTE)
    busy_to_the_end = signal(replace(QUIET, cpu=Measure((node(41.0),))))
    assert busy_to_the_end.quiet_at is None


@pytest.mark.parametrize("source", ["cpu", "network", "pods"])
def test_use_beside_a_gap_is_never_quiet_again(source):
    change = {source: without(getattr(QUIET, source), GRAINS[-2])}
    other = "network" if source == "cpu" else "cpu"
    change[other] = Measure((node(50e6, 3.0, 3.0),))
    found = signal(replace(QUIET, **change))
    assert (found.use, found.quiet_at) == (Use.ACTIVE, None)


@pytest.mark.parametrize("source", ["cpu", "network", "pods"])
@pytest.mark.parametrize(
    ("gone", "sentence"),
    [
        ((GRAINS[-5],), "no metrics from Mon 23 Nov 18:35 to Mon 23 Nov 18:40"),
        (tuple(GRAINS[-3:]), "no metrics since Mon 23 Nov 18:45"),
        (tuple(GRAINS[-6:-4]), "no metrics from Mon 23 Nov 18:30 to Mon 23 Nov 18:40"),
        (tuple(GRAINS[-7:]), "no metrics since Mon 23 Nov 18:30 or longer"),
    ],
)
def test_gaps_are_unknown(source, gone, sentence):
    found = signal(replace(QUIET, **{source: without(getattr(QUIET, source), *gone)}))
    assert (found.use, found.sentence) == (Use.UNKNOWN, sentence)


def test_nothing_at_all_is_unknown():
    found = signal(Observed((), Measure(), Measure(), Measure(grain=MINUTE)))
    assert (found.use, found.sentence) == (Use.UNKNOWN, "no metrics since Mon 23 Nov 18:30 or longer")


def test_the_newest_metrics_may_be_on_their_way():
    """They come minutes late: what they would say is not claimed, and not missed."""
    late = {name: without(getattr(QUIET, name), GRAINS[-1]) for name in ("cpu", "network", "pods")}
    found = signal(replace(QUIET, **late))
    assert (found.use, found.end) == (Use.IDLE, GRAINS[-1])
    later = signal(replace(QUIET, **late), now=NOW + 10 * MINUTE)
    assert later.use is Use.UNKNOWN


def test_a_look_too_short_to_know_anything_is_unknown():
    late = {name: without(getattr(QUIET, name), GRAINS[-1]) for name in ("cpu", "network", "pods")}
    found = signal(replace(QUIET, **late), window=Window(NOW - 4 * MINUTE, NOW))
    assert (found.use, found.sentence) == (Use.UNKNOWN, "no metrics yet of so short a time")


def test_a_pool_with_nodes_that_is_not_measured_is_unknown():
    found = signal(replace(QUIET, pools=("apps", "win")))
    assert (found.use, found.sentence) == (Use.UNKNOWN, "no metrics from pool win")
    lost = Measure((flat(4.0, pool="system"), without(Measure((flat(4.0),)), *GRAINS[-3:]).series[0]))
    assert signal(replace(QUIET, cpu=lost)).sentence == "no metrics since Mon 23 Nov 18:45 from pool apps"


def test_a_pool_that_came_up_meanwhile_is_no_gap():
    """The autoscaler adds nodes: they are measured from then on."""
    young = Series("burst", "n0", tuple((at, 2.0) for at in GRAINS[-2:]))
    found = signal(
        replace(QUIET, pools=("apps", "burst"), cpu=Measure((flat(4.0), young)), network=Measure((flat(8e5), young)))
    )
    assert found.use is Use.IDLE


def test_a_started_cluster_is_not_blamed_for_the_time_before():
    """Started at 17:31, its first metrics come at 17:40: idle since the start, not a gap."""
    gone = GRAINS[-7:-4]
    young = {name: without(getattr(QUIET, name), *gone) for name in ("cpu", "network", "pods")}
    assert signal(replace(QUIET, **young)).use is Use.UNKNOWN
    started = WINDOW.since(NOW - 31 * MINUTE)
    found = signal(replace(QUIET, **young), window=started)
    assert (found.use, found.begin) == (Use.IDLE, NOW - 31 * MINUTE)
    assert signal(QUIET, window=WINDOW.since(NOW + MINUTE)).sentence == "it has only just been started"


# Azure does not say whether received bytes are a rate or a counter.


def counter(*steps: float) -> Series:
    total, points = 5e10, []
    for at, step in zip(GRAINS, [*[4e6] * (len(GRAINS) - len(steps)), *steps], strict=True):
        total += step
        points.append((at, total))
    return Series("apps", "n0", tuple(points))


def test_a_counter_is_read_by_its_growth():
    assert signal(replace(QUIET, network=Measure((counter(),)))).use is Use.IDLE
    found = signal(replace(QUIET, network=Measure((counter(175e6, 4e6),))))
    assert found.sentence == "network 35.0 MB a minute on pool apps"


def test_what_may_be_a_rate_is_read_as_one():
    """A load that ramps up grows like a counter; read as one it would look idle."""
    ramp = node(*[20e6 + 5e6 * number for number in range(12)])
    assert signal(replace(QUIET, network=Measure((ramp,)))).use is Use.ACTIVE
    rebooted = replace(counter(), points=(*counter().points[:-2], (GRAINS[-2], 1e9), (GRAINS[-1], 2e9)))
    assert signal(replace(QUIET, network=Measure((rebooted,)))).use is Use.ACTIVE


# Pods


def test_a_sample_more_or_less_is_no_pod():
    points = list(pods("shop", *[3] * 7).points)
    points[12], points[13] = (points[12][0], 6.0), (points[13][0], 0.0)
    shaky = Measure((pods("kube-system", *[12] * 7), Series("shop", "Running", tuple(points))), MINUTE)
    assert signal(replace(QUIET, pods=shaky)).use is Use.IDLE


def test_namespaces_of_the_system_do_not_count():
    moving = Measure((pods("kube-system", *range(7)), pods("aks-istio-system", *range(7))), MINUTE)
    found = signal(replace(QUIET, pods=moving))
    assert (found.use, found.evidence["pods"]) == (Use.IDLE, "unchanged (none of anybody)")
    assert signal(replace(QUIET, pods=moving), Signals(system_namespaces=("kube-*",))).use is Use.ACTIVE


def test_a_namespace_that_goes_away_is_a_change():
    gone = Measure(
        (pods("kube-system", *[12] * 7), replace(pods("shop", *[3] * 7), points=pods("shop", *[3] * 7).points[:15])),
        MINUTE,
    )
    assert signal(replace(QUIET, pods=gone)).sentence == "pods from 3 to 0 in shop"


def test_running_pods_keep_it_on_only_where_the_policy_says_so():
    assert signal(QUIET, Signals(pods="running")).sentence == "pods 3 in shop"
    done = Measure((pods("kube-system", *[12] * 7), pods("jobs", 1, 1, 1, 0, 0, 0, 0)), MINUTE)
    found = signal(replace(QUIET, pods=done), Signals(pods="running"))
    assert (found.use, found.last_active_at) == (Use.ACTIVE, GRAINS[-5] + 5 * MINUTE)
    assert signal(replace(QUIET, pods=Measure(problem="no")), Signals(pods="ignored")).use is Use.IDLE


# Logs


@pytest.mark.parametrize(
    ("logs", "entry", "use"),
    [
        ("if_present", HERE, Use.IDLE),
        ("if_present", LogEntry(problem="nobody collects it", absent=True), Use.IDLE),
        ("required", LogEntry(problem="nobody collects it", absent=True), Use.UNKNOWN),
        ("if_present", LogEntry(problem="Azure answered 403"), Use.UNKNOWN),
        ("if_present", LogEntry(recorded_at=NOW - 40 * MINUTE), Use.UNKNOWN),
        ("if_present", LogEntry(), Use.UNKNOWN),
        ("ignored", LogEntry(problem="Azure answered 403"), Use.IDLE),
        ("if_present", replace(HERE, active_at=NOW - 20 * MINUTE, amount=2), Use.ACTIVE),
        ("ignored", replace(HERE, active_at=NOW - 20 * MINUTE, amount=2), Use.IDLE),
    ],
)
@pytest.mark.parametrize("source", ["jobs", "writes"])
def test_logs(source, logs, entry, use):
    other = {"jobs": "writes", "writes": "jobs"}[source]
    found = signal(replace(QUIET, **{source: entry, other: HERE}), Signals(logs=logs))
    assert found.use is use
    if use is Use.ACTIVE:
        assert found.last_active_at == found.quiet_at == NOW - 20 * MINUTE
        assert found.sentence.startswith(source)


def test_a_write_that_was_recorded_late_is_told_with_its_own_time():
    """It happened before the window: the window itself is quiet, and the wait begins at the write."""
    at = WINDOW.begin - 3 * MINUTE
    found = signal(replace(QUIET, jobs=HERE, writes=replace(HERE, active_at=at, amount=1)))
    assert (found.use, found.last_active_at, found.quiet_at) == (Use.ACTIVE, at, WINDOW.begin)
    assert found.sentence.startswith("writes of 1 account, last at ")


def test_patterns_mean_what_globs_mean():
    import re

    system = re.compile(pattern(("kube-system", "aks-istio-*")))
    assert [bool(system.match(name)) for name in ("kube-system", "kube-systemx", "aks-istio-x", "")] == [1, 0, 1, 0]
    assert not re.compile(pattern(())).match("")


@pytest.mark.parametrize("wrong", [timedelta(minutes=14), timedelta(hours=13)])
def test_a_lookback_that_sees_nothing_is_refused(wrong):
    """Metrics come 10 minutes late: a shorter look would never know anything."""
    with pytest.raises(ValueError, match="expected 15m to 12h"):
        Signals(lookback=wrong)
    assert Signals(lookback="1h").lookback == timedelta(hours=1)


# Properties

DROPPED = st.sets(st.sampled_from(GRAINS[-6:]))


@given(cpu=DROPPED, network=DROPPED, pod=DROPPED)
def test_what_was_not_measured_is_never_called_idle(cpu, network, pod):
    found = signal(replace(
        QUIET, cpu=without(QUIET.cpu, *cpu), network=without(QUIET.network, *network), pods=without(QUIET.pods, *pod)
    ))  # fmt: skip
    if found.use is Use.IDLE:
        assert all(at + 5 * MINUTE > found.end for at in cpu | network | pod)


@given(busy=st.sets(st.sampled_from(GRAINS[-6:]), min_size=1), dropped=DROPPED)
def test_more_activity_never_makes_it_look_idle_for_longer(busy, dropped):
    values = [40.0 if at in busy else 3.0 for at in GRAINS]
    active = signal(replace(QUIET, cpu=without(Measure((node(*values),)), *dropped)))
    seen = busy - dropped
    if seen:
        assert active.use is Use.ACTIVE
        assert active.quiet_at is None or active.quiet_at >= max(seen) + 5 * MINUTE
    else:
        assert active.use is not Use.ACTIVE
