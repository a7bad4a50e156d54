"""Whether a red gate is excused because all that failed is quarantined. Pure.

Excusing publishes a tree that a gate called red, so doubt keeps it red. What must hold, all of it:

- every failing test could be read, from JUnit XML and from the output alike, and each is quarantined;
- the runner is one of ``RUNNERS``, its closing line is the last that was printed, it counts as many failures
  as there are names, and the exit code is the one by which it says that tests failed;
- nothing says that tests were not collected, not built or not run, that a process crashed, or that a limit
  besides the tests was missed;
- the command is that runner alone: a linter behind ``&&`` would not have run.

What a script, a Makefile or a test runner's configuration does in its inside cannot be seen.
"""

from __future__ import annotations

import fnmatch
import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from workbench.core.failing import LINE_LIMIT, JUnitReport, failing_tests

_NOTHING = re.compile(r"[*?./:>\s]*")


NO_REPORT = JUnitReport((), True)


@dataclass(frozen=True, slots=True)
class RedRun:
    """A red run of a gate: all that it printed, ``whole`` unless something was cut off, the failing tests
    that are named there, and what its JUnit XML says, if it wrote any. ``exit_code`` is None when it ran
    out of time."""

    command: str
    exit_code: int | None
    output: str
    printed: tuple[str, ...]
    whole: bool = True
    report: JUnitReport = NO_REPORT


@dataclass(frozen=True, slots=True)
class Decision:
    """The failing tests that are ``excused``, none when the gate stays red. ``doubt`` is then the rest of a
    sentence that says why it does although all that is known to have failed is quarantined."""

    excused: tuple[str, ...] = ()
    doubt: str = ""


def decide(run: RedRun, patterns: Sequence[str]) -> Decision:
    """Whether a red run is excused by ``patterns``: globs over names of tests (see ``matches``)."""
    if not patterns:
        return Decision()
    names = (*run.report.failing, *run.printed)
    if not names or not all(any(matches(pattern, name) for pattern in patterns) for name in names):
        return Decision()
    if doubt := _doubt(run):
        return Decision(doubt=doubt)
    return Decision(excused=run.report.failing or run.printed)


def matches(pattern: str, name: str) -> bool:
    """Whether a pattern names a test. ``*`` is any text and ``?`` any character, brackets are themselves and
    case counts. JUnit XML's ``tests.test_net.test_slow`` is known by ``tests/test_net.py::test_slow`` and
    the other way round: reports show the one, and pytest prints the other."""
    if _compiled(pattern).fullmatch(name):
        return True
    if ".py::" in name and not re.search(r"[/:]", pattern.partition("[")[0]):
        return _compiled(pattern).fullmatch(_dotted(name)) is not None
    plain = not re.search(r"[/:]", name.partition("[")[0])
    return plain and _compiled(_dotted(pattern)).fullmatch(name) is not None


def names_all(pattern: str) -> bool:
    """Whether a pattern names every test, or none: it holds nothing but wildcards and separators."""
    return _NOTHING.fullmatch(pattern) is not None


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """fnmatch's translation never backtracks over what a ``*`` took; brackets are made plain for it."""
    return re.compile(fnmatch.translate(pattern.replace("[", "[[]")))


def _dotted(pattern: str) -> str:
    """A pattern over pytest's names as one over the names in its JUnit XML."""
    where, bracket, rest = pattern.partition("[")
    return where.replace(".py::", ".").replace("::", ".").replace("/", ".") + bracket + rest


# -- reasons to doubt ------------------------------------------------------------------------------------


MANY = "it is more than one command, and what is behind the tests may not have run"


