"""Days on which nobody works: public holidays of a country, and dates that a policy closes or opens.

Public holidays come from the `holidays` package, their names in English where it has them. It is imported with the
first country that is asked for, since it costs a tenth of a second of a cold start.
From: https://holidays.readthedocs.io
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Calendar:
    """Which local dates are closed. Raises ValueError for an unknown country or a range that ends before it begins."""

    name: str
    country: str | None = None
    """ISO 3166-1 code, two or three letters in upper case; None: no public holidays."""
    subdivision: str | None = None
    """A part of the country with holidays of its own, such as BE for Berlin."""
    closed: tuple[tuple[date, date], ...] = ()
    """First and last date of each closed range, both included."""
    open: frozenset[date] = frozenset()
    """Dates on which people work, whatever else is said about them."""

    def __post_init__(self) -> None:
        check_country(self.country, self.subdivision)
        for first, last in self.closed:
            if last < first:
                raise ValueError(
                    f"calendar '{self.name}' closes from {first} to {last}, which ends before it begins; "
                    "expected a range such as {from: 2026-12-27, to: 2026-12-31}",
                )

    def closed_on(self, day: date) -> str | None:
        """The name of the holiday, "closed" for a date that the policy closes, None for a day of work.

        >>> berlin = Calendar("berlin", "DE", "BE")
        >>> berlin.closed_on(date(2026, 3, 8)), berlin.closed_on(date(2026, 3, 9))
        ("Women's Day", None)
        """
        if day in self.open:
            return None
        if self.country is not None:
            holiday = _holidays(self.country, self.subdivision, day.year).get(day)
            if holiday is not None:
                return holiday
        return CLOSED if any(first <= day <= last for first, last in self.closed) else None


@lru_cache(maxsize=1024)
def check_country(country: str | None, subdivision: str | None) -> None:
    """Raise ValueError, with near misses, unless public holidays of that country and part of it are known.

    >>> check_country("DE", "Bayen")
    Traceback (most recent call last):
        ...
    ValueError: country 'DE' has no subdivision 'Bayen'; expected one of Augsburg, BB, BE, BW, BY, HB, HE, HH, MV, NI, \
NW, RP, SH, SL, SN, ST, TH; did you mean BY?
    """
    if country is None:
        if subdivision is not None:
            raise ValueError(f"subdivision '{subdivision}' needs a country, such as {{country: DE, subdivision: BE}}")
        return
    from holidays.registry import COUNTRIES  # noqa: PLC0415 - see the module's first words

    names = {name: entity[1] for entity in COUNTRIES.values() for name in entity}
    codes = {name for entity in COUNTRIES.values() for name in entity[1:] if name.isupper()}
    if country not in codes:
        raise ValueError(
            f"no public holidays are known for country '{country}'; expected an ISO 3166-1 code such as DE"
            f"{_near(country, names)}",
        )
    parts = _parts(country)
    if subdivision is None or subdivision in parts:
        return
    expected = f"one of {', '.join(sorted(set(parts.values())))}" if parts else "none"
    near = _near(subdivision.removeprefix(f"{country}-"), parts)
    raise ValueError(f"country '{country}' has no subdivision '{subdivision}'; expected {expected}{near}")


@lru_cache(maxsize=256)
def _parts(country: str) -> Mapping[str, str]:
    """Codes and names of a country's subdivisions, each with its code."""
    import holidays  # noqa: PLC0415 - see the module's first words

    entity = holidays.country_holidays(country)
    return {code: code for code in entity.subdivisions} | dict(entity.subdivisions_aliases)


@lru_cache(maxsize=1024)
def _holidays(country: str, subdivision: str | None, year: int) -> Mapping[date, str]:
    """Public holidays of one year; two on one day are joined by '; '. A day given in lieu counts."""
    import holidays  # noqa: PLC0415 - see the module's first words

    # Without a language the package asks the environment for one: the same policy would speak differently elsewhere.
    return dict(holidays.country_holidays(country, subdiv=subdivision, years=year, language="en_US"))


def _near(asked: str, known: Mapping[str, str]) -> str:
    """'; did you mean X?' or nothing. `known` has what people write, with the right code for it."""
    from difflib import get_close_matches  # noqa: PLC0415 - only on the way to an error

    folded = {name.casefold(): code for name, code in known.items()}
    exact = folded.get(asked.casefold())
    if exact is not None:
        return f"; did you mean {exact}?"
    # Two or three letters are near to everything: only names are compared.
    names = [name for name in folded if len(name) > 3]
    close = dict.fromkeys(folded[name] for name in get_close_matches(asked.casefold(), names, cutoff=0.7))
    return f"; did you mean {' or '.join(close)}?" if close else ""
