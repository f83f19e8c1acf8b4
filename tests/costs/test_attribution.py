"""Whose a charge is. Every row lands in exactly one place, so the parts are always the whole."""

import os
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.costs.attribution import Known, attribute
from shared.costs.exports import read_export
from shared.costs.kinds import kind_of
from shared.model.billing import Basis
from shared.model.costs import RowProblem
from shared.model.digest import Kind, Line
from shared.model.past import ClusterPast
from tests.costs.bills import ADDRESS, BALANCER, DISK, SUB, VMSS, cluster, cluster_id, row

REFERENCE = os.environ.get("LAMPLIGHTER_REFERENCE")
COSTS = Path(REFERENCE or ".") / "data" / "costs"
needs_reference = pytest.mark.skipif(not REFERENCE, reason="LAMPLIGHTER_REFERENCE names no reference data")
WEB = cluster_id("web")
DAY = date(2026, 11, 16)


def attributed(*rows, clusters=(), **values):
    return attribute(rows, values.pop("basis", Basis.AMORTISED), Known({one.id: one for one in clusters}, **values))


def whose(*rows, clusters=(), **values):
    """[(cluster, team, kind)] of the lines."""
    costs = attributed(*rows, clusters=clusters, **values)
    return sorted((line.cluster, line.team, line.kind) for line in costs.lines)


@pytest.mark.parametrize(
    ("resource", "values", "kind"),
    [
        (VMSS, {}, Kind.NODES),
        (VMSS, {"pricing_category": "Dynamic"}, Kind.NODES_SPOT),
        (VMSS, {"meter": "D4s v5 Spot"}, Kind.NODES_SPOT),
        (VMSS, {"pricing_category": "Committed"}, Kind.NODES_COMMITTED),
        (VMSS, {"service_name": "Storage"}, Kind.DISKS),
        (VMSS, {"service_name": "Bandwidth"}, Kind.TRAFFIC),
        (DISK, {"service_name": "Storage"}, Kind.DISKS),
        (BALANCER, {}, Kind.LOAD_BALANCERS),
        (ADDRESS, {"service_name": "Virtual Network"}, Kind.ADDRESSES),
        ("microsoft.network/virtualnetworks/v", {"service_name": "Virtual Network"}, Kind.TRAFFIC),
        ("microsoft.network/natgateways/n", {}, Kind.TRAFFIC),
        ("microsoft.containerservice/managedclusters/web", {}, Kind.TIER),
        ("microsoft.containerinstance/containergroups/virtual-node-1", {}, Kind.CONTAINERS),
        ("microsoft.operationalinsights/workspaces/w", {"service_name": "Log Analytics"}, Kind.LOGS),
        ("microsoft.storage/storageaccounts/s", {"service_name": "Storage"}, Kind.OTHER),
        ("microsoft.network/applicationgateways/g", {}, Kind.OTHER),
        ("", {}, Kind.OTHER),
    ],
)
def test_what_a_charge_is_for(resource, values, kind):
    assert kind_of(row(DAY, "1", resource, **values)) is kind


def test_a_node_resource_group_is_its_clusters_whatever_it_is_called():
    named = cluster("web", node_resource_group="Nodes-Of-Web")

    assert whose(row(DAY, "1", group="nodes-of-web"), clusters=[named]) == [(WEB, "", Kind.NODES)]


def test_the_default_name_says_whose_it_is_without_a_fleet():
    assert whose(row(DAY, "1", group="mc_rg_web_westeurope")) == [(WEB, "", Kind.NODES)]


def test_underscores_in_a_default_name_are_resolved_by_what_is_known():
    """MC_a_b_c_region: is the cluster b_c in a, or c in a_b?"""
    one = cluster("b_c", "a", node_resource_group=None)
    rows = [row(DAY, "1", group="mc_a_b_c_westeurope")]

    assert whose(*rows, clusters=[one]) == [(one.id, "", Kind.NODES)]
    assert whose(*rows) == [(cluster_id("c", "a_b"), "", Kind.NODES)]


def test_without_a_region_the_last_word_of_a_default_name_is_taken_for_one():
    assert whose(row(DAY, "1", region="")) == [(WEB, "", Kind.NODES)]
    assert whose(row(DAY, "1", region="", group="mc_web")) == [(cluster_id("web", "web"), "", Kind.NODES)]


def test_the_clusters_own_resource_and_its_nodes_are_one():
    tier = row(DAY, "2.4", "microsoft.containerservice/managedclusters/web", group="rg")

    assert whose(tier, row(DAY, "1")) == [(WEB, "", Kind.NODES), (WEB, "", Kind.TIER)]


