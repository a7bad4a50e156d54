"""Failing tests are named as their runner names them, and no text at all makes the reader stumble."""
# ruff: noqa: RUF001 - the samples are what the runners print

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core.failing import NAME_LIMIT, failing_tests, junit_failures

PYTEST_SHORT = """\
FFFE.                                                                    [100%]
=================================== FAILURES ===================================
______________________________ test_param[x - y] _______________________________

>   def test_param(a): assert a == "no"
E   AssertionError: assert 'x - y' == 'no'

tests/test_sum.py:3: AssertionError
----------------------------- Captured stderr call -----------------------------
ERROR    root:server.py:12 connection refused
ERROR server.example.com refused the connection
=========================== short test summary info ============================
FAILED tests/test_sum.py::test_param[x - y] - AssertionError: assert 'x - y' ...
FAILED tests/test_sum.py::test_param[q[1] - z] - AssertionError: assert 'q[1]...
FAILED tests/test_sum.py::test_param[a]b] - assert 1 - 2 == 3
FAILED tests/test_sum.py::TestSum::test_bad - assert 1 == 2
ERROR tests/test_broken.py
ERROR tests/test_sum.py::test_fix - RuntimeError: boom
3 failed, 1 passed, 2 errors in 0.48s
"""
PYTEST_SHORT_NAMES = (
    "tests/test_sum.py::test_param[x - y]",
    "tests/test_sum.py::test_param[q[1] - z]",
    "tests/test_sum.py::test_param[a]b]",
    "tests/test_sum.py::TestSum::test_bad",
    "tests/test_broken.py",
    "tests/test_sum.py::test_fix",
)

PYTEST_VERBOSE = """\
tests/test_sum.py::test_param[x - y] FAILED                              [ 20%]
tests/test_sum.py::TestSum::test_bad FAILED                              [ 60%]
tests/test_sum.py::test_fix ERROR                                        [ 80%]
tests/test_sum.py::test_ok PASSED                                        [100%]
"""

PYTEST_XDIST = """\
tests/test_sum.py::test_param[x - y]
[gw1] [ 20%] FAILED tests/test_sum.py::test_param[x - y]
[gw0] [ 60%] ERROR tests/test_sum.py::test_fix
[gw1] [100%] PASSED tests/test_sum.py::test_ok
"""

PYTEST_ONLY_HEADERS = """\
==================================== ERRORS ====================================
____________________ ERROR collecting tests/test_broken.py _____________________
tests/test_broken.py:1: in <module>
    import nothing_there
__________________________ ERROR at setup of test_fix __________________________
tests/test_sum.py:9: RuntimeError
=================================== FAILURES ===================================
_______________________________ TestSum.test_bad _______________________________

>       h()

tests/test_sum.py:7:
_ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _
E   assert 1 == 2

lib/checks.py:6: AssertionError
______________________________ test_param[v1.0] ________________________________
tests/test_sum.py:3: AssertionError
3 failed, 1 passed, 2 errors in 0.43s
"""

UNITTEST = """\
test_imp (unittest.loader._FailedTest.test_imp) ... ERROR
setUpClass (test_it.C) ... ERROR
test_a (test_it.T.test_a) ... FAIL
test_doc (test_it.T.test_doc)
With a docstring. ... ERROR
test_ok (test_it.T.test_ok) ... ok
test_sub (test_it.T.test_sub) ...
======================================================================
ERROR: test_doc (test_it.T.test_doc)
With a docstring.
----------------------------------------------------------------------
RuntimeError
======================================================================
FAIL: test_sub (test_it.T.test_sub) [m] (i=0)
----------------------------------------------------------------------
======================================================================
FAIL: test_sub (test_it.T.test_sub) [m] (i=1)
----------------------------------------------------------------------
======================================================================
FAIL: test_old (test_it.T)
----------------------------------------------------------------------
Ran 5 tests in 0.001s

FAILED (failures=3, errors=3)
"""

