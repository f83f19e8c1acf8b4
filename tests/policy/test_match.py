"""Which clusters a block means: globs without case, all keys of a block, any value of a key, any block of a list."""

import pytest

from shared.policy.match import Block, any_of, fits
from tests.policy.builders import SUBSCRIPTION, cluster


@pytest.mark.parametrize(
    ("text", "glob", "expected"),
    [
        ("Shop-PROD-01", "*prod*", True),
        ("product", "prod", False),
        ("web", "WEB", True),
        ("web-1", "web-?", True),
        ("web-10", "web-?", False),
        ("web-3", "web-[1-3]", True),
        ("a.b", "a?b", True),
        ("a+b", "a+b", True),
        ("", "*", True),
        ("line\nbreak", "line*", True),
        ("Straße", "strasse", True),
    ],
)
def test_a_glob_fits_the_whole_text_without_case(text, glob, expected):
    assert fits(text, (glob,)) is expected


def test_any_of_several_globs():
    assert fits("sbx-1", ("dev-*", "sbx-*"))
    assert not fits("prd-1", ("dev-*", "sbx-*"))


class TestBlock:
    def test_an_empty_block_matches_nothing(self):
        """Else a slip of the pen would mean every cluster."""
        assert not Block().matches(cluster(), "dev")

    @pytest.mark.parametrize(
        "block",
        [
            Block(names=("we*",)),
            Block(resource_groups=("RG",)),
            Block(subscriptions=(SUBSCRIPTION,)),
            Block(locations=("west*",)),
            Block(environments=("dev",)),
            Block(tags={"team": ("ops",)}),
        ],
    )
    def test_each_key(self, block):
        mine, other = (
            cluster(tags={"Team": "OPS"}),
            cluster("api", location="eastus", resource_group="x", subscription="y"),
        )
        assert block.matches(mine, "dev")
        assert not block.matches(other, "staging")

    def test_all_keys_of_a_block_must_hold(self):
        block = Block(names=("web",), environments=("staging",))
        assert not block.matches(cluster(), "dev")
        assert block.matches(cluster(), "staging")

    def test_all_tags_must_hold_with_any_of_their_values(self):
        block = Block(tags={"environment": ("dev", "test"), "team": ("ops",)})
        assert block.matches(cluster(tags={"team": "ops"}), None)
        assert not block.matches(cluster(tags={"team": "web"}), None)
        assert not block.matches(cluster(), None)

    def test_no_environment_is_named_by_nothing(self):
        assert not Block(environments=("*",)).matches(cluster(), None)


class TestMatcher:
    def test_any_block_of_a_list(self):
        either = any_of([Block(names=("api",)), Block(names=("web",))])
        assert either.matches(cluster("web"), None)
        assert either.matches(cluster("api"), None)
        assert not either.matches(cluster("db"), None)
        assert not any_of([]).matches(cluster(), None)

    def test_the_environments_it_names(self):
        both = any_of([Block(environments=("Dev", "prod")), Block(names=("x",))])
        assert both.environments == frozenset({"dev", "prod"})
