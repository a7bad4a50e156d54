"""A red gate is excused when all that failed is quarantined and nothing speaks against it; else it is red."""
# ruff: noqa: RUF001 - the samples are what the runners print

from __future__ import annotations

import dataclasses
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core.failing import JUnitReport, failing_tests
from workbench.core.quarantine import Decision, RedRun, decide, matches, names_all, single

PYTEST = """\
F.F                                                                      [100%]
=================================== FAILURES ===================================
__________________________________ test_slow ___________________________________
E   assert 0
tests/test_net.py:2: AssertionError
=========================== short test summary info ============================
FAILED tests/test_net.py::test_slow - assert 0
FAILED tests/test_net.py::test_param[a/b] - assert 0
2 failed, 1 passed, 1 warning in 0.12s
"""
GO = """\
ok  \texample.com/app/sum\t0.001s
--- FAIL: TestSlow (0.00s)
    net_test.go:7: no
FAIL
FAIL\texample.com/app/net\t0.002s
FAIL
"""
GO_HERE = """\
--- FAIL: TestSlow (0.00s)
FAIL
exit status 1
FAIL\texample.com/app/net\t0.002s
"""
CARGO = """\
test slow ... FAILED
test good ... ok

failures:

---- slow stdout ----
assertion failed: false

failures:
    slow

test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.41s

error: test failed, to rerun pass `--lib`
   Doc-tests rs
test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s

error: 1 target failed:
    `--lib`
"""
NEXTEST = """\
        PASS [   0.004s] calc tests::it_works
        FAIL [   0.005s] calc tests::slow
     Summary [   0.010s] 2 tests run: 1 passed, 1 failed, 0 skipped
        FAIL [   0.005s] calc tests::slow
error: test run failed
"""
JEST = """\
FAIL ./net.test.js
  ● net › slow

    expect(received).toBe(expected)

Test Suites: 1 failed, 1 passed, 2 total
Tests:       1 failed, 3 passed, 4 total
Snapshots:   0 total
Time:        1.2 s
Ran all test suites.
npm error Lifecycle script `test` failed with error:
npm error code 1
"""
VITEST = """\
 FAIL  net.test.ts > net > slow
AssertionError: expected 1 to be 2

 Test Files  1 failed | 1 passed (2)
      Tests  1 failed | 3 passed (4)
   Start at  10:00:00
   Duration  312ms (transform 40ms)
"""
UNITTEST = """\
F.
======================================================================
FAIL: test_slow (test_net.Net.test_slow)
----------------------------------------------------------------------
AssertionError

----------------------------------------------------------------------
Ran 2 tests in 0.001s

FAILED (failures=1, skipped=2)
"""
RUNS = {
    "pytest": ("pytest -q", 1, PYTEST),
    "unittest": ("python -m unittest", 1, UNITTEST),
    "go": ("go test ./...", 1, GO),
    "go, one package": ("go test", 1, GO_HERE),
    "cargo": ("cargo test --no-fail-fast", 101, CARGO),
    "nextest": ("cargo nextest run --no-fail-fast", 100, NEXTEST),
    "jest": ("npm test", 1, JEST),
    "vitest": ("npx vitest run", 1, VITEST),
}
SLOW = ("*slow", "*Slow", "tests/test_net.py::test_param[a/b]")


def red(command: str, exit_code: int | None, output: str) -> RedRun:
    return RedRun(command, exit_code, output, failing_tests(output))


def pytest_run(output: str = PYTEST, command: str = "pytest -q", exit_code: int | None = 1) -> RedRun:
    return red(command, exit_code, output)


@pytest.mark.parametrize("runner", RUNS)
def test_red_is_excused_when_all_that_failed_is_quarantined(runner: str) -> None:
    command, exit_code, output = RUNS[runner]
    names = failing_tests(output)
    assert names and decide(red(command, exit_code, output), SLOW) == Decision(excused=names)