GO = """\
--- FAIL: TestParse (0.00s)
    parse_test.go:7: got 1
    --- FAIL: TestParse/empty (0.00s)
    --- FAIL: TestParse/deep (0.00s)
        --- FAIL: TestParse/deep/one (0.00s)
--- FAIL: TestAlone (0.01s)
FAIL
FAIL\texample.com/app/parse\t0.004s
ok  \texample.com/app/other\t0.002s
# example.com/app/broken
broken/x.go:3:1: syntax error
FAIL\texample.com/app/broken [build failed]
panic: boom
FAIL\texample.com/app/mad\t0.002s
FAIL
"""

GO_VERBOSE = """\
=== RUN   TestParse
    parse_test.go:7: got 1
--- FAIL: TestParse (0.00s)
=== RUN   TestFine
--- PASS: TestFine (0.00s)
FAIL
"""


def go_event(action: str, package: str, test: str | None = None) -> str:
    event = {"Time": "2024-05-01T10:00:00Z", "Action": action, "Package": package, "Elapsed": 0.1}
    return json.dumps(event | ({"Test": test} if test else {}))


GO_JSON = "\n".join(
    [
        go_event("run", "app/parse", "TestA"),
        '{"Action":"output","Package":"app/parse","Test":"TestA","Output":"--- FAIL: TestA (0.00s)\\n"}',
        go_event("fail", "app/parse", "TestA/sub"),
        go_event("fail", "app/parse", "TestA"),
        go_event("fail", "app/parse"),
        go_event("pass", "app/other", "TestB"),
        go_event("fail", "app/broken"),
        '{"Action":"fail", broken',
    ]
)

CARGO = """\
     Running unittests src/lib.rs (target/debug/deps/calc-c6626fb655a8d231)

running 4 tests
test tests::it_works ... ok
test tests::panics - should panic ... FAILED
test tests::it_fails ... FAILED
test tests::chatty ... hello
FAILED

failures:

---- tests::it_fails stdout ----
thread 'tests::it_fails' (3064) panicked at src/lib.rs:8:42:
    tests::not_a_name

failures:
    tests::chatty
    tests::it_fails
    tests::panics

test result: FAILED. 1 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out

   Doc-tests calc
test src/lib.rs - add (line 1) ... FAILED

failures:
    src/lib.rs - add (line 1)

test result: FAILED. 0 passed; 1 failed
"""

NEXTEST = """\
        PASS [   0.004s] calc tests::it_works
        FAIL [   0.005s] calc tests::it_fails
  TRY 1 FAIL [   0.005s] (2/9) calc::it shaky
  TRY 2 PASS [   0.005s] (2/9) calc::it shaky
     TIMEOUT [  60.005s] calc::it slow
     SIGSEGV [   0.105s] calc::bin/tool crashes
────────────
     Summary [   0.010s] 5 tests run: 2 passed, 3 failed, 0 skipped
  FLAKY 2/2 [   0.005s] calc::it shaky
        FAIL [   0.005s] calc tests::it_fails
"""

JEST = """\
PASS ./ok.test.js
  ● Console
FAIL ./sum.test.js (5.21 s)
  ● Console

    console.log
      x

  ● flat

    expect(received).toBe(expected) // Object.is equality

  ● sum › deep › too

    x

FAIL web ./bad.test.tsx
  ● Test suite failed to run

    Cannot find module './nope' from 'bad.test.tsx'

Summary of all failing tests
FAIL ./sum.test.js
  ● flat

Test Suites: 2 failed, 1 passed, 3 total
"""

