#!/usr/bin/env python3
"""The parts of the harness that reckon: bars, tokens, templates, what perf and strace say, the chart and the page."""

import base64
import json
import pathlib
import sys
import tempfile
import unittest
from unittest import mock
import xml.dom.minidom

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from harness import bars, chart, contenders, page, rounds, sliced, symbols, table, templates, tokens
from harness.failure import Failed


def turn(ours, theirs):
    return {"keyward-key": {"cpuMicros": ours}, "haproxy-key": {"cpuMicros": theirs}}


class Bars(unittest.TestCase):
    BAR = bars.Bar("keyward-key", "haproxy-key", 1.00)

    def test_verdicts(self):
        for name, turns, verdict in (
            ("below", [turn(19, 20)] * 3, bars.HOLDS),
            ("at it", [turn(20, 20)] * 3, bars.HOLDS),
            ("above", [turn(21, 20)] * 3, bars.MISSED),
            ("the middle half spreads", [turn(15, 20), turn(20, 20), turn(25, 20)], bars.NOISY),
            ("it spreads, but no round is above", [turn(10, 20), turn(15, 20), turn(20, 20)], bars.HOLDS),
            ("one outlier does not count", [turn(19, 20)] * 6 + [turn(40, 20)], bars.HOLDS),
            ("the whole machine was slow for a round", [turn(19, 20), turn(190, 200), turn(19, 20)], bars.HOLDS),
        ):
            with self.subTest(name):
                self.assertEqual([row["verdict"] for row in bars.judge([self.BAR], turns)], [verdict])

    def test_who_did_not_run_is_not_judged(self):
        self.assertEqual(bars.judge([self.BAR], [{"keyward-key": {"cpuMicros": 1}}]), [])

    def test_every_bar_names_contenders(self):
        for bar in (*bars.REQUESTS, *bars.BODIES, *bars.LATENCY, *bars.LOGINS):
            for name in (bar.of, bar.against):
                self.assertIn(name.partition(":")[0], contenders.BY_NAME)


class Rounds(unittest.TestCase):
    class Options:
        rounds, most_rounds, seconds, long_seconds = 2, 3, 8, 24

    def run_with(self, ratios):
        ratios = iter(ratios)
        measure = lambda turn, seconds: {name: {"cpuMicros": next(ratios) if name == "keyward-key" else 1.0} for name in turn}
        names = {name: name for name in ("keyward-key", "haproxy-key", "floor")}
        found = rounds.turns(names, self.Options, measure, [Bars.BAR], lambda text: None)
        return found, [(len(one), one["keyward-key"]["seconds"]) for one in found]

    def test_a_quiet_bar_takes_no_more_rounds(self):
        self.assertEqual(self.run_with([1.0, 1.0])[1], [(3, 8), (3, 8)])

    def test_a_noisy_bar_is_measured_longer_and_alone(self):
        self.assertEqual(self.run_with([1.0, 2.0, 1.5, 1.5])[1], [(3, 8), (3, 8), (2, 24), (2, 24)])

    def test_and_not_for_ever(self):
        self.assertEqual(self.run_with([1.0, 2.0, 1.0, 2.0, 3.0])[1], [(3, 8), (3, 8), (2, 24), (2, 24), (2, 24)])

    def test_what_was_measured_longer_is_judged_by_that_alone(self):
        found, _ = self.run_with([0.5, 2.5, 0.9, 0.92])
        row = bars.judge([Bars.BAR], found)[0]
        self.assertEqual((row["rounds"], row["median"], row["verdict"]), (2, 0.91, bars.HOLDS))
        self.assertEqual(rounds.medians(found)["keyward-key"]["cpuMicros"], 0.91)


