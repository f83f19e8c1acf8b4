"""History files as people have them: what is read of them, and what is said of one that is wrong."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lamplighter.backtest.csv_history import read_csv
from lamplighter.backtest.history import cut, merged, shared_seconds
from lamplighter.backtest.swf_history import read_swf
from shared.errors import InputError

CSV = """\
time,cluster,active,tag:environment,location
2026-03-02T08:00:00+01:00,web,1,dev,westeurope
2026-03-02T07:30:00Z,api,0,,
2026-03-02T12:00:00+01:00,web,0,,
2026-03-02T12:00:00Z,api,1,test,
2026-03-02T13:00:00Z,web,1,dev,
2026-03-02T15:00:00Z,web,1,,
2026-03-02T16:00:00Z,api,0,,
"""
SWF = """\
; Version: 2.2
; UnixStartTime: 749458803
; TimeZone: -28800
; TimeZoneString: US/Pacific
  1   100  10  600  1 -1 -1 -1 -1 -1 -1  7  1 -1 -1 -1 -1 -1
  2   500  -1  900  1 -1 -1 -1 -1 -1 -1  7  1 -1 -1 -1 -1 -1
  3  5000   0    5  1 -1 -1 -1 -1 -1 -1  9  1 -1 -1 -1 -1 -1
  4  6000   0   -1  1 -1 -1 -1 -1 -1 -1  9  1 -1 -1 -1 -1 -1
"""


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def written(folder: Path, text: str, name: str = "usage.csv") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


class TestCsv:
    def test_a_state_lasts_until_the_next_row(self, tmp_path: Path) -> None:
        api, web = read_csv(written(tmp_path, CSV)).traces
        assert web.busy == (
            (at("2026-03-02T07:00Z"), at("2026-03-02T11:00Z")),
            (at("2026-03-02T13:00Z"), at("2026-03-02T16:00Z")),
        )
        assert api.busy == ((at("2026-03-02T12:00Z"), at("2026-03-02T16:00Z")),)

    def test_a_cluster_begins_with_its_first_row_and_ends_with_the_file(self, tmp_path: Path) -> None:
        api, web = read_csv(written(tmp_path, CSV)).traces
        assert (web.begin, web.end) == (at("2026-03-02T07:00Z"), at("2026-03-02T16:00Z"))
        assert (api.begin, api.end) == (at("2026-03-02T07:30Z"), at("2026-03-02T16:00Z"))

    def test_columns_say_where_a_cluster_is_and_what_it_is_tagged_with(self, tmp_path: Path) -> None:
        """Policies match by tags: the first value that is not empty holds."""
        api, web = (trace.cluster for trace in read_csv(written(tmp_path, CSV)).traces)
        assert (web.name, web.location, dict(web.tags)) == ("web", "westeurope", {"environment": "dev"})
        assert (api.name, api.location, dict(api.tags)) == ("api", "", {"environment": "test"})

    def test_names_that_differ_in_case_are_one_cluster(self, tmp_path: Path) -> None:
        """As Azure's ids: two traces of one id would decide for each other."""
        rows = "2026-03-02T08:00Z,Web,1\n2026-03-02T09:00Z,web,0\n2026-03-02T09:30Z,WEB,0\n"
        (trace,) = read_csv(written(tmp_path, f"time,cluster,active\n{rows}")).traces
        assert (trace.cluster.name, trace.busy_seconds) == ("Web", 3600)

    def test_rows_that_say_the_same_twice(self, tmp_path: Path) -> None:
        rows = "2026-03-02T08:00Z,web,1\n" * 2 + "2026-03-02T09:00Z,web,0\n" * 2
        (trace,) = read_csv(written(tmp_path, f"time,cluster,active\n{rows}")).traces
        assert trace.busy_seconds == 3600

    def test_the_last_days_only(self, tmp_path: Path) -> None:
        rows = "".join(f"2026-03-{day:02}T08:00Z,web,1\n2026-03-{day:02}T09:00Z,web,0\n" for day in range(2, 12))
        history = read_csv(written(tmp_path, f"time,cluster,active\n{rows}")).last(2)
        assert [datetime.fromtimestamp(begin, UTC).day for begin, _ in history.traces[0].busy] == [10, 11]

    def test_zipped_and_with_a_byte_order_mark(self, tmp_path: Path) -> None:
        """What spreadsheets and log collectors write."""
        file = tmp_path / "usage.csv.gz"
        file.write_bytes(gzip.compress(b"\xef\xbb\xbf" + CSV.encode()))
        assert len(read_csv(file).traces) == 2


class TestSwf:
    def test_each_user_is_a_cluster_that_is_needed_while_a_job_runs(self, tmp_path: Path) -> None:
        """Job 1 waited ten seconds, job 2 began before it ended: one stretch of work."""
        history = read_swf(written(tmp_path, SWF, "log.swf"))
        seven, nine = history.traces
        start = 749458803
        assert seven.cluster.name == "user-7"
        assert seven.busy == ((start + 110, start + 1400),)
        assert nine.busy == ((start + 5000, start + 5060),), "a job under a minute counts as one; job 4 never ran"
        assert history.zone == "US/Pacific"
        assert (history.begin, history.end) == (start, start + 5060)

    def test_a_log_without_a_header_in_unix_time(self, tmp_path: Path) -> None:
        job = "1 1356996147 0 56011 64 1 1024 64 86400 68719476736 1 62 1 1 -1 1 1 1 {1241,1241} q_1d 1:ppn=64"
        (trace,) = read_swf(written(tmp_path, job, "log.swf")).traces
        assert trace.busy == ((1356996147, 1356996147 + 56011),)

    def test_a_zone_of_whole_hours(self, tmp_path: Path) -> None:
        """IANA counts westward: eight hours behind UTC is Etc/GMT+8."""
        text = SWF.replace("; TimeZoneString: US/Pacific\n", "")
        assert read_swf(written(tmp_path, text, "log.swf")).zone == "Etc/GMT+8"


