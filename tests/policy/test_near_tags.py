"""Tags that were probably meant. Hints only: what is almost right matches nothing."""

from __future__ import annotations

import doctest

import pytest

import shared.policy.near_tags as room
from shared.model.fleet import Cluster
from shared.policy.match import Block, Matcher
from shared.policy.near_tags import near_tags

POLICY = (
    Matcher((Block(tags={"environment": ("dev", "test", "stag*")}), Block(names=("x",)))),
    Matcher((Block(tags={"environment": ("production",), "team": ("*",)}),)),
)


def said(*tags: dict[str, str]) -> list[str]:
    clusters = [Cluster(f"/{number}", "c", "rg", "s", tags=held) for number, held in enumerate(tags)]
    return [one.sentence for one in near_tags(POLICY, clusters)]


def test_docstrings_are_true() -> None:
    ran = doctest.testmod(room)
    assert ran.attempted
    assert not ran.failed


@pytest.mark.parametrize(
    "name", ["enviroment", "Enviroment", "environement", "environmnt", "enviornment", "Environments"]
)
def test_names(name: str) -> None:
    assert said({name: "dev"}) == [f"1 cluster carries the tag '{name}'; the policy looks at 'environment'"]


@pytest.mark.parametrize("name", ["ENVIRONMENT", "env", "owner", "cost-center", "lamplighter-exlude"])
def test_names_that_are_right_or_something_else(name: str) -> None:
    assert said({name: "dev"}) == []


def test_a_second_tag_does_not_matter_where_the_right_one_is_there() -> None:
    assert said({"environment": "dev", "enviroment": "x"}) == []


def test_owners_tags_without_their_prefix() -> None:
    assert said({"lamplighterexclude": "true"}) == [
        "1 cluster carries the tag 'lamplighterexclude'; the policy looks at 'lamplighter-exclude'"
    ]


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ("develop", "dev"), ("Development", "dev"), ("tests", "test"), ("prod", "production"), ("prodution", "production"),
        ("tset", "test"), (" dev", "dev"), ("dve", "dev"),
    ],
)  # fmt: skip
def test_values(value: str, meant: str) -> None:
    assert said({"Environment": value}) == [f"1 cluster carries 'Environment: {value}'; the policy looks for '{meant}'"]


@pytest.mark.parametrize("value", ["dev", "DEV", "staging", "stage", "sandbox", "qa", ""])
def test_values_that_are_right_or_something_else(value: str) -> None:
    assert said({"environment": value}) == []


def test_most_clusters_first() -> None:
    fleet = [
        {"environment": "prod"},
        {"environment": "develop"},
        {"environment": "develop"},
        {"teem": "a"},
        {"Teams": "b"},
        {"teams": "b"},
    ]
    assert said(*fleet) == [
        "2 clusters carry the tag 'Teams'; the policy looks at 'team'",
        "2 clusters carry 'environment: develop'; the policy looks for 'dev'",
        "1 cluster carries 'environment: prod'; the policy looks for 'production'",
    ]