@pytest.mark.parametrize("runner", RUNS)
def test_one_failure_that_is_not_quarantined_keeps_it_red(runner: str) -> None:
    command, exit_code, output = RUNS[runner]
    assert decide(red(command, exit_code, output), ["*other"]) == Decision()
    assert decide(red(command, exit_code, output), []) == Decision()
    assert decide(pytest_run(), ["*slow"]) == Decision(), "the other test failed too"


@pytest.mark.parametrize("runner", RUNS)
def test_another_exit_code_or_none_keeps_it_red(runner: str) -> None:
    command, exit_code, output = RUNS[runner]
    for other in {1, 2, 3, 100, 101, 124, 137, 139, None} - {exit_code}:
        decision = decide(red(command, other, output), SLOW)
        assert not decision.excused and ("exit code" in decision.doubt or other is None)


@pytest.mark.parametrize("runner", RUNS)
def test_what_is_printed_behind_the_runner_keeps_it_red(runner: str) -> None:
    """A script may have run a linter after the tests: its word is the exit code then."""
    command, exit_code, output = RUNS[runner]
    decision = decide(red(command, exit_code, f"{output}src/app.py:1: unused import\n"), SLOW)
    assert not decision.excused and "does not end as" in decision.doubt


@pytest.mark.parametrize(
    "words",
    [
        "ERROR collecting tests/test_broken.py",
        "!!!!!!!!!!!!!!!!!!!! Interrupted: 1 error during collection !!!!!!!!!!!!!!!!!!!!",
        "!!!!!!!!!!!!!!!!!!!!!!! stopping after 1 failures !!!!!!!!!!!!!!!!!!!!!!!",
        "worker 'gw0' crashed while running 'tests/test_net.py::test_slow'",
        "INTERNALERROR> Traceback",
        "Fatal Python error: Aborted",
        "FAIL Required test coverage of 90% not reached. Total coverage: 80.00%",
        "FAIL\texample.com/app/bad [build failed]",
        "panic: runtime error: index out of range",
        "exit status 66",
        "Found 1 data race(s)",
        "Coverage failure: total of 50 is less than fail-under=90",
        "error: could not compile `rs` (lib test) due to 1 previous error",
        "process didn't exit successfully: `x` (signal: 11, SIGSEGV: invalid memory reference)",
        "Test suite failed to run",
        'Jest: "global" coverage threshold for lines (90%) not met: 80%',
        "Test Suites: 1 failed, 2 of 9 total",
        "warning: 3/10 tests were not run due to test failure (run with --no-fail-fast)",
        "Unhandled Rejection",
    ],
)
def test_signs_of_more_than_failed_tests_keep_it_red(words: str) -> None:
    for command, exit_code, output in RUNS.values():
        decision = decide(red(command, exit_code, f"{words}\n{output}"), (*SLOW, "*bad*", "*broken*"))
        assert not decision.excused and decision.doubt


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("2 failed", "3 failed"),
        ("2 failed", "2 failed, 1 error"),
        ("FAILED tests/test_net.py::test_param[a/b] - assert 0\n", ""),
        ("2 failed, 1 passed, 1 warning in 0.12s\n", ""),
    ],
)
def test_a_count_that_does_not_fit_the_names_keeps_it_red(old: str, new: str) -> None:
    assert old in PYTEST
    decision = decide(pytest_run(PYTEST.replace(old, new)), SLOW)
    assert not decision.excused and decision.doubt


def test_a_module_that_could_not_be_read_is_no_test() -> None:
    broken = "ERROR tests/test_slow.py\n1 error in 0.12s\n"
    assert decide(pytest_run(broken), ["*slow*"]) == Decision(doubt="more than single tests failed")


def test_a_package_that_ended_without_a_word_keeps_it_red() -> None:
    """`os.Exit` in a test ends the others of its package too."""
    ended = GO.replace("    net_test.go:7: no\nFAIL\n", "    net_test.go:7: no\n")
    assert not decide(red("go test ./...", 1, ended), SLOW).excused
    no_test = "FAIL\texample.com/app/slow\t0.1s\nFAIL\n"
    assert failing_tests(no_test) and not decide(red("go test ./...", 1, no_test), SLOW).excused


