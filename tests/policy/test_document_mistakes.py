"""A bad policy file: every mistake at once, each with file, line, path, the bad value and a good example."""

from __future__ import annotations

import re
from textwrap import dedent

import pytest

from shared.errors import PolicyError, Problem
from shared.policy.document import read_policy


def problems(text: str) -> tuple[Problem, ...]:
    with pytest.raises(PolicyError) as refused:
        read_policy(dedent(text), "policy.yaml")
    return refused.value.problems


def problem(text: str) -> Problem:
    """The one problem of a file; `version: 1` is put before it."""
    found = problems("version: 1\n" + dedent(text))
    assert len(found) == 1, "\n".join(map(str, found))
    return found[0]


@pytest.mark.parametrize(
    ("text", "path", "message", "expected"),
    [
        # head
        ("mode: acting", "mode", "'acting' is not accepted here", "did you mean 'act'?"),
        ("mode: on", "mode", "'on' is not accepted here", "expected one of plan, act"),
        ("mode: 3.10", "mode", "3.10 is not accepted here", "expected one of plan, act"),
        ("mode:", "mode", "there is no value", "expected a value, or no such line"),
        ("timezone: CET", "timezone", "time zone 'CET' is an abbreviation", "Europe/Berlin"),
        ("timezone: Europe/Berln", "timezone", "time zone 'Europe/Berln' is not known", "Europe/Berlin"),
        ("timezone: [UTC]", "timezone", "a list is no text", "such as Europe/Berlin"),
        ("scope: everything", "scope", "'everything' is not accepted here", "expected all"),
        ("scope: {}", "scope", "an empty scope holds no cluster", "{management_groups: [platform-nonprod]}"),
        ("scope: {subscriptions: abc}", "scope.subscriptions", "'abc' is no subscription id", "a GUID"),
        ("scope: {subscriptions: [2222*]}", "scope.subscriptions[0]", "'2222*' is no subscription id", "a GUID"),
        ("scope: {management_groups: [a b]}", "scope.management_groups[0]", "'a b' is no id", "platform-nonprod"),
        ("scope: {management_groups: [ends.]}", "scope.management_groups[0]", "'ends.' is no id", "platform-nonprod"),
        ("scope: {subscription: []}", "scope.subscription", "the key 'subscription' is not known here", "'subscriptions'"),
        ("shedules: {}", "shedules", "the key 'shedules' is not known here", "did you mean 'schedules'?"),
        ("zzz: {}", "zzz", "the key 'zzz' is not known here", "expected one of version, mode, timezone"),
        # digest
        ("digest: [a]", "digest", "a list is no mapping", "the keys weekly"),
        ("digest: {weekly: Mon 08:00}", "digest.audiences", "nobody is told", "{name: finance, to: [FINANCE_CHANNEL]}"),
        ("digest: {audiences: [{name: a, to: A}]}", "digest.weekly", "the key 'weekly' is missing", "weekly: Mon 08:00"),
        ("digest: {weekly: Mon, audiences: [{name: a, to: A}]}", "digest.weekly", "'Mon' is no time of the week", "Mon 08:00"),
        ("digest: {weekly: Mun 08:00, audiences: [{name: a, to: A}]}", "digest.weekly", "'Mun 08:00' is no time", "Mon 08:00"),
        ("digest: {weekly: Mon 24:00, audiences: [{name: a, to: A}]}", "digest.weekly", "'Mon 24:00' is no time", "Mon 08:00"),
        ("digest: {weekly: [Mon 08:00], audiences: [{name: a, to: A}]}", "digest.weekly", "a list is no time", "Mon 08:00"),
        ("digest: {weekly: Mon 08:00, audience: [], audiences: [{name: a, to: A}]}", "digest.audience", "the key 'audience' is not known", "did you mean 'audiences'?"),
        ("digest: {weekly: Mon 08:00, audiences: [{name: a}]}", "digest.audiences[0].to", "the key 'to' is missing", "to: [FINANCE_CHANNEL]"),
        ("digest: {weekly: Mon 08:00, audiences: [{name: a, to: 'slack://x'}]}", "digest.audiences[0].to", "this is no name of an app setting", "OPERATORS_CHANNEL"),
        ("digest: {weekly: Mon 08:00, audiences: [{name: a, to: A}, {name: A, to: B}]}", "digest.audiences[1].name", "the name 'A' is taken", "another name"),
        ("digest: {weekly: Mon 08:00, audiences: [{name: a, to: A, match: {environments: x}}]}", "digest.audiences[0].match.environments", "there is no environment 'x'", ""),
        # environments
        ("environments: {dev: 1}", "environments", "'environments' is no list", "'- ' before each entry"),
        ("environments: [dev]", "environments[0]", "'dev' is no mapping", "the keys name, production, match"),
        ("environments: [{name: dev}]", "environments[0].match", "the key 'match' is missing", "{environment: dev}"),
        ("environments: [{match: {names: a}}]", "environments[0].name", "the key 'name' is missing", "name: dev"),
        ("environments: [{name: '*', match: {names: a}}]", "environments[0].name", "'*' is no name", "such as dev"),
        ("environments: [{name: '', match: {names: a}}]", "environments[0].name", "there is nothing in it", "dev"),
        ("environments: [{name: [a], match: {names: a}}]", "environments[0].name", "a list is no text", "dev"),
        (
            "environments: [{name: a, production: yes, match: {names: a}}]",
            "environments[0].production", "'yes' is neither true nor false", "such as true",
        ),
        ("environments: [{name: a, match: []}]", "environments[0].match", "there is nothing in it", "environment: dev"),
        ("environments: [{name: a, match: {}}]", "environments[0].match", "an empty block matches nothing", "sbx-*"),
        ("environments: [{name: a, match: {tags: {}}}]", "environments[0].match.tags", "there is nothing in it", "dev"),
        ("environments: [{name: a, match: {tags: x}}]", "environments[0].match.tags", "'x' is no mapping", "environment"),
        ("environments: [{name: a, match: {tags: {x: }}}]", "environments[0].match.tags.x", "there is no value", ""),
        ("environments: [{name: a, match: {names: [a, null]}}]", "environments[0].match.names[1]", "there is no value", ""),
        (
            "environments: [{name: a, match: [{names: b}, {name: b}]}]",
            "environments[0].match[1].name", "the key 'name' is not known here", "did you mean 'names'",
        ),
        (
            "environments: [{name: a, match: {environments: [a]}}]",
            "environments[0].match.environments", "the key 'environments' is not known here", "tags",
        ),
        (
            "environments: [{name: a, match: {subscriptions: [1]}}]",
            "environments[0].match.subscriptions[0]", "'1' is no subscription id", "a GUID",
        ),
        (
            "environments: [{name: Dev, match: {names: a}}, {name: dEV, match: {names: a}}]",
            "environments[1].name", "the name 'dEV' is taken, first in line 2", "upper and lower case are one",
        ),
        # idle
        ("rules: [{name: a, idle: {learn: true}}]", "rules[0].idle.after", "the key 'after' is missing", "after: 2h"),
        ("environments: [{name: dev, match: {names: a}, idle: {afer: 2h}}]", "environments[0].idle.afer", "the key 'afer' is not known here", "did you mean 'after'?"),
        ("environments: [{name: dev, match: {names: a}, idle: {after: 0m}}]", "environments[0].idle", "longer than 0m", ""),
        ("environments: [{name: dev, match: {names: a}, idle: 2h}]", "environments[0].idle", "'2h' is no mapping", "after"),
        ("environments: [{name: dev, match: {names: a}, idle: {calendar: c}}]", "environments[0].idle.calendar", "there is no calendar 'c'", ""),
        ("environments: [{name: dev, match: {names: a}, hours: {schedule: always}}]", "environments[0].hours", "the key 'hours' is not known here", ""),
        ("rules: [{name: a, idle: {after: 2h, calendar: c}}]", "rules[0].idle.calendar", "there is no calendar 'c'", "under calendars"),
        ("rules: [{name: a, idle: {after: 2h, calendar: berlun}}]\ncalendars: {berlin: {country: DE}}", "rules[0].idle.calendar", "there is no calendar 'berlun'", "did you mean 'berlin'?"),
        ("rules: [{name: a, idle: {after: 2h, calendar: [c]}}]", "rules[0].idle.calendar", "a list is no text", "berlin"),
        ("rules: [{name: a, idle: {after: 2h, signals: {service_accounts: []}}}]", "rules[0].idle.signals.service_accounts", "there is nothing in it", "system:*"),
        ("rules: [{name: a, idle: {after: 2h, signals: {system_namespaces: [[a]]}}}]", "rules[0].idle.signals.system_namespaces[0]", "a list is no text", "kube-system"),
        # calendars
        ("calendars: [a]", "calendars", "'calendars' is no mapping", "'name:' before each entry"),
        ("calendars: {a: {country: XX}}", "calendars.a.country", "country 'XX'", "such as DE"),
        ("calendars: {a: {country: DE, subdivision: XX}}", "calendars.a.subdivision", "no subdivision 'XX'", "BE"),
        ("calendars: {a: {subdivision: BE}}", "calendars.a.subdivision", "needs a country", ""),
        ("calendars: {a: {country: [DE]}}", "calendars.a.country", "a list is no text", "such as DE"),
        ("calendars: {a: {closed: tomorrow}}", "calendars.a.closed", "'tomorrow' is no date", "2026-12-24"),
        ("calendars: {a: {closed: [2026-02-30]}}", "calendars.a.closed[0]", "'2026-02-30' is no date: day", "2026-12-24"),
        ("calendars: {a: {closed: [[1]]}}", "calendars.a.closed[0]", "a list is no date", "2026-12-24"),
        ("calendars: {a: {open: [{from: 1}]}}", "calendars.a.open[0]", "a mapping is no date", "2026-12-24"),
        (
            "calendars: {a: {closed: [{from: 2026-12-31, to: 2026-12-27}]}}",
            "calendars.a.closed[0]", "2026-12-31 to 2026-12-27 ends before it begins", "{from: 2026-12-27, to: 2026-12-31}",
        ),
        ("calendars: {a: {closed: [{from: 2026-12-31}]}}", "calendars.a.closed[0].to", "the key 'to' is missing", "to: 2026"),
        # schedules
        ("schedules: {always: {running: Mon 08:00-09:00}}", "schedules.always", "the schedule 'always' is built in", "office"),
        ("schedules: {a: {running: Mon 8:00-9:00}, A: {running: Mon 8:00-9:00}}", "schedules.A", "the name 'A' is taken by 'a'", ""),
        ("schedules: {a: {running: []}}", "schedules.a.running", "there is nothing in it", "Mon-Fri 07:30-19:00"),
        ("schedules: {a: {}}", "schedules.a.running", "the key 'running' is missing", "running: [Mon-Fri 07:30-19:00]"),
        ("schedules: {a: {running: [Fry 8:00-9:00]}}", "schedules.a.running[0]", "'Fry' is no day", ""),
        ("schedules: {a: {running: [[x]]}}", "schedules.a.running[0]", "a list is no window", "Mon-Fri 07:30-19:00"),
        ("schedules: {a: {running: [Mon, Tue 8:00-9:00]}}", "schedules.a.running[0]", "'Mon' has no times", "['Mon,Wed 07:30-19:00']"),
        ("schedules: {a: {running: [{from: 8, to: 2026-12-01}]}}", "schedules.a.running[0].from", "8 is no point in time", "2026-12-18T18:00"),
        (
            "schedules: {a: {running: [{from: 2026-12-06, to: 2026-12-05}]}}",
            "schedules.a.running[0]", "does not end after it begins", "{from: 2026-12-05T08:00",
        ),
        (
            "schedules: {a: {running: [{from: 2026-12-05T08:00Z, to: 2026-12-06}]}}",
            "schedules.a.running[0]", "has an offset", "local to the schedule",
        ),
        ("schedules: {a: {running: Mon 8:00-9:00, timezone: IST}}", "schedules.a.timezone", "'IST' is an abbreviation", "Asia/Kolkata"),
        ("schedules: {a: {running: Mon 8:00-9:00, calendar: b}}", "schedules.a.calendar", "there is no calendar 'b'", "under calendars"),
        # freezes
        ("freezes: [{name: a, from: 2026-12-05, to: 2026-12-04, hold: stop}]", "freezes[0].to", "the freeze 'a' does not end", "later time"),
        ("freezes: [{name: a, from: 2026-12-05, to: 2026-12-06, hold: upgrades}]", "freezes[0].hold", "'upgrades' is not accepted here", "'upgrade'"),
        ("freezes: [{name: a, from: 2026-12-05, to: 2026-12-06, hold: []}]", "freezes[0].hold", "there is nothing in it", "upgrade"),
        ("freezes: [{name: a, from: 2026-13-05, to: 2026-12-06, hold: stop}]", "freezes[0].from", "'2026-13-05' is no point in time", ""),
        ("freezes: [{name: a, from: 0001-01-01, to: 2026-12-06, hold: stop}]", "freezes[0].from", "is out of range", "2026-12-18"),
        # rules
        ("rules: [{name: a}]", "rules[0]", "the rule says nothing", "hours: {schedule: office}"),
        ("rules: [a]", "rules[0]", "'a' is no mapping", "name"),
        ("rules: {a: {}}", "rules", "'rules' is no list", "'- ' before each entry of rules"),
        ("rules: [{name: a, hour: {schedule: always}}]", "rules[0].hour", "the key 'hour' is not known here", "did you mean 'hours'?"),
        ("rules: [{name: a, hours: always}]", "rules[0].hours", "'always' is no mapping", "schedule"),
        ("rules: [{name: a, hours: {schedule: alwys}}]", "rules[0].hours.schedule", "there is no schedule 'alwys'", "did you mean 'always'?"),
        ("rules: [{name: a, hours: {schedule: [always, alwys]}}]", "rules[0].hours.schedule[1]", "there is no schedule 'alwys'", "always"),
        ("rules: [{name: a, hours: {schedule: {}}}]", "rules[0].hours.schedule", "a mapping is no text", "such as office"),
        ("rules: [{name: a, hours: {schedule: []}}]", "rules[0].hours.schedule", "the list is empty", ""),
        ("rules: [{name: a, hours: {schedule: always, pools: []}}]", "rules[0].hours.pools", "the list is empty", "at least one"),
        ("rules: [{name: a, hours: {schedule: always, lead: 20}}]", "rules[0].hours.lead", "20 is no duration", "30m, 2h"),
        ("rules: [{name: a, hours: {schedule: always, lead: -20m}}]", "rules[0].hours.lead", "'-20m' is no duration", "30m, 2h"),
        ("rules: [{name: a, hours: {schedule: always, enforce: yes}}]", "rules[0].hours.enforce", "'yes' is neither true nor false", ""),
        ("rules: [{name: a, hours: {schedule: always, only: end}}]", "rules[0].hours.only", "'end' is not accepted here", "one of start, stop"),
        ("rules: [{name: a, hours: {schedule: always}, mach: {names: a}}]", "rules[0].mach", "the key 'mach' is not known here", "did you mean 'match'?"),
        ("rules: [{name: a, hours: {schedule: always}, match: }]", "rules[0].match", "there is no value", "no such line"),
        ("environments: [{name: dev, match: {names: [a]}}]; rules: [{name: a, hours: {schedule: always}, match: {environments: [de]}}]", "rules[0].match.environments[0]", "there is no environment 'de'", "'dev'"),
        ("rules: [{name: a, hours: {schedule: always}, match: {environments: dev}}]", "rules[0].match.environments", "there is no environment 'dev'", "under environments"),
        ("environments: [{name: dev, match: {names: [a]}}]; rules: [{name: a, hours: {schedule: always}, except: {environments: zz}}]", "rules[0].except.environments", "there is no environment 'zz'", "expected one of dev"),
        ("rules: [{name: a, hours: {schedule: always}}, {name: A, hours: {schedule: always}}]", "rules[1].name", "the name 'A' is taken", ""),
        # guards
        ("guards: {min_off: 0}", "guards.min_off", "0 is no duration", "a number with a unit"),
        ("guards: {minoff: 0m}", "guards.minoff", "the key 'minoff' is not known here", "did you mean 'min_off'"),
        ("guards: [a]", "guards", "a list is no mapping", "{min_off: 2h}"),
        ("guards: {fleet_members: true}", "guards.fleet_members", "true is not accepted here", "one of refuse, allow"),
        ("guards: {stops: {at_most: 0, within: 1h}}", "guards.stops.at_most", "0 is no number of stops", "25%"),
        ("guards: {stops: {at_most: 101%, within: 1h}}", "guards.stops.at_most", "'101%' is no number of stops", "25%"),
        ("guards: {stops: {at_most: .25, within: 1h}}", "guards.stops.at_most", ".25 is no number of stops", "25%"),
        ("guards: {stops: {at_most: [1], within: 1h}}", "guards.stops.at_most", "a list is no number of stops", "25%"),
        ("guards: {stops: {at_most: 1, within: 0m}}", "guards.stops.within", "a stretch of no time holds nothing", "1h"),
        ("guards: {stops: {at_most: 1}}", "guards.stops.within", "the key 'within' is missing", "within: 1h"),
        ("guards: {breaker: {failures: 0, within: 1h}}", "guards.breaker.failures", "0 is too small", "such as 5"),
        ("guards: {breaker: {failures: many, within: 1h}}", "guards.breaker.failures", "'many' is no whole number", "such as 5"),
        ("environments: [{name: a, match: {names: a}, guards: {x: 1}}]", "environments[0].guards.x", "the key 'x' is not known here", "min_off"),
        # exceptions
        ("exceptions: [{cluster: a, keep: off, until: 2026-12-18, owner: a, reason: b}]", "exceptions[0].keep", "'off' is not accepted here", "running, stopped"),
        ("exceptions: [{cluster: a, keep: running, until: soon, owner: a, reason: b}]", "exceptions[0].until", "'soon' is no point in time", "2026-12-18T18:00+01:00"),
        ("exceptions: [{cluster: a, keep: running, until: 2026-12-18, owner: a}]", "exceptions[0].reason", "the key 'reason' is missing", "quarterly training run"),
        # notify
        ("notify: [a]", "notify", "a list is no mapping", "routes"),
        ("notify: {route: []}", "notify.route", "the key 'route' is not known here", "did you mean 'routes'?"),
        ("notify: {routes: {to: A}}", "notify.routes", "'routes' is no list", "'- ' before each entry of routes"),
        ("notify: {routes: [{}]}", "notify.routes[0].to", "the key 'to' is missing", "to: [OPERATORS_CHANNEL]"),
        ("notify: {routes: [{to: A, reasons: [stop_son]}]}", "notify.routes[0].reasons[0]", "'stop_son' is not accepted here", "'stop_soon'"),
        ("notify: {routes: [{to: A, match: {environments: x}}]}", "notify.routes[0].match.environments", "there is no environment 'x'", ""),
    ],
)  # fmt: skip
def test_each_mistake_is_one_sentence(text: str, path: str, message: str, expected: str) -> None:
    found = problem(text.replace("; rules", "\nrules"))
    assert found.file == "policy.yaml"
    assert found.line == (3 if "; rules" in text else 2)
    assert found.path == path
    assert message in found.message
    assert expected in str(found)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mode: plan", "the key 'version' is missing"),
        ("version: 2", "2 is not accepted here"),
        ("version: '1'", "'1' is not accepted here"),
        ("version: true", "true is not accepted here"),
        ("version: 1.0", "1.0 is not accepted here"),
    ],
)
def test_the_version_is_the_number_1(text: str, message: str) -> None:
    (found,) = problems(text)
    assert (found.path, found.message) == ("version", message)


