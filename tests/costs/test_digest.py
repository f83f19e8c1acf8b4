"""The figures of a week, and every kind of strange week: each has its sentence, none has a made-up number."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.costs.digest import Audience, digest
from shared.costs.figures import final_at
from shared.costs.record import record, told
from shared.errors import InputError
from shared.model.digest import COMPUTE, Kind, Loose
from shared.model.past import ClusterPast, Held, PoolSpan
from shared.model.weeks import Week
from tests.costs.bills import (
    ADDRESS,
    DISK,
    MONDAY_AFTER,
    SETTLED,
    VMSS,
    WEEK,
    cluster,
    cluster_id,
    daily,
    finance,
    reading,
    row,
    weeks_of,
)

WEB, API = cluster_id("web"), cluster_id("api")
API_GROUP = "mc_rg_api_westeurope"


def nine_weeks(amount="10", resource=VMSS, week=WEEK, **values):
    return [*daily(weeks_of(week, 8), 63, amount, resource, **values)]


def figures(rows, now=SETTLED, week=WEEK, clusters=(), **values):
    (one,) = finance(rows, now, week, clusters, **values).figures
    return one


# --- sums and comparisons ---


def test_a_week_is_its_seven_days_beside_the_week_before_and_the_usual_one():
    rows = [*nine_weeks(), row(WEEK.first, "30"), row(WEEK.back().last, "5")]
    total = figures(rows).total

    assert (total.amount, total.before, total.usual) == (100, 75, 70)
    assert (total.change, total.share) == (25, Decimal(1) / 3)


def test_usual_is_the_median_of_four_weeks_so_that_one_strange_week_does_not_move_it():
    rows = [*nine_weeks(), row(WEEK.back(2).first, "5000")]

    assert figures(rows).total.usual == 70


def test_with_fewer_weeks_of_history_the_median_is_of_those():
    rows = [*daily(weeks_of(WEEK, 2), 21, "10"), row(WEEK.back().first, "20")]
    one = figures(rows)

    assert one.total.usual == 80
    assert [bar.week for bar in one.weeks] == [WEEK.back(2), WEEK.back(), WEEK]


def test_groups_add_up_to_the_total():
    rows = [*nine_weeks(tags={"team": "shop"}), *nine_weeks("3", group=API_GROUP), *nine_weeks("1", DISK)]
    one = figures(rows, environments={WEB: "dev", API: "prod"})

    for groups in (one.clusters, one.environments, one.teams, one.kinds):
        assert sum(group.amount for group in groups) == one.total.amount == 98
        assert sum(group.before for group in groups) == one.total.before
    assert [(group.name, group.amount) for group in one.clusters] == [("web", 77), ("api", 21)]
    assert [(group.name, group.amount) for group in one.teams] == [("shop", 77), ("no team tag", 21)]
    assert [(group.name, group.about) for group in one.clusters] == [("web", "dev"), ("api", "prod")]


def test_two_clusters_of_one_name_are_told_apart():
    rows = [row(WEEK.first, "1"), row(WEEK.first, "2", group="mc_other_web_westeurope")]

    assert [one.name for one in figures(rows).clusters] == ["web (other)", "web (rg)"]


def test_movers_and_the_rest_are_the_whole_change():
    rows = [
        row(
            WEEK.first if now else WEEK.back().first,
            f"{number * (2 if now else 1)}",
            group=f"mc_rg_c{number}_westeurope",
        )
        for number in range(1, 9)
        for now in (True, False)
    ] + [row(weeks_of(WEEK, 4), "1")]
    movers = figures(rows).movers

    assert [one.cluster for one in movers] == ["c8", "c7", "c6", "c5", "c4", ""]
    assert sum(one.change for one in movers) == figures(rows).total.change == 36


def test_a_mover_names_the_rule_of_ours_that_explains_it():
    begin = datetime.combine(WEEK.first, datetime.min.time(), UTC)
    past = ClusterPast(WEB, held=(Held(None, begin, begin + timedelta(hours=60), "d", "nights", "off_hours"),))
    rows = [*daily(weeks_of(WEEK, 2), 14, "10"), *daily(WEEK.first, 7, "6"), *daily(weeks_of(WEEK, 2), 21, "1", DISK)]
    (mover,) = figures(rows, pasts={WEB: past}).movers

    assert (mover.kind, mover.change, mover.why) == (Kind.NODES, -28, "60 h more off by rule nights")


@given(
    st.lists(
        st.tuples(st.integers(0, 62), st.decimals(-99, 999, places=4), st.sampled_from(["web", "api", "ops"])),
        min_size=1,
        max_size=40,
    )
)
def test_whatever_is_billed_ties_out_to_the_last_digit(charges):
    groups = {"web": "mc_rg_web_westeurope", "api": API_GROUP, "ops": "ops"}
    resource = {"web": DISK, "api": DISK, "ops": "microsoft.sql/servers/s"}
    rows = [row(weeks_of(WEEK, 8) + timedelta(days=d), a, resource[g], group=groups[g]) for d, a, g in charges]
    for one in finance(rows).figures:
        assert one.tie_out.difference == 0
        assert sum(group.amount for group in one.clusters) == one.total.amount
        assert sum((mover.change for mover in one.movers), Decimal(0)) == pytest.approx(one.total.change or 0)


# --- how sure ---


def test_a_week_is_provisional_for_72_hours_after_its_last_day():
    end = datetime(2026, 11, 23, tzinfo=UTC)

    assert final_at(WEEK) == end + timedelta(hours=72)
    assert finance(nine_weeks(), end + timedelta(hours=71)).provisional_until == final_at(WEEK)
    assert finance(nine_weeks(), end + timedelta(hours=72)).provisional_until is None
    bars = figures(nine_weeks(), end + timedelta(hours=7)).weeks
    assert [bar.provisional for bar in bars] == [False] * 7 + [True]


def test_what_was_told_of_the_week_before_is_restated_with_where_it_lies():
    then = finance(nine_weeks(), MONDAY_AFTER, WEEK)
    late = [*nine_weeks(week=WEEK.back(-1)), row(WEEK.last, "5.5"), row(WEEK.last, "1.25", DISK)]
    memory = told(record(then))
    made = digest(
        reading(late, week=WEEK.back(-1)).after("finance", memory), Audience("finance"), WEEK.back(-1), SETTLED
    )
    restated = made.figures[0].restated

    assert (restated.week, restated.told, restated.now) == (WEEK, 70, Decimal("76.75"))
    assert restated.why == ("web, nodes: +5.50", "web, disks: +1.25")
    assert restated.told_at == MONDAY_AFTER


def test_nothing_is_restated_where_nothing_was_told_or_another_week():
    memory = told(record(finance(nine_weeks(), MONDAY_AFTER, WEEK)))

    assert figures(nine_weeks()).restated is None
    assert (
        digest(reading(nine_weeks()).after("finance", memory), Audience("finance"), WEEK, SETTLED).figures[0].restated
        is None
    )


@pytest.mark.parametrize("document", [{}, {"version": 2}, {"version": 1, "week": "x"}, [], None, {"version": 1, "week": "2026-W47", "made_at": "2026-11-23", "amounts": {"EUR": [["a", "b", "ten"]]}}])  # fmt: skip
def test_a_record_of_another_kind_is_refused_in_a_sentence(document):
    with pytest.raises(InputError, match="digest"):
        told(document)


# --- strange weeks ---


def test_an_empty_week_is_told_as_one_and_still_ties_out():
    made = finance(nine_weeks(week=WEEK.back()), SETTLED)
    (one,) = made.figures

    assert one.total.amount == 0
    assert one.total.before == 70
    assert one.tie_out.difference == 0
    assert "nothing was billed in this week, as far as the source says" in made.notes


def test_no_row_at_all_is_a_digest_too():
    made = finance([])

    assert [one.total.amount for one in made.figures] == [0]
    assert made.notes == (
        "nothing was billed in this week, as far as the source says",
        "nothing was read of the weeks before, so nothing is compared",
    )


def test_the_first_week_without_history_is_compared_with_nothing():
    made = finance([*daily(WEEK.first, 7, "10")])
    (one,) = made.figures

    assert (one.total.before, one.total.usual, one.total.change, one.total.share) == (None, None, None, None)
    assert one.movers == ()
    assert len(one.weeks) == 1
    assert one.month.to_date is None
    assert "nothing was read of the weeks before, so nothing is compared" in made.notes


def test_a_week_that_is_not_whole_says_what_the_source_covers():
    made = finance([*daily(WEEK.first, 3, "10")])

    assert not made.is_whole
    assert "the source covers 2026-11-16 to 2026-11-18, so this week is not whole" in made.notes


def test_refunds_lower_the_figures_and_are_told():
    made = finance([*nine_weeks(), row(WEEK.first, "-14.2")])

    assert made.figures[0].total.amount == Decimal("55.8")
    assert "refunds and corrections have lowered the figures by 14.20 EUR" in made.notes


def test_a_week_may_cost_less_than_nothing_and_has_no_share():
    total = figures([*nine_weeks(), row(WEEK.back().first, "-200"), row(WEEK.first, "-300")]).total

    assert (total.amount, total.before, total.share) == (-230, -130, None)


def test_two_currencies_stand_side_by_side_and_are_never_added_up():
    made = finance([*nine_weeks(), *nine_weeks("20", billing_currency="USD", group=API_GROUP)])

    assert [(one.currency, one.total.amount, one.tie_out.difference) for one in made.figures] == [
        ("USD", 140, 0),
        ("EUR", 70, 0),
    ]
    assert "2 currencies are billed; they stand side by side and are never added up" in made.notes


def test_an_amount_without_a_currency_is_told_and_not_guessed():
    made = finance(nine_weeks(billing_currency=""))

    assert [one.currency for one in made.figures] == [""]
    assert "the source does not say in which currency its amounts are" in made.notes


def test_the_53rd_week_is_between_the_52nd_and_the_first():
    last, first = Week(2026, 53), Week(2027, 1)
    made = finance(nine_weeks(week=last), final_at(last), last)

    assert (made.figures[0].total.amount, made.figures[0].total.before) == (70, 70)
    assert [str(bar.week) for bar in made.figures[0].weeks][-2:] == ["2026-W52", "2026-W53"]
    assert "2026 has 53 weeks and this is the last of them; the week after it is 2027-W01" in made.notes
    after = finance(nine_weeks(week=first), final_at(first), first)
    assert str(after.figures[0].weeks[-2].week) == "2026-W53"
    assert not any("53 weeks" in note for note in after.notes)


@pytest.mark.parametrize("week", [Week(2026, 13), Week(2026, 43)])
def test_a_week_in_which_clocks_change_has_seven_days_as_any_other(week):
    """Azure bills days of UTC: neither an hour of Sunday nor a day of the week is lost or counted twice."""
    made = finance(nine_weeks(week=week), final_at(week), week)

    assert (made.figures[0].total.amount, made.figures[0].total.before) == (70, 70)
    assert {entry.on for entry in made.rows} == {*week.days(), *week.back().days()}
    said = "clocks change in Europe/Berlin in this week; all its days are days of UTC, of 24 hours"
    assert said in made.notes
    assert said not in finance(nine_weeks(week=week.back()), final_at(week), week.back()).notes


def test_a_missing_scope_is_listed_and_its_clusters_history_is_unknown_not_nothing():
    rows = [*nine_weeks(), *daily(WEEK.first, 7, "5", group=API_GROUP)]
    made = finance(rows, missing=("what subscriptions/b cost could not be read",), blind=frozenset({API}))
    (one,) = made.figures

    assert "1 scope could not be read and counted in no figure" in made.notes
    assert one.tie_out.missing == ("what subscriptions/b cost could not be read",)
    assert {group.name: group.before for group in one.clusters} == {"web": 70, "api": None}
    assert one.total.before is None


def test_a_total_that_nobody_stated_is_no_tie_out():
    assert figures(nine_weeks(), stated=None).tie_out.difference is None


def test_a_total_that_differs_is_told():
    assert figures(nine_weeks(), stated={"EUR": Decimal("70.01")}).tie_out.difference == Decimal("-0.01")


def test_logs_of_a_workspace_are_shared_and_it_is_said_why():
    rows = [*nine_weeks("1"), row(WEEK.first, "30", "microsoft.operationalinsights/workspaces/logs", group="ops")]
    made = finance(rows)

    assert "Logs and metrics of a workspace are shared: what else writes into it is not on the bill" in made.method
    assert dict(made.figures[0].tie_out.parts)["Untagged: no single cluster's, and nobody's"] == 30
    assert not any("workspace" in one for one in finance(nine_weeks("1")).method)


def test_a_team_by_its_tag_and_a_source_without_tags_are_told_apart():
    tagged = finance(daily(weeks_of(WEEK, 2), 14, "1", tags={"team": "shop"}))
    plain = finance(nine_weeks("1"))

    assert "A team's cost is what carried its tag on the day of use" in tagged.method
    assert any(one.startswith("The source carries no tags") for one in plain.method)


def test_a_cluster_that_is_gone_is_named():
    made = finance(nine_weeks(), clusters=[cluster("other")])

    assert "no longer there, and still billed in these weeks: web" in made.notes
    assert made.figures[0].clusters[0].about == "gone"


def test_of_many_that_are_gone_three_are_named():
    rows = [row(WEEK.first, "1", group=f"mc_rg_c{number}_westeurope") for number in range(5)]

    assert (
        "no longer there, and still billed in these weeks: c0, c1, c2 and 2 more"
        in finance(rows, clusters=[cluster("x")]).notes
    )


# --- month ---


def test_the_month_reaches_to_the_weeks_last_day_and_is_projected_by_weekdays():
    """10 a day on weekdays, 4 at weekends: eight more days from Monday the 23rd, two of them at the weekend."""
    days = [weeks_of(WEEK, 8) + timedelta(days=number) for number in range(63)]
    month = figures([row(day, "4" if day.weekday() > 4 else "10") for day in days]).month

    assert (month.first, month.through) == (date(2026, 11, 1), date(2026, 11, 22))
    assert month.to_date == 15 * 10 + 7 * 4
    assert month.outlook == month.to_date + 6 * 10 + 2 * 4


def test_a_forecast_of_the_scope_is_told_to_those_who_are_told_everything():
    assert figures(nine_weeks(), forecast={"EUR": Decimal(900)}).month.forecast == 900
    team = Audience("web", lambda one: one == WEB, is_everything=False)
    made = digest(reading(nine_weeks(), forecast={"EUR": Decimal(900)}), team, WEEK, SETTLED)
    assert made.figures[0].month.forecast is None


# --- audiences ---


def test_a_team_sees_its_own_clusters_and_nothing_of_the_others():
    rows = [*nine_weeks(), *nine_weeks("3", group=API_GROUP), *nine_weeks("9", "microsoft.sql/servers/s", group="db")]
    made = digest(reading(rows), Audience("api", lambda one: one == API, is_everything=False), WEEK, SETTLED)

    assert [one.total.amount for one in made.figures] == [21]
    assert made.figures[0].tie_out is None
    assert {entry.line.cluster for entry in made.rows} == {API}
    everything = finance(rows)
    assert {entry.line.cluster for entry in everything.rows} == {WEB, API, ""}


def test_in_a_very_large_fleet_a_row_of_the_data_is_a_week(monkeypatch):
    from shared.costs import digest as making

    rows = [*nine_weeks(), *nine_weeks("1", DISK)]
    by_day = finance(rows).rows
    monkeypatch.setattr(making, "ROWS_BY_DAY", 10)
    by_week = finance(rows).rows

    assert (len(by_day), len(by_week)) == (28, 4)
    assert {(one.on, one.end) for one in by_week} == {
        (of.first, of.last + timedelta(days=1)) for of in (WEEK, WEEK.back())
    }
    assert sum(one.amount for one in by_week) == sum(one.amount for one in by_day)


# --- what goes on costing ---


def span(first, last, nodes):
    begin = datetime.combine(WEEK.first, datetime.min.time(), UTC)
    return PoolSpan(begin + timedelta(hours=first), begin + timedelta(hours=last), nodes, nodes)


def test_disks_of_a_stopped_cluster_count_by_the_hour_and_logs_on_whole_days():
    """Stopped from Tuesday noon to Friday midnight: 60 h; two of those days are whole."""
    past = ClusterPast(WEB, pools={"np": (span(0, 36, 3), span(36, 96, 0), span(96, 168, 3))})
    rows = [*nine_weeks(), *nine_weeks("2.4", DISK), *nine_weeks("1", "microsoft.operationalinsights/workspaces/w")]
    (one,) = figures(rows, pasts={WEB: past}).still_billed

    assert one.hours == 60
    assert dict(one.kinds) == {Kind.DISKS: 6, Kind.NODES: 20, Kind.LOGS: 2}
    assert not one.is_inferred


def test_a_cluster_is_stopped_only_when_every_pool_is():
    past = ClusterPast(WEB, pools={"a": (span(0, 48, 0),), "b": (span(0, 24, 1), span(24, 48, 0))})
    (one,) = figures([*nine_weeks("2.4", DISK)], pasts={WEB: past}).still_billed

    assert (one.hours, one.amount) == (24, Decimal("2.4"))


def test_without_history_a_settled_day_without_nodes_tells_that_it_was_stopped():
    rows = [*daily(weeks_of(WEEK, 2), 19, "10"), *daily(weeks_of(WEEK, 2), 21, "1", DISK)]
    (one,) = figures(rows).still_billed

    assert (one.hours, one.amount, one.is_inferred) == (48, 2, True)
    assert figures(rows, MONDAY_AFTER).still_billed == ()


def test_a_thing_that_never_had_nodes_is_no_stopped_cluster():
    assert figures(nine_weeks("1", DISK)).still_billed == ()


def test_what_lies_loose_is_told_unless_its_cluster_sleeps():
    def loose(name, group):
        return row(WEEK.first, "2", f"microsoft.compute/disks/{name}", group=group)

    made = row(WEEK.first, "3", "microsoft.compute/disks/pvc-9", group="data", tags={"k8s-azure-created-by": "disk"})
    other = row(WEEK.first, "5", "microsoft.compute/disks/os", group="vm")
    queried = row(WEEK.first, "4", "microsoft.compute/disks/pvc-8", group="data")
    rows = [loose("a", "mc_rg_web_westeurope"), loose("b", API_GROUP), made, other, queried]
    clusters = [cluster("web"), cluster("api")]
    ids = {one.resource_id: Loose("attached to nothing", for_cluster=one is queried) for one in rows}
    found = figures(rows, clusters=clusters, loose=ids, running=frozenset({WEB})).leftovers

    assert [(one.name, one.amount) for one in found] == [("pvc-8", 4), ("pvc-9", 3), ("a", 2)]
    assert figures(rows, clusters=clusters).leftovers is None, "nobody looked"


def test_what_a_cluster_that_is_gone_left_behind_is_told():
    rows = [row(WEEK.first, "2", ADDRESS), row(WEEK.first, "1", ADDRESS, billing_currency="USD")]
    made = finance(rows, clusters=[cluster("other")])

    assert {one.currency: [left.why for left in one.leftovers] for one in made.figures} == {
        "EUR": ["its cluster web is gone"],
        "USD": ["its cluster web is gone"],
    }


def test_a_team_hears_of_what_its_own_clusters_left():
    rows = [row(WEEK.first, "2", ADDRESS), row(WEEK.first, "2", ADDRESS, group=API_GROUP)]
    team = Audience("web", lambda one: one == WEB, is_everything=False)
    made = digest(reading(rows, [cluster("other")]), team, WEEK, SETTLED)

    assert [one.why for one in made.figures[0].leftovers] == ["its cluster web is gone"]


# --- unusual days ---


def test_a_day_that_cost_half_as_much_again_is_told_with_what_it_was():
    rows = [*nine_weeks("100"), row(WEEK.first + timedelta(days=2), "80")]
    (one,) = figures(rows).unusual

    assert (one.on, one.amount, one.expected) == (date(2026, 11, 18), 180, 100)
    assert one.driver == "nodes: 180.00 instead of about 100.00"


def test_small_sums_alarm_nobody():
    assert figures([*nine_weeks("10"), row(WEEK.first, "8")]).unusual == ()


def test_at_most_three_are_told_the_largest():
    rows = [*nine_weeks("100")]
    for number in range(6):
        group = f"mc_rg_c{number}_westeurope"
        rows += [*nine_weeks("100", group=group), row(WEEK.first, f"{200 + number}", group=group)]
    found = figures(rows).unusual

    assert [one.name for one in found] == ["c5", "c4", "c3"]


def test_a_drop_that_we_brought_about_is_explained_and_alarms_nobody():
    day = WEEK.first + timedelta(days=1)
    rows = [one for one in nine_weeks("100") if one.charge_period_start != day] + [row(day, "20")]
    begin = datetime.combine(day, datetime.min.time(), UTC)
    down = PoolSpan(begin, begin + timedelta(hours=19), 0, 0)
    held = Held(None, begin, begin + timedelta(hours=19), "d", "nights", "off_hours")
    past = ClusterPast(WEB, pools={"np": (down,)}, held=(held,))
    one = figures(rows, pasts={WEB: past})

    assert one.unusual == ()
    assert [(each.on, each.driver) for each in one.explained] == [(day, "stopped for 19 h by nights")]
    assert [each.on for each in figures(rows).unusual] == [day], "nobody's decision: it is told"


def test_a_day_that_has_not_settled_may_still_grow_so_a_drop_on_it_is_not_told():
    day = WEEK.last
    rows = [one for one in nine_weeks("100") if one.charge_period_start != day] + [row(day, "20")]

    assert figures(rows, MONDAY_AFTER).unusual == ()
    assert figures([*nine_weeks("100"), row(day, "90")], MONDAY_AFTER).unusual[0].on == day
    late = finance([*rows, *daily(WEEK.back(-1).first, 7, "100")], SETTLED, WEEK.back(-1))
    assert [one.on for one in late.figures[0].unusual] == [day], "a week later it has settled, and is told"


def test_compute_is_what_stops_when_a_cluster_does():
    assert Kind.DISKS not in COMPUTE
    assert {Kind.NODES, Kind.NODES_SPOT, Kind.NODES_COMMITTED} <= COMPUTE