def test_a_success_that_was_not_expected_keeps_it_red() -> None:
    more = UNITTEST.replace("failures=1", "failures=1, unexpected successes=1")
    assert not decide(red("python -m unittest", 1, more), SLOW).excused


def test_two_runs_of_a_runner_are_counted_together() -> None:
    unnamed = "1 failed, 2 passed in 0.1s\n"
    assert not decide(pytest_run(unnamed + PYTEST), SLOW).excused
    green = "3 passed in 0.1s\n"
    assert decide(pytest_run(green + PYTEST), SLOW).excused


def test_what_was_cut_off_or_damaged_keeps_it_red() -> None:
    run = pytest_run()
    for less in (
        dataclasses.replace(run, whole=False),
        dataclasses.replace(run, report=JUnitReport(("tests.test_net.test_slow",), False)),
    ):
        assert not decide(less, SLOW).excused and "read whole" in decide(less, SLOW).doubt


def test_a_report_counts_where_the_output_names_nothing_and_both_where_it_does() -> None:
    report = JUnitReport(("tests.test_net.test_slow", "tests.test_net.test_param[a/b]"), True)
    quiet = dataclasses.replace(pytest_run("2 failed, 1 passed in 0.12s\n"), report=report)
    assert decide(quiet, SLOW).excused == report.failing
    assert decide(quiet, ["tests/test_net.py::test_slow"]) == Decision()
    both = dataclasses.replace(pytest_run(), report=report)
    assert decide(both, SLOW).excused == report.failing
    more = dataclasses.replace(both, report=JUnitReport((*report.failing, "tests.other"), True))
    assert decide(more, SLOW) == Decision()
    less = dataclasses.replace(pytest_run(), report=JUnitReport(report.failing[:1], True))
    assert decide(less, SLOW[:1]) == Decision(), "the output names one that the report does not"


@pytest.mark.parametrize(
    ("command", "alone"),
    [
        ("pytest", True),
        ("cd web && npm test", True),
        ("cd 'my web'; CI=1 npx jest --ci", True),
        (". venv/bin/activate && export A=b && python -m pytest -q 'tests/a b' 2>&1", True),
        ("pytest \\\n  -q", True),
        ("bash -ec 'cd x && pytest'", True),
        ("timeout 60 sh -c pytest", True),
        ("pytest -k 'a && b; c'", True),
        ("pytest && ruff check", False),
        (". ./all-tests.sh && pytest", False),
        ("eval 'pytest; ruff check'", False),
        ("/usr/bin/env bash -c 'pytest; ruff check'", False),
        ("for it in a b; do pytest $it; done", False),
        ("ruff check && pytest", False),
        ("pytest; true", False),
        ("pytest\nruff check", False),
        ("pytest || exit 1", False),
        ("pytest | tee log", False),
        ("pytest & wait", False),
        ("(pytest)", False),
        ("! pytest", False),
        ("bash -euc 'pytest && ruff check'", False),
        ("bash -eu -c 'pytest; ruff check'", False),
        ("timeout 60 sh -c 'pytest; ruff check'", False),
        ("pytest 'unclosed", False),
        ("", False),
    ],
)
def test_only_a_test_runner_alone_can_be_excused(command: str, alone: bool) -> None:
    assert single(command) is alone
    assert bool(decide(pytest_run(command=command), SLOW).excused) is alone


@pytest.mark.parametrize(
    "command", ["pytest -x", "pytest -qx tests", "jest --bail", "go test -failfast ./..."]
)
def test_a_runner_that_stops_early_is_not_excused(command: str) -> None:
    assert "stop early" in decide(pytest_run(command=command), SLOW).doubt