def test_tags_that_aks_writes_name_the_cluster_of_a_group_of_any_name():
    tags = {"aks-managed-cluster-name": "Web", "aks-managed-cluster-rg": "RG"}
    rows = [row(DAY, "1", DISK, group="custom"), row(DAY, "1", group="custom", tags=tags)]

    assert whose(*rows) == [(WEB, "", Kind.DISKS), (WEB, "", Kind.NODES)]


def test_a_scale_set_of_aks_makes_its_group_a_node_resource_group():
    """Then the group's name stands for the cluster's, which nobody says."""
    assert whose(row(DAY, "1", group="custom"))[0][0] == cluster_id("custom", "custom")
    assert whose(row(DAY, "1", "microsoft.compute/virtualmachinescalesets/build", group="custom")) == [
        ("", "", Kind.NODES)
    ]


def test_a_cluster_that_is_gone_keeps_its_costs_and_is_named():
    costs = attributed(row(DAY, "1"), clusters=[cluster("other")])

    assert costs.gone == {WEB}
    assert costs.names == {WEB: "web"}


def test_without_a_fleet_nothing_is_called_gone():
    assert attributed(row(DAY, "1")).gone == frozenset()


def test_history_finds_the_owner_of_a_group_whose_cluster_was_deleted():
    past = ClusterPast(WEB, node_resource_group="custom")
    costs = attribute([row(DAY, "1", DISK, group="custom")], Basis.AMORTISED, Known(pasts={WEB: past}))

    assert [line.cluster for line in costs.lines] == [WEB]


def test_what_no_single_cluster_has_is_shared_or_untagged_and_never_split():
    logs = "microsoft.operationalinsights/workspaces/w"
    rows = [row(DAY, "1", logs, group="ops", tags={"Team": "platform"}), row(DAY, "2", logs, group="ops")]

    assert whose(*rows, clusters=[cluster("web")]) == [("", "", Kind.LOGS), ("", "platform", Kind.LOGS)]


def test_the_team_is_the_tag_on_the_day_of_use():
    rows = [
        row("2026-11-16", "1", tags={"team": "old"}),
        row("2026-11-17", "1", tags={"team": "new"}),
        row("2026-11-17", "5", DISK),
    ]
    costs = attributed(*rows, clusters=[cluster("web", tags={"team": "newest"})])

    assert costs.lines[Line(WEB, "old", Kind.NODES, "EUR")] == {date(2026, 11, 16): Decimal(1)}
    assert costs.lines[Line(WEB, "new", Kind.DISKS, "EUR")] == {date(2026, 11, 17): Decimal(5)}


def test_a_team_speaks_through_the_clusters_own_resource_before_its_nodes():
    own = row(DAY, "1", "microsoft.containerservice/managedclusters/web", group="rg", tags={"team": "web"})
    nodes = row(DAY, "1", tags={"team": "infra"})
    costs = attributed(nodes, own, row(DAY, "1", DISK))

    assert [line.team for line in costs.lines if line.kind is Kind.DISKS] == ["web"]


def test_history_knows_the_team_where_a_bill_carries_no_tags():
    """Rows of a query have none; history has what the cluster was tagged with on that day."""
    tags = (
        (datetime(2026, 11, 1, tzinfo=UTC), {"Team": "old"}),
        (datetime(2026, 11, 17, 9, tzinfo=UTC), {"team": "new"}),
    )
    known = Known({WEB: cluster("web", tags={"team": "newest"})}, {WEB: ClusterPast(WEB, tags=tags)})
    costs = attribute([row("2026-11-16", "1"), row("2026-11-17", "1")], Basis.AMORTISED, known)

    assert sorted(line.team for line in costs.lines) == ["new", "old"]


def test_a_team_tag_of_another_name():
    assert whose(row(DAY, "1", tags={"cost-center": "4711"}), team_tag="Cost-Center")[0][1] == "4711"


def test_tax_is_in_no_line_and_still_in_the_total():
    costs = attributed(row(DAY, "10"), row(DAY, "1.9", "", charge_category="Tax"))

    assert sum(days[DAY] for days in costs.lines.values()) == 10
    assert costs.taxes == {"EUR": {DAY: Decimal("1.9")}}
    assert costs.totals == {"EUR": {DAY: Decimal("11.9")}}


def test_a_row_without_the_amount_of_the_basis_is_a_problem_and_not_nothing():
    """An actual row among amortised ones would otherwise look free."""
    costs = attributed(row(DAY, "1"), row(DAY, "1"), basis=Basis.ACTUAL)

    assert costs.lines == {}
    assert len(costs.problems) == 2
    assert "no actual cost" in costs.problems[0]