def test_two_blocks_in_one_rule() -> None:
    found = problems("version: 1\nrules: [{name: a, hours: {schedule: always}, tier: {nonproduction: Free}}]")
    assert [(one.path, one.message) for one in found] == [
        ("rules[0]", "the rule has 2 blocks, hours and tier"),
    ]


MANY = """\
mode: plann
timezone: CEST
environments:
  - name: dev
    production: no
    match: {name: [a]}
calendars:
  berlin:
    country: DE
    subdivision: Berln
schedules:
  office:
    running:
      - Mon-Fri 07:30-19:00
      - Mon-Fri 25:00-26:00
    calendar: berln
rules:
  - name: one
    match:
      environments:
        - dev
        - stagin
    hours:
      schedule: offic
      leed: 20m
  - name: two
    spot: {}
exceptions:
  - cluster: a
    keep: running
    until: never
    owner: me
    reason: why
notify:
  routes:
    - to: [A, "https://hooks.example.com/services/T0/SECRET"]
"""


def test_all_mistakes_come_at_once_in_the_order_of_the_file() -> None:
    found = problems(MANY)
    assert [(one.line, one.path) for one in found] == [
        (1, "mode"),
        (1, "version"),
        (2, "timezone"),
        (5, "environments[0].production"),
        (6, "environments[0].match.name"),
        (10, "calendars.berlin.subdivision"),
        (15, "schedules.office.running[1]"),
        (16, "schedules.office.calendar"),
        (22, "rules[0].match.environments[1]"),
        (24, "rules[0].hours.schedule"),
        (25, "rules[0].hours.leed"),
        (27, "rules[1].spot.groups"),
        (31, "exceptions[0].until"),
        (36, "notify.routes[0].to[1]"),
    ]