def test_scripts_that_a_package_manager_shows_are_looked_at() -> None:
    shown = "\n> app@1.0.0 test\n> {}\n\n" + JEST
    assert decide(red("npm test", 1, shown.format("jest --ci")), SLOW).excused
    assert not decide(red("npm test", 1, shown.format("jest && eslint .")), SLOW).excused


@pytest.mark.parametrize(
    ("pattern", "name", "same"),
    [
        ("tests/test_net.py::test_slow", "tests/test_net.py::test_slow", True),
        ("tests/test_net.py::test_slow", "tests/test_net.py::test_slower", False),
        ("tests/test_net.py::test_slow", "tests/test_net.py::test_slow[1]", False),
        ("tests/test_net.py::test_slow[1]", "tests/test_net.py::test_slow[1]", True),
        ("tests/test_net.py::test_slow[*]", "tests/test_net.py::test_slow[a/b]", True),
        ("tests/e2e/*", "tests/e2e/deep/test_a.py::test_b", True),
        ("tests/e2e/*", "tests/e2e_not/test_a.py::test_b", False),
        ("*::test_?", "a.py::test_b", True),
        ("*::Test_b", "a.py::test_b", False),
        ("tests/test_net.py::Net::test_slow[a/b]", "tests.test_net.Net.test_slow[a/b]", True),
        ("tests/e2e/*", "tests.e2e.test_a.test_b", True),
        ("tests/e2e/*", "testsXe2e.test_a", False),
        ("tests.e2e", "tests/e2e", False),
        ("tests.test_net.Net.test_slow[a/b]", "tests/test_net.py::Net::test_slow[a/b]", True),
        ("tests.test_net.test_slow", "tests/test_net.py::test_slower", False),
        ("tests.test_net.test_slow", "tests/test_net.py::test_slow[1]", False),
        ("tests.e2e.*", "tests/e2e/test_a.py::test_b", True),
        ("net.test_slow", "net::test_slow", False),
    ],
)
def test_patterns(pattern: str, name: str, same: bool) -> None:
    assert matches(pattern, name) is same


def test_patterns_that_name_everything_are_known() -> None:
    assert all(
        names_all(pattern) for pattern in ("", "*", "**", "*/*", "*.py".replace("py", "*"), "*::*", " ")
    )
    assert not any(names_all(pattern) for pattern in ("tests/*", "*slow*", "t"))


NAMES = st.from_regex(r"[a-z]{1,4}(/[a-z]{1,3})?\.py::test_[a-z]{1,3}", fullmatch=True)


@given(st.lists(NAMES, min_size=1, max_size=8, unique=True), st.data())
def test_excused_only_if_each_failure_is_listed(names: list[str], data: st.DataObject) -> None:
    listed = data.draw(st.lists(st.sampled_from(names), unique=True))
    lines = "".join(f"FAILED {name} - assert 0\n" for name in names)
    decision = decide(pytest_run(f"{lines}{len(names)} failed in 0.10s\n"), listed)
    assert bool(decision.excused) is (set(listed) == set(names))


@given(st.text(), st.sampled_from(["pytest", "go test"]), st.sampled_from([1, 101, None]))
def test_no_text_is_excused_by_accident(output: str, command: str, exit_code: int | None) -> None:
    assert decide(red(command, exit_code, output), ["a*", "*"]).excused == ()


@given(st.text(max_size=200))
def test_no_command_makes_it_stumble(command: str) -> None:
    assert single(command) in (True, False)


@pytest.mark.parametrize("piece", ["! ", "1 a, ", "1 a", "FAIL\t", "FAILED (failures=1, ", "*", "> x && "])
def test_hostile_output_costs_no_more_than_other(piece: str) -> None:
    output = piece * (1_000_000 // len(piece)) + "\n" + PYTEST + piece * 1_000
    began = time.process_time()
    decide(RedRun("pytest", 1, output, ("a.py::t",)), ["a*"])
    matches("*a" * 20 + "b", "a" * 400)
    assert time.process_time() - began < 2