class Slices(unittest.TestCase):
    def test_a_round_is_its_slices_and_the_work_that_was_put_off(self):
        one = lambda rate, p99, requests: {"requestsPerSecond": rate, "p50Millis": 1.0, "p99Millis": p99, "requests": requests, "cpuMicros": 0}
        row = sliced.whole([one(100, 2, 100), one(300, 9, 300), one(200, 3, 200)], 0.006)
        self.assertEqual((row["requestsPerSecond"], row["p99Millis"], row["requests"], row["cpuMicros"]), (200, 3, 600, 10.0))

    def test_a_server_of_two_contenders_is_charged_to_whoever_loaded_it(self):
        cpu, last, seconds = {"a": 0.0, "b": 0.0}, {}, iter([5.0, 6.0, 9.0, 9.5])
        with mock.patch.multiple(sliced.usage, family=lambda pid: [pid], cpu_seconds=lambda pids: next(seconds)):
            for comes in ("a", "b", "a", None):
                sliced._settle(1, comes, cpu, last)
        self.assertEqual(cpu, {"a": 1.5, "b": 3.0})


class Texts(unittest.TestCase):
    def test_crates(self):
        for symbol, crate in (
            ("keyward_http::identity::set", "keyward_http"),
            ("<hyper::proto::h1::Conn<I,B,T> as core::future::Future>::poll", "hyper"),
            ("core::ptr::drop_in_place<http::header::HeaderMap>", "http"),
            ("<core::hash::sip::Hasher<S> as core::hash::Hasher>::write", "core"),
            ("sqlite3VdbeExec", None),
        ):
            self.assertEqual(symbols.crate(symbol), crate, symbol)

    def test_reports(self):
        report = "# x\n     4.57%  [kernel.kallsyms]   [k] tcp_ack\n    10.00%  keyward             [.] http::get      \n"
        self.assertEqual(symbols.of_report(report), [(10.0, "http", "http::get"), (4.57, "kernel", "tcp_ack")])
        counts = "% time     seconds  usecs/call     calls    errors syscall\n 50.00    0.1         1       200        3 read\n100.00    0.1         1       200        3 total\n"
        self.assertEqual(symbols.calls(counts), [("read", 200)])

    def test_a_template_asks_for_nothing_that_is_not_given(self):
        with tempfile.TemporaryDirectory() as home, self.assertRaises(Failed):
            templates.write("keyward.yaml", pathlib.Path(home) / "x", {})

    def test_tokens(self):
        header, claims, signature = tokens.hs256(1, "secret")[0].split(".")
        read = lambda part: json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        self.assertEqual(read(header)["alg"], "HS256")
        self.assertEqual(read(claims)["iss"], "keyward")
        self.assertEqual(len(signature), 43)


class Written(unittest.TestCase):
    ROW = {"requestsPerSecond": 1.0, "cpuMicros": 2.0, "p50Millis": 3.0, "p99Millis": 4.0, "cpuMiddleHalf": [1.9, 2.1]}
    RESULT = {
        "kind": "requests", "date": "2000-01-01", "contenders": {"upstream": ROW, "floor": ROW, "keyward-key": ROW},
        "bars": [], "rounds": [], "skipped": {"keyward-limit": "not yet"},
        "settings": {"connections": 64, "seconds": 8, "keys": 10000, "tokens": 256, "idle": 10000},
        "machine": {
            "cpu": "x", "cores": 2, "virtual": False, "memoryGib": 1, "kernel": "Linux 6.1", "governor": None, "loadBefore": 0.0,
            "apart": False, "programs": dict.fromkeys(("keyward", "commit", "rustc", "haproxy", "nginx", "wrk", "h2load"), "1"),
        },
    }

    def test_the_chart_is_xml_and_names_all_but_the_upstream(self):
        drawn = chart.draw(self.RESULT)
        xml.dom.minidom.parseString(drawn)
        self.assertEqual(drawn.count("<rect"), 2)

    def test_the_table_has_a_row_for_each_and_says_who_is_missing(self):
        block = "\n".join(page.block(self.RESULT))
        self.assertIn(f"| {table.title('floor')} | 1 | 2.0 | 3.00 | 4.00 |", block)
        self.assertIn("not yet", block)

    def test_the_page_has_the_markers_of_every_kind(self):
        text = page.PAGE.read_text()
        for kind in ("requests", "bodies", "latency", "idle", "tokens"):
            self.assertEqual(text.count(f"<!-- bench/run writes this: {kind} -->"), 1)
            self.assertEqual(text.count(f"<!-- until here: {kind} -->"), 1)


if __name__ == "__main__":
    unittest.main()
