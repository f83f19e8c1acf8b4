"""Which zones a policy may name, and what people are told otherwise."""

from datetime import datetime

import pytest

from shared.policy.schedule import Schedule, check_zone, instant


@pytest.mark.parametrize(
    "name",
    [
        "UTC",
        "Europe/Berlin",
        "Asia/Kolkata",
        "America/Argentina/Buenos_Aires",
        "America/Port-au-Prince",
        "America/Blanc-Sablon",
        "America/North_Dakota/New_Salem",
        "Etc/GMT+5",
        "Antarctica/DumontDUrville",
        "US/Eastern",
    ],
)
def test_sharp_edge_9_every_iana_name_with_an_area_is_known(name):
    """kube-downscaler's own pattern had no room for a hyphen, a plus sign or a digit."""
    check_zone(name)
    assert Schedule("x", name, ()).zone == name
    assert instant(datetime.fromisoformat("2026-11-16T12:00"), name, ends=False).utcoffset().total_seconds() == 0


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("CET", "Europe/Berlin"),
        ("CEST", "Europe/Berlin"),
        ("EST", "America/New_York"),
        ("PST8PDT", "America/Los_Angeles"),
        ("EST5EDT", "America/New_York"),
        ("IST", "Asia/Kolkata, Europe/Dublin or Asia/Jerusalem"),
        ("GMT", "Europe/London or UTC"),
        ("Z", "UTC"),
    ],
)
def test_sharp_edge_9_abbreviations_are_refused_with_the_reason(name, meant):
    """Custodian reads `ist` as Dublin and `est` as New York; IST is India's time as well, and EST stands still."""
    with pytest.raises(ValueError, match="is an abbreviation, which can mean several places or stand still") as refusal:
        Schedule("x", name, ())
    assert str(refusal.value).startswith(f"time zone '{name}' is an abbreviation")
    assert str(refusal.value).endswith(f"expected an IANA name such as Europe/Berlin; did you mean {meant}?")


@pytest.mark.parametrize(
    ("name", "problem", "meant"),
    [
        ("europe/berlin", "is not known", "did you mean Europe/Berlin?"),
        ("Europe/berlin", "is not known", "did you mean Europe/Berlin?"),
        ("Europe/Berlni", "is not known", "did you mean Europe/Berlin"),
        ("Berlin", "is not known", "did you mean Europe/Berlin?"),
        ("America/New York", "is not known", "did you mean America/New_York?"),
        ("New York", "is not known", "did you mean America/New_York?"),
        ("Germany/Berlin", "is not known", "did you mean Europe/Berlin?"),
        ("ist", "is not known", "did you mean Asia/Kolkata, Europe/Dublin or Asia/Jerusalem?"),
        ("Singapore", "is an old alias", "did you mean Asia/Singapore?"),
        ("AEST", "is an abbreviation", "such as Europe/Berlin"),
        ("W. Europe Standard Time", "is not known", "such as Europe/Berlin"),
        ("+02:00", "is not known", "such as Europe/Berlin"),
        ("America/Argentina", "is not known", "such as Europe/Berlin"),
        ("../../etc/passwd", "is not known", "such as Europe/Berlin"),
        ("right/Europe/Berlin", "is not known", "such as Europe/Berlin"),
        ("", "is not known", "such as Europe/Berlin"),
    ],
)
def test_an_unknown_zone_is_refused_with_what_may_be_meant(name, problem, meant):
    """Case matters: a laptop whose disk ignores it must not accept what the cloud refuses."""
    with pytest.raises(ValueError, match="expected an IANA name such as Europe/Berlin") as refusal:
        check_zone(name)
    assert str(refusal.value).startswith(f"time zone '{name}' {problem}")
    assert meant in str(refusal.value)
