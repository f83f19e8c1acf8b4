"""Looking an answer up gives what matching would have given, for every cluster, however many look alike."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.model.fleet import Cluster
from shared.policy import lookup
from shared.policy.bound import UNMATCHED
from shared.policy.document import Policy, read_policy
from shared.policy.lookup import Lookup
from shared.policy.match import Block, Matcher

POLICY = read_policy(
    """
version: 1
environments:
  - {name: prod, production: true, match: [{tags: {env: [prod*]}}, {names: ["*prod*"], locations: [we*]}]}
  - {name: dev, match: {tags: {env: dev}}, except: {resource_groups: [rg-2]}}
  - {name: rest, match: {names: ["a*"], subscriptions: [22222222-2222-2222-2222-222222222222]}}
rules:
  - {name: r1, match: {environments: [dev, prod], names: ["*1"]}, hours: {schedule: always}}
  - {name: r2, match: {tags: {team: [a, b], env: "*"}}, except: {tags: {team: b, env: prod}}, hours: {schedule: always}}
  - {name: r3, hours: {schedule: always}}
""",
    "policy.yaml",
)

CLUSTERS = st.builds(
    Cluster,
    id=st.just("/c"),
    name=st.sampled_from(["a1", "A-PROD", "b-prod-1", "b", "prod"]),
    resource_group=st.sampled_from(["rg-1", "RG-2"]),
    subscription=st.sampled_from(["22222222-2222-2222-2222-222222222222", "11111111-1111-1111-1111-111111111111"]),
    location=st.sampled_from(["westeurope", "northeurope", ""]),
    tags=st.dictionaries(
        st.sampled_from(["env", "ENV", "team", "Team"]), st.sampled_from(["dev", "Prod", "a", "B"]), max_size=2
    ),
)


def environment_by_matching(policy: Policy, cluster: Cluster) -> str | None:
    held = [
        entry.environment
        for entry in policy.environments
        if entry.match.matches(cluster, None) and not (entry.unless and entry.unless.matches(cluster, None))
    ]
    first = next((one for one in held if one.production), held[0] if held else UNMATCHED)
    return first.name


@given(CLUSTERS)
@settings(max_examples=500)
def test_the_environment_is_the_one_that_matching_finds(cluster: Cluster) -> None:
    assert POLICY.environment_of(cluster).name == environment_by_matching(POLICY, cluster)


@given(CLUSTERS)
@settings(max_examples=500)
def test_the_rules_are_those_that_matching_finds(cluster: Cluster) -> None:
    place = POLICY.environment_of(cluster)
    found = {rule.name for rule in POLICY.rules_for(cluster, place)}
    for rule in POLICY.rules:
        speaks = rule.match is None or rule.match.matches(cluster, place.name)
        excepted = rule.unless is not None and rule.unless.matches(cluster, place.name)
        named = rule.name == "r1"
        assert (rule.name in found) == (
            speaks and not excepted and (not place.production or (named and place.name == "prod"))
        )


def test_clusters_that_look_alike_are_concluded_about_once() -> None:
    asked: list[str] = []

    def conclude(cluster: Cluster, environment: str) -> str:
        asked.append(cluster.name)
        return environment

    kept = Lookup([Matcher((Block(names=("a*",), tags={"env": ("dev",)}),)), None], conclude)
    for number in range(100):
        one = Cluster(f"/{number}", f"a{number}", "rg", "s", tags={"env": "dev", "number": str(number)})
        assert kept.ask(one, "dev") == "dev"
    assert asked == ["a0"]
    assert kept.ask(Cluster("/b", "b", "rg", "s", tags={"env": "dev"}), "dev") == "dev"
    assert asked == ["a0", "b"]


def test_memory_is_bounded() -> None:
    """A fleet may have more names than are kept; answers stay right."""
    kept = Lookup([Matcher((Block(names=("*7",)),))], lambda cluster, _: cluster.name.endswith("7"))
    for number in [*range(lookup.KEPT + 10), 7, 8]:
        assert kept.ask(Cluster(f"/{number}", f"c{number}", "rg", "s"), "") is (number % 10 == 7)
    assert kept.remembered <= lookup.KEPT