def _doubt(run: RedRun) -> str:
    if run.exit_code is None:
        return "it did not finish in time"
    if not run.whole or not run.report.whole:
        return "its output or its report was too long, or damaged, to be read whole"
    lines = _lines(run.output)
    if not single(run.command) or any(_CHAINED.match(line) for line in lines[:6]):
        return MANY
    if _FAIL_FAST.search(run.command):
        return "it is told to stop early, and not all tests may have run"
    if found := _TROUBLE.search(run.output):
        return f"it says `{found[0].strip()}`"
    runner = next((runner for runner in RUNNERS if runner.closing.fullmatch("\n".join(lines[-20:]))), None)
    if runner is None:
        return "its output does not end as that of a test runner that workbench knows"
    return _miscounted(run, runner, lines)


def _miscounted(run: RedRun, runner: Runner, lines: Sequence[str]) -> str:
    if run.exit_code != runner.exit_code:
        return f"its exit code is {run.exit_code}, not the {runner.exit_code} of failed tests"
    if not all(runner.name.match(name) for name in run.printed):
        return "more than single tests failed"
    failures = runner.failures(lines)
    if failures not in (len(run.printed), len(run.report.failing)):
        return "the number of failures that it counts is not that of the tests that could be named"
    return ""


_TROUBLE = re.compile(
    r"ERROR collecting|INTERNALERROR|Interrupted:|^!{3,} \w|stopping after|crashed while running"
    r"|Fatal Python error|Segmentation fault|_FailedTest|Failed to import test module"
    r"|Required test coverage|Coverage failure:|coverage threshold|ERROR: Coverage for"
    r"|\[(?:build|setup) failed\]|^panic: |^fatal error: |signal: "
    r"|^exit status (?!1$)|Found \d+ data race"
    r"|could not compile|doctest failed|[Cc]ancell?ing due to|not run due to"
    r"|Test suite failed to run|Test run was interrupted|\b\d+ of \d+ total|Unhandled (?:Error|Rejection)",
    re.MULTILINE,
)
"""What runners and their helpers say when more is wrong than a test that failed."""

_CHAINED = re.compile(r"[>$] .*(?:&&|\|\||;)")
"""How package managers show a script that they run, when that is more than one command."""

_WRAPPERS = re.compile(
    r"npm (?:ERR!|error)\b|error Command failed with exit code|info Visit |.*\bELIFECYCLE\b"
)
"""What package managers say after the command that they ran."""

_ANSI = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")


def _lines(output: str) -> list[str]:
    """The lines that hold something, without colours, up to where a package manager speaks."""
    lines = [line[:LINE_LIMIT].rstrip() for line in _ANSI.sub("", output).split("\n") if line.strip()]
    while lines and _WRAPPERS.match(lines[-1]):
        lines.pop()
    return lines


# -- the command ----------------------------------------------------------------------------------------

_PREPARING = frozenset({"cd", "export", "unset", "set", "umask", "ulimit"})
_ENVIRONMENT = re.compile(r".*(?:activate|env|env\.sh|nvm\.sh|conda\.sh)")
_SHELLS = frozenset({"sh", "bash", "dash", "ksh", "zsh", "fish"})
_SCRIPT = re.compile(r"-[a-z]*c")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_REDIRECTION = re.compile(r"[<>]+&?")
_FAIL_FAST = re.compile(
    r"(?:^|\s)(?:-[qvsl]*x[qvsl]*|--exitfirst|--maxfail|--?fail-?fast|--bail|--stepwise|--sw)\b"
)


def single(command: str) -> bool:
    """Whether a shell command is one program, with nothing but preparations (``cd web &&``) before it."""
    lexer = shlex.shlex(command.replace("\\\n", " ").strip(), posix=True, punctuation_chars="();<>|&\n")
    lexer.whitespace, lexer.whitespace_split, lexer.commenters = " \t", True, ""
    parts: list[list[str]] = [[]]
    try:
        for word in lexer:
            if word in ("&&", ";"):
                parts.append([])
            elif set(word) <= set("();<>|&\n") and not _REDIRECTION.fullmatch(word):
                return False
            else:
                parts[-1].append(word)
    except ValueError:
        return False
    *before, last = parts
    return all(_prepares(words) for words in before) and _one_program(last)


