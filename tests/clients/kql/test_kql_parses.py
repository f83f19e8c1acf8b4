"""The shipped KQL is what Microsoft's own parser takes, and names only columns that the tables have."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from shared.clients import fleet, logs, nodes, spot_offers
from shared.policy.signals import SERVICE_ACCOUNTS, SYSTEM_NAMESPACES, pattern

FOLDER = Path(logs.__file__).parent / "kql"
FILES = {path.stem: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.kql"))}
AT = datetime(2026, 11, 23, 18, tzinfo=UTC)
QUESTION = logs.LogQuestion(AT, AT, AT, pattern(SYSTEM_NAMESPACES), pattern(SERVICE_ACCOUNTS))


def test_every_shipped_file_parses_and_every_one_is_used(parse):
    assert set(FILES) == set(logs.SOURCES)
    assert parse(FILES) == {name: [] for name in FILES}


def test_what_is_sent_parses_too(parse):
    """Filled in, alone and as the union, with names that need quoting."""
    odd = logs.LogQuestion(AT, AT, AT, pattern(("a-b.c*", 'quo"te', "back\\slash", "größe?")), pattern(()))
    sent = {f"{source}": logs.query((source,), QUESTION) for source in logs.SOURCES}
    sent |= {"union": logs.query(logs.SOURCES, QUESTION), "odd": logs.query(logs.SOURCES, odd)}
    assert parse(sent) == {name: [] for name in sent}
    assert all("kube\\\\-system" in text for name, text in sent.items() if name != "odd")


def test_the_questions_to_resource_graph_parse(parse):
    sent = {
        "clusters": fleet.CLUSTERS,
        "members": fleet.MEMBERS,
        "nodes": nodes.NODES.format(narrowed="\n| where resourceGroup in~ ('mc_web', 'mc_shop')"),
        "all nodes": nodes.NODES.format(narrowed=""),
        "offers": spot_offers.OFFERS.format(region="westeurope", sizes="'standard_d4s_v5'"),
    }
    assert parse(sent) == {name: [] for name in sent}
    assert parse({"nodes": sent["all nodes"].replace("tolower(id)", "tolower(ide)")})["nodes"]


def test_a_column_that_the_table_has_not_fails(parse):
    """The check can fail: with one column misspelt, the parser names it."""
    columns = [
        ("pods", "ControllerKind"), ("pods", "PodStatus"), ("audit", "Verb"), ("audit", "User"),
        ("diagnostics", "Category"),
    ]  # fmt: skip
    broken = {f"{source}.{column}": FILES[source].replace(column, f"{column}X") for source, column in columns}
    said = parse(broken)
    for name in broken:
        assert any(f"'{name.partition('.')[2]}X'" in one for one in said[name]), said[name]


def test_wrong_queries_are_told(parse):
    wrong = {
        # A published query for the last write, which does not parse.
        "['last']": "AKSAuditAdmin | summarize last=max(TimeGenerated)",
        "'AKSAudit'": "AKSAudit | take 1",
        "KS": "KubePodInventory | where",
    }
    said = parse(wrong)
    assert all(any(expected in one for one in said[expected]) for expected in wrong), said
