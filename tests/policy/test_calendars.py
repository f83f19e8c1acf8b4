"""Closed days: public holidays of a place, and what a policy closes and opens."""

import subprocess
import sys
from datetime import date

import pytest

from shared.policy.calendars import Calendar, check_country

BERLIN = Calendar(
    name="berlin",
    country="DE",
    subdivision="BE",
    closed=((date(2026, 12, 24), date(2026, 12, 24)), (date(2026, 12, 27), date(2026, 12, 31))),
    open=frozenset({date(2026, 5, 1), date(2026, 12, 29)}),
)


@pytest.mark.parametrize(
    ("day", "reason"),
    [
        (date(2026, 1, 1), "New Year's Day"),
        (date(2026, 1, 2), None),
        (date(2026, 3, 8), "Women's Day"),
        (date(2026, 4, 3), "Good Friday"),
        (date(2026, 4, 5), None),
        (date(2026, 4, 6), "Easter Monday"),
        (date(2026, 5, 14), "Ascension Day"),
        (date(2026, 10, 3), "German Unity Day"),
        (date(2026, 10, 31), None),
        (date(2026, 12, 23), None),
        (date(2026, 12, 24), "closed"),
        (date(2026, 12, 25), "Christmas Day"),
        (date(2026, 12, 27), "closed"),
        (date(2026, 12, 31), "closed"),
        (date(2027, 1, 1), "New Year's Day"),
    ],
)
def test_berlin_through_2026(day, reason):
    """Women's Day is a holiday in Berlin and not in Germany; Reformation Day is one next door in Brandenburg."""
    assert BERLIN.closed_on(day) == reason


def test_open_beats_a_holiday():
    """1 May is Labour Day in Berlin, and people of this calendar work."""
    assert Calendar("plain", "DE", "BE").closed_on(date(2026, 5, 1)) == "Labor Day"
    assert BERLIN.closed_on(date(2026, 5, 1)) is None


def test_open_beats_a_closed_range_towards_running():
    assert BERLIN.closed_on(date(2026, 12, 28)) == "closed"
    assert BERLIN.closed_on(date(2026, 12, 29)) is None


def test_a_holiday_keeps_its_name_inside_a_closed_range():
    shut = Calendar("shut", "DE", closed=((date(2026, 12, 24), date(2027, 1, 3)),))
    assert shut.closed_on(date(2026, 12, 26)) == "Second Day of Christmas"


def test_without_a_country_only_its_own_dates_are_closed():
    mine = Calendar("mine", closed=((date(2028, 2, 29), date(2028, 2, 29)),))
    assert mine.closed_on(date(2028, 12, 25)) is None
    assert mine.closed_on(date(2028, 2, 29)) == "closed"


def test_a_day_in_lieu_is_closed_even_in_the_year_before():
    """1 January 2022 was a Saturday: the United States had the Friday off, in 2021. Boxing Day 2026 moves to Monday."""
    assert Calendar("us", "US").closed_on(date(2021, 12, 31)) == "New Year's Day (observed)"
    assert Calendar("uk", "GB", "ENG").closed_on(date(2026, 12, 28)) == "Boxing Day (observed)"


def test_a_leap_day_and_a_moving_feast():
    """29 February 2024 was a day of work; Easter Monday and Deepavali move, and Karnataka keeps a day of its own."""
    assert BERLIN.closed_on(date(2024, 2, 29)) is None
    assert BERLIN.closed_on(date(2024, 4, 1)) == "Easter Monday"
    assert Calendar("bangalore", "IN", "KA").closed_on(date(2026, 11, 1)) == "Karnataka Rajyotsava"


def test_the_names_of_holidays_do_not_depend_on_the_language_of_the_machine():
    """The package asks the environment for a language: Belgium's New Year was Nouvel An here and Nieuwjaar there."""
    program = (
        "from datetime import date; from shared.policy.calendars import Calendar;"
        "print([Calendar(c, c).closed_on(date(2026, 1, 1)) for c in ('BE', 'CH', 'CA', 'JP', 'NZ')])"
    )
    said = {
        language: subprocess.run(
            [sys.executable, "-c", program],
            env={"LANGUAGE": language, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for language in ("C", "fr")
    }
    assert said["C"] == said["fr"] == str(["New Year's Day"] * 5)


def test_a_calendar_is_a_value():
    assert Calendar("a", "DE", "BE") == Calendar("a", "DE", "BE")
    assert len({Calendar("a", "DE", "BE"), Calendar("a", "DE", "BE"), Calendar("a", "DE", "BB")}) == 2


def test_a_closed_range_that_ends_before_it_begins_is_refused():
    with pytest.raises(ValueError, match="calendar 'x' closes from 2026-12-31 to 2026-12-27, which ends before"):
        Calendar("x", closed=((date(2026, 12, 31), date(2026, 12, 27)),))


@pytest.mark.parametrize(
    ("country", "subdivision"),
    [
        (None, None),
        ("DE", None),
        ("NO", None),
        ("DEU", "BE"),
        ("UK", "SCT"),
        ("GB", "SCT"),
        ("DE", "Berlin"),
        ("SG", None),
    ],
)
def test_known_countries_and_parts(country, subdivision):
    """NO is Norway, whatever YAML 1.1 made of it."""
    check_country(country, subdivision)


def test_a_part_may_be_written_by_name():
    assert Calendar("a", "DE", "Berlin").closed_on(date(2026, 3, 8)) == "Women's Day"


@pytest.mark.parametrize(
    ("country", "subdivision", "sentence"),
    [
        ("de", None, "country 'de'; expected an ISO 3166-1 code such as DE; did you mean DE?"),
        ("Germany", None, "country 'Germany'; expected an ISO 3166-1 code such as DE; did you mean DE?"),
        ("Germani", None, "did you mean DE"),
        ("England", None, "country 'England'; expected an ISO 3166-1 code such as DE"),
        ("ZZ", None, "no public holidays are known for country 'ZZ'; expected an ISO 3166-1 code such as DE"),
        (None, "BE", "subdivision 'BE' needs a country, such as {country: DE, subdivision: BE}"),
        ("DE", "DE-BE", "country 'DE' has no subdivision 'DE-BE'; expected one of Augsburg, BB, BE, BW,"),
        ("DE", "DE-BE", "did you mean BE?"),
        ("DE", "be", "did you mean BE?"),
        ("DE", "Bayren", "did you mean BY?"),
        ("SG", "X", "country 'SG' has no subdivision 'X'; expected none"),
    ],
)
def test_an_unknown_place_is_refused_in_one_sentence_with_what_may_be_meant(country, subdivision, sentence):
    with pytest.raises(ValueError, match="country") as refusal:
        Calendar("x", country, subdivision)
    assert sentence in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_two_letters_are_not_near_to_every_other_two_letters():
    with pytest.raises(ValueError, match=r"such as DE$"):
        check_country("QQ", None)
