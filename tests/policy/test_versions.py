"""Versions are numbers; a target is never a preview, never down, and no minor version is skipped without LTS."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.versions import Line, Offer, Release, Releases, Version
from shared.policy.support_dates import calendar_releases, older_than_calendar, support_ends_on
from shared.policy.versions import goal, image_release, next_step, skew


def line(minor: int, *patches: int, **more) -> Release:
    return Release(Line(1, minor), tuple(Version(1, minor, patch) for patch in patches), **more)


HERE = Releases(
    (
        line(33, 9, 10, official=False, lts=True),
        line(34, 2, 10),
        line(35, 0, 1),
        line(36, 0, 3),
        line(37, 0, preview=True),
    )
)
NOW_ON = Version(1, 34, 2)


@pytest.mark.parametrize(
    ("to", "lts", "expected"),
    [
        ("patch", False, "1.34.10"),
        ("stable", False, "1.35.1"),
        ("latest", False, "1.36.3"),
        ("1.35", False, "1.35.1"),
        ("1.35.0", False, "1.35.0"),
        ("1.35.7", False, None),
        ("1.37", False, None),
        ("1.33", True, "1.34.2"),
        ("1.33", False, None),
        ("newest", False, None),
    ],
)
def test_where_a_cluster_should_end(to, lts, expected):
    found = goal(to, NOW_ON, HERE, lts=lts)
    assert (None if found is None else str(found)) == expected


def test_numbers_are_compared_not_texts():
    assert Version.read("1.9.10") < Version.read("1.10.2")
    assert goal("patch", Version(1, 34, 9), HERE, lts=False) == Version(1, 34, 10)


@pytest.mark.parametrize(
    "text", ["", None, "1", "1.", "1.x", "-1.2", "1.35.2-preview", "\uff11.\uff13\uff15", 1.35, "1.35.2\n9"]
)
def test_what_is_no_version_is_unknown(text):
    assert Version.read(text) is None


def test_nothing_is_known_of_an_empty_region():
    for to in ("patch", "stable", "latest", "1.35"):
        assert goal(to, NOW_ON, Releases(), lts=False) is None


def test_a_region_with_one_line_has_no_line_but_one():
    assert goal("stable", NOW_ON, Releases((line(34, 2),)), lts=False) is None


def test_a_patch_of_a_preview_is_nobodys_goal():
    assert goal("patch", Version(1, 37, 0), HERE, lts=False) is None


OFFERS = (Offer(Version(1, 34, 10)), Offer(Version(1, 35, 0)), Offer(Version(1, 35, 1)), Offer(Version(1, 36, 3)))


@pytest.mark.parametrize(
    ("target", "lts", "expected"),
    [
        (Version(1, 36, 3), False, "1.35.1"),
        (Version(1, 36, 3), True, "1.36.3"),
        (Version(1, 35, 0), False, "1.35.0"),
        (Version(1, 34, 10), False, "1.34.10"),
        (Version(1, 34, 2), False, None),
    ],
)
def test_the_next_step(target, lts, expected):
    found = next_step(NOW_ON, target, OFFERS, lts=lts)
    assert (None if found is None else str(found)) == expected


versions = st.builds(Version, st.just(1), st.integers(28, 40), st.integers(0, 12))
offers = st.lists(st.builds(Offer, versions, st.booleans()), max_size=12)


@given(versions, versions, offers, st.booleans())
def test_a_step_is_offered_upwards_and_skips_no_line_without_lts(current, target, some, lts):
    step = next_step(current, target, some, lts=lts)
    if step is not None:
        assert Offer(step) in some
        assert current < step <= target
        assert lts or step.minor - current.minor <= 1


def test_skew_counts_minor_versions():
    assert skew(Version(1, 36, 0), Version(1, 34, 9)) == 2
    assert skew(Version(1, 34, 0), Version(1, 35, 0)) == -1
    assert skew(Version(2, 0, 0), Version(1, 35, 0)) > 3


def test_releases_of_images_are_numbers():
    older, newer = (image_release(f"AKSUbuntu-2204gen2containerd-{one}") for one in ("202609.7.0", "202609.22.0"))
    assert older < newer
    assert [image_release(text) for text in (None, "", "AKSUbuntu", "a-1", "a-1.x")] == [None] * 5


def test_the_calendar_knows_when_support_ends():
    assert support_ends_on(Line(1, 30), lts=False) == date(2025, 8, 22)
    assert support_ends_on(Line(1, 36), lts=True) == date(2028, 6, 30)
    assert support_ends_on(Line(1, 60), lts=False) is None
    assert older_than_calendar(Line(1, 20))
    assert not older_than_calendar(Line(1, 60))


def test_the_calendar_stands_in_for_azure_without_patches():
    known = calendar_releases(date(2026, 11, 28))
    assert known.assumed
    assert [str(one.line) for one in known.lines if one.official] == ["1.34", "1.35", "1.36", "1.37"]
    assert str(goal("stable", Version(1, 34, 0), known, lts=False)) == "1.36.0"
    assert goal("patch", Version(1, 34, 2), known, lts=False) == Version(1, 34, 2)