def _prepares(words: Sequence[str]) -> bool:
    if words and words[0] in (".", "source"):
        return len(words) == 2 and _ENVIRONMENT.fullmatch(words[1]) is not None
    return bool(words) and (words[0] in _PREPARING or all(_ASSIGNMENT.match(word) for word in words))


def _one_program(words: Sequence[str]) -> bool:
    words = [word for at, word in enumerate(words) if not _ASSIGNMENT.match(word) or any(words[:at])]
    if not words or words[0] in ("!", "eval"):
        return False
    for at, word in enumerate(words):  # `timeout 60 bash -ec "…"`
        if word.rpartition("/")[2] in _SHELLS:
            script = next((n for n in range(at + 1, len(words) - 1) if _SCRIPT.fullmatch(words[n])), None)
            return script is None or single(words[script + 1])
    return True


# -- the runners ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Runner:
    """A test runner: the exit code by which it says that tests failed, what its output ends with (the last
    20 lines are looked at), how it names a single test, and how it counts failures."""

    exit_code: int
    closing: re.Pattern[str]
    name: re.Pattern[str]
    failures: Callable[[Sequence[str]], int]


def _sum(pattern: str) -> Callable[[Sequence[str]], int]:
    """Counts by adding up the first groups of all lines that match: two runs of a runner are two counts."""
    counted, compiled = re.compile(r"(\d+)"), re.compile(pattern)

    def failures(lines: Sequence[str]) -> int:
        found = (compiled.match(line) for line in lines)
        return sum(int(number) for it in found if it for number in counted.findall(it[1]))

    return failures


_PYTEST_END = r"(?:=+ )?\d+ [a-z]+(?:, \d+ [a-z]+)* in [\d.]+s(?: \([\d:]+\))?(?: =+)?"


def _pytest_failures(lines: Sequence[str]) -> int:
    ends = (line for line in lines if re.fullmatch(_PYTEST_END, line))
    return sum(int(number) for end in ends for number in re.findall(r"(\d+) (?:failed|errors?)\b", end))


def _go_failures(lines: Sequence[str]) -> int:
    """Tests, each without its subtests' parents; -1 when a package ended without saying that it failed."""
    packages = sum(line.startswith("FAIL\t") for line in lines)
    ended = sum(line == "FAIL" for line in lines) - (lines[-1] == "FAIL")
    return len(failing_tests("\n".join(lines))) if packages and ended >= packages else -1


def _end(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?:.*\n)*{pattern}")


RUNNERS = (
    # pytest
    Runner(1, _end(_PYTEST_END), re.compile(r".*\w::\w"), _pytest_failures),
    # unittest
    Runner(
        1,
        _end(r"FAILED \((?:(?:failures|errors|skipped|expected failures)=\d+(?:, )?)+\)"),
        re.compile(r"[\w.]+$"),
        _sum(r"FAILED \(((?:(?:failures|errors)=\d+(?:, )?)+)"),
    ),
    # go test
    Runner(1, _end(r"FAIL(?:\t\S+\t[\d.]+s)?"), re.compile(r".*\.(?:Test|Fuzz|Example)"), _go_failures),
    # cargo test --no-fail-fast (without that, it stops behind the first crate that fails)
    Runner(
        101,
        re.compile(r"(?:.*\n)*error: \d+ targets? failed:(?:\n +`.*`)+"),
        re.compile(r"\S"),
        _sum(r"test result: FAILED\. \d+ passed; (\d+) failed"),
    ),
    # cargo nextest run --no-fail-fast
    Runner(
        100,
        _end(r"error: test run failed"),
        re.compile(r"\S+ \S"),
        _sum(r" *Summary \[.*\].* tests? run: .*?(\d+ failed|\d+ timed out)"),
    ),
    # jest
    Runner(1, _end(r"Ran all test suites.*\."), re.compile(r".* > "), _sum(r"Tests: +(\d+ failed)")),
    # vitest
    Runner(1, _end(r" *Duration .*"), re.compile(r".* > "), _sum(r" *Tests +(\d+ failed)")),
)
"""The runners whose red can be excused."""