VITEST = """\
 \x1b[31m❯\x1b[39m sum.test.mjs \x1b[2m(\x1b[22m\x1b[2m4 tests\x1b[22m | \x1b[31m3 failed\x1b[39m) 6ms
\x1b[31m   \x1b[31m×\x1b[31m flat\x1b[39m\x1b[32m 4\x1b[2mms\x1b[22m\x1b[39m

\x1b[41m\x1b[1m FAIL \x1b[22m\x1b[49m bad.test.mjs\x1b[2m [ bad.test.mjs ]\x1b[22m
Error: Cannot find module './nope.mjs' imported from bad.test.mjs

\x1b[41m\x1b[1m FAIL \x1b[22m\x1b[49m sum.test.mjs\x1b[2m > \x1b[22mflat
AssertionError: expected 1 to be 2 // Object.is equality
 FAIL  |unit| sum.test.mjs > sum > adds (twice)
AssertionError: expected 1 to be 2
"""

MOCHA = """\
  1) flat
  sum
    2) adds
    ✔ ok

  1 passing (3ms)
  3 failing

  1) flat:

      AssertionError [ERR_ASSERTION]: 1 == 2
      at Context.<anonymous> (m/a.js:2:25)

  2) sum
       adds:

      AssertionError [ERR_ASSERTION]: 1 == 2

  3) sum
       deep
         "before all" hook for "y":
     Error: x
"""

TAP = """\
TAP version 13
# Subtest: flat fails
not ok 1 - flat fails
  ---
  location: '/tmp/gate-1/a.test.mjs:2:1'
  error: '1 == 2'
  ...
# Subtest: ok
ok 2 - ok
# Subtest: suite
    # Subtest: inner fails
    not ok 1 - inner fails
      ---
      failureType: 'testCodeFailure'
      ...
    # Subtest: deep
        # Subtest: too
        not ok 1 - too
        1..1
    not ok 2 - deep
      ---
      failureType: 'subtestsFailed'
      ...
    # Subtest: inner ok
    ok 3 - inner ok
    1..3
not ok 3 - suite
# Subtest: todo one
not ok 4 - todo one # TODO
not ok 5 skipped # skip for now
not ok 6
1..6
# fail 3
"""

NODE_SPEC = """\
▶ suite
  ✖ inner fails (0.215752ms)
    AssertionError [ERR_ASSERTION]: 1 == 2
✖ suite (1.210236ms)
ℹ fail 3

✖ failing tests:

test at a.test.mjs:2:1
✖ flat fails (1.103677ms)
  AssertionError [ERR_ASSERTION]: 1 == 2

test at a.test.mjs:3:27
✖ inner fails (0.215752ms)

test at a.test.mjs:4:1
✖ todo one (0.159789ms) # TODO
"""

SUREFIRE = """\
[ERROR] Tests run: 3, Failures: 1, Errors: 1, Skipped: 0, Time elapsed: 0.05 s <<< FAILURE! - in com.x.FooTest
[ERROR] testOld(com.x.FooTest)  Time elapsed: 0.011 s  <<< FAILURE!
[ERROR] com.x.FooTest.testA  Time elapsed: 0.01 s  <<< FAILURE!
org.opentest4j.AssertionFailedError: expected: <1> but was: <2>
[ERROR] com.x.BarTest.testB(int)[1] -- Time elapsed: 0.01 s <<< ERROR!
[INFO] Results:
[ERROR] Failures:
[ERROR]   FooTest.testA:12 expected: <1> but was: <2>
[ERROR] Errors:
[ERROR]   BarTest.testB:20 » NullPointer
[ERROR] Tests run: 3, Failures: 1, Errors: 1, Skipped: 0
"""

SUREFIRE_SUMMARY = """\
[ERROR] Failures:
[ERROR]   FooTest.testA:12 expected: <1> but was: <2>
[ERROR] Errors:
[ERROR]   BarTest.testB » NullPointer
[ERROR] Failed to execute goal org.apache.maven.plugins:maven-surefire-plugin:3.2.5:test
"""