def test_of_many_unreadable_rows_twenty_are_told_and_the_rest_counted():
    costs = attributed(*(RowProblem(line, "broken") for line in range(2, 40)))

    assert len(costs.problems) == 21
    assert costs.problems[0] == "line 2: broken"
    assert costs.problems[-1] == "and 18 more rows that could not be read"


def test_two_currencies_of_one_resource_stay_two_lines():
    costs = attributed(row(DAY, "1"), row(DAY, "2", billing_currency="USD"))

    assert {line.currency: days[DAY] for line, days in costs.lines.items()} == {"EUR": 1, "USD": 2}


def test_disks_and_addresses_are_kept_one_by_one_and_know_who_made_them():
    made = row(DAY, "1", DISK, tags={"kubernetes.io-created-for-pvc-name": "data"})
    costs = attributed(made, row(DAY, "2", ADDRESS), row(DAY, "3"))

    assert [(one.kind, one.for_cluster, one.daily[DAY]) for one in costs.resources] == [
        (Kind.DISKS, True, 1),
        (Kind.ADDRESSES, False, 2),
    ]


places = st.sampled_from(["mc_rg_web_westeurope", "mc_rg_api_westeurope", "rg", "ops", "custom"])
resources = st.sampled_from([VMSS, DISK, ADDRESS, BALANCER, "microsoft.sql/servers/s", ""])
amounts = st.decimals(-1000, 1000, places=10)
charges = st.builds(
    row,
    st.dates(date(2026, 11, 1), date(2026, 11, 30)),
    amounts,
    resources,
    group=places,
    billing_currency=st.sampled_from(["EUR", "USD", ""]),
    charge_category=st.sampled_from(["Usage", "Refund", "Tax"]),
    tags=st.sampled_from([{}, {"team": "web"}, {"team": ""}]),
)


@given(st.lists(charges, max_size=30))
def test_nothing_is_lost_and_nothing_counted_twice(rows):
    """Lines and taxes are the plain sum, exactly, in every currency on every day."""
    costs = attributed(*rows, clusters=[cluster("web")])
    plain: dict = {}
    for one in rows:
        key = one.billing_currency, one.charge_period_start
        plain[key] = plain.get(key, Decimal(0)) + one.effective_cost
    parts: dict = {}
    for line, days in costs.lines.items():
        for day, amount in days.items():
            parts[line.currency, day] = parts.get((line.currency, day), Decimal(0)) + amount
    for currency, days in costs.taxes.items():
        for day, amount in days.items():
            parts[currency, day] = parts.get((currency, day), Decimal(0)) + amount

    assert parts == plain
    assert {(currency, day): amount for currency, days in costs.totals.items() for day, amount in days.items()} == plain


@needs_reference
@pytest.mark.reference
@pytest.mark.parametrize("name", sorted(path.name for path in COSTS.glob("*.csv")))
def test_a_real_export_is_attributed_whole(name):
    """In every dialect: lines and taxes add up to the plain sum of the file."""
    amortised = "Amortized" in name or name.startswith("focus")
    with (COSTS / name).open(encoding="utf-8", newline="") as file:
        rows = list(read_export(file, name, amortised=amortised))
    costs = attribute(rows, Basis.AMORTISED if amortised else Basis.ACTUAL)
    read = [one for one in rows if not isinstance(one, RowProblem)]
    plain = sum(((one.effective_cost if amortised else one.billed_cost) for one in read), Decimal(0))
    parts = sum(
        (amount for days in (*costs.lines.values(), *costs.taxes.values()) for amount in days.values()), Decimal(0)
    )

    assert parts == plain
    assert len(costs.problems) == len(rows) - len(read)


@needs_reference
@pytest.mark.reference
def test_clusters_are_found_in_real_exports():
    def names(name, **options):
        with (COSTS / name).open(encoding="utf-8", newline="") as file:
            rows = list(read_export(file, name, **options))
        return set(attribute(rows, Basis.AMORTISED if options else Basis.ACTUAL).names.values())

    assert "analyticsengine" in names("finops_toolkit_EA_AmortizedCost_Small.csv", amortised=True)
    assert names("opencost_azure_billing_template.csv") == {"example-resource-group"}


def test_a_row_of_nobody_at_all_is_untagged():
    assert whose(row(DAY, "1", "", sub_account_id=SUB)) == [("", "", Kind.OTHER)]