def test_an_address_is_never_repeated() -> None:
    """Whoever puts a webhook's address into the policy by mistake would find its secret in a log."""
    assert "SECRET" not in "\n".join(map(str, problems(MANY)))


def test_no_word_of_the_machinery_reaches_people() -> None:
    said = "\n".join(map(str, problems(MANY)))
    assert not re.search(r"pydantic|Input should|type=|value_error|ValidationError|<block>|<word>|Annotated", said)


def test_a_mistake_is_one_line_that_starts_where_to_look() -> None:
    for one in problems(MANY):
        assert re.match(r"policy\.yaml(:\d+)?: [\w.'\[\]-]+: \S", str(one))
        assert "\n" not in str(one)


def test_a_long_value_is_cut() -> None:
    found = problem(f"mode: {'x' * 500}")
    assert "xxx..." in found.message
    assert len(found.message) < 150


def test_what_people_typed_cannot_drive_a_terminal() -> None:
    found = str(problem('mode: "a\\nb\\e[31mred"'))
    assert found.isprintable()


def test_thousands_of_mistakes_take_seconds_not_minutes() -> None:
    """Each misspelt name is compared with each known one, but only for the first hundred."""
    rules = "\n".join(f"  - {{name: r{n}, hours: {{schedule: nobody-{n}}}}}" for n in range(1500))
    known = "\n".join(f"  somebody-{n}: {{running: Mon 08:00-09:00}}" for n in range(1500))
    found = problems(f"version: 1\nrules:\n{rules}\nschedules:\n{known}\n")
    assert len(found) == 1500
    assert "did you mean" in str(found[0])
    assert "did you mean" not in str(found[-1])