HEAD = "time,cluster,active\n"
WRONG = [
    ("", "is empty", "time,cluster,active"),
    (HEAD, "tells of no cluster", "at least one"),
    ("cluster,active\nweb,1\n", "lacks time", "time,cluster,active"),
    ("time;cluster;active\n2026-03-02T08:00Z;web;1\n", "';' stands where commas are expected", "time,cluster,active"),
    (f"{HEAD}2026-03-02T08:00Z,web,1\n", "one moment only", "the last ends the history"),
    ("time,cluster,active,colour\n", "'colour'", "tag:NAME"),
    ("time,cluster,active,active\n", "twice", "time,cluster,active"),
    (f"{HEAD}2026-03-02T08:00:00,web,1\n", "in which zone", "2026-03-02T07:15:00Z"),
    (f"{HEAD}yesterday,web,1\n", "'yesterday' is no time", "2026-03-02T07:15:00Z"),
    (f"{HEAD}2026-03-02T08:00Z,web,yes\n", "'yes'", "1 while it is needed"),
    (f"{HEAD}2026-03-02T08:00Z,,1\n", "no cluster is named", "web-dev"),
    (f"{HEAD}2026-03-02T08:00Z,web\n", "2 values", "the header names 3"),
    (f"{HEAD}2026-03-02T08:00Z,web,1\n2026-03-02T07:59Z,web,0\n", "is before the row of web", "order of time"),
    (f"{HEAD}2026-03-02T08:00Z,web,1\n2026-03-02T08:00Z,web,0\n", "active and not active", "one row for each change"),
    (f"{HEAD}2026-03-02T08:00Z,web,1\n9026-03-02T09:00Z,web,0\n", "'9026-03-02T09:00Z'", "1990 to 2099"),
    (f"{HEAD}0026-03-02T08:00Z,web,1\n2026-03-02T09:00Z,web,0\n", "'0026-03-02T08:00Z'", "1990 to 2099"),
]
WRONG_SWF = [
    ("; only comments\n", "no job that ran", "18 numbers"),
    ("1 2 3\n", "3 fields", "18 numbers"),
    ("1 x 0 5 1 -1 -1 -1 -1 -1 -1 9 1 -1 -1 -1 -1 -1\n", "no number", "18 numbers"),
    ("1 100 0 5 1 -1 -1 -1 -1 -1 -1 9 1 -1 -1 -1 -1 -1\n", "when it begins", "UnixStartTime"),
    ("; UnixStartTime: soon\n1 100 0 5 1 -1 -1 -1 -1 -1 -1 9 1 -1 -1 -1 -1 -1\n", "'soon'", "749458803"),
]


class TestWrong:
    """One sentence on stderr that says which file, what, and what was expected; exit code 2."""

    @pytest.mark.parametrize(("text", "what", "expected"), WRONG, ids=[what for _, what, _ in WRONG])
    def test_csv(self, run, room: Path, text: str, what: str, expected: str) -> None:
        self.refused(run("backtest", "--history", str(written(room, text))), "usage.csv", what, expected)

    @pytest.mark.parametrize(("text", "what", "expected"), WRONG_SWF, ids=[what for _, what, _ in WRONG_SWF])
    def test_swf(self, run, room: Path, text: str, what: str, expected: str) -> None:
        self.refused(run("backtest", "--history", str(written(room, text, "log.swf"))), "log.swf", what, expected)

    def test_a_tag_that_changes(self, tmp_path: Path) -> None:
        """Which of two environments should a cluster be in? Nobody guesses."""
        text = "time,cluster,active,tag:environment\n2026-03-02T08:00Z,web,1,dev\n2026-03-02T09:00Z,web,0,prod\n"
        with pytest.raises(InputError, match="'prod' here and 'dev' above"):
            read_csv(written(tmp_path, text))

    def test_no_such_file_a_folder_and_something_that_is_no_text(self, run, room: Path) -> None:
        self.refused(run("backtest", "--history", "nowhere.csv"), "nowhere.csv", "no such file", "time,cluster,active")
        self.refused(run("backtest", "--history", str(room)), str(room), "directory", "time,cluster,active")
        (room / "usage.csv").write_bytes(b"\x00\xff\xfe\xfa")
        self.refused(run("backtest", "--history", "usage.csv"), "usage.csv", "not text", "time,cluster,active")
        (room / "usage.csv").write_bytes(gzip.compress(b"x" * 99)[:-9])
        self.refused(run("backtest", "--history", "usage.csv"), "usage.csv", "damaged", "time,cluster,active")

    def refused(self, ran, *said: str) -> None:
        assert (ran.code, ran.out) == (2, "")
        assert len(ran.err.splitlines()) == 1, ran.err
        assert all(part in ran.err for part in said), ran.err


def test_intervals() -> None:
    assert merged([(5, 9), (1, 3), (3, 4), (7, 12), (20, 20)]) == ((1, 4), (5, 12))
    assert cut([(0, 5), (8, 9), (12, 20)], 3, 15) == ((3, 5), (8, 9), (12, 15))
    assert shared_seconds([(0, 10), (20, 30)], [(5, 25), (29, 40)]) == 5 + 5 + 1