SAMPLES = {
    "pytest": (PYTEST_SHORT, PYTEST_SHORT_NAMES),
    "pytest -v": (
        PYTEST_VERBOSE,
        (
            "tests/test_sum.py::test_param[x - y]",
            "tests/test_sum.py::TestSum::test_bad",
            "tests/test_sum.py::test_fix",
        ),
    ),
    "pytest -v -n2": (
        PYTEST_XDIST,
        ("tests/test_sum.py::test_param[x - y]", "tests/test_sum.py::test_fix"),
    ),
    "pytest -rN": (
        PYTEST_ONLY_HEADERS,
        (
            "tests/test_broken.py",
            "tests/test_sum.py::test_fix",
            "tests/test_sum.py::TestSum::test_bad",
            "tests/test_sum.py::test_param[v1.0]",
        ),
    ),
    "pytest, subtests": (
        "SUBFAILED[case 1] tests/test_a.py::test_one - assert 1 == 2\n",
        ("tests/test_a.py::test_one",),
    ),
    "unittest": (
        UNITTEST,
        (
            "test_imp",
            "test_it.C.setUpClass",
            "test_it.T.test_a",
            "test_it.T.test_doc",
            "test_it.T.test_sub",
            "test_it.T.test_old",
        ),
    ),
    "go": (
        GO,
        (
            "example.com/app/parse.TestParse/empty",
            "example.com/app/parse.TestParse/deep/one",
            "example.com/app/parse.TestAlone",
            "example.com/app/broken [build failed]",
            "example.com/app/mad",
        ),
    ),
    "go -v, cut": (GO_VERBOSE, ("TestParse",)),
    "go -json": (GO_JSON, ("app/parse.TestA/sub", "app/broken")),
    "cargo": (CARGO, ("tests::panics", "tests::it_fails", "tests::chatty", "src/lib.rs - add")),
    "nextest": (NEXTEST, ("calc tests::it_fails", "calc::it slow", "calc::bin/tool crashes")),
    "jest": (JEST, ("./sum.test.js > flat", "./sum.test.js > sum > deep > too", "./bad.test.tsx")),
    "vitest": (VITEST, ("bad.test.mjs", "sum.test.mjs > flat", "sum.test.mjs > sum > adds (twice)")),
    "mocha": (MOCHA, ("flat", "sum > adds", 'sum > deep > "before all" hook for "y"')),
    "tap": (TAP, ("flat fails", "suite > inner fails", "suite > deep > too", "not ok 6")),
    "node spec": (NODE_SPEC, ("a.test.mjs > flat fails", "a.test.mjs > inner fails")),
    "surefire": (
        SUREFIRE,
        ("com.x.FooTest.testOld", "com.x.FooTest.testA", "com.x.BarTest.testB(int)[1]"),
    ),
    "surefire, cut": (SUREFIRE_SUMMARY, ("FooTest.testA", "BarTest.testB")),
    "gradle": (
        "com.x.FooTest > testA() FAILED\n    java.lang.AssertionError\n",
        ("com.x.FooTest > testA()",),
    ),
}

JUNIT = """\
<?xml version="1.0" encoding="utf-8"?>
<testsuites><testsuite name="pytest" errors="1" failures="1">
<testcase classname="tests.test_sum.TestSum" name="test_bad &gt; x" time="0.001">
  <failure message="assert 1 == 2">text with &lt;testcase&gt;</failure></testcase>
<testcase classname="tests.test_sum" name="test_ok" time="0.000" />
<testcase classname="tests.test_sum" name="test_again"><rerunFailure message="shaky"/></testcase>
<testcase name="bare"><error message="boom"/><system-out>x</system-out></testcase>
</testsuite></testsuites>
"""


@pytest.mark.parametrize("runner", SAMPLES)
def test_names_are_read_as_the_runner_prints_them(runner: str) -> None:
    output, names = SAMPLES[runner]
    assert failing_tests(output) == names