def test_broken_entries_still_lend_their_names() -> None:
    """A rule that names a schedule with a mistake in it has no mistake of its own."""
    found = problem("schedules: {office: {running: [bad]}}\nrules: [{name: a, hours: {schedule: OFFICE}}]")
    assert found.path == "schedules.office.running[0]"


def test_of_two_ways_to_write_it_the_nearer_one_is_told() -> None:
    """A schedule may be a text or a list of them: a list with one bad item is not "no text" as well."""
    found = problem("rules: [{name: a, hours: {schedule: [always, {b: c}]}}]")
    assert (found.path, found.message) == ("rules[0].hours.schedule[1]", "a mapping is no text")


def test_entries_of_the_wrong_kind_are_told_where_they_stand() -> None:
    found = problems("version: 1\nschedules: {a: 1}\nenvironments: [{name: a, match: {tags: {x: [{y: z}]}}}]")
    assert [str(one) for one in found] == [
        "policy.yaml:2: schedules.a: 1 is no mapping; expected a mapping with the keys timezone, running, calendar",
        (
            "policy.yaml:3: environments[0].match.tags.x[0]: a mapping is no text; "
            "expected a value such as {environment: [dev, test]}"
        ),
    ]


def test_odd_names_are_quoted_in_paths() -> None:
    assert problem("schedules: {'late shift': {}}").path == "schedules.'late shift'.running"
    assert problem("calendars: {country: {}, tags: {}, x: {contry: DE}}").path == "calendars.x.contry"