@pytest.mark.parametrize("runner", SAMPLES)
def test_colours_line_ends_and_repetition_change_nothing(runner: str) -> None:
    output, names = SAMPLES[runner]
    coloured = "".join(f"\x1b[1;31m{line[:9]}\x1b[0m{line[9:]}\r\n" for line in output.split("\n"))
    assert failing_tests(coloured) == names
    assert set(failing_tests(output + "\n" + output)) == set(names)


def test_several_runners_in_one_output_keep_their_order() -> None:
    found = failing_tests(MOCHA + PYTEST_SHORT + GO)
    assert found[0] == "flat" and found[-1] == "example.com/app/mad"
    assert len(found) == 3 + len(PYTEST_SHORT_NAMES) + 5


@pytest.mark.parametrize(
    "output",
    [
        "",
        "Traceback (most recent call last):\nValueError: no\n",
        "ERROR something FAILED badly in module.py\nFAILED (failures=1)\nmake: *** [test] Error 1\n",
        "error[E0425]: cannot find value `x`\nerror: could not compile `calc` (lib test)\n",
        "test result: ok. 4 passed; 0 failed\n",
        "  ● Console\n✖ lint failed (3ms)\nFAIL\nFAILED\nnot okay\n  0 failing\n  1) sum:\n",
    ],
)
def test_what_names_no_test_gives_nothing(output: str) -> None:
    assert failing_tests(output) == ()


def test_junit_names_failures_and_errors_only() -> None:
    assert junit_failures(JUNIT) == ("tests.test_sum.TestSum.test_bad > x", "bare")
    assert failing_tests("collected 4 items\n" + JUNIT + "trailing words") == junit_failures(JUNIT)


def test_junit_cut_short_counts_up_to_the_cut() -> None:
    assert junit_failures(JUNIT[: JUNIT.index("<testcase name=")]) == ("tests.test_sum.TestSum.test_bad > x",)


def test_junit_with_entities_is_not_expanded() -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>' + JUNIT.partition("?>")[2].lstrip()
    assert junit_failures(bomb) == ()


def test_long_names_are_cut() -> None:
    (name,) = failing_tests(f"FAILED tests/test_a.py::test_{'x' * 10_000} - assert 0\n")
    assert len(name) == NAME_LIMIT


FRAGMENTS = st.sampled_from(
    [line for output, _ in SAMPLES.values() for line in output.split("\n")]
    + ['{"Action":"fail","Package":["x"],"Test":{}}', '{"fail"' + "[" * 3_000, "<testcase", "\x1b[", "\ud800"]
)


@given(
    st.lists(st.one_of(FRAGMENTS, st.text(max_size=60)), max_size=40),
    st.sampled_from(["\n", "\r\n", " ", ""]),
)
def test_any_text_gives_names_and_never_raises(parts: list[str], glue: str) -> None:
    output = glue.join(parts)
    found = failing_tests(output)
    assert len(set(found)) == len(found)
    assert all(0 < len(name) <= NAME_LIMIT for name in found)
    assert junit_failures(output) is not None


@given(st.text())
def test_plain_text_never_raises(text: str) -> None:
    assert failing_tests(text) == failing_tests(text)


@pytest.mark.parametrize(
    "line",
    [
        "FAILED tests/test_a.py::test_x[" + "[ - " * 800,
        "a.b::c" + " FAILED" * 500 + "!",
        "test " + "x - should panic" * 200,
        "FAIL " + "a.js > " * 500 + "[(",
        "<<< " + "a.b" * 1_000 + " Time elapsed",
        "_" * 3_000 + " x " + "_" * 900,
        "\x1b[" + "0;" * 1_900,
        "    not ok " + " -" * 1_900,
        "x > " * 900 + "FAILED",
    ],
)
def test_time_grows_with_the_output_only(line: str) -> None:
    def seconds(count: int) -> float:
        began = time.process_time()
        failing_tests("\n".join([line] * count))
        return time.process_time() - began

    seconds(5)
    # 400 lines of the worst kind are 1.5 MB; quadratic time in them would take minutes.
    assert seconds(400) < 8
